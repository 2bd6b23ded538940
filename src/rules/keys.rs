//! The server's private key: does it fit, can the broker read it.

use super::context::{Context, Heard};
use super::{Outcome, Rule};
use crate::finding::{Finding, Fix, Severity};
use crate::mosquitto::serving::{Cause, Start};

pub(super) const KEY_MISMATCH: Rule = Rule {
    id: "key-mismatch",
    severity: Severity::Error,
    what: "the server's private key belongs to another certificate",
    why: "Mosquitto does not start with such a pair. After SIGHUP with one it stays up, and every new handshake fails.",
    cure: "put the key and the certificate that belong together there: `mqttcert reissue` signs for the key that is there",
    source: "measured: mosquitto 2.0.11, \"Server certificate/key are inconsistent.\"",
    fix: Fix::None,
    check: mismatch,
};

pub(super) const KEY_ENCRYPTED: Rule = Rule {
    id: "key-encrypted",
    severity: Severity::Error,
    what: "the server's private key is behind a passphrase",
    why: "Mosquitto asks for it on a terminal that a container does not have, and exits.",
    cure: "`openssl pkey -in server.key -out server.key.plain` takes the passphrase off; close the file to others \
           (mode 0600, owner 1883)",
    source: "measured: mosquitto 2.0.11 prompts, then exits 1",
    fix: Fix::None,
    check: encrypted,
};

pub(super) const KEY_UNREADABLE: Rule = Rule {
    id: "key-unreadable",
    severity: Severity::Error,
    what: "the broker's user may not read a file of its listener",
    why: "Mosquitto drops root before it reads keys: a key of root with mode 0600 is \"Permission denied\".",
    cure: "`chown 1883:1883 FILE` on the host (the mosquitto user of the image), mode 0600",
    source: "measured: mosquitto 2.0.11 drops to user mosquitto before it loads keys",
    fix: Fix::None,
    check: unreadable,
};

fn mismatch(rule: &Rule, context: &Context<'_>) -> Outcome {
    obstacles(rule, context, Cause::KeyMismatch, |_| {
        "the private key belongs to another certificate: Mosquitto does not start (\"Server certificate/key are \
         inconsistent.\")"
            .to_owned()
    })
}

fn encrypted(rule: &Rule, context: &Context<'_>) -> Outcome {
    obstacles(rule, context, Cause::EncryptedKey, |_| {
        "the private key asks for a passphrase: Mosquitto cannot start with it".to_owned()
    })
}

fn unreadable(rule: &Rule, context: &Context<'_>) -> Outcome {
    obstacles(rule, context, Cause::FileUnreadable, |message| {
        format!("the broker's user may not read it: {message}")
    })
}

/// One finding per line of the configuration that a cause stops the broker at.
pub(super) fn obstacles(
    rule: &Rule,
    context: &Context<'_>,
    cause: Cause,
    words: impl Fn(&str) -> String,
) -> Outcome {
    let mut found: Vec<Finding> = Vec::new();
    let mut seen = false;
    for heard in &context.heard {
        let Some(serving) = &heard.serving else { continue };
        seen |= serving.tls;
        let Start::No(obstacles) = &serving.start else { continue };
        for obstacle in obstacles.iter().filter(|o| o.cause == cause) {
            let finding = Finding {
                listener: port(heard),
                service: context.service_of(heard.broker),
                ..rule.finding(Some(obstacle.place.clone()), words(&obstacle.message))
            };
            if !found.iter().any(|f| f.place == finding.place && f.message == finding.message) {
                found.push(finding);
            }
        }
    }
    Outcome::of_seen(seen || !found.is_empty(), found)
}

pub(super) fn port(heard: &Heard<'_>) -> Option<u16> {
    Some(heard.listener.port).filter(|p| *p != 0)
}
