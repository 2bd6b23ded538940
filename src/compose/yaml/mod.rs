//! YAML with positions: every value knows its file, its line and the bytes it stands on, so that a finding can point
//! at it and an edit can touch it alone. Anchors, aliases and merge keys (`<<`) are resolved here; depth and size
//! are bounded before anything is built.

mod builder;
mod node;
mod position;

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use saphyr_parser::Parser;

use builder::Builder;
pub use node::{Entry, Node, Scalar, Source, Value};

/// Deeper nesting than this is refused: no configuration needs it.
pub const MAX_DEPTH: usize = 100;
/// More values than this (aliases counted as often as they are used) are refused.
pub const MAX_NODES: usize = 400_000;

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
    let mut builder = Builder::new(text, source.clone(), pads);
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

    #[test]
    fn a_long_line_of_many_values_takes_linear_time() {
        let line = |n: usize| format!("é: [{}y]\n", "y,".repeat(n));
        let took = |text: &str| {
            let start = std::time::Instant::now();
            let read = one(text);
            (read.get("é").unwrap().items().len(), start.elapsed())
        };
        let (few, many) = (line(20_000), line(200_000));
        let (count, short) = took(&few);
        assert_eq!(count, 20_001);
        let (count, long) = took(&many);
        assert_eq!(count, 200_001);
        assert!(long < short * 40 + std::time::Duration::from_millis(200), "{short:?} then {long:?}");
        let last = many.len() - 3;
        assert_eq!(one(&many).get("é").unwrap().items().last().unwrap().span, (last..last + 1).into());
    }
}
