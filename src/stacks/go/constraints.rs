//! Name constraints as crypto/x509 applies them (`checkNameConstraints` of 1.19, constraints.go of 1.27).

use super::Version;
use super::uri::{self, Host};
use crate::cert::Certificate;
use crate::cert::extension::{NameConstraints, Subtree};
use crate::name::San;

/// How the hosts of URIs and addresses are compared with a constraint without a dot in front: which release of Go
/// changed from the one to the other could not be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hosts {
    /// As domains: the host itself and everything below it.
    Below,
    /// The host itself alone.
    Exact,
}

/// A violation in words; `below` are the certificates under the constraint, leaf first, `own` is its own.
pub(in super::super) fn violation(
    version: Version,
    own: &Certificate,
    below: &[&Certificate],
) -> Option<String> {
    let with = |hosts| broken(version, own, below, hosts);
    match version {
        Version::V1_19 => with(Hosts::Below),
        Version::V1_27 => with(Hosts::Below).and(with(Hosts::Exact)),
    }
}

/// Whether a path is refused or not by how the version compares hosts.
pub(in super::super) fn doubtful(version: Version, path: &[Certificate]) -> bool {
    let path: Vec<&Certificate> = path.iter().collect();
    version > Version::V1_19
        && path.iter().enumerate().skip(1).any(|(i, own)| {
            let below = path.get(..i).unwrap_or_default();
            [Hosts::Below, Hosts::Exact].iter().any(|h| broken(version, own, below, *h).is_some())
        })
}

fn broken(version: Version, own: &Certificate, below: &[&Certificate], hosts: Hosts) -> Option<String> {
    let nc = own.name_constraints()?;
    let named: Vec<&Certificate> = match version {
        // The leaf and the constrained CA itself.
        Version::V1_19 => below.first().copied().into_iter().chain([own]).collect(),
        Version::V1_27 => below.to_vec(),
    };
    let constraints = Constraints { version, nc, hosts };
    named.iter().flat_map(|cert| cert.sans()).find_map(|name| constraints.broken_by(name))
}

struct Constraints<'a> {
    version: Version,
    nc: &'a NameConstraints,
    hosts: Hosts,
}

impl Constraints<'_> {
    fn broken_by(&self, name: &San) -> Option<String> {
        let newer = self.version > Version::V1_19;
        match name {
            San::Dns(n) if !uri::domain(self.version, n, false) => {
                Some(format!("DNS:{} is no domain name that Go could constrain", String::from_utf8_lossy(n)))
            }
            San::Dns(n) => self.compare(name, |base| match base {
                San::Dns(base) => Some((labels(base, n), covered(base, n) && newer)),
                _ => None,
            }),
            San::Ip(n) => self.compare(name, |base| match base {
                San::Ip(base) => Some((within(base, n), false)),
                _ => None,
            }),
            San::Email(n) => {
                let Some((local, domain)) = mailbox(self.version, n) else {
                    return Some("an e-mail address is none that Go could constrain".to_owned());
                };
                self.compare(name, |base| {
                    let San::Email(base) = base else { return None };
                    let whole = mailbox(self.version, base).filter(|_| base.contains(&b'@'));
                    Some((
                        match whole {
                            Some((l, d)) => l == local && d.eq_ignore_ascii_case(&domain),
                            None => self.host(base, &domain),
                        },
                        false,
                    ))
                })
            }
            San::Uri(n) => {
                let constrained = self.trees().any(|t| matches!(t.base, San::Uri(_)));
                let Some(host) = bare_host(self.version, n) else {
                    let what = "a URI has no host that Go could constrain".to_owned();
                    return (newer || constrained).then_some(what);
                };
                self.compare(name, |base| match base {
                    San::Uri(base) => Some((self.host(base, &host), false)),
                    _ => None,
                })
            }
            San::Directory(_) | San::Other(..) => None,
        }
    }

    fn trees(&self) -> impl Iterator<Item = &Subtree> {
        self.nc.permitted.iter().chain(&self.nc.excluded)
    }

    /// `holds` tells whether a constraint of the name's form holds it, and whether the name, a wildcard, could stand
    /// for one that it holds.
    fn compare(&self, name: &San, holds: impl Fn(&San) -> Option<(bool, bool)>) -> Option<String> {
        let shown = || name.as_peer_name().map_or_else(|| "a name".to_owned(), |n| n.to_string());
        let hit = |t: &Subtree| holds(&t.base);
        if self.nc.excluded.iter().filter_map(hit).any(|(whole, part)| whole || part) {
            return Some(format!("{} is excluded by a name constraint", shown()));
        }
        let mut permitted = self.nc.permitted.iter().filter_map(hit).peekable();
        let refused = permitted.peek().is_some() && !permitted.any(|(whole, _)| whole);
        refused.then(|| format!("{} is in no permitted subtree of a name constraint", shown()))
    }

    fn host(&self, base: &[u8], host: &[u8]) -> bool {
        match self.hosts {
            Hosts::Exact if !base.is_empty() && base.first() != Some(&b'.') => {
                base.eq_ignore_ascii_case(host)
            }
            _ => labels(base, host),
        }
    }
}

/// Whether a domain ends in the labels of a constraint; with a dot in front it must have one more.
fn labels(constraint: &[u8], domain: &[u8]) -> bool {
    if constraint.is_empty() {
        return true;
    }
    let (base, more) = match constraint.strip_prefix(b".") {
        Some(base) => (base, true),
        None => (constraint, false),
    };
    let Some(start) = domain.len().checked_sub(base.len()) else { return false };
    let (head, tail) = domain.split_at(start);
    tail.eq_ignore_ascii_case(base)
        && if head.is_empty() { !more } else { head.ends_with(b".") || base.is_empty() }
}

/// Whether a wildcard could stand for the constrained name: `*.example.com` for `test.example.com`.
fn covered(constraint: &[u8], name: &[u8]) -> bool {
    let behind =
        |text: &[u8]| text.iter().position(|b| *b == b'.').and_then(|i| text.get(i..)).map(<[u8]>::to_vec);
    name.first() == Some(&b'*')
        && behind(name).zip(behind(constraint)).is_some_and(|(n, c)| n.eq_ignore_ascii_case(&c))
}

fn within(base: &[u8], address: &[u8]) -> bool {
    base.len() == 2 * address.len() && {
        let (network, mask) = base.split_at(address.len());
        network.iter().zip(mask).zip(address).all(|((n, m), a)| n & m == a & m)
    }
}

/// The host of a URI without its port; `None` for none and for an address.
fn bare_host(version: Version, text: &[u8]) -> Option<Vec<u8>> {
    let Host::Named(host) = uri::host(version, text) else { return None };
    let bare = match host.iter().rposition(|b| *b == b':') {
        Some(at) if !host.ends_with(b"]") => host.get(..at)?.to_vec(),
        _ => host,
    };
    let literal = bare.first() == Some(&b'[');
    (!literal && !uri::address(&bare)).then_some(bare)
}

/// `parseRFC2821Mailbox`: local part and domain.
pub(super) fn mailbox(version: Version, text: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut local = Vec::new();
    let mut rest = text;
    let quoted = text.first() == Some(&b'"');
    if quoted {
        rest = rest.get(1..)?;
        loop {
            let (first, tail) = rest.split_first()?;
            rest = tail;
            match first {
                b'"' => break,
                b'\\' => {
                    let (next, tail) = rest.split_first()?;
                    matches!(next, 1..=9 | 11 | 12 | 14..=127).then_some(())?;
                    local.push(*next);
                    rest = tail;
                }
                1..=8 | 11 | 12 | 14..=33 | 35..=91 | 93..=127 => local.push(*first),
                _ => return None,
            }
        }
    } else {
        while let Some((first, tail)) = rest.split_first() {
            if *first == b'\\' {
                let (next, tail) = tail.split_first()?;
                local.push(*next);
                rest = tail;
            } else if first.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(first) {
                local.push(*first);
                rest = tail;
            } else {
                break;
            }
        }
        let odd = local.is_empty() || local.starts_with(b".") || local.ends_with(b".");
        if odd || local.windows(2).any(|w| w == b"..") {
            return None;
        }
    }
    let domain = rest.strip_prefix(b"@")?;
    uri::domain(version, domain, false).then(|| (local, domain.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constraint_ends_at_a_label_and_a_dot_in_front_demands_one_more() {
        let dns = |c: &str, d: &str| labels(c.as_bytes(), d.as_bytes());
        assert!(dns("pulse.example", "mqtt.PULSE.example") && dns("pulse.example", "pulse.example"));
        assert!(!dns("pulse.example", "impulse.example") && !dns(".pulse.example", "pulse.example"));
        assert!(dns(".pulse.example", "a.pulse.example") && dns("", "anything"));
        assert!(
            covered(b"test.example.com", b"*.example.com")
                && !covered(b"a.test.example.com", b"*.example.com")
        );
    }

    #[test]
    fn reads_mailboxes() {
        let read = |t: &str| mailbox(Version::V1_27, t.as_bytes()).is_some();
        assert!(read("a.b@example.com") && read("\"a b\"@example.com"));
        assert!(!read("somebody") && !read("a..b@example.com") && !read("@example.com") && !read("a@x."));
    }
}
