//! The shape of a YAML text: where each value starts and ends, and whether it is written in block or flow style.

use std::collections::HashSet;
use std::ops::Range;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};

use super::style::Quote;

const MAX_DEPTH: usize = super::super::yaml::MAX_DEPTH;

/// One document.
#[derive(Debug)]
pub struct Document {
    pub root: Shape,
}

/// One value as it is written.
#[derive(Debug)]
pub struct Shape {
    pub kind: ShapeKind,
    /// The text of a scalar; empty for the rest.
    pub text: String,
    /// Its bytes with quotes or brackets; for a block collection those of its first key or item up to its last.
    pub bytes: Range<usize>,
    /// The line, counted from 1.
    pub line: u32,
}

#[derive(Debug)]
pub enum ShapeKind {
    Scalar(Quote),
    Alias,
    Map { flow: bool, entries: Vec<(Shape, Shape)> },
    Seq { flow: bool, items: Vec<Shape> },
}

impl Shape {
    pub fn get(&self, key: &str) -> Option<&Shape> {
        match &self.kind {
            ShapeKind::Map { entries, .. } => entries.iter().find(|(k, _)| k.text == key).map(|(_, v)| v),
            _ => None,
        }
    }
}

/// Reads every document. A flow collection that ends at its key's column is read as if that line were indented, as
/// the reader of models does.
pub fn read(text: &str) -> Result<Vec<Document>, String> {
    let mut pads: HashSet<usize> = HashSet::new();
    let mut tries = 0;
    loop {
        match attempt(text, &pads) {
            Err((line, _)) if line > 0 && tries < MOST_TRIES && !pads.contains(&line) => {
                if tries == 0 {
                    let closing = |l: &str| matches!(l.trim(), "]" | "}" | "]," | "},");
                    pads.extend((1..).zip(text.split('\n')).filter(|(_, l)| closing(l)).map(|(n, _)| n));
                }
                tries += 1;
                pads.insert(line);
            }
            Err((_, reason)) => return Err(reason),
            Ok(documents) => return Ok(documents),
        }
    }
}

const MOST_TRIES: u32 = 20;
/// What a padded line gets in front.
const PAD: usize = 80;

fn attempt(text: &str, pads: &HashSet<usize>) -> Result<Vec<Document>, (usize, String)> {
    let blanks = " ".repeat(PAD);
    let shown: String = (1..)
        .zip(text.split_inclusive('\n'))
        .flat_map(|(n, line)| [if pads.contains(&n) { blanks.as_str() } else { "" }, line])
        .collect();
    let mut lines = Lines::new(text);
    lines.pads.clone_from(pads);
    let mut open: Vec<Open> = Vec::new();
    let mut documents = Vec::new();
    for event in Parser::new_from_str(&shown) {
        let (event, span) = event.map_err(|e| (e.marker().line(), e.info().to_owned()))?;
        let start = lines.offset(text, span.start);
        let end = lines.offset(text, span.end);
        let line = u32::try_from(span.start.line()).unwrap_or(u32::MAX);
        let shape = match event {
            Event::Scalar(value, style, ..) => scalar(text, value.into_owned(), style, start, end, line),
            Event::Alias(_) => {
                let length = text.get(start..).map_or(0, |t| {
                    t.find(|c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}')).unwrap_or(t.len())
                });
                Shape { kind: ShapeKind::Alias, text: String::new(), bytes: start..start + length, line }
            }
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                if open.len() >= MAX_DEPTH {
                    return Err((0, format!("is nested more than {MAX_DEPTH} levels deep")));
                }
                let map = matches!(event, Event::MappingStart(..));
                let bracket = if map { b'{' } else { b'[' };
                let flow = text.as_bytes().get(start) == Some(&bracket);
                open.push(Open { map, flow, start, line, parts: Vec::new() });
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => {
                let Some(done) = open.pop() else { continue };
                done.close(text, start)
            }
            _ => continue,
        };
        match open.last_mut() {
            Some(parent) => parent.parts.push(shape),
            None => documents.push(Document { root: shape }),
        }
    }
    Ok(documents)
}

struct Open {
    map: bool,
    flow: bool,
    start: usize,
    line: u32,
    parts: Vec<Shape>,
}

impl Open {
    fn close(self, text: &str, start: usize) -> Shape {
        let closer = if self.map { b'}' } else { b']' };
        let stop = if self.flow {
            let from = self.parts.last().map_or(self.start + 1, |p| p.bytes.end);
            bracket(text, from, closer).map_or(start, |at| at + 1)
        } else {
            self.parts.last().map_or(self.start, |p| p.bytes.end)
        };
        let begin = match self.parts.first() {
            Some(first) if !self.flow => first.bytes.start,
            _ => self.start,
        };
        let kind = if self.map {
            let mut entries: Vec<(Shape, Shape)> = Vec::new();
            let mut key: Option<Shape> = None;
            for part in self.parts {
                match key.take() {
                    None => key = Some(part),
                    Some(k) => {
                        let mut value = part;
                        if value.bytes.is_empty() && value.text.is_empty() {
                            // A value that is not written stands behind its key's colon.
                            value.bytes = k.bytes.end..k.bytes.end;
                        }
                        entries.push((k, value));
                    }
                }
            }
            ShapeKind::Map { flow: self.flow, entries }
        } else {
            ShapeKind::Seq { flow: self.flow, items: self.parts }
        };
        let stop = match &kind {
            ShapeKind::Map { flow: false, entries } => {
                entries.last().map_or(stop, |(k, v)| v.bytes.end.max(k.bytes.end))
            }
            _ => stop,
        };
        Shape { kind, text: String::new(), bytes: begin..stop.max(begin), line: self.line }
    }
}

fn scalar(text: &str, value: String, style: ScalarStyle, start: usize, end: usize, line: u32) -> Shape {
    let (quote, stop) = match style {
        ScalarStyle::SingleQuoted => (Quote::Single, closing(text, start + 1, b'\'').map_or(end, |e| e + 1)),
        ScalarStyle::DoubleQuoted => (Quote::Double, closing(text, start + 1, b'"').map_or(end, |e| e + 1)),
        ScalarStyle::Plain if text.get(start..start + value.len()) == Some(&value) => {
            (Quote::Plain, start + value.len())
        }
        ScalarStyle::Plain => (Quote::Plain, trimmed(text, start, end)),
        _ => (Quote::Block, trimmed(text, start, end)),
    };
    Shape { kind: ShapeKind::Scalar(quote), text: value, bytes: start..stop.max(start), line }
}

/// The closing bracket of a flow collection behind its last member: only blanks, commas and comments are between.
fn bracket(text: &str, from: usize, closer: u8) -> Option<usize> {
    let mut comment = false;
    for (at, b) in text.as_bytes().iter().enumerate().skip(from) {
        match *b {
            b'\n' => comment = false,
            _ if comment => {}
            b'#' => comment = true,
            b if b == closer => return Some(at),
            b if b.is_ascii_whitespace() || b == b',' || b == b':' => {}
            _ => return None,
        }
    }
    None
}

fn trimmed(text: &str, start: usize, end: usize) -> usize {
    text.get(start..end).map_or(start, |t| start + t.trim_end().len())
}

fn closing(text: &str, from: usize, quote: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(b) = bytes.get(at) {
        match (*b, quote) {
            (b'\\', b'"') => at += 2,
            (b'\'', b'\'') if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            (b, q) if b == q => return Some(at),
            _ => at += 1,
        }
    }
    None
}

/// Where each line starts; the parser's own byte index drifts behind characters that are not ASCII.
struct Lines {
    starts: Vec<usize>,
    pads: HashSet<usize>,
}

impl Lines {
    fn new(text: &str) -> Self {
        let mut starts = vec![0];
        let bytes = text.as_bytes();
        for (at, b) in bytes.iter().enumerate() {
            if *b == b'\n' || (*b == b'\r' && bytes.get(at + 1) != Some(&b'\n')) {
                starts.push(at + 1);
            }
        }
        Self { starts, pads: HashSet::new() }
    }

    fn offset(&self, text: &str, mark: Marker) -> usize {
        let Some(start) = mark.line().checked_sub(1).and_then(|l| self.starts.get(l)).copied() else {
            return text.len();
        };
        let rest = text.get(start..).unwrap_or_default();
        let column =
            if self.pads.contains(&mark.line()) { mark.col().saturating_sub(PAD) } else { mark.col() };
        start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at)
    }
}
