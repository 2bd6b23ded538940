//! Clients' source code: the two mistakes of it that cut off or lay bare.

use super::context::Context;
use super::project::Source;
use super::{Outcome, Rule};
use crate::finding::{Finding, Fix, Severity};
use crate::place::Place;
use crate::stack_id::StackId;

pub(super) const PAHO_API: Rule = Rule {
    id: "paho-api",
    severity: Severity::Error,
    what: "mqtt.Client() without a callback API version, under paho-mqtt 2",
    why: "paho-mqtt 2.0 raises a TypeError there: the client never connects. 2.1 and later only warn, unless a client id \
          stands first: they too take it for the version.",
    cure: "write `mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)`, or pin `paho-mqtt<2`",
    source: "paho-mqtt migration guide; measured: 1.6.1 works, 2.0.0 TypeError, 2.1 \
             DeprecationWarning; `Client(\"id\")` under 2.2.0: TypeError",
    fix: Fix::None,
    check: paho_api,
};

pub(super) const PLAINTEXT_FALLBACK: Rule = Rule {
    id: "plaintext-fallback",
    severity: Severity::Warning,
    what: "code that speaks plaintext where the CA file is missing",
    why: "A mount that fails, or a file that is renamed, and the password goes out in the clear, with no word in the log.",
    cure: "raise an error where the CA file is missing",
    source: "measured with the seed's code: it sends CONNECT with the password in plaintext",
    fix: Fix::None,
    check: plaintext_fallback,
};

fn paho_api(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found = Vec::new();
    let mut seen = false;
    let runs =
        context.deployment.clients.iter().any(|c| c.is_deployed() && c.stacks == [StackId::PythonPaho]);
    let cut_off = if runs { Severity::Error } else { Severity::Warning };
    for source in python(context).filter(|s| s.text.contains("paho.mqtt")) {
        seen = true;
        let Some(pin) = pin(context, source) else { continue };
        let (severity, tail) = match pin {
            Pin::Old => continue,
            Pin::TwoZero => (Severity::Error, "paho-mqtt 2.0 is pinned: TypeError, the client never starts"),
            Pin::Newer => (Severity::Note, "paho-mqtt 2.1 and later warn, 2.0 raises a TypeError"),
            Pin::Open => (Severity::Note, "paho-mqtt is not pinned: 2.0 raises a TypeError, later ones warn"),
        };
        for (line, arguments) in calls(&source.text) {
            // What `**options` hold is not followed.
            let names_it = ["CallbackAPIVersion", "callback_api_version", "VERSION1", "VERSION2", "**"];
            if names_it.iter().any(|w| arguments.contains(w)) {
                continue;
            }
            let (severity, tail) = match pin {
                Pin::Newer if begins_with_an_id(&arguments) => (cut_off, TAKEN_FOR_A_VERSION),
                Pin::Open if begins_with_an_id(&arguments) => (Severity::Warning, TAKEN_FOR_A_VERSION),
                _ => (severity, tail),
            };
            found.push(Finding {
                severity,
                ..rule.finding(
                    Some(Place::line(&source.path, line)),
                    format!("mqtt.Client() names no callback API version; {tail}"),
                )
            });
        }
    }
    Outcome::of_seen(seen, found)
}

const TAKEN_FOR_A_VERSION: &str =
    "paho-mqtt 2 takes its first argument for one and raises a TypeError: the client never starts";

/// Whether the first argument is a client id by position, which paho-mqtt 2 no longer takes there (measured: 2.2.0).
fn begins_with_an_id(arguments: &str) -> bool {
    let first = arguments.split(',').next().unwrap_or("").trim();
    let name = first.rsplit('.').next().unwrap_or(first).to_ascii_lowercase();
    let text = first.trim_start_matches('f').starts_with(['"', '\'']);
    let named = name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && ["id", "name"].iter().any(|w| name.ends_with(w));
    !first.is_empty() && !first.contains('=') && (text || named)
}

/// How a file calls the module `paho.mqtt.client`: `import paho.mqtt.client as mqtt`, `from paho.mqtt import client`.
fn modules(text: &str) -> Vec<&str> {
    let mut names = vec!["mqtt"];
    for line in text.lines().map(str::trim) {
        let alias = line.strip_prefix("import paho.mqtt.client as ");
        let named = line.strip_prefix("from paho.mqtt import client").map(|rest| {
            match rest.trim().strip_prefix("as ") {
                Some(alias) => alias.trim(),
                None => "client",
            }
        });
        names.extend(alias.or(named).map(str::trim).filter(|n| !n.is_empty() && *n != "mqtt"));
    }
    names
}

fn python<'c>(context: &'c Context<'_>) -> impl Iterator<Item = &'c Source> {
    context.project.sources.iter().filter(|s| s.path.extension().is_some_and(|e| e == "py"))
}

/// `mqtt.Client(` or `paho.Client(` with its arguments, and the line.
fn calls(text: &str) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    let modules = modules(text);
    for (dot, call) in text.match_indices(".Client(") {
        let head = text.get(..dot).unwrap_or("");
        let from = head.rfind(|c: char| !(c.is_alphanumeric() || c == '_')).map_or(0, |i| i + 1);
        let (at, Some(rest)) = (from, text.get(dot + call.len()..)) else { continue };
        if !modules.contains(&head.get(from..).unwrap_or("")) {
            continue;
        }
        let line_start = text.get(..at).and_then(|t| t.rfind('\n')).map_or(0, |n| n + 1);
        let before = text.get(line_start..at).unwrap_or("");
        if before.trim_start().starts_with('#') || is_for_old_releases(text, line_start, before) {
            continue;
        }
        let mut depth = 1;
        let end = rest.char_indices().take(2000).find(|(_, c)| {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        let arguments = end.and_then(|(end, _)| rest.get(..end)).unwrap_or(rest);
        let line = text.get(..at).map_or(1, |t| t.matches('\n').count() + 1);
        found.push((u32::try_from(line).unwrap_or(u32::MAX), arguments.to_owned()));
    }
    found
}

/// Whether a call is the branch for releases before 2: below an `except` or `else` whose other branch names the
/// version.
fn is_for_old_releases(text: &str, line_start: usize, line: &str) -> bool {
    let indent = |l: &str| l.len() - l.trim_start().len();
    let own = indent(line);
    let above = text.get(..line_start).unwrap_or("").lines().rev().take(12);
    let mut header = None;
    for (back, line) in above.enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        if header.is_none() && indent(line) < own {
            let other = line.trim_start().starts_with("except") || line.trim_start().starts_with("else");
            header = Some(back).filter(|_| other);
            if header.is_none() {
                return false;
            }
        }
        if header.is_some() && (line.contains("CallbackAPIVersion") || line.contains("callback_api_version"))
        {
            return true;
        }
    }
    false
}

enum Pin {
    Old,
    TwoZero,
    Newer,
    Open,
}

/// What the nearest requirements files above the source say of paho-mqtt: a pin before a bare name.
fn pin(context: &Context<'_>, source: &Source) -> Option<Pin> {
    let mut folder = source.path.parent();
    while let Some(dir) = folder {
        let here = context.project.sources.iter().filter(|s| s.path.parent() == Some(dir));
        let pins: Vec<Pin> = here
            .filter(|s| !s.path.extension().is_some_and(|e| e == "py" || e == "sh"))
            .flat_map(|file| file.text.lines().filter_map(pin_of_line))
            .collect();
        let exact = pins.iter().position(|p| !matches!(p, Pin::Open)).unwrap_or(0);
        if let Some(pin) = pins.into_iter().nth(exact) {
            return Some(pin);
        }
        folder = dir.parent();
    }
    None
}

/// A line of a requirements file, of a list of dependencies, or a `pip install`.
fn pin_of_line(line: &str) -> Option<Pin> {
    let text = line.trim().trim_matches(['"', '\'', ',']).to_ascii_lowercase();
    if let Some(rest) = text.strip_prefix("paho-mqtt").or_else(|| text.strip_prefix("paho_mqtt")) {
        return Some(read_pin(rest));
    }
    let (_, rest) = text.split_once("pip install").and_then(|(_, r)| r.split_once("paho-mqtt"))?;
    Some(read_pin(rest.split_whitespace().next().unwrap_or("")))
}

fn read_pin(rest: &str) -> Pin {
    let text: String = rest.chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\'')).collect();
    if text.contains("<2") || text.contains("==1") || text.contains("~=1") {
        Pin::Old
    } else if text.contains("==2.0") {
        Pin::TwoZero
    } else if text.contains("=2") || text.contains(">2") {
        Pin::Newer
    } else {
        Pin::Open
    }
}

/// `if os.path.exists(ca):` whose block calls `tls_set`, with no `else` behind it, or a `try` with `tls_set` whose
/// `except` connects all the same.
fn plaintext_fallback(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found = Vec::new();
    let mut seen = false;
    for source in python(context).filter(|s| s.text.contains("tls_set(")) {
        seen = true;
        let lines: Vec<&str> = source.text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let text = line.trim_start();
            if text.starts_with("try:") && connects_all_the_same(&lines, at) {
                let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
                found.push(rule.finding(
                    Some(Place::line(&source.path, number)),
                    "where the CA file is missing, this code speaks plaintext, password included",
                ));
                continue;
            }
            let asks = text.starts_with("if ")
                && ["exists(", "is_file(", "isfile("].iter().any(|w| text.contains(w));
            if !asks || text.starts_with("if not ") {
                continue;
            }
            let indent = line.len() - text.len();
            let deeper = |l: &&&str| l.trim().is_empty() || l.len() - l.trim_start().len() > indent;
            let block: Vec<&&str> = lines.iter().skip(at + 1).take_while(deeper).collect();
            let sets_tls = block.iter().any(|l| l.trim_start().contains("tls_set("));
            let next = at + 1 + block.len();
            let behind = lines.get(next).map_or("", |l| l.trim_start());
            // An `else` that only prints a word goes on in plaintext.
            let other = lines.iter().skip(next + 1).take_while(deeper).map(|l| l.trim_start());
            let ends = ["raise", "return", "exit(", "sys.exit", "tls_", "ssl"];
            let heeded = behind.starts_with("elif")
                || behind.starts_with("else")
                    && other.into_iter().any(|l| ends.iter().any(|w| l.contains(w)));
            if sets_tls && !heeded {
                let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
                found.push(rule.finding(
                    Some(Place::line(&source.path, number)),
                    "where the CA file is missing, this code speaks plaintext, password included",
                ));
            }
        }
    }
    Outcome::of_seen(seen, found)
}

/// Whether a `try` that turns TLS on has an `except` that connects without it.
fn connects_all_the_same(lines: &[&str], at: usize) -> bool {
    let indent = |l: &str| l.len() - l.trim_start().len();
    let own = lines.get(at).map_or(0, |l| indent(l));
    let block = |from: usize| {
        lines
            .iter()
            .skip(from)
            .take_while(move |l| l.trim().is_empty() || indent(l) > own)
            .map(|l| l.trim_start())
    };
    let sets_tls = block(at + 1).any(|l| l.contains("tls_set(") && !l.starts_with('#'));
    let mut next = at + 1 + block(at + 1).count();
    let is_except =
        |at: usize| lines.get(at).is_some_and(|l| indent(l) == own && l.trim_start().starts_with("except"));
    while is_except(next) {
        let gives_up = |l: &str| ["raise", "return", "sys.exit", "exit("].iter().any(|w| l.starts_with(w));
        let mut body = block(next + 1).take_while(|l| !gives_up(l));
        if sets_tls && body.any(|l| l.contains(".connect(") && !l.starts_with('#')) {
            return true;
        }
        next += 1 + block(next + 1).count();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_except_that_connects_all_the_same_is_a_fallback() {
        let is = |text: &str| connects_all_the_same(&text.lines().collect::<Vec<_>>(), 0);
        assert!(is(
            "try:\n    c.tls_set(ca)\n    c.connect(h, 8883)\nexcept Exception as e:\n    log(e)\n    c.connect(h, 1883)"
        ));
        assert!(!is("try:\n    c.tls_set(ca)\n    c.connect(h, 8883)\nexcept OSError:\n    raise\n"));
        assert!(!is("try:\n    c.tls_set(ca)\nexcept OSError:\n    sys.exit(1)\nc.connect(h, 8883)"));
        assert!(!is("try:\n    c.connect(h)\nexcept OSError:\n    c.connect(h)"));
    }

    #[test]
    fn calls_are_found_with_their_arguments() {
        let all = calls("import x\n# mqtt.Client()\nc = mqtt.Client(\n  f(1), clean_session=True)\n");
        assert_eq!(all, [(3, "\n  f(1), clean_session=True".to_owned())]);
    }

    #[test]
    fn the_module_may_have_another_name() {
        let all = calls(
            "from paho.mqtt import client as mqtt_client\nc = mqtt_client.Client(client_id)\nd = redis.Client(x)\n",
        );
        assert_eq!(all, [(2, "client_id".to_owned())]);
    }

    #[test]
    fn an_id_by_position_is_told_from_what_may_be_a_version() {
        for id in [
            "\"sensor\"",
            "f\"sensor-{n}\"",
            "client_id",
            "self.client_id, clean_session=True",
            "CLIENT_NAME",
        ] {
            assert!(begins_with_an_id(id), "{id}");
        }
        for other in ["", "client_id=x", "API, client_id", "make_version()", "protocol=mqtt.MQTTv5"] {
            assert!(!begins_with_an_id(other), "{other}");
        }
    }

    #[test]
    fn pins_are_read() {
        assert!(matches!(read_pin("==1.6.1"), Pin::Old));
        assert!(matches!(read_pin(">=1.6,<2"), Pin::Old));
        assert!(matches!(read_pin("==2.0.0"), Pin::TwoZero));
        assert!(matches!(read_pin(">=2.1"), Pin::Newer));
        assert!(matches!(read_pin(""), Pin::Open));
    }
}
