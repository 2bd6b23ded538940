//! The certificate itself: version, kind, key, signature.

use super::context::{Context, Served};
use super::{Outcome, Rule};
use crate::cert::Certificate;
use crate::cert::algorithm::{Curve, Hash, PublicKey};
use crate::finding::{Finding, Fix, Severity};
use crate::judgement::ReasonCode;

pub(super) const V1_CERTIFICATE: Rule = Rule {
    id: "v1-certificate",
    severity: Severity::Error,
    what: "the server's certificate is X.509 version 1, without any extension",
    why: "`openssl x509 -req` without `-extfile` makes such certificates. They cannot name a host; Go's and Rust's \
          libraries refuse them whatever else is right.",
    cure: "`mqttcert reissue` makes a version 3 certificate for the same key",
    source: "RFC 5280 §4.1.2.1; rustls-webpki: UnsupportedCertVersion",
    fix: Fix::None,
    check: v1,
};

pub(super) const LEAF_IS_CA: Rule = Rule {
    id: "leaf-is-ca",
    severity: Severity::Error,
    what: "the server presents a CA certificate as its own",
    why: "Whoever takes the broker's key can sign certificates for any name; rustls and others refuse it as a server.",
    cure: "make a CA and a server certificate apart from it: `mqttcert init`, or `mqttcert reissue` with the CA's key",
    source: "RFC 5280 §4.2.1.9; rustls-webpki: CaUsedAsEndEntity",
    fix: Fix::None,
    check: leaf_is_ca,
};

pub(super) const WEAK_KEY: Rule = Rule {
    id: "weak-key",
    severity: Severity::Error,
    what: "the server's key is too short or of a kind that clients no longer take",
    why: "RSA below 2048 bits is refused by OpenSSL at the level Debian sets, and by rustls, Java and GnuTLS.",
    cure: "`mqttcert reissue --new-key` makes a new key (public-key pins then change)",
    source: "NIST SP 800-57 part 1; OpenSSL SSL_CTX_set_security_level(3)",
    fix: Fix::None,
    check: weak_key,
};

pub(super) const WEAK_SIGNATURE: Rule = Rule {
    id: "weak-signature",
    severity: Severity::Error,
    what: "the server's certificate is signed with MD5 or SHA-1",
    why: "OpenSSL 3 refuses to load it (\"ca md too weak\"): Mosquitto does not start with it, and clients refuse it.",
    cure: "`mqttcert reissue` signs with SHA-256",
    source: "RFC 9155; measured: mosquitto 2.0.11 on OpenSSL 3.0 exits",
    fix: Fix::None,
    check: weak_signature,
};

/// One finding per certificate for which `fault` has something to say.
pub(super) fn each(
    rule: &Rule,
    context: &Context<'_>,
    codes: &[ReasonCode],
    fault: impl Fn(&Served<'_>) -> Option<String>,
) -> Outcome {
    let found = context.served.iter().filter_map(|served| {
        Some(Finding {
            severity: context.severity(served, codes),
            listener: served.port(),
            ..rule.finding(served.place(), fault(served)?)
        })
    });
    Outcome::of_seen(!context.served.is_empty(), found.collect())
}

fn v1(rule: &Rule, context: &Context<'_>) -> Outcome {
    each(rule, context, &[ReasonCode::UnsupportedVersion], |served| {
        let is_v1 = served.leaf.version() == Some(1);
        is_v1.then(|| {
            "the certificate is X.509 version 1: it has no extensions, so it can name no host but by its common name"
                .to_owned()
        })
    })
}

fn leaf_is_ca(rule: &Rule, context: &Context<'_>) -> Outcome {
    each(rule, context, &[ReasonCode::CaAsLeaf, ReasonCode::SelfSigned], |served| {
        is_ca(&served.leaf).then(|| {
            let kind = if served.leaf.is_self_issued() { "a self-signed CA" } else { "a CA" };
            format!("the server presents {kind} certificate ({}) as its own", served.leaf.subject().display())
        })
    })
}

/// Whether basicConstraints say CA:TRUE.
pub(super) fn is_ca(certificate: &Certificate) -> bool {
    certificate.basic_constraints().is_some_and(|b| b.ca)
}

fn weak_key(rule: &Rule, context: &Context<'_>) -> Outcome {
    each(rule, context, &[ReasonCode::WeakAlgorithm], |served| {
        weakness(served.leaf.public_key()).map(|why| format!("the server's key is {why}"))
    })
}

fn weakness(key: &PublicKey) -> Option<String> {
    let is_weak = match key {
        PublicKey::Rsa { .. } => key.bits().is_some_and(|bits| bits < 2048),
        PublicKey::Ec { curve, .. } => matches!(curve, Curve::P192 | Curve::P224),
        _ => false,
    };
    is_weak.then(|| format!("{}: too short", key.display()))
}

fn weak_signature(rule: &Rule, context: &Context<'_>) -> Outcome {
    let found = context.served.iter().filter_map(|served| {
        let hash = served.leaf.signature_algorithm().hash()?;
        if served.leaf.is_self_issued() || !matches!(hash, Hash::Md5 | Hash::Sha1) {
            return None;
        }
        let old = context.versions(served.broker).iter().all(|v| !v.at_least(2, 0, 0));
        let message = format!(
            "the certificate is signed with {}: Mosquitto on OpenSSL 3 does not start with it",
            hash.as_str()
        );
        let severity = if old { Severity::Warning } else { rule.severity };
        Some(Finding { severity, listener: served.port(), ..rule.finding(served.place(), message) })
    });
    Outcome::of_seen(!context.served.is_empty(), found.collect())
}
