//! What OpenSSL 3.0's decoder takes of a certificate: `d2i_X509` (crypto/asn1/tasn_dec.c, a_int.c, a_bitstr.c,
//! a_object.c, crypto/x509/x_name.c) and `ossl_x509v3_cache_extensions` (crypto/x509/v3_purp.c).

use super::ber;
use super::certificate::Certificate;
use super::der::{DerError, Reader, Tlv, tag};
use super::extension::Extension;
use super::name::decode as text;
use super::oid;

/// What `d2i_X509` takes, and what it leaves for later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoded {
    /// Whether the two signature algorithms are the same (`X509_ALGOR_cmp`, which `X509_verify` asks).
    pub algorithms_equal: bool,
    /// Whether the signature has no unused bits (`ASN1_item_verify` refuses others).
    pub signature_whole: bool,
    /// Whether the public key's BIT STRING has no unused bits.
    pub key_whole: bool,
}

/// Reads a certificate as `d2i_X509` does.
///
/// # Errors
/// [`DerError`] for what it refuses although [`Certificate::from_der`] survives it.
pub fn decode(cert: &Certificate) -> Result<Decoded, DerError> {
    let mut outer = Reader::new(cert.der()).take(tag::SEQUENCE)?.inside();
    let mut fields = outer.take(tag::SEQUENCE)?.inside();
    let outside = algorithm(&mut outer)?;
    let signature = outer.take(tag::BIT_STRING)?;
    bits(signature.content)?;
    if let Some(version) = fields.optional(0xa0)? {
        let mut version = version.inside();
        integer(version.take(tag::INTEGER)?.content)?;
        version.finish()?;
    }
    integer(fields.take(tag::INTEGER)?.content)?;
    let inside = algorithm(&mut fields)?;
    name(&mut fields)?;
    let mut dates = fields.take(tag::SEQUENCE)?.inside();
    for _ in 0..2 {
        if !matches!(dates.element()?.tag, tag::UTC_TIME | tag::GENERALIZED_TIME) {
            return Err(DerError::Unexpected(tag::UTC_TIME));
        }
    }
    dates.finish()?;
    name(&mut fields)?;
    let mut key = fields.take(tag::SEQUENCE)?.inside();
    algorithm(&mut key)?;
    let public = key.take(tag::BIT_STRING)?;
    bits(public.content)?;
    key.finish()?;
    for id in [0x81, 0x82] {
        if let Some(id) = fields.optional(id)? {
            bits(id.content)?;
        }
    }
    if let Some(list) = fields.optional(0xa3)? {
        let mut list = list.inside();
        let mut members = list.take(tag::SEQUENCE)?.inside();
        list.finish()?;
        while !members.is_empty() {
            let mut member = members.take(tag::SEQUENCE)?.inside();
            identifier(member.take(tag::OID)?.content)?;
            if member.optional(tag::BOOLEAN)?.is_some_and(|b| b.content.len() != 1) {
                return Err(DerError::Value("a boolean is not one octet"));
            }
            member.take(tag::OCTET_STRING)?;
            member.finish()?;
        }
    }
    fields.finish()?;
    Ok(Decoded {
        algorithms_equal: inside == outside,
        signature_whole: signature.content.first() == Some(&0),
        key_whole: public.content.first() == Some(&0),
    })
}

/// Whether `ossl_x509v3_cache_extensions` finds the extensions usable: none of those that it reads stands there twice,
/// and each can be read. Octets behind a value are ignored.
///
/// # Errors
/// What is wrong, in words. OpenSSL then takes the certificate neither as a server's nor as an issuer.
pub fn extensions(cert: &Certificate) -> Result<(), String> {
    type Read = fn(&[u8]) -> Result<(), DerError>;
    let known: [(&[u8], Read); 11] = [
        (oid::BASIC_CONSTRAINTS, basic_constraints),
        (oid::KEY_USAGE, key_usage),
        (oid::EXTENDED_KEY_USAGE, |v| each(v, |list| identifier(list.take(tag::OID)?.content))),
        (oid::NETSCAPE_CERT_TYPE, |v| bits(first(v, tag::BIT_STRING)?.content)),
        (oid::SUBJECT_KEY_ID, |v| first(v, tag::OCTET_STRING).map(drop)),
        (oid::AUTHORITY_KEY_ID, authority_key_id),
        (oid::SUBJECT_ALT_NAME, |v| each(v, general_name)),
        (oid::NAME_CONSTRAINTS, name_constraints),
        (oid::CRL_DISTRIBUTION_POINTS, |v| each(v, distribution_point)),
        // Valid or not, a proxy certificate is refused unless the application allows it.
        (oid::PROXY_CERT_INFO, |_| Err(DerError::Value("proxy certificates are refused"))),
        (oid::IP_ADDR_BLOCKS, |v| first(v, tag::SEQUENCE).map(drop)),
    ];
    for (oid, read) in known {
        let mut found = cert.extensions().iter().filter(|e| e.oid == oid);
        let Some(Extension { value, .. }) = found.next() else { continue };
        let label = oid::describe(oid);
        if found.next().is_some() {
            return Err(format!("{label} stands in it twice"));
        }
        // The indefinite form is read too (`asn1_check_tlen`).
        let value = match value.get(1) {
            Some(0x80) => ber::definite(value).map_or_else(|| value.clone(), |(der, _)| der),
            _ => value.clone(),
        };
        read(&value).map_err(|why| format!("its {label} cannot be read: {why}"))?;
    }
    Ok(())
}

/// The first element of a value; what follows it is not looked at (`X509V3_EXT_d2i`).
fn first(value: &[u8], tag: u8) -> Result<Tlv<'_>, DerError> {
    let element = Reader::new(value).take(tag)?;
    // Measured with 3.0.19: an empty value whose length is written in the long form is refused.
    if element.content.is_empty() && !element.minimal { Err(DerError::Length) } else { Ok(element) }
}

/// A SEQUENCE OF.
fn each(value: &[u8], read: fn(&mut Reader<'_>) -> Result<(), DerError>) -> Result<(), DerError> {
    all(first(value, tag::SEQUENCE)?.inside(), read)
}

fn all(mut list: Reader<'_>, read: fn(&mut Reader<'_>) -> Result<(), DerError>) -> Result<(), DerError> {
    while !list.is_empty() {
        read(&mut list)?;
    }
    Ok(())
}

fn basic_constraints(value: &[u8]) -> Result<(), DerError> {
    let mut fields = first(value, tag::SEQUENCE)?.inside();
    if fields.optional(tag::BOOLEAN)?.is_some_and(|b| b.content.len() != 1) {
        return Err(DerError::Value("a boolean is not one octet"));
    }
    if let Some(length) = fields.optional(tag::INTEGER)? {
        integer(length.content)?;
        if length.content.first().is_some_and(|b| b & 0x80 != 0) {
            return Err(DerError::Value("its path length is negative"));
        }
    }
    fields.finish()
}

fn key_usage(value: &[u8]) -> Result<(), DerError> {
    let content = first(value, tag::BIT_STRING)?.content;
    bits(content)?;
    if content.iter().skip(1).take(2).all(|b| *b == 0) {
        return Err(DerError::Value("it allows nothing"));
    }
    Ok(())
}

fn authority_key_id(value: &[u8]) -> Result<(), DerError> {
    let mut fields = first(value, tag::SEQUENCE)?.inside();
    fields.optional(0x80)?;
    if let Some(names) = fields.optional(0xa1)? {
        all(names.inside(), general_name)?;
    }
    if let Some(serial) = fields.optional(0x82)? {
        integer(serial.content)?;
    }
    fields.finish()
}

fn name_constraints(value: &[u8]) -> Result<(), DerError> {
    let mut fields = first(value, tag::SEQUENCE)?.inside();
    for list in [0xa0, 0xa1] {
        if let Some(trees) = fields.optional(list)? {
            all(trees.inside(), |trees| {
                let mut tree = trees.take(tag::SEQUENCE)?.inside();
                general_name(&mut tree)?;
                for limit in [0x80, 0x81] {
                    if let Some(number) = tree.optional(limit)? {
                        integer(number.content)?;
                    }
                }
                tree.finish()
            })?;
        }
    }
    fields.finish()
}

/// `DIST_POINT` and `setup_dp`: it must name a place or an issuer.
fn distribution_point(list: &mut Reader<'_>) -> Result<(), DerError> {
    let mut fields = list.take(tag::SEQUENCE)?.inside();
    let place = fields.optional(0xa0)?;
    if let Some(place) = place {
        let mut place = place.inside();
        let choice = place.element()?;
        place.finish()?;
        match choice.tag {
            0xa0 => all(choice.inside(), general_name)?,
            0xa1 => all(choice.inside(), pair)?,
            other => return Err(DerError::Unexpected(other)),
        }
    }
    if let Some(reasons) = fields.optional(0x81)? {
        bits(reasons.content)?;
    }
    let issuer = fields.optional(0xa2)?;
    if let Some(names) = issuer {
        all(names.inside(), general_name)?;
    }
    fields.finish()?;
    if place.is_none() && issuer.is_none_or(|i| i.content.is_empty()) {
        return Err(DerError::Value("a distribution point names no place"));
    }
    Ok(())
}

fn general_name(list: &mut Reader<'_>) -> Result<(), DerError> {
    let member = list.element()?;
    let mut inside = member.inside();
    match member.tag {
        0x81 | 0x82 | 0x86 | 0x87 | 0xa1 | 0xa2 | 0xa3 | 0xa6 | 0xa7 => Ok(()),
        0x88 => identifier(member.content),
        0xa4 => {
            name(&mut inside)?;
            inside.finish()
        }
        0xa0 => {
            identifier(inside.take(tag::OID)?.content)?;
            let mut value = inside.take(0xa0)?.inside();
            any(&value.element()?)?;
            value.finish()?;
            inside.finish()
        }
        0xa5 => {
            inside.optional(0xa0)?;
            inside.take(0xa1)?;
            inside.finish()
        }
        other => Err(DerError::Unexpected(other)),
    }
}

/// An AlgorithmIdentifier: object identifier, then tag and content of the parameters.
type Algorithm<'a> = (&'a [u8], Option<(u8, &'a [u8])>);

fn algorithm<'a>(fields: &mut Reader<'a>) -> Result<Algorithm<'a>, DerError> {
    let mut inside = fields.take(tag::SEQUENCE)?.inside();
    let oid = inside.take(tag::OID)?.content;
    identifier(oid)?;
    if inside.is_empty() {
        return Ok((oid, None));
    }
    let parameters = inside.element()?;
    any(&parameters)?;
    inside.finish()?;
    Ok((oid, Some((parameters.tag, parameters.content))))
}

/// A Name (`x509_name_ex_d2i`), of which the canonical form must be possible (`x509_name_canon`).
fn name(fields: &mut Reader<'_>) -> Result<(), DerError> {
    all(fields.take(tag::SEQUENCE)?.inside(), |sets| all(sets.take(tag::SET)?.inside(), pair))
}

/// One attribute of a name. Its value must be of a kind in `B_ASN1_PRINTABLE`.
fn pair(members: &mut Reader<'_>) -> Result<(), DerError> {
    let mut inside = members.take(tag::SEQUENCE)?.inside();
    identifier(inside.take(tag::OID)?.content)?;
    let value = inside.element()?;
    inside.finish()?;
    let fine = match value.tag {
        tag::SEQUENCE | tag::NUMERIC_STRING => true,
        tag::UTF8_STRING
        | tag::PRINTABLE_STRING
        | tag::T61_STRING
        | tag::IA5_STRING
        | tag::UNIVERSAL_STRING => {
            // Only the UTF-8 type promises UTF-8: the others are one octet, or four, a character.
            match value.tag {
                tag::UTF8_STRING | tag::UNIVERSAL_STRING => text(value.tag, value.content).is_some(),
                _ => true,
            }
        }
        // Two octets a character, of which halves of a pair are none.
        tag::BMP_STRING => {
            value.content.len().is_multiple_of(2)
                && value.content.chunks(2).all(|c| !matches!(c, [0xd8..=0xdf, _]))
        }
        tag::BIT_STRING => bits(value.content).is_ok(),
        // Types that OpenSSL has no name for are B_ASN1_UNKNOWN, which is in the mask; strings in pieces (BER) too.
        7..=9 | 10 | 11 | 13..=15 | 29 | 31 | 0x23..=0x3e => value.tag != tag::SET,
        _ => false,
    };
    if fine { Ok(()) } else { Err(DerError::Value("a value of a name is of no kind that it may be")) }
}

/// ANY: values of universal types are looked into (`asn1_ex_c2i`).
fn any(value: &Tlv<'_>) -> Result<(), DerError> {
    match value.tag {
        tag::OID => identifier(value.content),
        tag::INTEGER | tag::ENUMERATED => integer(value.content),
        tag::BIT_STRING => bits(value.content),
        tag::NULL if !value.content.is_empty() => Err(DerError::Value("a NULL with content")),
        tag::BOOLEAN if value.content.len() != 1 => Err(DerError::Value("a boolean is not one octet")),
        tag::BMP_STRING if !value.content.len().is_multiple_of(2) => Err(DerError::Value("half a character")),
        tag::UNIVERSAL_STRING if !value.content.len().is_multiple_of(4) => {
            Err(DerError::Value("half a character"))
        }
        _ => Ok(()),
    }
}

/// `c2i_ibuf`: at least one octet, none too many.
fn integer(content: &[u8]) -> Result<(), DerError> {
    match content {
        [] => Err(DerError::Value("a number without octets")),
        [0, next, ..] if next & 0x80 == 0 => Err(DerError::Value("a number with an octet too many")),
        [0xff, next, ..] if next & 0x80 != 0 => Err(DerError::Value("a number with an octet too many")),
        _ => Ok(()),
    }
}

/// `ossl_c2i_ASN1_BIT_STRING`.
fn bits(content: &[u8]) -> Result<(), DerError> {
    match content.first() {
        Some(0..=7) => Ok(()),
        _ => Err(DerError::Value("a bit string without its count of unused bits")),
    }
}

/// `ossl_c2i_ASN1_OBJECT`: no arc is empty, cut off or padded.
fn identifier(content: &[u8]) -> Result<(), DerError> {
    let padded = |(i, b): (usize, &u8)| {
        *b == 0x80 && i.checked_sub(1).and_then(|p| content.get(p)).is_none_or(|p| p & 0x80 == 0)
    };
    if content.last().is_none_or(|b| b & 0x80 != 0) || content.iter().enumerate().any(padded) {
        return Err(DerError::Value("an object identifier that is none"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_identifiers_are_refused_where_an_octet_is_missing_or_too_many() {
        let numbers: [(&[u8], bool); 6] = [
            (&[], false),
            (&[0], true),
            (&[0, 5], false),
            (&[0, 0x85], true),
            (&[0xff], true),
            (&[0xff, 0x85], false),
        ];
        for (content, fine) in numbers {
            assert_eq!(integer(content).is_ok(), fine, "{content:?}");
        }
        let identifiers: [(&[u8], bool); 5] = [
            (&[0x55, 4, 3], true),
            (&[], false),
            (&[0x2a, 0x86], false),
            (&[0x2a, 0x80, 1], false),
            (&[0x2a, 0x81, 0x80, 1], true),
        ];
        for (content, fine) in identifiers {
            assert_eq!(identifier(content).is_ok(), fine, "{content:?}");
        }
    }

    #[test]
    fn a_name_takes_only_the_kinds_of_its_mask_and_only_characters() {
        let one = |kind: u8, value: &[u8]| {
            let mut inside = vec![6, 3, 0x55, 4, 10, kind, value.len() as u8];
            inside.extend(value);
            inside.splice(0..0, [0x30, inside.len() as u8]);
            pair(&mut Reader::new(&inside)).is_ok()
        };
        assert!(one(tag::UTF8_STRING, "ü".as_bytes()) && !one(tag::UTF8_STRING, b"\xff"));
        assert!(one(tag::PRINTABLE_STRING, b"\xff") && one(tag::NUMERIC_STRING, b"a"));
        assert!(!one(tag::VISIBLE_STRING, b"a") && !one(tag::OCTET_STRING, b"a") && !one(tag::INTEGER, b"a"));
        assert!(!one(tag::BMP_STRING, b"\0a\0") && !one(tag::BMP_STRING, b"\xd8\x3d\xde\0"));
    }

    #[test]
    fn octets_behind_a_value_are_not_looked_at_but_inside_a_sequence_they_are() {
        assert!(basic_constraints(&[0x30, 0, 5, 0]).is_ok());
        assert!(basic_constraints(&[0x30, 2, 5, 0]).is_err());
        assert!(basic_constraints(&[0x30, 3, 2, 1, 0xff]).is_err());
        assert!(key_usage(&[3, 2, 0, 0]).is_err());
    }
}
