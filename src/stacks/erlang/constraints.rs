//! Name constraints as `pubkey_cert:validate_names/6` applies them (public_key 1.13.2), with what is odd about them.

use super::super::dn::erlang_same;
use crate::cert::extension::NameConstraints;
use crate::cert::{Attribute, Certificate, Name, oid};
use crate::name::San;

/// A violation in words; `below` are the certificates under the constraint, leaf first.
pub(in super::super) fn violation(nc: &NameConstraints, below: &[&Certificate]) -> Option<String> {
    below.iter().enumerate().filter(|(i, c)| *i == 0 || !c.is_self_issued()).find_map(|(_, c)| broken(nc, c))
}

fn broken(nc: &NameConstraints, cert: &Certificate) -> Option<String> {
    let permitted: Vec<&San> = nc.permitted.iter().map(|t| &t.base).collect();
    let excluded: Vec<&San> = nc.excluded.iter().map(|t| &t.base).collect();
    let subject = Held::Directory(cert.subject(), true);
    let email = email(cert.subject());
    // Only a subjectAltName of a single directoryName has its strings decoded, and can be equal to a constraint.
    let decoded = cert.sans().len() == 1;
    let directories: Vec<Option<Name>> = cert
        .sans()
        .iter()
        .map(|s| if let San::Directory(der) = s { Name::from_der(der).ok() } else { None })
        .collect();
    let mut names: Vec<Held<'_>> = vec![subject];
    names.extend(email.as_deref().map(Held::Email));
    names.extend(cert.sans().iter().zip(&directories).map(|(san, directory)| match (san, directory) {
        (_, Some(name)) => Held::Directory(name, decoded),
        (San::Dns(n), _) => Held::Dns(n),
        (San::Email(n), _) => Held::Email(n),
        (San::Uri(n), _) => Held::Uri(n),
        (other, _) => Held::Other(other),
    }));
    for name in &names {
        for (bases, permit) in [(&permitted, true), (&excluded, false)] {
            let same: Vec<&&San> = bases.iter().filter(|b| name.same_form(b)).collect();
            if same.is_empty() {
                continue;
            }
            match name.matches(&same) {
                None => return Some("Erlang fails at a name constraint of this form".to_owned()),
                Some(held) if held != permit => {
                    let what = if permit { "is in no permitted subtree" } else { "is excluded" };
                    return Some(format!("{} {what} of a name constraint", name.shown()));
                }
                Some(_) => {}
            }
        }
    }
    None
}

/// The emailAddress of a subject, which counts as a mailbox.
fn email(subject: &Name) -> Option<Vec<u8>> {
    subject.attributes().iter().find(|a| a.oid == oid::EMAIL).map(|a| a.value.clone())
}

enum Held<'a> {
    Dns(&'a [u8]),
    Email(&'a [u8]),
    Uri(&'a [u8]),
    /// With its strings decoded, or not.
    Directory(&'a Name, bool),
    Other(&'a San),
}

impl Held<'_> {
    fn same_form(&self, base: &San) -> bool {
        match (self, base) {
            (Held::Dns(_), San::Dns(_))
            | (Held::Email(_), San::Email(_))
            | (Held::Uri(_), San::Uri(_))
            | (Held::Directory(..), San::Directory(_))
            | (Held::Other(San::Ip(_)), San::Ip(_)) => true,
            (Held::Other(San::Other(a, _)), San::Other(b, _)) => a == b,
            _ => false,
        }
    }

    /// Whether one of the constraints of its form holds it; `None` where `match_name/3` has no clause and fails.
    fn matches(&self, bases: &[&&San]) -> Option<bool> {
        match self {
            Held::Dns(name) => Some(bases.iter().enumerate().any(|(i, base)| domain(name, base, i == 0))),
            Held::Email(name) => any(bases, |base| match base {
                San::Email(base) => host(name, base),
                _ => Some(false),
            }),
            Held::Uri(name) => {
                let Some(found) = uri_host(name) else { return Some(false) };
                any(bases, |base| match base {
                    San::Uri(base) => host(&found, &uri_host(base).unwrap_or_else(|| base.clone())),
                    _ => Some(false),
                })
            }
            Held::Directory(name, decoded) => any(bases, |base| match base {
                San::Directory(der) => Some(
                    Name::from_der(der)
                        .is_ok_and(|base| if *decoded { prefix(&base, name) } else { base.is_empty() }),
                ),
                _ => Some(false),
            }),
            // iPAddress is misspelt there, and of the rest only x400Address has a clause.
            Held::Other(San::Other(0xa3, _)) => Some(false),
            Held::Other(_) => None,
        }
    }

    fn shown(&self) -> String {
        match self {
            Held::Dns(n) | Held::Email(n) | Held::Uri(n) => String::from_utf8_lossy(n).into_owned(),
            Held::Directory(name, _) => name.display(),
            Held::Other(_) => "a name".to_owned(),
        }
    }
}

fn any(bases: &[&&San], holds: impl Fn(&San) -> Option<bool>) -> Option<bool> {
    for base in bases {
        if holds(base)? {
            return Some(true);
        }
    }
    Some(false)
}

fn ends(name: &[u8], tail: &[u8]) -> bool {
    let at = name.len().checked_sub(tail.len());
    at.and_then(|at| name.get(at..)).is_some_and(|t| t.eq_ignore_ascii_case(tail))
}

/// A dot is put before the first constraint alone.
fn domain(name: &[u8], base: &San, first: bool) -> bool {
    let San::Dns(base) = base else { return false };
    if first {
        return name == base.as_slice() || ends(name, &[b".", base.as_slice()].concat());
    }
    ends(name, base) || base.strip_prefix(b".") == Some(name)
}

/// `is_valid_host_or_domain/2`; `None` where the candidate has more parts than two.
fn host(candidate: &[u8], permitted: &[u8]) -> Option<bool> {
    if candidate.is_empty() {
        return Some(false);
    }
    if permitted.first() == Some(&b'.') {
        return Some(ends(candidate, permitted));
    }
    let parts: Vec<&[u8]> = candidate.split(|b| *b == b'@').filter(|p| !p.is_empty()).collect();
    match parts.as_slice() {
        [host] | [_, host] => Some(host.eq_ignore_ascii_case(permitted)),
        _ => None,
    }
}

/// The host that `uri_string:normalize/2` finds.
fn uri_host(uri: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(uri).ok()?;
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        Some(literal) => literal.split(']').next()?,
        None => host.split(':').next()?,
    };
    Some(host.to_ascii_lowercase().into_bytes())
}

/// `is_dir_name/3` of the beginning.
fn prefix(base: &Name, name: &Name) -> bool {
    let (base, name): (&[Attribute], &[Attribute]) = (base.attributes(), name.attributes());
    let sets = |all: &[Attribute]| all.last().map_or(0, |a| a.rdn + 1);
    let end = name.iter().position(|a| a.rdn >= sets(base)).unwrap_or(name.len());
    sets(base) <= sets(name) && erlang_same(base, name.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_constraint_ends_at_a_label_and_the_second_does_not() {
        let base = San::Dns(b"example.com".to_vec());
        assert!(domain(b"a.example.com", &base, true) && !domain(b"badexample.com", &base, true));
        assert!(domain(b"badexample.com", &base, false));
        assert!(!domain(b"iot-mqtt", &San::Dns(Vec::new()), true));
    }

    #[test]
    fn a_whole_mailbox_as_constraint_holds_nobody() {
        assert_eq!(host(b"a@example.com", b"a@example.com"), Some(false));
        assert_eq!(host(b"a@example.com", b"EXAMPLE.com"), Some(true));
        assert_eq!(host(b"b@sub.example.com", b".example.com"), Some(true));
        assert_eq!(host(b"a@b@c", b"c"), None);
    }
}
