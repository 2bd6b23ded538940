//! `check --fix`, `--unsafe-fixes`, `--diff` on the seed's deployment: what is edited, what is told, what runs then.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mqttcert_fixtures::pulse::{PASSWORD, State, pulse};
use time::OffsetDateTime;

use crate::peers::{self, Mosquitto, Running, bytes_below};

const COMPOSE: &str = "compose/docker-compose.yml";
const CONF: &str = "compose/mosquitto/mosquitto.conf";

fn deployment(name: &str, state: State) -> PathBuf {
    let dir = peers::folder(name);
    pulse(&dir, state, OffsetDateTime::now_utc()).unwrap();
    dir
}

fn check(dir: &Path, flags: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mqttcert"));
    let out = command.arg("check").args(flags).arg(".").current_dir(dir).output().unwrap();
    let text = |b: Vec<u8>| String::from_utf8(b).unwrap();
    (out.status.code().unwrap(), text(out.stdout), text(out.stderr))
}

/// What a person does after `--fix`: the four Python files that it names, as the seed's steps 2 and 3 write them.
fn a_person_writes_the_code(dir: &Path, told: &str) {
    let after = Path::new(env!("CARGO_MANIFEST_DIR")).join("compose-fixtures/pulse/after");
    for file in [
        "services/ingest_iot/ingest.py",
        "services/ui_iot/services/mqtt_sender.py",
        "services/device_sim/simulator.py",
        "services/shadow_worker/worker.py",
    ] {
        assert!(told.contains(&format!("{file}:")), "{file} is not told:\n{told}");
        fs::copy(after.join(file), dir.join(file)).unwrap();
    }
}

/// The errors that remain, without the CA's key in the broker's mount: that takes a person, who moves it away.
fn errors(dir: &Path) -> Vec<String> {
    let (_, json, _) = check(dir, &["--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    let findings = report["findings"].as_array().unwrap();
    findings
        .iter()
        .filter(|f| f["severity"] == "error" && f["rule"] != "ca-key-exposed")
        .map(|f| format!("{} {}:{} {}", f["rule"], f["file"], f["line"], f["message"]))
        .collect()
}

#[test]
fn diff_shows_everything_and_changes_nothing() {
    let dir = deployment("fix-diff", State::Before);
    let old = bytes_below(&dir);
    let (status, diff, _) = check(&dir, &["--diff", "--unsafe-fixes"]);
    assert_eq!(status, 1);
    for line in [
        "+++ compose/docker-compose.yml",
        "+++ compose/mosquitto/mosquitto.conf",
        "+keyfile /mosquitto/certs/server.key",
        "+      - ./mosquitto/certs/ca.crt:/mosquitto/certs/ca.crt:ro",
    ] {
        assert!(diff.lines().any(|l| l == line), "{line}\n{diff}");
    }
    assert!(!diff.contains(PASSWORD), "{diff}");
    assert_eq!(bytes_below(&dir), old);
}

#[test]
fn the_seeds_before_state_is_mended_runs_and_stays_as_it_is() {
    let test = "the_seeds_before_state_is_mended_runs_and_stays_as_it_is";
    let dir = deployment("fix-seed", State::Before);
    let old = bytes_below(&dir);
    let (_, told, _) = check(&dir, &["--fix", "--unsafe-fixes"]);
    let mended = bytes_below(&dir);
    let changed: Vec<&Path> =
        mended.iter().filter(|(p, b)| old.get(*p) != Some(*b)).map(|(p, _)| p.as_path()).collect();
    assert_eq!(changed, [Path::new(COMPOSE), Path::new(CONF)]);

    a_person_writes_the_code(&dir, &told);
    assert_eq!(errors(&dir), [] as [String; 0]);

    let written = bytes_below(&dir);
    let (_, again, _) = check(&dir, &["--fix", "--unsafe-fixes"]);
    assert!(again.contains("nothing to repair"), "{again}");
    assert_eq!(bytes_below(&dir), written);

    if peers::there(test, &["docker-compose"]) {
        let mut config = Command::new("docker-compose");
        let (status, text) = peers::run(config.arg("-f").arg(dir.join(COMPOSE)).args(["config", "--quiet"]));
        assert_eq!(status, 0, "{text}");
    }
    let python = peers::python("venv-paho2");
    if !peers::there(test, &["mosquitto", &python]) {
        return;
    }
    let broker = Mosquitto::start(&dir);
    let service = |script: &str, user: &str| {
        let path = dir.join("services").join(script);
        let mut command = Command::new(&python);
        command
            .arg("-u")
            .arg(&path)
            .current_dir(path.parent().unwrap())
            .env("PYTHONPATH", peers::docker_dns(&dir))
            .env("MQTT_HOST", "iot-mqtt")
            .env("MQTT_PORT", broker.port(1883).to_string())
            .env("MQTT_USERNAME", user)
            .env("MQTT_PASSWORD", PASSWORD)
            .env("MQTT_CA_CERT", dir.join("compose/mosquitto/certs/ca.crt"))
            .env("INTERVAL_SECONDS", "0.2");
        Running::start(&mut command)
    };
    let ingest = service("ingest_iot/ingest.py", "service_pulse");
    assert!(ingest.says("\"rc\": 0"), "{}", ingest.log());
    let simulator = service("device_sim/simulator.py", "device_sim");
    assert!(ingest.says("\"device\": \"sim-1\""), "{} {}", simulator.log(), ingest.log());
}

#[test]
fn the_difference_from_the_hand_made_state_is_explained_line_by_line() {
    let dir = deployment("fix-explained", State::Before);
    check(&dir, &["--fix", "--unsafe-fixes"]);
    let after = Path::new(env!("CARGO_MANIFEST_DIR")).join("compose-fixtures/pulse/after");
    let lines = |root: &Path, file: &str| -> Vec<String> {
        fs::read_to_string(root.join(file)).unwrap().lines().map(str::to_owned).collect()
    };
    // The lines of one that the other does not have, each as often as it is one too many.
    let only = |a: &[String], b: &[String]| -> Vec<String> {
        let mut rest = b.to_vec();
        let mut out = Vec::new();
        for line in a {
            match rest.iter().position(|r| r == line) {
                Some(at) => drop(rest.remove(at)),
                None => out.push(line.clone()),
            }
        }
        out
    };

    let (ours, theirs) = (lines(&dir, CONF), lines(&after, CONF));
    // A tool changes no comment, also where it is no longer true.
    assert_eq!(
        only(&theirs, &ours),
        ["# Auth required. TLS on all listeners.", "# Internal TLS listener (Docker network services)"]
    );
    // The seed leaves 1883 and 8883 without an ACL; the tool does not.
    assert_eq!(
        only(&ours, &theirs),
        [
            "# Auth required. TLS for devices, plaintext inside.",
            "# Internal plaintext listener (Docker network only)",
            "acl_file /mosquitto/config/acl.conf",
            "acl_file /mosquitto/config/acl.conf"
        ]
    );

    let (ours, theirs) = (lines(&dir, COMPOSE), lines(&after, COMPOSE));
    // The same value, quoted as the line above it: plain three times, in quotes below a quoted one.
    assert_eq!(only(&ours, &theirs), ["      MQTT_CA_CERT: /mosquitto/certs/ca.crt"; 3]);
    // The flag is off where it is absent: a line that says so is not needed.
    let missing = only(&theirs, &ours);
    assert_eq!(missing.iter().filter(|l| *l == "      MQTT_TLS_INSECURE: \"false\"").count(), 3);
    assert_eq!(missing.iter().filter(|l| *l == "      MQTT_CA_CERT: \"/mosquitto/certs/ca.crt\"").count(), 3);
    assert_eq!(missing.len(), 6, "{missing:#?}");
}

#[test]
fn uncommitted_changes_are_only_touched_when_allowed() {
    if !peers::there("uncommitted_changes_are_only_touched_when_allowed", &["git"]) {
        return;
    }
    let dir = deployment("fix-git", State::Before);
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-C"]).arg(&dir).args(args);
        let (status, text) = peers::run(&mut command);
        assert_eq!(status, 0, "{text}");
    };
    git(&["init", "-q"]);
    git(&["add", COMPOSE, CONF]);
    git(&["commit", "-qm", "x"]);
    let conf = dir.join(CONF);
    fs::write(&conf, format!("{}# edited\n", fs::read_to_string(&conf).unwrap())).unwrap();
    let old = bytes_below(&dir);
    let (status, _, error) = check(&dir, &["--fix", "--unsafe-fixes"]);
    assert_eq!(status, 2);
    assert!(error.contains("mosquitto.conf: has uncommitted changes"), "{error}");
    assert!(error.contains("--allow-dirty"), "{error}");
    assert_eq!(bytes_below(&dir), old);
    check(&dir, &["--fix", "--unsafe-fixes", "--allow-dirty"]);
    assert!(fs::read_to_string(&conf).unwrap().contains("# edited"));
    assert_ne!(bytes_below(&dir), old);
}

#[test]
fn the_flag_is_switched_off_only_where_the_verdict_says_so() {
    let dir = deployment("fix-flag", State::Insecure);
    check(&dir, &["--fix"]);
    let compose = fs::read_to_string(dir.join(COMPOSE)).unwrap();
    // ingest and ui accept the v1 certificate by its common name: the verdict is switch-off for both.
    assert_eq!(compose.matches("MQTT_TLS_INSECURE: \"true\"").count(), 0, "{compose}");
    assert_eq!(compose.matches("MQTT_TLS_INSECURE: \"false\"").count(), 2, "{compose}");

    // ingest dials another name than the certificate's: its flag stays.
    let dir = deployment("fix-flag-kept", State::Insecure);
    let file = dir.join(COMPOSE);
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("MQTT_HOST: iot-mqtt", "MQTT_HOST: mqtt", 1)).unwrap();
    check(&dir, &["--fix"]);
    let compose = fs::read_to_string(&file).unwrap();
    assert_eq!(compose.matches("MQTT_TLS_INSECURE: \"true\"").count(), 1, "{compose}");
}
