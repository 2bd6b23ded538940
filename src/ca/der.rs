//! Writes DER (X.690 §10): only what certificates and CRLs need, so that every byte we sign is one we meant.

use time::OffsetDateTime;

/// Universal and context tags as they stand in the first byte.
pub mod tag {
    /// BOOLEAN
    pub const BOOLEAN: u8 = 0x01;
    /// INTEGER
    pub const INTEGER: u8 = 0x02;
    /// BIT STRING
    pub const BIT_STRING: u8 = 0x03;
    /// OCTET STRING
    pub const OCTET_STRING: u8 = 0x04;
    /// OBJECT IDENTIFIER
    pub const OID: u8 = 0x06;
    /// ENUMERATED
    pub const ENUMERATED: u8 = 0x0a;
    /// UTF8String
    pub const UTF8: u8 = 0x0c;
    /// PrintableString
    pub const PRINTABLE: u8 = 0x13;
    /// UTCTime
    pub const UTC_TIME: u8 = 0x17;
    /// GeneralizedTime
    pub const GENERALIZED_TIME: u8 = 0x18;
    /// SEQUENCE
    pub const SEQUENCE: u8 = 0x30;
    /// SET
    pub const SET: u8 = 0x31;
}

/// Appends tag and length for `len` content bytes.
pub fn header(out: &mut Vec<u8>, tag: u8, len: usize) {
    out.push(tag);
    if len < 0x80 {
        out.push(len as u8);
        return;
    }
    let bytes = len.to_be_bytes();
    let skip = bytes.iter().take_while(|b| **b == 0).count();
    out.push(0x80 | (bytes.len() - skip) as u8);
    out.extend(bytes.iter().skip(skip));
}

/// How many bytes [`header`] appends.
#[must_use]
pub fn header_len(len: usize) -> usize {
    match len {
        0..=0x7f => 2,
        _ => 2 + (usize::BITS - len.leading_zeros()).div_ceil(8) as usize,
    }
}

/// Tag, length and the parts one after the other.
#[must_use]
pub fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len = parts.iter().map(|p| p.len()).sum();
    let mut out = Vec::with_capacity(len + header_len(len));
    header(&mut out, tag, len);
    parts.iter().for_each(|p| out.extend_from_slice(p));
    out
}

/// A SEQUENCE of the parts.
#[must_use]
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(tag::SEQUENCE, parts)
}

/// `[n]` EXPLICIT, constructed.
#[must_use]
pub fn context(n: u8, content: &[u8]) -> Vec<u8> {
    tlv(0xa0 | n, &[content])
}

/// An unsigned INTEGER from its big-endian magnitude, in its shortest form.
#[must_use]
pub fn unsigned(magnitude: &[u8]) -> Vec<u8> {
    let skip = magnitude.iter().take_while(|b| **b == 0).count();
    let short = magnitude.get(skip..).unwrap_or_default();
    match short.first() {
        None => tlv(tag::INTEGER, &[&[0]]),
        Some(b) if *b >= 0x80 => tlv(tag::INTEGER, &[&[0], short]),
        Some(_) => tlv(tag::INTEGER, &[short]),
    }
}

/// A BIT STRING without unused bits.
#[must_use]
pub fn bit_string(bytes: &[u8]) -> Vec<u8> {
    tlv(tag::BIT_STRING, &[&[0], bytes])
}

/// An Extension (RFC 5280 §4.1.2.9): `oid` and `value` are content bytes; `value` is wrapped in its OCTET STRING.
#[must_use]
pub fn extension(oid: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let oid = tlv(tag::OID, &[oid]);
    let value = tlv(tag::OCTET_STRING, &[value]);
    if critical { sequence(&[&oid, &[tag::BOOLEAN, 1, 0xff], &value]) } else { sequence(&[&oid, &value]) }
}

/// A Time (RFC 5280 §4.1.2.5): UTCTime through 2049, GeneralizedTime from 2050 on.
#[must_use]
pub fn time(at: OffsetDateTime) -> Vec<u8> {
    let text = time_text(at);
    let tag = if text.len() == 13 { tag::UTC_TIME } else { tag::GENERALIZED_TIME };
    tlv(tag, &[text.as_bytes()])
}

/// The text of [`time()`]: `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`, the form that OpenSSL's ledger holds too.
#[must_use]
pub fn time_text(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    let mut text = String::with_capacity(15);
    let mut two = |n: u8| text.extend([char::from(b'0' + n / 10 % 10), char::from(b'0' + n % 10)]);
    let year = at.year().unsigned_abs();
    if !(1950..2050).contains(&year) {
        two((year / 100 % 100) as u8);
    }
    two((year % 100) as u8);
    [at.month().into(), at.day(), at.hour(), at.minute(), at.second()].into_iter().for_each(two);
    text.push('Z');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn lengths_take_the_shortest_form() {
        for (len, head) in
            [(0, vec![4, 0]), (127, vec![4, 127]), (128, vec![4, 0x81, 128]), (256, vec![4, 0x82, 1, 0])]
        {
            let mut out = Vec::new();
            header(&mut out, 4, len);
            assert_eq!(out, head);
            assert_eq!(header_len(len), head.len());
        }
    }

    #[test]
    fn integers_are_positive_and_short() {
        assert_eq!(unsigned(&[0, 0]), [2, 1, 0]);
        assert_eq!(unsigned(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[0, 1, 0]), [2, 2, 1, 0]);
    }

    #[test]
    fn times_change_their_form_in_2050() {
        assert_eq!(time_text(datetime!(2049-12-31 23:59:59 UTC)), "491231235959Z");
        assert_eq!(time_text(datetime!(2050-01-01 01:00:00 +1)), "20500101000000Z");
    }
}
