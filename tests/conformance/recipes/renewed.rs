//! What `ca renew` makes: the old and a new leaf under the old and the renewed CA, for CAs as they are found.

use mqttcert::ca::{FileSigner, root as founded};
use mqttcert::cert::Certificate;
use mqttcert::secret::Secret;
use mqttcert_fixtures::ext::Ext;
use mqttcert_fixtures::{Ca, Dn, Key, Made, Recipe, der};

use super::{CA_FROM, CA_TO, Case, FROM, leaf};

pub fn cases(generation: u32, cases: &mut Vec<Case>) {
    let rsa = |label: &str| Key::rsa(2048, &format!("renewed-{label}-{generation}"));
    let server = rsa("server");
    // As `openssl req -x509` makes it: no keyUsage; and one from before there was a subject key identifier.
    let named =
        |key: &Key| Recipe::leaf("ca", key, CA_FROM).named(&Dn::of("CN=Renewed CA")).valid(CA_FROM, CA_TO);
    let bare = |key: &Key| named(key).with(Ext::basic_constraints(true, None).critical(true));
    for (kind, ca, by_serial) in [
        ("rsa", bare(&rsa("ca")).with_key_ids(), false),
        ("p256", bare(&Key::p256()).with_key_ids(), false),
        ("plain", bare(&rsa("plain")), false),
        ("by-serial", bare(&rsa("by-serial")).with_key_ids(), true),
    ] {
        let old = ca.self_sign();
        let old_leaf = leaf_of(&old, &server, by_serial);
        let new = renewed(&old, &old_leaf);
        let new_leaf = leaf_of(&new, &server, by_serial);
        for (leaf_name, made) in [("old", &old_leaf), ("new", &new_leaf)] {
            for (ca_name, ca) in [("old", &old), ("new", &new)] {
                let mut case = Case::new(format!("renewed-{kind}-{leaf_name}-leaf-{ca_name}-ca"), ca, made);
                case.quick = kind == "rsa";
                cases.push(case);
            }
        }
    }
}

fn leaf_of(ca: &Ca, key: &Key, by_serial: bool) -> Made {
    let recipe = leaf(&["iot-mqtt"], key);
    if !by_serial {
        return recipe.sign(ca);
    }
    let read = Certificate::from_der(&ca.der).unwrap();
    let names_issuer = Ext::aki_issuer(ca.ski.as_deref(), read.issuer().der(), &der::uint(read.serial()));
    let mut recipe = recipe;
    recipe.key_ids = false;
    recipe.with(Ext::ski(&key.id())).with(names_issuer).sign(ca)
}

/// The CA after the command's own hand was on it.
fn renewed(old: &Ca, leaf: &Made) -> Ca {
    let read = |der: &[u8]| Certificate::from_der(der).unwrap();
    let signer = FileSigner::from_pkcs8(&Secret::new(old.key.pkcs8())).unwrap();
    // A year after it was made; real clients read the machine's clock.
    let made = founded::renew(&read(&old.der), &[read(&leaf.der)], 3650, FROM, &[7; 16], &signer).unwrap();
    let ski = read(&made.der).subject_key_id().map(<[u8]>::to_vec);
    Ca { der: made.der, key: old.key.clone(), subject: old.subject.clone(), ski }
}
