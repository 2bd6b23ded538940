//! A certificate as an owned, tolerant view: whatever OpenSSL can survive can be looked at.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use ring::digest;
use time::OffsetDateTime;

use super::algorithm::{PublicKey, SignatureAlgorithm};
use super::der::{self, DerError, Reader, small_unsigned, span, tag};
use super::extension::{AuthorityKeyId, BasicConstraints, Extension, KeyUsage, NameConstraints};
use super::name::{self, Name};
use super::oid;
use super::strict::{self, Deviation};
use super::time::Time;
use super::typed::{Surplus, Typed, read_extensions};
use crate::name::San;

/// Why bytes are no certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertError {
    /// The DER of a certificate is broken: which field, and how.
    Der(&'static str, DerError),
    /// The PEM is broken: the line (from 1) at which the block begins, and how.
    Pem(usize, &'static str),
    /// There is no certificate in it.
    NoCertificate,
}

impl fmt::Display for CertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Der(field, error) => write!(f, "the certificate's {field} cannot be read: {error}"),
            Self::Pem(line, what) => write!(f, "line {line}: {what}"),
            Self::NoCertificate => f.write_str(
                "there is no certificate in it; a PEM file has a line -----BEGIN CERTIFICATE-----",
            ),
        }
    }
}

impl std::error::Error for CertError {}

/// An X.509 certificate. Cheap to clone.
#[derive(Clone)]
pub struct Certificate(Arc<Parts>);

#[derive(Clone)]
struct Parts {
    der: Vec<u8>,
    tbs: Range<usize>,
    version: Option<u64>,
    version_written: bool,
    serial: Vec<u8>,
    inner_algorithm: Range<usize>,
    issuer: Name,
    not_before: Time,
    not_after: Time,
    subject: Name,
    spki: Range<usize>,
    unique_ids: bool,
    outer_algorithm: Range<usize>,
    signature_algorithm: SignatureAlgorithm,
    signature: Range<usize>,
    public_key: PublicKey,
    extensions: Vec<Extension>,
    typed: Typed,
    deviations: OnceLock<Vec<Deviation>>,
}

impl Certificate {
    /// Reads one certificate; bytes behind it are ignored, as OpenSSL does inside a PEM block.
    ///
    /// Extensions that cannot be read are kept raw and listed by [`Certificate::malformed`].
    ///
    /// # Errors
    /// [`CertError::Der`] where the outer structure is broken.
    pub fn from_der(bytes: &[u8]) -> Result<Self, CertError> {
        Self::read(bytes, Surplus::Refused)
    }

    /// The same, but fields that stand behind the known ones are passed over, as some libraries do.
    ///
    /// # Errors
    /// [`CertError::Der`] where the outer structure is broken.
    pub fn from_der_with_surplus(bytes: &[u8]) -> Result<Self, CertError> {
        Self::read(bytes, Surplus::PassedOver)
    }

    /// The same certificate with other extensions: as a library has understood them that reads some differently.
    #[must_use]
    pub fn with_extensions(&self, extensions: Vec<Extension>) -> Self {
        let typed = Typed::read(&extensions);
        Self(Arc::new(Parts { extensions, typed, ..Parts::clone(&self.0) }))
    }

    fn read(bytes: &[u8], surplus: Surplus) -> Result<Self, CertError> {
        let at = |field: &'static str| move |e: DerError| CertError::Der(field, e);
        let whole = Reader::new(bytes).take(tag::SEQUENCE).map_err(at("outer sequence"))?;
        let der = whole.raw.to_vec();
        let mut outer = Reader::new(&der).take(tag::SEQUENCE).map_err(at("outer sequence"))?.inside();
        let tbs = outer.take(tag::SEQUENCE).map_err(at("tbsCertificate"))?;
        let outer_algorithm = outer.take(tag::SEQUENCE).map_err(at("signature algorithm"))?;
        let signature = outer.take(tag::BIT_STRING).map_err(at("signature"))?;
        let (_, signature) = der::bits(signature.content).map_err(at("signature"))?;
        surplus.end(&outer).map_err(at("outer sequence"))?;

        let mut fields = tbs.inside();
        let version = fields.optional(0xa0).map_err(at("version"))?;
        let version_written = version.is_some();
        let version = match version {
            None => Some(1),
            Some(v) => {
                let n = v.inside().take(tag::INTEGER).map_err(at("version"))?;
                small_unsigned(n.content).and_then(|n| n.checked_add(1))
            }
        };
        let serial = fields.take(tag::INTEGER).map_err(at("serial number"))?.content.to_vec();
        let inner_algorithm = fields.take(tag::SEQUENCE).map_err(at("inner signature algorithm"))?;
        let issuer = name::take(&mut fields).map_err(at("issuer"))?;
        let mut validity = fields.take(tag::SEQUENCE).map_err(at("validity"))?.inside();
        let mut date = || {
            validity
                .element()
                .map(|t| Time { tag: t.tag, octets: t.content.to_vec() })
                .map_err(at("validity"))
        };
        let (not_before, not_after) = (date()?, date()?);
        let subject = name::take(&mut fields).map_err(at("subject"))?;
        let spki = fields.take(tag::SEQUENCE).map_err(at("public key"))?;
        let mut unique_ids = false;
        for id in [0x81, 0x82] {
            unique_ids |= fields.optional(id).map_err(at("unique identifier"))?.is_some();
        }
        let extensions = match fields.optional(0xa3).map_err(at("extensions"))? {
            Some(list) => read_extensions(&mut list.inside(), surplus).map_err(at("extensions"))?,
            None => Vec::new(),
        };
        surplus.end(&fields).map_err(at("tbsCertificate"))?;

        let parts = Parts {
            tbs: span(&der, tbs.raw),
            version,
            version_written,
            serial,
            inner_algorithm: span(&der, inner_algorithm.raw),
            issuer,
            not_before,
            not_after,
            subject,
            public_key: PublicKey::from_spki(spki.raw),
            spki: span(&der, spki.raw),
            unique_ids,
            signature_algorithm: SignatureAlgorithm::from_der(outer_algorithm.raw)
                .map_err(at("signature algorithm"))?,
            outer_algorithm: span(&der, outer_algorithm.raw),
            signature: span(&der, signature),
            typed: Typed::read(&extensions),
            extensions,
            deviations: OnceLock::new(),
            der: Vec::new(),
        };
        Ok(Self(Arc::new(Parts { der, ..parts })))
    }

    fn part(&self, range: &Range<usize>) -> &[u8] {
        self.0.der.get(range.clone()).unwrap_or_default()
    }

    /// The DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The signed part (TBSCertificate), with its header.
    #[must_use]
    pub fn tbs(&self) -> &[u8] {
        self.part(&self.0.tbs)
    }

    /// The version as people count it: 1, 2 or 3 (or what stands there); `None` if it is unreadable.
    #[must_use]
    pub fn version(&self) -> Option<u64> {
        self.0.version
    }

    /// Whether the version is written out, also where it is the default.
    #[must_use]
    pub fn version_written(&self) -> bool {
        self.0.version_written
    }

    /// The serial number's content octets, signed, as they stand.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        &self.0.serial
    }

    /// The issuer.
    #[must_use]
    pub fn issuer(&self) -> &Name {
        &self.0.issuer
    }

    /// The subject.
    #[must_use]
    pub fn subject(&self) -> &Name {
        &self.0.subject
    }

    /// When it begins to be valid; `None` if the date cannot be read even tolerantly.
    #[must_use]
    pub fn not_before(&self) -> Option<OffsetDateTime> {
        self.0.not_before.tolerant()
    }

    /// When it stops being valid; `None` if the date cannot be read even tolerantly.
    #[must_use]
    pub fn not_after(&self) -> Option<OffsetDateTime> {
        self.0.not_after.tolerant()
    }

    /// Both dates as they are written.
    #[must_use]
    pub fn validity(&self) -> (&Time, &Time) {
        (&self.0.not_before, &self.0.not_after)
    }

    /// The SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        self.part(&self.0.spki)
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public_key
    }

    /// How it is signed.
    #[must_use]
    pub fn signature_algorithm(&self) -> &SignatureAlgorithm {
        &self.0.signature_algorithm
    }

    /// Whether the algorithm inside the signed part is the one outside, byte for byte (RFC 5280 §4.1.1.2).
    #[must_use]
    pub fn algorithms_agree(&self) -> bool {
        self.part(&self.0.inner_algorithm) == self.part(&self.0.outer_algorithm)
    }

    /// The AlgorithmIdentifier inside the signed part, in DER.
    #[must_use]
    pub fn inner_algorithm_der(&self) -> &[u8] {
        self.part(&self.0.inner_algorithm)
    }

    /// The outer AlgorithmIdentifier in DER.
    #[must_use]
    pub fn algorithm_der(&self) -> &[u8] {
        self.part(&self.0.outer_algorithm)
    }

    /// The signature's octets.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        self.part(&self.0.signature)
    }

    /// Whether issuerUniqueID or subjectUniqueID is present.
    #[must_use]
    pub fn has_unique_ids(&self) -> bool {
        self.0.unique_ids
    }

    /// Every extension in order, as it stands.
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        &self.0.extensions
    }

    /// The first extension with this object identifier.
    #[must_use]
    pub fn extension(&self, oid: &[u8]) -> Option<&Extension> {
        self.0.extensions.iter().find(|e| e.oid == oid)
    }

    /// The names of known extensions whose value cannot be read, or is followed by more.
    #[must_use]
    pub fn malformed(&self) -> &[&'static str] {
        &self.0.typed.malformed
    }

    /// Where it is not written as DER and RFC 5280 want it; empty for a certificate in good order. Read once.
    #[must_use]
    pub fn deviations(&self) -> &[Deviation] {
        self.0.deviations.get_or_init(|| strict::read(self))
    }

    /// The members of the subjectAltName; empty without one, or where it cannot be read.
    #[must_use]
    pub fn sans(&self) -> &[San] {
        &self.0.typed.sans
    }

    /// Whether there is a subjectAltName extension, readable or not.
    #[must_use]
    pub fn has_san(&self) -> bool {
        self.extension(oid::SUBJECT_ALT_NAME).is_some()
    }

    /// basicConstraints; `None` if absent or unreadable.
    #[must_use]
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.0.typed.basic_constraints
    }

    /// keyUsage; `None` if absent or unreadable.
    #[must_use]
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.0.typed.key_usage
    }

    /// The purposes of extendedKeyUsage (object identifiers); `None` if absent or unreadable.
    #[must_use]
    pub fn extended_key_usage(&self) -> Option<&[Vec<u8>]> {
        self.0.typed.purposes.as_deref()
    }

    /// subjectKeyIdentifier.
    #[must_use]
    pub fn subject_key_id(&self) -> Option<&[u8]> {
        self.0.typed.subject_key_id.as_deref()
    }

    /// authorityKeyIdentifier.
    #[must_use]
    pub fn authority_key_id(&self) -> Option<&AuthorityKeyId> {
        self.0.typed.authority_key_id.as_ref()
    }

    /// nameConstraints.
    #[must_use]
    pub fn name_constraints(&self) -> Option<&NameConstraints> {
        self.0.typed.name_constraints.as_ref()
    }

    /// Whether issuer and subject are the same, byte for byte.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.0.issuer.der() == self.0.subject.der()
    }

    /// SHA-256 over the DER.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        sha256(&self.0.der)
    }

    /// SHA-1 over the DER, as older clients pin it.
    #[must_use]
    pub fn sha1(&self) -> [u8; 20] {
        let mut out = [0; 20];
        out.copy_from_slice(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &self.0.der).as_ref());
        out
    }

    /// SHA-256 over the SubjectPublicKeyInfo, as public-key pins take it.
    #[must_use]
    pub fn spki_sha256(&self) -> [u8; 32] {
        sha256(self.spki_der())
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl std::hash::Hash for Certificate {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.der.hash(state);
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({:?})", self.0.subject.display())
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}
