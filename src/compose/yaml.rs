//! YAML with positions: every value knows its file, its line and the bytes it stands on, so that a finding can point
//! at it and an edit can touch it alone. Anchors, aliases and merge keys (`<<`) are resolved here; depth and size
//! are bounded before anything is built.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

use crate::place::{Place, SpanBytes};

/// Deeper nesting than this is refused: no configuration needs it.
pub const MAX_DEPTH: usize = 100;
/// More values than this (aliases counted as often as they are used) are refused.
pub const MAX_NODES: usize = 400_000;

/// The file that a value comes from, and the folder against which its relative paths are meant.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The file, as the user would write it.
    pub file: Arc<Path>,
    /// The folder that relative paths in it start from.
    pub base: PathBuf,
}

/// One YAML value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Its tag, e.g. `!override` or `!!str`.
    pub tag: Option<Box<str>>,
    /// Where it comes from.
    pub source: Arc<Source>,
    /// The line, counted from 1.
    pub line: u32,
    /// The bytes of a scalar without its quotes; empty for collections and where they are not known.
    pub span: SpanBytes,
}

/// The kinds of YAML value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text, number, boolean or null, as it is written.
    Scalar(Scalar),
    /// A sequence.
    Seq(Vec<Node>),
    /// A mapping in its order.
    Map(Vec<Entry>),
}

/// A scalar as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// The text, after interpolation where that has been done.
    pub text: String,
    /// Written without quotes, so that `true`, `1` and `null` are not texts.
    pub plain: bool,
    /// A `|` or `>` block.
    pub block: bool,
    /// It holds a variable that nobody sets and that has no default.
    pub unset: bool,
}

/// One pair of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key's text.
    pub key: String,
    /// The key's line.
    pub line: u32,
    /// The key's bytes.
    pub span: SpanBytes,
    /// The value.
    pub value: Node,
}

/// Why a text is no YAML that we take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlError {
    /// The line, counted from 1; 0 where the whole file is meant.
    pub line: u32,
    /// What is wrong.
    pub reason: String,
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: {}", self.line, self.reason)
        } else {
            f.write_str(&self.reason)
        }
    }
}

impl Node {
    /// Its place.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { file: self.source.file.clone(), line: self.line, span: self.span }
    }

    /// The text of a scalar that is not null.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(s) if !self.is_null() => Some(&s.text),
            _ => None,
        }
    }

    /// The scalar, null included.
    #[must_use]
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(s) => Some(s),
            _ => None,
        }
    }

    /// Whether it is null: nothing, `~` or `null` without quotes.
    #[must_use]
    pub fn is_null(&self) -> bool {
        match &self.value {
            Value::Scalar(s) => {
                s.plain
                    && self.tag.as_deref() != Some("!!str")
                    && matches!(s.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            _ => false,
        }
    }

    /// A boolean as YAML 1.2 and Compose write it, also in quotes.
    #[must_use]
    pub fn bool(&self) -> Option<bool> {
        match self.text()?.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        }
    }

    /// The entries of a mapping; none for anything else.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a sequence; none for anything else.
    #[must_use]
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::Seq(items) => items,
            _ => &[],
        }
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|e| e.key == key).map(|e| &e.value)
    }

    /// The value at the end of a path of keys.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// A path written in this value, joined to the folder that it is meant against.
    #[must_use]
    pub fn path(&self, text: &str) -> PathBuf {
        crate::tree::normalize(&self.source.base.join(text))
    }

    /// A scalar beside this one: same place, other text.
    #[must_use]
    pub fn with_text(&self, text: impl Into<String>, span: SpanBytes) -> Node {
        let (unset, block) = self.scalar().map_or((false, false), |s| (s.unset, s.block));
        Node {
            value: Value::Scalar(Scalar { text: text.into(), plain: false, block, unset }),
            tag: None,
            source: self.source.clone(),
            line: self.line,
            span,
        }
    }

    /// Where the part of a scalar from byte `from` stands, if the scalar stands in the file as it is.
    #[must_use]
    pub fn span_from(&self, from: usize) -> SpanBytes {
        let length = self.scalar().map_or(0, |s| s.text.len());
        if self.span.end.saturating_sub(self.span.start) == length && from <= length {
            SpanBytes { start: self.span.start + from, end: self.span.end }
        } else {
            SpanBytes::default()
        }
    }
}

/// Reads every document of a file.
///
/// # Errors
/// [`YamlError`] with the line: no UTF-8, no YAML, too deep, too many values.
pub fn load(bytes: &[u8], file: &Path, base: &Path) -> Result<Vec<Node>, YamlError> {
    let text = std::str::from_utf8(bytes).map_err(|e| YamlError {
        line: line_of(bytes, e.valid_up_to()),
        reason: "is not UTF-8 text".into(),
    })?;
    if let Some(at) = text.find('\0') {
        return Err(YamlError { line: line_of(bytes, at), reason: "holds a NUL byte: no text file".into() });
    }
    let source = Arc::new(Source { file: Arc::from(file), base: base.to_owned() });
    let mut pads: HashSet<u32> = HashSet::new();
    let mut tries = 0;
    loop {
        match attempt(text, &source, &pads) {
            // YAML wants the end of a flow collection deeper than its key; Compose's own reader and PyYAML do not
            // mind, and people write it so. That line is read as if it were indented.
            Err(e) if may_be_indented(text, &e, &pads) && tries < MOST_TRIES => {
                if tries == 0 {
                    pads.extend(
                        (1u32..).zip(text.split('\n')).filter(|(_, l)| is_closing(l)).map(|(n, _)| n),
                    );
                }
                tries += 1;
                pads.insert(e.line);
            }
            done => return done,
        }
    }
}

/// What a line that may be indented gets in front.
const PAD: usize = 80;

/// How often a file is read again with one more line indented.
const MOST_TRIES: u32 = 20;

/// Whether a line holds nothing but the end of a flow collection.
fn is_closing(line: &str) -> bool {
    matches!(line.trim(), "]" | "}" | "]," | "},")
}

fn attempt(text: &str, source: &Arc<Source>, pads: &HashSet<u32>) -> Result<Vec<Node>, YamlError> {
    let padded: String;
    let shown = if pads.is_empty() {
        text
    } else {
        padded = text
            .split_inclusive('\n')
            .zip(1u32..)
            .flat_map(|(line, n)| [if pads.contains(&n) { &BLANKS[..PAD] } else { "" }, line])
            .collect();
        &padded
    };
    let mut builder = Builder::new(text, source.clone());
    builder.pads.clone_from(pads);
    let mut parser = Parser::new_from_str(shown);
    while let Some(event) = parser.next_event() {
        let (event, span) =
            event.map_err(|e| YamlError { line: number(e.marker().line()), reason: e.info().to_owned() })?;
        builder.take(event, span)?;
    }
    Ok(builder.documents)
}

const BLANKS: &str = "                                                                                ";

/// Whether an error may come from a flow collection whose lines are not indented.
fn may_be_indented(text: &str, error: &YamlError, pads: &HashSet<u32>) -> bool {
    if error.line == 0 || pads.contains(&error.line) || text.len() > 2_000_000 {
        return false;
    }
    let line = text.split('\n').nth(error.line as usize - 1).unwrap_or("").trim_start();
    line.starts_with([']', '}', '"', '\'', '[', '{', ',']) || error.reason.contains("indentation")
}

fn line_of(bytes: &[u8], at: usize) -> u32 {
    number(bytes.iter().take(at).filter(|b| **b == b'\n').count() + 1)
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A collection that is still open.
struct Open {
    node: Node,
    key: Option<(String, u32, SpanBytes)>,
    index: HashMap<String, usize>,
    anchor: usize,
    /// How many values stood in the budget when it began.
    before: usize,
}

struct Builder<'a> {
    text: &'a str,
    /// The byte at which each line starts.
    lines: Vec<usize>,
    source: Arc<Source>,
    stack: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    documents: Vec<Node>,
    /// Lines that were given blanks in front.
    pads: HashSet<u32>,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str, source: Arc<Source>) -> Self {
        let mut lines = vec![0];
        let bytes = text.as_bytes();
        for (at, b) in bytes.iter().enumerate() {
            if *b == b'\n' || (*b == b'\r' && bytes.get(at + 1) != Some(&b'\n')) {
                lines.push(at + 1);
            }
        }
        Self {
            text,
            lines,
            source,
            stack: Vec::new(),
            anchors: HashMap::new(),
            nodes: 0,
            documents: Vec::new(),
            pads: HashSet::new(),
        }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), YamlError> {
        let line = number(span.start.line());
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1, line)?;
                let plain = style == ScalarStyle::Plain;
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let bytes = self.bytes_of(&text, style, span);
                let node = Node {
                    value: Value::Scalar(Scalar { text: text.into_owned(), plain, block, unset: false }),
                    tag: tag.as_deref().map(tag_text),
                    source: self.source.clone(),
                    line,
                    span: bytes,
                };
                self.finish(node, anchor, 1, line)
            }
            Event::SequenceStart(anchor, tag) => {
                self.open(Value::Seq(Vec::new()), anchor, tag.as_deref().map(tag_text), line)
            }
            Event::MappingStart(anchor, tag) => {
                self.open(Value::Map(Vec::new()), anchor, tag.as_deref().map(tag_text), line)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.stack.pop() else { return Ok(()) };
                let weight = self.nodes.saturating_sub(open.before);
                let node = merged(open.node);
                self.finish(node, open.anchor, weight, line)
            }
            Event::Alias(id) => {
                let Some((node, weight)) = self.anchors.get(&id) else {
                    return Err(YamlError { line, reason: "an alias names itself or nothing".into() });
                };
                let (node, weight) = (node, *weight);
                if self.nodes.saturating_add(weight) > MAX_NODES {
                    return Err(too_many(line));
                }
                let node = node.clone();
                self.nodes += weight;
                self.finish(node, 0, weight, line)
            }
            _ => Ok(()),
        }
    }

    fn open(
        &mut self,
        value: Value,
        anchor: usize,
        tag: Option<Box<str>>,
        line: u32,
    ) -> Result<(), YamlError> {
        self.count(1, line)?;
        if self.stack.len() >= MAX_DEPTH {
            return Err(YamlError { line, reason: format!("is nested more than {MAX_DEPTH} levels deep") });
        }
        let node = Node { value, tag, source: self.source.clone(), line, span: SpanBytes::default() };
        let before = self.nodes - 1;
        self.stack.push(Open { node, key: None, index: HashMap::new(), anchor, before });
        Ok(())
    }

    fn finish(&mut self, node: Node, anchor: usize, weight: usize, line: u32) -> Result<(), YamlError> {
        if anchor > 0 {
            self.count(weight, line)?;
            self.anchors.insert(anchor, (node.clone(), weight));
        }
        let Some(open) = self.stack.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        match &mut open.node.value {
            Value::Seq(items) => items.push(node),
            Value::Map(entries) => match open.key.take() {
                None => {
                    let key = node.scalar().map_or_else(|| "?".to_owned(), |s| s.text.clone());
                    open.key = Some((key, node.line, node.span));
                }
                Some((key, line, span)) => match open.index.get(&key) {
                    // Several `<<` stand beside each other; any other key counts once, the last one.
                    Some(&at) if key != "<<" => {
                        if let Some(entry) = entries.get_mut(at) {
                            *entry = Entry { key, line, span, value: node };
                        }
                    }
                    _ => {
                        open.index.insert(key.clone(), entries.len());
                        entries.push(Entry { key, line, span, value: node });
                    }
                },
            },
            Value::Scalar(_) => {}
        }
        Ok(())
    }

    fn count(&mut self, n: usize, line: u32) -> Result<(), YamlError> {
        self.nodes = self.nodes.saturating_add(n);
        if self.nodes > MAX_NODES { Err(too_many(line)) } else { Ok(()) }
    }

    /// The bytes of a scalar without its quotes.
    fn bytes_of(&self, value: &str, style: ScalarStyle, span: Span) -> SpanBytes {
        let (Some(start), Some(end)) = (self.offset(span.start), self.offset(span.end)) else {
            return SpanBytes::default();
        };
        match style {
            ScalarStyle::Plain => {
                let end = start + value.len();
                if self.text.get(start..end) == Some(value) {
                    SpanBytes { start, end }
                } else {
                    SpanBytes::default()
                }
            }
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                let quote = if style == ScalarStyle::SingleQuoted { b'\'' } else { b'"' };
                match closing_quote(self.text.as_bytes(), start + 1, quote) {
                    Some(end) => SpanBytes { start: start + 1, end },
                    None => SpanBytes::default(),
                }
            }
            _ => SpanBytes { start, end },
        }
    }

    /// The byte at a line and a column counted in characters. (The parser's own index drifts behind comments that
    /// are not ASCII.)
    fn offset(&self, mark: Marker) -> Option<usize> {
        let start = *self.lines.get(mark.line().checked_sub(1)?)?;
        let rest = self.text.get(start..)?;
        let pad = if self.pads.contains(&number(mark.line())) { PAD } else { 0 };
        let col = mark.col().saturating_sub(pad);
        if col == 0 {
            return Some(start);
        }
        let column = rest.char_indices().nth(col).map_or(rest.len(), |(at, _)| at);
        Some(start + column)
    }
}

/// Where the quote that was opened before `from` is closed.
fn closing_quote(bytes: &[u8], from: usize, quote: u8) -> Option<usize> {
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

fn too_many(line: u32) -> YamlError {
    YamlError { line, reason: format!("holds more than {MAX_NODES} values") }
}

fn tag_text(tag: &saphyr_parser::Tag) -> Box<str> {
    if tag.is_yaml_core_schema() {
        format!("!!{}", tag.suffix).into()
    } else {
        format!("!{}", tag.suffix).into()
    }
}

/// Resolves the merge keys of one mapping (YAML 1.1 `<<`): its own keys win, an earlier mapping wins over a later.
fn merged(mut node: Node) -> Node {
    let Value::Map(entries) = &mut node.value else { return node };
    if !entries.iter().any(|e| e.key == "<<") {
        return node;
    }
    let (merge, own): (Vec<Entry>, Vec<Entry>) =
        std::mem::take(entries).into_iter().partition(|e| e.key == "<<");
    let mut seen: std::collections::HashSet<String> = own.iter().map(|e| e.key.clone()).collect();
    *entries = own;
    for entry in merge {
        let maps = match entry.value.value {
            Value::Seq(items) => items,
            other => vec![Node { value: other, ..entry.value }],
        };
        for map in maps {
            if let Value::Map(inherited) = map.value {
                for e in inherited {
                    if seen.insert(e.key.clone()) {
                        entries.push(e);
                    }
                }
            }
        }
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Node {
        load(text.as_bytes(), Path::new("f.yml"), Path::new(".")).unwrap().remove(0)
    }

    fn span<'a>(text: &'a str, node: &Node) -> &'a str {
        &text[node.span.start..node.span.end]
    }

    #[test]
    fn spans_hold_the_value_without_quotes_also_behind_wide_characters() {
        let text = "# über alles: ñ\r\na: \"tr\u{fc}e\"   # n\u{e4}h\r\n\"b ü\": 'x''y'\r\nc: plain text  # c\r\nd: {e: 1}\n";
        let n = one(text);
        assert_eq!(span(text, n.get("a").unwrap()), "trüe");
        assert_eq!((span(text, n.get("b ü").unwrap()), n.get("b ü").unwrap().text()), ("x''y", Some("x'y")));
        assert_eq!(span(text, n.get("c").unwrap()), "plain text");
        assert_eq!((span(text, n.at(&["d", "e"]).unwrap()), n.at(&["d", "e"]).unwrap().line), ("1", 5));
    }

    #[test]
    fn merge_keys_give_way_to_own_keys_and_earlier_maps() {
        let n = one("x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz:\n  <<: [*x, *y]\n  a: 9\n");
        let z = n.get("z").unwrap();
        let got: Vec<_> = ["a", "b", "c"].iter().map(|k| z.get(k).and_then(Node::text)).collect();
        assert_eq!(got, [Some("9"), Some("1"), Some("2")]);
        assert_eq!(z.get("b").unwrap().line, 1);
    }

    #[test]
    fn knows_null_from_quoted_null_and_keeps_tags() {
        let n = one("a: ~\nb: 'null'\nc: !reset null\nd: !!str null\ne:\n");
        assert!(n.get("a").unwrap().is_null() && n.get("e").unwrap().is_null());
        assert_eq!(n.get("b").unwrap().text(), Some("null"));
        assert_eq!(n.get("c").unwrap().tag.as_deref(), Some("!reset"));
        assert_eq!(n.get("d").unwrap().text(), Some("null"));
    }

    #[test]
    fn refuses_bombs_depth_and_binary_with_a_line() {
        let fail = |t: &[u8]| load(t, Path::new("f"), Path::new(".")).unwrap_err();
        let deep = "[".repeat(100_000);
        assert!(!fail(deep.as_bytes()).reason.is_empty());
        let steps: String = (0..300).map(|i| format!("{}k:\n", " ".repeat(i))).collect();
        assert!(fail(steps.as_bytes()).reason.contains("levels deep"));
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for i in 1..10 {
            let p = i - 1;
            bomb.push_str(&format!(
                "a{i}: &a{i} [*a{p},*a{p},*a{p},*a{p},*a{p},*a{p},*a{p},*a{p},*a{p},*a{p}]\n"
            ));
        }
        assert!(fail(bomb.as_bytes()).reason.contains("values"));
        assert_eq!(fail(b"a: b\n\xff\xfe").line, 2);
        assert!(fail(b"\x7fELF\0\0").reason.contains("NUL"));
        assert!(fail(b"a: &a [*a]").line == 1);
        assert!(fail(b"a: [1,\nb: }").line > 0);
    }

    #[test]
    fn takes_flow_collections_that_end_at_their_keys_column() {
        let text = "a:\n  b: [\n    x,\n    y\n  ]\n  c: {\n  d: \"e\"\n  }\nf: [\n\"g\"\n]\n";
        let n = one(text);
        assert_eq!(n.at(&["a", "b"]).unwrap().items().len(), 2);
        assert_eq!(span(text, n.at(&["a", "c", "d"]).unwrap()), "e");
        assert_eq!(span(text, &n.get("f").unwrap().items()[0]), "g");
    }

    #[test]
    fn takes_a_hundred_thousand_keys_and_a_ten_megabyte_line() {
        let mut many = String::new();
        for i in 0..100_000 {
            many.push_str(&format!("k{i}: v\n"));
        }
        assert_eq!(one(&many).entries().len(), 100_000);
        let long = format!("a: \"{}\"\n", "x".repeat(10_000_000));
        assert_eq!(one(&long).get("a").unwrap().text().unwrap().len(), 10_000_000);
    }
}
