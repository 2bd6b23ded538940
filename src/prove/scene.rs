//! What is rehearsed: the brokers of a deployment, or bare files, and who dials them by which name, as whom, for what.

use time::OffsetDateTime;

use crate::broker::{Plan, PlanError};
use crate::cert::{
    self,
    key::{KeyError, PrivateKey},
};
use crate::deployment::{self, Deployment, Trust};
use crate::judgement::Judgement;
use crate::tree::Tree;
use crate::verdict::{self, ClientVerdict, Decision};

/// More topics of one client than this are not tried.
const MAX_TOPICS: usize = 16;

/// One broker to rehearse: what it serves, and who dials it by which name.
#[derive(Debug)]
pub struct Scene {
    /// What is served.
    pub plan: Plan,
    /// The names, each with the service that dials it and the listener it dials; `None`: every listener.
    pub dialled: Vec<Dialled>,
    /// The trust file of clients that have none of their own here.
    pub trust: Vec<u8>,
}

impl Scene {
    /// One scene for each listener: they can be rehearsed side by side.
    #[must_use]
    pub fn apart(self) -> Vec<Self> {
        let Self { plan, dialled, trust } = self;
        let alone = |plan| Self { plan, dialled: dialled.clone(), trust: trust.clone() };
        plan.apart().into_iter().map(alone).collect()
    }
}

/// A name that is dialled.
#[derive(Debug, Clone)]
pub struct Dialled {
    /// The reference identity.
    pub name: String,
    /// Who dials it.
    pub service: Option<String>,
    /// The listener's port, where it is known.
    pub port: Option<u16>,
    /// The client's own trust file.
    pub trust: Option<Vec<u8>>,
    /// What the client's own TLS stack does as it is configured now, and which stack that is; `None`: nobody's way in
    /// but that of a name, which webpki alone judges.
    pub judged: Option<(Judgement, String)>,
    /// Its MQTT user, where the deployment says it.
    pub user: Option<String>,
    /// The topics that its settings name.
    pub topics: Vec<Topic>,
}

/// A topic of a client's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// As it stands there.
    pub filter: String,
    /// The variable that names it.
    pub variable: String,
}

impl Topic {
    /// Whether the variable's name says that the client publishes there, or that it reads there; else either will do.
    pub(super) fn needs(&self) -> (bool, bool) {
        let name = self.variable.to_uppercase();
        let words: Vec<&str> = name.split(|c: char| !c.is_ascii_alphabetic()).collect();
        let any = |of: &[&str]| words.iter().any(|w| of.contains(w));
        (any(&["PUB", "PUBLISH"]), any(&["SUB", "SUBSCRIBE"]))
    }
}

impl Dialled {
    /// A name that is dialled on every listener, by nobody in particular.
    #[must_use]
    pub fn everywhere(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            service: None,
            port: None,
            trust: None,
            judged: None,
            user: None,
            topics: Vec::new(),
        }
    }
}

/// What a client does now: with its flag where that is on, else with full verification.
fn way_in(c: &ClientVerdict) -> (Judgement, String) {
    if c.decision == Decision::NoTls {
        return (Judgement::Accept { relies_on: Vec::new() }, "plaintext".to_owned());
    }
    let flag_on = c.client.flag.as_ref().is_some_and(|f| f.insecure_now);
    let judgement = if flag_on { &c.with_flag } else { &c.verify };
    let stack = c.stack().map_or_else(|| "its TLS stack".to_owned(), |s| s.as_str().to_owned());
    (judgement.clone(), if flag_on { format!("{stack}, with its flag on") } else { stack })
}

/// The topics that a client's environment names: variables with TOPIC in their name, several by commas.
fn topics(deployment: &Deployment, client: &deployment::Client) -> Vec<Topic> {
    let service = client.service.as_ref();
    let Some(service) = deployment.services.iter().find(|s| Some(&s.name.value) == service) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    // A prefix is no topic: what stands behind it is in the code.
    let names_topics = |key: &str| {
        let key = key.to_uppercase();
        key.contains("TOPIC") && !["PREFIX", "BASE", "ROOT"].iter().any(|w| key.contains(w))
    };
    for v in service.environment.iter().filter(|v| names_topics(&v.key)) {
        for word in v.value.as_deref().unwrap_or_default().split(',').map(str::trim) {
            // What is filled in later is no topic yet.
            let whole = !word.is_empty()
                && !word.ends_with('/')
                && !word.contains(['{', '}', '$', '%', '<', '*', ' ']);
            let levels: Vec<&str> = word.split('/').collect();
            let last = levels.len().saturating_sub(1);
            let valid = levels.iter().enumerate().all(|(i, level)| match *level {
                "+" => true,
                "#" => i == last,
                other => !other.contains(['+', '#']),
            });
            if whole && valid && found.len() < MAX_TOPICS {
                found.push(Topic { filter: word.to_owned(), variable: v.key.clone() });
            }
        }
    }
    found
}

/// The brokers of a deployment as scenes. `names` are dialled besides those that clients dial.
#[must_use]
pub fn scenes(
    deployment: &Deployment,
    tree: &dyn Tree,
    names: &[String],
    trust: Option<&[u8]>,
    now: OffsetDateTime,
) -> Vec<Scene> {
    let verdict = verdict::judge(deployment, tree, now, &verdict::Options::default());
    deployment
        .brokers
        .iter()
        .enumerate()
        .map(|(index, broker)| {
            let plan = Plan::of(deployment, broker, tree);
            let mut dialled: Vec<Dialled> = verdict
                .clients
                .iter()
                .map(|judged| (judged, &judged.client))
                .filter(|(_, c)| c.broker == Some(index))
                .filter(|(_, c)| !(c.service.is_none() && c.broker_port.is_none()))
                .map(|(judged, c)| Dialled {
                    name: c.verifies_name.as_ref().unwrap_or(&c.name).as_str().to_owned(),
                    service: c.service.clone(),
                    port: c.broker_port,
                    trust: match &c.trust {
                        Trust::File(f) => f.path().and_then(|p| tree.read(p).ok()),
                        _ => None,
                    },
                    judged: Some(way_in(judged)),
                    user: c.user.clone(),
                    topics: topics(deployment, c),
                })
                .collect();
            let everywhere = Dialled::everywhere;
            let mut more: Vec<String> = names.to_vec();
            more.extend(dialled.iter().map(|d| d.name.clone()));
            for l in &broker.listeners {
                let leaf = l
                    .certfile
                    .as_ref()
                    .and_then(|f| tree.read(f.path()?).ok())
                    .and_then(|b| cert::load_pem(&b).ok()?.into_iter().next());
                let sans = leaf.iter().flat_map(|c| c.sans()).filter_map(|s| s.as_peer_name());
                more.extend(sans.map(|n| n.as_str().to_owned()).filter(|n| !n.contains('*')));
            }
            more.sort();
            more.dedup();
            more.retain(|n| !dialled.iter().any(|d| d.name == *n && d.service.is_none() && d.port.is_none()));
            dialled.extend(more.iter().map(|n| everywhere(n)));
            let mut seen = std::collections::HashSet::new();
            dialled.retain(|d| seen.insert((d.name.clone(), d.service.clone(), d.port)));
            let of_listeners =
                broker.listeners.iter().find_map(|l| tree.read(l.cafile.as_ref()?.path()?).ok());
            let of_clients = dialled.iter().find_map(|d| d.trust.clone());
            let trust = trust.map(<[u8]>::to_vec).or(of_clients).or(of_listeners).unwrap_or_default();
            Scene { plan, dialled, trust }
        })
        .collect()
}

/// A scene of bare files: one TLS listener, dialled by these names and those in the certificate.
///
/// # Errors
/// What makes no listener, in words for the user.
pub fn bare(
    port: u16,
    certfile: &[u8],
    key: &[u8],
    trust: &[u8],
    names: &[String],
) -> Result<Scene, BareError> {
    let key = PrivateKey::read(key, None).map_err(BareError::Key)?;
    bare_with(port, certfile, &key, trust, names)
}

/// As [`bare`], with a key that was read already.
///
/// # Errors
/// What makes no listener, in words for the user.
pub fn bare_with(
    port: u16,
    certfile: &[u8],
    key: &PrivateKey,
    trust: &[u8],
    names: &[String],
) -> Result<Scene, BareError> {
    let plan = Plan::bare(port, certfile, key, trust).map_err(BareError::Plan)?;
    let mut all: Vec<String> = names.to_vec();
    let chain = cert::load_pem(certfile).unwrap_or_default();
    let sans = chain.first().into_iter().flat_map(|c| c.sans()).filter_map(|s| s.as_peer_name());
    all.extend(sans.map(|n| n.as_str().to_owned()).filter(|n| !n.contains('*')));
    all.sort();
    all.dedup();
    let dialled = all.iter().map(|name| Dialled::everywhere(name)).collect();
    Ok(Scene { plan, dialled, trust: trust.to_vec() })
}

/// Why bare files make no scene.
#[derive(Debug)]
pub enum BareError {
    /// The private key cannot be used.
    Key(KeyError),
    /// Certificate and key make no listener.
    Plan(PlanError),
}

impl std::fmt::Display for BareError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key(e) => write!(f, "the server's private key: {e}"),
            Self::Plan(e) => write!(f, "{e}"),
        }
    }
}

impl std::error::Error for BareError {}
