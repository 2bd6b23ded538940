//! Comma-separated values with a first line that names the columns (RFC 4180).

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
    if columns.contains(&Column::Name) { Ok(columns) } else { Err(ListFlaw::NoNameColumn(cells.to_vec())) }
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
