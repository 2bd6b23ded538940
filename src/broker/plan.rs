//! What the twin serves: made from a deployment's broker and its files (so that a candidate can be rehearsed through
//! an overlay), or from bare certificate, key and CA.

use std::fmt;
use std::sync::Arc;

use rustls::ServerConfig;
use time::OffsetDateTime;

use crate::cert::crl::Crl;
use crate::cert::key::PrivateKey;
use crate::cert::{self, Certificate};
use crate::deployment::serving::{files, serving};
use crate::deployment::{Broker, Deployment, Host, Listener};
use crate::mosquitto::acl;
use crate::mosquitto::ciphers;
use crate::mosquitto::passwd;
use crate::mosquitto::serving::{FileView, Start, TlsVersion};
use crate::mosquitto::{ListenerConf, Protocol};
use crate::stacks::as_openssl;
use crate::tree::{Tree, TreeError};

use super::access::{Access, Acl, FileAcl, FilePasswords, Passwords};
use super::bounds::{Bounds, ListenerBounds};
use super::clients::Lists;
use super::core::{Limits, Policy};
use super::identifiers::Identifiers;
use super::identity::CertificateName;
use super::reception::Outdated;
use super::tls::{self, Guest, Guests, Material};

/// Everything that the twin serves.
#[derive(Debug, Default)]
pub struct Plan {
    /// The listeners, in the order of the configuration.
    pub listeners: Vec<ListenerPlan>,
    /// Caps.
    pub limits: Limits,
    /// What the configuration asks for and the twin does not do, with its line.
    pub not_modelled: Vec<String>,
    /// Lines with which Mosquitto does not start, in its words.
    pub refusals: Vec<String>,
    /// Files of this side that the configuration names and that are not there: without them Mosquitto would not start
    /// here, which says nothing about the machine that the files are deployed to.
    pub absent: Vec<String>,
    pub(super) bounds: Bounds,
}

/// One listener.
#[derive(Debug)]
pub struct ListenerPlan {
    /// The port of the configuration.
    pub port: u16,
    /// MQTT or websockets.
    pub protocol: Protocol,
    /// How it speaks.
    pub wire: Wire,
    /// `require_certificate`.
    pub requires_certificate: bool,
    /// What its `crlfile` is worth; `None`: it has none, or requires no certificate.
    pub lists: Option<Lists>,
    pub(super) policy: Policy,
    pub(super) identity: CertificateName,
    pub(super) outdated: Outdated,
    guests: Guests,
}

impl ListenerPlan {
    /// `allow_anonymous`.
    #[must_use]
    pub fn allows_anonymous(&self) -> bool {
        self.policy.access.anonymous
    }

    /// Whether an ACL binds its clients.
    #[must_use]
    pub fn has_acl(&self) -> bool {
        self.policy.access.acl.is_some()
    }

    /// Whether its password file has this user; `None`: it has no password file.
    #[must_use]
    pub fn knows_user(&self, user: &str) -> Option<bool> {
        self.policy.access.passwords.as_ref().map(|p| p.knows(user))
    }

    /// Judges the clients of one more CA by this listener's settings, once.
    pub fn admit(&self, guest: Guest) {
        let _ = self.guests.set(guest);
    }

    /// Whether the client's certificate, not its login, says who it is.
    #[must_use]
    pub fn names_user_by_certificate(&self) -> bool {
        self.policy.certificate_names_user
    }
}

/// Plaintext, TLS, or nothing that can be served here.
#[derive(Debug, Clone)]
pub enum Wire {
    /// Plaintext.
    Plain,
    /// TLS.
    Tls(Arc<ServerConfig>),
    /// Mosquitto would not start with it, in its words.
    Refused(String),
    /// It cannot be served here, or a file cannot be seen from here: no fault of the files.
    Cannot(String),
}

/// Why bare files make no plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanError {
    /// No certificate could be read.
    Certificate(String),
    /// Certificate and key do not belong together.
    Mismatch,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(why) => write!(f, "the certificate cannot be served: {why}"),
            Self::Mismatch => f.write_str("the private key belongs to another certificate"),
        }
    }
}

impl std::error::Error for PlanError {}

impl Plan {
    /// One TLS listener for MQTT with these files; `port` is only its label.
    ///
    /// # Errors
    /// [`PlanError`]; what ring cannot sign with becomes [`Wire::Cannot`].
    pub fn bare(port: u16, certfile: &[u8], key: &PrivateKey, cafile: &[u8]) -> Result<Self, PlanError> {
        let mut chain = cert::load_pem(certfile).map_err(|e| PlanError::Certificate(e.to_string()))?;
        let leaf = chain.first().cloned().ok_or_else(|| PlanError::Certificate("it holds none".into()))?;
        if !key.matches(&leaf) {
            return Err(PlanError::Mismatch);
        }
        if chain.len() == 1 {
            let anchors = cert::load_pem(cafile).unwrap_or_default();
            chain.extend(as_openssl::completion(&leaf, &anchors, OffsetDateTime::now_utc()));
        }
        let material = Material {
            chain,
            key,
            only_1_3: false,
            ciphers: Vec::new(),
            clients: None,
            guests: Guests::default(),
        };
        let wire = match tls::config(material) {
            Ok(config) => Wire::Tls(config),
            Err(why) => Wire::Cannot(why.to_string()),
        };
        let listener = ListenerPlan {
            port,
            protocol: Protocol::Mqtt,
            wire,
            requires_certificate: false,
            lists: None,
            policy: Policy { port, ..Policy::default() },
            identity: CertificateName::None,
            outdated: Outdated::default(),
            guests: Guests::default(),
        };
        Ok(Self { listeners: vec![listener], ..Self::default() })
    }

    /// The listeners of a deployment's broker, with the files that `tree` shows.
    #[must_use]
    pub fn of(deployment: &Deployment, broker: &Broker, tree: &dyn Tree) -> Self {
        let mut plan = Self::default();
        let Some(conf) = &broker.conf else {
            return plan;
        };
        plan.bounds = Bounds::of(conf);
        plan.refusals = conf.refusals.iter().map(|r| format!("{}: {}", r.place, r.message)).collect();
        for d in &conf.directives {
            if let Some(why) = not_modelled(&d.keyword) {
                plan.not_modelled.push(format!("{}: {} is not modelled: {why}", d.place, d.keyword));
            }
        }
        for bridge in &conf.bridges {
            plan.not_modelled
                .push(format!("{}: the bridge {} is not modelled", bridge.name.place, bridge.name.value));
        }
        for listener in &broker.listeners {
            let Some(of_conf) = listener.conf.and_then(|i| conf.listeners.get(i)) else { continue };
            plan.absent.extend(absent(broker, listener, of_conf, tree));
            plan.listeners.push(listener_plan(deployment, broker, listener, of_conf, tree));
        }
        plan
    }

    /// One plan for each listener, each within the same bounds.
    #[must_use]
    pub fn apart(self) -> Vec<Self> {
        let Self { listeners, limits, bounds, .. } = self;
        let alone = |l| Self { listeners: vec![l], limits, bounds: bounds.clone(), ..Self::default() };
        listeners.into_iter().map(alone).collect()
    }

    /// Lets in only these users, each with its own password; stored passwords are not asked.
    pub fn only(&mut self, stands: Arc<Vec<super::access::Stand>>) {
        for l in &mut self.listeners {
            l.policy.access.stands = Some(stands.clone());
        }
    }
}

/// The files that this listener needs to start, and that are not there or are no files.
fn absent(broker: &Broker, l: &Listener, conf: &ListenerConf, tree: &dyn Tree) -> Vec<String> {
    let tcp = conf.protocol == Protocol::Mqtt;
    let needed = [
        (&l.password_file, true),
        (&l.acl_file, true),
        (&l.certfile, conf.is_tls()),
        (&l.keyfile, conf.is_tls()),
        (&l.cafile, conf.is_tls() && tcp),
        (&l.crlfile, conf.is_tls() && tcp),
        (&l.dhparamfile, conf.is_tls() && tcp),
    ];
    let mut out = Vec::new();
    for (file, needed) in needed {
        let Some(file) = file.as_ref().filter(|_| needed) else { continue };
        match &file.host {
            Host::Missing(path) => out.push(format!("{}: {} is not there", file.named.place, path.display())),
            Host::At(path) if matches!(tree.read(path), Err(TreeError::NotAFile(_))) => {
                out.push(format!("{}: {} is no file", file.named.place, path.display()));
            }
            // A configuration that no compose file mounts anywhere means this machine.
            Host::Unknown(why) if broker.service.is_none() => {
                out.push(format!("{}: {}: {why}", file.named.place, file.named.value));
            }
            _ => {}
        }
    }
    out
}

fn not_modelled(keyword: &str) -> Option<&'static str> {
    Some(match keyword {
        "persistence" | "persistence_location" | "persistence_file" | "autosave_interval" => {
            "sessions and retained messages live in memory"
        }
        "plugin" | "auth_plugin" => "plugins are not run",
        "tls_engine" | "tls_keyform" | "tls_engine_kpass_sha1" => "keys in an engine are not served",
        "dhparamfile" => "no Diffie-Hellman over finite fields is offered",
        "psk_file" | "psk_hint" | "use_psk" => "pre-shared keys are not served",
        "sys_interval" => "there is no $SYS tree",
        "http_dir" => "no files are served over HTTP",
        "capath" => "only cafile is read",
        _ => return None,
    })
}

fn listener_plan(
    deployment: &Deployment,
    broker: &Broker,
    l: &Listener,
    conf: &ListenerConf,
    tree: &dyn Tree,
) -> ListenerPlan {
    let seen = files(deployment, broker, l, tree);
    let guests = Guests::default();
    let wire = match serving(deployment, broker, l, tree) {
        None => Wire::Cannot("its configuration cannot be seen from here".into()),
        Some(s) => match (&s.start, s.tls) {
            (Start::No(obstacles), _) => {
                Wire::Refused(obstacles.first().map_or(String::new(), |o| o.message.clone()))
            }
            (_, false) => Wire::Plain,
            (start, true) => {
                let mut chain = s.certificates.clone();
                if let [leaf] = chain.as_slice() {
                    let anchors =
                        bytes(&seen.cafile).and_then(|b| cert::load_pem(b).ok()).unwrap_or_default();
                    chain.extend(as_openssl::completion(leaf, &anchors, OffsetDateTime::now_utc()));
                }
                let only_1_3 = s.min_tls == TlsVersion::V1_3;
                match (bytes(&seen.keyfile), start) {
                    (Some(key), _) if !chain.is_empty() => {
                        tls_wire(key, chain, only_1_3, conf, &seen, guests.clone())
                    }
                    (_, Start::Unknown(why)) => Wire::Cannot(why.clone()),
                    _ => Wire::Cannot("its certificate or key cannot be seen from here".into()),
                }
            }
        },
    };
    let truth = |x: &Option<crate::place::Located<bool>>| x.as_ref().is_some_and(|v| v.value);
    let requires = truth(&conf.require_certificate);
    let identity = if truth(&conf.use_identity_as_username) {
        CertificateName::CommonName
    } else if truth(&conf.use_subject_as_username) {
        CertificateName::Subject
    } else {
        CertificateName::None
    };
    let tls = matches!(wire, Wire::Tls(_));
    let identity = if tls { identity } else { CertificateName::None };
    let access = Access {
        anonymous: conf.allow_anonymous,
        passwords: bytes(&seen.password_file)
            .map(|b| Arc::new(FilePasswords(passwd::PasswordFile::parse(b))) as Arc<dyn Passwords>),
        acl: bytes(&seen.acl_file)
            .and_then(|b| acl::Acl::parse(b).ok())
            .map(|a| Arc::new(FileAcl(a)) as Arc<dyn Acl>),
        stands: None,
    };
    ListenerPlan {
        port: l.port,
        protocol: l.protocol,
        wire,
        requires_certificate: requires,
        lists: seen.crlfile.as_ref().filter(|_| requires && tls).map(|_| match conf.protocol {
            Protocol::Websockets => Lists::Ignored,
            Protocol::Mqtt => {
                let (anchors, crls) = authorities(conf, &seen);
                Lists::of(&crls.unwrap_or_default(), &anchors, OffsetDateTime::now_utc())
            }
        }),
        identity,
        outdated: Outdated::of(conf),
        guests,
        policy: Policy {
            port: l.port,
            access,
            certificate_names_user: identity != CertificateName::None,
            username_as_client_id: truth(&conf.use_username_as_clientid),
            mount_point: conf.mount_point.as_ref().map(|m| m.value.clone()),
            max_connections: usize::try_from(conf.max_connections).ok(),
            ids: broker.conf.as_ref().map(|whole| Identifiers::of(whole, conf)).unwrap_or_default(),
            bounds: broker.conf.as_ref().map(|whole| ListenerBounds::of(whole, conf)).unwrap_or_default(),
        },
    }
}

fn tls_wire(
    key: &[u8],
    chain: Vec<Certificate>,
    only_1_3: bool,
    conf: &ListenerConf,
    seen: &crate::mosquitto::serving::ListenerFiles,
    guests: Guests,
) -> Wire {
    let key = match PrivateKey::read(key, None) {
        Ok(key) => key,
        Err(e) => return Wire::Cannot(format!("cannot serve this here: {e}")),
    };
    let clients = conf.require_certificate.as_ref().is_some_and(|v| v.value).then(|| authorities(conf, seen));
    // A list that cannot be used keeps Mosquitto from starting, which its obstacles say; libwebsockets passes over it.
    let older = conf.ciphers.as_ref().filter(|l| ciphers::is_cipher_list(&l.value));
    let of_tls13 = conf.ciphers_tls13.as_ref().filter(|l| ciphers::is_tls13_list(&l.value));
    let ciphers = older.into_iter().chain(of_tls13).map(|c| c.value.clone()).collect();
    match tls::config(Material { chain, key: &key, only_1_3, ciphers, clients, guests }) {
        Ok(config) => Wire::Tls(config),
        Err(why) => Wire::Cannot(why.to_string()),
    }
}

/// Whom the listener trusts, and the lists that it heeds: websockets listeners of Mosquitto 2.0 ignore crlfile.
fn authorities(
    conf: &ListenerConf,
    seen: &crate::mosquitto::serving::ListenerFiles,
) -> (Vec<Certificate>, Option<Vec<Crl>>) {
    let anchors = bytes(&seen.cafile).and_then(|b| cert::load_pem(b).ok()).unwrap_or_default();
    let crls = bytes(&seen.crlfile).filter(|_| conf.protocol == Protocol::Mqtt).map(|b| {
        cert::pem::scan(b)
            .iter()
            .filter(|block| block.label.contains("CRL"))
            .filter_map(|block| Crl::from_der(block.der.as_deref()?).ok())
            .collect()
    });
    (anchors, crls)
}

fn bytes(view: &Option<FileView>) -> Option<&[u8]> {
    match view {
        Some(FileView::Here(b)) => Some(b),
        _ => None,
    }
}
