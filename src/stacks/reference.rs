//! What a library does to the dialled name before it compares: IDNA, final dots, numbers that are addresses, refusals.

use std::net::{IpAddr, Ipv4Addr};

use super::stack::Reference;
use crate::name::PeerName;

/// The reference identity as a library understands it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Dialled {
    /// An address.
    Address(IpAddr),
    /// A host name, in the form that is compared.
    Host(String),
}

/// Prepares a name; `compare` tells whether it will be compared or only dialled.
///
/// # Errors
/// Why the library refuses the name itself.
pub(super) fn prepare(how: Reference, name: &PeerName, compare: bool) -> Result<Dialled, String> {
    let text = name.as_str();
    let host = |t: &str| Ok(Dialled::Host(t.to_owned()));
    if let Some(ip) = name.ip() {
        if how == Reference::PahoJava && ip.is_ipv6() {
            return Err(format!("Java's SNIHostName refuses {text}, before any certificate is looked at"));
        }
        if how == Reference::PahoC && ip.is_ipv6() {
            // MQTTProtocol_addressPort strips the final bracket alone; the first stays in the name that is compared.
            return host(&format!("[{text}"));
        }
        return Ok(Dialled::Address(ip));
    }
    let dotless = text.strip_suffix('.').unwrap_or(text);
    if let (Reference::PahoC | Reference::Python, Some(ip)) = (how, quad(text)) {
        return Ok(Dialled::Address(ip));
    }
    match how {
        Reference::Verbatim | Reference::Go | Reference::PahoC => host(text),
        Reference::Node => host(dotless),
        Reference::Python => {
            if text.starts_with('.') {
                return Err("Python refuses a server_hostname that begins with a dot".to_owned());
            }
            let labels: Vec<&str> = text.split('.').collect();
            let inner = labels.split_last().map(|(_, l)| l).unwrap_or_default();
            if inner.iter().any(|l| l.is_empty()) || labels.iter().any(|l| l.len() >= 64) {
                return Err(format!(
                    "Python's IDNA codec refuses {text}: a label is empty or longer than 63 octets"
                ));
            }
            ascii(text).map(Dialled::Host)
        }
        Reference::Gnutls => ascii(text).map(Dialled::Host),
        Reference::Nss => match old_number(text) {
            Some(ip) => Ok(Dialled::Address(ip)),
            None => host(text),
        },
        Reference::Curl => match old_number(dotless) {
            Some(ip) => Ok(Dialled::Address(ip)),
            None => ascii(dotless).map(Dialled::Host),
        },
        Reference::Chromium => {
            let dotless = if dotless.is_empty() { text } else { dotless };
            if let Some(ip) = old_number(dotless) {
                return Ok(Dialled::Address(ip));
            }
            let last = dotless.rsplit('.').next().unwrap_or("");
            if last.bytes().all(|b| b.is_ascii_digit()) {
                return Err(format!("Chromium takes {text} for a malformed IPv4 address"));
            }
            let plain = ascii(dotless)?;
            if plain
                .split('.')
                .any(|l| l.is_empty() || l.len() > 63 || l.starts_with('-') || l.ends_with('-'))
            {
                return Err(format!(
                    "Chromium matches no certificate with {text}: a label of it is no host name"
                ));
            }
            Ok(Dialled::Host(plain))
        }
        Reference::Java | Reference::PahoJava => {
            let early = how == Reference::PahoJava;
            if early && text.ends_with('.') {
                return Err(format!(
                    "Java's SNIHostName refuses {text}, before any certificate is looked at"
                ));
            }
            let bad = ascii(dotless).map_or(true, |plain| {
                plain.split('.').any(|l| {
                    l.is_empty()
                        || l.len() > 63
                        || l.starts_with('-')
                        || l.ends_with('-')
                        || !l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                })
            });
            if bad && (compare || early) {
                let what = "only letters, digits and inner hyphens make a host name for it";
                return Err(format!("Java refuses the name {text} itself: {what}"));
            }
            match old_number(dotless) {
                Some(ip) => Ok(Dialled::Address(ip)),
                None => ascii(dotless).map(Dialled::Host),
            }
        }
        Reference::Rustls => match rustls_pki_types::ServerName::try_from(text.to_owned()) {
            Ok(_) => host(dotless),
            Err(_) => Err(format!("rustls refuses {text} as a server name")),
        },
    }
}

/// Four numbers as `a2i_IPADDRESS` of OpenSSL reads them, with zeros in front.
fn quad(text: &str) -> Option<IpAddr> {
    let number = |p: &str| {
        let plain = !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit());
        if plain { p.parse::<u8>().ok() } else { None }
    };
    let numbers: Option<Vec<u8>> = text.split('.').map(number).collect();
    <[u8; 4]>::try_from(numbers?).ok().map(IpAddr::from)
}

/// `1883` or `127.1` as the address that `inet_aton` takes it for.
fn old_number(text: &str) -> Option<IpAddr> {
    let parts: Vec<u64> = text
        .split('.')
        .map(|p| {
            if p.is_empty() || !p.bytes().all(|b| b.is_ascii_digit()) || p.len() > 10 {
                return None;
            }
            p.parse().ok()
        })
        .collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    if parts.len() > 4 || first.iter().any(|p| *p > 255) || *last >= 1 << (8 * (5 - parts.len())) {
        return None;
    }
    let head = first.iter().fold(0u64, |n, p| n << 8 | p) << (8 * (4 - first.len()));
    Some(IpAddr::V4(Ipv4Addr::from(u32::try_from(head | last).ok()?)))
}

/// The A-labels of a name (RFC 3490 with lower-casing as the only mapping).
///
/// # Errors
/// Where a label cannot be encoded.
pub(super) fn ascii(text: &str) -> Result<String, String> {
    if text.is_ascii() {
        return Ok(text.to_owned());
    }
    let lower = text.to_lowercase();
    let labels: Option<Vec<String>> = lower
        .split(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'])
        .map(|l| if l.is_ascii() { Some(l.to_owned()) } else { punycode(l).map(|p| format!("xn--{p}")) })
        .collect();
    labels.map(|l| l.join(".")).ok_or_else(|| format!("{text} has no ASCII form"))
}

/// What an A-label stands for (RFC 3492 §6.2); `None` for a label that is none.
pub(super) fn unicode(label: &[u8]) -> Option<String> {
    let label = std::str::from_utf8(label).ok()?;
    let coded = label.get(..4).filter(|p| p.eq_ignore_ascii_case("xn--")).and(label.get(4..))?;
    let (basic, rest) = coded.rsplit_once('-').unwrap_or(("", coded));
    let mut out: Vec<char> = basic.chars().collect();
    let (mut n, mut i, mut bias) = (128u32, 0u32, 72u32);
    let mut digits = rest.bytes();
    while digits.len() > 0 {
        let (old, mut weight, mut k) = (i, 1u32, 36);
        loop {
            let digit = match digits.next()?.to_ascii_lowercase() {
                b @ b'a'..=b'z' => u32::from(b - b'a'),
                b @ b'0'..=b'9' => u32::from(b - b'0') + 26,
                _ => return None,
            };
            i = i.checked_add(digit.checked_mul(weight)?)?;
            let t = if k <= bias { 1 } else { (k - bias).min(26) };
            if digit < t {
                break;
            }
            weight = weight.checked_mul(36 - t)?;
            k += 36;
        }
        let count = out.len() as u32 + 1;
        let mut d = if old == 0 { i / 700 } else { (i - old) / 2 };
        d += d / count;
        let mut k = 0;
        while d > 455 {
            d /= 35;
            k += 36;
        }
        bias = k + 36 * d / (d + 38);
        n = n.checked_add(i / count)?;
        i %= count;
        out.insert(i as usize, char::from_u32(n)?);
        i += 1;
    }
    Some(out.into_iter().collect())
}

/// Punycode (RFC 3492 §6.3).
fn punycode(label: &str) -> Option<String> {
    let input: Vec<u32> = label.chars().map(u32::from).collect();
    if input.len() > 63 {
        return None;
    }
    let mut out: String = label.chars().filter(char::is_ascii).collect();
    let basic = out.len() as u32;
    let mut handled = basic;
    if basic > 0 {
        out.push('-');
    }
    let (mut n, mut delta, mut bias) = (128u32, 0u32, 72u32);
    let digit = |d: u32| char::from(if d < 26 { b'a' + d as u8 } else { b'0' + (d - 26) as u8 });
    while (handled as usize) < input.len() {
        let m = input.iter().copied().filter(|c| *c >= n).min()?;
        delta = delta.checked_add((m - n).checked_mul(handled + 1)?)?;
        n = m;
        for &c in &input {
            if c < n {
                delta = delta.checked_add(1)?;
            }
            if c == n {
                let mut q = delta;
                let mut k = 36;
                loop {
                    let t = if k <= bias { 1 } else { (k - bias).min(26) };
                    if q < t {
                        break;
                    }
                    out.push(digit(t + (q - t) % (36 - t)));
                    q = (q - t) / (36 - t);
                    k += 36;
                }
                out.push(digit(q));
                let mut d = if handled == basic { delta / 700 } else { delta / 2 };
                d += d / (handled + 1);
                let mut k = 0;
                while d > 455 {
                    d /= 35;
                    k += 36;
                }
                bias = k + 36 * d / (d + 38);
                delta = 0;
                handled += 1;
            }
        }
        delta = delta.checked_add(1)?;
        n += 1;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(how: Reference, text: &str) -> Result<String, ()> {
        match prepare(how, &PeerName::parse(text).unwrap(), true) {
            Ok(Dialled::Host(h)) => Ok(h),
            Ok(Dialled::Address(ip)) => Ok(ip.to_string()),
            Err(_) => Err(()),
        }
    }

    #[test]
    fn writes_u_labels_as_a_labels() {
        assert_eq!(ascii("bücher.example").as_deref(), Ok("xn--bcher-kva.example"));
        assert_eq!(ascii("MÜNCHEN").as_deref(), Ok("xn--mnchen-3ya"));
    }

    #[test]
    fn java_refuses_an_underscore_and_takes_a_number_for_an_address() {
        assert_eq!(prepared(Reference::Java, "iot_mqtt"), Err(()));
        assert_eq!(prepared(Reference::Java, "1883"), Ok("0.0.7.91".into()));
        assert_eq!(prepared(Reference::Java, "iot-mqtt."), Ok("iot-mqtt".into()));
    }

    #[test]
    fn paho_java_refuses_a_final_dot_even_without_a_name_check() {
        let name = PeerName::parse("iot-mqtt.").unwrap();
        assert!(prepare(Reference::PahoJava, &name, false).is_err());
        assert!(prepare(Reference::Java, &name, false).is_ok());
    }

    #[test]
    fn python_refuses_long_labels_and_keeps_a_final_dot() {
        assert_eq!(prepared(Reference::Python, &"x".repeat(64)), Err(()));
        assert_eq!(prepared(Reference::Python, "iot-mqtt."), Ok("iot-mqtt.".into()));
    }
}
