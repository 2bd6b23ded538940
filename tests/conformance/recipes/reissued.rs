//! What `reissue` makes from CAs in good order: for every usual kind of CA and server key.

use mqttcert::cert::Certificate;
use mqttcert::cert::key::PrivateKey;
use mqttcert::name::PeerName;
use mqttcert::reissue::candidate;
use mqttcert::reissue::names::Wanted;
use mqttcert::reissue::plan::{Given, plan};
use mqttcert_fixtures::{Key, Made, Recipe};

use super::{Case, FROM, TO, root};

/// What is dialled, in every case.
pub const NAMES: &[&str] = &["iot-mqtt", "mqtt.example.com", "iot_mqtt", "localhost", "127.0.0.1", "::1"];

pub fn cases(generation: u32, cases: &mut Vec<Case>) {
    let rsa = |label: &str, bits| Key::rsa(bits, &format!("reissued-{label}-{generation}"));
    let cas = [
        ("rsa", rsa("ca", 2048)),
        ("rsa-3072", rsa("ca", 3072)),
        ("p256", Key::p256()),
        ("p384", Key::p384()),
    ];
    let servers = [("rsa", rsa("server", 2048)), ("p256", Key::p256())];
    for (ca_kind, ca_key) in &cas {
        let ca = root(ca_key).self_sign();
        for (kind, key) in &servers {
            let old = Recipe::leaf("iot-mqtt", key, FROM).v1().sign(&ca);
            let der = reissued(&old, ca_key, &ca.der, key);
            let made = Made { der, ..old };
            let mut case = Case::new(format!("reissued-{ca_kind}-{kind}"), &ca, &made).dialled(NAMES);
            case.quick = ca_kind == kind;
            cases.push(case);
        }
    }
}

/// The certificate of the transaction's own plan and hand.
fn reissued(old: &Made, ca_key: &Key, ca: &[u8], key: &Key) -> Vec<u8> {
    let read = |key: &Key| PrivateKey::read(key.pkcs8_pem().as_bytes(), None).unwrap();
    let old = Certificate::from_der(&old.der).unwrap();
    let ca = Certificate::from_der(ca).unwrap();
    let dialled: Vec<PeerName> = NAMES.iter().map(|n| PeerName::parse(n).unwrap()).collect();
    let server_key = read(key);
    let plan = plan(&Given {
        old: &old,
        ca: &ca,
        spki: server_key.spki_der(),
        key_matches: true,
        wanted: Wanted { dialled: &dialled, drop: &[], loopback: true },
        // As long as the other cases hold: real clients read the machine's clock.
        days: u32::try_from((TO - FROM).whole_days()).unwrap(),
        renew_before: None,
        force: false,
        now: FROM,
    });
    let made = candidate::make(&plan, &old, &[], &ca, &read(ca_key), &server_key, None).unwrap();
    made.certificate.der().to_vec()
}
