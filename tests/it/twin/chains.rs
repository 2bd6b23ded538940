//! The certificates in the handshake, byte for byte: whatever stands in certfile, and what OpenSSL adds from cafile.

use mqttcert_fixtures::{Ca, Dice, Ext, Key, Recipe};
use time::{Duration, OffsetDateTime};

use rustls::version::{TLS12, TLS13};

use super::wire::{Tls, Wire};
use super::{Stage, Tally, dice, peers_there};

/// A server certificate in good order: `ca.crt`, `server.crt`, `server.key`. Returns its CA.
pub fn server_files(stage: &Stage) -> Ca {
    let now = OffsetDateTime::now_utc();
    let ca = Ca::with(&Key::p256(), now);
    let server = Recipe::server(&["localhost", "127.0.0.1"], &Key::p256(), now).sign(&ca);
    stage.write("ca.crt", ca.pem());
    stage.write("server.crt", server.pem());
    stage.write("server.key", server.key.pkcs8_pem());
    ca
}

#[test]
fn sends_the_certificates_that_mosquitto_sends() {
    if !peers_there("sends_the_certificates_that_mosquitto_sends") {
        return;
    }
    let now = OffsetDateTime::now_utc();
    let stage = Stage::new();
    let mut dice = dice();
    let mut tally = Tally::new("chain as sent");
    let (root_key, middle_key, key) = (Key::p256(), Key::p256(), Key::p256());
    let root = Recipe::ca("CN=Root", &root_key, now).self_sign();
    let renewed = Recipe::ca("CN=Root", &root_key, now).self_sign();
    let namesake = Recipe::ca("CN=Root", &Key::p256(), now).self_sign();
    let other = Recipe::ca("CN=Other", &Key::p256(), now).self_sign();
    let middle = Recipe::ca("CN=Middle", &middle_key, now).with_key_ids().without("2.5.29.14").sign_ca(&root);
    let old_middle = Recipe::ca("CN=Middle", &middle_key, now)
        .valid(now - Duration::days(900), now - Duration::days(2))
        .sign_ca(&root);
    let cross = Recipe::ca("CN=Middle", &middle_key, now).sign_ca(&other);
    let weak_middle = Recipe::ca("CN=Middle", &Key::p256(), now).sign_ca(&root);
    let bare_middle = Recipe::leaf("m", &middle_key, now)
        .named(&mqttcert_fixtures::Dn::of("CN=Middle"))
        .with(Ext::basic_constraints(true, None))
        .sign_ca(&root);
    let leaf = |ca: &Ca| Recipe::server(&["localhost"], &key, now).sign(ca).pem();
    let leaves = [
        ("by root", leaf(&root)),
        ("by middle", leaf(&middle)),
        ("v1 by middle", Recipe::leaf("localhost", &key, now).v1().sign(&middle).pem()),
        (
            "expired",
            Recipe::server(&["localhost"], &key, now)
                .valid(now - Duration::days(9), now - Duration::days(1))
                .sign(&middle)
                .pem(),
        ),
        ("self-signed", Recipe::server(&["localhost"], &key, now).self_sign().pem()),
        (
            "named as its CA",
            Recipe::server(&["localhost"], &key, now)
                .named(&mqttcert_fixtures::Dn::of("CN=Root"))
                .sign(&root)
                .pem(),
        ),
    ];
    let others = [
        ("root", root.pem()),
        ("renewed root", renewed.pem()),
        ("namesake", namesake.pem()),
        ("other", other.pem()),
        ("middle", middle.pem()),
        ("old middle", old_middle.pem()),
        ("cross", cross.pem()),
        ("wrong middle", weak_middle.pem()),
        ("bare middle", bare_middle.pem()),
    ];
    stage.write("server.key", key.pkcs8_pem());
    let named: Vec<(&str, Vec<u8>)> = leaves
        .iter()
        .chain(&others)
        .map(|(name, pem)| (*name, mqttcert_fixtures::pem::unarmour(pem)))
        .collect();
    for _ in 0..3 {
        let mut conf = String::from("allow_anonymous true\n");
        let mut listeners = Vec::new();
        for index in 0..40 {
            let web = dice.below(4) == 0;
            let (word, mut served) = leaves[dice.below(leaves.len())].clone();
            let mut case = format!("{}{word}", if web { "websockets, " } else { "" });
            let draw = |dice: &mut Dice, text: &mut String, case: &mut String, count: usize| {
                for _ in 0..count {
                    let (word, pem) = &others[dice.below(others.len())];
                    text.push_str(pem);
                    case.push_str(&format!(" + {word}"));
                }
            };
            let count = [0, 0, 0, 1, 2][dice.below(5)];
            draw(&mut dice, &mut served, &mut case, count);
            let mut trusted = String::new();
            case.push_str("; cafile");
            let count = dice.below(5);
            draw(&mut dice, &mut trusted, &mut case, count);
            stage.write(&format!("{index}.crt"), served);
            stage.write(&format!("{index}.ca"), &trusted);
            let protocol = if web { "protocol websockets\n" } else { "" };
            let cafile = if count > 0 { format!("cafile {{dir}}/{index}.ca\n") } else { String::new() };
            conf.push_str(&format!(
                "listener {{{index}}} 127.0.0.1\n{protocol}{cafile}certfile {{dir}}/{index}.crt\nkeyfile {{dir}}/server.key\n"
            ));
            listeners.push(case);
        }
        let [real, twin] = stage.both(&conf);
        for (index, case) in listeners.iter().enumerate() {
            for version in [&TLS12, &TLS13] {
                let tls = Tls { versions: vec![version], ..Tls::default() };
                let [r, t] = [real.ports[index], twin.ports[index]].map(|port| {
                    let wire = Wire::open(port, Some(&tls), false)?;
                    let chain = wire.shaken.unwrap().chain;
                    Ok::<Vec<String>, super::wire::End>(
                        chain
                            .iter()
                            .map(|c| {
                                named.iter().find(|(_, der)| der == c).map_or("?", |(n, _)| *n).to_owned()
                            })
                            .collect(),
                    )
                });
                let class = r.as_ref().map_or("none".into(), |c| format!("of {}", c.len()));
                tally.add(&class, case, &r, &t);
            }
        }
    }
    tally.done(3);
}
