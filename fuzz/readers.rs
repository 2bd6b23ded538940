//! What each fuzz target does with its bytes. The targets and the replay of the corpus in `make test` share this.

use std::path::Path;

use mqttcert::cert::crl::Crl;
use mqttcert::cert::key::PrivateKey;
use mqttcert::cert::{self, Certificate, pem};
use mqttcert::deployment::{self, Given, Settings};
use mqttcert::mosquitto::acl::{Access, Acl};
use mqttcert::mosquitto::passwd::PasswordFile;
use mqttcert::mqtt::decode::Cut;
use mqttcert::mqtt::{self, Version};
use mqttcert::name::PeerName;
use mqttcert::secret::Secret;
use mqttcert::stack_id::StackId;
use mqttcert::stacks::{Evaluation, Presented};
use mqttcert::tree::MemoryTree;
use mqttcert::{mosquitto, rules, verdict};
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
    let Ok(found) = deployment::discover(&tree, Path::new("."), &Given::default()) else { return };
    let now = datetime!(2026-11-24 0:00 UTC);
    let _ = verdict::judge(&found, &tree, now, &verdict::Options::default());
    let _ = rules::run(&found, &tree, now, &rules::Options::default());
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
