//! Every rule by a pair: a change to the project in good order that must raise it, and its twin, a change as near to
//! that as can be, that must not. A rule without a pair fails the test.

use mqttcert::deployment::{Given, GivenName};
use mqttcert::name::PeerName;
use mqttcert::rules;
use mqttcert::tree::MemoryTree;
use mqttcert_fixtures::ext::{eku, ku};
use mqttcert_fixtures::hash::Hash;
use mqttcert_fixtures::{CLOCK, Ca, Ext, Key, Recipe, SigAlg, crl};
use time::Duration;

use super::project::{CODE, CONF, PASSWD, Pki, compose, conf, good, listing, report_of};

/// What must raise the rule, and its twin.
type Pair = fn(&Pki) -> (MemoryTree, MemoryTree);

const CRT: &str = "certs/server/server.crt";
const KEY: &str = "certs/server/server.key";
const TLS_LINES: &str = "cafile /mosquitto/certs/ca.crt\ncertfile /mosquitto/certs/server.crt\nkeyfile /mosquitto/certs/server.key\ntls_version tlsv1.2\n";

fn days(n: i64) -> Duration {
    Duration::days(n)
}

/// The project with this certificate.
fn with(pki: &Pki, recipe: Recipe) -> MemoryTree {
    good(pki).with(CRT, recipe.sign(&pki.ca).pem())
}

/// The server's certificate, valid from and until so many days from now.
fn valid(pki: &Pki, from: i64, until: i64) -> MemoryTree {
    with(pki, pki.server().valid(CLOCK + days(from), CLOCK + days(until)))
}

/// The project below another CA.
fn under(pki: &Pki, ca: &Ca) -> MemoryTree {
    good(pki)
        .with("certs/server/ca.crt", ca.pem())
        .with("certs/client/ca.crt", ca.pem())
        .with(CRT, pki.server().sign(ca).pem())
}

/// One text of the configuration for two others.
fn confs(pki: &Pki, from: &str, bad: &str, twin: &str) -> (MemoryTree, MemoryTree) {
    let changed = |to: &str| good(pki).with("mosquitto.conf", CONF.replace(from, to));
    assert!(CONF.contains(from), "{from}");
    (changed(bad), changed(twin))
}

/// One text of the compose file for two others.
fn composed(pki: &Pki, from: &str, bad: &str, twin: &str) -> (MemoryTree, MemoryTree) {
    let changed = |to: &str| good(pki).with("compose.yaml", compose(from, to));
    (changed(bad), changed(twin))
}

fn authority(pki: &Pki, from: i64, until: i64) -> MemoryTree {
    let key = Key::p256();
    let ca = Recipe::ca("CN=test CA", &key, CLOCK).valid(CLOCK + days(from), CLOCK + days(until)).self_sign();
    under(pki, &ca)
}

fn signed_by_rsa(pki: &Pki, hash: Hash) -> MemoryTree {
    let rsa = Recipe::ca("CN=RSA CA", &Key::rsa(2048, "ca"), CLOCK).self_sign();
    good(pki)
        .with(CRT, pki.server().signed_with(SigAlg::Rsa(hash)).sign(&rsa).pem())
        .with("certs/server/ca.crt", rsa.pem())
        .with("certs/client/ca.crt", rsa.pem())
}

fn of_size(pki: &Pki, bits: u32) -> MemoryTree {
    let key = Key::rsa(bits, "twin");
    good(pki).with(CRT, Recipe::server(&["mqtt"], &key, CLOCK).with_key_ids().sign(&pki.ca).pem()).with_meta(
        KEY,
        key.pkcs8_pem(),
        0o600,
        1883,
        1883,
    )
}

fn revoking(pki: &Pki, until: i64, protocol: &str) -> MemoryTree {
    let list = crl::crl_pem(&pki.ca, CLOCK - days(60), Some(CLOCK + days(until)), &[vec![2, 1, 5]]);
    let text = conf(|c| format!("{c}require_certificate true\ncrlfile /mosquitto/certs/crl.pem\n"));
    let text = text.replace("listener 8883\n", &format!("listener 8883\n{protocol}"));
    good(pki).with("mosquitto.conf", text).with("certs/server/crl.pem", list)
}

fn browser(pki: &Pki, reject: &str) -> MemoryTree {
    let code = format!(
        "const mqtt = require('mqtt');\nmqtt.connect(`mqtts://${{process.env.MQTT_HOST}}:8883`, {{ rejectUnauthorized: {reject} }});\n"
    );
    let file = compose("build: ./ingest", "build: ./web").replace("      MQTT_TLS_INSECURE: \"false\"\n", "");
    good(pki)
        .with("compose.yaml", file)
        .with("web/package.json", "{\"dependencies\": {\"mqtt\": \"5.0.0\"}}\n")
        .with("web/Dockerfile", "FROM node:20\nCOPY . /app\n")
        .with("web/index.js", code)
}

const PAIRS: &[(&str, Pair)] = &[
    ("san-missing", |p| {
        let named = |names: &[&str]| with(p, Recipe::server(names, &p.key, CLOCK).with_key_ids());
        (named(&["broker"]), named(&["broker", "mqtt"]))
    }),
    ("cn-only", |p| {
        (
            with(p, Recipe::leaf("mqtt", &p.key, CLOCK)),
            with(p, Recipe::leaf("mqtt", &p.key, CLOCK).with(Ext::san(&["mqtt"]))),
        )
    }),
    ("v1-certificate", |p| {
        (with(p, Recipe::leaf("mqtt", &p.key, CLOCK).v1()), with(p, Recipe::leaf("mqtt", &p.key, CLOCK)))
    }),
    ("expired", |p| (valid(p, -30, -1), valid(p, -30, 1))),
    ("expiring", |p| (valid(p, -30, 29), valid(p, -30, 31))),
    ("not-yet-valid", |p| (valid(p, 1, 300), valid(p, -1, 300))),
    ("untrusted-chain", |p| {
        let stranger = Recipe::ca("CN=another CA", &Key::p256(), CLOCK).self_sign();
        (good(p).with(CRT, p.server().sign(&stranger).pem()), under(p, &stranger))
    }),
    ("key-mismatch", |p| {
        let key = |pem: String| good(p).with_meta(KEY, pem, 0o600, 1883, 1883);
        (key(Key::p256().pkcs8_pem()), key(format!("the server's key\n{}", p.key.pkcs8_pem())))
    }),
    ("outlives-ca", |p| (valid(p, -1, 9000), valid(p, -1, 800))),
    ("ca-expired", |p| (authority(p, -900, -1), authority(p, -900, 900))),
    ("ca-key-usage", |p| {
        let ca = || Recipe::ca("CN=test CA", &Key::p256(), CLOCK);
        let said = ca().with(Ext::key_usage(&[ku::KEY_CERT_SIGN]));
        (under(p, &ca().without("2.5.29.15").self_sign()), under(p, &said.self_sign()))
    }),
    ("leaf-is-ca", |p| {
        let own = Recipe::ca("CN=mqtt", &p.key, CLOCK).with(Ext::san(&["mqtt"])).self_sign().pem();
        let as_leaf = good(p)
            .with(CRT, own.clone())
            .with("certs/client/ca.crt", own.clone())
            .with("certs/server/ca.crt", own);
        (as_leaf, with(p, p.server()))
    }),
    ("purpose", |p| {
        let used = |for_: &[&str]| with(p, p.server().with(Ext::eku(for_)));
        (used(&[eku::CLIENT]), used(&[eku::CLIENT, eku::SERVER]))
    }),
    ("key-usage", |p| {
        let used = |bits: &[u8]| with(p, p.server().with(Ext::key_usage(bits)));
        (used(&[ku::KEY_ENCIPHERMENT]), used(&[ku::KEY_ENCIPHERMENT, ku::DIGITAL_SIGNATURE]))
    }),
    ("key-identifier", |p| {
        let mut without = p.server();
        without.key_ids = false;
        (with(p, without.without("2.5.29.35").without("2.5.29.14")), with(p, p.server()))
    }),
    ("weak-key", |p| (of_size(p, 1024), of_size(p, 2048))),
    ("weak-signature", |p| (signed_by_rsa(p, Hash::Sha1), signed_by_rsa(p, Hash::Sha256))),
    ("long-validity", |p| (valid(p, 0, 826), valid(p, 0, 825))),
    ("plaintext-listener", |p| {
        let line = |l: &str| {
            good(p).with("mosquitto.conf", format!("{CONF}listener 1883{l}\nallow_anonymous false\n"))
        };
        (line(""), line(" 127.0.0.1"))
    }),
    ("tls-incomplete", |p| confs(p, TLS_LINES, "certfile /mosquitto/certs/server.crt\n", "")),
    ("tls-version", |p| confs(p, "tls_version tlsv1.2", "tls_version tlsv1.1", "")),
    ("anonymous-access", |p| {
        let open = |l: &str| {
            let text = conf(|c| c.replace("allow_anonymous false", "allow_anonymous true"));
            good(p).with("mosquitto.conf", text.replace("listener 8883", l))
        };
        (open("listener 8883"), open("listener 8883 127.0.0.1"))
    }),
    ("password-file", |p| {
        let mode = |mode| good(p).with_meta("auth/passwd", PASSWD, mode, 1883, 1883);
        (mode(0o644), mode(0o600))
    }),
    ("acl-scope", |p| {
        let acl = "acl_file /mosquitto/auth/acl\n";
        let rest = "listener 1883 127.0.0.1\nallow_anonymous false\npassword_file /mosquitto/auth/passwd\nlistener 8884\nallow_anonymous false\npassword_file /mosquitto/auth/passwd\n";
        let text = |first: &str| {
            good(p).with("mosquitto.conf", format!("{}{first}{rest}{acl}", CONF.replace(acl, "")))
        };
        (text(""), text(acl))
    }),
    ("acl-empty", |p| {
        let acl = |text: &str| good(p).with("auth/acl", text);
        (acl("# later\n"), acl("# later\nuser seven\ntopic read $SYS/#\n"))
    }),
    ("crl-missing", |p| {
        let bad = conf(|c| format!("{c}require_certificate true\n"));
        (good(p).with("mosquitto.conf", bad), revoking(p, 90, ""))
    }),
    ("crl-expired", |p| (revoking(p, -1, ""), revoking(p, 90, ""))),
    ("crl-ignored", |p| (revoking(p, 90, "protocol websockets\n"), revoking(p, 90, "protocol mqtt\n"))),
    ("identity-without-certificate", |p| {
        let last = "tls_version tlsv1.2\n";
        let bad = format!("{last}use_identity_as_username true\n");
        confs(p, last, &bad, &format!("{bad}require_certificate true\n"))
    }),
    ("conf-refused", |p| {
        confs(p, "tls_version tlsv1.2", "tls_version tlsv1.2 # new", "tls_version tlsv1.2  ")
    }),
    ("key-encrypted", |p| {
        let body = "\nAAAAAAAAAAAAAAAAAAAAAA==\n-----END RSA PRIVATE KEY-----\n";
        let locked = format!(
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n{body}"
        );
        let key = |text: String| good(p).with_meta(KEY, text, 0o600, 1883, 1883);
        (key(locked), key(p.key.pkcs8_pem()))
    }),
    ("key-unreadable", |p| {
        let file = compose("./certs/server:/mosquitto/certs", "./certs/server:/mosquitto/certs:ro");
        let mode =
            |mode| good(p).with("compose.yaml", file.clone()).with_meta(KEY, p.key.pkcs8_pem(), mode, 0, 0);
        (mode(0o600), mode(0o644))
    }),
    // Not committed is not missing: the folder is mounted, and the file may be there where it runs.
    ("file-missing", |p| {
        confs(p, "/mosquitto/certs/server.crt", "/etc/certs/server.crt", "/mosquitto/certs/other.crt")
    }),
    ("ca-key-exposed", |p| {
        let at = |path: &str| good(p).with(path, p.ca.key.pkcs8_pem());
        (at("certs/server/ca.key"), at("certs/ca.key"))
    }),
    ("key-committed", |p| {
        let kept_out = |text: &str| good(p).with(".gitignore", text);
        (kept_out("*.log\n"), kept_out("*.log\n*.key\n"))
    }),
    ("single-file-mount", |p| {
        composed(
            p,
            "./certs/client:/certs:ro",
            "./certs/client/ca.crt:/certs/ca.crt:ro",
            "./certs/client/:/certs/:ro",
        )
    }),
    ("ca-not-trusted", |p| {
        let other = Recipe::ca("CN=test CA", &Key::p256(), CLOCK).self_sign().pem();
        let trusted = |text: String| good(p).with("certs/client/ca.crt", text);
        (trusted(other.clone()), trusted(format!("{other}{}", p.ca.pem())))
    }),
    ("name-not-covered", |p| {
        let named = |name: &str| with(p, Recipe::server(&[name], &p.key, CLOCK).with_key_ids());
        (named("mqtt.example.com"), named("MQTT"))
    }),
    ("no-listener", |p| {
        let file = compose("MQTT_PORT: \"8883\"", "MQTT_PORT: \"1884\"");
        let bad = good(p).with("compose.yaml", file.clone());
        let moved = conf(|c| c.replace("listener 8883", "listener 1884"));
        (
            bad,
            good(p)
                .with("compose.yaml", file.replace("8883:8883", "8883:1884"))
                .with("mosquitto.conf", moved),
        )
    }),
    ("tls-mismatch", |p| {
        let file = compose("      MQTT_CA_CERT: /certs/ca.crt\n", "")
            .replace("      MQTT_TLS_INSECURE: \"false\"\n", "");
        let bad = good(p)
            .with("ingest/ingest.py", CODE.replace("client.tls_set(", "print("))
            .with("compose.yaml", file.clone());
        let twin = good(p)
            .with("ingest/ingest.py", CODE.replace("client.tls_set(", "print("))
            .with("compose.yaml", file)
            .with("mosquitto.conf", CONF.replace(TLS_LINES, ""));
        (bad, twin)
    }),
    ("published-without-listener", |p| composed(p, "\"8883:8883\"", "\"8883:9001\"", "\"9001:8883\"")),
    ("insecure-unneeded", |p| {
        let line = |v: &str| format!("MQTT_TLS_INSECURE: \"{v}\"");
        composed(p, &line("false"), &line("true"), &line("no"))
    }),
    ("insecure-needed", |p| {
        let file = compose("MQTT_TLS_INSECURE: \"false\"", "MQTT_TLS_INSECURE: \"true\"");
        let named = |name: &str| {
            with(p, Recipe::server(&[name], &p.key, CLOCK).with_key_ids()).with("compose.yaml", file.clone())
        };
        (named("elsewhere"), named("mqtt"))
    }),
    ("insecure-without-effect", |p| {
        let line = |v: &str| format!("MQTT_TLS_INSECURE: \"{v}\"");
        composed(p, &line("false"), &line("1"), &line("TRUE"))
    }),
    ("insecure-everything", |p| (browser(p, "false"), browser(p, "true"))),
    ("healthcheck-fails", |p| {
        let check = |words: &str| format!("    healthcheck:\n      test: [\"CMD\", {words}]\n    ports:\n");
        let whole = "\"mosquitto_pub\", \"-h\", \"localhost\", \"-p\", \"8883\", \"--cafile\", \"/mosquitto/certs/ca.crt\", \
                     \"-u\", \"seven\", \"-P\", \"geheim\", \"-t\", \"x\", \"-m\", \"1\"";
        let plain = whole.replace("\"8883\"", "\"1883\"");
        composed(p, "    ports:\n", &check(&plain), &check(whole))
    }),
    ("paho-api", |p| {
        let pinned = |v: &str| good(p).with("ingest/requirements.txt", format!("paho-mqtt=={v}\n"));
        (pinned("2.0.0"), pinned("1.6.1"))
    }),
    ("plaintext-fallback", |p| {
        let test = "os.path.exists(os.environ[\"MQTT_CA_CERT\"])";
        let code = |head: &str| good(p).with("ingest/ingest.py", CODE.replace("client.tls_set(", head));
        (
            code(&format!("if {test}:\n    client.tls_set(")),
            code(&format!("if not {test}:\n    raise SystemExit(1)\nclient.tls_set(")),
        )
    }),
    ("script-loses-san", |p| {
        let script = |tail: &str| {
            let line =
                "#!/bin/sh\nopenssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key \\\n  -out server.crt";
            good(p).with("make-certs.sh", format!("{line} {tail}\n"))
        };
        (script("-days 365"), script("-days 365 -extfile san.cnf"))
    }),
    ("unused-ignore", |p| {
        let rest = "listener 1883\nallow_anonymous false\npassword_file /mosquitto/auth/passwd\nacl_file /mosquitto/auth/acl\n";
        let ignore = |rule: &str| {
            let line = format!("# mqttcert: ignore {rule} because the lab has no other\n");
            good(p).with("mosquitto.conf", format!("{CONF}{line}{rest}"))
        };
        (ignore("acl-scope"), ignore("plaintext-listener"))
    }),
];

/// Files that only flags name, without a project.
fn malformed(pki: &Pki) -> (MemoryTree, MemoryTree) {
    let tree = |crt: String| MemoryTree::new().with("server.crt", crt).with("ca.crt", pki.ca.pem());
    let leaf = pki.server().sign(&pki.ca).pem();
    (tree("no certificate\n".into()), tree(format!("subject=CN=mqtt\n{leaf}")))
}

fn raises(rule: &str, tree: &MemoryTree, given: &Given) -> (bool, String) {
    let report = report_of(tree, given);
    (report.findings.iter().any(|f| f.rule == rule), listing(&report))
}

#[test]
fn every_rule_is_raised_by_a_change_and_not_by_its_twin() {
    let pki = Pki::new();
    let flags = Given {
        cert: Some("server.crt".into()),
        ca: Some("ca.crt".into()),
        names: vec![GivenName { name: PeerName::parse("mqtt").unwrap(), port: None }],
        ..Given::default()
    };
    let mut wrong = String::new();
    for rule in rules::ALL {
        let pair = PAIRS.iter().find(|(id, _)| *id == rule.id).map(|(_, pair)| pair(&pki));
        let (pair, given) = match pair {
            Some(pair) => (pair, Given::default()),
            None if rule.id == "malformed-certificate" => (malformed(&pki), flags.clone()),
            None => {
                wrong += &format!("{}: has no pair\n", rule.id);
                continue;
            }
        };
        for (tree, must) in [(&pair.0, true), (&pair.1, false)] {
            let (raised, said) = raises(rule.id, tree, &given);
            if raised != must {
                let what = if must { "is not raised" } else { "is raised by its twin" };
                wrong += &format!("{}: {what}; instead:\n{said}\n", rule.id);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
