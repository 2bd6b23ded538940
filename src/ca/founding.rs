//! Founds a CA for a project that has none: what files there will be.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::deployment::{Broker, Deployment, Host, HostFile, Listener, MountSource, Trust};
use crate::disk::DiskError;
use crate::disk::together::Stopped;
use crate::mosquitto::Protocol;
use crate::name::{PeerName, San};
use crate::reissue::names::from_text;

/// Why nothing was founded.
#[derive(Debug)]
pub enum FoundingError {
    /// Something stands where a file would go.
    There(PathBuf),
    /// The CA's key would be inside a container.
    Mounted(PathBuf, String),
    /// A file that the configuration names cannot be reached from here.
    Unreachable(String, String),
    /// No client or broker has a name.
    NoNames,
    /// A file could not be made; nothing was.
    Disk(DiskError),
    /// A file could not be made, nor what had been made be taken away.
    HalfDone(DiskError),
}

impl fmt::Display for FoundingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = |p: &PathBuf| crate::name::escape(&p.to_string_lossy());
        match self {
            Self::There(p) => write!(
                f,
                "{}: is there already, and init overwrites nothing; \
                 `mqttcert reissue` replaces a server certificate, `mqttcert ca renew` a CA's",
                path(p)
            ),
            Self::Mounted(p, service) => write!(
                f,
                "{}: would be inside the container of {service}, and with it the CA's key; \
                 name a place outside every mount by --ca-key FILE",
                path(p)
            ),
            Self::Unreachable(named, why) => {
                write!(
                    f,
                    "{named}: {why}; mount a folder of the host there, or name the file by --cert and --key"
                )
            }
            Self::NoNames => write!(f, "nobody dials a broker here; name what clients dial by --name NAME"),
            Self::Disk(e) => write!(f, "{e}; nothing was left behind"),
            Self::HalfDone(e) => write!(f, "{e}; run `mqttcert init` again: it ends what this run began"),
        }
    }
}

impl std::error::Error for FoundingError {}

impl From<Stopped> for FoundingError {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::There(path) => Self::There(path),
            Stopped::Disk(e) => Self::Disk(e),
            Stopped::HalfDone(e) => Self::HalfDone(e),
        }
    }
}

/// A server certificate that is needed: its files and owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// `certfile` on this side.
    pub certificate: PathBuf,
    /// `keyfile` on this side.
    pub key: PathBuf,
    /// The user that has to read the key; `None` for a broker outside a container.
    pub uid: Option<u32>,
    /// Whether a listener names these files already.
    pub configured: bool,
}

/// Every pair of files that TLS listeners mean; without one, a pair in `certs/` of the project.
///
/// # Errors
/// [`FoundingError`] where a file is there, or cannot be reached.
pub fn needed(deployment: &Deployment) -> Result<Vec<Needed>, FoundingError> {
    let mut out: Vec<Needed> = Vec::new();
    for broker in &deployment.brokers {
        for listener in &broker.listeners {
            let (Some(certificate), Some(key)) = (&listener.certfile, &listener.keyfile) else { continue };
            let pair = Needed {
                certificate: target(certificate)?,
                key: target(key)?,
                uid: broker.service.as_ref().map(|_| broker.uid),
                configured: true,
            };
            if !out.contains(&pair) {
                out.push(pair);
            }
        }
    }
    if out.is_empty() {
        let folder = deployment.dir.join("certs");
        out.push(Needed {
            certificate: folder.join("server.crt"),
            key: folder.join("server.key"),
            uid: deployment.brokers.first().and_then(|b| b.service.as_ref().map(|_| b.uid)),
            configured: false,
        });
    }
    Ok(out)
}

fn target(file: &HostFile) -> Result<PathBuf, FoundingError> {
    match &file.host {
        Host::Missing(path) => Ok(path.clone()),
        Host::At(path) => Err(FoundingError::There(path.clone())),
        Host::Absent(why) | Host::Unknown(why) => {
            Err(FoundingError::Unreachable(file.named.value.clone(), why.clone()))
        }
    }
}

/// Where ca.crt is expected: by listeners and clients. Files that are there, or cannot be reached, are left out.
#[must_use]
pub fn trust_files(deployment: &Deployment) -> Vec<PathBuf> {
    let listeners = deployment.brokers.iter().flat_map(|b| &b.listeners).filter_map(|l| l.cafile.as_ref());
    let clients = deployment.clients.iter().filter_map(|c| match &c.trust {
        Trust::File(file) => Some(file),
        _ => None,
    });
    let mut out: Vec<PathBuf> = Vec::new();
    for file in listeners.chain(clients) {
        if let Host::Missing(path) = &file.host
            && !out.contains(path)
        {
            out.push(path.clone());
        }
    }
    out
}

/// CRLs that listeners read and that are not there.
#[must_use]
pub fn crl_files(deployment: &Deployment) -> Vec<PathBuf> {
    let mut out: Vec<PathBuf> = Vec::new();
    for file in deployment.brokers.iter().flat_map(|b| &b.listeners).filter_map(|l| l.crlfile.as_ref()) {
        if let Host::Missing(path) = &file.host
            && !out.contains(path)
        {
            out.push(path.clone());
        }
    }
    out
}

/// The first TLS listener that speaks MQTT over TCP: its port, and whether it requires a client certificate.
#[must_use]
pub fn first_listener(deployment: &Deployment) -> Option<(u16, bool)> {
    deployment.brokers.iter().find_map(|broker| {
        let tcp = |l: &&Listener| l.tls && l.port > 0 && l.protocol == Protocol::Mqtt;
        let listener = broker.listeners.iter().find(tcp)?;
        let conf = listener.conf.and_then(|at| broker.conf.as_ref()?.listeners.get(at));
        let requires = conf.and_then(|c| c.require_certificate.as_ref()).is_some_and(|r| r.value);
        Some((listener.port, requires))
    })
}

/// The names that the deployment dials, the broker's own, and loopback.
#[must_use]
pub fn names(deployment: &Deployment) -> Vec<(String, San)> {
    let dialled = deployment
        .clients
        .iter()
        .filter(|c| c.broker.is_some() || deployment.brokers.len() <= 1)
        .map(|c| c.verifies_name.as_ref().unwrap_or(&c.name));
    let own = deployment.brokers.iter().flat_map(|b: &Broker| &b.names).map(|n| &n.name);
    let loopback = ["localhost", "127.0.0.1", "::1"].into_iter().filter_map(|n| PeerName::parse(n).ok());
    let mut out: Vec<(String, San)> = Vec::new();
    for name in dialled.chain(own).cloned().chain(loopback) {
        if let Some(san) = from_text(name.as_str())
            && !out.iter().any(|(_, s)| *s == san)
        {
            out.push((name.to_string(), san));
        }
    }
    out
}

/// Which service a path would be visible in.
#[must_use]
pub fn mounted_in(deployment: &Deployment, path: &Path) -> Option<String> {
    let real = |p: &Path| crate::tree::normalize(&std::path::absolute(p).unwrap_or_else(|_| p.to_owned()));
    let path = real(path);
    let services = deployment.services.iter();
    services
        .flat_map(|s| s.mounts.iter().map(move |m| (s, m)))
        .find(|(_, m)| matches!(&m.source, MountSource::Host(host) if path.starts_with(real(host))))
        .map(|(s, _)| s.name.value.clone())
}
