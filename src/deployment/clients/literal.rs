//! Names in source code: once the broker's names are known, defaults and literals that dial them.

use std::cell::LazyCell;
use std::collections::HashSet;

use super::super::code::{self, File, Language};
use super::super::dialect::speaks_mqtt;
use super::super::{EnvVar, Transport, endpoint};
use super::{Seen, Sighting, env, is_host, library, ports, unasked, unset};

/// What the source code dials, apart from the names that the environment replaces.
pub(in crate::deployment) fn read(seen: &Seen<'_>, out: &mut Vec<Sighting>) {
    if seen.is_broker || seen.container.image().is_some_and(super::only_serves) {
        return;
    }
    let names: HashSet<String> = seen.network.broker_names().map(str::to_ascii_lowercase).collect();
    let mut found: Vec<Sighting> = Vec::new();
    let mut strangers: Vec<Sighting> = Vec::new();
    let scripts = LazyCell::new(|| library::javascript(seen));
    let python = LazyCell::new(|| library::python(seen));
    for file in seen.files.iter().filter(|f| f.language != Language::Data) {
        if !speaks_mqtt(file) && !names.iter().any(|n| file.text.contains(n.as_str())) {
            continue;
        }
        let mute = match file.language {
            Language::JavaScript => !*scripts,
            Language::Python => !*python,
            _ => false,
        };
        if mute {
            continue;
        }
        for (at, literal) in literals(file) {
            let Some(target) = endpoint::parse(literal) else { continue };
            if !target.may_be_mqtt()
                || literal.len() > 300
                || !is_host(&target.host)
                || endpoint::is_marked(&target.host)
            {
                continue;
            }
            let known = names.contains(&target.host.to_ascii_lowercase());
            if !known && target.port.is_none() && is_topic(literal) {
                continue;
            }
            let line = line_of(&file.text, at);
            let dials = target.is_mqtt() && (known || speaks_mqtt(file))
                || known && (target.port.is_some() || dials_here(line, literal));
            let foreign = !dials
                && speaks_mqtt(file)
                && is_address(&target.host)
                && (assigns_broker(line, literal) || connects_to_mqtt_port(line) || is_mqtt_url(&target));
            let loopback = matches!(target.host.as_str(), "localhost" | "127.0.0.1");
            let local = loopback
                && (target.is_mqtt()
                    || names_mqtt_host(line)
                    || connects_to_mqtt_port(line)
                    || is_mqtt_url(&target))
                && speaks_mqtt(file);
            if !(dials || local || foreign)
                || line.trim_start().starts_with(['#', '*'])
                || line.trim_start().starts_with("//")
            {
                continue;
            }
            if overridden(seen, file, at, line) || loopback && left_open(seen, file, at, line) {
                continue;
            }
            let port = target.port.or_else(|| port_near(seen, file, at));
            let mut s = Sighting::new(
                target.host.clone(),
                port,
                file.place(at + target.at, target.host.len()),
                "source",
            );
            s.port_is_default = target.port.is_none();
            s.user = target.user.clone();
            s.transport = env::scheme_transport(seen, &target);
            env::tls_facts(seen, &|k| env::is_related(k, &[]), &mut s);
            if s.transport == Transport::Tls && is_fallback(file, at) {
                (s.transport, s.flag) = (Transport::Unknown, None);
            }
            if s.transport == Transport::Tls && target.port.is_none() {
                s.port = ports::tls_port(seen).or(s.port);
            }
            if loopback
                && (out
                    .iter()
                    .chain(&found)
                    .any(|o| o.via != "source" || names.contains(&o.host.to_ascii_lowercase())))
            {
                continue;
            }
            let list = if foreign { &mut strangers } else { &mut found };
            list.push(s);
        }
    }
    // Somebody else's address is an example, unless nothing else is dialled.
    if found.is_empty() && !out.iter().any(|o| o.via != "healthcheck") {
        found = strangers;
    }
    // A broker's own name is better evidence than a fallback to the local machine.
    if found.iter().any(|s| names.contains(&s.host.to_ascii_lowercase())) {
        found.retain(|s| names.contains(&s.host.to_ascii_lowercase()));
    }
    for s in found {
        let again = out.iter().any(|o| {
            !o.unread
                && o.host.eq_ignore_ascii_case(&s.host)
                && (o.port == s.port || s.port.is_none() || o.port.is_none())
        });
        if !again {
            out.push(s);
        }
    }
}

/// Whether a statement of Python stands below an `except`: what failed above it may have been TLS.
fn is_fallback(file: &File, at: usize) -> bool {
    let indent = |l: &str| l.len() - l.trim_start().len();
    let start = file.text[..at].rfind('\n').map_or(0, |i| i + 1);
    let mut limit = indent(line_of(&file.text, at));
    let above = file.text[..start].lines().rev().take(40).filter(|l| !l.trim().is_empty());
    for line in above.filter(|_| file.language == Language::Python) {
        if indent(line) < limit {
            limit = indent(line);
            let head = line.trim_start();
            if head.starts_with("except") || head.starts_with("def ") {
                return head.starts_with("except");
            }
        }
    }
    false
}

/// Whether a URL is a topic written like one, `mqtt://plant/line/+/state`: a broker's address has no path of several
/// parts.
fn is_topic(literal: &str) -> bool {
    let path = literal.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, p)| p);
    literal.starts_with("mqtt") && (path.contains('/') || path.contains(['+', '#']))
}

/// Quoted texts of a file, with the byte at which they begin.
fn literals(file: &File) -> Vec<(usize, &str)> {
    let mut out = Vec::new();
    let mut offset = 0;
    for line in file.text.split_inclusive('\n') {
        if line.len() < 4000 {
            let mut rest = 0;
            while let Some(open) = line[rest..].find(['"', '\'', '`']).map(|i| i + rest) {
                let quote = line.as_bytes().get(open).copied().unwrap_or(b'"') as char;
                let Some(close) = line[open + 1..].find(quote).map(|i| i + open + 1) else { break };
                out.push((offset + open + 1, &line[open + 1..close]));
                rest = close + 1;
            }
            if file.language == Language::Shell {
                for mark in [":-", "="] {
                    if let Some(i) = line.find(mark) {
                        let word = line[i + mark.len()..]
                            .split(|c: char| c.is_whitespace() || matches!(c, '}' | '"'))
                            .next()
                            .unwrap_or("");
                        if !word.is_empty() {
                            out.push((offset + i + mark.len(), word));
                        }
                    }
                }
            }
        }
        offset += line.len();
    }
    out
}

fn line_of(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    text[start..].lines().next().unwrap_or("")
}

/// Whether a line that quotes a bare broker name dials it.
fn dials_here(line: &str, literal: &str) -> bool {
    if assigns_host(line, literal) {
        return true;
    }
    // A remark behind the statement says nothing of it: `connect("broker", 1883)  # the container's name`.
    let end = line.find(literal).map_or(line.len(), |at| at + literal.len());
    let tail = line.get(end..).unwrap_or_default();
    let remark = ["#", "//"].iter().filter_map(|m| tail.find(m)).min().unwrap_or(tail.len());
    let lower = line.get(..end + remark).unwrap_or(line).to_ascii_lowercase();
    let without = lower
        .replace(&format!("\"{literal}\"").to_ascii_lowercase(), "")
        .replace(&format!("'{literal}'").to_ascii_lowercase(), "");
    let import = ["import ", "require(", "from ", "include", "package "]
        .iter()
        .any(|w| lower.trim_start().starts_with(w))
        || lower.contains("require(");
    let host = ["host", "server", "broker", "connect", "addr", "url", "uri", "endpoint"]
        .iter()
        .any(|w| without.contains(w));
    let noise = [
        "topic",
        "logger",
        "getlogger",
        "print(",
        "console.",
        "log.",
        "logging.",
        "subscribe(",
        "raise ",
        "publish(",
        "description",
        "label",
        "openssl",
        "/cn=",
        "container",
        "client_id",
        "clientid",
        "type",
    ]
    .iter()
    .any(|w| without.contains(w));
    host && !import && !noise
}

/// Whether the line begins with a name such as `MQTT_HOST` or `brokerUrl` and gives it this literal.
fn assigns_host(line: &str, literal: &str) -> bool {
    let Some(head) = line.find(literal).and_then(|at| line.get(..at)) else { return false };
    let Some((name, _)) = head.split_once(['=', ':']) else { return false };
    let name = name.trim().trim_matches(['"', '\'']);
    let name = name.rsplit([' ', '.']).next().unwrap_or(name).to_ascii_lowercase();
    ["host", "hostname", "server", "broker", "addr", "address", "url", "uri", "endpoint"]
        .iter()
        .any(|w| name.ends_with(w))
}

/// Whether the name that a line gives this literal to speaks of MQTT too: `MQTT_SERVER = "192.0.2.7"`.
fn assigns_broker(line: &str, literal: &str) -> bool {
    let name = line.find(literal).and_then(|at| line.get(..at)).and_then(|h| h.split(['=', ':']).next());
    let name = name.unwrap_or("").to_ascii_lowercase();
    assigns_host(line, literal) && ["mqtt", "broker", "mosquitto"].iter().any(|w| name.contains(w))
}

/// Whether a word is an address or a name with a domain, and no name of a file.
fn is_address(host: &str) -> bool {
    const FILES: [&str; 16] = [
        "js", "ts", "py", "json", "conf", "crt", "key", "pem", "yml", "yaml", "log", "txt", "html", "css",
        "db", "sh",
    ];
    let Some((_, last)) = host.rsplit_once('.') else { return false };
    host.parse::<std::net::Ipv4Addr>().is_ok()
        || (last.len() > 1 && last.chars().all(|c| c.is_ascii_lowercase()) && !FILES.contains(&last))
}

/// Whether an address is a URL with the port of a broker, `tcp://localhost:1883`, as Paho's libraries take it.
fn is_mqtt_url(target: &endpoint::Endpoint) -> bool {
    matches!(target.scheme.as_deref(), Some("tcp" | "ssl" | "tls" | "tcps"))
        && target.port.is_some_and(code::is_usual_port)
}

/// Whether a line connects to a port of MQTT.
fn connects_to_mqtt_port(line: &str) -> bool {
    line.find("connect(").is_some_and(|at| {
        line[at..]
            .split(|c: char| !c.is_ascii_digit())
            .any(|n| matches!(n, "1883" | "8883" | "1884" | "8884"))
    })
}

fn names_mqtt_host(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    (lower.contains("mqtt") || lower.contains("broker"))
        && ["host", "broker", "server", "addr", "url", "connect"].iter().any(|w| lower.contains(w))
}

/// Whether the literal is the default of a variable that the environment sets to something else.
fn overridden(seen: &Seen<'_>, file: &File, at: usize, line: &str) -> bool {
    let scope = scope(file, at, line);
    // pydantic's BaseSettings reads `MQTT_BROKER` for its field `mqtt_broker`.
    let field =
        file.text.contains("BaseSettings").then(|| scope.trim_start().split(':').next().unwrap_or("").trim());
    let may_be = |v: &&EnvVar| {
        v.value.is_some()
            && v.key.len() > 3
            && (scope.contains(v.key.as_str())
                || field.is_some_and(|f| f.eq_ignore_ascii_case(v.key.as_str())))
    };
    seen.env.iter().filter(may_be).any(|v| !unasked::leaves_unread(seen, v))
}

/// Whether the literal is the default of a variable that an `.env` or an `env_file` may set which is not here: what a
/// developer's own machine dials says nothing then.
fn left_open(seen: &Seen<'_>, file: &File, at: usize, line: &str) -> bool {
    let scope = scope(file, at, line);
    let handed_on = |v: &EnvVar| v.value.is_none() && scope.contains(v.key.as_str()) && v.key.len() > 3;
    if seen.env.iter().any(handed_on) {
        return true;
    }
    let end = at + file.text[at..].find('\n').unwrap_or(file.text.len() - at);
    let start = end.saturating_sub(scope.len());
    unset::elsewhere(seen) && unset::asked(file).any(|(_, key)| (start..end).contains(&key))
}

/// The line of a literal, with the one before where the literal begins its line.
fn scope(file: &File, at: usize, line: &str) -> String {
    let start = file.text[..at].rfind('\n').map_or(0, |i| i + 1);
    let before: &str = &file.text[start..at];
    let previous = file.text[..start].trim_end().rsplit('\n').next().unwrap_or("");
    if before.trim_start().len() < 4 { format!("{previous} {line}") } else { line.to_owned() }
}

/// The port that stands on the next lines of the same table: `'HOST': 'mqtt', 'PORT': 8000`.
fn sibling_port(text: &str, at: usize) -> Option<u16> {
    let end = text[at..].char_indices().nth(160).map_or(text.len(), |(i, _)| at + i);
    text[at..end].lines().skip(1).take(2).find_map(|line| {
        let (key, value) = line.split_once([':', '='])?;
        let key = key.trim().trim_matches(['"', '\'', ' ']).to_ascii_lowercase();
        let number: String = value.trim_start().chars().take_while(char::is_ascii_digit).collect();
        number.parse().ok().filter(|_| key == "port")
    })
}

fn port_near(seen: &Seen<'_>, file: &File, at: usize) -> Option<u16> {
    if let Some(port) = sibling_port(&file.text, at) {
        return Some(port);
    }
    let port = |v: &&EnvVar| v.key.ends_with("MQTT_PORT") || v.key.ends_with("BROKER_PORT");
    if let Some(var) = seen.env.iter().filter(port).find(|v| !unasked::leaves_unread(seen, v)) {
        return var.value.as_ref()?.parse().ok();
    }
    for key in ["MQTT_PORT", "MQTT_BROKER_PORT", "BROKER_PORT", "PORT_MQTT"] {
        if let Some(p) = code::env_use(seen.files, key).and_then(|u| u.default?.parse().ok()) {
            return Some(p);
        }
    }
    let from = file.text[..at].char_indices().rev().nth(200).map_or(0, |(i, _)| i);
    let to = file.text[at..].char_indices().nth(300).map_or(file.text.len(), |(i, _)| at + i);
    let text = &file.text[at..to];
    let near = |t: &str| {
        t.split(|c: char| !c.is_ascii_digit())
            .filter_map(|w| w.parse::<u16>().ok())
            .find(|p| code::is_usual_port(*p))
    };
    near(text).or_else(|| near(&file.text[from..at])).or_else(|| code::literal_port(seen.files))
}
