//! The clients: one file per way in which a client names its broker. Each reader turns what it sees into
//! [`Sighting`]s; [`super::join`] tells broker, stack and trust.

mod appdaemon;
pub(super) mod bridge;
pub(super) mod chirpstack;
pub(super) mod command;
mod configuration;
pub(super) mod env;
pub(super) mod flag;
pub(super) mod frigate;
pub(super) mod homeassistant;
mod library;
pub(super) mod literal;
pub(super) mod nodered;
pub(super) mod openhab;
mod ports;
mod sections;
pub(super) mod spring;
pub(super) mod telegraf;
mod unasked;
pub(super) mod unread;
mod unset;
pub(super) mod zigbee2mqtt;

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::code::File;
use super::container::{Container, image_name};
use super::dialect::{Dialect, Origin};
use super::names::Network;
use super::{EnvVar, Flag, Host, Transport};
use crate::compose::MountSource;
use crate::compose::interpolate::interpolate;
use crate::compose::yaml::{self, Node};
use crate::place::{Located, Place};
use crate::stack_id::StackId;
use crate::tree::{Kind, Tree};

/// Everything that a reader may ask about one service.
pub(super) struct Seen<'a> {
    pub(super) tree: &'a dyn Tree,
    pub(super) container: &'a Container<'a>,
    pub(super) network: &'a Network<'a>,
    pub(super) env: &'a [EnvVar],
    pub(super) files: &'a [Rc<File>],
    pub(super) dialect: &'a Dialect,
    /// The service itself runs a broker.
    pub(super) is_broker: bool,
    /// Its command starts files that are here.
    pub(super) starts_code: bool,
}

/// One way in which a client names a broker, as far as its reader can tell.
#[derive(Debug, Clone)]
pub(super) struct Sighting {
    pub(super) host: String,
    pub(super) port: Option<u16>,
    /// The port is only what the code falls back to.
    pub(super) port_is_default: bool,
    pub(super) place: Place,
    pub(super) via: &'static str,
    pub(super) transport: Transport,
    /// The CA file by its container path.
    pub(super) ca: Option<Located<String>>,
    /// Where that path comes from.
    pub(super) ca_origin: Origin,
    /// It speaks TLS with the system's store.
    pub(super) system_trust: bool,
    pub(super) flag: Option<Flag>,
    pub(super) verifies_name: Option<String>,
    pub(super) client_certificate: Option<bool>,
    /// Its file by its container path, where that can be told.
    pub(super) client_certificate_file: Option<Located<String>>,
    pub(super) user: Option<String>,
    /// The stack, where the way of naming gives it away.
    pub(super) stack: Option<(StackId, String)>,
    /// A variable says so that its code asks for nowhere.
    pub(super) unread: bool,
}

impl Sighting {
    /// It shows the certificate of this file, or none.
    pub(super) fn shows(&mut self, file: Option<Located<String>>) {
        self.client_certificate = Some(file.is_some());
        self.client_certificate_file = file;
    }

    pub(super) fn new(host: impl Into<String>, port: Option<u16>, place: Place, via: &'static str) -> Self {
        Self {
            host: host.into(),
            port,
            port_is_default: false,
            place,
            via,
            transport: Transport::Unknown,
            ca: None,
            ca_origin: Origin::Variable,
            system_trust: false,
            flag: None,
            verifies_name: None,
            client_certificate: None,
            client_certificate_file: None,
            user: None,
            stack: None,
            unread: false,
        }
    }
}

/// A file of this side that is mounted or copied into a container, with its path there.
pub(super) struct Mounted {
    pub(super) path: PathBuf,
    pub(super) inside: String,
}

impl Seen<'_> {
    /// The files below mounts whose names match, at most two folders deep.
    pub(super) fn mounted(&self, wanted: &dyn Fn(&str) -> bool) -> Vec<Mounted> {
        let mut out = Vec::new();
        let copies = self.container.dockerfile.iter().flat_map(|d| &d.copies).filter_map(|c| {
            let source = crate::tree::normalize(&self.container.context.as_ref()?.join(&c.source));
            let target = if c.into {
                format!("{}/{}", c.target, source.file_name()?.to_string_lossy())
            } else {
                c.target.clone()
            };
            Some((source, target))
        });
        let mounts = self.container.service.mounts.iter().filter_map(|m| match &m.source {
            MountSource::Host(p) => Some((p.clone(), m.target.clone())),
            _ => None,
        });
        for (source, target) in mounts.chain(copies) {
            self.collect(&source, &target, wanted, 0, &mut out);
            if out.len() > 200 {
                break;
            }
        }
        out
    }

    fn collect(
        &self,
        path: &std::path::Path,
        inside: &str,
        wanted: &dyn Fn(&str) -> bool,
        depth: usize,
        out: &mut Vec<Mounted>,
    ) {
        let Ok(meta) = self.tree.meta(path) else { return };
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        match meta.kind {
            Kind::File if wanted(&name) || wanted(inside.rsplit('/').next().unwrap_or("")) => {
                out.push(Mounted { path: path.to_owned(), inside: inside.to_owned() });
            }
            Kind::Folder if depth < 3 => {
                for name in self.tree.list(path).unwrap_or_default().into_iter().take(300) {
                    if name != "node_modules" && !name.starts_with(".git") {
                        let inside = format!("{}/{name}", inside.trim_end_matches('/'));
                        self.collect(
                            &crate::tree::normalize(&path.join(&name)),
                            &inside,
                            wanted,
                            depth + 1,
                            out,
                        );
                    }
                }
            }
            _ => {}
        }
    }

    /// The text of a file of this side.
    pub(super) fn text(&self, path: &std::path::Path) -> Option<String> {
        String::from_utf8(self.tree.read(path).ok()?).ok()
    }

    /// The value of an environment variable of the container.
    pub(super) fn var(&self, key: &str) -> Option<&EnvVar> {
        self.env.iter().find(|v| v.key == key)
    }

    /// Whether the container has a file at a path: `None` if it cannot be told.
    pub(super) fn has_file(&self, path: &str) -> Option<bool> {
        // A CA that is mounted from here is there when it runs, even if it is not committed.
        match self.container.locate(self.tree, path) {
            Host::At(_) | Host::Missing(_) => Some(true),
            Host::Absent(_) => Some(false),
            Host::Unknown(_) => None,
        }
    }
}

/// Everything that a service's files and command lines dial, one reader after the other; what says the same as an
/// earlier sighting only fills in what that one left open.
pub(super) fn read(seen: &Seen<'_>) -> Vec<Sighting> {
    let readers: [fn(&Seen<'_>, &mut Vec<Sighting>); 14] = [
        env::read,
        telegraf::read,
        zigbee2mqtt::read,
        frigate::read,
        homeassistant::read,
        appdaemon::read,
        nodered::read,
        openhab::read,
        chirpstack::read,
        spring::read,
        command::read,
        configuration::read,
        literal::read,
        unset::read,
    ];
    let mut out: Vec<Sighting> = Vec::new();
    for reader in readers {
        let known = out.len();
        reader(seen, &mut out);
        let fresh: Vec<Sighting> = out.drain(known..).collect();
        for s in fresh {
            let same = |o: &&mut Sighting| {
                o.host.eq_ignore_ascii_case(&s.host)
                    && (o.port == s.port || o.port.is_none() || s.port.is_none())
                    && (o.via == "healthcheck") == (s.via == "healthcheck")
                    && (o.via == "script") == (s.via == "script")
            };
            match out.iter_mut().find(same) {
                // The address in the code is the one that is dialled.
                Some(old) if old.unread && s.via == "source" => *old = s,
                Some(old) => {
                    if matches!(old.via, "environment" | "url") && is_named_in_its_file(seen, &s) {
                        (old.place, old.via) = (s.place.clone(), s.via);
                    }
                    fill_in(old, s);
                }
                None => out.push(s),
            }
        }
    }
    // A variable that nobody asks for gives way to the broker's name in the code.
    if out.iter().any(|s| s.via == "source" && seen.network.is_broker_name(&s.host)) {
        out.retain(|s| !s.unread);
    }
    drop_unread(seen, &mut out);
    out
}

/// Whether a configuration file gives the host itself, without a variable of the container.
fn is_named_in_its_file(seen: &Seen<'_>, s: &Sighting) -> bool {
    let by_file = matches!(s.via, "telegraf" | "chirpstack" | "nodered");
    let text = seen.text(&s.place.file).filter(|_| by_file && !is_overridden(seen));
    let line = usize::try_from(s.place.line).unwrap_or(usize::MAX).saturating_sub(1);
    text.is_some_and(|t| t.lines().nth(line).is_some_and(|l| l.contains(&s.host)))
}

/// ChirpStack's gateway bridge takes every key of its file from a variable too (`INTEGRATION__MQTT__…`).
fn is_overridden(seen: &Seen<'_>) -> bool {
    seen.env.iter().any(|v| v.key.starts_with("INTEGRATION__") && v.key.contains("SERVER"))
}

/// Telegraf and ChirpStack know no variable that their configuration does not name.
fn drop_unread(seen: &Seen<'_>, out: &mut Vec<Sighting>) {
    let by_file = |s: &&Sighting| matches!(s.via, "telegraf" | "chirpstack");
    let texts: Vec<String> = out.iter().filter(by_file).filter_map(|s| seen.text(&s.place.file)).collect();
    if texts.is_empty() || is_overridden(seen) {
        return;
    }
    out.retain(|s| {
        let var = seen.env.iter().find(|v| (&v.place.file, v.place.line) == (&s.place.file, s.place.line));
        !matches!(s.via, "environment" | "url")
            || var.is_none_or(|v| texts.iter().any(|t| t.contains(v.key.as_str())))
    });
}

fn fill_in(old: &mut Sighting, new: Sighting) {
    old.port = old.port.or(new.port);
    if matches!(old.via, "environment" | "url")
        && !matches!(new.via, "source" | "command" | "spring" | "script")
    {
        // The client's own configuration file says more than a variable that it may use.
        old.transport = new.transport;
        old.system_trust = new.system_trust;
        old.ca = new.ca.or(old.ca.take());
        old.flag = new.flag.or(old.flag.take());
        old.client_certificate = new.client_certificate.or(old.client_certificate);
        old.client_certificate_file =
            new.client_certificate_file.clone().or(old.client_certificate_file.take());
    } else if old.transport == Transport::Unknown {
        old.transport = new.transport;
    }
    old.client_certificate = old.client_certificate.or(new.client_certificate);
    old.client_certificate_file = old.client_certificate_file.take().or(new.client_certificate_file);
    old.verifies_name = old.verifies_name.take().or(new.verifies_name);
    old.user = old.user.take().or(new.user);
    old.stack = old.stack.take().or(new.stack);
}

/// Whether an image runs no code of the project's own: what is mounted into it is served or stored, not run.
pub(super) fn only_serves(image: &str) -> bool {
    let name = image_name(image);
    let last = name.rsplit('/').next().unwrap_or(name);
    [
        "nginx",
        "httpd",
        "caddy",
        "traefik",
        "haproxy",
        "postgres",
        "redis",
        "mysql",
        "mariadb",
        "mongo",
        "influxdb",
        "prometheus",
        "adminer",
        "minio",
        "timescaledb",
        "timescaledb-ha",
        "postgis",
        "pgadmin4",
        "phpmyadmin",
        "mongo-express",
        "memcached",
        "valkey",
        "cassandra",
        "clickhouse-server",
        "elasticsearch",
        "kibana",
        "loki",
        "alertmanager",
        "mailhog",
        "mailpit",
        "keycloak",
        "portainer-ce",
        "certbot",
        "zookeeper",
        "cp-zookeeper",
        "cp-kafka",
    ]
    .contains(&last)
}

/// Variables of the container filled into a text of one of its files.
fn expand(env: &[EnvVar], text: &str) -> String {
    if !text.contains('$') {
        return text.to_owned();
    }
    let lookup = |n: &str| env.iter().find(|v| v.key == n).and_then(|v| v.value.clone());
    match interpolate(text, &lookup) {
        Ok(filled) if filled.unset.is_empty() => filled.text,
        _ => text.to_owned(),
    }
}

/// A YAML file's first document.
fn yaml_file(seen: &Seen<'_>, path: &Path) -> Option<Node> {
    let bytes = seen.tree.read(path).ok()?;
    let folder = path.parent().unwrap_or(Path::new(""));
    yaml::load(&bytes, path, folder).ok()?.into_iter().next()
}

/// The first place of a text in a file.
fn place_of(text: &str, path: &Path, wanted: &str) -> Place {
    let at = text.find(wanted).unwrap_or(0);
    let line = text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1;
    let mut place = Place::line(path, u32::try_from(line).unwrap_or(u32::MAX));
    place.span = (at..at + wanted.len()).into();
    place
}

/// Whether a name can be dialled at all, so that a word in a list of options is no host.
pub(super) fn is_host(text: &str) -> bool {
    let word = text.to_ascii_lowercase();
    !matches!(
        word.as_str(),
        "" | "0.0.0.0"
            | "::"
            | "true"
            | "false"
            | "none"
            | "null"
            | "mqtts"
            | "tcp"
            | "ssl"
            | "tls"
            | "ws"
            | "wss"
            | "yes"
            | "no"
            | "on"
            | "off"
            | "enabled"
            | "disabled"
            | "plain"
            | "auto"
            | "tcpv4"
            | "changeme"
            | "undefined"
    ) && !word.chars().all(|c| c.is_ascii_digit())
        && !word.starts_with("your")
        && !word.contains("..")
}
