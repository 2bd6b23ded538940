//! Two themes at once, in one certificate: names of several forms with several names dialled, common names beside
//! them, wildcards in common names, uses of keys by their kind, files with several certificates and marks.

use mqttcert_fixtures::dn::{Attr, Dn, Text};
use mqttcert_fixtures::ext::{self, Ext, eku, ku};
use mqttcert_fixtures::hash::Hash;
use mqttcert_fixtures::{Key, Recipe, SigAlg};

use super::{Case, Kit, root};

const SAN: &str = "2.5.29.17";

pub fn cases(kit: &Kit, out: &mut Vec<Case>) {
    names(kit, out);
    common_names(kit, out);
    keys(kit, out);
    old_forms(kit, out);
    files(kit, out);
}

fn names(kit: &Kit, out: &mut Vec<Case>) {
    let v6 = [0u8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let lists: &[(&str, Vec<Vec<u8>>)] = &[
        ("star-and-ip", vec![ext::dns("*.example.com"), ext::ip(&[127, 0, 0, 1])]),
        ("star-and-base", vec![ext::dns("*.example.com"), ext::dns("example.com")]),
        ("both-ips", vec![ext::ip(&[127, 0, 0, 1]), ext::ip(&v6)]),
        ("uri-and-ip", vec![ext::uri("mqtts://iot-mqtt"), ext::ip(&[127, 0, 0, 1])]),
        ("email-and-dns", vec![ext::email("iot-mqtt@example.com"), ext::dns("iot-mqtt")]),
        ("ip-in-uri-and-dns", vec![ext::uri("mqtts://127.0.0.1"), ext::dns("127.0.0.1")]),
        ("star-underscore", vec![ext::dns("*.iot_net.example.com")]),
        ("star-of-two", vec![ext::dns("*.net")]),
        ("star-local-and-name", vec![ext::dns("*.local"), ext::dns("iot-mqtt")]),
        ("upper-star", vec![ext::dns("*.Example.Com"), ext::dns("IOT-MQTT")]),
        ("dots", vec![ext::dns("iot-mqtt."), ext::dns("broker.example.com.")]),
        ("star-dot", vec![ext::dns("*."), ext::dns("*.."), ext::dns("**.example.com")]),
        ("star-label-star", vec![ext::dns("*broker*.example.com")]),
        ("star-xn", vec![ext::dns("*.xn--br-xka.example")]),
        ("directory-and-dns", vec![ext::directory(&Dn::of("CN=x").der()), ext::dns("iot-mqtt")]),
        ("short-ip-and-dns", vec![ext::ip(&[127, 0, 0, 1]), ext::dns("localhost")]),
    ];
    for (id, sans) in lists {
        let leaf = kit.leaf(&[]).with(Ext::san_raw(sans)).sign(&kit.ca);
        let case = Case::new(format!("mix-san-{id}"), &kit.ca, &leaf);
        out.push(case.dialled(&[
            "iot-mqtt",
            "broker.example.com",
            "BROKER.EXAMPLE.COM",
            "broker.example.com.",
            "example.com",
            "a.b.example.com",
            "example.net",
            "broker.local",
            "127.0.0.1",
            "::1",
            "localhost",
            "a.iot_net.example.com",
            "a.xn--br-xka.example",
        ]));
    }
}

/// Common names beside alternative names, and shapes that a common name can have.
fn common_names(kit: &Kit, out: &mut Vec<Case>) {
    let subjects: &[(&str, Dn)] = &[
        ("star", Dn::of("CN=*.example.com")),
        ("star-prefix", Dn::of("CN=br*.example.com")),
        ("upper", Dn::of("CN=Broker.Example.Com")),
        ("dot", Dn::of("CN=broker.example.com.")),
        ("two-first", Dn::of("CN=broker.example.com, O=Conformance, CN=other")),
        ("two-last", Dn::of("CN=other, O=Conformance, CN=broker.example.com")),
        ("in-set", Dn::of("O=Conformance+CN=broker.example.com")),
        ("in-set-two", Dn::of("CN=broker.example.com+CN=other")),
        ("address", Dn::of("CN=127.0.0.1, O=Conformance")),
        ("address6", Dn::of("CN=::1, O=Conformance")),
        ("printable-star", Dn::from_attrs(vec![Attr::new("CN", Text::Printable, "*.example.com")])),
        ("ia5", Dn::from_attrs(vec![Attr::new("CN", Text::Ia5, "broker.example.com")])),
        ("bmp", Dn::from_attrs(vec![Attr::new("CN", Text::Bmp, "broker.example.com")])),
        ("bmp-then-utf8", {
            let bmp = Attr::new("CN", Text::Bmp, "other");
            Dn::from_attrs(vec![bmp, Attr::new("CN", Text::Utf8, "broker.example.com")])
        }),
        ("space", Dn::of("CN=broker.example.com ")),
        ("long", Dn::from_attrs(vec![Attr::new("CN", Text::Utf8, &"a".repeat(70))])),
    ];
    let sans: &[(&str, Option<Vec<Vec<u8>>>)] = &[
        ("none", None),
        ("ip", Some(vec![ext::ip(&[192, 0, 2, 1])])),
        ("email", Some(vec![ext::email("a@example.com")])),
        ("two-kinds", Some(vec![ext::uri("mqtts://x"), ext::email("a@example.com")])),
        ("dns", Some(vec![ext::dns("unrelated.example")])),
    ];
    let long = "a".repeat(70);
    let dialled = ["broker.example.com", "broker.example.com.", "127.0.0.1", "::1"];
    for (san_id, san) in sans {
        for (id, subject) in subjects {
            let mut recipe = kit.leaf(&[]).named(subject).without(SAN);
            if let Some(names) = san {
                recipe = recipe.with(Ext::san_raw(names));
            }
            let case = Case::new(format!("mix-cn-{id}-san-{san_id}"), &kit.ca, &recipe.sign(&kit.ca));
            let case = case.dialled(&dialled);
            out.push(if *id == "long" { case.dialled(&[&long]).by_openssl() } else { case });
            // The same in a certificate without any extension.
            if san.is_none() {
                let old = kit.leaf(&[]).named(subject).v1();
                let case =
                    Case::new(format!("mix-v1-cn-{id}"), &kit.ca, &old.sign(&kit.ca)).dialled(&dialled);
                out.push(if *id == "long" { case.dialled(&[&long]).by_openssl() } else { case });
            }
        }
    }
}

/// Kinds of keys and digests above one another, and what the leaf's key may be used for.
fn keys(kit: &Kit, out: &mut Vec<Case>) {
    let kinds: Vec<(&str, Key)> = vec![
        ("rsa", kit.other_ca_key.clone()),
        ("p256", Key::p256()),
        ("p384", Key::p384()),
        ("ed25519", Key::ed25519()),
    ];
    for (ca_id, ca_key) in &kinds {
        let ca = root(ca_key).named(&Dn::of("CN=Root, O=Conformance")).self_sign();
        for (inter_id, inter_key) in &kinds {
            let inter = root(inter_key).named(&Dn::of("CN=Intermediate, O=Conformance")).sign_ca(&ca);
            let leaf = kit.leaf(&["iot-mqtt"]).sign(&inter);
            let case = Case::new(format!("mix-key-{ca_id}-{inter_id}-rsa"), &ca, &leaf);
            out.push(case.sends(&[&inter.der]));
        }
    }
    for (id, hash) in [("sha1", Hash::Sha1), ("md5", Hash::Md5), ("sha512", Hash::Sha512)] {
        let ca = &kit.ca;
        let inter = root(&kit.other_ca_key)
            .named(&Dn::of("CN=Intermediate"))
            .signed_with(SigAlg::Rsa(hash))
            .sign_ca(ca);
        let leaf = kit.leaf(&["iot-mqtt"]).sign(&inter);
        out.push(Case::new(format!("mix-sig-inter-{id}"), ca, &leaf).sends(&[&inter.der]));
    }
    let weak = Key::rsa(1024, "conformance-weak");
    let inter = root(&weak).named(&Dn::of("CN=Intermediate")).sign_ca(&kit.ca);
    let leaf = kit.leaf(&["iot-mqtt"]).sign(&inter);
    out.push(Case::new("mix-key-inter-rsa1024", &kit.ca, &leaf).sends(&[&inter.der]));
    for (key_id, key) in [("rsa", &kit.key), ("ec", &kinds[1].1), ("p384", &kinds[2].1)] {
        for (id, bits, list) in [
            ("sign-any", vec![ku::DIGITAL_SIGNATURE], vec![eku::ANY]),
            ("encipher-both", vec![ku::KEY_ENCIPHERMENT], vec![eku::SERVER, eku::CLIENT]),
            ("all-none", vec![0, 1, 2, 3, 4, 5, 6], vec![]),
            ("sign-decipher", vec![0, 8], vec![eku::SERVER]),
            ("data-agree", vec![3, 4], vec![eku::SERVER]),
            ("encipher-only", vec![4, 7], vec![eku::SERVER]),
            ("crl", vec![6], vec![eku::SERVER]),
        ] {
            let mut leaf = super::leaf(&["iot-mqtt"], key).with(Ext::key_usage(&bits));
            leaf = if list.is_empty() { leaf.without("2.5.29.37") } else { leaf.with(Ext::eku(&list)) };
            out.push(Case::new(format!("mix-use-{key_id}-{id}"), &kit.ca, &leaf.sign(&kit.ca)));
        }
    }
}

/// Old forms under each other: version 1 CAs and leaves, common names alone.
fn old_forms(kit: &Kit, out: &mut Vec<Case>) {
    let plain = Dn::of("CN=iot-mqtt, O=Conformance");
    let leaves: Vec<(&str, Recipe)> = vec![
        ("v1", kit.good().named(&plain).v1()),
        ("v3-bare", {
            let mut bare = kit.good().named(&plain).v1();
            bare.version = 3;
            bare
        }),
        ("san", kit.good()),
        ("san-no-ids", {
            let mut leaf = kit.good();
            leaf.key_ids = false;
            leaf
        }),
        ("cn-eku", kit.leaf(&[]).named(&plain).without(SAN)),
    ];
    let roots: Vec<(&str, Recipe)> = vec![
        ("v1", kit.root().v1()),
        ("no-ku", kit.root().without("2.5.29.15")),
        ("no-ku-no-ids", kit.root().without("2.5.29.15").without("2.5.29.14")),
        (
            "bc-plain-no-ku",
            kit.root().without("2.5.29.15").with(Ext::basic_constraints(true, None).critical(false)),
        ),
        ("aki-self", kit.root().without("2.5.29.15").with(Ext::aki(&kit.ca_key.id()))),
    ];
    for (root_id, ca) in &roots {
        let ca = ca.self_sign();
        for (id, leaf) in &leaves {
            let case = Case::new(format!("mix-old-{root_id}-{id}"), &ca, &leaf.sign(&ca));
            out.push(case.dialled(&["iot-mqtt", "127.0.0.1"]));
        }
    }
}

/// Trust files with several certificates and marks.
fn files(kit: &Kit, out: &mut Vec<Case>) {
    let text = kit.ca.pem();
    let other = root(&kit.other_ca_key).named(&Dn::of("CN=Other")).self_sign().pem();
    let leaf = kit.good().sign(&kit.ca);
    let crlf = |t: &str| t.replace('\n', "\r\n");
    let x509 = |t: &str| t.replace("CERTIFICATE", "X509 CERTIFICATE");
    let trusted = |t: &str| t.replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    let indent = |t: &str| t.lines().map(|l| format!("\t{l}\n")).collect::<String>();
    let files: Vec<(&str, Vec<u8>)> = vec![
        ("bom-crlf", format!("\u{feff}{}", crlf(&text)).into()),
        ("crlf-two", crlf(&format!("{other}{text}")).into()),
        ("crlf-then-lf", format!("{}{text}", crlf(&other)).into()),
        ("text-between", format!("{other}subject=CN=Conformance CA\n\n{text}").into()),
        ("dashes-between", format!("{other}-----\n----- next -----\n{text}").into()),
        ("comment-inside", text.replacen("-----\n", "-----\n# ours\n", 1).into()),
        ("latin1-comment", [b"# Pr\xfcfstelle\n", text.as_bytes()].concat()),
        ("nul-behind", [text.as_bytes(), b"\0\0"].concat()),
        ("nul-between", [other.as_bytes(), b"\0", text.as_bytes()].concat()),
        ("x509-second", format!("{other}{}", x509(&text)).into()),
        ("x509-first", format!("{}{text}", x509(&other)).into()),
        ("trusted-second", format!("{other}{}", trusted(&text)).into()),
        ("trusted-first", format!("{}{text}", trusted(&other)).into()),
        ("leaf-first", format!("{}{text}", leaf.pem()).into()),
        ("tabs", indent(&text).into()),
        ("spaces-before-begin", text.replace("-----BEGIN", "  -----BEGIN").into()),
        ("begin-twice", format!("-----BEGIN CERTIFICATE-----\n{text}").into()),
        ("end-missing-first", format!("{}{text}", other.replace("-----END CERTIFICATE-----\n", "")).into()),
        ("mismatched-end", text.replace("END CERTIFICATE", "END X509 CRL").into()),
        ("padding-missing", text.replace('=', "").into()),
        ("space-in-lines", text.replace("MII", "M II").into()),
        ("form-feed", text.replace('\n', "\n\u{c}").into()),
        ("only-other", other.clone().into()),
        ("csr-first", format!("{}{text}", text.replace("CERTIFICATE", "CERTIFICATE REQUEST")).into()),
        (
            "params-first",
            format!("-----BEGIN DH PARAMETERS-----\nAQID\n-----END DH PARAMETERS-----\n{text}").into(),
        ),
        ("key-between", format!("{other}{}{text}", kit.ca_key.pkcs8_pem()).into()),
    ];
    for (id, file) in files {
        out.push(Case::new(format!("mix-pem-{id}"), &kit.ca, &leaf).trusts(file));
    }
}
