//! `ports`, in both forms.

use std::net::IpAddr;

use crate::compose::yaml::Node;
use crate::place::Place;

/// A port of a container that is published on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedPort {
    /// The address on the host, if it is narrowed.
    pub host_ip: Option<IpAddr>,
    /// The port on the host; `None` where Docker chooses.
    pub host: Option<u16>,
    /// The port in the container.
    pub container: u16,
    /// Where it is written.
    pub place: Place,
}

pub(super) fn ports(node: &Node) -> Vec<PublishedPort> {
    let place = node.place();
    if let Some(text) = node.text() {
        return short_port(text, &place);
    }
    if node.get("protocol").and_then(Node::text).is_some_and(|p| p != "tcp") {
        return Vec::new();
    }
    let number = |key: &str| node.get(key).and_then(Node::text).and_then(|t| t.parse::<u16>().ok());
    let Some(container) = number("target") else { return Vec::new() };
    let place = node.get("published").or_else(|| node.get("target")).map_or(place, Node::place);
    let host_ip = node.get("host_ip").and_then(Node::text).and_then(|t| t.parse().ok());
    match node.get("published").and_then(Node::text).and_then(|t| t.split_once('-')) {
        Some((from, _)) => vec![PublishedPort { host_ip, host: from.parse().ok(), container, place }],
        None => vec![PublishedPort { host_ip, host: number("published"), container, place }],
    }
}

fn short_port(text: &str, place: &Place) -> Vec<PublishedPort> {
    let (text, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    if protocol != "tcp" {
        return Vec::new();
    }
    let (rest, container) = match text.rfind(':') {
        Some(at) => (Some(&text[..at]), &text[at + 1..]),
        None => (None, text),
    };
    let (ip, host) = match rest {
        None => (None, None),
        Some(rest) => match rest.rfind(':').filter(|at| !rest[*at..].contains(']')) {
            Some(at) => (Some(rest[..at].trim_matches(['[', ']'])), Some(&rest[at + 1..])),
            None => (None, Some(rest)),
        },
    };
    let host_ip = ip.and_then(|t| t.parse().ok());
    let Some((from, to)) = range(container) else { return Vec::new() };
    let host = host.filter(|h| !h.is_empty()).and_then(range);
    (from..=to)
        .take(1000)
        .map(|container| PublishedPort {
            host_ip,
            host: host.and_then(|(first, last)| {
                let port = first.checked_add(container - from)?;
                (port <= last || first == last).then_some(port)
            }),
            container,
            place: place.clone(),
        })
        .collect()
}

fn range(text: &str) -> Option<(u16, u16)> {
    match text.split_once('-') {
        Some((a, b)) => Some((a.trim().parse().ok()?, b.trim().parse().ok()?)).filter(|(a, b)| a <= b),
        None => {
            let port = text.trim().parse().ok()?;
            Some((port, port))
        }
    }
}
