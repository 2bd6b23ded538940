//! One project read through several sets of compose files: what is the same broker or client in another file is told
//! once.

use std::path::Path;

use super::{Broker, Client, Listener, Trust};
use crate::place::Place;

/// Puts a broker to the known ones, or into the one that it is; the index is where it ends up.
pub(super) fn broker(known: &mut Vec<Broker>, new: Broker) -> usize {
    // The same service, read again through another set of files.
    if let Some(at) = known.iter().position(|b| b.service.is_some() && b.service == new.service) {
        if let Some(old) = known.get_mut(at).filter(|old| old.conf.is_none() && new.conf.is_some()) {
            *old = new;
        }
        return at;
    }
    if let Some(at) = known.iter().position(|b| is_same(b, &new)) {
        if let Some(old) = known.get_mut(at) {
            let fresh = |p: &super::PublishedPort| {
                !old.published.iter().any(|o| (o.host, o.container) == (p.host, p.container))
            };
            let more: Vec<_> = new.published.into_iter().filter(|p| fresh(p)).collect();
            old.published.extend(more);
            for name in new.names {
                if !old.names.iter().any(|n| n.name == name.name) {
                    old.names.push(name);
                }
            }
        }
        return at;
    }
    known.push(new);
    known.len() - 1
}

/// The service of the same name in another file of the folder, with the same configuration and files.
fn is_same(a: &Broker, b: &Broker) -> bool {
    let (Some(x), Some(y)) = (&a.service, &b.service) else { return false };
    let conf = |b: &Broker| b.conf.as_ref().map(|c| c.place.file.clone());
    let same_files = |(l, m): (&Listener, &Listener)| {
        [(&l.certfile, &m.certfile), (&l.keyfile, &m.keyfile), (&l.cafile, &m.cafile)]
            .into_iter()
            .chain([
                (&l.password_file, &m.password_file),
                (&l.acl_file, &m.acl_file),
                (&l.crlfile, &m.crlfile),
                (&l.dhparamfile, &m.dhparamfile),
            ])
            .all(|(f, g)| f.as_ref().map(|f| &f.host) == g.as_ref().map(|g| &g.host))
    };
    x.value == y.value
        && folder(&x.place) == folder(&y.place)
        && conf(a).is_some()
        && conf(a) == conf(b)
        && a.listeners.len() == b.listeners.len()
        && a.listeners.iter().zip(&b.listeners).all(same_files)
}

/// Whether two brokers are one to their clients: the same service with another configuration that listens alike.
fn serve_alike(brokers: &[Broker], a: Option<usize>, b: Option<usize>) -> bool {
    let get = |i: Option<usize>| i.and_then(|i| brokers.get(i));
    let (Some(x), Some(y)) = (get(a), get(b)) else { return a == b };
    let name = |b: &Broker| b.service.as_ref().map(|s| s.value.clone());
    let shape = |b: &Broker| {
        let file = |f: &Option<super::HostFile>| f.as_ref().map(|f| f.host.clone());
        let of = |l: &Listener| (l.port, l.protocol, l.tls, file(&l.certfile), file(&l.cafile));
        b.listeners.iter().map(of).collect::<Vec<_>>()
    };
    a == b || (name(x).is_some() && name(x) == name(y) && !x.listeners.is_empty() && shape(x) == shape(y))
}

fn folder(place: &Place) -> Option<&Path> {
    place.file.parent()
}

/// Whether a client is one that is known already: at the same place, or the same service of another file of the
/// folder that does exactly the same.
pub(super) fn same_client(brokers: &[Broker], known: &Client, new: &Client) -> bool {
    let place = |c: &Client| c.place.as_ref().and_then(|p| folder(p).map(Path::to_owned));
    let anchors = |c: &Client| match &c.trust {
        Trust::File(f) => Some((f.named.value.clone(), f.host.clone())),
        _ => None,
    };
    let flag = |c: &Client| c.flag.as_ref().map(|f| (f.spelling.clone(), f.value.clone(), f.insecure_now));
    if known.service != new.service || known.name != new.name {
        return false;
    }
    if known.place == new.place {
        return true;
    }
    (known.port, known.transport, known.via) == (new.port, new.transport, new.via)
        && serve_alike(brokers, known.broker, new.broker)
        && place(known) == place(new)
        && known.stacks == new.stacks
        && std::mem::discriminant(&known.trust) == std::mem::discriminant(&new.trust)
        && anchors(known) == anchors(new)
        && flag(known) == flag(new)
        && known.user == new.user
}
