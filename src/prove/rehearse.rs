//! The rehearsal: the embedded broker with the candidate files, and a real client that goes every way in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use ring::rand::{SecureRandom, SystemRandom};
use time::OffsetDateTime;

use crate::broker::access::Stand;
use crate::broker::{self, Bound, Lists, Options, StartError, Wire};
use crate::judgement::{Judgement, Reason};
use crate::mosquitto::Protocol;
use crate::secret::Secret;

use super::client::{Client, Failure, Way};
use super::scene::{Dialled, Scene};
use super::stand_in::StandIn;
use super::verify::{Anchors, recording};
use super::{Proof, ProofKind};

pub(super) const PATIENCE: Duration = Duration::from_secs(5);

fn reasons(all: &[Reason]) -> String {
    all.iter().map(|r| format!("{}: {}", r.code, r.detail)).collect::<Vec<_>>().join("; ")
}

/// Lines of the configuration with which Mosquitto would not start at all: each a proof that fails.
#[must_use]
pub fn refused(scene: &Scene) -> Vec<Proof> {
    let port = scene.plan.listeners.first().map_or(0, |l| l.port);
    let said = |why: &String| {
        let p = Proof::new(port, None, None, ProofKind::TlsHandshake);
        p.told(false, format!("Mosquitto would not start: {why}"), Instant::now())
    };
    scene.plan.refusals.iter().map(said).collect()
}

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
    // One more for each user of the deployment: the ACL sees that user, whose password nobody needs to know.
    let mut users: Vec<&String> = scene.dialled.iter().filter_map(|d| d.user.as_ref()).collect();
    users.sort();
    users.dedup();
    let own = |user: &String| Stand {
        login: format!("mqttcert-{}", random_text()),
        password: Secret::new(password.clone().into_bytes()),
        acts_as: Some(user.clone()),
    };
    let own: Vec<Stand> = users.iter().map(|u| own(u)).collect();
    let stands: Vec<(String, String)> =
        users.iter().zip(&own).map(|(u, s)| ((*u).clone(), s.login.clone())).collect();
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
            has_acl: l.has_acl(),
            has_passwords: l.knows_user("").is_some(),
            strangers: users
                .iter()
                .filter(|u| l.knows_user(u) == Some(false))
                .map(|u| (*u).clone())
                .collect(),
            lists: l.lists.clone(),
        })
        .collect();
    scene.plan.only(Arc::new(own.into_iter().chain([stand]).collect()));
    let stand_in = match facts.iter().any(|f| f.lists.is_some()) {
        true => StandIn::new(OffsetDateTime::now_utc()),
        false => Err("no listener has a list".into()),
    };
    for l in &scene.plan.listeners {
        if let Some(guest) = stand_in.as_ref().ok().and_then(StandIn::guest) {
            l.admit(guest);
        }
    }
    let running = broker::start(scene.plan, &Options::default())?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(
            |source| StartError { port: 0, address: SocketAddr::from(([127, 0, 0, 1], 0)), source },
        )?;
    let anchors = Anchors::read(&scene.trust);
    let visitor =
        Visitor { login: &login, password: password.as_bytes(), stands: &stands, stand_in: &stand_in, now };
    let tried = runtime.block_on(async {
        let visits = running.bound.iter().map(|bound| {
            let ways: Vec<&Dialled> =
                scene.dialled.iter().filter(|d| d.port.is_none_or(|p| p == bound.port)).collect();
            let known = facts.get(bound.index).cloned().unwrap_or_default();
            visitor.listener(*bound, known, ways, &anchors)
        });
        join_all(visits).await
    });
    proofs.extend(tried.into_iter().flatten());
    drop(runtime);
    running.stop();
    Ok(proofs)
}

/// What a listener asks of its clients.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub(super) anonymous: bool,
    pub(super) wants_certificate: bool,
    pub(super) named_by_certificate: bool,
    pub(super) has_acl: bool,
    pub(super) has_passwords: bool,
    /// Users of the deployment that its password file does not know.
    pub(super) strangers: Vec<String>,
    pub(super) lists: Option<Lists>,
}

/// Who goes in: `login` may do everything, each of `stands` (user and its login) what that user may.
pub(super) struct Visitor<'a> {
    pub(super) login: &'a str,
    pub(super) password: &'a [u8],
    pub(super) stands: &'a [(String, String)],
    /// Clients that a listener's own settings judge; or why there are none.
    pub(super) stand_in: &'a Result<StandIn, String>,
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
            let mut out = self.refusals(bound, &facts).await;
            out.push(self.wrong_wire(bound).await);
            if facts.wants_certificate && bound.tls {
                out.extend(self.certificates(bound, &facts).await);
            }
            out
        };
        if bound.tls {
            let visits = join_all(ways.into_iter().map(|d| self.by_name(bound, &facts, d, anchors)));
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
                ways.into_iter().filter(|d| d.judged.is_some()).map(|d| self.in_plaintext(bound, &facts, d)),
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
    async fn by_name(&self, bound: Bound, facts: &Facts, d: &Dialled, anchors: &Anchors) -> Vec<Proof> {
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
            Ok(client) => {
                proofs.extend(self.speak(client, bound, name, service, Instant::now()).await);
                if d.judged.is_some() {
                    proofs.extend(self.as_itself(bound, facts, &way, d).await);
                }
            }
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
    async fn in_plaintext(&self, bound: Bound, facts: &Facts, d: &Dialled) -> Vec<Proof> {
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
            Ok(client) => {
                let mut proofs = self.speak(client, bound, name, service, start).await;
                proofs.extend(self.as_itself(bound, facts, &way, d).await);
                proofs
            }
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
