//! The fields of the signed part, the algorithms, the key and the signature.

use super::{Field, Found, Kind, names};
use crate::cert::algorithm::{Curve, PublicKey, SignatureAlgorithm};
use crate::cert::der::{Reader, tag};
use crate::cert::time::Time;
use crate::cert::{Certificate, oid};

pub(super) fn read(cert: &Certificate, found: &mut Found) {
    let Ok(whole) = Reader::new(cert.der()).take(tag::SEQUENCE) else { return };
    found.when(!whole.minimal, Field::Whole, Kind::Length);
    let Ok(tbs) = Reader::new(cert.tbs()).take(tag::SEQUENCE) else { return };
    found.when(!tbs.minimal, Field::Whole, Kind::Length);
    let mut fields = tbs.inside();
    if let Ok(Some(field)) = fields.optional(0xa0) {
        found.lengths(Field::Version, field.raw);
        let mut inside = field.inside();
        if let Ok(number) = inside.take(tag::INTEGER) {
            found.number(Field::Version, number.content, 1);
            found.when(number.content == [0], Field::Version, Kind::Default);
        }
        found.when(!inside.is_empty(), Field::Version, Kind::Surplus);
    }
    found.when(cert.version().is_some_and(|v| v > 3), Field::Version, Kind::Huge);
    let early = cert.version().is_none_or(|v| v < 3);
    found.when(early && !cert.extensions().is_empty(), Field::Version, Kind::Misplaced);
    if let Ok(serial) = fields.element() {
        found.lengths(Field::Serial, serial.raw);
        found.number(Field::Serial, serial.content, 20);
        found.when(serial.content.len() > 20, Field::Serial, Kind::Huge);
        found.when(serial.content.iter().all(|b| *b == 0), Field::Serial, Kind::Zero);
    }
    algorithm(cert.inner_algorithm_der(), found);
    algorithm(cert.algorithm_der(), found);
    found.when(!cert.algorithms_agree(), Field::Algorithm, Kind::Differ);
    found.when(
        matches!(cert.signature_algorithm(), SignatureAlgorithm::Other(_)),
        Field::Algorithm,
        Kind::Unknown,
    );
    for name in [cert.issuer(), cert.subject()] {
        names::name(Field::Name, name.der(), found);
    }
    found.when(cert.issuer().is_empty(), Field::Issuer, Kind::Empty);
    let (from, until) = cert.validity();
    dates(&mut fields, found);
    // The subject, the key, then what should not be there.
    let _ = (fields.element(), fields.element());
    while let Ok(element) = fields.element() {
        if matches!(element.tag, 0x81 | 0x82) {
            let kind = if element.content.is_empty() { Kind::Type } else { Kind::UniqueIds };
            found.add(Field::Whole, kind);
        }
    }
    for date in [from, until] {
        self::date(date, found);
    }
    key(cert, found);
    signature(cert, found);
}

/// An AlgorithmIdentifier (RFC 4055, RFC 5758, RFC 8410: NULL behind RSA, nothing behind ECDSA and EdDSA).
fn algorithm(der: &[u8], found: &mut Found) {
    found.lengths(Field::Algorithm, der);
    let Ok(whole) = Reader::new(der).take(tag::SEQUENCE) else { return };
    let mut fields = whole.inside();
    let Ok(kind) = fields.take(tag::OID) else { return };
    found.oid(Field::Algorithm, kind.content);
    let parameters = fields.element().ok();
    // Nothing where NULL belongs, or the other way round, is met; anything else is not.
    let usual =
        parameters.is_none_or(|p| p.tag == tag::SEQUENCE || (p.tag == tag::NULL && p.content.is_empty()));
    found.when(!usual, Field::Algorithm, Kind::Type);
    let fine = match SignatureAlgorithm::from_der(der) {
        Ok(SignatureAlgorithm::RsaPkcs1(_)) => {
            parameters.is_some_and(|p| p.tag == tag::NULL && p.content.is_empty())
        }
        Ok(SignatureAlgorithm::RsaPss { .. }) => parameters.is_some_and(|p| p.tag == tag::SEQUENCE),
        Ok(SignatureAlgorithm::Ecdsa(_) | SignatureAlgorithm::Ed25519 | SignatureAlgorithm::Ed448) => {
            parameters.is_none()
        }
        _ => true,
    };
    found.when(usual && !fine, Field::Algorithm, Kind::Parameters);
    found.when(!fields.is_empty(), Field::Algorithm, Kind::Surplus);
}

/// The sequence of the dates, which follows the issuer.
fn dates(fields: &mut Reader<'_>, found: &mut Found) {
    let mut next = || fields.element();
    let (Ok(_), Ok(_), Ok(validity)) = (next(), next(), next()) else { return };
    found.lengths(Field::Dates, validity.raw);
    let mut inside = validity.inside();
    let _ = (inside.element(), inside.element());
    found.when(!inside.is_empty(), Field::Dates, Kind::Surplus);
}

/// RFC 5280 §4.1.2.5: UTCTime up to 2049, GeneralizedTime from then on, with seconds and Z.
fn date(date: &Time, found: &mut Found) {
    let whole_day = date.instant().filter(|_| date.octets.last() == Some(&b'Z'));
    match whole_day {
        None => found.add(Field::Dates, Kind::Calendar),
        Some(at) if date.tag == tag::GENERALIZED_TIME && at.year() < 2050 => {
            found.add(Field::Dates, Kind::Early)
        }
        Some(_) => {}
    }
}

/// SubjectPublicKeyInfo (RFC 3279, RFC 5480, RFC 8410).
fn key(cert: &Certificate, found: &mut Found) {
    let field = Field::Key;
    found.lengths(field, cert.spki_der());
    let Ok(whole) = Reader::new(cert.spki_der()).take(tag::SEQUENCE) else { return };
    let mut fields = whole.inside();
    let (Ok(algorithm), Ok(bits)) = (fields.take(tag::SEQUENCE), fields.take(tag::BIT_STRING)) else {
        return;
    };
    found.when(!fields.is_empty(), field, Kind::Surplus);
    let mut inside = algorithm.inside();
    let Ok(kind) = inside.take(tag::OID) else { return };
    found.oid(field, kind.content);
    let parameters = inside.element().ok();
    let null = parameters.is_some_and(|p| p.tag == tag::NULL && p.content.is_empty());
    let fine = match cert.public_key() {
        PublicKey::Rsa { pss: false, .. } => null,
        PublicKey::Ec { curve, .. } => *curve != Curve::Explicit,
        PublicKey::Ed25519(_) | PublicKey::Ed448(_) => parameters.is_none(),
        _ => true,
    };
    found.when(!fine, field, Kind::Parameters);
    found.when(!inside.is_empty(), field, Kind::Surplus);
    found.when(matches!(cert.public_key(), PublicKey::Malformed | PublicKey::Other(_)), field, Kind::Unknown);
    let Some((unused, octets)) = bits.content.split_first() else { return };
    found.when(*unused != 0, field, Kind::Bits);
    match cert.public_key() {
        PublicKey::Rsa { e, .. } => {
            found.lengths(field, octets);
            let mut outer = Reader::new(octets);
            let Ok(numbers) = outer.take(tag::SEQUENCE) else { return };
            let mut inside = numbers.inside();
            for _ in 0..2 {
                if let Ok(number) = inside.take(tag::INTEGER) {
                    found.number(field, number.content, usize::MAX);
                }
            }
            found.when(!outer.is_empty() || !inside.is_empty(), field, Kind::Surplus);
            let odd = e.last().is_some_and(|b| b & 1 == 1);
            found.when(!odd || e.len() > 4 || e.as_slice() == [1], field, Kind::Exponent);
        }
        // RFC 5480 §2.2: the compressed form may be refused.
        PublicKey::Ec { point, .. } => found.when(point.first() != Some(&4), field, Kind::Type),
        PublicKey::Ed25519(point) => found.when(point.len() != 32, field, Kind::Bound),
        PublicKey::Ed448(point) => found.when(point.len() != 57, field, Kind::Bound),
        PublicKey::Other(_) | PublicKey::Malformed => {}
    }
}

fn signature(cert: &Certificate, found: &mut Found) {
    let field = Field::Signature;
    let Ok(whole) = Reader::new(cert.der()).take(tag::SEQUENCE) else { return };
    let mut fields = whole.inside();
    let _ = (fields.element(), fields.element());
    let Ok(bits) = fields.take(tag::BIT_STRING) else { return };
    found.when(!bits.minimal, field, Kind::Length);
    found.when(bits.content.first() != Some(&0), field, Kind::Bits);
    found.when(cert.signature().is_empty(), field, Kind::Empty);
    if matches!(cert.signature_algorithm(), SignatureAlgorithm::Ecdsa(_)) && !cert.signature().is_empty() {
        found.lengths(field, cert.signature());
        let mut outer = Reader::new(cert.signature());
        let Ok(pair) = outer.take(tag::SEQUENCE) else { return found.add(field, Kind::Type) };
        let mut pair = pair.inside();
        for _ in 0..2 {
            match pair.take(tag::INTEGER) {
                Ok(number) => found.number(field, number.content, 66),
                Err(_) => found.add(field, Kind::Type),
            }
        }
        found.when(!outer.is_empty() || !pair.is_empty(), field, Kind::Surplus);
    }
    if let SignatureAlgorithm::Other(kind) = cert.signature_algorithm() {
        found.when(kind == oid::RSA_PSS, Field::Algorithm, Kind::Parameters);
    }
}
