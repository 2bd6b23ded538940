//! From an expression in code to the environment variable, or the literal, behind it.

use std::rc::Rc;

use super::super::EnvVar;
use super::super::code::{self, File};
use super::Origin;
use crate::place::Located;

/// The environment variable behind an expression: named there, or what one of its names was assigned from.
pub(super) fn variable_in(files: &[Rc<File>], expression: &str) -> Option<String> {
    if let Some(key) = env_key(expression) {
        return Some(key);
    }
    let words = expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    for word in words.filter(|w| w.len() > 1 && w.chars().any(char::is_alphabetic)) {
        if matches!(
            word,
            "not"
                | "and"
                | "self"
                | "config"
                | "settings"
                | "process"
                | "env"
                | "true"
                | "True"
                | "false"
                | "lower"
                | "port"
                | "args"
                | "is"
                | "or"
                | "in"
                | "if"
                | "None"
                | "null"
        ) {
            continue;
        }
        for file in files {
            for (at, _) in file.text.match_indices(word) {
                let rest = &file.text[at + word.len()..];
                let tail = rest.trim_start();
                let is_assignment =
                    (tail.starts_with('=') && !tail.starts_with("==")) || tail.starts_with(':');
                let whole = !file.text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
                if is_assignment && whole {
                    let statement: String = tail.chars().take(160).collect();
                    let statement = statement.split('\n').next().unwrap_or("").to_owned()
                        + if statement.contains("getenv(\n") || statement.contains("get(\n") {
                            statement.split('\n').nth(1).unwrap_or("")
                        } else {
                            ""
                        };
                    if let Some(key) =
                        env_key(&statement).or_else(|| code::settings_key(file, at, word.len(), &statement))
                    {
                        return Some(key);
                    }
                }
            }
        }
    }
    None
}

/// The key of `os.getenv("KEY"…)`, `os.environ["KEY"]`, `process.env.KEY`, `os.Getenv("KEY")`.
fn env_key(text: &str) -> Option<String> {
    for mark in ["process.env.", "import.meta.env."] {
        if let Some(at) = text.find(mark) {
            let rest = &text[at + mark.len()..];
            let key: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            return Some(key).filter(|k| !k.is_empty());
        }
    }
    for mark in [
        "getenv(",
        "environ.get(",
        "environ[",
        "Getenv(",
        "env(",
        "env.bool(",
        "env.str(",
        "config(",
        "env::var(",
        "getEnv(",
        "LookupEnv(",
        "process.env[",
    ] {
        if let Some(at) = text.find(mark) {
            let rest = text[at + mark.len()..].trim_start().strip_prefix(['"', '\'', '`'])?;
            let key: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            return Some(key).filter(|k| !k.is_empty());
        }
    }
    helper_key(text)
}

/// The key of a call such as `getEnvBool("KEY", false)` or `envOr("KEY", "")`: a function that is called after the
/// environment, with a key in capitals.
fn helper_key(text: &str) -> Option<String> {
    text.match_indices("(\"").chain(text.match_indices("('")).find_map(|(at, mark)| {
        let name = text[..at].rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next()?;
        let key: String = text[at + mark.len()..]
            .chars()
            .take_while(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == '_')
            .collect();
        let closed = text[at + mark.len() + key.len()..].starts_with(['"', '\'']);
        (name.to_ascii_lowercase().contains("env") && key.len() > 2 && closed).then_some(key)
    })
}

/// What a path expression holds: a literal, the variable (or its default) behind a name, or parts that are put
/// together.
pub(super) fn value_of(
    files: &[Rc<File>],
    file: &Rc<File>,
    expression: &str,
    env: &[EnvVar],
) -> Option<(Located<String>, Origin)> {
    if let Some(literal) = expression.strip_prefix(['"', '\'']).and_then(|l| l.strip_suffix(['"', '\''])) {
        let at = file.text.find(expression).unwrap_or(0) + 1;
        return Some((Located::new(literal.to_owned(), file.place(at, literal.len())), Origin::Literal));
    }
    let name = expression.trim_start_matches("str(").trim_end_matches(')').trim();
    let name = name.rsplit('.').next().unwrap_or(name);
    if let Some(key) = variable_in(files, expression).or_else(|| variable_in(files, name)) {
        if let Some(var) = env.iter().find(|v| v.key == key) {
            return Some((Located::new(var.value.clone()?, var.place.clone()), Origin::Variable));
        }
        let used = code::env_use(files, &key)?;
        return Some((Located::new(used.default?, used.place), Origin::Variable));
    }
    for file in files {
        for (at, _) in file.text.match_indices(name) {
            let rest = &file.text[at + name.len()..];
            let tail = rest.trim_start().strip_prefix('=').map(str::trim_start);
            if let Some(literal) =
                tail.and_then(|t| t.strip_prefix(['"', '\''])).and_then(|t| t.split(['"', '\'', '\n']).next())
                && (literal.contains('/') || literal.contains('.'))
            {
                let offset = literal.as_ptr() as usize - file.text.as_ptr() as usize;
                return Some((
                    Located::new(literal.to_owned(), file.place(offset, literal.len())),
                    Origin::Literal,
                ));
            }
        }
    }
    joined(file, expression, name)
}

/// A path that is put together: `os.path.join(HERE, "certs", "ca.crt")`, `HERE / "certs/ca.crt"`, a helper's call, in
/// the expression or where its name is assigned.
fn joined(file: &Rc<File>, expression: &str, name: &str) -> Option<(Located<String>, Origin)> {
    let assigned = |(at, _): (usize, &str)| {
        let before = file.text[..at].chars().next_back();
        let whole = !before.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let rest = file.text[at + name.len()..].trim_start().strip_prefix('=')?;
        Some(rest).filter(|r| whole && !r.starts_with('=')).and_then(|r| r.lines().next())
    };
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let line = match is_name {
        true => file.text.match_indices(name).find_map(assigned)?,
        false => expression,
    };
    let parts: Vec<&str> = line.split(['"', '\'']).skip(1).step_by(2).collect();
    let last = *parts.last()?;
    let certificate = [".crt", ".pem", ".cer", ".cert"].iter().any(|e| last.ends_with(e));
    let plain = |p: &&str| {
        !p.is_empty() && p.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/'))
    };
    if !certificate || parts.first().is_some_and(|p| p.starts_with('/')) || !parts.iter().all(plain) {
        return None;
    }
    let at =
        (last.as_ptr() as usize).checked_sub(file.text.as_ptr() as usize).filter(|a| *a < file.text.len());
    Some((Located::new(parts.join("/"), file.place(at.unwrap_or(0), last.len())), Origin::Joined))
}
