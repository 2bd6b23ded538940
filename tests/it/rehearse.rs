//! `mqttcert rehearse`, every exit status.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use rcgen::{CertificateParams, IsCa, Issuer, KeyPair};

fn run(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mqttcert")).current_dir(dir).args(args).output().unwrap()
}

/// A CA and a server certificate for `names`.
fn certificates(dir: &Path, names: &[&str]) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_cert = ca.self_signed(&ca_key).unwrap();
    let issuer = Issuer::from_params(&ca, &ca_key);
    let key = KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
    let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    fs::write(dir.join("ca.crt"), ca_cert.pem()).unwrap();
    fs::write(dir.join("server.crt"), leaf.pem()).unwrap();
    fs::write(dir.join("server.key"), key.serialize_pem()).unwrap();
}

const FILES: [&str; 7] = ["rehearse", "--cert", "server.crt", "--key", "server.key", "--ca", "ca.crt"];

fn proofs(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_name_of_bare_files_is_proved_by_a_round_trip() {
    let dir = tempfile::tempdir().unwrap();
    certificates(dir.path(), &["iot-mqtt", "localhost", "127.0.0.1"]);
    let out = run(dir.path(), &[&FILES[..], &["--format", "json"]].concat());
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    let told = proofs(&out);
    assert_eq!((told["schema"].as_str(), told["ok"].as_bool()), (Some("mqttcert.proof/1"), Some(true)));
    let list = told["proofs"].as_array().unwrap();
    for name in ["iot-mqtt", "localhost", "127.0.0.1"] {
        for kind in ["tls-handshake", "login", "round-trip"] {
            assert!(
                list.iter().any(|p| p["name"] == name && p["proof"] == kind && p["ok"] == true),
                "{kind} for {name} is missing in {told:#}"
            );
        }
    }
    for kind in ["plaintext-refused", "bad-login-refused", "no-login-refused"] {
        assert!(list.iter().any(|p| p["proof"] == kind && p["ok"] == true), "{kind}");
    }
}

#[test]
fn a_name_that_is_not_in_the_certificate_fails() {
    let dir = tempfile::tempdir().unwrap();
    certificates(dir.path(), &["iot-mqtt"]);
    let out = run(dir.path(), &[&FILES[..], &["--name", "other", "--format", "json"]].concat());
    assert_eq!(out.status.code(), Some(1));
    let told = proofs(&out);
    let failed: Vec<_> = told["proofs"].as_array().unwrap().iter().filter(|p| p["ok"] == false).collect();
    assert_eq!(failed.len(), 1, "{told:#}");
    assert_eq!((&failed[0]["name"], &failed[0]["proof"]), (&"other".into(), &"tls-handshake".into()));
}

#[test]
fn a_key_of_another_certificate_is_no_rehearsal() {
    let dir = tempfile::tempdir().unwrap();
    certificates(dir.path(), &["iot-mqtt"]);
    fs::write(dir.path().join("server.key"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let out = run(dir.path(), &FILES);
    assert_eq!(out.status.code(), Some(2));
    assert!(out.stdout.is_empty());
}

#[test]
fn the_listeners_of_a_configuration_are_rehearsed_over_websockets_and_plaintext_too() {
    let dir = tempfile::tempdir().unwrap();
    certificates(dir.path(), &["iot-mqtt"]);
    let at = |f: &str| dir.path().join(f).display().to_string();
    let tls =
        format!("cafile {}\ncertfile {}\nkeyfile {}\n", at("ca.crt"), at("server.crt"), at("server.key"));
    fs::write(
        dir.path().join("mosquitto.conf"),
        format!("listener 8883\n{tls}listener 9001\nprotocol websockets\n{tls}listener 1883\nallow_anonymous true\n"),
    )
    .unwrap();
    let args =
        ["rehearse", "--conf", "mosquitto.conf", "--name", "iot-mqtt", "--ca", "ca.crt", "--format", "json"];
    let out = run(dir.path(), &args);
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stdout));
    let told = proofs(&out);
    let list = told["proofs"].as_array().unwrap();
    for (port, kind) in
        [(8883, "round-trip"), (9001, "websocket"), (9001, "round-trip"), (1883, "tls-on-plaintext-refused")]
    {
        assert!(
            list.iter().any(|p| p["listener"] == port && p["proof"] == kind && p["ok"] == true),
            "{port} {kind}"
        );
    }
}
