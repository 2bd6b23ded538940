//! Chains: intermediates sent, missing, out of order and too many; trust files with more than one CA; pinned leaves.

use time::macros::datetime;

use mqttcert_fixtures::ext::{self, Ext, eku, ku};
use mqttcert_fixtures::{Ca, Dn, Key, Recipe};

use super::{Case, Kit, leaf, root};

pub fn cases(kit: &Kit, out: &mut Vec<Case>) {
    intermediates(kit, out);
    broken_intermediates(kit, out);
    lengths(kit, out);
    several_roots(kit, out);
    self_signed(kit, out);
}

fn middle(kit: &Kit, number: usize) -> Recipe {
    root(&kit.other_ca_key)
        .named(&Dn::of(&format!("CN=Intermediate {number}, O=Conformance")))
        .with_key_ids()
        .without("2.5.29.14")
}

fn intermediates(kit: &Kit, out: &mut Vec<Case>) {
    let inter = middle(kit, 1).sign_ca(&kit.ca);
    let leaf = kit.good().sign(&inter);
    let unrelated = root(&Key::p256()).named(&Dn::of("CN=Unrelated")).self_sign();
    let base = |id: &str| Case::new(format!("chain-{id}"), &kit.ca, &leaf);
    let both = kit.ca.pem() + &inter.pem();
    out.push(base("sent").sends(&[&inter.der]).quick());
    out.push(base("missing").quick());
    out.push(base("in-trust").trusts(both));
    out.push(base("in-trust-first").trusts(inter.pem() + &kit.ca.pem()));
    out.push(base("only-intermediate-trusted").trusts(inter.pem()).quick());
    out.push(base("only-intermediate-trusted-sent").sends(&[&inter.der]).trusts(inter.pem()));
    out.push(base("with-root").sends(&[&inter.der, &kit.ca.der]));
    out.push(base("root-first").sends(&[&kit.ca.der, &inter.der]));
    out.push(base("intermediate-twice").sends(&[&inter.der, &inter.der]));
    out.push(base("unrelated-last").sends(&[&inter.der, &unrelated.der]));
    out.push(base("unrelated-between").sends(&[&unrelated.der, &inter.der]));
    out.push(base("leaf-twice").sends(&[&leaf.der, &inter.der]));
    let direct = kit.good().sign(&kit.ca);
    out.push(Case::new("chain-leaf-and-root", &kit.ca, &direct).sends(&[&kit.ca.der]));
    out.push(Case::new("chain-leaf-and-root-twice", &kit.ca, &direct).sends(&[&kit.ca.der, &kit.ca.der]));
    out.push(Case::new("chain-leaf-and-unrelated", &kit.ca, &direct).sends(&[&unrelated.der]));
    out.push(Case::new("chain-direct-leaf-twice", &kit.ca, &direct).sends(&[&direct.der]));
}

fn broken_intermediates(kit: &Kit, out: &mut Vec<Case>) {
    let base = middle(kit, 1);
    let expired = (datetime!(2020-01-01 00:00 UTC), datetime!(2022-01-01 00:00 UTC));
    let mut v1 = base.clone().v1();
    v1.version = 1;
    let mut spoilt = base.clone();
    spoilt.broken_signature = true;
    let kinds: Vec<(&str, Recipe)> = vec![
        ("v1", v1),
        ("expired", base.clone().valid(expired.0, expired.1)),
        ("spoilt", spoilt),
        ("no-bc", base.clone().without("2.5.29.19")),
        ("no-bc-no-ku", base.clone().without("2.5.29.19").without("2.5.29.15")),
        ("bc-false", base.clone().with(Ext::basic_constraints(false, None))),
        ("no-ku", base.clone().without("2.5.29.15")),
        ("ku-digital", base.clone().with(Ext::key_usage(&[ku::DIGITAL_SIGNATURE]))),
        ("eku-server", base.clone().with(Ext::eku(&[eku::SERVER]))),
        ("eku-client", base.clone().with(Ext::eku(&[eku::CLIENT]))),
        ("eku-any", base.clone().with(Ext::eku(&[eku::ANY]))),
        ("pathlen-0", base.clone().with(Ext::basic_constraints(true, Some(0)))),
        ("nc-permit", base.clone().with(Ext::name_constraints(&[ext::dns("iot-mqtt")], &[]))),
        ("nc-permit-other", base.clone().with(Ext::name_constraints(&[ext::dns("example.org")], &[]))),
        ("nc-exclude", base.clone().with(Ext::name_constraints(&[], &[ext::dns("iot-mqtt")]))),
        ("unknown-critical", base.clone().with(Ext::raw("1.3.6.1.4.1.99999.1", true, &[5, 0]))),
    ];
    for (id, recipe) in kinds {
        let inter = recipe.sign_ca(&kit.ca);
        let leaf = kit.leaf(&["iot-mqtt"]).sign(&inter);
        out.push(Case::new(format!("inter-{id}"), &kit.ca, &leaf).sends(&[&inter.der]));
    }
    // A root that allows no intermediate.
    let short = kit.root().with(Ext::basic_constraints(true, Some(0))).self_sign();
    let inter = base.sign_ca(&short);
    let leaf = kit.leaf(&["iot-mqtt"]).sign(&inter);
    out.push(Case::new("inter-under-pathlen-0", &short, &leaf).sends(&[&inter.der]));
    let first = middle(kit, 1).with(Ext::basic_constraints(true, Some(0))).sign_ca(&kit.ca);
    let second_key = Key::p256();
    let second = root(&second_key)
        .named(&Dn::of("CN=Intermediate 2"))
        .with_key_ids()
        .without("2.5.29.14")
        .sign_ca(&first);
    let leaf = kit.leaf(&["iot-mqtt"]).sign(&second);
    out.push(Case::new("inter-pathlen-exceeded", &kit.ca, &leaf).sends(&[&second.der, &first.der]));
}

fn lengths(kit: &Kit, out: &mut Vec<Case>) {
    for depth in [2, 3, 5, 6, 7, 8, 9, 10, 12] {
        let mut sent: Vec<Vec<u8>> = Vec::new();
        let mut issuer: Ca = kit.ca.clone();
        for number in 1..=depth {
            let key = Key::p256();
            let name = Dn::of(&format!("CN=Intermediate {number}"));
            issuer = root(&key).named(&name).with_key_ids().without("2.5.29.14").sign_ca(&issuer);
            sent.insert(0, issuer.der.clone());
        }
        let leaf = kit.leaf(&["iot-mqtt"]).sign(&issuer);
        let sent: Vec<&[u8]> = sent.iter().map(Vec::as_slice).collect();
        out.push(Case::new(format!("chain-depth-{depth}"), &kit.ca, &leaf).sends(&sent));
    }
}

/// Two CAs with one name, as after a rotation, and CAs that have nothing to do with the leaf.
fn several_roots(kit: &Kit, out: &mut Vec<Case>) {
    let unrelated = root(&kit.other_ca_key).named(&Dn::of("CN=Unrelated")).self_sign();
    let leaf = kit.good().sign(&kit.ca);
    let base = |id: &str| Case::new(format!("roots-{id}"), &kit.ca, &leaf);
    out.push(base("wrong").trusts(unrelated.pem()).quick());
    out.push(base("wrong-then-right").trusts(unrelated.pem() + &kit.ca.pem()));
    out.push(base("right-then-wrong").trusts(kit.ca.pem() + &unrelated.pem()));
    out.push(base("twice").trusts(kit.ca.pem() + &kit.ca.pem()));
    let expired_other = root(&kit.other_ca_key)
        .named(&Dn::of("CN=Old"))
        .valid(datetime!(2020-01-01 00:00 UTC), datetime!(2022-01-01 00:00 UTC))
        .self_sign();
    out.push(base("with-expired-other").trusts(expired_other.pem() + &kit.ca.pem()));
    for ids in [true, false] {
        let strip = |recipe: Recipe| if ids { recipe } else { recipe.without("2.5.29.14") };
        let (right, wrong) = (strip(kit.root()).self_sign(), strip(root(&kit.other_ca_key)).self_sign());
        let mut recipe = kit.good();
        recipe.key_ids = ids;
        let leaf = recipe.sign(&right);
        let base = |id: &str| Case::new(format!("roots-same-name-{id}-ids-{ids}"), &right, &leaf);
        out.push(base("wrong-only").trusts(wrong.pem()));
        out.push(base("right-first").trusts(right.pem() + &wrong.pem()));
        out.push(base("wrong-first").trusts(wrong.pem() + &right.pem()));
        // Renewed with the same key: the old one has expired.
        let old = strip(kit.root())
            .valid(datetime!(2020-01-01 00:00 UTC), datetime!(2022-01-01 00:00 UTC))
            .self_sign();
        out.push(base("renewed-old-first").trusts(old.pem() + &right.pem()));
        out.push(base("renewed-new-first").trusts(right.pem() + &old.pem()));
    }
}

fn self_signed(kit: &Kit, out: &mut Vec<Case>) {
    let good = leaf(&["iot-mqtt", "127.0.0.1"], &kit.key);
    let sign = Ext::key_usage(&[ku::DIGITAL_SIGNATURE, ku::KEY_ENCIPHERMENT, ku::KEY_CERT_SIGN]);
    let ca_true = Ext::basic_constraints(true, None);
    let kinds: Vec<(&str, Recipe)> = vec![
        ("ca-false", good.clone()),
        ("no-bc", good.clone().without("2.5.29.19")),
        ("ca-true", good.clone().with(ca_true.clone())),
        ("ca-true-certsign", good.clone().with(ca_true.clone()).with(sign)),
        ("ca-true-no-ku-no-eku", good.clone().with(ca_true).without("2.5.29.15").without("2.5.29.37")),
        ("v1-cn", good.named(&Dn::of("CN=iot-mqtt")).v1()),
    ];
    for (id, recipe) in kinds {
        let own = recipe.self_sign();
        let made = mqttcert_fixtures::Made { der: own.der.clone(), key: own.key.clone() };
        let case = Case::new(format!("self-{id}"), &own, &made);
        out.push(if matches!(id, "ca-false" | "ca-true-certsign") { case.quick() } else { case });
        out.push(Case::new(format!("self-{id}-untrusted"), &kit.ca, &made));
    }
    let pinned = kit.good().sign(&kit.ca);
    out.push(Case::new("pinned-leaf", &kit.ca, &pinned).trusts(pinned.pem()).quick());
    out.push(Case::new("pinned-leaf-and-root", &kit.ca, &pinned).trusts(pinned.pem() + &kit.ca.pem()));
}
