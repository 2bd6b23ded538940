//! The broker's healthcheck: would it pass.

use super::context::Context;
use super::{Outcome, Rule};
use crate::finding::{Finding, Fix, Severity};

pub(super) const HEALTHCHECK_FAILS: Rule = Rule {
    id: "healthcheck-fails",
    severity: Severity::Warning,
    what: "the broker's healthcheck cannot pass",
    why: "The container is \"unhealthy\" for ever, and services that wait for `service_healthy` never start.",
    cure: "let it dial a listener as that listener is: `--cafile` for TLS, `-u` and `-P` where a password is asked for",
    source: "mosquitto_sub(1); Compose specification, healthcheck",
    fix: Fix::None,
    check: fails,
};

fn fails(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found = Vec::new();
    let mut seen = false;
    for (index, broker) in context.deployment.brokers.iter().enumerate() {
        let Some(service) = broker.service.as_ref().and_then(|s| context.service(&s.value)) else { continue };
        let Some(check) = service.healthcheck.as_ref().filter(|_| context.listeners_are_known(index)) else {
            continue;
        };
        let words: Vec<String> = check
            .value
            .iter()
            .flat_map(|w| if w.contains(char::is_whitespace) { split(&without_sys(w)) } else { split(w) })
            .collect();
        let Some(at) = words.iter().position(|w| is_client(w)) else { continue };
        seen = true;
        let command = Command::read(words.get(at + 1..).unwrap_or_default());
        // What a shell makes of the rest cannot be told; with `|| exit 0` nothing fails.
        if command.unclear || forgives(words.get(at + 1..).unwrap_or_default()) {
            continue;
        }
        let fault = match context.heard.iter().find(|h| h.broker == index && h.listener.port == command.port)
        {
            None => Some(format!("nothing listens on port {}", command.port)),
            Some(heard) if heard.listener.tls && !command.tls => {
                Some(format!("it speaks plaintext to listener {}, which speaks TLS", command.port))
            }
            Some(heard) if !heard.listener.tls && command.tls => {
                Some(format!("it speaks TLS to listener {}, which speaks plaintext", command.port))
            }
            Some(heard) => heard.conf.and_then(|conf| {
                let certificate =
                    conf.require_certificate.as_ref().is_some_and(|r| r.value) && heard.listener.tls;
                let asks = !conf.allow_anonymous && conf.plugins.is_empty();
                if certificate && !command.certificate {
                    Some(format!("listener {} requires a client certificate", command.port))
                } else if asks && !command.user && !command.certificate {
                    Some(format!(
                        "it logs in without a user name, and listener {} lets nobody in so",
                        command.port
                    ))
                } else {
                    None
                }
            }),
        };
        let fault = fault.or_else(|| command.waits_in_vain());
        if let Some(fault) = fault {
            found.push(Finding {
                service: Some(service.name.value.clone()),
                listener: Some(command.port),
                ..rule.finding(Some(check.place.clone()), format!("the healthcheck fails: {fault}"))
            });
        }
    }
    Outcome::of_seen(seen, found)
}

fn is_client(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    matches!(name, "mosquitto_sub" | "mosquitto_pub" | "mosquitto_rr")
}

/// A shell line as its shell runs it: outside of single quotes `$SYS` is a variable, and no container sets it.
fn without_sys(text: &str) -> String {
    let mut out = String::new();
    let (mut single, mut double) = (false, false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let variable = ["${SYS}", "$SYS"].iter().find_map(|v| rest.strip_prefix(v)).filter(|_| !single);
        if let Some(after) = variable {
            rest = after;
        } else if let Some(after) = rest.strip_prefix("\\$").filter(|_| !single) {
            out.push('$');
            rest = after;
        } else {
            single ^= c == '\'' && !double;
            double ^= c == '"' && !single;
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// Whether the line passes whatever its command says: `|| exit 0`, `|| true`.
fn forgives(words: &[String]) -> bool {
    let after = words.windows(2).position(|w| w == ["|", "|"]).map(|i| i + 2);
    let rest: Vec<&str> =
        after.and_then(|i| words.get(i..)).unwrap_or_default().iter().map(String::as_str).collect();
    matches!(rest.as_slice(), ["exit", "0", ..] | ["true" | ":", ..])
}

/// Words of a shell line, quotes taken off; good enough to find options.
fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), c) => word.push(c),
            (None, '"' | '\'') => quote = Some(c),
            (None, c) if c.is_whitespace() || matches!(c, ';' | '|' | '&') => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                if !c.is_whitespace() {
                    words.push(c.to_string());
                }
            }
            (None, c) => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[derive(Debug, Default)]
struct Command {
    port: u16,
    tls: bool,
    user: bool,
    certificate: bool,
    unclear: bool,
    topics: Vec<String>,
    /// It ends with the subscription, not with a message.
    ends: bool,
}

impl Command {
    fn read(words: &[String]) -> Self {
        let mut command = Self { port: 1883, ..Self::default() };
        let mut words = words.iter().map(String::as_str).take_while(|w| !matches!(*w, ";" | "|" | "&"));
        while let Some(word) = words.next() {
            match word {
                "-p" | "--port" => match words.next().and_then(|p| p.parse().ok()) {
                    Some(port) => command.port = port,
                    None => command.unclear = true,
                },
                "-h" | "--host" => {
                    let host = words.next().unwrap_or("");
                    command.unclear |= !matches!(host, "localhost" | "127.0.0.1" | "::1" | "0.0.0.0");
                }
                "--cafile" | "--capath" | "--tls-use-os-certs" => command.tls = true,
                "--cert" => command.certificate = true,
                "-u" | "--username" => command.user = true,
                "-t" | "--topic" => command.topics.extend(words.next().map(str::to_owned)),
                "-E" => command.ends = true,
                "-L" | "--url" | "--psk" | "--unix" => command.unclear = true,
                _ => {}
            }
        }
        command
    }

    /// Why no message comes: `$SYS` was taken for a variable, and what is left of the topic is nobody's.
    fn waits_in_vain(&self) -> Option<String> {
        let nobodys = |t: &String| t == "/#" || t.starts_with("/broker/");
        let topic = self.topics.first().filter(|_| !self.ends && self.topics.iter().all(nobodys))?;
        Some(format!(
            "it waits for a message on {topic}: `$SYS` was filled in as a variable (write '$$SYS{topic}', in single quotes where a shell reads it)"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_found_in_shell_lines() {
        let words =
            split("mosquitto_sub -h localhost -p 8883 --cafile '/c a.crt' -u x -t '$$SYS/#' -C 1 || exit 1");
        let command = Command::read(&words[1..]);
        assert!(command.tls && command.user && !command.unclear);
        assert_eq!(command.port, 8883);
    }

    #[test]
    fn sys_is_a_variable_unless_single_quotes_keep_it() {
        for (line, topic) in [
            ("mosquitto_sub -t '$SYS/#' -C 1", "$SYS/#"),
            ("mosquitto_sub -t \"$SYS/#\" -C 1", "/#"),
            ("mosquitto_sub -t $SYS/broker/uptime -C 1", "/broker/uptime"),
            ("mosquitto_sub -t \\$SYS/# -C 1", "$SYS/#"),
        ] {
            let words = split(&without_sys(line));
            assert_eq!(Command::read(&words[1..]).topics, [topic], "{line}");
            assert_eq!(Command::read(&words[1..]).waits_in_vain().is_some(), topic.starts_with('/'));
        }
        assert!(forgives(&split("-t x || exit 0")) && !forgives(&split("-t x || exit 1")));
    }
}
