//! What would cure a refusal: a new leaf, a renewed CA, another name, or the client's own side. Where the steps can be
//! tried (`remedy.rs`), the stacks themselves say which one helps; else the reasons of the refusal decide.

use crate::judgement::{Judgement, Reason, ReasonCode};

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
