//! Certificate policies (RFC 5280 §6.1, as RFC 9618 has it) for the two libraries that process them without being
//! asked: Go from 1.24 on (`policiesValid` of crypto/x509/verify.go) and Chromium. They ask for no policy of their own,
//! so that only a certificate's policyConstraints can refuse a path.

use super::checks::{Rule, no};
use super::form::Policies;
use crate::cert::der::{self, tag};
use crate::cert::{Certificate, oid};
use crate::judgement::ReasonCode;

/// The policies that a path has left: some by name, or every one.
struct Left {
    any: bool,
    oids: Vec<Vec<u8>>,
}

impl Left {
    /// What is left below a certificate with these policies; `None` if that is nothing.
    fn below(self, own: &Policies, any_counts: bool) -> Option<Self> {
        let any = any_counts && own.oids.iter().any(|o| o == oid::ANY_POLICY);
        let named = own.oids.iter().filter(|o| *o != oid::ANY_POLICY && (self.any || self.oids.contains(o)));
        let mut oids: Vec<Vec<u8>> = named.cloned().collect();
        if any {
            oids.extend(self.oids.into_iter().filter(|o| !own.oids.contains(o)));
        }
        let left = Self { any: any && self.any, oids };
        (left.any || !left.oids.is_empty()).then_some(left)
    }
}

/// Whether a path (leaf first, anchor last) has the policies that its certificates demand.
pub(super) fn check(path: &[&Certificate]) -> Rule {
    let Some((_, below_anchor)) = path.split_last() else { return Ok(()) };
    let Some(leaf) = below_anchor.first() else { return Ok(()) };
    if !below_anchor.iter().any(|c| required(c).is_some()) {
        return Ok(());
    }
    let missing =
        |cert| no(ReasonCode::Other, cert, "a policy is demanded and none is left (policyConstraints)");
    let mut left = Some(Left { any: true, oids: Vec::new() });
    let (mut explicit, mut inhibit_any) = (below_anchor.len() + 1, below_anchor.len() + 1);
    for (depth, cert) in below_anchor.iter().enumerate().rev() {
        if cert.extension(oid::POLICY_MAPPINGS).is_some() {
            return no(ReasonCode::Other, cert, "it maps policies, which is not followed here");
        }
        let own = cert.extension(oid::CERTIFICATE_POLICIES).map(|e| Policies::read(&e.value));
        let any_counts = inhibit_any > 0 || (depth > 0 && cert.is_self_issued());
        left = left.zip(own.filter(|o| !o.oids.is_empty())).and_then(|(l, own)| l.below(&own, any_counts));
        if explicit == 0 && left.is_none() {
            return missing(cert);
        }
        if depth > 0 {
            if !cert.is_self_issued() {
                explicit = explicit.saturating_sub(1);
                inhibit_any = inhibit_any.saturating_sub(1);
            }
            explicit = required(cert).map_or(explicit, |n| explicit.min(n));
            inhibit_any = inhibited(cert).map_or(inhibit_any, |n| inhibit_any.min(n));
        }
    }
    explicit = explicit.saturating_sub(1);
    if (explicit == 0 || required(leaf) == Some(0)) && left.is_none() {
        return missing(leaf);
    }
    Ok(())
}

/// requireExplicitPolicy of policyConstraints (RFC 5280 §4.2.1.11).
fn required(cert: &Certificate) -> Option<usize> {
    let value = &cert.extension(oid::POLICY_CONSTRAINTS)?.value;
    let mut fields = der::whole(value, tag::SEQUENCE).ok()?.inside();
    small(fields.optional(0x80).ok()??.content)
}

/// inhibitAnyPolicy (RFC 5280 §4.2.1.14).
fn inhibited(cert: &Certificate) -> Option<usize> {
    let value = &cert.extension(oid::INHIBIT_ANY_POLICY)?.value;
    small(der::whole(value, tag::INTEGER).ok()?.content)
}

fn small(content: &[u8]) -> Option<usize> {
    der::small_unsigned(content).and_then(|n| usize::try_from(n).ok())
}
