//! What OpenJDK 17 refuses when it reads a certificate (`X509CertImpl`, `X509CertInfo`, `CertificateExtensions`,
//! `AlgorithmId`, `AVA` in sun.security.x509; measured with 17.0.15).

use super::checks::{Rule, no};
use crate::cert::der::{DerError, Reader, small_unsigned, tag};
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

fn value(extension: &Extension) -> Result<(), DerError> {
    let mut reader = Reader::new(&extension.value);
    let element = reader.element()?;
    reader.finish()?;
    let expect = |wanted: u8| if element.tag == wanted { Ok(()) } else { Err(DerError::Unexpected(wanted)) };
    let mut inside = element.inside();
    match extension.oid.as_slice() {
        oid::SUBJECT_ALT_NAME | oid::ISSUER_ALT_NAME => {
            expect(tag::SEQUENCE)?;
            if inside.is_empty() {
                return Err(DerError::Truncated);
            }
            while !inside.is_empty() {
                general_name(&mut inside)?;
            }
            Ok(())
        }
        oid::BASIC_CONSTRAINTS => {
            expect(tag::SEQUENCE)?;
            // Without cA nothing else is looked at.
            let Some(ca) = inside.optional(tag::BOOLEAN)? else { return Ok(()) };
            if ca.content.len() != 1 {
                return Err(DerError::Value("a boolean is not one octet"));
            }
            if inside.is_empty() {
                return Ok(());
            }
            match inside.take(tag::INTEGER)?.content.len() {
                1..=4 => Ok(()),
                _ => Err(DerError::Length),
            }
        }
        oid::KEY_USAGE | oid::NETSCAPE_CERT_TYPE => {
            expect(tag::BIT_STRING)?;
            match element.content.first() {
                Some(0..=7) => Ok(()),
                _ => Err(DerError::Value("a bit string without its count of unused bits")),
            }
        }
        oid::EXTENDED_KEY_USAGE => {
            expect(tag::SEQUENCE)?;
            while !inside.is_empty() {
                identifier(inside.take(tag::OID)?.content)?;
            }
            Ok(())
        }
        oid::SUBJECT_KEY_ID => expect(tag::OCTET_STRING),
        oid::AUTHORITY_KEY_ID => {
            expect(tag::SEQUENCE)?;
            while !inside.is_empty() {
                match inside.element()?.tag {
                    0x80 | 0xa1 | 0x82 => {}
                    other => return Err(DerError::Unexpected(other)),
                }
            }
            Ok(())
        }
        oid::INHIBIT_ANY_POLICY if !extension.critical => Err(DerError::Value("it is not critical")),
        oid::INHIBIT_ANY_POLICY => {
            expect(tag::INTEGER)?;
            match element.content {
                [0xff] => Ok(()),
                number => small_unsigned(number).map(drop).ok_or(DerError::Length),
            }
        }
        oid::NAME_CONSTRAINTS => {
            expect(tag::SEQUENCE)?;
            name_constraints(&mut inside)
        }
        _ => expect(tag::SEQUENCE).or_else(|e| {
            // The only one that is not a SEQUENCE.
            if extension.oid == oid::OCSP_NO_CHECK { Ok(()) } else { Err(e) }
        }),
    }
}

fn name_constraints(fields: &mut Reader<'_>) -> Result<(), DerError> {
    while !fields.is_empty() {
        let list = fields.element()?;
        if !matches!(list.tag, 0xa0 | 0xa1) {
            return Err(DerError::Unexpected(0xa0));
        }
        let mut trees = list.inside();
        while !trees.is_empty() {
            let mut tree = trees.take(tag::SEQUENCE)?.inside();
            match tree.peek() {
                // A host or a domain here, no URI.
                Some(0x86) => drop(tree.element()?),
                _ => general_name(&mut tree)?,
            }
            for limit in [0x80, 0x81] {
                tree.optional(limit)?;
            }
            tree.finish()?;
        }
    }
    Ok(())
}

/// `GeneralName`
fn general_name(list: &mut Reader<'_>) -> Result<(), DerError> {
    let member = list.element()?;
    match member.tag {
        0x82 => Ok(()),
        // RFC822Name.parseName
        0x81 => {
            let host = member.content.rsplit(|b| *b == b'@').next().unwrap_or_default();
            if host.is_empty() || host == b"." {
                Err(DerError::Value("an address of nobody"))
            } else {
                Ok(())
            }
        }
        0x86 => uri(member.content),
        0x87 if matches!(member.content.len(), 4 | 8 | 16 | 32) => Ok(()),
        0x87 => Err(DerError::Value("an address of no usual length")),
        0x88 => identifier(member.content),
        0xa0 => {
            let mut inside = member.inside();
            identifier(inside.take(tag::OID)?.content)?;
            inside.element().map(drop)
        }
        0xa4 => {
            // X500Name.parseDER takes the sets also without their SEQUENCE.
            let sets = member.inside();
            name(&mut member.inside()).or_else(|_| all_sets(sets))
        }
        0xa3 => Ok(()),
        // EDIPartyName wants primitive members, which the standard does not have.
        other => Err(DerError::Unexpected(other)),
    }
}

/// `URIName` and `java.net.URI`: a scheme, and only characters of a URI.
fn uri(text: &[u8]) -> Result<(), DerError> {
    let bad = Err(DerError::Value("a URI that is none"));
    let text = String::from_utf8_lossy(text);
    let forbidden = |c: char| c.is_ascii_control() || " \"<>\\^`{|}".contains(c);
    let Some((scheme, rest)) = text.split_once(':') else { return bad };
    let fine = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if !fine || rest.is_empty() || text.contains(forbidden) { bad } else { Ok(()) }
}

fn structure(cert: &Certificate) -> Result<(), DerError> {
    let mut outer = Reader::new(cert.der()).take(tag::SEQUENCE)?.inside();
    let mut fields = outer.take(tag::SEQUENCE)?.inside();
    let outside = algorithm(&mut outer)?;
    outer.element()?;
    outer.finish()?;
    fields.optional(0xa0)?;
    if fields.take(tag::INTEGER)?.content.is_empty() {
        return Err(DerError::Value("a number without octets"));
    }
    if algorithm(&mut fields)? != outside {
        return Err(DerError::Value("its two signature algorithms differ"));
    }
    name(&mut fields)?;
    let mut dates = fields.take(tag::SEQUENCE)?.inside();
    dates.element()?;
    dates.element()?;
    dates.finish()?;
    name(&mut fields)?;
    let mut key = fields.take(tag::SEQUENCE)?.inside();
    algorithm(&mut key)?;
    let public = key.take(tag::BIT_STRING)?;
    key.finish()?;
    if public.content.first() != Some(&0) {
        return Err(DerError::Value("its public key is no whole number of octets"));
    }
    for id in [0x81, 0x82] {
        if fields.optional(id)?.is_some_and(|id| id.content.is_empty()) {
            return Err(DerError::Value("a bit string without its count of unused bits"));
        }
    }
    if let Some(list) = fields.optional(0xa3)? {
        let mut members = list.inside().take(tag::SEQUENCE)?.inside();
        while !members.is_empty() {
            let mut member = members.take(tag::SEQUENCE)?.inside();
            identifier(member.take(tag::OID)?.content)?;
            if member.optional(tag::BOOLEAN)?.is_some_and(|b| b.content.len() != 1) {
                return Err(DerError::Value("a boolean is not one octet"));
            }
        }
    }
    Ok(())
}

/// `AlgorithmId`: a NULL counts as no parameters.
fn algorithm<'a>(fields: &mut Reader<'a>) -> Result<(&'a [u8], Option<&'a [u8]>), DerError> {
    let mut inside = fields.take(tag::SEQUENCE)?.inside();
    let oid = inside.take(tag::OID)?.content;
    identifier(oid)?;
    if inside.is_empty() {
        return Ok((oid, None));
    }
    let parameters = inside.element()?;
    inside.finish()?;
    match (parameters.tag, parameters.content) {
        (tag::NULL, []) => Ok((oid, None)),
        (tag::NULL, _) => Err(DerError::Value("a NULL with content")),
        _ => Ok((oid, Some(parameters.raw))),
    }
}

/// `X500Name`, `RDN`, `AVA`: pairs of a type and one value of any kind.
fn name(fields: &mut Reader<'_>) -> Result<(), DerError> {
    all_sets(fields.take(tag::SEQUENCE)?.inside())
}

fn all_sets(mut sets: Reader<'_>) -> Result<(), DerError> {
    while !sets.is_empty() {
        let mut set = sets.take(tag::SET)?.inside();
        while !set.is_empty() {
            let mut pair = set.take(tag::SEQUENCE)?.inside();
            identifier(pair.take(tag::OID)?.content)?;
            pair.element()?;
            pair.finish()?;
        }
    }
    Ok(())
}

/// `ObjectIdentifier.check`: it ends, and no arc is padded.
fn identifier(content: &[u8]) -> Result<(), DerError> {
    let padded = |(i, b): (usize, &u8)| {
        *b == 0x80 && i.checked_sub(1).and_then(|p| content.get(p)).is_none_or(|p| p & 0x80 == 0)
    };
    if content.last().is_none_or(|b| b & 0x80 != 0) || content.iter().enumerate().any(padded) {
        return Err(DerError::Value("an object identifier that is none"));
    }
    Ok(())
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
