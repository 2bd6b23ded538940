//! The twin against the real Mosquitto: the same bytes in, the same bytes out.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::peers;

/// A child that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_for(port: u16) {
    let end = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end, "nobody listens on {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Starts Mosquitto and the twin on the same configuration; `None` where there is no Mosquitto.
fn both(dir: &Path, rest: &str) -> Option<[(u16, Ended); 2]> {
    let start = |name: &str, command: &mut Command, port: u16| {
        let conf = dir.join(format!("{name}.conf"));
        fs::write(&conf, format!("user root\nlistener {port} 127.0.0.1\nallow_anonymous true\n{rest}"))
            .unwrap();
        let child = command.arg(&conf).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        wait_for(port);
        Some((port, Ended(child)))
    };
    let mosquitto =
        ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"].iter().find(|p| Path::new(p).exists());
    let Some(mosquitto) = mosquitto else {
        peers::skip_this("no mosquitto here (apt-get install mosquitto)");
        return None;
    };
    let real = start("mosquitto", Command::new(mosquitto).arg("-c"), peers::free_port())?;
    let twin = start(
        "twin",
        Command::new(env!("CARGO_BIN_EXE_mqttcert")).current_dir(dir).args(["broker", "--conf"]),
        peers::free_port(),
    )?;
    Some([real, twin])
}

pub fn text(t: &[u8]) -> Vec<u8> {
    let mut out = (t.len() as u16).to_be_bytes().to_vec();
    out.extend_from_slice(t);
    out
}

pub fn packet(head: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut out = vec![head, body.len() as u8];
    out.extend_from_slice(&body);
    out
}

pub fn connect(version: u8, flags: u8, id: &str, user: Option<&str>) -> Vec<u8> {
    let flags = flags | if user.is_some() { 0x80 } else { 0 };
    let properties: &[u8] = if version == 5 { &[0] } else { &[] };
    let name = text(if version == 3 { b"MQIsdp" } else { b"MQTT" });
    let user = user.map(|u| text(u.as_bytes())).unwrap_or_default();
    packet(0x10, &[&name, &[version, flags, 0, 60], properties, &text(id.as_bytes()), &user])
}

/// Everything that comes back, until the other side closes (`true`) or answers a ping.
fn talk(port: u16, packets: &[Vec<u8>]) -> (Vec<u8>, bool) {
    let mut s = TcpStream::connect(("127.0.0.1", port)).unwrap();
    s.set_nodelay(true).unwrap();
    s.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
    let mut out = Vec::new();
    let mut closed = false;
    for p in packets {
        if s.write_all(p).is_err() {
            closed = true;
        }
        // One packet after the other, so that answers keep their order.
        std::thread::sleep(Duration::from_millis(15));
    }
    if !packets.iter().any(|p| p[0] >> 4 == 0xc) {
        let _ = s.write_all(&[0xc0, 0]);
    }
    let mut buffer = [0; 4096];
    while !closed && !out.ends_with(&[0xd0, 0]) {
        match s.read(&mut buffer) {
            Ok(0) => closed = true,
            Ok(n) => out.extend_from_slice(&buffer[..n]),
            Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                break;
            }
            Err(_) => closed = true,
        }
    }
    (out, closed)
}

/// Identifiers that a broker makes up differ from one connection to the next.
fn without_auto_id(mut bytes: Vec<u8>) -> Vec<u8> {
    while let Some(at) = bytes.windows(5).position(|w| w == b"auto-") {
        let end = (at + 41).min(bytes.len());
        bytes.drain(at..end);
    }
    bytes
}

#[test]
fn answers_every_packet_sequence_as_mosquitto_does() {
    let dir = tempfile::tempdir().unwrap();
    let Some([real, twin]) = both(dir.path(), "") else { return };
    let c3 = connect(3, 2, "i", None);
    let c4 = connect(4, 2, "i", None);
    let c5 = connect(5, 2, "i", None);
    let a = text(b"a");
    let mut cases: Vec<(&str, Vec<Vec<u8>>)> = Vec::new();
    for (label, c) in [("3.1", &c3), ("3.1.1", &c4)] {
        // What each of them is: the left column is for the reader.
        for (_, p) in [
            ("publish", packet(0x30, &[&a, b"x"])),
            ("publish QoS 1", packet(0x32, &[&a, &[0, 1], b"x"])),
            ("publish QoS 3", packet(0x36, &[&a, &[0, 1], b"x"])),
            ("publish id 0", packet(0x32, &[&a, &[0, 0], b"x"])),
            ("publish to nothing", packet(0x30, &[&text(b""), b"x"])),
            ("publish to a wildcard", packet(0x30, &[&text(b"a/+")])),
            ("publish to a control character", packet(0x30, &[&text(b"a\x01")])),
            ("DUP at QoS 0", packet(0x38, &[&a, b"x"])),
            ("subscribe", packet(0x82, &[&[0, 2], &a, &[1]])),
            ("subscribe with wrong flags", packet(0x80, &[&[0, 2], &a, &[1]])),
            ("subscribe to nothing", packet(0x82, &[&[0, 2]])),
            ("subscribe with QoS 3", packet(0x82, &[&[0, 2], &a, &[3]])),
            ("unsubscribe", packet(0xa2, &[&[0, 3], &a])),
            ("unsubscribe from nothing", packet(0xa2, &[&[0, 3]])),
            ("PUBREL unknown", packet(0x62, &[&[0, 5]])),
            ("PUBREC unknown", packet(0x50, &[&[0, 5]])),
            ("PUBACK unknown", packet(0x40, &[&[0, 5]])),
            ("PUBACK id 0", packet(0x40, &[&[0, 0]])),
            ("PUBACK too long", packet(0x40, &[&[0, 5, 0]])),
            ("ping with flags", packet(0xc1, &[])),
            ("DISCONNECT", packet(0xe0, &[])),
            ("DISCONNECT with flags", packet(0xe1, &[])),
            ("second CONNECT", c.clone()),
            ("CONNACK", packet(0x20, &[&[0, 0]])),
            ("SUBACK", packet(0x90, &[&[0, 1, 0]])),
            ("reserved type", packet(0x00, &[])),
        ] {
            cases.push((label, vec![c.clone(), p.clone()]));
        }
    }
    for p in [
        packet(0x30, &[&a, &[0], b"x"]),
        packet(0x32, &[&a, &[0, 1, 0], b"x"]),
        packet(0x34, &[&a, &[0, 1, 0], b"x"]),
        packet(0x30, &[&a, &[3, 0x23, 0, 11], b"x"]),
        packet(0x30, &[&a, &[3, 0x23, 0, 0], b"x"]),
        packet(0x30, &[&text(b""), &[3, 0x23, 0, 1], b"x"]),
        packet(0x30, &[&a, &[4, 1, 0, 1, 0], b"x"]),
        packet(0x30, &[&a, &[2, 0x7f, 0], b"x"]),
        packet(0x82, &[&[0, 2, 0], &a, &[2]]),
        packet(0x82, &[&[0, 2, 0], &a, &[0x30]]),
        packet(0x82, &[&[0, 2, 0], &a, &[0x40]]),
        packet(0xa2, &[&[0, 3, 0], &a]),
        packet(0xf0, &[]),
        packet(0xe0, &[&[0, 5, 0x11, 0, 0, 0, 5]]),
    ] {
        cases.push(("5", vec![c5.clone(), p]));
    }
    // What is looked at in packets that a client seldom sends, or never should.
    for (label, c, none) in [("3.1", &c3, &[][..]), ("3.1.1", &c4, &[]), ("5", &c5, &[0])] {
        for p in [
            packet(0x41, &[&[0, 5]]),
            packet(0x52, &[&[0, 5]]),
            packet(0x74, &[&[0, 5]]),
            packet(0x60, &[&[0, 5]]),
            packet(0x62, &[&[0, 0]]),
            packet(0x40, &[&[0, 5, 0, 0, 0]]),
            packet(0x40, &[&[0]]),
            packet(0x90, &[&[0, 0]]),
            packet(0x92, &[&[0, 1, 0, 0]]),
            packet(0xb0, &[&[0, 0]]),
            packet(0xb2, &[&[0, 1, 0]]),
            packet(0xe0, &[&[0, 1, 0]]),
            packet(0x82, &[&[0, 1], none, &text(b"$share"), &[0]]),
            packet(0xa2, &[&[0, 1], none, &text(b"$share")]),
            packet(0x32, &[&text(b"$SYS/x"), &[0, 1], none]),
            packet(0x32, &[&text(b"$SYS/broker/connection/b/state"), &[0, 1], none]),
            packet(0x32, &[&text(b"$share/g/a"), &[0, 1], none]),
            packet(0x32, &[&text(b"$other"), &[0, 1], none]),
            packet(0x30, &[&text(b"a/#"), none]),
        ] {
            cases.push((label, vec![c.clone(), p]));
        }
    }
    // Reasons and properties: good, forbidden by the standard, in the wrong packet, twice, cut short.
    for p in
        [&[0x97][..], &[0x55], &[0, 0], &[0, 2, 1, 1], &[0, 4, 0x1f, 0, 1, b'r'], &[0, 3, 0x1f, 0], &[0, 1]]
    {
        cases.push(("5", vec![c5.clone(), packet(0x50, &[&[0, 5], p])]));
        cases.push(("5", vec![c5.clone(), packet(0xe0, &[p])]));
    }
    for p in [
        &[1, 2][..],
        &[8, 0, 0],
        &[8, 0, 1, b'+'],
        &[0x0b, 0],
        &[0x11, 0, 0, 0, 1],
        &[1, 0, 1, 0],
        &[0x7f, 0],
    ] {
        let len = [p.len() as u8];
        cases.push(("5", vec![c5.clone(), packet(0x32, &[&a, &[0, 1], &len, p, b"x"])]));
        cases.push(("5", vec![c5.clone(), packet(0x82, &[&[0, 1], &len, p, &a, &[0]])]));
        cases.push(("5", vec![c5.clone(), packet(0xa2, &[&[0, 1], &len, p, &a])]));
    }
    cases.push(("5", vec![c5.clone(), c5.clone()]));
    for p in [&[0x0b, 0, 0x0b, 0][..], &[0x26, 0, 1, 0x80, 0, 1, b'v']] {
        cases.push(("5", vec![c5.clone(), packet(0x82, &[&[0, 1], &[p.len() as u8], p, &a, &[0]])]));
    }
    // Reserved flags of CONNECT, a will's flags without a will, a bridge's version.
    for c in [&c3, &c4, &c5] {
        cases.push(("connect", vec![[&[0x11], &c[1..]].concat()]));
    }
    for (version, flags) in
        [(3, 3), (3, 0x0a), (3, 0x22), (4, 0x0a), (4, 0x22), (5, 0x0a), (0x84, 2), (0x85, 2)]
    {
        cases.push(("connect", vec![connect(version, flags, "i", None)]));
    }
    // More open messages than a client may have, then all of them released.
    for (version, c, none) in [(4, &c4, &[][..]), (5, &c5, &[0][..])] {
        for head in [0x32, 0x34] {
            let each = |i: u8| packet(head, &[&a, &[0, i], none, b"x"]);
            let all: Vec<u8> = (1..=28).flat_map(each).collect();
            let released = (1..=28).flat_map(|i| packet(0x62, &[&[0, i]])).collect();
            let again = packet(head, &[&a, &[0, 40], none, b"x"]);
            let subscribe = packet(0x82, &[&[0, 2], none, &a, &[0]]);
            cases.push((
                if version == 5 { "5" } else { "3.1.1" },
                vec![c.clone(), subscribe, all, released, again],
            ));
        }
    }
    for c in [
        connect(6, 2, "i", None),
        connect(4, 3, "i", None),
        connect(4, 2, "", None),
        connect(4, 0, "", None),
        connect(3, 2, "", None),
        connect(5, 2, "", None),
        connect(4, 0x42, "i", None),
        connect(4, 0x1a, "i", None),
        packet(0xc0, &[]),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
    ] {
        cases.push(("connect", vec![c]));
    }
    let mut differ = Vec::new();
    for (label, packets) in &cases {
        let (r, t) = (talk(real.0, packets), talk(twin.0, packets));
        if (without_auto_id(r.0.clone()), r.1) != (without_auto_id(t.0.clone()), t.1) {
            differ.push(format!("{label} {packets:02x?}\n  mosquitto {r:02x?}\n  twin      {t:02x?}"));
        }
    }
    println!("{} packet sequences, {} differences", cases.len(), differ.len());
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}
