//! Two themes at once, in chains: name constraints of every form with names of every form and where they stand, path
//! lengths with self-issued CAs, uses of an intermediate with those of the leaf, dates, cross signatures.

use time::macros::datetime;

use mqttcert_fixtures::dn::{Attr, Dn, Text};
use mqttcert_fixtures::ext::{self, Ext, eku, ku};
use mqttcert_fixtures::{Ca, Key, Recipe, der};

use super::{Case, Kit, root};

const SAN: &str = "2.5.29.17";
const SKI: &str = "2.5.29.14";

pub fn cases(kit: &Kit, out: &mut Vec<Case>) {
    names_in_subtrees(kit, out);
    subtrees_of_intermediates(kit, out);
    path_lengths(kit, out);
    uses(kit, out);
    dates(kit, out);
    crossed(kit, out);
    identified(kit, out);
}

/// An intermediate in good order.
fn middle(kit: &Kit) -> Recipe {
    root(&kit.other_ca_key).named(&Dn::of("CN=Intermediate, O=Conformance")).with_key_ids().without(SKI)
}

fn directory(dn: &str) -> Vec<u8> {
    ext::directory(&Dn::of(dn).der())
}

/// Which forms of names a subtree of each form binds, on a root and on an intermediate.
fn names_in_subtrees(kit: &Kit, out: &mut Vec<Case>) {
    let other =
        |oid: &str| der::context(0, &[der::oid(oid), der::context(0, &der::tlv(0x0c, b"x"))].concat());
    let dns = ext::dns("iot-mqtt");
    let subtrees: &[(&str, Vec<Vec<u8>>, Vec<Vec<u8>>)] = &[
        ("email-host", vec![ext::email("example.com")], vec![]),
        ("email-domain", vec![ext::email(".example.com")], vec![]),
        ("email-box", vec![ext::email("a@example.com")], vec![]),
        ("email-all", vec![], vec![ext::email("")]),
        ("not-email-host", vec![], vec![ext::email("example.com")]),
        ("uri-host", vec![ext::uri("example.com")], vec![]),
        ("uri-domain", vec![ext::uri(".example.com")], vec![]),
        ("not-uri-host", vec![], vec![ext::uri("example.com")]),
        ("ip", vec![ext::ip(&[127, 0, 0, 0, 255, 0, 0, 0])], vec![]),
        ("dns-and-ip", vec![ext::dns("example.com"), ext::ip(&[10, 0, 0, 0, 255, 0, 0, 0])], vec![]),
        ("not-dns-in-permitted", vec![ext::dns("example.com")], vec![ext::dns("b.example.com")]),
        ("dir-o", vec![directory("O=Conformance")], vec![]),
        ("dir-case", vec![directory("O=CONFORMANCE")], vec![]),
        ("not-dir-o", vec![], vec![directory("O=Conformance")]),
        ("not-dir-long", vec![], vec![directory("O=Conformance, OU=a, OU=b")]),
        ("other-kind", vec![other("1.2.3.4")], vec![]),
        ("not-other-kind", vec![], vec![other("1.2.3.4")]),
    ];
    let leaves: &[(&str, &str, Vec<Vec<u8>>)] = &[
        ("email", "O=Conformance", vec![dns.clone(), ext::email("a@example.com")]),
        ("email-out", "O=Conformance", vec![dns.clone(), ext::email("a@b.example.org")]),
        ("dn-email", "O=Conformance, emailAddress=a@example.org", vec![dns.clone()]),
        ("uri", "O=Conformance", vec![dns.clone(), ext::uri("mqtts://example.com:8883/x")]),
        ("uri-out", "O=Conformance", vec![dns.clone(), ext::uri("mqtts://example.org/")]),
        ("uri-bare", "O=Conformance", vec![dns.clone(), ext::uri("urn:dev:ops:1")]),
        ("ip", "O=Conformance", vec![dns.clone(), ext::ip(&[127, 0, 0, 1])]),
        ("ip6", "O=Conformance", vec![dns.clone(), ext::ip(&[[0u8; 15].as_slice(), &[1]].concat())]),
        ("under", "O=Conformance", vec![ext::dns("a.example.com"), ext::dns("iot-mqtt.example.com")]),
        ("both", "O=Conformance", vec![ext::dns("b.example.com"), ext::dns("iot-mqtt.example.com")]),
        ("star", "O=Conformance", vec![ext::dns("*.example.com")]),
        ("subject-out", "O=Other", vec![dns.clone()]),
        ("directory", "O=Conformance", vec![dns.clone(), directory("O=Other")]),
        ("cn-only", "O=Conformance, CN=iot-mqtt", vec![]),
        ("cn-and-email", "O=Conformance, CN=iot-mqtt", vec![ext::email("a@example.com")]),
        ("other", "O=Conformance", vec![dns.clone(), other("1.2.3.4")]),
        ("nobody", "", vec![dns.clone()]),
    ];
    // Which leaf could matter to which subtree; everything else is a plain case already.
    let pairs: &[(&str, &[&str])] = &[
        ("email-host", &["email", "email-out", "dn-email", "cn-and-email"]),
        ("email-domain", &["email", "email-out", "dn-email"]),
        ("email-box", &["email", "dn-email"]),
        ("email-all", &["email", "dn-email"]),
        ("not-email-host", &["email", "email-out", "dn-email", "cn-and-email"]),
        ("uri-host", &["uri", "uri-out", "uri-bare"]),
        ("uri-domain", &["uri", "uri-out"]),
        ("not-uri-host", &["uri", "uri-out", "uri-bare"]),
        ("ip", &["ip", "ip6", "cn-only"]),
        ("dns-and-ip", &["under", "ip", "star", "cn-only", "cn-and-email"]),
        ("not-dns-in-permitted", &["under", "both", "star", "cn-only"]),
        ("dir-o", &["ip", "subject-out", "directory", "nobody", "cn-only"]),
        ("dir-case", &["ip"]),
        ("not-dir-o", &["ip", "subject-out", "directory", "nobody"]),
        ("not-dir-long", &["ip", "nobody"]),
        ("other-kind", &["other", "ip"]),
        ("not-other-kind", &["other", "ip"]),
    ];
    for (tree, names) in pairs {
        let (_, permitted, excluded) = subtrees.iter().find(|(id, ..)| id == tree).expect("named above");
        let ca = kit.root().with(Ext::name_constraints(permitted, excluded)).self_sign();
        for name in *names {
            let (_, subject, sans) = leaves.iter().find(|(id, ..)| id == name).expect("named above");
            let mut leaf = kit.leaf(&[]).without(SAN);
            if !sans.is_empty() {
                leaf = leaf.with(Ext::san_raw(sans).critical(subject.is_empty()));
            }
            let leaf = leaf.named(&if subject.is_empty() { Dn::default() } else { Dn::of(subject) });
            let case = Case::new(format!("tree-{tree}-{name}"), &ca, &leaf.sign(&ca));
            out.push(case.dialled(&["iot-mqtt", "iot-mqtt.example.com"]));
        }
    }
}

/// Subtrees on an intermediate, on both CAs, and names of the intermediate itself.
fn subtrees_of_intermediates(kit: &Kit, out: &mut Vec<Case>) {
    let tree = |names: &[&str]| {
        let names: Vec<Vec<u8>> = names.iter().map(|n| ext::dns(n)).collect();
        Ext::name_constraints(&names, &[])
    };
    let mut add = |id: &str, ca: &Recipe, inter: &Recipe, leaf: &Recipe| {
        let ca = ca.self_sign();
        let inter = inter.sign_ca(&ca);
        let case = Case::new(format!("trees-{id}"), &ca, &leaf.sign(&inter)).sends(&[&inter.der]);
        out.push(case);
    };
    let (root, inter, leaf) = (kit.root(), middle(kit), kit.leaf(&["iot-mqtt"]));
    for critical in [true, false] {
        let mark = if critical { "" } else { "-plain" };
        let good = tree(&["iot-mqtt"]).critical(critical);
        let bad = tree(&["example.org"]).critical(critical);
        add(&format!("root-over-inter{mark}"), &root.clone().with(good.clone()), &inter, &leaf);
        add(&format!("root-over-inter-bad{mark}"), &root.clone().with(bad.clone()), &inter, &leaf);
        add(&format!("inter{mark}"), &root, &inter.clone().with(good.clone()), &leaf);
        add(&format!("inter-bad{mark}"), &root, &inter.clone().with(bad.clone()), &leaf);
        let both = root.clone().with(good.clone());
        add(&format!("both{mark}"), &both, &inter.clone().with(good.clone()), &leaf);
        add(&format!("both-inter-bad{mark}"), &both, &inter.clone().with(bad), &leaf);
    }
    let named = inter.clone().with(Ext::san(&["ca.example.com"]));
    add("inter-has-name-outside", &root.clone().with(tree(&["iot-mqtt"])), &named, &leaf);
    let mail = Dn::of("CN=Intermediate, emailAddress=ca@example.org");
    let by_mail = Ext::name_constraints(&[ext::email("example.com")], &[]);
    add("inter-has-mail-outside", &root.clone().with(by_mail), &inter.clone().named(&mail), &leaf);
    let by_subject = Ext::name_constraints(&[directory("O=Conformance")], &[]);
    let other = inter.clone().named(&Dn::of("O=Other, CN=Intermediate"));
    add("inter-subject-outside", &root.clone().with(by_subject), &other, &leaf);
    let cn_only = kit.leaf(&[]).without(SAN).named(&Dn::of("CN=iot-mqtt"));
    add("inter-cn-only", &root, &inter.clone().with(tree(&["iot-mqtt"])), &cn_only);
    add("inter-cn-only-bad", &root, &inter.with(tree(&["example.org"])), &cn_only);
}

/// Path lengths over one, two and self-issued intermediates.
fn path_lengths(kit: &Kit, out: &mut Vec<Case>) {
    let lengths: &[(&str, Option<u64>, Option<u64>, Option<u64>)] = &[
        ("1-x-x", Some(1), None, None),
        ("2-x-x", Some(2), None, None),
        ("x-0-x", None, Some(0), None),
        ("x-1-x", None, Some(1), None),
        ("x-1-0", None, Some(1), Some(0)),
        ("2-1-0", Some(2), Some(1), Some(0)),
        ("2-0-5", Some(2), Some(0), Some(5)),
        ("x-x-0", None, None, Some(0)),
    ];
    let (first_key, second_key) = (Key::p256(), Key::p256());
    for (id, of_root, of_first, of_second) in lengths {
        for same in [false, true] {
            let bc = |len: &Option<u64>| Ext::basic_constraints(true, *len);
            let ca = kit.root().with(bc(of_root)).self_sign();
            let named = |n: &str| Dn::of(&format!("CN={n}, O=Conformance"));
            let base = |key: &Key| root(key).with_key_ids().without(SKI);
            let first = base(&first_key).named(&named("First")).with(bc(of_first)).sign_ca(&ca);
            // Self-issued: a CA that changes its key.
            let second_name = if same { "First" } else { "Second" };
            let second = base(&second_key).named(&named(second_name)).with(bc(of_second)).sign_ca(&first);
            let leaf = kit.leaf(&["iot-mqtt"]).sign(&second);
            let mark = if same { "self-issued" } else { "two" };
            let case = Case::new(format!("length-{mark}-{id}"), &ca, &leaf);
            out.push(case.sends(&[&second.der, &first.der]));
        }
    }
    // A root that changes its key below a length of 0.
    for length in [None, Some(0), Some(1)] {
        let ca = kit.root().with(Ext::basic_constraints(true, length)).self_sign();
        let next = root(&kit.other_ca_key).with_key_ids().without(SKI).sign_ca(&ca);
        let leaf = kit.leaf(&["iot-mqtt"]).sign(&next);
        let id = length.map_or("none".to_owned(), |n| n.to_string());
        out.push(Case::new(format!("length-rollover-{id}"), &ca, &leaf).sends(&[&next.der]));
    }
}

/// What root, intermediate and leaf may be used for.
fn uses(kit: &Kit, out: &mut Vec<Case>) {
    let lists: &[(&str, &[&str])] = &[
        ("server", &[eku::SERVER]),
        ("client", &[eku::CLIENT]),
        ("any", &[eku::ANY]),
        ("email", &[eku::EMAIL]),
    ];
    let mut add = |id: String, ca: &Recipe, inter: &Recipe, leaf: &Recipe| {
        let ca = ca.self_sign();
        let inter = inter.sign_ca(&ca);
        out.push(Case::new(id, &ca, &leaf.sign(&inter)).sends(&[&inter.der]));
    };
    let (root, inter, leaf) = (kit.root(), middle(kit), kit.leaf(&["iot-mqtt"]));
    for (id, list) in lists {
        let wanted = Ext::eku(list);
        add(format!("uses-root-{id}"), &root.clone().with(wanted.clone()), &inter, &leaf);
        let without = leaf.clone().without("2.5.29.37");
        add(format!("uses-inter-{id}-leaf-none"), &root, &inter.clone().with(wanted.clone()), &without);
        let any = leaf.clone().with(Ext::eku(&[eku::ANY]));
        add(format!("uses-inter-{id}-leaf-any"), &root, &inter.clone().with(wanted.clone()), &any);
        add(format!("uses-inter-{id}-critical"), &root, &inter.clone().with(wanted.critical(true)), &leaf);
    }
    for bits in [&[1u8][..], &[5], &[6], &[1, 5]] {
        let id: String = bits.iter().map(u8::to_string).collect();
        let kind = Ext::raw("2.16.840.1.113730.1.1", false, &der::named_bits(bits));
        add(format!("uses-nstype-inter-{id}"), &root, &inter.clone().with(kind.clone()), &leaf);
        add(format!("uses-nstype-root-{id}"), &root.clone().with(kind), &inter, &leaf);
    }
    let ku_only = |bits: &[u8]| inter.clone().with(Ext::key_usage(bits).critical(false));
    add("uses-ku-inter-plain-crl".to_owned(), &root, &ku_only(&[ku::CRL_SIGN]), &leaf);
    add("uses-ku-inter-plain-both".to_owned(), &root, &ku_only(&[ku::KEY_CERT_SIGN, 0]), &leaf);
    let ca_leaf = leaf.clone().with(Ext::basic_constraints(true, None));
    add("uses-leaf-is-ca".to_owned(), &root, &inter, &ca_leaf);
    let bare = ca_leaf.without("2.5.29.15").without("2.5.29.37");
    add("uses-leaf-is-ca-bare".to_owned(), &root, &inter, &bare);
    let ec = Key::p256();
    for (id, bits) in [("agree", vec![ku::KEY_AGREEMENT]), ("sign-agree", vec![0, ku::KEY_AGREEMENT])] {
        let leaf = super::leaf(&["iot-mqtt"], &ec).with(Ext::key_usage(&bits));
        add(format!("uses-ec-{id}"), &root, &inter, &leaf);
    }
}

/// Dates of one certificate with another that could stand in for it.
fn dates(kit: &Kit, out: &mut Vec<Case>) {
    let old = (datetime!(2020-01-01 00:00 UTC), datetime!(2022-01-01 00:00 UTC));
    let ca = &kit.ca;
    let good = middle(kit).sign_ca(ca);
    let expired = middle(kit).valid(old.0, old.1).sign_ca(ca);
    let leaf = kit.leaf(&["iot-mqtt"]).sign(&good);
    let base = |id: &str| Case::new(format!("stand-in-{id}"), ca, &leaf);
    out.push(base("expired-then-good").sends(&[&expired.der, &good.der]));
    out.push(base("good-then-expired").sends(&[&good.der, &expired.der]));
    out.push(base("expired-sent-good-trusted").sends(&[&expired.der]).trusts(good.pem() + &ca.pem()));
    out.push(base("good-sent-expired-trusted").sends(&[&good.der]).trusts(expired.pem() + &ca.pem()));
    out.push(base("only-expired-sent").sends(&[&expired.der]));
    let old_root = kit.root().valid(old.0, old.1).self_sign();
    let both = |first: &Ca, second: &Ca| first.pem() + &second.pem();
    out.push(base("roots-old-first-inter").sends(&[&good.der]).trusts(both(&old_root, ca)));
    out.push(base("roots-new-first-inter").sends(&[&good.der]).trusts(both(ca, &old_root)));
    let v1 = kit.root().v1().self_sign();
    let direct = kit.good().sign(ca);
    out.push(Case::new("stand-in-v1-first", ca, &direct).trusts(both(&v1, ca)));
    out.push(Case::new("stand-in-v1-second", ca, &direct).trusts(both(ca, &v1)));
    let no_usage = kit.root().with(Ext::key_usage(&[ku::DIGITAL_SIGNATURE])).self_sign();
    out.push(Case::new("stand-in-no-certsign-first", ca, &direct).trusts(both(&no_usage, ca)));
    out.push(Case::new("stand-in-no-certsign-second", ca, &direct).trusts(both(ca, &no_usage)));
    let short = kit.root().with(Ext::basic_constraints(true, Some(0))).self_sign();
    out.push(base("short-first").sends(&[&good.der]).trusts(both(&short, ca)));
    out.push(base("short-second").sends(&[&good.der]).trusts(both(ca, &short)));
    let weak = kit.root().with(Ext::name_constraints(&[ext::dns("example.org")], &[])).self_sign();
    out.push(base("constrained-first").sends(&[&good.der]).trusts(both(&weak, ca)));
    out.push(base("constrained-second").sends(&[&good.der]).trusts(both(ca, &weak)));
}

/// A CA signed by two others, and roots that are not self-signed where they are trusted.
fn crossed(kit: &Kit, out: &mut Vec<Case>) {
    let old_key = Key::p256();
    let old = root(&old_key).named(&Dn::of("CN=Old root")).self_sign();
    let cross = kit.root().without(SKI).with_key_ids().sign_ca(&old);
    let inter = middle(kit).sign_ca(&kit.ca);
    let leaf = kit.leaf(&["iot-mqtt"]).sign(&inter);
    let base = |id: &str| Case::new(format!("cross-{id}"), &kit.ca, &leaf);
    out.push(base("old-trusted").sends(&[&inter.der, &cross.der]).trusts(old.pem()));
    out.push(base("new-trusted").sends(&[&inter.der, &cross.der]));
    out.push(base("both-trusted").sends(&[&inter.der, &cross.der]).trusts(old.pem() + &kit.ca.pem()));
    out.push(base("new-trusted-root-sent").sends(&[&inter.der, &kit.ca.der, &cross.der]));
    out.push(base("old-trusted-both-sent").sends(&[&inter.der, &kit.ca.der, &cross.der]).trusts(old.pem()));
    out.push(base("cross-is-anchor").sends(&[&inter.der]).trusts(cross.pem()));
    let expired = root(&old_key)
        .named(&Dn::of("CN=Old root"))
        .valid(datetime!(2020-01-01 00:00 UTC), datetime!(2022-01-01 00:00 UTC))
        .self_sign();
    out.push(base("old-expired").sends(&[&inter.der, &cross.der]).trusts(expired.pem() + &kit.ca.pem()));
    out.push(base("old-expired-alone").sends(&[&inter.der, &cross.der]).trusts(expired.pem()));
}

/// Key identifiers below an intermediate, and names that differ in their string type.
fn identified(kit: &Kit, out: &mut Vec<Case>) {
    let ca = &kit.ca;
    let inter = middle(kit).sign_ca(ca);
    let mut leaf = kit.leaf(&["iot-mqtt"]);
    leaf.key_ids = false;
    let mut add = |id: &str, leaf: &Recipe| {
        out.push(Case::new(format!("inter-ids-{id}"), ca, &leaf.sign(&inter)).sends(&[&inter.der]));
    };
    add("none", &leaf);
    add("wrong", &leaf.clone().with(Ext::aki(&[7; 20])));
    add("of-root", &leaf.clone().with(Ext::aki(&kit.ca_key.id())));
    let serial = der::small(5);
    add("issuer", &leaf.clone().with(Ext::aki_issuer(None, &ca.subject, &middle(kit).serial)));
    add("issuer-wrong", &leaf.clone().with(Ext::aki_issuer(None, &ca.subject, &serial)));
    let both = Ext::aki_issuer(Some(&kit.other_ca_key.id()), &ca.subject, &serial);
    add("key-right-issuer-wrong", &leaf.clone().with(both));
    let mut bare = middle(kit);
    bare.key_ids = false;
    let bare = bare.sign_ca(ca);
    let wanted = leaf.clone().with(Ext::aki(&[7; 20])).sign(&bare);
    out.push(Case::new("inter-ids-no-ski-wrong", ca, &wanted).sends(&[&bare.der]));
    let printable = Dn::from_attrs(vec![Attr::new("CN", Text::Printable, "Intermediate")]);
    let utf8 = Dn::from_attrs(vec![Attr::new("CN", Text::Utf8, "Intermediate")]);
    let upper = Dn::from_attrs(vec![Attr::new("CN", Text::Printable, "INTERMEDIATE")]);
    for (id, issuer) in [("utf8", &utf8), ("upper", &upper)] {
        let inter = middle(kit).named(&printable).sign_ca(ca);
        let mut leaf = kit.leaf(&["iot-mqtt"]);
        leaf.issuer = Some(issuer.der());
        let case = Case::new(format!("inter-issuer-{id}"), ca, &leaf.sign(&inter));
        out.push(case.sends(&[&inter.der]));
    }
}
