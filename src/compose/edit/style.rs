//! How a change is written: like its siblings. Every function answers `None` where it cannot be sure.

use super::shape::{Document, Shape, ShapeKind};
use super::{Change, mount};

/// How a scalar is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quote {
    Plain,
    Single,
    Double,
    /// `|` or `>`.
    Block,
}

/// A scalar in the wanted quoting; in another one where that would change its meaning.
pub fn scalar(value: &str, quote: Quote, flow: bool) -> String {
    match quote {
        Quote::Plain if is_plain(value, flow) => value.to_owned(),
        Quote::Single => format!("'{}'", value.replace('\'', "''")),
        _ => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

/// Whether a value without quotes is read as this text by every YAML reader.
fn is_plain(value: &str, flow: bool) -> bool {
    let typed = matches!(
        value.to_ascii_lowercase().as_str(),
        "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" | "null"
    );
    let first = value.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '_'))
        || value.starts_with("./")
        || value.starts_with("../");
    let rest = value.chars().all(|c| {
        c.is_ascii_alphanumeric()
            || matches!(c, '_' | '.' | '/' | '-' | '=' | ':')
            || !c.is_ascii() && c.is_alphanumeric()
    });
    // A colon inside a flow collection is read differently by different readers.
    !typed && first && rest && !value.ends_with(':') && !(flow && value.contains(':'))
}

/// The value of a scalar replaced, its quoting kept.
pub fn replace(text: &str, old: &Shape, value: &str) -> Option<String> {
    let ShapeKind::Scalar(quote) = old.kind else { return None };
    if quote == Quote::Block {
        return None;
    }
    let flow = text.get(..old.bytes.start)?.trim_end().ends_with(['{', '[', ',']);
    let blank =
        if old.bytes.is_empty() && text.get(..old.bytes.start)?.ends_with(|c: char| !c.is_whitespace()) {
            // `KEY:` with nothing behind the colon: the shape ends with the key.
            let colon = text.get(old.bytes.start..)?.find(':')? + 1;
            return Some(splice(
                text,
                old.bytes.start + colon,
                &format!(" {}", scalar(value, Quote::Double, flow)),
            ));
        } else {
            ""
        };
    let new = format!("{blank}{}", scalar(value, quote, flow));
    Some(format!("{}{new}{}", text.get(..old.bytes.start)?, text.get(old.bytes.end..)?))
}

/// A new pair in a mapping.
pub fn add_entry(
    text: &str,
    map: &Shape,
    flow: bool,
    entries: &[(Shape, Shape)],
    key: &str,
    value: &str,
) -> Option<String> {
    let last = entries.iter().rev().find(|(k, _)| k.text != "<<").or(entries.last());
    let key_quote = last.map_or(Quote::Plain, |(k, _)| quote_of(k));
    let value_quote = last.map_or(Quote::Double, |(_, v)| quote_of(v));
    let between = match last {
        Some((k, v)) if flow => {
            text.get(k.bytes.end..v.bytes.start).filter(|b| b.trim() == ":").unwrap_or(": ")
        }
        _ => ": ",
    };
    let key_text = scalar(key, if key == "<<" { Quote::Plain } else { key_quote }, flow);
    let pair = format!("{key_text}{between}{}", scalar(value, value_quote, flow));
    if flow {
        let ends: Vec<_> = entries.iter().map(|(k, v)| k.bytes.start..v.bytes.end.max(k.bytes.end)).collect();
        return add_flow(text, map, ends.last().cloned(), &pair);
    }
    let (first, _) = entries.first()?;
    let indent = indent_before(text, entries.last().map_or(first, |(k, _)| k).bytes.start)?;
    Some(add_line(text, map.bytes.end, indent, &pair))
}

/// A new item in a sequence.
pub fn add_item(text: &str, seq: &Shape, flow: bool, items: &[Shape], value: &str) -> Option<String> {
    let quote = items.iter().rev().map(quote_of).find(|q| *q != Quote::Block).unwrap_or(Quote::Plain);
    let item = scalar(value, quote, flow);
    if flow {
        return add_flow(text, seq, items.last().map(|i| i.bytes.clone()), &item);
    }
    let dash = dash_before(text, items.last()?.bytes.start)?;
    Some(add_line(text, seq.bytes.end, &dash, &item))
}

/// A section that the service does not have yet.
pub fn add_section(
    text: &str,
    document: &Document,
    service: &Shape,
    flow: bool,
    change: &Change,
) -> Option<String> {
    let ShapeKind::Map { entries, .. } = &service.kind else { return None };
    let name = change.section();
    if flow {
        let value = match change {
            Change::SetVariable { key, value, .. } => {
                format!("{{{key}: {}}}", scalar(value, Quote::Double, true))
            }
            Change::AddMount { source, target, .. } => {
                format!("[{}]", scalar(&mount(source, target), Quote::Double, true))
            }
        };
        let last = entries.last().map(|(k, v)| k.bytes.start..v.bytes.end.max(k.bytes.end));
        return add_flow(text, service, last, &format!("{name}: {value}"));
    }
    let (first, _) = entries.first()?;
    let indent = indent_before(text, first.bytes.start)?;
    // Mounts stand beside the variables that name them; a new section else comes last.
    let after = match change {
        Change::AddMount { .. } => entries.iter().find(|(k, _)| k.text == "environment"),
        Change::SetVariable { .. } => None,
    };
    let end = after.or(entries.last()).map(|(k, v)| v.bytes.end.max(k.bytes.end))?;
    let body = body(text, document, indent, change);
    Some(add_lines(text, end, &[format!("{indent}{name}:"), body]))
}

/// `environment:` with nothing behind it.
pub fn fill_empty(
    text: &str,
    document: &Document,
    service: &Shape,
    key: &Shape,
    change: &Change,
) -> Option<String> {
    let ShapeKind::Map { flow: false, .. } = service.kind else { return None };
    let indent = indent_before(text, key.bytes.start)?;
    let body = body(text, document, indent, change);
    Some(add_lines(text, key.bytes.end, &[body]))
}

/// The one line below a new section, in the form and with the indent that the file's other services have.
fn body(text: &str, document: &Document, indent: &str, change: &Change) -> String {
    let services = document.root.get("services").unwrap_or(&document.root);
    let mut list = None;
    let mut map = None;
    let mut environment_as_list = None;
    if let ShapeKind::Map { entries, .. } = &services.kind {
        for (_, service) in entries {
            let ShapeKind::Map { flow: false, entries } = &service.kind else { continue };
            for (key, value) in entries {
                let Some(own) = indent_before(text, key.bytes.start) else { continue };
                match &value.kind {
                    ShapeKind::Seq { flow: false, items } => {
                        let dash = items.first().and_then(|i| dash_before(text, i.bytes.start));
                        list = list.or(dash.and_then(|d| d.strip_prefix(own).map(str::to_owned)));
                    }
                    ShapeKind::Map { flow: false, entries } => {
                        let inner = entries.first().and_then(|(k, _)| indent_before(text, k.bytes.start));
                        map = map.or(inner.and_then(|i| i.strip_prefix(own).map(str::to_owned)));
                    }
                    _ => {}
                }
                if key.text == "environment" {
                    let is_list = matches!(value.kind, ShapeKind::Seq { .. });
                    environment_as_list = environment_as_list.or(Some(is_list));
                }
            }
        }
    }
    let step = map.unwrap_or_else(|| "  ".to_owned());
    let dash = list.unwrap_or_else(|| format!("{step}- "));
    match change {
        Change::SetVariable { key, value, .. } if environment_as_list == Some(true) => {
            format!("{indent}{dash}{}", scalar(&format!("{key}={value}"), Quote::Plain, false))
        }
        Change::SetVariable { key, value, .. } => {
            format!("{indent}{step}{key}: {}", scalar(value, Quote::Double, false))
        }
        Change::AddMount { source, target, .. } => {
            format!("{indent}{dash}{}", scalar(&mount(source, target), Quote::Plain, false))
        }
    }
}

fn quote_of(shape: &Shape) -> Quote {
    match shape.kind {
        ShapeKind::Scalar(q) if !shape.bytes.is_empty() => q,
        _ => Quote::Plain,
    }
}

/// The blanks in front of a key that begins its line.
fn indent_before(text: &str, at: usize) -> Option<&str> {
    let start = line_start(text, at);
    let lead = text.get(start..at)?;
    lead.chars().all(|c| c == ' ').then_some(lead)
}

/// Indent, dash and the blanks behind it, of an item that begins its line.
fn dash_before(text: &str, at: usize) -> Option<String> {
    let lead = text.get(line_start(text, at)..at)?;
    let blanks = lead.len() - lead.trim_start_matches(' ').len();
    let rest = lead.get(blanks..)?.strip_prefix('-')?;
    let gap = rest.len() - rest.trim_start_matches(' ').len();
    (gap > 0).then(|| format!("{}-{}", " ".repeat(blanks), " ".repeat(gap)))
}

fn add_line(text: &str, end: usize, lead: &str, what: &str) -> String {
    add_lines(text, end, &[format!("{lead}{what}")])
}

/// New lines behind the line in which byte `end` stands. The file keeps its line ending, and the want of one at its
/// very end.
fn add_lines(text: &str, end: usize, lines: &[String]) -> String {
    let rest = text.get(end..).unwrap_or_default();
    let eol = line_ending(text, end);
    match rest.find('\n') {
        Some(at) => {
            splice(text, end + at + 1, &lines.iter().map(|l| format!("{l}{eol}")).collect::<String>())
        }
        None => splice(text, text.len(), &lines.iter().map(|l| format!("{eol}{l}")).collect::<String>()),
    }
}

/// The line ending of the line around `at`; where that is the file's last and open, of the line before.
fn line_ending(text: &str, at: usize) -> &'static str {
    let ends_crlf = |upto: usize| text.get(..upto).is_some_and(|t| t.ends_with('\r'));
    let here = text.get(at..).and_then(|t| t.find('\n')).map(|i| at + i);
    match here.or_else(|| text.get(..at).and_then(|t| t.rfind('\n'))) {
        Some(newline) if ends_crlf(newline) => "\r\n",
        _ => "\n",
    }
}

/// A new member of a flow collection, on the same line as the last one or, like it, on its own.
fn add_flow(text: &str, whole: &Shape, last: Option<std::ops::Range<usize>>, what: &str) -> Option<String> {
    let close = whole.bytes.end.checked_sub(1)?;
    let Some(last) = last else {
        return Some(splice(text, whole.bytes.start + 1, what));
    };
    let tail = text.get(last.end..close)?;
    let comma = tail.split('#').next().unwrap_or_default().find(',');
    let own_line = indent_before(text, last.start)
        .filter(|_| line_start(text, last.start) > line_start(text, whole.bytes.start));
    if let (Some(indent), Some(newline)) = (own_line, tail.find('\n')) {
        // A comment behind the last member stays with it.
        let eol = line_ending(text, last.start);
        let with_comma = match comma {
            Some(_) => text.to_owned(),
            None => splice(text, last.end, ","),
        };
        let at = last.end + newline + 1 + usize::from(comma.is_none());
        let end = if comma.is_some() { "," } else { "" };
        return Some(splice(&with_comma, at, &format!("{indent}{what}{end}{eol}")));
    }
    Some(match comma {
        Some(at) => splice(text, last.end + at + 1, &format!(" {what}")),
        None => splice(text, last.end, &format!(", {what}")),
    })
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|t| t.rfind('\n')).map_or(0, |i| i + 1)
}

fn splice(text: &str, at: usize, new: &str) -> String {
    let (a, b) = (text.get(..at).unwrap_or(text), text.get(at..).unwrap_or_default());
    format!("{a}{new}{b}")
}
