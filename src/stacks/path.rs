//! The chain check: which certificates a stack puts together, and what it demands of them.

use super::checks::{self, Rule, no, who};
use super::evaluation::{Evaluation, Found};
use super::stack::{Aki, Builder, Direct, DnMatch, GoVersion, Parse, Stack};
use super::trust::Anchor;
use super::{
    bearssl, constraints, dn, erlang, form, gnutls, go, guard, java, mbedtls, nss, openssl, own, parse,
    policies, relies, webpki, wolfssl,
};
use crate::cert::signature::Check;
use crate::cert::{Certificate, oid};
use crate::judgement::{Judgement, Reason, ReasonCode};
use crate::name::San;

/// How many signatures one search may check: more than any honest chain needs.
const BUDGET: usize = 300;

/// Judges the chain as a stack sees it.
pub(super) fn judge(evaluation: &Evaluation<'_>, stack: &Stack) -> Judgement {
    let sent = match evaluation.sent() {
        Ok(sent) => sent,
        Err(refusal) => return refusal,
    };
    let Some(leaf) = sent.first() else {
        return Judgement::Unknown("no certificate is presented".to_owned());
    };
    let read = evaluation.anchors(stack.trust);
    let (anchors, trusted): (Vec<Anchor>, &[Anchor]) = match read.as_ref() {
        Ok(found) => match parse::usable_anchors(stack, found) {
            Ok(anchors) => (anchors, found),
            Err(reason) => return Judgement::Refuse(vec![reason]),
        },
        Err(why) => return Judgement::refuse(ReasonCode::CaUnusable, format!("the trust file: {why}")),
    };
    if let Err(reason) = parse::message(stack, sent) {
        return Judgement::Refuse(vec![reason]);
    }
    let seen = parse::understood(stack, sent);
    let (sent, leaf) = (seen.as_ref(), seen.first().unwrap_or(leaf));
    if let Builder::Webpki = stack.path.builder {
        return webpki::judge(evaluation, sent, &anchors);
    }
    let found = match stack.path.builder {
        Builder::Openssl { partial, strict } => {
            openssl::build(evaluation, stack, sent, &anchors, partial, strict)
        }
        Builder::InOrder => bearssl::build(evaluation, stack, sent, &anchors),
        Builder::Gnutls => gnutls::build(evaluation, stack, sent, &anchors),
        Builder::Wolfssl if !directly_trusted(stack, leaf, &anchors) => {
            wolfssl::build(evaluation, stack, sent, &anchors)
        }
        Builder::Mbedtls if !directly_trusted(stack, leaf, &anchors) => {
            mbedtls::build(evaluation, stack, sent, &anchors)
        }
        _ => search(evaluation, stack, sent, &anchors),
    };
    match found {
        Found::Path(path) => {
            if let Err(reason) = checks::leaf(stack, leaf) {
                return Judgement::Refuse(vec![reason]);
            }
            if let Some(why) = parse::unsure(stack, sent, &path) {
                return Judgement::Unknown(why);
            }
            match guard::guess(stack, sent, &path, trusted) {
                Some(because) => Judgement::Unknown(because),
                None => Judgement::Accept { relies_on: relies::on(&path, evaluation.now()) },
            }
        }
        Found::None(reasons) => Judgement::Refuse(reasons),
        Found::Unknown(because) => Judgement::Unknown(because),
    }
}

/// Whether `issuer` can have issued `subject`, by names and key identifiers.
pub(super) fn fits(stack: &Stack, issuer: &Certificate, subject: &Certificate) -> bool {
    if !dn::same(stack.path.dn, subject.issuer(), issuer.subject()) {
        return false;
    }
    if stack.path.aki == Aki::Java {
        return java::identified(issuer, subject);
    }
    let Some(aki) = subject.authority_key_id() else { return true };
    // GnuTLS and NSS take a key identifier that is empty, or followed by more, for none.
    let most = if stack.parse == Parse::Gnutls { 128 } else { usize::MAX };
    let loose = matches!(stack.parse, Parse::Gnutls | Parse::Nss);
    let counts = |id: &&[u8]| !loose || (1..=most).contains(&id.len());
    let whole = !(loose && oid::label(oid::SUBJECT_KEY_ID).is_some_and(|l| issuer.malformed().contains(&l)));
    let own = issuer.subject_key_id().filter(|id| stack.parse == Parse::Nss || counts(id)).filter(|_| whole);
    let differs = match (aki.key_id.as_deref().filter(counts), own) {
        (Some(wanted), Some(found)) => wanted != found,
        (None, _) | (Some(_), None) => false,
    };
    match stack.path.aki {
        Aki::Ignored | Aki::Java => true,
        Aki::KeyId => !differs,
        Aki::Demanded => aki.key_id.as_deref().is_none_or(|wanted| {
            wolfssl::key_hash(Some(wanted), subject) == wolfssl::key_hash(issuer.subject_key_id(), issuer)
        }),
        Aki::Full => {
            let serial = aki.serial.as_deref().is_some_and(|s| s != issuer.serial());
            let issued = aki.issuer.iter().find_map(|n| match n {
                San::Directory(der) => crate::cert::Name::from_der(der).ok(),
                _ => None,
            });
            !differs && !serial && issued.is_none_or(|n| dn::same(stack.path.dn, &n, issuer.issuer()))
        }
    }
}

/// Whether the trust file holds the leaf itself and the stack is content with that.
fn directly_trusted(stack: &Stack, leaf: &Certificate, anchors: &[Anchor]) -> bool {
    let there = anchors.iter().any(|a| a.cert == *leaf);
    match stack.path.direct {
        Direct::No => false,
        Direct::SelfIssued => there && leaf.is_self_issued(),
        Direct::Identical | Direct::IdenticalUndated => there,
    }
}

/// Depth first through every possible path; the first refusal met is the one reported.
fn search(evaluation: &Evaluation<'_>, stack: &Stack, sent: &[Certificate], anchors: &[Anchor]) -> Found {
    let Some((leaf, rest)) = sent.split_first() else { return Found::None(Vec::new()) };
    if directly_trusted(stack, leaf, anchors) {
        let dated = stack.path.direct != Direct::IdenticalUndated;
        let rule = if dated { checks::dates(stack, leaf, evaluation.now()) } else { Ok(()) };
        let critical = match stack.parse {
            Parse::Go(version) => go::known_critical(version, leaf),
            _ => Ok(()),
        };
        return match rule.and(critical).and_then(|()| checks::key(stack, leaf, false)) {
            Ok(()) => Found::Path(vec![leaf.clone()]),
            Err(reason) => Found::None(vec![reason]),
        };
    }
    if let Err(reason) = self_issued_leaf(stack, leaf, anchors) {
        return Found::None(vec![reason]);
    }
    // Where only a self-issued anchor ends a path, the others of the trust file can still stand in it. Erlang turns to
    // them only where what was sent leads to no anchor (ssl_certificate:handle_incomplete_chain/5).
    let sent_suffices = stack.parse == Parse::Erlang && erlang::leads_to_anchor(stack, leaf, rest, anchors);
    let middle = anchors.iter().map(|a| &a.cert);
    let middle = middle.filter(|c| !stack.path.partial && !sent_suffices && !c.is_self_issued());
    // A sent certificate that the parser refuses takes no part, where it does not end the handshake.
    let rest: Vec<&Certificate> =
        rest.iter().chain(middle).filter(|c| parse::certificate(stack, c, false).is_ok()).collect();
    // PKIXValidator: a chain in order is taken as it was sent, and only the anchor is chosen by key identifiers.
    let in_order = sent.windows(2).all(|pair| match pair {
        [below, above] => dn::same(stack.path.dn, below.issuer(), above.subject()),
        _ => true,
    });
    let as_sent = stack.path.aki == Aki::Java && in_order;
    let mut first: Option<Reason> = None;
    let mut unknown: Option<String> = None;
    let mut budget = BUDGET;
    let mut stack_of_paths: Vec<Vec<&Certificate>> = vec![vec![leaf]];
    while let Some(path) = stack_of_paths.pop() {
        let Some(tip) = path.last().copied() else { continue };
        let mut candidates: Vec<(&Certificate, bool)> = Vec::new();
        let trusted = anchors
            .iter()
            .map(|a| &a.cert)
            .filter(|a| fits(stack, a, tip) && (stack.path.partial || a.is_self_issued()));
        candidates.extend(trusted.take(16).map(|c| (c, true)));
        {
            let more = rest.iter().copied().filter(|c| {
                let fitting = if as_sent {
                    dn::same(stack.path.dn, tip.issuer(), c.subject())
                } else if stack.parse == Parse::Chromium {
                    // Its own store finds a CA by the octets of its name, CertIssuerSourceStatic by the normalized one.
                    dn::same(DnMatch::Normalized, tip.issuer(), c.subject())
                } else {
                    fits(stack, c, tip)
                };
                fitting && !path.contains(c) && *c != leaf
            });
            candidates.extend(more.take(8).map(|c| (c, false)));
        }
        if stack.path.builder == Builder::Best {
            // Of equals the last is taken, which is a trusted one.
            let trusted = candidates.iter().filter(|(_, anchor)| *anchor).count();
            candidates.rotate_left(trusted);
            candidates = nss::best(candidates.into_iter(), evaluation.now()).into_iter().collect();
        }
        for (issuer, anchor) in candidates.into_iter().rev() {
            if budget == 0 {
                return Found::Unknown("the chain offers too many paths".to_owned());
            }
            budget -= 1;
            if stack.parse == Parse::Java
                && let Err(form) = java::signature_form(tip)
            {
                first.get_or_insert(form);
                continue;
            }
            match step(evaluation, stack, issuer, tip) {
                Step::Signed => {}
                Step::Bad(reason) => {
                    first.get_or_insert(reason);
                    continue;
                }
                Step::End(Found::Unknown(because)) => {
                    unknown.get_or_insert(because);
                    continue;
                }
                Step::End(_) => continue,
            }
            let mut longer = path.clone();
            longer.push(issuer);
            if anchor {
                match complete(evaluation, stack, &longer) {
                    Ok(()) if stack.parse == Parse::Java && java::ambiguous(stack, anchors, issuer) => {
                        let what =
                            "of two CAs with one name and key Java takes one by chance, and one may not sign";
                        return Found::Unknown(what.to_owned());
                    }
                    Ok(()) => return Found::Path(longer.into_iter().cloned().collect()),
                    Err(reason) => {
                        first.get_or_insert(reason);
                    }
                }
            } else if longer.len() - 1 > stack.path.max_intermediates {
                let what = format!("it has more than {} intermediates", stack.path.max_intermediates);
                first.get_or_insert_with(|| reason(no(ReasonCode::TooLong, leaf, what)));
            } else {
                stack_of_paths.push(longer);
            }
        }
    }
    match (unknown, first) {
        (Some(because), _) => Found::Unknown(because),
        (None, Some(reason)) => Found::None(vec![reason]),
        (None, None) => Found::None(vec![unknown_issuer(leaf)]),
    }
}

/// Erlang and NSS take a leaf whose subject is its issuer for self-signed.
fn self_issued_leaf(stack: &Stack, leaf: &Certificate, anchors: &[Anchor]) -> Rule {
    if !leaf.is_self_issued() {
        return Ok(());
    }
    match stack.parse {
        Parse::Erlang => {
            no(ReasonCode::SelfSigned, leaf, "its subject is its issuer, which Erlang always refuses")
        }
        Parse::Nss => {
            let own = leaf.authority_key_id().is_none_or(|a| a.key_id.is_none());
            if own && !anchors.iter().any(|a| a.cert == *leaf) {
                return no(
                    ReasonCode::BadSignature,
                    leaf,
                    "NSS takes it for self-signed, and its signature is by another key",
                );
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

pub(super) fn reason(rule: Rule) -> Reason {
    rule.err().unwrap_or_else(|| Reason::new(ReasonCode::Other, "no path is accepted"))
}

/// The refusal when no issuer is found.
pub(super) fn unknown_issuer(leaf: &Certificate) -> Reason {
    let issuer = leaf.issuer().display();
    Reason::new(ReasonCode::UnknownIssuer, format!("{}: no trusted issuer {issuer} leads to it", who(leaf)))
}

/// What the signature of one certificate says of another as its issuer.
pub(super) enum Step {
    /// It was made with that key.
    Signed,
    /// It was not, or the stack takes neither key nor digest.
    Bad(Reason),
    /// It cannot be told.
    End(Found),
}

/// Checks one signature.
pub(super) fn step(
    evaluation: &Evaluation<'_>,
    stack: &Stack,
    issuer: &Certificate,
    tip: &Certificate,
) -> Step {
    match evaluation.signed(issuer, tip) {
        Check::Good => Step::Signed,
        Check::Bad => Step::Bad(unsigned(issuer, tip)),
        Check::Unsupported(what) => {
            match checks::key(stack, issuer, true).and_then(|()| checks::digest(&stack.algorithms, tip)) {
                Err(weak) => Step::Bad(weak),
                Ok(()) => Step::End(Found::Unknown(format!("{what} cannot be checked here"))),
            }
        }
    }
}

/// The refusal of a signature by another key.
pub(super) fn unsigned(issuer: &Certificate, tip: &Certificate) -> Reason {
    let what = format!("its signature is not by {}", who(issuer));
    reason(no(ReasonCode::BadSignature, tip, what))
}

/// A path whose signatures hold, leaf first, anchor last, if everything else holds too.
pub(super) fn finish(evaluation: &Evaluation<'_>, stack: &Stack, path: &[&Certificate]) -> Found {
    match complete(evaluation, stack, path) {
        Ok(()) => Found::Path(path.iter().map(|c| (*c).clone()).collect()),
        Err(reason) => Found::None(vec![reason]),
    }
}

/// How many intermediates below an issuer count against its path length; `below` is leaf first. RFC 5280 §4.2.1.9
/// leaves self-issued ones out; GnuTLS counts them (`verify.c`, `max_path`), and Mbed TLS counts the one directly below
/// (`x509_crt_verify_chain`, `self_cnt`).
pub(super) fn between(stack: &Stack, below: &[&Certificate]) -> u64 {
    let counts = |i: usize, c: &Certificate| match stack.parse {
        // Go's isValid() counts every certificate.
        Parse::Gnutls | Parse::Go(_) => true,
        Parse::Mbedtls { .. } if i + 1 == below.len() => true,
        _ => !c.is_self_issued(),
    };
    below.iter().enumerate().skip(1).filter(|(i, c)| counts(*i, c)).count() as u64
}

/// Whether the path length of an issuer allows what stands below it.
pub(super) fn length(stack: &Stack, cert: &Certificate, below: &[&Certificate]) -> Rule {
    if cert.basic_constraints().and_then(|b| b.path_len).is_some_and(|max| between(stack, below) > max) {
        let what = "more intermediates stand below it than its path length allows";
        return no(ReasonCode::Pathlen, cert, what);
    }
    Ok(())
}

/// The rules of a whole path, leaf first, anchor last.
fn complete(evaluation: &Evaluation<'_>, stack: &Stack, path: &[&Certificate]) -> Rule {
    let now = evaluation.now();
    let last = path.len() - 1;
    if stack.parse == Parse::Nss {
        for (i, cert) in path.iter().enumerate() {
            let twin = |c: &&&Certificate| {
                ***c != **cert && c.serial() == cert.serial() && c.issuer().der() == cert.issuer().der()
            };
            if path.iter().skip(i + 1).any(|c| twin(&c)) {
                return no(
                    ReasonCode::DuplicateSerial,
                    cert,
                    "another certificate has the same issuer and serial number",
                );
            }
        }
    }
    if stack.parse == Parse::Java {
        java::path(path)?;
    }
    if stack.parse == Parse::Erlang {
        erlang::issuers(path)?;
    }
    for (i, cert) in path.iter().enumerate() {
        let anchor = i == last;
        let rules = if anchor { &stack.path.anchor } else { &stack.path.intermediate };
        if i == 0 || rules.dates {
            checks::dates(stack, cert, now)?;
        }
        checks::key(stack, cert, i > 0)?;
        if !anchor {
            checks::digest(&stack.algorithms, cert)?;
            if stack.parse == Parse::Nss && !form::algorithms_equal(cert) {
                let what = "the signature algorithm inside differs from the one outside";
                return no(ReasonCode::Malformed, cert, what);
            }
        }
        if i == 0 {
            checks::known_critical(stack.parse, cert)?;
            continue;
        }
        own::issuer(stack, cert, anchor)?;
        if stack.parse != Parse::Erlang || anchor {
            checks::may_issue(&super::stack::CaRules { critical: false, ..*rules }, cert, anchor)?;
        }
        if rules.critical {
            checks::known_critical(stack.parse, cert)?;
        }
        if rules.purpose {
            checks::purpose(stack.leaf.purpose, cert)?;
        }
        let below = path.get(..i).unwrap_or_default();
        if rules.path_length {
            length(stack, cert, below)?;
        }
        if rules.name_constraints
            && let Some(nc) = cert.name_constraints()
            && let Some(what) = constraints::violation(stack.parse, nc, cert, below)
        {
            return no(ReasonCode::NameConstraints, cert, what);
        }
    }
    if stack.parse == Parse::Gnutls {
        gnutls::features(path)?;
    }
    if matches!(stack.parse, Parse::Go(GoVersion::V1_27) | Parse::Chromium) {
        policies::check(path)?;
    }
    Ok(())
}
