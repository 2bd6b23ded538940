//! A project in good order, and what the rules say of it and of its changes.

use std::path::Path;

use mqttcert::deployment::{Given, discover};
use mqttcert::finding::{Finding, Report, Severity};
use mqttcert::rules::{self, Options};
use mqttcert::tree::MemoryTree;
use mqttcert_fixtures::ext::ku;
use mqttcert_fixtures::{CLOCK, Ca, Ext, Key, Recipe};
use time::Duration;

pub(super) const COMPOSE: &str = "\
services:
  mqtt:
    image: eclipse-mosquitto:2.0.18
    volumes:
      - ./mosquitto.conf:/mosquitto/config/mosquitto.conf
      - ./certs/server:/mosquitto/certs
      - ./auth:/mosquitto/auth
    ports:
      - \"8883:8883\"
  ingest:
    build: ./ingest
    environment:
      MQTT_HOST: mqtt
      MQTT_PORT: \"8883\"
      MQTT_CA_CERT: /certs/ca.crt
      MQTT_USERNAME: seven
      MQTT_TLS_INSECURE: \"false\"
    volumes:
      - ./certs/client:/certs:ro
";

pub(super) const CONF: &str = "\
persistence false
per_listener_settings true
listener 8883
allow_anonymous false
password_file /mosquitto/auth/passwd
acl_file /mosquitto/auth/acl
cafile /mosquitto/certs/ca.crt
certfile /mosquitto/certs/server.crt
keyfile /mosquitto/certs/server.key
tls_version tlsv1.2
";

pub(super) const CODE: &str = "\
import os
import ssl
import paho.mqtt.client as mqtt

MQTT_HOST = os.getenv(\"MQTT_HOST\")
MQTT_PORT = int(os.getenv(\"MQTT_PORT\", \"1883\"))
client = mqtt.Client()
client.username_pw_set(os.getenv(\"MQTT_USERNAME\"), os.getenv(\"MQTT_PASSWORD\"))
client.tls_set(ca_certs=os.environ[\"MQTT_CA_CERT\"], tls_version=ssl.PROTOCOL_TLSv1_2)
if os.getenv(\"MQTT_TLS_INSECURE\", \"false\").lower() == \"true\":
    client.tls_insecure_set(True)
client.connect(MQTT_HOST, MQTT_PORT, keepalive=60)
";

/// `seven:geheim`, written by mosquitto_passwd 2.0.11.
pub(super) const PASSWD: &str = "seven:$7$101$x1jqoIZJWh1yLIkX$hw0UYnGlMCJ4HLQBAD14G8yiGhqQOCwsQZiggL0SWL+axj7U0+ISnWBMZFaCaq2lIzschjpyGpg/SZlgtEKnrw==\n";

pub(super) struct Pki {
    pub(super) ca: Ca,
    pub(super) key: Key,
}

impl Pki {
    pub(super) fn new() -> Self {
        let key = Key::p256();
        let usage = Ext::key_usage(&[ku::KEY_CERT_SIGN, ku::CRL_SIGN]);
        Self { ca: Recipe::ca("CN=test CA", &key, CLOCK).with(usage).self_sign(), key: Key::p256() }
    }

    pub(super) fn server(&self) -> Recipe {
        Recipe::server(&["mqtt", "localhost"], &self.key, CLOCK)
            .with_key_ids()
            .valid(CLOCK - Duration::days(1), CLOCK + Duration::days(400))
    }
}

/// The project in good order.
pub(super) fn good(pki: &Pki) -> MemoryTree {
    MemoryTree::new()
        .with("compose.yaml", COMPOSE)
        .with("mosquitto.conf", CONF)
        .with("certs/server/ca.crt", pki.ca.pem())
        .with("certs/client/ca.crt", pki.ca.pem())
        .with("certs/server/server.crt", pki.server().sign(&pki.ca).pem())
        .with_meta("certs/server/server.key", pki.key.pkcs8_pem(), 0o600, 1883, 1883)
        .with_meta("auth/passwd", PASSWD, 0o600, 1883, 1883)
        .with("auth/acl", "user seven\ntopic readwrite #\n")
        .with("ingest/Dockerfile", "FROM python:3.11\nCOPY . /app\nRUN pip install -r requirements.txt\n")
        .with("ingest/requirements.txt", "paho-mqtt==1.6.1\n")
        .with("ingest/ingest.py", CODE)
}

pub(super) fn report_of(tree: &MemoryTree, given: &Given) -> Report {
    let deployment = discover(tree, Path::new("."), given).unwrap();
    rules::run(&deployment, tree, CLOCK, &Options::default())
}

pub(super) fn report(tree: &MemoryTree) -> Report {
    report_of(tree, &Given::default())
}

pub(super) fn listing(report: &Report) -> String {
    report
        .findings
        .iter()
        .map(|f| format!("  {} {:?} {:?} {}\n", f.severity, f.place, f.rule, f.message))
        .collect()
}

/// The one finding of a rule, with severity, file and line as a person would expect them.
pub(super) fn expect(rule: &str, tree: &MemoryTree, severity: Severity, file: &str, line: u32) -> Finding {
    expect_in(&report(tree), rule, severity, file, line)
}

pub(super) fn expect_in(report: &Report, rule: &str, severity: Severity, file: &str, line: u32) -> Finding {
    let hit = report.findings.iter().find(|f| {
        let place = f.place.as_ref().map(|p| (p.file.to_string_lossy().into_owned(), p.line));
        f.rule == rule && f.severity == severity && place == Some((file.to_owned(), line))
    });
    hit.unwrap_or_else(|| {
        panic!("{rule} {severity} at {file}:{line} was not raised; instead:\n{}", listing(report))
    })
    .clone()
}

pub(super) fn conf(change: impl Fn(&str) -> String) -> String {
    let changed = change(CONF);
    assert_ne!(changed, CONF, "the change must change something");
    changed
}

pub(super) fn compose(from: &str, to: &str) -> String {
    assert!(COMPOSE.contains(from), "{from}");
    COMPOSE.replace(from, to)
}
