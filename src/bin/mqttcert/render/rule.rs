//! Rules in words.

use std::fmt::Write as _;

use colored::Colorize;
use serde_json::{Value, json};

use mqttcert::rules::Rule;

/// One rule with everything that is said of it.
pub fn one(rule: &Rule) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}    {} at most\n", rule.id.bold(), rule.severity);
    for (label, text) in [("what", rule.what), ("why", rule.why), ("fix", rule.cure), ("source", rule.source)]
    {
        let _ = writeln!(out, "{}", wrapped(label, text));
    }
    let by = match rule.fix.as_str() {
        "safe" => "`mqttcert check --fix` can do it",
        "unsafe" => "`mqttcert check --unsafe-fixes` can do it; it cuts off whoever relied on the hole",
        _ => return out,
    };
    let _ = writeln!(out, "{}", wrapped("", by));
    out
}

/// All rules, a line each.
pub fn list(rules: &[&Rule]) -> String {
    let width = rules.iter().map(|r| r.id.len()).max().unwrap_or(0);
    rules.iter().map(|r| format!("{:width$}  {:7}  {}\n", r.id, r.severity, r.what)).collect()
}

/// `mqttcert.rule/1`.
pub fn json(rules: &[&Rule], single: bool) -> Value {
    let value = |r: &&Rule| {
        json!({
            "id": r.id,
            "severity": r.severity.as_str(),
            "what": r.what,
            "why": r.why,
            "help": r.cure,
            "source": r.source,
            "fix": r.fix.as_str(),
        })
    };
    match rules {
        [one] if single => {
            let mut object = json!({ "schema": "mqttcert.rule/1" });
            if let (Some(all), Value::Object(fields)) = (object.as_object_mut(), value(one)) {
                all.extend(fields);
            }
            object
        }
        all => json!({ "schema": "mqttcert.rule/1", "rules": all.iter().map(value).collect::<Vec<_>>() }),
    }
}

/// A label and a text of at most 100 columns.
fn wrapped(label: &str, text: &str) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let fits = lines.last().is_some_and(|l| l.chars().count() + word.chars().count() < 90);
        if !fits {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
        .iter()
        .enumerate()
        .map(|(n, l)| format!("{:8}{l}", if n == 0 { label } else { "" }))
        .collect::<Vec<_>>()
        .join("\n")
}
