//! Certificate revocation lists (RFC 5280 §5) as an owned view.

use time::OffsetDateTime;

use super::algorithm::SignatureAlgorithm;
use super::certificate::CertError;
use super::der::{self, DerError, Reader, tag};
use super::name::{self, Name};
use super::oid;
use super::signature::{self, Check};
use super::time::Time;

/// A certificate revocation list.
#[derive(Debug, Clone)]
pub struct Crl {
    tbs: Vec<u8>,
    algorithm: SignatureAlgorithm,
    signature: Vec<u8>,
    issuer: Name,
    this_update: Time,
    next_update: Option<Time>,
    revoked: Vec<Revoked>,
}

/// One revoked certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Its serial number's content octets.
    pub serial: Vec<u8>,
    /// When it was revoked.
    pub at: Option<OffsetDateTime>,
    /// The reason code (RFC 5280 §5.3.1), if one is given.
    pub reason: Option<u8>,
}

impl Crl {
    /// Reads one list; bytes behind it are ignored.
    ///
    /// # Errors
    /// [`CertError::Der`] naming the field that is broken.
    pub fn from_der(bytes: &[u8]) -> Result<Self, CertError> {
        let at = |field: &'static str| move |e: DerError| CertError::Der(field, e);
        let mut outer = Reader::new(bytes).take(tag::SEQUENCE).map_err(at("outer sequence"))?.inside();
        let tbs = outer.take(tag::SEQUENCE).map_err(at("list"))?;
        let algorithm = outer.take(tag::SEQUENCE).map_err(at("signature algorithm"))?;
        let signature = outer.take(tag::BIT_STRING).map_err(at("signature"))?;
        let (_, signature) = der::bits(signature.content).map_err(at("signature"))?;

        let mut fields = tbs.inside();
        fields.optional(tag::INTEGER).map_err(at("version"))?;
        fields.take(tag::SEQUENCE).map_err(at("inner signature algorithm"))?;
        let issuer = name::take(&mut fields).map_err(at("issuer"))?;
        let read_time = |t: der::Tlv<'_>| Time { tag: t.tag, octets: t.content.to_vec() };
        let this_update = read_time(fields.element().map_err(at("thisUpdate"))?);
        let next_update = match fields.peek() {
            Some(tag::UTC_TIME | tag::GENERALIZED_TIME) => {
                Some(read_time(fields.element().map_err(at("nextUpdate"))?))
            }
            _ => None,
        };
        let mut revoked = Vec::new();
        if let Some(list) = fields.optional(tag::SEQUENCE).map_err(at("revoked certificates"))? {
            let mut list = list.inside();
            while !list.is_empty() {
                revoked.push(read_entry(&mut list).map_err(at("revoked certificate"))?);
            }
        }
        Ok(Self {
            tbs: tbs.raw.to_vec(),
            algorithm: SignatureAlgorithm::from_der(algorithm.raw).map_err(at("signature algorithm"))?,
            signature: signature.to_vec(),
            issuer,
            this_update,
            next_update,
            revoked,
        })
    }

    /// Who issued it.
    #[must_use]
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// When it was issued.
    #[must_use]
    pub fn this_update(&self) -> Option<OffsetDateTime> {
        self.this_update.tolerant()
    }

    /// When the next one is due; from then on OpenSSL refuses everybody ("CRL has expired").
    #[must_use]
    pub fn next_update(&self) -> Option<OffsetDateTime> {
        self.next_update.as_ref().and_then(Time::tolerant)
    }

    /// Every revoked certificate in order.
    #[must_use]
    pub fn revoked(&self) -> &[Revoked] {
        &self.revoked
    }

    /// The entry for a serial number (content octets).
    #[must_use]
    pub fn find(&self, serial: &[u8]) -> Option<&Revoked> {
        self.revoked.iter().find(|r| r.serial == serial)
    }

    /// Whether the list is signed by the key of this SubjectPublicKeyInfo.
    #[must_use]
    pub fn verify(&self, issuer_spki: &[u8]) -> Check {
        signature::verify_raw(issuer_spki, &self.algorithm, &self.tbs, &self.signature)
    }
}

fn read_entry(list: &mut Reader<'_>) -> Result<Revoked, DerError> {
    let mut fields = list.take(tag::SEQUENCE)?.inside();
    let serial = fields.take(tag::INTEGER)?.content.to_vec();
    let at = fields.element()?;
    let at = Time { tag: at.tag, octets: at.content.to_vec() }.tolerant();
    let mut reason = None;
    if let Some(extensions) = fields.optional(tag::SEQUENCE)? {
        let mut extensions = extensions.inside();
        while !extensions.is_empty() {
            let mut extension = extensions.take(tag::SEQUENCE)?.inside();
            let oid = extension.take(tag::OID)?.content;
            extension.optional(tag::BOOLEAN)?;
            let value = extension.take(tag::OCTET_STRING)?.content;
            if oid == oid::CRL_REASON {
                reason = der::whole(value, tag::ENUMERATED)?.content.first().copied();
            }
        }
    }
    Ok(Revoked { serial, at, reason })
}
