//! Lists of devices: CSV (RFC 4180, first line names the columns) and JSON (an array of names or objects, or one
//! object per line). Read row by row, so that a list may be longer than memory.

mod csv;
mod json;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use super::subject::{Field, Subject, SubjectError};

/// A row that asks for one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line where it starts, from 1.
    pub line: u32,
    /// Its subject.
    pub subject: Subject,
    /// Its life, where the list says so.
    pub days: Option<u32>,
}

/// Why a list cannot be taken.
#[derive(Debug)]
pub struct ListError {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 for the whole.
    pub line: u32,
    /// What is wrong there.
    pub what: ListFlaw,
}

/// What is wrong with a list.
#[derive(Debug)]
pub enum ListFlaw {
    /// It cannot be read.
    Io(std::io::Error),
    /// Nothing stands in it.
    Empty,
    /// The first line names no column `name`.
    NoNameColumn(Vec<String>),
    /// A column that means nothing here.
    UnknownColumn(String),
    /// A column stands twice.
    DoubleColumn(String),
    /// More or fewer cells than columns: cells, columns.
    Cells(usize, usize),
    /// A quote that does not end, or text behind one.
    Quote,
    /// Not UTF-8.
    Encoding,
    /// No number of days from 1 to 36500.
    Days(String),
    /// The subject cannot be written.
    Subject(String, SubjectError),
    /// JSON that is none.
    Json(String),
    /// A line longer than [`MAX_LINE`].
    TooLong,
}

impl fmt::Display for ListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = crate::name::escape(&self.file.to_string_lossy());
        match self.line {
            0 => write!(f, "{file}: ")?,
            n => write!(f, "{file}:{n}: ")?,
        }
        match &self.what {
            ListFlaw::Io(e) => write!(f, "{e}"),
            ListFlaw::Empty => write!(f, "the list is empty"),
            ListFlaw::NoNameColumn(c) => write!(
                f,
                "no column is called name (found: {}); the first line names the columns, for example name,days",
                c.join(", ")
            ),
            ListFlaw::UnknownColumn(c) => {
                write!(f, "no column is called {c:?}; known: name, days, C, ST, L, O, OU")
            }
            ListFlaw::DoubleColumn(c) => write!(f, "the column {c:?} stands twice"),
            ListFlaw::Cells(n, wanted) => write!(f, "{n} cells, but the first line names {wanted} columns"),
            ListFlaw::Quote => write!(f, "a quoted cell does not end, or text follows its quote"),
            ListFlaw::Encoding => write!(f, "not UTF-8; save the list as UTF-8"),
            ListFlaw::Days(d) => write!(f, "{d:?} is no number of days from 1 to 36500"),
            ListFlaw::Subject(name, e) => write!(f, "{name:?}: {e}"),
            ListFlaw::Json(why) => write!(f, "{why}"),
            ListFlaw::TooLong => write!(f, "the line is longer than {MAX_LINE} bytes"),
        }
    }
}

impl std::error::Error for ListError {}

/// The longest line that is read.
pub const MAX_LINE: usize = 1 << 20;

/// Reads the list row by row. `common` are subject fields for every row; a column of the list wins over them.
///
/// # Errors
/// [`ListError`] at the first row that cannot be taken, and whatever `take` answers.
pub fn each<E: From<ListError>>(
    file: &Path,
    input: impl BufRead,
    common: &[(Field, String)],
    take: &mut dyn FnMut(Row) -> Result<(), E>,
) -> Result<(), E> {
    let mut reader = Lines { file, input, line: 0, buffer: Vec::new() };
    let mut first = String::new();
    // The first character that is no blank tells the format.
    loop {
        if !reader.next(&mut first)? {
            return Err(reader.flaw(ListFlaw::Empty).into());
        }
        if !first.trim().is_empty() {
            break;
        }
    }
    match first.trim_start().chars().next() {
        Some('[' | '{') => json::each(&mut reader, first, common, take),
        _ => csv::each(&mut reader, first, common, take),
    }
}

struct Lines<'a, R> {
    file: &'a Path,
    input: R,
    line: u32,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<'_, R> {
    fn flaw(&self, what: ListFlaw) -> ListError {
        ListError { file: self.file.to_owned(), line: self.line, what }
    }

    /// Appends the next line with its end; `false` at the end of the file.
    fn append(&mut self, out: &mut String) -> Result<bool, ListError> {
        self.buffer.clear();
        let mut limited = std::io::Read::take(&mut self.input, MAX_LINE as u64);
        let n = limited.read_until(b'\n', &mut self.buffer).map_err(|e| self.flaw(ListFlaw::Io(e)))?;
        if n == 0 {
            return Ok(false);
        }
        self.line = self.line.saturating_add(1);
        if n == MAX_LINE || out.len() > MAX_LINE {
            return Err(self.flaw(ListFlaw::TooLong));
        }
        let text = std::str::from_utf8(&self.buffer).map_err(|_| self.flaw(ListFlaw::Encoding))?;
        out.push_str(if self.line == 1 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text });
        Ok(true)
    }

    fn next(&mut self, out: &mut String) -> Result<bool, ListError> {
        out.clear();
        self.append(out)
    }
}

/// Makes a row from its fields. Empty cells are as if they were not there.
fn row(
    line: u32,
    name: &str,
    days: Option<&str>,
    own: &[(Field, String)],
    common: &[(Field, String)],
) -> Result<Row, ListFlaw> {
    let days = match days.map(str::trim).filter(|d| !d.is_empty()) {
        None => None,
        Some(text) => Some(
            text.parse().ok().filter(|d| (1..=36500).contains(d)).ok_or(ListFlaw::Days(text.to_owned()))?,
        ),
    };
    let mut fields: Vec<(Field, String)> =
        common.iter().filter(|(f, _)| !own.iter().any(|(o, _)| o == f)).cloned().collect();
    fields.extend(own.iter().cloned());
    let subject =
        Subject::client(name, &fields).map_err(|e| ListFlaw::Subject(crate::name::escape(name), e))?;
    Ok(Row { line, subject, days })
}
