//! `include`, in both forms.

use std::path::Path;

use super::{Env, Loader, MAX_CHAIN, MAX_FILES, folder_of};
use crate::compose::merge;
use crate::compose::yaml::Node;

impl Loader<'_> {
    /// Takes in what `include:` names; the including file's own definitions win.
    pub(super) fn with_includes(&mut self, node: Node, base: &Path, env: &Env, depth: usize) -> Node {
        let Some(include) = node.get("include").cloned() else { return node };
        let mut below: Option<Node> = None;
        let single = [include.clone()];
        let items = if include.items().is_empty() { &single[..] } else { include.items() };
        for item in items {
            if depth >= MAX_CHAIN || self.files.len() >= MAX_FILES {
                self.problem(item.place(), "files include each other without end".into());
                break;
            }
            let paths: Vec<&Node> = match item.get("path") {
                Some(p) if !p.items().is_empty() => p.items().iter().collect(),
                Some(p) => vec![p],
                None => vec![item],
            };
            let Some(first) = paths.first().and_then(|n| n.text()) else { continue };
            let first = base.join(first);
            let project = match item.get("project_directory").and_then(Node::text) {
                Some(d) => base.join(d),
                None => folder_of(&first),
            };
            let named =
                item.get("env_file").map(|n| texts(n).iter().map(|t| base.join(t)).collect::<Vec<_>>());
            let env = self.environment(&project, &named.unwrap_or_default(), env);
            let mut one: Option<Node> = None;
            for path in paths {
                let Some(text) = path.text() else { continue };
                match self.file(&base.join(text), &project, &env, depth + 1) {
                    Ok(node) => {
                        one = Some(match one {
                            None => node,
                            Some(b) => merge::files(b, node),
                        });
                    }
                    Err(e) => self.failed(path.place(), &e),
                }
            }
            if let Some(one) = one {
                below = Some(match below {
                    None => one,
                    Some(b) => merge::files(b, one),
                });
            }
        }
        match below {
            Some(below) => merge::files(below, node),
            None => node,
        }
    }
}

fn texts(node: &Node) -> Vec<String> {
    match node.text() {
        Some(t) => vec![t.to_owned()],
        None => {
            node.items().iter().filter_map(|n| n.get("path").or(Some(n))?.text().map(str::to_owned)).collect()
        }
    }
}
