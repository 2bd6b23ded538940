//! TLS versions and ciphers: what `tls_version` and `ciphers` let in, for clients that are old, new, or narrow.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use rustls::CipherSuite as Suite;
use rustls::version::{TLS12, TLS13};

use super::wire::{Tls, Wire, connect};
use super::{Stage, Tally, dice, peers_there, server_files};

/// The answer to a ClientHello of a version that rustls does not speak, byte for byte up to the first record's end.
fn old_hello(port: u16, minor: u8) -> Vec<u8> {
    let ciphers: &[u8] = &[0xc0, 0x13, 0xc0, 0x14, 0xc0, 0x09, 0xc0, 0x0a, 0, 0x2f, 0, 0x35];
    let extensions: &[u8] = &[0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0];
    let mut hello = vec![3, minor];
    hello.extend([7; 32]);
    hello.push(0);
    hello.extend((ciphers.len() as u16).to_be_bytes());
    hello.extend_from_slice(ciphers);
    hello.extend([1, 0]);
    hello.extend((extensions.len() as u16).to_be_bytes());
    hello.extend_from_slice(extensions);
    let mut bytes = vec![0x16, 3, 1];
    bytes.extend((hello.len() as u16 + 4).to_be_bytes());
    bytes.extend([1, 0]);
    bytes.extend((hello.len() as u16).to_be_bytes());
    bytes.extend(hello);
    let mut tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(4))).unwrap();
    tcp.write_all(&bytes).unwrap();
    let mut answer = Vec::new();
    // A closed connection may also show as a reset.
    let _ = tcp.read_to_end(&mut answer);
    answer
}

/// Version and suite, or how it failed; and whether MQTT is spoken behind it.
fn outcome(port: u16, web: bool, tls: &Tls) -> String {
    let mut wire = match Wire::open(port, Some(tls), web) {
        Ok(wire) => wire,
        Err(end) => return format!("{end:?}"),
    };
    let spoken = wire.send(&connect(4, true, "c", None, None)).and_then(|()| wire.packet());
    let shaken = wire.shaken.unwrap();
    format!("{} {} {spoken:02x?}", shaken.version, shaken.suite)
}

#[test]
fn speaks_the_versions_and_ciphers_that_mosquitto_does() {
    if !peers_there("speaks_the_versions_and_ciphers_that_mosquitto_does") {
        return;
    }
    let stage = Stage::new();
    server_files(&stage);
    let mut dice = dice();
    let mut tally = Tally::new("TLS versions");
    let mut conf = String::from("allow_anonymous true\n");
    let mut listeners = Vec::new();
    let ciphers = [
        "",
        "",
        "ciphers ECDHE-ECDSA-AES256-GCM-SHA384\n",
        "ciphers ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256\n",
        "ciphers HIGH:!aNULL\n",
        "ciphers ECDHE-RSA-AES128-GCM-SHA256\n",
        "ciphers_tls1.3 TLS_CHACHA20_POLY1305_SHA256\n",
        "ciphers_tls1.3 TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384\n",
    ];
    for version in ["", "tls_version tlsv1.1\n", "tls_version tlsv1.2\n", "tls_version tlsv1.3\n"] {
        for web in [false, true] {
            for _ in 0..3 {
                let line = dice.of(&ciphers);
                let protocol = if web { "protocol websockets\n" } else { "" };
                let lines = format!("{protocol}{version}{line}");
                conf.push_str(&format!(
                    "listener {{{}}} 127.0.0.1\ncertfile {{dir}}/server.crt\nkeyfile {{dir}}/server.key\n{lines}",
                    listeners.len()
                ));
                listeners.push((lines, web));
            }
        }
    }
    let [real, twin] = stage.both(&conf);
    for (index, (lines, web)) in listeners.iter().enumerate() {
        let ports = [real.ports[index], twin.ports[index]];
        for minor in [1, 2] {
            let [r, t] = ports.map(|p| old_hello(p, minor));
            let class =
                format!("TLS 1.{} answered by {}", minor - 1, r.first().map_or("a close", |_| "an alert"));
            tally.add(&class, &format!("{lines:?} TLS 1.{}", minor - 1), &r, &t);
        }
        let suites = [
            vec![],
            vec![Suite::TLS13_AES_128_GCM_SHA256, Suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256],
            vec![Suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, Suite::TLS13_CHACHA20_POLY1305_SHA256],
            vec![
                Suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                Suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                Suite::TLS13_AES_256_GCM_SHA384,
                Suite::TLS13_AES_128_GCM_SHA256,
            ],
            vec![Suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, Suite::TLS13_AES_256_GCM_SHA384],
        ];
        for versions in [vec![&TLS12], vec![&TLS13], vec![&TLS12, &TLS13]] {
            for suites in &suites {
                let tls = Tls { versions: versions.clone(), identity: None, suites: suites.clone() };
                let [r, t] = ports.map(|p| outcome(p, *web, &tls));
                let class = r.split([' ', '(']).next().unwrap_or_default();
                let case = format!("{lines:?} {versions:?} {suites:?}");
                tally.add(class, &case, &r, &t);
            }
        }
    }
    tally.done(4);
}
