//! What is NSS's own (3.87, `lib/certdb`, `lib/certhigh/certvfy.c`): name constraints, which of several issuers it
//! takes, what the extended uses and the Netscape type make of a certificate, names that it cannot decode.

use time::OffsetDateTime;

use super::checks::{Rule, no};
use super::{stack, times};
use crate::cert::der::{self, Reader, tag};
use crate::cert::extension::NameConstraints;
use crate::cert::{Attribute, Certificate, Name, oid};
use crate::judgement::ReasonCode;
use crate::name::San;

/// `CERT_DecodeAltNameExtension`: one member that it cannot decode, and there are no names at all.
pub(super) fn sans(cert: &Certificate) -> &[San] {
    let readable = |value: &[u8]| {
        let whole = der::whole(value, tag::SEQUENCE).ok().filter(|t| t.minimal)?;
        let mut members = whole.inside();
        while !members.is_empty() {
            members.element().ok().filter(|m| m.minimal && decodes(m.tag, m.content))?;
        }
        Some(())
    };
    let value = cert.extension(oid::SUBJECT_ALT_NAME).map(|e| e.value.as_slice());
    if value.and_then(readable).is_some() { cert.sans() } else { &[] }
}

/// `CERT_DecodeGeneralName` (lib/certdb/genname.c).
fn decodes(kind: u8, content: &[u8]) -> bool {
    match kind {
        0x81 | 0x82 | 0x86 | 0x87 | 0x88 | 0xa3 => true,
        0xa0 => {
            let mut fields = Reader::new(content);
            fields.take(tag::OID).is_ok() && fields.take(0xa0).is_ok()
        }
        0xa4 => Name::from_der(content).is_ok(),
        _ => false,
    }
}

/// What it demands of an issuer's extensions; an anchor is asked less.
pub(super) fn issuer(cert: &Certificate, anchor: bool) -> Rule {
    let unreadable = |oid: &[u8]| {
        cert.extension(oid).is_some() && cert.malformed().iter().any(|m| oid::label(oid) == Some(m))
    };
    // DER_GetInteger(): a length that no long holds.
    let length = cert.basic_constraints().and_then(|b| b.path_len);
    let long = cert
        .extension(oid::BASIC_CONSTRAINTS)
        .is_some_and(|e| Reader::new(&e.value).element().is_ok_and(|t| !t.minimal));
    if unreadable(oid::BASIC_CONSTRAINTS) || long || length == Some(u64::MAX) {
        return no(ReasonCode::NotACa, cert, "its basicConstraints cannot be read");
    }
    if unreadable(oid::NAME_CONSTRAINTS) {
        return no(ReasonCode::NameConstraints, cert, "its name constraints cannot be read");
    }
    // With extendedKeyUsage or a Netscape type, one of their uses must be known.
    let types = types(cert);
    if !anchor && types == 0 {
        return no(ReasonCode::Purpose, cert, "NSS knows none of its extended uses");
    }
    if !anchor && types & 0x07 != 0 && types & 0x04 == 0 {
        return no(ReasonCode::Purpose, cert, "its extended uses make it a CA for something else than TLS");
    }
    Ok(())
}

/// `cert_ComputeCertType` (lib/certdb/certdb.c): the Netscape type's bits with those that extendedKeyUsage adds.
pub(super) fn types(cert: &Certificate) -> u16 {
    let ca = cert.basic_constraints().is_some_and(|b| b.ca);
    // Of a type without bits, and of one that is no bit string, nothing is kept.
    let typed = cert.extension(oid::NETSCAPE_CERT_TYPE).and_then(|e| {
        let string = Reader::new(&e.value).take(tag::BIT_STRING).ok()?;
        der::bits(string.content).ok()?.1.first().copied()
    });
    // A CA's list without members counts as absent.
    let purposes = cert.extended_key_usage().filter(|list| !(ca && list.is_empty()));
    if typed.is_none() && purposes.is_none() {
        return if ca { 0x46 } else { 0x40 };
    }
    let adds: &[(&[u8], u16, u16)] = &[
        (oid::EKU_SERVER, 0x04, 0x40),
        (oid::EKU_NETSCAPE_SGC, 0x04, 0x40),
        (oid::EKU_CLIENT, 0x04, 0x80),
        (oid::EKU_EMAIL, 0x02, 0x20),
        (oid::EKU_CODE, 0x01, 0x10),
        (oid::EKU_TIME, 0x100, 0x100),
        (oid::EKU_OCSP, 0x200, 0x200),
    ];
    let has = |oid: &[u8]| purposes.is_some_and(|list| list.iter().any(|p| p == oid));
    let added =
        adds.iter().filter(|(oid, ..)| has(oid)).map(|(_, as_ca, as_end)| if ca { as_ca } else { as_end });
    added.fold(u16::from(typed.unwrap_or(0)), |bits, bit| bits | bit)
}

/// `nssCertificateArray_FindBestCertificate` (lib/pki/pkibase.c): one that is valid now before one that is not, then
/// the newer; of equals the last.
pub(super) fn best<'a>(
    candidates: impl Iterator<Item = (&'a Certificate, bool)>,
    now: OffsetDateTime,
) -> Option<(&'a Certificate, bool)> {
    let valid = |c: &Certificate| {
        let (from, until) = c.validity();
        let read = |date| times::read(stack::Parse::Nss, date);
        read(from).is_some_and(|t| t <= now) && read(until).is_some_and(|t| now < t)
    };
    candidates.reduce(|best, c| match (valid(best.0), valid(c.0)) {
        (true, false) => best,
        (false, true) => c,
        _ if newer(best.0, c.0, now) => best,
        _ => c,
    })
}

/// `CERT_IsNewer` of lib/certdb/certdb.c: whether `a` is newer than `b`.
fn newer(a: &Certificate, b: &Certificate, now: OffsetDateTime) -> bool {
    match (a.not_before() > b.not_before(), a.not_after() > b.not_after()) {
        (true, true) => true,
        (false, false) => false,
        (true, false) => a.not_after().is_some_and(|t| t >= now),
        (false, true) => b.not_after().is_some_and(|t| t < now),
    }
}

/// `CERT_CompareNameSpace` (lib/certdb/genname.c) for the certificates below an issuer, leaf first: a violation in
/// words, or `None`.
pub(super) fn violation(nc: &NameConstraints, below: &[&Certificate]) -> Option<String> {
    let names = below.iter().enumerate().filter(|(depth, c)| *depth == 0 || !c.is_self_issued());
    names.flat_map(|(depth, cert)| constrained(cert, depth == 0)).find_map(|name| {
        let same = |base: &&San| form(base) == form(&name);
        let excluded = nc.excluded.iter().map(|t| &t.base).filter(same);
        for base in excluded {
            match holds(base, &name, true) {
                Some(false) => {}
                _ => return Some("a name of it is excluded by a name constraint".to_owned()),
            }
        }
        let mut permitted = nc.permitted.iter().map(|t| &t.base).filter(same).peekable();
        permitted.peek()?;
        for base in permitted {
            match holds(base, &name, false) {
                Some(true) => return None,
                Some(false) => {}
                None => break,
            }
        }
        Some("a name of it is in no permitted subtree of a name constraint".to_owned())
    })
}

/// `CERT_GetConstrainedCertificateNames`: the subject, its mail addresses, the alternative names, and for the leaf
/// without any dNSName the last common name.
fn constrained(cert: &Certificate, leaf: bool) -> Vec<San> {
    let mut names = vec![San::Directory(cert.subject().der().to_vec())];
    let mails = cert.subject().attributes().iter().filter(|a| a.oid == oid::EMAIL);
    names.extend(mails.map(|a| San::Email(a.value.clone())));
    let sans = sans(cert);
    names.extend_from_slice(sans);
    if leaf && !sans.iter().any(|s| matches!(s, San::Dns(_))) {
        names.extend(cert.subject().common_names().pop().map(|cn| San::Dns(cn.into_bytes())));
    }
    names
}

/// The form of a name as NSS counts it: the number of its tag.
fn form(name: &San) -> u8 {
    match name {
        San::Email(_) => 1,
        San::Dns(_) => 2,
        San::Directory(_) => 4,
        San::Uri(_) => 6,
        San::Ip(_) => 7,
        San::Other(tag, _) => tag & 0x0f,
    }
}

/// `cert_CompareNameWithConstraints`; `None` for a name that it cannot compare, which then breaks every constraint.
fn holds(base: &San, name: &San, excluded: bool) -> Option<bool> {
    Some(match (base, name) {
        (San::Dns(base), San::Dns(name)) => base.is_empty() || domain(base, name),
        (San::Uri(base), San::Uri(name)) => {
            let host = uri_host(name)?;
            match base.first() {
                None => false,
                Some(b'.') => domain(base, host),
                Some(_) => host.eq_ignore_ascii_case(base),
            }
        }
        (San::Email(base), San::Email(name)) => match base.as_slice() {
            [] | [b'.'] => true,
            _ if base.contains(&b'@') => name.eq_ignore_ascii_case(base),
            _ => {
                let at = name.len().checked_sub(base.len());
                let tail = at.and_then(|at| name.get(at..)).is_some_and(|t| t.eq_ignore_ascii_case(base));
                let before = at.filter(|at| *at > 0).and_then(|at| name.get(at - 1));
                tail && (base.first() == Some(&b'.') || before == Some(&b'@'))
            }
        },
        (San::Ip(base), San::Ip(name)) => {
            base.len() == 2 * name.len() && matches!(name.len(), 4 | 16) && {
                let (address, mask) = base.split_at(name.len());
                address.iter().zip(mask).zip(name).all(|((a, m), n)| (a ^ n) & m == 0)
            }
        }
        (San::Directory(base), San::Directory(name)) => {
            directory(&Name::from_der(base).ok()?, &Name::from_der(name).ok()?)
        }
        (San::Other(0xa0, base), San::Other(0xa0, name)) => {
            let kind = |c| Reader::new(c).take(tag::OID).map(|t| t.content).ok();
            !excluded && kind(base) == kind(name)
        }
        // Forms that it cannot compare hold where that is lenient.
        _ => !excluded,
    })
}

/// `compareDNSN2C`: an ending that begins at a label.
fn domain(base: &[u8], name: &[u8]) -> bool {
    let Some(at) = name.len().checked_sub(base.len()) else { return false };
    let tail = name.get(at..).is_some_and(|t| t.eq_ignore_ascii_case(base));
    let dot_before = at > 0 && name.get(at - 1) == Some(&b'.');
    tail && (at == 0 || dot_before != (base.first() == Some(&b'.')))
}

/// `parseUriHostname`.
fn uri_host(uri: &[u8]) -> Option<&[u8]> {
    let at = uri.windows(3).position(|w| w == b"://")?;
    let rest = uri.get(at + 3..)?;
    let rest = rest.split(|b| *b == b'/').next()?;
    let rest = match rest.iter().rposition(|b| *b == b':') {
        Some(colon) => rest.get(..colon)?,
        None => rest,
    };
    let host = match rest.iter().position(|b| *b == b'@') {
        Some(at) => rest.get(at + 1..)?,
        None => rest,
    };
    Some(host).filter(|h| !h.is_empty())
}

/// Sets of the constraint and of the name in lock step until one of them ends; each attribute of the constraint must
/// stand in the name's set.
fn directory(base: &Name, name: &Name) -> bool {
    let sets = |n: &Name| n.attributes().iter().map(|a| a.rdn + 1).max().unwrap_or(0);
    let within = sets(base).min(sets(name));
    let of = |n: &'_ Name, rdn: usize| -> Vec<Attribute> {
        n.attributes().iter().filter(|a| a.rdn == rdn).cloned().collect()
    };
    (0..within).all(|rdn| {
        let (base, name) = (of(base, rdn), of(name, rdn));
        base.iter().all(|b| name.iter().any(|n| same_attribute(b, n)))
    })
}

/// `CERT_CompareAVA`: octets; across string types the text; of PrintableStrings case and white space do not count.
fn same_attribute(a: &Attribute, b: &Attribute) -> bool {
    if a.oid != b.oid {
        return false;
    }
    if a.tag == b.tag && a.value == b.value {
        return true;
    }
    let words = |a: &Attribute| {
        let text = String::from_utf8_lossy(&a.value).to_ascii_lowercase();
        text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
    };
    match (a.tag, b.tag) {
        (tag::PRINTABLE_STRING, tag::PRINTABLE_STRING) => words(a) == words(b),
        (x, y) if x != y => a.text().is_some() && a.text() == b.text(),
        _ => false,
    }
}
