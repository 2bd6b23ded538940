//! The hook, the action's steps and the pre-commit hook, run as a user runs them, on a repository with a fault and on
//! one without.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mqttcert::compose::yaml;
use mqttcert_fixtures::pulse::{State, pulse};
use time::OffsetDateTime;

use crate::peers;

const BINARY: &str = env!("CARGO_BIN_EXE_mqttcert");

/// A repository whose deployment holds: the seed's after state, its ACL on every listener, the CA's key put away.
fn good(name: &str) -> PathBuf {
    let dir = repository(name, State::After);
    let key = dir.join("compose/mosquitto/certs/ca.key");
    fs::remove_file(key).unwrap();
    let device = |port: u16| {
        format!(
            "[[device]]\nname = \"iot-mqtt\"\nport = {port}\nstack = \"python-paho\"\nca = \"compose/mosquitto/certs/ca.crt\"\n"
        )
    };
    fs::write(dir.join("mqttcert.toml"), device(8883) + &device(9001)).unwrap();
    let status = mqttcert(&dir, &["check", "--fix", "--unsafe-fixes", "--allow-dirty", "--quiet"]);
    assert_eq!(status.0, 0, "{}", status.1);
    commit(&dir);
    dir
}

/// The seed's insecure state: the forgotten client speaks plaintext to a TLS listener.
fn faulty(name: &str) -> PathBuf {
    let dir = repository(name, State::Insecure);
    commit(&dir);
    dir
}

fn repository(name: &str, state: State) -> PathBuf {
    let dir = peers::folder(name);
    pulse(&dir, state, OffsetDateTime::now_utc()).unwrap();
    git(&dir, &["init", "-q"]);
    // Keys and password hashes do not belong into a repository.
    fs::write(dir.join(".gitignore"), "*.key\n*.csr\npasswd/\n").unwrap();
    dir
}

fn commit(dir: &Path) {
    git(dir, &["add", "."]);
    git(dir, &["commit", "-qm", "x"]);
}

fn git(dir: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-C"]).arg(dir).args(args);
    let (status, text) = peers::run(&mut command);
    assert_eq!(status, 0, "{text}");
}

fn mqttcert(dir: &Path, args: &[&str]) -> (i32, String) {
    peers::run(Command::new(BINARY).args(args).current_dir(dir))
}

/// PATH with the binary's folder first.
fn path() -> String {
    let folder = Path::new(BINARY).parent().unwrap().display();
    format!("{folder}:{}", std::env::var("PATH").unwrap_or_default())
}

fn document(file: &str) -> yaml::Node {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let bytes = fs::read(&path).unwrap();
    yaml::load(&bytes, &path, Path::new("")).unwrap().remove(0)
}

#[test]
fn the_actions_steps_annotate_and_fail_only_where_there_is_a_fault() {
    let test = "the_actions_steps_annotate_and_fail_only_where_there_is_a_fault";
    if !peers::there(test, &["bash", "git"]) {
        return;
    }
    let action = document("action.yml");
    let steps = action.at(&["runs", "steps"]).unwrap().items();
    for (dir, expected) in [(faulty("action-faulty"), 1), (good("action-good"), 0)] {
        let outputs = dir.join("outputs");
        let mut status = 0;
        let mut said = String::new();
        for step in steps {
            assert_eq!(step.get("shell").and_then(yaml::Node::text), Some("bash"));
            // As the runner does: the script in a file, with -e and pipefail, the inputs' defaults in the environment.
            let script = dir.join("step.sh");
            fs::write(&script, step.get("run").and_then(yaml::Node::text).unwrap()).unwrap();
            let mut bash = Command::new("bash");
            bash.args(["--noprofile", "--norc", "-eo", "pipefail"]).arg(&script).current_dir(&dir);
            bash.env("PATH", path()).env("GITHUB_OUTPUT", &outputs).env("GITHUB_PATH", dir.join("paths"));
            for entry in step.get("env").unwrap().entries() {
                let value = entry.value.text().unwrap();
                let input = value.trim_start_matches("${{ inputs.").trim_end_matches(" }}");
                let default =
                    action.at(&["inputs", input, "default"]).and_then(yaml::Node::text).unwrap_or("");
                bash.env(&entry.key, if entry.key == "SARIF" { "report.sarif" } else { default });
            }
            let (code, text) = peers::run(&mut bash);
            said.push_str(&text);
            status = code;
            if code != 0 {
                break;
            }
        }
        assert_eq!(status, expected, "{said}");
        assert_eq!(said.contains("::error file="), expected == 1, "{said}");
        assert_eq!(fs::read_to_string(&outputs).unwrap(), format!("status={expected}\n"));
        let sarif = fs::read_to_string(dir.join("report.sarif")).unwrap();
        assert!(sarif.contains("\"2.1.0\""));
    }
}

#[test]
fn the_pre_commit_hook_stops_a_commit_with_a_fault_and_lets_a_good_one_pass() {
    let test = "the_pre_commit_hook_stops_a_commit_with_a_fault_and_lets_a_good_one_pass";
    let python = peers::python("venv-formats");
    let tool = Path::new(&python).with_file_name("pre-commit");
    if !peers::there(test, &["git", &tool.display().to_string()]) {
        return;
    }
    // The hooks as they are published; only "built from the repository" becomes "already installed".
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join(".pre-commit-hooks.yaml");
    let hooks = fs::read_to_string(published).unwrap().replace("language: rust", "language: system");
    let hooks: String =
        hooks.lines().filter(|l| !l.starts_with('#')).map(|l| format!("      {l}\n")).collect();
    for (dir, expected) in [(faulty("precommit-faulty"), 1), (good("precommit-good"), 0)] {
        fs::write(
            dir.join(".pre-commit-config.yaml"),
            format!("repos:\n  - repo: local\n    hooks:\n{hooks}"),
        )
        .unwrap();
        git(&dir, &["add", "."]);
        let run = |args: &[&str]| {
            let mut command = Command::new(&tool);
            command.args(args).current_dir(&dir).env("PATH", path());
            peers::run(command.env("PRE_COMMIT_HOME", dir.join(".pre-commit-home")))
        };
        let (status, text) = run(&["run", "mqttcert-check", "--all-files"]);
        assert_eq!(status, expected, "{text}");
        // A commit that touches nothing of the deployment is not judged.
        let (status, text) = run(&["run", "mqttcert-check", "--files", ".gitignore"]);
        assert_eq!(status, 0, "{text}");
        assert!(text.contains("Skipped"), "{text}");
    }
}

#[test]
fn the_pre_deploy_hook_stops_a_deployment_with_a_fault_and_lets_a_good_one_pass() {
    if !peers::there(
        "the_pre_deploy_hook_stops_a_deployment_with_a_fault_and_lets_a_good_one_pass",
        &["sh", "git"],
    ) {
        return;
    }
    for (dir, expected) in [(faulty("predeploy-faulty"), 1), (good("predeploy-good"), 0)] {
        let hook = dir.join("pre-deploy.sh");
        let (status, text) = mqttcert(&dir, &["template", "pre-deploy.sh", "--output", "pre-deploy.sh"]);
        assert_eq!(status, 0, "{text}");
        let (status, text) = peers::run(Command::new("sh").arg(&hook).current_dir(&dir).env("PATH", path()));
        assert_eq!(status, expected, "{text}");
    }
}

#[test]
fn the_units_are_verified_by_systemd() {
    let test = "the_units_are_verified_by_systemd";
    if !peers::there(test, &["systemd-analyze"]) {
        return;
    }
    let dir = peers::folder("units");
    for unit in ["mqttcert-renew.service", "mqttcert-renew.timer"] {
        let (status, text) = mqttcert(&dir, &["template", unit]);
        assert_eq!(status, 0, "{text}");
        // The program and the paths of an operator's machine are not here.
        let text = text.lines().filter(|l| !l.starts_with("mqttcert: ")).collect::<Vec<_>>().join("\n");
        fs::write(dir.join(unit), text.replace("/usr/bin/mqttcert", BINARY) + "\n").unwrap();
    }
    let mut command = Command::new("systemd-analyze");
    command
        .args(["--man=no", "verify", "./mqttcert-renew.service", "./mqttcert-renew.timer"])
        .current_dir(&dir);
    let (status, text) = peers::run(&mut command);
    assert_eq!(status, 0, "{text}");
}
