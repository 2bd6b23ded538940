//! Hostile clients of the twin: it lives, holds little memory, cuts the silent, and serves an honest client throughout.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mqttcert_fixtures::pulse::{State, pulse};
use time::OffsetDateTime;

use mqttcert_fixtures::Dice;

use crate::broker::{connect, packet, text};
use crate::peers::{self, Running};

const BINARY: &str = env!("CARGO_BIN_EXE_mqttcert");
/// Debug builds on a busy machine are slower; the bar of 100 ms is for the released program.
const SLOW: u32 = if cfg!(debug_assertions) { 5 } else { 1 };
const MEGABYTE: usize = 1 << 20;

/// The twin with a plaintext, a TLS and a websockets listener, anonymous.
struct Target {
    broker: Running,
    plain: u16,
    tls: u16,
    web: u16,
}

impl Target {
    fn start(name: &str) -> Target {
        let dir = peers::folder(name);
        let certs = pulse(&dir, State::After, OffsetDateTime::now_utc()).unwrap();
        let [plain, tls, web] = [peers::free_port(), peers::free_port(), peers::free_port()];
        let at = |file: &str| certs.join(file).display().to_string();
        let conf = format!(
            "user root\nallow_anonymous true\nlistener {plain} 127.0.0.1\nlistener {web} 127.0.0.1\nprotocol websockets\n\
             listener {tls} 127.0.0.1\ncafile {}\ncertfile {}\nkeyfile {}\n",
            at("ca.crt"),
            at("server.crt"),
            at("server.key")
        );
        fs::write(certs.join("hostile.conf"), conf).unwrap();
        let mut command = Command::new(BINARY);
        command.args(["broker", "--quiet", "--conf", "hostile.conf"]).current_dir(&certs);
        let broker = Running::start(&mut command);
        assert!(peers::soon(|| [plain, tls, web].iter().all(|p| peers::open(*p))), "{}", broker.log());
        Target { broker, plain, tls, web }
    }

    /// The most memory that it has held so far, in kB.
    fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.broker.id())).unwrap();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }
}

fn dial(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    stream
}

/// A packet of any length.
fn long(head: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![head];
    let mut rest = body.len();
    while rest > 127 {
        out.push((rest % 128) as u8 | 0x80);
        rest /= 128;
    }
    out.push(rest as u8);
    out.extend_from_slice(body);
    out
}

fn publish(topic: &str, qos: u8, retain: bool, payload: &[u8]) -> Vec<u8> {
    let id: &[u8] = if qos > 0 { &[0, 7] } else { &[] };
    long(0x30 | qos << 1 | u8::from(retain), &[&text(topic.as_bytes()), id, payload].concat())
}

/// A client that is let in.
fn guest(port: u16, version: u8, id: &str) -> TcpStream {
    let mut stream = dial(port);
    stream.write_all(&connect(version, 2, id, None)).unwrap();
    let mut head = [0; 2];
    stream.read_exact(&mut head).unwrap();
    let mut rest = vec![0; usize::from(head[1])];
    stream.read_exact(&mut rest).unwrap();
    assert_eq!((head[0], rest[1]), (0x20, 0), "{id}");
    stream
}

/// Connects, subscribes, and sends itself a message, again and again; the longest that any of it took.
fn honest(port: u16, over: &AtomicBool) -> (Duration, usize) {
    let (mut worst, mut served) = (Duration::ZERO, 0);
    while !over.load(Ordering::Relaxed) {
        let start = Instant::now();
        let mut stream = guest(port, 4, "honest");
        worst = worst.max(start.elapsed());
        stream.write_all(&packet(0x82, &[&[0, 1], &text(b"honest"), &[0]])).unwrap();
        stream.read_exact(&mut [0; 5]).unwrap();
        let message = publish("honest", 0, false, b"still here");
        for _ in 0..10 {
            let start = Instant::now();
            stream.write_all(&message).unwrap();
            let mut back = vec![0; message.len()];
            stream.read_exact(&mut back).unwrap();
            assert_eq!(back, message);
            worst = worst.max(start.elapsed());
            served += 1;
            thread::sleep(Duration::from_millis(3));
        }
    }
    (worst, served)
}

/// Whether the other side has ended the connection within the stream's own time.
fn is_cut(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(e) => return !matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }
}

#[test]
fn the_silent_and_the_slow_are_cut_after_ten_seconds() {
    let target = Target::start("hostile-silent");
    let start = Instant::now();
    let hello: &[u8] = &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
    let mut cases: Vec<(&str, TcpStream)> = Vec::new();
    for _ in 0..10 {
        for (what, port, first) in [
            ("nothing", target.plain, &b""[..]),
            ("half a CONNECT", target.plain, &[0x10, 20, 0, 4, b'M']),
            ("a CONNECT byte by byte", target.plain, &[0x10]),
            ("no ClientHello", target.tls, b""),
            ("half a ClientHello", target.tls, hello),
            ("no request", target.web, b""),
            ("half a request", target.web, b"GET /mqtt HTTP/1.1\r\nUpgrade: webso"),
        ] {
            let mut stream = dial(port);
            stream.write_all(first).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(13))).unwrap();
            cases.push((what, stream));
        }
    }
    let mut slow: Vec<TcpStream> =
        cases.iter().filter(|c| c.0.contains("byte")).map(|c| c.1.try_clone().unwrap()).collect();
    thread::spawn(move || {
        let packet = connect(4, 2, "a client with a long name that never gets in", None);
        for byte in &packet[1..] {
            thread::sleep(Duration::from_millis(400));
            let _ = slow.iter_mut().try_for_each(|s| s.write_all(&[*byte]));
        }
    });
    for (what, mut stream) in cases {
        assert!(is_cut(&mut stream), "{what}: not cut");
        let after = start.elapsed();
        assert!(
            after > Duration::from_secs(9) && after < Duration::from_secs(12),
            "{what}: cut after {after:?}"
        );
    }
}

#[test]
fn hostile_clients_cost_little_memory_and_an_honest_one_is_served_throughout() {
    let mut target = Target::start("hostile-many");
    let over = Arc::new(AtomicBool::new(false));
    let (port, told) = (target.plain, over.clone());
    let client = thread::spawn(move || honest(port, &told));
    thread::sleep(Duration::from_millis(300));
    let before = target.peak();

    for (what, attack) in ATTACKS {
        let start = Instant::now();
        attack(&target);
        let (took, grown) = (start.elapsed(), target.peak() - before);
        println!("{what:<22} {took:>8.1?}, peak memory grown by {grown} kB");
        assert!(target.broker.ended().is_none(), "{what} ended the broker: {}", target.broker.log());
        assert!(grown < 16 * 1024, "{what}: memory grew by {grown} kB");
    }
    over.store(true, Ordering::Relaxed);
    let (worst, served) = client.join().unwrap();
    println!("the honest client: {served} messages, the slowest answer after {worst:?}");
    assert!(worst < Duration::from_millis(100) * SLOW, "{worst:?}");

    // With clients of every kind still there.
    let mut held: Vec<TcpStream> = (0..50).map(|i| guest(target.plain, 5, &format!("held-{i}"))).collect();
    held.extend((0..50).map(|_| dial(target.tls)));
    let start = Instant::now();
    assert!(target.broker.stop());
    assert!(start.elapsed() < Duration::from_secs(1), "stopped after {:?}", start.elapsed());
    assert_eq!(target.broker.ended(), Some(0));
}

const ATTACKS: [(&str, fn(&Target)); 10] = [
    ("garbage", garbage),
    ("mutated packets", mutated),
    ("oversized lengths", oversized),
    ("unfinished frames", unfinished_frames),
    ("great names", great_names),
    ("subscriptions", subscriptions),
    ("sessions", sessions),
    ("retained messages", retained),
    ("one who never reads", never_reads),
    ("come and go", come_and_go),
];

/// 500 connections at once, each with bytes of its own, on every kind of listener.
fn garbage(target: &Target) {
    let mut dice = Dice(0x6761_7262_6167_6501);
    let mut streams = Vec::new();
    for i in 0..500 {
        let mut stream = dial([target.plain, target.tls, target.web][i % 3]);
        let mut bytes: Vec<u8> = (0..2048).map(|_| dice.below(256) as u8).collect();
        // Half of them begin as a CONNECT or a ClientHello would.
        if i % 2 == 0 {
            bytes[0] = [0x10, 0x16, b'G'][i % 3];
        }
        let _ = stream.write_all(&bytes);
        streams.push(stream);
    }
    thread::sleep(Duration::from_millis(300));
}

/// Good packets with a few bytes changed, cut off, or doubled.
fn mutated(target: &Target) {
    let mut dice = Dice(0x6d75_7461_7465_6401);
    for i in 0..1500 {
        let version = [3, 4, 5][i % 3];
        let none: &[u8] = if version == 5 { &[0] } else { &[] };
        let mut bytes = connect(version, 2, "m", None);
        let clean = bytes.len();
        bytes.extend(packet(0x82, &[&[0, 1], none, &text(b"m/#"), &[1]]));
        bytes.extend(packet(0x34, &[&text(b"m/x"), &[0, 2], none, b"payload"]));
        bytes.extend(packet(0x62, &[&[0, 2]]));
        let from = if i % 2 == 0 { clean } else { 0 };
        for _ in 0..1 + dice.below(4) {
            let at = from + dice.below(bytes.len() - from);
            bytes[at] = dice.below(256) as u8;
        }
        bytes.truncate(bytes.len() - dice.below(4));
        let _ = dial(target.plain).write_all(&bytes);
    }
}

/// Lengths of up to 256 MB are announced and a part is sent.
fn oversized(target: &Target) {
    let mut streams = Vec::new();
    for i in 0..100 {
        let mut stream = dial(target.plain);
        let head = if i % 2 == 0 { 0x10 } else { 0x30 };
        if i % 2 == 1 {
            stream = guest(target.plain, 4, &format!("oversized-{i}"));
        }
        let _ = stream.write_all(&[head, 0xff, 0xff, 0xff, if i % 4 < 2 { 0x7f } else { 1 }]);
        let _ = stream.write_all(&vec![b'x'; 256 * 1024]);
        streams.push(stream);
    }
    // Below the cap, but many at once: the last byte never comes.
    for i in 0..20 {
        let mut stream = guest(target.plain, 4, &format!("large-{i}"));
        let mut bytes = publish("large", 0, false, &vec![b'x'; 2 * MEGABYTE]);
        bytes.truncate(bytes.len() - 1);
        let _ = stream.write_all(&bytes);
        streams.push(stream);
    }
}

/// Websocket frames of 2 MB of which the end never comes.
fn unfinished_frames(target: &Target) {
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut stream = dial(target.web);
        let request = "GET /mqtt HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Protocol: mqtt\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let n = stream.read(&mut [0; 4096]).unwrap();
        assert!(n > 100, "no answer to the upgrade");
        let _ = stream.write_all(&[0x82, 0xff, 0, 0, 0, 0, 0, 0x21, 0, 0, 0, 0, 0, 0]);
        let _ = stream.write_all(&vec![b'x'; 2 * MEGABYTE - 1]);
        streams.push(stream);
    }
}

/// Long client ids, user names, wills that wait for an hour, and topics behind aliases.
fn great_names(target: &Target) {
    let name = text(&[b'n'; 60_000]);
    let mut streams = Vec::new();
    for i in 0..300_u16 {
        let mut stream = dial(target.plain);
        let [high, low] = i.to_be_bytes();
        let id = if i % 2 == 0 {
            text(&[&name[2..], &[b'0' + high, b'0' + low % 64][..]].concat())
        } else {
            text(&[b'i', b'0' + low % 64])
        };
        let body = if i % 3 == 0 {
            let properties = [17, 0, 0, 0x0e, 0x10];
            let will = [&[5, 24, 0, 0, 0x0e, 0x10][..], &text(b"will"), &text(&[b'w'; 30_000])].concat();
            [&text(b"MQTT")[..], &[5, 0x04, 0, 60, 5], &properties, &id, &will].concat()
        } else {
            [&text(b"MQTT")[..], &[5, 0x82, 0, 60, 0], &id, &name[..30_002 * usize::from(i % 2)]].concat()
        };
        let _ = stream.write_all(&long(0x10, &body));
        let _ = stream.read(&mut [0; 64]);
        for alias in 1..=10 {
            let _ = stream.write_all(&long(0x30, &[&name[..], &[3, 0x23, 0, alias], b"x"].concat()));
        }
        streams.push(stream);
    }
}

/// As many and as deep subscriptions as there is time for.
fn subscriptions(target: &Target) {
    let mut stream = guest(target.plain, 5, "greedy");
    let mut answers = stream.try_clone().unwrap();
    thread::spawn(move || is_cut(&mut answers));
    for i in 0..3000 {
        let deep = format!("{i}/{}", "a/".repeat(100));
        let body = [&[0, 1, 0][..], &text(deep.as_bytes()), &[1]].concat();
        if stream.write_all(&long(0x82, &body)).is_err() {
            break;
        }
    }
}

/// Sessions that outlive their connections, each with a will and a queue that nobody empties.
fn sessions(target: &Target) {
    for i in 0..1000 {
        let mut stream = dial(target.plain);
        let will = [text(b"will"), text(&[b'w'; 1000])].concat();
        let id = text(format!("left-{i}").as_bytes());
        let body = [&text(b"MQTT")[..], &[4, 0x04, 0, 60], &id, &will].concat();
        let subscribe = packet(0x82, &[&[0, 1], &text(b"left"), &[1]]);
        let _ = stream.write_all(&[long(0x10, &body), subscribe].concat());
        let _ = stream.read(&mut [0; 4]);
    }
    let mut stream = patient(target, "fills");
    for _ in 0..50 {
        stream.write_all(&publish("left", 1, false, &[b'x'; 10_000])).unwrap();
        stream.read_exact(&mut [0; 4]).unwrap();
    }
    answers(&mut stream);
}

fn retained(target: &Target) {
    let mut stream = patient(target, "retains");
    for i in 0..60 {
        stream.write_all(&publish(&format!("r/{i}"), 0, true, &vec![b'r'; MEGABYTE])).unwrap();
    }
    answers(&mut stream);
}

/// Subscribers that do not read while others send them 60 MB, at QoS 0 and 1.
fn never_reads(target: &Target) {
    let mut deaf: Vec<TcpStream> = (0..40).map(|i| guest(target.plain, 4, &format!("deaf-{i}"))).collect();
    for (i, stream) in deaf.iter_mut().enumerate() {
        stream.write_all(&packet(0x82, &[&[0, 1], &text(b"flood"), &[(i % 2) as u8]])).unwrap();
        stream.read_exact(&mut [0; 5]).unwrap();
    }
    let mut loud = patient(target, "loud");
    for i in 0..60 {
        let payload = vec![b'f'; if i % 3 == 0 { MEGABYTE } else { 60_000 }];
        for qos in [0, 1] {
            loud.write_all(&publish("flood", qos, false, &payload)).unwrap();
            if qos == 1 {
                loud.read_exact(&mut [0; 4]).unwrap();
            }
        }
    }
    answers(&mut loud);
}

/// A client that has much to say and is in no hurry: it must not be cut.
fn patient(target: &Target, id: &str) -> TcpStream {
    let stream = guest(target.plain, 4, id);
    stream.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

/// It is still there, and everything that was sent before is done.
fn answers(stream: &mut TcpStream) {
    stream.write_all(&[0xc0, 0]).unwrap();
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer, [0xd0, 0]);
}

fn come_and_go(target: &Target) {
    for i in 0..1000 {
        let stream = dial([target.plain, target.tls, target.web][i % 3]);
        if i % 6 == 0 {
            let _ = (&stream).write_all(&connect(4, 2, &format!("brief-{i}"), None));
        }
    }
}
