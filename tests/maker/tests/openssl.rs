//! OpenSSL reads everything that the maker makes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mqttcert_fixtures::dn::{Attr, Dn, Text};
use mqttcert_fixtures::hash::Hash;
use mqttcert_fixtures::pulse::{PASSWORD, State, passwd_line, pulse};
use mqttcert_fixtures::{CLOCK, Ca, Key, Recipe, SigAlg, crl, pem};

fn folder(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

fn openssl(dir: &Path, args: &str) -> String {
    let out = Command::new("openssl").args(args.split(' ')).current_dir(dir).output().expect("openssl");
    let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "openssl {args}: {text}");
    text
}

#[test]
fn every_kind_of_ca_signs_a_certificate_that_verifies() {
    let server = Key::rsa(2048, "server");
    for (name, key) in [
        ("rsa4096", Key::rsa(4096, "ca")),
        ("p256", Key::p256()),
        ("p384", Key::p384()),
        ("ed25519", Key::ed25519()),
    ] {
        let dir = folder(&format!("ca-{name}"));
        let ca = Ca::with(&key, CLOCK);
        fs::write(dir.join("ca.crt"), ca.pem()).unwrap();
        fs::write(dir.join("ca.key"), key.traditional_pem()).unwrap();
        fs::write(dir.join("ca.p8"), key.pkcs8_pem()).unwrap();
        fs::write(
            dir.join("s.crt"),
            Recipe::server(&["iot-mqtt", "127.0.0.1"], &server, CLOCK).sign(&ca).pem(),
        )
        .unwrap();
        fs::write(dir.join("crl.pem"), crl::crl_pem(&ca, CLOCK, None, &[mqttcert_fixtures::der::small(77)]))
            .unwrap();
        let verify = "verify -x509_strict -attime 1795521600 -CAfile ca.crt -verify_hostname iot-mqtt s.crt";
        assert!(openssl(&dir, verify).contains("s.crt: OK"), "{name}");
        let public = openssl(&dir, "pkey -in ca.key -pubout");
        assert_eq!(public, openssl(&dir, "pkey -in ca.p8 -pubout"), "{name}");
        assert_eq!(public, openssl(&dir, "x509 -in ca.crt -noout -pubkey"), "{name}");
        assert!(
            openssl(&dir, "crl -in crl.pem -CAfile ca.crt -noout -text").contains("Serial Number: 4D"),
            "{name}"
        );
    }
}

#[test]
fn rsa_signs_with_every_hash() {
    let dir = folder("hashes");
    let (ca_key, key) = (Key::rsa(2048, "ca2"), Key::rsa(2048, "server"));
    let ca = Ca::with(&ca_key, CLOCK);
    fs::write(dir.join("ca.crt"), ca.pem()).unwrap();
    for hash in [Hash::Md5, Hash::Sha1, Hash::Sha224, Hash::Sha256, Hash::Sha384, Hash::Sha512] {
        let made = Recipe::server(&["x"], &key, CLOCK).signed_with(SigAlg::Rsa(hash)).sign(&ca);
        fs::write(dir.join("s.crt"), made.pem()).unwrap();
        openssl(&dir, "verify -auth_level 0 -attime 1795521600 -CAfile ca.crt s.crt");
    }
}

#[test]
fn names_of_every_shape_are_read() {
    let dir = folder("names");
    let key = Key::rsa(2048, "server");
    let subject = Dn(vec![
        vec![Attr::new("C", Text::Printable, "DE")],
        vec![Attr::new("O", Text::Bmp, "Büro"), Attr::new("OU", Text::T61, "Gerät")],
        vec![Attr::new("CN", Text::Universal, "iot-mqtt")],
    ]);
    let made = Recipe::leaf("x", &key, CLOCK).named(&subject).self_sign();
    fs::write(dir.join("s.crt"), made.pem()).unwrap();
    let shown = openssl(&dir, "x509 -in s.crt -noout -subject -nameopt utf8,sep_comma_plus");
    assert!(shown.contains("CN=iot-mqtt") && shown.contains("O=Büro") && shown.contains('+'), "{shown}");
}

#[test]
fn the_seeds_certificate_has_its_shape() {
    let dir = folder("pulse-insecure");
    let certs = pulse(&dir, State::Insecure, CLOCK).unwrap();
    let text = openssl(&certs, "x509 -in server.crt -noout -text");
    for part in [
        "Version: 1 (0x0)",
        "CN = iot-mqtt, O = OpsConductor, C = US",
        "Public-Key: (2048 bit)",
        "Feb 15 12:00:00 2028",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(!text.contains("X509v3"));
    let ca = openssl(&certs, "x509 -in ca.crt -noout -text");
    assert!(ca.contains("(4096 bit)") && ca.contains("CA:TRUE") && !ca.contains("Key Usage"), "{ca}");
    openssl(&certs, "verify -attime 1795521600 -CAfile ca.crt server.crt");
    openssl(&certs, "req -in server.csr -noout -verify");
    assert!(dir.join("compose/docker-compose.yml").is_file());
}

#[test]
fn a_request_and_a_login_are_what_others_read() {
    let dir = folder("csr");
    let request = Recipe::server(&["a.example"], &Key::p256(), CLOCK).request();
    fs::write(dir.join("r.csr"), pem::armour("CERTIFICATE REQUEST", &request)).unwrap();
    assert!(openssl(&dir, "req -in r.csr -noout -verify -text").contains("DNS:a.example"));
    let line = passwd_line("service_pulse", PASSWORD);
    assert!(
        line.starts_with("service_pulse:$7$101$")
            && line.len() == "service_pulse:$7$101$".len() + 16 + 1 + 88 + 1
    );
}
