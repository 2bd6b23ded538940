//! Scripts of the project that make certificates.

use std::collections::BTreeSet;

use super::context::Context;
use super::project::Source;
use super::{Outcome, Rule};
use crate::deployment::HostFile;
use crate::finding::{Finding, Fix, Severity};
use crate::place::Place;

pub(super) const SCRIPT_LOSES_SAN: Rule = Rule {
    id: "script-loses-san",
    severity: Severity::Warning,
    what: "a script signs the server's certificate without the names that clients dial",
    why: "`openssl x509 -req` takes no extension from the request: without `-extfile` or `-copy_extensions` the \
          certificate is version 1 and names nothing, even where the request had a SAN.",
    cure: "use `mqttcert reissue` there, or add `-extfile` with every name (`mqttcert template server.cnf`)",
    source: "openssl-x509(1), -req, -extfile, -copy_extensions",
    fix: Fix::None,
    check: loses_san,
};

fn loses_san(rule: &Rule, context: &Context<'_>) -> Outcome {
    let names: BTreeSet<String> = context
        .deployment
        .clients
        .iter()
        .filter(|c| c.broker.is_some() && !c.name.is_loopback())
        .map(|c| c.name.as_str().to_owned())
        .collect();
    let server_files: BTreeSet<String> = context
        .heard
        .iter()
        .filter_map(|h| h.listener.certfile.as_ref())
        .filter_map(|f: &HostFile| f.named.value.rsplit('/').next().map(str::to_owned))
        .collect();
    let mut found = Vec::new();
    let mut seen = false;
    for source in
        context.project.sources.iter().filter(|s| s.text.contains("x509") && s.text.contains("openssl"))
    {
        for (line, command) in commands(source) {
            let words: Vec<&str> = command.split_whitespace().map(|w| w.trim_matches(['"', '\''])).collect();
            let signs = words.contains(&"x509") && words.contains(&"-req");
            let after = |option: &str| words.iter().position(|w| *w == option).and_then(|i| words.get(i + 1));
            let Some(out) = after("-out").filter(|_| signs) else { continue };
            let out = out.rsplit('/').next().unwrap_or(out).trim_end_matches(')');
            if !is_server(out, &server_files) {
                continue;
            }
            seen = true;
            let message = if words.contains(&"-extfile")
                || words.contains(&"-copy_extensions")
                || words.contains(&"-copyext")
            {
                let missing: Vec<&str> =
                    names.iter().map(String::as_str).filter(|n| !says(source, n)).collect();
                if missing.is_empty() || !names_literally(&source.text) {
                    continue;
                }
                format!("it signs {out} without {}, which clients dial", missing.join(", "))
            } else {
                format!("it signs {out} without -extfile: the certificate gets no SAN (X.509 version 1)")
            };
            found.push(Finding {
                names: names.iter().cloned().collect(),
                ..rule.finding(Some(Place::line(&source.path, line)), message)
            });
        }
    }
    Outcome::of_seen(seen, found)
}

fn is_server(out: &str, server_files: &BTreeSet<String>) -> bool {
    let lower = out.to_ascii_lowercase();
    let speaks = ["server", "broker", "mosquitto", "mqtt"].iter().any(|w| lower.contains(w));
    server_files.contains(out) || (speaks && !lower.contains("client"))
}

/// Whether the names of the SAN stand in the file itself, without variables.
fn names_literally(text: &str) -> bool {
    let lines = || text.lines().filter(|l| l.contains("DNS:") || l.contains("DNS.") || l.contains("IP:"));
    lines().next().is_some() && lines().all(|l| !l.contains('$'))
}

fn says(source: &Source, name: &str) -> bool {
    let mut rest = source.text.as_str();
    while let Some(at) = rest.find(name) {
        let before = rest.get(..at).and_then(|t| t.chars().next_back());
        let after = rest.get(at + name.len()..).and_then(|t| t.chars().next());
        let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '-' || c == '_');
        if !part(before) && !part(after) {
            return true;
        }
        rest = rest.get(at + name.len()..).unwrap_or("");
    }
    false
}

/// The commands of a script with the line that they start on; continued lines are joined, comments left out.
fn commands(source: &Source) -> Vec<(u32, String)> {
    let mut found: Vec<(u32, String)> = Vec::new();
    let mut open = false;
    for (at, line) in source.text.lines().enumerate() {
        let text = line.trim();
        if text.starts_with('#') {
            continue;
        }
        let continues = text.ends_with('\\');
        let text = text.trim_end_matches('\\');
        match found.last_mut().filter(|_| open) {
            Some((_, command)) => {
                command.push(' ');
                command.push_str(text);
            }
            None => found.push((u32::try_from(at + 1).unwrap_or(u32::MAX), text.to_owned())),
        }
        open = continues;
    }
    found
}
