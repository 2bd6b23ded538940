//! What is GnuTLS' own: name constraints as `lib/x509/name_constraints.c` (3.7.9) checks them, on the server
//! certificate alone.

use super::checks;
use super::stack::Purpose;
use crate::cert::extension::NameConstraints;
use crate::cert::{Certificate, oid};
use crate::name::San;

/// A violation in words, or `None`.
pub(super) fn violation(nc: &NameConstraints, leaf: &Certificate) -> Option<String> {
    let excluded = |fits: fn(&San) -> bool| nc.excluded.iter().any(|t| fits(&t.base));
    // check_unsupported_constraint(): these forms can only be excluded, whatever the names are.
    if excluded(|s| matches!(s, San::Directory(_))) {
        return Some("a name constraint excludes a directory name, which GnuTLS takes for any".to_owned());
    }
    let uris = leaf.sans().iter().any(|s| matches!(s, San::Uri(_)));
    if uris && excluded(|s| matches!(s, San::Uri(_))) {
        return Some("a name constraint excludes a URI, which GnuTLS takes for any".to_owned());
    }
    let mut names: Vec<San> = leaf
        .sans()
        .iter()
        .filter(|s| matches!(s, San::Dns(_) | San::Email(_) | San::Ip(_)))
        .cloned()
        .collect();
    let all = || nc.permitted.iter().chain(&nc.excluded);
    let constrains = |same: fn(&San) -> bool| all().any(|t| same(&t.base));
    let subject = |kind: &[u8]| -> Vec<Vec<u8>> {
        let attributes = leaf.subject().attributes().iter().filter(|a| a.oid == kind);
        attributes.filter_map(|a| a.text().map(String::into_bytes)).collect()
    };
    if !names.iter().any(|s| matches!(s, San::Dns(_)))
        && constrains(|s| matches!(s, San::Dns(_)))
        && checks::purpose(Purpose::ServerOrAny, leaf).is_ok()
    {
        let found = subject(oid::COMMON_NAME);
        if found.len() > 1 {
            return Some("it has several common names under a constraint on DNS names".to_owned());
        }
        names.extend(found.into_iter().map(San::Dns));
    }
    if !names.iter().any(|s| matches!(s, San::Email(_))) && constrains(|s| matches!(s, San::Email(_))) {
        let found = subject(oid::EMAIL);
        if found.len() > 1 {
            return Some("it has several mail addresses under a constraint on them".to_owned());
        }
        names.extend(found.into_iter().map(San::Email));
    }
    names.iter().find_map(|name| {
        let holds = |base: &San| holds(base, name);
        let known = |base: &&San| std::mem::discriminant(*base) == std::mem::discriminant(name);
        let mut permitted =
            nc.permitted.iter().map(|t| &t.base).filter(known).filter(|b| !empty(b)).peekable();
        if nc.excluded.iter().map(|t| &t.base).filter(known).any(|b| empty(b) || holds(b)) {
            return Some("a name of it is excluded by a name constraint".to_owned());
        }
        (permitted.peek().is_some() && !permitted.any(holds))
            .then(|| "a name of it is in no permitted subtree of a name constraint".to_owned())
    })
}

/// An empty subtree excludes everything and permits nothing in particular.
fn empty(base: &San) -> bool {
    matches!(base, San::Dns(b) | San::Email(b) if b.is_empty())
}

/// `dnsname_matches`, `email_matches` and `ip_in_cidr`: case counts.
fn holds(base: &San, name: &San) -> bool {
    match (base, name) {
        (San::Dns(base), San::Dns(name)) => {
            let tree = base.strip_prefix(b".").unwrap_or(base);
            base == name
                || (base.len() < name.len() && name.strip_suffix(tree).is_some_and(|n| n.ends_with(b".")))
        }
        (San::Email(base), San::Email(name)) => {
            let tail = name.strip_suffix(base.as_slice());
            base == name
                || tail.is_some_and(|n| !n.is_empty() && (base.starts_with(b".") || n.ends_with(b"@")))
        }
        (San::Ip(base), San::Ip(name)) => {
            let (address, mask) = base.split_at(base.len() / 2);
            address.len() == name.len()
                && address.iter().zip(mask).zip(name).all(|((a, m), n)| a & m == n & m)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dns_subtree_counts_case_and_takes_a_dot_in_front_for_none() {
        let dns = |base: &str, name: &str| holds(&San::Dns(base.into()), &San::Dns(name.into()));
        assert!(dns("pulse.example", "mqtt.pulse.example") && dns(".pulse.example", "mqtt.pulse.example"));
        assert!(!dns("pulse.example", "mqtt.PULSE.example") && !dns("pulse.example", "impulse.example"));
        assert!(!dns(".pulse.example", "pulse.example"));
    }
}
