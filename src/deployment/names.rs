//! Every name under which a broker is reached, and which broker a client's name and port end at.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;

use super::{Broker, BrokerName, NameKind};
use crate::compose::{Mount, MountSource, NetworkMode, Service};
use crate::name::PeerName;
use crate::place::Place;

/// Names of the host as containers see it.
const HOST_NAMES: [&str; 5] = [
    "host.docker.internal",
    "gateway.docker.internal",
    "host.containers.internal",
    "172.17.0.1",
    "host.lima.internal",
];

/// Whether a name means the host itself, as containers see it.
pub(super) fn is_host_name(name: &PeerName) -> bool {
    HOST_NAMES.contains(&name.as_str().trim_end_matches('.'))
}

/// The services of a project by name, and which of them is which broker.
pub(super) struct Network<'a> {
    services: HashMap<&'a str, &'a Service>,
    brokers: HashMap<String, Vec<(usize, NameKind)>>,
    by_service: HashMap<&'a str, usize>,
    /// There is one broker, and it runs on a machine whose names no compose file tells.
    on_a_machine: bool,
}

impl<'a> Network<'a> {
    /// Names every broker, and remembers who is who.
    pub(super) fn new(services: &[&'a Service], brokers: &mut [Broker]) -> Self {
        let mut out = Self::empty();
        for service in services {
            out.services.entry(&service.name.value).or_insert(service);
        }
        for (index, broker) in brokers.iter_mut().enumerate() {
            let Some(name) = broker.service.clone() else { continue };
            let found = services.iter().find(|s| s.name == name);
            let Some(service) = found else { continue };
            out.by_service.entry(&service.name.value).or_insert(index);
            name_broker(service, services, broker);
        }
        for (index, broker) in brokers.iter().enumerate() {
            for name in &broker.names {
                let key = name.name.as_str().to_ascii_lowercase();
                out.brokers.entry(key).or_default().push((index, name.kind));
            }
        }
        out
    }

    fn empty() -> Self {
        Self {
            services: HashMap::new(),
            brokers: HashMap::new(),
            by_service: HashMap::new(),
            on_a_machine: false,
        }
    }

    /// The brokers as a program sees them that no service runs.
    pub(super) fn of_brokers(brokers: &[Broker]) -> Self {
        let mut out = Self::empty();
        out.on_a_machine = matches!(brokers, [only] if only.service.is_none());
        for (index, broker) in brokers.iter().enumerate() {
            for name in &broker.names {
                let key = name.name.as_str().to_ascii_lowercase();
                out.brokers.entry(key).or_default().push((index, name.kind));
            }
        }
        out
    }

    /// Whether some broker is called so.
    pub(super) fn is_broker_name(&self, name: &str) -> bool {
        self.brokers
            .get(&name.to_ascii_lowercase())
            .is_some_and(|l| l.iter().any(|(_, k)| !matches!(k, NameKind::HostNetwork)))
    }

    /// Whether a variable's words begin with the name of another service: in a shared `env_file` it is that one's.
    pub(super) fn is_anothers(&self, service: &str, words: &[String]) -> bool {
        let plain = |name: &str| name.replace(['-', '_', '.'], "").to_ascii_uppercase();
        let own = plain(service);
        (1..words.len()).any(|n| {
            let start: String = words.iter().take(n).map(String::as_str).collect();
            start != own && self.services.keys().any(|s| plain(s) == start && !self.is_broker_name(s))
        })
    }

    /// Whether another service has a file of this side too.
    pub(super) fn is_mounted_elsewhere(&self, service: &str, file: &Path) -> bool {
        let holds = |m: &Mount| matches!(&m.source, MountSource::Host(p) if file.starts_with(p));
        self.services.iter().any(|(name, s)| *name != service && s.mounts.iter().any(holds))
    }

    /// Every name of a broker on the containers' networks, for the search in source code.
    pub(super) fn broker_names(&self) -> impl Iterator<Item = &str> {
        self.brokers
            .iter()
            .filter(|(_, l)| l.iter().any(|(_, k)| !matches!(k, NameKind::HostNetwork)))
            .map(|(n, _)| n.as_str())
    }

    /// Whether the name is another service's that is no broker.
    pub(super) fn is_other_service(&self, name: &str) -> bool {
        !self.is_broker_name(name)
            && (self.services.contains_key(name)
                || self.services.values().any(|s| s.container_name.as_ref().is_some_and(|c| c.value == name)))
    }

    /// The broker that `name` and `port` end at, dialled from `service`, and the port on it.
    pub(super) fn resolve(
        &self,
        brokers: &[Broker],
        service: Option<&str>,
        name: &PeerName,
        port: Option<u16>,
    ) -> (Option<usize>, Option<u16>) {
        let from = service.and_then(|s| self.services.get(s)).copied();
        let text = name.as_str().trim_end_matches('.');
        if let Some(from) = from {
            if let Some((target, _)) =
                from.links.iter().find(|(_, alias)| alias.value.eq_ignore_ascii_case(text))
                && let Some(broker) = self.by_service.get(target.as_str())
            {
                return (Some(*broker), port);
            }
            if let Some((_, address)) =
                from.extra_hosts.iter().find(|(n, _)| n.value.eq_ignore_ascii_case(text))
            {
                if address == "host-gateway" || address.parse::<IpAddr>().is_ok_and(|a| a.is_loopback()) {
                    return published(brokers, port);
                }
                if let Some((broker, _)) = self.brokers.get(address).and_then(|l| l.first()) {
                    return (Some(*broker), port);
                }
            }
        }
        if name.is_loopback() {
            return self.loopback(brokers, from, port, 0);
        }
        if let Some(list) = self.brokers.get(&text.to_ascii_lowercase()) {
            let best = list
                .iter()
                .find(|(_, k)| !matches!(k, NameKind::HostNetwork | NameKind::Link | NameKind::ExtraHost));
            if let Some((broker, _)) = best {
                return (Some(*broker), port);
            }
        }
        if HOST_NAMES.contains(&text) {
            return published(brokers, port);
        }
        match self.brokers.get(&text.to_ascii_lowercase()).and_then(|l| l.first()) {
            Some((broker, NameKind::Given)) => {
                let (b, p) = published(brokers, port);
                if b == Some(*broker) { (b, p) } else { (Some(*broker), port) }
            }
            _ if self.on_a_machine && is_of_ones_own_network(text) => (Some(0), port),
            _ => (None, None),
        }
    }

    fn loopback(
        &self,
        brokers: &[Broker],
        from: Option<&Service>,
        port: Option<u16>,
        depth: usize,
    ) -> (Option<usize>, Option<u16>) {
        let Some(from) = from else { return published(brokers, port) };
        if let Some(broker) = self.by_service.get(from.name.value.as_str()) {
            return (Some(*broker), port);
        }
        match &from.network_mode {
            NetworkMode::Host => {
                let on_host = brokers.iter().position(|b| {
                    let service = b.service.as_ref().and_then(|s| self.services.get(s.value.as_str()));
                    service.is_some_and(|s| s.network_mode == NetworkMode::Host)
                });
                match on_host {
                    Some(b) => (Some(b), port),
                    None => published(brokers, port),
                }
            }
            NetworkMode::Service(other) if depth < 8 => {
                self.loopback(brokers, self.services.get(other.as_str()).copied(), port, depth + 1)
            }
            _ => (None, None),
        }
    }
}

/// Whether a name or address means a machine of one's own network: no resolver outside knows it (RFC 1918, RFC 6762,
/// RFC 8375).
fn is_of_ones_own_network(name: &str) -> bool {
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(a)) => a.is_private(),
        Ok(IpAddr::V6(a)) => a.is_unique_local(),
        Err(_) => {
            let lower = name.to_ascii_lowercase();
            let private = ["local", "lan", "home", "internal", "home.arpa", "fritz.box"];
            !lower.contains('.') || private.iter().any(|p| lower.ends_with(&format!(".{p}")))
        }
    }
}

/// The broker that publishes a port of the host.
fn published(brokers: &[Broker], port: Option<u16>) -> (Option<usize>, Option<u16>) {
    for (index, broker) in brokers.iter().enumerate() {
        if let Some(p) = broker.published.iter().find(|p| p.host.is_some() && p.host == port) {
            return (Some(index), Some(p.container));
        }
    }
    match (brokers, port) {
        ([only], _) if only.service.is_none() => (Some(0), port),
        ([_], None) => (Some(0), None),
        _ => (None, None),
    }
}

fn name_broker(service: &Service, services: &[&Service], broker: &mut Broker) {
    let mut add = |text: &str, kind, place: Option<Place>| {
        if let Ok(name) = PeerName::parse(text)
            && !broker.names.iter().any(|n| n.name == name)
        {
            broker.names.push(BrokerName { name, kind, place });
        }
    };
    let shares = |other: &Service| {
        matches!(&other.network_mode, NetworkMode::Service(s) if *s == service.name.value)
            || matches!(&service.network_mode, NetworkMode::Service(s) if *s == other.name.value)
    };
    let host_network = service.network_mode == NetworkMode::Host;
    let mut on_network = vec![service];
    if !matches!(service.network_mode, NetworkMode::Networks) {
        on_network.clear();
    }
    on_network.extend(services.iter().filter(|s| shares(s) && s.network_mode == NetworkMode::Networks));
    for s in on_network {
        add(&s.name.value, NameKind::Service, Some(s.name.place.clone()));
        if let Some(c) = &s.container_name {
            add(&c.value, NameKind::ContainerName, Some(c.place.clone()));
        }
        for network in &s.networks {
            for alias in &network.aliases {
                add(&alias.value, NameKind::Alias, Some(alias.place.clone()));
            }
            for address in &network.addresses {
                add(&address.value.to_string(), NameKind::Address, Some(address.place.clone()));
            }
        }
    }
    let addresses: Vec<String> =
        service.networks.iter().flat_map(|n| &n.addresses).map(|a| a.value.to_string()).collect();
    for other in services {
        for (target, alias) in &other.links {
            if *target == service.name.value {
                add(&alias.value, NameKind::Link, Some(alias.place.clone()));
            }
        }
        for (name, address) in &other.extra_hosts {
            let gateway = address == "host-gateway"
                && !service.published.is_empty()
                && !HOST_NAMES.contains(&name.value.as_str());
            if addresses.contains(address) || gateway {
                add(&name.value, NameKind::ExtraHost, Some(name.place.clone()));
            }
        }
    }
    if host_network || service.published.iter().any(|p| p.host.is_some()) {
        let place = service.published.first().map(|p| p.place.clone());
        add("localhost", NameKind::HostNetwork, place.clone());
        add("127.0.0.1", NameKind::HostNetwork, place);
    }
}
