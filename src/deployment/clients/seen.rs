//! What a reader may ask about one service: its container, its environment, its code, and the files put into it.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::super::code::File;
use super::super::container::Container;
use super::super::dialect::Dialect;
use super::super::names::Network;
use super::super::{EnvVar, Host};
use crate::compose::MountSource;
use crate::compose::interpolate::interpolate;
use crate::compose::yaml::{self, Node};
use crate::tree::{Kind, Tree};

/// Everything that a reader may ask about one service.
pub(in crate::deployment) struct Seen<'a> {
    pub(in crate::deployment) tree: &'a dyn Tree,
    pub(in crate::deployment) container: &'a Container<'a>,
    pub(in crate::deployment) network: &'a Network<'a>,
    pub(in crate::deployment) env: &'a [EnvVar],
    pub(in crate::deployment) files: &'a [Rc<File>],
    pub(in crate::deployment) dialect: &'a Dialect,
    /// The service itself runs a broker.
    pub(in crate::deployment) is_broker: bool,
    /// Its command starts files that are here.
    pub(in crate::deployment) starts_code: bool,
}

/// A file of this side that is mounted or copied into a container, with its path there.
pub(in crate::deployment) struct Mounted {
    pub(in crate::deployment) path: PathBuf,
    pub(in crate::deployment) inside: String,
}

impl Seen<'_> {
    /// The files below mounts whose names match, at most two folders deep.
    pub(in crate::deployment) fn mounted(&self, wanted: &dyn Fn(&str) -> bool) -> Vec<Mounted> {
        let mut out = Vec::new();
        let copies = self.container.dockerfile.iter().flat_map(|d| &d.copies).filter_map(|c| {
            let source = crate::tree::normalize(&self.container.context.as_ref()?.join(&c.source));
            let target = if c.into {
                format!("{}/{}", c.target, source.file_name()?.to_string_lossy())
            } else {
                c.target.clone()
            };
            Some((source, target))
        });
        let mounts = self.container.service.mounts.iter().filter_map(|m| match &m.source {
            MountSource::Host(p) => Some((p.clone(), m.target.clone())),
            _ => None,
        });
        for (source, target) in mounts.chain(copies) {
            self.collect(&source, &target, wanted, 0, &mut out);
            if out.len() > 200 {
                break;
            }
        }
        out
    }

    fn collect(
        &self,
        path: &Path,
        inside: &str,
        wanted: &dyn Fn(&str) -> bool,
        depth: usize,
        out: &mut Vec<Mounted>,
    ) {
        let Ok(meta) = self.tree.meta(path) else { return };
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        match meta.kind {
            Kind::File if wanted(&name) || wanted(inside.rsplit('/').next().unwrap_or("")) => {
                out.push(Mounted { path: path.to_owned(), inside: inside.to_owned() });
            }
            Kind::Folder if depth < 3 => {
                for name in self.tree.list(path).unwrap_or_default().into_iter().take(300) {
                    if name != "node_modules" && !name.starts_with(".git") {
                        let inside = format!("{}/{name}", inside.trim_end_matches('/'));
                        self.collect(
                            &crate::tree::normalize(&path.join(&name)),
                            &inside,
                            wanted,
                            depth + 1,
                            out,
                        );
                    }
                }
            }
            _ => {}
        }
    }

    /// The text of a file of this side.
    pub(in crate::deployment) fn text(&self, path: &Path) -> Option<String> {
        String::from_utf8(self.tree.read(path).ok()?).ok()
    }

    /// The value of an environment variable of the container.
    pub(in crate::deployment) fn var(&self, key: &str) -> Option<&EnvVar> {
        self.env.iter().find(|v| v.key == key)
    }

    /// Whether the container has a file at a path: `None` if it cannot be told.
    pub(in crate::deployment) fn has_file(&self, path: &str) -> Option<bool> {
        // A CA that is mounted from here is there when it runs, even if it is not committed.
        match self.container.locate(self.tree, path) {
            Host::At(_) | Host::Missing(_) => Some(true),
            Host::Absent(_) => Some(false),
            Host::Unknown(_) => None,
        }
    }
}

/// Variables of the container filled into a text of one of its files.
pub(super) fn expand(env: &[EnvVar], text: &str) -> String {
    if !text.contains('$') {
        return text.to_owned();
    }
    let lookup = |n: &str| env.iter().find(|v| v.key == n).and_then(|v| v.value.clone());
    match interpolate(text, &lookup) {
        Ok(filled) if filled.unset.is_empty() => filled.text,
        _ => text.to_owned(),
    }
}

/// A YAML file's first document.
pub(super) fn yaml_file(seen: &Seen<'_>, path: &Path) -> Option<Node> {
    let bytes = seen.tree.read(path).ok()?;
    let folder = path.parent().unwrap_or(Path::new(""));
    yaml::load(&bytes, path, folder).ok()?.into_iter().next()
}
