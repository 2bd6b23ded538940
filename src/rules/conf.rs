//! What Mosquitto would not start with: lines of its configuration, and files that they name.

use std::path::PathBuf;

use super::context::Context;
use super::keys::obstacles;
use super::{Outcome, Rule};
use crate::finding::{Finding, Fix, Severity};
use crate::mosquitto::serving::{Cause, Start};
use crate::mosquitto::{self, MosquittoConf, Refusal, Version};

pub(super) const CONF_REFUSED: Rule = Rule {
    id: "conf-refused",
    severity: Severity::Error,
    what: "Mosquitto does not start with this configuration",
    why: "It stops at the first line that it cannot take, and the container restarts for ever.",
    cure: "mend the line; Mosquitto splits at blanks only, knows no inline comments, no quotes, and only `true` and \
           `false`",
    source: "mosquitto.conf(5); measured on 2.0.11, read in 2.0.22 and 2.1.2",
    fix: Fix::None,
    check: refused,
};

pub(super) const FILE_MISSING: Rule = Rule {
    id: "file-missing",
    severity: Severity::Error,
    what: "a file that the configuration names is not in the broker's container",
    why: "Mosquitto does not start without it.",
    cure: "mount it into the broker's service at the path that the configuration names",
    source: "measured on 2.0.11",
    fix: Fix::None,
    check: file_missing,
};

fn refused(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found = Vec::new();
    let mut seen = false;
    for (index, broker) in context.deployment.brokers.iter().enumerate() {
        let Some(conf) = &broker.conf else { continue };
        seen = true;
        let versions = context.versions(index);
        let readings: Vec<(Version, Vec<Refusal>)> =
            versions.iter().map(|v| (*v, read_again(context, conf, *v))).collect();
        let mut told: Vec<Refusal> = Vec::new();
        for refusal in readings.iter().flat_map(|(_, r)| r) {
            if told.iter().any(|t| t.place.line == refusal.place.line && t.place.file == refusal.place.file) {
                continue;
            }
            told.push(refusal.clone());
            let by: Vec<String> = readings
                .iter()
                .filter(|(_, all)| all.iter().any(|r| r.place == refusal.place))
                .map(|(v, _)| v.to_string())
                .collect();
            let always = by.len() == readings.len();
            let who = if always { "Mosquitto".to_owned() } else { format!("Mosquitto {}", by.join(" and ")) };
            found.push(Finding {
                severity: if always { Severity::Error } else { Severity::Warning },
                service: context.service_of(index),
                ..rule.finding(
                    Some(refusal.place.clone()),
                    format!("{who} does not start: {}", refusal.message),
                )
            });
        }
    }
    for cause in [
        Cause::BadCertificate,
        Cause::BadKey,
        Cause::BadCa,
        Cause::BadCrl,
        Cause::BadAcl,
        Cause::BadParameters,
        Cause::BadCiphers,
    ] {
        let words = |message: &str| format!("Mosquitto does not start: {message}");
        if let Outcome::Found(more) = obstacles(rule, context, cause, words) {
            found.extend(more);
        }
    }
    Outcome::of_seen(seen, found)
}

/// What a release refuses, but for half TLS configurations: they have a rule of their own.
fn read_again(context: &Context<'_>, conf: &MosquittoConf, version: Version) -> Vec<Refusal> {
    let main = &conf.place.file;
    // A configuration that stands in a compose file cannot be cut out of it here: the first reading has to do.
    if context.deployment.compose_files.iter().any(|f| **f == **main) {
        return conf.refusals.clone();
    }
    let included: Option<PathBuf> = conf
        .directives
        .iter()
        .find(|d| d.place.file != *main)
        .and_then(|d| d.place.file.parent().map(PathBuf::from));
    let again = mosquitto::read_as(context.tree, main, &|_| included.clone(), version);
    let is_half = |r: &Refusal| {
        r.message.contains("certfile and keyfile")
            || r.message.contains("certfile or keyfile")
            || r.message.starts_with("Both certfile")
    };
    let only_websockets = |r: &Refusal| r.message.starts_with("Unable to start any listening sockets");
    again.refusals.into_iter().filter(|r| !is_half(r) && !only_websockets(r)).collect()
}

fn file_missing(rule: &Rule, context: &Context<'_>) -> Outcome {
    // A CA file that nobody needs to start is looked at by the listener's own check all the same.
    let known = |start: &Start| matches!(start, Start::No(_) | Start::Yes);
    if !context.heard.iter().any(|h| h.serving.as_ref().is_some_and(|s| known(&s.start))) {
        return Outcome::NotApplicable;
    }
    let found = obstacles(rule, context, Cause::FileMissing, |message| {
        format!("it is not in the broker's container: {message}")
    });
    let Outcome::Found(mut found) = found else { return found };
    // What a start script makes before it starts Mosquitto cannot be seen.
    for finding in &mut found {
        let service = finding.service.as_deref().and_then(|name| context.service(name));
        let command = service.and_then(|s| s.command.as_ref());
        let by_script = |word: &String| {
            let name = word.rsplit('/').next().unwrap_or(word);
            matches!(name, "sh" | "bash" | "ash") || word.ends_with(".sh") || word.contains("&&")
        };
        let official =
            service.is_none_or(|s| s.image.as_ref().is_some_and(|i| i.value.contains("eclipse-mosquitto")));
        if !official || command.is_some_and(|c| c.value.iter().any(by_script)) {
            finding.severity = Severity::Warning;
        }
    }
    Outcome::Found(found)
}
