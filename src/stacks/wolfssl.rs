//! What is wolfSSL's own (5.5.4 as Debian builds it: `wolfcrypt/src/asn.c`, `src/ssl.c`): its certificate parser, its
//! comparison of dates, its table of signers.

use ring::digest;
use time::{Duration, OffsetDateTime};

use super::checks::{Rule, no};
use super::evaluation::{Evaluation, Found};
use super::path::{self, Step};
use super::stack::Stack;
use super::trust::Anchor;
use super::{own, parse};
use crate::cert::der::{self, Reader, tag};
use crate::cert::extension::{NameConstraints, Subtree};
use crate::cert::time::Time;
use crate::cert::{Certificate, oid};
use crate::judgement::ReasonCode;
use crate::name::San;

/// `GetDateInfo`: 12 to 32 octets, whatever they are.
pub(super) fn sized(date: &Time) -> bool {
    matches!(date.tag, tag::UTC_TIME | tag::GENERALIZED_TIME) && (12..=32).contains(&date.octets.len())
}

/// What its parser refuses in the extensions of one certificate.
pub(super) fn certificate(cert: &Certificate) -> Rule {
    let bad = |what: &str| no(ReasonCode::Malformed, cert, what);
    let value = |oid: &[u8]| cert.extension(oid).map(|e| e.value.as_slice());
    if cert.sans().iter().any(|s| matches!(s, San::Ip(n) if !matches!(n.len(), 4 | 16))) {
        return bad("an iPAddress has neither 4 nor 16 octets");
    }
    if cert.has_san() && cert.sans().is_empty() {
        return bad("its subjectAltName is empty or cannot be read");
    }
    // DecodeBasicCaConstraint(): a sequence; what stands where the boolean belongs counts as FALSE.
    let odd_basic = value(oid::BASIC_CONSTRAINTS).is_some_and(|v| {
        let mut reader = Reader::new(v);
        // An empty sequence ends the reading; behind another nothing may stand.
        reader.take(tag::SEQUENCE).map_or(true, |t| !t.content.is_empty() && !reader.is_empty())
    });
    if odd_basic {
        return bad("its basicConstraints cannot be read");
    }
    let usage = value(oid::KEY_USAGE).map(|v| {
        let string = Reader::new(v).take(tag::BIT_STRING).and_then(|t| der::bits(t.content));
        string.map_or(0, |(_, octets)| octets.len())
    });
    if usage.is_some_and(|octets| !(1..=2).contains(&octets)) {
        return bad("its keyUsage is empty or cannot be read");
    }
    // DecodeAuthKeyId(): a key identifier, if it comes first; what follows is not looked at.
    let aki = value(oid::AUTHORITY_KEY_ID).map(|v| {
        let whole = Reader::new(v).take(tag::SEQUENCE).ok().filter(|t| !t.content.is_empty())?;
        whole.inside().optional(0x80).ok().filter(|id| id.is_none_or(|t| !t.content.is_empty()))
    });
    if aki.is_some_and(|read| read.is_none()) {
        return bad("its authorityKeyIdentifier is empty or cannot be read");
    }
    if value(oid::SUBJECT_KEY_ID).is_some() && cert.subject_key_id().is_none() {
        return bad("its subjectKeyIdentifier cannot be read");
    }
    // EXTERNAL_SERIAL_SIZE
    if cert.serial().len() > 32 {
        return bad("its serial number has more than 32 octets");
    }
    // DecodeSubtree(): no base may be empty.
    let nc = cert.name_constraints();
    let bases = nc.iter().flat_map(|nc| nc.permitted.iter().chain(&nc.excluded)).map(|t| &t.base);
    let empty = |base: &San| match base {
        San::Dns(b) | San::Email(b) | San::Uri(b) | San::Ip(b) | San::Directory(b) | San::Other(_, b) => {
            b.is_empty()
        }
    };
    let empty_list = value(oid::NAME_CONSTRAINTS).is_some_and(|v| {
        let mut lists = Reader::new(v).take(tag::SEQUENCE).map_or(Reader::new(&[]), |t| t.inside());
        std::iter::from_fn(|| lists.element().ok()).any(|list| list.content.is_empty())
    });
    if (value(oid::NAME_CONSTRAINTS).is_some() && nc.is_none()) || bases.into_iter().any(empty) || empty_list
    {
        return bad("its name constraints are empty or cannot be read");
    }
    if value(oid::NAME_CONSTRAINTS).is_some() && !cert.basic_constraints().is_some_and(|b| b.ca) {
        return no(ReasonCode::NameConstraints, cert, "it has name constraints and is no CA");
    }
    Ok(())
}

/// Microsoft's user principal name, and FASC-N, as otherName.
const OTHER_NAMES: [&[u8]; 2] =
    [b"\x2b\x06\x01\x04\x01\x82\x37\x14\x02\x03", b"\x60\x86\x48\x01\x65\x03\x06\x06"];

/// The string of an otherName that it keeps among the names to be compared (`DecodeConstructedOtherName`, FPKI).
pub(super) fn other_name(san: &San) -> Option<&[u8]> {
    let San::Other(0xa0, content) = san else { return None };
    let mut fields = Reader::new(content);
    let kind = fields.take(tag::OID).ok()?.content;
    let value = fields.take(0xa0).ok()?.inside().element().ok()?;
    OTHER_NAMES.contains(&kind).then_some(value.content)
}

/// Year, month, day, hour, minute, second, and the octets behind them.
type Fields<'a> = ([u32; 6], &'a [u8]);

/// `ExtractDate`: pairs of digits, never compared with a calendar.
fn fields(date: &Time) -> Option<Fields<'_>> {
    let mut rest = date.octets.as_slice();
    let mut pair = || -> Option<u32> {
        let [a @ b'0'..=b'9', b @ b'0'..=b'9', tail @ ..] = rest else { return None };
        rest = tail;
        Some(u32::from(a - b'0') * 10 + u32::from(b - b'0'))
    };
    let first = pair()?;
    let year = match date.tag {
        tag::UTC_TIME if first < 50 => 2000 + first,
        tag::UTC_TIME => 1900 + first,
        _ => first * 100 + pair()?,
    };
    let numbers = [year, pair()?, pair()?, pair()?, pair()?, pair()?];
    Some((numbers, rest))
}

/// `wc_ValidateDate`: the fields are compared one after the other, on the clock of the date's own zone.
pub(super) fn dates(cert: &Certificate, now: OffsetDateTime) -> Rule {
    let unreadable = || no(ReasonCode::BadTime, cert, "a date of its validity cannot be read");
    let (from, until) = cert.validity();
    for (date, begins) in [(from, true), (until, false)] {
        let Some((numbers, behind)) = fields(date) else { return unreadable() };
        let offset = match behind {
            [b'Z', ..] => 0,
            [sign @ (b'+' | b'-'), h1, h2, m1, m2, ..]
                if [h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit()) =>
            {
                let pair = |a: u8, b: u8| i64::from(a - b'0') * 10 + i64::from(b - b'0');
                let seconds = (pair(*h1, *h2) * 60 + pair(*m1, *m2)) * 60;
                if *sign == b'-' { -seconds } else { seconds }
            }
            _ => return unreadable(),
        };
        let Some(here) = now.checked_sub(Duration::seconds(offset)) else { return unreadable() };
        let year = u32::try_from(here.year()).unwrap_or(0);
        let clock = [here.hour(), here.minute(), here.second()].map(u32::from);
        let today =
            [year, u32::from(u8::from(here.month())), u32::from(here.day()), clock[0], clock[1], clock[2]];
        if begins && today < numbers {
            return no(ReasonCode::NotYetValid, cert, format!("it is valid from {} on", date.as_written()));
        }
        if !begins && today > numbers {
            return no(ReasonCode::Expired, cert, format!("it was valid until {}", date.as_written()));
        }
    }
    Ok(())
}

/// `GetHashId`: key identifiers of 20 octets count as they are, others by their SHA-1; without one it is the SHA-1 of
/// the public key.
pub(super) fn key_hash(id: Option<&[u8]>, cert: &Certificate) -> [u8; 20] {
    let sha1 = |bytes: &[u8]| {
        let mut out = [0; 20];
        out.copy_from_slice(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref());
        out
    };
    match id {
        Some(id) => <[u8; 20]>::try_from(id).unwrap_or_else(|_| sha1(id)),
        None => sha1(public_key(cert)),
    }
}

/// The octets of the subjectPublicKey.
fn public_key(cert: &Certificate) -> &[u8] {
    let read = |spki| {
        let mut fields = Reader::new(spki).take(tag::SEQUENCE)?.inside();
        fields.take(tag::SEQUENCE)?;
        der::bits(fields.take(tag::BIT_STRING)?.content)
    };
    read(cert.spki_der()).map_or(&[], |(_, octets)| octets)
}

/// How many rows the table of signers has (`CA_TABLE_SIZE`).
const ROWS: u32 = 11;

/// A CA that it may take for an issuer: its key's hash, and the certificates from it to an anchor.
type Signer<'a> = ([u8; 20], Vec<&'a Certificate>);

/// `AddCA`: the first of several with one key identifier stays.
fn add<'a>(signers: &mut Vec<Signer<'a>>, chain: Vec<&'a Certificate>) {
    let Some(cert) = chain.first() else { return };
    let hash = key_hash(cert.subject_key_id(), cert);
    if !signers.iter().any(|(known, _)| *known == hash) {
        signers.push((hash, chain));
    }
}

/// `ProcessPeerCerts` with alternative chains, as Debian builds it: what was sent is verified from its end on, and
/// each CA that is verified can issue the next. A CA without an issuer is passed over; anything else that is wrong
/// with any certificate ends the handshake.
pub(super) fn build(
    evaluation: &Evaluation<'_>,
    stack: &Stack,
    sent: &[Certificate],
    anchors: &[Anchor],
) -> Found {
    let mut signers: Vec<Signer<'_>> = Vec::new();
    for anchor in anchors {
        add(&mut signers, vec![&anchor.cert]);
    }
    for (i, cert) in sent.iter().enumerate().rev() {
        if let Err(reason) = parse::certificate(stack, cert, false) {
            return Found::None(vec![reason]);
        }
        let is_ca = cert.basic_constraints().is_some_and(|b| b.ca);
        let Some(above) = signer(cert, &signers).map(<[_]>::to_vec) else {
            if i > 0 && is_ca {
                continue;
            }
            return Found::None(vec![path::unknown_issuer(cert)]);
        };
        let Some(issuer) = above.first().copied() else { continue };
        match path::step(evaluation, stack, issuer, cert) {
            Step::Signed => {}
            Step::Bad(reason) => return Found::None(vec![reason]),
            Step::End(end) => return end,
        }
        let chain: Vec<&Certificate> = std::iter::once(cert).chain(above).collect();
        match path::finish(evaluation, stack, &chain) {
            Found::Path(found) if i == 0 => return Found::Path(found),
            Found::Path(_) if is_ca => {
                if let Err(reason) = own::issuer(stack, cert, false) {
                    return Found::None(vec![reason]);
                }
                add(&mut signers, chain);
            }
            Found::Path(_) => {}
            refused => return refused,
        }
    }
    Found::None(Vec::new())
}

/// The one signer that it takes for a certificate (`ParseCertRelative`): by the authority key identifier, by the
/// certificate's own, and by name alone where there is no authority key identifier.
fn signer<'a, 's>(tip: &Certificate, signers: &'s [Signer<'a>]) -> Option<&'s [&'a Certificate]> {
    let by_key = |hash: [u8; 20]| signers.iter().find(|(h, _)| *h == hash);
    let wanted = tip.authority_key_id().and_then(|a| a.key_id.as_deref());
    let named = |s: &&Signer<'_>| s.1.first().is_some_and(|c| c.subject().der() == tip.issuer().der());
    let own = || tip.subject_key_id().and_then(|id| by_key(key_hash(Some(id), tip)));
    let found = wanted.and_then(|id| by_key(key_hash(Some(id), tip))).or_else(own).filter(named);
    if found.is_some() || wanted.is_some() {
        return found.map(|s| s.1.as_slice());
    }
    // GetCAByName(): row by row, in each the one added last.
    let row = |hash: &[u8; 20]| u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) % ROWS;
    let found = signers.iter().filter(named).rev().min_by_key(|(hash, _)| row(hash));
    found.map(|s| s.1.as_slice())
}

/// `ConfirmNameConstraints`: a signer's constraints bind the certificate directly below it; every alternative name
/// that is neither mail address nor directory name counts as a DNS name.
pub(super) fn violation(nc: &NameConstraints, below: &Certificate) -> Option<String> {
    let inside =
        |der: &[u8]| Reader::new(der).take(tag::SEQUENCE).map(|t| t.content.to_vec()).unwrap_or_default();
    let subject = (Form::Directory, inside(below.subject().der()));
    let alternative = below.sans().iter().filter_map(|san| match san {
        San::Email(n) => Some((Form::Email, n.clone())),
        San::Directory(n) => Some((Form::Directory, inside(n))),
        San::Dns(n) | San::Uri(n) | San::Ip(n) => Some((Form::Dns, n.clone())),
        San::Other(..) => other_name(san).map(|n| (Form::Dns, n.to_vec())),
    });
    let mails = below.subject().attributes().iter().filter(|a| a.oid == oid::EMAIL);
    let mails = mails.map(|a| (Form::Email, a.value.clone()));
    let base = |tree: &Subtree| match &tree.base {
        San::Dns(b) => Some((Form::Dns, b.clone())),
        San::Email(b) => Some((Form::Email, b.clone())),
        San::Directory(b) => Some((Form::Directory, inside(b))),
        _ => None,
    };
    // Without any other name the common name counts as one.
    let bare = !below.sans().iter().any(|s| !matches!(s, San::Email(_) | San::Directory(_)));
    let cns = below.subject().common_name_attributes().filter(|_| bare).map(|a| (Form::Dns, a.value.clone()));
    let permitted: Vec<_> = nc.permitted.iter().filter_map(base).collect();
    let excluded: Vec<_> = nc.excluded.iter().filter_map(base).collect();
    // An empty subject is left out, an empty alternative name is in no subtree (measured).
    let subject = [subject].into_iter().filter(|(_, name)| !name.is_empty());
    alternative.chain(mails).chain(cns).chain(subject).find_map(|(form, name)| {
        let hit = |(f, b): &(Form, Vec<u8>)| *f == form && base_matches(form, b, &name);
        if excluded.iter().any(hit) {
            return Some("a name of it is excluded by a name constraint".to_owned());
        }
        (permitted.iter().any(|(f, _)| *f == form) && !permitted.iter().any(hit))
            .then(|| "a name of it is in no permitted subtree of a name constraint".to_owned())
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Dns,
    Email,
    Directory,
}

/// `MatchBaseName`: a DNS subtree is a plain ending, a directory subtree a beginning of the octets.
fn base_matches(form: Form, base: &[u8], name: &[u8]) -> bool {
    if base.is_empty() || name.first() == Some(&b'.') || name.len() < base.len() {
        return false;
    }
    let ends = |name: &[u8]| {
        let from = name.len().checked_sub(base.len());
        from.and_then(|at| name.get(at..)).is_some_and(|tail| tail.eq_ignore_ascii_case(base))
    };
    match form {
        Form::Directory => name.starts_with(base),
        Form::Dns => ends(name),
        Form::Email if base.first() == Some(&b'.') => ends(name),
        Form::Email if base.contains(&b'@') => name.eq_ignore_ascii_case(base),
        Form::Email => {
            let host = name.iter().position(|b| *b == b'@').and_then(|at| name.get(at + 1..));
            host.is_some_and(|h| h.eq_ignore_ascii_case(base))
        }
    }
}
