//! Listeners: plaintext ones, TLS lines that do nothing, TLS versions.

use super::context::{Context, Heard};
use super::keys::port;
use super::{Outcome, Rule};
use crate::finding::{Finding, Fix, Severity};
use crate::judgement::ReasonCode;
use crate::mosquitto::{ListenerConf, Protocol, Version};
use crate::place::Located;

pub(super) const PLAINTEXT_LISTENER: Rule = Rule {
    id: "plaintext-listener",
    severity: Severity::Warning,
    what: "a listener speaks MQTT without TLS",
    why: "User names, passwords and messages cross the network readable; anybody on it can pose as the broker.",
    cure: "give it certfile and keyfile, or bind it to loopback (`listener 1883 127.0.0.1`)",
    source: "mosquitto.conf(5), certfile and keyfile; MQTT 3.1.1 §5.3",
    fix: Fix::Unsafe,
    check: plaintext,
};

pub(super) const TLS_INCOMPLETE: Rule = Rule {
    id: "tls-incomplete",
    severity: Severity::Error,
    what: "a listener has TLS lines, but speaks plaintext",
    why: "Mosquitto speaks TLS only where certfile and keyfile both stand below the same `listener` line. Up to \
          2.0.20 anything less is plaintext without a word; later releases do not start.",
    cure: "put certfile and keyfile below the `listener` line that they are meant for",
    source: "mosquitto.conf(5); measured: 2.0.11 and 2.0.20 serve plaintext, 2.0.21 and later refuse",
    fix: Fix::None,
    check: incomplete,
};

pub(super) const TLS_VERSION: Rule = Rule {
    id: "tls-version",
    severity: Severity::Error,
    what: "tls_version is old, ignored, or higher than what a client speaks",
    why: "It is the lowest version served. A websockets listener ignores it; a client that is pinned to TLS 1.2, as \
          `PROTOCOL_TLSv1_2` does, is refused by `tlsv1.3`.",
    cure: "write `tls_version tlsv1.2` (1.2 and 1.3 are served)",
    source: "mosquitto.conf(5), tls_version; measured on 2.0.11: websockets listeners serve 1.2 and 1.3 whatever it says",
    fix: Fix::None,
    check: tls_version,
};

fn plaintext(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found = Vec::new();
    for heard in &context.heard {
        let Some(conf) = heard.conf else { continue };
        let incomplete = tls_lines(conf).next().is_some();
        if heard.listener.tls || incomplete || !conf.reaches_out() {
            continue;
        }
        let kind = if conf.protocol == Protocol::Websockets { "websockets" } else { "MQTT" };
        let published = is_published(context, heard);
        let tail = if published { ", and the port is published on the host" } else { "" };
        found.push(Finding {
            listener: port(heard),
            service: context.service_of(heard.broker),
            ..rule.finding(
                Some(conf.place.clone()),
                format!("listener {} speaks {kind} without TLS{tail}", conf.port),
            )
        });
    }
    Outcome::of_seen(!context.heard.is_empty(), found)
}

/// Whether the listener's port is published on more than the host's loopback.
pub(super) fn is_published(context: &Context<'_>, heard: &Heard<'_>) -> bool {
    context.broker(heard.broker).is_some_and(|broker| {
        broker
            .published
            .iter()
            .any(|p| p.container == heard.listener.port && p.host_ip.is_none_or(|ip| !ip.is_loopback()))
    })
}

/// The lines of a listener that mean TLS and do nothing, because certfile or keyfile is missing.
fn tls_lines(conf: &ListenerConf) -> impl Iterator<Item = (&'static str, crate::place::Place)> {
    let text =
        |name: &'static str, line: &Option<Located<String>>| line.as_ref().map(|l| (name, l.place.clone()));
    let flag = |name: &'static str, line: &Option<Located<bool>>| {
        line.as_ref().filter(|l| l.value).map(|l| (name, l.place.clone()))
    };
    let all = if conf.has_pair() || (conf.psk_hint.is_some() && conf.is_tls()) {
        Vec::new()
    } else {
        vec![
            text("certfile", &conf.certfile),
            text("keyfile", &conf.keyfile),
            flag("require_certificate", &conf.require_certificate),
            flag("use_identity_as_username", &conf.use_identity_as_username),
            flag("use_subject_as_username", &conf.use_subject_as_username),
            text("cafile", &conf.cafile),
            text("capath", &conf.capath),
            text("crlfile", &conf.crlfile),
            text("tls_version", &conf.tls_version),
            text("ciphers", &conf.ciphers),
        ]
    };
    all.into_iter().flatten()
}

fn incomplete(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found = Vec::new();
    for heard in &context.heard {
        let Some(conf) = heard.conf else { continue };
        let service = context.service_of(heard.broker);
        if let Some((line, place)) = tls_lines(conf).next() {
            let missing = match (&conf.certfile, &conf.keyfile) {
                (Some(_), None) => "keyfile is missing",
                (None, Some(_)) => "certfile is missing",
                _ => "certfile and keyfile are missing",
            };
            let refused = context.versions(heard.broker).iter().all(|v| v.at_least(2, 0, 21))
                && matches!(line, "certfile" | "keyfile" | "cafile" | "capath");
            let meant = matches!(line, "certfile" | "keyfile" | "require_certificate");
            let end = match (refused, conf.is_tls()) {
                (true, _) => "Mosquitto 2.0.21 and later do not start",
                (false, true) => "every handshake fails",
                (false, false) => "it speaks plaintext",
            };
            found.push(Finding {
                severity: if refused || meant { Severity::Error } else { Severity::Warning },
                listener: port(heard),
                service,
                ..rule
                    .finding(Some(place), format!("listener {} has {line}, but {missing}: {end}", conf.port))
            });
        } else if let Some(message) = misplaced(context, heard, conf) {
            found.push(Finding {
                listener: port(heard),
                service,
                ..rule.finding(Some(message.1), message.0)
            });
        }
    }
    Outcome::of_seen(!context.heard.is_empty(), found)
}

/// TLS lines that belong to another listener than they seem to.
fn misplaced(
    context: &Context<'_>,
    heard: &Heard<'_>,
    conf: &ListenerConf,
) -> Option<(String, crate::place::Place)> {
    let whole = context.broker(heard.broker)?.conf.as_ref()?;
    let first = whole.directives.iter().position(|d| d.keyword == "listener");
    let certfile = whole.directives.iter().position(|d| d.keyword == "certfile");
    if conf.local_only {
        let place = whole.directives.get(certfile?)?.place.clone();
        let message = "no `listener` line stands in the file: Mosquitto listens on loopback only, in plaintext, and the \
                       TLS lines do nothing";
        return Some((message.to_owned(), place));
    }
    let is_default = conf.place.line == 0 && conf.is_tls();
    let others: Vec<String> = whole
        .listeners
        .iter()
        .filter(|l| !l.is_tls() && l.place.line > 0)
        .map(|l| l.port.to_string())
        .collect();
    if is_default && certfile? < first? && !others.is_empty() {
        let place = whole.directives.get(certfile?)?.place.clone();
        let message = format!(
            "certfile and keyfile stand above the first `listener` line: they open a TLS listener on {}, and {} stays \
             plaintext",
            conf.port,
            others.join(", ")
        );
        return Some((message, place));
    }
    None
}

fn tls_version(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found = Vec::new();
    let mut seen = false;
    for heard in &context.heard {
        let Some(conf) = heard.conf.filter(|c| c.is_tls()) else { continue };
        let Some(version) = &conf.tls_version else { continue };
        seen = true;
        let refused = context
            .clients()
            .filter(|(client, judged)| {
                context.listener_of(client).is_some_and(|h| std::ptr::eq(h.listener, heard.listener))
                    && judged.refused_for(&[ReasonCode::TlsVersion])
            })
            .filter_map(|(client, _)| client.service.clone())
            .collect::<Vec<_>>();
        let (severity, message) = if !refused.is_empty() {
            (
                Severity::Error,
                format!("{} cannot speak {}, the lowest version served", refused.join(", "), version.value),
            )
        } else if conf.protocol == Protocol::Websockets && version.value == "tlsv1.3" {
            (Severity::Warning, "a websockets listener ignores tls_version: TLS 1.2 is served too".to_owned())
        } else if version.value == "tlsv1.1" {
            (
                Severity::Warning,
                "tlsv1.1 asks for a version that no client should speak (RFC 8996)".to_owned(),
            )
        } else {
            continue;
        };
        found.push(Finding {
            severity,
            listener: port(heard),
            service: context.service_of(heard.broker),
            ..rule.finding(Some(version.place.clone()), message)
        });
    }
    Outcome::of_seen(seen, found)
}

impl Context<'_> {
    /// The releases that a broker may be, oldest first.
    pub(super) fn versions(&self, broker: usize) -> Vec<Version> {
        let service = self.service_of(broker).and_then(|name| self.service(&name).cloned());
        match service {
            None => vec![Version::DEBIAN_12, Version::LAST_2_0, Version::V2_1],
            Some(service) => match &service.image {
                Some(image) if image.value.contains("mosquitto") => Version::of_image(&image.value),
                _ => vec![Version::LAST_2_0, Version::V2_1],
            },
        }
    }

    /// Whether the image tells the release: one of another maker without a number in its tag may run Mosquitto 1, which
    /// lets everybody in where `allow_anonymous` is not written.
    pub(super) fn release_is_known(&self, broker: usize) -> bool {
        let service = self.service_of(broker).and_then(|name| self.service(&name));
        let image = service.and_then(|s| s.image.as_ref()).map_or("", |i| i.value.as_str());
        let tag = image.rsplit('/').next().and_then(|n| n.split_once(':')).map_or("", |(_, tag)| tag);
        image.is_empty()
            || image.contains("eclipse-mosquitto")
            || tag.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit())
    }
}
