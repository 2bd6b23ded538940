//! Names: what clients dial against what the certificate presents (RFC 9525).

use std::collections::BTreeSet;

use super::context::{Context, Served};
use super::{Outcome, Rule};
use crate::cert::Certificate;
use crate::finding::{Finding, Fix, Severity};
use crate::judgement::{Judgement, Leniency, ReasonCode};
use crate::name::{PeerName, San};

pub(super) const SAN_MISSING: Rule = Rule {
    id: "san-missing",
    severity: Severity::Error,
    what: "a name that clients dial is in no subjectAltName of the server's certificate",
    why: "A client that follows RFC 9525 compares the name it dials with the SANs and with nothing else: it refuses \
          the certificate, or somebody switches verification off to get through.",
    cure: "`mqttcert reissue` writes every name that is dialled into the certificate",
    source: "RFC 9525 §6.3; RFC 5280 §4.2.1.6",
    fix: Fix::None,
    check: san_missing,
};

pub(super) const CN_ONLY: Rule = Rule {
    id: "cn-only",
    severity: Severity::Warning,
    what: "a client accepts the certificate only by falling back to its common name",
    why: "The fallback is gone from Go, rustls, Chromium and Python's ssl with `hostname_checks_common_name = False`: \
          the next library or language that dials this name will refuse it.",
    cure: "`mqttcert reissue` puts the name where every client looks for it",
    source: "RFC 9525 §1.2 and §6.3: the common name is not a name of the server",
    fix: Fix::None,
    check: cn_only,
};

pub(super) const NAME_NOT_COVERED: Rule = Rule {
    id: "name-not-covered",
    severity: Severity::Error,
    what: "a client dials a name that its TLS stack will not accept from this certificate",
    why: "The handshake ends with a name mismatch; with the flag that skips the check, anybody with a certificate \
          of the same CA can pose as the broker.",
    cure: "`mqttcert reissue` adds the name; or let the client dial a name that is covered",
    source: "RFC 9525 §6.3",
    fix: Fix::None,
    check: name_not_covered,
};

const NAME_CODES: &[ReasonCode] = &[ReasonCode::NameMismatch, ReasonCode::NoSan, ReasonCode::InvalidName];

fn san_missing(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found = Vec::new();
    let mut seen = false;
    for served in &context.served {
        let names = wanted(context, served);
        seen |= !names.is_empty();
        let missing: Vec<String> =
            names.iter().filter(|n| !covers(&served.leaf, n)).map(|n| n.as_str().to_owned()).collect();
        if missing.is_empty() {
            continue;
        }
        let all = missing.join(", ");
        let message = if served.leaf.has_san() {
            let present: Vec<String> =
                served.leaf.sans().iter().filter_map(San::as_peer_name).map(|n| n.to_string()).collect();
            format!("{all}: dialled, but in no SAN of the certificate (it names {})", present.join(", "))
        } else {
            format!("{all}: dialled, but the certificate has no SAN at all")
        };
        found.push(Finding {
            severity: context.severity(served, NAME_CODES),
            listener: served.port(),
            names: missing,
            ..rule.finding(served.place(), message)
        });
    }
    Outcome::of_seen(seen, found)
}

fn cn_only(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found = Vec::new();
    for served in &context.served {
        let common: Vec<String> = served.leaf.subject().common_names();
        let leans = |name: &PeerName| {
            !covers(&served.leaf, name)
                && !has_dns_san(&served.leaf)
                && common.iter().any(|cn| cn.eq_ignore_ascii_case(name.as_str()))
        };
        let mut names: BTreeSet<String> = BTreeSet::new();
        for (client, judged) in context.clients_of(served) {
            let name = client.verifies_name.as_ref().unwrap_or(&client.name);
            let by_stack = matches!(&judged.verify, Judgement::Accept { relies_on }
                if relies_on.contains(&Leniency::CommonNameFallback));
            let refused = judged.verify.is_refuse();
            if by_stack || (leans(name) && !refused) {
                names.insert(name.as_str().to_owned());
            }
        }
        if names.is_empty() {
            continue;
        }
        let names: Vec<String> = names.into_iter().collect();
        let message =
            format!("{} is accepted only because it is the certificate's common name", names.join(", "));
        found.push(Finding { listener: served.port(), names, ..rule.finding(served.place(), message) });
    }
    Outcome::of_seen(!context.served.is_empty(), found)
}

fn name_not_covered(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found = Vec::new();
    let mut seen = false;
    for served in &context.served {
        for (client, judged) in context.clients_of(served) {
            seen = true;
            let name = client.verifies_name.as_ref().unwrap_or(&client.name);
            let refuses = judged.would_refuse_for(NAME_CODES);
            let is_foreign = has_dns_san(&served.leaf) && !covers(&served.leaf, name);
            let is_open = is_foreign && !judged.verify.is_accept();
            if !refuses && !is_open {
                continue;
            }
            let who = client.service.as_deref().unwrap_or("a client");
            let severity = if client.is_deployed() && judged.refused_for(NAME_CODES) {
                Severity::Error
            } else {
                Severity::Warning
            };
            let tail = if judged.is_on { "; only its flag lets it through" } else { "" };
            found.push(Finding {
                severity,
                service: client.service.clone(),
                listener: client.broker_port.or(client.port),
                names: vec![name.as_str().to_owned()],
                ..rule.finding(
                    client.place.clone().or_else(|| served.place()),
                    format!("{who} dials {name}, which the certificate does not cover{tail}"),
                )
            });
        }
    }
    Outcome::of_seen(seen, found)
}

/// The names that clients verify against this certificate.
fn wanted(context: &Context<'_>, served: &Served<'_>) -> BTreeSet<PeerName> {
    let verified = |c: &crate::deployment::Client| c.verifies_name.clone().unwrap_or_else(|| c.name.clone());
    context.clients_of(served).map(|(client, _)| verified(client)).collect()
}

fn has_dns_san(leaf: &Certificate) -> bool {
    leaf.sans().iter().any(|s| matches!(s, San::Dns(_)))
}

/// Whether a SAN presents this name (RFC 9525 §6.3): DNS names without regard to case, a wildcard only as the whole
/// leftmost label, addresses only by iPAddress.
fn covers(leaf: &Certificate, name: &PeerName) -> bool {
    leaf.sans().iter().any(|san| match (san, name.ip()) {
        (San::Ip(octets), Some(ip)) => match ip {
            std::net::IpAddr::V4(v4) => octets.as_slice() == v4.octets(),
            std::net::IpAddr::V6(v6) => octets.as_slice() == v6.octets(),
        },
        (San::Dns(pattern), None) => {
            std::str::from_utf8(pattern).is_ok_and(|p| dns_covers(p, name.as_str().trim_end_matches('.')))
        }
        _ => false,
    })
}

fn dns_covers(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(suffix) => name.split_once('.').is_some_and(|(label, rest)| {
            !label.is_empty() && suffix.contains('.') && rest.eq_ignore_ascii_case(suffix)
        }),
        None => pattern.eq_ignore_ascii_case(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_the_whole_leftmost_label() {
        assert!(dns_covers("*.example.com", "mqtt.example.com"));
        assert!(dns_covers("MQTT", "mqtt"));
        assert!(!dns_covers("*.example.com", "a.b.example.com"));
        assert!(!dns_covers("*.com", "example.com"));
        assert!(!dns_covers("m*.example.com", "mqtt.example.com"));
    }
}
