//! What the verdict says of the certificates that clients show, against the real Mosquitto and `mosquitto_pub`.

use std::fs;
use std::process::Command;

use mqttcert_fixtures::ext::{eku, ku};
use mqttcert_fixtures::{Ca, Ext, Key, Recipe};
use serde_json::Value;
use time::{Duration, OffsetDateTime};

use crate::peers;

/// The certificate that each client shows, and what is decided of it.
const CLIENTS: [(&str, &str, &str); 9] = [
    ("good", "verified", "accept"),
    ("plain", "verified", "accept"),
    ("ended", "broken", "refuse"),
    ("to-come", "broken", "refuse"),
    ("of-another-ca", "broken", "refuse"),
    ("of-a-namesake", "broken", "refuse"),
    ("of-a-server", "broken", "refuse"),
    ("of-any-use", "broken", "refuse"),
    ("only-encrypts", "broken", "refuse"),
];

#[test]
fn a_certificate_that_the_broker_refuses_is_never_verified() {
    let test = "a_certificate_that_the_broker_refuses_is_never_verified";
    if !peers::there(test, &["mosquitto", "mosquitto_pub"]) {
        return;
    }
    let dir = peers::folder(test);
    let now = OffsetDateTime::now_utc();
    let port = peers::free_port();
    let conf = certificates(&dir, now, port);
    fs::write(dir.join("mosquitto.conf"), conf.replace("{dir}", "/certs")).unwrap();
    fs::write(dir.join("here.conf"), conf.replace("{dir}", &dir.to_string_lossy())).unwrap();
    let mut compose = format!(
        "services:\n  localhost:\n    image: eclipse-mosquitto:2.0\n    volumes: ['.:/certs', './mosquitto.conf:/mosquitto/config/mosquitto.conf']\n    ports: ['{port}:{port}']\n"
    );
    let pub_of = |client: &str, certs: &str| {
        format!(
            "mosquitto_pub -h localhost -p {port} --cafile {certs}/ca.crt --cert {certs}/{client}.crt \
             --key {certs}/client.key -t a -m b"
        )
    };
    for client in CLIENTS.iter().map(|(name, ..)| *name).chain(["absent"]) {
        compose += &format!(
            "  {client}:\n    image: eclipse-mosquitto:2.0\n    network_mode: service:localhost\n    volumes: ['.:/certs']\n    command: {}\n",
            pub_of(client, "/certs")
        );
    }
    fs::write(dir.join("compose.yaml"), compose).unwrap();

    let out = Command::new(env!("CARGO_BIN_EXE_mqttcert"))
        .args(["verdict", "--format", "json"])
        .current_dir(&dir)
        .env_remove("COMPOSE_FILE")
        .output()
        .unwrap();
    let verdict: Value = serde_json::from_slice(&out.stdout).unwrap();
    let said = |client: &str| {
        let all = verdict["clients"].as_array().unwrap();
        let one = all.iter().find(|c| c["service"] == client).unwrap_or_else(|| panic!("{client}: {all:#?}"));
        (one["decision"].as_str().unwrap().to_owned(), one["verify"].as_str().unwrap().to_owned())
    };
    assert_eq!(said("absent"), ("undecided".to_owned(), "unknown".to_owned()));

    let _broker = peers::Running::start(
        Command::new("mosquitto").arg("-c").arg(dir.join("here.conf")).current_dir("/"),
    );
    assert!(peers::soon(|| peers::open(port)));
    for (client, decision, verify) in CLIENTS {
        assert_eq!(said(client), (decision.to_owned(), verify.to_owned()), "{client}: {verdict:#}");
        let (status, log) =
            peers::run(Command::new("sh").arg("-c").arg(pub_of(client, &dir.to_string_lossy())));
        assert_eq!(status == 0, verify == "accept", "{client}: mosquitto_pub ended with {status}: {log}");
    }
}

/// Writes the files, and gives the configuration with `{dir}` for their folder.
fn certificates(dir: &std::path::Path, now: OffsetDateTime, port: u16) -> String {
    let (ca_key, key) = (Key::rsa(2048, "ca"), Key::rsa(2048, "client"));
    let ca = Recipe::ca("CN=plant", &ca_key, now).self_sign();
    let other = Recipe::ca("CN=other", &Key::rsa(2048, "other"), now).self_sign();
    let namesake = Recipe::ca("CN=plant", &Key::rsa(2048, "other"), now).self_sign();
    let file = |name: &str, text: &str| fs::write(dir.join(name), text).unwrap();
    let server_key = Key::rsa(2048, "server");
    file("ca.crt", &ca.pem());
    file("server.crt", &Recipe::server(&["localhost"], &server_key, now).sign(&ca).pem());
    file("server.key", &server_key.pkcs8_pem());
    file("client.key", &key.pkcs8_pem());
    let leaf = || Recipe::leaf("device", &key, now);
    let client = || leaf().with(Ext::basic_constraints(false, None)).with(Ext::eku(&[eku::CLIENT]));
    let day = Duration::days(1);
    let shown: [(&str, Recipe, &Ca); 9] = [
        ("good", client().with(Ext::key_usage(&[ku::DIGITAL_SIGNATURE])), &ca),
        ("plain", leaf(), &ca),
        ("ended", client().valid(now - day * 9, now - day), &ca),
        ("to-come", client().valid(now + day, now + day * 9), &ca),
        ("of-another-ca", client(), &other),
        ("of-a-namesake", client(), &namesake),
        ("of-a-server", leaf().with(Ext::eku(&[eku::SERVER])), &ca),
        ("of-any-use", leaf().with(Ext::eku(&[eku::ANY])), &ca),
        ("only-encrypts", client().with(Ext::key_usage(&[ku::KEY_ENCIPHERMENT])), &ca),
    ];
    for (name, recipe, issuer) in shown {
        file(&format!("{name}.crt"), &recipe.sign(issuer).pem());
    }
    format!(
        "user root\nlistener {port}\nallow_anonymous true\nrequire_certificate true\ncafile {{dir}}/ca.crt\n\
         certfile {{dir}}/server.crt\nkeyfile {{dir}}/server.key\n"
    )
}
