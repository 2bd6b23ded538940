//! `cryptobyte.String`: DER with the shortest lengths and low tag numbers, and nothing else.

use super::Version;
use crate::cert::der::{Reader, Tlv, tag};

/// `ReadAnyASN1`.
pub(super) fn any<'a>(reader: &mut Reader<'a>) -> Option<Tlv<'a>> {
    reader.element().ok().filter(|t| t.minimal && t.tag & 0x1f != 0x1f)
}

/// `ReadASN1`.
pub(super) fn take<'a>(reader: &mut Reader<'a>, tag: u8) -> Option<Tlv<'a>> {
    any(reader).filter(|t| t.tag == tag)
}

/// `ReadOptionalASN1`: the outer `None` is a failure.
pub(super) fn optional<'a>(reader: &mut Reader<'a>, tag: u8) -> Option<Option<Tlv<'a>>> {
    if reader.peek() == Some(tag) { take(reader, tag).map(Some) } else { Some(None) }
}

/// `checkASN1Integer`: at least one octet, and none too many.
pub(super) fn integer(content: &[u8]) -> bool {
    match content {
        [] => false,
        [0, next, ..] => next & 0x80 != 0,
        [0xff, next, ..] => next & 0x80 == 0,
        _ => true,
    }
}

/// An INTEGER that fits into 64 bits with its sign.
pub(super) fn small(content: &[u8]) -> bool {
    integer(content) && content.len() <= 8
}

/// `ReadASN1BitString`: unused bits are zero, and there are some only behind an octet.
pub(super) fn bits(content: &[u8]) -> bool {
    match content.split_first() {
        Some((unused @ 0..=7, octets)) => match octets.last() {
            Some(last) => last & ((1u8 << unused) - 1) == 0,
            None => *unused == 0,
        },
        _ => false,
    }
}

/// `ReadASN1Boolean`: 0 or 255.
pub(super) fn boolean(content: &[u8]) -> bool {
    matches!(content, [0 | 0xff])
}

/// `ReadASN1ObjectIdentifier`: arcs below 2^31, in the fewest octets since 1.20.
pub(super) fn identifier(version: Version, content: &[u8]) -> bool {
    let (mut arc, mut length) = (0u64, 0);
    for b in content {
        if length == 5 || arc >= 1 << 24 || (length == 0 && *b == 0x80 && version > Version::V1_19) {
            return false;
        }
        arc = arc << 7 | u64::from(b & 0x7f);
        length += 1;
        if b & 0x80 == 0 {
            (arc, length) = (0, 0);
        }
    }
    !content.is_empty() && length == 0
}

/// An OBJECT IDENTIFIER that is read.
pub(super) fn take_identifier<'a>(version: Version, reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    take(reader, tag::OID).map(|t| t.content).filter(|c| identifier(version, c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_identifiers_have_no_octet_too_many() {
        assert!(integer(&[0, 0x85]) && integer(&[0x85]) && !integer(&[0, 5]) && !integer(&[]));
        assert!(!integer(&[0xff, 0x85]) && integer(&[0xff, 1]));
        assert!(identifier(Version::V1_27, &[0x2a, 3]) && !identifier(Version::V1_27, &[0x2a, 0x86]));
        assert!(
            identifier(Version::V1_19, &[0x2a, 0x80, 1]) && !identifier(Version::V1_27, &[0x2a, 0x80, 1])
        );
        assert!(!identifier(Version::V1_27, &[0x2a, 0x88, 0x80, 0x80, 0x80, 0]));
    }

    #[test]
    fn unused_bits_are_zero() {
        assert!(bits(&[0]) && bits(&[1, 0xa0]) && !bits(&[1, 0xa1]) && !bits(&[1]) && !bits(&[8, 0]));
    }
}
