//! The chain check: which certificates a stack puts together, and what it demands of them.

use time::OffsetDateTime;

use super::checks::{self, Rule, no, who};
use super::evaluation::{Evaluation, Found};
use super::stack::{Aki, Builder, Direct, GoVersion, Parse, Pick, Stack};
use super::trust::Anchor;
use super::{
    constraints, dn, erlang, form, go, guard, java, openssl, own, parse, policies, relies, times, webpki,
    wolfssl,
};
use crate::cert::Certificate;
use crate::cert::extension::KeyUsage;
use crate::cert::signature::Check;
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
        Builder::InOrder => in_order(evaluation, stack, sent, &anchors),
        _ => search(evaluation, stack, sent, &anchors),
    };
    match found {
        Found::Path(path) => {
            if let Err(reason) = checks::leaf(stack, leaf) {
                return Judgement::Refuse(vec![reason]);
            }
            if let Some(why) = parse::unsure(stack, &path) {
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
    let differs = match (&aki.key_id, issuer.subject_key_id()) {
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
    // Where only a self-issued anchor ends a path, the others of the trust file can still stand in it.
    let middle = anchors.iter().map(|a| &a.cert).filter(|c| !stack.path.partial && !c.is_self_issued());
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
        candidates.extend(pick(stack, tip, anchors, evaluation.now()).into_iter().map(|c| (c, true)));
        let once = matches!(stack.path.builder, Builder::First(_));
        if !once || candidates.is_empty() {
            let more = rest.iter().copied().filter(|c| {
                let fitting = if as_sent {
                    dn::same(stack.path.dn, tip.issuer(), c.subject())
                } else {
                    fits(stack, c, tip)
                };
                fitting && !path.contains(c) && *c != leaf
            });
            candidates.extend(more.take(if once { 1 } else { 8 }).map(|c| (c, false)));
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
            match evaluation.signed(issuer, tip) {
                Check::Good => {}
                Check::Bad => {
                    let what = format!("its signature is not by {}", who(issuer));
                    first.get_or_insert_with(|| reason(no(ReasonCode::BadSignature, tip, what)));
                    continue;
                }
                Check::Unsupported(what) => {
                    if let Err(weak) =
                        checks::key(stack, issuer, true).and_then(|()| checks::digest(&stack.algorithms, tip))
                    {
                        first.get_or_insert(weak);
                    } else {
                        unknown.get_or_insert(format!("{what} cannot be checked here"));
                    }
                    continue;
                }
            }
            let mut longer = path.clone();
            longer.push(issuer);
            if anchor {
                match complete(evaluation, stack, &longer) {
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

fn reason(rule: Rule) -> Reason {
    rule.err().unwrap_or_else(|| Reason::new(ReasonCode::Other, "no path is accepted"))
}

/// The refusal when no issuer is found.
pub(super) fn unknown_issuer(leaf: &Certificate) -> Reason {
    let issuer = leaf.issuer().display();
    Reason::new(ReasonCode::UnknownIssuer, format!("{}: no trusted issuer {issuer} leads to it", who(leaf)))
}

/// The anchors that can have issued `tip`, in the order and number in which the stack takes them.
fn pick<'a>(
    stack: &Stack,
    tip: &Certificate,
    anchors: &'a [Anchor],
    now: OffsetDateTime,
) -> Vec<&'a Certificate> {
    let fitting = anchors
        .iter()
        .map(|a| &a.cert)
        .filter(|a| fits(stack, a, tip) && (stack.path.partial || a.is_self_issued()));
    let valid = |c: &Certificate| {
        let (from, until) = c.validity();
        let read = |date| times::read(stack.parse, date);
        read(from).is_some_and(|t| t <= now) && read(until).is_some_and(|t| now < t)
    };
    // lib/x509/verify.c find_issuer(): the first, unless a later one is valid now.
    let last_valid = |best: &'a Certificate, c: &'a Certificate| if valid(c) { c } else { best };
    // lib/pki/pkibase.c nssCertificateArray_FindBestCertificate().
    let best = |best: &'a Certificate, c: &'a Certificate| match (valid(best), valid(c)) {
        (true, false) => best,
        (false, true) => c,
        _ if newer(best, c, now) => best,
        _ => c,
    };
    match stack.path.builder {
        Builder::First(Pick::Signer) => wolfssl::signer(tip, anchors).into_iter().collect(),
        Builder::First(Pick::LastValid) => fitting.reduce(last_valid).into_iter().collect(),
        Builder::First(Pick::Best) => fitting.reduce(best).into_iter().collect(),
        _ => fitting.take(16).collect(),
    }
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
            // Go's isValid() counts every certificate.
            let counted = |c: &&&Certificate| matches!(stack.parse, Parse::Go(_)) || !c.is_self_issued();
            let between = below.iter().skip(1).filter(counted).count() as u64;
            if cert.basic_constraints().and_then(|b| b.path_len).is_some_and(|max| between > max) {
                return no(
                    ReasonCode::Pathlen,
                    cert,
                    "more intermediates stand below it than its path length allows",
                );
            }
        }
        if rules.name_constraints
            && let Some(nc) = cert.name_constraints()
            && let Some(what) = constraints::violation(stack.parse, nc, cert, below)
        {
            return no(ReasonCode::NameConstraints, cert, what);
        }
    }
    if matches!(stack.parse, Parse::Go(GoVersion::V1_27) | Parse::Chromium) {
        policies::check(path)?;
    }
    Ok(())
}

/// BearSSL's one pass (src/x509/x509_minimal.t0): each certificate must be issued by the next one sent, until an
/// anchor issues it. The anchor is only a name, a key and whether it may issue.
fn in_order(evaluation: &Evaluation<'_>, stack: &Stack, sent: &[Certificate], anchors: &[Anchor]) -> Found {
    let fail = |rule: Rule| Found::None(vec![reason(rule)]);
    let mut path: Vec<Certificate> = Vec::new();
    let mut pending: Option<&Certificate> = None;
    for (i, cert) in sent.iter().enumerate() {
        if let Some(child) = pending {
            if cert.subject().der() != child.issuer().der() {
                return fail(no(
                    ReasonCode::ChainOrder,
                    child,
                    "the next certificate sent is not its issuer",
                ));
            }
            match evaluation.signed(cert, child) {
                Check::Good => {}
                Check::Bad => {
                    return fail(no(ReasonCode::BadSignature, child, "its signature does not verify"));
                }
                Check::Unsupported(what) => return Found::Unknown(format!("{what} cannot be checked here")),
            }
        }
        let rules = checks::dates(stack, cert, evaluation.now())
            .and_then(|()| checks::key(stack, cert, i > 0))
            .and_then(|()| checks::digest(&stack.algorithms, cert))
            .and_then(|()| checks::known_critical(stack.parse, cert));
        if let Err(reason) = rules {
            return Found::None(vec![reason]);
        }
        if i > 0 {
            let bc = cert.basic_constraints();
            if !bc.is_some_and(|b| b.ca) {
                return fail(no(ReasonCode::NotACa, cert, "it is no CA"));
            }
            if cert.key_usage().is_some_and(|u| !u.any(KeyUsage::KEY_CERT_SIGN)) {
                return fail(no(ReasonCode::NotACa, cert, "its keyUsage lacks keyCertSign"));
            }
            if bc.and_then(|b| b.path_len).is_some_and(|max| (i as u64 - 1) > max) {
                return fail(no(ReasonCode::Pathlen, cert, "its path length is exceeded"));
            }
        } else if anchors
            .iter()
            .any(|a| a.cert.subject().der() == cert.subject().der() && a.cert.spki_der() == cert.spki_der())
        {
            return Found::Path(vec![cert.clone()]);
        }
        path.push(cert.clone());
        for anchor in anchors.iter().map(|a| &a.cert) {
            let may = anchor.basic_constraints().is_some_and(|b| b.ca);
            if may && anchor.subject().der() == cert.issuer().der() {
                match evaluation.signed(anchor, cert) {
                    Check::Good => {
                        path.push(anchor.clone());
                        return Found::Path(path);
                    }
                    Check::Bad => {}
                    Check::Unsupported(what) => {
                        return Found::Unknown(format!("{what} cannot be checked here"));
                    }
                }
            }
        }
        pending = Some(cert);
    }
    match sent.last() {
        Some(last) => Found::None(vec![unknown_issuer(last)]),
        None => Found::None(Vec::new()),
    }
}
