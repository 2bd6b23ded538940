//! Revocation lists of client certificates.

use time::Duration;

use super::context::{Context, Heard};
use super::dates::date;
use super::keys::port;
use super::{Outcome, Rule};
use crate::cert::crl::Crl;
use crate::cert::pem;
use crate::deployment::HostFile;
use crate::finding::{Finding, Fix, Severity};
use crate::mosquitto::{ListenerConf, Protocol};
use crate::place::Place;

pub(super) const CRL_MISSING: Rule = Rule {
    id: "crl-missing",
    severity: Severity::Warning,
    what: "client certificates are required, but none can be revoked",
    why: "A stolen client key opens the broker until its certificate ends: there is no crlfile to put it on.",
    cure: "`mqttcert ca crl` makes a list; name it by crlfile",
    source: "mosquitto.conf(5), crlfile; RFC 5280 §5",
    fix: Fix::None,
    check: missing,
};

pub(super) const CRL_EXPIRED: Rule = Rule {
    id: "crl-expired",
    severity: Severity::Error,
    what: "the revocation list has expired, or soon will",
    why: "With an expired list OpenSSL refuses every client certificate: nobody gets in.",
    cure: "`mqttcert ca crl` makes a new one; then SIGHUP. A timer keeps it fresh",
    source: "RFC 5280 §5.1.2.5; measured on 2.0.11",
    fix: Fix::None,
    check: expired,
};

pub(super) const CRL_IGNORED: Rule = Rule {
    id: "crl-ignored",
    severity: Severity::Error,
    what: "a crlfile has no effect",
    why: "Websockets listeners never read it, and without `require_certificate true` no certificate is asked for: \
          revoked clients get in.",
    cure: "give revoked clients no listener where the list is not read: use MQTT over TLS for client certificates",
    source: "measured on 2.0.11",
    fix: Fix::None,
    check: ignored,
};

fn requires(conf: &ListenerConf) -> bool {
    conf.is_tls() && conf.require_certificate.as_ref().is_some_and(|r| r.value)
}

fn crl(context: &Context<'_>, heard: &Heard<'_>) -> Option<(std::path::PathBuf, Crl)> {
    let path = heard.listener.crlfile.as_ref().and_then(HostFile::path)?;
    let bytes = context.tree.read(path).ok()?;
    let der = pem::scan(&bytes).into_iter().find(|b| b.label == "X509 CRL").and_then(|b| b.der)?;
    Some((path.to_owned(), Crl::from_der(&der).ok()?))
}

fn missing(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found = Vec::new();
    let mut seen = false;
    for heard in &context.heard {
        let Some(conf) = heard.conf.filter(|c| requires(c)) else { continue };
        seen = true;
        if conf.crlfile.is_none() {
            let place = conf.require_certificate.as_ref().map(|r| r.place.clone());
            let message = format!("listener {} requires client certificates, but has no crlfile", conf.port);
            found.push(Finding {
                listener: port(heard),
                service: context.service_of(heard.broker),
                ..rule.finding(place, message)
            });
        }
    }
    Outcome::of_seen(seen, found)
}

fn expired(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found: Vec<Finding> = Vec::new();
    let mut seen = false;
    for heard in &context.heard {
        let Some((path, crl)) = crl(context, heard) else { continue };
        let Some(end) = crl.next_update() else { continue };
        seen = true;
        let left = end - context.now;
        let bites = heard.conf.is_some_and(|c| requires(c) && c.protocol == Protocol::Mqtt);
        let message = if left < Duration::ZERO {
            let what = if bites { ": every client certificate is refused" } else { "" };
            format!("the revocation list ended on {}{what}", date(end))
        } else if left <= Duration::days(i64::from(context.warn_days)) {
            format!("the revocation list ends on {}, in {} days", date(end), left.whole_days())
        } else {
            continue;
        };
        let severity = if bites && left < Duration::ZERO { Severity::Error } else { Severity::Warning };
        let finding = Finding { severity, ..rule.finding(Some(Place::file(&path)), message) };
        if !found.contains(&finding) {
            found.push(finding);
        }
    }
    Outcome::of_seen(seen, found)
}

fn ignored(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found = Vec::new();
    let mut seen = false;
    for heard in &context.heard {
        let Some((conf, line)) = heard.conf.and_then(|c| Some((c, c.crlfile.as_ref()?))) else { continue };
        seen = true;
        let message = if conf.protocol == Protocol::Websockets {
            format!("listener {} is a websockets listener: it never reads its crlfile", conf.port)
        } else if conf.is_tls() && !requires(conf) {
            format!("listener {} asks for no client certificate: its crlfile does nothing", conf.port)
        } else {
            continue;
        };
        let revokes = crl(context, heard).is_some_and(|(_, crl)| !crl.revoked().is_empty());
        let lets_in = revokes && requires(conf);
        found.push(Finding {
            severity: if lets_in { Severity::Error } else { Severity::Warning },
            listener: port(heard),
            service: context.service_of(heard.broker),
            ..rule.finding(Some(line.place.clone()), message)
        });
    }
    Outcome::of_seen(seen, found)
}
