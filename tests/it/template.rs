//! `mqttcert template`: what it prints is what the tools that read it accept.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::peers;

const BINARY: &str = env!("CARGO_BIN_EXE_mqttcert");

fn template(args: &[&str]) -> (i32, String) {
    let out = Command::new(BINARY).arg("template").args(args).output().unwrap();
    let text = if out.status.success() { out.stdout } else { out.stderr };
    (out.status.code().unwrap(), String::from_utf8(text).unwrap())
}

fn filled(name: &str) -> String {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("compose-fixtures/pulse/after");
    let (status, text) = template(&[name, "--dir", &dir.display().to_string()]);
    assert_eq!(status, 0, "{text}");
    assert!(!text.contains("#@") && !text.contains("@SAN@") && !text.contains("@BROKER@"), "{text}");
    text
}

#[test]
fn the_list_names_every_template_and_an_unknown_one_is_refused() {
    let (status, list) = template(&[]);
    assert_eq!(status, 0);
    for name in
        ["mosquitto.conf", "server.cnf", "compose.override.yml", "pre-deploy.sh", "github.yml", "gitlab.yml"]
    {
        assert!(list.contains(name), "{list}");
    }
    let (status, text) = template(&["nginx.conf"]);
    assert_eq!(status, 2);
    assert_eq!(text, "mqttcert: there is no template \"nginx.conf\"; `mqttcert template` lists them\n");
}

#[test]
fn the_openssl_configuration_names_what_is_dialled_and_openssl_signs_with_it() {
    let text = filled("server.cnf");
    for san in ["DNS:iot-mqtt", "DNS:mqtt", "DNS:localhost", "IP:127.0.0.1", "IP:::1"] {
        assert!(text.contains(san), "{san}: {text}");
    }
    if !peers::there(
        "the_openssl_configuration_names_what_is_dialled_and_openssl_signs_with_it",
        &["openssl"],
    ) {
        return;
    }
    let dir = peers::folder("template-cnf");
    fs::write(dir.join("server.cnf"), &text).unwrap();
    let run = |args: &str| peers::run(Command::new("sh").args(["-ec", args]).current_dir(&dir));
    let (status, said) =
        run("openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=ca -days 9
        openssl genrsa -out server.key 2048
        openssl req -new -key server.key -out server.csr -config server.cnf
        openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -set_serial \"0x4$(openssl rand -hex 15)\" \
          -out server.new -days 8 -sha256 -extfile server.cnf -extensions v3_server
        openssl verify -CAfile ca.crt -verify_hostname iot-mqtt server.new
        openssl verify -CAfile ca.crt -verify_ip ::1 server.new");
    assert_eq!(status, 0, "{said}");
}

#[test]
fn the_hardened_configuration_starts_a_real_mosquitto() {
    let text = filled("mosquitto.conf");
    for line in ["listener 1883", "listener 8883", "listener 9001", "protocol websockets"] {
        assert!(text.lines().any(|l| l == line), "{line}: {text}");
    }
    let test = "the_hardened_configuration_starts_a_real_mosquitto";
    if !peers::there(test, &["mosquitto"]) {
        return;
    }
    let dir = peers::folder("template-conf");
    let state = mqttcert_fixtures::pulse::State::After;
    mqttcert_fixtures::pulse::pulse(&dir, state, time::OffsetDateTime::now_utc()).unwrap();
    fs::write(dir.join("compose/mosquitto/mosquitto.conf"), text).unwrap();
    let broker = peers::Mosquitto::start(&dir);
    assert!(!broker.process.log().contains("Error"), "{}", broker.process.log());
    assert!(broker.process.says("Opening ipv4 listen socket on port"), "{}", broker.process.log());
}

#[test]
fn the_override_gives_every_client_service_its_ca() {
    let text = filled("compose.override.yml");
    for service in ["ingest", "ui", "device_sim"] {
        assert!(text.lines().any(|l| l == format!("  {service}:")), "{service}: {text}");
    }
    assert!(!text.contains("evaluator"), "{text}");
}

#[test]
fn the_hook_is_clean_for_shellcheck() {
    let dir = peers::folder("template-hook");
    fs::write(dir.join("hook.sh"), filled("pre-deploy.sh")).unwrap();
    if peers::there("the_hook_is_clean_for_shellcheck", &["shellcheck"]) {
        let (status, text) = peers::run(Command::new("shellcheck").arg(dir.join("hook.sh")));
        assert_eq!(status, 0, "{text}");
    }
}
