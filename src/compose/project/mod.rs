//! A compose project: its files in their order, `include`, `extends`, variables, environment files, profiles.

mod environment;
mod extends;
mod include;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};

use super::interpolate::interpolate;
use super::merge;
use super::service::{self, Service, Shared};
use super::yaml::{self, Node, Value};
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
