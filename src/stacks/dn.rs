//! Comparing the issuer of one certificate with the subject of another.

use super::stack::DnMatch;
use crate::cert::der::tag;
use crate::cert::{Attribute, Name, oid};

/// Whether two names are the same for a stack.
pub(super) fn same(how: DnMatch, a: &Name, b: &Name) -> bool {
    if a.der() == b.der() {
        return true;
    }
    let (left, right) = (a.attributes(), b.attributes());
    let fits = |x: &Attribute, y: &Attribute| x.rdn == y.rdn && x.oid == y.oid;
    if how == DnMatch::Exact || left.len() != right.len() || !left.iter().zip(right).all(|(x, y)| fits(x, y))
    {
        return false;
    }
    let text = |a: &Attribute| matches!(a.tag, tag::UTF8_STRING | tag::PRINTABLE_STRING);
    left.iter().zip(right).all(|(x, y)| match how {
        DnMatch::Exact => false,
        DnMatch::Canonical => canonical(x) == canonical(y),
        DnMatch::Text => x.text().is_some() && x.text() == y.text(),
        DnMatch::Normalized => {
            (x.tag == y.tag && x.value == y.value)
                || (normalized(x) && normalized(y) && canonical(x) == canonical(y))
        }
        DnMatch::Erlang => erlang_pair(x, left, y, right),
        DnMatch::Java => {
            (x.tag == y.tag && x.value == y.value)
                || (textual(x) && textual(y) && canonical(x) == canonical(y))
        }
        DnMatch::Caseless => {
            (x.tag == y.tag && x.value == y.value)
                || (text(x) && text(y) && x.value.eq_ignore_ascii_case(&y.value))
        }
    })
}

/// `NormalizeValue` of BoringSSL's pki/verify_name_match.cc.
fn normalized(attribute: &Attribute) -> bool {
    matches!(
        attribute.tag,
        tag::UTF8_STRING | tag::PRINTABLE_STRING | tag::IA5_STRING | tag::BMP_STRING | tag::UNIVERSAL_STRING
    )
}

/// Whether two lists of attributes are the same for Erlang.
pub(super) fn erlang_same(left: &[Attribute], right: &[Attribute]) -> bool {
    let fits = |x: &Attribute, y: &Attribute| x.rdn == y.rdn && x.oid == y.oid;
    left.len() == right.len()
        && left.iter().zip(right).all(|(x, y)| fits(x, y) && erlang_pair(x, left, y, right))
}

/// `pubkey_cert:is_dir_name/3`: a set of several only as it stands, and of some attributes no string type is left.
fn erlang_pair(x: &Attribute, left: &[Attribute], y: &Attribute, right: &[Attribute]) -> bool {
    let text = |a: &Attribute| matches!(a.tag, tag::UTF8_STRING | tag::PRINTABLE_STRING);
    let alone = |a: &Attribute, all: &[Attribute]| all.iter().filter(|o| o.rdn == a.rdn).count() == 1;
    let single = alone(x, left) && alone(y, right);
    (x.tag == y.tag && x.value == y.value)
        || (single && erlang_list(x) && text(x) && text(y) && x.value == y.value)
        || (single && erlang_text(x) && text(x) && text(y) && canonical(x) == canonical(y))
}

/// Attributes of which `pubkey_cert_records:transform/2` leaves a text without its type.
fn erlang_list(attribute: &Attribute) -> bool {
    [oid::COUNTRY, oid::EMAIL].contains(&attribute.oid.as_slice())
}

/// Attributes that are decoded as DirectoryString.
fn erlang_text(attribute: &Attribute) -> bool {
    let directory = [oid::COMMON_NAME, oid::SURNAME, oid::LOCALITY, oid::STATE, oid::ORGANIZATION, oid::UNIT];
    let more: [&[u8]; 6] = [
        b"\x55\x04\x0c",
        b"\x55\x04\x29",
        b"\x55\x04\x2a",
        b"\x55\x04\x2b",
        b"\x55\x04\x2c",
        b"\x55\x04\x41",
    ];
    let oid = attribute.oid.as_slice();
    directory.contains(&oid) || more.contains(&oid)
}

/// `AVA.toRFC2253CanonicalString`: the attributes of RFC 2253 in a string type whose text Java compares.
fn textual(attribute: &Attribute) -> bool {
    let known = [
        oid::COMMON_NAME,
        oid::COUNTRY,
        oid::LOCALITY,
        oid::STATE,
        oid::ORGANIZATION,
        oid::UNIT,
        oid::STREET,
        oid::DOMAIN_COMPONENT,
        oid::USER_ID,
    ];
    known.contains(&attribute.oid.as_slice())
        && matches!(attribute.tag, tag::UTF8_STRING | tag::PRINTABLE_STRING)
}

/// OpenSSL's canonical form (crypto/x509/x_name.c): UTF-8, ASCII in lower case, white space trimmed and collapsed.
fn canonical(attribute: &Attribute) -> Vec<u8> {
    match attribute.text() {
        Some(text) => {
            let words: Vec<String> = text.split_ascii_whitespace().map(str::to_ascii_lowercase).collect();
            words.join(" ").into_bytes()
        }
        None => attribute.value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(kind: u8, text: &str) -> Name {
        let mut pair = vec![0x06, 3, 0x55, 4, 3, kind, text.len() as u8];
        pair.extend(text.bytes());
        for outer in [0x30, 0x31, 0x30] {
            pair.splice(0..0, [outer, pair.len() as u8]);
        }
        Name::from_der(&pair).unwrap()
    }

    #[test]
    fn case_string_type_and_white_space_count_only_where_the_library_counts_them() {
        let cases = [
            (name(12, "a b"), name(19, "a b"), [false, true, true]),
            (name(12, "a b"), name(12, "A B"), [false, true, true]),
            (name(12, "a b"), name(12, "a  b"), [false, true, false]),
            (name(12, "a b"), name(12, "a c"), [false, false, false]),
        ];
        for (a, b, expected) in cases {
            let got = [DnMatch::Exact, DnMatch::Canonical, DnMatch::Caseless].map(|how| same(how, &a, &b));
            assert_eq!(got, expected, "{} {}", a.display(), b.display());
        }
    }
}
