//! What a stack's certificate parser or handshake refuses before any path is built.

use std::borrow::Cow;

use super::checks::{self, Rule, no};
use super::stack::{Parse, Stack};
use super::trust::Anchor;
use super::{erlang, form, go, guard, java, mbedtls, octets, times};
use crate::cert::algorithm::{Curve, PublicKey};
use crate::cert::{Certificate, oid, openssl_asn1};
use crate::judgement::{Reason, ReasonCode};
use crate::name::San;

/// The certificates as the stack's parser has understood them.
pub(super) fn understood<'a>(stack: &Stack, sent: &'a [Certificate]) -> Cow<'a, [Certificate]> {
    match stack.parse {
        Parse::Go(_) => Cow::Owned(sent.iter().map(go::view).collect()),
        Parse::Erlang => Cow::Owned(sent.iter().map(erlang::view).collect()),
        Parse::Java => Cow::Owned(sent.iter().map(java::view).collect()),
        _ => Cow::Borrowed(sent),
    }
}

/// The anchors that the stack's parser takes, as it has understood them.
///
/// # Errors
/// The reason if it takes none, or if one bad certificate spoils the whole file.
pub(super) fn usable_anchors(stack: &Stack, found: &[Anchor]) -> Result<Vec<Anchor>, Reason> {
    let mut good = Vec::new();
    let mut first = None;
    for anchor in found {
        match certificate(stack, &anchor.cert, true) {
            Ok(()) => {
                let mut anchor = anchor.clone();
                match stack.parse {
                    Parse::Go(_) => anchor.cert = go::view(&anchor.cert),
                    Parse::Erlang => anchor.cert = erlang::view(&anchor.cert),
                    Parse::Java => anchor.cert = java::view(&anchor.cert),
                    _ => {}
                }
                good.push(anchor);
            }
            Err(reason) if matches!(stack.parse, Parse::Java | Parse::Gnutls | Parse::Bearssl) => {
                return Err(reason);
            }
            Err(reason) => first = first.or(Some(reason)),
        }
    }
    match first {
        Some(mut reason) if good.is_empty() => {
            reason.code = ReasonCode::CaUnusable;
            Err(reason)
        }
        _ => Ok(good),
    }
}

/// What the handshake message with these certificates meets.
pub(super) fn message(stack: &Stack, sent: &[Certificate]) -> Rule {
    let Some(leaf) = sent.first() else { return Ok(()) };
    let octets: usize = 7 + sent.iter().map(|c| c.der().len() + 5).sum::<usize>();
    let h = &stack.handshake;
    if octets > h.max_message {
        let what =
            format!("the certificate message of {octets} octets is over the limit of {}", h.max_message);
        return no(ReasonCode::TooLong, leaf, what);
    }
    if sent.len() > h.max_sent {
        return no(
            ReasonCode::TooLong,
            leaf,
            format!("{} certificates are sent, over {}", sent.len(), h.max_sent),
        );
    }
    for (i, cert) in sent.iter().enumerate() {
        if i == 0 || !matches!(stack.parse, Parse::Nss | Parse::Wolfssl | Parse::Erlang | Parse::Chromium) {
            certificate(stack, cert, false)?;
        }
    }
    let fine = match leaf.public_key() {
        PublicKey::Rsa { pss, .. } => !pss || stack.algorithms.pss,
        PublicKey::Ec { curve, .. } => match curve {
            Curve::P256 | Curve::P384 => true,
            Curve::P521 => h.p521,
            Curve::K256 => h.k256,
            Curve::Bp256 | Curve::Bp384 | Curve::Bp512 => h.brainpool,
            _ => false,
        },
        PublicKey::Ed25519(_) => h.ed25519,
        PublicKey::Ed448(_) => h.ed448,
        PublicKey::Other(_) | PublicKey::Malformed => false,
    };
    if fine {
        return Ok(());
    }
    let kind = leaf.public_key().display();
    no(
        ReasonCode::UnsupportedAlgorithm,
        leaf,
        format!("the handshake fails with a server key of kind {kind}"),
    )
}

/// What a parser refuses in one certificate.
pub(super) fn certificate(stack: &Stack, cert: &Certificate, anchor: bool) -> Rule {
    use Parse as P;
    let library = stack.parse;
    if let P::Go(version) = library {
        return go::certificate(version, cert, anchor);
    }
    if library == P::Erlang {
        return erlang::certificate(cert, anchor);
    }
    let version = cert.version().unwrap_or(0);
    let early = version < 3;
    let bad = |what: &str| no(ReasonCode::Malformed, cert, what);
    let modern =
        matches!(library, P::Java | P::Gnutls | P::Mbedtls { .. } | P::Chromium | P::S2n | P::Wolfssl);
    if early && modern && !cert.extensions().is_empty() {
        return bad("it has extensions and is not version 3");
    }
    if version > 3 && matches!(library, P::Mbedtls { .. } | P::Chromium | P::Bearssl | P::S2n) {
        return no(ReasonCode::UnsupportedVersion, cert, format!("it says that its version is {version}"));
    }
    if cert.has_unique_ids() && matches!(library, P::Mbedtls { .. } | P::Wolfssl) {
        return bad("it has unique identifiers");
    }
    // CertificateVersion takes any number; extensions belong to 3 alone.
    if library == P::Java && version > 3 && !cert.extensions().is_empty() {
        return no(ReasonCode::UnsupportedVersion, cert, format!("it says that its version is {version}"));
    }
    let (from, until) = cert.validity();
    for date in [from, until] {
        let fine = match library {
            P::Java => date.rolling().is_some(),
            P::Wolfssl => super::wolfssl::sized(date),
            _ => times::read(library, date).is_some(),
        };
        let passed_over = anchor && library == P::Webpki;
        if !fine && !passed_over {
            return no(ReasonCode::BadTime, cert, format!("its date {} cannot be read", date.as_written()));
        }
    }
    if !(anchor && library == P::Bearssl) {
        form::check(library, cert)?;
    }
    if let Some(deviation) = guard::refused(library, cert) {
        return bad(&deviation.to_string());
    }
    if let Some(what) = octets::odd(library, cert).or_else(|| octets::surplus(library, cert)) {
        return bad(what);
    }
    match library {
        P::Openssl => match openssl_asn1::decode(cert) {
            Err(why) => return bad(&format!("OpenSSL cannot read it: {why}")),
            Ok(form) if !form.key_whole && !anchor => return bad("its public key cannot be read"),
            Ok(_) => {}
        },
        P::Gnutls if cert.sans().iter().any(|s| matches!(s, San::Dns(n) if n.is_empty())) && !anchor => {
            return bad("it has an empty dNSName");
        }
        P::Chromium => {
            let odd_ip = cert.sans().iter().any(|s| matches!(s, San::Ip(n) if !matches!(n.len(), 4 | 16)));
            let odd_dns = cert.sans().iter().any(|s| matches!(s, San::Dns(n) if !n.is_ascii()));
            if odd_ip || odd_dns {
                return bad("an entry of its subjectAltName cannot be read");
            }
            if anchor && cert.extension(oid::POLICY_CONSTRAINTS).is_some() {
                return no(ReasonCode::Other, cert, "it demands an explicit policy");
            }
            checks::key(stack, cert, true).or_else(|r| if anchor { Err(r) } else { Ok(()) })?;
        }
        P::Mbedtls { three } => {
            checks::known_critical(library, cert)?;
            let odd_ip = cert.sans().iter().any(|s| matches!(s, San::Ip(n) if !matches!(n.len(), 4 | 16)));
            if three && odd_ip {
                return bad("an iPAddress has neither 4 nor 16 octets");
            }
            if three && !mbedtls::authority_readable(cert) {
                return bad("its authorityKeyIdentifier is not as Mbed TLS 3 wants it");
            }
            if cert.extended_key_usage().is_some_and(<[_]>::is_empty) {
                return bad("its extendedKeyUsage is empty");
            }
            if matches!(cert.public_key(), PublicKey::Ed25519(_) | PublicKey::Ed448(_)) {
                return no(
                    ReasonCode::UnsupportedAlgorithm,
                    cert,
                    "its key is of a kind that Mbed TLS does not know",
                );
            }
            let policies = cert.extension(oid::CERTIFICATE_POLICIES).filter(|e| e.critical);
            if policies
                .is_some_and(|e| form::Policies::read(&e.value).oids.iter().any(|o| o != oid::ANY_POLICY))
            {
                let what = "it has a critical certificatePolicies with another policy than anyPolicy";
                return no(ReasonCode::CriticalExtension, cert, what);
            }
        }
        P::Wolfssl => super::wolfssl::certificate(cert)?,
        P::Bearssl if anchor => checks::key(stack, cert, true)?,
        P::Java => java::certificate(cert)?,
        _ => {}
    }
    Ok(())
}

/// Why it cannot be told whether the stack takes a path that is otherwise accepted.
pub(super) fn unsure(stack: &Stack, sent: &[Certificate], path: &[Certificate]) -> Option<String> {
    // subtree_intersection/2 of pubkey_cert.erl, which is not followed here.
    let permitting = |c: &&Certificate| c.name_constraints().is_some_and(|nc| !nc.permitted.is_empty());
    if stack.parse == Parse::Erlang && path.iter().rev().skip(1).filter(permitting).count() > 1 {
        return Some("two CAs permit names, and what Erlang makes of both is not known".to_owned());
    }
    let Parse::Go(version) = stack.parse else { return None };
    if go::doubtful(version, path) {
        let what =
            "a name constraint on the host of a URI or an address, which releases of Go compare differently";
        return Some(what.to_owned());
    }
    sent.iter().chain(path).find_map(|c| go::unsure(version, c)).map(str::to_owned)
}
