//! Certificates that somebody made to harm whoever reads about them: no control character and no bidirectional
//! override reaches a terminal, a log or a report, by no command and in no format; and huge ones cost little.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mqttcert_fixtures::{Attr, CLOCK, Ca, Dn, Ext, Key, Recipe, Text, der, ext, pem};

/// Colour, carriage return, line feed, NUL, bell, right-to-left override, and what CI systems and spreadsheets obey.
const EVIL: &str = "a\u{1b}[31m\r\n::error::x\0\u{7}\u{202e}b\u{2066}\u{9b}<script>\"';##vso[x]";

/// The bars of two seconds and 200 MB are for the released program: `MQTTCERT_BIN` names one. Then every command meets
/// every certificate; else a third of the commands each, and only a hang counts.
fn released() -> bool {
    std::env::var_os("MQTTCERT_BIN").is_some()
}

fn limit() -> Duration {
    Duration::from_secs(if released() { 2 } else { 120 })
}

fn program() -> PathBuf {
    std::env::var_os("MQTTCERT_BIN").map_or_else(|| env!("CARGO_BIN_EXE_mqttcert").into(), PathBuf::from)
}

fn named(cn: &str) -> Dn {
    Dn::from_attrs(vec![Attr::new("O", Text::Utf8, cn), Attr::new("CN", Text::Utf8, cn)])
}

struct Project {
    what: &'static str,
    dir: tempfile::TempDir,
}

fn project(what: &'static str, leaf: &[u8], ca: &Ca) -> Project {
    let dir = tempfile::tempdir().unwrap();
    let at = |path: &str| dir.path().join(path);
    fs::create_dir_all(at("certs")).unwrap();
    let write = |path: &str, content: &str| fs::write(at(path), content).unwrap();
    write(
        "docker-compose.yml",
        "services:\n  iot-mqtt:\n    image: eclipse-mosquitto:2\n    volumes:\n      - ./m.conf:/mosquitto/config/mosquitto.conf\n      \
         - ./certs:/c\n  app:\n    image: python:3\n    environment: {MQTT_HOST: iot-mqtt, MQTT_PORT: \"8883\", MQTT_TLS_INSECURE: \"true\"}\n    \
         volumes: [./certs/ca.crt:/c/ca.crt]\n",
    );
    write(
        "m.conf",
        "listener 8883\nallow_anonymous true\ncafile /c/ca.crt\ncertfile /c/server.crt\nkeyfile /c/server.key\ncrlfile /c/crl.pem\nrequire_certificate true\n",
    );
    write("certs/server.crt", &pem::armour("CERTIFICATE", leaf));
    write("certs/server.key", &Key::p256().pkcs8_pem());
    write("certs/ca.crt", &ca.pem());
    write("certs/ca.key", &ca.key.pkcs8_pem());
    Project { what, dir }
}

fn projects() -> Vec<Project> {
    let key = Key::p256();
    let evil_ca = Recipe::ca("CN=x", &Key::p256(), CLOCK).named(&named(EVIL)).self_sign();
    let plain_ca = Recipe::ca("CN=CA", &Key::p256(), CLOCK).self_sign();
    let leaf = |cn: &str| Recipe::leaf("x", &key, CLOCK).named(&named(cn));
    let evil_sans: Vec<Vec<u8>> = vec![
        ext::dns(EVIL),
        ext::uri(EVIL),
        ext::email(EVIL),
        ext::directory(&named(EVIL).der()),
        ext::dns("iot-mqtt"),
    ];
    let many: Vec<Vec<u8>> = (0..200_000).map(|i| ext::dns(&format!("n{i}.example.com"))).collect();
    let huge = "x".repeat(1 << 20);
    // Elements inside elements, as an extension and as the whole certificate.
    let mut deep = Vec::new();
    for _ in 0..300_000 {
        // From the inside out would be quadratic: indefinite lengths need no end here.
        deep.extend_from_slice(&[0x30, 0x80]);
    }
    let mut nested = vec![0x05, 0x00];
    for _ in 0..2_000 {
        nested = der::tlv(0x30, &nested);
    }
    vec![
        project("evil names", &leaf(EVIL).sign(&evil_ca).der, &evil_ca),
        project("evil SANs", &leaf("iot-mqtt").with(Ext::san_raw(&evil_sans)).sign(&evil_ca).der, &evil_ca),
        project("a CN of 1 MB", &leaf(&huge).sign(&plain_ca).der, &plain_ca),
        project("200,000 SANs", &leaf("x").with(Ext::san_raw(&many)).sign(&plain_ca).der, &plain_ca),
        project(
            "nested extension",
            &leaf("x").with(Ext::raw("2.5.29.17", false, &nested)).sign(&plain_ca).der,
            &plain_ca,
        ),
        project("nested 300,000 deep", &deep, &plain_ca),
        project(
            "nested in an extension",
            &leaf("x").with(Ext::raw("1.2.3.4", true, &deep)).sign(&plain_ca).der,
            &plain_ca,
        ),
    ]
}

const COMMANDS: &[&str] = &[
    "check --format human",
    "check --format json",
    "check --format sarif",
    "check --format github",
    "check --format junit",
    "check --format prometheus",
    "check --format html",
    "check --color always",
    "check --diff",
    "check --expiring",
    "check --expiring --format json",
    "check --expiring --format prometheus",
    "verdict",
    "verdict --explain --stack all --name iot-mqtt",
    "verdict --format json",
    "verdict --format env",
    "verdict --format compose",
    "verdict --after-reissue --ca certs/ca.crt --ca-key certs/ca.key",
    "rehearse",
    "rehearse --format json",
    "ca show --ca certs/ca.crt --ca-key certs/ca.key",
    "ca show --format json --ca certs/ca.crt --ca-key certs/ca.key",
    "ca renew --dry-run --ca certs/ca.crt --ca-key certs/ca.key",
    "ca crl --ca certs/ca.crt --ca-key certs/ca.key",
    "issue dev1 --ca certs/ca.crt --ca-key certs/ca.key",
    "issue dev2 --format json --ca certs/ca.crt --ca-key certs/ca.key",
    "revoke certs/server.crt --ca certs/ca.crt --ca-key certs/ca.key",
    "ca show --ca certs/server.crt",
    "init",
    "reissue --dry-run",
    "reissue --dry-run --format json",
    "reissue --keep-key",
    "reissue --undo",
];

/// Control characters besides line feed and tab, and what reverses or isolates text.
fn raw(text: &str) -> Option<char> {
    text.chars().find(|c| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}' | '\u{2029}')
    })
}

struct Ran {
    text: String,
    took: Duration,
    peak_kb: u64,
    signalled: bool,
}

fn run(dir: &Path, arguments: &str) -> Ran {
    let start = Instant::now();
    let mut child = Command::new(program())
        .args(arguments.split(' '))
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = err.read_to_end(&mut bytes);
        bytes
    });
    let answer = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = out.read_to_end(&mut bytes);
        bytes
    });
    let mut peak_kb = 0;
    let status = loop {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or("0");
        peak_kb = peak_kb.max(line.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > limit() * 2 {
            let _ = child.kill();
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let took = start.elapsed();
    let mut bytes = answer.join().unwrap();
    bytes.extend(reader.join().unwrap());
    let text = String::from_utf8(bytes).expect("UTF-8");
    Ran { text, took, peak_kb, signalled: status.code().is_none() }
}

#[test]
fn no_command_and_no_format_lets_a_certificate_speak_to_the_terminal() {
    let mut wrong = Vec::new();
    let (mut slowest, mut largest) = ((Duration::ZERO, String::new()), (0, String::new()));
    for (number, project) in projects().into_iter().enumerate() {
        let (from, step) = if released() { (0, 1) } else { (number % 3, 3) };
        for arguments in COMMANDS.iter().skip(from).step_by(step) {
            let what = format!("{}: mqttcert {arguments}", project.what);
            let ran = run(project.dir.path(), arguments);
            // Colours are asked for in one case; nothing of the certificate may be among them.
            let text = if arguments.contains("--color always") {
                ran.text.replace("\u{1b}[", "[")
            } else {
                ran.text.clone()
            };
            if let Some(c) = raw(&text) {
                let at = text.find(c).unwrap_or(0);
                let around: String =
                    text.chars().skip(text[..at].chars().count().saturating_sub(60)).take(120).collect();
                wrong.push(format!("{what}: raw {c:?} in {around:?}"));
            }
            if text.contains("[31m\r")
                || text.lines().any(|l| l.starts_with("::error::x") || l.starts_with("##vso"))
            {
                wrong.push(format!("{what}: a line of the certificate's own"));
            }
            if ran.signalled || ran.text.contains("panicked at") {
                wrong.push(format!("{what}: died: {}", ran.text.chars().take(300).collect::<String>()));
            }
            if ran.took > limit() {
                wrong.push(format!("{what}: took {:?}", ran.took));
            }
            if released() && ran.peak_kb > 200_000 {
                wrong.push(format!("{what}: {} kB", ran.peak_kb));
            }
            if ran.took > slowest.0 {
                slowest = (ran.took, what.clone());
            }
            if ran.peak_kb > largest.0 {
                largest = (ran.peak_kb, what);
            }
        }
    }
    println!("slowest {slowest:?}, largest {largest:?} kB");
    assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
}
