//! The project's own files, as far as rules read them: source, scripts, private keys, and what git knows of them.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use crate::cert::key::{KeyError, PrivateKey};
use crate::cert::pem;
use crate::deployment::Deployment;
use crate::tree::{Kind, Tree};

/// No more entries than these are looked at, and no deeper.
const MAX_ENTRIES: usize = 20_000;
const MAX_DEPTH: usize = 12;
/// Source files and keys larger than this are not read (bytes).
const MAX_SOURCE: u64 = 256 * 1024;

/// Folders that hold what others wrote or what tools made.
const SKIPPED: &[&str] = &[
    ".git",
    "node_modules",
    "venv",
    ".venv",
    "env",
    "target",
    "dist",
    "__pycache__",
    ".mqttcert",
    "vendor",
    "site-packages",
    ".tox",
    ".terraform",
];

/// A text file of the project.
pub(super) struct Source {
    pub path: PathBuf,
    pub text: String,
}

/// A private key that lies in the project.
pub(super) struct KeyFile {
    pub path: PathBuf,
    pub encrypted: bool,
    /// Its public key, where it can be read without a passphrase.
    pub spki: Option<Vec<u8>>,
}

/// What is known of git.
pub(super) enum Git {
    /// Paths in the index, as the tree names them.
    Tracked(BTreeSet<PathBuf>),
    /// No index can be read, but the project looks like a repository: what its ignore files name is not in it.
    Looks,
    /// Nothing.
    Unknown,
}

/// The project's files.
pub(super) struct Project {
    pub sources: Vec<Source>,
    pub keys: Vec<KeyFile>,
    pub git: Git,
    ignores: Vec<(PathBuf, String)>,
    left_out: Vec<(PathBuf, String)>,
}

impl Project {
    pub fn scan(deployment: &Deployment, tree: &dyn Tree) -> Self {
        let mut project = Self {
            sources: Vec::new(),
            keys: Vec::new(),
            git: Git::Unknown,
            ignores: Vec::new(),
            left_out: Vec::new(),
        };
        if deployment.dir.as_os_str().is_empty() || deployment.compose_files.is_empty() {
            return project;
        }
        let mut looks = false;
        let mut left = MAX_ENTRIES;
        let mut queue: VecDeque<(PathBuf, usize)> = roots(deployment).into_iter().map(|r| (r, 0)).collect();
        while let Some((dir, depth)) = queue.pop_front() {
            let Ok(names) = tree.list(&dir) else { continue };
            for name in names {
                if left == 0 {
                    break;
                }
                left -= 1;
                looks |= speaks_of_git(&name);
                let path = if dir == Path::new(".") { PathBuf::from(&name) } else { dir.join(&name) };
                let Ok(meta) = tree.meta(&path) else { continue };
                match meta.kind {
                    Kind::Folder if depth < MAX_DEPTH && !SKIPPED.contains(&name.as_str()) => {
                        queue.push_back((path, depth + 1));
                    }
                    Kind::File if meta.len <= MAX_SOURCE => project.take(tree, path, &name),
                    _ => {}
                }
            }
        }
        project.git = match index_above(&deployment.dir, tree) {
            Some(tracked) => Git::Tracked(tracked),
            None if looks => Git::Looks,
            None => Git::Unknown,
        };
        project
    }

    fn take(&mut self, tree: &dyn Tree, path: PathBuf, name: &str) {
        let read = |path: &Path| tree.read(path).ok();
        if matches!(name, ".gitignore" | ".dockerignore") {
            if let (Some(bytes), Some(dir)) = (read(&path), path.parent()) {
                let list = if name == ".gitignore" { &mut self.ignores } else { &mut self.left_out };
                list.push((dir.to_owned(), String::from_utf8_lossy(&bytes).into_owned()));
            }
        } else if may_hold_a_key(name) {
            if let Some(key) = read(&path).and_then(|bytes| key_file(path, &bytes)) {
                self.keys.push(key);
            }
        } else if is_source(name)
            && let Some(bytes) = read(&path)
        {
            self.sources.push(Source { path, text: String::from_utf8_lossy(&bytes).into_owned() });
        }
    }

    /// Whether an ignore file of the project names this path.
    pub fn is_ignored(&self, path: &Path) -> bool {
        self.ignores.iter().fold(false, |before, (dir, text)| listed(dir, text, path, before, ignore_matches))
    }

    /// Whether the `.dockerignore` of a build context keeps this path out of the build.
    pub fn is_left_out(&self, context: &Path, path: &Path) -> bool {
        let context = crate::tree::normalize(context);
        let own = self.left_out.iter().filter(|(dir, _)| crate::tree::normalize(dir) == context);
        own.fold(false, |before, (dir, text)| listed(dir, text, path, before, left_out_by))
    }
}

/// What an ignore file says of a path below its folder: the last line that matches wins.
fn listed(dir: &Path, text: &str, path: &Path, before: bool, matches: fn(&str, &Path) -> bool) -> bool {
    let base = if dir == Path::new(".") { Path::new("") } else { dir };
    let Ok(relative) = path.strip_prefix(base) else { return before };
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines.fold(before, |said, line| {
        let (pattern, keep) = line.strip_prefix('!').map_or((line, false), |rest| (rest, true));
        if matches(pattern, relative) { !keep } else { said }
    })
}

/// A line of `.dockerignore`: always from the context's root, and a folder stands for all below it.
fn left_out_by(pattern: &str, path: &Path) -> bool {
    let parts: Vec<String> =
        path.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
    let wanted: Vec<&str> = pattern.trim_start_matches("./").trim_matches('/').split('/').collect();
    (1..=parts.len()).any(|end| glob_path(&wanted, parts.get(..end).unwrap_or_default()))
}

/// Whether a file or folder of this name is there for a repository's sake.
fn speaks_of_git(name: &str) -> bool {
    let git = [".gitignore", ".gitattributes", ".gitmodules", ".gitkeep", ".github", ".gitlab-ci.yml"];
    let readers = ["README", "LICENSE", "LICENCE", "CONTRIBUTING"];
    git.contains(&name)
        || readers.iter().any(|w| name.split('.').next().is_some_and(|n| n.eq_ignore_ascii_case(w)))
}

/// The project's folder, and the folders of clients' sources that lie beside it.
fn roots(deployment: &Deployment) -> Vec<PathBuf> {
    let mut roots = vec![crate::tree::normalize(&deployment.dir)];
    for client in &deployment.clients {
        let folder = client.place.as_ref().and_then(|p| p.file.parent()).map(crate::tree::normalize);
        let is_below =
            |f: &PathBuf| roots.iter().any(|r| r == Path::new(".") && f.is_relative() || f.starts_with(r));
        if let Some(folder) = folder.filter(|f| !f.as_os_str().is_empty() && !is_below(f)) {
            roots.push(folder);
        }
    }
    roots
}

/// gitignore(5), the forms that people write: names, `*` within a name, `**`, folders, anchored paths.
fn ignore_matches(pattern: &str, path: &Path) -> bool {
    let parts: Vec<String> =
        path.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
    let anchored = pattern.trim_end_matches('/').contains('/');
    let only_folder = pattern.ends_with('/');
    let wanted: Vec<&str> = pattern.trim_matches('/').split('/').collect();
    let end = if only_folder { parts.len().saturating_sub(1) } else { parts.len() };
    (0..=end).any(|last| {
        let head = parts.get(..last).unwrap_or_default();
        if head.is_empty() {
            return false;
        }
        if anchored {
            glob_path(&wanted, head)
        } else {
            head.last().is_some_and(|name| wanted.first().is_some_and(|w| glob(w, name)))
        }
    })
}

fn glob_path(wanted: &[&str], parts: &[String]) -> bool {
    match (wanted.split_first(), parts.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => {
            (0..=parts.len()).any(|skip| glob_path(rest, parts.get(skip..).unwrap_or_default()))
        }
        (Some((want, rest)), Some((part, others))) => glob(want, part) && glob_path(rest, others),
        _ => false,
    }
}

/// `*` and `?` within one name, without recursion into long inputs.
fn glob(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || Some(c) == name.get(n) => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    p = at + 1;
                    n = from + 1;
                    star = Some((at, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|c| *c == '*')
}

fn may_hold_a_key(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with(".key")
        || name.ends_with(".pem")
        || name.ends_with(".key.pem")
        || name.starts_with("id_rsa")
}

fn key_file(path: PathBuf, bytes: &[u8]) -> Option<KeyFile> {
    if !pem::scan(bytes).iter().any(|b| b.label.ends_with("PRIVATE KEY")) {
        return None;
    }
    Some(match PrivateKey::read(bytes, None) {
        Ok(key) => KeyFile { path, encrypted: false, spki: Some(key.spki_der().to_vec()) },
        Err(KeyError::PassphraseMissing) => KeyFile { path, encrypted: true, spki: None },
        Err(_) => KeyFile { path, encrypted: false, spki: None },
    })
}

fn is_source(name: &str) -> bool {
    const ENDS: &[&str] = &[".py", ".sh", ".bash", ".js", ".mjs", ".ts", ".mk", ".cnf", ".ext"];
    ENDS.iter().any(|e| name.ends_with(e))
        || matches!(name, "Makefile" | "makefile" | "Dockerfile" | "pyproject.toml" | "Pipfile" | "setup.py")
        || (name.starts_with("requirements") && name.ends_with(".txt"))
        || name.starts_with("Dockerfile.")
}

/// The tracked paths of the repository that `dir` lies in.
fn index_above(dir: &Path, tree: &dyn Tree) -> Option<BTreeSet<PathBuf>> {
    let mut up = dir.to_owned();
    for _ in 0..8 {
        if let Ok(bytes) = tree.read(&up.join(".git/index")) {
            let base = crate::tree::normalize(&up);
            let base = if base == Path::new(".") { PathBuf::new() } else { base };
            return index_paths(&bytes).map(|all| all.into_iter().map(|p| base.join(p)).collect());
        }
        if tree.exists(&up.join(".git")) {
            return None;
        }
        up = up.join("..");
    }
    None
}

/// The paths in a git index (gitformat-index(5), versions 2 and 3).
fn index_paths(bytes: &[u8]) -> Option<Vec<PathBuf>> {
    let number = |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    if bytes.get(..4)? != b"DIRC" || !(2..=3).contains(&number(4)?) {
        return None;
    }
    let mut at = 12;
    let mut found = Vec::new();
    for _ in 0..number(8)? {
        let flags = u16::from_be_bytes(bytes.get(at + 60..at + 62)?.try_into().ok()?);
        let name_at = at + if flags & 0x4000 != 0 { 64 } else { 62 };
        let rest = bytes.get(name_at..)?;
        let length = rest.iter().position(|b| *b == 0)?;
        found.push(PathBuf::from(String::from_utf8_lossy(rest.get(..length)?).into_owned()));
        at += (name_at - at + length + 8) / 8 * 8;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignore_patterns_of_every_usual_form() {
        let hit = |pattern: &str, path: &str| ignore_matches(pattern, Path::new(path));
        assert!(hit("*.key", "certs/ca.key"));
        assert!(hit("certs/", "compose/certs/ca.key"));
        assert!(hit("/compose/certs", "compose/certs/ca.key"));
        assert!(hit("compose/**/*.key", "compose/a/b/ca.key"));
        assert!(!hit("/certs", "compose/certs/ca.key"));
        assert!(!hit("*.pem", "ca.key"));
        assert!(!hit("ca.key/", "ca.key"));
    }

    #[test]
    fn dockerignore_patterns_begin_at_the_contexts_root() {
        let out = |pattern: &str, path: &str| left_out_by(pattern, Path::new(path));
        assert!(out("certs", "certs/ca.key"));
        assert!(out("**/*.key", "certs/ca.key"));
        assert!(out("./certs/ca.key", "certs/ca.key"));
        assert!(!out("*.key", "certs/ca.key"));
        assert!(!out("ca.key", "certs/ca.key"));
    }
}
