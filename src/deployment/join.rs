//! From sightings to clients: the broker each one ends at, its trust on this side, its stack.

use std::path::Path;

use super::clients::Sighting;
use super::container::{Container, on_host};
use super::dialect::Origin;
use super::names::Network;
use super::stack::Told;
use super::{Broker, Client, ClientCertificate, Host, HostFile, Settings, Transport, Trust};
use crate::name::PeerName;
use crate::place::Located;
use crate::tree::{Tree, normalize};

/// What is known of one service when its sightings become clients.
pub(super) struct Join<'a> {
    pub(super) tree: &'a dyn Tree,
    pub(super) container: &'a Container<'a>,
    pub(super) network: &'a Network<'a>,
    pub(super) brokers: &'a [Broker],
    pub(super) told: &'a Told,
    pub(super) settings: &'a Settings,
    /// Its code is here, and none of it uses an MQTT library: it hands what it is told to somebody else.
    pub(super) passes_on: bool,
    /// Whether its Python pins TLS 1.2.
    pub(super) pins_tls_1_2: Option<bool>,
}

impl Join<'_> {
    /// Makes a client of a sighting; `None` where no name can be made of its host.
    pub(super) fn client(&self, sighting: Sighting) -> Option<Client> {
        client(self, sighting)
    }

    /// Whether an `env_file` that is not there may say something else than the code's own default.
    fn may_be_overridden(&self, sighting: &Sighting) -> bool {
        self.container.service.env_file_missing.is_some() && matches!(sighting.via, "environment" | "source")
    }

    /// Whether a variable that Compose itself sets speaks of TLS.
    fn says_tls(&self) -> bool {
        let about = |k: &str| {
            ["TLS", "SSL", "CA_", "CERT", "SECURE"].iter().any(|w| k.to_ascii_uppercase().contains(w))
        };
        self.container.service.environment.iter().any(|v| !v.from_env_file && about(&v.key))
    }
}

/// A file that is named as its source file's folder sees it: code is copied together with what lies beside it.
fn beside_the_code(tree: &dyn Tree, named: &Located<String>) -> Host {
    let folder = named.place.file.parent().unwrap_or(Path::new(""));
    match on_host(tree, &normalize(&folder.join(&named.value))) {
        host @ Host::At(_) => host,
        _ => Host::Unknown("its path is put together when the program runs".into()),
    }
}

fn client(join: &Join<'_>, mut sighting: Sighting) -> Option<Client> {
    let Join { tree, container, network, brokers, told, settings, .. } = *join;
    let name = PeerName::parse(&sighting.host).ok()?;
    let service = container.service.name.value.clone();
    let (broker, mut broker_port) = network.resolve(brokers, Some(&service), &name, sighting.port);
    let listeners = broker.and_then(|b| brokers.get(b)).map(|b| b.listeners.as_slice()).unwrap_or_default();
    let listens = |port: Option<u16>| listeners.iter().any(|l| Some(l.port) == port);
    let open = join.may_be_overridden(&sighting);
    if open && sighting.port_is_default && !listeners.is_empty() && !listens(broker_port) {
        (sighting.port, broker_port) = (None, None);
    }
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
    let listener = listeners.iter().find(|l| Some(l.port) == broker_port);
    if open && !join.says_tls() && listener.is_some_and(|l| l.tls != (transport == Transport::Tls)) {
        transport = Transport::Unknown;
    }
    let trust = match (transport, &sighting.ca) {
        (Transport::Plain, _) => Trust::None,
        (_, Some(ca)) => {
            let host = match container.locate(tree, &ca.value) {
                Host::Absent(_) if join.passes_on => Host::Unknown(
                    "its code uses no MQTT library: it may hand the path to somebody else".into(),
                ),
                Host::Absent(_) if sighting.ca_origin == Origin::Joined => beside_the_code(tree, ca),
                Host::Absent(_) if open && sighting.ca_origin == Origin::Variable => {
                    Host::Unknown("an env_file that is not there may name another".into())
                }
                host => host,
            };
            Trust::File(HostFile { named: ca.clone(), host })
        }
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
        client_certificate: sighting.client_certificate.map(|shown| match shown {
            ClientCertificate::None => ClientCertificate::None,
            ClientCertificate::Somewhere => ClientCertificate::Somewhere,
            ClientCertificate::File(named) => {
                let host = container.locate(tree, &named.value);
                ClientCertificate::File(HostFile { named, host })
            }
        }),
        pins_tls_1_2: join.pins_tls_1_2,
        user: sighting.user,
        broker,
        broker_port,
    })
}
