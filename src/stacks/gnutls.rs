//! What is GnuTLS' own (3.7.9): which chain it makes of what was sent (`lib/x509/verify-high.c`, `verify.c`), and name
//! constraints (`lib/x509/name_constraints.c`), checked on the server certificate alone.

use time::OffsetDateTime;

use super::checks::Rule;
use super::evaluation::{Evaluation, Found};
use super::path::{self, Step};
use super::stack::{Parse, Purpose, Stack};
use super::trust::Anchor;
use super::{checks, times};
use crate::cert::der::{self, tag};
use crate::cert::extension::NameConstraints;
use crate::cert::{Attribute, Certificate, oid};
use crate::judgement::ReasonCode;
use crate::name::San;

/// `gnutls_x509_trust_list_verify_crt2`: what was sent is put in order and cut where the trust file goes on; only its
/// end is looked for there.
pub(super) fn build(
    evaluation: &Evaluation<'_>,
    stack: &Stack,
    sent: &[Certificate],
    anchors: &[Anchor],
) -> Found {
    let mut list: Vec<&Certificate> = Vec::new();
    let mut rest: Vec<&Certificate> = sent.iter().collect();
    // Segment after segment, each without what is there already, until the trust file has the issuer.
    while !rest.is_empty() {
        let segment = sort(stack, &mut rest);
        list.extend(segment);
        rest.retain(|c| !list.contains(c));
        let known = |tip: &Certificate| {
            anchors
                .iter()
                .any(|a| a.cert.subject().der() == tip.issuer().der() && path::fits(stack, &a.cert, tip))
        };
        if list.last().is_some_and(|tip| known(tip)) {
            break;
        }
    }
    // shorten_clist(): the root is not needed, and a trusted certificate ends the chain.
    let own = |c: &Certificate| path::fits(stack, c, c);
    if list.len() > 1 && list.last().is_some_and(|c| own(c)) {
        list.pop();
    }
    if let Some(at) =
        (1..list.len()).find(|i| list.get(*i).is_some_and(|c| anchors.iter().any(|a| a.cert == **c)))
    {
        list.truncate(at + 1);
    }
    let Some(last) = list.last().copied() else { return Found::None(Vec::new()) };
    let named = |name: &[u8]| -> Vec<&Certificate> {
        anchors.iter().map(|a| &a.cert).filter(|c| c.subject().der() == name).collect()
    };
    let first = status(evaluation, stack, &list, &named(last.issuer().der()));
    match first {
        // The last certificate may be a trusted CA itself, not the same but with its name and key.
        Found::None(_) if last.issuer().der() != last.subject().der() => {
            match status(evaluation, stack, &list, &named(last.subject().der())) {
                Found::None(_) => first,
                found => found,
            }
        }
        found => found,
    }
}

/// `_gnutls_sort_clist`: the first certificate, its issuer among the others, and so on.
fn sort<'a>(stack: &Stack, list: &mut Vec<&'a Certificate>) -> Vec<&'a Certificate> {
    let mut sorted: Vec<&Certificate> = Vec::new();
    let mut next = list.first().copied();
    while let Some(cert) = next {
        sorted.push(cert);
        let root = path::fits(stack, cert, cert);
        let issuer =
            list.iter().skip(1).copied().find(|c| !std::ptr::eq(*c, cert) && path::fits(stack, c, cert));
        next = issuer.filter(|c| !root && !sorted.iter().any(|s| std::ptr::eq(*s, *c)));
    }
    list.retain(|c| !sorted.iter().any(|s| std::ptr::eq(*s, *c)));
    sorted
}

/// `_gnutls_verify_crt_status`: the chain is cut at a certificate with name and key of a trusted one; its end must be
/// issued by a trusted one, and each other certificate by the next.
fn status(
    evaluation: &Evaluation<'_>,
    stack: &Stack,
    list: &[&Certificate],
    trusted: &[&Certificate],
) -> Found {
    let now = evaluation.now();
    let mut list = list.to_vec();
    if list.len() > 1 && list.last().is_some_and(|c| path::fits(stack, c, c)) {
        list.pop();
    }
    let same = |i: usize, cert: &Certificate| {
        trusted.iter().find(|t| match i {
            0 => ***t == *cert,
            _ => t.subject().der() == cert.subject().der() && t.spki_der() == cert.spki_der(),
        })
    };
    while let Some((at, ca)) = list.iter().enumerate().find_map(|(i, c)| same(i, c).map(|t| (i, *t))) {
        if let Err(reason) = checks::dates(stack, ca, now).and_then(|()| checks::key(stack, ca, at > 0)) {
            return Found::None(vec![reason]);
        }
        let gone = list.get(at).copied();
        list.truncate(at);
        if list.is_empty() {
            return Found::Path(gone.into_iter().cloned().collect());
        }
    }
    let Some(last) = list.last().copied() else { return Found::None(Vec::new()) };
    let Some(anchor) = find_issuer(stack, last, trusted, now) else {
        return Found::None(vec![path::unknown_issuer(last)]);
    };
    list.push(anchor);
    for pair in list.windows(2).rev() {
        let [below, above] = pair else { continue };
        if !path::fits(stack, above, below) {
            return Found::None(vec![path::unknown_issuer(below)]);
        }
        match path::step(evaluation, stack, above, below) {
            Step::Signed => {}
            Step::Bad(reason) => return Found::None(vec![reason]),
            Step::End(end) => return end,
        }
    }
    path::finish(evaluation, stack, &list)
}

/// `find_issuer`: the first, unless a later one is valid now.
fn find_issuer<'a>(
    stack: &Stack,
    tip: &Certificate,
    trusted: &[&'a Certificate],
    now: OffsetDateTime,
) -> Option<&'a Certificate> {
    let valid = |c: &Certificate| {
        let (from, until) = c.validity();
        let read = |date| times::read(Parse::Gnutls, date);
        read(from).is_some_and(|t| t <= now) && read(until).is_some_and(|t| now < t)
    };
    let fitting = trusted.iter().copied().filter(|c| path::fits(stack, c, tip));
    fitting.reduce(|best, c| if valid(c) { c } else { best })
}

/// `gnutls_x509_tlsfeatures_check_crt`: the features of an issuer must stand in what it issues, and be readable.
pub(super) fn features(path: &[&Certificate]) -> Rule {
    let mut wanted: Vec<Vec<u8>> = Vec::new();
    for pair in path.windows(2).rev() {
        let [below, above] = pair else { continue };
        let no_feature = || checks::no(ReasonCode::MustStaple, below, "it lacks a TLS feature of its issuer");
        if above.extension(oid::TLS_FEATURE).is_some() {
            let Some(more) = read_features(above) else {
                return checks::no(ReasonCode::Malformed, above, "its TLS features cannot be read");
            };
            wanted.extend(more);
        }
        let own = read_features(below).unwrap_or_default();
        if !wanted.iter().all(|w| own.contains(w)) {
            return no_feature();
        }
    }
    Ok(())
}

/// The numbers of the TLS features (RFC 7633), if they can be read.
pub(super) fn read_features(cert: &Certificate) -> Option<Vec<Vec<u8>>> {
    let mut list = der::whole(&cert.extension(oid::TLS_FEATURE)?.value, tag::SEQUENCE).ok()?.inside();
    let mut found = Vec::new();
    while !list.is_empty() {
        found.push(list.take(tag::INTEGER).ok()?.content.to_vec());
    }
    Some(found)
}

/// The octets of keyUsage and of a path length as `asn1_read_value` gives them: at most two, at most four.
pub(super) fn issuer(cert: &Certificate) -> Rule {
    let usage = cert.extension(oid::KEY_USAGE).map(|e| {
        let bits = der::whole(&e.value, tag::BIT_STRING).map(|t| t.content).unwrap_or_default();
        matches!(bits, [unused, octets @ ..] if octets.len() <= 2 && octets.len() * 8 >= usize::from(*unused))
    });
    let label = |oid: &[u8]| oid::label(oid).is_some_and(|l| cert.malformed().contains(&l));
    if usage == Some(false) || label(oid::NAME_CONSTRAINTS) {
        return checks::no(ReasonCode::Malformed, cert, "an extension of it cannot be read");
    }
    let length = cert.extension(oid::BASIC_CONSTRAINTS).and_then(|e| {
        let mut fields = der::whole(&e.value, tag::SEQUENCE).ok()?.inside();
        fields.optional(tag::BOOLEAN).ok()?;
        fields.optional(tag::INTEGER).ok()?.map(|n| n.content.len())
    });
    if label(oid::BASIC_CONSTRAINTS) || length.is_some_and(|octets| octets > 4) {
        return checks::no(ReasonCode::NotACa, cert, "its basicConstraints cannot be read");
    }
    Ok(())
}

/// A violation in words, or `None`.
pub(super) fn violation(nc: &NameConstraints, leaf: &Certificate) -> Option<String> {
    // validate_name_constraints_node(): other forms cannot be stored, and the constraints then count as violated.
    let foreign = |s: &San| matches!(s, San::Other(..));
    // _gnutls_mask_to_prefix(): ones, then zeros.
    let odd = |s: &San| match s {
        San::Ip(b) if matches!(b.len(), 8 | 32) => {
            let mask = b.get(b.len() / 2..).unwrap_or_default();
            let ones: u32 = mask.iter().map(|o| o.count_ones()).sum();
            let first: u32 = mask.iter().take_while(|o| **o == 0xff).count() as u32 * 8;
            let next = mask.get(first as usize / 8).map_or(0, |o| o.leading_ones());
            ones != first + next
        }
        San::Ip(_) => true,
        _ => false,
    };
    if nc.permitted.iter().chain(&nc.excluded).any(|t| odd(&t.base)) {
        return Some("its name constraints hold an address with an impossible mask".to_owned());
    }
    if nc.permitted.iter().chain(&nc.excluded).any(|t| foreign(&t.base)) {
        return Some("its name constraints are on a form of names that GnuTLS does not know".to_owned());
    }
    let excluded = |fits: fn(&San) -> bool| nc.excluded.iter().any(|t| fits(&t.base));
    // check_unsupported_constraint(): these forms can only be excluded, whatever the names are.
    if excluded(|s| matches!(s, San::Directory(_))) {
        return Some("a name constraint excludes a directory name, which GnuTLS takes for any".to_owned());
    }
    let uris = leaf.sans().iter().any(|s| matches!(s, San::Uri(_)));
    if uris && excluded(|s| matches!(s, San::Uri(_))) {
        return Some("a name constraint excludes a URI, which GnuTLS takes for any".to_owned());
    }
    let mut names: Vec<San> = leaf
        .sans()
        .iter()
        .filter(|s| matches!(s, San::Dns(_) | San::Email(_) | San::Ip(_)))
        .cloned()
        .collect();
    let all = || nc.permitted.iter().chain(&nc.excluded);
    let constrains = |same: fn(&San) -> bool| all().any(|t| same(&t.base));
    let subject = |kind: &[u8]| -> Vec<Vec<u8>> {
        let attributes = leaf.subject().attributes().iter().filter(|a| a.oid == kind);
        // A mail address that is no IA5String is in no subtree (measured, 3.7.9).
        let other = |a: &Attribute| kind == oid::EMAIL && a.tag != tag::IA5_STRING;
        attributes
            .filter_map(|a| if other(a) { Some(b"#".to_vec()) } else { a.text().map(String::into_bytes) })
            .collect()
    };
    if !names.iter().any(|s| matches!(s, San::Dns(_)))
        && constrains(|s| matches!(s, San::Dns(_)))
        && checks::purpose(Purpose::ServerOrAny, leaf).is_ok()
    {
        let found = subject(oid::COMMON_NAME);
        if found.len() > 1 {
            return Some("it has several common names under a constraint on DNS names".to_owned());
        }
        names.extend(found.into_iter().map(San::Dns));
    }
    if !names.iter().any(|s| matches!(s, San::Email(_))) && constrains(|s| matches!(s, San::Email(_))) {
        let found = subject(oid::EMAIL);
        if found.len() > 1 {
            return Some("it has several mail addresses under a constraint on them".to_owned());
        }
        names.extend(found.into_iter().map(San::Email));
    }
    names.iter().find_map(|name| {
        let holds = |base: &San| holds(base, name);
        // check_ip_constraints(): an IPv4 address is never held against an IPv6 subtree.
        let known = |base: &&San| match (*base, name) {
            (San::Ip(base), San::Ip(name)) => base.len() == 2 * name.len(),
            (base, name) => std::mem::discriminant(base) == std::mem::discriminant(name),
        };
        let mut permitted =
            nc.permitted.iter().map(|t| &t.base).filter(known).filter(|b| !empty(b)).peekable();
        if nc.excluded.iter().map(|t| &t.base).filter(known).any(|b| empty(b) || holds(b)) {
            return Some("a name of it is excluded by a name constraint".to_owned());
        }
        (permitted.peek().is_some() && !permitted.any(holds))
            .then(|| "a name of it is in no permitted subtree of a name constraint".to_owned())
    })
}

/// An empty subtree excludes everything and permits nothing in particular.
fn empty(base: &San) -> bool {
    matches!(base, San::Dns(b) | San::Email(b) if b.is_empty())
}

/// A host as GnuTLS holds it against another: in small letters, without the dot at its end (measured, 3.7.9; the
/// comparison in lib/x509/name_constraints.c counts case, so what comes before it does not).
fn mapped(host: &[u8]) -> Vec<u8> {
    let host = host.to_ascii_lowercase();
    host.strip_suffix(b".").filter(|h| !h.is_empty()).map(<[u8]>::to_vec).unwrap_or(host)
}

/// The host of a mailbox so; the part before it counts case.
fn mapped_mail(mail: &[u8]) -> Vec<u8> {
    let at = mail.iter().rposition(|b| *b == b'@').map_or(0, |at| at + 1);
    let (local, host) = mail.split_at(at);
    [local, &host.to_ascii_lowercase()].concat()
}

/// `dnsname_matches`, `email_matches` and `ip_in_cidr`.
fn holds(base: &San, name: &San) -> bool {
    match (base, name) {
        (San::Dns(base), San::Dns(name)) => {
            let (base, name) = (mapped(base), mapped(name));
            let tree = base.strip_prefix(b".").unwrap_or(&base);
            base == name
                || (base.len() < name.len() && name.strip_suffix(tree).is_some_and(|n| n.ends_with(b".")))
        }
        (San::Email(base), San::Email(name)) => {
            let (base, name) = (mapped_mail(base), mapped_mail(name));
            let tail = name.strip_suffix(base.as_slice());
            base == name
                || tail.is_some_and(|n| !n.is_empty() && (base.starts_with(b".") || n.ends_with(b"@")))
        }
        (San::Ip(base), San::Ip(name)) => {
            let (address, mask) = base.split_at(base.len() / 2);
            address.len() == name.len()
                && address.iter().zip(mask).zip(name).all(|((a, m), n)| a & m == n & m)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dns_subtree_counts_no_case_and_takes_a_dot_in_front_for_none() {
        let dns = |base: &str, name: &str| holds(&San::Dns(base.into()), &San::Dns(name.into()));
        assert!(dns("pulse.example", "mqtt.pulse.example") && dns(".pulse.example", "mqtt.pulse.example"));
        assert!(dns("pulse.EXAMPLE", "mqtt.PULSE.example.") && !dns("pulse.example", "impulse.example"));
        assert!(!dns(".pulse.example", "pulse.example"));
    }
}
