//! Files of sections and keys (TOML, INI, properties), read line by line with places, so that a file with template
//! marks or other lines that its own parser would refuse can still be read.

use std::path::Path;

use crate::place::{Place, SpanBytes};

/// One section.
#[derive(Debug, Clone, Default)]
pub(super) struct Section {
    /// Its name without brackets; empty before the first one.
    pub(super) name: String,
    /// Its keys.
    pub(super) keys: Vec<Key>,
}

/// One key.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) name: String,
    /// The texts of the value: one, or those of a list.
    pub(super) values: Vec<(String, Place)>,
}

impl Section {
    pub(super) fn get(&self, key: &str) -> Option<&(String, Place)> {
        self.keys.iter().find(|k| k.name == key)?.values.first()
    }

    pub(super) fn all(&self, key: &str) -> &[(String, Place)] {
        self.keys.iter().find(|k| k.name == key).map(|k| k.values.as_slice()).unwrap_or_default()
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.get(key).map(|(t, _)| t.as_str())
    }
}

/// Reads a file of sections.
pub(super) fn read(text: &str, file: &Path) -> Vec<Section> {
    let mut out = vec![Section::default()];
    let mut open: Option<Key> = None;
    let mut offset = 0;
    for (number, line) in (1u32..).zip(text.split_inclusive('\n')) {
        let at = offset;
        offset += line.len();
        let body = line.trim();
        if let Some(mut key) = open.take() {
            key.values.extend(texts(line, at, number, file));
            let closed = without_quotes(line).contains(']');
            match (closed, out.last_mut()) {
                (true, Some(section)) => section.keys.push(key),
                _ => open = Some(key),
            }
            continue;
        }
        if body.is_empty() || body.starts_with(['#', ';', '!']) {
            continue;
        }
        if body.starts_with('[') && !body.contains('=') {
            let name = body.trim_matches(['[', ']', ' ']).split(']').next().unwrap_or("").trim().to_owned();
            out.push(Section { name, keys: Vec::new() });
            continue;
        }
        let Some(split) = line.find(['=', ':']) else { continue };
        let name = line[..split].trim().trim_matches('"').to_owned();
        let rest = &line[split + 1..];
        let key = Key { name, values: texts(rest, at + split + 1, number, file) };
        let bare = without_quotes(rest);
        if bare.trim_start().starts_with('[') && !bare.contains(']') {
            open = Some(key);
        } else if let Some(section) = out.last_mut() {
            section.keys.push(key);
        }
    }
    if let (Some(key), Some(section)) = (open, out.last_mut()) {
        section.keys.push(key);
    }
    out
}

fn without_quotes(line: &str) -> String {
    let mut quote = None;
    line.chars()
        .filter(|c| {
            match quote {
                Some(q) if *c == q => quote = None,
                None if matches!(c, '"' | '\'') => quote = Some(*c),
                _ => return quote.is_none(),
            }
            false
        })
        .take_while(|c| *c != '#')
        .collect()
}

/// The quoted texts of a value, or the bare value.
fn texts(rest: &str, at: usize, line: u32, file: &Path) -> Vec<(String, Place)> {
    let place = |start: usize, len: usize| {
        let mut p = Place::line(file, line);
        p.span = SpanBytes { start: at + start, end: at + start + len };
        p
    };
    let mut out = Vec::new();
    let mut from = 0;
    let first = rest.trim_start().chars().next();
    if !matches!(first, Some('"' | '\'' | '['))
        && !rest.trim_start().is_empty()
        && !rest.contains(['"', '\''])
    {
        let body = rest.split(" #").next().unwrap_or(rest).trim();
        let body = body.trim_end_matches(',');
        if !body.is_empty() && body != "]" {
            let start = rest.find(body).unwrap_or(0);
            out.push((body.to_owned(), place(start, body.len())));
        }
        return out;
    }
    while let Some(open) = rest[from..].find(['"', '\'', '#']).map(|i| i + from) {
        let quote = rest.as_bytes().get(open).copied().unwrap_or(b'"') as char;
        if quote == '#' {
            break;
        }
        let Some(close) = rest[open + 1..].find(quote).map(|i| i + open + 1) else { break };
        out.push((rest[open + 1..close].to_owned(), place(open + 1, close - open - 1)));
        from = close + 1;
    }
    if out.is_empty() {
        let body = rest.trim().trim_matches(['[', ']']);
        if !body.is_empty() {
            let start = rest.find(body).unwrap_or(0);
            out.push((body.to_owned(), place(start, body.len())));
        }
    }
    out
}
