//! A YAML value with its place, and what one asks of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::place::{Place, SpanBytes};

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

    /// Every text below, with the keys that lead to it; the items of a sequence are numbered from 0.
    #[must_use]
    pub fn leaves(&self) -> Vec<(Vec<String>, &Node)> {
        let mut out = Vec::new();
        self.collect(&mut Vec::new(), &mut out);
        out
    }

    fn collect<'n>(&'n self, above: &mut Vec<String>, out: &mut Vec<(Vec<String>, &'n Node)>) {
        let entries = self.entries().iter().map(|e| (e.key.clone(), &e.value));
        let items = self.items().iter().enumerate().map(|(i, n)| (i.to_string(), n));
        for (key, node) in entries.chain(items) {
            above.push(key);
            node.collect(above, out);
            above.pop();
        }
        if self.text().is_some() {
            out.push((above.clone(), self));
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
