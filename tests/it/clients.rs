//! Real clients on both brokers, Mosquitto and the twin, which serve one deployment's own files: by the broker's name,
//! by a name that the certificate does not have, in plaintext, and with a wrong password. The client's user is told
//! the same of both. The programs that drive the libraries stand in `clients/`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mqttcert_fixtures::pulse::{PASSWORD, State, pulse};
use time::OffsetDateTime;

use crate::peers::{self, Mosquitto, Running};

const BINARY: &str = env!("CARGO_BIN_EXE_mqttcert");
const DRIVERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/clients");
const USER: &str = "service_pulse";

/// The twin on a deployment, each port of the configuration on a free one.
pub struct Twin {
    process: Running,
    ports: BTreeMap<u16, u16>,
    dir: PathBuf,
}

impl Twin {
    fn start(dir: &Path) -> Twin {
        let ports = [1883, 8883, 9001].map(|port| (port, peers::free_port())).into();
        Twin { process: Twin::run(dir, &ports), ports, dir: dir.to_owned() }
    }

    fn run(dir: &Path, ports: &BTreeMap<u16, u16>) -> Running {
        let mut command = Command::new(BINARY);
        command.arg("broker").arg(dir);
        for (configured, free) in ports {
            command.arg("--port").arg(format!("{configured}={free}"));
        }
        let process = Running::start(&mut command);
        assert!(peers::soon(|| ports.values().all(|p| peers::open(*p))), "{}", process.log());
        process
    }

    /// Stops it and starts it again on the same ports.
    pub fn restart(&mut self) {
        assert!(self.process.stop(), "the twin did not stop: {}", self.process.log());
        self.process = Twin::run(&self.dir, &self.ports);
    }
}

/// Both brokers on one deployment.
pub struct Both {
    pub dir: PathBuf,
    pub mosquitto: Mosquitto,
    pub twin: Twin,
}

impl Both {
    /// The seed's deployment after its migration: TLS on 1883 and 8883, secure websockets on 9001, logins.
    pub fn start(name: &str) -> Both {
        let dir = peers::folder(name);
        pulse(&dir, State::After, OffsetDateTime::now_utc()).unwrap();
        Both { mosquitto: Mosquitto::start(&dir), twin: Twin::start(&dir), dir }
    }

    /// Where the listener is on Mosquitto and on the twin.
    pub fn ports(&self, configured: u16) -> [u16; 2] {
        [self.mosquitto.port(configured), self.twin.ports[&configured]]
    }

    pub fn ca(&self) -> PathBuf {
        self.dir.join("compose/mosquitto/certs/ca.crt")
    }

    /// A library that answers every look-up with 127.0.0.1, as Docker's DNS knows the broker's names.
    fn names(&self) -> PathBuf {
        let source = Path::new(DRIVERS).join("../../conformance/drivers/names.c");
        compile(&source, &self.dir.join("names.so"), &["-shared", "-fPIC", "-ldl"])
    }
}

fn compile(source: &Path, out: &Path, flags: &[&str]) -> PathBuf {
    let (status, text) = peers::run(Command::new("gcc").args(["-O1", "-o"]).arg(out).arg(source).args(flags));
    assert_eq!(status, 0, "{text}");
    out.to_owned()
}

/// What each try is, as (name, TLS, password): the broker's name, another name, plaintext, a wrong password.
const TRIES: [(&str, bool, &str); 4] = [
    ("iot-mqtt", true, PASSWORD),
    ("other-mqtt", true, PASSWORD),
    ("iot-mqtt", false, PASSWORD),
    ("iot-mqtt", true, "wrong"),
];

/// Runs a driver on both brokers over `schemes` (secure and plain, for MQTT on 8883 and websockets on 9001) and
/// compares what it says of each try with `expected`: first words, for a library's own words may follow.
fn says(both: &Both, driver: &[&str], schemes: [(&str, &str); 2], expected: [&str; 4]) {
    let names = both.names();
    for broker in 0..2 {
        let mut input = String::new();
        for ((secure, plain), configured) in schemes.into_iter().zip([8883, 9001]) {
            let port = both.ports(configured)[broker];
            for (name, tls, password) in TRIES {
                input += &format!("{} {name} {port} {password}\n", if tls { secure } else { plain });
            }
        }
        let mut child = Command::new(driver[0])
            .args(&driver[1..])
            .arg(both.ca())
            .args([USER, "clients/topic"])
            .env("LD_PRELOAD", &names)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let out = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&out.stdout).into_owned();
        let of = ["Mosquitto", "the twin"][broker];
        assert_eq!(said.lines().count(), 8, "{driver:?} of {of}: {said}");
        for (at, line) in said.lines().enumerate() {
            assert!(line.starts_with(expected[at % 4]), "{driver:?}, try {at} on {of}: {line}");
        }
    }
}

const TOLD: [&str; 4] = ["accepted from iot-mqtt", "refused", "lost", "login 5"];

#[test]
fn paho_python_is_told_the_same_by_both_brokers() {
    let test = "paho_python_is_told_the_same_by_both_brokers";
    let environments = ["venv-paho1", "venv-paho2"].map(peers::python);
    let there: Vec<_> =
        environments.iter().filter(|p| peers::there(test, &["mosquitto", "gcc", p])).collect();
    if there.is_empty() {
        return;
    }
    let both = Both::start("clients-paho");
    let driver = format!("{DRIVERS}/paho_python.py");
    for python in there {
        says(&both, &[python, "-W", "ignore", &driver], [("mqtts", "mqtt"), ("wss", "ws")], TOLD);
    }
}

#[test]
fn mqtt_js_is_told_the_same_by_both_brokers() {
    let test = "mqtt_js_is_told_the_same_by_both_brokers";
    let package = mqtt_js();
    if !peers::there(test, &["mosquitto", "gcc", "node", &package.join("package.json").display().to_string()])
    {
        return;
    }
    let both = Both::start("clients-node");
    let driver = format!("{DRIVERS}/mqtt_js.js");
    let driver = ["node", &driver, &package.display().to_string()];
    says(&both, &driver, [("mqtts", "mqtt"), ("wss", "ws")], TOLD);
}

/// The package that `.ci/peers` installs.
pub fn mqtt_js() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".make/node/node_modules/mqtt")
}

#[test]
fn paho_c_is_told_the_same_by_both_brokers() {
    let test = "paho_c_is_told_the_same_by_both_brokers";
    if !peers::there(test, &["mosquitto", "gcc", "/usr/include/MQTTClient.h"]) {
        return;
    }
    let both = Both::start("clients-paho-c");
    let source = Path::new(DRIVERS).join("paho_c.c");
    let driver = compile(&source, &both.dir.join("paho_c"), &["-lpaho-mqtt3cs"]).display().to_string();
    // The library has one code for a refused certificate and for a lost connection.
    let told = ["accepted from iot-mqtt", "lost", "lost", "login 5"];
    says(&both, &[&driver], [("ssl", "tcp"), ("wss", "ws")], told);
}

#[test]
fn mosquitto_pub_and_sub_are_told_the_same_by_both_brokers() {
    let test = "mosquitto_pub_and_sub_are_told_the_same_by_both_brokers";
    if !peers::there(test, &["mosquitto", "mosquitto_pub", "mosquitto_sub", "gcc"]) {
        return;
    }
    let both = Both::start("clients-mosquitto");
    let (names, ca) = (both.names(), both.ca());
    for (broker, port) in ["Mosquitto", "the twin"].into_iter().zip(both.ports(8883)) {
        for (version, code) in [("mqttv311", 5), ("mqttv5", 135)] {
            for (at, (name, tls, password)) in TRIES.into_iter().enumerate() {
                let run = |program: &str, more: &[&str]| {
                    let mut command = Command::new(program);
                    command.args(["-V", version, "-h", name, "-p", &port.to_string(), "-t", "clients/topic"]);
                    command.args(["-q", "1", "-u", USER, "-P", password]).args(more);
                    if tls {
                        command.arg("--cafile").arg(&ca);
                    }
                    peers::run(command.env("LD_PRELOAD", &names))
                };
                let published = run("mosquitto_pub", &["-r", "-m", version]);
                // In plaintext it tries again and again until its time is over.
                let patience = if tls { "8" } else { "1" };
                let received = run("mosquitto_sub", &["-C", "1", "-W", patience]);
                let of = format!("{broker}, {version}, try {at}: {published:?} {received:?}");
                match at {
                    0 => assert_eq!((published.0, received), (0, (0, format!("{version}\n"))), "{of}"),
                    // With version 5 it is status 1 or 8, on either broker: a race in the client.
                    1 => {
                        assert!(published.1.contains("A TLS error occurred"), "{of}");
                        assert!(received.1.contains("A TLS error occurred"), "{of}");
                    }
                    2 => assert_eq!((published.0, received.0), (7, 255), "{of}"),
                    _ => assert_eq!((published.0, received.0), (code, code), "{of}"),
                }
            }
        }
    }
}
