//! From the parser's lines and columns to bytes.

use std::collections::HashSet;

use saphyr_parser::Marker;

use super::{PAD, number};

/// The lines of a text.
pub(super) struct Lines<'a> {
    text: &'a str,
    /// The byte at which each line starts.
    starts: Vec<usize>,
    /// Lines that were given blanks in front.
    pads: &'a HashSet<u32>,
    /// The last mark that was asked for: line, column, byte. Marks come in order, and a line may be as long as the file.
    last: (usize, usize, usize),
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str, pads: &'a HashSet<u32>) -> Self {
        let mut starts = vec![0];
        let bytes = text.as_bytes();
        for (at, b) in bytes.iter().enumerate() {
            if *b == b'\n' || (*b == b'\r' && bytes.get(at + 1) != Some(&b'\n')) {
                starts.push(at + 1);
            }
        }
        Self { text, starts, pads, last: (0, 0, 0) }
    }

    /// The byte at a line and a column counted in characters. (The parser's own index drifts behind comments that
    /// are not ASCII.)
    pub(super) fn offset(&mut self, mark: Marker) -> Option<usize> {
        let start = *self.starts.get(mark.line().checked_sub(1)?)?;
        let pad = if self.pads.contains(&number(mark.line())) { PAD } else { 0 };
        let col = mark.col().saturating_sub(pad);
        let (line, column, byte) = self.last;
        let (from, skipped) = if line == mark.line() && column <= col { (byte, column) } else { (start, 0) };
        let rest = self.text.get(from..)?;
        let found = rest.char_indices().nth(col - skipped).map_or(rest.len(), |(at, _)| at) + from;
        self.last = (mark.line(), col, found);
        Some(found)
    }
}

/// Where the quote that was opened before `from` is closed.
pub(super) fn closing_quote(bytes: &[u8], from: usize, quote: u8) -> Option<usize> {
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
