//! What appears in a container: volumes in both forms, configs and secrets.

use std::path::PathBuf;

use crate::compose::yaml::Node;
use crate::place::Place;

/// A host path, a volume, a secret or a config that appears in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Where it appears in the container.
    pub target: String,
    /// What appears there.
    pub source: MountSource,
    /// Mounted read-only.
    pub read_only: bool,
    /// Where it is written.
    pub place: Place,
}

/// What a mount shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountSource {
    /// A file or folder of the host, relative to the working folder as the user would write it.
    Host(PathBuf),
    /// A named volume: its content cannot be seen from here.
    Volume(String),
    /// A tmpfs or an anonymous volume.
    Anonymous,
    /// A `configs:` or `secrets:` entry with inline content, and where that content stands.
    Inline {
        /// The content after interpolation.
        content: String,
        /// The bytes of the block in the compose file.
        place: Place,
    },
}

/// The parts of a short volume: source, target, options.
pub(in crate::compose) fn short_volume(text: &str) -> (Option<&str>, Option<&str>, &str) {
    // A drive letter (`C:\x:/y`) is no separator.
    let drive = text.len() > 2
        && text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && text.get(1..3).is_some_and(|t| t == ":\\" || t == ":/");
    let search = if drive { 2 } else { 0 };
    let Some(first) = text.get(search..).and_then(|t| t.find(':')).map(|i| i + search) else {
        return (None, Some(text), "");
    };
    let (source, rest) = (&text[..first], &text[first + 1..]);
    match rest.split_once(':') {
        Some((target, options)) => (Some(source), Some(target), options),
        None => (Some(source), Some(rest), ""),
    }
}

pub(super) fn volume(node: &Node) -> Option<Mount> {
    if let Some(text) = node.text() {
        let (source, target, options) = short_volume(text);
        return Some(Mount {
            target: target?.to_owned(),
            source: source.map_or(MountSource::Anonymous, |s| host_or_volume(node, s)),
            read_only: options.split(',').any(|o| o == "ro"),
            place: node.place(),
        });
    }
    let target = node.get("target")?.text()?.to_owned();
    let source = node.get("source").or_else(|| node.get("src"));
    let kind = node.get("type").and_then(Node::text).unwrap_or("volume");
    let source = match (kind, source.and_then(|s| Some((s, s.text()?)))) {
        ("bind", Some((s, text))) => MountSource::Host(host_path(s, text)),
        ("volume", Some((_, text))) => MountSource::Volume(text.to_owned()),
        (_, Some((s, text))) => host_or_volume(s, text),
        _ => MountSource::Anonymous,
    };
    let place = node.get("source").or_else(|| node.get("target")).map_or_else(|| node.place(), Node::place);
    let read_only = node.get("read_only").and_then(Node::bool).unwrap_or(false);
    Some(Mount { target, source, read_only, place })
}

fn host_or_volume(node: &Node, source: &str) -> MountSource {
    if source.starts_with(['.', '/', '~']) || source.contains('\\') || source.get(1..2) == Some(":") {
        MountSource::Host(host_path(node, source))
    } else {
        MountSource::Volume(source.to_owned())
    }
}

fn host_path(node: &Node, text: &str) -> PathBuf {
    if text.starts_with('~') || text.starts_with('/') { PathBuf::from(text) } else { node.path(text) }
}

/// A config or secret that a service is granted: short form (a name) or long form.
pub(super) fn grant(
    item: &Node,
    shared: Option<&Node>,
    folder: &str,
    shell: &dyn Fn(&str) -> Option<String>,
) -> Option<Mount> {
    let name = item.get("source").or(Some(item))?.text()?.to_owned();
    let target = match item.get("target").and_then(Node::text) {
        Some(t) if t.starts_with('/') => t.to_owned(),
        Some(t) => format!("{folder}{t}"),
        None => format!("{folder}{name}"),
    };
    let definition = shared.and_then(|s| s.get(&name));
    let source = match definition {
        Some(d) => match (d.get("file"), d.get("content"), d.get("environment")) {
            (Some(f), _, _) => MountSource::Host(host_path(f, f.text()?)),
            (_, Some(c), _) => {
                MountSource::Inline { content: c.text().unwrap_or("").to_owned(), place: c.place() }
            }
            (_, _, Some(e)) => match shell(e.text()?) {
                Some(content) => MountSource::Inline { content, place: e.place() },
                None => MountSource::Volume(name),
            },
            _ => MountSource::Volume(name),
        },
        None => MountSource::Volume(name),
    };
    Some(Mount { target, source, read_only: true, place: item.place() })
}
