//! What each client does with what it meets: with verification, with its flag, and as it is set now.

use time::OffsetDateTime;

use crate::deployment::Deployment;
use crate::judgement::{Judgement, ReasonCode};
use crate::tree::Tree;

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

/// The answers of all clients, in their order.
pub(super) fn clients(deployment: &Deployment, _tree: &dyn Tree, _now: OffsetDateTime) -> Vec<Judged> {
    let unknown = || Judgement::Unknown("not judged".to_owned());
    let judge = |flag: Option<bool>| Judged { verify: unknown(), with_flag: unknown(), is_on: flag == Some(true) };
    deployment.clients.iter().map(|c| judge(c.flag.as_ref().map(|f| f.insecure_now))).collect()
}
