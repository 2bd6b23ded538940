//! What each fuzz target does with its bytes. The targets and the replay of the corpus in `make test` share this.

use std::path::Path;

use mqttcert::ca::ledger;
use mqttcert::ca::list::{self, ListError};
use mqttcert::ca::request::Request;
use mqttcert::cert::crl::Crl;
use mqttcert::cert::key::PrivateKey;
use mqttcert::cert::{self, Certificate, pem};
use mqttcert::compose::{dockerfile, dotenv};
use mqttcert::deployment::{self, Given, Settings};
use mqttcert::disk;
use mqttcert::mosquitto::acl::{Access, Acl};
use mqttcert::mosquitto::passwd::PasswordFile;
use mqttcert::mqtt::decode::Cut;
use mqttcert::mqtt::{self, Version};
use mqttcert::name::PeerName;
use mqttcert::secret::Secret;
use mqttcert::stack_id::StackId;
use mqttcert::stacks::{Evaluation, Presented};
use mqttcert::tree::MemoryTree;
use mqttcert::{mosquitto, repair, rules, verdict};
use time::macros::datetime;

/// Every reader by the name of its target and corpus folder.
pub const READERS: &[(&str, fn(&[u8]))] = &[
    ("pem", read_pem),
    ("certificate", read_certificate),
    ("key", read_key),
    ("crl", read_crl),
    ("stacks", read_stacks),
    ("conf", read_conf),
    ("acl", read_acl),
    ("passwd", read_passwd),
    ("compose", read_compose),
    ("settings", read_settings),
    ("packet", read_packet),
    ("dotenv", read_dotenv),
    ("dockerfile", read_dockerfile),
    ("client_files", read_client_files),
    ("source", read_source),
    ("repair", read_repair),
    ("ledger", read_ledger),
    ("list", read_list),
    ("request", read_request),
    ("git_index", read_git_index),
];

/// PEM blocks and the certificates in them.
pub fn read_pem(bytes: &[u8]) {
    let _ = pem::scan(bytes);
    let _ = cert::load_pem(bytes);
}

/// A certificate and everything that is asked of one.
pub fn read_certificate(bytes: &[u8]) {
    let Ok(c) = Certificate::from_der(bytes) else { return };
    let _ = (c.subject().display(), c.issuer().display(), c.not_before(), c.not_after(), c.sans().len());
    let _ = (c.basic_constraints(), c.key_usage(), c.extended_key_usage(), c.name_constraints());
    let _ = cert::signature::verify(c.spki_der(), &c);
}

/// A private key, without and with a passphrase.
pub fn read_key(bytes: &[u8]) {
    let _ = PrivateKey::read(bytes, None);
    let _ = PrivateKey::read(bytes, Some(&Secret::new(b"secret".to_vec())));
}

/// A revocation list.
pub fn read_crl(bytes: &[u8]) {
    if let Ok(crl) = Crl::from_der(bytes) {
        let _ = (crl.issuer().display(), crl.next_update(), crl.find(&[1]).is_some());
    }
}

/// A server certificate file and a trust file (split at a NUL), judged by every stack.
pub fn read_stacks(bytes: &[u8]) {
    let at = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    let (certfile, trust) = bytes.split_at(at);
    let evaluation =
        Evaluation::new(Presented { certfile, completion: &[], trust }, datetime!(2026-11-24 0:00 UTC));
    let Ok(name) = PeerName::parse("iot-mqtt") else { return };
    for stack in StackId::ALL {
        let _ = evaluation.verify(*stack, &name);
    }
}

/// A mosquitto.conf.
pub fn read_conf(bytes: &[u8]) {
    let tree = MemoryTree::new().with("mosquitto.conf", bytes);
    let _ = mosquitto::read(&tree, Path::new("mosquitto.conf"), &|path| Some(path.into()));
}

/// An ACL file.
pub fn read_acl(bytes: &[u8]) {
    if let Ok(acl) = Acl::parse(bytes) {
        let _ = acl.allows(Some("u"), "c", Access::Read, "a/b/c");
    }
}

/// A password file.
pub fn read_passwd(bytes: &[u8]) {
    let _ = PasswordFile::parse(bytes).users().count();
}

/// A compose project with interpolation, judged to the end.
pub fn read_compose(bytes: &[u8]) {
    let tree = MemoryTree::new().with("compose.yaml", bytes).with(".env", "A=1\nMQTT_HOST=mqtt\n");
    judge_project(&tree);
}

/// A whole project, judged to the end.
pub fn judge_project(tree: &MemoryTree) {
    let Ok(found) = deployment::discover(tree, Path::new("."), &Given::default()) else { return };
    let now = datetime!(2026-11-24 0:00 UTC);
    let _ = verdict::judge(&found, tree, now, &verdict::Options::default());
    let _ = rules::run(&found, tree, now, &rules::Options::default());
}

/// An `mqttcert.toml`.
pub fn read_settings(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Settings::parse(Path::new("mqttcert.toml"), text);
    }
}

/// MQTT packets in a row, in every version.
pub fn read_packet(bytes: &[u8]) {
    for version in [Version::V31, Version::V311, Version::V5] {
        let mut rest = bytes;
        while let Ok(Cut::Frame(frame)) = mqtt::frame(rest, 1 << 16) {
            let _ = mqtt::decode_connect(frame);
            let _ = mqtt::decode(frame, version);
            rest = rest.get(frame.len..).unwrap_or_default();
        }
    }
}

/// An `.env` or `env_file`.
pub fn read_dotenv(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = dotenv::parse(text, Path::new(".env"), &|name| (name != "UNSET").then(|| "x".to_owned()));
    }
}

/// A Dockerfile.
pub fn read_dockerfile(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let arguments = [("VERSION".to_owned(), "2".to_owned())];
        let _ = dockerfile::parse(text, Path::new("Dockerfile"), &arguments, Some("base"));
    }
}

/// A broker, and one service with something of its own: judged to the end, as every command does.
fn judge(service: &str, files: &[(&str, &[u8])]) {
    let compose = format!(
        "services:\n  mqtt:\n    image: eclipse-mosquitto:2\n    volumes: [./m.conf:/mosquitto/config/mosquitto.conf]\n  \
         app:\n{service}"
    );
    let mut tree = MemoryTree::new().with("compose.yaml", compose).with("m.conf", "listener 1883\n");
    for (path, content) in files {
        tree = tree.with(*path, *content);
    }
    judge_project(&tree);
}

/// The configuration files of clients: Telegraf, Zigbee2MQTT, Home Assistant, Frigate, Node-RED, ChirpStack, Spring.
pub fn read_client_files(bytes: &[u8]) {
    const NAMES: [&str; 8] = [
        "telegraf.conf",
        "zigbee2mqtt/configuration.yaml",
        "configuration.yaml",
        "frigate.yml",
        "flows.json",
        "chirpstack.toml",
        "application.yml",
        "application.properties",
    ];
    let files: Vec<(String, &[u8])> = NAMES.iter().map(|n| (format!("c/{n}"), bytes)).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (n.as_str(), *b)).collect();
    judge("    image: app\n    volumes: [./c:/config]\n", &files);
}

/// Source code and scripts of a service that is built here.
pub fn read_source(bytes: &[u8]) {
    let files: Vec<(&str, &[u8])> =
        ["app/main.py", "app/index.js", "app/main.go", "app/App.java", "app/run.sh"]
            .into_iter()
            .map(|name| (name, bytes))
            .chain([("app/Dockerfile", b"FROM python:3\nCOPY . /app\nCMD [\"/app/run.sh\"]\n".as_slice())])
            .collect();
    judge("    build: ./app\n    environment: {MQTT_HOST: mqtt, MQTT_TLS_INSECURE: 'true'}\n", &files);
}

/// A compose project whose every repair is planned; what was mended must be readable again.
pub fn read_repair(bytes: &[u8]) {
    let tree = MemoryTree::new()
        .with("compose.yaml", bytes)
        .with("m.conf", "listener 1883\ncafile /c/ca.crt\ncertfile /c/server.crt\nkeyfile /c/server.key\n");
    let Ok(found) = deployment::discover(&tree, Path::new("."), &Given::default()) else { return };
    let now = datetime!(2026-11-24 0:00 UTC);
    let verdict = verdict::judge(&found, &tree, now, &verdict::Options::default());
    let report = rules::run(&found, &tree, now, &rules::Options::default());
    let plan = repair::plan(&found, &Given::default(), &report, &verdict, &tree, repair::Reach::Unsafe);
    for edit in plan.edits.iter().filter(|e| e.path.ends_with("compose.yaml")) {
        let mended = tree.clone().with("compose.yaml", edit.after.as_bytes());
        assert!(
            deployment::discover(&mended, Path::new("."), &Given::default()).is_ok(),
            "a repaired file cannot be read: {}",
            edit.after
        );
    }
}

/// OpenSSL's `index.txt`, line by line; what can be read is written as it would be read again.
pub fn read_ledger(bytes: &[u8]) {
    for (number, line) in (1..).zip(bytes.split(|b| *b == b'\n')) {
        if let Ok(Some(entry)) = ledger::parse_line(Path::new("index.txt"), number, line) {
            let _ = (entry.common_names(), entry.is_valid_at(datetime!(2026-11-24 0:00 UTC)));
            let mut text = String::new();
            entry.write(&mut text);
            let again =
                ledger::parse_line(Path::new("index.txt"), number, text.trim_end_matches('\n').as_bytes());
            assert!(matches!(again, Ok(Some(_))), "{text:?}");
        }
    }
}

/// A list of clients: CSV or JSON.
pub fn read_list(bytes: &[u8]) {
    let _ = list::each::<ListError>(Path::new("list"), bytes, &[], &mut |_| Ok(()));
}

/// A certificate request.
pub fn read_request(bytes: &[u8]) {
    let _ = Request::read(bytes, None, &[]);
}

/// A git index.
pub fn read_git_index(bytes: &[u8]) {
    let _ = disk::index_has(bytes, b"certs/ca.key");
}
