//! Every format of `check`, judged by somebody else's tool, also where file names and certificates are hostile.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use mqttcert_fixtures::pulse::{State, pulse};
use time::OffsetDateTime;

use crate::peers;

/// A hostile service name and path beside the seed's insecure state: nothing of it may get through.
fn deployment(name: &str) -> PathBuf {
    let dir = peers::folder(name);
    pulse(&dir, State::Insecure, OffsetDateTime::now_utc()).unwrap();
    let evil = dir.join("evil <b>&\"'\u{202e}\u{1b}[31m");
    fs::create_dir_all(&evil).unwrap();
    fs::write(evil.join("mosquitto.conf"), "listener 1883\nallow_anonymous true\n").unwrap();
    fs::write(
        evil.join("docker-compose.yml"),
        "services:\n  mqtt:\n    image: eclipse-mosquitto:2\n    ports: ['1883:1883']\n    volumes:\n      \
         - ./mosquitto.conf:/mosquitto/config/mosquitto.conf\n  \"a\\e[31m\\n::error::<script>\":\n    image: python:3\n    \
         environment:\n      MQTT_HOST: mqtt\n      MQTT_PORT: '1883'\n",
    )
    .unwrap();
    dir
}

fn report(dir: &Path, format: &str) -> PathBuf {
    let file = dir.join(format!("report.{format}"));
    let status = Command::new(env!("CARGO_BIN_EXE_mqttcert"))
        .args(["check", "--recursive", "--format", format, "--output"])
        .arg(&file)
        .arg(".")
        .current_dir(dir)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(1), "the insecure state has errors");
    let text = fs::read_to_string(&file).unwrap();
    let bad: Vec<char> = text.chars().filter(|c| *c != '\n' && mqttcert::name::is_unprintable(*c)).collect();
    assert!(bad.is_empty(), "{format}: {bad:?} got through");
    file
}

fn node(package: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".make/node/node_modules").join(package)
}

#[test]
fn sarif_holds_to_the_schema_that_microsofts_matcher_carries() {
    let test = "sarif_holds_to_the_schema_that_microsofts_matcher_carries";
    let package = node("@microsoft/jest-sarif");
    if !peers::there(test, &["node"]) {
        return;
    }
    if !package.is_dir() {
        return peers::skip(test, "@microsoft/jest-sarif is not installed");
    }
    let file = report(&deployment("formats-sarif"), "sarif");
    let code = "const fs = require('fs'), path = require('path'), root = process.argv[1];\
        const ajv = new (require(require.resolve('ajv', {paths: [root]})))(\
            {schemaId: 'auto', meta: false, allErrors: true, unknownFormats: 'ignore'});\
        for (const n of ['07', '04']) try { ajv.addMetaSchema(require(require.resolve(\
            `ajv/lib/refs/json-schema-draft-${n}.json`, {paths: [root]}))); } catch {}\
        const schemas = path.join(root, 'lib/schemas');\
        const name = fs.readdirSync(schemas).filter(n => n.startsWith('sarif-2.1.0')).sort().pop();\
        const valid = ajv.compile(JSON.parse(fs.readFileSync(path.join(schemas, name))));\
        if (!valid(JSON.parse(fs.readFileSync(process.argv[2])))) {\
            console.log(JSON.stringify(valid.errors.slice(0, 5))); process.exit(1); }";
    let (status, text) = peers::run(Command::new("node").args(["-e", code]).arg(&package).arg(&file));
    assert_eq!(status, 0, "{text}");
    let log: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(log["runs"].as_array().unwrap().len(), 1, "several projects are one run");
}

#[test]
fn prometheus_is_clean_for_promtool() {
    let test = "prometheus_is_clean_for_promtool";
    if !peers::there(test, &["promtool"]) {
        return;
    }
    let file = report(&deployment("formats-prometheus"), "prometheus");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("mqttcert_certificate_not_after_timestamp_seconds{"), "{text}");
    let (status, text) =
        peers::run(Command::new("promtool").args(["check", "metrics"]).stdin(fs::File::open(&file).unwrap()));
    assert_eq!((status, text.as_str()), (0, ""));
}

#[test]
fn junit_is_read_by_junitparser_with_the_same_counts() {
    let test = "junit_is_read_by_junitparser_with_the_same_counts";
    let python = peers::python("venv-formats");
    if !peers::there(test, &[&python]) {
        return;
    }
    let dir = deployment("formats-junit");
    let file = report(&dir, "junit");
    let code = "import sys, junitparser\nx = junitparser.JUnitXml.fromfile(sys.argv[1])\n\
                print(sum(s.failures for s in x), sum(1 for s in x for c in s if c.result and \
                isinstance(c.result[0], junitparser.Failure)), sum(1 for s in x))";
    let (status, text) = peers::run(Command::new(&python).args(["-c", code]).arg(&file));
    assert_eq!(status, 0, "{text}");
    let json: serde_json::Value = serde_json::from_slice(&fs::read(report(&dir, "json")).unwrap()).unwrap();
    let projects = json["projects"].as_array().unwrap();
    let errors: u64 = projects.iter().map(|p| p["counts"]["error"].as_u64().unwrap()).sum();
    assert_eq!(text.trim(), format!("{errors} {errors} {}", projects.len()));
}

#[test]
fn github_annotations_are_the_documented_commands_and_nothing_else() {
    let file = report(&deployment("formats-github"), "github");
    let text = fs::read_to_string(file).unwrap();
    assert!(text.lines().count() > 5);
    for line in text.lines() {
        let command = line.strip_prefix("::").unwrap();
        let (head, message) = command.split_once("::").unwrap();
        let (name, properties) = head.split_once(' ').unwrap();
        assert!(["error", "warning", "notice"].contains(&name), "{line}");
        assert!(!message.is_empty(), "{line}");
        for property in properties.split(',') {
            let (key, value) = property.split_once('=').unwrap();
            assert!(["file", "line", "title"].contains(&key) && !value.contains(':'), "{line}");
        }
    }
}

#[test]
fn the_page_has_no_error_for_the_nu_checker() {
    let test = "the_page_has_no_error_for_the_nu_checker";
    let jar = node("vnu-jar").join("build/dist/vnu.jar");
    if !peers::there(test, &["java"]) {
        return;
    }
    if !jar.is_file() {
        return peers::skip(test, "vnu-jar is not installed");
    }
    let file = report(&deployment("formats-html"), "html");
    let (status, text) = peers::run(Command::new("java").arg("-jar").arg(jar).arg("--errors-only").arg(file));
    assert_eq!((status, text.as_str()), (0, ""));
}

#[test]
fn the_page_opens_in_chromium_and_shows_picture_timeline_and_cures() {
    let test = "the_page_opens_in_chromium_and_shows_picture_timeline_and_cures";
    if !peers::there(test, &["chromium"]) {
        return;
    }
    let dir = deployment("formats-chromium");
    let file = report(&dir, "html");
    let flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--dump-dom",
    ];
    let mut command = Command::new("chromium");
    command.args(flags).arg(format!("--user-data-dir={}", dir.join("chromium").display()));
    let (status, dom) = peers::run(command.arg(format!("file://{}", file.display())));
    assert_eq!(status, 0, "{dom}");
    for there in
        ["<svg class=\"picture\"", "<svg class=\"timeline\"", "<b>Cure:</b>", "device_sim", "</html>"]
    {
        assert!(dom.contains(there), "{there}");
    }
    assert!(!dom.contains("<script"));
}

#[test]
fn the_manual_page_has_no_warning_and_names_every_command() {
    let test = "the_manual_page_has_no_warning_and_names_every_command";
    let dir = peers::folder("formats-man");
    let page = dir.join("mqttcert.1");
    let run = |args: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_mqttcert")).args(args).output().unwrap();
        assert!(out.status.success());
        out.stdout
    };
    fs::write(&page, run(&["man"])).unwrap();
    let text = fs::read_to_string(&page).unwrap().replace('\\', "");
    for command in [
        "check",
        "verdict",
        "reissue",
        "rehearse",
        "probe",
        "broker",
        "init",
        "ca show",
        "ca renew",
        "ca crl",
        "issue",
        "revoke",
        "rule",
        "stack",
        "template",
        "completions",
    ] {
        assert!(text.contains(&format!("mqttcert {command}")), "{command} is not in the manual");
    }
    for flag in ["--renew-before", "--unsafe-fixes", "--update-env", "--round-trip", "--warn-days"] {
        assert!(text.contains(flag), "{flag} is not in the manual");
    }
    if peers::there(test, &["man"]) {
        let mut man = Command::new("man");
        man.env("LC_ALL", "C.UTF-8").env("MANWIDTH", "80").args(["--warnings", "--local-file"]).arg(&page);
        let out = man.output().unwrap();
        assert_eq!(String::from_utf8_lossy(&out.stderr), "");
    }
}
