//! The chain to the CA file.

use super::certificate::each;
use super::context::{Context, Served};
use super::{Outcome, Rule};
use crate::cert::Certificate;
use crate::cert::signature::{self, Check};
use crate::finding::{Fix, Severity};
use crate::judgement::ReasonCode;

pub(super) const UNTRUSTED_CHAIN: Rule = Rule {
    id: "untrusted-chain",
    severity: Severity::Error,
    what: "the server's certificate does not lead to the CA file that goes with it",
    why: "Clients that trust that file refuse the certificate; a flag that only skips the host name does not help.",
    cure: "put the right ca.crt beside it, or sign anew with the CA that clients have: `mqttcert reissue`",
    source: "RFC 5280 §6.1",
    fix: Fix::None,
    check: untrusted_chain,
};

pub(super) const KEY_IDENTIFIER: Rule = Rule {
    id: "key-identifier",
    severity: Severity::Warning,
    what: "the authority key identifier does not name the CA's key, or is missing",
    why: "Strict verifiers (Python 3.13's default) demand it, and with two CAs of one name it decides which is tried.",
    cure: "`mqttcert reissue` writes it as the CA's subject key identifier",
    source: "RFC 5280 §4.2.1.1 and §4.2.1.2",
    fix: Fix::None,
    check: key_identifier,
};

fn untrusted_chain(rule: &Rule, context: &Context<'_>) -> Outcome {
    if !context.served.iter().any(|s| s.ca.is_some()) {
        return Outcome::NotApplicable;
    }
    let codes = [
        ReasonCode::UnknownIssuer,
        ReasonCode::BadSignature,
        ReasonCode::SelfSigned,
        ReasonCode::CaUnusable,
        ReasonCode::ChainOrder,
    ];
    each(rule, context, &codes, |served| {
        let (file, anchors) = served.ca.as_ref()?;
        let fault = break_in(served, anchors)?;
        Some(format!("{fault}; looked for in {}", file.display()))
    })
}

/// Where the path from the leaf to an anchor ends; `None` if it arrives.
fn break_in(served: &Served<'_>, anchors: &[Certificate]) -> Option<String> {
    let mut last = &served.leaf;
    for _ in 0..10 {
        if anchors.iter().any(|a| a.sha256() == last.sha256()) {
            return None;
        }
        let is_issuer = |c: &&Certificate| c.subject().der() == last.issuer().der();
        let all = || served.rest.iter().chain(anchors);
        if last.is_self_issued() && !all().any(|c| is_issuer(&c) && c.sha256() != last.sha256()) {
            return Some(format!(
                "the certificate {} is self-signed and not in the CA file",
                last.subject().display()
            ));
        }
        let mut named = all().filter(is_issuer).peekable();
        if named.peek().is_none() {
            return Some(format!("nothing there issued it: its issuer is {}", last.issuer().display()));
        }
        let Some(issuer) = named.find(|c| signature::verify(c.spki_der(), last) != Check::Bad) else {
            return Some(format!(
                "a CA of the issuer's name ({}) is there, but the signature is by another key",
                last.issuer().display()
            ));
        };
        if anchors.iter().any(|a| a.sha256() == issuer.sha256()) {
            return None;
        }
        last = issuer;
    }
    Some("the chain does not end".to_owned())
}

fn key_identifier(rule: &Rule, context: &Context<'_>) -> Outcome {
    each(rule, context, &[ReasonCode::Strict], |served| {
        let leaf = &served.leaf;
        // A version 1 certificate has a rule of its own.
        let issuer = served.issuer().filter(|_| leaf.version() != Some(1) && !leaf.is_self_issued())?;
        let theirs = issuer.subject_key_id();
        match (leaf.authority_key_id().and_then(|a| a.key_id.as_deref()), theirs) {
            (None, _) => Some("the certificate has no authority key identifier".to_owned()),
            (Some(ours), Some(theirs)) if ours != theirs => Some(
                "the certificate's authority key identifier is not its CA's subject key identifier"
                    .to_owned(),
            ),
            _ => None,
        }
    })
}
