//! Certificate revocation lists (RFC 5280 §5), version 2.

use time::OffsetDateTime;

use crate::ext::Ext;
use crate::recipe::Ca;
use crate::{der, pem};

/// A list signed by `ca`: its dates and the revoked serials (complete INTEGERs).
#[must_use]
pub fn crl(
    ca: &Ca,
    this_update: OffsetDateTime,
    next_update: Option<OffsetDateTime>,
    revoked: &[Vec<u8>],
) -> Vec<u8> {
    let entries: Vec<Vec<u8>> =
        revoked.iter().map(|serial| der::seq(&[serial, &der::time(this_update)])).collect();
    let entries = if entries.is_empty() { Vec::new() } else { der::tlv(0x30, &entries.concat()) };
    let number = Ext::raw("2.5.29.20", false, &der::small(1)).der();
    let aki = ca.ski.as_ref().map(|id| Ext::aki(id).der()).unwrap_or_default();
    let algorithm = ca.key.default_algorithm();
    let tbs = der::seq(&[
        &der::small(1),
        &algorithm.identifier(),
        &ca.subject,
        &der::time(this_update),
        &next_update.map(der::time).unwrap_or_default(),
        &entries,
        &der::context(0, &der::seq(&[&aki, &number])),
    ]);
    der::seq(&[&tbs, &algorithm.identifier(), &der::bits(&ca.key.sign(algorithm, &tbs))])
}

/// The same, PEM.
#[must_use]
pub fn crl_pem(
    ca: &Ca,
    this_update: OffsetDateTime,
    next_update: Option<OffsetDateTime>,
    revoked: &[Vec<u8>],
) -> String {
    pem::armour("X509 CRL", &crl(ca, this_update, next_update, revoked))
}
