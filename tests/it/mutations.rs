//! Malformed certificates, made from well-formed ones: whatever stands in the bytes, every reader, every stack and
//! every rule ends quickly and without a panic.
//!
//! `MQTTCERT_MUTATIONS=20000` sets their number (1,500).

use std::path::Path;
use std::time::{Duration, Instant};

use mqttcert::cert::{self, Certificate, signature};
use mqttcert::deployment::{self, Given};
use mqttcert::name::PeerName;
use mqttcert::stack_id::StackId;
use mqttcert::stacks::{Evaluation, Presented};
use mqttcert::tree::MemoryTree;
use mqttcert::{rules, verdict};
use mqttcert_fixtures::{CLOCK, Ca, Dice, Dn, Ext, Key, Recipe, pem};

/// A few bytes flipped, cut, repeated, or taken from another input.
pub fn mutate(dice: &mut Dice, der: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
    let mut out = der.to_vec();
    for _ in 0..=dice.below(4) {
        if out.is_empty() {
            out.push(0x30);
        }
        let at = dice.below(out.len());
        match dice.below(9) {
            0 => out[at] ^= 1 << dice.below(8),
            1 => out[at] = [0, 0x7f, 0x80, 0x81, 0x84, 0xff, 0x30, 0x1b, 0x0a][dice.below(9)],
            2 => out.truncate(at.max(1)),
            3 => out.insert(at, dice.next() as u8),
            4 => drop(out.remove(at)),
            // A length that claims more than there is.
            5 => out.splice(at..at, [0x84, 0xff, 0xff, 0xff, 0xff]).for_each(drop),
            6 => {
                let end = (at + dice.below(64)).min(out.len());
                let piece = out[at..end].to_vec();
                out.splice(at..at, piece).for_each(drop);
            }
            7 => {
                let other = &others[dice.below(others.len())];
                let from = dice.below(other.len());
                let end = (from + dice.below(80)).min(other.len());
                let len = (end - from).min(out.len() - at);
                out[at..at + len].copy_from_slice(&other[from..from + len]);
            }
            _ => {
                let end = (at + dice.below(16)).min(out.len());
                out[at..end].fill(0xff);
            }
        }
    }
    out
}

#[test]
fn malformed_certificates_are_judged_quickly_and_without_a_panic() {
    let ca = Ca::seed(CLOCK);
    let (rsa, p256, ed) = (Key::rsa(2048, "server"), Key::p256(), Key::ed25519());
    let mut seeds: Vec<Vec<u8>> = vec![
        Recipe::leaf("iot-mqtt", &rsa, CLOCK).v1().sign(&ca).der.clone(),
        Recipe::server(&["iot-mqtt", "127.0.0.1", "::1", "*.example.com"], &rsa, CLOCK).sign(&ca).der.clone(),
        Recipe::server(&["iot-mqtt"], &p256, CLOCK).sign(&ca).der.clone(),
        Recipe::server(&["iot-mqtt"], &ed, CLOCK).sign(&ca).der.clone(),
        Recipe::leaf("x", &p256, CLOCK)
            .named(&Dn::of("O=a,CN=b"))
            .with(Ext::san(&["iot-mqtt"]))
            .sign(&ca)
            .der
            .clone(),
    ];
    let trust = ca.pem();
    seeds.push(ca.der.clone());
    let count = std::env::var("MQTTCERT_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(1500);
    let mut dice = Dice(20_261_124);
    let name = PeerName::parse("iot-mqtt").unwrap();
    let (mut readable, mut slowest) = (0, Duration::ZERO);
    for number in 0..count {
        let der = mutate(&mut dice, &seeds[number % seeds.len()], &seeds);
        let start = Instant::now();
        if let Ok(c) = Certificate::from_der(&der) {
            readable += 1;
            let _ = (
                c.subject().display(),
                c.sans(),
                c.not_after(),
                c.malformed(),
                signature::verify(c.spki_der(), &c),
            );
        }
        let text = pem::armour("CERTIFICATE", &der);
        let _ = cert::load_pem(text.as_bytes());
        // Once as the server's certificate, once as the trust file.
        let leaf = seeds.get(1).map(|d| pem::armour("CERTIFICATE", d)).unwrap_or_default();
        for (certfile, trusted) in [(&text, &trust), (&leaf, &text)] {
            let presented =
                Presented { certfile: certfile.as_bytes(), completion: &[], trust: trusted.as_bytes() };
            let evaluation = Evaluation::new(presented, CLOCK);
            for stack in StackId::ALL {
                let _ = evaluation.verify(*stack, &name);
            }
        }
        if number % 10 == 0 {
            whole_project(&text, &trust);
        }
        let took = start.elapsed();
        assert!(took < Duration::from_secs(2), "number {number} took {took:?}");
        slowest = slowest.max(took);
    }
    println!("{count} mutations, {readable} of them readable, the slowest {slowest:?}");
}

/// Every rule and the verdict over a project that serves it.
fn whole_project(certificate: &str, trust: &str) {
    let tree = MemoryTree::new()
        .with("compose.yaml", "services:\n  iot-mqtt:\n    image: eclipse-mosquitto:2\n    volumes: [./m.conf:/mosquitto/config/mosquitto.conf, ./c:/c]\n")
        .with("m.conf", "listener 8883\ncafile /c/ca.crt\ncertfile /c/s.crt\nkeyfile /c/s.key\n")
        .with("c/s.crt", certificate)
        .with("c/ca.crt", trust);
    let given = Given::default();
    let found = deployment::discover(&tree, Path::new("."), &given).unwrap();
    let _ = verdict::judge(&found, &tree, CLOCK, &verdict::Options::default());
    let _ = rules::run(&found, &tree, CLOCK, &rules::Options::default());
}
