//! Builds version 2 CRLs (RFC 5280 §5): what Mosquitto's `crlfile` reads.

use time::OffsetDateTime;

use super::der::{self, tag};
use super::ledger::{Entry, Reason, Status};
use super::oid;
use super::signer::{SignError, Signer};

/// What a CRL says besides its entries.
#[derive(Debug, Clone)]
pub struct CrlPlan<'a> {
    /// The CA's subject, DER, byte for byte.
    pub issuer: &'a [u8],
    /// The CA's subjectKeyIdentifier, where it has one.
    pub key_id: Option<&'a [u8]>,
    /// cRLNumber, big-endian.
    pub number: &'a [u8],
    /// thisUpdate.
    pub this_update: OffsetDateTime,
    /// nextUpdate: from then on Mosquitto refuses every client.
    pub next_update: OffsetDateTime,
}

/// The signed CRL, DER, with every revoked entry of the ledger.
///
/// # Errors
/// [`SignError`] of the signer.
pub fn build(plan: &CrlPlan<'_>, entries: &[Entry], signer: &dyn Signer) -> Result<Vec<u8>, SignError> {
    let mut revoked = Vec::new();
    for entry in entries {
        if let Status::Revoked { at, reason, .. } = &entry.status {
            revoked.extend(revoked_entry(&entry.serial, *at, *reason));
        }
    }
    let revoked = if revoked.is_empty() { Vec::new() } else { der::sequence(&[revoked.as_slice()]) };
    let mut extensions = Vec::new();
    if let Some(id) = plan.key_id {
        let id = der::sequence(&[&der::tlv(0x80, &[id])]);
        extensions.extend(der::extension(oid::AUTHORITY_KEY_ID, false, &id));
    }
    extensions.extend(der::extension(oid::CRL_NUMBER, false, &der::unsigned(plan.number)));
    let body = der::sequence(&[
        &[tag::INTEGER, 1, 1],
        signer.algorithm_der(),
        plan.issuer,
        &der::time(plan.this_update),
        &der::time(plan.next_update),
        &revoked,
        &der::context(0, &der::sequence(&[extensions.as_slice()])),
    ]);
    seal(&body, signer)
}

/// Signs a to-be-signed structure: certificate or CRL.
///
/// # Errors
/// [`SignError`] of the signer.
pub fn seal(body: &[u8], signer: &dyn Signer) -> Result<Vec<u8>, SignError> {
    let signature = signer.sign(body)?;
    Ok(der::sequence(&[body, signer.algorithm_der(), &der::bit_string(&signature)]))
}

fn revoked_entry(serial: &[u8], at: OffsetDateTime, reason: Reason) -> Vec<u8> {
    let serial = der::unsigned(serial);
    let at = der::time(at);
    if reason == Reason::Unspecified {
        // RFC 5280 §5.3.1: unspecified should be said by leaving the extension out.
        return der::sequence(&[&serial, &at]);
    }
    let reason = der::extension(oid::CRL_REASON, false, &[tag::ENUMERATED, 1, reason.code()]);
    der::sequence(&[&serial, &at, &der::sequence(&[&reason])])
}
