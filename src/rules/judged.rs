//! What each client does with what it meets: with verification, with its flag, and as it is set now.

use crate::judgement::{Judgement, ReasonCode};
use crate::verdict::ClientVerdict;

/// One client's answers.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    /// With the flag off.
    pub verify: Judgement,
    /// With the flag on.
    pub with_flag: Judgement,
    /// Whether the flag is on.
    pub is_on: bool,
}

impl Judged {
    /// As the flag is set now.
    pub fn now(&self) -> &Judgement {
        if self.is_on { &self.with_flag } else { &self.verify }
    }

    /// Whether it is refused today for one of these reasons.
    pub fn refused_for(&self, codes: &[ReasonCode]) -> bool {
        has(self.now(), codes)
    }

    /// Whether verification refuses for one of these reasons.
    pub fn would_refuse_for(&self, codes: &[ReasonCode]) -> bool {
        has(&self.verify, codes)
    }
}

fn has(judgement: &Judgement, codes: &[ReasonCode]) -> bool {
    matches!(judgement, Judgement::Refuse(reasons) if reasons.iter().any(|r| codes.contains(&r.code)))
}

impl Judged {
    /// What the verdict says of a client.
    pub fn of(verdict: &ClientVerdict) -> Self {
        Self {
            verify: verdict.verify.clone(),
            with_flag: verdict.with_flag.clone(),
            is_on: verdict.client.flag.as_ref().is_some_and(|f| f.insecure_now),
        }
    }
}
