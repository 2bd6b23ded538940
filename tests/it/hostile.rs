//! Hostile and huge projects: a clear error or a plain answer, quickly, within little memory.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use mqttcert::deployment::{Deployment, DiscoverError, Given, discover};
use mqttcert::disk::DiskTree;
use mqttcert::tree::MemoryTree;

const BROKER: &str = "  mosquitto:\n    image: eclipse-mosquitto:2\n    volumes: [\"./m.conf:/mosquitto/config/mosquitto.conf\"]\n";

fn timed(tree: &dyn mqttcert::tree::Tree, dir: &str) -> (Result<Deployment, DiscoverError>, Duration) {
    let start = Instant::now();
    let result = discover(tree, Path::new(dir), &Given::default());
    (result, start.elapsed())
}

fn services(n: usize) -> MemoryTree {
    let mut text = String::from("services:\n");
    text.push_str(BROKER);
    for i in 0..n {
        let _ = write!(
            text,
            "  client{i}:\n    build: ./app\n    container_name: client-{i}\n    depends_on: [mosquitto]\n    environment:\n      \
             MQTT_HOST: mosquitto\n      MQTT_PORT: \"1883\"\n      MQTT_TOPIC: \"t/{i}\"\n      MQTT_TLS_INSECURE: \"false\"\n    \
             volumes:\n      - ./certs/ca.crt:/certs/ca.crt:ro\n"
        );
    }
    MemoryTree::new()
        .with("p/compose.yaml", text)
        .with("p/m.conf", "listener 1883\n")
        .with("p/app/requirements.txt", "paho-mqtt\n")
        .with(
            "p/app/main.py",
            "import os\nimport paho.mqtt.client as mqtt\nmqtt.Client().connect(os.environ['MQTT_HOST'])\n",
        )
        .with("p/app/Dockerfile", "FROM python:3.12\nCOPY . /app\n")
}

/// Debug builds are slower by an order of magnitude; the bar of one second is for the released program.
const SLOW: u32 = if cfg!(debug_assertions) { 10 } else { 1 };

#[test]
fn a_thousand_services_take_less_than_a_second_and_grow_linearly() {
    let (small, _) = timed(&services(10), "p");
    assert_eq!(small.unwrap().clients.len(), 10);
    let (d, half) = timed(&services(500), "p");
    assert_eq!(d.unwrap().clients.len(), 500);
    let (d, whole) = timed(&services(1000), "p");
    assert_eq!(d.unwrap().clients.len(), 1000);
    println!("500 services: {half:?}, 1000 services: {whole:?}");
    assert!(whole < Duration::from_secs(1) * SLOW, "{whole:?}");
    assert!(whole < half * 3 + Duration::from_millis(50), "{half:?} then {whole:?}: not linear");
}

#[test]
fn hostile_yaml_gets_a_clear_error_in_less_than_two_seconds() {
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for i in 1..12 {
        let p = i - 1;
        let _ = writeln!(bomb, "a{i}: &a{i} [*a{p},*a{p},*a{p},*a{p},*a{p},*a{p},*a{p},*a{p},*a{p},*a{p}]");
    }
    let mut merges = String::from("x0: &x0 {a: 1}\n");
    for i in 1..30 {
        let p = i - 1;
        let _ = writeln!(merges, "x{i}: &x{i}\n  <<: [*x{p}, *x{p}, *x{p}]\n  k{i}: *x{p}");
    }
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("deep flow", b"services: ".iter().copied().chain([b'['; 100_000]).collect()),
        ("deep maps", format!("a: {}", "{a: ".repeat(100_000)).into_bytes()),
        ("bomb", bomb.into_bytes()),
        ("merge bomb", merges.into_bytes()),
        ("binary", (0..=255u8).cycle().take(200_000).collect()),
        ("nul", b"services:\n  a: \0\n".to_vec()),
        ("half", b"services:\n  a: [1, 2\n  b: }\n".to_vec()),
        ("list", b"- a\n- b\n".to_vec()),
        ("empty", Vec::new()),
        ("closings", "]\n".repeat(50_000).into_bytes()),
        ("flow closings", format!("a: [\n{}", "]\nb: [\n".repeat(30_000)).into_bytes()),
    ];
    for (what, text) in cases {
        let tree = MemoryTree::new().with("p/compose.yaml", text);
        let (result, took) = timed(&tree, "p");
        assert!(took < Duration::from_secs(2) * SLOW, "{what}: {took:?}");
        match result {
            Err(e) => assert!(e.to_string().contains("compose.yaml"), "{what}: {e}"),
            Ok(d) => panic!("{what}: read as {d:?}"),
        }
    }
}

#[test]
fn huge_but_harmless_files_are_read() {
    let mut keys = String::from("services:\n");
    keys.push_str(BROKER);
    keys.push_str("x-keys:\n");
    for i in 0..100_000 {
        let _ = writeln!(keys, "  k{i}: v");
    }
    let long = format!("services:\n{BROKER}    labels:\n      x: \"{}\"\n", "y".repeat(10_000_000));
    let dollars = format!("services:\n{BROKER}    labels:\n      x: \"{}\"\n", "${A:-b}".repeat(100_000));
    for (what, text) in [("keys", keys), ("long line", long), ("variables", dollars)] {
        let tree = MemoryTree::new().with("p/compose.yaml", text).with("p/m.conf", "listener 1883\n");
        let (result, took) = timed(&tree, "p");
        assert_eq!(result.unwrap().brokers.len(), 1, "{what}");
        assert!(took < Duration::from_secs(2) * SLOW, "{what}: {took:?}");
    }
}

#[test]
fn a_hundred_thousand_variables_are_read_in_linear_time() {
    let project = |n: usize| {
        let mut text = format!(
            "services:\n{BROKER}  app:\n    image: example/app\n    env_file: many.env\n    environment:\n"
        );
        let mut file = String::new();
        for i in 0..n {
            let _ = writeln!(text, "      KEY_{i}: \"{i}\"");
            let _ = writeln!(file, "FILE_{i}={i}");
        }
        text.push_str("      MQTT_HOST: mosquitto\n");
        MemoryTree::new()
            .with("p/compose.yaml", text)
            .with("p/m.conf", "listener 1883\n")
            .with("p/many.env", file)
    };
    let (d, half) = timed(&project(50_000), "p");
    assert_eq!(d.unwrap().clients.len(), 1);
    let (d, whole) = timed(&project(100_000), "p");
    assert_eq!(d.unwrap().clients.len(), 1);
    println!("50,000 variables: {half:?}, 100,000: {whole:?}");
    assert!(whole < Duration::from_secs(2) * SLOW, "{whole:?}");
    assert!(whole < half * 3 + Duration::from_millis(500), "{half:?} then {whole:?}: not linear");
}

#[test]
fn devices_and_fifos_are_never_opened() {
    let dir = tempfile::tempdir().unwrap();
    let at = |n: &str| dir.path().join(n);
    std::fs::write(
        at("docker-compose.yml"),
        format!("services:\n{BROKER}  app:\n    build: .\n    env_file: fifo\n    volumes: [\"./:/app\"]\n"),
    )
    .unwrap();
    for name in ["fifo", "m.conf", "Dockerfile", "main.py", ".env", "mqttcert.toml.fifo"] {
        assert!(std::process::Command::new("mkfifo").arg(at(name)).status().unwrap().success());
    }
    std::os::unix::fs::symlink("/dev/zero", at("zero.py")).unwrap();
    std::os::unix::fs::symlink(".", at("loop")).unwrap();
    let tree = DiskTree::new([dir.path()]).unwrap();
    let start = Instant::now();
    let d = discover(&tree, dir.path(), &Given::default()).unwrap();
    assert!(start.elapsed() < Duration::from_secs(2) * SLOW);
    assert_eq!(d.brokers.len(), 1);
    assert!(d.not_decided.iter().any(|n| n.because.contains("regular file")), "{:?}", d.not_decided);
}
