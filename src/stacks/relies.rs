//! What an accepted chain leans on: each of these is a "no" in some other library.

use time::OffsetDateTime;

use crate::cert::Certificate;
use crate::cert::algorithm::{Hash, PublicKey};
use crate::cert::extension::KeyUsage;
use crate::cert::oid;
use crate::judgement::Leniency;

/// The leniencies of a path, leaf first, anchor last.
pub(super) fn on(path: &[Certificate], now: OffsetDateTime) -> Vec<Leniency> {
    let mut found = Vec::new();
    let (Some(leaf), Some(anchor)) = (path.first(), path.last()) else { return found };
    let mut add = |yes: bool, what: Leniency| {
        if yes {
            found.push(what);
        }
    };
    let old = |c: &Certificate| c.version().is_none_or(|v| v < 3);
    add(path.iter().any(old), Leniency::LenientVersion);
    let imperfect = |c: &Certificate| {
        !c.basic_constraints().is_some_and(|b| b.ca)
            || !c.key_usage().is_some_and(|u| u.any(KeyUsage::KEY_CERT_SIGN))
            || c.subject_key_id().is_none()
    };
    add(path.len() == 1 || path.iter().skip(1).any(imperfect), Leniency::LenientCa);
    add(!anchor.is_self_issued(), Leniency::PartialChain);
    add(leaf.basic_constraints().is_some_and(|b| b.ca), Leniency::CaAsLeaf);
    let undated = |c: &Certificate| {
        !(c.not_before().is_some_and(|t| t <= now) && c.not_after().is_some_and(|t| t >= now))
    };
    add(path.iter().any(undated), Leniency::DatesUnchecked);
    let purposes = leaf.extended_key_usage();
    let unusual = purposes.is_some_and(|p| !p.iter().any(|p| p == oid::EKU_SERVER))
        || leaf.key_usage().is_some_and(|u| !u.any(KeyUsage::DIGITAL_SIGNATURE));
    add(unusual, Leniency::UsageUnchecked);
    let constrained =
        path.iter().enumerate().skip(2).any(|(i, c)| {
            c.basic_constraints().and_then(|b| b.path_len).is_some_and(|max| (i as u64 - 1) > max)
        });
    add(constrained, Leniency::ConstraintsUnchecked);
    let weak_key = |c: &Certificate| {
        matches!(c.public_key(), PublicKey::Rsa { .. }) && c.public_key().bits() < Some(2048)
    };
    let weak_digest = |c: &Certificate| {
        matches!(c.signature_algorithm().hash(), Some(Hash::Md5 | Hash::Sha1 | Hash::Sha224))
    };
    let signed = path.get(..path.len() - 1).unwrap_or_default();
    add(path.iter().any(weak_key) || signed.iter().any(weak_digest), Leniency::WeakAlgorithm);
    add(path.iter().any(|c| !c.malformed().is_empty()), Leniency::LenientParsing);
    found
}
