//! Algorithm identifiers and public keys that are not what DER and RFC 4055 say: on the leaf and on each CA.

use mqttcert_fixtures::hash::Hash;
use mqttcert_fixtures::{Key, SigAlg, der};

use super::extensions::Place;
use super::shapes::Add;
use super::{Case, Kit};

pub fn all(add: &mut Add<'_>, kit: &Kit, place: Place) {
    let rsa = |hash: Hash| SigAlg::Rsa(hash).identifier();
    let oid = |arc: &str| der::oid(&format!("1.2.840.113549.1.1.{arc}"));
    let bare = der::seq(&[&oid("11")]);
    let octets = der::seq(&[&oid("11"), &der::octets(b"x")]);
    let more = der::seq(&[&oid("11"), &der::null(), &der::null()]);
    let wide_null = der::seq(&[&oid("11"), &der::tlv(5, &[0])]);
    let long = der::long(0x30, &[oid("11"), der::null()].concat());
    let pairs: Vec<(&str, Option<Vec<u8>>, Option<Vec<u8>>)> = vec![
        ("inner-sha384", Some(rsa(Hash::Sha384)), None),
        ("inner-sha1", Some(rsa(Hash::Sha1)), None),
        ("inner-ecdsa", Some(SigAlg::Ecdsa(Hash::Sha256).identifier()), None),
        ("inner-key-type", Some(der::seq(&[&oid("1"), &der::null()])), None),
        ("inner-unknown", Some(der::seq(&[&der::oid("1.2.3.4")])), None),
        ("inner-no-null", Some(bare.clone()), None),
        ("inner-octets", Some(octets.clone()), None),
        ("outer-no-null", None, Some(bare.clone())),
        ("outer-octets", None, Some(octets.clone())),
        ("outer-sha512", None, Some(rsa(Hash::Sha512))),
        ("outer-long-form", None, Some(long.clone())),
        ("both-no-null", Some(bare.clone()), Some(bare)),
        ("both-octets", Some(octets.clone()), Some(octets)),
        ("both-more", Some(more.clone()), Some(more)),
        ("both-wide-null", Some(wide_null.clone()), Some(wide_null)),
        ("both-long-form", Some(long.clone()), Some(long)),
        ("both-unknown", Some(der::seq(&[&der::oid("1.2.3.4")])), Some(der::seq(&[&der::oid("1.2.3.4")]))),
        ("both-sha512", Some(rsa(Hash::Sha512)), Some(rsa(Hash::Sha512))),
        (
            "both-key-type",
            Some(der::seq(&[&oid("1"), &der::null()])),
            Some(der::seq(&[&oid("1"), &der::null()])),
        ),
    ];
    for (id, inner, outer) in pairs {
        add(&format!("algorithm-{id}"), &|r| {
            (r.inner_algorithm, r.outer_algorithm) = (inner.clone(), outer.clone())
        });
    }
    let key = match place {
        Place::Leaf => &kit.key,
        Place::Intermediate => &kit.other_ca_key,
        Place::Root => &kit.ca_key,
    };
    let public = der::bits(&key.public());
    let spki: Vec<(&str, Vec<u8>)> = vec![
        ("no-null", der::seq(&[&der::seq(&[&oid("1")]), &public])),
        ("octets", der::seq(&[&der::seq(&[&oid("1"), &der::octets(b"x")]), &public])),
        ("old-rsa", der::seq(&[&der::seq(&[&der::oid("2.5.8.1.1"), &der::null()]), &public])),
        ("more", der::seq(&[&der::seq(&[&oid("1"), &der::null()]), &public, &der::null()])),
        ("behind", {
            let key = [key.public(), vec![5, 0]].concat();
            der::seq(&[&der::seq(&[&oid("1"), &der::null()]), &der::bits(&key)])
        }),
        ("unused-bits", {
            let key = [&[1][..], &key.public()].concat();
            der::seq(&[&der::seq(&[&oid("1"), &der::null()]), &der::tlv(3, &key)])
        }),
        ("garbage", der::seq(&[&der::seq(&[&oid("1"), &der::null()]), &der::bits(b"garbage")])),
        ("unknown", der::seq(&[&der::seq(&[&der::oid("1.2.3.4")]), &public])),
        ("modulus-padded", {
            let public = key.public();
            let (_, numbers, _) = der::first(&public);
            let (_, n, e) = der::first(numbers);
            let n = der::tlv(2, &[&[0], n].concat());
            der::seq(&[&der::seq(&[&oid("1"), &der::null()]), &der::bits(&der::seq(&[&n, e]))])
        }),
        ("modulus-negative", {
            let public = key.public();
            let (_, numbers, _) = der::first(&public);
            let (_, n, e) = der::first(numbers);
            let n = der::tlv(2, &n[1..]);
            der::seq(&[&der::seq(&[&oid("1"), &der::null()]), &der::bits(&der::seq(&[&n, e]))])
        }),
    ];
    for (id, spki) in spki {
        if matches!(id, "old-rsa" | "behind") && place != Place::Root {
            continue;
        }
        add(&format!("spki-{id}"), &|r| r.spki = Some(spki.clone()));
    }
}

/// CAs with unusual RSA exponents.
pub fn exponents(kit: &Kit, out: &mut Vec<Case>) {
    for (id, exponent) in [("1", 1u64), ("3", 3), ("17", 17), ("4294967291", 4_294_967_291u64)] {
        let key = Key::rsa_with(2048, exponent, "conformance");
        let ca = super::root(&key).self_sign();
        out.push(Case::new(format!("exponent-ca-{id}"), &ca, &kit.good().sign(&ca)));
    }
    // P-256 issuers whose AlgorithmIdentifier has parameters.
    let key = Key::p256();
    let ca = super::root(&key).self_sign();
    let with_null = der::seq(&[&der::oid("1.2.840.10045.4.3.2"), &der::null()]);
    let mut leaf = kit.good();
    (leaf.inner_algorithm, leaf.outer_algorithm) = (Some(with_null.clone()), Some(with_null));
    out.push(Case::new("algorithm-ecdsa-null", &ca, &leaf.sign(&ca)));
}
