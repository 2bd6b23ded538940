//! Which strings MQTT carries: UTF-8 without NUL, and, as Mosquitto 2.0 holds it (`mosquitto_validate_utf8`),
//! without control characters (U+0001–U+001F, U+007F–U+009F) and non-characters (MQTT 5.0 §1.5.4 "SHOULD NOT").

/// The string, if Mosquitto would take it.
pub(super) fn validate(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let plain = bytes.iter().all(|b| (0x20..0x7f).contains(b));
    (plain || text.chars().all(is_allowed)).then_some(text)
}

fn is_allowed(c: char) -> bool {
    let code = c as u32;
    !(code <= 0x1f
        || (0x7f..=0x9f).contains(&code)
        || (0xfdd0..=0xfdef).contains(&code)
        || code & 0xffff == 0xfffe
        || code & 0xffff == 0xffff)
}

#[cfg(test)]
mod tests {
    use super::validate;

    #[test]
    fn takes_text_and_refuses_what_mosquitto_refuses() {
        assert_eq!(validate("zürich/+/🌡".as_bytes()), Some("zürich/+/🌡"));
        for bad in [&b"a\0b"[..], b"a\x01", b"\x7f", "\u{85}".as_bytes(), b"\xc0\x80", b"\xed\xa0\x80"] {
            assert_eq!(validate(bad), None, "{bad:?}");
        }
        assert_eq!(validate("\u{ffff}".as_bytes()), None);
        assert_eq!(validate("\u{fdd0}".as_bytes()), None);
    }
}
