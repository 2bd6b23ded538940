//! `net/url.Parse` as far as it decides whether a URI is refused and which host it has, and the domain names that
//! crypto/x509 takes in URIs and constraints.

use std::net::IpAddr;

use super::Version;

/// The host of a URI.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// The URI is none that Go reads.
    Refused,
    /// It has no host.
    None,
    /// This one, with its port, as octets behind percent signs are put back.
    Named(Vec<u8>),
}

/// The host that `url.Parse` finds.
pub(super) fn host(version: Version, uri: &[u8]) -> Host {
    if !uri.is_ascii() || uri.iter().any(|b| *b < 0x20 || *b == 0x7f) {
        return Host::Refused;
    }
    let cut = |text: &'_ [u8], at: u8| match text.iter().position(|b| *b == at) {
        Some(i) => {
            (text.get(..i).unwrap_or_default().to_vec(), text.get(i + 1..).unwrap_or_default().to_vec())
        }
        None => (text.to_vec(), Vec::new()),
    };
    let (whole, fragment) = cut(uri, b'#');
    if whole == b"*" {
        return Host::None;
    }
    let (schemed, rest) = match scheme(&whole) {
        Err(()) => return Host::Refused,
        Ok(Some(at)) => (true, whole.get(at + 1..).unwrap_or_default().to_vec()),
        Ok(None) => (false, whole),
    };
    let (mut rest, _) = cut(&rest, b'?');
    let mut found = Host::None;
    if !rest.starts_with(b"/") {
        if schemed {
            return if unescape(&fragment, false).is_some() { Host::None } else { Host::Refused };
        }
        if cut(&rest, b'/').0.contains(&b':') {
            return Host::Refused;
        }
    }
    if rest.starts_with(b"//") && (schemed || !rest.starts_with(b"///")) {
        let authority = rest.split_off(2);
        let end = authority.iter().position(|b| *b == b'/').unwrap_or(authority.len());
        let (name, path) = authority.split_at(end);
        rest = path.to_vec();
        match parse_authority(version, name) {
            None => return Host::Refused,
            Some(name) if name.is_empty() => {}
            Some(name) => found = Host::Named(name),
        }
    }
    if unescape(&rest, false).is_none() || unescape(&fragment, false).is_none() {
        Host::Refused
    } else {
        found
    }
}

/// Where the scheme's colon stands.
fn scheme(text: &[u8]) -> Result<Option<usize>, ()> {
    for (i, b) in text.iter().enumerate() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if i > 0 => {}
            b':' if i == 0 => return Err(()),
            b':' => return Ok(Some(i)),
            _ => return Ok(None),
        }
    }
    Ok(None)
}

fn parse_authority(version: Version, authority: &[u8]) -> Option<Vec<u8>> {
    let Some(at) = authority.iter().rposition(|b| *b == b'@') else { return parse_host(version, authority) };
    let (user, host) = authority.split_at(at);
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(b);
    let fine = user.iter().all(plain) && unescape(user, false).is_some();
    fine.then(|| parse_host(version, host.get(1..).unwrap_or_default()))?
}

fn parse_host(version: Version, host: &[u8]) -> Option<Vec<u8>> {
    let port = |text: &[u8]| match text.split_first() {
        None => true,
        Some((b':', digits)) => digits.iter().all(u8::is_ascii_digit),
        Some(_) => false,
    };
    if host.first() == Some(&b'[') {
        let end = host.iter().rposition(|b| *b == b']')?;
        if !port(host.get(end + 1..).unwrap_or_default()) {
            return None;
        }
        // Since 1.26 what stands in brackets must be an address.
        let literal = std::str::from_utf8(host.get(1..end).unwrap_or_default()).ok()?;
        let literal = literal.split("%25").next().unwrap_or_default();
        if version > Version::V1_19 && literal.parse::<std::net::Ipv6Addr>().is_err() {
            return None;
        }
    } else {
        // Since 1.26 a host has one colon at most.
        let colon = match version {
            Version::V1_19 => host.iter().rposition(|b| *b == b':'),
            Version::V1_27 => host.iter().position(|b| *b == b':'),
        };
        if colon.is_some_and(|i| !port(host.get(i..).unwrap_or_default())) {
            return None;
        }
    }
    unescape(host, true)
}

/// `unescape`; in a host only octets that are not ASCII may be written so, and only some characters may stand.
fn unescape(text: &[u8], host: bool) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first == b'%' {
            let digit = |b: &u8| char::from(*b).to_digit(16);
            let (high, low) = (digit(tail.first()?)?, digit(tail.get(1)?)?);
            let octet = (high * 16 + low) as u8;
            if host && high < 8 && octet != b'%' {
                return None;
            }
            out.push(octet);
            rest = tail.get(2..)?;
            continue;
        }
        let allowed = first.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(first);
        if host && !allowed {
            return None;
        }
        out.push(*first);
    }
    Some(out)
}

/// `domainToReverseLabels` (1.19) or `domainNameValid` (1.27); a constraint may begin with a dot.
pub(super) fn domain(version: Version, name: &[u8], constraint: bool) -> bool {
    if name.is_empty() {
        return true;
    }
    let mut rest = name;
    if constraint {
        rest = rest.strip_prefix(b".").unwrap_or(rest);
    }
    if version == Version::V1_19 {
        // A dot in front is passed over here, in a name as in a constraint.
        rest = rest.strip_prefix(b".").unwrap_or(rest);
        if rest.is_empty() {
            return constraint || name != b".";
        }
    }
    rest.split(|b| *b == b'.').all(|label| !label.is_empty() && label.iter().all(|b| (33..=126).contains(b)))
}

/// Whether `net.ParseIP` reads it.
pub(super) fn address(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|t| t.parse::<IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(version: Version, uri: &str) -> Option<String> {
        match host(version, uri.as_bytes()) {
            Host::Refused => None,
            Host::None => Some(String::new()),
            Host::Named(host) => Some(String::from_utf8(host).unwrap()),
        }
    }

    #[test]
    fn finds_the_host_that_net_url_finds() {
        for version in [Version::V1_19, Version::V1_27] {
            let cases = [
                ("mqtts://iot-mqtt:8883/x", Some("iot-mqtt:8883")),
                ("mqtts://iot-mqtt:abc/", None),
                ("urn:uuid:1", Some("")),
                ("", Some("")),
                ("example.com", Some("")),
                ("a:b@c/", Some("")),
                ("http://a b/", None),
                ("http://u:p@h/", Some("h")),
                ("http://h/%zz", None),
                (":x", None),
                ("1:x", None),
                ("http://[::1]:80/", Some("[::1]:80")),
                ("http://[::1", None),
                ("http://a<b>/", Some("a<b>")),
            ];
            for (uri, expected) in cases {
                assert_eq!(named(version, uri).as_deref(), expected, "{uri}");
            }
        }
    }

    #[test]
    fn a_second_colon_and_a_bracket_without_an_address_are_refused_by_the_newer_version() {
        for uri in ["http://localhost:80:80/", "http://[x]/"] {
            assert!(named(Version::V1_19, uri).is_some() && named(Version::V1_27, uri).is_none(), "{uri}");
        }
    }

    #[test]
    fn a_domain_has_no_empty_label() {
        for version in [Version::V1_19, Version::V1_27] {
            assert!(
                domain(version, b"a.b", false) && domain(version, b".a", true) && domain(version, b"", true)
            );
            assert!(
                !domain(version, b"a..b", false)
                    && !domain(version, b"a.", true)
                    && !domain(version, b"a b", true)
            );
        }
        assert!(domain(Version::V1_19, b".a", false) && !domain(Version::V1_27, b".a", false));
    }
}
