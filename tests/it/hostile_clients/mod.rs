//! Hostile clients of the twin: it lives, holds little memory, cuts the silent, and serves an honest client throughout.

mod attacks;

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

use crate::broker::{connect, packet, text};
use crate::peers::{self, Running};
use attacks::ATTACKS;

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
