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
mod seen;
pub(super) mod spring;
pub(super) mod telegraf;
mod unasked;
pub(super) mod unread;
mod unset;
pub(super) mod zigbee2mqtt;

use std::path::Path;

use super::container::image_name;
use super::dialect::Origin;
use super::endpoint;
use super::{ClientCertificate, Flag, Transport};
use crate::place::{Located, Place};
use crate::stack_id::StackId;

pub(super) use seen::Seen;
use seen::{expand, yaml_file};

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
    /// Its own certificate, by its container path.
    pub(super) client_certificate: Option<ClientCertificate<Located<String>>>,
    pub(super) user: Option<String>,
    /// The stack, where the way of naming gives it away.
    pub(super) stack: Option<(StackId, String)>,
    /// A variable says so that its code asks for nowhere.
    pub(super) unread: bool,
}

impl Sighting {
    /// It shows the certificate of this file, or none.
    pub(super) fn shows(&mut self, file: Option<Located<String>>) {
        self.client_certificate = Some(file.map_or(ClientCertificate::None, ClientCertificate::File));
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
            user: None,
            stack: None,
            unread: false,
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
        old.client_certificate = new.client_certificate.or(old.client_certificate.take());
    } else {
        if old.transport == Transport::Unknown {
            old.transport = new.transport;
        }
        old.client_certificate = old.client_certificate.take().or(new.client_certificate);
    }
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
            | "undefined"
    ) && !word.chars().all(|c| c.is_ascii_digit())
        && (endpoint::is_marked(text) || !endpoint::is_placeholder(text))
        && !word.contains("..")
}
