//! `mqttcert probe` at a real Mosquitto: what it proves, what it leaves alone and says so, what it leaves behind.

use std::process::{Command, Output};

use serde_json::Value;

use crate::peers;
use crate::twin::{Broker, Stage, server_files};

fn probe(stage: &Stage, port: u16, more: &[&str]) -> (i32, Vec<Value>) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_mqttcert"))
        .current_dir(stage.path())
        .args(["probe", &format!("127.0.0.1:{port}"), "--format", "json"])
        .args(more)
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&stdout)
        .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&stderr)));
    (status.code().unwrap(), told["proofs"].as_array().unwrap().clone())
}

/// `ok` of every proof of a kind.
fn answers(proofs: &[Value], kind: &str) -> Vec<Option<bool>> {
    proofs.iter().filter(|p| p["proof"] == kind).map(|p| p["ok"].as_bool()).collect()
}

fn because(proofs: &[Value], kind: &str) -> String {
    let found = proofs.iter().find(|p| p["proof"] == kind).unwrap();
    found["skipped"].as_str().unwrap_or_default().to_owned()
}

/// Mosquitto with TLS on TCP and websockets, and with listeners of a stricter kind.
fn stage() -> (Stage, [Broker; 2]) {
    let stage = Stage::new();
    server_files(&stage);
    let tls = "cafile {dir}/ca.crt\ncertfile {dir}/server.crt\nkeyfile {dir}/server.key\n";
    let brokers = stage.both(&format!(
        "allow_anonymous true\nlistener {{0}} 127.0.0.1\n{tls}\
         listener {{1}} 127.0.0.1\nprotocol websockets\n{tls}\
         listener {{2}} 127.0.0.1\nrequire_certificate true\n{tls}\
         listener {{3}} 127.0.0.1\nprotocol websockets\nrequire_certificate true\n{tls}"
    ));
    (stage, brokers)
}

#[test]
fn a_websockets_listener_is_recognised_on_any_port() {
    if !peers::there("a_websockets_listener_is_recognised_on_any_port", &["mosquitto"]) {
        return;
    }
    let (stage, brokers) = stage();
    for broker in &brokers {
        for (index, web) in [(0, vec![]), (1, vec![Some(true)])] {
            let (status, proofs) = probe(&stage, broker.ports[index], &["--ca", "ca.crt", "--round-trip"]);
            assert_eq!(status, 0, "{proofs:#?}");
            assert_eq!(answers(&proofs, "websocket"), web);
            assert_eq!(answers(&proofs, "round-trip"), [Some(true)]);
            assert_eq!(answers(&proofs, "tls-version"), [Some(true), Some(true)]);
        }
    }
}

#[test]
fn where_a_client_certificate_is_required_the_login_is_left_out_by_name() {
    let test = "where_a_client_certificate_is_required_the_login_is_left_out_by_name";
    if !peers::there(test, &["mosquitto"]) {
        return;
    }
    let (stage, brokers) = stage();
    for broker in &brokers {
        for index in [2, 3] {
            let more = ["--ca", "ca.crt", "--round-trip", "--bad-login"];
            let (status, proofs) = probe(&stage, broker.ports[index], &more);
            assert_eq!(status, 0, "{proofs:#?}");
            for kind in ["login", "round-trip", "bad-login-refused"] {
                assert_eq!(answers(&proofs, kind), [None], "{kind}");
                assert!(because(&proofs, kind).contains("requires a client certificate"), "{proofs:#?}");
            }
            assert_eq!(answers(&proofs, "client-certificate"), [Some(true)]);
        }
    }
}

#[test]
fn a_login_that_would_throw_a_service_off_is_not_tried() {
    let test = "a_login_that_would_throw_a_service_off_is_not_tried";
    if !peers::there(test, &["mosquitto"]) {
        return;
    }
    let stage = Stage::new();
    server_files(&stage);
    let lines = "use_username_as_clientid true\ncafile {dir}/ca.crt\ncertfile {dir}/server.crt\n\
                 keyfile {dir}/server.key\n";
    let conf = format!("allow_anonymous true\nlistener {{0}} 127.0.0.1\n{lines}");
    let brokers = stage.both(&conf);
    let port = brokers[0].ports[0];
    // The probe reads the configuration that the broker runs with.
    let here = conf.replace("{dir}", &stage.path().display().to_string()).replace("{0}", &port.to_string());
    stage.write("mosquitto.conf", here);
    stage.write("password", "secret\n");
    let more = ["--dir", ".", "--conf", "mosquitto.conf", "--user", "u", "--password-file", "password"];
    let (_, proofs) = probe(&stage, port, &[&more[..], &["--round-trip", "--bad-login"]].concat());
    for kind in ["login", "round-trip", "bad-login-refused"] {
        assert_eq!(answers(&proofs, kind), [None], "{kind} {proofs:#?}");
        assert!(because(&proofs, kind).contains("throw"), "{proofs:#?}");
    }
}

#[test]
fn no_retained_message_is_left_behind() {
    if !peers::there("no_retained_message_is_left_behind", &["mosquitto", "mosquitto_sub"]) {
        return;
    }
    let (stage, brokers) = stage();
    let port = brokers[0].ports[0];
    let (status, proofs) = probe(&stage, port, &["--ca", "ca.crt", "--round-trip"]);
    assert_eq!(status, 0, "{proofs:#?}");
    let mut sub = Command::new(peers::find("mosquitto_sub").unwrap());
    let ca = stage.path().join("ca.crt");
    sub.args(["-h", "127.0.0.1", "-t", "#", "--retained-only", "-W", "1", "-v", "-p", &port.to_string()]);
    let (_, said) = peers::run(sub.arg("--cafile").arg(ca));
    assert!(!said.contains("mqttcert/"), "{said}");
}
