//! A tolerant reader for DER (X.690): tag, length, value over a borrowed slice, without recursion or allocation.
//!
//! It takes what OpenSSL survives (lengths written longer than needed); it never looks into a value before it is
//! asked to, so a value nested 300,000 deep costs nothing.

use std::fmt;
use std::ops::Range;

/// Identifier octets that certificates use.
pub mod tag {
    /// BOOLEAN.
    pub const BOOLEAN: u8 = 0x01;
    /// INTEGER.
    pub const INTEGER: u8 = 0x02;
    /// BIT STRING.
    pub const BIT_STRING: u8 = 0x03;
    /// OCTET STRING.
    pub const OCTET_STRING: u8 = 0x04;
    /// NULL.
    pub const NULL: u8 = 0x05;
    /// OBJECT IDENTIFIER.
    pub const OID: u8 = 0x06;
    /// ENUMERATED.
    pub const ENUMERATED: u8 = 0x0a;
    /// UTF8String.
    pub const UTF8_STRING: u8 = 0x0c;
    /// NumericString.
    pub const NUMERIC_STRING: u8 = 0x12;
    /// PrintableString.
    pub const PRINTABLE_STRING: u8 = 0x13;
    /// TeletexString, also called T61String.
    pub const T61_STRING: u8 = 0x14;
    /// IA5String.
    pub const IA5_STRING: u8 = 0x16;
    /// UTCTime.
    pub const UTC_TIME: u8 = 0x17;
    /// GeneralizedTime.
    pub const GENERALIZED_TIME: u8 = 0x18;
    /// VisibleString.
    pub const VISIBLE_STRING: u8 = 0x1a;
    /// UniversalString (UCS-4).
    pub const UNIVERSAL_STRING: u8 = 0x1c;
    /// BMPString (UCS-2).
    pub const BMP_STRING: u8 = 0x1e;
    /// SEQUENCE.
    pub const SEQUENCE: u8 = 0x30;
    /// SET.
    pub const SET: u8 = 0x31;
}

/// Why a text of bytes is not DER of the expected shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DerError {
    /// The bytes end inside an element.
    Truncated,
    /// A length that cannot be held, or the indefinite form, which DER forbids.
    Length,
    /// Another element stands where this identifier octet was expected.
    Unexpected(u8),
    /// Bytes follow where the structure ends.
    Trailing,
    /// A value that its type does not allow.
    Value(&'static str),
}

impl fmt::Display for DerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the data ends inside an element"),
            Self::Length => f.write_str("an element has no usable length"),
            Self::Unexpected(tag) => write!(f, "an element with identifier 0x{tag:02x} was expected"),
            Self::Trailing => f.write_str("bytes follow where the structure ends"),
            Self::Value(what) => write!(f, "{what}"),
        }
    }
}

impl std::error::Error for DerError {}

/// One element: identifier octet, content, and the whole with its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// The identifier octet (of a high tag number only its first octet).
    pub tag: u8,
    /// The content octets.
    pub content: &'a [u8],
    /// Header and content.
    pub raw: &'a [u8],
    /// Whether the length is written as short as DER demands.
    pub minimal: bool,
}

impl<'a> Tlv<'a> {
    /// A reader over the content.
    #[must_use]
    pub fn inside(&self) -> Reader<'a> {
        Reader::new(self.content)
    }
}

/// Reads elements one after the other.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader over these bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether everything has been read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The identifier octet of the next element.
    #[must_use]
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Reads one element of any kind.
    ///
    /// # Errors
    /// [`DerError`] where the bytes end early or the length is unusable; nothing is consumed then.
    pub fn element(&mut self) -> Result<Tlv<'a>, DerError> {
        let bytes = self.rest;
        let first = *bytes.first().ok_or(DerError::Truncated)?;
        let mut at = 1;
        if first & 0x1f == 0x1f {
            loop {
                let b = *bytes.get(at).ok_or(DerError::Truncated)?;
                at += 1;
                if b & 0x80 == 0 {
                    break;
                }
            }
        }
        let short = *bytes.get(at).ok_or(DerError::Truncated)?;
        at += 1;
        let mut minimal = true;
        let length = if short & 0x80 == 0 {
            usize::from(short)
        } else {
            let n = usize::from(short & 0x7f);
            if n == 0 || n > 126 {
                return Err(DerError::Length);
            }
            let octets = bytes.get(at..at + n).ok_or(DerError::Truncated)?;
            at += n;
            let mut value = 0usize;
            for b in octets {
                if value >> (usize::BITS - 9) != 0 {
                    return Err(DerError::Length);
                }
                value = value << 8 | usize::from(*b);
            }
            minimal = value > 0x7f && octets.first() != Some(&0);
            value
        };
        let end = at.checked_add(length).ok_or(DerError::Length)?;
        let raw = bytes.get(..end).ok_or(DerError::Truncated)?;
        self.rest = bytes.get(end..).unwrap_or_default();
        Ok(Tlv { tag: first, content: raw.get(at..).unwrap_or_default(), raw, minimal })
    }

    /// Reads one element with this identifier octet.
    ///
    /// # Errors
    /// [`DerError::Unexpected`] for another one; see [`Reader::element`].
    pub fn take(&mut self, tag: u8) -> Result<Tlv<'a>, DerError> {
        match self.peek() {
            Some(found) if found == tag => self.element(),
            Some(_) => Err(DerError::Unexpected(tag)),
            None => Err(DerError::Truncated),
        }
    }

    /// Reads the next element if it has this identifier octet.
    ///
    /// # Errors
    /// See [`Reader::element`].
    pub fn optional(&mut self, tag: u8) -> Result<Option<Tlv<'a>>, DerError> {
        if self.peek() == Some(tag) { self.element().map(Some) } else { Ok(None) }
    }

    /// Demands that nothing is left.
    ///
    /// # Errors
    /// [`DerError::Trailing`] otherwise.
    pub fn finish(&self) -> Result<(), DerError> {
        if self.rest.is_empty() { Ok(()) } else { Err(DerError::Trailing) }
    }
}

/// Reads one element that must be the whole of `bytes`.
///
/// # Errors
/// See [`Reader::take`] and [`DerError::Trailing`].
pub fn whole(bytes: &[u8], tag: u8) -> Result<Tlv<'_>, DerError> {
    let mut reader = Reader::new(bytes);
    let tlv = reader.take(tag)?;
    reader.finish()?;
    Ok(tlv)
}

/// A non-negative INTEGER's content as a number, as far as it fits.
#[must_use]
pub fn small_unsigned(content: &[u8]) -> Option<u64> {
    let first = *content.first()?;
    if first & 0x80 != 0 {
        return None;
    }
    let digits = content.iter().position(|b| *b != 0).and_then(|i| content.get(i..)).unwrap_or_default();
    if digits.len() > 8 {
        return None;
    }
    Some(digits.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
}

/// A BIT STRING's bits without the octet that counts the unused ones.
///
/// # Errors
/// [`DerError::Value`] where that octet is absent or above seven.
pub fn bits(content: &[u8]) -> Result<(u8, &[u8]), DerError> {
    match content.split_first() {
        Some((unused, rest)) if *unused < 8 && !(rest.is_empty() && *unused > 0) => Ok((*unused, rest)),
        _ => Err(DerError::Value("a bit string without its count of unused bits")),
    }
}

/// Where `part`, a slice of `whole`, stands in it.
#[must_use]
pub(super) fn span(whole: &[u8], part: &[u8]) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
    start..start + part.len()
}

/// An OBJECT IDENTIFIER's content in dotted decimal; unreadable arcs become `?`.
#[must_use]
pub fn dotted(oid: &[u8]) -> String {
    let mut out = String::new();
    let mut value: u64 = 0;
    let mut lost = false;
    for (i, b) in oid.iter().enumerate().take(128) {
        lost |= value >> 57 != 0;
        value = value << 7 | u64::from(b & 0x7f);
        if b & 0x80 != 0 {
            continue;
        }
        let first = out.is_empty() && i < 10;
        match (lost, first) {
            (true, _) => out.push_str(if first { "?" } else { ".?" }),
            (false, true) => {
                let top = (value / 40).min(2);
                out.push_str(&format!("{top}.{}", value - top * 40));
            }
            (false, false) => out.push_str(&format!(".{value}")),
        }
        value = 0;
        lost = false;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_long_lengths_also_when_written_too_long() {
        let mut r = Reader::new(&[0x04, 0x82, 0x00, 0x01, 0xaa, 0x05, 0x00]);
        let octets = r.element().unwrap();
        assert_eq!((octets.content, octets.minimal), (&[0xaau8][..], false));
        assert_eq!(r.element().unwrap().tag, tag::NULL);
        assert!(r.is_empty());
    }

    #[test]
    fn refuses_truncated_indefinite_and_absurd_lengths() {
        let read = |b: &[u8]| Reader::new(b).element().map(|t| t.tag);
        assert_eq!(read(&[]), Err(DerError::Truncated));
        assert_eq!(read(&[0x30, 0x05, 0x00]), Err(DerError::Truncated));
        assert_eq!(read(&[0x30, 0x80, 0x00, 0x00]), Err(DerError::Length));
        assert_eq!(read(&[0x30, 0x89, 1, 1, 1, 1, 1, 1, 1, 1, 1]), Err(DerError::Length));
        assert_eq!(read(&[0x3f, 0xff, 0xff]), Err(DerError::Truncated));
    }

    #[test]
    fn writes_object_identifiers_in_dotted_decimal() {
        assert_eq!(dotted(&[0x55, 0x04, 0x03]), "2.5.4.3");
        assert_eq!(dotted(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b]), "1.2.840.113549.1.1.11");
        assert_eq!(dotted(&[0x88, 0x37, 0x03]), "2.999.3");
    }

    #[test]
    fn reads_small_integers_only() {
        assert_eq!(small_unsigned(&[0x00, 0xff]), Some(255));
        assert_eq!(small_unsigned(&[0x80]), None);
        assert_eq!(small_unsigned(&[1; 9]), None);
    }
}
