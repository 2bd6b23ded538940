//! The path builder of OpenSSL 3.0 (`build_chain`, `check_extensions`, `check_auth_level`, `internal_verify` in
//! crypto/x509/x509_vfy.c), and of BoringSSL and AWS-LC, which grew from it.

use super::checks::{self, Rule, no, who};
use super::constraints;
use super::evaluation::{Evaluation, Found};
use super::path::{fits, unknown_issuer};
use super::stack::{CaRules, NoBasicConstraints, Parse, Stack};
use super::trust::Anchor;
use crate::cert::Certificate;
use crate::cert::algorithm::{PublicKey, SignatureAlgorithm};
use crate::cert::extension::KeyUsage;
use crate::cert::oid;
use crate::cert::signature::Check;
use crate::judgement::{Reason, ReasonCode};

/// Builds the one path that OpenSSL would, and checks it.
pub(super) fn build(
    evaluation: &Evaluation<'_>,
    stack: &Stack,
    sent: &[Certificate],
    anchors: &[Anchor],
    partial: bool,
    strict: bool,
) -> Found {
    let Some((leaf, pool)) = sent.split_first() else { return Found::None(Vec::new()) };
    let path = match chain(evaluation, stack, leaf, pool, anchors, partial) {
        Ok(path) => path,
        Err(reason) => return Found::None(vec![reason]),
    };
    if let Err(reason) = rules(evaluation, stack, &path, strict) {
        return Found::None(vec![reason]);
    }
    for (subject, issuer) in path.iter().zip(path.iter().skip(1)) {
        match evaluation.signed(issuer, subject) {
            Check::Good => {}
            Check::Bad => {
                let what = format!("its signature is not by {}", who(issuer));
                return Found::None(no(ReasonCode::BadSignature, subject, what).err().into_iter().collect());
            }
            Check::Unsupported(what) => return Found::Unknown(format!("{what} cannot be checked here")),
        }
    }
    Found::Path(path)
}

/// `EXFLAG_SS`: self-issued, and neither key identifier nor algorithm says otherwise. No signature is checked.
fn self_signed(stack: &Stack, cert: &Certificate) -> bool {
    // BoringSSL and AWS-LC also ask keyUsage here.
    let denies =
        stack.parse == Parse::S2n && cert.key_usage().is_some_and(|u| !u.any(KeyUsage::KEY_CERT_SIGN));
    cert.is_self_issued() && !denies && likely_issued(stack, cert, cert)
}

/// `ossl_x509_likely_issued`.
fn likely_issued(stack: &Stack, issuer: &Certificate, subject: &Certificate) -> bool {
    let kind = match (subject.signature_algorithm(), issuer.public_key()) {
        (SignatureAlgorithm::RsaPkcs1(_), PublicKey::Rsa { .. })
        | (SignatureAlgorithm::RsaPss { .. }, PublicKey::Rsa { .. })
        | (SignatureAlgorithm::Ecdsa(_), PublicKey::Ec { .. })
        | (SignatureAlgorithm::Ed25519, PublicKey::Ed25519(_))
        | (SignatureAlgorithm::Ed448, PublicKey::Ed448(_))
        | (SignatureAlgorithm::Other(_), _) => true,
        _ => stack.parse == Parse::S2n,
    };
    kind && fits(stack, issuer, subject)
}

fn chain(
    evaluation: &Evaluation<'_>,
    stack: &Stack,
    leaf: &Certificate,
    pool: &[Certificate],
    anchors: &[Anchor],
    partial: bool,
) -> Result<Vec<Certificate>, Reason> {
    let mut path = vec![leaf.clone()];
    let mut unused: Vec<&Certificate> = pool.iter().collect();
    let refused = |cert: &Certificate| {
        Reason::new(ReasonCode::Purpose, format!("{}: its trust data reject TLS servers", who(cert)))
    };
    loop {
        let Some(tip) = path.last().cloned() else { break };
        let ends = self_signed(stack, &tip);
        // get_issuer: the first that is valid now, else the last that fits.
        let mut fitting = anchors.iter().filter(|a| likely_issued(stack, &a.cert, &tip)).peekable();
        let mut best = None;
        while let Some(anchor) = fitting.next() {
            best = Some(anchor);
            if checks::dates(stack, &anchor.cert, evaluation.now()).is_ok() {
                break;
            }
        }
        let best = best.filter(|a| !ends || a.cert == tip);
        if let Some(anchor) = best {
            if !ends && anchor.cert != tip {
                path.push(anchor.cert.clone());
            }
            match anchor.verdict {
                Some(true) => return Ok(path),
                Some(false) => return Err(refused(&anchor.cert)),
                None => {}
            }
            if partial || self_signed(stack, &anchor.cert) {
                return Ok(path);
            }
            // A trusted intermediate alone does not end the path: only the trust store is asked from here on.
            unused.clear();
            if path.len() > 100 {
                break;
            }
            continue;
        }
        let next = if ends { None } else { unused.iter().position(|c| likely_issued(stack, c, &tip)) };
        match next {
            Some(at) if path.len() <= 100 => path.push(unused.remove(at).clone()),
            _ => break,
        }
    }
    if partial {
        if let Some(anchor) = anchors.iter().find(|a| a.cert == *leaf) {
            return match anchor.verdict {
                Some(false) => Err(refused(&anchor.cert)),
                _ => Ok(vec![leaf.clone()]),
            };
        }
    }
    let tip = path.last().unwrap_or(leaf);
    if path.len() > 101 {
        return Err(Reason::new(ReasonCode::TooLong, "the chain is longer than 100 certificates"));
    }
    if self_signed(stack, tip) {
        let what = format!("{}: it is self-signed and not in the trust file", who(tip));
        return Err(Reason::new(ReasonCode::SelfSigned, what));
    }
    Err(unknown_issuer(tip))
}

fn rules(evaluation: &Evaluation<'_>, stack: &Stack, path: &[Certificate], strict: bool) -> Rule {
    let last = path.len() - 1;
    let mut below = 0u64;
    for (i, cert) in path.iter().enumerate() {
        checks::known_critical(stack.parse, cert)?;
        if i > 0 {
            let loose = i == last && !strict;
            let usage = if loose { NoBasicConstraints::NeedsUsage } else { NoBasicConstraints::Refused };
            let own = stack.path.anchor;
            let no_basic_constraints = if loose && own.no_basic_constraints != NoBasicConstraints::NeedsUsage
            {
                own.no_basic_constraints
            } else {
                usage
            };
            let v1 = loose && own.v1;
            let ca = CaRules { v1, no_basic_constraints, critical: false, ..own };
            checks::may_issue(&ca, cert, i == last)?;
            if i < last || own.purpose {
                checks::purpose(stack.leaf.purpose, cert)?;
            }
        }
        if strict && path.len() > 1 {
            strictly(cert, i < last)?;
        }
        let bc = cert.basic_constraints();
        if stack.parse == Parse::S2n && bc.is_some_and(|b| b.path_len.is_some() && !b.ca) {
            return no(ReasonCode::Malformed, cert, "it has a path length and is no CA");
        }
        let enforced = i != last || stack.path.anchor.path_length;
        if enforced && bc.and_then(|b| b.path_len).is_some_and(|max| i > 0 && below > max) {
            return no(
                ReasonCode::Pathlen,
                cert,
                "more intermediates stand below it than its path length allows",
            );
        }
        if i > 0 && !cert.is_self_issued() {
            below += 1;
        }
        checks::key(stack, cert, i > 0)?;
        if i < last {
            checks::digest(&stack.algorithms, cert)?;
        }
        checks::dates(stack, cert, evaluation.now())?;
    }
    // internal_verify: a self-signed CA alone must be allowed to sign itself.
    if let [only] = path {
        let ca = only.basic_constraints().is_some_and(|b| b.ca);
        if ca
            && only.is_self_issued()
            && only.key_usage().is_some_and(|u| !u.any(KeyUsage::KEY_CERT_SIGN))
            && stack.parse == Parse::Openssl
        {
            return no(ReasonCode::NotACa, only, "it is a CA whose keyUsage lacks keyCertSign");
        }
    }
    for (i, cert) in path.iter().enumerate().skip(1) {
        if let Some(nc) = cert.name_constraints() {
            let below: Vec<&Certificate> = path.get(..i).unwrap_or_default().iter().collect();
            if let Some(what) = constraints::violation(stack.parse, nc, &below) {
                return no(ReasonCode::NameConstraints, cert, what);
            }
        }
    }
    Ok(())
}

/// `X509_V_FLAG_X509_STRICT`, as `check_extensions` applies it.
fn strictly(cert: &Certificate, has_issuer: bool) -> Rule {
    let bad = |what: &str| no(ReasonCode::Strict, cert, format!("{what} (X509_V_FLAG_X509_STRICT)"));
    let bc = cert.basic_constraints();
    let ca = bc.is_some_and(|b| b.ca);
    let usage = cert.key_usage();
    let signs = usage.is_some_and(|u| u.any(KeyUsage::KEY_CERT_SIGN));
    let critical = |oid: &[u8]| cert.extension(oid).is_some_and(|e| e.critical);
    if bc.is_some_and(|b| b.path_len.is_some()) {
        if !ca {
            return bad("it has a path length and is no CA");
        }
        if !signs {
            return bad("it has a path length without keyCertSign");
        }
    }
    if ca && !critical(oid::BASIC_CONSTRAINTS) {
        return bad("basicConstraints of a CA is not critical");
    }
    if ca && usage.is_none() {
        return bad("it is a CA without keyUsage");
    }
    if !ca && signs {
        return bad("keyCertSign without being a CA");
    }
    if cert.issuer().is_empty() {
        return bad("its issuer is empty");
    }
    if cert.subject().is_empty() {
        if ca || !cert.has_san() {
            return bad("its subject is empty");
        }
        if !critical(oid::SUBJECT_ALT_NAME) {
            return bad("its subject is empty and its subjectAltName is not critical");
        }
    }
    if cert.has_san() && cert.sans().is_empty() {
        return bad("its subjectAltName is empty");
    }
    if !cert.algorithms_agree() {
        return bad("its two signature algorithms differ");
    }
    if critical(oid::AUTHORITY_KEY_ID) || critical(oid::SUBJECT_KEY_ID) {
        return bad("a key identifier is critical");
    }
    if cert.version().is_some_and(|v| v >= 3) {
        if has_issuer && cert.authority_key_id().is_none_or(|a| a.key_id.is_none()) {
            return bad("it has no authorityKeyIdentifier with a key identifier");
        }
        if ca && cert.subject_key_id().is_none() {
            return bad("it is a CA without subjectKeyIdentifier");
        }
    } else if !cert.extensions().is_empty() {
        return bad("it has extensions and is not version 3");
    }
    Ok(())
}
