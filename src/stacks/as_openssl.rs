//! Single questions to OpenSSL 3.0's rules, for what Mosquitto does with certificates: it completes the server's chain
//! and judges client certificates in the order in which OpenSSL does, which decides the alert that a client sees.

use time::OffsetDateTime;

use super::{checks, data, openssl};
use crate::cert::Certificate;
use crate::stack_id::StackId;

/// How long a path gets (`X509_VERIFY_PARAM` of the default purpose).
const MAX_DEPTH: usize = 100;

/// `ossl_x509_likely_issued`: no signature is checked.
pub(crate) fn has_issued(issuer: &Certificate, subject: &Certificate) -> bool {
    openssl::likely_issued(data::stack(StackId::Openssl), issuer, subject)
}

/// `X509_STORE_CTX_get1_issuer`: the first that fits and is valid now, else the one that ended last.
pub(crate) fn issuer_in<'a>(
    store: &'a [Certificate],
    subject: &Certificate,
    now: OffsetDateTime,
) -> Option<&'a Certificate> {
    let fitting = || store.iter().filter(|c| has_issued(c, subject));
    let is_valid = |c: &&Certificate| {
        c.not_before().is_some_and(|start| start <= now) && c.not_after().is_some_and(|end| now <= end)
    };
    let latest = |a, b| if Certificate::not_after(b) > Certificate::not_after(a) { b } else { a };
    fitting().find(is_valid).or_else(|| fitting().reduce(latest))
}

/// What OpenSSL sends behind a lone server certificate: the issuers that it finds in `store`, up to a self-signed one.
/// No signature is checked.
pub(crate) fn completion(leaf: &Certificate, store: &[Certificate], now: OffsetDateTime) -> Vec<Certificate> {
    let mut chain: Vec<Certificate> = Vec::new();
    let mut last = leaf.clone();
    while chain.len() < MAX_DEPTH && !is_self_signed(&last) {
        let Some(issuer) = issuer_in(store, &last, now) else { break };
        chain.push(issuer.clone());
        last = issuer.clone();
    }
    chain
}

/// `EXFLAG_SS`.
pub(crate) fn is_self_signed(cert: &Certificate) -> bool {
    openssl::self_signed(data::stack(StackId::Openssl), cert)
}

/// `check_ca`: 0 for no CA, 1 by basicConstraints, more by a leniency.
pub(crate) fn kind_of_ca(cert: &Certificate) -> u8 {
    openssl::kind_of_ca(data::stack(StackId::Openssl), cert)
}

/// Whether every critical extension is one that OpenSSL knows.
pub(crate) fn knows_what_is_critical(cert: &Certificate) -> bool {
    checks::known_critical(data::stack(StackId::Openssl).parse, cert).is_ok()
}

/// `check_key_level` and `check_sig_level` at Debian's security level; a root's own signature counts for nothing.
pub(crate) fn is_strong(cert: &Certificate, is_issuer: bool, is_root: bool) -> bool {
    let stack = data::stack(StackId::Openssl);
    checks::key(stack, cert, is_issuer).is_ok()
        && (is_root || checks::digest(&stack.algorithms, cert).is_ok())
}

/// The Netscape certificate type's bits, if the extension is there.
pub(crate) fn netscape(cert: &Certificate) -> Option<u8> {
    checks::netscape(cert)
}
