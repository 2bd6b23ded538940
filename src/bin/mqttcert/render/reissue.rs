//! What `reissue` did, for people and as JSON.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use mqttcert::cert::Certificate;
use mqttcert::deployment::{Broker, Deployment};
use mqttcert::mosquitto::Protocol;
use mqttcert::name::{escape, shell_word};
use mqttcert::prove::Proof;
use mqttcert::reissue::Replaced;
use mqttcert::reissue::transaction::Outcome;
use mqttcert::verdict::{ClientVerdict, Cure, Verdict};

use super::json;

/// The clients before and after, where they were judged.
#[derive(Debug, Default)]
pub struct Change {
    /// With the old certificate.
    pub before: Option<Verdict>,
    /// With the new one.
    pub after: Option<Verdict>,
    /// The proofs on the embedded broker.
    pub rehearsal: Vec<Proof>,
}

/// What a report is made from.
pub struct Report<'a> {
    /// The project.
    pub deployment: &'a Deployment,
    /// The certificate's file.
    pub cert: &'a Path,
    /// The clients.
    pub change: &'a Change,
}

impl Report<'_> {
    /// The contract's object.
    pub fn json(&self, outcome: &Outcome) -> String {
        let names = &outcome.names;
        let list = |all: &[String]| all.iter().map(|n| escape(n)).collect::<Vec<_>>();
        json::line(&json!({
            "schema": "mqttcert.reissue/1",
            "result": outcome.result.as_str(),
            "names": { "kept": list(&names.kept), "added": list(&names.added), "dropped": list(&names.dropped) },
            "clients": self.clients(),
            "before": certificate(&outcome.before),
            "after": outcome.after.as_ref().map(certificate),
            "backup": outcome.backup.as_ref().map(|p| escape(&p.to_string_lossy())),
            "rehearsal": self.rehearsal(),
            "reload": if changed(outcome) { self.commands() } else { Vec::new() },
        }))
    }

    /// The contract's object for a refusal.
    pub fn refused(&self) -> String {
        json::line(&json!({
            "schema": "mqttcert.reissue/1", "result": "refused",
            "names": { "kept": [], "added": [], "dropped": [] },
            "clients": self.clients(), "before": null, "after": null, "backup": null,
            "rehearsal": self.rehearsal(), "reload": [],
        }))
    }

    fn rehearsal(&self) -> Vec<Value> {
        self.change.rehearsal.iter().map(super::proof::proof).collect()
    }

    fn clients(&self) -> Vec<Value> {
        let (Some(before), Some(after)) = (&self.change.before, &self.change.after) else {
            return Vec::new();
        };
        before
            .clients
            .iter()
            .zip(&after.clients)
            .map(|(b, a)| {
                json!({
                    "service": b.client.service.as_ref().map(|s| escape(s)),
                    "stack": b.stack().map(|s| s.as_str()),
                    "before": b.verify.as_str(), "after": a.verify.as_str(),
                })
            })
            .collect()
    }

    /// One screen.
    pub fn human(&self, outcome: &Outcome) -> String {
        let mut out = String::new();
        let mut row = |head: &str, text: String| {
            let _ = writeln!(out, "{head:<10}{text}");
        };
        let file = escape(&self.cert.to_string_lossy());
        if outcome.result == Replaced::NothingToDo {
            let until = outcome.before.not_after().map(json::time).unwrap_or_default();
            let why = outcome
                .reasons
                .first()
                .cloned()
                .unwrap_or_else(|| format!("{file} names every name and holds until {until}"));
            return format!("nothing to do: {why}\n");
        }
        let names = &outcome.names;
        let signs = [("+", &names.added), ("-", &names.dropped), ("=", &names.kept)];
        let marked: Vec<String> = signs
            .iter()
            .flat_map(|(sign, all)| all.iter().map(move |n| format!("{sign} {}", escape(n))))
            .collect();
        if !marked.is_empty() {
            row("names", marked.join("   "));
        }
        for reason in &outcome.reasons {
            row("because", escape(reason));
        }
        if let (Some(before), Some(after)) = (&self.change.before, &self.change.after) {
            for (b, a) in before.clients.iter().zip(&after.clients) {
                let stack = b.stack().map_or("any stack", |s| s.as_str());
                let who = escape(&mqttcert::verdict::who(&b.client));
                let (before, after) = (b.verify.as_str(), a.verify.as_str());
                row("client", format!("{who} ({stack}): before {before}, after {after}{}", still_refused(a)));
            }
        }
        if !self.change.rehearsal.is_empty() {
            row("rehearsed", super::proof::summary(&self.change.rehearsal));
        }
        for note in names.notes.iter().chain(&outcome.notes) {
            row("note", escape(note));
        }
        if let Some(after) = &outcome.after {
            let dates =
                [after.not_before(), after.not_after()].map(|d| d.map(json::time).unwrap_or_default());
            row("new", format!("serial {}   {} to {}", json::hex(after.serial()), dates[0], dates[1]));
            row("", format!("SHA-256 {}", json::hex(&after.sha256())));
            row("", format!("SHA-1   {}", json::hex(&after.sha1())));
            row("kept", kept(&outcome.before, after));
        }
        match outcome.result {
            Replaced::WouldReissue => {
                row("dry run", format!("{file} would be replaced; nothing was changed"));
                return out;
            }
            Replaced::Undone => row("undone", format!("{file} is the one before again")),
            _ => row("replaced", file),
        }
        if let Some(backup) = &outcome.backup {
            let backup = escape(&backup.to_string_lossy());
            match outcome.result {
                Replaced::Undone => row("", format!("the one it replaced: {backup}")),
                _ => row("", format!("the old one: {backup}   undo: mqttcert reissue --undo")),
            }
        }
        out.push_str("\nnow\n");
        for line in self.reload() {
            let _ = writeln!(out, "  {line}");
        }
        out
    }

    /// What the operator must do now.
    /// The commands alone, for scripts.
    fn commands(&self) -> Vec<String> {
        self.reload().iter().map(|line| line.split("   ").next().unwrap_or(line).to_owned()).collect()
    }

    fn reload(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for broker in self.deployment.brokers.iter().filter(|b| serves(b, self.cert)) {
            let Some(name) = broker.service.as_ref().map(|s| s.value.as_str()) else { continue };
            let service = shell_word(name);
            let ports = |websockets: bool| {
                let all = broker
                    .listeners
                    .iter()
                    .filter(|l| l.tls && (l.protocol == Protocol::Websockets) == websockets);
                all.map(|l| l.port.to_string()).collect::<Vec<_>>().join(", ")
            };
            let (tcp, web) = (ports(false), ports(true));
            let single = self.is_single_file(name);
            if !tcp.is_empty() && !single {
                lines.push(format!(
                    "docker compose exec {service} kill -HUP 1   {tcp}: the new certificate, nobody is disconnected"
                ));
            }
            if single {
                lines.push(format!(
                    "docker compose restart {service}   the certificate is mounted as a single file: the container keeps the old one until then; every session drops"
                ));
            } else if !web.is_empty() {
                lines.push(format!(
                    "docker compose restart {service}   {web} (websockets): keeps the old certificate until then; every session drops"
                ));
            }
        }
        if lines.is_empty() {
            lines.push(
                "send SIGHUP to mosquitto (TCP listeners); restart it if it has websockets listeners"
                    .to_owned(),
            );
        }
        lines
    }

    fn is_single_file(&self, service: &str) -> bool {
        use mqttcert::deployment::MountSource;
        use mqttcert::tree::normalize;
        let mine = normalize(self.cert);
        self.deployment
            .services
            .iter()
            .filter(|s| s.name.value == service)
            .flat_map(|s| &s.mounts)
            .any(|m| matches!(&m.source, MountSource::Host(path) if normalize(path) == mine))
    }
}

fn changed(outcome: &Outcome) -> bool {
    matches!(outcome.result, Replaced::Reissued | Replaced::Undone)
}

fn serves(broker: &Broker, cert: &Path) -> bool {
    broker.listeners.iter().any(|l| l.certfile.as_ref().and_then(|c| c.path()) == Some(cert))
}

/// What a new leaf cannot do for this client: nothing is promised that it does not keep.
fn still_refused(after: &ClientVerdict) -> String {
    let advice = match after.cure {
        Some(Cure::RenewCa) => "only `mqttcert ca renew` cures it",
        Some(Cure::Rename) => "no certificate cures it: this client has to dial another name",
        Some(Cure::Code) => "the configuration has to change; `mqttcert check` says where",
        Some(Cure::None) => "no certificate of this CA cures it",
        Some(Cure::Reissue) | None => return String::new(),
    };
    match after.reasons().first() {
        Some(reason) => format!(" ({}): {advice}", reason.code.as_str()),
        None => format!(": {advice}"),
    }
}

fn kept(before: &Certificate, after: &Certificate) -> String {
    let pins = if before.spki_der() == after.spki_der() {
        "public key (pins of the public key hold)"
    } else {
        "no pin: the public key changed too"
    };
    format!("{pins}; fingerprints of the certificate change (it was SHA-256 {})", json::hex(&before.sha256()))
}

fn certificate(c: &Certificate) -> Value {
    json!({
        "serial": json::hex(c.serial()),
        "not_before": c.not_before().map(json::time),
        "not_after": c.not_after().map(json::time),
        "sha256": json::hex(&c.sha256()),
        "sha1": json::hex(&c.sha1()),
        "spki_sha256": json::hex(&c.spki_sha256()),
    })
}
