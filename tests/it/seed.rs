//! The seed's own verification steps on its own deployment with a real Mosquitto, and its two Python services with
//! `MQTT_TLS_INSECURE=false` on paho-mqtt 1.6.1 and 2.x. Names are looked up as in the Docker network.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use mqttcert_fixtures::pulse::{PASSWORD, State, pulse};
use time::OffsetDateTime;

use crate::peers::{self, Mosquitto, Running};

const ENVIRONMENTS: [&str; 2] = ["venv-paho1", "venv-paho2"];

fn deployment(name: &str, state: State) -> PathBuf {
    let dir = peers::folder(name);
    pulse(&dir, state, OffsetDateTime::now_utc()).unwrap();
    dir
}

fn ca(dir: &Path) -> PathBuf {
    dir.join("compose/mosquitto/certs/ca.crt")
}

/// `mosquitto_pub` as in the seed's steps 4 and 5.
fn publish(port: u16, host: &str, cafile: Option<&Path>, topic: &str, message: &str) -> (i32, String) {
    let mut command = Command::new("mosquitto_pub");
    command.args(["-h", host, "-p", &port.to_string(), "-u", "service_pulse", "-P", PASSWORD]);
    if let Some(file) = cafile {
        command.arg("--cafile").arg(file);
    }
    peers::run(command.args(["-q", "1", "-t", topic, "-m", message]))
}

/// One of the fixture's services with the environment of the compose file, the flag as given.
fn service(dir: &Path, python: &str, script: &str, port: u16, insecure: &str) -> Command {
    let folder = dir.join("services").join(script).parent().unwrap().to_owned();
    let mut command = Command::new(peers::python(python));
    command
        .arg("-u")
        .arg(dir.join("services").join(script))
        .current_dir(folder)
        .env("PYTHONPATH", peers::docker_dns(dir))
        .env("MQTT_HOST", "iot-mqtt")
        .env("MQTT_PORT", port.to_string())
        .env("MQTT_BROKER_URL", format!("mqtt://iot-mqtt:{port}"))
        .env("MQTT_USERNAME", "service_pulse")
        .env("MQTT_PASSWORD", PASSWORD)
        .env("MQTT_CA_CERT", ca(dir))
        .env("MQTT_TLS_INSECURE", insecure)
        .env("MQTT_CONNECT_ONCE", "1");
    command
}

/// POST to the user interface: the answer's status line.
fn post_shadow(port: u16) -> String {
    let body = "{\"target\": 21}";
    let mut stream = None;
    assert!(peers::soon(|| {
        stream = TcpStream::connect(("127.0.0.1", port)).ok();
        stream.is_some()
    }));
    let mut stream = stream.unwrap();
    let head = format!(
        "POST /tenants/demo/devices/d1/shadow HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn step_1_the_compose_files_are_valid() {
    for state in State::ALL {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("compose-fixtures/pulse")
            .join(state.folder())
            .join("compose/docker-compose.yml");
        let plugin = Command::new("docker").args(["compose", "version"]).output();
        let mut command = if plugin.is_ok_and(|o| o.status.success()) {
            let mut docker = Command::new("docker");
            docker.arg("compose");
            docker
        } else if peers::there("step_1_the_compose_files_are_valid", &["docker-compose"]) {
            Command::new("docker-compose")
        } else {
            return;
        };
        let (status, text) = peers::run(command.arg("-f").arg(file).args(["config", "--quiet"]));
        assert_eq!(status, 0, "{text}");
    }
}

#[test]
fn steps_3_to_5_mosquitto_serves_tls_and_refuses_plaintext() {
    if !peers::there(
        "steps_3_to_5_mosquitto_serves_tls_and_refuses_plaintext",
        &["mosquitto", "mosquitto_pub"],
    ) {
        return;
    }
    let dir = deployment("seed-steps", State::After);
    let broker = Mosquitto::start(&dir);
    assert!(!broker.process.log().contains("Error"), "{}", broker.process.log());
    for (port, host) in [(1883, "localhost"), (1883, "127.0.0.1"), (8883, "localhost")] {
        let (status, text) = publish(broker.port(port), host, Some(&ca(&dir)), "test/tls", "hello");
        assert_eq!(status, 0, "{port} {host}: {text}");
    }
    for port in [1883, 8883] {
        let (status, text) = publish(broker.port(port), "localhost", None, "test/tls", "hello");
        assert_eq!((status, text.trim()), (7, "Error: The connection was lost."), "{port}");
    }
}

#[test]
fn step_6_ingest_receives_telemetry_with_the_flag_off() {
    if !peers::there("step_6_ingest_receives_telemetry_with_the_flag_off", &["mosquitto", "mosquitto_pub"]) {
        return;
    }
    for python in ENVIRONMENTS {
        if !peers::there("step_6_ingest_receives_telemetry_with_the_flag_off", &[&peers::python(python)]) {
            continue;
        }
        let dir = deployment(&format!("seed-ingest-{python}"), State::After);
        let broker = Mosquitto::start(&dir);
        let ingest =
            Running::start(&mut service(&dir, python, "ingest_iot/ingest.py", broker.port(1883), "false"));
        assert!(ingest.says("\"event\": \"mqtt_connected\", \"rc\": 0"), "{python}: {}", ingest.log());
        let accepted = peers::soon(|| {
            let reading = "{\"temperature\": 21.5}";
            publish(
                broker.port(1883),
                "localhost",
                Some(&ca(&dir)),
                "tenant/demo/device/d1/telemetry",
                reading,
            );
            ingest
                .log()
                .contains("\"event\": \"telemetry_accepted\", \"tenant\": \"demo\", \"device\": \"d1\"")
        });
        assert!(accepted, "{python}: {}", ingest.log());
    }
}

#[test]
fn step_7_the_user_interface_publishes_with_the_flag_off() {
    if !peers::there("step_7_the_user_interface_publishes_with_the_flag_off", &["mosquitto"]) {
        return;
    }
    for python in ENVIRONMENTS {
        if !peers::there("step_7_the_user_interface_publishes_with_the_flag_off", &[&peers::python(python)]) {
            continue;
        }
        let dir = deployment(&format!("seed-ui-{python}"), State::After);
        let broker = Mosquitto::start(&dir);
        let port = peers::free_port();
        let mut command = service(&dir, python, "ui_iot/app.py", broker.port(1883), "false");
        let ui = Running::start(command.env("UI_PORT", port.to_string()));
        assert_eq!(post_shadow(port), "HTTP/1.0 202 Accepted", "{python}: {}", ui.log());
        assert!(
            ui.says("shadow_desired_published topic=tenant/demo/device/d1/shadow"),
            "{python}: {}",
            ui.log()
        );
    }
}

#[test]
fn the_forgotten_clients_fail_in_the_insecure_state_and_connect_in_the_after_state() {
    let test = "the_forgotten_clients_fail_in_the_insecure_state_and_connect_in_the_after_state";
    let python = ENVIRONMENTS[1];
    if !peers::there(test, &["mosquitto", &peers::python(python)]) {
        return;
    }
    for (state, connects) in [(State::Insecure, false), (State::After, true)] {
        let dir = deployment(&format!("seed-forgotten-{}", state.folder()), state);
        let broker = Mosquitto::start(&dir);
        let ingest =
            Running::start(&mut service(&dir, python, "ingest_iot/ingest.py", broker.port(1883), "true"));
        assert!(ingest.says("\"rc\": 0"), "{}", ingest.log());
        let mut simulator = Running::start(
            service(&dir, python, "device_sim/simulator.py", broker.port(1883), "false")
                .env("MQTT_USERNAME", "device_sim")
                .env("INTERVAL_SECONDS", "0.2"),
        );
        if connects {
            assert!(ingest.says("\"device\": \"sim-1\""), "{} {}", simulator.log(), ingest.log());
        } else {
            // paho reconnects by itself: it never ends, and nothing ever arrives.
            std::thread::sleep(std::time::Duration::from_secs(2));
            assert!(!ingest.log().contains("sim-1"), "{}", ingest.log());
            assert!(simulator.ended().is_none());
        }
    }
}

#[test]
fn paho_accepts_the_v1_certificate_by_its_common_name_and_mosquitto_pub_refuses_localhost() {
    let test = "paho_accepts_the_v1_certificate_by_its_common_name_and_mosquitto_pub_refuses_localhost";
    if !peers::there(test, &["mosquitto", "mosquitto_pub"]) {
        return;
    }
    let dir = deployment("seed-v1", State::Insecure);
    let broker = Mosquitto::start(&dir);
    let (status, text) = publish(broker.port(1883), "localhost", Some(&ca(&dir)), "test/tls", "hello");
    // 8 where the loop notices first, 1 where connecting does: the words are the same.
    assert!([1, 8].contains(&status) && text.contains("A TLS error occurred."), "{status}: {text}");
    for python in ENVIRONMENTS {
        if !peers::there(test, &[&peers::python(python)]) {
            continue;
        }
        let ingest =
            Running::start(&mut service(&dir, python, "ingest_iot/ingest.py", broker.port(1883), "false"));
        assert!(ingest.says("\"event\": \"mqtt_connected\", \"rc\": 0"), "{python}: {}", ingest.log());
    }
}
