//! Client certificates as OpenSSL 3.0 judges them (`X509_verify_cert` with the purpose of a TLS client), in its order:
//! path, extensions, strength, revocation, signatures and dates. The order decides which alert a client sees.

use rustls::{CertificateError, OtherError};
use std::sync::Arc;
use time::OffsetDateTime;

use crate::cert::crl::Crl;
use crate::cert::extension::KeyUsage;
use crate::cert::signature::{Check, verify};
use crate::cert::{Certificate, oid};
use crate::stacks::as_openssl;

/// OpenSSL's default for the longest path.
const MAX_DEPTH: usize = 100;

/// Why a client certificate is refused; the alert is OpenSSL's (`x509table` in ssl/statem/statem_lib.c).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No path to a root, an issuer that is no CA, no list of revocations.
    UnknownCa,
    /// A critical extension that OpenSSL does not know, or a list that its issuer may not sign.
    Unknown,
    /// Not for TLS clients.
    Purpose,
    /// A weak key or digest, or a date in the future.
    Bad,
    /// A date in the past.
    Expired,
    /// On the list.
    Revoked,
    /// A signature that is not its issuer's.
    Signature,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::UnknownCa => "no path to a CA of cafile, or no revocation list of its CA",
            Self::Unknown => "unknown critical extension",
            Self::Purpose => "unsuitable certificate purpose",
            Self::Bad => "not yet valid, or too weak",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Signature => "signature failure",
        })
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for CertificateError {
    /// The error for which rustls sends the alert.
    fn from(why: Refusal) -> Self {
        match why {
            Refusal::UnknownCa => Self::UnknownIssuer,
            Refusal::Unknown => Self::Other(OtherError(Arc::new(why))),
            Refusal::Purpose => Self::InvalidPurpose,
            Refusal::Bad => Self::BadEncoding,
            Refusal::Expired => Self::Expired,
            Refusal::Revoked => Self::Revoked,
            Refusal::Signature => Self::BadSignature,
        }
    }
}

/// What a listener's revocation lists are worth now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lists {
    /// The listener takes no heed of them.
    Ignored,
    /// There is a current one of every CA that signs one here: how many they revoke, and until when.
    Good(String),
    /// No client gets in, and why.
    Bad(String),
}

impl Lists {
    pub(super) fn of(crls: &[Crl], anchors: &[Certificate], now: OffsetDateTime) -> Self {
        let own = |c: &Crl| {
            let named = anchors.iter().filter(|a| a.subject().der() == c.issuer().der());
            named.clone().any(|a| c.verify(a.spki_der()) == Check::Good)
        };
        let mut own = crls.iter().filter(|c| own(c)).peekable();
        if own.peek().is_none() {
            return Self::Bad("no list in it is of a CA of cafile".into());
        }
        let current = |c: &&Crl| {
            c.this_update().is_none_or(|start| start <= now) && c.next_update().is_none_or(|end| end >= now)
        };
        let last = own.clone().filter_map(Crl::next_update).max();
        let Some(list) = own.find(current) else {
            let end = last.map_or_else(String::new, |end| format!(" (until {end})"));
            return Self::Bad(format!("its list is not current{end}"));
        };
        let end = list.next_update().map_or_else(|| "without end".into(), |end| format!("until {end}"));
        Self::Good(format!("is current {end} and revokes {}", list.revoked().len()))
    }
}

/// Judges what a client shows: `sent` are the certificates behind its own.
pub(super) fn judge(
    leaf: &Certificate,
    sent: &[Certificate],
    anchors: &[Certificate],
    crls: Option<&[Crl]>,
    now: OffsetDateTime,
) -> Result<(), Refusal> {
    let path = path(leaf, sent, anchors, now)?;
    extensions(&path)?;
    let last = path.len().saturating_sub(1);
    if !path.iter().enumerate().all(|(i, c)| as_openssl::is_strong(c, i > 0, i == last)) {
        return Err(Refusal::Bad);
    }
    if let Some(crls) = crls {
        revocation(leaf, path.get(1).unwrap_or(leaf), crls, now)?;
    }
    for (i, cert) in path.iter().enumerate().rev() {
        if let Some(issuer) = path.get(i + 1)
            && verify(issuer.spki_der(), cert) != Check::Good
        {
            return Err(Refusal::Signature);
        }
        dates(cert, now)?;
    }
    Ok(())
}

/// `build_chain`, trusted certificates first.
fn path(
    leaf: &Certificate,
    sent: &[Certificate],
    anchors: &[Certificate],
    now: OffsetDateTime,
) -> Result<Vec<Certificate>, Refusal> {
    let mut path = vec![leaf.clone()];
    let mut unused: Vec<&Certificate> = sent.iter().collect();
    while let Some(tip) = path.last().cloned().filter(|_| path.len() <= MAX_DEPTH) {
        let ends = as_openssl::is_self_signed(&tip);
        if let Some(anchor) =
            as_openssl::issuer_in(anchors, &tip, now).filter(|a| !ends || a.der() == tip.der())
        {
            if anchor.der() != tip.der() {
                path.push(anchor.clone());
            }
            if as_openssl::is_self_signed(anchor) {
                return Ok(path);
            }
            // A trusted intermediate does not end the path; from here on only the store is asked.
            unused.clear();
            continue;
        }
        let next = unused.iter().position(|c| !ends && as_openssl::has_issued(c, &tip));
        path.push(unused.remove(next.ok_or(Refusal::UnknownCa)?).clone());
    }
    Err(Refusal::UnknownCa)
}

/// `check_extensions`.
fn extensions(path: &[Certificate]) -> Result<(), Refusal> {
    let last = path.len().saturating_sub(1);
    let mut below = 0u64;
    for (i, cert) in path.iter().enumerate() {
        if !as_openssl::knows_what_is_critical(cert) {
            return Err(Refusal::Unknown);
        }
        let kind = as_openssl::kind_of_ca(cert);
        if i > 0 && (kind == 0 || (i < last && kind != 1)) {
            return Err(Refusal::UnknownCa);
        }
        if !is_for_clients(cert, i > 0) {
            return Err(Refusal::Purpose);
        }
        let most = cert.basic_constraints().and_then(|b| b.path_len);
        if i > 0 && most.is_some_and(|most| below > most) {
            return Err(Refusal::UnknownCa);
        }
        if i > 0 && !cert.is_self_issued() {
            below += 1;
        }
    }
    Ok(())
}

/// `check_purpose_ssl_client`: anyExtendedKeyUsage does not count.
fn is_for_clients(cert: &Certificate, is_ca: bool) -> bool {
    let purpose = cert.extended_key_usage().is_none_or(|list| list.iter().any(|o| o == oid::EKU_CLIENT));
    if is_ca {
        return purpose;
    }
    let agrees = KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_AGREEMENT;
    let netscape = as_openssl::netscape(cert).is_none_or(|bits| bits & 0x80 != 0);
    purpose && netscape && cert.key_usage().is_none_or(|u| u.any(agrees))
}

/// `X509_V_FLAG_CRL_CHECK`: only the leaf, and without a current list of its issuer nobody gets in.
fn revocation(
    leaf: &Certificate,
    issuer: &Certificate,
    crls: &[Crl],
    now: OffsetDateTime,
) -> Result<(), Refusal> {
    let early = |c: &&Crl| c.this_update().is_some_and(|start| start > now);
    let late = |c: &&Crl| c.next_update().is_some_and(|end| end < now);
    let own =
        |c: &&Crl| c.issuer().der() == issuer.subject().der() && c.verify(issuer.spki_der()) == Check::Good;
    let current = crls.iter().filter(own).find(|c| !early(c) && !late(c));
    let crl = current.or_else(|| crls.iter().find(own)).ok_or(Refusal::UnknownCa)?;
    if issuer.key_usage().is_some_and(|u| !u.any(KeyUsage::CRL_SIGN)) {
        return Err(Refusal::Unknown);
    }
    if early(&crl) {
        return Err(Refusal::Bad);
    }
    if late(&crl) {
        return Err(Refusal::Expired);
    }
    if crl.find(leaf.serial()).is_some() { Err(Refusal::Revoked) } else { Ok(()) }
}

fn dates(c: &Certificate, now: OffsetDateTime) -> Result<(), Refusal> {
    match (c.not_before(), c.not_after()) {
        (Some(start), _) if now < start => Err(Refusal::Bad),
        (_, Some(end)) if now > end => Err(Refusal::Expired),
        (Some(_), Some(_)) => Ok(()),
        _ => Err(Refusal::Bad),
    }
}
