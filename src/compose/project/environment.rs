//! The variables of a project and of its services: `.env`, `env_file`, and what stands in for an absent one.

use std::path::{Path, PathBuf};

use super::{Env, Loader};
use crate::compose::dotenv;
use crate::compose::service::{EnvFiles, EnvVar, put_all};
use crate::compose::yaml::Node;
use crate::place::Place;
use crate::tree::TreeError;

impl Loader<'_> {
    /// The variables of a project folder: the shell's over those of the environment files.
    pub(super) fn environment(&mut self, dir: &Path, env_files: &[PathBuf], shell: &Env) -> Env {
        let mut env = Env::new();
        let default = [dir.join(".env")];
        let files = if env_files.is_empty() { &default[..] } else { env_files };
        for file in files {
            match self.tree.read(file) {
                Ok(bytes) => self.take_env(&bytes, file, shell, &mut env),
                Err(TreeError::Missing(_)) if env_files.is_empty() => {
                    if let Some((path, bytes)) = self.example_of(dir) {
                        self.note(
                            Place::file(&path),
                            ".env is not there; its values are taken from this file".into(),
                        );
                        self.take_env(&bytes, &path, shell, &mut env);
                    }
                }
                Err(e) => self.problem(Place::file(file), without_path(&e)),
            }
        }
        env.extend(shell.iter().map(|(k, v)| (k.clone(), v.clone())));
        env
    }

    /// The example that a project ships in the place of its `.env`.
    fn example_of(&self, dir: &Path) -> Option<(PathBuf, Vec<u8>)> {
        let names = self.tree.list(dir).ok()?;
        let is_example = |n: &String| {
            let n = n.to_ascii_lowercase();
            n.contains("env")
                && ["example", "sample", "template", "dist", "default"].iter().any(|w| n.contains(w))
        };
        // The one that is closest to `.env` by its name.
        let name =
            names.iter().filter(|n| is_example(n)).min_by_key(|n| (!n.starts_with(".env"), n.len()))?;
        let path = crate::tree::normalize(&dir.join(name));
        let bytes = self.tree.read(&path).ok()?;
        Some((path, bytes))
    }

    fn take_env(&mut self, bytes: &[u8], file: &Path, shell: &Env, env: &mut Env) {
        let text = String::from_utf8_lossy(bytes);
        for line in dotenv::parse(&text, file, &|n| shell.get(n).cloned()) {
            if let Some(value) = line.value {
                env.insert(line.key, value);
            }
        }
    }

    /// The variables of a service's `env_file`s.
    pub(super) fn env_files(&mut self, node: &Node, env: &Env) -> EnvFiles {
        let mut missing = None;
        let Some(list) = node.get("env_file") else { return EnvFiles::default() };
        let single = [list.clone()];
        let items = if list.items().is_empty() { &single[..] } else { list.items() };
        let mut out: Vec<EnvVar> = Vec::new();
        for item in items {
            let Some((anchor, text)) = item.get("path").or(Some(item)).and_then(|n| Some((n, n.text()?)))
            else {
                continue;
            };
            let mut path = anchor.path(text);
            let mut read = self.tree.read(&path);
            if matches!(read, Err(TreeError::Missing(_))) {
                missing = missing.or(Some(path.clone()));
                let required = item.get("required").and_then(Node::bool).unwrap_or(true);
                let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                for example in examples_of(&name) {
                    let other = path.with_file_name(&example);
                    if let Ok(bytes) = self.tree.read(&other) {
                        self.note(anchor.place(), format!("{name} is not there; {example} is read instead"));
                        path = other;
                        read = Ok(bytes);
                        break;
                    }
                }
                if matches!(read, Err(TreeError::Missing(_))) && !required {
                    continue;
                }
            }
            match read {
                Ok(bytes) => {
                    let text = String::from_utf8_lossy(&bytes);
                    let lines = dotenv::parse(&text, &path, &|n| env.get(n).cloned());
                    let variable = |line: dotenv::Line| {
                        let value = line.value.or_else(|| env.get(&line.key).cloned());
                        EnvVar { key: line.key, value, place: line.place, from_env_file: true }
                    };
                    put_all(&mut out, lines.into_iter().map(variable));
                }
                Err(e) => self.problem(anchor.place(), e.to_string()),
            }
        }
        EnvFiles { variables: out, missing }
    }
}

/// Names under which a project ships an example of an `env_file`: `a.env.example`, `a.example.env`, `example.env`.
fn examples_of(name: &str) -> Vec<String> {
    let words = ["example", "sample", "template", "dist"];
    let mut out: Vec<String> = words.iter().map(|w| format!("{name}.{w}")).collect();
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    out.extend(words.iter().map(|w| format!("{stem}.{w}.{ending}")).filter(|_| !stem.is_empty()));
    out.extend(words.iter().map(|w| format!("{w}.{}", name.trim_start_matches('.'))));
    out
}

fn without_path(e: &TreeError) -> String {
    let text = e.to_string();
    text.split_once(": ").map_or(text.clone(), |(_, rest)| rest.to_owned())
}
