//! Which source files a container runs: those that its entry point imports, where its command names one. Projects
//! mount or copy one folder into several containers; what a container never starts dials nothing from it.

mod golang;
mod javascript;
mod python;

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::Host;
use super::code::{File, Language, is_test};
use super::container::Container;
use crate::compose::words;
use crate::tree::Tree;

/// Files, by path.
type Reached = HashSet<PathBuf>;

/// What a container runs, as far as can be told.
pub(super) struct Run {
    /// The files that it may run.
    files: Vec<Rc<File>>,
    /// The files that its command starts.
    entries: Reached,
    /// The languages whose files were narrowed down from the entry points.
    narrowed: Vec<Language>,
    /// The command names code that is here, even where what that imports cannot be told.
    starts_code: bool,
}

/// What a language's entry points lead to.
struct Found {
    entries: Reached,
    reached: Reached,
}

impl Run {
    /// Nothing at all.
    pub(super) fn nothing() -> Self {
        Self { files: Vec::new(), entries: Reached::new(), narrowed: Vec::new(), starts_code: false }
    }

    /// Whether the command starts files that are here.
    pub(super) fn starts_code(&self) -> bool {
        self.starts_code
    }
}

/// What the containers of a project are started with, and by how many of them.
pub(super) struct Started(HashMap<PathBuf, usize>);

impl Started {
    pub(super) fn of(runs: &[Run]) -> Self {
        let mut count: HashMap<PathBuf, usize> = HashMap::new();
        for entry in runs.iter().flat_map(|r| &r.entries) {
            *count.entry(entry.clone()).or_default() += 1;
        }
        Self(count)
    }

    /// A run's files without what another container is started with: a command that cannot be followed does not run
    /// it too.
    pub(super) fn without_others(&self, run: Run) -> Vec<Rc<File>> {
        let Run { mut files, entries, narrowed, .. } = run;
        let own = |f: &File| usize::from(entries.contains(&f.path));
        files.retain(|f| {
            narrowed.contains(&f.language) || self.0.get(&f.path).is_none_or(|count| *count == own(f))
        });
        files
    }
}

/// The files that a container may run: all of them, unless its command names an entry point whose imports can be
/// followed. Each language narrows its own files only; beside a program that is started by name, a shell script runs
/// only where the command names it.
pub(super) fn narrow(tree: &dyn Tree, container: &Container<'_>, files: Vec<Rc<File>>) -> Run {
    let argv: Vec<String> = container.argv().iter().flat_map(|a| words::split(a)).collect();
    let files = without_tests(files, &argv);
    let builds = container.dockerfile.iter().flat_map(|d| &d.builds).map(String::as_str);
    let locate = |entry: &Path| {
        let entry = entry.to_string_lossy();
        [entry.to_string(), format!("/{entry}")].iter().find_map(|p| match container.locate(tree, p) {
            Host::At(path) => Some(path),
            _ => None,
        })
    };
    let told = [
        (Language::Python, python::reached(&argv, &files, &locate)),
        (Language::JavaScript, javascript::reached(&argv, &files)),
        (Language::Go, golang::reached(&argv, builds, &files)),
    ];
    let started = told.iter().any(|(l, f)| f.is_some() && *l != Language::Go);
    let starts_python = python::names(&argv, &files);
    let named = |f: &File| {
        let name = f.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        argv.iter().any(|w| w.ends_with(&name))
    };
    let kept = |f: &Rc<File>| match told.iter().find(|(l, _)| *l == f.language) {
        Some((_, found)) => found.as_ref().is_none_or(|r| r.reached.contains(&f.path)),
        None => f.language != Language::Shell || !started || named(f),
    };
    let files = files.into_iter().filter(kept).collect();
    let starts_code = started || starts_python;
    let narrowed = told.iter().filter(|(_, f)| f.is_some()).map(|(l, _)| *l).collect();
    Run {
        files,
        entries: told.into_iter().filter_map(|(_, f)| f).flat_map(|f| f.entries).collect(),
        narrowed,
        starts_code,
    }
}

/// The files without those of tests, unless a command starts one.
pub(super) fn without_tests(mut files: Vec<Rc<File>>, argv: &[String]) -> Vec<Rc<File>> {
    files.retain(|f| {
        let name = f.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        !is_test(&name) || argv.iter().any(|w| w.rsplit('/').next() == Some(&*name))
    });
    files
}

/// Everything that is reached from some files; `None` where one of them cannot be followed.
fn follow(start: Vec<Rc<File>>, imports: impl Fn(&File) -> Option<Vec<Rc<File>>>) -> Option<Found> {
    let entries: Reached = start.iter().map(|f| f.path.clone()).collect();
    let mut reached = entries.clone();
    let mut queue: VecDeque<Rc<File>> = start.into();
    while let Some(file) = queue.pop_front() {
        for other in imports(&file)? {
            if reached.insert(other.path.clone()) {
                queue.push_back(other);
            }
        }
    }
    Some(Found { entries, reached })
}
