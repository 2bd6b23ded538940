//! How code asks for a variable of its environment: by which name, with what default.

use std::rc::Rc;

use super::truth::{literals, pydantic_truth, truth_of, used_as};
use super::{File, Language, Truth};
use crate::place::Place;

/// How code reads one variable of its environment.
#[derive(Debug, Clone)]
pub(in crate::deployment) struct EnvUse {
    /// The value when nobody sets it.
    pub(in crate::deployment) default: Option<String>,
    /// Which values it takes for true.
    pub(in crate::deployment) truth: Truth,
    /// Where its default (or its name) stands.
    pub(in crate::deployment) place: Place,
}

/// Every quoted `KEY` of a file: the byte behind its closing quote.
fn quoted(text: &str, key: &str) -> Vec<usize> {
    let mut out = Vec::new();
    for (at, _) in text.match_indices(key) {
        let before = text[..at].chars().next_back();
        let after = text[at + key.len()..].chars().next();
        let dotted = before == Some('.') || text[..at].ends_with("env::");
        if matches!((before, after), (Some('"' | '\'' | '`'), Some('"' | '\'' | '`'))) {
            out.push(at + key.len() + 1);
        } else if dotted
            && text[..at].ends_with("env.")
            && !after.is_some_and(|c| c.is_alphanumeric() || c == '_')
        {
            out.push(at + key.len());
        }
    }
    out
}

/// How these files read a variable; `None` if none of them mentions it.
pub(in crate::deployment) fn env_use(files: &[Rc<File>], key: &str) -> Option<EnvUse> {
    let mut found: Option<EnvUse> = None;
    for file in files.iter().filter(|f| f.language != Language::Data) {
        for at in quoted(&file.text, key) {
            let rest = statement(&file.text, at);
            let line = &file.text[line_start(&file.text, at)..at];
            // An attribute of an object has the variable's name, not its value.
            let head = line.trim_end_matches(['"', '\'']).trim_end_matches(key).trim_end_matches(['"', '\'']);
            if head.contains("getattr(") && head.rsplit("getattr(").next().is_some_and(|r| !r.contains("env"))
            {
                continue;
            }
            if let Some((_, field)) = line.split_once("= Field(").filter(|_| line.contains("alias=")) {
                found = Some(EnvUse {
                    default: Some(field_default(&format!("Field({field}"))).filter(|d| !d.contains('=')),
                    truth: pydantic_truth(),
                    place: file.place(at.saturating_sub(key.len() + 1), key.len()),
                });
                continue;
            }
            let (default, span) = default_of(rest).map_or((None, None), |(d, r)| (Some(d), Some(r)));
            let mut truth = truth_of(rest, &file.text[line_start(&file.text, at)..at]);
            if truth == Truth::Usual
                && let Some(name) = assigned(&file.text, at)
            {
                truth = used_as(files, name);
            }
            let place = match span {
                Some(r) => file.place(at + r.start, r.len()),
                None => file.place(at.saturating_sub(key.len() + 1), key.len()),
            };
            let better = found.as_ref().is_none_or(|f| {
                f.default.is_none() && default.is_some() || f.truth == Truth::Usual && truth != Truth::Usual
            });
            if better {
                found = Some(EnvUse { default, truth, place });
            }
        }
    }
    found.or_else(|| files.iter().find_map(|file| settings_field(file, key)))
}

/// The variable behind a field of pydantic's `BaseSettings`: its alias, else its name with the class's prefix. `at`
/// is the field's name, `statement` what follows it.
pub(in crate::deployment) fn settings_key(
    file: &File,
    at: usize,
    len: usize,
    statement: &str,
) -> Option<String> {
    if file.language != Language::Python || !file.text.contains("BaseSettings") {
        return None;
    }
    for mark in ["alias=", "env="] {
        if let Some(i) = statement.find(mark) {
            return literals(&statement[i + mark.len()..]).into_iter().next();
        }
    }
    let indented = file.text[line_start(&file.text, at)..at].chars().all(char::is_whitespace);
    (indented && line_start(&file.text, at) < at && statement.starts_with(':'))
        .then(|| format!("{}{}", prefix_of(file), &file.text[at..at + len]).to_ascii_uppercase())
}

/// The `env_prefix` of a file's settings.
fn prefix_of(file: &File) -> String {
    file.text
        .find("env_prefix")
        .and_then(|i| {
            let rest = file.text[i + "env_prefix".len()..].trim_start_matches(['"', '\'', ' ']);
            literals(rest.strip_prefix(['=', ':'])?).into_iter().next()
        })
        .unwrap_or_default()
}

/// A field of pydantic's `BaseSettings`, by the variable's name in small letters, with or without the prefix.
fn settings_field(file: &File, key: &str) -> Option<EnvUse> {
    if file.language != Language::Python || !file.text.contains("BaseSettings") {
        return None;
    }
    let whole = key.to_ascii_lowercase();
    let prefix = prefix_of(file).to_ascii_lowercase();
    let short = whole.strip_prefix(&prefix).filter(|s| !s.is_empty()).unwrap_or(&whole).to_owned();
    let (field, at) =
        [whole, short].into_iter().find_map(|f| Some((f.clone(), file.text.find(&format!("    {f}:"))?)))?;
    let line = file.text[at..].lines().next()?;
    Some(EnvUse {
        default: line.split_once('=').map(|(_, d)| field_default(d)),
        truth: pydantic_truth(),
        place: file.place(at + 4, field.len()),
    })
}

/// The default of `x: bool = False` or `x: bool = Field(default=False, …)`.
fn field_default(expression: &str) -> String {
    let text = expression.trim();
    let inside = text.strip_prefix("Field(").map(|f| {
        let from = f.find("default=").map_or(0, |i| i + "default=".len());
        f[from..].split([',', ')']).next().unwrap_or("")
    });
    let word = inside.unwrap_or(text).trim();
    // A comment may stand behind the literal.
    let literal = word.starts_with(['"', '\'']).then(|| literals(word).into_iter().next()).flatten();
    literal.unwrap_or_else(|| word.split(" #").next().unwrap_or(word).trim().to_owned())
}

/// Quoted words in capitals about a `PORT`: variables that code may ask for.
pub(in crate::deployment) fn asked_keys(text: &str) -> impl Iterator<Item = &str> {
    let inside = |c: char| c.is_ascii_uppercase() || c == '_';
    text.match_indices("PORT").filter_map(move |(at, _)| {
        let start = text.get(..at)?.rfind(|c| !inside(c)).map_or(0, |i| i + 1);
        let end = at + text.get(at..)?.find(|c| !inside(c))?;
        let quoted = text.get(..start)?.ends_with(['"', '\'']) && text.get(end..)?.starts_with(['"', '\'']);
        quoted.then(|| text.get(start..end)).flatten()
    })
}

/// Whether code names the variable as it is spelled.
pub(in crate::deployment) fn names(files: &[Rc<File>], key: &str) -> bool {
    files.iter().any(|f| f.language != Language::Data && f.text.contains(key))
}

/// Whether any file names the variable at all, in whatever way.
pub(in crate::deployment) fn mentions(files: &[Rc<File>], key: &str) -> bool {
    let short = key.split_once('_').map_or(key, |(_, s)| s);
    files.iter().any(|f| {
        f.text.contains(key)
            || f.text.contains(&key.to_ascii_lowercase())
            || (f.text.contains("env_prefix") && f.text.contains(&short.to_ascii_lowercase()))
    })
}

/// Marks of code that takes its variables from the environment without spelling them out.
const WHOLESALE: [&str; 16] = [
    "BaseSettings",
    "env_prefix",
    "dynaconf",
    "expandvars",
    "environ.items",
    "environ.copy",
    "**os.environ",
    "dict(os.environ",
    "getenv(f",
    "environ.get(f",
    "environ[f",
    "process.env[",
    "(process.env",
    "...process.env",
    "= process.env;",
    "envalid",
];

/// Whether code that spells out the variables it asks for never asks for this one. A constant of the same name,
/// `MQTT_HOST = "broker"`, is no question.
pub(in crate::deployment) fn leaves_unread(files: &[Rc<File>], key: &str) -> bool {
    let code = || files.iter().filter(|f| f.language != Language::Data);
    let plain = |f: &Rc<File>| {
        matches!(f.language, Language::Python | Language::JavaScript)
            && !WHOLESALE.iter().any(|w| f.text.contains(w))
    };
    let asks = |f: &Rc<File>| match f.language {
        Language::Python => f.text.match_indices(key).any(|(at, _)| !is_constant(&f.text, at, key.len())),
        _ => f.text.contains(key),
    };
    code().next().is_some() && code().all(plain) && !code().any(asks)
}

/// Whether a name in Python is one of the program's own: no part of a text in quotes, no attribute.
fn is_constant(text: &str, at: usize, len: usize) -> bool {
    let around = (text[..at].chars().next_back(), text[at + len..].chars().next());
    let foreign = |c: char| matches!(c, '"' | '\'' | '.' | '$' | '{' | '}');
    !around.0.is_some_and(foreign) && !around.1.is_some_and(|c| matches!(c, '"' | '\''))
}

/// The rest of the statement behind a byte: to the end of the line, on while brackets are open.
fn statement(text: &str, at: usize) -> &str {
    let rest = &text[at..];
    let mut open = 1i32;
    for (i, c) in rest.char_indices().take(400) {
        match c {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open -= 1,
            '\n' if open <= 0 => return &rest[..i],
            ';' => return &rest[..i],
            _ => {}
        }
    }
    let end = rest.char_indices().nth(160).map_or(rest.len(), |(i, _)| i);
    let line = rest[..end].find('\n').unwrap_or(end);
    &rest[..line]
}

pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |i| i + 1)
}

/// The default behind a variable's name: `, "x")`, `or "x"`, `|| 'x'`, `?? 'x'`, and its bytes.
fn default_of(rest: &str) -> Option<(String, std::ops::Range<usize>)> {
    let head = rest.trim_start_matches([')', ']', ' ', '\n']);
    let skipped = rest.len() - head.len();
    let mark = [",", "or ", "||", "??", ":-", "default="].iter().find(|m| head.starts_with(**m))?;
    let from = skipped + mark.len();
    let tail = rest.get(from..)?;
    let tail = tail.trim_start();
    let tail = tail.strip_prefix("default=").unwrap_or(tail);
    let from = rest.len() - tail.len();
    match tail.chars().next()? {
        q @ ('"' | '\'' | '`') => {
            let end = tail[1..].find(q)? + 1;
            Some((tail[1..end].to_owned(), from + 1..from + end))
        }
        c if c.is_ascii_alphanumeric() => {
            let end = tail.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(tail.len());
            let word = &tail[..end];
            let literal = word.parse::<f64>().is_ok() || matches!(word, "true" | "false" | "True" | "False");
            literal.then(|| (word.to_owned(), from..from + end))
        }
        _ => None,
    }
}

/// The name that a statement assigns to, e.g. `CA` in `CA = os.getenv(…)`.
fn assigned(text: &str, at: usize) -> Option<&str> {
    let head = &text[line_start(text, at)..at];
    let name = head.split_once('=').map(|(n, _)| n).or_else(|| head.split_once(':').map(|(n, _)| n))?;
    let name = name.split(':').next()?.trim();
    let name = name
        .strip_prefix("const ")
        .or(name.strip_prefix("let "))
        .or(name.strip_prefix("var "))
        .unwrap_or(name);
    let name = name.strip_prefix("self.").unwrap_or(name).trim();
    (!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')).then_some(name)
}
