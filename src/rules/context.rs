//! What every rule looks at, read once: certificates with their CAs, what each listener serves, what each client does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use super::judged::Judged;
use super::project::Project;
use super::{Options, WARN_DAYS};
use crate::cert::{self, Certificate};
use crate::deployment::{self, Broker, Client, Deployment, HostFile, Listener, Service, Transport};
use crate::finding::{NotDecided, Severity};
use crate::judgement::ReasonCode;
use crate::mosquitto::ListenerConf;
use crate::mosquitto::serving::Serving;
use crate::place::Place;
use crate::tree::Tree;
use crate::verdict;

/// One certificate file that some listener serves.
pub(super) struct Served<'a> {
    /// Which broker.
    pub broker: usize,
    /// The file on this side.
    pub file: PathBuf,
    /// The listeners that serve it.
    pub listeners: Vec<&'a Listener>,
    /// The server's own certificate.
    pub leaf: Certificate,
    /// What stands behind it in the file.
    pub rest: Vec<Certificate>,
    /// The CA file and its certificates, where one is known: the listener's, else that of a client.
    pub ca: Option<(PathBuf, Vec<Certificate>)>,
}

impl Served<'_> {
    /// The certificate that issued the leaf, from the file itself or the CA file.
    pub fn issuer(&self) -> Option<&Certificate> {
        let anchors = self.ca.iter().flat_map(|(_, certificates)| certificates);
        let mut all = self.rest.iter().chain(anchors);
        all.find(|c| c.subject().der() == self.leaf.issuer().der())
    }

    /// The whole file as a place.
    pub fn place(&self) -> Option<Place> {
        Some(Place::file(&self.file))
    }

    /// The ports that serve it.
    pub fn ports(&self) -> Vec<u16> {
        self.listeners.iter().map(|l| l.port).collect()
    }

    /// The one port that serves it, where it is one.
    pub fn port(&self) -> Option<u16> {
        match self.listeners.as_slice() {
            [one] if one.port != 0 => Some(one.port),
            _ => None,
        }
    }
}

/// A listener with its broker and everything that is known of it.
pub(super) struct Heard<'a> {
    pub broker: usize,
    pub listener: &'a Listener,
    pub conf: Option<&'a ListenerConf>,
    pub serving: Option<Serving>,
}

/// What the rules look at.
pub(super) struct Context<'a> {
    pub deployment: &'a Deployment,
    pub tree: &'a dyn Tree,
    pub now: OffsetDateTime,
    pub warn_days: u32,
    pub served: Vec<Served<'a>>,
    pub heard: Vec<Heard<'a>>,
    /// What happens to each client, in the order of [`Deployment::clients`].
    pub judged: Vec<Judged>,
    /// What the verdict could not decide.
    pub undecided: Vec<NotDecided>,
    pub project: Project,
}

impl<'a> Context<'a> {
    pub fn new(
        deployment: &'a Deployment,
        tree: &'a dyn Tree,
        now: OffsetDateTime,
        options: &Options,
    ) -> Self {
        let mut heard = Vec::new();
        for (index, broker) in deployment.brokers.iter().enumerate() {
            for listener in &broker.listeners {
                let conf = broker.conf.as_ref().zip(listener.conf).and_then(|(c, at)| c.listeners.get(at));
                let serving = deployment::serving::serving(deployment, broker, listener, tree);
                heard.push(Heard { broker: index, listener, conf, serving });
            }
        }
        let verdict = verdict::judge(deployment, tree, now, &verdict::Options::default());
        Self {
            deployment,
            tree,
            now,
            warn_days: options
                .warn_days
                .or(if options.isolated { None } else { deployment.settings.warn_days })
                .unwrap_or(WARN_DAYS),
            served: served(deployment, tree),
            heard,
            judged: verdict.clients.iter().map(Judged::of).collect(),
            undecided: verdict.not_decided,
            project: Project::scan(deployment, tree),
        }
    }

    pub fn broker(&self, index: usize) -> Option<&'a Broker> {
        self.deployment.brokers.get(index)
    }

    /// The compose service that runs a broker.
    pub fn service_of(&self, broker: usize) -> Option<String> {
        self.broker(broker)?.service.as_ref().map(|s| s.value.clone())
    }

    pub fn service(&self, name: &str) -> Option<&'a Service> {
        self.deployment.services.iter().find(|s| s.name.value == name)
    }

    /// The clients with what happens to each.
    pub fn clients(&self) -> impl Iterator<Item = (&'a Client, &Judged)> {
        self.deployment.clients.iter().zip(&self.judged)
    }

    /// The listener that a client ends at.
    pub fn listener_of(&self, client: &Client) -> Option<&Heard<'a>> {
        let broker = client.broker?;
        let port = client.broker_port.or(client.port)?;
        self.heard.iter().find(|h| h.broker == broker && h.listener.port == port)
    }

    /// The clients that may speak TLS to a listener which serves this certificate.
    pub fn clients_of(&self, served: &Served<'_>) -> impl Iterator<Item = (&'a Client, &Judged)> {
        let broker = served.broker;
        let ports = served.ports();
        self.clients().filter(move |(client, _)| {
            let port = client.broker_port.or(client.port);
            let ends_here = ports.contains(&0) || port.is_none_or(|p| ports.contains(&p));
            client.broker == Some(broker) && ends_here && client.transport != Transport::Plain
        })
    }

    /// Error if one of these reasons refuses a known client today, else warning.
    pub fn severity(&self, served: &Served<'_>, codes: &[ReasonCode]) -> Severity {
        let refused = self.clients_of(served).any(|(c, judged)| c.is_deployed() && judged.refused_for(codes));
        if refused { Severity::Error } else { Severity::Warning }
    }

    /// Whether everything that decides which listeners a broker has was read, and was taken as it is meant.
    pub fn listeners_are_known(&self, broker: usize) -> bool {
        let conf = self.broker(broker).and_then(|b| b.conf.as_ref());
        // Where Mosquitto stops at such a line, which ports it would have, and for whom, is idle.
        conf.is_some_and(|c| c.unread.is_empty() && !c.refuses_a_scope())
    }

    /// Whether a normalized path lies in the project's own folder.
    pub fn is_in_project(&self, path: &Path) -> bool {
        let dir = crate::tree::normalize(&self.deployment.dir);
        if dir == Path::new(".") {
            path.is_relative() && !path.starts_with("..")
        } else {
            path.starts_with(dir)
        }
    }

    /// The certificates in a file on this side; empty if it cannot be read.
    pub fn certificates(&self, file: &Path) -> Vec<Certificate> {
        self.tree.read(file).ok().and_then(|b| cert::load_pem(&b).ok()).unwrap_or_default()
    }
}

fn served<'a>(deployment: &'a Deployment, tree: &dyn Tree) -> Vec<Served<'a>> {
    let mut files: BTreeMap<(usize, PathBuf), Vec<&'a Listener>> = BTreeMap::new();
    for (index, broker) in deployment.brokers.iter().enumerate() {
        for listener in broker.listeners.iter().filter(|l| l.tls) {
            if let Some(path) = listener.certfile.as_ref().and_then(HostFile::path) {
                files.entry((index, path.to_owned())).or_default().push(listener);
            }
        }
    }
    let load = |path: &Path| {
        let bytes = tree.read(path).ok()?;
        cert::load_pem(&bytes).ok().filter(|c| !c.is_empty())
    };
    let mut found = Vec::new();
    for ((broker, file), listeners) in files {
        let Some(mut certificates) = load(&file) else { continue };
        let leaf = certificates.remove(0);
        let theirs = listeners.iter().find_map(|l| l.cafile.as_ref().and_then(HostFile::path));
        let trusted =
            deployment.clients.iter().filter(|c| c.broker == Some(broker)).find_map(|c| match &c.trust {
                deployment::Trust::File(file) => file.path(),
                _ => None,
            });
        let ca = [theirs, trusted]
            .into_iter()
            .flatten()
            .find_map(|path| load(path).map(|certificates| (path.to_owned(), certificates)));
        found.push(Served { broker, file, listeners, leaf, rest: certificates, ca });
    }
    found
}
