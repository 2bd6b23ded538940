//! A compose project: its files in their order, `include`, `extends`, variables, environment files, profiles.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};

use super::dotenv;
use super::interpolate::interpolate;
use super::merge;
use super::service::{self, EnvVar, Service, Shared, put_all};
use super::yaml::{self, Entry, Node, Value};
use crate::place::{Located, Place};
use crate::tree::{Tree, TreeError};

/// How deep files may include or extend each other.
const MAX_CHAIN: usize = 20;
/// How many files one project may pull in.
const MAX_FILES: usize = 500;

/// Which files, and with what.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The files, in order; the folder of the first one is the project's.
    pub files: Vec<PathBuf>,
    /// `--env-file`; empty: `.env` of the project's folder.
    pub env_files: Vec<PathBuf>,
    /// The profiles that are on; empty: all of them.
    pub profiles: Vec<String>,
    /// The shell's environment; it wins over `.env`.
    pub environment: BTreeMap<String, String>,
}

/// One project.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// Every file that was read, in order, the included and extended ones too.
    pub files: Vec<PathBuf>,
    /// The project's folder.
    pub dir: PathBuf,
    /// Its services.
    pub services: Vec<Service>,
    /// What could not be followed.
    pub problems: Vec<Problem>,
    /// Whether some service belongs to a profile while none was chosen, so that all were read.
    pub all_profiles: bool,
    /// Its files laid over each other, variables filled in, `extends` and `include` resolved.
    pub(super) merged: Option<Node>,
}

/// Something that Compose would stumble over or that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What, in one sentence without the place.
    pub what: String,
    /// Whether something stays unread because of it, or it is merely worth saying.
    pub unread: bool,
}

/// Why a file is no compose file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ComposeError {
    /// It cannot be read.
    Read(TreeError),
    /// It is not what Compose takes.
    Syntax {
        /// The file.
        file: PathBuf,
        /// The line; 0 where the whole file is meant.
        line: u32,
        /// What is wrong.
        reason: String,
    },
}

impl fmt::Display for ComposeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(e) => e.fmt(f),
            Self::Syntax { file, line, reason } => {
                write!(
                    f,
                    "{}:{line}: {}",
                    crate::name::escape(&file.to_string_lossy()),
                    crate::name::escape(reason)
                )
            }
        }
    }
}

impl std::error::Error for ComposeError {}

/// Reads a project.
///
/// # Errors
/// [`ComposeError`] for one of [`Options::files`]; what these files pull in beyond becomes a [`Problem`].
pub fn load(tree: &dyn Tree, options: &Options) -> Result<Project, ComposeError> {
    let dir = options.files.first().map(|f| folder_of(f)).unwrap_or_default();
    let mut loader = Loader { tree, problems: Vec::new(), files: Vec::new(), texts: HashMap::new() };
    let env = loader.environment(&dir, &options.env_files, &options.environment);
    let mut whole: Option<Node> = None;
    for file in &options.files {
        let node = loader.file(file, &dir, &env, 0)?;
        whole = Some(match whole {
            None => node,
            Some(base) => merge::files(base, node),
        });
    }
    let Some(whole) = whole else { return Ok(Project::default()) };
    let whole = loader.extended(whole, &env);
    let shared = Shared { configs: whole.get("configs"), secrets: whole.get("secrets") };
    let shell = |name: &str| env.get(name).cloned();
    let mut services = Vec::new();
    let mut all_profiles = false;
    // A file of the first schema version has its services at the top.
    let list = match whole.get("services") {
        Some(s) => s.entries(),
        None => whole.entries(),
    };
    for entry in list {
        if entry.value.entries().is_empty() {
            continue;
        }
        let env_files = loader.env_files(&entry.value, &env);
        let place = Place { file: entry.value.source.file.clone(), line: entry.line, span: entry.span };
        let service =
            service::read(Located::new(entry.key.clone(), place), &entry.value, env_files, &shell, &shared);
        let wanted = service.profiles.is_empty()
            || options.profiles.is_empty()
            || options.profiles.iter().any(|p| p == "*" || service.profiles.contains(p));
        all_profiles |= options.profiles.is_empty() && !service.profiles.is_empty();
        if wanted {
            services.push(service);
        }
    }
    let (files, problems) = (loader.files, loader.problems);
    Ok(Project { files, dir, services, problems, all_profiles, merged: Some(whole) })
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(p) if !p.as_os_str().is_empty() => p.to_owned(),
        _ => PathBuf::from("."),
    }
}

type Env = BTreeMap<String, String>;

struct Loader<'a> {
    tree: &'a dyn Tree,
    problems: Vec<Problem>,
    files: Vec<PathBuf>,
    /// Extended files, interpolated, so that a thousand services may extend one.
    texts: HashMap<PathBuf, Option<Node>>,
}

impl Loader<'_> {
    /// The variables of a project folder: the shell's over those of the environment files.
    fn environment(&mut self, dir: &Path, env_files: &[PathBuf], shell: &Env) -> Env {
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

    /// One compose file with its documents merged, its variables filled in and its includes below it.
    fn file(&mut self, file: &Path, base: &Path, env: &Env, depth: usize) -> Result<Node, ComposeError> {
        let file = crate::tree::normalize(file);
        let node = self.parsed(&file, base, env)?;
        self.files.push(file.clone());
        Ok(self.with_includes(node, base, env, depth))
    }

    fn parsed(&mut self, file: &Path, base: &Path, env: &Env) -> Result<Node, ComposeError> {
        let bytes = self.tree.read(file).map_err(ComposeError::Read)?;
        let syntax = |line, reason| ComposeError::Syntax { file: file.to_owned(), line, reason };
        let documents = yaml::load(&bytes, file, base).map_err(|e| syntax(e.line, e.reason))?;
        let mut whole: Option<Node> = None;
        for mut node in documents {
            if node.is_null() {
                continue;
            }
            if !matches!(node.value, Value::Map(_)) {
                return Err(syntax(node.line, "is no mapping of services".into()));
            }
            self.fill(&mut node, env);
            whole = Some(match whole {
                None => node,
                Some(base) => merge::files(base, node),
            });
        }
        whole.ok_or_else(|| syntax(0, "is empty".into()))
    }

    /// Fills in the variables of every value, in place.
    fn fill(&mut self, node: &mut Node, env: &Env) {
        match &mut node.value {
            Value::Seq(items) => items.iter_mut().for_each(|n| self.fill(n, env)),
            Value::Map(entries) => entries.iter_mut().for_each(|e| self.fill(&mut e.value, env)),
            Value::Scalar(scalar) if scalar.text.contains('$') => {
                match interpolate(&scalar.text, &|n| env.get(n).cloned()) {
                    Ok(filled) => {
                        scalar.unset = !filled.unset.is_empty();
                        scalar.text = filled.text;
                    }
                    Err(what) => {
                        scalar.unset = true;
                        let place =
                            Place { file: node.source.file.clone(), line: node.line, span: node.span };
                        self.note(place, what);
                    }
                }
            }
            Value::Scalar(_) => {}
        }
    }

    /// Takes in what `include:` names; the including file's own definitions win.
    fn with_includes(&mut self, node: Node, base: &Path, env: &Env, depth: usize) -> Node {
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

    /// Resolves every `extends`.
    fn extended(&mut self, mut whole: Node, env: &Env) -> Node {
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

    /// The variables of a service's `env_file`s.
    fn env_files(&mut self, node: &Node, env: &Env) -> service::EnvFiles {
        let mut missing = None;
        let Some(list) = node.get("env_file") else { return service::EnvFiles::default() };
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
        service::EnvFiles { variables: out, missing }
    }

    fn problem(&mut self, place: Place, what: String) {
        self.problems.push(Problem { place, what, unread: true });
    }

    fn note(&mut self, place: Place, what: String) {
        self.problems.push(Problem { place, what, unread: false });
    }

    fn failed(&mut self, place: Place, e: &ComposeError) {
        let what = match e {
            ComposeError::Read(e) => e.to_string(),
            ComposeError::Syntax { .. } => e.to_string(),
        };
        self.problem(place, what);
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

fn without(mut node: Node, key: &str) -> Node {
    if let Value::Map(entries) = &mut node.value {
        entries.retain(|e: &Entry| e.key != key);
    }
    node
}

fn texts(node: &Node) -> Vec<String> {
    match node.text() {
        Some(t) => vec![t.to_owned()],
        None => {
            node.items().iter().filter_map(|n| n.get("path").or(Some(n))?.text().map(str::to_owned)).collect()
        }
    }
}
