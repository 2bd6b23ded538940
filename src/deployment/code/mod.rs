//! The source code of a service, as text: its files and their languages here, below it how code asks for variables, what
//! it takes for true, which port it falls back to. No language is parsed; only plain, common shapes are recognised.

mod env;
mod port;
mod truth;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

pub(super) use env::{asked_keys, env_use, leaves_unread, mentions, names, settings_key};
pub(super) use port::{is_usual_port, literal_port};
pub(crate) use truth::is_true_word;
pub(super) use truth::{Case, Truth};

use crate::place::Place;
use crate::tree::{Kind, Tree};

const MAX_FILE: u64 = 512 * 1024;
const MAX_TOTAL: usize = 48 * 1024 * 1024;
const MAX_FILES: usize = 6_000;
/// Java and Kotlin nest a package in every folder.
const MAX_DEPTH: usize = 14;
const SKIPPED: [&str; 23] = [
    "e2e",
    "fixtures",
    "mocks",
    "__mocks__",
    "example",
    "examples",
    "node_modules",
    "target",
    "vendor",
    "venv",
    "env",
    "__pycache__",
    "site-packages",
    "dist",
    "tests",
    "test",
    "__tests__",
    "docs",
    "coverage",
    "testdata",
    "certs",
    "data",
    "migrations",
];

/// The languages that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::deployment) enum Language {
    Python,
    JavaScript,
    Go,
    Java,
    Rust,
    C,
    Shell,
    /// Elixir, Ruby, PHP, C#, Swift.
    Other,
    /// A configuration or package file.
    Data,
}

impl Language {
    /// Whether an MQTT client in this language is known by the library that it imports.
    pub(in crate::deployment) fn has_libraries(self) -> bool {
        matches!(self, Self::Python | Self::JavaScript | Self::Go | Self::Java | Self::Rust)
    }
}

/// One source file.
#[derive(Debug)]
pub(in crate::deployment) struct File {
    pub(in crate::deployment) path: PathBuf,
    pub(in crate::deployment) text: String,
    pub(in crate::deployment) language: Language,
}

impl File {
    /// The place of a byte.
    pub(in crate::deployment) fn place(&self, at: usize, len: usize) -> Place {
        let line = self.text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1;
        let mut place = Place::line(&self.path, u32::try_from(line).unwrap_or(u32::MAX));
        place.span = (at..at + len).into();
        place
    }
}

/// Every source file below the project's folders, read once.
pub(in crate::deployment) struct Library<'a> {
    tree: &'a dyn Tree,
    roots: RefCell<HashMap<PathBuf, Rc<Vec<Rc<File>>>>>,
    left: Cell<usize>,
}

impl<'a> Library<'a> {
    pub(in crate::deployment) fn new(tree: &'a dyn Tree) -> Self {
        Self { tree, roots: RefCell::default(), left: Cell::new(MAX_TOTAL) }
    }

    /// The files below these roots.
    pub(in crate::deployment) fn files(&self, roots: &[(PathBuf, String)]) -> Vec<Rc<File>> {
        let mut out: Vec<Rc<File>> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for (root, _) in roots {
            let known = self.roots.borrow().get(root).cloned();
            let list = known.unwrap_or_else(|| {
                let mut list = Vec::new();
                self.walk(root, 0, &mut list);
                let list = Rc::new(list);
                self.roots.borrow_mut().insert(root.clone(), list.clone());
                list
            });
            out.extend(list.iter().filter(|f| seen.insert(f.path.clone())).cloned());
        }
        out
    }

    fn walk(&self, path: &Path, depth: usize, out: &mut Vec<Rc<File>>) {
        if depth > MAX_DEPTH || out.len() > MAX_FILES || self.left.get() == 0 {
            return;
        }
        let Ok(meta) = self.tree.meta(path) else { return };
        match meta.kind {
            Kind::Folder => {
                if !self.tree.resolve(path).is_ok_and(|real| real == path) && depth > 0 {
                    return;
                }
                for name in self.tree.list(path).unwrap_or_default() {
                    let skipped = name.starts_with('.') || SKIPPED.contains(&name.as_str());
                    if !skipped && (language(&name).is_some() || !name.contains('.') || depth < 3) {
                        self.walk(&crate::tree::normalize(&path.join(&name)), depth + 1, out);
                    }
                }
            }
            Kind::File if meta.len <= MAX_FILE => {
                let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                let Some(language) = language(&name) else { return };
                if let Ok(bytes) = self.tree.read(path) {
                    self.left.set(self.left.get().saturating_sub(bytes.len()));
                    if let Ok(text) = String::from_utf8(bytes)
                        && !(language == Language::C && is_firmware(&text))
                    {
                        out.push(Rc::new(File { path: path.to_owned(), text, language }));
                    }
                }
            }
            _ => {}
        }
    }
}

/// Code for a microcontroller, which no container runs.
fn is_firmware(text: &str) -> bool {
    ["Arduino.h", "WiFi", "esp_", "ESP32", "ESP8266", "freertos/"].iter().any(|w| text.contains(w))
}

/// Whether a file is one of tests by its name, which run nowhere unless a command names it.
pub(super) fn is_test(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    ["-spec.", "_test.", ".test.", ".spec."].iter().any(|w| lower.contains(w))
        || ["test-", "test_"].iter().any(|w| lower.starts_with(w))
}

/// Whether a path is that of a program's source.
pub(super) fn is_program(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    !matches!(language(name), None | Some(Language::Data | Language::Shell))
}

fn language(name: &str) -> Option<Language> {
    let lower = name.to_ascii_lowercase();
    // Only Python's are started by name.
    if lower.contains(".min.") || (is_test(name) && !lower.ends_with(".py")) {
        return None;
    }
    if matches!(
        lower.as_str(),
        "requirements.txt"
            | "package.json"
            | "go.mod"
            | "pom.xml"
            | "cargo.toml"
            | "pyproject.toml"
            | "pipfile"
            | "build.gradle"
            | "build.gradle.kts"
            | "mix.exs"
            | "setup.py"
            | "composer.json"
            | "gemfile"
            | "cmakelists.txt"
            | "package.swift"
            | "setup.cfg"
    ) || lower.starts_with("requirements") && lower.ends_with(".txt")
        || lower.ends_with(".csproj")
    {
        return Some(Language::Data);
    }
    Some(match lower.rsplit_once('.')?.1 {
        "py" => Language::Python,
        "js" | "ts" | "mjs" | "cjs" | "jsx" | "tsx" | "vue" | "svelte" => Language::JavaScript,
        "go" => Language::Go,
        "java" | "kt" | "scala" | "groovy" => Language::Java,
        "rs" => Language::Rust,
        "c" | "cc" | "cpp" | "h" | "hpp" => Language::C,
        "sh" | "bash" => Language::Shell,
        "ex" | "exs" | "rb" | "php" | "cs" | "swift" | "dart" | "lua" => Language::Other,
        _ => return None,
    })
}
