//! `extends`, in the same file and from another one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::{Env, Loader, MAX_CHAIN, folder_of};
use crate::compose::merge;
use crate::compose::yaml::{Entry, Node, Value};
use crate::place::Place;

impl Loader<'_> {
    /// Resolves every `extends`.
    pub(super) fn extended(&mut self, mut whole: Node, env: &Env) -> Node {
        let names: Vec<String> = match whole.get("services") {
            Some(s) => s
                .entries()
                .iter()
                .filter(|e| e.value.get("extends").is_some())
                .map(|e| e.key.clone())
                .collect(),
            None => return whole,
        };
        let mut done: HashMap<String, Node> = HashMap::new();
        for name in names {
            let file = None;
            if let Some(node) = self.extend(&whole, file, &name, env, &mut Vec::new()) {
                done.insert(name, node);
            }
        }
        if let Value::Map(top) = &mut whole.value {
            for services in top.iter_mut().filter(|e| e.key == "services") {
                if let Value::Map(entries) = &mut services.value.value {
                    for entry in entries {
                        if let Some(node) = done.remove(&entry.key) {
                            entry.value = node;
                        }
                    }
                }
            }
        }
        whole
    }

    fn extend(
        &mut self,
        whole: &Node,
        file: Option<&Path>,
        name: &str,
        env: &Env,
        chain: &mut Vec<(Option<PathBuf>, String)>,
    ) -> Option<Node> {
        let node = whole.at(&["services", name])?.clone();
        let Some(extends) = node.get("extends").cloned() else { return Some(node) };
        let here = (file.map(Path::to_owned), name.to_owned());
        if chain.contains(&here) || chain.len() >= MAX_CHAIN {
            self.problem(extends.place(), format!("service {name} extends itself"));
            return Some(node);
        }
        chain.push(here);
        let service = extends.get("service").or(Some(&extends)).and_then(Node::text)?.to_owned();
        let base = match extends.get("file").and_then(|n| Some((n, n.text()?))) {
            None => self.extend(whole, file, &service, env, chain),
            Some((n, text)) => {
                let path = n.path(text);
                match self.extended_file(&path, env) {
                    Some(other) => self.extend(&other, Some(&path), &service, env, chain),
                    None => {
                        self.problem(n.place(), format!("{} cannot be read", path.display()));
                        None
                    }
                }
            }
        };
        chain.pop();
        let Some(base) = base else { return Some(node) };
        let over = without(node, "extends");
        Some(merge::service(without(base, "extends"), over))
    }

    fn extended_file(&mut self, path: &Path, env: &Env) -> Option<Node> {
        if let Some(known) = self.texts.get(path) {
            return known.clone();
        }
        let parsed = self.parsed(path, &folder_of(path), env);
        let node = match parsed {
            Ok(n) => {
                self.files.push(path.to_owned());
                Some(n)
            }
            Err(e) => {
                self.failed(Place::file(path), &e);
                None
            }
        };
        self.texts.insert(path.to_owned(), node.clone());
        node
    }
}

fn without(mut node: Node, key: &str) -> Node {
    if let Value::Map(entries) = &mut node.value {
        entries.retain(|e: &Entry| e.key != key);
    }
    node
}
