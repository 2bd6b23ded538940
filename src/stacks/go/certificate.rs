//! `parseCertificate` of crypto/x509/parser.go: the fields of a certificate and its public key.

use super::super::checks::{Rule, no};
use super::super::stack::Parse;
use super::super::times;
use super::octets::{any, bits, boolean, identifier, integer, optional, small, take, take_identifier};
use super::{Fault, Read, Version, extensions};
use crate::cert::algorithm::{Curve, PublicKey};
use crate::cert::der::{Reader, tag};
use crate::cert::{Certificate, oid};
use crate::judgement::ReasonCode;

/// Whether Go reads the certificate; of an anchor the signature is not looked at.
pub(in super::super) fn certificate(version: Version, cert: &Certificate, anchor: bool) -> Rule {
    for date in [cert.validity().0, cert.validity().1] {
        if times::read(Parse::Go(version), date).is_none() {
            let what = format!("its date {} cannot be read", date.as_written());
            return no(ReasonCode::BadTime, cert, what);
        }
    }
    match read(version, cert, anchor) {
        Ok(()) => Ok(()),
        Err(Fault::Bad(what)) => no(ReasonCode::Malformed, cert, format!("Go cannot read it: {what}")),
        Err(Fault::Foreign(what)) => no(ReasonCode::UnsupportedAlgorithm, cert, what),
        Err(Fault::Version) => no(ReasonCode::UnsupportedVersion, cert, "its version is none that Go knows"),
    }
}

fn read(version: Version, cert: &Certificate, anchor: bool) -> Read<()> {
    let bad = |what: &'static str| move || Fault::Bad(what);
    let mut outer = Reader::new(cert.der());
    let mut outer = take(&mut outer, tag::SEQUENCE).ok_or_else(bad("it is no SEQUENCE"))?.inside();
    let mut tbs = take(&mut outer, tag::SEQUENCE).ok_or_else(bad("it has no signed part"))?.inside();
    let number = number(&mut tbs)?;
    let serial = take(&mut tbs, tag::INTEGER).map(|t| t.content).filter(|c| integer(c));
    serial.ok_or_else(bad("its serial number is not written as it should be"))?;
    let algorithm = "a signature algorithm is not written as it should be";
    let inside = take(&mut tbs, tag::SEQUENCE).ok_or_else(bad(algorithm))?;
    let outside = take(&mut outer, tag::SEQUENCE).ok_or_else(bad(algorithm))?;
    if inside.content != outside.content {
        return Err(Fault::Bad("the signature algorithm inside differs from the one outside"));
    }
    identified(version, inside.inside()).ok_or_else(bad(algorithm))?;
    let names = "a name is not written as it should be";
    name(version, &mut tbs).ok_or_else(bad(names))?;
    let dates = "its validity is not written as it should be";
    let mut validity = take(&mut tbs, tag::SEQUENCE).ok_or_else(bad(dates))?.inside();
    any(&mut validity).zip(any(&mut validity)).ok_or_else(bad(dates))?;
    name(version, &mut tbs).ok_or_else(bad(names))?;
    let spki = take(&mut tbs, tag::SEQUENCE).ok_or_else(bad("it has no public key"))?;
    key(version, spki.inside(), cert)?;
    if number > 1 {
        for id in [0x81, 0x82] {
            optional(&mut tbs, id).ok_or_else(bad("a unique identifier is not written as it should be"))?;
        }
    }
    if number == 3 {
        let what = "its extensions are not written as they should be";
        if let Some(list) = optional(&mut tbs, 0xa3).ok_or_else(bad(what))? {
            let list = take(&mut list.inside(), tag::SEQUENCE).ok_or_else(bad(what))?;
            members(version, list.inside())?;
        }
    }
    let signature = take(&mut outer, tag::BIT_STRING).filter(|s| bits(s.content));
    let signature = signature.ok_or_else(bad("its signature is not written as it should be"))?;
    if !anchor && signature.content.first() != Some(&0) {
        return Err(Fault::Bad("its signature has unused bits"));
    }
    Ok(())
}

/// The version as people count it.
fn number(tbs: &mut Reader<'_>) -> Read<u8> {
    let bad = Fault::Bad("its version is not written as it should be");
    let Some(field) = optional(tbs, 0xa0).ok_or(bad)? else { return Ok(1) };
    let mut inside = field.inside();
    let number = take(&mut inside, tag::INTEGER).filter(|n| small(n.content)).ok_or(bad)?;
    match number.content {
        _ if !inside.is_empty() => Err(bad),
        [n @ 0..=2] => Ok(n + 1),
        _ => Err(Fault::Version),
    }
}

/// `parseAI`: object identifier and parameters of any kind; what follows is not looked at.
fn identified<'a>(version: Version, mut fields: Reader<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let oid = take_identifier(version, &mut fields)?;
    if fields.is_empty() {
        return Some((oid, &[]));
    }
    any(&mut fields).map(|t| (oid, t.raw))
}

/// `parseName`.
fn name(version: Version, fields: &mut Reader<'_>) -> Option<()> {
    let mut sets = take(fields, tag::SEQUENCE)?.inside();
    while !sets.is_empty() {
        let mut set = take(&mut sets, tag::SET)?.inside();
        while !set.is_empty() {
            let mut pair = take(&mut set, tag::SEQUENCE)?.inside();
            take_identifier(version, &mut pair)?;
            let value = any(&mut pair)?;
            text(version, value.tag, value.content).then_some(())?;
        }
    }
    Some(())
}

/// `parseASN1String`, and `readASN1Any` of newer versions.
fn text(version: Version, kind: u8, value: &[u8]) -> bool {
    let all = |fine: fn(u8) -> bool| value.iter().all(|b| fine(*b));
    match kind {
        tag::T61_STRING => true,
        tag::PRINTABLE_STRING => all(|b| b.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(&b)),
        tag::UTF8_STRING => std::str::from_utf8(value).is_ok(),
        tag::IA5_STRING => value.is_ascii(),
        tag::NUMERIC_STRING => all(|b| b.is_ascii_digit() || b == b' '),
        tag::BMP_STRING => {
            value.len().is_multiple_of(2)
                && value.strip_suffix(&[0, 0]).unwrap_or(value).chunks_exact(2).all(|c| {
                    let point = u16::from_be_bytes([c[0], c[1]]);
                    !matches!(point, 0xfffe | 0xffff | 0xfdd0..=0xfdef | 0xd800..=0xdfff)
                })
        }
        _ if version < Version::V1_27 => false,
        tag::INTEGER => small(value),
        tag::BIT_STRING => bits(value),
        tag::OID => identifier(version, value),
        tag::BOOLEAN => boolean(value),
        tag::UTC_TIME | tag::GENERALIZED_TIME => {
            let time = crate::cert::time::Time { tag: kind, octets: value.to_vec() };
            times::read(Parse::Go(version), &time).is_some()
        }
        _ => true,
    }
}

/// `parsePublicKey`.
fn key(version: Version, mut spki: Reader<'_>, cert: &Certificate) -> Read<()> {
    let bad = Fault::Bad("its public key is not written as it should be");
    let algorithm = take(&mut spki, tag::SEQUENCE).ok_or(bad)?;
    let (oid, parameters) = identified(version, algorithm.inside()).ok_or(bad)?;
    let string = take(&mut spki, tag::BIT_STRING).filter(|s| bits(s.content)).ok_or(bad)?;
    let (unused, octets) = string.content.split_first().ok_or(bad)?;
    let fine = match oid {
        oid::RSA => {
            let numbers = (|| {
                let mut numbers = take(&mut Reader::new(octets), tag::SEQUENCE)?.inside();
                let n = take(&mut numbers, tag::INTEGER)?.content;
                let e = take(&mut numbers, tag::INTEGER)?.content;
                let positive = |c: &[u8]| {
                    integer(c) && c.iter().any(|b| *b != 0) && c.first().is_some_and(|b| b & 0x80 == 0)
                };
                (positive(n) && positive(e) && small(e)).then_some(())
            })();
            *unused == 0 && parameters == [tag::NULL, 0] && numbers.is_some()
        }
        oid::EC => {
            let named = take_identifier(version, &mut Reader::new(parameters)).is_some();
            let known = match cert.public_key() {
                PublicKey::Ec { curve, .. } => {
                    matches!(curve, Curve::P224 | Curve::P256 | Curve::P384 | Curve::P521)
                }
                _ => true,
            };
            if named && !known {
                return Err(Fault::Foreign("Go does not know the curve of its key"));
            }
            named && *unused == 0 && octets.first() == Some(&4)
        }
        oid::ED25519 => parameters.is_empty() && octets.len() == 32,
        // It is read, but no signature can be checked with it.
        _ => return Err(Fault::Foreign("Go does not know the kind of its key")),
    };
    if fine { Ok(()) } else { Err(bad) }
}

/// The list of extensions, each once.
fn members(version: Version, mut list: Reader<'_>) -> Read<()> {
    let bad = Fault::Bad("an extension is not written as it should be");
    let mut seen: Vec<(&[u8], bool, &[u8])> = Vec::new();
    while !list.is_empty() {
        let mut fields = take(&mut list, tag::SEQUENCE).ok_or(bad)?.inside();
        let oid = take_identifier(version, &mut fields).ok_or(bad)?;
        let critical = optional(&mut fields, tag::BOOLEAN).ok_or(bad)?;
        if critical.is_some_and(|c| !boolean(c.content)) {
            return Err(bad);
        }
        let value = take(&mut fields, tag::OCTET_STRING).ok_or(bad)?.content;
        if seen.iter().any(|(o, ..)| *o == oid) {
            return Err(Fault::Bad("an extension stands in it twice"));
        }
        seen.push((oid, critical.is_some_and(|c| c.content == [0xff]), value));
    }
    seen.iter().try_for_each(|(oid, critical, value)| extensions::value(version, oid, *critical, value))
}

/// Whether something stands behind the parameters of an algorithm, the numbers of an RSA key or the curve of another.
pub(super) fn surplus(cert: &Certificate) -> bool {
    let found = |mut fields: Reader<'_>, known: usize| {
        for _ in 0..known {
            if !fields.is_empty() && fields.element().is_err() {
                return false;
            }
        }
        !fields.is_empty()
    };
    let list = |der: &[u8]| Reader::new(der).take(tag::SEQUENCE).is_ok_and(|t| found(t.inside(), 2));
    let Ok(mut spki) = Reader::new(cert.spki_der()).take(tag::SEQUENCE).map(|t| t.inside()) else {
        return false;
    };
    let algorithm = spki.element().map(|t| t.raw).unwrap_or_default();
    let octets = spki.element().ok().and_then(|t| t.content.get(1..)).unwrap_or_default();
    let rsa = matches!(Reader::new(algorithm).take(tag::SEQUENCE).map(|t| t.inside().take(tag::OID)),
        Ok(Ok(t)) if t.content == oid::RSA);
    list(cert.inner_algorithm_der())
        || list(algorithm)
        || (rsa && (list(octets) || found(Reader::new(octets), 1)))
}
