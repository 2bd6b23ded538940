//! What is BearSSL's own (0.6): one pass over what was sent, and what it takes for a CA.

use super::checks::{self, Rule, no};
use super::evaluation::{Evaluation, Found};
use super::path;
use super::stack::Stack;
use super::trust::Anchor;
use crate::cert::der::{self, tag};
use crate::cert::extension::KeyUsage;
use crate::cert::signature::Check;
use crate::cert::{Certificate, oid};
use crate::judgement::ReasonCode;

/// BearSSL's one pass (src/x509/x509_minimal.t0): each certificate must be issued by the next one sent, until an
/// anchor issues it. The anchor is only a name, a key and whether it may issue.
pub(super) fn build(
    evaluation: &Evaluation<'_>,
    stack: &Stack,
    sent: &[Certificate],
    anchors: &[Anchor],
) -> Found {
    let fail = |rule: Rule| Found::None(vec![path::reason(rule)]);
    let mut chain: Vec<Certificate> = Vec::new();
    let mut pending: Option<&Certificate> = None;
    for (i, cert) in sent.iter().enumerate() {
        if let Some(child) = pending {
            if cert.subject().der() != child.issuer().der() {
                return fail(no(
                    ReasonCode::ChainOrder,
                    child,
                    "the next certificate sent is not its issuer",
                ));
            }
            match evaluation.signed(cert, child) {
                Check::Good => {}
                Check::Bad => {
                    return fail(no(ReasonCode::BadSignature, child, "its signature does not verify"));
                }
                Check::Unsupported(what) => return Found::Unknown(format!("{what} cannot be checked here")),
            }
        }
        let rules = checks::dates(stack, cert, evaluation.now())
            .and_then(|()| checks::key(stack, cert, i > 0))
            .and_then(|()| checks::digest(&stack.algorithms, cert))
            .and_then(|()| checks::known_critical(stack.parse, cert));
        if let Err(reason) = rules {
            return Found::None(vec![reason]);
        }
        if i > 0 {
            let bc = cert.basic_constraints();
            if !ca(cert).is_some_and(|whole| whole) {
                return fail(no(ReasonCode::NotACa, cert, "it is no CA"));
            }
            if cert.key_usage().is_some_and(|u| !u.any(KeyUsage::KEY_CERT_SIGN)) {
                return fail(no(ReasonCode::NotACa, cert, "its keyUsage lacks keyCertSign"));
            }
            if bc.and_then(|b| b.path_len).is_some_and(|max| (i as u64 - 1) > max) {
                return fail(no(ReasonCode::Pathlen, cert, "its path length is exceeded"));
            }
        } else if anchors
            .iter()
            .any(|a| a.cert.subject().der() == cert.subject().der() && a.cert.spki_der() == cert.spki_der())
        {
            return Found::Path(vec![cert.clone()]);
        }
        chain.push(cert.clone());
        for anchor in anchors.iter().map(|a| &a.cert) {
            let may = ca(anchor).is_some();
            if may && anchor.subject().der() == cert.issuer().der() {
                match evaluation.signed(anchor, cert) {
                    Check::Good => {
                        chain.push(anchor.clone());
                        return Found::Path(chain);
                    }
                    Check::Bad => {}
                    Check::Unsupported(what) => {
                        return Found::Unknown(format!("{what} cannot be checked here"));
                    }
                }
            }
        }
        pending = Some(cert);
    }
    match sent.last() {
        Some(last) => Found::None(vec![path::unknown_issuer(last)]),
        None => Found::None(Vec::new()),
    }
}

/// Whether BearSSL takes a certificate for a CA, and if, whether it would also as one that was sent: of an anchor
/// (src/x509/x509_decoder.t0) only the boolean is read, else (x509_minimal.t0) the path length too, and nothing may
/// follow it.
fn ca(cert: &Certificate) -> Option<bool> {
    let value = &cert.extension(oid::BASIC_CONSTRAINTS)?.value;
    let mut fields = der::whole(value, tag::SEQUENCE).ok()?.inside();
    let flag = fields.take(tag::BOOLEAN).ok()?.content;
    let read = cert.basic_constraints().is_some_and(|b| b.path_len != Some(u64::MAX));
    let whole = read && oid::label(oid::BASIC_CONSTRAINTS).is_some_and(|l| !cert.malformed().contains(&l));
    (flag.len() == 1 && flag != [0]).then_some(whole)
}
