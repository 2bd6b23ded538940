//! The values of extensions as the classes of `sun.security.x509` read them.

use super::structure::{all_sets, identifier, name};
use crate::cert::der::{DerError, Reader, small_unsigned, tag};
use crate::cert::extension::Extension;
use crate::cert::{ber, oid};

/// Whether the value can be read.
pub(super) fn value(extension: &Extension) -> Result<(), DerError> {
    // DerIndefLenConverter
    let definite = match extension.value.get(1) {
        Some(0x80) => ber::definite(&extension.value).filter(|(_, n)| *n == extension.value.len()),
        _ => None,
    };
    let bytes = definite.as_ref().map_or(extension.value.as_slice(), |(der, _)| der);
    let mut reader = Reader::new(bytes);
    let element = reader.element()?;
    reader.finish()?;
    let expect = |wanted: u8| if element.tag == wanted { Ok(()) } else { Err(DerError::Unexpected(wanted)) };
    let mut inside = element.inside();
    match extension.oid.as_slice() {
        oid::SUBJECT_ALT_NAME | oid::ISSUER_ALT_NAME => {
            expect(tag::SEQUENCE)?;
            if inside.is_empty() {
                return Err(DerError::Truncated);
            }
            while !inside.is_empty() {
                general_name(&mut inside)?;
            }
            Ok(())
        }
        oid::BASIC_CONSTRAINTS => {
            expect(tag::SEQUENCE)?;
            // Without cA nothing else is looked at.
            let Some(ca) = inside.optional(tag::BOOLEAN)? else { return Ok(()) };
            if ca.content.len() != 1 {
                return Err(DerError::Value("a boolean is not one octet"));
            }
            if inside.is_empty() {
                return Ok(());
            }
            match inside.take(tag::INTEGER)?.content.len() {
                1..=4 => Ok(()),
                _ => Err(DerError::Length),
            }
        }
        oid::KEY_USAGE | oid::NETSCAPE_CERT_TYPE => {
            expect(tag::BIT_STRING)?;
            match element.content.first() {
                Some(0..=7) => Ok(()),
                _ => Err(DerError::Value("a bit string without its count of unused bits")),
            }
        }
        oid::EXTENDED_KEY_USAGE => {
            expect(tag::SEQUENCE)?;
            while !inside.is_empty() {
                identifier(inside.take(tag::OID)?.content)?;
            }
            Ok(())
        }
        oid::SUBJECT_KEY_ID => expect(tag::OCTET_STRING),
        oid::AUTHORITY_KEY_ID => {
            expect(tag::SEQUENCE)?;
            while !inside.is_empty() {
                match inside.element()?.tag {
                    0x80 | 0xa1 | 0x82 => {}
                    other => return Err(DerError::Unexpected(other)),
                }
            }
            Ok(())
        }
        oid::INHIBIT_ANY_POLICY if !extension.critical => Err(DerError::Value("it is not critical")),
        oid::INHIBIT_ANY_POLICY => {
            expect(tag::INTEGER)?;
            match element.content {
                [0xff] => Ok(()),
                number => small_unsigned(number).map(drop).ok_or(DerError::Length),
            }
        }
        oid::NAME_CONSTRAINTS => {
            expect(tag::SEQUENCE)?;
            name_constraints(&mut inside)
        }
        _ => expect(tag::SEQUENCE).or_else(|e| {
            // The only one that is not a SEQUENCE.
            if extension.oid == oid::OCSP_NO_CHECK { Ok(()) } else { Err(e) }
        }),
    }
}

fn name_constraints(fields: &mut Reader<'_>) -> Result<(), DerError> {
    while !fields.is_empty() {
        let list = fields.element()?;
        if !matches!(list.tag, 0xa0 | 0xa1) {
            return Err(DerError::Unexpected(0xa0));
        }
        let mut trees = list.inside();
        while !trees.is_empty() {
            let mut tree = trees.take(tag::SEQUENCE)?.inside();
            match tree.peek() {
                // A host or a domain here, no URI.
                Some(0x86) if super::constraints::uri_constraint(tree.element()?.content) => {}
                Some(0x86) => return Err(DerError::Value("a URI constraint that is no host")),
                _ => general_name(&mut tree)?,
            }
            for limit in [0x80, 0x81] {
                tree.optional(limit)?;
            }
            tree.finish()?;
        }
    }
    Ok(())
}

/// `GeneralName`
fn general_name(list: &mut Reader<'_>) -> Result<(), DerError> {
    let member = list.element()?;
    match member.tag {
        0x82 => Ok(()),
        // RFC822Name.parseName
        0x81 => {
            let host = member.content.rsplit(|b| *b == b'@').next().unwrap_or_default();
            if host.is_empty() || host == b"." {
                Err(DerError::Value("an address of nobody"))
            } else {
                Ok(())
            }
        }
        0x86 => uri(member.content),
        0x87 if matches!(member.content.len(), 4 | 8 | 16 | 32) => Ok(()),
        0x87 => Err(DerError::Value("an address of no usual length")),
        0x88 => identifier(member.content),
        0xa0 => {
            let mut inside = member.inside();
            identifier(inside.take(tag::OID)?.content)?;
            inside.element().map(drop)
        }
        0xa4 => {
            // X500Name.parseDER takes the sets also without their SEQUENCE.
            let sets = member.inside();
            name(&mut member.inside()).or_else(|_| all_sets(sets))
        }
        0xa3 => Ok(()),
        // EDIPartyName wants primitive members, which the standard does not have.
        other => Err(DerError::Unexpected(other)),
    }
}

/// `URIName` and `java.net.URI`: a scheme, and only characters of a URI.
fn uri(text: &[u8]) -> Result<(), DerError> {
    let bad = Err(DerError::Value("a URI that is none"));
    let text = String::from_utf8_lossy(text);
    let forbidden = |c: char| c.is_ascii_control() || " \"<>\\^`{|}".contains(c);
    let Some((scheme, rest)) = text.split_once(':') else { return bad };
    let fine = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if !fine || rest.is_empty() || text.contains(forbidden) { bad } else { Ok(()) }
}
