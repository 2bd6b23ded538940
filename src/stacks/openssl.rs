//! The path builder of OpenSSL 3.0 (`build_chain`, `check_extensions`, `check_auth_level`, `internal_verify` in
//! crypto/x509/x509_vfy.c), and of BoringSSL and AWS-LC, which grew from it.

use super::checks::{self, Rule, no, who};
use super::evaluation::{Evaluation, Found};
use super::path::{fits, unknown_issuer};
use super::stack::{CaRules, NoBasicConstraints, Parse, Stack};
use super::trust::Anchor;
use super::{constraints, dn};
use crate::cert::Certificate;
use crate::cert::algorithm::{PublicKey, SignatureAlgorithm};
use crate::cert::extension::KeyUsage;
use crate::cert::signature::Check;
use crate::cert::{oid, openssl_asn1};
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
    if let Err(why) = openssl_asn1::extensions(leaf) {
        return Found::None(no(ReasonCode::Malformed, leaf, why).err().into_iter().collect());
    }
    // A certificate with unusable extensions, or an unusable key, has issued nothing (ossl_x509_likely_issued).
    let usable = |c: &Certificate| openssl_asn1::extensions(c).is_ok() && key_whole(c);
    let anchors: Vec<Anchor> = anchors.iter().filter(|a| usable(&a.cert)).cloned().collect();
    let pool: Vec<Certificate> = pool.iter().filter(|c| usable(c)).cloned().collect();
    let (anchors, pool) = (anchors.as_slice(), pool.as_slice());
    let path = match chain(evaluation, stack, leaf, pool, anchors, partial) {
        Ok(path) => path,
        Err(reason) => return Found::None(vec![reason]),
    };
    if let Err(reason) = rules(evaluation, stack, &path, strict) {
        return Found::None(vec![reason]);
    }
    for (subject, issuer) in path.iter().zip(path.iter().skip(1)) {
        if let Err(reason) = signature_form(subject) {
            return Found::None(vec![reason]);
        }
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

fn key_whole(cert: &Certificate) -> bool {
    openssl_asn1::decode(cert).is_ok_and(|d| d.key_whole)
}

/// What `X509_verify` demands before it computes anything.
fn signature_form(cert: &Certificate) -> Rule {
    match openssl_asn1::decode(cert) {
        Ok(form) if !form.algorithms_equal => {
            let what = "the signature algorithm inside the signed part is not the one outside";
            no(ReasonCode::BadSignature, cert, what)
        }
        Ok(form) if !form.signature_whole => {
            no(ReasonCode::BadSignature, cert, "its signature is no whole number of octets")
        }
        _ => Ok(()),
    }
}

/// `EXFLAG_SS`: self-issued, and neither key identifier nor algorithm says otherwise. No signature is checked.
pub(super) fn self_signed(stack: &Stack, cert: &Certificate) -> bool {
    self_issued(stack, cert) && likely_issued(stack, cert, cert)
}

/// `EXFLAG_SI`.
fn self_issued(stack: &Stack, cert: &Certificate) -> bool {
    dn::same(stack.path.dn, cert.issuer(), cert.subject())
}

/// `ossl_x509_likely_issued`: names, key identifiers, and the kind of key that the inner algorithm asks for
/// (`OBJ_find_sigid_algs`, which knows no algorithm that is none).
pub(super) fn likely_issued(stack: &Stack, issuer: &Certificate, subject: &Certificate) -> bool {
    let kind = match SignatureAlgorithm::from_der(subject.inner_algorithm_der()) {
        _ if stack.parse == Parse::S2n => true,
        Ok(SignatureAlgorithm::Other(oid)) => known_to_openssl(&oid),
        Ok(algorithm) => match (algorithm, issuer.public_key()) {
            (SignatureAlgorithm::RsaPkcs1(_), PublicKey::Rsa { pss, .. }) => !pss,
            (SignatureAlgorithm::RsaPss { .. }, PublicKey::Rsa { .. })
            | (SignatureAlgorithm::Ecdsa(_), PublicKey::Ec { .. })
            | (SignatureAlgorithm::Ed25519, PublicKey::Ed25519(_))
            | (SignatureAlgorithm::Ed448, PublicKey::Ed448(_)) => true,
            _ => false,
        },
        Err(_) => false,
    };
    // X509_check_issued of BoringSSL and AWS-LC also asks keyUsage, and so looks for another CA of that name.
    let denies =
        stack.parse == Parse::S2n && issuer.key_usage().is_some_and(|u| !u.any(KeyUsage::KEY_CERT_SIGN));
    kind && !denies && fits(stack, issuer, subject)
}

/// Signature algorithms of crypto/objects/obj_xref.txt that are not checked here: the RSA and ECDSA families of
/// PKCS #1, NIST and TeleTrusT, DSA, SM2 and GOST. Anything else is none for OpenSSL.
fn known_to_openssl(oid: &[u8]) -> bool {
    const FAMILIES: [&[u8]; 8] = [
        b"\x60\x86\x48\x01\x65\x03\x04\x03",
        b"\x2a\x86\x48\xce\x3d\x04",
        b"\x2a\x86\x48\xce\x38\x04\x03",
        b"\x2b\x0e\x03\x02",
        b"\x2b\x24\x03\x03\x01",
        b"\x2a\x81\x1c\xcf\x55\x01",
        b"\x2a\x85\x03\x02\x02",
        b"\x2a\x85\x03\x07\x01",
    ];
    let rsa = oid.strip_prefix(b"\x2a\x86\x48\x86\xf7\x0d\x01\x01".as_slice());
    rsa.is_some_and(|last| matches!(last, [2..=5 | 10..=16])) || FAMILIES.iter().any(|f| oid.starts_with(f))
}

/// `check_ca`: what kind of CA a certificate is, 0 for none, 1 by basicConstraints, else by a leniency.
pub(super) fn kind_of_ca(stack: &Stack, cert: &Certificate) -> u8 {
    let usage = cert.key_usage();
    match cert.basic_constraints() {
        _ if usage.is_some_and(|u| !u.any(KeyUsage::KEY_CERT_SIGN)) => 0,
        Some(bc) => u8::from(bc.ca),
        None if cert.version() == Some(1) && self_signed(stack, cert) => 3,
        None if usage.is_some() => 4,
        None if checks::netscape(cert).is_some_and(|n| n & 0x04 != 0) => 5,
        None => 0,
    }
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
    while let Some(tip) = path.last().cloned() {
        let ends = self_signed(stack, &tip);
        // get_issuer: the first that is valid now, else the last that fits.
        let fitting = anchors.iter().filter(|a| likely_issued(stack, &a.cert, &tip)).peekable();
        let mut best = None;
        for anchor in fitting {
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
        // find_issuer: the same among what was sent; one that nothing else stands in for if none is valid now.
        let valid = |c: &Certificate| checks::dates(stack, c, evaluation.now()).is_ok();
        let fitting = |at: &usize| unused.get(*at).is_some_and(|c| likely_issued(stack, c, &tip));
        let mut sent = (0..unused.len()).filter(|_| !ends).filter(fitting).peekable();
        let first = sent.peek().copied();
        let next = sent.find(|at| unused.get(*at).is_some_and(|c| valid(c))).or(first);
        match next {
            Some(at) if path.len() <= 100 => path.push(unused.remove(at).clone()),
            _ => break,
        }
    }
    if partial && let Some(anchor) = anchors.iter().find(|a| a.cert == *leaf) {
        return match anchor.verdict {
            Some(false) => Err(refused(&anchor.cert)),
            _ => Ok(vec![leaf.clone()]),
        };
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
        if stack.parse == Parse::S2n {
            if i > 0 {
                let own = stack.path.anchor;
                let basics = if i == last { own.no_basic_constraints } else { NoBasicConstraints::Refused };
                let ca =
                    CaRules { v1: i == last && own.v1, no_basic_constraints: basics, critical: false, ..own };
                checks::may_issue(&ca, cert, i == last)?;
            }
        } else {
            let kind = kind_of_ca(stack, cert);
            let demanding = strict || i < last;
            if i > 0 && (kind == 0 || (demanding && kind != 1)) {
                return Err(not_a_ca(cert, kind));
            }
            if i == 0 && strict && kind > 1 {
                return Err(not_a_ca(cert, kind));
            }
        }
        if i > 0 && (i < last || stack.path.anchor.purpose) {
            checks::purpose(stack.leaf.purpose, cert)?;
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
    for (i, cert) in path.iter().enumerate().skip(1) {
        if let Some(nc) = cert.name_constraints() {
            let below: Vec<&Certificate> = path.get(..i).unwrap_or_default().iter().collect();
            if let Some(what) = constraints::violation(stack.parse, nc, cert, &below) {
                return no(ReasonCode::NameConstraints, cert, what);
            }
        }
    }
    Ok(())
}

/// Why a certificate is no CA, or one only by a leniency that does not hold here.
fn not_a_ca(cert: &Certificate, kind: u8) -> Reason {
    let what = match (kind, cert.basic_constraints()) {
        (0, _) if cert.key_usage().is_some_and(|u| !u.any(KeyUsage::KEY_CERT_SIGN)) => {
            "its keyUsage lacks keyCertSign"
        }
        (0, Some(_)) => "basicConstraints says that it is no CA",
        (0 | 3, _) if cert.version().is_none_or(|v| v < 3) => {
            "an X.509 v1 or v2 certificate cannot say that it is a CA"
        }
        _ => "it has no basicConstraints",
    };
    Reason::new(ReasonCode::NotACa, format!("{}: {what}", who(cert)))
}

/// `X509_V_FLAG_X509_STRICT`, as `check_extensions` applies it.
fn strictly(cert: &Certificate, has_issuer: bool) -> Rule {
    let bad = |what: &str| no(ReasonCode::Strict, cert, format!("{what} (X509_V_FLAG_X509_STRICT)"));
    let bc = cert.basic_constraints();
    let ca = bc.is_some_and(|b| b.ca);
    let usage = cert.key_usage();
    let signs = usage.is_some_and(|u| u.any(KeyUsage::KEY_CERT_SIGN));
    let critical = |oid: &[u8]| cert.extension(oid).is_some_and(|e| e.critical);
    // ASN1_INTEGER_get: a number that no long holds counts as none.
    if bc.and_then(|b| b.path_len).is_some_and(|n| i64::try_from(n).is_ok()) {
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
        let signs_lists = usage.is_some_and(|u| u.any(KeyUsage::CRL_SIGN));
        if ca || signs_lists || !cert.has_san() {
            return bad("its subject is empty");
        }
        if !critical(oid::SUBJECT_ALT_NAME) {
            return bad("its subject is empty and its subjectAltName is not critical");
        }
    }
    if cert.has_san() && cert.sans().is_empty() {
        return bad("its subjectAltName is empty");
    }
    if openssl_asn1::decode(cert).is_ok_and(|d| !d.algorithms_equal) {
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
