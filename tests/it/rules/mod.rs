//! Every rule, each by one change to a project in good order that must raise it; the project itself raises none.

mod project;
mod twins;

use std::path::Path;

use mqttcert::deployment::{Given, GivenName, discover};
use mqttcert::finding::Severity;
use mqttcert::name::PeerName;
use mqttcert::rules::{self, Options};
use mqttcert::tree::MemoryTree;
use mqttcert_fixtures::ext::{eku, ku};
use mqttcert_fixtures::hash::Hash;
use mqttcert_fixtures::{CLOCK, Ca, Ext, Key, Recipe, SigAlg};
use project::{CODE, CONF, PASSWD, Pki, compose, conf, expect, expect_in, good, listing, report, report_of};
use time::Duration;

use Severity::{Error, Note, Warning};

#[test]
fn a_project_in_good_order_raises_nothing() {
    let report = report(&good(&Pki::new()));
    assert!(report.findings.is_empty(), "{}", listing(&report));
}

#[test]
fn names_and_the_certificates_own_faults() {
    let pki = Pki::new();
    let crt = "certs/server/server.crt";
    let with = |recipe: Recipe| good(&pki).with(crt, recipe.sign(&pki.ca).pem());
    let other = with(Recipe::server(&["broker.example.com"], &pki.key, CLOCK).with_key_ids());
    expect("san-missing", &other, Error, crt, 0);
    expect("name-not-covered", &other, Error, "compose.yaml", 13);
    let v1 = with(Recipe::leaf("mqtt", &pki.key, CLOCK).v1());
    expect("v1-certificate", &v1, Warning, crt, 0);
    expect("cn-only", &v1, Warning, crt, 0);
    expect("san-missing", &v1, Warning, crt, 0);
    let days = Duration::days;
    expect("expired", &with(pki.server().valid(CLOCK - days(30), CLOCK - days(1))), Error, crt, 0);
    expect("expiring", &with(pki.server().valid(CLOCK - days(30), CLOCK + days(10))), Warning, crt, 0);
    expect("not-yet-valid", &with(pki.server().valid(CLOCK + days(1), CLOCK + days(90))), Error, crt, 0);
    expect("long-validity", &with(pki.server().valid(CLOCK - days(1), CLOCK + days(1000))), Warning, crt, 0);
    expect("outlives-ca", &with(pki.server().valid(CLOCK - days(1), CLOCK + days(9000))), Warning, crt, 0);
    expect("purpose", &with(pki.server().with(Ext::eku(&[eku::CLIENT]))), Error, crt, 0);
    let only_encipher = with(pki.server().with(Ext::key_usage(&[ku::KEY_ENCIPHERMENT])));
    assert!(report(&only_encipher).findings.iter().any(|f| f.rule == "key-usage"));
    let mut no_key_ids = pki.server();
    no_key_ids.key_ids = false;
    let no_key_ids = no_key_ids.without("2.5.29.35").without("2.5.29.14");
    expect("key-identifier", &with(no_key_ids), Warning, crt, 0);
    let rsa = Recipe::ca("CN=RSA CA", &Key::rsa(2048, "ca"), CLOCK).self_sign();
    let sha1 = pki.server().signed_with(SigAlg::Rsa(Hash::Sha1)).sign(&rsa).pem();
    expect("weak-signature", &good(&pki).with(crt, sha1), Error, crt, 0);
    let small = Key::rsa(1024, "small");
    let weak = good(&pki)
        .with(crt, Recipe::server(&["mqtt"], &small, CLOCK).with_key_ids().sign(&pki.ca).pem())
        .with("certs/server/server.key", small.pkcs8_pem());
    assert!(report(&weak).findings.iter().any(|f| f.rule == "weak-key"), "{}", listing(&report(&weak)));
}

#[test]
fn the_cas_faults_are_told_apart_from_the_leafs() {
    let pki = Pki::new();
    let crt = "certs/server/server.crt";
    let days = Duration::days;
    let under = |ca: &Ca| {
        good(&pki)
            .with("certs/server/ca.crt", ca.pem())
            .with("certs/client/ca.crt", ca.pem())
            .with(crt, pki.server().sign(ca).pem())
    };
    let key = Key::p256();
    let bare = Recipe::ca("CN=test CA", &key, CLOCK).without("2.5.29.15").self_sign();
    expect("ca-key-usage", &under(&bare), Warning, "certs/server/ca.crt", 0);
    let old = Recipe::ca("CN=test CA", &key, CLOCK).valid(CLOCK - days(900), CLOCK - days(1)).self_sign();
    expect("ca-expired", &under(&old), Error, "certs/server/ca.crt", 0);
    let stranger = Recipe::ca("CN=another CA", &Key::p256(), CLOCK).self_sign();
    let untrusted = good(&pki).with(crt, pki.server().sign(&stranger).pem());
    expect("untrusted-chain", &untrusted, Error, crt, 0);
    let own = Recipe::ca("CN=mqtt", &pki.key, CLOCK).with(Ext::san(&["mqtt"])).self_sign();
    let as_leaf = good(&pki)
        .with(crt, own.pem())
        .with("certs/client/ca.crt", own.pem())
        .with("certs/server/ca.crt", own.pem());
    assert!(report(&as_leaf).findings.iter().any(|f| f.rule == "leaf-is-ca"));
    let same_name = Recipe::ca("CN=test CA", &Key::p256(), CLOCK).self_sign();
    let f = expect(
        "ca-not-trusted",
        &good(&pki).with("certs/client/ca.crt", same_name.pem()),
        Error,
        "compose.yaml",
        13,
    );
    assert!(f.message.contains("another CA of the same name"), "{}", f.message);
}

#[test]
fn keys_that_stop_the_broker() {
    let pki = Pki::new();
    let key = "certs/server/server.key";
    expect("key-mismatch", &good(&pki).with(key, Key::p256().pkcs8_pem()), Error, "mosquitto.conf", 9);
    let encrypted = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,\
                     00112233445566778899AABBCCDDEEFF\n\nAAAAAAAAAAAAAAAAAAAAAA==\n-----END RSA PRIVATE KEY-----\n";
    expect("key-encrypted", &good(&pki).with(key, encrypted), Error, "mosquitto.conf", 9);
    let closed = good(&pki)
        .with(
            "compose.yaml",
            compose("./certs/server:/mosquitto/certs", "./certs/server:/mosquitto/certs:ro"),
        )
        .with_meta(key, pki.key.pkcs8_pem(), 0o600, 0, 0);
    expect("key-unreadable", &closed, Error, "mosquitto.conf", 9);
}

#[test]
fn the_configurations_faults() {
    let pki = Pki::new();
    let with = |text: String| good(&pki).with("mosquitto.conf", text);
    let plain = with(conf(|c| {
        format!(
            "{c}listener 1883\nallow_anonymous false\npassword_file /mosquitto/auth/passwd\nacl_file /mosquitto/auth/acl\n"
        )
    }));
    expect("plaintext-listener", &plain, Warning, "mosquitto.conf", 11);
    let half = with(conf(|c| c.replace("keyfile /mosquitto/certs/server.key\n", "")));
    expect("tls-incomplete", &half, Error, "mosquitto.conf", 8);
    let three = with(conf(|c| c.replace("tlsv1.2", "tlsv1.3")));
    expect("tls-version", &three, Error, "mosquitto.conf", 10);
    let old = with(conf(|c| c.replace("tlsv1.2", "tlsv1.1")));
    expect("tls-version", &old, Warning, "mosquitto.conf", 10);
    let open = with(conf(|c| {
        c.replace("allow_anonymous false", "allow_anonymous true")
            .replace("acl_file /mosquitto/auth/acl\n", "")
    }));
    expect("anonymous-access", &open, Error, "mosquitto.conf", 4);
    let nobody = with(conf(|c| c.replace("password_file /mosquitto/auth/passwd\n", "")));
    expect("password-file", &nobody, Error, "mosquitto.conf", 3);
    let clear = good(&pki).with_meta("auth/passwd", "seven:geheim\n", 0o600, 1883, 1883);
    let finding = expect("password-file", &clear, Error, "auth/passwd", 1);
    assert!(!format!("{finding:?}").contains("geheim"));
    let readable = good(&pki).with("auth/passwd", PASSWD);
    expect("password-file", &readable, Warning, "auth/passwd", 0);
    let identity = with(conf(|c| format!("{c}use_identity_as_username true\n")));
    expect("identity-without-certificate", &identity, Error, "mosquitto.conf", 11);
    let missing = with(conf(|c| format!("{c}require_certificate true\n")));
    expect("crl-missing", &missing, Warning, "mosquitto.conf", 11);
    let refused = with(conf(|c| c.replace("tls_version tlsv1.2", "tls_version tlsv1.2 # new")));
    expect("conf-refused", &refused, Error, "mosquitto.conf", 10);
    let unknown = with(conf(|c| c.replace("persistence false", "persistance false")));
    expect("conf-refused", &unknown, Error, "mosquitto.conf", 1);
    let nowhere = with(conf(|c| c.replace("/mosquitto/certs/server.crt", "/etc/certs/server.crt")));
    expect("file-missing", &nowhere, Error, "mosquitto.conf", 8);
}

#[test]
fn the_reach_of_an_acl() {
    let pki = Pki::new();
    let scope = CONF.replace("acl_file /mosquitto/auth/acl\n", "")
        + "listener 9001\nprotocol websockets\nallow_anonymous false\npassword_file /mosquitto/auth/passwd\n\nacl_file /mosquitto/auth/acl\n";
    let finding = expect("acl-scope", &good(&pki).with("mosquitto.conf", scope), Error, "mosquitto.conf", 15);
    assert_eq!(
        finding.message,
        "acl_file applies to listener 9001 only; 8883 may publish and read everything"
    );
    expect("acl-empty", &good(&pki).with("auth/acl", "# later\n"), Error, "auth/acl", 0);
}

#[test]
fn revocation_lists() {
    let pki = Pki::new();
    let days = Duration::days;
    let list = |until| {
        mqttcert_fixtures::crl::crl_pem(&pki.ca, CLOCK - days(60), Some(CLOCK + until), &[vec![2, 1, 5]])
    };
    let wanted = conf(|c| format!("{c}require_certificate true\ncrlfile /mosquitto/certs/crl.pem\n"));
    let with =
        |until| good(&pki).with("mosquitto.conf", wanted.clone()).with("certs/server/crl.pem", list(until));
    expect("crl-expired", &with(days(-1)), Error, "certs/server/crl.pem", 0);
    expect("crl-expired", &with(days(5)), Warning, "certs/server/crl.pem", 0);
    assert!(report(&with(days(90))).findings.iter().all(|f| !f.rule.starts_with("crl-")));
    let websockets = wanted.replace("listener 8883\n", "listener 8883\nprotocol websockets\n");
    expect("crl-ignored", &with(days(90)).with("mosquitto.conf", websockets), Error, "mosquitto.conf", 13);
}

#[test]
fn keys_mounts_and_ports() {
    let pki = Pki::new();
    let exposed = good(&pki).with("certs/server/ca.key", pki.ca.key.pkcs8_pem());
    expect("ca-key-exposed", &exposed, Error, "compose.yaml", 6);
    let own = Recipe::ca("CN=mqtt", &pki.key, CLOCK).with(Ext::san(&["mqtt"])).self_sign().pem();
    let self_signed = good(&pki)
        .with("certs/server/server.crt", own.clone())
        .with("certs/server/ca.crt", own.clone())
        .with("certs/client/ca.crt", own);
    assert!(!report(&self_signed).findings.iter().any(|f| f.rule == "ca-key-exposed"));
    let copied = good(&pki)
        .with("compose.yaml", compose("image: eclipse-mosquitto:2.0.18", "build: ."))
        .with("Dockerfile", "FROM eclipse-mosquitto:2.0.18\nUSER 1883\nCOPY certs/ /keys/\n")
        .with("certs/ca.key", pki.ca.key.pkcs8_pem());
    expect("ca-key-exposed", &copied, Error, "Dockerfile", 3);
    let is_clean = |p| !report(&p).findings.iter().any(|f| f.rule == "ca-key-exposed");
    assert!(is_clean(copied.with(".dockerignore", "# keys\n**/ca.key\n")));
    let lying = good(&pki).with(".gitignore", "*.log\n");
    expect("key-committed", &lying, Warning, "certs/server/server.key", 0);
    assert!(
        !report(&good(&pki).with(".gitignore", "*.key\n")).findings.iter().any(|f| f.rule == "key-committed")
    );
    let single = good(&pki)
        .with("compose.yaml", compose("./certs/client:/certs:ro", "./certs/client/ca.crt:/certs/ca.crt:ro"));
    expect("single-file-mount", &single, Warning, "compose.yaml", 19);
    let ports = good(&pki).with("compose.yaml", compose("\"8883:8883\"", "\"9001:9001\""));
    expect("published-without-listener", &ports, Warning, "compose.yaml", 9);
}

#[test]
fn what_clients_do() {
    let pki = Pki::new();
    let with = |from: &str, to: &str| good(&pki).with("compose.yaml", compose(from, to));
    expect("no-listener", &with("MQTT_PORT: \"8883\"", "MQTT_PORT: \"1884\""), Error, "compose.yaml", 13);
    expect(
        "ca-not-trusted",
        &with("./certs/client:/certs:ro", "./certs/client:/elsewhere:ro"),
        Error,
        "compose.yaml",
        13,
    );
    let plain = good(&pki).with("ingest/ingest.py", CODE.replace("client.tls_set(", "print("));
    let plain = plain.with(
        "compose.yaml",
        compose("      MQTT_CA_CERT: /certs/ca.crt\n", "")
            .replace("      MQTT_TLS_INSECURE: \"false\"\n", ""),
    );
    expect("tls-mismatch", &plain, Error, "compose.yaml", 13);
    let check = with(
        "    ports:\n",
        "    healthcheck:\n      test: [\"CMD\", \"mosquitto_sub\", \"-p\", \"1883\", \"-t\", \"x\", \"-C\", \"1\"]\n    ports:\n",
    );
    expect("healthcheck-fails", &check, Warning, "compose.yaml", 9);
}

#[test]
fn flags() {
    let pki = Pki::new();
    let with = |value: &str| {
        good(&pki).with(
            "compose.yaml",
            compose("MQTT_TLS_INSECURE: \"false\"", &format!("MQTT_TLS_INSECURE: {value}")),
        )
    };
    expect("insecure-unneeded", &with("\"true\""), Warning, "compose.yaml", 17);
    expect("insecure-without-effect", &with("\"1\""), Warning, "compose.yaml", 17);
    let foreign = Recipe::server(&["elsewhere"], &pki.key, CLOCK).with_key_ids().sign(&pki.ca).pem();
    let crt = "certs/server/server.crt";
    expect("insecure-needed", &with("\"true\"").with(crt, foreign.clone()), Warning, "compose.yaml", 17);
    expect("insecure-needed", &good(&pki).with(crt, foreign), Error, "compose.yaml", 17);
    let node = good(&pki)
        .with("compose.yaml", compose("build: ./ingest", "build: ./web").replace("      MQTT_TLS_INSECURE: \"false\"\n", ""))
        .with("web/package.json", "{\"dependencies\": {\"mqtt\": \"5.0.0\"}}\n")
        .with("web/Dockerfile", "FROM node:20\nCOPY . /app\n")
        .with(
            "web/index.js",
            "const mqtt = require('mqtt');\nconst c = mqtt.connect(`mqtts://${process.env.MQTT_HOST}:${process.env.MQTT_PORT}`, \
             { rejectUnauthorized: false });\n",
        );
    assert!(
        report(&node).findings.iter().any(|f| f.rule == "insecure-everything"),
        "{}",
        listing(&report(&node))
    );
}

#[test]
fn source_and_scripts() {
    let pki = Pki::new();
    let two = good(&pki).with("ingest/requirements.txt", "paho-mqtt==2.0.0\n");
    expect("paho-api", &two, Error, "ingest/ingest.py", 7);
    expect(
        "paho-api",
        &good(&pki).with("ingest/requirements.txt", "paho-mqtt\n"),
        Note,
        "ingest/ingest.py",
        7,
    );
    let both = "try:\n    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)\nexcept AttributeError:\n    client = ";
    for call in [format!("{both}mqtt.Client()"), "client = mqtt.Client(**options)".to_owned()] {
        let code = CODE.replace("client = mqtt.Client()", &call);
        assert_ne!(code, CODE);
        let found = report(&two.clone().with("ingest/ingest.py", code));
        assert!(!found.findings.iter().any(|f| f.rule == "paho-api"), "{}", listing(&found));
    }
    let fallback = CODE
        .replace("client.tls_set(", "if os.path.exists(os.environ[\"MQTT_CA_CERT\"]):\n    client.tls_set(");
    expect(
        "plaintext-fallback",
        &good(&pki).with("ingest/ingest.py", fallback),
        Warning,
        "ingest/ingest.py",
        9,
    );
    let script = "#!/bin/sh\nopenssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key \\\n  -out server.crt -days 365\n";
    expect("script-loses-san", &good(&pki).with("make-certs.sh", script), Warning, "make-certs.sh", 2);
    let good_script = script.replace("-days 365", "-days 365 -extfile san.cnf");
    assert!(report(&good(&pki).with("make-certs.sh", good_script)).findings.is_empty());
}

#[test]
fn ignores_take_away_are_counted_and_must_be_used() {
    let pki = Pki::new();
    let plain = |ignore: &str| {
        let rest =
            "allow_anonymous false\npassword_file /mosquitto/auth/passwd\nacl_file /mosquitto/auth/acl\n";
        good(&pki).with("mosquitto.conf", format!("{CONF}{ignore}listener 1883\n{rest}"))
    };
    let used = report(&plain("# mqttcert: ignore plaintext-listener because the lab has no other\n"));
    assert_eq!((used.findings.len(), used.suppressed), (0, 1), "{}", listing(&used));
    expect("unused-ignore", &plain("# mqttcert: ignore acl-scope because\n"), Warning, "mosquitto.conf", 11);
    expect(
        "unused-ignore",
        &plain("# mqttcert: ignore expired because of it\n"),
        Warning,
        "mosquitto.conf",
        11,
    );
    let toml = "[rules.plaintext-listener]\nlevel = \"error\"\nreason = \"nothing in the clear here\"\n[rules.expired]\nlevel = \"off\"\nreason = \"x\"\n";
    let rated = plain("").with("mqttcert.toml", toml);
    expect("plaintext-listener", &rated, Error, "mosquitto.conf", 11);
    expect("unused-ignore", &rated, Warning, "mqttcert.toml", 4);
    let deployment = discover(&rated, Path::new("."), &Given { isolated: true, ..Given::default() }).unwrap();
    let isolated = rules::run(&deployment, &rated, CLOCK, &Options { isolated: true, ..Options::default() });
    expect_in(&isolated, "plaintext-listener", Warning, "mosquitto.conf", 11);
    assert!(!isolated.findings.iter().any(|f| f.rule == "unused-ignore"));
}

#[test]
fn without_a_project_the_named_files_are_judged() {
    let pki = Pki::new();
    let tree = MemoryTree::new()
        .with("server.crt", Recipe::leaf("mqtt", &pki.key, CLOCK).v1().sign(&pki.ca).pem())
        .with("ca.crt", pki.ca.pem());
    let given = Given {
        cert: Some("server.crt".into()),
        ca: Some("ca.crt".into()),
        names: vec![GivenName { name: PeerName::parse("mqtt").unwrap(), port: None }],
        ..Given::default()
    };
    let report = report_of(&tree, &given);
    expect_in(&report, "v1-certificate", Warning, "server.crt", 0);
    expect_in(&report, "cn-only", Warning, "server.crt", 0);
}

#[test]
fn a_named_file_without_a_certificate() {
    let pki = Pki::new();
    let tree = MemoryTree::new().with("server.crt", "no certificate\n").with("ca.crt", pki.ca.pem());
    let given = Given {
        cert: Some("server.crt".into()),
        ca: Some("ca.crt".into()),
        names: vec![GivenName { name: PeerName::parse("mqtt").unwrap(), port: None }],
        ..Given::default()
    };
    expect_in(&report_of(&tree, &given), "malformed-certificate", Error, "server.crt", 0);
}
