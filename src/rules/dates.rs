//! Dates: what has ended, what will, and what lasts too long.

use time::{Duration, OffsetDateTime};

use super::certificate::each;
use super::context::{Context, Served};
use super::{Outcome, Rule};
use crate::cert::Certificate;
use crate::finding::{Finding, Fix, Severity};
use crate::judgement::ReasonCode;
use crate::place::Place;

/// The longest validity that every platform takes for a private CA's server certificate (Apple, since 2019).
const MAX_DAYS: i64 = 825;

pub(super) const EXPIRED: Rule = Rule {
    id: "expired",
    severity: Severity::Error,
    what: "the server's certificate has expired",
    why: "Mosquitto starts with it and says nothing; every client that looks at dates refuses it.",
    cure: "`mqttcert reissue` makes a new one for the same key",
    source: "RFC 5280 §4.1.2.5 and §6.1.3 (a)(2)",
    fix: Fix::None,
    check: expired,
};

pub(super) const EXPIRING: Rule = Rule {
    id: "expiring",
    severity: Severity::Warning,
    what: "the server's or the CA's certificate ends soon",
    why: "On that day every client is refused at once.",
    cure: "`mqttcert reissue` for the server, `mqttcert ca renew` for the CA",
    source: "RFC 5280 §4.1.2.5",
    fix: Fix::None,
    check: expiring,
};

pub(super) const NOT_YET_VALID: Rule = Rule {
    id: "not-yet-valid",
    severity: Severity::Error,
    what: "the server's certificate is not valid yet",
    why: "Clients refuse it until its notBefore; mostly a clock was wrong when it was made.",
    cure: "check the clock, then `mqttcert reissue --force`",
    source: "RFC 5280 §4.1.2.5 and §6.1.3 (a)(2)",
    fix: Fix::None,
    check: not_yet_valid,
};

pub(super) const CA_EXPIRED: Rule = Rule {
    id: "ca-expired",
    severity: Severity::Error,
    what: "the CA's certificate has expired, or is not valid yet",
    why: "Every certificate below it is refused with it, however new.",
    cure: "`mqttcert ca renew` keeps its key and name, so that certificates below it stay good; then give the new \
           ca.crt to every client",
    source: "RFC 5280 §6.1.3 (a)(2)",
    fix: Fix::None,
    check: ca_expired,
};

pub(super) const OUTLIVES_CA: Rule = Rule {
    id: "outlives-ca",
    severity: Severity::Warning,
    what: "the server's certificate is valid for longer than its CA's",
    why: "It looks good until a date on which it is worthless: the CA's end counts.",
    cure: "`mqttcert ca renew`, or `mqttcert reissue --days N` with fewer days",
    source: "RFC 5280 §6.1.3 (a)(2)",
    fix: Fix::None,
    check: outlives_ca,
};

pub(super) const LONG_VALIDITY: Rule = Rule {
    id: "long-validity",
    severity: Severity::Warning,
    what: "the server's certificate is valid for more than 825 days",
    why: "Apple's platforms refuse such a certificate from a private CA too, and a stolen key stays useful for years.",
    cure: "`mqttcert reissue` (825 days), run by a timer",
    source: "Apple HT210176: 825 days for certificates issued after 1 July 2019",
    fix: Fix::None,
    check: long_validity,
};

fn expired(rule: &Rule, context: &Context<'_>) -> Outcome {
    each(rule, context, &[ReasonCode::Expired], |served| {
        let end = served.leaf.not_after()?;
        (end < context.now).then(|| format!("the certificate expired on {}", date(end)))
    })
}

fn expiring(rule: &Rule, context: &Context<'_>) -> Outcome {
    let soon = |certificate: &Certificate| {
        let end = certificate.not_after()?;
        let left = end - context.now;
        let near = left >= Duration::ZERO && left <= Duration::days(i64::from(context.warn_days));
        near.then(|| format!("ends on {}, in {} days", date(end), left.whole_days()))
    };
    let mut found = Vec::new();
    for served in &context.served {
        if let Some(when) = soon(&served.leaf) {
            let message = format!("the server's certificate {when}");
            found.push(Finding { listener: served.port(), ..rule.finding(served.place(), message) });
        }
        for (place, ca) in authorities(served) {
            if let Some(when) = soon(ca) {
                let message = format!("the CA's certificate ({}) {when}", ca.subject().display());
                found.push(Finding { listener: served.port(), ..rule.finding(Some(place), message) });
            }
        }
    }
    Outcome::of_seen(!context.served.is_empty(), found)
}

fn not_yet_valid(rule: &Rule, context: &Context<'_>) -> Outcome {
    each(rule, context, &[ReasonCode::NotYetValid], |served| {
        let start = served.leaf.not_before()?;
        (start > context.now).then(|| format!("the certificate is valid only from {} on", date(start)))
    })
}

fn ca_expired(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found = Vec::new();
    for served in &context.served {
        for (place, ca) in authorities(served) {
            let fault = match (ca.not_before(), ca.not_after()) {
                (_, Some(end)) if end < context.now => format!("expired on {}", date(end)),
                (Some(start), _) if start > context.now => format!("is valid only from {} on", date(start)),
                _ => continue,
            };
            let codes = [ReasonCode::Expired, ReasonCode::NotYetValid, ReasonCode::CaUnusable];
            found.push(Finding {
                severity: context.severity(served, &codes),
                listener: served.port(),
                ..rule.finding(
                    Some(place),
                    format!("the CA's certificate ({}) {fault}", ca.subject().display()),
                )
            });
        }
    }
    Outcome::of_seen(context.served.iter().any(|s| s.ca.is_some()), found)
}

fn outlives_ca(rule: &Rule, context: &Context<'_>) -> Outcome {
    each(rule, context, &[], |served| {
        let issuer = served.issuer().filter(|_| !served.leaf.is_self_issued())?;
        let (leaf, ca) = (served.leaf.not_after()?, issuer.not_after()?);
        (leaf > ca).then(|| {
            let (until, end) = (date(leaf), date(ca));
            if until == end {
                let seconds = (leaf - ca).whole_seconds();
                return format!(
                    "the certificate says it is valid until {until}, {seconds} seconds longer than its CA"
                );
            }
            format!("the certificate says it is valid until {until}, but its CA ends on {end}")
        })
    })
}

fn long_validity(rule: &Rule, context: &Context<'_>) -> Outcome {
    each(rule, context, &[], |served| {
        let days = (served.leaf.not_after()? - served.leaf.not_before()?).whole_days();
        (days > MAX_DAYS).then(|| format!("the certificate is valid for {days} days, more than {MAX_DAYS}"))
    })
}

/// The CA certificates above a leaf: the issuers found in its own file or in the CA file, up to the root.
fn authorities<'s>(served: &'s Served<'_>) -> Vec<(Place, &'s Certificate)> {
    let mut found = Vec::new();
    let mut issuer = served.leaf.issuer().der();
    let in_file = |place: &std::path::Path, c: &'s Certificate| (Place::file(place), c);
    for _ in 0..10 {
        let own = served.rest.iter().map(|c| in_file(&served.file, c));
        let theirs = served.ca.iter().flat_map(|(p, all)| all.iter().map(move |c| (Place::file(p), c)));
        let Some((place, ca)) = own.chain(theirs).find(|(_, c)| c.subject().der() == issuer) else { break };
        if ca.sha256() == served.leaf.sha256() {
            break;
        }
        issuer = ca.issuer().der();
        let is_root = ca.is_self_issued();
        found.push((place, ca));
        if is_root {
            break;
        }
    }
    found
}

/// `2028-02-15`.
pub(super) fn date(at: OffsetDateTime) -> String {
    at.to_offset(time::UtcOffset::UTC).date().to_string()
}
