//! A CA's own certificate: made fresh, or renewed with the same key and subject.

use std::fmt;

use time::{Duration, OffsetDateTime};

use super::der::{self, tag};
use super::oid;
use super::server::key_id;
use super::signer::{SignError, Signer};
use super::template::Serial;
use crate::cert::Certificate;
use crate::cert::signature::{self, Check};

/// Why a CA certificate cannot be renewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenewError {
    /// It was issued by another CA, which has to renew it.
    NotSelfIssued(String),
    /// The key is not its own.
    KeyMismatch,
    /// Signing failed.
    Sign(SignError),
    /// What was signed does not read back as it was meant.
    Broken(&'static str),
}

impl fmt::Display for RenewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSelfIssued(issuer) => {
                write!(f, "the CA was issued by {issuer}; only that one can renew it")
            }
            Self::KeyMismatch => write!(f, "the key is not the CA's; name the right one by --ca-key"),
            Self::Sign(e) => e.fmt(f),
            Self::Broken(what) => {
                write!(f, "the renewed certificate is wrong in its {what}; nothing was replaced")
            }
        }
    }
}

impl std::error::Error for RenewError {}

impl From<SignError> for RenewError {
    fn from(e: SignError) -> Self {
        Self::Sign(e)
    }
}

/// A renewed CA certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewed {
    /// It, DER.
    pub der: Vec<u8>,
    /// What it has and the old one had not, for people.
    pub added: Vec<String>,
    /// Whether it kept the old serial number, because certificates name their issuer by it.
    pub same_serial: bool,
}

/// keyCertSign and cRLSign (RFC 5280 §4.2.1.3): bits 5 and 6.
const SIGNS: u8 = 0b0000_0110;

/// Makes a self-signed CA certificate: version 3, CA:TRUE, keyCertSign and cRLSign (both critical), SKI. An hour
/// back for clocks that are behind.
///
/// # Errors
/// [`SignError`] of the signer.
pub fn make(
    subject: &[u8],
    days: u32,
    now: OffsetDateTime,
    serial: &Serial,
    signer: &dyn Signer,
) -> Result<Vec<u8>, SignError> {
    let id = key_id(signer.spki_der());
    let extensions = [
        der::extension(oid::BASIC_CONSTRAINTS, true, &der::sequence(&[&[tag::BOOLEAN, 1, 0xff]])),
        der::extension(oid::KEY_USAGE, true, &[tag::BIT_STRING, 2, 1, SIGNS]),
        der::extension(oid::SUBJECT_KEY_ID, false, &der::tlv(tag::OCTET_STRING, &[&id])),
    ]
    .concat();
    let from = now.saturating_sub(Duration::HOUR);
    let dates = (from, now.saturating_add(Duration::days(days.into())));
    certificate(subject, signer.spki_der(), dates, &der::unsigned(serial), &extensions, signer)
}

fn certificate(
    subject: &[u8],
    spki: &[u8],
    (from, to): (OffsetDateTime, OffsetDateTime),
    serial: &[u8],
    extensions: &[u8],
    signer: &dyn Signer,
) -> Result<Vec<u8>, SignError> {
    let body = der::sequence(&[
        &[0xa0, 3, tag::INTEGER, 1, 2],
        serial,
        signer.algorithm_der(),
        subject,
        &der::sequence(&[&der::time(from), &der::time(to)]),
        subject,
        spki,
        &der::context(3, &der::sequence(&[extensions])),
    ]);
    super::crl::seal(&body, signer)
}

/// Whether a certificate names its issuer by serial number (easy-rsa's `keyid,issuer:always`): OpenSSL then finds
/// only a CA certificate with this very serial (X509_check_akid, 3.0).
#[must_use]
pub fn names_issuer_by_serial(certificate: &Certificate) -> bool {
    certificate.authority_key_id().is_some_and(|a| a.serial.is_some())
}

/// The same key and subject, the missing extensions and new dates. Every other extension stays byte for byte.
/// `known` are certificates that the CA signed: if one of them (or the CA itself) names its issuer by serial, the
/// serial stays; else it changes, because NSS refuses two certificates with one issuer and serial.
///
/// # Errors
/// [`RenewError`].
pub fn renew(
    old: &Certificate,
    known: &[Certificate],
    days: u32,
    now: OffsetDateTime,
    fresh: &Serial,
    signer: &dyn Signer,
) -> Result<Renewed, RenewError> {
    if !old.is_self_issued() {
        return Err(RenewError::NotSelfIssued(old.issuer().display()));
    }
    if old.spki_der() != signer.spki_der() {
        return Err(RenewError::KeyMismatch);
    }
    let same_serial = known.iter().chain([old]).any(names_issuer_by_serial);
    let serial = if same_serial { der::tlv(tag::INTEGER, &[old.serial()]) } else { der::unsigned(fresh) };
    let mut added = Vec::new();
    let extensions = extensions(old, same_serial, &mut added);
    let now = now.replace_nanosecond(0).unwrap_or(now);
    // Certificates that are older than the renewal stay inside its life; a longer life is never cut.
    let back = now.saturating_sub(Duration::HOUR);
    let from = old.not_before().map_or(back, |b| b.min(back));
    let to = now.saturating_add(Duration::days(days.into()));
    let to = old.not_after().map_or(to, |a| a.max(to));
    let der = certificate(old.subject().der(), old.spki_der(), (from, to), &serial, &extensions, signer)?;
    let new = Certificate::from_der(&der).map_err(|_| RenewError::Broken("encoding"))?;
    if new.subject().der() != old.subject().der() || new.issuer().der() != old.subject().der() {
        return Err(RenewError::Broken("names"));
    }
    if new.spki_der() != old.spki_der() || signature::verify(old.spki_der(), &new) != Check::Good {
        return Err(RenewError::Broken("signature"));
    }
    if old.subject_key_id().is_some() && new.subject_key_id() != old.subject_key_id() {
        return Err(RenewError::Broken("key identifier"));
    }
    Ok(Renewed { der, added, same_serial })
}

fn extensions(old: &Certificate, same_serial: bool, added: &mut Vec<String>) -> Vec<u8> {
    let mut out = Vec::new();
    let constraints = old.extension(oid::BASIC_CONSTRAINTS);
    let is_ca = old.basic_constraints().is_some_and(|b| b.ca);
    if !is_ca {
        added.push("basicConstraints CA:TRUE".into());
        out.extend(der::extension(oid::BASIC_CONSTRAINTS, true, &der::sequence(&[&[tag::BOOLEAN, 1, 0xff]])));
    } else if let Some(e) = constraints {
        if !e.critical {
            added.push("basicConstraints critical".into());
        }
        out.extend(der::extension(oid::BASIC_CONSTRAINTS, true, &e.value));
    }
    // The first octet of keyUsage's bits holds digitalSignature … cRLSign; decipherOnly is no CA's business.
    let before = old.extension(oid::KEY_USAGE).and_then(|e| usage_octet(&e.value)).unwrap_or(0);
    let after = before | SIGNS;
    if old.extension(oid::KEY_USAGE).is_none() {
        added.push("keyUsage keyCertSign, cRLSign".into());
    } else if before != after {
        added.push("keyCertSign and cRLSign in keyUsage".into());
    }
    let unused = after.trailing_zeros() as u8;
    out.extend(der::extension(oid::KEY_USAGE, true, &[tag::BIT_STRING, 2, unused, after]));
    if old.subject_key_id().is_none() {
        added.push("subjectKeyIdentifier".into());
        let id = der::tlv(tag::OCTET_STRING, &[&key_id(old.spki_der())]);
        out.extend(der::extension(oid::SUBJECT_KEY_ID, false, &id));
    }
    for e in old.extensions() {
        let rewritten = e.oid == oid::KEY_USAGE || e.oid == oid::BASIC_CONSTRAINTS;
        let stale = e.oid == oid::AUTHORITY_KEY_ID && names_issuer_by_serial(old) && !same_serial;
        let no_id = e.oid == oid::SUBJECT_KEY_ID && old.subject_key_id().is_none();
        if !rewritten && !stale && !no_id {
            out.extend(der::extension(&e.oid, e.critical, &e.value));
        }
    }
    out
}

fn usage_octet(value: &[u8]) -> Option<u8> {
    match value {
        [tag::BIT_STRING, _, _, first, ..] => Some(*first),
        _ => None,
    }
}
