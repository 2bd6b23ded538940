//! What is Mbed TLS's own (`library/x509_crt.c` of 2.28.3 and 3.6.5): how it goes from a certificate to its issuer.

use super::checks;
use super::evaluation::{Evaluation, Found};
use super::path::{self, Step};
use super::stack::Stack;
use super::trust::Anchor;
use crate::cert::der::{self, DerError, tag};
use crate::cert::extension::KeyUsage;
use crate::cert::{Certificate, Name, oid};
use crate::judgement::{Reason, ReasonCode};

/// `x509_crt_verify_chain`: the trust file first, then what was sent behind the certificate; no second try.
pub(super) fn build(
    evaluation: &Evaluation<'_>,
    stack: &Stack,
    sent: &[Certificate],
    anchors: &[Anchor],
) -> Found {
    let Some(leaf) = sent.first() else { return Found::None(Vec::new()) };
    let mut chain: Vec<&Certificate> = vec![leaf];
    let mut at = 0;
    loop {
        let trusted = match parent(evaluation, stack, &chain, anchors.iter().map(|a| &a.cert), true) {
            Ok(found) => found,
            Err(end) => return end,
        };
        if let Some((_, issuer)) = trusted {
            chain.push(issuer);
            return path::finish(evaluation, stack, &chain);
        }
        let rest = sent.get(at + 1..).unwrap_or_default();
        match parent(evaluation, stack, &chain, rest.iter(), false) {
            Ok(Some((offset, issuer))) => {
                at += offset + 1;
                chain.push(issuer);
            }
            Ok(None) => return Found::None(vec![none(stack, &chain, sent, anchors)]),
            Err(end) => return end,
        }
        if chain.len() - 1 > stack.path.max_intermediates {
            let what = format!("it has more than {} intermediates", stack.path.max_intermediates);
            return Found::None(checks::no(ReasonCode::TooLong, leaf, what).err().into_iter().collect());
        }
    }
}

/// `x509_crt_find_parent_in`: the first that is valid now, else the first that is not. Of the trust file only one
/// whose key made the signature; of what was sent the first is taken, whatever it signed.
fn parent<'a>(
    evaluation: &Evaluation<'_>,
    stack: &Stack,
    chain: &[&'a Certificate],
    candidates: impl Iterator<Item = &'a Certificate>,
    trusted: bool,
) -> Result<Option<(usize, &'a Certificate)>, Found> {
    let Some(tip) = chain.last().copied() else { return Ok(None) };
    let mut fallback = None;
    for (i, candidate) in candidates.enumerate() {
        if !path::fits(stack, candidate, tip) || !may_be_parent(candidate, trusted) {
            continue;
        }
        let between = path::between(stack, chain);
        if candidate.basic_constraints().and_then(|b| b.path_len).is_some_and(|max| between > max) {
            continue;
        }
        let signed = match path::step(evaluation, stack, candidate, tip) {
            Step::Signed => true,
            Step::Bad(_) if trusted => continue,
            Step::Bad(_) => false,
            Step::End(end) => return Err(end),
        };
        if checks::dates(stack, candidate, evaluation.now()).is_err() {
            fallback = fallback.or(Some((i, candidate, signed)));
            continue;
        }
        fallback = Some((i, candidate, signed));
        break;
    }
    match fallback {
        Some((i, candidate, true)) => Ok(Some((i, candidate))),
        Some((_, candidate, false)) => Err(Found::None(vec![path::unsigned(candidate, tip)])),
        None => Ok(None),
    }
}

/// `x509_crt_check_parent` besides the name.
fn may_be_parent(cert: &Certificate, trusted: bool) -> bool {
    (trusted && cert.version().is_some_and(|v| v < 3))
        || (cert.basic_constraints().is_some_and(|b| b.ca)
            && allows(cert.key_usage(), KeyUsage::KEY_CERT_SIGN))
}

/// `mbedtls_x509_crt_check_key_usage`: encipherOnly and decipherOnly forbid everything that does not ask for them.
pub(super) fn allows(usage: Option<KeyUsage>, wanted: u16) -> bool {
    usage.is_none_or(|u| u.any(wanted) && !u.any(KeyUsage::ENCIPHER_ONLY | KeyUsage::DECIPHER_ONLY))
}

/// `mbedtls_rsa_check_pubkey`: an odd modulus, and an odd exponent of 3 at least.
pub(super) fn usable(modulus: &[u8], exponent: &[u8]) -> bool {
    let odd = |n: &[u8]| n.last().is_some_and(|b| b & 1 == 1);
    odd(modulus) && odd(exponent) && exponent != [1]
}

/// `x509_get_authority_key_id` of 3.6: a key identifier, issuer and serial number, or all three; neither nothing nor
/// one of the two alone.
pub(super) fn authority_readable(cert: &Certificate) -> bool {
    let read = |value: &[u8]| {
        let mut fields = der::whole(value, tag::SEQUENCE)?.inside();
        if fields.is_empty() {
            return Err(DerError::Truncated);
        }
        fields.optional(0x80)?;
        if fields.is_empty() {
            return Ok(());
        }
        let mut issuer = fields.take(0xa1)?.inside();
        while !issuer.is_empty() {
            let name = issuer.element()?;
            if name.tag & 0xc0 != 0x80 || (name.tag == 0xa4 && !directory_readable(name.content)) {
                return Err(DerError::Unexpected(name.tag));
            }
        }
        fields.take(0x82)?;
        fields.finish()
    };
    cert.extensions().iter().filter(|e| e.oid == oid::AUTHORITY_KEY_ID).all(|e| read(&e.value).is_ok())
}

/// `mbedtls_x509_get_name`: a name of at least one attribute.
pub(super) fn directory_readable(der: &[u8]) -> bool {
    Name::from_der(der).is_ok_and(|n| !n.is_empty())
}

/// The most telling reason why no issuer is found.
fn none(stack: &Stack, chain: &[&Certificate], sent: &[Certificate], anchors: &[Anchor]) -> Reason {
    let Some(tip) = chain.last().copied() else {
        return Reason::new(ReasonCode::Other, "no certificate is presented");
    };
    let trusted = anchors.iter().map(|a| (&a.cert, true));
    let all = trusted.chain(sent.iter().skip(1).map(|c| (c, false)));
    let mut named = all.filter(|(c, _)| *c != tip && path::fits(stack, c, tip));
    let refused = named.find_map(|(cert, anchor)| {
        let rules = if anchor { &stack.path.anchor } else { &stack.path.intermediate };
        let length = path::length(stack, cert, chain);
        checks::may_issue(rules, cert, anchor).and(length).err()
    });
    refused.unwrap_or_else(|| path::unknown_issuer(tip))
}
