//! On what condition a statement of code runs.

use std::rc::Rc;

use super::super::EnvVar;
use super::super::code::{self, File};
use super::When;
use super::arguments::{self, Setting};
use super::variables::variable_in;
use crate::place::Located;

/// How far calls are followed back.
const MAX_CALLS: usize = 3;

/// The condition on which the statement at a byte runs: every test around it, early returns before it, and, for a
/// function that is about TLS by its name, the tests around its calls.
pub(super) fn condition(
    files: &[Rc<File>],
    file: &Rc<File>,
    at: usize,
    env: &Setting<'_>,
    ca: Option<&Located<String>>,
) -> When {
    at_depth(files, file, at, &|test, negated| judge(files, test, negated, env, ca), MAX_CALLS)
}

fn at_depth(
    files: &[Rc<File>],
    file: &Rc<File>,
    at: usize,
    judge: &dyn Fn(&str, bool) -> When,
    depth: usize,
) -> When {
    let mut tests = tests_around(&file.text, at);
    if let Some(test) = same_line_if(&file.text, at) {
        tests.insert(0, (test, Branch::Then));
    } else if let Some(choice) = choice_around(file, at) {
        tests.insert(0, choice);
    }
    let mut all: Vec<When> = Vec::new();
    for (i, (test, branch)) in tests.iter().enumerate() {
        let when = judge(test, *branch != Branch::Then);
        // What cannot be followed counts only where the statement stands directly below it.
        if when != When::Somehow || (i == 0 && *branch == Branch::Then) {
            all.push(when);
        }
    }
    if depth > 0
        && let Some(name) = function_around(&file.text, at).filter(|n| is_about_tls(n))
    {
        let sites: Vec<When> = calls_of(files, file, name)
            .map(|(f, site)| at_depth(files, f, site, judge, depth - 1))
            .take(16)
            .collect();
        all.extend(any(sites));
    }
    every(all)
}

/// The statement runs on each of these conditions together.
fn every(all: Vec<When>) -> When {
    [When::Asked(false), When::Somehow, When::CaExists, When::Asked(true)]
        .into_iter()
        .find(|w| all.contains(w))
        .unwrap_or(When::Always)
}

/// The function runs where any of its calls does.
fn any(sites: Vec<When>) -> Option<When> {
    [When::Always, When::Asked(true), When::CaExists, When::Somehow, When::Asked(false)]
        .into_iter()
        .find(|w| sites.contains(w))
}

fn is_about_tls(function: &str) -> bool {
    let name = function.to_ascii_lowercase();
    ["tls", "ssl", "secur", "cert"].iter().any(|w| name.contains(w))
}

/// What one test comes to in this environment.
fn judge(
    files: &[Rc<File>],
    test: &str,
    negated: bool,
    env: &Setting<'_>,
    ca: Option<&Located<String>>,
) -> When {
    let looks =
        ["exists", "isfile", "is_file", "Path(", "existsSync", "access("].iter().any(|w| test.contains(w));
    let not =
        test.trim_start().starts_with("not ") || test.contains("(!") || test.trim_start().starts_with('!');
    if looks {
        return if negated && !not { When::Somehow } else { When::CaExists };
    }
    if let Some(When::Asked(holds)) = arguments::asked(files, test, env) {
        return When::Asked(holds != negated);
    }
    if let Some(key) = variable_in(files, test) {
        let negated = not != negated;
        let used = code::env_use(files, &key);
        let value = env.iter().find(|v| v.key == key).map(|v| v.value.clone());
        let value = match value {
            Some(v) => v,
            None => used.as_ref().and_then(|u| u.default.clone()).or(Some(String::new())),
        };
        let Some(value) = value else { return When::Somehow };
        if let Some((_, prefix)) = prefix_asked(test) {
            return When::Asked(value.starts_with(prefix) != negated);
        }
        let upper = key.to_ascii_uppercase();
        if upper.contains("PORT") {
            return match digits_in(test) {
                Some(port) => When::Asked((value == port) != negated),
                None => When::Somehow,
            };
        }
        let path_like = upper.contains("CA") && !upper.contains("ENABLE")
            || upper.contains("CERT")
            || upper.contains("FILE");
        if path_like {
            return if value.is_empty() {
                When::Asked(negated)
            } else if ca.is_some() {
                When::CaExists
            } else {
                When::Asked(true)
            };
        }
        let truth = used.map_or(code::Truth::Usual, |u| u.truth);
        return When::Asked(truth.of(&value) != negated);
    }
    if let Some(value) = bound(test, env) {
        return When::Asked(code::Truth::Usual.of(&value) != (not != negated));
    }
    if test.contains("__name__") || test.contains("is None") || test.contains("self._client") {
        return When::Always;
    }
    When::Somehow
}

/// The prefix that a test asks a text for, and the byte at which it stands: `url.startsWith('mqtts://')`.
pub(super) fn prefix_asked(test: &str) -> Option<(usize, &str)> {
    ["startsWith(", "startswith(", "starts_with(", "HasPrefix(", "StartsWith("].iter().find_map(|call| {
        let open = test.find(call)? + call.len();
        let quote = open + test.get(open..)?.find(['"', '\'', '`'])?;
        let mark = test.get(quote..)?.chars().next()?;
        let inside = test.get(quote + 1..)?.split(mark).next()?;
        Some((quote + 1, inside))
    })
}

/// The value that .NET binds to a property of its options: `MQTT__Secure` is read as `options.Secure`.
fn bound(test: &str, env: &[EnvVar]) -> Option<String> {
    let (_, property) = test.trim().trim_matches(['(', ')', '!', ' ']).rsplit_once('.')?;
    let named = |v: &&EnvVar| {
        v.key.rsplit_once("__").is_some_and(|(_, last)| last.eq_ignore_ascii_case(property.trim()))
            && v.key.to_ascii_uppercase().contains("MQTT")
    };
    env.iter().find(named)?.value.clone()
}

/// The test of `test ? a : b` over several lines, in languages that end a statement by a semicolon, and in which of
/// its branches the byte stands.
fn choice_around(file: &File, at: usize) -> Option<(&str, Branch)> {
    if matches!(file.language, code::Language::Python | code::Language::Shell | code::Language::Go) {
        return None;
    }
    let text = file.text.as_str();
    let start = text[..at].rfind([';', '{', '}']).map_or(0, |i| i + 1);
    let statement = &text[start..at];
    let mark = statement.char_indices().find_map(|(i, c)| {
        let spaced = |c: Option<char>| c.is_some_and(char::is_whitespace);
        let alone = spaced(statement[..i].chars().next_back()) && spaced(statement[i..].chars().nth(1));
        (c == '?' && alone).then_some(i)
    })?;
    let test = statement[..mark].trim();
    let test = test.rsplit_once("= ").or_else(|| test.rsplit_once("return ")).map_or(test, |(_, t)| t);
    let other = statement[mark..].lines().any(|l| l.trim_start().starts_with(": "))
        || statement[mark..].contains(" : ");
    Some((test, if other { Branch::Otherwise } else { Branch::Then }))
}

fn digits_in(test: &str) -> Option<String> {
    let start = test.find(|c: char| c.is_ascii_digit())?;
    Some(test[start..].chars().take_while(char::is_ascii_digit).collect())
}

/// The test of an `if` on the line itself: `x(…) if test else None`, `if test: x(…)`, `test ? x : y`.
fn same_line_if(text: &str, at: usize) -> Option<&str> {
    let start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    let line = text[start..].lines().next()?;
    let (head, tail) = (line.get(..at - start)?, line.get(at - start..)?);
    if let Some((_, rest)) = tail.split_once(" if ") {
        return rest.split_once(" else ").map(|(test, _)| test);
    }
    let head = head.trim_start();
    if let Some(test) = head.strip_prefix("if ").and_then(|h| h.split_once(':')) {
        return Some(test.0);
    }
    let (test, _) = head.rsplit_once(" ? ")?;
    Some(test.rsplit_once(['=', ':', '(']).map_or(test, |(_, t)| t))
}

/// Where a statement stands to a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Branch {
    /// Below the `if`.
    Then,
    /// Below its `else`, or behind an `if` that returns.
    Otherwise,
}

/// The test of the `if` that holds a statement, by its indentation.
pub(super) fn enclosing_if(text: &str, at: usize) -> Option<&str> {
    tests_around(text, at).into_iter().find(|(_, b)| *b == Branch::Then).map(|(t, _)| t)
}

/// The tests around a statement up to its function's head, innermost first, by their indentation.
fn tests_around(text: &str, at: usize) -> Vec<(&str, Branch)> {
    let start = line_start(text, at);
    let mut limit = indent(text[start..].lines().next().unwrap_or(""));
    let mut out = Vec::new();
    let mut returns = false;
    for line in text[..start].lines().rev().take(60) {
        let trimmed = line.trim_start();
        let deep = indent(line);
        if trimmed.is_empty() {
            continue;
        }
        if deep >= limit {
            // `if not wanted: return` above the statement.
            if let Some(test) = test_of(trimmed).filter(|_| deep == limit && returns) {
                out.push((test, Branch::Otherwise));
            }
            returns = deep > limit && (returns || trimmed == "return" || trimmed.starts_with("return "));
            continue;
        }
        // A brace on a line of its own belongs to the line above it.
        limit = if trimmed == "{" { deep + 1 } else { deep };
        returns = false;
        if trimmed.starts_with("else") || trimmed.starts_with("} else {") {
            let above = text[..line.as_ptr() as usize - text.as_ptr() as usize].lines().rev();
            let test = above
                .take(60)
                .take_while(|l| l.trim().is_empty() || indent(l) >= deep)
                .filter(|l| indent(l) == deep)
                .find_map(|l| test_of(l.trim_start()));
            out.extend(test.map(|t| (t, Branch::Otherwise)));
        } else if let Some(test) = test_of(trimmed) {
            out.push((test, Branch::Then));
        } else if function_name(trimmed).is_some() || trimmed.starts_with("class ") {
            break;
        }
    }
    out
}

fn test_of(trimmed: &str) -> Option<&str> {
    let test = trimmed
        .strip_prefix("if ")
        .or_else(|| trimmed.strip_prefix("elif "))
        .or_else(|| trimmed.strip_prefix("if("))
        .or_else(|| trimmed.strip_prefix("} else if "))?;
    Some(test.trim_end_matches([':', '{', ' ']))
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |i| i + 1)
}

/// The name of the function that begins on a line.
fn function_name(trimmed: &str) -> Option<&str> {
    let rest = ["async def ", "def ", "async function ", "function ", "func ", "pub fn ", "fn "]
        .iter()
        .find_map(|w| trimmed.strip_prefix(w))?;
    // `func (c *Client) name(` has its receiver first.
    let rest = if rest.starts_with('(') { rest.split_once(") ").map_or(rest, |(_, r)| r) } else { rest };
    Some(rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or(""))
}

/// The function that a statement stands in.
fn function_around(text: &str, at: usize) -> Option<&str> {
    let start = line_start(text, at);
    let mut limit = indent(text[start..].lines().next().unwrap_or(""));
    for line in text[..start].lines().rev().take(200) {
        if line.trim().is_empty() || indent(line) >= limit {
            continue;
        }
        limit = indent(line) + usize::from(line.trim() == "{");
        if let Some(name) = function_name(line.trim_start()) {
            return Some(name).filter(|n| !n.is_empty());
        }
    }
    None
}

/// The calls of a function in files of the same language: the file and the byte.
fn calls_of<'f>(
    files: &'f [Rc<File>],
    file: &'f Rc<File>,
    name: &'f str,
) -> impl Iterator<Item = (&'f Rc<File>, usize)> {
    files.iter().filter(|f| f.language == file.language).flat_map(move |f| {
        f.text.match_indices(name).filter_map(move |(at, _)| {
            let whole = !f.text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            let call = f.text[at + name.len()..].starts_with('(');
            let head = f.text[line_start(&f.text, at)..at].trim_start();
            let defined = ["def ", "func ", "function ", "fn ", "import "].iter().any(|w| head.contains(w));
            (whole && call && !defined && !super::is_comment(&f.text, at)).then_some((f, at))
        })
    })
}
