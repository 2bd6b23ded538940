//! The proving client: handshake, login, round trip, same as on disk. Every proof says what it saw.

mod client;
pub mod live;
mod probe;
mod refusals;
mod rehearse;
mod rights;
mod scene;
mod stand_in;
mod verify;

pub use probe::{Login, Probe, probe};
pub use rehearse::{refused, rehearse};
pub use scene::{BareError, Dialled, Scene, Topic, bare, bare_with, scenes};

/// What is proved; the words are the contract's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum ProofKind {
    TlsHandshake,
    TlsVersion,
    ChainAsSent,
    PlaintextRefused,
    TlsOnPlaintextRefused,
    Login,
    NoLoginRefused,
    BadLoginRefused,
    RoundTrip,
    Acl,
    Websocket,
    ClientCertificate,
    SameAsDisk,
    DaysLeft,
}

impl ProofKind {
    /// The word of the JSON contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TlsHandshake => "tls-handshake",
            Self::TlsVersion => "tls-version",
            Self::ChainAsSent => "chain-as-sent",
            Self::PlaintextRefused => "plaintext-refused",
            Self::TlsOnPlaintextRefused => "tls-on-plaintext-refused",
            Self::Login => "login",
            Self::NoLoginRefused => "no-login-refused",
            Self::BadLoginRefused => "bad-login-refused",
            Self::RoundTrip => "round-trip",
            Self::Acl => "acl",
            Self::Websocket => "websocket",
            Self::ClientCertificate => "client-certificate",
            Self::SameAsDisk => "same-as-disk",
            Self::DaysLeft => "days-left",
        }
    }
}

/// One proof and its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The listener's port as the configuration (or the user) names it.
    pub listener: u16,
    /// The name that was dialled.
    pub name: Option<String>,
    /// The compose service whose way in this is.
    pub service: Option<String>,
    /// What is proved.
    pub kind: ProofKind,
    /// Whether it holds; `None` if it was not tried.
    pub ok: Option<bool>,
    /// Why it was not tried.
    pub skipped: Option<String>,
    /// The evidence.
    pub detail: String,
    /// How long it took.
    pub ms: u64,
}

impl Proof {
    fn new(listener: u16, name: Option<&str>, service: Option<&str>, kind: ProofKind) -> Self {
        Self {
            listener,
            name: name.map(str::to_owned),
            service: service.map(str::to_owned),
            kind,
            ok: None,
            skipped: None,
            detail: String::new(),
            ms: 0,
        }
    }

    fn told(mut self, ok: bool, detail: impl Into<String>, since: std::time::Instant) -> Self {
        self.ok = Some(ok);
        self.detail = detail.into();
        self.ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self
    }

    fn skipped(mut self, because: impl Into<String>) -> Self {
        self.skipped = Some(because.into());
        self
    }
}

/// Whether every proof that was tried holds, and at least one was tried.
#[must_use]
pub fn all_hold(proofs: &[Proof]) -> bool {
    proofs.iter().any(|p| p.ok == Some(true)) && proofs.iter().all(|p| p.ok != Some(false))
}
