//! `mqttcert check` on the seed's project, in its three states: what a careful reader of the seed expects, nothing else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use mqttcert_fixtures::CLOCK;
use mqttcert_fixtures::pulse::{State, pulse};
use serde_json::Value;
use time::format_description::well_known::Rfc3339;

use crate::peers;

fn run(dir: &Path, args: &[&str]) -> Output {
    let now = CLOCK.format(&Rfc3339).unwrap();
    Command::cargo_bin("mqttcert")
        .unwrap()
        .current_dir(dir)
        .args(["check", "--now", &now])
        .args(args)
        .output()
        .unwrap()
}

fn json(dir: &Path, args: &[&str]) -> (Value, Option<i32>) {
    let output = run(dir, &[args, &["--format", "json"]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    (serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}")), output.status.code())
}

/// `error acl-scope compose/mosquitto/mosquitto.conf:41`, but for notes.
fn lines(report: &Value) -> BTreeSet<String> {
    report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|f| f["severity"] != "note")
        .map(|f| {
            let text = |key: &str| f[key].as_str().unwrap_or("").to_owned();
            format!(
                "{} {} {}:{}",
                text("severity"),
                text("rule"),
                text("file"),
                f["line"].as_u64().unwrap_or(0)
            )
        })
        .collect()
}

fn seed(name: &str, state: State) -> PathBuf {
    let dir = peers::folder(name);
    pulse(&dir, state, CLOCK).unwrap();
    dir
}

fn set(lines: &[&str]) -> BTreeSet<String> {
    lines.iter().map(|l| (*l).to_owned()).collect()
}

#[test]
fn the_seed_before_its_steps() {
    let dir = seed("check-before", State::Before);
    let (report, status) = json(&dir, &[]);
    assert_eq!(status, Some(1));
    assert_eq!(
        lines(&report),
        set(&[
            "error ca-key-exposed compose/docker-compose.yml:11",
            "error acl-scope compose/mosquitto/mosquitto.conf:37",
            "warning plaintext-listener compose/mosquitto/mosquitto.conf:15",
            "warning ca-key-usage compose/mosquitto/certs/ca.crt:0",
            "warning v1-certificate compose/mosquitto/certs/server.crt:0",
        ])
    );
}

#[test]
fn the_seed_after_its_fourth_step() {
    let dir = seed("check-insecure", State::Insecure);
    let (report, status) = json(&dir, &[]);
    assert_eq!(status, Some(1));
    assert_eq!(
        lines(&report),
        set(&[
            "error ca-key-exposed compose/docker-compose.yml:11",
            "error tls-mismatch compose/docker-compose.yml:85",
            "error tls-mismatch services/shadow_worker/worker.py:8",
            "error acl-scope compose/mosquitto/mosquitto.conf:41",
            "warning insecure-unneeded compose/docker-compose.yml:29",
            "warning insecure-unneeded compose/docker-compose.yml:63",
            "warning single-file-mount compose/docker-compose.yml:31",
            "warning single-file-mount compose/docker-compose.yml:65",
            "warning ca-key-usage compose/mosquitto/certs/ca.crt:0",
            "warning cn-only compose/mosquitto/certs/server.crt:0",
            "warning san-missing compose/mosquitto/certs/server.crt:0",
            "warning v1-certificate compose/mosquitto/certs/server.crt:0",
            "warning plaintext-fallback services/ingest_iot/ingest.py:53",
            "warning plaintext-fallback services/ui_iot/services/mqtt_sender.py:28",
        ])
    );
}

#[test]
fn the_seed_after_its_fifth_step() {
    let dir = seed("check-after", State::After);
    let (report, _) = json(&dir, &[]);
    let found = lines(&report);
    let gone = ["tls-mismatch", "cn-only", "san-missing", "v1-certificate", "plaintext-listener"];
    assert!(found.iter().all(|l| gone.iter().all(|g| !l.contains(g))), "{found:#?}");
    let still = ["ca-key-exposed", "acl-scope", "single-file-mount", "ca-key-usage", "plaintext-fallback"];
    assert!(still.iter().all(|s| found.iter().any(|l| l.contains(s))), "{found:#?}");
}

#[test]
fn people_read_file_line_rule_and_the_next_step() {
    let dir = seed("check-human", State::Insecure);
    let output = run(&dir, &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    let expected = "compose/mosquitto/mosquitto.conf\n   41  error    acl-scope           acl_file applies to listener 9001 \
                    only; 1883 and 8883 may publish and read everything\n       │ acl_file /mosquitto/config/acl.conf\n       \
                    help: repeat the line under each listener";
    assert!(text.contains(expected), "{text}");
    assert!(text.lines().last().unwrap().starts_with("4 errors, "), "{text}");
}

#[test]
fn status_0_1_and_2() {
    let dir = peers::folder("check-status");
    let write = |name: &str, text: &str| std::fs::write(dir.join(name), text).unwrap();
    write(
        "compose.yaml",
        "services:\n  mqtt:\n    image: eclipse-mosquitto:2.0.18\n    volumes: [\"./m.conf:/mosquitto/config/mosquitto.conf\"]\n",
    );
    write("m.conf", "listener 1883\nallow_anonymous true\n");
    assert_eq!(run(&dir, &[]).status.code(), Some(0));
    assert_eq!(run(&dir, &["--strict"]).status.code(), Some(1));
    assert_eq!(run(&dir, &["--require", "certificate"]).status.code(), Some(1));
    assert_eq!(run(&dir, &["--require", "conf"]).status.code(), Some(0));
    write("m.conf", "listener 1883\nallow_anonymous yes\n");
    assert_eq!(run(&dir, &[]).status.code(), Some(1));
    let empty = peers::folder("check-nothing");
    let output = run(&empty, &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty() && !output.stderr.is_empty());
}

#[test]
fn several_projects_make_one_report() {
    let dir = peers::folder("check-several");
    for name in ["one", "two"] {
        let project = dir.join(name);
        std::fs::create_dir_all(&project).unwrap();
        std::fs::write(project.join("compose.yaml"), "services:\n  mqtt:\n    image: eclipse-mosquitto:2\n    volumes: [\"./m.conf:/mosquitto/config/mosquitto.conf\"]\n").unwrap();
        std::fs::write(project.join("m.conf"), "listener 1883\n").unwrap();
    }
    let (report, _) = json(&dir, &["--recursive", "."]);
    let dirs: Vec<&str> =
        report["projects"].as_array().unwrap().iter().map(|p| p["dir"].as_str().unwrap()).collect();
    assert_eq!(dirs.iter().map(|d| d.trim_start_matches("./")).collect::<Vec<_>>(), ["one", "two"]);
}

#[test]
fn secrets_of_source_lines_are_stars() {
    let dir = peers::folder("check-secrets");
    std::fs::write(dir.join("compose.yaml"), "services:\n  mqtt:\n    image: eclipse-mosquitto:2\n    volumes: [\"./m.conf:/mosquitto/config/mosquitto.conf\"]\n  app:\n    image: node:20\n    environment:\n      MQTT_URL: mqtts://anna:geheim@mqtt:9999\n").unwrap();
    std::fs::write(dir.join("m.conf"), "listener 1883\nallow_anonymous true\n").unwrap();
    for format in ["human", "json", "sarif", "github", "junit", "prometheus", "html"] {
        let output = run(&dir, &["--format", format]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains("geheim") && !text.contains("anna"), "{format}: {text}");
    }
}
