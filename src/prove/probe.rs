//! The probe: a running broker looked at from outside, without disturbing it.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;

use crate::cert::Certificate;
use crate::judgement::told_time;
use crate::mosquitto::Protocol;
use crate::name::PeerName;
use crate::secret::Secret;

use super::client::{Client, Failure, Way};
use super::rehearse::random_text;
use super::verify::{Anchors, recording};
use super::{Proof, ProofKind};

/// What is probed, and how far it may go.
#[derive(Debug)]
pub struct Probe {
    /// The host as it is dialled.
    pub host: PeerName,
    /// The port.
    pub port: u16,
    /// The reference identities; empty: the host itself.
    pub names: Vec<PeerName>,
    /// What the port speaks, where the configuration says it; else it is asked.
    pub protocol: Option<Protocol>,
    /// Whether the listener requires a client certificate, by its configuration; the handshake shows it too.
    pub requires_certificate: bool,
    /// The clients' trust file.
    pub trust: Vec<u8>,
    /// The certificate file on disk.
    pub on_disk: Option<Certificate>,
    /// Who logs in, with `--round-trip`.
    pub login: Option<Login>,
    /// Log in, send a message and receive it.
    pub round_trip: bool,
    /// Why a login would disturb somebody, if it would.
    pub login_would_disturb: Option<String>,
    /// Try a wrong password.
    pub bad_login: bool,
    /// How long to wait for each step.
    pub patience: Duration,
}

/// A user and its password.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// Looks at every address of the host.
#[must_use]
pub fn probe(p: &Probe, now: OffsetDateTime) -> Vec<Proof> {
    let start = Instant::now();
    let failed = |why: String| {
        vec![Proof::new(p.port, Some(p.host.as_str()), None, ProofKind::TlsHandshake).told(false, why, start)]
    };
    let addresses: Vec<SocketAddr> = match (p.host.as_str(), p.port).to_socket_addrs() {
        Ok(found) => {
            let mut list: Vec<_> = found.take(16).collect();
            list.dedup();
            list
        }
        Err(e) => return failed(format!("the name has no address here: {e}")),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build() {
        Ok(r) => r,
        Err(e) => return failed(format!("no socket can be opened: {e}")),
    };
    let mut proofs = Vec::new();
    let several = addresses.len() > 1;
    let all = runtime.block_on(join_all(addresses.iter().map(|a| p.address(*a, now))));
    // A name often has an IPv6 and an IPv4 address and the broker listens on one of them.
    let reached = all.iter().any(|a| a.reached);
    for (seen, address) in all.into_iter().zip(&addresses) {
        if !seen.reached && reached && several {
            let p = Proof::new(p.port, Some(p.host.as_str()), None, ProofKind::TlsHandshake);
            proofs.push(p.skipped(format!("{address} does not answer; another address of the name does")));
            continue;
        }
        proofs.extend(seen.proofs.into_iter().map(|mut x| {
            if several {
                x.detail = format!("{address}: {}", x.detail);
            }
            x
        }));
    }
    proofs
}

/// Why there is no login where the listener requires a client certificate.
const NO_CERTIFICATE: &str = "the listener requires a client certificate, and the probe has none";

struct Seen {
    reached: bool,
    proofs: Vec<Proof>,
}

impl Probe {
    /// Answers an upgrade where the port speaks websockets; MQTT ends such a connection at its first byte.
    async fn ask(&self, address: SocketAddr, sni: &str) -> Protocol {
        if let Some(known) = self.protocol {
            return known;
        }
        let tls = recording(rustls::ALL_VERSIONS, None).ok().map(|(c, _)| (c, sni.to_owned()));
        let way = Way { address, protocol: Protocol::Websockets, tls, patience: self.patience };
        if Client::open(&way).await.is_ok() { Protocol::Websockets } else { Protocol::Mqtt }
    }

    fn proof(&self, name: Option<&str>, kind: ProofKind) -> Proof {
        Proof::new(self.port, name, None, kind)
    }

    async fn address(&self, address: SocketAddr, now: OffsetDateTime) -> Seen {
        let mut proofs = Vec::new();
        let own = [self.host.clone()];
        let names = if self.names.is_empty() { &own[..] } else { &self.names };
        let sni = names.first().map_or("localhost", |n| n.as_str()).to_owned();
        let start = Instant::now();
        let Ok((config, recorder)) = recording(rustls::ALL_VERSIONS, None) else {
            return Seen { reached: false, proofs };
        };
        let bare = Way {
            address,
            protocol: self.protocol.unwrap_or(Protocol::Mqtt),
            tls: Some((config, sni.clone())),
            patience: self.patience,
        };
        let mut opened = Client::open(&bare).await;
        let chain = recorder.chain();
        if chain.is_empty() {
            let error = opened.err().unwrap_or(Failure::Unexpected("no certificate came".into()));
            let reached = !matches!(error, Failure::Unreachable(_));
            let p = self.proof(Some(sni.as_str()), ProofKind::TlsHandshake);
            proofs.push(p.told(false, error.to_string(), start));
            return Seen { reached, proofs };
        }
        let anchors = Anchors::read(&self.trust);
        let mut verified = true;
        for name in names {
            let p = self.proof(Some(name.as_str()), ProofKind::TlsHandshake);
            proofs.push(match anchors.verify(&chain, name.as_str(), now) {
                Ok(()) => p.told(true, "chain, dates, purpose and name verified by webpki", start),
                Err(why) => {
                    verified = false;
                    p.told(false, why, start)
                }
            });
        }
        proofs.extend(self.certificate(&chain, now, start));
        let protocol = self.ask(address, &sni).await;
        let mut way = Way { protocol, ..bare };
        if protocol != self.protocol.unwrap_or(Protocol::Mqtt) {
            opened = Client::open(&way).await;
        }
        proofs.extend(self.versions(address, &sni).await);
        proofs.push(self.plaintext(Way { tls: None, ..way.clone() }).await);
        let closed = self.requires_certificate || recorder.was_asked();
        if closed {
            let detail = "the listener asks for a client certificate";
            proofs.push(self.proof(None, ProofKind::ClientCertificate).told(true, detail, start));
        }
        let web = self.proof(None, ProofKind::Websocket);
        if protocol == Protocol::Websockets && closed {
            proofs.push(web.skipped(NO_CERTIFICATE));
        } else if let Err(e) = opened.as_ref().map_err(|e| e.to_string())
            && !closed
        {
            proofs.push(web.told(false, e, start));
        } else if protocol == Protocol::Websockets {
            proofs.push(web.told(true, "subprotocol mqtt", start));
        }
        if self.round_trip {
            proofs.extend(self.message(opened.ok().filter(|_| !closed), &sni, verified, closed).await);
        }
        if self.bad_login {
            let tls = recording(rustls::ALL_VERSIONS, None).ok().map(|(c, _)| (c, sni.clone()));
            way.tls = tls;
            proofs.push(self.wrong_password(&way, closed).await);
        }
        Seen { reached: true, proofs }
    }

    /// What was sent, whether it is the one on disk, and how long it lasts.
    fn certificate(&self, chain: &[CertificateDer<'_>], now: OffsetDateTime, start: Instant) -> Vec<Proof> {
        let seen: Vec<Certificate> = chain.iter().filter_map(|c| Certificate::from_der(c).ok()).collect();
        let subjects: Vec<String> = seen.iter().map(|c| c.subject().display()).collect();
        let mut proofs = vec![self.proof(None, ProofKind::ChainAsSent).told(
            !chain.is_empty(),
            format!("{} certificates: {}", chain.len(), subjects.join(" <- ")),
            start,
        )];
        let Some(leaf) = seen.first() else { return proofs };
        let hex: String = leaf.sha256().iter().map(|b| format!("{b:02x}")).collect();
        let same = self.proof(None, ProofKind::SameAsDisk);
        proofs.push(match &self.on_disk {
            None => same.skipped("no certificate on disk was named; give --cert FILE or --dir DIR"),
            Some(disk) if disk.der() == leaf.der() => same.told(true, format!("SHA-256 {hex}"), start),
            Some(_) => same.told(
                false,
                format!(
                    "it serves SHA-256 {hex}, another one than on disk; reload it (kill -HUP), or restart it if \
                     this is a websockets listener"
                ),
                start,
            ),
        });
        let days = self.proof(None, ProofKind::DaysLeft);
        proofs.push(match leaf.not_after() {
            Some(end) => {
                let left = (end - now).whole_days();
                days.told(end > now, format!("{left} days left, until {}", told_time(end)), start)
            }
            None => days.told(false, "its end cannot be read", start),
        });
        proofs
    }

    async fn versions(&self, address: SocketAddr, sni: &str) -> Vec<Proof> {
        let mut out = Vec::new();
        let mut any = false;
        for (label, version) in [("TLS 1.2", &rustls::version::TLS12), ("TLS 1.3", &rustls::version::TLS13)] {
            let start = Instant::now();
            let Ok((config, recorder)) = recording(&[version], None) else { continue };
            let tls = Some((config, sni.to_owned()));
            let way = Way { address, protocol: Protocol::Mqtt, tls, patience: self.patience };
            let opened = Client::open(&way).await;
            let spoken = opened.is_ok() || !recorder.chain().is_empty();
            any |= spoken;
            let detail = match opened {
                Ok(_) => format!("{label} is spoken"),
                Err(e) => format!("{label} is not spoken: {e}"),
            };
            let p = self.proof(None, ProofKind::TlsVersion);
            out.push(if spoken { p.told(true, detail, start) } else { p.skipped(detail) });
        }
        if !any && let Some(last) = out.last_mut() {
            last.ok = Some(false);
        }
        out
    }

    async fn plaintext(&self, way: Way) -> Proof {
        let start = Instant::now();
        let proof = self.proof(None, ProofKind::PlaintextRefused);
        let came = match Client::open(&way).await {
            // No user, no password: nothing secret goes out in plaintext.
            Ok(mut c) => c.login(&format!("mqttcert-{}", random_text()), None).await,
            Err(e) => Err(e),
        };
        match came {
            Ok(()) => proof.told(false, "a plaintext client without login was let in", start),
            Err(e @ (Failure::Refused(_) | Failure::Timeout(_))) => proof.told(false, e.to_string(), start),
            Err(e) => proof.told(true, e.to_string(), start),
        }
    }

    async fn message(&self, client: Option<Client>, sni: &str, verified: bool, closed: bool) -> Vec<Proof> {
        let skip = |kind, why: &str| self.proof(Some(sni), kind).skipped(why);
        let both = |why: &str| vec![skip(ProofKind::Login, why), skip(ProofKind::RoundTrip, why)];
        if closed {
            return both(NO_CERTIFICATE);
        }
        if let Some(why) = &self.login_would_disturb {
            return both(why);
        }
        if !verified {
            return both("the broker's certificate does not verify, and no password is sent to a stranger");
        }
        let Some(mut client) = client else { return both("there is no connection") };
        let start = Instant::now();
        let id = format!("mqttcert-{}", random_text());
        let user = self.login.as_ref().map(|l| (l.user.as_str(), l.password.expose()));
        if let Err(e) = client.login(&id, user).await {
            return vec![self.proof(Some(sni), ProofKind::Login).told(false, e.to_string(), start)];
        }
        let mut proofs = vec![self.proof(Some(sni), ProofKind::Login).told(true, "CONNACK 0", start)];
        let begun = Instant::now();
        let topic = format!("mqttcert/{}", random_text());
        let p = self.proof(Some(sni), ProofKind::RoundTrip);
        proofs.push(match client.round_trip(&topic, random_text().as_bytes()).await {
            Ok(()) => p.told(true, format!("the message came back on {topic}"), begun),
            Err(Failure::Timeout(_)) => {
                p.told(false, format!("no message came back on {topic}; may this user use it (ACL)?"), begun)
            }
            Err(e) => p.told(false, e.to_string(), begun),
        });
        client.goodbye().await;
        proofs
    }

    async fn wrong_password(&self, way: &Way, closed: bool) -> Proof {
        let start = Instant::now();
        let proof = self.proof(None, ProofKind::BadLoginRefused);
        if closed {
            return proof.skipped(NO_CERTIFICATE);
        }
        if let Some(why) = &self.login_would_disturb {
            return proof.skipped(why.clone());
        }
        let user = self.login.as_ref().map_or("mqttcert", |l| l.user.as_str());
        let wrong = random_text();
        let came = match Client::open(way).await {
            Ok(mut c) => {
                c.login(&format!("mqttcert-{}", random_text()), Some((user, wrong.as_bytes()))).await
            }
            Err(e) => Err(e),
        };
        match came {
            Err(e @ Failure::Refused(_)) => proof.told(true, e.to_string(), start),
            Err(e) => proof.told(false, e.to_string(), start),
            Ok(()) => proof.told(false, "a wrong password was let in", start),
        }
    }
}
