//! Lines as Mosquitto's C code splits them: at `\n`, keyword up to the first blank (0x20 and nothing else), the rest
//! as it stands. Lines that start with `#`, `\n` or `\r` are skipped; a `#` anywhere else is no comment.

use std::ops::Range;

/// One line that holds a keyword.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Counted from 1.
    pub number: u32,
    /// The keyword.
    pub keyword: &'a [u8],
    /// Everything behind the one blank that ends the keyword; `None` if there is nothing.
    pub rest: Option<&'a [u8]>,
    /// Where `rest` starts in the file.
    pub offset: usize,
}

impl<'a> Line<'a> {
    /// The blank-separated words of the rest, with their byte ranges in the file.
    pub fn words(&self) -> impl Iterator<Item = (&'a [u8], Range<usize>)> + '_ {
        let rest = self.rest.unwrap_or_default();
        let mut at = 0;
        std::iter::from_fn(move || {
            while rest.get(at) == Some(&b' ') {
                at += 1;
            }
            let word = rest.get(at..)?.split(|b| *b == b' ').next().filter(|w| !w.is_empty())?;
            let range = self.offset + at..self.offset + at + word.len();
            at += word.len();
            Some((word, range))
        })
    }

    /// The rest without the blanks (of any kind) around it, with its byte range in the file.
    pub fn trimmed(&self) -> Option<(&'a [u8], Range<usize>)> {
        let rest = self.rest?;
        let before = rest.iter().take_while(|b| is_space(**b)).count();
        let text = rest.get(before..).unwrap_or_default();
        let after = text.iter().rev().take_while(|b| is_space(**b)).count();
        let text = text.get(..text.len() - after).unwrap_or_default();
        let start = self.offset + before;
        Some((text, start..start + text.len()))
    }
}

/// C's `isspace` in the C locale.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

/// The lines of a configuration file that say something.
pub(crate) fn lines(text: &[u8]) -> Vec<Line<'_>> {
    let mut found = Vec::new();
    let mut start = 0;
    for (index, raw) in text.split_inclusive(|b| *b == b'\n').enumerate() {
        let here = start;
        start += raw.len();
        if matches!(raw.first(), None | Some(b'#' | b'\n' | b'\r')) {
            continue;
        }
        // A NUL ends the string for the C functions that follow.
        let raw = raw.split(|b| *b == 0).next().unwrap_or_default();
        let end = raw.iter().rev().take_while(|b| matches!(b, b'\n' | b'\r')).count();
        let line = raw.get(..raw.len() - end).unwrap_or_default();
        let lead = line.iter().take_while(|b| **b == b' ').count();
        let text = line.get(lead..).unwrap_or_default();
        if text.is_empty() {
            continue;
        }
        let length = text.iter().position(|b| *b == b' ').unwrap_or(text.len());
        let (keyword, rest) = text.split_at(length);
        let rest = rest.get(1..).filter(|r| !r.is_empty());
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        found.push(Line { number, keyword, rest, offset: here + lead + length + 1 });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<(u32, String, Option<String>)> {
        let owned = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        lines(text.as_bytes()).iter().map(|l| (l.number, owned(l.keyword), l.rest.map(owned))).collect()
    }

    #[test]
    fn only_the_blank_separates_and_only_a_leading_hash_comments() {
        assert_eq!(
            split("# c\n\nlistener 1883 \r\n  user  a\n\tuser b\nuser\n # d\n   \n"),
            [
                (3, "listener".into(), Some("1883 ".into())),
                (4, "user".into(), Some(" a".into())),
                (5, "\tuser".into(), Some("b".into())),
                (6, "user".into(), None),
                (7, "#".into(), Some("d".into())),
            ]
        );
    }

    #[test]
    fn spans_point_at_the_value_in_the_file() {
        let text = b"a  b c\nkey   the value \n";
        let all = lines(text);
        let words: Vec<_> = all[0].words().collect();
        assert_eq!(words, [(&b"b"[..], 3..4), (&b"c"[..], 5..6)]);
        let (value, span) = all[1].trimmed().unwrap();
        assert_eq!((value, &text[span]), (&b"the value"[..], &b"the value"[..]));
    }
}
