//! CAs: which constraints, usages and identifiers a client demands of the one that it trusts.

use mqttcert_fixtures::dn::{Attr, Dn, Text};
use mqttcert_fixtures::ext::{self, Ext, eku, ku};
use mqttcert_fixtures::hash::Hash;
use mqttcert_fixtures::{Ca, Key, Recipe, SigAlg, der};

use super::{Case, Kit, leaf, root};

const BASIC: &str = "2.5.29.19";
const USAGE: &str = "2.5.29.15";
const SKI: &str = "2.5.29.14";

pub fn cases(kit: &Kit, out: &mut Vec<Case>) {
    constraints(kit, out);
    identifiers(kit, out);
    extensions(kit, out);
    name_constraints(kit, out);
    dates(kit, out);
    keys(kit, out);
    subjects(kit, out);
}

fn signs(id: String, kit: &Kit, ca: &Recipe) -> Case {
    let ca = ca.self_sign();
    Case::new(id, &ca, &kit.good().sign(&ca))
}

/// basicConstraints and keyUsage in every combination.
fn constraints(kit: &Kit, out: &mut Vec<Case>) {
    let basic: &[(&str, Option<Ext>)] = &[
        ("ca", Some(Ext::basic_constraints(true, None))),
        ("ca-plain", Some(Ext::basic_constraints(true, None).critical(false))),
        ("false", Some(Ext::basic_constraints(false, None))),
        ("none", None),
    ];
    let usage: &[(&str, Option<Ext>)] = &[
        ("sign", Some(Ext::key_usage(&[ku::KEY_CERT_SIGN, ku::CRL_SIGN]))),
        ("sign-plain", Some(Ext::key_usage(&[ku::KEY_CERT_SIGN]).critical(false))),
        ("digital", Some(Ext::key_usage(&[ku::DIGITAL_SIGNATURE]))),
        ("crl-only", Some(Ext::key_usage(&[ku::CRL_SIGN]))),
        ("all", Some(Ext::key_usage(&[0, 1, 2, 3, 4, 5, 6]))),
        ("none", None),
    ];
    for (basic_id, basic) in basic {
        for (usage_id, usage) in usage {
            let mut ca = kit.root().without(BASIC).without(USAGE);
            ca.extensions.extend(basic.clone());
            ca.extensions.extend(usage.clone());
            let case = signs(format!("ca-bc-{basic_id}-ku-{usage_id}"), kit, &ca);
            let quick = matches!(
                (*basic_id, *usage_id),
                ("ca", "none" | "sign" | "digital") | ("none" | "false", "none")
            );
            out.push(if quick { case.quick() } else { case });
        }
    }
    for len in [0, 1] {
        let ca = kit.root().with(Ext::basic_constraints(true, Some(len)));
        out.push(signs(format!("ca-pathlen-{len}"), kit, &ca));
    }
    for (id, version) in [("v1", 1), ("v2", 2), ("v3", 3), ("v4", 4)] {
        let mut ca = kit.root();
        ca.extensions.clear();
        ca.version = version;
        let case = signs(format!("ca-version-{id}-bare"), kit, &ca);
        out.push(if id == "v1" { case.quick() } else { case });
        let mut ca = kit.root();
        ca.version = version;
        out.push(signs(format!("ca-version-{id}-extensions"), kit, &ca));
    }
}

/// Key identifiers present, absent and wrong.
fn identifiers(kit: &Kit, out: &mut Vec<Case>) {
    let good = kit.root();
    let bare = kit.root().without(SKI);
    let serial = good.serial.clone();
    let wrong = [7; 20];
    let akis: &[(&str, Option<Ext>)] = &[
        ("none", None),
        ("right", Some(Ext::aki(&kit.ca_key.id()))),
        ("wrong", Some(Ext::aki(&wrong))),
        ("issuer-right", Some(Ext::aki_issuer(None, &good.subject, &serial))),
        ("issuer-wrong-serial", Some(Ext::aki_issuer(None, &good.subject, &der::small(99)))),
        ("issuer-wrong-name", Some(Ext::aki_issuer(None, &Dn::of("CN=x").der(), &serial))),
        ("both-right", Some(Ext::aki_issuer(Some(&kit.ca_key.id()), &good.subject, &serial))),
        ("empty", Some(Ext::raw("2.5.29.35", false, &der::seq(&[])))),
    ];
    for (ca_id, ca) in [("ski", &good), ("no-ski", &bare)] {
        let mut ca = ca.clone();
        ca.serial = serial.clone();
        let ca = ca.self_sign();
        for (id, aki) in akis {
            let mut leaf = kit.good();
            leaf.key_ids = false;
            leaf.extensions.extend(aki.clone());
            out.push(Case::new(format!("ids-{ca_id}-aki-{id}"), &ca, &leaf.sign(&ca)));
        }
    }
    for (id, serial) in
        [("zero", der::small(0)), ("negative", der::tlv(2, &[0x85])), ("long", der::uint(&[0x41; 21]))]
    {
        let mut ca = kit.root();
        ca.serial = serial.clone();
        out.push(signs(format!("serial-ca-{id}"), kit, &ca));
        let mut leaf = kit.good();
        leaf.serial = serial;
        out.push(Case::new(format!("serial-leaf-{id}"), &kit.ca, &leaf.sign(&kit.ca)));
    }
    let ca = kit.root().serial(&[5]).self_sign();
    out.push(Case::new("serial-same", &ca, &kit.good().serial(&[5]).sign(&ca)));
}

fn extensions(kit: &Kit, out: &mut Vec<Case>) {
    for (id, purposes) in [
        ("server", &[eku::SERVER][..]),
        ("client", &[eku::CLIENT]),
        ("any", &[eku::ANY]),
        ("both", &[eku::SERVER, eku::CLIENT]),
        ("code", &[eku::CODE_SIGNING]),
    ] {
        out.push(signs(format!("ca-eku-{id}"), kit, &kit.root().with(Ext::eku(purposes))));
        let critical = kit.root().with(Ext::eku(purposes).critical(true));
        out.push(signs(format!("ca-eku-{id}-critical"), kit, &critical));
    }
    for critical in [true, false] {
        let unknown = Ext::raw("1.3.6.1.4.1.99999.1", critical, &der::null());
        out.push(signs(format!("ca-unknown-{critical}"), kit, &kit.root().with(unknown)));
        let policies = Ext::raw("2.5.29.32", critical, &der::seq(&[&der::seq(&[&der::oid("2.5.29.32.0")])]));
        out.push(signs(format!("ca-policies-{critical}"), kit, &kit.root().with(policies)));
        let explicit = Ext::raw("2.5.29.36", critical, &der::seq(&[&der::context_primitive(0, &[0])]));
        out.push(signs(format!("ca-require-policy-{critical}"), kit, &kit.root().with(explicit)));
    }
    let twice = kit.root().also(Ext::basic_constraints(true, None));
    out.push(signs("ca-bc-twice".to_owned(), kit, &twice));
}

fn name_constraints(kit: &Kit, out: &mut Vec<Case>) {
    let directory = |dn: &str| ext::directory(&Dn::of(dn).der());
    let v4 = |a: [u8; 4], m: [u8; 4]| ext::ip(&[a, m].concat());
    let loopback = v4([127, 0, 0, 0], [255, 0, 0, 0]);
    let private = v4([10, 0, 0, 0], [255, 0, 0, 0]);
    let v6 = ext::ip(&[[0u8; 16], [0xff; 16]].concat());
    let kinds: &[(&str, Vec<Vec<u8>>, Vec<Vec<u8>>)] = &[
        ("permit-same", vec![ext::dns("iot-mqtt")], vec![]),
        ("permit-other", vec![ext::dns("example.org")], vec![]),
        ("permit-domain", vec![ext::dns("example.com")], vec![]),
        ("permit-dot-domain", vec![ext::dns(".example.com")], vec![]),
        ("permit-empty", vec![ext::dns("")], vec![]),
        ("exclude-same", vec![], vec![ext::dns("iot-mqtt")]),
        ("exclude-domain", vec![], vec![ext::dns("example.com")]),
        ("exclude-other", vec![], vec![ext::dns("example.org")]),
        ("permit-ip", vec![loopback.clone()], vec![]),
        ("permit-ip-other", vec![private.clone()], vec![]),
        ("exclude-ip", vec![], vec![loopback]),
        ("exclude-ip-other", vec![], vec![private]),
        ("exclude-ip6", vec![], vec![v6]),
        ("permit-directory", vec![directory("O=Conformance")], vec![]),
        ("permit-directory-other", vec![directory("O=Other")], vec![]),
        ("exclude-directory", vec![], vec![directory("CN=server, O=Conformance")]),
        ("permit-email", vec![ext::email("example.com")], vec![]),
        ("permit-uri", vec![ext::uri("example.com")], vec![]),
    ];
    for (id, permitted, excluded) in kinds {
        for critical in [true, false] {
            let ca =
                kit.root().with(Ext::name_constraints(permitted, excluded).critical(critical)).self_sign();
            let leaf = kit.leaf(&["iot-mqtt", "broker.example.com", "127.0.0.1"]).sign(&ca);
            let case = Case::new(format!("nc-{id}{}", if critical { "" } else { "-plain" }), &ca, &leaf);
            let case = case.dialled(&["iot-mqtt", "127.0.0.1"]);
            out.push(if critical && matches!(*id, "permit-same" | "exclude-same") {
                case.quick()
            } else {
                case
            });
        }
    }
    // The common name alone, under a constraint on DNS names.
    for (id, subject) in [("inside", "CN=iot-mqtt"), ("outside", "CN=other-host.example")] {
        let ca = kit.root().with(Ext::name_constraints(&[ext::dns("iot-mqtt")], &[])).self_sign();
        let leaf = kit.leaf(&[]).named(&Dn::of(subject)).without("2.5.29.17").sign(&ca);
        out.push(Case::new(format!("nc-cn-{id}"), &ca, &leaf));
    }
}

fn dates(kit: &Kit, out: &mut Vec<Case>) {
    use time::macros::datetime;
    let (past, future) = (datetime!(2022-01-01 00:00 UTC), datetime!(2090-01-01 00:00 UTC));
    let begin = datetime!(2020-01-01 00:00 UTC);
    let case = signs("ca-expired".to_owned(), kit, &kit.root().valid(begin, past));
    out.push(case.quick());
    let end = datetime!(2095-01-01 00:00 UTC);
    out.push(signs("ca-not-yet".to_owned(), kit, &kit.root().valid(future, end)));
    out.push(signs(
        "ca-until-9999".to_owned(),
        kit,
        &kit.root().valid(begin, datetime!(9999-12-31 23:59:59 UTC)),
    ));
    let short = kit.root().valid(begin, datetime!(2043-01-01 00:00 UTC));
    out.push(signs("ca-ends-before-leaf".to_owned(), kit, &short));
    let old = kit.root().v1().valid(begin, datetime!(2043-01-01 00:00 UTC));
    out.push(signs("ca-v1-ends-before-leaf".to_owned(), kit, &old));
    let late = kit.root().valid(datetime!(2022-06-01 00:00 UTC), end);
    out.push(signs("ca-begins-after-leaf".to_owned(), kit, &late));
}

fn keys(kit: &Kit, out: &mut Vec<Case>) {
    let kinds: Vec<(&str, Key)> = vec![
        ("rsa1024", Key::rsa(1024, "conformance-weak")),
        ("rsa1536", Key::rsa(1536, "conformance-weak")),
        ("rsa3072", Key::rsa(3072, "conformance")),
        ("rsa4096", Key::rsa(4096, "ca")),
        ("p256", Key::p256()),
        ("p384", Key::p384()),
        ("ed25519", Key::ed25519()),
    ];
    for (id, key) in &kinds {
        let ca = root(key).self_sign();
        let case = Case::new(format!("key-ca-{id}"), &ca, &kit.good().sign(&ca));
        out.push(if matches!(*id, "p256" | "rsa4096") { case.quick() } else { case });
    }
    for (id, key) in &kinds {
        if !id.starts_with("rsa1") {
            let leaf = leaf(&["iot-mqtt"], key).sign(&kit.ca);
            let case = Case::new(format!("key-leaf-{id}"), &kit.ca, &leaf);
            out.push(if *id == "p256" { case.quick() } else { case });
            let ca = root(key).self_sign();
            let own = super::leaf(&["iot-mqtt"], key).sign(&ca);
            out.push(Case::new(format!("key-both-{id}"), &ca, &own));
        }
    }
    for (id, hash) in [
        ("md5", Hash::Md5),
        ("sha1", Hash::Sha1),
        ("sha224", Hash::Sha224),
        ("sha384", Hash::Sha384),
        ("sha512", Hash::Sha512),
    ] {
        let leaf = kit.good().signed_with(SigAlg::Rsa(hash)).sign(&kit.ca);
        let case = Case::new(format!("sig-leaf-{id}"), &kit.ca, &leaf);
        out.push(if id == "sha1" { case.quick() } else { case });
        let ca = kit.root().signed_with(SigAlg::Rsa(hash)).self_sign();
        out.push(Case::new(format!("sig-ca-{id}"), &ca, &kit.good().sign(&ca)));
    }
    let mut differ = kit.good();
    differ.inner_algorithm = Some(SigAlg::Rsa(Hash::Sha512).identifier());
    out.push(Case::new("sig-inner-differs", &kit.ca, &differ.sign(&kit.ca)));
    let mut spoilt = kit.good();
    spoilt.broken_signature = true;
    out.push(Case::new("sig-spoilt", &kit.ca, &spoilt.sign(&kit.ca)).quick());
    let mut ca = kit.root();
    ca.broken_signature = true;
    out.push(signs("sig-ca-spoilt".to_owned(), kit, &ca));
}

/// Subjects, and issuers that differ from them in ways that some libraries see and some do not.
fn subjects(kit: &Kit, out: &mut Vec<Case>) {
    let attr = Attr::new;
    let shapes: Vec<(&str, Dn, Dn)> = vec![
        ("case", Dn::of("CN=Conformance CA"), Dn::of("CN=conformance ca")),
        ("space", Dn::of("CN=Conformance CA"), Dn::of("CN=Conformance  CA")),
        ("order", Dn::of("CN=A, O=B"), Dn::of("O=B, CN=A")),
        (
            "type",
            Dn::from_attrs(vec![attr("CN", Text::Printable, "Conformance CA")]),
            Dn::from_attrs(vec![attr("CN", Text::Utf8, "Conformance CA")]),
        ),
        (
            "bmp-type",
            Dn::from_attrs(vec![attr("CN", Text::Bmp, "Conformance CA")]),
            Dn::from_attrs(vec![attr("CN", Text::Utf8, "Conformance CA")]),
        ),
    ];
    for (id, subject, issuer) in shapes {
        let ca = kit.root().named(&subject).self_sign();
        let mut leaf = kit.good();
        leaf.issuer = Some(issuer.der());
        out.push(Case::new(format!("dn-issuer-{id}"), &ca, &leaf.sign(&ca)));
    }
    let umlaut = "Bürger GmbH";
    let plain: Vec<(&str, Dn)> = vec![
        ("multivalued", Dn::of("C=US, O=Acme+OU=IoT, CN=CA")),
        ("umlaut", Dn::from_attrs(vec![attr("O", Text::Utf8, umlaut)])),
        ("bmp", Dn::from_attrs(vec![attr("O", Text::Bmp, umlaut)])),
        ("t61", Dn::from_attrs(vec![attr("O", Text::T61, umlaut)])),
        ("universal", Dn::from_attrs(vec![attr("O", Text::Universal, umlaut)])),
        ("empty-value", Dn::from_attrs(vec![attr("O", Text::Utf8, ""), attr("CN", Text::Utf8, "CA")])),
        ("bad-utf8", Dn::from_attrs(vec![Attr::raw("O", &der::tlv(0x0c, &[0xff, 0xfe]))])),
        ("email", Dn::of("CN=CA, emailAddress=ca@example.com")),
        ("empty", Dn::default()),
    ];
    for (id, subject) in plain {
        let case = signs(format!("dn-ca-{id}"), kit, &kit.root().named(&subject));
        out.push(case);
        let leaf = kit.good().named(&subject).sign(&kit.ca);
        out.push(Case::new(format!("dn-leaf-{id}"), &kit.ca, &leaf));
    }
    // CA and server with one subject.
    for ids in [true, false] {
        let mut ca = kit.root();
        let mut leaf = kit.good().named(&Dn::of("CN=Conformance CA, O=Conformance"));
        if !ids {
            ca = ca.without(SKI);
            leaf.key_ids = false;
        }
        let ca: Ca = ca.self_sign();
        out.push(Case::new(format!("dn-same-ids-{ids}"), &ca, &leaf.sign(&ca)));
    }
}
