//! What OpenJDK 17 refuses when it reads a certificate (`X509CertImpl`, `X509CertInfo`, `CertificateExtensions`,
//! `AlgorithmId`, `AVA` in sun.security.x509; measured with 17.0.15).

mod constraints;
mod structure;
mod values;

pub(super) use self::constraints::{common_name, holds, subject_names};
use self::structure::{algorithm, structure};
use self::values::value;
use super::checks::{self, Rule, no};
use super::stack::Stack;
use super::trust::Anchor;
use crate::cert::der::{Reader, small_unsigned, tag};
use crate::cert::extension::Extension;
use crate::cert::{Certificate, oid};
use crate::judgement::ReasonCode;
use crate::name::San;

/// Extensions for which Java has a class (`OIDMap`); a value that it cannot read spoils the certificate only if the
/// extension is critical, and is ignored else. Any other is kept as it is.
const CLASSES: &[&[u8]] = &[
    oid::SUBJECT_KEY_ID,
    oid::KEY_USAGE,
    oid::PRIVATE_KEY_USAGE_PERIOD,
    oid::SUBJECT_ALT_NAME,
    oid::ISSUER_ALT_NAME,
    oid::BASIC_CONSTRAINTS,
    oid::NAME_CONSTRAINTS,
    oid::POLICY_MAPPINGS,
    oid::AUTHORITY_KEY_ID,
    oid::POLICY_CONSTRAINTS,
    oid::NETSCAPE_CERT_TYPE,
    oid::CERTIFICATE_POLICIES,
    oid::EXTENDED_KEY_USAGE,
    oid::INHIBIT_ANY_POLICY,
    oid::CRL_DISTRIBUTION_POINTS,
    oid::FRESHEST_CRL,
    oid::AUTHORITY_INFO_ACCESS,
    oid::SUBJECT_INFO_ACCESS,
    oid::OCSP_NO_CHECK,
];

/// The certificate with its basicConstraints as Java has understood them: without cA nothing else is looked at, and
/// nothing behind the path length.
pub(super) fn view(cert: &Certificate) -> Certificate {
    let seen: Vec<Extension> = cert.extensions().iter().map(understood).collect();
    if seen == cert.extensions() { cert.clone() } else { cert.with_extensions(seen) }
}

fn understood(extension: &Extension) -> Extension {
    let read = || {
        let mut fields = Reader::new(&extension.value).take(tag::SEQUENCE).ok()?.inside();
        let ca = fields.optional(tag::BOOLEAN).ok()?;
        let length = if ca.is_some() { fields.optional(tag::INTEGER).ok()? } else { None };
        let inside = [ca, length].into_iter().flatten().map(|t| t.raw).collect::<Vec<_>>().concat();
        (!fields.is_empty()).then_some(())?;
        let header = [tag::SEQUENCE, u8::try_from(inside.len()).ok().filter(|n| *n < 0x80)?];
        Some(Extension { value: [&header, inside.as_slice()].concat(), ..extension.clone() })
    };
    let basic = extension.oid == oid::BASIC_CONSTRAINTS && readable(extension);
    if basic { read() } else { None }.unwrap_or_else(|| extension.clone())
}

/// Whether Java reads the certificate at all.
pub(super) fn certificate(cert: &Certificate) -> Rule {
    let bad = |what: &str| no(ReasonCode::Malformed, cert, what);
    if let Err(why) = structure(cert) {
        return bad(&format!("Java cannot read it: {why}"));
    }
    let mut kept: Vec<&[u8]> = Vec::new();
    for extension in cert.extensions() {
        let label = oid::describe(&extension.oid);
        if !readable(extension) {
            if extension.critical {
                return bad(&format!("its critical {label} cannot be read"));
            }
            continue;
        }
        if kept.contains(&extension.oid.as_slice()) {
            return bad(&format!("{label} stands in it twice"));
        }
        kept.push(&extension.oid);
    }
    if cert.issuer().is_empty() {
        return bad("its issuer is empty");
    }
    // X509CertInfo.verifyCert
    if cert.subject().is_empty() {
        match cert.extension(oid::SUBJECT_ALT_NAME).filter(|e| readable(e)) {
            None => return bad("its subject is empty and there is no subjectAltName"),
            Some(e) if !e.critical => {
                return bad("its subject is empty and its subjectAltName is not critical");
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Whether Java takes the value of an extension, if it has a class for it.
pub(super) fn readable(extension: &Extension) -> bool {
    !CLASSES.contains(&extension.oid.as_slice()) || value(extension).is_ok()
}

/// Whether the extension stands there and counts for Java.
pub(super) fn has(cert: &Certificate, oid: &[u8]) -> bool {
    cert.extensions().iter().any(|e| e.oid == oid && readable(e))
}

/// Whether `issuer` may stand above `subject` by key identifier and serial number
/// (`AdaptableX509CertSelector.match`): the identifier's DER is compared with the value of the issuer's extension,
/// whatever that is, and the serial number only where the issuer is of version 3.
pub(super) fn identified(issuer: &Certificate, subject: &Certificate) -> bool {
    let Some((id, serial)) = authority(subject) else { return true };
    let same_id = match (id, issuer.extension(oid::SUBJECT_KEY_ID)) {
        (Some(id), Some(found)) => Reader::new(&found.value)
            .take(tag::OCTET_STRING)
            .is_ok_and(|own| own.raw.len() == found.value.len() && own.content == id),
        _ => true,
    };
    let newer = issuer.version().is_some_and(|v| v > 2);
    same_id && !(newer && serial.is_some_and(|s| s != issuer.serial()))
}

/// `AuthorityKeyIdentifierExtension`: its members in any order.
fn authority(cert: &Certificate) -> Option<(Option<&[u8]>, Option<&[u8]>)> {
    let extension = cert.extension(oid::AUTHORITY_KEY_ID).filter(|e| readable(e))?;
    let mut fields = Reader::new(&extension.value).take(tag::SEQUENCE).ok()?.inside();
    let (mut id, mut serial) = (None, None);
    while let Ok(member) = fields.element() {
        match member.tag {
            0x80 => id = Some(member.content),
            0x82 => serial = Some(member.content),
            _ => {}
        }
    }
    Some((id, serial))
}

/// The names that Java finds in a certificate: none, where it cannot read one of them.
pub(super) fn sans(cert: &Certificate) -> &[San] {
    // IPAddressName.getName refuses a mask with gaps, and then no name is left (X509CertImpl.makeAltNames).
    let gaps = |mask: &[u8]| {
        let ones = mask.iter().map(|b| b.count_ones()).sum::<u32>();
        let leading = mask.iter().take_while(|b| **b == 0xff).count();
        let next = mask.get(leading).map_or(0, |b| b.leading_ones());
        ones != leading as u32 * 8 + next
    };
    let torn =
        |san: &San| matches!(san, San::Ip(n) if n.len() == 32 && gaps(n.get(16..).unwrap_or_default()));
    if has(cert, oid::SUBJECT_ALT_NAME) && !cert.sans().iter().any(torn) { cert.sans() } else { &[] }
}

/// What the signature must be before it is computed: the signed part is written anew with the shortest lengths, and
/// an RSA algorithm has no parameters of its own.
pub(super) fn signature_form(cert: &Certificate) -> Rule {
    let bad = |what: &str| no(ReasonCode::BadSignature, cert, what);
    let Ok(whole) = Reader::new(cert.der()).take(tag::SEQUENCE) else { return Ok(()) };
    let mut outer = whole.inside();
    let (Ok(tbs), Ok(algorithm), Ok(signature)) = (outer.element(), algorithm(&mut outer), outer.element())
    else {
        return Ok(());
    };
    if !tbs.minimal {
        return bad("Java signs it anew with shorter lengths, and the signature is not by that");
    }
    let unused = signature.content.first().copied().unwrap_or(0).min(7);
    if signature.content.last().is_some_and(|b| b & ((1 << unused) - 1) != 0) {
        return bad("its signature has bits that do not count");
    }
    let pkcs1 = algorithm.0.starts_with(b"\x2a\x86\x48\x86\xf7\x0d\x01\x01") && algorithm.0 != oid::RSA_PSS;
    if pkcs1 && algorithm.1.is_some() {
        return bad("its signature algorithm has parameters that Java does not take");
    }
    Ok(())
}

/// Whether another anchor has the name and key of this one and differs from it in what
/// `PKIXValidator.verifyTrustAnchor` says: the anchors stand in a set without order, and only the one met first is
/// asked whether it is a CA.
pub(super) fn ambiguous(stack: &Stack, anchors: &[Anchor], chosen: &Certificate) -> bool {
    anchors.iter().map(|a| &a.cert).any(|other| {
        other.subject().der() == chosen.subject().der()
            && other.spki_der() == chosen.spki_der()
            && checks::may_issue(&stack.path.anchor, other, true).is_err()
    })
}

/// What `PolicyChecker` and `ConstraintsChecker` demand of a path, leaf first, anchor last.
pub(super) fn path(path: &[&Certificate]) -> Rule {
    for issuer in path.iter().skip(1) {
        if negative_path_length(issuer) {
            return no(ReasonCode::NotACa, issuer, "its path length is negative, which Java takes for no CA");
        }
    }
    let Some((_, below)) = path.split_last() else { return Ok(()) };
    let mut left = below.len() as u64 + 1;
    for (i, cert) in below.iter().enumerate().rev() {
        if left > 0 && !(i > 0 && cert.is_self_issued()) {
            left -= 1;
        }
        if let Some(limit) = require_explicit_policy(cert) {
            left = left.min(limit);
        }
    }
    let bare = below.iter().find(|c| !has(c, oid::CERTIFICATE_POLICIES));
    match bare {
        Some(cert) if left == 0 => no(ReasonCode::Other, cert, "a policy is demanded, and it names none"),
        _ => Ok(()),
    }
}

fn negative_path_length(cert: &Certificate) -> bool {
    let Some(extension) = cert.extension(oid::BASIC_CONSTRAINTS) else { return false };
    let Ok(list) = Reader::new(&extension.value).take(tag::SEQUENCE) else { return false };
    let mut inside = list.inside();
    let _ = inside.optional(tag::BOOLEAN);
    inside
        .optional(tag::INTEGER)
        .ok()
        .flatten()
        .is_some_and(|n| n.content.first().is_some_and(|b| b & 0x80 != 0))
}

/// requireExplicitPolicy of policyConstraints.
fn require_explicit_policy(cert: &Certificate) -> Option<u64> {
    let extension = cert.extension(oid::POLICY_CONSTRAINTS).filter(|e| readable(e))?;
    let mut fields = Reader::new(&extension.value).take(tag::SEQUENCE).ok()?.inside();
    small_unsigned(fields.optional(0x80).ok()??.content)
}
