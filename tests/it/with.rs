//! `rehearse --with`: real clients in namespaces of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mqttcert_fixtures::pulse::{State, pulse};
use time::OffsetDateTime;

use crate::peers;

/// A deployment with one TLS listener on 8883 for the name `iot-mqtt`, without users.
fn project(name: &str) -> PathBuf {
    let dir = peers::folder(name);
    let certs = pulse(&dir, State::After, OffsetDateTime::now_utc()).unwrap();
    let at = |f: &str| certs.join(f).display().to_string();
    let conf = format!(
        "user root\nlistener 8883\nallow_anonymous true\ncafile {}\ncertfile {}\nkeyfile {}\n",
        at("ca.crt"),
        at("server.crt"),
        at("server.key")
    );
    fs::write(certs.join("twin.conf"), conf).unwrap();
    certs
}

fn with(certs: &Path, client: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mqttcert"))
        .args(["rehearse", "--conf", "twin.conf", "--ca", "ca.crt", "--name", "iot-mqtt", "--with", "--"])
        .args(client)
        .current_dir(certs)
        .output()
        .unwrap()
}

fn possible(test: &str, programs: &[&str]) -> bool {
    if !peers::there(test, programs) || !peers::there(test, &["unshare", "ip", "mount"]) {
        return false;
    }
    let new = ["--user", "--map-root-user", "--mount", "--net", "true"];
    let allowed = Command::new("unshare").args(new).output().is_ok_and(|o| o.status.success());
    if !allowed {
        peers::skip(test, "this kernel gives no namespaces");
    }
    allowed
}

fn text(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr)
}

#[test]
fn mosquitto_pub_reaches_the_twin_by_the_brokers_name() {
    if !possible("mosquitto_pub_reaches_the_twin_by_the_brokers_name", &["mosquitto_pub"]) {
        return;
    }
    let certs = project("with-pub");
    let hosts = fs::read("/etc/hosts").unwrap();
    let client =
        ["mosquitto_pub", "-h", "iot-mqtt", "-p", "8883", "--cafile", "ca.crt", "-t", "a; b", "-m", "$x"];
    let out = with(&certs, &client);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    assert!(text(&out).contains("1 logins, 0 publications denied"), "{}", text(&out));
    assert!(text(&out).contains("this runs the real program mosquitto_pub"), "{}", text(&out));
    assert_eq!(fs::read("/etc/hosts").unwrap(), hosts);
}

#[test]
fn a_client_that_speaks_plaintext_to_the_tls_listener_fails() {
    if !possible("a_client_that_speaks_plaintext_to_the_tls_listener_fails", &["mosquitto_pub"]) {
        return;
    }
    let certs = project("with-plain");
    let out = with(&certs, &["mosquitto_pub", "-h", "iot-mqtt", "-p", "8883", "-t", "a", "-m", "b"]);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out));
    assert!(text(&out).contains("0 logins"), "{}", text(&out));
}

#[test]
fn paho_reaches_the_twin_with_the_name_checked() {
    let test = "paho_reaches_the_twin_with_the_name_checked";
    for environment in ["venv-paho1", "venv-paho2"] {
        let python = peers::python(environment);
        if !possible(test, &[&python]) {
            continue;
        }
        let certs = project(&format!("with-{environment}"));
        let code = "import sys, paho.mqtt.client as m\n\
            c = m.Client(m.CallbackAPIVersion.VERSION2) if hasattr(m, 'CallbackAPIVersion') else m.Client()\n\
            c.tls_set(ca_certs='ca.crt')\nc.connect('iot-mqtt', 8883)\nc.loop_start()\n\
            i = c.publish('t', 'x', qos=1)\ni.wait_for_publish(5)\n\
            ok = i.is_published()\nc.disconnect()\nsys.exit(0 if ok else 3)";
        let out = with(&certs, &[&python, "-c", code]);
        assert_eq!(out.status.code(), Some(0), "{environment}: {}", text(&out));
        assert!(text(&out).contains("1 logins"), "{environment}: {}", text(&out));
    }
}
