//! What would cure a refusal: a new leaf, a renewed CA, another name, or the client's own side. Where the steps can be
//! tried (see [`Remedy`]), the stacks themselves say which one helps; else the reasons of the refusal decide.

use time::OffsetDateTime;

use crate::cert::Certificate;
use crate::judgement::{Judgement, Reason, ReasonCode};
use crate::name::PeerName;
use crate::stack_id::StackId;
use crate::stacks::{Evaluation, Presented};

/// The step that would make a refusing client accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cure {
    /// `mqttcert reissue`: a new leaf from the same CA.
    Reissue,
    /// Only renewing the CA, with its key and subject.
    RenewCa,
    /// No certificate cures it: this client refuses the name itself; dial another one.
    Rename,
    /// The client's or the broker's configuration has to change.
    Code,
    /// Nothing on this side.
    None,
}

impl Cure {
    /// The word of the JSON contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reissue => "reissue",
            Self::RenewCa => "renew-ca",
            Self::Rename => "rename",
            Self::Code => "code",
            Self::None => "none",
        }
    }
}

/// What was refused.
#[derive(Debug, Clone, Copy)]
pub struct Sickness<'a> {
    /// The leaf that is served.
    pub leaf: &'a Certificate,
    /// The client's trust file, its bytes.
    pub trust: &'a [u8],
    /// The reference identity.
    pub name: &'a PeerName,
    /// What the client says.
    pub refusal: &'a Judgement,
    /// As of when.
    pub now: OffsetDateTime,
}

/// A step, with the files as they would be after it.
#[derive(Debug, Clone)]
pub struct Remedy {
    /// The step.
    pub cure: Cure,
    /// What the broker would send, PEM.
    pub certfile: Vec<u8>,
    /// The client's trust file.
    pub trust: Vec<u8>,
}

/// Makes the steps that can be tried, the smallest first; none at all where no step keeps what is at fault out; `None`
/// where nothing can be tried. It signs, so it lives with the hands, below this floor.
pub type Remedies = fn(&Sickness<'_>) -> Option<Vec<Remedy>>;

/// The cure of a refusal by `stacks` that a certificate caused: the smallest step after which all of them accept.
pub(super) fn tried(stacks: &[StackId], sick: &Sickness<'_>, remedies: Remedies) -> Option<Cure> {
    let by_reason = of_refusal(sick.refusal)?;
    if by_reason == Cure::Code {
        return Some(by_reason);
    }
    let Some(steps) = remedies(sick) else { return Some(by_reason) };
    if steps.is_empty() {
        return Some(Cure::None);
    }
    let mut last = Vec::new();
    for remedy in steps {
        let presented = Presented { certfile: &remedy.certfile, completion: &[], trust: &remedy.trust };
        let evaluation = Evaluation::new(presented, sick.now);
        let after: Vec<Judgement> = stacks.iter().map(|s| evaluation.verify(*s, sick.name)).collect();
        if after.iter().all(Judgement::is_accept) {
            return Some(remedy.cure);
        }
        last = after;
    }
    let refused = |codes: &[ReasonCode]| {
        last.iter()
            .any(|j| matches!(j, Judgement::Refuse(all) if all.iter().any(|r| codes.contains(&r.code))))
    };
    Some(if refused(&[ReasonCode::InvalidName, ReasonCode::NameMismatch, ReasonCode::NoSan]) {
        Cure::Rename
    } else if last.iter().any(Judgement::is_refuse) {
        Cure::None
    } else {
        by_reason
    })
}

/// The cure of one refusal: the hardest of its reasons.
pub(super) fn of_refusal(judgement: &Judgement) -> Option<Cure> {
    let Judgement::Refuse(reasons) = judgement else { return None };
    reasons.iter().map(of_reason).max_by_key(|cure| match cure {
        Cure::Reissue => 0,
        Cure::RenewCa => 1,
        Cure::Code => 2,
        Cure::Rename => 3,
        Cure::None => 4,
    })
}

fn of_reason(reason: &Reason) -> Cure {
    match reason.code {
        ReasonCode::NameMismatch
        | ReasonCode::NoSan
        | ReasonCode::CaAsLeaf
        | ReasonCode::Purpose
        | ReasonCode::KeyUsage
        | ReasonCode::CriticalExtension
        | ReasonCode::UnsupportedVersion
        | ReasonCode::ChainOrder
        | ReasonCode::BadSignature
        | ReasonCode::SelfSigned
        | ReasonCode::UnknownIssuer
        | ReasonCode::BadTime
        | ReasonCode::Expired
        | ReasonCode::NotYetValid
        | ReasonCode::MustStaple
        | ReasonCode::DuplicateSerial
        | ReasonCode::TooLong
        | ReasonCode::KeyMismatch
        | ReasonCode::Revoked
        | ReasonCode::Malformed
        | ReasonCode::WeakAlgorithm
        | ReasonCode::UnsupportedAlgorithm => Cure::Reissue,
        ReasonCode::NotACa | ReasonCode::Strict | ReasonCode::Pathlen | ReasonCode::NameConstraints => {
            Cure::RenewCa
        }
        ReasonCode::InvalidName => Cure::Rename,
        ReasonCode::CaUnusable
        | ReasonCode::NoListener
        | ReasonCode::CaMissing
        | ReasonCode::TlsVersion
        | ReasonCode::ClientCertificate
        | ReasonCode::Plaintext
        | ReasonCode::BrokerDoesNotStart => Cure::Code,
        ReasonCode::Other => Cure::None,
    }
}
