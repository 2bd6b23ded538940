//! Edits of compose files: text and change in, text out. Only the bytes of the change are touched: the sibling's
//! indent, quoting and line ending are copied, and the result is read again: it must be the old document plus exactly
//! the intended change, else it is refused and the lines are handed back for a person to write.

mod model;
mod shape;
mod style;
pub mod whole;

use std::fmt;

use crate::name::escape;

use model::Model;
use shape::{Document, Shape, ShapeKind};
use style::Quote;

/// One change to one service of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// `environment` has `key` with this value.
    SetVariable {
        /// The service.
        service: String,
        /// The variable.
        key: String,
        /// Its value, without variables of Compose.
        value: String,
    },
    /// `volumes` has this bind mount, read-only.
    AddMount {
        /// The service.
        service: String,
        /// The path on the host as Compose takes it: `./x`, `../x` or absolute.
        source: String,
        /// The path in the container.
        target: String,
    },
}

/// Why a change was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The change.
    pub change: Change,
    /// The line of the service (or of what stands in the way), 0 where it is not in this file.
    pub line: u32,
    /// Why, in one sentence.
    pub reason: String,
    /// The lines that a person would write below the service.
    pub lines: Vec<String>,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The text with every change that could be made.
    pub text: String,
    /// The changes that were made, or that already held.
    pub done: Vec<Change>,
    /// Those that were not.
    pub refused: Vec<Refused>,
}

impl Change {
    /// The service.
    #[must_use]
    pub fn service(&self) -> &str {
        match self {
            Self::SetVariable { service, .. } | Self::AddMount { service, .. } => service,
        }
    }

    fn section(&self) -> &'static str {
        match self {
            Self::SetVariable { .. } => "environment",
            Self::AddMount { .. } => "volumes",
        }
    }

    /// The lines that a person would write below the service.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::SetVariable { key, value, .. } => {
                vec![
                    "environment:".into(),
                    format!("  {key}: {}", style::scalar(value, Quote::Double, false)),
                ]
            }
            Self::AddMount { source, target, .. } => {
                vec![
                    "volumes:".into(),
                    format!("  - {}", style::scalar(&mount(source, target), Quote::Plain, false)),
                ]
            }
        }
    }

    /// Whether Compose would take the texts as they are meant.
    fn refusal(&self) -> Option<String> {
        let odd = |t: &str| t.contains('$') || t.chars().any(crate::name::is_unprintable);
        match self {
            Self::SetVariable { key, value, .. } if odd(key) || odd(value) || key.contains('=') => {
                Some("the value holds a `$` or a control character".into())
            }
            Self::AddMount { source, target, .. } if odd(source) || odd(target) => {
                Some("the path holds a `$` or a control character".into())
            }
            Self::AddMount { source, target, .. } if source.contains(':') || target.contains(':') => {
                Some("the path holds a colon: it needs the long form of a volume".into())
            }
            _ => None,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetVariable { service, key, value } => {
                write!(f, "{}: {}={}", escape(service), escape(key), escape(value))
            }
            Self::AddMount { service, source, target } => {
                write!(f, "{}: {} mounted at {}", escape(service), escape(source), escape(target))
            }
        }
    }
}

/// Makes the changes, one after the other. A change that holds already costs no byte.
#[must_use]
pub fn apply(text: &str, changes: &[Change]) -> Edited {
    let mut out = Edited { text: text.to_owned(), done: Vec::new(), refused: Vec::new() };
    for (nth, change) in changes.iter().enumerate() {
        if out.done.contains(change) {
            continue;
        }
        let later = changes.get(nth + 1..).unwrap_or_default();
        match one(&out.text, change, later) {
            Ok((text, also)) => {
                out.text = text;
                out.done.push(change.clone());
                out.done.extend(also);
            }
            Err((line, reason)) => {
                let lines = shared(&out.text, change).unwrap_or_else(|| change.lines());
                out.refused.push(Refused { change: change.clone(), line, reason, lines });
            }
        }
    }
    out
}

/// The lines where the section is an alias (`environment: *common`): what it stands for, and the change over it. A
/// list cannot be laid under another one.
fn shared(text: &str, change: &Change) -> Option<Vec<String>> {
    let documents = shape::read(text).ok()?;
    let section = documents
        .iter()
        .find_map(|d| d.service(change.service()))
        .and_then(|(_, service)| service.get(change.section()))?;
    let Change::SetVariable { key, value, .. } = change else { return None };
    let alias = text.get(section.bytes.clone()).filter(|_| matches!(section.kind, ShapeKind::Alias))?;
    let is_map = Model::read(text).is_ok_and(|m| m.is_map(change));
    is_map.then(|| {
        vec![
            "environment:".into(),
            format!("  <<: {}", escape(alias)),
            format!("  {key}: {}", style::scalar(value, Quote::Double, false)),
        ]
    })
}

type Refusal = (u32, String);

/// Makes one change. What stands behind an anchor is shared: changing it there may make later changes true too, and
/// only these; they are handed back.
fn one(text: &str, change: &Change, later: &[Change]) -> Result<(String, Vec<Change>), Refusal> {
    if let Some(reason) = change.refusal() {
        return Err((0, reason));
    }
    let unreadable = |_| (0, "the file cannot be read as YAML".to_owned());
    let before = Model::read(text).map_err(unreadable)?;
    if before.holds(change) {
        return Ok((text.to_owned(), Vec::new()));
    }
    let documents = shape::read(text).map_err(|reason| (0, reason))?;
    let (edited, line) = edit(text, &documents, change)?;
    let broken = || (line, "the layout of the file does not allow a safe edit here".to_owned());
    let after = Model::read(&edited).map_err(|_| broken())?;
    let also: Vec<Change> =
        later.iter().filter(|c| *c != change && !before.holds(c) && after.holds(c)).cloned().collect();
    let mut expected = before;
    expected.make(change);
    also.iter().for_each(|c| expected.make(c));
    if expected.same(&after) {
        Ok((edited, also))
    } else {
        Err((
            line,
            match expected.others(&after, change.service()).as_slice() {
                [] => "what stands there is shared by a merge key, or laid out so that more would change"
                    .to_owned(),
                who => format!(
                    "what stands there is shared by an anchor: {} would change too",
                    who.iter().map(|w| escape(w)).collect::<Vec<_>>().join(", ")
                ),
            },
        ))
    }
}

/// The edited text, and the line of the service.
fn edit(text: &str, documents: &[Document], change: &Change) -> Result<(String, u32), Refusal> {
    let name = change.service();
    let absent = || (0, format!("service {} does not stand in this file", escape(name)));
    let (document, service, value) =
        documents.iter().find_map(|d| d.service(name).map(|(k, v)| (d, k, v))).ok_or_else(absent)?;
    let line = service.line;
    let refuse = |reason: &str| (line, reason.to_owned());
    let ShapeKind::Map { flow, entries } = &value.kind else {
        return Err(refuse("the service is an alias or empty"));
    };
    let found = entries.iter().find(|(k, _)| k.text == change.section());
    let Some((key, section)) = found else {
        return style::add_section(text, document, value, *flow, change)
            .map(|t| (t, line))
            .ok_or_else(|| refuse("the layout of the service does not allow a safe edit"));
    };
    let twice = match (&section.kind, change) {
        (ShapeKind::Map { entries, .. }, Change::SetVariable { key, .. }) => {
            entries.iter().filter(|(k, _)| k.text == *key).nth(1).map(|(k, _)| (k.line, key))
        }
        _ => None,
    };
    if let Some((line, key)) = twice {
        return Err((line, format!("{} stands there twice, which Compose refuses", escape(key))));
    }
    let edited = match (&section.kind, change) {
        (ShapeKind::Map { flow, entries }, Change::SetVariable { key, value, .. }) => {
            match entries.iter().find(|(k, _)| k.text == *key) {
                Some((_, old)) => style::replace(text, old, value),
                None => style::add_entry(text, section, *flow, entries, key, value),
            }
        }
        (ShapeKind::Seq { flow, items }, Change::SetVariable { key, value, .. }) => {
            let whole = format!("{key}={value}");
            let starts = format!("{key}=");
            match items.iter().rev().find(|i| i.text == *key || i.text.starts_with(&starts)) {
                Some(old) => style::replace(text, old, &whole),
                None => style::add_item(text, section, *flow, items, &whole),
            }
        }
        (ShapeKind::Seq { flow, items }, Change::AddMount { source, target, .. }) => {
            style::add_item(text, section, *flow, items, &mount(source, target))
        }
        (ShapeKind::Scalar(_), _) if section.text.is_empty() => {
            style::fill_empty(text, document, value, key, change)
        }
        (ShapeKind::Alias, _) => return Err(refuse("the section is an alias: other services share it")),
        _ => None,
    };
    edited.map(|t| (t, line)).ok_or_else(|| refuse("the layout of the section does not allow a safe edit"))
}

fn mount(source: &str, target: &str) -> String {
    format!("{source}:{target}:ro")
}

/// A document's services.
impl Document {
    fn service(&self, name: &str) -> Option<(&Shape, &Shape)> {
        let services = self.root.get("services").unwrap_or(&self.root);
        match &services.kind {
            ShapeKind::Map { entries, .. } => {
                entries.iter().find(|(k, _)| k.text == name).map(|(k, v)| (k, v))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
