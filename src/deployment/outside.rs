//! Clients from outside one compose file: other files of the folder, `--name`, `--ca`, devices of `mqttcert.toml`.

use std::path::{Path, PathBuf};

use super::container::on_host;
use super::{
    Broker, BrokerName, Client, Deployment, Given, GivenName, HostFile, NameKind, Settings, Transport, Trust,
    VIA_NAME, names,
};
use crate::cert;
use crate::name::PeerName;
use crate::place::{Located, Place};
use crate::stack_id::StackId;
use crate::tree::Tree;

/// Compose files of one folder are one project by its name, so that their services share its network and its host:
/// what one file's client dials, another file's broker may be.
pub(super) fn across_files(out: &mut Deployment) {
    let brokers = &out.brokers;
    let services = &out.services;
    for client in out.clients.iter_mut().filter(|c| c.broker.is_none()) {
        let end = if names::is_host_name(&client.name) {
            brokers.iter().enumerate().find_map(|(i, b)| {
                let port = b.published.iter().find(|p| p.host.is_some() && p.host == client.port)?;
                Some((i, b, Some(port.container)))
            })
        } else {
            let another = services.iter().any(|s| s.name.value == client.name.as_str());
            let named = |b: &Broker| {
                let own = b.service.as_ref().is_some_and(|s| s.value == client.name.as_str());
                let mine = b.names.iter().any(|n| {
                    n.name == client.name
                        && matches!(n.kind, NameKind::Service | NameKind::ContainerName | NameKind::Alias)
                });
                // Another folder's broker is reached over a network that both are in.
                let near = same_folder(b, client) || !brokers.iter().any(|o| same_folder(o, client));
                mine && (own || !another) && near
            };
            brokers.iter().enumerate().find(|(_, b)| named(b)).map(|(i, b)| (i, b, client.port))
        };
        let Some((index, broker, port)) = end else { continue };
        (client.broker, client.broker_port) = (Some(index), port);
        let plain = broker.listeners.iter().any(|l| l.port == port.unwrap_or(1883) && !l.tls);
        if client.transport == Transport::Unknown && plain && client.trust == Trust::Unknown {
            (client.transport, client.trust) = (Transport::Plain, Trust::None);
        }
    }
}

/// A name from the world outside Compose that stands in the certificate of a published listener is that broker's:
/// nobody else has a certificate of that name here.
pub(super) fn by_certificate(tree: &dyn Tree, out: &mut Deployment) {
    let outsiders = |c: &&mut Client| c.broker.is_none() && !c.name.is_loopback() && c.port.is_some();
    if !out.clients.iter_mut().any(|c| outsiders(&c)) {
        return;
    }
    let mut published: Vec<(usize, u16, u16, Vec<String>)> = Vec::new();
    for (index, broker) in out.brokers.iter().enumerate() {
        for port in &broker.published {
            let listener = broker.listeners.iter().find(|l| l.port == port.container && l.tls);
            let file = listener.and_then(|l| l.certfile.as_ref()).and_then(HostFile::path);
            if let (Some(host), Some(file)) = (port.host, file) {
                published.push((index, host, port.container, names_of(tree, file)));
            }
        }
    }
    for client in out.clients.iter_mut().filter(outsiders) {
        let is_its = |(_, host, _, names): &&(usize, u16, u16, Vec<String>)| {
            Some(*host) == client.port && names.iter().any(|n| n.eq_ignore_ascii_case(client.name.as_str()))
        };
        if let Some((index, _, container, _)) = published.iter().find(is_its) {
            (client.broker, client.broker_port) = (Some(*index), Some(*container));
        }
    }
}

/// The names in the first certificate of a file: its SANs, and its common names.
fn names_of(tree: &dyn Tree, file: &Path) -> Vec<String> {
    let certificates = tree.read(file).ok().and_then(|b| cert::load_pem(&b).ok()).unwrap_or_default();
    let Some(leaf) = certificates.first() else { return Vec::new() };
    let sans = leaf.sans().iter().filter_map(|s| Some(s.as_peer_name()?.as_str().to_owned()));
    sans.chain(leaf.subject().common_names()).collect()
}

fn same_folder(broker: &Broker, client: &Client) -> bool {
    let folder = |place: &Place| place.file.parent().map(Path::to_owned);
    let of_client = client.place.as_ref().and_then(folder);
    broker.service.as_ref().is_some_and(|s| folder(&s.place) == of_client)
}

/// `--ca`: every client trusts this file.
pub(super) fn trust_everywhere(tree: &dyn Tree, ca: &Path, out: &mut Deployment) {
    for client in &mut out.clients {
        if client.transport != Transport::Plain {
            client.trust = Trust::File(file(tree, ca));
        }
    }
}

fn file(tree: &dyn Tree, path: &Path) -> HostFile {
    HostFile {
        named: Located::new(path.to_string_lossy().into_owned(), Place::file(path)),
        host: on_host(tree, path),
    }
}

/// Clients of `--name` and of `mqttcert.toml`.
pub(super) fn named_clients(tree: &dyn Tree, given: &Given, settings: &Settings, out: &mut Deployment) {
    let ca = given.ca.as_ref().or(settings.ca.as_ref());
    let trust = |own: Option<&PathBuf>, brokers: &[Broker]| {
        match own.or(ca) {
            Some(p) => Trust::File(file(tree, p)),
            // Without another word they trust the CA that the broker shows.
            None => brokers
                .first()
                .and_then(|b| b.listeners.iter().find_map(|l| l.cafile.clone()))
                .filter(|f| !matches!(f.host, super::Host::Absent(_)))
                .map_or(Trust::Unknown, Trust::File),
        }
    };
    let stacks = if given.stacks.is_empty() { vec![StackId::PythonPaho] } else { given.stacks.clone() };
    // A name with several stacks is several clients: each gets its own answer.
    let names = given.names.iter().flat_map(|n| stacks.iter().map(move |s| (n, vec![*s], VIA_NAME)));
    let from_settings = settings.names.iter().map(|n| (n, Vec::new(), "mqttcert.toml"));
    let all: Vec<(GivenName, Vec<StackId>, &'static str)> =
        names.chain(from_settings).map(|(n, s, v)| (n.clone(), s, v)).collect();
    for (given_name, stacks, via) in all {
        let (broker, broker_port) = end_of(&given_name.name, given_name.port, &mut out.brokers);
        out.clients.push(Client {
            service: None,
            name: given_name.name,
            port: given_name.port,
            place: settings.file.as_ref().filter(|_| via != VIA_NAME).map(Place::file),
            via,
            transport: Transport::Tls,
            verifies_name: None,
            trust: trust(None, &out.brokers),
            flag: None,
            stacks,
            stack_evidence: None,
            client_certificate: None,
            pins_tls_1_2: None,
            user: None,
            broker,
            broker_port,
        });
    }
    for device in &settings.devices {
        let (broker, broker_port) = end_of(&device.name, device.port, &mut out.brokers);
        out.clients.push(Client {
            service: None,
            name: device.name.clone(),
            port: device.port,
            place: Some(device.place.clone()),
            via: "mqttcert.toml",
            transport: if device.tls { Transport::Tls } else { Transport::Plain },
            verifies_name: None,
            trust: if device.tls { trust(device.ca.as_ref(), &out.brokers) } else { Trust::None },
            flag: device.insecure.map(|on| super::Flag {
                spelling: "insecure".into(),
                value: on.to_string(),
                insecure_now: on,
                effect: super::FlagEffect::Everything,
                location: super::FlagLocation::Config,
                secure_value: "false".into(),
                place: Some(device.place.clone()),
            }),
            stacks: device.stacks.clone(),
            stack_evidence: Some(device.place.to_string()),
            client_certificate: None,
            pins_tls_1_2: None,
            user: None,
            broker,
            broker_port,
        });
    }
}

/// A name from outside reaches a broker through a published port, or the only broker there is.
fn end_of(name: &PeerName, port: Option<u16>, brokers: &mut [Broker]) -> (Option<usize>, Option<u16>) {
    let through = brokers.iter().enumerate().find_map(|(i, b)| {
        let p = b.published.iter().find(|p| port.is_some() && p.host == port)?;
        Some((i, p.container))
    });
    let listens = || brokers.iter().position(|b| b.listeners.iter().any(|l| Some(l.port) == port));
    let known = || brokers.iter().position(|b| b.names.iter().any(|n| n.name == *name));
    let (index, inner) = match through {
        Some((i, p)) => (i, Some(p)),
        None => match known().or_else(listens).or(if brokers.is_empty() { None } else { Some(0) }) {
            Some(i) => (i, port),
            None => return (None, None),
        },
    };
    if let Some(broker) = brokers.get_mut(index)
        && !broker.names.iter().any(|n| n.name == *name)
    {
        broker.names.push(BrokerName { name: name.clone(), kind: NameKind::Given, place: None });
    }
    (Some(index), inner)
}
