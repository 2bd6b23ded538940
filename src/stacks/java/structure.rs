//! The fields of a certificate as `X509CertImpl` and `X509CertInfo` read them.

use crate::cert::Certificate;
use crate::cert::der::{DerError, Reader, tag};

/// Whether the fields can be read.
pub(super) fn structure(cert: &Certificate) -> Result<(), DerError> {
    let mut outer = Reader::new(cert.der()).take(tag::SEQUENCE)?.inside();
    let mut fields = outer.take(tag::SEQUENCE)?.inside();
    let outside = algorithm(&mut outer)?;
    outer.element()?;
    outer.finish()?;
    fields.optional(0xa0)?;
    if fields.take(tag::INTEGER)?.content.is_empty() {
        return Err(DerError::Value("a number without octets"));
    }
    if algorithm(&mut fields)? != outside {
        return Err(DerError::Value("its two signature algorithms differ"));
    }
    name(&mut fields)?;
    let mut dates = fields.take(tag::SEQUENCE)?.inside();
    dates.element()?;
    dates.element()?;
    dates.finish()?;
    name(&mut fields)?;
    let mut key = fields.take(tag::SEQUENCE)?.inside();
    algorithm(&mut key)?;
    let public = key.take(tag::BIT_STRING)?;
    key.finish()?;
    if public.content.first() != Some(&0) {
        return Err(DerError::Value("its public key is no whole number of octets"));
    }
    for id in [0x81, 0x82] {
        if fields.optional(id)?.is_some_and(|id| id.content.is_empty()) {
            return Err(DerError::Value("a bit string without its count of unused bits"));
        }
    }
    if let Some(list) = fields.optional(0xa3)? {
        let mut members = list.inside().take(tag::SEQUENCE)?.inside();
        while !members.is_empty() {
            let mut member = members.take(tag::SEQUENCE)?.inside();
            identifier(member.take(tag::OID)?.content)?;
            if member.optional(tag::BOOLEAN)?.is_some_and(|b| b.content.len() != 1) {
                return Err(DerError::Value("a boolean is not one octet"));
            }
        }
    }
    Ok(())
}

/// `AlgorithmId`: a NULL counts as no parameters.
pub(super) fn algorithm<'a>(fields: &mut Reader<'a>) -> Result<(&'a [u8], Option<&'a [u8]>), DerError> {
    let mut inside = fields.take(tag::SEQUENCE)?.inside();
    let oid = inside.take(tag::OID)?.content;
    identifier(oid)?;
    if inside.is_empty() {
        return Ok((oid, None));
    }
    let parameters = inside.element()?;
    inside.finish()?;
    match (parameters.tag, parameters.content) {
        (tag::NULL, []) => Ok((oid, None)),
        (tag::NULL, _) => Err(DerError::Value("a NULL with content")),
        _ => Ok((oid, Some(parameters.raw))),
    }
}

/// `X500Name`, `RDN`, `AVA`: pairs of a type and one value of any kind.
pub(super) fn name(fields: &mut Reader<'_>) -> Result<(), DerError> {
    all_sets(fields.take(tag::SEQUENCE)?.inside())
}

/// The sets of a name, one after the other.
pub(super) fn all_sets(mut sets: Reader<'_>) -> Result<(), DerError> {
    while !sets.is_empty() {
        let mut set = sets.take(tag::SET)?.inside();
        while !set.is_empty() {
            let mut pair = set.take(tag::SEQUENCE)?.inside();
            identifier(pair.take(tag::OID)?.content)?;
            pair.element()?;
            pair.finish()?;
        }
    }
    Ok(())
}

/// `ObjectIdentifier.check`: it ends, and no arc is padded.
pub(super) fn identifier(content: &[u8]) -> Result<(), DerError> {
    let padded = |(i, b): (usize, &u8)| {
        *b == 0x80 && i.checked_sub(1).and_then(|p| content.get(p)).is_none_or(|p| p & 0x80 == 0)
    };
    if content.last().is_none_or(|b| b & 0x80 != 0) || content.iter().enumerate().any(padded) {
        return Err(DerError::Value("an object identifier that is none"));
    }
    Ok(())
}
