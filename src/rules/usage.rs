//! What the certificates may be used for: keyUsage, extendedKeyUsage, and the CA's right to sign.

use super::certificate::{each, is_ca};
use super::context::Context;
use super::{Outcome, Rule};
use crate::cert::algorithm::PublicKey;
use crate::cert::extension::KeyUsage;
use crate::cert::oid;
use crate::finding::{Finding, Fix, Severity};
use crate::judgement::ReasonCode;
use crate::place::Place;

pub(super) const CA_KEY_USAGE: Rule = Rule {
    id: "ca-key-usage",
    severity: Severity::Error,
    what: "the CA's certificate does not say that it may sign certificates",
    why: "OpenSSL's `req -x509` leaves keyUsage out; strict verifiers (Python 3.13's default context) refuse every \
          certificate below such a CA. A new server certificate cannot cure that.",
    cure: "`mqttcert ca renew` signs it anew with the same key and name, plus keyUsage; old clients keep working",
    source: "RFC 5280 §4.2.1.3 and §4.2.1.9",
    fix: Fix::None,
    check: ca_key_usage,
};

pub(super) const PURPOSE: Rule = Rule {
    id: "purpose",
    severity: Severity::Error,
    what: "the server's certificate is not meant for servers",
    why: "With an extendedKeyUsage that leaves serverAuth out, clients refuse it.",
    cure: "`mqttcert reissue` writes serverAuth",
    source: "RFC 5280 §4.2.1.12",
    fix: Fix::None,
    check: purpose,
};

pub(super) const KEY_USAGE: Rule = Rule {
    id: "key-usage",
    severity: Severity::Error,
    what: "the server's keyUsage does not allow what TLS does with the key",
    why: "TLS 1.3 and every (EC)DHE suite sign the handshake: without digitalSignature strict clients refuse.",
    cure: "`mqttcert reissue` writes digitalSignature (for RSA also keyEncipherment)",
    source: "RFC 8446 §4.4.2.2; RFC 5280 §4.2.1.3",
    fix: Fix::None,
    check: key_usage,
};

fn ca_key_usage(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found = Vec::new();
    for served in &context.served {
        let Some(issuer) = served.issuer().filter(|i| i.sha256() != served.leaf.sha256()) else { continue };
        let fault = match (issuer.key_usage(), is_ca(issuer)) {
            (Some(usage), _) if !usage.any(KeyUsage::KEY_CERT_SIGN) => {
                format!("has a keyUsage ({}) without keyCertSign", usage.display())
            }
            (_, false) if issuer.version() == Some(1) => {
                "is X.509 version 1 and cannot say that it is a CA".to_owned()
            }
            (_, false) => "does not say CA:TRUE".to_owned(),
            (None, true) => "has no keyUsage".to_owned(),
            _ => continue,
        };
        let codes = [ReasonCode::NotACa, ReasonCode::Strict, ReasonCode::CaUnusable, ReasonCode::KeyUsage];
        let place = served.ca.as_ref().map(|(path, _)| Place::file(path)).or_else(|| served.place());
        found.push(Finding {
            severity: context.severity(served, &codes),
            listener: served.port(),
            ..rule.finding(place, format!("the CA's certificate ({}) {fault}", issuer.subject().display()))
        });
    }
    Outcome::of_seen(!context.served.is_empty(), found)
}

fn purpose(rule: &Rule, context: &Context<'_>) -> Outcome {
    each(rule, context, &[ReasonCode::Purpose], |served| {
        let usages = served.leaf.extended_key_usage()?;
        let fits = usages.iter().any(|u| u == oid::EKU_SERVER || u == oid::EKU_ANY);
        (!fits).then(|| {
            let all: Vec<String> = usages.iter().map(|u| oid::describe(u)).collect();
            format!("the certificate is for {} only, not for servers", all.join(", "))
        })
    })
}

fn key_usage(rule: &Rule, context: &Context<'_>) -> Outcome {
    each(rule, context, &[ReasonCode::KeyUsage, ReasonCode::Strict], |served| {
        let usage = served.leaf.key_usage()?;
        if usage.any(KeyUsage::DIGITAL_SIGNATURE) || is_ca(&served.leaf) {
            return None;
        }
        let rsa = matches!(served.leaf.public_key(), PublicKey::Rsa { .. });
        let only =
            if rsa { "RSA key exchange, which TLS 1.3 does not have" } else { "nothing that TLS does" };
        Some(format!("the certificate's keyUsage is {}: it allows {only}", usage.display()))
    })
}
