//! What edits mean for the project as a whole: its files laid over each other, variables filled in, `extends` and
//! `include` resolved, environment files read. The project afterwards must be the one before plus the intended changes;
//! a file that says what was meant may still mean more where another one builds on it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::super::merge::as_map;
use super::super::project::Project;
use super::super::service::Service;
use super::super::yaml::{Node, Value};
use super::{Change, mount};
use crate::name::escape;
use crate::place::Place;

/// A line of an environment file that got another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvLine {
    /// The file.
    pub file: PathBuf,
    /// The line, counted from 1.
    pub line: u32,
    /// The variable.
    pub key: String,
    /// Its value now.
    pub value: String,
}

/// What was meant.
#[derive(Debug, Clone, Copy)]
pub struct Intended<'a> {
    /// In compose files.
    pub changes: &'a [Change],
    /// In environment files.
    pub lines: &'a [EnvLine],
}

/// Something that changed and was not meant to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beyond {
    /// Where it stands.
    pub place: Place,
    /// What, in one sentence without the place.
    pub what: String,
}

/// Compares a project with itself before the edits: for each intended change whether it shows.
///
/// # Errors
/// The first difference that no change explains.
pub fn compare(before: &Project, after: &Project, intended: Intended<'_>) -> Result<Vec<bool>, Beyond> {
    let top = || Place::file(after.files.first().cloned().unwrap_or_default());
    let beyond = |place: Place, what: &str| Beyond { place, what: what.to_owned() };
    if before.files != after.files || before.services.len() != after.services.len() {
        return Err(beyond(top(), "other files or services would belong to the project"));
    }
    let said = |p: &Project| p.problems.iter().map(|p| p.what.clone()).collect::<Vec<_>>();
    if said(before) != said(after) {
        return Err(beyond(top(), "something could no longer be read"));
    }
    for (old, new) in before.services.iter().zip(&after.services) {
        environment(old, new, intended)?;
    }
    match (&before.merged, &after.merged) {
        (Some(old), Some(new)) => whole(old, new, intended)?,
        (None, None) => {}
        _ => return Err(beyond(top(), "the project would be another")),
    }
    Ok(intended.changes.iter().map(|change| shows(after, change)).collect())
}

/// Whether a change is true of the project.
fn shows(project: &Project, change: &Change) -> bool {
    let Some(service) = project.services.iter().find(|s| s.name.value == change.service()) else {
        return false;
    };
    match change {
        Change::SetVariable { key, value, .. } => {
            service.environment.iter().any(|v| v.key == *key && v.value.as_ref() == Some(value))
        }
        Change::AddMount { target, .. } => service.mounts.iter().any(|m| m.target == *target),
    }
}

/// The variables that reach the container, those of environment files too.
fn environment(old: &Service, new: &Service, intended: Intended<'_>) -> Result<(), Beyond> {
    let was: BTreeMap<&str, _> = old.environment.iter().map(|v| (v.key.as_str(), v)).collect();
    let is: BTreeMap<&str, _> = new.environment.iter().map(|v| (v.key.as_str(), v)).collect();
    let name = &new.name.value;
    if let Some(gone) = was.keys().find(|k| !is.contains_key(*k)) {
        return Err(changed(new.name.place.clone(), name, gone));
    }
    for (key, var) in is {
        let before = was.get(key).map(|v| &v.value);
        if before == Some(&var.value) {
            continue;
        }
        let by_change = intended.changes.iter().any(|c| match c {
            Change::SetVariable { service, key: k, value } => {
                service == name && k == key && var.value.as_ref() == Some(value)
            }
            Change::AddMount { .. } => false,
        });
        let by_line = var.from_env_file
            && intended.lines.iter().any(|l| {
                l.key == key
                    && l.line == var.place.line
                    && *l.file == *var.place.file
                    && var.value.as_ref() == Some(&l.value)
            });
        if !by_change && !by_line {
            return Err(changed(var.place.clone(), name, key));
        }
    }
    Ok(())
}

fn changed(place: Place, service: &str, what: &str) -> Beyond {
    Beyond { place, what: format!("{} of service {} would change too", escape(what), escape(service)) }
}

/// Everything that Compose is told, key by key.
fn whole(old: &Node, new: &Node, intended: Intended<'_>) -> Result<(), Beyond> {
    let services = |n: &Node| match n.get("services") {
        Some(s) => s.clone(),
        None => n.clone(),
    };
    if old.get("services").is_some() {
        entries(old, new, &|key, a, b| key == "services" || same(a, b))?;
    }
    let (old, new) = (services(old), services(new));
    entries(&old, &new, &|_, _, _| true)?;
    for entry in new.entries() {
        let Some(before) = old.get(&entry.key) else { continue };
        service(&entry.key, before, &entry.value, intended)?;
    }
    Ok(())
}

fn service(name: &str, old: &Node, new: &Node, intended: Intended<'_>) -> Result<(), Beyond> {
    let of_kind = |key: &str| intended.changes.iter().any(|c| c.service() == name && c.section() == key);
    for key in keys(old, new) {
        let (a, b) = (old.get(key), new.get(key));
        let explained = match (key, a, b) {
            (_, Some(a), Some(b)) if same(a, b) => true,
            ("environment", a, Some(b)) if of_kind(key) => variables(name, a, b, intended.changes),
            ("volumes", a, Some(b)) if of_kind(key) => mounts(name, a, b, intended.changes),
            _ => false,
        };
        if !explained {
            return Err(changed(b.or(a).unwrap_or(new).place(), name, key));
        }
    }
    Ok(())
}

/// The old variables and, besides, only those that were to be set.
fn variables(service: &str, old: Option<&Node>, new: &Node, changes: &[Change]) -> bool {
    let map = |n: &Node| as_map(n.clone(), '=');
    let (old, new) = (old.map(map), map(new));
    let empty: &[_] = &[];
    let was = old.as_ref().map_or(empty, Node::entries);
    let kept = was.iter().all(|e| new.get(&e.key).is_some());
    kept && new.entries().iter().all(|e| {
        let before = old.as_ref().and_then(|o| o.get(&e.key));
        before.is_some_and(|b| same(b, &e.value))
            || changes.iter().any(|c| match c {
                Change::SetVariable { service: s, key, value } => {
                    s == service && *key == e.key && e.value.scalar().is_some_and(|t| t.text == *value)
                }
                Change::AddMount { .. } => false,
            })
    })
}

/// The old mounts in their order and, among them, only those that were to be added.
fn mounts(service: &str, old: Option<&Node>, new: &Node, changes: &[Change]) -> bool {
    let mut was = old.map(Node::items).unwrap_or_default().iter().peekable();
    let all = new.items().iter().all(|item| {
        if was.peek().is_some_and(|o| same(o, item)) {
            was.next();
            return true;
        }
        changes.iter().any(|c| match c {
            Change::AddMount { service: s, source, target } => {
                s == service && item.text() == Some(mount(source, target).as_str())
            }
            Change::SetVariable { .. } => false,
        })
    });
    all && was.next().is_none()
}

/// The same keys on both sides, and `alike` for the values of each.
fn entries(old: &Node, new: &Node, alike: &dyn Fn(&str, &Node, &Node) -> bool) -> Result<(), Beyond> {
    for key in keys(old, new) {
        if !matches!((old.get(key), new.get(key)), (Some(a), Some(b)) if alike(key, a, b)) {
            let place = new.get(key).or(old.get(key)).unwrap_or(new).place();
            return Err(Beyond { place, what: format!("{} would change too", escape(key)) });
        }
    }
    Ok(())
}

fn keys<'n>(old: &'n Node, new: &'n Node) -> impl Iterator<Item = &'n str> {
    let more = new.entries().iter().filter(|e| old.get(&e.key).is_none());
    old.entries().iter().chain(more).map(|e| e.key.as_str())
}

/// Whether two values say the same, wherever they stand.
fn same(a: &Node, b: &Node) -> bool {
    a.tag == b.tag
        && match (&a.value, &b.value) {
            (Value::Scalar(x), Value::Scalar(y)) => {
                x.text == y.text && x.plain == y.plain && x.unset == y.unset
            }
            (Value::Seq(x), Value::Seq(y)) => x.len() == y.len() && x.iter().zip(y).all(|(a, b)| same(a, b)),
            (Value::Map(x), Value::Map(y)) => {
                x.len() == y.len()
                    && x.iter().all(|e| b.get(&e.key).is_some_and(|other| same(&e.value, other)))
            }
            _ => false,
        }
}
