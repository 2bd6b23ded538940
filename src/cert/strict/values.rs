//! The list of extensions and the values of those that RFC 5280 and a few others describe.

use super::names::{general_name, general_names};
use super::{Field, Found, Kind};
use crate::cert::der::{Reader, Tlv, tag};
use crate::cert::{Certificate, oid};

pub(super) fn read(cert: &Certificate, found: &mut Found) {
    if let Some(list) = field(cert) {
        let mut inside = list.inside();
        found.when(!list.minimal, Field::Extensions, Kind::Length);
        if let Ok(list) = inside.take(tag::SEQUENCE) {
            found.when(!list.minimal, Field::Extensions, Kind::Length);
            extensions(&mut list.inside(), found);
        }
    }
    let all = cert.extensions();
    for (i, extension) in all.iter().enumerate() {
        let field = field_of(&extension.oid);
        let known = field.unwrap_or(Field::Extensions);
        found.when(all.iter().take(i).any(|e| e.oid == extension.oid), known, Kind::Twice);
        let Some(field) = field else { continue };
        let forbidden = [
            Field::SubjectKeyId,
            Field::AuthorityKeyId,
            Field::Access,
            Field::Freshest,
            Field::TlsFeature,
            Field::NoCheck,
        ];
        found.when(extension.critical && forbidden.contains(&field), field, Kind::Critical);
        found.lengths(field, &extension.value);
        let mut reader = Reader::new(&extension.value);
        match reader.element() {
            Ok(element) => {
                found.when(!reader.is_empty(), field, Kind::Surplus);
                value(field, &element, found);
            }
            Err(_) => found.add(field, Kind::Type),
        }
    }
}

/// The field \[3\] of the signed part.
fn field(cert: &Certificate) -> Option<Tlv<'_>> {
    let mut fields = Reader::new(cert.tbs()).take(tag::SEQUENCE).ok()?.inside();
    while !fields.is_empty() {
        let element = fields.element().ok()?;
        if element.tag == 0xa3 {
            return Some(element);
        }
    }
    None
}

fn extensions(list: &mut Reader<'_>, found: &mut Found) {
    let field = Field::Extensions;
    found.when(list.is_empty(), field, Kind::Empty);
    while let Ok(one) = list.take(tag::SEQUENCE) {
        found.when(!one.minimal, field, Kind::Length);
        let mut fields = one.inside();
        while let Ok(part) = fields.element() {
            found.when(!part.minimal, field, Kind::Length);
            match part.tag {
                tag::OID => found.oid(field, part.content),
                tag::BOOLEAN if part.content.len() != 1 => found.add(field, Kind::Type),
                tag::BOOLEAN if part.content == [0] => found.add(field, Kind::Default),
                tag::BOOLEAN => found.when(part.content != [0xff], field, Kind::Boolean),
                _ => {}
            }
        }
    }
}

fn field_of(kind: &[u8]) -> Option<Field> {
    Some(match kind {
        oid::BASIC_CONSTRAINTS => Field::BasicConstraints,
        oid::KEY_USAGE => Field::KeyUsage,
        oid::EXTENDED_KEY_USAGE => Field::Purposes,
        oid::SUBJECT_ALT_NAME => Field::AltNames,
        oid::ISSUER_ALT_NAME => Field::IssuerAltNames,
        oid::SUBJECT_KEY_ID => Field::SubjectKeyId,
        oid::AUTHORITY_KEY_ID => Field::AuthorityKeyId,
        oid::NAME_CONSTRAINTS => Field::NameConstraints,
        oid::CERTIFICATE_POLICIES => Field::Policies,
        oid::POLICY_MAPPINGS => Field::Mappings,
        oid::POLICY_CONSTRAINTS => Field::PolicyConstraints,
        oid::INHIBIT_ANY_POLICY => Field::InhibitAnyPolicy,
        oid::CRL_DISTRIBUTION_POINTS => Field::Points,
        oid::FRESHEST_CRL => Field::Freshest,
        oid::AUTHORITY_INFO_ACCESS | oid::SUBJECT_INFO_ACCESS => Field::Access,
        oid::TLS_FEATURE => Field::TlsFeature,
        oid::OCSP_NO_CHECK => Field::NoCheck,
        oid::NETSCAPE_CERT_TYPE => Field::NetscapeType,
        oid::SCT_LIST => Field::Timestamps,
        oid::PROXY_CERT_INFO => Field::ProxyInfo,
        _ => return None,
    })
}

/// The value of a known extension.
fn value(field: Field, element: &Tlv<'_>, found: &mut Found) {
    let wanted = match field {
        Field::KeyUsage | Field::NetscapeType => tag::BIT_STRING,
        Field::SubjectKeyId | Field::Timestamps => tag::OCTET_STRING,
        Field::InhibitAnyPolicy => tag::INTEGER,
        Field::NoCheck => tag::NULL,
        _ => tag::SEQUENCE,
    };
    if element.tag != wanted {
        return found.add(field, Kind::Type);
    }
    let mut inside = element.inside();
    match field {
        Field::BasicConstraints => basic_constraints(inside, found),
        Field::KeyUsage | Field::NetscapeType => named_bits(field, element.content, found),
        Field::SubjectKeyId => {
            found.when(element.content.is_empty(), field, Kind::Empty);
            // RFC 5280 has no bound; no library makes more than a SHA-512.
            found.when(element.content.len() > 64, field, Kind::Bound);
        }
        Field::AltNames | Field::IssuerAltNames => general_names(field, element.content, &[4, 16], found),
        Field::AuthorityKeyId => authority(inside, found),
        Field::NameConstraints => subtrees(inside, found),
        Field::InhibitAnyPolicy => found.number(field, element.content, 4),
        Field::NoCheck => found.when(!element.content.is_empty(), field, Kind::Surplus),
        Field::PolicyConstraints => {
            found.when(inside.is_empty(), field, Kind::Empty);
            for kind in [0x80, 0x81] {
                if let Ok(Some(number)) = inside.optional(kind) {
                    found.number(field, number.content, 4);
                }
            }
            found.when(!inside.is_empty(), field, Kind::Surplus);
        }
        Field::Purposes => {
            list(field, inside, tag::OID, found, |member, found| found.oid(field, member.content));
            let mut kinds = Vec::new();
            while let Ok(member) = inside.element() {
                found.when(kinds.contains(&member.content), field, Kind::Twice);
                if kinds.len() < 100 {
                    kinds.push(member.content);
                }
            }
        }
        Field::Policies => policies(inside, found),
        Field::TlsFeature => {
            list(field, inside, tag::INTEGER, found, |n, found| found.number(field, n.content, 2));
        }
        Field::Mappings | Field::Points | Field::Freshest | Field::Access => {
            list(field, inside, tag::SEQUENCE, found, |member, found| member_of(field, member, found));
        }
        _ => {}
    }
}

/// A SEQUENCE OF one type with one member at least.
fn list(
    field: Field,
    mut members: Reader<'_>,
    wanted: u8,
    found: &mut Found,
    check: impl Fn(&Tlv<'_>, &mut Found),
) {
    found.when(members.is_empty(), field, Kind::Empty);
    while !members.is_empty() {
        match members.take(wanted) {
            Ok(member) => check(&member, found),
            Err(_) => return found.add(field, Kind::Type),
        }
    }
}

/// A distribution point, an access description, a pair of policies.
fn member_of(field: Field, member: &Tlv<'_>, found: &mut Found) {
    let mut inside = member.inside();
    found.when(inside.is_empty(), field, Kind::Empty);
    match field {
        Field::Access => {
            let Ok(kind) = inside.take(tag::OID) else { return found.add(field, Kind::Type) };
            found.oid(field, kind.content);
            match inside.element() {
                Ok(place) => general_name(field, place.tag, place.content, &[4, 16], found),
                Err(_) => return found.add(field, Kind::Type),
            }
            found.when(!inside.is_empty(), field, Kind::Surplus);
        }
        Field::Mappings => {
            for _ in 0..2 {
                match inside.take(tag::OID) {
                    Ok(kind) => {
                        found.oid(field, kind.content);
                        found.when(kind.content == oid::ANY_POLICY, field, Kind::Rare);
                    }
                    Err(_) => return found.add(field, Kind::Type),
                }
            }
            found.when(!inside.is_empty(), field, Kind::Surplus);
        }
        _ => {
            let mut part = 0;
            // RFC 5280 §4.2.1.13: reasons alone name no place.
            found.when(inside.peek() == Some(0x81), field, Kind::Rare);
            while let Ok(element) = inside.element() {
                let odd = !matches!(element.tag, 0xa0 | 0x81 | 0xa2) || element.tag & 0x1f < part;
                part = element.tag & 0x1f;
                found.when(odd, field, Kind::Type);
            }
        }
    }
}

fn basic_constraints(mut inside: Reader<'_>, found: &mut Found) {
    let field = Field::BasicConstraints;
    if let Ok(Some(ca)) = inside.optional(tag::BOOLEAN) {
        match ca.content {
            [0] => found.add(field, Kind::Default),
            [0xff] => {}
            [_] => found.add(field, Kind::Boolean),
            _ => found.add(field, Kind::Bound),
        }
    }
    if let Ok(Some(length)) = inside.optional(tag::INTEGER) {
        // An int of 32 bits holds it in every library, and one octet in every real CA.
        found.number(field, length.content, 1);
    }
    found.when(!inside.is_empty(), field, Kind::Surplus);
}

/// X.690 §11.2: unused bits are zero, and zeros at the end of a list of names are cut off.
fn named_bits(field: Field, content: &[u8], found: &mut Found) {
    let Some((unused, octets)) = content.split_first() else { return found.add(field, Kind::Type) };
    let Some(last) = octets.last() else { return found.add(field, Kind::Empty) };
    found.when(*unused > 7 || u32::from(*unused) != last.trailing_zeros(), field, Kind::Bits);
    found.when(octets.len() > 2, field, Kind::Bound);
}

fn authority(mut inside: Reader<'_>, found: &mut Found) {
    let field = Field::AuthorityKeyId;
    if let Ok(Some(id)) = inside.optional(0x80) {
        found.when(id.content.is_empty(), field, Kind::Empty);
        found.when(id.content.len() > 64, field, Kind::Bound);
    }
    if let Ok(Some(names)) = inside.optional(0xa1) {
        general_names(field, names.content, &[4, 16], found);
    }
    if let Ok(Some(serial)) = inside.optional(0x82) {
        found.number(field, serial.content, 20);
    }
    found.when(inside.peek().is_some_and(|t| matches!(t, 0x80 | 0xa1 | 0x82)), field, Kind::Order);
    found.when(!inside.is_empty(), field, Kind::Surplus);
}

fn subtrees(mut inside: Reader<'_>, found: &mut Found) {
    let field = Field::NameConstraints;
    found.when(inside.is_empty(), field, Kind::Empty);
    for kind in [0xa0, 0xa1] {
        let Ok(Some(trees)) = inside.optional(kind) else { continue };
        list(field, trees.inside(), tag::SEQUENCE, found, |tree, found| {
            let mut parts = tree.inside();
            match parts.element() {
                Ok(base) => general_name(field, base.tag, base.content, &[8, 32], found),
                Err(_) => found.add(field, Kind::Type),
            }
            // RFC 5280 §4.2.1.10: minimum 0, which is not written, and no maximum.
            found.when(!parts.is_empty(), field, Kind::Rare);
        });
    }
    found.when(!inside.is_empty(), field, Kind::Surplus);
}

fn policies(inside: Reader<'_>, found: &mut Found) {
    let field = Field::Policies;
    let mut kinds: Vec<&[u8]> = Vec::new();
    list(field, inside, tag::SEQUENCE, found, |policy, found| {
        let mut parts = policy.inside();
        let Ok(kind) = parts.take(tag::OID) else { return found.add(field, Kind::Type) };
        found.oid(field, kind.content);
        match parts.optional(tag::SEQUENCE) {
            Ok(Some(qualifiers)) => list(field, qualifiers.inside(), tag::SEQUENCE, found, |_, _| {}),
            Ok(None) => {}
            Err(_) => found.add(field, Kind::Type),
        }
        found.when(!parts.is_empty(), field, Kind::Surplus);
    });
    let mut members = inside;
    while let Ok(policy) = members.element() {
        let Ok(kind) = policy.inside().take(tag::OID) else { continue };
        found.when(kinds.contains(&kind.content), field, Kind::Twice);
        if kinds.len() < 100 {
            kinds.push(kind.content);
        }
    }
}
