//! The running broker after a replacement: which certificate each listener serves, looked at again and again until it
//! is the new one, the handshakes fail for good, or the time is over. Nobody logs in.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::mosquitto::Protocol;
use crate::name::PeerName;

use super::client::{Client, Failure, Way};
use super::verify::recording;
use super::{Proof, ProofKind};

/// A listener of a running broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The host as it is dialled.
    pub host: PeerName,
    /// The port.
    pub port: u16,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Every listener serves the wanted certificate.
    Serves,
    /// Every TCP listener does; these websockets listeners serve another one until they are restarted.
    RestartNeeded(Vec<u16>),
    /// Handshakes work, but these listeners still serve another certificate.
    Another(Vec<u16>),
    /// TLS handshakes fail, or nobody answers: the first reason.
    Broken(String),
    /// The caller stopped it.
    Stopped,
}

/// What was seen at one address.
#[derive(Debug)]
enum Seen {
    Wanted,
    Another,
    Fails(String),
    Silent(String),
}

/// Mosquitto loads a pair between two rounds of its loop; a handshake that fails for longer than this stays so.
const FAILING: Duration = Duration::from_secs(5);
/// How long a websockets listener may lag behind the others before it is asked whether it is one.
const LAGGING: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(200);

/// Whether somebody answers at every target now; the first that does not, in words.
///
/// # Errors
/// The target and the system's words.
pub fn answers(targets: &[Target]) -> Result<(), String> {
    for t in targets {
        let addresses = t.addresses()?;
        let reached = addresses
            .iter()
            .map(|a| std::net::TcpStream::connect_timeout(a, Duration::from_secs(5)))
            .find_map(|tried| match tried {
                Ok(_) => Some(Ok(())),
                Err(e) => Some(Err(e)).filter(|_| addresses.len() == 1),
            });
        match reached {
            Some(Ok(())) => {}
            Some(Err(e)) => return Err(format!("{}:{} does not answer: {e}", t.host, t.port)),
            None => return Err(format!("{}:{}: none of its addresses answers", t.host, t.port)),
        }
    }
    Ok(())
}

/// Looks until every target serves the certificate whose DER is `wanted`, at most for `wait`; `stop` is asked between
/// two looks. Every proof says what was seen last.
pub fn watch(
    targets: &[Target],
    wanted: &[u8],
    wait: Duration,
    stop: &mut dyn FnMut() -> bool,
) -> (Ending, Vec<Proof>) {
    let start = Instant::now();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build() {
        Ok(r) => r,
        Err(e) => return (Ending::Broken(format!("no socket can be opened: {e}")), Vec::new()),
    };
    let (mut failing, mut lagging): (Option<Instant>, Option<Instant>) = (None, None);
    loop {
        let seen = runtime.block_on(join_all(targets.iter().map(|t| t.look(wanted))));
        let proofs = || targets.iter().zip(&seen).map(|(t, s)| proof(t, s, start)).collect::<Vec<_>>();
        let fails = seen.iter().find_map(|s| match s {
            Seen::Fails(why) => Some((why, true)),
            Seen::Silent(why) => Some((why, false)),
            Seen::Wanted | Seen::Another => None,
        });
        let late = start.elapsed() >= wait;
        if let Some((why, answered)) = fails {
            // A restart is silence, which may last; an alert to every handshake is what a broken pair does.
            let since = failing.get_or_insert_with(Instant::now).elapsed();
            if late || (answered && since >= FAILING) {
                return (Ending::Broken(why.clone()), proofs());
            }
        } else {
            failing = None;
            let behind: Vec<&Target> = targets
                .iter()
                .zip(&seen)
                .filter(|(_, s)| matches!(s, Seen::Another))
                .map(|(t, _)| t)
                .collect();
            if behind.is_empty() {
                return (Ending::Serves, proofs());
            }
            let long = lagging.get_or_insert_with(Instant::now).elapsed() >= LAGGING;
            let some_reloaded = behind.len() < targets.len();
            if late || (long && some_reloaded) {
                let ports: Vec<u16> = behind.iter().map(|t| t.port).collect();
                let web = runtime.block_on(join_all(behind.iter().map(|t| t.speaks_websockets())));
                if web.iter().all(|w| *w) {
                    return (Ending::RestartNeeded(ports), proofs());
                }
                if late {
                    return (Ending::Another(ports), proofs());
                }
                lagging = None;
            }
        }
        if stop() {
            return (Ending::Stopped, proofs());
        }
        std::thread::sleep(PAUSE);
    }
}

fn proof(target: &Target, seen: &Seen, start: Instant) -> Proof {
    let p = Proof::new(target.port, Some(target.host.as_str()), None, ProofKind::SameAsDisk);
    match seen {
        Seen::Wanted => p.told(true, "it serves the certificate on disk", start),
        Seen::Another => p.told(false, "it still serves another certificate", start),
        Seen::Fails(why) | Seen::Silent(why) => p.told(false, why.clone(), start),
    }
}

impl Target {
    fn addresses(&self) -> Result<Vec<SocketAddr>, String> {
        match (self.host.as_str(), self.port).to_socket_addrs() {
            Ok(found) => Ok(found.take(16).collect()),
            Err(e) => Err(format!("{} has no address here: {e}", self.host)),
        }
    }

    fn way(
        &self,
        address: SocketAddr,
        protocol: Protocol,
    ) -> Option<(Way, std::sync::Arc<super::verify::Recorder>)> {
        let (config, recorder) = recording(rustls::ALL_VERSIONS, None).ok()?;
        let tls = Some((config, self.host.as_str().to_owned()));
        Some((Way { address, protocol, tls, patience: Duration::from_secs(3) }, recorder))
    }

    /// The worst that one of the addresses shows; an address that is silent counts only where all are.
    async fn look(&self, wanted: &[u8]) -> Seen {
        let addresses = match self.addresses() {
            Ok(list) => list,
            Err(why) => return Seen::Silent(why),
        };
        let all = join_all(addresses.iter().map(|a| self.look_at(*a, wanted))).await;
        let rank = |s: &Seen| match s {
            Seen::Fails(_) => 3,
            Seen::Another => 2,
            Seen::Wanted => 1,
            Seen::Silent(_) => 0,
        };
        all.into_iter()
            .max_by_key(rank)
            .unwrap_or_else(|| Seen::Silent("the name has no address here".into()))
    }

    async fn look_at(&self, address: SocketAddr, wanted: &[u8]) -> Seen {
        // The TLS handshake alone tells; the websocket handshake would only add what can fail.
        let Some((way, recorder)) = self.way(address, Protocol::Mqtt) else {
            return Seen::Silent("no TLS configuration could be made".into());
        };
        match Client::open(&way).await {
            Ok(_) => match recorder.chain().first() {
                Some(leaf) if leaf.as_ref() == wanted => Seen::Wanted,
                _ => Seen::Another,
            },
            // A machine under load is slow; only an answer that is no handshake tells of a broken pair.
            Err(e @ (Failure::Unreachable(_) | Failure::Timeout(_))) => {
                Seen::Silent(format!("{}:{}: {e}", self.host, self.port))
            }
            Err(e) => Seen::Fails(format!("{}:{}: {e}", self.host, self.port)),
        }
    }

    async fn speaks_websockets(&self) -> bool {
        for address in self.addresses().unwrap_or_default() {
            if let Some((way, _)) = self.way(address, Protocol::Websockets)
                && Client::open(&way).await.is_ok()
            {
                return true;
            }
        }
        false
    }
}
