//! The deployment: who serves what, who dials what, with which stack. Joined from what the readers saw.

mod appsettings;
mod brokers;
mod choice;
mod clients;
mod code;
mod container;
mod dialect;
mod discover;
mod endpoint;
mod error;
mod given;
mod join;
mod merge;
mod names;
mod outside;
mod programs;
mod projects;
mod reach;
mod recursive;
mod redact;
mod runs;
mod services;
pub mod serving;
mod settings;
mod stack;

use std::path::PathBuf;

use crate::finding::NotDecided;
use crate::mosquitto::{MosquittoConf, Protocol};
use crate::name::PeerName;
use crate::place::{Located, Place};
use crate::stack_id::StackId;

pub use crate::compose::{EnvVar, Mount, MountSource, PublishedPort};
pub(crate) use code::is_true_word;
pub use discover::discover;
pub use error::DiscoverError;
pub use given::{Given, GivenName};
pub use projects::compose_projects;
pub use recursive::projects;
pub use settings::{Device, IgnoredRule, RuleLevel, Settings, SettingsError};

/// One project.
#[derive(Debug, Clone, Default)]
pub struct Deployment {
    /// The folder, as the user gave it.
    pub dir: PathBuf,
    /// The compose files that were read, in order.
    pub compose_files: Vec<PathBuf>,
    /// Every service, also those that have nothing to do with MQTT.
    pub services: Vec<Service>,
    /// The brokers.
    pub brokers: Vec<Broker>,
    /// The clients, one for every broker name a service dials.
    pub clients: Vec<Client>,
    /// What could not be read or followed, and why.
    pub not_decided: Vec<NotDecided>,
    /// How the project was read where there was a choice (profiles, files, an example in the place of `.env`):
    /// worth saying, but nothing stays unjudged for it.
    pub notes: Vec<NotDecided>,
    /// What `mqttcert.toml` says (empty where there is none, or with `--isolated`).
    pub settings: Settings,
}

/// A service of the compose project, as far as rules ask about it.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name and line.
    pub name: Located<String>,
    /// The image, interpolated.
    pub image: Option<Located<String>>,
    /// What is mounted into it.
    pub mounts: Vec<Mount>,
    /// What its Dockerfile copies into its image.
    pub copied: Vec<Copied>,
    /// Its environment after merge, `env_file` and interpolation, in order; passwords and tokens are `***`.
    pub environment: Vec<EnvVar>,
    /// Ports it publishes on the host.
    pub published: Vec<PublishedPort>,
    /// The command, as words.
    pub command: Option<Located<Vec<String>>>,
    /// The healthcheck's test, as words; a `CMD-SHELL` string is one word.
    pub healthcheck: Option<Located<Vec<String>>>,
    /// The numeric user of `user:`, where it is one.
    pub user: Option<u32>,
    /// The profiles it belongs to.
    pub profiles: Vec<String>,
}

/// A file or folder of the build context that a Dockerfile copies into the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Where it is on this side.
    pub source: PathBuf,
    /// The build context, whose `.dockerignore` leaves files out.
    pub context: PathBuf,
    /// The line of the Dockerfile.
    pub place: Place,
}

/// A file that a configuration names by its path in the container, followed to this side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFile {
    /// The path as the configuration names it.
    pub named: Located<String>,
    /// Where it is on this side.
    pub host: Host,
}

/// Where a container's file is on this side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// Here, and it is there.
    At(PathBuf),
    /// It should be here, but is not (certificates are often not committed).
    Missing(PathBuf),
    /// It is certainly not in the container: nothing mounts or copies a file there (the image's own files are
    /// known, or could not hold a private CA).
    Absent(String),
    /// It cannot be seen from here: a volume, an image's own file, a rendered file.
    Unknown(String),
}

impl HostFile {
    /// The path on this side, if the file is there.
    #[must_use]
    pub fn path(&self) -> Option<&std::path::Path> {
        match &self.host {
            Host::At(p) => Some(p),
            _ => None,
        }
    }
}

/// A Mosquitto.
#[derive(Debug, Clone)]
pub struct Broker {
    /// The compose service that runs it; `None` for a bare mosquitto.conf or files named by flags.
    pub service: Option<Located<String>>,
    /// Every name under which others reach it.
    pub names: Vec<BrokerName>,
    /// Its configuration, where it can be seen.
    pub conf: Option<MosquittoConf>,
    /// Why not, where it cannot.
    pub conf_unknown: Option<String>,
    /// Its listeners, with their files followed to this side. Without a configuration but with `--cert` there is
    /// one listener with port 0.
    pub listeners: Vec<Listener>,
    /// The ports that it publishes.
    pub published: Vec<PublishedPort>,
    /// The user its process ends up as (1883 in the official image).
    pub uid: u32,
}

/// A name of a broker on the network, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerName {
    /// The name.
    pub name: PeerName,
    /// Which rule of Compose gives it.
    pub kind: NameKind,
    /// Where it is written.
    pub place: Option<Place>,
}

/// Why a name reaches a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NameKind {
    /// The compose service's name.
    Service,
    /// `container_name`.
    ContainerName,
    /// A network alias.
    Alias,
    /// A `links` alias of some client.
    Link,
    /// A static address.
    Address,
    /// `extra_hosts` of a client.
    ExtraHost,
    /// localhost or the host's own names, through a published port or the host network.
    HostNetwork,
    /// Named by a flag or by `mqttcert.toml`.
    Given,
}

/// A listener with its files on this side.
#[derive(Debug, Clone)]
pub struct Listener {
    /// The port in the container; 0 where no configuration says.
    pub port: u16,
    /// MQTT or websockets.
    pub protocol: Protocol,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Where it is declared.
    pub place: Option<Place>,
    /// `certfile`.
    pub certfile: Option<HostFile>,
    /// `keyfile`.
    pub keyfile: Option<HostFile>,
    /// `cafile`.
    pub cafile: Option<HostFile>,
    /// `crlfile`.
    pub crlfile: Option<HostFile>,
    /// `dhparamfile`.
    pub dhparamfile: Option<HostFile>,
    /// `password_file`.
    pub password_file: Option<HostFile>,
    /// `acl_file`.
    pub acl_file: Option<HostFile>,
    /// The listener of the configuration, by index into [`MosquittoConf::listeners`].
    pub conf: Option<usize>,
}

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// TLS (mqtts, wss).
    Tls,
    /// Plaintext (mqtt, ws).
    Plain,
    /// It cannot be told from what was read.
    Unknown,
}

/// Where a client takes its trust anchors from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// A CA file, by its path in the client's container.
    File(HostFile),
    /// The system's store: a private CA is not in it.
    System,
    /// It speaks TLS, but which anchors it uses cannot be told.
    Unknown,
    /// It does not speak TLS.
    None,
}

/// [`Client::via`] of a name given by `--name`: whether its flag is on is unknown, not absent.
pub const VIA_NAME: &str = "--name";

/// [`Client::via`] of a program of the project that no service runs.
pub const VIA_PROGRAM: &str = "program";

/// [`Client::via`] of a client whose host stands in a variable that nothing here sets; its name is `$VARIABLE`.
pub const VIA_UNSET: &str = "unset variable";

/// One way in which one service dials a broker.
#[derive(Debug, Clone)]
pub struct Client {
    /// The compose service; `None` for `--name`, devices of `mqttcert.toml` and programs that no service runs.
    pub service: Option<String>,
    /// The name dialled.
    pub name: PeerName,
    /// The port dialled.
    pub port: Option<u16>,
    /// Where name and port are written.
    pub place: Option<Place>,
    /// Which reader saw it: `environment`, `url`, `telegraf`, `source`, …, or [`VIA_NAME`].
    pub via: &'static str,
    /// TLS or not.
    pub transport: Transport,
    /// The name that the client verifies instead of the one it dials (a server-name override).
    pub verifies_name: Option<PeerName>,
    /// Its trust anchors.
    pub trust: Trust,
    /// Its flag for switching verification off.
    pub flag: Option<Flag>,
    /// Its TLS stacks: one if it can be told, several if any of them may be it, empty if unknown (judged by all).
    pub stacks: Vec<StackId>,
    /// What the stack was told from, e.g. `paho-mqtt in services/ingest/requirements.txt:1`.
    pub stack_evidence: Option<String>,
    /// The certificate that it shows to the broker; `None` if unknown.
    pub client_certificate: Option<ClientCertificate>,
    /// Whether its code pins TLS 1.2 (`PROTOCOL_TLSv1_2` of Python), where that can be seen.
    pub pins_tls_1_2: Option<bool>,
    /// The MQTT user, where it can be seen (never a password).
    pub user: Option<String>,
    /// The broker it reaches, by index into [`Deployment::brokers`]; `None` where the name is nobody's here.
    pub broker: Option<usize>,
    /// The port on the broker that the dialled port ends at (through a published port it differs).
    pub broker_port: Option<u16>,
}

impl Client {
    /// Whether the deployment runs it, as far as can be told: not so of a program that no service runs.
    #[must_use]
    pub fn is_deployed(&self) -> bool {
        self.via != VIA_PROGRAM
    }
}

/// Whether a client shows a certificate of its own. `F` is the file that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientCertificate<F = HostFile> {
    /// It has none.
    None,
    /// The one in this file.
    File(F),
    /// It has one; where it comes from cannot be told.
    Somewhere,
}

/// A client's switch for verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// Its name as the client spells it, e.g. `MQTT_TLS_INSECURE`.
    pub spelling: String,
    /// Its value as written.
    pub value: String,
    /// Whether verification is off now.
    pub insecure_now: bool,
    /// What it switches off.
    pub effect: FlagEffect,
    /// Where it stands.
    pub location: FlagLocation,
    /// The value that means "verify", in the client's own spelling and polarity.
    pub secure_value: String,
    /// File and line; the span is the value's.
    pub place: Option<Place>,
}

/// What a flag switches off when it is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlagEffect {
    /// Only the check of the name (`tls_insecure_set`).
    Hostname,
    /// All verification (`--insecure`, `rejectUnauthorized: false`, `InsecureSkipVerify`).
    Everything,
    /// Nothing: nobody reads it, or not in this spelling.
    Nothing,
}

/// Where a flag stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlagLocation {
    /// `environment:` of the compose file.
    Environment,
    /// An `env_file` or `.env`.
    EnvFile,
    /// A configuration file of the client.
    Config,
    /// Its source code or command line.
    Code,
}
