//! Plaintext to a TLS port, TLS to a plaintext port, and other bytes that do not belong: what comes back, and how
//! `mosquitto_pub` and paho report it.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::peers;

use super::wire::{connect, packet, text};
use super::{Broker, Stage, Tally, at_once, dice, peers_there, server_files};

/// A ClientHello for TLS 1.2 as a client would begin with.
fn hello() -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([9; 32]);
    body.extend([0, 0, 4, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0]);
    let extensions: &[u8] = &[0, 10, 0, 4, 0, 2, 0, 23, 0, 13, 0, 6, 0, 4, 4, 3, 8, 4];
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend_from_slice(extensions);
    let mut out = vec![0x16, 3, 1];
    out.extend((body.len() as u16 + 4).to_be_bytes());
    out.extend([1, 0]);
    out.extend((body.len() as u16).to_be_bytes());
    out.extend(body);
    out
}

/// What comes back: bytes, and whether the other side closes within a moment.
fn answer(port: u16, bytes: &[u8], half_close: bool) -> (Vec<u8>, &'static str) {
    let mut tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
    tcp.set_read_timeout(Some(Duration::from_millis(350))).unwrap();
    let _ = tcp.write_all(bytes);
    if half_close {
        let _ = tcp.shutdown(Shutdown::Write);
    }
    let mut out = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        match tcp.read(&mut buffer) {
            Ok(0) => return (out, "closed"),
            Ok(n) => out.extend_from_slice(&buffer[..n]),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return (out, "open");
            }
            // Bytes that nobody read make a reset of a close: only the timing tells the two apart.
            Err(_) => return (out, "closed"),
        }
    }
}

/// The shape of a TLS flight: record types, for what is random cannot be compared.
fn shape(bytes: &[u8]) -> String {
    // Of a page only the status and the headers' names are compared.
    if bytes.starts_with(b"HTTP/") {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let head = text.split("\r\n\r\n").next().unwrap_or_default();
        let mut lines = head.lines();
        let status = lines.next().unwrap_or_default();
        let mut names: Vec<String> =
            lines.filter_map(|l| Some(l.split(':').next()?.to_lowercase())).collect();
        names.sort();
        return format!("{status}; {}", names.join(", "));
    }
    if bytes.first() != Some(&0x16) {
        return bytes.iter().map(|b| format!("{b:02x}")).collect();
    }
    let mut out = String::from("handshake");
    let mut rest = bytes;
    while let [kind, _, _, a, b, tail @ ..] = rest {
        if *kind == 21 {
            out.push_str(&format!(" alert {:?}", tail.get(..2)));
        }
        rest = tail.get(usize::from(u16::from_be_bytes([*a, *b]))..).unwrap_or_default();
    }
    out
}

#[test]
fn answers_the_wrong_protocol_as_mosquitto_does() {
    if !peers_there("answers_the_wrong_protocol_as_mosquitto_does") {
        return;
    }
    let stage = Stage::new();
    server_files(&stage);
    let tls = "certfile {dir}/server.crt\nkeyfile {dir}/server.key\n";
    let conf = format!(
        "allow_anonymous true\nlistener {{0}} 127.0.0.1\nlistener {{1}} 127.0.0.1\n{tls}\
         listener {{2}} 127.0.0.1\nprotocol websockets\nlistener {{3}} 127.0.0.1\nprotocol websockets\n{tls}"
    );
    let brokers = stage.both(&conf);
    let mut dice = dice();
    let mut tally = Tally::new("wrong wire");
    let whole = connect(4, true, "c", None, None);
    let upgrade = b"GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Protocol: mqtt\r\n\r\n";
    let mut cases: Vec<(&str, Vec<u8>)> = vec![
        ("CONNECT", whole.clone()),
        ("the first byte of a CONNECT", whole[..1].to_vec()),
        ("half a CONNECT", whole[..9].to_vec()),
        ("a CONNECT of MQTT 5", connect(5, true, "c", Some("u"), Some("p"))),
        ("PUBLISH", packet(0x30, &[&text(b"a"), b"x"])),
        ("PINGREQ", vec![0xc0, 0]),
        ("an HTTP request", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        ("an upgrade", upgrade.to_vec()),
        ("nothing", Vec::new()),
        ("ClientHello", hello()),
        ("half a ClientHello", hello()[..30].to_vec()),
        ("a ClientHello and rubbish", [hello(), vec![0; 50]].concat()),
        ("a TLS record of rubbish", [&[0x16, 3, 1, 0, 40][..], &[0xff; 40]].concat()),
        ("a TLS alert", vec![21, 3, 3, 0, 2, 2, 40]),
        ("an SSLv2 hello", vec![0x80, 0x2e, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10]),
        ("zeros", vec![0; 64]),
    ];
    for _ in 0..10 {
        let len = 1 + dice.below(60);
        let mut bytes: Vec<u8> = (0..len).map(|_| dice.below(256) as u8).collect();
        // What begins as a CONNECT (whose length 2.0.11 does not cap, as later ones do), a TLS record or an HTTP request
        // is looked at above.
        if matches!(bytes[0], 0x10..=0x1f | 0x80..) || bytes[0].is_ascii_uppercase() {
            bytes[0] = 0x30;
        }
        cases.push(("random bytes", bytes));
    }
    let mut all = Vec::new();
    for (index, listener) in ["mqtt", "mqtts", "ws", "wss"].into_iter().enumerate() {
        for (name, bytes) in &cases {
            all.extend([false, true].map(|half_close| (index, listener, name, bytes, half_close)));
        }
    }
    // Most of the time is waiting for what does not come.
    let ports = [0, 1].map(|i| brokers[i].ports.clone());
    let seen = at_once(&all, |(index, _, _, bytes, half_close)| {
        [0, 1].map(|i| {
            let (bytes, end) = answer(ports[i][*index], bytes, *half_close);
            (shape(&bytes), end)
        })
    });
    for ((_, listener, name, bytes, half_close), [real, twin]) in all.iter().zip(&seen) {
        let class = if real.0.is_empty() { real.1.to_owned() } else { format!("an answer, {}", real.1) };
        let case = format!("{name} to {listener}, half close {half_close}: {bytes:02x?}");
        tally.add(&class, &case, real, twin);
    }
    tally.done(3);
}

/// The listener that requires a certificate.
const FOR_CERTIFICATES: usize = 5;

/// A client that shows no certificate reads the alert when its own handshake is over, maybe in the middle of its first
/// write: it reports the alert, the end, or the reset, on Mosquitto as on the twin (the same bytes by strace).
fn behind_the_handshake(said: String) -> String {
    let ways = [
        "CERTIFICATE_REQUIRED",
        "SSLEOFError",
        "ConnectionResetError",
        "Protocol error",
        "The connection was lost",
        "loop 4",
        "loop 7",
    ];
    let let_in = said.contains("connect 0") || said.contains("connect Success");
    if !let_in && ways.iter().any(|w| said.contains(w)) {
        "refused behind the handshake".into()
    } else {
        said
    }
}

const PAHO: &str = r"
import sys, ssl, time
import paho.mqtt.client as mqtt
port, tls, web = int(sys.argv[1]), sys.argv[2] == 'tls', sys.argv[3] == 'web'
args = [mqtt.CallbackAPIVersion.VERSION2] if hasattr(mqtt, 'CallbackAPIVersion') else []
client = mqtt.Client(*args, client_id='-'.join(sys.argv[1:4]), transport='websockets' if web else 'tcp')
if tls:
    client.tls_set(ca_certs=sys.argv[4])
client.on_connect = lambda *a: print('connect', a[3])
client.on_disconnect = lambda *a: print('disconnect', a[2] if len(a) < 5 else a[3])
try:
    client.connect('127.0.0.1', port, 5)
    end = time.time() + 1.5
    while time.time() < end:
        rc = client.loop(0.1)
        if rc:
            print('loop', int(rc))
            break
    client.disconnect()
except Exception as e:
    print(type(e).__name__, getattr(e, 'reason', None) or e)
";

#[test]
fn real_clients_report_the_same_of_both() {
    if !peers::there("real_clients_report_the_same_of_both", &["mosquitto", "mosquitto_pub"]) {
        return;
    }
    let stage = Stage::new();
    server_files(&stage);
    stage.write("client.py", PAHO);
    stage.write("users", "u:$7$101$x1jqoIZJWh1yLIkX$hw0UYnGlMCJ4HLQBAD14G8yiGhqQOCwsQZiggL0SWL+axj7U0+ISnWBMZFaCaq2lIzschjpyGpg/SZlgtEKnrw==\n");
    let tls = "cafile {dir}/ca.crt\ncertfile {dir}/server.crt\nkeyfile {dir}/server.key\n";
    let conf = format!(
        "per_listener_settings true\nlistener {{0}} 127.0.0.1\nallow_anonymous true\n\
         listener {{1}} 127.0.0.1\nallow_anonymous true\n{tls}\
         listener {{2}} 127.0.0.1\nprotocol websockets\nallow_anonymous true\n\
         listener {{3}} 127.0.0.1\nprotocol websockets\nallow_anonymous true\n{tls}\
         listener {{4}} 127.0.0.1\npassword_file {{dir}}/users\n{tls}\
         listener {{5}} 127.0.0.1\nallow_anonymous true\n{tls}require_certificate true\n"
    );
    let brokers = stage.both(&conf);
    let mut tally = Tally::new("real clients");
    let ca = stage.path().join("ca.crt").display().to_string();
    let listeners = ["mqtt", "mqtts", "ws", "wss", "mqtts with users", "mqtts for certificates"];
    let publish = peers::find("mosquitto_pub").unwrap();
    for (index, listener) in listeners.into_iter().enumerate() {
        for (name, args) in [
            ("plaintext", &[][..]),
            ("TLS", &["--cafile", &ca]),
            ("TLS, MQTT 5", &["--cafile", &ca, "-V", "5"]),
            (
                "TLS 1.2 with a wrong password",
                &["--cafile", &ca, "--tls-version", "tlsv1.2", "-u", "u", "-P", "no"],
            ),
            ("a wrong password, MQTT 5", &["--cafile", &ca, "-u", "u", "-P", "no", "-V", "mqttv5"]),
            ("the right password", &["--cafile", &ca, "-u", "u", "-P", "geheim"]),
        ] {
            // A websockets listener waits for the rest of a request that never comes, and so does the client.
            if listener == "ws" && name == "plaintext" {
                continue;
            }
            let ask = |broker: &Broker| {
                let mut command = Command::new(&publish);
                command.args(["-h", "127.0.0.1", "-t", "t", "-m", "x", "-q", "1", "-i", "pub", "-p"]);
                let (_, said) = peers::run(command.arg(broker.ports[index].to_string()).args(args));
                // Whether the answer came in the first call or in the loop is a matter of milliseconds; the report and
                // the status differ by nothing else.
                let said = said.trim_end().replace("Unable to connect (", "Error: ").replace(".).", ".");
                if index == FOR_CERTIFICATES { behind_the_handshake(said) } else { said }
            };
            let twin = ask(&brokers[1]);
            let real = ask(&brokers[0]);
            tally.add(&format!("mosquitto_pub {real:?}"), &format!("{name} to {listener}"), &real, &twin);
        }
    }
    for environment in ["venv-paho1", "venv-paho2"] {
        let python = peers::python(environment);
        if !Path::new(&python).exists() {
            peers::skip("real_clients_report_the_same_of_both", &format!("{environment} is not installed"));
            continue;
        }
        let cases: Vec<(usize, &str, &str)> = (0..listeners.len())
            .flat_map(|i| [(i, "tls", "tcp"), (i, "plain", "tcp"), (i, "tls", "web"), (i, "plain", "web")])
            .filter(|(i, tls, web)| {
                (*tls == "tls") != matches!(i, 0 | 2) || (*web == "web") == matches!(i, 2 | 3)
            })
            .collect();
        let ports = [0, 1].map(|i| brokers[i].ports.clone());
        let script = stage.path().join("client.py");
        let seen = at_once(&cases, |(index, tls, web)| {
            [0, 1].map(|i| {
                let mut command = Command::new(&python);
                command.arg(&script).args([ports[i][*index].to_string().as_str(), tls, web, ca.as_str()]);
                let (_, said) = peers::run(&mut command);
                if *index == FOR_CERTIFICATES { behind_the_handshake(said) } else { said }
            })
        });
        for ((index, tls, web), [real, twin]) in cases.iter().zip(&seen) {
            let word = real.split_whitespace().next().unwrap_or("nothing").to_owned();
            assert_ne!(word, "Traceback", "{real}");
            let case = format!("{environment}, {tls} over {web} to {}", listeners[*index]);
            tally.add(&format!("paho {word}"), &case, real, twin);
        }
    }
    tally.done(4);
}
