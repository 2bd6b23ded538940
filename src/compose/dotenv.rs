//! Environment files: `.env`, `env_file`, `--env-file`, as Compose v2 reads them, with places.

use std::path::Path;
use std::sync::Arc;

use super::interpolate::interpolate;
use crate::place::{Place, SpanBytes};

/// One line of an environment file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The key.
    pub key: String,
    /// The value; `None` for a bare key, which is taken from the shell.
    pub value: Option<String>,
    /// File, line, and the bytes of the value without its quotes.
    pub place: Place,
}

/// Reads the lines of an environment file. Later lines may use earlier ones; `lookup` knows the rest. Lines that are
/// no assignment are skipped, as Compose's own errors about them help nobody here.
#[must_use]
pub fn parse(text: &str, file: &Path, lookup: &dyn Fn(&str) -> Option<String>) -> Vec<Line> {
    let file: Arc<Path> = Arc::from(file);
    let mut lines: Vec<Line> = Vec::new();
    let mut at = 0;
    let mut number = 0u32;
    while at < text.len() {
        let rest = &text[at..];
        let end = rest.find('\n').unwrap_or(rest.len());
        number += 1;
        let mut next = at + end + 1;
        let line = rest[..end].trim_end_matches('\r');
        let body = line.trim_start();
        let mut start = at + (line.len() - body.len());
        let mut body = body.strip_prefix('\u{feff}').unwrap_or(body);
        start += rest[..end].trim_end_matches('\r').trim_start().len() - body.len();
        if let Some(after) = body.strip_prefix("export ") {
            let trimmed = after.trim_start();
            start += body.len() - trimmed.len();
            body = trimmed;
        }
        let here = number;
        if body.is_empty() || body.starts_with('#') {
            at = next;
            continue;
        }
        let Some(split) = body.find(['=', ':']) else {
            let key = body.split_whitespace().next().unwrap_or("").to_owned();
            if is_key(&key) {
                lines.push(Line { key, value: None, place: place(&file, here, 0, 0) });
            }
            at = next;
            continue;
        };
        let key = body[..split].trim().to_owned();
        if !is_key(&key) {
            at = next;
            continue;
        }
        let raw = &body[split + 1..];
        let value = raw.trim_start();
        let value_at = start + split + 1 + (raw.len() - value.len());
        let (text_value, from, to, literal) = match value.chars().next() {
            Some(q @ ('\'' | '"')) => match closing_quote(&text[value_at + 1..], q) {
                Some(length) => {
                    let inner = &text[value_at + 1..value_at + 1 + length];
                    let breaks = inner.matches('\n').count();
                    if breaks > 0 {
                        let after = value_at + 1 + length;
                        let to_end = text[after..].find('\n').map_or(text.len(), |n| after + n + 1);
                        next = to_end;
                        number += u32::try_from(breaks).unwrap_or(u32::MAX);
                    }
                    let plain = if q == '"' { unescape(inner) } else { inner.to_owned() };
                    (plain, value_at + 1, value_at + 1 + length, q == '\'')
                }
                None => (value.trim_end().to_owned(), value_at, value_at + value.trim_end().len(), false),
            },
            _ => {
                let cut = comment(value);
                let bare = value[..cut].trim_end();
                (bare.to_owned(), value_at, value_at + bare.len(), false)
            }
        };
        let filled = if literal {
            text_value
        } else {
            let seen = |name: &str| {
                lookup(name)
                    .or_else(|| lines.iter().rev().find(|l| l.key == name).and_then(|l| l.value.clone()))
            };
            interpolate(&text_value, &seen).map_or(text_value.clone(), |i| i.text)
        };
        lines.push(Line { key, value: Some(filled), place: place(&file, here, from, to) });
        at = next;
    }
    lines
}

fn place(file: &Arc<Path>, line: u32, start: usize, end: usize) -> Place {
    Place { file: file.clone(), line, span: SpanBytes { start, end } }
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// Where an unquoted value's comment begins: at a `#` behind a blank.
fn comment(value: &str) -> usize {
    if value.starts_with('#') {
        return 0;
    }
    let bytes = value.as_bytes();
    (1..bytes.len())
        .find(|&i| bytes[i] == b'#' && matches!(bytes[i - 1], b' ' | b'\t'))
        .unwrap_or(value.len())
}

fn closing_quote(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().take(1 << 16) {
        match c {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            c if c == quote && !escaped => return Some(at),
            _ => {}
        }
        escaped = false;
    }
    None
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('$') => out.push_str("$$"),
            Some(n @ ('"' | '\\' | '\'')) => out.push(n),
            Some(n) => {
                out.push('\\');
                out.push(n);
            }
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, Option<String>, u32, String)> {
        parse(text, Path::new(".env"), &|_| None)
            .into_iter()
            .map(|l| (l.key, l.value, l.place.line, text[l.place.span.start..l.place.span.end].to_owned()))
            .collect()
    }

    #[test]
    fn reads_quotes_comments_export_and_references_with_spans() {
        let text = "# c\r\nA=1 # one\r\nexport B=\"x y\" # two\nC='$A'\nD=${A}-$B\nE=a#b\nF\n\nG: g\nH=\n";
        let got = read(text);
        let v = |s: &str| Some(s.to_owned());
        let want = [
            ("A", v("1"), 2, "1"),
            ("B", v("x y"), 3, "x y"),
            ("C", v("$A"), 4, "$A"),
            ("D", v("1-x y"), 5, "${A}-$B"),
            ("E", v("a#b"), 6, "a#b"),
            ("F", None, 7, ""),
            ("G", v("g"), 9, "g"),
            ("H", v(""), 10, ""),
        ];
        let want: Vec<_> = want.into_iter().map(|(k, v, l, s)| (k.to_owned(), v, l, s.to_owned())).collect();
        assert_eq!(got, want);
    }

    #[test]
    fn a_quoted_value_may_go_on_over_lines() {
        let got = read("A=\"x\ny\"\nB=1\n");
        assert_eq!((got[0].1.as_deref(), got[1].2), (Some("x\ny"), 3));
    }
}
