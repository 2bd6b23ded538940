//! Scripts of the project that make certificates.

use std::collections::BTreeSet;

use super::context::Context;
use super::shell::{argument, commands, handed_over};
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
            // `req -x509` signs the request that it makes with the request's own key.
            let itself = words.contains(&"req") && words.contains(&"-x509");
            let signs = itself || words.contains(&"x509") && words.contains(&"-req");
            let after = |option: &str| words.iter().position(|w| *w == option).and_then(|i| words.get(i + 1));
            let Some(out) = after("-out").filter(|_| signs) else { continue };
            let base = |path: &str| path.rsplit('/').next().unwrap_or(path).trim_end_matches(')').to_owned();
            // In a function, `-out "$2"` is what the calls hand over.
            let outs: Vec<String> = match argument(out) {
                Some(n) => handed_over(source, line, n).iter().map(|o| base(o)).collect(),
                None => vec![base(out)],
            };
            let Some(out) = outs.iter().find(|o| is_server(o, &server_files)) else { continue };
            seen = true;
            let with_extensions = if itself {
                ["-addext", "-config", "-extensions", "-reqexts"].iter().any(|w| words.contains(w))
            } else {
                ["-extfile", "-copy_extensions", "-copyext"].iter().any(|w| words.contains(w))
            };
            let message = if with_extensions {
                let entries = entries(&source.text);
                let missing: Vec<&str> =
                    names.iter().map(String::as_str).filter(|n| cannot_hold(&entries, n)).collect();
                if missing.is_empty() {
                    continue;
                }
                format!("it signs {out} without {}, which clients dial", missing.join(", "))
            } else if itself {
                format!("it makes {out} without -addext: the certificate gets no SAN")
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

/// The entries of subjectAltNames in a script: `DNS:mqtt`, `IP.1 = $ADDRESS`. True marks an address.
fn entries(text: &str) -> Vec<(bool, &str)> {
    let mut found = Vec::new();
    for line in text.lines().filter(|l| !l.trim_start().starts_with('#')) {
        for (kind, is_address) in [("DNS", false), ("IP", true)] {
            for (at, _) in line.match_indices(kind) {
                let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '{');
                let rest =
                    line[at + kind.len()..].trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
                let rest = rest.trim_start_matches([' ', '\t']);
                let Some(value) = rest.strip_prefix([':', '=']) else { continue };
                if line[..at].ends_with(inside) {
                    continue;
                }
                let value = value.trim_start_matches([' ', '\t', '"', '\'']);
                let end =
                    value.find(|c: char| c.is_whitespace() || matches!(c, ',' | '"' | '\'' | ')' | '\\'));
                found.push((is_address, &value[..end.unwrap_or(value.len())]));
            }
        }
    }
    found
}

/// Whether none of these entries is a name, nor can come to it: an address is no DNS name, and what a variable holds
/// is not known. Without any entry the SAN stands elsewhere.
fn cannot_hold(entries: &[(bool, &str)], name: &str) -> bool {
    let is_address = name.parse::<std::net::IpAddr>().is_ok();
    let open = |value: &str| value.contains(['$', '%', '*', '{', '<']);
    let may_be = |(address, value): &(bool, &str)| {
        *address == is_address && (open(value) || value.eq_ignore_ascii_case(name))
    };
    !entries.is_empty() && !entries.iter().any(may_be)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_the_san_is_no_name() {
        let by_address = entries("subjectAltName = IP:$ADDRESS");
        assert!(cannot_hold(&by_address, "mosquitto"));
        assert!(!cannot_hold(&by_address, "192.0.2.1"));
    }

    #[test]
    fn what_a_variable_holds_may_be_the_name() {
        let of_variable = entries("DNS.1 = $HOST\nIP.1 = 127.0.0.1\n# DNS:broker");
        assert_eq!(of_variable, [(false, "$HOST"), (true, "127.0.0.1")]);
        assert!(!cannot_hold(&of_variable, "mosquitto"));
        let literal = entries("printf \"subjectAltName=DNS:mqtt,DNS:localhost,IP:127.0.0.1\"");
        assert_eq!(literal, [(false, "mqtt"), (false, "localhost"), (true, "127.0.0.1")]);
        assert!(cannot_hold(&literal, "broker") && !cannot_hold(&literal, "MQTT"));
        assert!(!cannot_hold(&entries("openssl x509 -req -extfile san.cnf"), "broker"));
    }
}
