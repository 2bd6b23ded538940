//! A decision per client, and for the whole project: can MQTT_TLS_INSECURE be switched off?
//!
//! | file | what it answers |
//! |---|---|
//! | `mod.rs` | the decisions and their order; the project's verdict |
//! | `client.rs` | one client: what it does with the flag on and off, and what follows |
//! | `served.rs` | which listener answers, and with which certificates |
//! | `cure.rs` | what would cure a refusal |

mod client;
mod client_certificate;
mod cure;
mod decide;
mod remedy;
mod served;

use std::fmt;

use time::OffsetDateTime;

use crate::deployment::{Client, Deployment};
use crate::finding::NotDecided;
use crate::judgement::{Judgement, Leniency, Reason};
use crate::stack_id::StackId;
use crate::tree::Tree;

pub use cure::Cure;
pub use remedy::{Remedies, Remedy, Sickness};

/// What follows for the flag of one client, or of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// The flag is off or absent, and the client verifies.
    Verified,
    /// The flag is on (or, for a name given by hand, unknown), and the client verifies without it.
    SwitchOff,
    /// It does not use TLS, and neither does the listener.
    NoTls,
    /// The client refuses without the flag and connects with it.
    KeepOn,
    /// Something needed is unknown.
    Undecided,
    /// It refuses with and without, or the flag is off and it refuses.
    Broken,
}

impl Decision {
    /// The word of the JSON contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::SwitchOff => "switch-off",
            Self::NoTls => "no-tls",
            Self::KeepOn => "keep-on",
            Self::Undecided => "undecided",
            Self::Broken => "broken",
        }
    }

    /// What `MQTT_TLS_INSECURE` may be: `Some(false)` where every client verifies, `Some(true)` where one needs
    /// the flag, else `None`. Unknown never becomes `Some(false)`.
    #[must_use]
    pub fn insecure(self) -> Option<bool> {
        match self {
            Self::Verified | Self::SwitchOff => Some(false),
            Self::KeepOn => Some(true),
            Self::NoTls | Self::Undecided | Self::Broken => None,
        }
    }

    /// How bad it is, from 0: the project's decision is the worst of its clients.
    fn badness(self) -> u8 {
        match self {
            Self::Verified => 0,
            Self::SwitchOff => 1,
            Self::NoTls => 2,
            Self::KeepOn => 3,
            Self::Undecided => 4,
            Self::Broken => 5,
        }
    }

    /// The worst of several; undecided for none at all.
    #[must_use]
    pub fn worst(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().max_by_key(|d| d.badness()).unwrap_or(Self::Undecided)
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a verdict is asked beside the deployment itself.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only these services; empty for all.
    pub only: Vec<String>,
    /// How the steps that could cure a refusal are made, to be tried; without it, the reasons alone tell the cure.
    pub remedies: Option<Remedies>,
}

/// One stack's two answers about one client.
#[derive(Debug, Clone)]
pub struct StackVerdict {
    /// The stack.
    pub stack: StackId,
    /// With the name checked.
    pub verify: Judgement,
    /// The chain alone.
    pub chain_only: Judgement,
}

/// One client's verdict.
#[derive(Debug, Clone)]
pub struct ClientVerdict {
    /// The client that was judged.
    pub client: Client,
    /// What it does with full verification.
    pub verify: Judgement,
    /// What it does when it checks the chain but not the name.
    pub chain_only: Judgement,
    /// What it does with its flag on.
    pub with_flag: Judgement,
    /// What follows.
    pub decision: Decision,
    /// What would cure it; `None` where nothing is to cure, or it is unknown.
    pub cure: Option<Cure>,
    /// Each stack by itself, where the certificate was judged at all.
    pub stacks: Vec<StackVerdict>,
    /// SHA-256 of the leaf that it is served.
    pub leaf_sha256: Option<[u8; 32]>,
    /// The next moment at which a certificate of the path begins or ends.
    pub holds_until: Option<OffsetDateTime>,
}

impl ClientVerdict {
    /// The one stack that it is judged by; `None` where several may be it.
    #[must_use]
    pub fn stack(&self) -> Option<StackId> {
        match self.client.stacks.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }

    /// What an acceptance leans on; of all stacks together.
    #[must_use]
    pub fn relies_on(&self) -> Vec<Leniency> {
        match &self.verify {
            Judgement::Accept { relies_on } => relies_on.clone(),
            _ => Vec::new(),
        }
    }

    /// Why it refuses.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        match (&self.verify, &self.chain_only) {
            (Judgement::Refuse(reasons), _) => reasons,
            (Judgement::Unknown(_), Judgement::Refuse(reasons)) => reasons,
            _ => &[],
        }
    }
}

/// The whole project's verdict.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The worst of its clients.
    pub decision: Decision,
    /// The time for which it was judged.
    pub as_of: OffsetDateTime,
    /// Until when it holds; `None` where nothing verifies or no date is known.
    pub holds_until: Option<OffsetDateTime>,
    /// SHA-256 of the leaf that the clients are served; `None` if there is none, or not the same one.
    pub certificate_sha256: Option<[u8; 32]>,
    /// Every client.
    pub clients: Vec<ClientVerdict>,
    /// What could not be judged, and why.
    pub not_decided: Vec<NotDecided>,
}

/// Judges every client of a deployment as of `now`. Files are read through `tree`: an overlay shows a candidate
/// in the place of the real certificate.
#[must_use]
pub fn judge(deployment: &Deployment, tree: &dyn Tree, now: OffsetDateTime, options: &Options) -> Verdict {
    let bench = client::Bench::new(deployment, tree, now, options.remedies);
    let asked: Vec<&Client> = deployment
        .clients
        .iter()
        .filter(|c| options.only.is_empty() || c.service.as_ref().is_some_and(|s| options.only.contains(s)))
        .collect();
    let clients = bench.judge(&asked);

    let mut not_decided = deployment.not_decided.clone();
    for c in &clients {
        if let (Decision::Undecided, Judgement::Unknown(because)) = (c.decision, &c.verify) {
            not_decided.push(NotDecided { what: who(&c.client), because: because.clone() });
        }
    }
    if clients.is_empty() {
        not_decided.push(NotDecided {
            what: "clients".into(),
            because: "no client was found; name what clients dial with --name, or in mqttcert.toml".into(),
        });
    }
    not_decided.extend(bench.unknown_dialers(&clients));
    let mut seen = std::collections::HashSet::new();
    not_decided.retain(|n| seen.insert(n.clone()));

    let leaves: Vec<[u8; 32]> = clients.iter().filter_map(|c| c.leaf_sha256).collect();
    let decision = Decision::worst(clients.iter().map(|c| c.decision));
    Verdict {
        decision,
        as_of: now,
        holds_until: match decision {
            Decision::Verified | Decision::SwitchOff | Decision::KeepOn => {
                clients.iter().filter_map(|c| c.holds_until).min()
            }
            _ => None,
        },
        certificate_sha256: leaves.first().copied().filter(|first| leaves.iter().all(|l| l == first)),
        clients,
        not_decided,
    }
}

/// A client in words: `ingest → iot-mqtt:8883`.
#[must_use]
pub fn who(client: &Client) -> String {
    let dials = match client.port {
        Some(port) if client.name.as_str().contains(':') => format!("[{}]:{port}", client.name),
        Some(port) => format!("{}:{port}", client.name),
        None => client.name.to_string(),
    };
    match &client.service {
        Some(service) => format!("{service} → {dials}"),
        None => dials,
    }
}

#[cfg(test)]
mod tests {
    use super::Decision::*;
    use super::*;

    #[test]
    fn the_worst_client_decides() {
        assert_eq!(Decision::worst([Verified, SwitchOff]), SwitchOff);
        assert_eq!(Decision::worst([SwitchOff, NoTls, KeepOn]), KeepOn);
        assert_eq!(Decision::worst([KeepOn, Undecided, Verified]), Undecided);
        assert_eq!(Decision::worst([Broken, Undecided]), Broken);
        assert_eq!(Decision::worst([]), Undecided);
    }

    #[test]
    fn unknown_never_becomes_off() {
        for d in [Undecided, Broken, NoTls] {
            assert_eq!(d.insecure(), None);
        }
        assert_eq!(KeepOn.insecure(), Some(true));
        assert_eq!(SwitchOff.insecure(), Some(false));
    }
}
