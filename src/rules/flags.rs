//! Flags that switch verification off.

use super::context::Context;
use super::judged::Judged;
use super::{Outcome, Rule};
use crate::deployment::{Client, Flag, FlagEffect, Transport, is_true_word};
use crate::finding::{Finding, Fix, Severity};
use crate::judgement::Judgement;

pub(super) const INSECURE_UNNEEDED: Rule = Rule {
    id: "insecure-unneeded",
    severity: Severity::Warning,
    what: "verification is switched off, though the client would accept the certificate",
    why: "The flag protects nothing and lets anybody pose as the broker who has a certificate of the same CA, or any.",
    cure: "switch it off: `mqttcert verdict --update-env FILE`, or the line itself",
    source: "RFC 9525 §6.3; paho-mqtt tls_insecure_set",
    fix: Fix::Safe,
    check: unneeded,
};

pub(super) const INSECURE_NEEDED: Rule = Rule {
    id: "insecure-needed",
    severity: Severity::Error,
    what: "a client needs its flag, because it would refuse the certificate without",
    why: "Switched off, the client cannot connect; switched on, the broker's name is not checked.",
    cure: "`mqttcert reissue` makes a certificate that it accepts; then switch the flag off",
    source: "RFC 9525 §6.3",
    fix: Fix::None,
    check: needed,
};

pub(super) const INSECURE_WITHOUT_EFFECT: Rule = Rule {
    id: "insecure-without-effect",
    severity: Severity::Warning,
    what: "a flag for verification does nothing",
    why: "It is spelled so that the code does not see it, nobody reads it, or it stands where no TLS is spoken: \
          whoever reads the file believes the opposite of what happens.",
    cure: "take the line out, or spell it as the client's code does",
    source: "the client's own code or documentation",
    fix: Fix::Safe,
    check: without_effect,
};

pub(super) const INSECURE_EVERYTHING: Rule = Rule {
    id: "insecure-everything",
    severity: Severity::Warning,
    what: "a flag switches off all verification, not only that of the name",
    why: "The client then talks to anybody, with any certificate; the password goes to whoever answers.",
    cure: "give the client the CA file and switch the flag off",
    source: "mosquitto_pub(1) --insecure; Node.js tls rejectUnauthorized; Go crypto/tls InsecureSkipVerify",
    fix: Fix::None,
    check: everything,
};

fn each(
    rule: &Rule,
    context: &Context<'_>,
    judge: impl Fn(&Client, &Flag, &Judged) -> Option<(Severity, String)>,
) -> Outcome {
    let mut found: Vec<Finding> = Vec::new();
    let mut seen = false;
    for (client, judged) in context.clients() {
        let Some(flag) = &client.flag else { continue };
        seen = true;
        let Some((severity, message)) = judge(client, flag, judged) else { continue };
        let finding = Finding {
            severity,
            service: client.service.clone(),
            listener: client.broker_port.or(client.port),
            names: vec![client.name.as_str().to_owned()],
            ..rule.finding(flag.place.clone().or_else(|| client.place.clone()), message)
        };
        if !found.iter().any(|f| f.place == finding.place && f.service == finding.service) {
            found.push(finding);
        }
    }
    Outcome::of_seen(seen, found)
}

fn subject(client: &Client, flag: &Flag) -> String {
    let who = client.service.as_deref().unwrap_or("a client");
    if flag.value.is_empty() || flag.value == flag.spelling {
        return format!("{who}: {}", flag.spelling);
    }
    format!("{who}: {}={}", flag.spelling, flag.value)
}

fn unneeded(rule: &Rule, context: &Context<'_>) -> Outcome {
    each(rule, context, |client, flag, judged| {
        let on =
            flag.insecure_now && flag.effect != FlagEffect::Nothing && client.transport == Transport::Tls;
        if !on || !judged.verify.is_accept() {
            return None;
        }
        let leans: Vec<&str> = match &judged.verify {
            Judgement::Accept { relies_on } => relies_on.iter().map(|l| l.as_str()).collect(),
            _ => Vec::new(),
        };
        let tail =
            if leans.is_empty() { String::new() } else { format!(", relying on {}", leans.join(", ")) };
        Some((
            Severity::Warning,
            format!(
                "{} without need: it accepts the certificate for {} without{tail}",
                subject(client, flag),
                client.name
            ),
        ))
    })
}

fn needed(rule: &Rule, context: &Context<'_>) -> Outcome {
    each(rule, context, |client, flag, judged| {
        let Judgement::Refuse(reasons) = &judged.verify else { return None };
        if flag.effect == FlagEffect::Nothing || !judged.with_flag.is_accept() {
            return None;
        }
        let why = reasons.first().map(|r| r.detail.clone()).unwrap_or_default();
        Some(if flag.insecure_now {
            (Severity::Warning, format!("{} is needed: {why}", subject(client, flag)))
        } else {
            let severity = if client.is_deployed() { Severity::Error } else { Severity::Warning };
            (severity, format!("{} cuts it off: {why}", subject(client, flag)))
        })
    })
}

fn without_effect(rule: &Rule, context: &Context<'_>) -> Outcome {
    each(rule, context, |client, flag, judged| {
        let text = subject(client, flag);
        if flag.effect == FlagEffect::Nothing {
            return Some((
                Severity::Warning,
                format!("{text} does nothing: no code reads it, or not spelled so"),
            ));
        }
        let looks_on = is_true_word(&flag.value);
        let positive = flag.secure_value.eq_ignore_ascii_case("false") || flag.secure_value == "0";
        if positive && looks_on && !flag.insecure_now {
            return Some((
                Severity::Warning,
                format!("{text} is not what the code takes as on: verification stays on"),
            ));
        }
        if flag.insecure_now && client.transport == Transport::Plain {
            return Some((Severity::Warning, format!("{text}, but the client speaks plaintext")));
        }
        (flag.insecure_now && judged.with_flag.is_refuse())
            .then(|| (Severity::Warning, format!("{text} does not help: the client is refused all the same")))
    })
}

fn everything(rule: &Rule, context: &Context<'_>) -> Outcome {
    each(rule, context, |client, flag, _| {
        let on = flag.insecure_now
            && flag.effect == FlagEffect::Everything
            && client.transport != Transport::Plain;
        on.then(|| {
            let text = format!("{} skips all verification, not only that of the name", subject(client, flag));
            (Severity::Warning, text)
        })
    })
}
