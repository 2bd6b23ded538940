//! Clients of CAs that were made a moment ago: a stranger, and two that stand in for those whose private keys nobody
//! has here, one of them revoked.

use rcgen::{CertificateParams, DnType, Issuer, KeyPair, SerialNumber};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use time::{Duration, OffsetDateTime};

use crate::broker::Guest;
use crate::cert::Certificate;
use crate::cert::crl::Crl;

use super::rehearse::random_text;

/// A certificate and its key.
pub(super) type Identity = (CertificateDer<'static>, PrivateKeyDer<'static>);

const GOOD: u64 = 1;
const REVOKED: u64 = 2;

/// A CA with a revocation list, and two clients.
pub(super) struct StandIn {
    ca: CertificateDer<'static>,
    list: Vec<u8>,
    good: Identity,
    revoked: Identity,
}

impl StandIn {
    /// Makes all of it.
    pub(super) fn new(now: OffsetDateTime) -> Result<Self, String> {
        let words = |e: rcgen::Error| e.to_string();
        let (params, key) = authority(&format!("mqttcert rehearsal {}", random_text()))?;
        let ca = params.self_signed(&key).map_err(words)?.der().clone();
        let issuer = Issuer::from_params(&params, &key);
        let list = rcgen::CertificateRevocationListParams {
            this_update: now - Duration::hours(1),
            next_update: now + Duration::days(1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![rcgen::RevokedCertParams {
                serial_number: SerialNumber::from(REVOKED),
                revocation_time: now - Duration::hours(1),
                reason_code: None,
                invalidity_date: None,
            }],
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&issuer).map_err(words)?.der().to_vec();
        Ok(Self { ca, list, good: client(&issuer, GOOD)?, revoked: client(&issuer, REVOKED)? })
    }

    /// What a listener needs to judge the two.
    pub(super) fn guest(&self) -> Option<Guest> {
        let (ca, list) = (Certificate::from_der(&self.ca).ok()?, Crl::from_der(&self.list).ok()?);
        Some(Guest { ca, list })
    }

    pub(super) fn good(&self) -> Identity {
        (self.good.0.clone(), self.good.1.clone_key())
    }

    pub(super) fn revoked(&self) -> Identity {
        (self.revoked.0.clone(), self.revoked.1.clone_key())
    }
}

/// A client certificate of a CA that no listener knows.
pub(super) fn foreign() -> Result<Identity, String> {
    let (params, key) = authority("a foreign CA")?;
    client(&Issuer::from_params(&params, &key), GOOD)
}

fn authority(name: &str) -> Result<(CertificateParams, KeyPair), String> {
    let mut ca = CertificateParams::default();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    ca.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
    ca.distinguished_name = rcgen::DistinguishedName::new();
    ca.distinguished_name.push(DnType::CommonName, name);
    Ok((ca, KeyPair::generate().map_err(|e| e.to_string())?))
}

fn client(issuer: &Issuer<'_, &KeyPair>, serial: u64) -> Result<Identity, String> {
    let words = |e: rcgen::Error| e.to_string();
    let key = KeyPair::generate().map_err(words)?;
    let mut leaf = CertificateParams::default();
    leaf.serial_number = Some(SerialNumber::from(serial));
    leaf.distinguished_name = rcgen::DistinguishedName::new();
    leaf.distinguished_name.push(DnType::CommonName, "mqttcert-stranger");
    let made = leaf.signed_by(&key, issuer).map_err(words)?;
    Ok((made.der().clone(), PrivateKeyDer::Pkcs8(key.serialize_der().into())))
}
