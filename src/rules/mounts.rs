//! Mounts and published ports.

use std::collections::BTreeSet;

use super::context::{Context, Heard};
use super::{Outcome, Rule};
use crate::deployment::{HostFile, MountSource, Trust};
use crate::finding::{Finding, Fix, Severity};
use crate::tree::{Kind, normalize};

pub(super) const SINGLE_FILE_MOUNT: Rule = Rule {
    id: "single-file-mount",
    severity: Severity::Warning,
    what: "a certificate, key or CA file is mounted as a single file",
    why: "A bind mount of one file holds on to its inode: a tool that replaces the file by renaming (as it must, to be \
          safe) leaves the old content in the container until it is restarted.",
    cure: "mount a folder that holds only what this service needs; or restart the service after every replacement \
           (`mqttcert reissue --in-place` writes into the old inode)",
    source: "mount(2) MS_BIND; measured with Docker: the container keeps the old inode",
    fix: Fix::None,
    check: single_file,
};

pub(super) const PUBLISHED_WITHOUT_LISTENER: Rule = Rule {
    id: "published-without-listener",
    severity: Severity::Warning,
    what: "a port of the broker is published, but nothing listens on it",
    why: "Whoever dials it is refused; often the listener was meant to be there.",
    cure: "add the listener, or take the port out",
    source: "Compose specification, ports",
    fix: Fix::None,
    check: published,
};

fn single_file(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut wanted: BTreeSet<std::path::PathBuf> = BTreeSet::new();
    for heard in &context.heard {
        let l = heard.listener;
        for file in [&l.certfile, &l.keyfile, &l.cafile, &l.crlfile] {
            wanted.extend(file.as_ref().and_then(HostFile::path).map(normalize));
            wanted.extend(file.as_ref().and_then(missing));
        }
    }
    for client in &context.deployment.clients {
        if let Trust::File(file) = &client.trust {
            wanted.extend(file.path().map(normalize));
            wanted.extend(missing(file));
        }
    }
    let mut found = Vec::new();
    let mut seen = false;
    for service in &context.deployment.services {
        for mount in &service.mounts {
            let MountSource::Host(source) = &mount.source else { continue };
            seen = true;
            let source = normalize(source);
            let is_folder = context.tree.meta(&source).is_ok_and(|m| m.kind == Kind::Folder);
            if is_folder || !wanted.contains(&source) {
                continue;
            }
            let name = source.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            found.push(Finding {
                service: Some(service.name.value.clone()),
                ..rule.finding(
                    Some(mount.place.clone()),
                    format!(
                        "{name} is mounted as a single file: {} keeps the old one until it is restarted",
                        service.name.value
                    ),
                )
            });
        }
    }
    Outcome::of_seen(seen, found)
}

fn missing(file: &HostFile) -> Option<std::path::PathBuf> {
    match &file.host {
        crate::deployment::Host::Missing(path) => Some(normalize(path)),
        _ => None,
    }
}

fn published(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found = Vec::new();
    let mut seen = false;
    for (index, broker) in context.deployment.brokers.iter().enumerate() {
        if !context.listeners_are_known(index) {
            continue;
        }
        for port in &broker.published {
            seen = true;
            if broker.listeners.iter().any(|l| l.port == port.container) {
                let heard = |h: &&Heard<'_>| h.broker == index && h.listener.port == port.container;
                let inside = |h: &Heard<'_>| h.conf.is_some_and(|c| !c.reaches_out());
                if context.heard.iter().find(heard).is_some_and(inside) {
                    let message = format!(
                        "port {} is published, but the broker listens there on its own loopback only",
                        port.container
                    );
                    found.push(Finding {
                        service: context.service_of(index),
                        ..rule.finding(Some(port.place.clone()), message)
                    });
                }
                continue;
            }
            let listeners: Vec<String> =
                broker.listeners.iter().filter(|l| l.port != 0).map(|l| l.port.to_string()).collect();
            found.push(Finding {
                service: context.service_of(index),
                ..rule.finding(
                    Some(port.place.clone()),
                    format!(
                        "port {} is published, but the broker listens on {} only",
                        port.container,
                        listeners.join(", ")
                    ),
                )
            });
        }
    }
    Outcome::of_seen(seen, found)
}
