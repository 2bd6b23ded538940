//! Comparing one presented name with the dialled host, wildcards as each library has them.

use super::stack::Wildcard;
use crate::judgement::Leniency;

/// Whether `pattern` covers `host`, and what the match leans on.
pub(super) fn matches(how: Wildcard, pattern: &[u8], host: &str) -> Option<Vec<Leniency>> {
    // libmosquitto compares C strings: a NUL ends the presented name.
    let cut = match how {
        Wildcard::Mosquitto => pattern.split(|b| *b == 0).next().unwrap_or_default(),
        _ => pattern,
    };
    if cut.contains(&0) {
        return None;
    }
    let trimmed = match how {
        Wildcard::Curl | Wildcard::Node | Wildcard::Chromium => cut.strip_suffix(b".").unwrap_or(cut),
        _ => cut,
    };
    let host = host.as_bytes();
    if trimmed.is_empty() || host.is_empty() {
        return None;
    }
    if how == Wildcard::Node && (!trimmed.is_ascii() || trimmed.split(|b| *b == b'.').any(<[u8]>::is_empty)) {
        return None;
    }
    if matches!(how, Wildcard::Gnutls) && !cut.iter().all(|b| (0x20..0x7f).contains(b)) {
        return None;
    }
    if how == Wildcard::Java && java_refuses(trimmed) {
        return None;
    }
    if let Wildcard::Go { bare } = how {
        let loose = trimmed.contains(&b'*') && dots(trimmed) < 2;
        return go(trimmed, host, bare)
            .then(|| if loose { vec![Leniency::LooseWildcard] } else { Vec::new() });
    }
    if how != Wildcard::Erlang && trimmed.eq_ignore_ascii_case(host) {
        return Some(Vec::new());
    }
    if how == Wildcard::Erlang && trimmed.eq_ignore_ascii_case(host) {
        return (!trimmed.contains(&b'*')).then(Vec::new);
    }
    // Of Erlang's labels empty ones do not count, so that a name with a final dot is the one without.
    if how == Wildcard::Erlang && !trimmed.contains(&b'*') {
        return erlang(trimmed, host).then(Vec::new);
    }
    if !trimmed.contains(&b'*') {
        return None;
    }
    let covered = match how {
        Wildcard::None | Wildcard::Go { .. } => false,
        Wildcard::Openssl => openssl(trimmed, host, false),
        Wildcard::OpensslPartial => openssl(trimmed, host, true),
        Wildcard::Mosquitto => {
            let dot = host.get(..host.len() - 1).and_then(|h| h.iter().position(|b| *b == b'.'));
            let rest = dot.and_then(|i| host.get(i + 1..)).unwrap_or(host);
            trimmed.strip_prefix(b"*.").is_some_and(|p| p.eq_ignore_ascii_case(rest))
        }
        Wildcard::Curl => dots(trimmed) >= 2 && host.first() != Some(&b'.') && left_label(trimmed, host),
        Wildcard::Chromium => {
            dots(trimmed) >= 2
                && host.iter().any(|b| !b.is_ascii_digit() && *b != b'.')
                && left_label(trimmed, host)
        }
        Wildcard::LeftLabel => left_label(trimmed, host),
        Wildcard::Node => node(trimmed, host),
        Wildcard::Java => java(trimmed, host),
        Wildcard::Gnutls => gnutls(trimmed, host),
        Wildcard::Wolfssl => wolfssl(trimmed, host),
        Wildcard::Nss => nss(trimmed, host),
        Wildcard::Erlang => erlang(trimmed, host),
    };
    if !covered {
        return None;
    }
    let usual = trimmed.starts_with(b"*.") && dots(trimmed) >= 2 && openssl(trimmed, host, false);
    Some(if usual { Vec::new() } else { vec![Leniency::LooseWildcard] })
}

fn dots(text: &[u8]) -> usize {
    text.iter().filter(|b| **b == b'.').count()
}

fn split_label(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|b| *b == b'.')?;
    Some(text.split_at(at))
}

/// `*.` covers one whole label in front; nothing else is looked at.
fn left_label(pattern: &[u8], host: &[u8]) -> bool {
    match (pattern.strip_prefix(b"*"), split_label(host)) {
        (Some(rest), Some((label, tail))) => {
            rest.len() > 1
                && !label.is_empty()
                && rest.first() == Some(&b'.')
                && rest.eq_ignore_ascii_case(tail)
        }
        _ => false,
    }
}

/// `valid_star` and `wildcard_match` of crypto/x509/v3_utl.c.
fn openssl(pattern: &[u8], host: &[u8], partial: bool) -> bool {
    let Some((label, rest)) = split_label(pattern) else { return false };
    if dots(rest) < 2 || host.first() == Some(&b'.') {
        return false;
    }
    let stars = pattern.iter().filter(|b| **b == b'*').count();
    let (Some(star), 1) = (label.iter().position(|b| *b == b'*'), stars) else { return false };
    let (before, after) = (label.get(..star).unwrap_or_default(), label.get(star + 1..).unwrap_or_default());
    let idna = |l: &[u8]| l.get(..4).is_some_and(|p| p.eq_ignore_ascii_case(b"xn--"));
    let whole = before.is_empty() && after.is_empty();
    if !whole && (!partial || (!before.is_empty() && !after.is_empty()) || idna(label)) {
        return false;
    }
    let plain = |l: &[u8]| {
        !l.is_empty()
            && l.first() != Some(&b'-')
            && l.last() != Some(&b'-')
            && l.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
    };
    let behind = rest.get(1..).unwrap_or_default();
    if !behind.split(|b| *b == b'.').all(plain)
        || before.first() == Some(&b'-')
        || after.last() == Some(&b'-')
    {
        return false;
    }
    let Some((host_label, tail)) = split_label(host) else { return false };
    if !tail.eq_ignore_ascii_case(rest) || host_label.len() < before.len() + after.len() {
        return false;
    }
    let (head, middle) = host_label.split_at(before.len());
    let (middle, end) = middle.split_at(middle.len() - after.len());
    head.eq_ignore_ascii_case(before)
        && end.eq_ignore_ascii_case(after)
        && !(whole && middle.is_empty())
        && (whole || !idna(middle))
        && (middle == b"*" || middle.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-'))
}

/// `VerifyHostname` of crypto/x509/verify.go: two valid names are compared without the host's final dot and with
/// wildcards, any others as they stand.
fn go(pattern: &[u8], host: &[u8], bare: bool) -> bool {
    let plain = |l: &[u8]| {
        !l.is_empty()
            && l.first() != Some(&b'-')
            && l.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let dotless = host.strip_suffix(b".").unwrap_or(host);
    let labels = pattern.strip_prefix(b"*.").unwrap_or(pattern);
    if bare && pattern == b"*" && plain(dotless) {
        return true;
    }
    let valid = labels.split(|b| *b == b'.').all(plain) && dotless.split(|b| *b == b'.').all(plain);
    if valid {
        pattern.eq_ignore_ascii_case(dotless) || left_label(pattern, dotless)
    } else {
        pattern.eq_ignore_ascii_case(host)
    }
}

/// `check` of Node's lib/tls.js.
fn node(pattern: &[u8], host: &[u8]) -> bool {
    let (Some((label, rest)), Some((host_label, tail))) = (split_label(pattern), split_label(host)) else {
        return false;
    };
    let stars = label.iter().filter(|b| **b == b'*').count();
    if dots(pattern) < 2 || stars != 1 || !rest.eq_ignore_ascii_case(tail) {
        return false;
    }
    let lower = label.to_ascii_lowercase();
    if lower.windows(4).any(|w| w == b"xn--") {
        return false;
    }
    let star = lower.iter().position(|b| *b == b'*').unwrap_or(0);
    let (before, after) = (lower.get(..star).unwrap_or_default(), lower.get(star + 1..).unwrap_or_default());
    let host_label = host_label.to_ascii_lowercase();
    before.len() + after.len() <= host_label.len()
        && host_label.starts_with(before)
        && host_label.ends_with(after)
}

/// A template that `SNIHostName` refuses, with `*` taken for a letter.
fn java_refuses(pattern: &[u8]) -> bool {
    let plain = |l: &[u8]| {
        !l.is_empty()
            && l.len() <= 63
            && l.first() != Some(&b'-')
            && l.last() != Some(&b'-')
            && l.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'*') || !b.is_ascii())
    };
    if pattern == b"*" || !pattern.split(|b| *b == b'.').all(plain) {
        return true;
    }
    let star = pattern.iter().rposition(|b| *b == b'*');
    star.is_some_and(|at| !pattern.get(at..).unwrap_or_default().contains(&b'.'))
}

/// `matchAllWildcards` of sun.security.util.HostnameChecker.
fn java(pattern: &[u8], host: &[u8]) -> bool {
    let labels = |t: &[u8]| -> Vec<Vec<u8>> {
        // HostnameChecker.isMatched compares in Unicode.
        let shown = |l: &[u8]| super::reference::unicode(l).map_or_else(|| l.to_vec(), String::into_bytes);
        t.split(|b| *b == b'.').filter(|l| !l.is_empty()).map(|l| shown(&l.to_ascii_lowercase())).collect()
    };
    let (pattern, host) = (labels(pattern), labels(host));
    pattern.len() == host.len() && host.iter().zip(&pattern).all(|(h, p)| java_label(h, p))
}

fn java_label(mut name: &[u8], pattern: &[u8]) -> bool {
    let mut parts = pattern.split(|b| *b == b'*').peekable();
    let mut first = true;
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return if first { name == part } else { name.ends_with(part) };
        }
        let found = if part.is_empty() { Some(0) } else { name.windows(part.len()).position(|w| w == part) };
        match found {
            Some(at) if !first || at == 0 => name = name.get(at + part.len()..).unwrap_or_default(),
            _ => return false,
        }
        first = false;
    }
    false
}

/// `_gnutls_hostname_compare`: `*` in front covers any beginning of the first label.
fn gnutls(pattern: &[u8], host: &[u8]) -> bool {
    let Some(rest) = pattern.strip_prefix(b"*") else { return false };
    if dots(pattern) < 2 || rest.contains(&b'*') {
        return false;
    }
    let label = host.iter().position(|b| *b == b'.').unwrap_or(host.len());
    (0..=label).any(|i| host.get(i..).is_some_and(|h| h.eq_ignore_ascii_case(rest)))
}

/// `MatchDomainName` of wolfSSL's src/internal.c (5.5).
fn wolfssl(pattern: &[u8], host: &[u8]) -> bool {
    let mut p = pattern.iter().map(u8::to_ascii_lowercase).peekable();
    let mut h = host.iter().map(u8::to_ascii_lowercase).peekable();
    while let Some(c) = p.next() {
        if c == b'*' {
            while p.peek() == Some(&b'*') {
                p.next();
            }
            let next = p.next();
            loop {
                match h.peek() {
                    None => break,
                    Some(s) if Some(*s) == next => break,
                    Some(b'.') => return false,
                    Some(_) => {
                        h.next();
                    }
                }
            }
            if next.is_some() && h.peek().is_none() {
                return false;
            }
        } else if h.peek() != Some(&c) {
            return false;
        }
        h.next();
    }
    h.peek().is_none()
}

/// `cert_TestHostName` of NSS's lib/certdb/certdb.c.
fn nss(pattern: &[u8], host: &[u8]) -> bool {
    let (Some((label, rest)), Some((host_label, tail))) = (split_label(pattern), split_label(host)) else {
        return false;
    };
    let Some(before) = label.strip_suffix(b"*") else { return false };
    let second = rest.get(1..).and_then(|r| r.iter().position(|b| *b == b'.'));
    let idna = |l: &[u8]| l.get(..4).is_some_and(|p| p.eq_ignore_ascii_case(b"xn--"));
    second.is_some_and(|at| at > 0 && rest.len() > at + 2)
        && !before.contains(&b'*')
        && !rest.contains(&b'*')
        && !idna(before)
        && host_label.get(..before.len()).is_some_and(|h| h.eq_ignore_ascii_case(before))
        && rest.eq_ignore_ascii_case(tail)
        && (!idna(host_label) || before.is_empty())
}

/// `verify_hostname_match_wildcard` of Erlang's public_key.erl: empty labels do not count.
fn erlang(pattern: &[u8], host: &[u8]) -> bool {
    let labels = |t: &[u8]| -> Vec<Vec<u8>> {
        t.split(|b| *b == b'.').filter(|l| !l.is_empty()).map(<[u8]>::to_ascii_lowercase).collect()
    };
    let (pattern, host) = (labels(pattern), labels(host));
    let (Some((first, rest)), Some((host_first, tail))) = (pattern.split_first(), host.split_first()) else {
        return false;
    };
    let Some(star) = first.iter().position(|b| *b == b'*') else {
        return first == host_first && rest == tail;
    };
    let (before, after) = (first.get(..star).unwrap_or_default(), first.get(star + 1..).unwrap_or_default());
    rest == tail
        && !after.contains(&b'*')
        && host_first.len() >= before.len() + after.len()
        && host_first.starts_with(before)
        && host_first.ends_with(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who_matches(pattern: &str, host: &str) -> Vec<Wildcard> {
        let all = [
            Wildcard::Openssl,
            Wildcard::OpensslPartial,
            Wildcard::Mosquitto,
            Wildcard::Curl,
            Wildcard::Node,
            Wildcard::Java,
            Wildcard::Go { bare: false },
            Wildcard::Gnutls,
            Wildcard::LeftLabel,
            Wildcard::Wolfssl,
            Wildcard::Nss,
            Wildcard::Chromium,
            Wildcard::None,
        ];
        all.into_iter().filter(|w| matches(*w, pattern.as_bytes(), host).is_some()).collect()
    }

    #[test]
    fn everybody_but_erlang_takes_a_whole_left_label_above_two() {
        assert_eq!(who_matches("*.pulse.example", "mqtt.pulse.example").len(), 12);
        assert!(who_matches("*.pulse.example", "a.mqtt.pulse.example").is_empty());
        assert!(who_matches("*.pulse.example", "pulse.example").is_empty());
    }

    #[test]
    fn partial_labels_are_taken_by_few() {
        use Wildcard as W;
        assert_eq!(
            who_matches("mq*.pulse.example", "mqtt.pulse.example"),
            [W::OpensslPartial, W::Node, W::Java, W::Wolfssl, W::Nss]
        );
        assert_eq!(
            who_matches("*tt.pulse.example", "mqtt.pulse.example"),
            [W::OpensslPartial, W::Node, W::Java, W::Gnutls, W::Wolfssl]
        );
        assert_eq!(who_matches("m*t.pulse.example", "mqtt.pulse.example"), [W::Node, W::Java]);
    }

    #[test]
    fn a_bare_star_covers_a_host_only_for_wolfssl() {
        assert_eq!(who_matches("*", "other-host"), [Wildcard::Wolfssl]);
        assert_eq!(who_matches("iot-*", "iot-mqtt"), [Wildcard::Wolfssl]);
    }

    #[test]
    fn a_wildcard_before_the_last_label_covers_a_service_name_for_libmosquitto_alone() {
        assert_eq!(who_matches("*.iot-mqtt", "iot-mqtt"), [Wildcard::Mosquitto]);
    }

    #[test]
    fn a_nul_ends_the_name_for_libmosquitto_alone() {
        assert_eq!(who_matches("iot-mqtt\0.evil.example", "iot-mqtt"), [Wildcard::Mosquitto]);
    }

    #[test]
    fn a_host_below_a_name_without_a_second_dot_is_covered_only_where_two_labels_suffice() {
        use Wildcard as W;
        assert_eq!(
            who_matches("*.local", "broker.local"),
            [W::Mosquitto, W::Java, W::Go { bare: false }, W::LeftLabel, W::Wolfssl]
        );
    }
}
