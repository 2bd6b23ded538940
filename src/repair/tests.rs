//! Plans on small deployments. What the rules would find is written by hand here.

use std::path::Path;

use time::macros::datetime;

use super::*;
use crate::deployment::{Given, discover};
use crate::finding::{Finding, Fix, Severity};
use crate::tree::{MemoryTree, OverlayTree};
use crate::verdict;

fn found(rule: &'static str, listener: u16) -> Finding {
    Finding {
        rule,
        severity: Severity::Error,
        message: String::new(),
        place: None,
        service: None,
        listener: Some(listener),
        names: Vec::new(),
        help: String::new(),
        source: "",
        fix: Fix::Unsafe,
    }
}

fn planned(tree: &dyn Tree, findings: Vec<Finding>, reach: Reach) -> Plan {
    let deployment = discover(tree, Path::new("."), &Given::default()).unwrap();
    let report = Report { findings, ..Report::default() };
    let now = datetime!(2026-11-24 03:00 UTC);
    let verdict = verdict::judge(&deployment, tree, now, &verdict::Options::default());
    plan(&deployment, &Given::default(), &report, &verdict, tree, reach)
}

/// The seed's state before its steps, from the fixture.
fn before() -> MemoryTree {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("compose-fixtures/pulse/before");
    let mut tree = MemoryTree::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap().to_owned();
                tree = tree.with(name, std::fs::read(&path).unwrap());
            }
        }
    }
    tree
}

fn seed_findings() -> Vec<Finding> {
    vec![found("plaintext-listener", 1883), found("acl-scope", 9001)]
}

fn after(plan: &Plan, file: &str) -> String {
    plan.edits.iter().find(|e| e.path == Path::new(file)).map(|e| e.after.clone()).unwrap_or_default()
}

#[test]
fn the_seeds_listener_gets_the_lines_that_the_seed_writes() {
    let plan = planned(&before(), seed_findings(), Reach::Unsafe);
    let conf = after(&plan, "compose/mosquitto/mosquitto.conf");
    assert!(
        conf.contains(
            "listener 1883\nallow_anonymous false\npassword_file /mosquitto/passwd/passwd\n\
             cafile /mosquitto/certs/ca.crt\ncertfile /mosquitto/certs/server.crt\n\
             keyfile /mosquitto/certs/server.key\ntls_version tlsv1.2\nacl_file /mosquitto/config/acl.conf\n\n# TLS"
        ),
        "{conf}"
    );
    assert_eq!(conf.matches("acl_file ").count(), 3, "{conf}");
    assert!(conf.starts_with("# mosquitto.conf -- OpsConductor-Pulse\n# Auth required."));
    let cut = plan.cut_off.join("\n");
    for who in ["device_sim", "ingest", "shadow_worker", "ui"] {
        assert!(cut.contains(who), "{cut}");
    }
}

#[test]
fn the_seeds_clients_get_their_ca_and_its_mount_and_the_forgotten_ones_too() {
    let plan = planned(&before(), seed_findings(), Reach::Unsafe);
    let compose = after(&plan, "compose/docker-compose.yml");
    for service in ["ingest", "ui", "shadow_worker", "device_sim"] {
        let block = compose.split(&format!("\n  {service}:\n")).nth(1).unwrap();
        let block = block.split("\n\n").next().unwrap();
        assert!(
            block.replace('"', "").contains("      MQTT_CA_CERT: /mosquitto/certs/ca.crt\n"),
            "{service}:\n{block}"
        );
        assert!(
            block.contains("    volumes:\n      - ./mosquitto/certs/ca.crt:/mosquitto/certs/ca.crt:ro"),
            "{service}:\n{block}"
        );
    }
    for service in ["evaluator", "dispatcher", "mqtt"] {
        let block = compose.split(&format!("\n  {service}:\n")).nth(1).unwrap();
        assert!(!block.split("\n\n").next().unwrap().contains("MQTT_CA_CERT"), "{service}");
    }
}

#[test]
fn python_code_is_told_with_file_line_and_lines() {
    let plan = planned(&before(), seed_findings(), Reach::Unsafe);
    for file in [
        "services/ingest_iot/ingest.py",
        "services/ui_iot/services/mqtt_sender.py",
        "services/device_sim/simulator.py",
        "services/shadow_worker/worker.py",
    ] {
        let told = plan
            .manual
            .iter()
            .find(|m| &*m.place.file == Path::new(file))
            .unwrap_or_else(|| panic!("{file}: {:#?}", plan.manual));
        assert!(told.place.line > 0 && told.lines.iter().any(|l| l.contains("tls_set(")), "{told:?}");
    }
    assert!(!plan.edits.iter().any(|e| e.path.extension().is_some_and(|x| x == "py")));
}

#[test]
fn without_unsafe_nothing_of_the_listeners_changes_and_no_client_is_led_to_tls() {
    let plan = planned(&before(), seed_findings(), Reach::Safe);
    assert!(plan.edits.is_empty(), "{:#?}", plan.edits);
    assert!(plan.held_back > 0 && plan.cut_off.is_empty());
}

#[test]
fn a_second_run_changes_nothing() {
    let tree = before();
    let plan = planned(&tree, seed_findings(), Reach::Unsafe);
    let mut overlay = OverlayTree::new(&tree);
    for edit in &plan.edits {
        overlay = overlay.with(&edit.path, edit.after.clone());
    }
    // The rules would be silent now; even if they were not, nothing is left to do.
    let again = planned(&overlay, seed_findings(), Reach::Unsafe);
    assert!(again.edits.is_empty(), "{:#?}", again.edits);
}

#[test]
fn a_mount_is_written_from_the_projects_folder() {
    let tree = MemoryTree::new()
        .with(
            "deploy/compose/docker-compose.yml",
            "services:\n  mqtt:\n    image: eclipse-mosquitto:2\n    volumes:\n      - ../conf:/mosquitto/config\n      - ../certs:/certs\n  \
             app:\n    image: python:3\n    environment:\n      MQTT_HOST: mqtt\n      MQTT_PORT: '8883'\n",
        )
        .with(
            "deploy/conf/mosquitto.conf",
            "listener 8883\ncafile /certs/ca.crt\ncertfile /certs/s.crt\nkeyfile /certs/s.key\n",
        );
    let deployment = discover(&tree, Path::new("deploy/compose"), &Given::default()).unwrap();
    let now = datetime!(2026-11-24 03:00 UTC);
    let verdict = verdict::judge(&deployment, &tree, now, &verdict::Options::default());
    let plan = plan(&deployment, &Given::default(), &Report::default(), &verdict, &tree, Reach::Safe);
    for edit in &plan.edits {
        assert!(
            !edit.after.contains(":/certs/ca.crt:ro")
                || edit.after.contains("- ../certs/ca.crt:/certs/ca.crt:ro"),
            "{}",
            edit.after
        );
    }
}

mod git {
    use std::process::Command;

    use super::super::is_dirty;

    fn git(dir: &std::path::Path, args: &[&str]) {
        let done = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-C"])
            .arg(dir)
            .args(args)
            .output()
            .unwrap();
        assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    #[test]
    fn tells_changed_staged_committed_and_untracked_apart_without_running_git() {
        for version in ["2", "4"] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("a/b/compose.yml");
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "one\n").unwrap();
            assert_eq!(is_dirty(&path), None);
            git(dir.path(), &["init", "-q"]);
            git(dir.path(), &["config", "index.version", version]);
            assert_eq!(is_dirty(&path), None, "untracked");
            std::fs::write(dir.path().join("a/other"), "x").unwrap();
            git(dir.path(), &["add", "."]);
            git(dir.path(), &["commit", "-qm", "x"]);
            assert_eq!(is_dirty(&path), Some(false), "committed, index version {version}");
            std::fs::write(&path, "two\n").unwrap();
            assert_eq!(is_dirty(&path), Some(true), "changed");
            git(dir.path(), &["add", "a/b/compose.yml"]);
            assert_eq!(is_dirty(&path), Some(true), "staged");
            git(dir.path(), &["commit", "-qm", "y"]);
            assert_eq!(is_dirty(&path), Some(false), "committed again");
            std::fs::write(dir.path().join("a/other"), "y").unwrap();
            git(dir.path(), &["add", "a/other"]);
            assert_eq!(is_dirty(&path), Some(false), "another file is staged");
        }
    }
}

#[test]
fn the_file_that_has_the_last_word_gets_the_lines() {
    let base = "services:\n  mqtt:\n    image: eclipse-mosquitto:2\n    volumes: [./m.conf:/mosquitto/config/mosquitto.conf, ./certs:/c]\n  \
                app:\n    image: python:3\n    environment:\n      MQTT_HOST: mqtt\n      MQTT_PORT: \"1883\"\n      MQTT_USE_TLS: \"false\"\n    volumes:\n      - ./a:/a\n";
    let over = "services:\n  app:\n    environment: !override\n      MQTT_HOST: mqtt\n      MQTT_PORT: \"8883\"\n      MQTT_USE_TLS: \"false\"\n    \
                volumes: !override\n      - ./data:/data\n";
    let conf = "listener 8883\ncafile /c/ca.crt\ncertfile /c/server.crt\nkeyfile /c/server.key\nallow_anonymous true\n";
    let tree = |over: &str| {
        MemoryTree::new()
            .with("docker-compose.yml", base)
            .with("docker-compose.override.yml", over)
            .with("m.conf", conf)
            .with("certs/ca.crt", "x")
    };
    let whole = planned(&tree(over), Vec::new(), Reach::Unsafe);
    assert_eq!(after(&whole, "docker-compose.yml"), "", "{whole:?}");
    let text = after(&whole, "docker-compose.override.yml");
    assert!(text.contains("      MQTT_CA_CERT: \"/c/ca.crt\"\n"), "{text}");
    assert!(text.contains("      - ./data:/data\n      - ./certs/ca.crt:/c/ca.crt:ro\n"), "{text}");
    // What only the first file says is completed there.
    let ports = "services:\n  app:\n    environment:\n      MQTT_PORT: \"8883\"\n";
    let split = planned(&tree(ports), Vec::new(), Reach::Unsafe);
    assert!(after(&split, "docker-compose.override.yml").contains("MQTT_CA_CERT"), "{split:?}");
    assert!(
        after(&split, "docker-compose.yml").contains("      - ./a:/a\n      - ./certs/ca.crt:/c/ca.crt:ro\n")
    );
}

/// A broker that speaks TLS on 8883, and what dials it.
fn project(services: &str) -> MemoryTree {
    let broker = "services:\n  mqtt:\n    image: eclipse-mosquitto:2\n    \
                  volumes: [./m.conf:/mosquitto/config/mosquitto.conf, ./certs:/c]\n";
    let conf = "listener 8883\ncafile /c/ca.crt\ncertfile /c/server.crt\nkeyfile /c/server.key\nallow_anonymous true\n";
    MemoryTree::new()
        .with("docker-compose.yml", format!("{broker}{services}"))
        .with("m.conf", conf)
        .with("certs/ca.crt", "x")
}

const APP: &str = "  app:\n    image: python:3\n    environment:\n      MQTT_HOST: mqtt\n      MQTT_PORT: \"8883\"\n      MQTT_USE_TLS: \"false\"\n";

#[test]
fn what_another_service_extends_is_left_to_a_person_and_the_rest_is_mended() {
    let second = APP.replace("  app:", "  second:");
    let heir = "  heir:\n    extends: app\n    environment:\n      MQTT_HOST: elsewhere.example\n";
    let alone = planned(&project(&format!("{APP}{second}")), Vec::new(), Reach::Safe);
    assert_eq!(after(&alone, "docker-compose.yml").matches("MQTT_CA_CERT").count(), 2, "{alone:#?}");
    let plan = planned(&project(&format!("{APP}{second}{heir}")), Vec::new(), Reach::Safe);
    let text = after(&plan, "docker-compose.yml");
    let block = |name: &str| {
        text.split(&format!("\n  {name}:\n")).nth(1).unwrap().split("\n  ").next().unwrap().to_owned()
    };
    assert!(text.split("\n  second:\n").nth(1).unwrap().contains("MQTT_CA_CERT: \"/c/ca.crt\""), "{text}");
    assert_eq!(text.matches("MQTT_CA_CERT").count(), 1, "{text}");
    assert!(!block("app").contains("volumes"), "{text}");
    let told = plan.manual.iter().find(|m| m.why.contains("service heir would change too")).unwrap();
    assert_eq!(told.lines, ["volumes:", "  - ./certs/ca.crt:/c/ca.crt:ro"], "{told:?}");
}

#[test]
fn no_variable_names_a_ca_file_whose_mount_has_no_effect() {
    let tree = project(APP).with(
        "docker-compose.override.yml",
        "services:\n  app:\n    environment: !override\n      MQTT_HOST: mqtt\n      MQTT_PORT: \"8883\"\n      \
         MQTT_USE_TLS: \"false\"\n    volumes: !reset []\n",
    );
    let plan = planned(&tree, Vec::new(), Reach::Safe);
    assert!(plan.edits.is_empty(), "{plan:#?}");
    let told: Vec<&str> = plan.manual.iter().map(|m| m.why.as_str()).collect();
    assert!(told.iter().any(|w| w.contains("another file has the last word")), "{told:?}");
    assert!(told.iter().any(|w| w.contains("once the file is mounted there")), "{told:?}");
}

#[test]
fn a_configuration_that_includes_others_gets_its_lines_in_its_own_listener() {
    let tree = project("").with("more/extra.conf", "listener 9999\nallow_anonymous true\n").with(
        "docker-compose.yml",
        "services:\n  mqtt:\n    image: eclipse-mosquitto:2\n    \
         volumes: [./m.conf:/mosquitto/config/mosquitto.conf, ./certs:/c, ./more:/more]\n",
    );
    let tree = tree.with(
        "m.conf",
        "listener 1883\nallow_anonymous true\n\nlistener 8883\ncertfile /c/server.crt\nkeyfile /c/server.key\n\
         allow_anonymous true\ninclude_dir /more\n",
    );
    let plan = planned(&tree, vec![found("plaintext-listener", 1883)], Reach::Unsafe);
    let text = after(&plan, "m.conf");
    assert!(text.contains("listener 1883\nallow_anonymous true\ncertfile /c/server.crt\n"), "{plan:#?}");
}

#[test]
fn two_brokers_of_one_file_get_its_lines_once() {
    let both = "services:\n  one: &b\n    image: eclipse-mosquitto:2\n    \
                volumes: [./m.conf:/mosquitto/config/mosquitto.conf, ./certs:/c]\n  two: *b\n";
    let tree = project("").with("docker-compose.yml", both).with(
        "m.conf",
        "listener 1883\nallow_anonymous true\n\nlistener 1884\nallow_anonymous true\n\nlistener 8883\ncertfile /c/server.crt\n\
         keyfile /c/server.key\nallow_anonymous true\n",
    );
    let findings = vec![found("plaintext-listener", 1883), found("plaintext-listener", 1884)];
    let plan = planned(&tree, findings, Reach::Unsafe);
    assert_eq!(after(&plan, "m.conf").matches("certfile").count(), 3, "{plan:#?}");
    assert!(plan.manual.is_empty(), "{:#?}", plan.manual);
}
