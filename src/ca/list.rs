//! Lists of devices: CSV (RFC 4180, first line names the columns) and JSON (an array of names or objects, or one
//! object per line). Read row by row, so that a list may be longer than memory.

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

mod csv {
    use super::*;

    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Column {
        Name,
        Days,
        Field(Field),
    }

    pub fn each<E: From<ListError>>(
        reader: &mut Lines<'_, impl BufRead>,
        mut text: String,
        common: &[(Field, String)],
        take: &mut dyn FnMut(Row) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut cells = Vec::new();
        split(reader, &mut text, &mut cells)?;
        let columns = columns(&cells).map_err(|e| reader.flaw(e))?;
        let mut own = Vec::new();
        while reader.next(&mut text)? {
            if text.trim().is_empty() {
                continue;
            }
            let line = reader.line;
            split(reader, &mut text, &mut cells)?;
            if cells.len() != columns.len() {
                return Err(reader.flaw(ListFlaw::Cells(cells.len(), columns.len())).into());
            }
            own.clear();
            let (mut name, mut days) = ("", None);
            for (column, cell) in columns.iter().zip(&cells) {
                match column {
                    Column::Name => name = cell,
                    Column::Days => days = Some(cell.as_str()),
                    Column::Field(field) if !cell.is_empty() => own.push((*field, cell.clone())),
                    Column::Field(_) => {}
                }
            }
            let row = row(line, name, days, &own, common).map_err(|what| ListError {
                file: reader.file.to_owned(),
                line,
                what,
            })?;
            take(row)?;
        }
        Ok(())
    }

    fn columns(cells: &[String]) -> Result<Vec<Column>, ListFlaw> {
        let mut columns = Vec::new();
        for cell in cells {
            let word = cell.trim();
            let column = match word.parse() {
                Ok(Field::CommonName) => Column::Name,
                Ok(field) => Column::Field(field),
                Err(()) if word.eq_ignore_ascii_case("days") => Column::Days,
                Err(()) => {
                    let none = !cells.iter().any(|c| matches!(c.trim().parse(), Ok(Field::CommonName)));
                    return Err(if none {
                        ListFlaw::NoNameColumn(cells.to_vec())
                    } else {
                        ListFlaw::UnknownColumn(word.to_owned())
                    });
                }
            };
            if columns.contains(&column) {
                return Err(ListFlaw::DoubleColumn(word.to_owned()));
            }
            columns.push(column);
        }
        if columns.contains(&Column::Name) {
            Ok(columns)
        } else {
            Err(ListFlaw::NoNameColumn(cells.to_vec()))
        }
    }

    /// Splits a record into cells; a quoted cell may run over several lines.
    fn split(
        reader: &mut Lines<'_, impl BufRead>,
        text: &mut String,
        cells: &mut Vec<String>,
    ) -> Result<(), ListError> {
        cells.clear();
        if !text.contains('"') {
            cells.extend(text.trim_end_matches(['\n', '\r']).split(',').map(str::to_owned));
            return Ok(());
        }
        // Quotes come in pairs: an odd number means that the record goes on.
        while text.bytes().filter(|b| *b == b'"').count() % 2 == 1 {
            if !reader.append(text)? {
                return Err(reader.flaw(ListFlaw::Quote));
            }
        }
        let mut rest = text.trim_end_matches(['\n', '\r']);
        loop {
            let mut cell = String::new();
            if let Some(mut quoted) = rest.strip_prefix('"') {
                loop {
                    let end = quoted.find('"').ok_or_else(|| reader.flaw(ListFlaw::Quote))?;
                    let (piece, after) = quoted.split_at(end);
                    cell.push_str(piece);
                    match after.strip_prefix("\"\"") {
                        Some(more) => {
                            cell.push('"');
                            quoted = more;
                        }
                        None => {
                            rest = after.strip_prefix('"').unwrap_or(after);
                            break;
                        }
                    }
                }
            } else {
                let end = rest.find(',').unwrap_or(rest.len());
                let (piece, after) = rest.split_at(end);
                if piece.contains('"') {
                    return Err(reader.flaw(ListFlaw::Quote));
                }
                cell.push_str(piece);
                rest = after;
            }
            cells.push(cell);
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None if rest.is_empty() => return Ok(()),
                None => return Err(reader.flaw(ListFlaw::Quote)),
            }
        }
    }
}

mod json {
    use serde_json::Value;

    use super::*;

    pub fn each<E: From<ListError>>(
        reader: &mut Lines<'_, impl BufRead>,
        first: String,
        common: &[(Field, String)],
        take: &mut dyn FnMut(Row) -> Result<(), E>,
    ) -> Result<(), E> {
        // Elements are cut out of the text by their brackets and quotes, one at a time, and parsed by serde_json.
        let array = first.trim_start().starts_with('[');
        let mut text = if array { first.replacen('[', " ", 1) } else { first };
        let mut ended = false;
        loop {
            let start = text.find(|c: char| !c.is_whitespace() && c != ',').unwrap_or(text.len());
            text.drain(..start);
            if text.starts_with(']') && array && !ended {
                ended = true;
                text.drain(..1);
                continue;
            }
            if text.is_empty() {
                if !reader.append(&mut text)? {
                    return match array && !ended {
                        true => Err(reader.flaw(ListFlaw::Json("the array does not end".into())).into()),
                        false => Ok(()),
                    };
                }
                continue;
            }
            if ended {
                return Err(reader.flaw(ListFlaw::Json("text follows the array".into())).into());
            }
            let line = reader.line;
            let end = loop {
                match element_end(&text) {
                    Some(end) => break end,
                    None if reader.append(&mut text)? => {}
                    None => return Err(reader.flaw(ListFlaw::Json("an element does not end".into())).into()),
                }
            };
            let flaw = |what| ListError { file: reader.file.to_owned(), line, what };
            let element = text.get(..end).unwrap_or_default();
            let value: Value =
                serde_json::from_str(element).map_err(|e| flaw(ListFlaw::Json(e.to_string())))?;
            take(from_value(line, &value, common).map_err(flaw)?)?;
            text.drain(..end);
        }
    }

    /// One past the end of the first element of `text`, if it is there as a whole.
    fn element_end(text: &str) -> Option<usize> {
        let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
        for (at, c) in text.char_indices() {
            if quoted {
                match c {
                    _ if escaped => escaped = false,
                    '\\' => escaped = true,
                    '"' => {
                        quoted = false;
                        if depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
                continue;
            }
            match c {
                '"' => quoted = true,
                '{' | '[' => depth += 1,
                '}' | ']' if depth == 0 => return Some(at),
                '}' | ']' => {
                    depth -= 1;
                    if depth == 0 {
                        return Some(at + 1);
                    }
                }
                ',' if depth == 0 => return Some(at),
                _ => {}
            }
        }
        None
    }

    fn from_value(line: u32, value: &Value, common: &[(Field, String)]) -> Result<Row, ListFlaw> {
        let object = match value {
            Value::String(name) => return row(line, name, None, &[], common),
            Value::Object(object) => object,
            other => return Err(ListFlaw::Json(format!("{other} is neither a name nor an object"))),
        };
        let (mut name, mut days, mut own) = (None, None, Vec::new());
        for (key, value) in object {
            let text = match value {
                Value::String(s) => s.clone(),
                Value::Number(n) => n.to_string(),
                Value::Null => continue,
                other => return Err(ListFlaw::Json(format!("{key:?}: {other} is no text"))),
            };
            match key.parse() {
                Ok(Field::CommonName) => name = Some(text),
                Ok(field) => own.push((field, text)),
                Err(()) if key == "days" => days = Some(text),
                Err(()) => return Err(ListFlaw::UnknownColumn(key.clone())),
            }
        }
        let name = name.ok_or_else(|| ListFlaw::NoNameColumn(object.keys().cloned().collect()))?;
        row(line, &name, days.as_deref(), &own, common)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(u32, String, Option<u32>)>, String> {
        let mut out = Vec::new();
        each::<ListError>(Path::new("l"), text.as_bytes(), &[], &mut |r| {
            out.push((r.line, r.subject.oneline(), r.days));
            Ok(())
        })
        .map(|()| out)
        .map_err(|e| e.to_string())
    }

    #[test]
    fn reads_csv_with_quotes_a_mark_and_windows_lines() {
        let rows = read("\u{feff}name,days,O\r\n\"a,\"\"b\",30,\r\nt/d,,ACME\r\n\r\n").unwrap();
        assert_eq!(rows, [(2, "/CN=a,\"b".into(), Some(30)), (3, "/O=ACME/CN=t/d".into(), None)]);
    }

    #[test]
    fn reads_json_arrays_and_lines() {
        let want = vec![(1, "/CN=a".to_owned(), None), (2, "/O=x]/CN=b".to_owned(), Some(9))];
        assert_eq!(read("[\"a\",\n{\"name\":\"b\",\"days\":9,\"O\":\"x]\"}]\n").unwrap(), want);
        assert_eq!(read("{\"name\":\"a\"}\n{\"name\":\"b\",\"days\":\"9\",\"O\":\"x]\"}").unwrap(), want);
    }

    #[test]
    fn every_flaw_names_its_line() {
        let says = |text: &str, words: &str| {
            let e = read(text).unwrap_err();
            assert!(e.contains(words), "{e}");
        };
        says("device\nx\n", "l:1: no column is called name");
        says("name,colour\nx,y\n", "l:1: no column is called \"colour\"");
        says("name,days\nx,9\ny,ten\n", "l:3: \"ten\" is no number of days");
        says("name,days\nx\n", "l:2: 1 cells, but the first line names 2");
        says("name\n\"x\n", "a quoted cell does not end");
        says("name\nx#\n", "l:2: \"x#\":");
        says("[\"a\"\n", "the array does not end");
        says("", "empty");
    }
}
