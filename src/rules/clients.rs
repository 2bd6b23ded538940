//! Clients: do they speak what the listener speaks, is there a listener, do they trust its CA.

use std::path::Path;

use super::context::Context;
use super::{Outcome, Rule};
use crate::cert::signature::{self, Check};
use crate::deployment::{Client, FlagEffect, Host, Transport, Trust};
use crate::finding::{Finding, Fix, Severity};
use crate::judgement::ReasonCode;

pub(super) const CA_NOT_TRUSTED: Rule = Rule {
    id: "ca-not-trusted",
    severity: Severity::Error,
    what: "a client has no CA file, or another one than the broker's",
    why: "Without the CA that signed the broker's certificate the client refuses it, or falls back to plaintext.",
    cure: "mount the CA's certificate (not its key) into the client, and name it there",
    source: "RFC 5280 §6.1.1 (d)",
    fix: Fix::Safe,
    check: ca_not_trusted,
};

pub(super) const NO_LISTENER: Rule = Rule {
    id: "no-listener",
    severity: Severity::Error,
    what: "a client dials a port on which the broker does not listen",
    why: "The connection is refused.",
    cure: "dial a port that the configuration opens, or add the listener",
    source: "mosquitto.conf(5), listener",
    fix: Fix::None,
    check: no_listener,
};

pub(super) const TLS_MISMATCH: Rule = Rule {
    id: "tls-mismatch",
    severity: Severity::Error,
    what: "a client speaks plaintext to a TLS listener, or TLS to a plaintext one",
    why: "Mosquitto closes the connection; the client sees \"connection lost\" or \"a TLS error occurred\" and tries \
          again for ever.",
    cure: "give the client TLS and the CA (`check --diff` shows the edit), or dial the other listener",
    source: "measured: mosquitto_pub exits 7 and 8",
    fix: Fix::Unsafe,
    check: tls_mismatch,
};

/// Healthchecks have a rule of their own.
fn known<'c>(context: &'c Context<'_>) -> impl Iterator<Item = &'c Client> {
    context.deployment.clients.iter().filter(|c| !c.via.contains("healthcheck"))
}

fn who(client: &Client) -> String {
    let program = client.place.as_ref().filter(|_| !client.is_deployed()).and_then(|p| p.file.file_name());
    let beside = || program.map_or_else(|| "a client".to_owned(), |f| f.to_string_lossy().into_owned());
    client.service.clone().unwrap_or_else(beside)
}

fn about(rule: &Rule, client: &Client, message: String) -> Finding {
    Finding {
        service: client.service.clone(),
        listener: client.broker_port.or(client.port),
        names: vec![client.name.as_str().to_owned()],
        // Nothing says that a program which no service runs is in use.
        severity: if client.is_deployed() { rule.severity } else { Severity::Warning },
        ..rule.finding(client.place.clone(), message)
    }
}

fn tls_mismatch(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found = Vec::new();
    let mut seen = false;
    for client in known(context) {
        let Some(heard) = context.listener_of(client).filter(|h| h.conf.is_some()) else { continue };
        seen = true;
        let tls = heard.listener.tls;
        let message = match (client.transport, tls) {
            (Transport::Plain, true) => {
                format!(
                    "{} speaks plaintext to listener {}, which speaks TLS",
                    who(client),
                    heard.listener.port
                )
            }
            (Transport::Tls, false) => {
                format!(
                    "{} speaks TLS to listener {}, which speaks plaintext",
                    who(client),
                    heard.listener.port
                )
            }
            _ => continue,
        };
        found.push(about(rule, client, message));
    }
    Outcome::of_seen(seen, found)
}

fn no_listener(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found = Vec::new();
    let mut seen = false;
    for client in known(context) {
        let Some((index, port)) = client.broker.zip(client.broker_port.or(client.port)) else { continue };
        if !context.listeners_are_known(index) {
            continue;
        }
        seen = true;
        let Some(broker) = context.broker(index) else { continue };
        let own = client.service.is_some() && client.service == context.service_of(index);
        let message = match context.listener_of(client) {
            Some(heard) => match heard.conf {
                Some(conf) if !conf.reaches_out() && !own && !client.name.is_loopback() => {
                    format!(
                        "{} dials port {port}, but the broker listens there on loopback only",
                        who(client)
                    )
                }
                _ => continue,
            },
            None => {
                let all: Vec<String> =
                    broker.listeners.iter().filter(|l| l.port != 0).map(|l| l.port.to_string()).collect();
                if all.is_empty() {
                    continue;
                }
                format!(
                    "{} dials port {port}, but the broker listens on {} only",
                    who(client),
                    all.join(", ")
                )
            }
        };
        found.push(about(rule, client, message));
    }
    Outcome::of_seen(seen, found)
}

fn ca_not_trusted(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found = Vec::new();
    let mut seen = false;
    for (client, judged) in context.clients() {
        if client.transport != Transport::Tls {
            continue;
        }
        let skips_all =
            client.flag.as_ref().is_some_and(|f| f.insecure_now && f.effect == FlagEffect::Everything);
        let message = match &client.trust {
            Trust::File(file) => {
                seen = true;
                let named = &file.named.value;
                match &file.host {
                    Host::Absent(why) => {
                        format!(
                            "{} looks for its CA at {named}, where nothing is mounted ({why})",
                            who(client)
                        )
                    }
                    Host::At(path) => match another(context, client, path) {
                        Some(why) => format!("{} trusts {}, {why}", who(client), path.display()),
                        None => continue,
                    },
                    _ => continue,
                }
            }
            Trust::System if is_private(context, client) => {
                seen = true;
                format!(
                    "{} trusts the system's CAs only; the broker's certificate is by a private one",
                    who(client)
                )
            }
            _ => continue,
        };
        let certain = match client.trust {
            Trust::File(_) => !judged.now().is_accept(),
            _ => judged.refused_for(&[ReasonCode::UnknownIssuer, ReasonCode::SelfSigned]),
        };
        let severity =
            if certain && !skips_all && client.is_deployed() { Severity::Error } else { Severity::Warning };
        found.push(Finding { severity, ..about(rule, client, message) });
    }
    Outcome::of_seen(seen, found)
}

/// Why the certificates in a trust file do not lead to what the listener serves; `None` if they do, or nothing is
/// known.
fn another(context: &Context<'_>, client: &Client, trust: &Path) -> Option<String> {
    let port = client.broker_port.or(client.port);
    let served = context.served.iter().find(|s| {
        client.broker == Some(s.broker)
            && port.is_none_or(|p| s.listeners.iter().any(|l| l.port == p || l.port == 0))
    })?;
    let anchors = context.certificates(trust);
    if anchors.is_empty() {
        return Some("in which no certificate can be read".to_owned());
    }
    let theirs = served.ca.iter().flat_map(|(_, all)| all);
    let mut last = served.leaf.clone();
    for _ in 0..10 {
        if anchors.iter().any(|a| a.sha256() == last.sha256() || a.spki_der() == last.spki_der()) {
            return None;
        }
        let named: Vec<_> = anchors.iter().filter(|a| a.subject().der() == last.issuer().der()).collect();
        if named.iter().any(|a| signature::verify(a.spki_der(), &last) != Check::Bad) {
            return None;
        }
        if !named.is_empty() {
            return Some("another CA of the same name".to_owned());
        }
        let sent = served.rest.iter().chain(theirs.clone());
        let next =
            sent.clone().find(|c| c.subject().der() == last.issuer().der() && c.sha256() != last.sha256());
        match next {
            Some(issuer) => last = issuer.clone(),
            None => break,
        }
    }
    Some("which did not sign the broker's certificate".to_owned())
}

/// Whether the certificate that the client meets hangs below a root that is no public one, as far as can be told.
fn is_private(context: &Context<'_>, client: &Client) -> bool {
    let served = context.served.iter().find(|s| client.broker == Some(s.broker));
    served.is_some_and(|s| s.leaf.is_self_issued() || s.ca.is_some())
}
