//! Files with which Mosquitto does not start: the twin does not either. Every other conf starts on both.

use std::process::Command;

use mqttcert_fixtures::crl::crl_pem;
use mqttcert_fixtures::hash::Hash;
use mqttcert_fixtures::{Ca, Key, Recipe, SigAlg, der, pem};
use time::{Duration, OffsetDateTime};

use crate::peers;

use super::{Begun, Side, Stage, Tally, at_once, dice, peers_there};

fn files(stage: &Stage) {
    let now = OffsetDateTime::now_utc();
    let day = Duration::days(1);
    let ca = Ca::with(&Key::p256(), now);
    let (key, rsa) = (Key::p256(), Key::rsa(2048, "server"));
    let good = Recipe::server(&["localhost"], &key, now);
    stage.write("ca.crt", ca.pem());
    stage.write("good.crt", good.sign(&ca).pem());
    stage.write("good.key", key.pkcs8_pem());
    stage.write("sec1.key", key.traditional_pem());
    stage.write("other.key", Key::p256().pkcs8_pem());
    stage.write("blank.key", key.pkcs8_pem().replacen("\n-----END", "\n\n-----END", 1));
    let version_1 = key.pkcs8();
    let (_, parts, _) = der::first(&version_1);
    let public = der::context_primitive(1, &[&[0], key.public().as_slice()].concat());
    stage.write("v2.key", pem::armour("PRIVATE KEY", &der::seq(&[parts, &public])));
    stage.write("label.key", key.traditional_pem().replace("EC PRIVATE", "PRIVATE"));
    stage.write("rsa.crt", Recipe::server(&["localhost"], &rsa, now).sign(&ca).pem());
    stage.write("rsa.key", rsa.pkcs8_pem());
    stage.write("pkcs1.key", rsa.traditional_pem());
    stage.write("old.crt", good.clone().valid(now - day * 9, now - day).sign(&ca).pem());
    stage.write("young.crt", good.clone().valid(now + day, now + day * 9).sign(&ca).pem());
    stage.write("v1.crt", Recipe::leaf("x", &key, now).v1().sign(&ca).pem());
    let by_rsa = Ca::rsa(2048, now);
    stage.write("sha1.crt", good.signed_with(SigAlg::Rsa(Hash::Sha1)).sign(&by_rsa).pem());
    let small = Key::rsa(1024, "small");
    stage.write("small.crt", Recipe::server(&["localhost"], &small, now).sign(&ca).pem());
    stage.write("small.key", small.pkcs8_pem());
    stage.write("empty", "");
    stage.write("rubbish", "this is no PEM\n");
    let broken =
        good_pem_with_a_broken_middle(&std::fs::read_to_string(stage.path().join("good.crt")).unwrap());
    stage.write("broken.crt", broken);
    let both =
        |a: &str, b: &str| [a, b].map(|f| std::fs::read_to_string(stage.path().join(f)).unwrap()).concat();
    stage.write("key-first.pem", both("good.key", "good.crt"));
    stage.write("chain.crt", both("good.crt", "ca.crt"));
    stage.write("ca-first.crt", both("ca.crt", "good.crt"));
    stage.write("good.crl", crl_pem(&ca, now - day, Some(now + day), &[]));
    stage.write("old.crl", crl_pem(&ca, now - day * 9, Some(now - day), &[]));
    let key_file = stage.path().join("good.key");
    let (status, said) = peers::run(
        Command::new("openssl")
            .args(["pkcs8", "-topk8", "-passout", "pass:x", "-in"])
            .arg(key_file)
            .arg("-out")
            .arg(stage.path().join("locked.key")),
    );
    assert_eq!(status, 0, "{said}");
    stage.write("acl", "user u\ntopic read a/#\n");
    stage.write("bad-acl", "user u\ntopic all a/#\n");
    stage.write("worse-acl", "topic read a/#/b\n");
    stage.write("users", "u:$7$101$AAAA$BBBB\nno colon\n");
    std::fs::create_dir(stage.path().join("folder")).unwrap();
}

fn good_pem_with_a_broken_middle(pem: &str) -> String {
    let mut lines: Vec<&str> = pem.lines().collect();
    let middle = lines.len() / 2;
    lines.remove(middle);
    lines.join("\n") + "\n"
}

/// Lines behind `listener`, one a conf.
const BY_HAND: &[&str] = &[
    "",
    "certfile {dir}/good.crt",
    "keyfile {dir}/good.key",
    "cafile {dir}/missing.crt",
    "require_certificate true",
    "protocol websockets",
    "protocol http",
    "protocol websockets\ncertfile {dir}/good.crt",
    "protocol websockets\ncertfile {dir}/good.crt\nkeyfile {dir}/good.key\nciphers nonsense",
    "protocol websockets\ncertfile {dir}/good.crt\nkeyfile {dir}/good.key\nciphers_tls1.3 nonsense",
    "protocol websockets\ncertfile {dir}/good.crt\nkeyfile {dir}/good.key\ncafile {dir}/missing",
    "protocol websockets\ncertfile {dir}/good.crt\nkeyfile {dir}/good.key\ncrlfile {dir}/missing",
    "crlfile {dir}/missing.crl",
    "password_file {dir}/missing",
    "password_file {dir}/empty",
    "password_file {dir}/users",
    "acl_file {dir}/missing",
    "acl_file {dir}/bad-acl",
    "acl_file {dir}/worse-acl",
    "acl_file {dir}/empty",
    "acl_file {dir}/acl",
    "allow_anonymous yes",
    "tls_version tlsv1.0",
    "max_connections x",
    "mount_point a/#",
    "mount_point home/",
    "use_username_as_clientid maybe",
    "nonsense",
    "listener",
    "listener 99999",
    "max_qos 3",
    "allow_anonymous",
    "\tallow_anonymous true",
];

#[test]
fn starts_and_refuses_to_start_as_mosquitto_does() {
    if !peers_there("starts_and_refuses_to_start_as_mosquitto_does") {
        return;
    }
    let stage = Stage::new();
    files(&stage);
    let mut dice = dice();
    let mut tally = Tally::new("start");
    let mut confs: Vec<String> = BY_HAND.iter().map(|s| (*s).to_owned()).collect();
    let certs = [
        "good.crt",
        "good.crt",
        "good.crt",
        "chain.crt",
        "rsa.crt",
        "old.crt",
        "young.crt",
        "v1.crt",
        "sha1.crt",
        "small.crt",
        "empty",
        "rubbish",
        "missing",
        "broken.crt",
        "key-first.pem",
        "ca-first.crt",
        "folder",
        "good.key",
    ];
    let keys = [
        "good.key",
        "good.key",
        "good.key",
        "good.key",
        "sec1.key",
        "other.key",
        "rsa.key",
        "pkcs1.key",
        "small.key",
        "empty",
        "rubbish",
        "missing",
        "locked.key",
        "key-first.pem",
        "folder",
        "good.crt",
    ];
    let more = [
        "",
        "",
        "",
        "cafile {dir}/ca.crt",
        "cafile {dir}/empty",
        "cafile {dir}/rubbish",
        "cafile {dir}/missing",
        "cafile {dir}/good.key",
        "cafile {dir}/folder",
        "crlfile {dir}/good.crl",
        "crlfile {dir}/old.crl",
        "crlfile {dir}/missing",
        "crlfile {dir}/empty",
        "crlfile {dir}/rubbish",
        "crlfile {dir}/ca.crt",
        "tls_version tlsv1.3",
        "tls_version TLSv1.2",
        "ciphers nonsense",
        "ciphers_tls1.3 nonsense",
        "ciphers HIGH",
        "require_certificate true\ncafile {dir}/ca.crt",
        "require_certificate true",
        "require_certificate true\ncafile {dir}/ca.crt\ncrlfile {dir}/missing",
        "require_certificate true\ncafile {dir}/ca.crt\ncrlfile {dir}/old.crl",
    ];
    let mut tls: Vec<(&str, &str, &str)> = Vec::new();
    tls.extend(certs.iter().map(|c| (*c, "good.key", "")));
    tls.extend(keys.iter().map(|k| ("good.crt", *k, "")));
    tls.extend(more.iter().map(|m| ("good.crt", "good.key", *m)));
    for _ in 0..40 {
        tls.push((dice.of(&certs), dice.of(&keys), dice.of(&more)));
    }
    // Read here, but not all of them by OpenSSL.
    tls.extend(["blank.key", "v2.key", "label.key"].map(|key| ("good.crt", key, "")));
    let mut kinds = Vec::new();
    for (cert, key, more) in tls {
        let web = if dice.below(3) == 0 { "protocol websockets\n" } else { "" };
        // What the list of known differences speaks of.
        let is_rsa = |f: &str| ["rsa.crt", "small.crt", "rsa.key", "pkcs1.key", "small.key"].contains(&f);
        let is_ec = |f: &str| {
            !is_rsa(f) && !["empty", "rubbish", "missing", "folder", "broken.crt", "locked.key"].contains(&f)
        };
        let kind = match () {
            () if key == "small.key" && (is_ec(cert) || cert == "rsa.crt") => "[a key of 1024 bits]",
            () if !web.is_empty() && ((is_rsa(cert) && is_ec(key)) || (is_ec(cert) && is_rsa(key))) => {
                "[websockets, another kind of key]"
            }
            () if !web.is_empty() && key == "label.key" => "[websockets, a key under another label]",
            () => "",
        };
        kinds.push((confs.len(), kind));
        confs.push(format!("{web}certfile {{dir}}/{cert}\nkeyfile {{dir}}/{key}\n{more}"));
    }
    // A plain listener stands first: with websockets alone 2.0.11 does not start.
    let seen = at_once(&confs, |lines| {
        let conf = format!(
            "user root\nlog_dest stderr\nlog_type all\nlistener {{0}} 127.0.0.1\nlistener {{1}} 127.0.0.1\n{lines}\n"
        );
        [Side::Mosquitto, Side::Twin].map(|side| match stage.begin(side, &conf) {
            Begun::Up(_) => ("starts", String::new()),
            Begun::Refused(_, log) => ("refuses", log),
        })
    });
    for (at, (lines, [real, twin])) in confs.iter().zip(&seen).enumerate() {
        let kind = kinds.iter().find(|(i, _)| *i == at).map_or("", |(_, kind)| *kind);
        let words = if real.0 == twin.0 { String::new() } else { format!("{}{}", real.1, twin.1) };
        tally.add(real.0, &format!("{kind} {lines:?} {words}"), &real.0, &twin.0);
    }
    tally.done(2);
}
