//! Where a service is on the network, and under which names it sees others.

use std::net::IpAddr;

use crate::compose::merge::named;
use crate::compose::yaml::Node;
use crate::place::Located;

/// A network that a service is on, and its names there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkName {
    /// The network's key.
    pub network: String,
    /// `aliases`.
    pub aliases: Vec<Located<String>>,
    /// `ipv4_address`, `ipv6_address`.
    pub addresses: Vec<Located<IpAddr>>,
}

/// `network_mode`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum NetworkMode {
    /// The project's networks.
    #[default]
    Networks,
    /// The host's own network: its localhost is the host's.
    Host,
    /// Another service's network: its localhost is that one's.
    Service(String),
    /// Anything else (`none`, `container:…`).
    Other(String),
}

pub(super) fn networks(node: Option<&Node>) -> Vec<NetworkName> {
    let Some(node) = node else {
        return vec![NetworkName { network: "default".into(), aliases: Vec::new(), addresses: Vec::new() }];
    };
    named(node.clone())
        .entries()
        .iter()
        .map(|e| NetworkName {
            network: e.key.clone(),
            aliases: e
                .value
                .get("aliases")
                .map(Node::items)
                .unwrap_or_default()
                .iter()
                .filter_map(|n| Some(Located::new(n.text()?.to_owned(), n.place())))
                .collect(),
            addresses: ["ipv4_address", "ipv6_address"]
                .iter()
                .filter_map(|k| {
                    let n = e.value.get(k)?;
                    Some(Located::new(n.text()?.parse().ok()?, n.place()))
                })
                .collect(),
        })
        .collect()
}

pub(super) fn network_mode(node: &Node) -> NetworkMode {
    let mode = node.get("network_mode").or_else(|| node.get("net")).and_then(Node::text);
    match mode {
        None | Some("bridge" | "default" | "") => NetworkMode::Networks,
        Some("host") => NetworkMode::Host,
        Some(other) => match other.strip_prefix("service:") {
            Some(service) => NetworkMode::Service(service.to_owned()),
            None => NetworkMode::Other(other.to_owned()),
        },
    }
}

pub(super) fn link(node: &Node) -> Option<(String, Located<String>)> {
    let text = node.text()?;
    let (service, alias) = text.split_once(':').unwrap_or((text, text));
    Some((service.to_owned(), Located::new(alias.to_owned(), node.place())))
}

pub(super) fn extra_hosts(node: Option<&Node>) -> Vec<(Located<String>, String)> {
    let Some(node) = node else { return Vec::new() };
    let items = node.items().iter().filter_map(|n| {
        let text = n.text()?;
        let (name, address) = text.split_once('=').or_else(|| text.split_once(':'))?;
        Some((Located::new(name.to_owned(), n.place()), address.trim_matches(['[', ']']).to_owned()))
    });
    let entries = node.entries().iter().filter_map(|e| {
        let address = e.value.text().or_else(|| e.value.items().first()?.text())?;
        Some((Located::new(e.key.clone(), e.value.place()), address.to_owned()))
    });
    items.chain(entries).collect()
}
