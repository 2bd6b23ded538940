//! What hostile clients do, one way a function.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use mqttcert_fixtures::Dice;

use super::{MEGABYTE, Target, dial, guest, is_cut, long, publish};
use crate::broker::{connect, packet, text};

/// Each with its name.
pub const ATTACKS: [(&str, fn(&Target)); 10] = [
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
