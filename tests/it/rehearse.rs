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

/// A project of Compose: a broker with users and an ACL, and two clients.
fn project(dir: &Path, acl: &str) {
    let mounts =
        ["mosquitto.conf", "users", "acl"].map(|f| format!("\"./{f}:/mosquitto/config/{f}\"")).join(", ");
    let client = |name: &str, user: &str, topics: &str| {
        format!(
            "  {name}:\n    image: python:3\n    environment: {{MQTT_HOST: mqtt, MQTT_PORT: \"1883\", \
             MQTT_USERNAME: {user}, MQTT_PASSWORD: x, {topics}}}\n"
        )
    };
    let compose = format!(
        "services:\n  mqtt:\n    image: eclipse-mosquitto:2.0\n    volumes: [{mounts}]\n{}{}",
        client(
            "sensor",
            "u",
            "MQTT_PUB_TOPIC: sensors/1, MQTT_SUB_TOPIC: \"commands/#\", MQTT_TOPIC_PREFIX: x"
        ),
        client("ui", "nobody", "MQTT_TOPIC: \"sensors/+\"")
    );
    fs::write(dir.join("docker-compose.yml"), compose).unwrap();
    let conf = "listener 1883\npassword_file /mosquitto/config/users\nacl_file /mosquitto/config/acl\n";
    fs::write(dir.join("mosquitto.conf"), conf).unwrap();
    // `mosquitto_passwd -b` for the password `geheim`: the rehearsal needs the user, never the password.
    let hash = "$7$101$x1jqoIZJWh1yLIkX$hw0UYnGlMCJ4HLQBAD14G8yiGhqQOCwsQZiggL0SWL+axj7U0+ISnWBMZFaCaq2lIzschjpyGpg/SZlgtEKnrw==";
    fs::write(dir.join("users"), format!("u:{hash}\n")).unwrap();
    fs::write(dir.join("acl"), acl).unwrap();
}

/// `(service, proof, ok)` and what was seen, for the clients' own logins and topics.
fn rights(told: &serde_json::Value) -> Vec<(String, bool, String)> {
    let list = told["proofs"].as_array().unwrap().iter();
    let own = |p: &&serde_json::Value| p["proof"] == "acl" || (p["proof"] == "login" && p["ok"] == false);
    let text = |v: &serde_json::Value| v.as_str().unwrap_or_default().to_owned();
    list.filter(own).map(|p| (text(&p["service"]), p["ok"] == true, text(&p["detail"]))).collect()
}

#[test]
fn every_client_goes_in_as_its_own_user_and_tries_its_own_topics() {
    let dir = tempfile::tempdir().unwrap();
    let expected = |reads: bool| {
        vec![
            ("sensor".to_owned(), true, "u may publish, and not read sensors/1 (MQTT_PUB_TOPIC)".to_owned()),
            (
                "sensor".to_owned(),
                reads,
                format!("u may {} commands/# (MQTT_SUB_TOPIC)", if reads { "read" } else { "not read" }),
            ),
            ("ui".to_owned(), false, "the password file has no user nobody".to_owned()),
        ]
    };
    for (acl, reads) in [
        ("user u\ntopic write sensors/#\n", false),
        ("user u\ntopic write sensors/#\npattern read commands/#\n", true),
    ] {
        project(dir.path(), acl);
        let out = run(dir.path(), &["rehearse", "--format", "json"]);
        assert_eq!(out.status.code(), Some(1));
        assert_eq!(rights(&proofs(&out)), expected(reads));
    }
}

#[test]
fn a_listener_for_certificates_turns_strangers_away_and_says_what_its_list_is_worth() {
    let dir = tempfile::tempdir().unwrap();
    let at = |f: &str| dir.path().join(f).display().to_string();
    let now = time::OffsetDateTime::now_utc();
    let ca = mqttcert_fixtures::Ca::with(&mqttcert_fixtures::Key::p256(), now);
    let server =
        mqttcert_fixtures::Recipe::server(&["iot-mqtt"], &mqttcert_fixtures::Key::p256(), now).sign(&ca);
    fs::write(dir.path().join("ca.crt"), ca.pem()).unwrap();
    fs::write(dir.path().join("server.crt"), server.pem()).unwrap();
    fs::write(dir.path().join("server.key"), server.key.pkcs8_pem()).unwrap();
    let lines = format!(
        "cafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true\ncrlfile {}\n",
        at("ca.crt"),
        at("server.crt"),
        at("server.key"),
        at("ca.crl")
    );
    let conf = format!("listener 8883\n{lines}listener 9001\nprotocol websockets\n{lines}");
    fs::write(dir.path().join("mosquitto.conf"), conf).unwrap();
    for (days, good) in [(7, true), (-1, false)] {
        let end = now + time::Duration::days(days);
        let crl =
            mqttcert_fixtures::crl::crl_pem(&ca, now - time::Duration::days(9), Some(end), &[vec![2, 1, 5]]);
        fs::write(dir.path().join("ca.crl"), crl).unwrap();
        let args = ["rehearse", "--conf", "mosquitto.conf", "--name", "iot-mqtt", "--ca", "ca.crt"];
        let out = run(dir.path(), &[&args[..], &["--format", "json"]].concat());
        let told = proofs(&out);
        let of = |port: u16| -> Vec<Option<bool>> {
            let list = told["proofs"].as_array().unwrap().iter();
            let own = list.filter(|p| p["listener"] == port && p["proof"] == "client-certificate");
            own.map(|p| p["ok"].as_bool()).collect()
        };
        assert_eq!(of(8883), [Some(true), Some(true), Some(good)], "{told:#}");
        // Without a certificate, with a foreign one; its list is ignored.
        assert_eq!(of(9001), [Some(true), Some(true), None], "{told:#}");
        // With its own eyes: clients that a list revokes, which is heeded on one of the two.
        let list = told["proofs"].as_array().unwrap().iter();
        let words: String = list.map(|p| format!("{} {}\n", p["detail"], p["skipped"])).collect();
        let heeded = "a good certificate was let in, a revoked one not";
        assert_eq!(words.contains(heeded) && words.contains("CertificateRevoked"), good, "{words}");
        assert!(
            words.contains("a revoked certificate of a CA made for this rehearsal was let in"),
            "{words}"
        );
        assert_eq!(out.status.code(), Some(if good { 0 } else { 1 }), "{told:#}");
    }
}
