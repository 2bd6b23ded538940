//! Names: distinguished ones, and the members of alternative names and subtrees.

use super::{Field, Found, Kind};
use crate::cert::der::{Reader, tag};
use crate::cert::oid;

/// A distinguished name (RFC 5280 §4.1.2.4), whole.
pub(super) fn name(field: Field, der: &[u8], found: &mut Found) {
    found.lengths(field, der);
    let mut outer = Reader::new(der);
    let Ok(whole) = outer.take(tag::SEQUENCE) else { return found.add(field, Kind::Type) };
    found.when(!outer.is_empty(), field, Kind::Surplus);
    let mut sets = whole.inside();
    while !sets.is_empty() {
        let Ok(set) = sets.take(tag::SET) else { return found.add(field, Kind::Type) };
        let mut members = set.inside();
        found.when(members.is_empty(), field, Kind::Empty);
        let mut before: Option<&[u8]> = None;
        let mut kinds: Vec<&[u8]> = Vec::new();
        while !members.is_empty() {
            let Ok(pair) = members.take(tag::SEQUENCE) else { return found.add(field, Kind::Type) };
            // X.690 §11.6: the members of a SET OF in ascending order of their octets.
            found.when(before.is_some_and(|b| b > pair.raw), field, Kind::Order);
            before = Some(pair.raw);
            let mut inside = pair.inside();
            let (Ok(kind), Ok(value)) = (inside.take(tag::OID), inside.element()) else {
                return found.add(field, Kind::Type);
            };
            found.when(!inside.is_empty(), field, Kind::Surplus);
            found.oid(field, kind.content);
            found.when(kinds.contains(&kind.content), field, Kind::Twice);
            kinds.push(kind.content);
            attribute(field, kind.content, value.tag, value.content, found);
        }
    }
}

/// The value of an attribute: its string type, its octets and its upper bound (RFC 5280 appendix A.1).
fn attribute(field: Field, kind: &[u8], string: u8, value: &[u8], found: &mut Found) {
    let directory =
        [tag::T61_STRING, tag::PRINTABLE_STRING, tag::UNIVERSAL_STRING, tag::UTF8_STRING, tag::BMP_STRING];
    let (types, most): (&[u8], usize) = match kind {
        oid::COUNTRY => (&[tag::PRINTABLE_STRING], 2),
        oid::SERIAL_NUMBER => (&[tag::PRINTABLE_STRING], 64),
        oid::DOMAIN_COMPONENT => (&[tag::IA5_STRING], usize::MAX),
        oid::EMAIL => (&[tag::IA5_STRING], 255),
        oid::COMMON_NAME | oid::ORGANIZATION | oid::UNIT => (&directory, 64),
        oid::LOCALITY | oid::STATE => (&directory, 128),
        oid::SURNAME | oid::STREET | oid::USER_ID => (&directory, 32768),
        _ => (&[], usize::MAX),
    };
    found.when(!types.is_empty() && !types.contains(&string), field, Kind::Strings);
    let known = [tag::IA5_STRING, tag::VISIBLE_STRING, tag::NUMERIC_STRING];
    let text = directory.contains(&string) || known.contains(&string);
    found.when(!text, field, Kind::Type);
    found.when(text && !allowed(string, value), field, Kind::Text);
    let characters = match string {
        tag::BMP_STRING => value.len() / 2,
        tag::UNIVERSAL_STRING => value.len() / 4,
        tag::UTF8_STRING => std::str::from_utf8(value).map_or(value.len(), |t| t.chars().count()),
        _ => value.len(),
    };
    found.when(characters > most || (kind == oid::COUNTRY && characters == 1), field, Kind::Bound);
    found.when(characters == 0, field, Kind::Blank);
}

/// Whether the octets are ones that the string type has (X.680 §41).
fn allowed(string: u8, value: &[u8]) -> bool {
    match string {
        tag::PRINTABLE_STRING => {
            value.iter().all(|b| b.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(b))
        }
        tag::NUMERIC_STRING => value.iter().all(|b| b.is_ascii_digit() || *b == b' '),
        tag::VISIBLE_STRING => value.iter().all(|b| (0x20..0x7f).contains(b)),
        tag::IA5_STRING => value.is_ascii(),
        tag::UTF8_STRING => std::str::from_utf8(value).is_ok_and(|t| !t.contains(['\0', '\u{ffff}'])),
        tag::BMP_STRING => {
            let units = || value.chunks_exact(2).map(|c| u16::from_be_bytes([c[0], c[1]]));
            value.len().is_multiple_of(2) && !units().any(|u| matches!(u, 0 | 0xd800..=0xdfff | 0xffff))
        }
        tag::UNIVERSAL_STRING => {
            value.len().is_multiple_of(4)
                && value.chunks_exact(4).all(|c| {
                    char::from_u32(u32::from_be_bytes([c[0], c[1], c[2], c[3]])).is_some_and(|c| c != '\0')
                })
        }
        _ => true,
    }
}

/// The members of a list of names, at least one; addresses of `widths` octets.
pub(super) fn general_names(field: Field, content: &[u8], widths: &[usize], found: &mut Found) {
    let mut members = Reader::new(content);
    found.when(members.is_empty(), field, Kind::Empty);
    while !members.is_empty() {
        let Ok(member) = members.element() else { return found.add(field, Kind::Type) };
        general_name(field, member.tag, member.content, widths, found);
    }
}

/// One member (RFC 5280 §4.2.1.6).
pub(super) fn general_name(field: Field, kind: u8, content: &[u8], widths: &[usize], found: &mut Found) {
    match kind {
        0x81 | 0x82 | 0x86 => found.when(!content.is_ascii() || content.contains(&0), field, Kind::Text),
        0x87 => found.when(!widths.contains(&content.len()), field, Kind::Address),
        0xa4 => name(field, content, found),
        0x88 => found.oid(field, content),
        0xa0 => {
            let mut fields = Reader::new(content);
            let (Ok(kind), Ok(value)) = (fields.take(tag::OID), fields.take(0xa0)) else {
                return found.add(field, Kind::Type);
            };
            found.oid(field, kind.content);
            let mut inside = value.inside();
            let one = inside.element().is_ok() && inside.is_empty() && fields.is_empty();
            found.when(!one, field, Kind::Surplus);
        }
        0xa3 | 0xa5 => found.add(field, Kind::Rare),
        _ => found.add(field, Kind::Type),
    }
}
