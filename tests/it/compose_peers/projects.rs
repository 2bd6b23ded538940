//! Small projects by chance: a compose file, often one over it and one that is extended, every field in every form
//! that both peers know.

use std::fs;
use std::path::Path;

use mqttcert_fixtures::Dice;
use serde_json::{Map, Value, json};

/// Writes one project below `dir`.
pub fn write(dir: &Path, dice: &mut Dice) {
    fs::create_dir_all(dir.join("app")).unwrap();
    fs::create_dir_all(dir.join("sub/app")).unwrap();
    fs::write(dir.join(".env"), "V1=one\nV2=\n").unwrap();
    for (folder, from) in [("", "here"), ("sub/", "sub")] {
        for file in ["one", "two"] {
            let text = format!("{}=from {from} {file}\nBOTH={file}\n", file.to_uppercase());
            fs::write(dir.join(format!("{folder}{file}.env")), text).unwrap();
        }
    }
    let names = &["mqtt", "web"][..=dice.below(2)];
    let mut services: Map<String, Value> =
        names.iter().map(|n| ((*n).to_owned(), Value::Object(service(dice, true)))).collect();
    if dice.percent(40) {
        let base = Value::Object(service(dice, true));
        let extends = if dice.percent(50) {
            services.insert("base".into(), base);
            json!({"service": "base"})
        } else {
            let file = file(Map::from_iter([("base".to_owned(), base)]));
            fs::write(dir.join("sub/common.yml"), file.to_string()).unwrap();
            json!({"file": "sub/common.yml", "service": "base"})
        };
        services["mqtt"]["extends"] = extends;
    }
    fs::write(dir.join("docker-compose.yml"), file(services).to_string()).unwrap();
    if dice.percent(60) {
        let over = names.iter().map(|n| ((*n).to_owned(), Value::Object(service(dice, false)))).collect();
        fs::write(dir.join("docker-compose.override.yml"), file(over).to_string()).unwrap();
    }
}

fn file(services: Map<String, Value>) -> Value {
    json!({
        "version": "3.8",
        "services": services,
        "volumes": {"data": null},
        "networks": {"front": null, "back": {}},
    })
}

fn service(dice: &mut Dice, whole: bool) -> Map<String, Value> {
    let mut out = Map::new();
    if whole || dice.percent(40) {
        out.insert("image".into(), one(dice, [json!("eclipse-mosquitto:2"), json!("image/a")]));
    }
    if dice.percent(60) {
        let values =
            ["mqtt", "1883", "a b", "a=b", "", "${V1}", "${V2:-instead}", "${V2-instead}", "$$HOME", "it's"];
        let pairs: Vec<(&str, &str)> = (0..=dice.below(4))
            .map(|_| (dice.of(&["HOST", "PORT", "A", "BOTH"]), dice.of(&values)))
            .collect();
        let map: Map<String, Value> = pairs.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect();
        let list = || map.iter().map(|(k, v)| json!(format!("{k}={}", v.as_str().unwrap()))).collect();
        out.insert("environment".into(), if dice.percent(50) { Value::Array(list()) } else { map.into() });
    }
    for (field, chance, forms) in fields() {
        if dice.percent(chance) {
            out.insert(field.into(), one(dice, forms));
        }
    }
    for (field, chance, items) in lists() {
        if dice.percent(chance) {
            let mut left = items;
            let some = (0..=dice.below(3)).map(|_| left.remove(dice.below(left.len()))).collect();
            out.insert(field.into(), Value::Array(some));
        }
    }
    out
}

fn one(dice: &mut Dice, forms: impl IntoIterator<Item = Value>) -> Value {
    let mut forms: Vec<Value> = forms.into_iter().collect();
    forms.remove(dice.below(forms.len()))
}

/// Fields with one value, how often of a hundred, and its forms.
fn fields() -> [(&'static str, usize, Vec<Value>); 10] {
    let networks = vec![
        json!(["front"]),
        json!(["front", "back"]),
        json!({"front": {"aliases": ["broker"]}, "back": null}),
        json!({"back": {"aliases": ["a", "b"]}}),
    ];
    let command = vec![
        json!("mosquitto -c /m.conf"),
        json!("sh -c \"echo hi\""),
        json!("run 'two words' \\\"quoted\\\""),
        json!(["a", "b c"]),
        json!(["sh", "-c", "x $$Y"]),
    ];
    let env_file = vec![json!("one.env"), json!(["one.env", "two.env"]), json!(["two.env"])];
    let build = vec![
        json!("."),
        json!("./app"),
        json!({"context": "./app", "dockerfile": "D", "args": {"X": "1"}}),
        json!({"context": ".", "args": ["Y=2", "X=3"], "target": "t"}),
    ];
    [
        ("networks", 40, networks),
        ("command", 40, command),
        ("entrypoint", 20, vec![json!("/e.sh word"), json!(["/e.sh", "--x"])]),
        ("healthcheck", 15, vec![json!({"test": ["CMD", "a", "b"]}), json!({"test": "mosquitto_sub -t x"})]),
        ("container_name", 20, vec![json!("one"), json!("other")]),
        ("hostname", 20, vec![json!("host")]),
        ("user", 20, vec![json!("1883:1883"), json!("1000"), json!("root")]),
        ("working_dir", 20, vec![json!("/app"), json!("/w")]),
        ("env_file", 30, env_file),
        ("build", 25, build),
    ]
}

/// Fields with several values.
fn lists() -> [(&'static str, usize, Vec<Value>); 3] {
    let ports = vec![
        json!("1883:1883"),
        json!("8883"),
        json!("127.0.0.1:1884:1883"),
        json!("9001:9001/tcp"),
        json!("5000:5000/udp"),
        json!("8000-8002:9000-9002"),
        json!({"target": 1883, "published": 18830}),
        json!({"target": 53, "published": 53, "protocol": "udp"}),
    ];
    let volumes = vec![
        json!("./conf:/mosquitto/config"),
        json!("./conf/m.conf:/mosquitto/config/mosquitto.conf:ro"),
        json!("data:/data"),
        json!("../x:/x:ro"),
        json!("/abs:/abs"),
        json!("/anonymous"),
        json!({"type": "bind", "source": "./certs", "target": "/certs", "read_only": true}),
        json!({"type": "volume", "source": "data", "target": "/v"}),
        json!({"type": "tmpfs", "target": "/t"}),
    ];
    let hosts = vec![json!("h1:1.2.3.4"), json!("h2:host-gateway"), json!("h3:5.6.7.8")];
    [("ports", 50, ports), ("volumes", 60, volumes), ("extra_hosts", 15, hosts)]
}
