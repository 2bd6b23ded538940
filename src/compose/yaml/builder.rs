//! From the parser's events to values: anchors, aliases and merge keys resolved, within the bounds.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use saphyr_parser::{Event, ScalarStyle, Span};

use super::position::{Lines, closing_quote};
use super::{Entry, MAX_DEPTH, MAX_NODES, Node, Scalar, Source, Value, YamlError, number};
use crate::place::SpanBytes;

/// A collection that is still open.
struct Open {
    node: Node,
    key: Option<(String, u32, SpanBytes)>,
    index: HashMap<String, usize>,
    anchor: usize,
    /// How many values stood in the budget when it began.
    before: usize,
}

pub(super) struct Builder<'a> {
    text: &'a str,
    lines: Lines<'a>,
    source: Arc<Source>,
    stack: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    pub(super) documents: Vec<Node>,
}

impl<'a> Builder<'a> {
    /// `pads` are lines that were given blanks in front for the parser.
    pub(super) fn new(text: &'a str, source: Arc<Source>, pads: &'a HashSet<u32>) -> Self {
        Self {
            text,
            lines: Lines::new(text, pads),
            source,
            stack: Vec::new(),
            anchors: HashMap::new(),
            nodes: 0,
            documents: Vec::new(),
        }
    }

    pub(super) fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), YamlError> {
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
    fn bytes_of(&mut self, value: &str, style: ScalarStyle, span: Span) -> SpanBytes {
        let (Some(start), Some(end)) = (self.lines.offset(span.start), self.lines.offset(span.end)) else {
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
