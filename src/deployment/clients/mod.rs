//! The clients: one file per way in which a client names its broker. Each reader turns what it sees into
//! [`Sighting`]s; [`super::join`] tells broker, stack and trust.

pub(super) mod env;
pub(super) mod flag;
pub(super) mod literal;

use std::path::PathBuf;
use std::rc::Rc;

use super::code::File;
use super::container::{Container, below, on_host};
use super::dialect::Dialect;
use super::names::Network;
use super::{EnvVar, Flag, Host, Transport};
use crate::compose::MountSource;
use crate::place::{Located, Place};
use crate::stack_id::StackId;
use crate::tree::{Kind, Tree};

/// Everything that a reader may ask about one service.
pub(super) struct Seen<'a> {
    pub(super) tree: &'a dyn Tree,
    pub(super) container: &'a Container<'a>,
    pub(super) network: &'a Network<'a>,
    pub(super) env: &'a [EnvVar],
    pub(super) files: &'a [Rc<File>],
    pub(super) dialect: &'a Dialect,
    /// The service itself runs a broker.
    pub(super) is_broker: bool,
}

/// One way in which a client names a broker, as far as its reader can tell.
#[derive(Debug, Clone)]
pub(super) struct Sighting {
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) place: Place,
    pub(super) via: &'static str,
    pub(super) transport: Transport,
    /// The CA file by its container path.
    pub(super) ca: Option<Located<String>>,
    /// It speaks TLS with the system's store.
    pub(super) system_trust: bool,
    pub(super) flag: Option<Flag>,
    pub(super) verifies_name: Option<String>,
    pub(super) client_certificate: Option<bool>,
    pub(super) user: Option<String>,
    /// The stack, where the way of naming gives it away.
    pub(super) stack: Option<(StackId, String)>,
}

impl Sighting {
    pub(super) fn new(host: impl Into<String>, port: Option<u16>, place: Place, via: &'static str) -> Self {
        Self {
            host: host.into(),
            port,
            place,
            via,
            transport: Transport::Unknown,
            ca: None,
            system_trust: false,
            flag: None,
            verifies_name: None,
            client_certificate: None,
            user: None,
            stack: None,
        }
    }
}

/// A file of this side that is mounted or copied into a container, with its path there.
pub(super) struct Mounted {
    pub(super) path: PathBuf,
    pub(super) inside: String,
}

impl Seen<'_> {
    /// The files below mounts whose names match, at most two folders deep.
    pub(super) fn mounted(&self, wanted: &dyn Fn(&str) -> bool) -> Vec<Mounted> {
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
        path: &std::path::Path,
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
    pub(super) fn text(&self, path: &std::path::Path) -> Option<String> {
        String::from_utf8(self.tree.read(path).ok()?).ok()
    }

    /// The value of an environment variable of the container.
    pub(super) fn var(&self, key: &str) -> Option<&EnvVar> {
        self.env.iter().find(|v| v.key == key)
    }

    /// Whether the container has a file at a path: `None` if it cannot be told.
    pub(super) fn has_file(&self, path: &str) -> Option<bool> {
        // A CA that is mounted from here is there when it runs, even if it is not committed.
        match self.container.locate(self.tree, path) {
            Host::At(_) | Host::Missing(_) => Some(true),
            Host::Absent(_) => Some(false),
            Host::Unknown(_) => None,
        }
    }

    /// The files below one container folder.
    pub(super) fn host_of(&self, folder: &str) -> Option<PathBuf> {
        self.container.service.mounts.iter().find_map(|m| match &m.source {
            MountSource::Host(p) => {
                let rest = below(folder, &m.target)?;
                match on_host(self.tree, &p.join(rest)) {
                    Host::At(p) => Some(p),
                    _ => None,
                }
            }
            _ => None,
        })
    }
}

/// Whether a name can be dialled at all, so that a word in a list of options is no host.
pub(super) fn is_host(text: &str) -> bool {
    let word = text.to_ascii_lowercase();
    !matches!(
        word.as_str(),
        "" | "0.0.0.0"
            | "::"
            | "true"
            | "false"
            | "none"
            | "null"
            | "mqtts"
            | "tcp"
            | "ssl"
            | "tls"
            | "ws"
            | "wss"
            | "yes"
            | "no"
            | "on"
            | "off"
            | "enabled"
            | "disabled"
            | "plain"
            | "auto"
            | "tcpv4"
            | "changeme"
            | "undefined"
    ) && !word.chars().all(|c| c.is_ascii_digit())
        && !word.starts_with("your")
        && !word.contains("..")
}
