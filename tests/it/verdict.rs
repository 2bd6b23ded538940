//! `mqttcert verdict` on the seed's deployment: each decision with its evidence, every format, every status.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use mqttcert_fixtures::pulse::{State, pulse};
use serde_json::Value;
use time::OffsetDateTime;
use time::macros::datetime;

use crate::{peers, schema};

const NOW: OffsetDateTime = datetime!(2026-11-24 03:29:30 UTC);

fn project(name: &str, state: State) -> PathBuf {
    let dir = peers::folder(name);
    pulse(&dir, state, NOW).unwrap();
    dir
}

/// `mqttcert …` in a folder, as of the fixed time.
fn mqttcert(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mqttcert"))
        .args(args)
        .args(["--now", "2026-11-24T03:29:30Z"])
        .current_dir(dir)
        .env_remove("COMPOSE_FILE")
        .env_remove("MQTT_TLS_INSECURE")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(out: &Output) -> Value {
    schema::assert_valid("verdict-1", &text(&out.stdout))
}

/// service, decision, verify, cure of each client.
fn clients(v: &Value) -> Vec<(String, String, String, String)> {
    let word = |c: &Value, key: &str| c[key].as_str().unwrap_or("-").to_owned();
    v["clients"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (word(c, "service"), word(c, "decision"), word(c, "verify"), word(c, "cure")))
        .collect()
}

fn row(service: &str, decision: &str, verify: &str, cure: &str) -> (String, String, String, String) {
    (service.into(), decision.into(), verify.into(), cure.into())
}

/// The three files of a project, named by flags.
fn files(dir: &Path) -> [String; 4] {
    let certs = dir.join("compose/mosquitto/certs");
    let path = |name: &str| certs.join(name).to_str().unwrap().to_owned();
    ["--cert".into(), path("server.crt"), "--ca".into(), path("ca.crt")]
}

fn named(dir: &Path, more: &[&str]) -> Output {
    let files = files(dir);
    let mut args = vec!["verdict"];
    args.extend(files.iter().map(String::as_str));
    args.extend(more);
    mqttcert(&peers::folder("verdict-nowhere"), &args)
}

#[test]
fn the_seeds_paho_clients_verify_by_common_name_and_the_forgotten_ones_cannot_connect() {
    let out = mqttcert(&project("verdict-insecure", State::Insecure), &["verdict", "--format", "json"]);
    let v = json(&out);
    assert_eq!(
        clients(&v),
        [
            row("ingest", "switch-off", "accept", "-"),
            row("ui", "switch-off", "accept", "-"),
            row("shadow_worker", "broken", "refuse", "code"),
            row("device_sim", "broken", "refuse", "code"),
        ]
    );
    assert_eq!(
        v["clients"][0]["relies_on"],
        serde_json::json!(["common-name-fallback", "lenient-version", "lenient-ca"])
    );
    assert_eq!(v["clients"][0]["flag"]["insecure_now"], true);
    assert_eq!(v["clients"][3]["reasons"][0]["code"], "plaintext");
    assert_eq!((v["decision"].as_str(), v["MQTT_TLS_INSECURE"].as_str()), (Some("broken"), None));
    assert_eq!(out.status.code(), Some(1));
}

#[test]
fn the_same_certificate_is_refused_by_go_rustls_and_strict_python() {
    let dir = project("verdict-stacks", State::Insecure);
    let out = named(&dir, &["--name", "iot-mqtt", "--stack", "all", "--format", "json"]);
    let v = json(&out);
    let verify = |stack: &str| {
        let all = v["clients"].as_array().unwrap();
        let c = all.iter().find(|c| c["stack"] == stack).unwrap_or_else(|| panic!("no {stack}"));
        (c["verify"].as_str().unwrap().to_owned(), c["decision"].as_str().unwrap().to_owned())
    };
    assert_eq!(v["clients"].as_array().unwrap().len(), 22);
    assert_eq!(verify("python-paho"), ("accept".into(), "switch-off".into()));
    assert_eq!(verify("go"), ("refuse".into(), "keep-on".into()));
    assert_eq!(verify("rustls"), ("refuse".into(), "keep-on".into()));
    assert_eq!(verify("python-strict"), ("refuse".into(), "broken".into()));
    assert_eq!(out.status.code(), Some(1));
}

#[test]
fn a_name_that_no_ca_can_cure_is_refused_though_the_trusted_ca_is_not_known() {
    let dir = project("verdict-uploaded", State::Insecure);
    // Node-RED keeps a CA that was uploaded encrypted beside its flows.
    let node_red = "services:\n  flows:\n    image: nodered/node-red:4.0\n    volumes: [\"./flows:/data\"]\n";
    fs::write(dir.join("compose/docker-compose.override.yml"), node_red).unwrap();
    fs::create_dir_all(dir.join("compose/flows")).unwrap();
    let flows = |broker: &str, verify: bool| {
        format!(
            r#"[{{"id":"t","type":"tls-config","caname":"ca.crt","verifyservercert":{verify}}},
                {{"id":"b","type":"mqtt-broker","broker":"{broker}","port":"8883","tls":"t","usetls":true}}]"#
        )
    };
    let verdict = |broker: &str, verify: bool| {
        fs::write(dir.join("compose/flows/flows.json"), flows(broker, verify)).unwrap();
        let v = json(&mqttcert(&dir, &["verdict", "--client", "flows", "--format", "json"]));
        let all = clients(&v);
        (all[0].1.clone(), all[0].2.clone())
    };
    assert_eq!(verdict("mqtt", false), ("keep-on".into(), "refuse".into()));
    assert_eq!(verdict("mqtt", true), ("broken".into(), "refuse".into()));
    assert_eq!(verdict("iot-mqtt", false), ("undecided".into(), "unknown".into()));
}

#[test]
fn a_name_of_the_world_outside_is_the_brokers_where_its_certificate_says_so() {
    let dir = project("verdict-outside", State::After);
    let door = "services:\n  door:\n    image: efrecon/mqtt-client:2.0\n    \
                command: mosquitto_sub -h door.example -p 8883 --cafile /ca.crt -t '#'\n    \
                volumes: [\"./mosquitto/certs/ca.crt:/ca.crt:ro\"]\n";
    fs::write(dir.join("compose/docker-compose.override.yml"), door).unwrap();
    let decision = || {
        let v = json(&mqttcert(&dir, &["verdict", "--client", "door", "--format", "json"]));
        clients(&v)[0].1.clone()
    };
    assert_eq!(decision(), "undecided");
    let key = mqttcert_fixtures::Key::rsa(2048, "server");
    let names = ["iot-mqtt", "door.example"];
    let server = mqttcert_fixtures::Recipe::server(&names, &key, NOW).sign(&mqttcert_fixtures::Ca::seed(NOW));
    fs::write(dir.join("compose/mosquitto/certs/server.crt"), server.pem()).unwrap();
    assert_eq!(decision(), "verified");
}

#[test]
fn a_listener_of_tls_1_3_refuses_only_the_paho_clients_that_pin_1_2() {
    let dir = project("verdict-pinned", State::After);
    let conf = dir.join("compose/mosquitto/mosquitto.conf");
    fs::write(&conf, fs::read_to_string(&conf).unwrap().replace("tlsv1.2", "tlsv1.3")).unwrap();
    let decision = |service: &str| {
        let v = json(&mqttcert(&dir, &["verdict", "--client", service, "--format", "json"]));
        clients(&v)[0].1.clone()
    };
    assert_eq!(decision("device_sim"), "broken");
    let code = dir.join("services/device_sim/simulator.py");
    let pinned = fs::read_to_string(&code).unwrap();
    let free = pinned.replace(", tls_version=ssl.PROTOCOL_TLSv1_2", "");
    assert_ne!(free, pinned);
    fs::write(&code, free).unwrap();
    assert_eq!(decision("device_sim"), "verified");
}

#[test]
fn after_step_five_every_client_verifies() {
    let dir = project("verdict-after", State::After);
    let out = mqttcert(&dir, &["verdict", "--format", "json"]);
    let v = json(&out);
    let decisions: Vec<&str> =
        v["clients"].as_array().unwrap().iter().map(|c| c["decision"].as_str().unwrap()).collect();
    assert_eq!(decisions, ["verified"; 4], "{v}");
    assert_eq!(v["MQTT_TLS_INSECURE"], "false");
    assert!(v["holds_until"].as_str().is_some_and(|t| t > "2026-11-24"));
    assert_eq!(out.status.code(), Some(0));

    let env = mqttcert(&dir, &["verdict", "--format", "env"]);
    assert_eq!((text(&env.stdout).as_str(), env.status.code()), ("MQTT_TLS_INSECURE=false\n", Some(0)));
}

#[test]
fn env_prints_nothing_where_it_is_not_settled() {
    let out = mqttcert(&project("verdict-env", State::Insecure), &["verdict", "--format", "env"]);
    assert_eq!((text(&out.stdout).as_str(), out.status.code()), ("", Some(1)));
    assert!(text(&out.stderr).contains("not settled"), "{}", text(&out.stderr));
}

#[test]
fn env_says_true_where_a_client_needs_the_flag() {
    let dir = project("verdict-keep", State::Insecure);
    let out = named(&dir, &["--name", "mqtt.example.com", "--format", "env"]);
    assert_eq!((text(&out.stdout).as_str(), out.status.code()), ("MQTT_TLS_INSECURE=true\n", Some(1)));
}

#[test]
fn compose_prints_each_service_in_its_own_spelling() {
    let out = mqttcert(&project("verdict-compose", State::Insecure), &["verdict", "--format", "compose"]);
    let expected = "services:\n  ingest:\n    environment:\n      MQTT_TLS_INSECURE: \"false\"\n  ui:\n    environment:\n      MQTT_TLS_INSECURE: \"false\"\n";
    assert!(text(&out.stdout).ends_with(expected), "{}", text(&out.stdout));
}

#[test]
fn looks_ahead_to_the_certificate_that_reissue_would_make() {
    let dir = project("verdict-ahead", State::Insecure);
    let before = fs::read(dir.join("compose/mosquitto/certs/server.crt")).unwrap();
    let out = mqttcert(&dir, &["verdict", "--after-reissue", "--client", "ingest", "--format", "json"]);
    let v = json(&out);
    assert_eq!(clients(&v), [row("ingest", "switch-off", "accept", "-")]);
    assert_eq!(v["clients"][0]["relies_on"], serde_json::json!(["lenient-ca"]));
    assert_eq!(out.status.code(), Some(0));
    assert_eq!(fs::read(dir.join("compose/mosquitto/certs/server.crt")).unwrap(), before);
}

#[test]
fn update_env_sets_the_line_and_takes_back_what_is_no_longer_true() {
    let dir = project("verdict-update", State::After);
    let file = dir.join("compose/.env");
    fs::write(&file, "MQTT_USERNAME=service_pulse").unwrap();
    let out = mqttcert(&dir, &["verdict", "--update-env", "compose/.env"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    assert_eq!(fs::read_to_string(&file).unwrap(), "MQTT_USERNAME=service_pulse\nMQTT_TLS_INSECURE=false\n");

    fs::remove_file(dir.join("compose/mosquitto/certs/server.crt")).unwrap();
    let out = mqttcert(&dir, &["verdict", "--update-env", "compose/.env"]);
    assert_eq!(out.status.code(), Some(1));
    assert_eq!(fs::read_to_string(&file).unwrap(), "MQTT_USERNAME=service_pulse\n");
}

#[test]
fn an_absent_certificate_is_undecided_and_a_malformed_one_is_judged() {
    let dir = project("verdict-absent", State::After);
    let cert = dir.join("compose/mosquitto/certs/server.crt");
    fs::remove_file(&cert).unwrap();
    let v = json(&mqttcert(&dir, &["verdict", "--client", "ingest", "--format", "json"]));
    assert_eq!(clients(&v), [row("ingest", "undecided", "unknown", "-")]);
    assert!(v["not_decided"].to_string().contains("is not there"), "{v}");

    fs::write(&cert, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    let out = mqttcert(&dir, &["verdict", "--client", "ingest", "--format", "json"]);
    assert_eq!(clients(&json(&out)), [row("ingest", "broken", "refuse", "code")]);
    assert_eq!(out.status.code(), Some(1));
}

#[test]
fn what_could_not_be_done_is_status_two_with_one_clear_line() {
    let nowhere = peers::folder("verdict-empty");
    for (args, words) in [
        (vec!["verdict"], "no compose file and no mosquitto.conf"),
        (vec!["verdict", "nodir"], "nodir: there is no such file"),
        (
            vec!["verdict", "--cert", "x.crt", "--ca", "y.crt", "--name", "mqtt"],
            "x.crt: there is no such file",
        ),
        (vec!["verdict", "--name", "a b"], "' ' cannot stand in a host name"),
        (vec!["verdict", "--stack", "perl"], "names no client stack"),
    ] {
        let out = mqttcert(&nowhere, &args);
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(text(&out.stderr).contains(words), "{args:?}: {}", text(&out.stderr));
        assert_eq!(text(&out.stdout), "", "{args:?}");
    }
}

#[test]
fn a_closed_pipe_is_quiet() {
    let dir = project("verdict-pipe", State::After);
    let mut child = Command::new(env!("CARGO_BIN_EXE_mqttcert"))
        .args(["verdict", "--explain"])
        .current_dir(&dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let out = child.wait_with_output().unwrap();
    assert_eq!(text(&out.stderr), "");
}
