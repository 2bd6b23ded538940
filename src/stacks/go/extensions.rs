//! `processExtensions` of crypto/x509/parser.go: the values that Go reads, and how.

use super::octets::{any, bits, boolean, optional, small, take, take_identifier};
use super::uri::{self, Host};
use super::{Fault, Read, Version};
use crate::cert::der::{Reader, tag};
use crate::cert::oid;

/// Whether Go reads the value of an extension; one that it does not know is not looked at.
pub(super) fn value(version: Version, oid: &[u8], critical: bool, value: &[u8]) -> Read<()> {
    let newer = version >= Version::V1_27;
    let mut reader = Reader::new(value);
    let never_critical = [oid::AUTHORITY_KEY_ID, oid::SUBJECT_KEY_ID, oid::AUTHORITY_INFO_ACCESS];
    if newer && critical && never_critical.contains(&oid) {
        return Err(Fault::Bad("an extension that may not be critical is marked so"));
    }
    let fine = match oid {
        oid::KEY_USAGE => take(&mut reader, tag::BIT_STRING).is_some_and(|t| bits(t.content)),
        oid::BASIC_CONSTRAINTS => basic_constraints(newer, &mut reader).is_some(),
        oid::SUBJECT_ALT_NAME => return alternative_names(version, &mut reader),
        oid::NAME_CONSTRAINTS => return name_constraints(version, &mut reader),
        oid::EXTENDED_KEY_USAGE => each(&mut reader, |list| take_identifier(version, list).map(drop)),
        oid::SUBJECT_KEY_ID => take(&mut reader, tag::OCTET_STRING).is_some(),
        oid::AUTHORITY_KEY_ID => take(&mut reader, tag::SEQUENCE)
            .is_some_and(|fields| optional(&mut fields.inside(), 0x80).is_some()),
        oid::CRL_DISTRIBUTION_POINTS => each(&mut reader, distribution_point),
        oid::AUTHORITY_INFO_ACCESS => each(&mut reader, |list| {
            let mut fields = take(list, tag::SEQUENCE)?.inside();
            take_identifier(version, &mut fields)?;
            optional(&mut fields, 0x86).map(drop)
        }),
        oid::CERTIFICATE_POLICIES => policies(version, &mut reader),
        oid::POLICY_CONSTRAINTS if newer => take(&mut reader, tag::SEQUENCE).is_some_and(|fields| {
            let mut fields = fields.inside();
            [0x80, 0x81]
                .into_iter()
                .all(|tag| optional(&mut fields, tag).is_some_and(|n| n.is_none_or(|n| small(n.content))))
        }),
        oid::POLICY_MAPPINGS if newer => each(&mut reader, |list| {
            let mut pair = take(list, tag::SEQUENCE)?.inside();
            take(&mut pair, tag::OID).and(take(&mut pair, tag::OID)).map(drop)
        }),
        oid::INHIBIT_ANY_POLICY if newer => take(&mut reader, tag::INTEGER).is_some_and(|n| small(n.content)),
        _ => true,
    };
    if fine { Ok(()) } else { Err(Fault::Bad(oid::label(oid).unwrap_or("an extension"))) }
}

/// A SEQUENCE OF; what stands behind it is not looked at.
fn each(reader: &mut Reader<'_>, read: impl Fn(&mut Reader<'_>) -> Option<()>) -> bool {
    let Some(list) = take(reader, tag::SEQUENCE) else { return false };
    let mut list = list.inside();
    while !list.is_empty() {
        if read(&mut list).is_none() {
            return false;
        }
    }
    true
}

fn basic_constraints(newer: bool, reader: &mut Reader<'_>) -> Option<()> {
    let mut fields = take(reader, tag::SEQUENCE)?.inside();
    if optional(&mut fields, tag::BOOLEAN)?.is_some_and(|b| !boolean(b.content)) {
        return None;
    }
    let length = optional(&mut fields, tag::INTEGER)?;
    let negative = |c: &[u8]| c.first().is_some_and(|b| b & 0x80 != 0);
    length.is_none_or(|n| small(n.content) && !(newer && negative(n.content))).then_some(())
}

fn distribution_point(list: &mut Reader<'_>) -> Option<()> {
    let mut point = take(list, tag::SEQUENCE)?.inside();
    if let Some(place) = optional(&mut point, 0xa0)? {
        let mut names = take(&mut place.inside(), 0xa0)?.inside();
        while names.peek() == Some(0x86) {
            take(&mut names, 0x86)?;
        }
    }
    Some(())
}

fn policies(version: Version, reader: &mut Reader<'_>) -> bool {
    let Some(list) = take(reader, tag::SEQUENCE) else { return false };
    let mut list = list.inside();
    let mut seen: Vec<&[u8]> = Vec::new();
    while !list.is_empty() {
        let Some(policy) = take(&mut list, tag::SEQUENCE) else { return false };
        let Some(oid) = take(&mut policy.inside(), tag::OID) else { return false };
        let oid = oid.content;
        let fine = match version {
            Version::V1_19 => super::octets::identifier(version, oid),
            // `newOIDFromDER`: arcs of any length in the fewest octets.
            Version::V1_27 => {
                let starts =
                    |i: usize| i.checked_sub(1).and_then(|p| oid.get(p)).is_none_or(|p| p & 0x80 == 0);
                let padded = oid.iter().enumerate().any(|(i, b)| *b == 0x80 && starts(i));
                oid.last().is_some_and(|b| b & 0x80 == 0) && !padded && !seen.contains(&oid)
            }
        };
        if !fine {
            return false;
        }
        seen.push(oid);
    }
    true
}

/// `parseSANExtension`: a single member that cannot be read spoils the certificate.
fn alternative_names(version: Version, reader: &mut Reader<'_>) -> Read<()> {
    let bad = Fault::Bad("its subjectAltName is not written as it should be");
    let mut list = take(reader, tag::SEQUENCE).ok_or(bad)?.inside();
    while !list.is_empty() {
        let member = any(&mut list).ok_or(bad)?;
        let name = member.content;
        let what = match member.tag {
            0x81 | 0x82 if !name.is_ascii() => "an entry of its subjectAltName is not ASCII",
            0x86 if !readable_uri(version, name) => "a URI of its subjectAltName cannot be read",
            0x87 if !matches!(name.len(), 4 | 16) => "an iPAddress has neither 4 nor 16 octets",
            0x87 if version > Version::V1_19 && mapped(name) => "an iPAddress is an IPv4-mapped address",
            _ => continue,
        };
        return Err(Fault::Bad(what));
    }
    Ok(())
}

fn readable_uri(version: Version, uri: &[u8]) -> bool {
    match uri::host(version, uri) {
        Host::Refused => false,
        Host::None => true,
        Host::Named(host) => uri::domain(version, &host, false),
    }
}

fn mapped(octets: &[u8]) -> bool {
    octets.len() == 16 && octets.starts_with(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff])
}

/// `parseNameConstraintsExtension`.
fn name_constraints(version: Version, reader: &mut Reader<'_>) -> Read<()> {
    let bad = Fault::Bad("its name constraints are not written as they should be");
    let mut fields = take(reader, tag::SEQUENCE).ok_or(bad)?.inside();
    let permitted = optional(&mut fields, 0xa0).ok_or(bad)?.map(|t| t.content);
    let excluded = optional(&mut fields, 0xa1).ok_or(bad)?.map(|t| t.content);
    if !reader.is_empty() || !fields.is_empty() {
        return Err(bad);
    }
    let lists = [permitted, excluded];
    let empty = |list: &Option<&[u8]>| list.is_some_and(<[u8]>::is_empty);
    let nothing = lists.iter().all(|l| l.is_none_or(<[u8]>::is_empty));
    if nothing || (version > Version::V1_19 && lists.iter().any(empty)) {
        return Err(Fault::Bad("its name constraints are empty"));
    }
    for mut trees in lists.into_iter().flatten().map(Reader::new) {
        while !trees.is_empty() {
            let tree = take(&mut trees, tag::SEQUENCE).ok_or(bad)?;
            let base = any(&mut tree.inside()).ok_or(bad)?;
            let name = base.content;
            let fine = match base.tag {
                0x82 => name.is_ascii() && uri::domain(version, name, true),
                0x87 => network(version, name),
                0x81 if name.contains(&b'@') => {
                    name.is_ascii() && super::constraints::mailbox(version, name).is_some()
                }
                0x81 => name.is_ascii() && uri::domain(version, name, true),
                0x86 => name.is_ascii() && !uri::address(name) && uri::domain(version, name, true),
                _ => true,
            };
            if !fine {
                return Err(Fault::Bad("a name constraint of it cannot be read"));
            }
        }
    }
    Ok(())
}

/// An address and a mask without gaps.
fn network(version: Version, octets: &[u8]) -> bool {
    if !matches!(octets.len(), 8 | 32) {
        return false;
    }
    let (address, mask) = octets.split_at(octets.len() / 2);
    let ones = mask.iter().map(|b| b.count_ones()).sum::<u32>();
    let whole = mask.iter().take_while(|b| **b == 0xff).count();
    let leading = whole as u32 * 8 + mask.get(whole).map_or(0, |b| b.leading_ones());
    ones == leading && !(version > Version::V1_19 && mapped(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_length_below_zero_is_refused_since_the_newer_version() {
        let negative = [0x30, 6, 1, 1, 0xff, 2, 1, 0xff];
        let read = |version| value(version, oid::BASIC_CONSTRAINTS, true, &negative).is_ok();
        assert!(read(Version::V1_19) && !read(Version::V1_27));
    }

    #[test]
    fn a_mapped_address_and_a_critical_key_identifier_are_refused_since_the_newer_version() {
        let mut names = vec![0x30, 18, 0x87, 16];
        names.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1]);
        for version in [Version::V1_19, Version::V1_27] {
            let old = version == Version::V1_19;
            assert_eq!(value(version, oid::SUBJECT_ALT_NAME, false, &names).is_ok(), old);
            assert_eq!(value(version, oid::SUBJECT_KEY_ID, true, &[4, 1, 7]).is_ok(), old);
            assert!(value(version, oid::SUBJECT_KEY_ID, false, &[4, 1, 7]).is_ok());
        }
    }

    #[test]
    fn masks_have_no_gaps() {
        assert!(network(Version::V1_27, &[10, 0, 0, 0, 255, 240, 0, 0]));
        assert!(!network(Version::V1_27, &[10, 0, 0, 0, 255, 0, 255, 0]));
    }
}
