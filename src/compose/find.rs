//! Where compose files are: Compose's own names first, then everything that is named like one.

use std::path::{Path, PathBuf};

use crate::tree::{Kind, Tree};

/// The names that Compose looks for, in its order.
pub const DEFAULT_NAMES: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

/// Folders that hold no project of the user's own.
const SKIPPED: [&str; 13] = [
    "node_modules",
    "target",
    "vendor",
    "venv",
    "__pycache__",
    "site-packages",
    "dist",
    "build",
    "examples",
    "testdata",
    "bower_components",
    "third_party",
    "third-party",
];

/// The compose files of one folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    /// What `docker compose up` reads there: the default file and its override.
    pub default: Vec<PathBuf>,
    /// Other files that are named like compose files; Compose reads them only with `-f`.
    pub others: Vec<PathBuf>,
}

impl Folder {
    /// Whether there is none at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.default.is_empty() && self.others.is_empty()
    }
}

/// The compose files in `dir` itself.
#[must_use]
pub fn in_folder(tree: &dyn Tree, dir: &Path) -> Folder {
    let Ok(names) = tree.list(dir) else { return Folder::default() };
    let mut found = Folder::default();
    let path = |name: &str| crate::tree::normalize(&dir.join(name));
    let base = DEFAULT_NAMES.iter().find(|n| names.iter().any(|have| have == *n) && is_file(tree, &path(n)));
    if let Some(base) = base {
        found.default.push(path(base));
        let overrides = [
            "compose.override.yml",
            "compose.override.yaml",
            "docker-compose.override.yml",
            "docker-compose.override.yaml",
        ];
        if let Some(o) =
            overrides.iter().find(|n| names.iter().any(|have| have == *n) && is_file(tree, &path(n)))
        {
            found.default.push(path(o));
        }
    }
    for name in &names {
        let p = path(name);
        let wanted = is_compose_name(name) || (is_yaml(name) && declares_services(tree, &p));
        if wanted && !found.default.contains(&p) && is_file(tree, &p) {
            found.others.push(p);
        }
    }
    found
}

/// Folders below `dir` down to `depth` levels, hidden and foreign ones left out, nearest first.
#[must_use]
pub fn folders_below(tree: &dyn Tree, dir: &Path, depth: usize, most: usize) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut level = vec![dir.to_owned()];
    for _ in 0..depth {
        let mut next = Vec::new();
        for folder in &level {
            for name in tree.list(folder).unwrap_or_default() {
                if name.starts_with('.') || SKIPPED.contains(&name.as_str()) {
                    continue;
                }
                let path = crate::tree::normalize(&folder.join(&name));
                if tree.meta(&path).is_ok_and(|m| m.kind == Kind::Folder)
                    && tree.resolve(&path).is_ok_and(|real| real == path)
                {
                    next.push(path);
                }
            }
        }
        out.extend(next.iter().cloned());
        if out.len() > most {
            out.truncate(most);
            break;
        }
        level = next;
    }
    out
}

/// Configurations named `mosquitto.conf` below a folder without compose files, nearest first; hidden folders too,
/// for templates are kept there. Where there is none, those whose name has the word in it, `mosquitto-open.conf`. At most
/// eight.
#[must_use]
pub fn confs_below(tree: &dyn Tree, dir: &Path) -> Vec<PathBuf> {
    let mut level = vec![crate::tree::normalize(dir)];
    let mut out = Vec::new();
    let mut others = Vec::new();
    let mut looked = 0;
    for _ in 0..7 {
        let mut next = Vec::new();
        for folder in &level {
            for name in tree.list(folder).unwrap_or_default() {
                looked += 1;
                if name == ".git" || SKIPPED.contains(&name.as_str()) || looked > 20_000 {
                    continue;
                }
                let path = crate::tree::normalize(&folder.join(&name));
                match tree.meta(&path).map(|m| m.kind) {
                    Ok(Kind::Folder) if tree.resolve(&path).is_ok_and(|real| real == path) => next.push(path),
                    Ok(Kind::File) if name == "mosquitto.conf" => out.push(path),
                    Ok(Kind::File) if name.contains("mosquitto") && name.ends_with(".conf") => {
                        others.push(path);
                    }
                    _ => {}
                }
            }
        }
        level = next;
    }
    let mut out = if out.is_empty() { others } else { out };
    out.truncate(8);
    out
}

fn is_file(tree: &dyn Tree, path: &Path) -> bool {
    tree.meta(path).is_ok_and(|m| m.kind != Kind::Folder)
}

fn is_yaml(name: &str) -> bool {
    (name.ends_with(".yml") || name.ends_with(".yaml")) && !name.starts_with('.')
}

/// Whether a file of another name is a compose file all the same (`stack.yml`, `docker-compose/broker.yml`): it has
/// `services:` at the margin, and a service with an image or a build below it.
fn declares_services(tree: &dyn Tree, path: &Path) -> bool {
    if !tree.meta(path).is_ok_and(|m| m.kind == Kind::File && m.len < 1 << 20) {
        return false;
    }
    let Ok(bytes) = tree.read(path) else { return false };
    let text = String::from_utf8_lossy(&bytes);
    let inside =
        text.split_once("\nservices:").map(|(_, rest)| rest).or_else(|| text.strip_prefix("services:"));
    inside.is_some_and(|rest| {
        rest.lines()
            .take(60)
            .any(|l| l.trim_start().starts_with("image:") || l.trim_start().starts_with("build:"))
    })
}

fn is_compose_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let Some(stem) = lower.strip_suffix(".yml").or_else(|| lower.strip_suffix(".yaml")) else { return false };
    stem.split(['.', '-', '_']).any(|part| part == "compose" || part == "dockercompose")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::MemoryTree;

    #[test]
    fn prefers_composes_own_names_and_lists_the_others() {
        let t = MemoryTree::new()
            .with("p/docker-compose.yml", "")
            .with("p/compose.yaml", "")
            .with("p/compose.override.yaml", "")
            .with("p/docker-compose.prod.yml", "")
            .with("p/docker_compose.yaml", "")
            .with("p/other.yml", "");
        let f = in_folder(&t, Path::new("p"));
        assert_eq!(f.default, [Path::new("p/compose.yaml"), Path::new("p/compose.override.yaml")]);
        assert_eq!(f.others.len(), 3);
    }
}
