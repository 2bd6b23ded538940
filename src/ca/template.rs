//! A template of the to-be-signed bytes: everything that a CA's client certificates have in common is encoded once,
//! and each certificate is a few copies, one hash and one signature.

use ring::digest;
use time::OffsetDateTime;

use super::der::{self, tag};
use super::oid;
use super::signer::{SignError, Signer};

/// The length of the serial numbers that are made here: 16 random bytes, the first from 0x10 to 0x7f, so that the
/// number is positive, has 32 hexadecimal digits, and no two CAs or runs meet (RFC 5280 §4.1.2.2 wants at most 20).
pub const SERIAL_LEN: usize = 16;

/// A serial number.
pub type Serial = [u8; SERIAL_LEN];

/// Makes a serial number fit from random bytes.
#[must_use]
pub fn serial_from(mut random: Serial) -> Serial {
    if let Some(first) = random.first_mut() {
        *first = 0x10 + *first % 0x70;
    }
    random
}

/// The client certificates of one CA.
#[derive(Debug, Clone)]
pub struct ClientTemplate {
    issuer: Vec<u8>,
    algorithm: Vec<u8>,
    before_key_id: Vec<u8>,
    after_key_id: Vec<u8>,
}

/// What differs from one certificate to the next.
#[derive(Debug, Clone, Copy)]
pub struct Fill<'a> {
    /// The serial number.
    pub serial: &'a Serial,
    /// notBefore.
    pub not_before: OffsetDateTime,
    /// notAfter.
    pub not_after: OffsetDateTime,
    /// The subject's Name, DER.
    pub subject: &'a [u8],
    /// The AlgorithmIdentifier of the public key, DER.
    pub key_algorithm: &'a [u8],
    /// The public key's bytes.
    pub key: &'a [u8],
}

impl ClientTemplate {
    /// A template for the CA with this subject (DER), this subjectKeyIdentifier and this signature algorithm.
    ///
    /// Extensions (RFC 5280 §4.2.1): basicConstraints CA:FALSE, keyUsage digitalSignature (both critical),
    /// extendedKeyUsage clientAuth, subjectKeyIdentifier (RFC 7093 §2 method 1), authorityKeyIdentifier where the
    /// CA has a key identifier.
    #[must_use]
    pub fn new(issuer: &[u8], key_id: Option<&[u8]>, signer: &dyn Signer) -> Self {
        let mut before = der::extension(oid::BASIC_CONSTRAINTS, true, &[tag::SEQUENCE, 0]);
        before.extend(der::extension(oid::KEY_USAGE, true, &[tag::BIT_STRING, 2, 7, 0x80]));
        let usage = der::sequence(&[&der::tlv(tag::OID, &[oid::CLIENT_AUTH])]);
        before.extend(der::extension(oid::EXT_KEY_USAGE, false, &usage));
        let with_id = der::extension(oid::SUBJECT_KEY_ID, false, &der::tlv(tag::OCTET_STRING, &[&[0; 20]]));
        // The identifier is the last thing in its extension: everything before it is fixed.
        before.extend(with_id.iter().take(with_id.len() - 20));
        let mut after = Vec::new();
        if let Some(id) = key_id {
            let id = der::sequence(&[&der::tlv(0x80, &[id])]);
            after.extend(der::extension(oid::AUTHORITY_KEY_ID, false, &id));
        }
        let body = before.len() + 20 + after.len();
        let mut head = Vec::new();
        der::header(&mut head, 0xa3, body + der::header_len(body));
        der::header(&mut head, tag::SEQUENCE, body);
        head.extend(before);
        Self {
            issuer: issuer.to_vec(),
            algorithm: signer.algorithm_der().to_vec(),
            before_key_id: head,
            after_key_id: after,
        }
    }

    /// The signed certificate, DER.
    ///
    /// # Errors
    /// [`SignError`] of the signer.
    pub fn sign(&self, fill: &Fill<'_>, signer: &dyn Signer) -> Result<Vec<u8>, SignError> {
        let validity = der::sequence(&[&der::time(fill.not_before), &der::time(fill.not_after)]);
        let bits = fill.key.len() + 1;
        let key_info = fill.key_algorithm.len() + der::header_len(bits) + bits;
        let id = digest::digest(&digest::SHA256, fill.key);
        let len = 5
            + (2 + SERIAL_LEN)
            + self.algorithm.len()
            + self.issuer.len()
            + validity.len()
            + fill.subject.len()
            + der::header_len(key_info)
            + key_info
            + self.before_key_id.len()
            + 20
            + self.after_key_id.len();
        let mut body = Vec::with_capacity(len + 4);
        der::header(&mut body, tag::SEQUENCE, len);
        body.extend_from_slice(&[0xa0, 3, tag::INTEGER, 1, 2]);
        der::header(&mut body, tag::INTEGER, SERIAL_LEN);
        body.extend_from_slice(fill.serial);
        body.extend_from_slice(&self.algorithm);
        body.extend_from_slice(&self.issuer);
        body.extend_from_slice(&validity);
        body.extend_from_slice(fill.subject);
        der::header(&mut body, tag::SEQUENCE, key_info);
        body.extend_from_slice(fill.key_algorithm);
        der::header(&mut body, tag::BIT_STRING, bits);
        body.push(0);
        body.extend_from_slice(fill.key);
        body.extend_from_slice(&self.before_key_id);
        body.extend(id.as_ref().iter().take(20));
        body.extend_from_slice(&self.after_key_id);
        super::crl::seal(&body, signer)
    }
}
