//! `constrains` of the names of OpenJDK 17 (`OtherName`, `OIDName`, `URIName`, `IPAddressName`), where it is other than
//! RFC 5280 has it.

use std::net::IpAddr;

use super::has;
use crate::cert::{Attribute, Certificate, Name, oid};
use crate::name::San;

/// `X500Name.findMostSpecificAttribute`: of the last relative name that has a common name the first.
pub(in super::super) fn common_name(name: &Name) -> Option<&Attribute> {
    let last = name.common_name_attributes().next_back()?.rdn;
    name.common_name_attributes().find(|a| a.rdn == last)
}

/// What `NameConstraintsExtension.verify` takes out of the subject: addresses where there is no subjectAltName, and the
/// common name where that has no member of its kind.
pub(in super::super) fn subject_names(cert: &Certificate) -> Vec<San> {
    let mut out = Vec::new();
    if !has(cert, oid::SUBJECT_ALT_NAME) {
        let addresses = cert.subject().attributes().iter().filter(|a| a.oid == oid::EMAIL);
        out.extend(addresses.filter_map(Attribute::text).map(|t| San::Email(t.into_bytes())));
    }
    let sans = super::sans(cert);
    let Some(cn) = common_name(cert.subject()).and_then(Attribute::text) else { return out };
    match cn.parse::<IpAddr>() {
        Ok(_) if sans.iter().any(|s| matches!(s, San::Ip(_))) => {}
        Ok(IpAddr::V4(ip)) => out.push(San::Ip(ip.octets().to_vec())),
        Ok(IpAddr::V6(ip)) => out.push(San::Ip(ip.octets().to_vec())),
        Err(_) if sans.iter().any(|s| matches!(s, San::Dns(_))) || !dns_name(&cn) => {}
        Err(_) => out.push(San::Dns(cn.into_bytes())),
    }
    out
}

/// What the constructor of `DNSName` takes: labels of letters, digits and hyphens that do not begin with a hyphen.
fn dns_name(text: &str) -> bool {
    text.split('.').all(|label| {
        label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && label.bytes().next().is_some_and(|b| b != b'-')
    })
}

/// Whether a constraint holds a name of its form; `None` where Java throws an exception, and the path is refused.
pub(in super::super) fn holds(base: &San, name: &San) -> Option<Option<bool>> {
    match (base, name) {
        (San::Other(a, base), San::Other(b, name)) if a == b => match a {
            // OIDName: equal, or an UnsupportedOperationException.
            0x88 if base == name => Some(Some(true)),
            _ => Some(None),
        },
        (San::Ip(base), San::Ip(name)) => Some(address(base, name)),
        (San::Uri(base), San::Uri(name)) => Some(uri(base, name)),
        _ => None,
    }
}

/// The constraint's address is not masked; the mask of one kind and an address of the other are compared as far as the
/// constraint's address goes, and past the end of the shorter there is an exception.
fn address(base: &[u8], name: &[u8]) -> Option<bool> {
    let (network, mask) = base.split_at(base.len() / 2);
    for (i, (wanted, mask)) in network.iter().zip(mask).enumerate() {
        if name.get(i)? & mask != *wanted {
            return Some(false);
        }
    }
    Some(true)
}

/// A URI without a host ends in an exception.
fn uri(base: &[u8], name: &[u8]) -> Option<bool> {
    let text = std::str::from_utf8(name).ok()?;
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = if host.starts_with('[') { host } else { host.split(':').next()? };
    if host.is_empty() {
        return None;
    }
    if host.as_bytes().eq_ignore_ascii_case(base) {
        return Some(true);
    }
    let address = host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok();
    let host = host.as_bytes();
    let below = host.len().checked_sub(base.len()).filter(|at| *at > 0).and_then(|at| host.get(at..));
    Some(!address && base.first() == Some(&b'.') && below.is_some_and(|t| t.eq_ignore_ascii_case(base)))
}

/// Whether `URIName.nameConstraint` reads a constraint: a host or a domain, no URI.
pub(super) fn uri_constraint(text: &[u8]) -> bool {
    let host = text.strip_prefix(b".").unwrap_or(text);
    host.split(|b| *b == b'.').all(|label| {
        !label.is_empty() && label.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_bits_in_a_constraint_hold_nothing() {
        assert_eq!(address(&[127, 0, 0, 5, 255, 0, 0, 0], &[127, 0, 0, 1]), Some(false));
        assert_eq!(address(&[127, 0, 0, 0, 255, 0, 0, 0], &[127, 0, 0, 1]), Some(true));
        assert_eq!(address(&[0; 32], &[127, 0, 0, 1]), None);
    }

    #[test]
    fn a_uri_is_its_host_without_user_and_port() {
        assert_eq!(uri(b"example.com", b"https://me@example.com:8443/x"), Some(true));
        assert_eq!(uri(b".example.com", b"https://sub.example.com/"), Some(true));
        assert_eq!(uri(b"example.com", b"urn:uuid:1"), None);
        assert!(uri_constraint(b".example.com") && !uri_constraint(b"") && !uri_constraint(b"http://x"));
    }
}
