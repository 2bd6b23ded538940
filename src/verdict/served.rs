//! Which listener answers a client, and with which certificates.

use std::cell::OnceCell;
use std::path::PathBuf;
use std::rc::Rc;

use time::OffsetDateTime;

use crate::cert::{self, Certificate};
use crate::deployment::serving::serving;
use crate::deployment::{Broker, Client, Deployment, Host, HostFile, Listener};
use crate::judgement::{Judgement, ReasonCode};
use crate::mosquitto::serving::{Serving, Start, TlsVersion};
use crate::stack_id::StackId;
use crate::stacks::as_openssl;
use crate::tree::Tree;

use super::client::Without;

/// One broker with what each of its listeners serves.
pub(super) struct Served {
    broker: Broker,
    listeners: Vec<(Option<Serving>, OnceCell<Result<Rc<Sends>, Without>>)>,
}

/// The listener that a client ends at.
pub(super) struct Answering {
    pub port: u16,
    pub tls: bool,
    pub wants_certificate: bool,
    pub versions: Versions,
    pub sends: Result<Rc<Sends>, Without>,
}

/// The TLS versions that a listener serves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Versions {
    min: TlsVersion,
    max: TlsVersion,
}

/// What a listener sends in its Certificate message.
pub(super) struct Sends {
    pub certfile: PathBuf,
    pub bytes: Vec<u8>,
    pub leaf: Option<Certificate>,
    pub completion: Vec<Certificate>,
    /// The listener's own CA file.
    pub cafile: Option<PathBuf>,
}

impl Served {
    pub(super) fn of(deployment: &Deployment, broker: &Broker, tree: &dyn Tree) -> Self {
        let listen = |l| (serving(deployment, broker, l, tree), OnceCell::new());
        let listeners = broker.listeners.iter().map(listen).collect();
        Self { broker: broker.clone(), listeners }
    }

    /// The listener that answers on the port which the client dials.
    pub(super) fn answering(
        &self,
        client: &Client,
        tree: &dyn Tree,
        now: OffsetDateTime,
    ) -> Result<Answering, Without> {
        if self.broker.listeners.is_empty() {
            let why = self.broker.conf_unknown.clone();
            return Err(Without::Unknown(
                why.unwrap_or_else(|| "the broker's configuration cannot be seen".into()),
            ));
        }
        if let Some(refusal) = self.broker.conf.as_ref().and_then(|c| c.refusals.first()) {
            return Err(Without::refuse(
                ReasonCode::BrokerDoesNotStart,
                format!("{}: {}", refusal.place, refusal.message),
            ));
        }
        for serving in self.listeners.iter().filter_map(|(s, _)| s.as_ref()) {
            if let Start::No(obstacles) = &serving.start {
                return Err(Without::refuse(does_not_start(obstacles), first_words(obstacles)));
            }
        }
        let at = self.index(client)?;
        let (Some(listener), Some((serving, sent))) = (self.broker.listeners.get(at), self.listeners.get(at))
        else {
            return Err(Without::Unknown("the listener cannot be told".into()));
        };
        let conf = self.broker.conf.as_ref().zip(listener.conf).and_then(|(c, i)| c.listeners.get(i));
        let own = self.broker.service.as_ref().map(|s| &s.value) == client.service.as_ref();
        if !own && !client.name.is_loopback() && conf.is_some_and(|c| !c.reaches_out()) {
            return Err(Without::refuse(
                ReasonCode::NoListener,
                format!("the broker listens on port {} of its own loopback only", listener.port),
            ));
        }
        Ok(Answering {
            port: listener.port,
            tls: listener.tls,
            wants_certificate: conf.is_some_and(|c| c.require_certificate.as_ref().is_some_and(|r| r.value)),
            versions: Versions {
                min: serving.as_ref().map_or(TlsVersion::V1_2, |s| s.min_tls),
                max: serving.as_ref().map_or(TlsVersion::V1_3, |s| s.max_tls),
            },
            sends: sent.get_or_init(|| sends(listener, serving.as_ref(), tree, now).map(Rc::new)).clone(),
        })
    }

    fn index(&self, client: &Client) -> Result<usize, Without> {
        let listeners = &self.broker.listeners;
        if let [only] = listeners.as_slice()
            && only.port == 0
        {
            return Ok(0);
        }
        match client.broker_port.or(client.port) {
            Some(port) => listeners.iter().position(|l| l.port == port).ok_or_else(|| {
                Without::refuse(
                    ReasonCode::NoListener,
                    format!("nobody listens on port {port}; the listeners are {}", ports(listeners)),
                )
            }),
            // Without a port, any TLS listener will do as long as they all send the same.
            None => {
                let mut tls = listeners.iter().enumerate().filter(|(_, l)| l.tls);
                match tls.next() {
                    Some((first, l)) if tls.all(|(_, other)| same_files(l, other)) => Ok(first),
                    Some(_) => Err(Without::Unknown(
                        "the listeners serve different certificates, and the port that it dials is not known"
                            .into(),
                    )),
                    None => Ok(0),
                }
            }
        }
    }
}

fn ports(listeners: &[Listener]) -> String {
    listeners.iter().map(|l| l.port.to_string()).collect::<Vec<_>>().join(", ")
}

fn same_files(a: &Listener, b: &Listener) -> bool {
    let host = |l: &Listener| l.certfile.as_ref().map(|f| f.host.clone());
    host(a) == host(b) && a.cafile.as_ref().map(|f| &f.host) == b.cafile.as_ref().map(|f| &f.host)
}

fn does_not_start(obstacles: &[crate::mosquitto::serving::Obstacle]) -> ReasonCode {
    use crate::mosquitto::serving::Cause;
    match obstacles.first().map(|o| o.cause) {
        Some(Cause::KeyMismatch) => ReasonCode::KeyMismatch,
        _ => ReasonCode::BrokerDoesNotStart,
    }
}

fn first_words(obstacles: &[crate::mosquitto::serving::Obstacle]) -> String {
    obstacles.first().map(|o| format!("{}: {}", o.place, o.message)).unwrap_or_default()
}

fn sends(
    listener: &Listener,
    serving: Option<&Serving>,
    tree: &dyn Tree,
    now: OffsetDateTime,
) -> Result<Sends, Without> {
    let Some(file) = &listener.certfile else {
        return Err(Without::Unknown("the listener names no certificate file".into()));
    };
    let certfile = match &file.host {
        Host::At(path) => path.clone(),
        Host::Missing(path) => {
            return Err(Without::Unknown(format!("the server certificate {} is not there", path.display())));
        }
        Host::Absent(why) | Host::Unknown(why) => {
            return Err(Without::Unknown(format!("the server certificate {}: {why}", file.named.value)));
        }
    };
    let bytes = tree.read(&certfile).map_err(|e| Without::Unknown(e.to_string()))?;
    let (leaf, completion) = match serving {
        Some(s) => (
            s.certificates.first().cloned(),
            match s.certificates.as_slice() {
                [leaf] => as_openssl::completion(leaf, &s.anchors, now),
                _ => Vec::new(),
            },
        ),
        None => (cert::load_pem(&bytes).ok().and_then(|all| all.into_iter().next()), Vec::new()),
    };
    let cafile = listener.cafile.as_ref().and_then(HostFile::path).map(ToOwned::to_owned);
    Ok(Sends { certfile, bytes, leaf, completion, cafile })
}

impl Sends {
    /// The next moment at which a certificate of the path from the leaf through what is sent and trusted begins or
    /// ends.
    pub(super) fn next_change(&self, trust: &[u8], now: OffsetDateTime) -> Option<OffsetDateTime> {
        let mut pool = cert::load_pem(&self.bytes).unwrap_or_default();
        pool.extend(self.completion.iter().cloned());
        pool.extend(cert::load_pem(trust).unwrap_or_default());
        let mut next: Option<OffsetDateTime> = None;
        let mut at = self.leaf.clone();
        for _ in 0..=pool.len() {
            let Some(certificate) = at else { break };
            for moment in [certificate.not_before(), certificate.not_after()].into_iter().flatten() {
                if moment > now && next.is_none_or(|n| moment < n) {
                    next = Some(moment);
                }
            }
            if certificate.is_self_issued() {
                break;
            }
            at = pool.iter().find(|c| c.subject().der() == certificate.issuer().der()).cloned();
        }
        next
    }
}

impl Versions {
    /// Why a stack shares no TLS version with the listener. paho-mqtt's `PROTOCOL_TLSv1_2` pins 1.2; Mbed TLS 2.28
    /// and BearSSL 0.6 have nothing newer (their release notes).
    pub(super) fn refuses(&self, stack: StackId, pins_1_2: Option<bool>) -> Option<Judgement> {
        let only_1_2 = match stack {
            // Without a word of it, paho-mqtt takes the highest version that both sides speak (`tls_set`).
            StackId::PythonPaho => pins_1_2 != Some(false),
            _ => matches!(stack, StackId::Mbedtls2 | StackId::Bearssl),
        };
        (only_1_2 && self.min > TlsVersion::V1_2).then(|| {
            Judgement::refuse(
                ReasonCode::TlsVersion,
                format!("the listener serves {} to {}, and {stack} speaks TLS 1.2 only", self.min, self.max),
            )
        })
    }
}
