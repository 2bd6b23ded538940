//! A small DER writer (X.690): every function returns one complete element.

use time::OffsetDateTime;

/// Any element: tag, length, content.
#[must_use]
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let n = content.len();
    if n < 0x80 {
        out.push(n as u8);
    } else {
        let bytes: Vec<u8> = n.to_be_bytes().iter().copied().skip_while(|b| *b == 0).collect();
        out.push(0x80 | bytes.len() as u8);
        out.extend(bytes);
    }
    out.extend_from_slice(content);
    out
}

/// The same with a length that takes two octets more than DER allows.
#[must_use]
pub fn long(tag: u8, content: &[u8]) -> Vec<u8> {
    let n = content.len().to_be_bytes();
    [&[tag, 0x84], &n[n.len() - 4..], content].concat()
}

/// Any element in the indefinite form of BER, which DER forbids.
#[must_use]
pub fn indefinite(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, 0x80], content, &[0, 0]].concat()
}

/// SEQUENCE of complete elements.
#[must_use]
pub fn seq(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// SET of complete elements, sorted as DER wants.
#[must_use]
pub fn set(mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    parts.sort();
    tlv(0x31, &parts.concat())
}

/// INTEGER from an unsigned big-endian number.
#[must_use]
pub fn uint(number: &[u8]) -> Vec<u8> {
    let trimmed: Vec<u8> = number.iter().copied().skip_while(|b| *b == 0).collect();
    let mut content = trimmed;
    if content.first().is_none_or(|b| b & 0x80 != 0) {
        content.insert(0, 0);
    }
    tlv(2, &content)
}

/// INTEGER from a small number.
#[must_use]
pub fn small(number: u64) -> Vec<u8> {
    uint(&number.to_be_bytes())
}

/// BOOLEAN.
#[must_use]
pub fn boolean(value: bool) -> Vec<u8> {
    tlv(1, &[if value { 0xff } else { 0 }])
}

/// NULL.
#[must_use]
pub fn null() -> Vec<u8> {
    vec![5, 0]
}

/// OCTET STRING.
#[must_use]
pub fn octets(content: &[u8]) -> Vec<u8> {
    tlv(4, content)
}

/// BIT STRING of whole bytes.
#[must_use]
pub fn bits(content: &[u8]) -> Vec<u8> {
    tlv(3, &[&[0], content].concat())
}

/// BIT STRING of named bits (KeyUsage and the like), without trailing zeros.
#[must_use]
pub fn named_bits(set: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0u8; set.iter().max().map_or(0, |m| usize::from(m / 8) + 1)];
    for bit in set {
        bytes[usize::from(bit / 8)] |= 0x80 >> (bit % 8);
    }
    let unused = bytes.last().map_or(0, |b| b.trailing_zeros() as u8);
    tlv(3, &[&[unused], bytes.as_slice()].concat())
}

/// OBJECT IDENTIFIER from its dotted form.
#[must_use]
pub fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u64> = dotted.split('.').map(|a| a.parse().expect("an OID in dotted form")).collect();
    let mut content = Vec::new();
    for (i, arc) in arcs.iter().enumerate().skip(1) {
        let mut value = if i == 1 { arcs[0] * 40 + arc } else { *arc };
        let mut septets = vec![(value & 0x7f) as u8];
        while value >= 0x80 {
            value >>= 7;
            septets.push(0x80 | (value & 0x7f) as u8);
        }
        septets.reverse();
        content.extend(septets);
    }
    tlv(6, &content)
}

/// `[n] EXPLICIT`, or any constructed context tag.
#[must_use]
pub fn context(n: u8, content: &[u8]) -> Vec<u8> {
    tlv(0xa0 | n, content)
}

/// `[n] IMPLICIT` of a primitive type.
#[must_use]
pub fn context_primitive(n: u8, content: &[u8]) -> Vec<u8> {
    tlv(0x80 | n, content)
}

/// UTCTime until 2049, GeneralizedTime from then on and before 1950 (RFC 5280 §4.1.2.5).
#[must_use]
pub fn time(at: OffsetDateTime) -> Vec<u8> {
    if (1950..2050).contains(&at.year()) { utc_time(at) } else { generalized_time(at) }
}

/// UTCTime, whatever the year.
#[must_use]
pub fn utc_time(at: OffsetDateTime) -> Vec<u8> {
    tlv(0x17, format!("{:02}{}", at.year().rem_euclid(100), after_year(at)).as_bytes())
}

/// GeneralizedTime, whatever the year.
#[must_use]
pub fn generalized_time(at: OffsetDateTime) -> Vec<u8> {
    tlv(0x18, format!("{:04}{}", at.year(), after_year(at)).as_bytes())
}

fn after_year(at: OffsetDateTime) -> String {
    let (h, m, s) = (at.hour(), at.minute(), at.second());
    format!("{:02}{:02}{h:02}{m:02}{s:02}Z", u8::from(at.month()), at.day())
}

/// The content of the first element of `input`, its tag, and what follows it. For what this crate wrote itself.
#[must_use]
pub fn first(input: &[u8]) -> (u8, &[u8], &[u8]) {
    let (mut at, mut n) = (2, usize::from(input[1]));
    if n & 0x80 != 0 {
        let count = n & 0x7f;
        n = input[2..2 + count].iter().fold(0, |n, b| n << 8 | usize::from(*b));
        at += count;
    }
    (input[0], &input[at..at + n], &input[at + n..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_the_standard_shows() {
        assert_eq!(oid("1.2.840.113549.1.1.11"), [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11]);
        assert_eq!(oid("2.5.4.3"), [6, 3, 0x55, 4, 3]);
        assert_eq!(named_bits(&[0, 2]), [3, 2, 5, 0xa0]);
        assert_eq!(named_bits(&[]), [3, 1, 0]);
        assert_eq!(uint(&[0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(small(0), [2, 1, 0]);
        assert_eq!(tlv(4, &[0; 200])[..3], [4, 0x81, 200]);
        assert_eq!(time(crate::CLOCK)[2..], *b"261124120000Z");
    }
}
