//! Extensions of a certificate (RFC 5280 §4.2) as typed values.

use super::der::{self, DerError, Reader, small_unsigned, tag};
use crate::name::San;

/// One extension as it stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// The object identifier's content octets.
    pub oid: Vec<u8>,
    /// Whether it is marked critical.
    pub critical: bool,
    /// Whether `critical` is written though it is FALSE, which DER forbids.
    pub default_written: bool,
    /// The octets inside the OCTET STRING.
    pub value: Vec<u8>,
}

/// basicConstraints (RFC 5280 §4.2.1.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BasicConstraints {
    /// Whether the subject is a CA.
    pub ca: bool,
    /// How many intermediate certificates may follow; a negative or absurd number reads as the largest.
    pub path_len: Option<u64>,
    /// Whether CA:FALSE is written out, which DER forbids.
    pub false_written: bool,
}

impl BasicConstraints {
    pub(super) fn read(value: &[u8]) -> Result<Self, DerError> {
        let mut fields = der::whole(value, tag::SEQUENCE)?.inside();
        let ca = fields.optional(tag::BOOLEAN)?;
        if ca.is_some_and(|b| b.content.len() != 1) {
            return Err(DerError::Value("a boolean is not one octet"));
        }
        let path_len = fields.optional(tag::INTEGER)?.map(|n| small_unsigned(n.content).unwrap_or(u64::MAX));
        fields.finish()?;
        let set = ca.is_some_and(|b| b.content.first() != Some(&0));
        Ok(Self { ca: set, path_len, false_written: ca.is_some() && !set })
    }
}

/// id-kp-serverAuth, the content of its OID (RFC 5280 §4.2.1.12).
pub const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
/// id-kp-clientAuth, the content of its OID (RFC 5280 §4.2.1.12).
pub const CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];

/// keyUsage (RFC 5280 §4.2.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUsage(pub u16);

impl KeyUsage {
    /// digitalSignature.
    pub const DIGITAL_SIGNATURE: u16 = 0x8000;
    /// nonRepudiation, later contentCommitment.
    pub const NON_REPUDIATION: u16 = 0x4000;
    /// keyEncipherment.
    pub const KEY_ENCIPHERMENT: u16 = 0x2000;
    /// dataEncipherment.
    pub const DATA_ENCIPHERMENT: u16 = 0x1000;
    /// keyAgreement.
    pub const KEY_AGREEMENT: u16 = 0x0800;
    /// keyCertSign.
    pub const KEY_CERT_SIGN: u16 = 0x0400;
    /// cRLSign.
    pub const CRL_SIGN: u16 = 0x0200;
    /// encipherOnly.
    pub const ENCIPHER_ONLY: u16 = 0x0100;
    /// decipherOnly.
    pub const DECIPHER_ONLY: u16 = 0x0080;

    /// Whether any of these bits is set.
    #[must_use]
    pub fn any(self, bits: u16) -> bool {
        self.0 & bits != 0
    }

    /// The names of the bits set, joined by commas.
    #[must_use]
    pub fn display(self) -> String {
        const NAMES: [(u16, &str); 9] = [
            (KeyUsage::DIGITAL_SIGNATURE, "digitalSignature"),
            (KeyUsage::NON_REPUDIATION, "nonRepudiation"),
            (KeyUsage::KEY_ENCIPHERMENT, "keyEncipherment"),
            (KeyUsage::DATA_ENCIPHERMENT, "dataEncipherment"),
            (KeyUsage::KEY_AGREEMENT, "keyAgreement"),
            (KeyUsage::KEY_CERT_SIGN, "keyCertSign"),
            (KeyUsage::CRL_SIGN, "cRLSign"),
            (KeyUsage::ENCIPHER_ONLY, "encipherOnly"),
            (KeyUsage::DECIPHER_ONLY, "decipherOnly"),
        ];
        let set: Vec<&str> = NAMES.iter().filter(|(bit, _)| self.any(*bit)).map(|(_, n)| *n).collect();
        if set.is_empty() { "none".to_owned() } else { set.join(", ") }
    }

    pub(super) fn read(value: &[u8]) -> Result<Self, DerError> {
        let (_, octets) = der::bits(der::whole(value, tag::BIT_STRING)?.content)?;
        let octet = |i: usize| u16::from(octets.get(i).copied().unwrap_or(0));
        Ok(Self(octet(0) << 8 | octet(1)))
    }
}

/// authorityKeyIdentifier (RFC 5280 §4.2.1.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthorityKeyId {
    /// The issuer's key identifier.
    pub key_id: Option<Vec<u8>>,
    /// The issuer's issuer.
    pub issuer: Vec<San>,
    /// The issuer's serial number (content octets).
    pub serial: Option<Vec<u8>>,
}

impl AuthorityKeyId {
    pub(super) fn read(value: &[u8]) -> Result<Self, DerError> {
        let mut fields = der::whole(value, tag::SEQUENCE)?.inside();
        let key_id = fields.optional(0x80)?.map(|t| t.content.to_vec());
        let issuer = match fields.optional(0xa1)? {
            Some(names) => general_names(names.content)?,
            None => Vec::new(),
        };
        let serial = fields.optional(0x82)?.map(|t| t.content.to_vec());
        fields.finish()?;
        Ok(Self { key_id, issuer, serial })
    }
}

/// nameConstraints (RFC 5280 §4.2.1.10).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameConstraints {
    /// The subtrees of which one must hold each name of its form.
    pub permitted: Vec<Subtree>,
    /// The subtrees that may hold no name.
    pub excluded: Vec<Subtree>,
}

/// One subtree of a name constraint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subtree {
    /// Its root; for addresses the address followed by the mask.
    pub base: San,
    /// Whether a minimum other than 0 or a maximum is written, which RFC 5280 forbids.
    pub bounded: bool,
}

impl NameConstraints {
    pub(super) fn read(value: &[u8]) -> Result<Self, DerError> {
        let mut fields = der::whole(value, tag::SEQUENCE)?.inside();
        let mut list = |tag: u8| -> Result<Vec<Subtree>, DerError> {
            let mut found = Vec::new();
            if let Some(trees) = fields.optional(tag)? {
                let mut trees = trees.inside();
                while !trees.is_empty() {
                    let mut tree = trees.take(tag::SEQUENCE)?.inside();
                    let base = general_name(&mut tree)?;
                    let minimum = tree.optional(0x80)?.is_some_and(|n| n.content.iter().any(|b| *b != 0));
                    found.push(Subtree { base, bounded: minimum || !tree.is_empty() });
                }
            }
            Ok(found)
        };
        let permitted = list(0xa0)?;
        let excluded = list(0xa1)?;
        fields.finish()?;
        Ok(Self { permitted, excluded })
    }
}

/// The object identifiers of an extendedKeyUsage (RFC 5280 §4.2.1.12).
///
/// # Errors
/// [`DerError`] where the value is no list of them.
pub fn purposes(value: &[u8]) -> Result<Vec<Vec<u8>>, DerError> {
    let mut members = der::whole(value, tag::SEQUENCE)?.inside();
    let mut found = Vec::new();
    while !members.is_empty() {
        found.push(members.take(tag::OID)?.content.to_vec());
    }
    Ok(found)
}

/// The members of a subjectAltName.
///
/// # Errors
/// [`DerError`] where the value is no list of names.
pub fn alternative_names(value: &[u8]) -> Result<Vec<San>, DerError> {
    general_names(der::whole(value, tag::SEQUENCE)?.content)
}

fn general_names(content: &[u8]) -> Result<Vec<San>, DerError> {
    let mut members = Reader::new(content);
    let mut found = Vec::new();
    while !members.is_empty() {
        found.push(general_name(&mut members)?);
    }
    Ok(found)
}

fn general_name(members: &mut Reader<'_>) -> Result<San, DerError> {
    let member = members.element()?;
    let content = member.content.to_vec();
    Ok(match member.tag {
        0x81 => San::Email(content),
        0x82 => San::Dns(content),
        0x86 => San::Uri(content),
        0x87 => San::Ip(content),
        0xa4 => San::Directory(content),
        other => San::Other(other, content),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_basic_constraints_also_with_false_written_out() {
        let read = |b: &[u8]| BasicConstraints::read(b).map(|c| (c.ca, c.path_len, c.false_written));
        assert_eq!(read(&[0x30, 0]), Ok((false, None, false)));
        assert_eq!(read(&[0x30, 6, 1, 1, 0xff, 2, 1, 0]), Ok((true, Some(0), false)));
        assert_eq!(read(&[0x30, 3, 1, 1, 0]), Ok((false, None, true)));
        assert!(read(&[0x04, 0]).is_err());
    }

    #[test]
    fn names_the_bits_of_key_usage() {
        assert_eq!(KeyUsage::read(&[3, 2, 5, 0xa0]).unwrap().display(), "digitalSignature, keyEncipherment");
        assert_eq!(KeyUsage::read(&[3, 1, 0]).unwrap().display(), "none");
    }

    #[test]
    fn refuses_an_alternative_name_that_is_no_sequence() {
        assert!(alternative_names(&[0x82, 1, b'a']).is_err());
        assert_eq!(alternative_names(&[0x30, 3, 0x82, 1, b'a']).unwrap(), [San::Dns(b"a".to_vec())]);
    }
}
