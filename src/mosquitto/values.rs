//! Single values as Mosquitto's C code reads them: `atoi`, `true`/`1`, the rest of the line, and its complaints.

use std::ops::Range;

use super::keywords::Keyword;
use super::lines::Line;
use super::version::Version;

/// A value and its byte range in the file.
pub(crate) type Spanned<T> = (T, Range<usize>);

/// `Empty X value in configuration.` in the words of the release.
pub(crate) fn empty(name: &str, version: Version) -> String {
    format!("Empty {} value in configuration.", quoted(name, version))
}

/// `Invalid X value (Y).` in the words of the release.
pub(crate) fn invalid(name: &str, value: impl std::fmt::Display, version: Version) -> String {
    format!("Invalid {} value ({value}).", quoted(name, version))
}

/// 2.1 puts names into quotes.
fn quoted(name: &str, version: Version) -> String {
    if version.at_least(2, 1, 0) { format!("'{name}'") } else { name.to_owned() }
}

pub(crate) fn boolean(line: &Line<'_>, keyword: &Keyword, version: Version) -> Result<Spanned<bool>, String> {
    match line.words().next() {
        None => Err(empty(keyword.called, version)),
        Some((b"true" | b"1", span)) => Ok((true, span)),
        Some((b"false" | b"0", span)) => Ok((false, span)),
        Some((other, _)) => Err(invalid(keyword.called, String::from_utf8_lossy(other), version)),
    }
}

pub(crate) fn string(
    line: &Line<'_>,
    keyword: &Keyword,
    version: Version,
) -> Result<Spanned<String>, String> {
    let (text, span) = line.trimmed().ok_or_else(|| empty(keyword.called, version))?;
    if text.is_empty() {
        return Err(empty(keyword.called, version));
    }
    match std::str::from_utf8(text) {
        Ok(text) if text.len() <= 65535 && text.chars().all(may_stand_in_a_string) => {
            Ok((text.to_owned(), span))
        }
        _ => Err("Malformed UTF-8 in configuration.".to_owned()),
    }
}

/// MQTT 3.1.1 §1.5.3, as Mosquitto applies it to its own configuration: no control characters, no non-characters.
fn may_stand_in_a_string(c: char) -> bool {
    let point = u32::from(c);
    !c.is_control() && !(0xfdd0..=0xfdef).contains(&point) && point & 0xfffe != 0xfffe
}

pub(crate) fn int(line: &Line<'_>, keyword: &Keyword, version: Version) -> Result<Spanned<i32>, String> {
    let (word, span) = line.words().next().ok_or_else(|| empty(keyword.called, version))?;
    if version.at_least(2, 1, 0) {
        let text = String::from_utf8_lossy(word);
        let number = strtol(&text).ok_or_else(|| format!("'{}' value not a number.", keyword.called))?;
        let number =
            i32::try_from(number).map_err(|_| format!("'{}' value out of range.", keyword.called))?;
        return Ok((number, span));
    }
    Ok((atoi(word), span))
}

/// `strtol(text, 0)` of the whole text: decimal, `0x…` or `0…`.
fn strtol(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let parsed = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) => i64::from_str_radix(hex, 16),
        None if digits.len() > 1 && digits.starts_with('0') => i64::from_str_radix(digits, 8),
        None => digits.parse(),
    };
    if digits.starts_with(['+', '-']) { None } else { parsed.ok().map(|n| sign * n) }
}

/// `atoi`: blanks, a sign, the digits that follow; anything else is 0. It wraps as glibc's `(int)strtol` does.
pub(crate) fn atoi(text: &[u8]) -> i32 {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let mut number: i64 = 0;
    for digit in digits.iter().take_while(|b| b.is_ascii_digit()) {
        number = number.saturating_mul(10).saturating_add(i64::from(digit - b'0'));
    }
    if negative && number != i64::MAX {
        number = -number;
    } else if negative {
        number = i64::MIN;
    }
    number as i32
}

/// The range checks that single keywords make on their number.
pub(crate) fn check_range(name: &str, number: i32, version: Version) -> Result<(), String> {
    let bad = |range: std::ops::RangeInclusive<i32>| !range.contains(&number);
    let lowest_keepalive = if version.at_least(2, 0, 14) { 0 } else { 10 };
    match name {
        "port" if bad(1..=65535) => Err(invalid("port", number, version)),
        "log_facility" if bad(0..=7) => Err(invalid(name, number, version)),
        "max_qos" | "maximum_qos" if bad(0..=2) => {
            Err("max_qos must be between 0 and 2 inclusive.".to_owned())
        }
        "max_inflight_messages" if number > 65535 => {
            Err("max_inflight_messages must be <= 65535.".to_owned())
        }
        "max_keepalive" if bad(lowest_keepalive..=65535) => Err(invalid(name, number, version)),
        "max_packet_size" if number < 20 => Err(invalid(name, number, version)),
        "memory_limit" if number < 0 => Err(invalid(name, number, version)),
        // MQTT_MAX_PAYLOAD; a negative number is taken as unsigned.
        "message_size_limit" if bad(0..=268_435_455) => Err(invalid(name, number as u32, version)),
        "keepalive_interval" if number > 65535 => Err("Bridge keepalive value too high.".to_owned()),
        "sys_interval" if bad(0..=65535) => Err(invalid(name, number, version)),
        "websockets_headers_size" if bad(0..=65535) => {
            Err("Websockets headers size must be between 0 and 65535 inclusive.".to_owned())
        }
        "packet_buffer_size" if bad(0..=65535) => {
            Err("Packet buffer size must be between 0 and 65535 inclusive.".to_owned())
        }
        "enable_proxy_protocol" if bad(1..=2) => Err("enable_proxy_protocol must be 1 or 2.".to_owned()),
        "bridge_receive_maximum" if bad(1..=65535) => {
            Err("bridge_receive_maximum must be greater than 0.".to_owned())
        }
        "bridge_session_expiry_interval" if number < 0 => {
            Err("bridge_session_expiry_interval must not be negative.".to_owned())
        }
        "bridge_max_topic_alias" if bad(0..=65535) => {
            Err("bridge_max_topic_alias must be > 0 and <= 65535.".to_owned())
        }
        "max_topic_alias_broker" if bad(0..=65535) => {
            Err(format!("Invalid '{name}' value in configuration."))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_release_reads_them() {
        assert_eq!(atoi(b"1883x"), 1883);
        assert_eq!(atoi(b" -5"), -5);
        assert_eq!(atoi(b"abc"), 0);
        assert_eq!(atoi(b"99999999999999999999"), -1);
        assert_eq!(strtol("0x10"), Some(16));
        assert_eq!(strtol("1883x"), None);
    }
}
