//! Client stacks in words.

use std::fmt::Write as _;

use colored::Colorize;
use serde_json::{Value, json};

use mqttcert::stacks::Stack;

/// One stack with everything that is said of it.
pub fn one(stack: &Stack) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}    {}", stack.id.as_str().bold(), stack.library);
    let _ = writeln!(out, "measured with {}\n", stack.version);
    section(&mut out, "used by", stack.products.iter().copied());
    section(&mut out, "accepts, where others do not", stack.accepts.iter().copied());
    section(&mut out, "refuses, where others do not", stack.refuses.iter().copied());
    section(
        &mut out,
        "other versions",
        stack.history.iter().map(|(version, what)| format!("{version}: {what}")),
    );
    section(&mut out, "sources", stack.sources.iter().copied());
    out
}

fn section<T: AsRef<str>>(out: &mut String, title: &str, lines: impl Iterator<Item = T>) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return;
    }
    let _ = writeln!(out, "{title}");
    for line in lines {
        let _ = writeln!(out, "  {}", line.as_ref());
    }
    out.push('\n');
}

/// All stacks, a line each.
pub fn list(stacks: &[&Stack]) -> String {
    let width = stacks.iter().map(|s| s.id.as_str().len()).max().unwrap_or(0);
    stacks.iter().map(|s| format!("{:width$}  {}\n", s.id.as_str(), s.library)).collect()
}

/// `mqttcert.stack/1`.
pub fn json(stacks: &[&Stack], single: bool) -> Value {
    let value = |s: &&Stack| {
        let versions: Vec<Value> =
            s.history.iter().map(|(version, what)| json!({ "version": version, "differs": what })).collect();
        json!({
            "id": s.id.as_str(),
            "library": s.library,
            "version": s.version,
            "products": s.products,
            "accepts": s.accepts,
            "refuses": s.refuses,
            "other_versions": versions,
            "sources": s.sources,
        })
    };
    match stacks {
        [one] if single => {
            let mut object = json!({ "schema": "mqttcert.stack/1" });
            if let (Some(all), Value::Object(fields)) = (object.as_object_mut(), value(one)) {
                all.extend(fields);
            }
            object
        }
        all => json!({ "schema": "mqttcert.stack/1", "stacks": all.iter().map(value).collect::<Vec<_>>() }),
    }
}
