//! The rehearsal: the embedded broker with the candidate files, and a real client that goes every way in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use ring::rand::{SecureRandom, SystemRandom};
use time::OffsetDateTime;

use crate::broker::access::Stand;
use crate::broker::{self, Bound, Options, Plan, PlanError, StartError, Wire};
use crate::cert::{
    self,
    key::{KeyError, PrivateKey},
};
use crate::deployment::{Deployment, Trust};
use crate::judgement::{Judgement, Reason};
use crate::mosquitto::Protocol;
use crate::secret::Secret;
use crate::tree::Tree;
use crate::verdict::{self, ClientVerdict, Decision};

use super::client::{Client, Failure, Way};
use super::verify::{Anchors, recording};
use super::{Proof, ProofKind};

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
}

impl Dialled {
    /// A name that is dialled on every listener, by nobody in particular.
    #[must_use]
    pub fn everywhere(name: &str) -> Self {
        Self { name: name.to_owned(), service: None, port: None, trust: None, judged: None }
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

fn reasons(all: &[Reason]) -> String {
    all.iter().map(|r| format!("{}: {}", r.code, r.detail)).collect::<Vec<_>>().join("; ")
}

const PATIENCE: Duration = Duration::from_secs(5);

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

/// Rehearses a scene: starts the broker on loopback and free ports, goes every way in, and ends it. When this
/// returns no thread and no socket is left.
///
/// # Errors
/// [`StartError`] where a port cannot be opened.
pub fn rehearse(mut scene: Scene, now: OffsetDateTime) -> Result<Vec<Proof>, StartError> {
    let mut proofs = Vec::new();
    let password = random_text();
    let stand = Stand {
        login: format!("mqttcert-{}", random_text()),
        password: Secret::new(password.clone().into_bytes()),
        acts_as: None,
    };
    let login = stand.login.clone();
    scene.plan.only(Arc::new(vec![stand]));
    for l in &scene.plan.listeners {
        let p = Proof::new(l.port, None, None, ProofKind::TlsHandshake);
        match &l.wire {
            Wire::Refused(why) => {
                proofs.push(p.told(false, format!("Mosquitto would not start: {why}"), Instant::now()));
            }
            Wire::Cannot(why) => proofs.push(p.skipped(why.clone())),
            Wire::Plain | Wire::Tls(_) => {}
        }
    }
    let facts: Vec<Facts> = scene
        .plan
        .listeners
        .iter()
        .map(|l| Facts {
            anonymous: l.allows_anonymous(),
            wants_certificate: l.requires_certificate,
            named_by_certificate: l.names_user_by_certificate(),
        })
        .collect();
    let running = broker::start(scene.plan, &Options::default())?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(
            |source| StartError { port: 0, address: SocketAddr::from(([127, 0, 0, 1], 0)), source },
        )?;
    let anchors = Anchors::read(&scene.trust);
    let visitor = Visitor { login: &login, password: password.as_bytes(), now };
    let tried = runtime.block_on(async {
        let visits = running.bound.iter().map(|bound| {
            let ways: Vec<&Dialled> =
                scene.dialled.iter().filter(|d| d.port.is_none_or(|p| p == bound.port)).collect();
            visitor.listener(*bound, facts.get(bound.index).copied().unwrap_or_default(), ways, &anchors)
        });
        join_all(visits).await
    });
    proofs.extend(tried.into_iter().flatten());
    drop(runtime);
    running.stop();
    Ok(proofs)
}

#[derive(Debug, Clone, Copy, Default)]
struct Facts {
    anonymous: bool,
    wants_certificate: bool,
    named_by_certificate: bool,
}

struct Visitor<'a> {
    login: &'a str,
    password: &'a [u8],
    now: OffsetDateTime,
}

impl Visitor<'_> {
    async fn listener(
        &self,
        bound: Bound,
        facts: Facts,
        ways: Vec<&Dialled>,
        anchors: &Anchors,
    ) -> Vec<Proof> {
        let mut proofs = Vec::new();
        let refusals = async {
            let mut out = self.refusals(bound, facts).await;
            out.push(self.wrong_wire(bound).await);
            if facts.wants_certificate && bound.tls {
                out.push(self.without_certificate(bound).await);
            }
            out
        };
        if bound.tls {
            let visits = join_all(ways.into_iter().map(|d| self.by_name(bound, facts, d, anchors)));
            let (named, refused) = futures_util::future::join(visits, refusals).await;
            proofs.extend(named.into_iter().flatten());
            proofs.extend(refused);
        } else {
            let way = Way { address: bound.address, protocol: bound.protocol, tls: None, patience: PATIENCE };
            let work = async {
                let start = Instant::now();
                match Client::open(&way).await {
                    Ok(client) => self.speak(client, bound, None, None, start).await,
                    Err(e) => {
                        let p = Proof::new(bound.port, None, None, ProofKind::Login);
                        vec![p.told(false, e.to_string(), start)]
                    }
                }
            };
            let visits = join_all(
                ways.into_iter().filter(|d| d.judged.is_some()).map(|d| self.in_plaintext(bound, facts, d)),
            );
            let ((spoken, own), refused) =
                futures_util::future::join(futures_util::future::join(work, visits), refusals).await;
            proofs.extend(spoken);
            proofs.extend(own.into_iter().flatten());
            proofs.extend(refused);
        }
        proofs
    }

    /// Full verification with this name, login and a message.
    async fn by_name(&self, bound: Bound, facts: Facts, d: &Dialled, anchors: &Anchors) -> Vec<Proof> {
        let (name, service) = (Some(d.name.as_str()), d.service.as_deref());
        let start = Instant::now();
        let proof = || Proof::new(bound.port, name, service, ProofKind::TlsHandshake);
        let Ok((config, recorder)) = recording(rustls::ALL_VERSIONS, None) else {
            return vec![proof().skipped("no TLS configuration could be made")];
        };
        let way = Way {
            address: bound.address,
            protocol: bound.protocol,
            tls: Some((config, d.name.clone())),
            patience: PATIENCE,
        };
        let opened = Client::open(&way).await;
        let chain = recorder.chain();
        if chain.is_empty() {
            let why = opened.err().map_or("no certificate came".into(), |e| e.to_string());
            return vec![proof().told(false, why, start)];
        }
        let own = d.trust.as_deref().map(Anchors::read);
        let anchors = own.as_ref().unwrap_or(anchors);
        let verified = anchors.verify(&chain, &d.name, self.now);
        let mut proofs = vec![match (&d.judged, &verified) {
            (Some((Judgement::Refuse(why), stack)), _) => {
                let refused = proof().told(false, format!("{stack} refuses: {}", reasons(why)), start);
                let skip =
                    |kind| Proof::new(bound.port, name, service, kind).skipped("it does not get this far");
                return vec![refused, skip(ProofKind::Login), skip(ProofKind::RoundTrip)];
            }
            (Some((Judgement::Unknown(because), _)), _) => proof().skipped(because.clone()),
            (Some((Judgement::Accept { relies_on }, stack)), seen) => {
                let leans: Vec<&str> = relies_on.iter().map(|l| l.as_str()).collect();
                let leans =
                    if leans.is_empty() { String::new() } else { format!(" by {}", leans.join(", ")) };
                let other =
                    seen.as_ref().err().map_or(String::new(), |why| format!("; rustls would not: {why}"));
                proof().told(true, format!("{stack} accepts it{leans}{other}"), start)
            }
            (None, Ok(())) => proof().told(true, "chain, dates, purpose and name verified by webpki", start),
            (None, Err(why)) => {
                let chain_only = match anchors.verify_chain(&chain, self.now) {
                    Ok(()) => "; the chain alone verifies",
                    Err(_) => "",
                };
                proof().told(false, format!("{why}{chain_only}"), start)
            }
        }];
        match opened {
            _ if facts.wants_certificate || facts.named_by_certificate => {
                let because =
                    "the listener takes clients by their certificate, and none of theirs is at hand";
                let skip = |k| Proof::new(bound.port, name, service, k).skipped(because);
                proofs.extend([ProofKind::Login, ProofKind::RoundTrip].map(skip));
            }
            Ok(client) => proofs.extend(self.speak(client, bound, name, service, Instant::now()).await),
            Err(e) => {
                let kind = match e {
                    Failure::Websocket(_) => ProofKind::Websocket,
                    _ => ProofKind::Login,
                };
                proofs.push(Proof::new(bound.port, name, service, kind).told(false, e.to_string(), start));
            }
        }
        proofs
    }

    /// A client's own way into a listener without TLS.
    async fn in_plaintext(&self, bound: Bound, facts: Facts, d: &Dialled) -> Vec<Proof> {
        let (name, service) = (Some(d.name.as_str()), d.service.as_deref());
        let start = Instant::now();
        let proof = Proof::new(bound.port, name, service, ProofKind::Login);
        match &d.judged {
            Some((Judgement::Refuse(why), _)) => {
                return vec![proof.told(false, format!("it does not get in: {}", reasons(why)), start)];
            }
            Some((Judgement::Unknown(because), _)) => return vec![proof.skipped(because.clone())],
            _ if facts.wants_certificate || facts.named_by_certificate => return Vec::new(),
            _ => {}
        }
        let way = Way { address: bound.address, protocol: bound.protocol, tls: None, patience: PATIENCE };
        match Client::open(&way).await {
            Ok(client) => self.speak(client, bound, name, service, start).await,
            Err(e) => vec![proof.told(false, e.to_string(), start)],
        }
    }

    async fn speak(
        &self,
        mut client: Client,
        bound: Bound,
        name: Option<&str>,
        service: Option<&str>,
        start: Instant,
    ) -> Vec<Proof> {
        let proof = |kind| Proof::new(bound.port, name, service, kind);
        let mut proofs = Vec::new();
        if bound.protocol == Protocol::Websockets {
            proofs.push(proof(ProofKind::Websocket).told(true, "subprotocol mqtt", start));
        }
        let id = format!("mqttcert-{}", random_text());
        match client.login(&id, Some((self.login, self.password))).await {
            Ok(()) => {
                let detail = "CONNACK 0 for a user of the rehearsal's own making";
                proofs.push(proof(ProofKind::Login).told(true, detail, start));
            }
            Err(e) => {
                proofs.push(proof(ProofKind::Login).told(false, e.to_string(), start));
                return proofs;
            }
        }
        let begun = Instant::now();
        let (topic, payload) = (format!("mqttcert/{}", random_text()), random_bytes());
        proofs.push(match client.round_trip(&topic, &payload).await {
            Ok(()) => {
                proof(ProofKind::RoundTrip).told(true, format!("{} bytes came back", payload.len()), begun)
            }
            Err(e) => proof(ProofKind::RoundTrip).told(false, e.to_string(), begun),
        });
        client.goodbye().await;
        proofs
    }

    /// Wrong password, and no password.
    async fn refusals(&self, bound: Bound, facts: Facts) -> Vec<Proof> {
        if facts.wants_certificate || facts.named_by_certificate {
            return Vec::new();
        }
        let tries = [
            (ProofKind::BadLoginRefused, Some((self.login, &b"not the password"[..]))),
            (ProofKind::NoLoginRefused, None),
        ];
        let work = tries.into_iter().map(|(kind, user)| async move {
            let start = Instant::now();
            let proof = Proof::new(bound.port, None, None, kind);
            if kind == ProofKind::NoLoginRefused && facts.anonymous {
                return proof.skipped("the listener lets anonymous clients in");
            }
            let tls = match bound.tls {
                true => recording(rustls::ALL_VERSIONS, None).ok().map(|(c, _)| (c, "localhost".to_owned())),
                false => None,
            };
            let way = Way { address: bound.address, protocol: bound.protocol, tls, patience: PATIENCE };
            match Client::open(&way).await {
                Ok(mut c) => match c.login("mqttcert-stranger", user).await {
                    Err(Failure::Refused(n)) => proof.told(true, Failure::Refused(n).to_string(), start),
                    Err(e) => proof.told(false, e.to_string(), start),
                    Ok(()) => proof.told(false, "it was let in", start),
                },
                Err(e) => proof.told(false, e.to_string(), start),
            }
        });
        join_all(work).await
    }

    /// Plaintext on TLS, or TLS on plaintext.
    async fn wrong_wire(&self, bound: Bound) -> Proof {
        let start = Instant::now();
        let (kind, tls) = if bound.tls {
            (ProofKind::PlaintextRefused, None)
        } else {
            let tls = recording(rustls::ALL_VERSIONS, None).ok().map(|(c, _)| (c, "localhost".to_owned()));
            (ProofKind::TlsOnPlaintextRefused, tls)
        };
        let way = Way { address: bound.address, protocol: bound.protocol, tls, patience: PATIENCE };
        let proof = Proof::new(bound.port, None, None, kind);
        let came = match Client::open(&way).await {
            Ok(mut client) => client.login("mqttcert-plain", Some((self.login, self.password))).await,
            Err(e) => Err(e),
        };
        match came {
            Ok(()) => proof.told(false, "it was let in", start),
            Err(e @ (Failure::Refused(_) | Failure::Timeout(_))) => proof.told(false, e.to_string(), start),
            Err(e) => proof.told(true, e.to_string(), start),
        }
    }

    /// A listener that requires a certificate turns away who has none.
    async fn without_certificate(&self, bound: Bound) -> Proof {
        let start = Instant::now();
        let proof = Proof::new(bound.port, None, None, ProofKind::ClientCertificate);
        let Ok((config, _)) = recording(rustls::ALL_VERSIONS, None) else {
            return proof.skipped("no TLS configuration could be made");
        };
        let way = Way {
            address: bound.address,
            protocol: bound.protocol,
            tls: Some((config, "localhost".to_owned())),
            patience: PATIENCE,
        };
        let came = match Client::open(&way).await {
            Ok(mut client) => client.login("mqttcert-bare", Some((self.login, self.password))).await,
            Err(e) => Err(e),
        };
        match came {
            Ok(()) => proof.told(false, "let in without a client certificate", start),
            Err(e) => proof.told(true, format!("without a client certificate: {e}"), start),
        }
    }
}

fn random_bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    // A clock is random enough for a payload if the system gives nothing.
    if SystemRandom::new().fill(&mut bytes).is_err() {
        let now = OffsetDateTime::now_utc().unix_timestamp_nanos().to_be_bytes();
        bytes.iter_mut().zip(now).for_each(|(b, n)| *b = n);
    }
    bytes
}

pub(super) fn random_text() -> String {
    random_bytes().iter().take(8).map(|b| format!("{b:02x}")).collect()
}
