//! How one compose file lies over another (Compose specification, "Merge"): mappings key by key, sequences appended,
//! with the exceptions that the specification names.

use std::collections::HashMap;

use super::yaml::{Entry, Node, Value};

/// Lays `over` on `base`, both whole compose files.
pub(super) fn files(base: Node, over: Node) -> Node {
    maps(base, over, &|key, b, o| match key {
        "services" => maps(b, o, &|_, b, o| service(b, o)),
        "volumes" | "networks" | "configs" | "secrets" => maps(b, o, &|_, b, o| generic(b, o)),
        _ => generic(b, o),
    })
}

/// Lays one definition of a service on another; `extends` uses the same rules.
pub(super) fn service(base: Node, over: Node) -> Node {
    maps(base, over, &|key, b, o| match key {
        "command" | "entrypoint" => o,
        "healthcheck" => maps(b, o, &|key, b, o| if key == "test" { o } else { generic(b, o) }),
        "environment" | "labels" | "sysctls" | "annotations" => keyed(b, o, '='),
        "extra_hosts" => appended(b, o, &|n| n.text().map(str::to_owned)),
        "networks" | "depends_on" | "models" => maps(named(b), named(o), &|_, b, o| generic(b, o)),
        "build" => maps(long_build(b), long_build(o), &|key, b, o| match key {
            "args" | "labels" => keyed(b, o, '='),
            _ => generic(b, o),
        }),
        "volumes" => unique(b, o, &volume_target),
        "ports" => unique(b, o, &port_key),
        "configs" | "secrets" => unique(b, o, &|n| {
            n.get("target").or_else(|| n.get("source")).or(Some(n)).and_then(Node::text).map(str::to_owned)
        }),
        // Files of the same name may lie in different folders: each is meant against the file that names it.
        "env_file" => appended(list(b), list(o), &|n| {
            let path = n.get("path").unwrap_or(n);
            Some(path.path(path.text()?).to_string_lossy().into_owned())
        }),
        "dns" | "dns_search" | "tmpfs" | "profiles" | "expose" | "links" => {
            appended(list(b), list(o), &|n| n.text().map(str::to_owned))
        }
        _ => generic(b, o),
    })
}

fn generic(base: Node, over: Node) -> Node {
    match (&base.value, &over.value) {
        (Value::Map(_), Value::Map(_)) => maps(base, over, &|_, b, o| generic(b, o)),
        (Value::Seq(_), Value::Seq(_)) => appended(base, over, &|_| None),
        _ => over,
    }
}

/// Merges two mappings; `inner` merges what both have. `!reset` takes a key away, `!override` replaces its value.
fn maps(base: Node, over: Node, inner: &dyn Fn(&str, Node, Node) -> Node) -> Node {
    if over.tag.as_deref() == Some("!override") {
        return over;
    }
    let (Value::Map(base_entries), true) = (base.value, matches!(over.value, Value::Map(_))) else {
        return over;
    };
    let Value::Map(over_entries) = over.value else {
        return Node { value: Value::Map(base_entries), ..base };
    };
    let mut at: HashMap<String, usize> =
        base_entries.iter().enumerate().map(|(i, e)| (e.key.clone(), i)).collect();
    let mut slots: Vec<Option<Entry>> = base_entries.into_iter().map(Some).collect();
    for entry in over_entries {
        let index = at.get(&entry.key).copied();
        let reset = entry.value.tag.as_deref() == Some("!reset");
        match index.and_then(|i| slots.get_mut(i)) {
            Some(slot) if reset => *slot = None,
            Some(slot) => {
                *slot = Some(match slot.take() {
                    None => entry,
                    Some(old) if entry.value.tag.as_deref() == Some("!override") => {
                        Entry { ..entry }.keep(&old)
                    }
                    // A key without a value takes nothing away.
                    Some(old)
                        if entry.value.is_null() && !old.value.is_null() && old.value.scalar().is_none() =>
                    {
                        old
                    }
                    Some(old) => {
                        let value = inner(&entry.key, old.value, entry.value);
                        Entry { key: old.key, line: old.line, span: old.span, value }
                    }
                });
            }
            None if reset => {}
            None => {
                at.insert(entry.key.clone(), slots.len());
                slots.push(Some(entry));
            }
        }
    }
    Node {
        value: Value::Map(slots.into_iter().flatten().collect()),
        ..over_shell(base.source, base.line, base.span)
    }
}

impl Entry {
    fn keep(self, old: &Entry) -> Entry {
        Entry { key: old.key.clone(), ..self }
    }
}

fn over_shell(source: std::sync::Arc<super::yaml::Source>, line: u32, span: crate::place::SpanBytes) -> Node {
    Node { value: Value::Seq(Vec::new()), tag: None, source, line, span }
}

/// `KEY=value` items or a mapping, as a mapping.
pub(super) fn as_map(node: Node, separator: char) -> Node {
    let Value::Seq(items) = node.value else { return node };
    let mut entries = Vec::with_capacity(items.len());
    for item in items {
        let Some(text) = item.text() else { continue };
        let (key, value) = match text.split_once(separator) {
            Some((key, rest)) => {
                let span = item.span_from(text.len() - rest.len());
                (key.to_owned(), item.with_text(rest, span))
            }
            None => {
                let mut null = item.with_text("", Default::default());
                if let Value::Scalar(s) = &mut null.value {
                    s.plain = true;
                }
                (text.to_owned(), null)
            }
        };
        entries.push(Entry { key, line: item.line, span: item.span, value });
    }
    Node { value: Value::Map(entries), ..over_shell(node.source, node.line, node.span) }
}

fn keyed(base: Node, over: Node, separator: char) -> Node {
    maps(as_map(base, separator), as_map(over, separator), &|_, _, o| o)
}

/// A list of names as a mapping from each name to nothing.
pub(super) fn named(node: Node) -> Node {
    as_map(node, '\0')
}

fn long_build(node: Node) -> Node {
    if node.scalar().is_none() {
        return node;
    }
    let (source, line, span) = (node.source.clone(), node.line, node.span);
    let entry = Entry { key: "context".into(), line, span, value: node };
    Node { value: Value::Map(vec![entry]), ..over_shell(source, line, span) }
}

fn list(node: Node) -> Node {
    if node.scalar().is_none() {
        return node;
    }
    let (source, line, span) = (node.source.clone(), node.line, node.span);
    Node { value: Value::Seq(vec![node]), ..over_shell(source, line, span) }
}

fn appended(base: Node, over: Node, key: &dyn Fn(&Node) -> Option<String>) -> Node {
    if over.tag.as_deref() == Some("!override") {
        return over;
    }
    match (base.value, over.value) {
        (Value::Seq(mut items), Value::Seq(more)) => {
            for item in more {
                let k = key(&item);
                if k.is_none() || !items.iter().any(|i| key(i) == k) {
                    items.push(item);
                }
            }
            Node { value: Value::Seq(items), ..over_shell(base.source, base.line, base.span) }
        }
        (_, value) => Node { value, ..over_shell(over.source, over.line, over.span) },
    }
}

/// Appends, but an item with a key that is there already takes the place of the old one.
fn unique(base: Node, over: Node, key: &dyn Fn(&Node) -> Option<String>) -> Node {
    if over.tag.as_deref() == Some("!override") {
        return over;
    }
    match (base.value, over.value) {
        (Value::Seq(mut items), Value::Seq(more)) => {
            let mut at: HashMap<String, usize> = HashMap::new();
            for (i, item) in items.iter().enumerate() {
                if let Some(k) = key(item) {
                    at.entry(k).or_insert(i);
                }
            }
            for item in more {
                let k = key(&item);
                match k.as_ref().and_then(|k| at.get(k)).and_then(|i| items.get_mut(*i)) {
                    Some(old) => *old = item,
                    None => {
                        if let Some(k) = k {
                            at.insert(k, items.len());
                        }
                        items.push(item);
                    }
                }
            }
            Node { value: Value::Seq(items), ..over_shell(base.source, base.line, base.span) }
        }
        (_, value) => Node { value, ..over_shell(over.source, over.line, over.span) },
    }
}

fn volume_target(node: &Node) -> Option<String> {
    if let Some(target) = node.get("target").and_then(Node::text) {
        return Some(target.trim_end_matches('/').to_owned());
    }
    super::service::short_volume(node.text()?).1.map(|t| t.trim_end_matches('/').to_owned())
}

fn port_key(node: &Node) -> Option<String> {
    match node.text() {
        Some(text) => Some(text.to_owned()),
        None => {
            let part = |k| node.get(k).and_then(Node::text).unwrap_or("").to_owned();
            Some(format!("{}:{}:{}/{}", part("host_ip"), part("published"), part("target"), part("protocol")))
        }
    }
}
