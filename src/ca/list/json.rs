//! A JSON array of objects, or one object a line.

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
        let value: Value = serde_json::from_str(element).map_err(|e| flaw(ListFlaw::Json(e.to_string())))?;
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
