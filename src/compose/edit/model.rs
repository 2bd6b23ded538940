//! What a compose text says, without its layout: for "the old one plus exactly the intended change".

use std::collections::BTreeMap;
use std::path::Path;

use super::super::yaml::{self, Node, Value, YamlError};
use super::{Change, mount};

/// Every document of a text.
pub struct Model(Vec<Meaning>);

#[derive(Debug, Clone)]
enum Meaning {
    /// A scalar, its tag, and whether it is plain (`None`: any will do, it is ours).
    Scalar(String, Option<String>, Option<bool>),
    Seq(Vec<Meaning>, Option<String>),
    Map(BTreeMap<String, Meaning>, Option<String>),
}

impl Model {
    pub fn read(text: &str) -> Result<Self, YamlError> {
        let documents = yaml::load(text.as_bytes(), Path::new(""), Path::new(""))?;
        Ok(Self(documents.iter().map(meaning).collect()))
    }

    /// Whether the change is true already.
    pub fn holds(&self, change: &Change) -> bool {
        self.0.iter().filter_map(|d| section(d, change)).any(|s| match (s, change) {
            (Meaning::Map(entries, _), Change::SetVariable { key, value, .. }) => {
                matches!(entries.get(key), Some(Meaning::Scalar(t, ..)) if t == value)
            }
            (Meaning::Seq(items, _), Change::SetVariable { key, value, .. }) => {
                let starts = format!("{key}=");
                let last = items.iter().rev().find_map(|i| match i {
                    Meaning::Scalar(t, ..) if t == key || t.starts_with(&starts) => Some(t),
                    _ => None,
                });
                last.is_some_and(|t| t.strip_prefix(&starts) == Some(value))
            }
            (Meaning::Seq(items, _), Change::AddMount { target, .. }) => items.iter().any(|i| {
                matches!(i, Meaning::Scalar(t, ..) if t.split(':').nth(1) == Some(target))
                    || matches!(i, Meaning::Map(m, _) if matches!(m.get("target"), Some(Meaning::Scalar(t, ..)) if t == target))
            }),
            _ => false,
        })
    }

    /// Makes the change in meaning alone.
    pub fn make(&mut self, change: &Change) {
        let name = change.service();
        for document in &mut self.0 {
            let Meaning::Map(top, _) = document else { continue };
            let services = match top.contains_key("services") {
                true => top.get_mut("services"),
                false => Some(&mut *document),
            };
            let Some(Meaning::Map(services, _)) = services else { continue };
            let Some(Meaning::Map(service, _)) = services.get_mut(name) else { continue };
            let new = |t: String| Meaning::Scalar(t, None, None);
            let slot = service.entry(change.section().to_owned()).or_insert_with(|| new(String::new()));
            if matches!(slot, Meaning::Scalar(t, ..) if t.is_empty()) {
                // Which form a new section takes is the writer's choice; both are tried by `same`.
                *slot = match change {
                    Change::SetVariable { key, value, .. } => {
                        Meaning::Map(BTreeMap::from([(key.clone(), new(value.clone()))]), None)
                    }
                    Change::AddMount { source, target, .. } => {
                        Meaning::Seq(vec![new(mount(source, target))], None)
                    }
                };
                return;
            }
            match (slot, change) {
                (Meaning::Map(entries, _), Change::SetVariable { key, value, .. }) => {
                    entries.insert(key.clone(), new(value.clone()));
                }
                (Meaning::Seq(items, _), Change::SetVariable { key, value, .. }) => {
                    let starts = format!("{key}=");
                    let whole = new(format!("{key}={value}"));
                    let old = items.iter().rposition(
                        |i| matches!(i, Meaning::Scalar(t, ..) if t == key || t.starts_with(&starts)),
                    );
                    match old.and_then(|at| items.get_mut(at)) {
                        Some(item) => *item = whole,
                        None => items.push(whole),
                    }
                }
                (Meaning::Seq(items, _), Change::AddMount { source, target, .. }) => {
                    items.push(new(mount(source, target)));
                }
                _ => {}
            }
            return;
        }
    }

    /// Whether the section of the change is a mapping.
    pub fn is_map(&self, change: &Change) -> bool {
        self.0.iter().filter_map(|d| section(d, change)).any(|s| matches!(s, Meaning::Map(..)))
    }

    /// What else differs besides one service: other services and keys of the top, by name.
    pub fn others(&self, other: &Self, service: &str) -> Vec<String> {
        let mut who = Vec::new();
        for (a, b) in self.0.iter().zip(&other.0) {
            let (Meaning::Map(a, _), Meaning::Map(b, _)) = (a, b) else { continue };
            for (key, x) in a {
                match (x, b.get(key)) {
                    (Meaning::Map(x, _), Some(Meaning::Map(y, _))) if key == "services" => {
                        let differs = |n: &&String| {
                            *n != service
                                && !matches!((x.get(*n), y.get(*n)), (Some(p), Some(q)) if same(p, q))
                        };
                        who.extend(x.keys().filter(differs).cloned());
                    }
                    (x, Some(y)) if same(x, y) => {}
                    _ => who.push(key.clone()),
                }
            }
        }
        who
    }

    /// Whether two texts say the same.
    pub fn same(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(a, b)| same(a, b))
    }
}

fn section<'a>(document: &'a Meaning, change: &Change) -> Option<&'a Meaning> {
    let Meaning::Map(top, _) = document else { return None };
    let services = top.get("services").unwrap_or(document);
    let Meaning::Map(services, _) = services else { return None };
    let Some(Meaning::Map(service, _)) = services.get(change.service()) else { return None };
    service.get(change.section())
}

fn meaning(node: &Node) -> Meaning {
    let tag = node.tag.as_deref().map(str::to_owned);
    match &node.value {
        Value::Scalar(s) => Meaning::Scalar(s.text.clone(), tag, Some(s.plain)),
        Value::Seq(items) => Meaning::Seq(items.iter().map(meaning).collect(), tag),
        Value::Map(entries) => {
            Meaning::Map(entries.iter().map(|e| (e.key.clone(), meaning(&e.value))).collect(), tag)
        }
    }
}

fn same(a: &Meaning, b: &Meaning) -> bool {
    match (a, b) {
        (Meaning::Scalar(t, g, p), Meaning::Scalar(u, h, q)) => {
            t == u && g == h && (p.is_none() || q.is_none() || p == q)
        }
        (Meaning::Seq(a, g), Meaning::Seq(b, h)) => {
            g == h && a.len() == b.len() && a.iter().zip(b).all(|(x, y)| same(x, y))
        }
        (Meaning::Map(a, g), Meaning::Map(b, h)) => {
            g == h && a.len() == b.len() && a.iter().zip(b).all(|((k, x), (l, y))| k == l && same(x, y))
        }
        // One new variable, written as a map or as a list.
        (Meaning::Map(a, None), Meaning::Seq(b, None)) | (Meaning::Seq(b, None), Meaning::Map(a, None)) => {
            let fresh = a.iter().all(|(_, v)| matches!(v, Meaning::Scalar(_, None, None)));
            fresh
                && a.len() == b.len()
                && a.iter().zip(b).all(|((k, v), item)| match (v, item) {
                    (Meaning::Scalar(v, ..), Meaning::Scalar(t, ..)) => *t == format!("{k}={v}"),
                    _ => false,
                })
        }
        _ => false,
    }
}
