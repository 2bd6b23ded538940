//! How Go's crypto/x509 reads a certificate (parser.go, with cryptobyte below it) and what differs between its
//! versions. Read from Go 1.19.8 and measured with it; of Go 1.27 the source as it stood in 2026.

mod certificate;
mod constraints;
mod extensions;
mod octets;
mod uri;

pub(super) use self::certificate::certificate;
pub(super) use self::constraints::{doubtful, violation};
use super::checks::{Rule, no};
use crate::cert::der::{Reader, tag};
use crate::cert::extension::Extension;
use crate::cert::{Certificate, oid};
use crate::judgement::ReasonCode;
use crate::name::San;

/// The versions of Go at which its judgement changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// 1.19: negative serial numbers, IPv4-mapped addresses and critical key identifiers are taken, policies are not
    /// processed, names hold strings only.
    V1_19,
    /// 1.27.
    V1_27,
}

/// What Go finds wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// It refuses the certificate.
    Bad(&'static str),
    /// The algorithm is one that it does not know.
    Foreign(&'static str),
    /// It says a version that it does not know.
    Version,
}

type Read<T> = Result<T, Fault>;

/// The certificate with the extensions that Go has understood: none below version 3, a keyUsage without bits is none,
/// and a path length below zero limits nothing.
pub(super) fn view(cert: &Certificate) -> Certificate {
    if cert.version().is_none_or(|v| v < 3) {
        return if cert.extensions().is_empty() { cert.clone() } else { cert.with_extensions(Vec::new()) };
    }
    let seen: Vec<Extension> = cert.extensions().iter().filter_map(understood).collect();
    if seen == cert.extensions() { cert.clone() } else { cert.with_extensions(seen) }
}

fn understood(extension: &Extension) -> Option<Extension> {
    let value = match extension.oid.as_slice() {
        oid::KEY_USAGE => {
            let bits = Reader::new(&extension.value).take(tag::BIT_STRING).ok()?;
            // Only the first nine bits have a meaning.
            let (first, second) = (bits.content.get(1).copied(), bits.content.get(2).copied());
            if first.unwrap_or(0) == 0 && second.unwrap_or(0) & 0x80 == 0 {
                return None;
            }
            bits.raw.to_vec()
        }
        oid::BASIC_CONSTRAINTS => {
            let mut fields = Reader::new(&extension.value).take(tag::SEQUENCE).ok()?.inside();
            let ca = fields.optional(tag::BOOLEAN).ok()?;
            let length = fields.optional(tag::INTEGER).ok()?;
            let length = length.filter(|n| n.content.first().is_some_and(|b| b & 0x80 == 0));
            let mut inside = ca.map(|c| c.raw.to_vec()).unwrap_or_default();
            inside.extend(length.map(|n| n.raw).unwrap_or_default());
            let mut whole = vec![tag::SEQUENCE, u8::try_from(inside.len()).ok()?];
            whole.extend(inside);
            whole
        }
        _ => return Some(extension.clone()),
    };
    Some(Extension { value, ..extension.clone() })
}

/// `processExtensions`: what it does not handle must not be critical, nor may a subjectAltName or a name constraint
/// of whose names it knows none.
pub(super) fn known_critical(version: Version, cert: &Certificate) -> Rule {
    let known = |s: &San| matches!(s, San::Dns(_) | San::Ip(_) | San::Email(_) | San::Uri(_));
    for e in cert.extensions().iter().filter(|e| e.critical) {
        let handled = match e.oid.as_slice() {
            oid::SUBJECT_ALT_NAME => cert.sans().iter().any(known),
            oid::NAME_CONSTRAINTS => cert
                .name_constraints()
                .is_some_and(|nc| nc.permitted.iter().chain(&nc.excluded).all(|t| known(&t.base))),
            oid::BASIC_CONSTRAINTS
            | oid::KEY_USAGE
            | oid::EXTENDED_KEY_USAGE
            | oid::CERTIFICATE_POLICIES
            | oid::CRL_DISTRIBUTION_POINTS
            | oid::SUBJECT_KEY_ID
            | oid::AUTHORITY_KEY_ID
            | oid::AUTHORITY_INFO_ACCESS => true,
            oid::POLICY_CONSTRAINTS | oid::POLICY_MAPPINGS | oid::INHIBIT_ANY_POLICY => {
                version >= Version::V1_27
            }
            _ => false,
        };
        if !handled {
            let what = format!("Go does not know its critical {}, or no name in it", oid::describe(&e.oid));
            return no(ReasonCode::CriticalExtension, cert, what);
        }
    }
    Ok(())
}

/// `checkPublicKey` of crypto/internal/fips140/rsa (1.27): an odd modulus, and an odd exponent from 3 to 2³¹ - 1.
pub(super) fn usable(modulus: &[u8], exponent: &[u8]) -> bool {
    let odd = |n: &[u8]| n.last().is_some_and(|b| b & 1 == 1);
    let size = match exponent {
        [] | [0 | 1] => false,
        [first, _, _, _] => *first < 0x80,
        e => e.len() < 4,
    };
    odd(modulus) && odd(exponent) && size
}

/// Forms of which it is not known whether this version takes them: Go 1.28 refuses octets behind some values, and
/// which release began with that could not be told. Whether a negative serial number is taken is the setting
/// `x509negativeserial`, which follows the go line of the program's go.mod (measured without one: it is taken).
pub(super) fn unsure(version: Version, cert: &Certificate) -> Option<&'static str> {
    if version < Version::V1_27 {
        return None;
    }
    if matches!(cert.serial(), [first, ..] if first & 0x80 != 0) {
        return Some(
            "its serial number is negative, which Go refuses in programs written for 1.23 and later",
        );
    }
    let behind = |e: &&Extension| {
        let mut value = Reader::new(&e.value);
        value.element().is_ok() && !value.is_empty()
    };
    let watched = [
        oid::KEY_USAGE,
        oid::BASIC_CONSTRAINTS,
        oid::SUBJECT_ALT_NAME,
        oid::EXTENDED_KEY_USAGE,
        oid::CERTIFICATE_POLICIES,
    ];
    if cert.extensions().iter().filter(|e| watched.contains(&e.oid.as_slice())).any(|e| behind(&e)) {
        return Some(
            "octets stand behind the value of an extension, which some release of Go began to refuse",
        );
    }
    certificate::surplus(cert)
        .then_some("octets stand behind a key or an algorithm, which some release of Go began to refuse")
}
