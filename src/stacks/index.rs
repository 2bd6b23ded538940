//! The names that a certificate presents, by the text that can match them: a thousand dialled names on a thousand
//! presented ones are looked up, not compared each with each.

use std::collections::{HashMap, HashSet};

use super::stack::{Parse, Stack};
use super::{java, nss};
use crate::cert::{Certificate, extension, oid};
use crate::name::San;

/// The presented names as one stack reads them. Which of them a dialled name is compared with is a matter of speed
/// alone: whatever could match is among the [`Index::candidates`].
pub(super) struct Index {
    sans: Vec<San>,
    /// Names without a star, by their text.
    texts: HashMap<Vec<u8>, Vec<usize>>,
    /// `*.rest`, by the rest.
    parents: HashMap<Vec<u8>, Vec<usize>>,
    /// Everything else with a star, and what a stack compares in a way of its own.
    others: Vec<usize>,
    addresses: HashSet<Vec<u8>>,
    /// Whether there is a dNSName.
    pub(super) dns: bool,
    /// Whether there is an iPAddress.
    pub(super) ips: bool,
    /// Whether there is a URI.
    pub(super) uris: bool,
}

impl Index {
    /// Of the names that this stack finds in the certificate.
    pub(super) fn of(stack: &Stack, leaf: &Certificate) -> Self {
        // BearSSL's verdict on the name is that of the last subjectAltName.
        let last = leaf.extensions().iter().rev().find(|e| e.oid == oid::SUBJECT_ALT_NAME);
        let sans = match (stack.parse, last) {
            (Parse::Bearssl, Some(e)) => extension::alternative_names(&e.value).unwrap_or_default(),
            (Parse::Java, _) => java::sans(leaf).to_vec(),
            (Parse::Nss, _) => nss::sans(leaf).to_vec(),
            _ => leaf.sans().to_vec(),
        };
        let mut index = Self {
            sans,
            texts: HashMap::new(),
            parents: HashMap::new(),
            others: Vec::new(),
            addresses: HashSet::new(),
            dns: false,
            ips: false,
            uris: false,
        };
        let mut seen = HashSet::new();
        for (at, san) in index.sans.iter().enumerate() {
            match san {
                San::Dns(name) => {
                    index.dns = true;
                    // One that stands there twice matches the first time or never.
                    if seen.insert(name.as_slice()) {
                        match shape(stack.parse, name) {
                            Shape::Text(text) => index.texts.entry(text).or_default().push(at),
                            Shape::Parent(rest) => index.parents.entry(rest).or_default().push(at),
                            Shape::Other => index.others.push(at),
                        }
                    }
                }
                San::Ip(octets) => {
                    index.ips = true;
                    index.addresses.insert(octets.clone());
                }
                San::Uri(_) => index.uris = true,
                _ => {}
            }
        }
        index
    }

    /// Every member, in order.
    pub(super) fn sans(&self) -> &[San] {
        &self.sans
    }

    /// Whether an iPAddress has exactly these octets.
    pub(super) fn has_address(&self, octets: &[u8]) -> bool {
        self.addresses.contains(octets)
    }

    /// The dNSNames that could match this host, in their order.
    pub(super) fn candidates(&self, host: &str) -> impl Iterator<Item = &[u8]> {
        let whole = folded(host.as_bytes());
        let behind = whole.iter().position(|b| *b == b'.').and_then(|i| whole.get(i + 1..));
        let parents = behind.and_then(|rest| self.parents.get(rest));
        // libmosquitto takes a host without a dot for the rest itself.
        let own = self.parents.get(whole.as_slice());
        let found = self.texts.get(whole.as_slice()).into_iter().chain(parents).chain(own);
        let mut all: Vec<usize> = found.flatten().copied().chain(self.others.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all.into_iter().filter_map(|at| match self.sans.get(at) {
            Some(San::Dns(name)) => Some(name.as_slice()),
            _ => None,
        })
    }
}

enum Shape {
    Text(Vec<u8>),
    Parent(Vec<u8>),
    Other,
}

/// How a name is found again. wolfSSL's stars reach over dots, and Java compares A-labels as what they stand for.
fn shape(library: Parse, name: &[u8]) -> Shape {
    let text = folded(name);
    if !text.contains(&b'*') {
        return Shape::Text(text);
    }
    let unicode = !text.is_ascii() || text.windows(4).any(|w| w == b"xn--");
    match text.strip_prefix(b"*.") {
        Some(rest) if library != Parse::Wolfssl && !rest.contains(&b'*') && !unicode => {
            Shape::Parent(rest.to_vec())
        }
        _ => Shape::Other,
    }
}

/// In lower case, up to a NUL, without a final dot.
fn folded(name: &[u8]) -> Vec<u8> {
    let text = name.split(|b| *b == 0).next().unwrap_or_default();
    text.strip_suffix(b".").unwrap_or(text).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::super::stack;
    use super::super::wildcard;
    use super::*;
    use crate::stack_id::StackId;

    #[test]
    fn whatever_matches_is_among_the_candidates() {
        let patterns = [
            "iot-mqtt",
            "IOT-MQTT.",
            "*.pulse.example",
            "*.PULSE.example.",
            "*.iot-mqtt",
            "*.local",
            "*",
            "m*.pulse.example",
            "*tt.pulse.example",
            "mqtt.*.example",
            "*.*.example",
            "iot-*",
            "iot-mqtt\0.evil.example",
            "*.xn--bcher-kva.example",
            "*.0.0.1",
            "**.pulse.example",
            "a*.b*.c",
        ];
        let hosts = [
            "iot-mqtt",
            "iot-mqtt.",
            "IoT-mqtt",
            "mqtt.pulse.example",
            "a.mqtt.pulse.example",
            "broker.local",
            "a.xn--bcher-kva.example",
            "127.0.0.1",
            "other-host",
            "ax.by.c",
        ];
        for id in StackId::ALL.iter().chain(StackId::VERSIONS) {
            let stack = stack(*id);
            for pattern in patterns {
                let at = |host: &str| {
                    let (whole, shape) = (folded(host.as_bytes()), shape(stack.parse, pattern.as_bytes()));
                    let behind = whole.iter().position(|b| *b == b'.').and_then(|i| whole.get(i + 1..));
                    match shape {
                        Shape::Text(text) => text == whole,
                        Shape::Parent(rest) => rest == whole || behind == Some(rest.as_slice()),
                        Shape::Other => true,
                    }
                };
                for host in hosts {
                    let matched = wildcard::matches(stack.names.wildcard, pattern.as_bytes(), host).is_some();
                    assert!(!matched || at(host), "{id} {pattern:?} {host}");
                }
            }
        }
    }
}
