//! From sightings to clients: the broker each one ends at, its trust on this side, its stack.

use super::clients::Sighting;
use super::container::Container;
use super::names::Network;
use super::stack::Told;
use super::{Broker, Client, HostFile, Settings, Transport, Trust};
use crate::name::PeerName;
use crate::tree::Tree;

/// Makes a client of a sighting; `None` where no name can be made of its host.
pub(super) fn client(
    tree: &dyn Tree,
    container: &Container<'_>,
    network: &Network<'_>,
    brokers: &[Broker],
    sighting: Sighting,
    told: &Told,
    settings: &Settings,
) -> Option<Client> {
    let name = PeerName::parse(&sighting.host).ok()?;
    let service = container.service.name.value.clone();
    let (broker, mut broker_port) = network.resolve(brokers, Some(&service), &name, sighting.port);
    let listeners = broker.and_then(|b| brokers.get(b)).map(|b| b.listeners.as_slice()).unwrap_or_default();
    if broker_port.is_none() && sighting.port.is_none() {
        // Without a port every client means the registered one.
        let default = if sighting.transport == Transport::Tls { 8883 } else { 1883 };
        broker_port = listeners.iter().find(|l| l.port == default).map(|l| l.port);
    }
    let mut transport = sighting.transport;
    if transport == Transport::Unknown && sighting.ca.is_none() {
        // Nothing speaks of TLS: on a plaintext listener that can only work in plaintext.
        let listener = listeners.iter().find(|l| Some(l.port) == broker_port);
        if listener.is_some_and(|l| !l.tls) {
            transport = Transport::Plain;
        }
    }
    let trust = match (transport, &sighting.ca) {
        (Transport::Plain, _) => Trust::None,
        (_, Some(ca)) => Trust::File(HostFile { named: ca.clone(), host: container.locate(tree, &ca.value) }),
        (Transport::Tls, None) if sighting.system_trust => Trust::System,
        _ => Trust::Unknown,
    };
    let by_settings = settings.stacks.iter().find(|(n, _)| n.value == service);
    let (stacks, stack_evidence) = match (by_settings, sighting.stack) {
        (Some((name, stacks)), _) => (stacks.clone(), Some(name.place.to_string())),
        (None, Some((stack, evidence))) => (vec![stack], Some(evidence)),
        (None, None) => told.clone(),
    };
    Some(Client {
        service: Some(service),
        name,
        port: sighting.port,
        place: Some(sighting.place),
        via: sighting.via,
        transport,
        verifies_name: sighting.verifies_name.as_deref().and_then(|n| PeerName::parse(n).ok()),
        trust,
        flag: sighting
            .flag
            .filter(|f| transport != Transport::Plain || f.insecure_now || !f.value.is_empty()),
        stacks,
        stack_evidence,
        client_certificate: sighting.client_certificate,
        user: sighting.user,
        broker,
        broker_port,
    })
}
