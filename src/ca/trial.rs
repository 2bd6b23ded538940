//! What every client stack does with a CA certificate: tried with a leaf under it, before anything is written.

use time::OffsetDateTime;

use crate::cert::Certificate;
use crate::judgement::{Judgement, ReasonCode};
use crate::stack_id::StackId;
use crate::stacks::{Evaluation, Presented};

/// A leaf as a server would send it.
#[derive(Debug, Clone, Copy)]
pub struct Leaf<'a> {
    /// The certificate file, PEM.
    pub certfile: &'a [u8],
}

/// What one stack does, before and after a renewal.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The stack.
    pub stack: StackId,
    /// With the old trust file.
    pub old_trust: Judgement,
    /// With the new trust file.
    pub new_trust: Judgement,
    /// With the old trust file while the server sends the new CA certificate along.
    pub mixed: Judgement,
    /// With the new trust file while the server still sends the old CA certificate along.
    pub other: Judgement,
}

impl Trial {
    /// Whether somebody who connected before would be refused.
    #[must_use]
    pub fn breaks(&self) -> bool {
        let apart = [&self.mixed, &self.other];
        self.old_trust.is_accept()
            && (self.new_trust.is_refuse() || apart.iter().any(|j| j.is_refuse() && !is_of_serials(j)))
    }

    /// Whether somebody who connected before is refused only while client and broker have different ones of the two
    /// files: NSS takes no two certificates with one issuer and serial (`SEC_ERROR_REUSED_ISSUER_AND_SERIAL`).
    #[must_use]
    pub fn needs_both_at_once(&self) -> bool {
        let apart = [&self.mixed, &self.other];
        self.old_trust.is_accept() && !self.breaks() && apart.iter().any(|j| is_of_serials(j))
    }

    /// Whether only the new trust file lets it connect.
    #[must_use]
    pub fn cured(&self) -> bool {
        self.old_trust.is_refuse() && self.new_trust.is_accept()
    }
}

fn is_of_serials(judgement: &Judgement) -> bool {
    matches!(judgement, Judgement::Refuse(all) if all.iter().all(|r| r.code == ReasonCode::DuplicateSerial))
}

/// Every stack's judgement of a leaf under one trust file.
#[must_use]
pub fn under(
    leaf: Leaf<'_>,
    ca: &Certificate,
    trust: &[u8],
    now: OffsetDateTime,
) -> Vec<(StackId, Judgement)> {
    let completion = [ca.clone()];
    let presented = Presented { certfile: leaf.certfile, completion: &completion, trust };
    let evaluation = Evaluation::new(presented, now);
    StackId::ALL.iter().map(|id| (*id, evaluation.chain_only(*id, None))).collect()
}

/// Every stack's judgement of a leaf before and after a renewal.
#[must_use]
pub fn both_ways(
    leaf: Leaf<'_>,
    (old, old_trust): (&Certificate, &[u8]),
    (new, new_trust): (&Certificate, &[u8]),
    now: OffsetDateTime,
) -> Vec<Trial> {
    let before = under(leaf, old, old_trust, now);
    let after = under(leaf, new, new_trust, now);
    let mixed = under(leaf, new, old_trust, now);
    // A server that still has the old file sends the old CA to clients that have the new one.
    let other = under(leaf, old, new_trust, now);
    before
        .into_iter()
        .zip(after)
        .zip(mixed)
        .zip(other)
        .map(|((((stack, old_trust), (_, new_trust)), (_, mixed)), (_, other))| Trial {
            stack,
            old_trust,
            new_trust,
            mixed,
            other,
        })
        .collect()
}
