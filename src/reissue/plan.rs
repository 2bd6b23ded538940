//! The plan: whether a new certificate is needed, why, and what it says. Pure.

use time::{Duration, OffsetDateTime};

use super::names::{self, Names, Wanted};
use crate::ca::server::{Validity, key_id};
use crate::cert::Certificate;
use crate::cert::algorithm::{Hash, SignatureAlgorithm};
use crate::cert::extension::{KeyUsage, SERVER_AUTH};
use crate::cert::signature::{self, Check};

/// The longest life that every platform takes, in days.
pub const LONGEST: u32 = 825;

/// What the plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The certificate that is served now.
    pub old: &'a Certificate,
    /// The CA.
    pub ca: &'a Certificate,
    /// The SubjectPublicKeyInfo that the new certificate is for.
    pub spki: &'a [u8],
    /// Whether the server's key is the old certificate's.
    pub key_matches: bool,
    /// The names.
    pub wanted: Wanted<'a>,
    /// `--days`.
    pub days: u32,
    /// `--renew-before`, in days.
    pub renew_before: Option<u32>,
    /// `--force`, `--new-key`.
    pub force: bool,
    /// The time.
    pub now: OffsetDateTime,
}

/// What will be done.
#[derive(Debug, Clone)]
pub struct ReissuePlan {
    /// The names.
    pub names: Names,
    /// Why a new certificate is needed; empty: there is nothing to do.
    pub reasons: Vec<String>,
    /// Its life; `None` where the CA has no time left.
    pub validity: Option<Validity>,
}

/// Makes the plan.
#[must_use]
pub fn plan(given: &Given<'_>) -> ReissuePlan {
    let names = names::join(given.old, given.ca, &given.wanted);
    let mut reasons = faults(given);
    if !given.old.has_san() {
        reasons.insert(0, "it names nothing in a subjectAltName".to_owned());
    } else if !names.added.is_empty() {
        reasons.push(format!("it does not name {}", names.added.join(", ")));
    }
    if !names.dropped.is_empty() {
        reasons.push(format!("it names {}", names.dropped.join(", ")));
    }
    reasons.extend(ends_soon(given));
    if given.force && reasons.is_empty() {
        reasons.push("it was asked for".to_owned());
    }
    ReissuePlan { names, reasons, validity: Validity::of(given.now, given.days, given.ca) }
}

/// What a new certificate from the same CA cures.
fn faults(given: &Given<'_>) -> Vec<String> {
    let (old, ca) = (given.old, given.ca);
    let mut found = Vec::new();
    let mut fault = |is: bool, what: &str| {
        if is {
            found.push(what.to_owned());
        }
    };
    fault(old.version() != Some(3), "it is no X.509 version 3 certificate");
    fault(!given.key_matches, "it is not about the server's key");
    let issued =
        old.issuer().der() == ca.subject().der() && signature::verify(ca.spki_der(), old) != Check::Bad;
    fault(!issued, "it is not signed by this CA");
    fault(old.basic_constraints().is_some_and(|b| b.ca), "it says that it is a CA");
    fault(
        old.extended_key_usage().is_some_and(|p| !p.iter().any(|p| p == SERVER_AUTH || p == ANY_PURPOSE)),
        "its extendedKeyUsage does not allow TLS servers",
    );
    fault(
        old.key_usage().is_some_and(|KeyUsage(bits)| bits & KeyUsage::DIGITAL_SIGNATURE == 0),
        "its keyUsage does not allow digital signatures",
    );
    let ca_id = ca.subject_key_id().map_or_else(|| key_id(ca.spki_der()), <[u8]>::to_vec);
    let aki = old.authority_key_id().and_then(|a| a.key_id.as_deref());
    fault(
        aki.is_some_and(|id| ca.subject_key_id().is_some() && id != ca_id),
        "its authorityKeyIdentifier is not the CA's",
    );
    fault(aki.is_none() || old.subject_key_id().is_none(), "it has no key identifiers");
    fault(
        matches!(
            old.signature_algorithm(),
            SignatureAlgorithm::RsaPkcs1(Hash::Md5 | Hash::Sha1) | SignatureAlgorithm::Ecdsa(Hash::Sha1)
        ),
        "its signature is weak (MD5 or SHA-1)",
    );
    fault(!old.malformed().is_empty(), "it is malformed");
    fault(old.not_before().is_none_or(|t| t > given.now), "it is not valid yet");
    fault(old.not_after().zip(ca.not_after()).is_some_and(|(leaf, ca)| leaf > ca), "it outlives its CA");
    let longest = Duration::days(given.days.max(LONGEST).into());
    fault(life(old).is_some_and(|life| life > longest), "it is valid for longer than 825 days");
    found
}

const ANY_PURPOSE: &[u8] = &[0x55, 0x1d, 0x25, 0];

fn life(certificate: &Certificate) -> Option<Duration> {
    Some(certificate.not_after()? - certificate.not_before()?)
}

fn ends_soon(given: &Given<'_>) -> Option<String> {
    let Some(end) = given.old.not_after() else { return Some("its end cannot be read".to_owned()) };
    let left = end - given.now;
    if left.is_negative() {
        return Some("it has expired".to_owned());
    }
    let third = life(given.old).map_or(0, |l| l.whole_days() / 3);
    let before = given.renew_before.map_or(third.max(30), i64::from);
    // A certificate that ends with its CA cannot be prolonged.
    let no_gain = given.ca.not_after().is_some_and(|ca| ca <= end);
    (left <= Duration::days(before) && !no_gain).then(|| format!("it ends in {} days", left.whole_days()))
}
