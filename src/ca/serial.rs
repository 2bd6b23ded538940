//! Serial numbers as certificates hold them and as people write them.

/// An even number of capital hexadecimal digits, as `BN_bn2hex` writes.
#[must_use]
pub fn serial_hex(serial: &[u8]) -> String {
    let digit = |n: u8| char::from(if n < 10 { b'0' + n } else { b'A' + n - 10 });
    match serial {
        [] => "00".to_owned(),
        _ => serial.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect(),
    }
}

/// A certificate's serial (the content of its INTEGER) without the zero that keeps it positive.
#[must_use]
pub fn magnitude(serial: &[u8]) -> Vec<u8> {
    let zeros = serial.iter().take_while(|b| **b == 0).count().min(serial.len().saturating_sub(1));
    serial.get(zeros..).unwrap_or_default().to_vec()
}

/// A serial from hexadecimal digits as people write them: `0x`, colons, either case, an odd number of digits.
#[must_use]
pub fn parse_serial(text: &str) -> Option<Vec<u8>> {
    let text = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| *c != ':')
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()?;
    if digits.is_empty() || digits.len() > 64 {
        return None;
    }
    let padded: Vec<u8> = if digits.len() % 2 == 1 { [vec![0], digits].concat() } else { digits };
    let bytes: Vec<u8> = padded.chunks(2).map(|c| c.iter().fold(0u8, |a, d| (a << 4) | d)).collect();
    let zeros = bytes.iter().take_while(|b| **b == 0).count().min(bytes.len() - 1);
    Some(bytes.get(zeros..)?.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_are_taken_as_people_write_them() {
        assert_eq!(parse_serial("0x0a:bC"), Some(vec![0x0a, 0xbc]));
        assert_eq!(parse_serial("abc"), Some(vec![0x0a, 0xbc]));
        assert_eq!(parse_serial("0"), Some(vec![0]));
        assert_eq!(parse_serial("xyz"), None);
        assert_eq!(serial_hex(&[0x0a, 0xbc]), "0ABC");
    }
}
