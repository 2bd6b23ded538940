//! The source code of a service, as text: which variables it reads and with what default, how it spells "true",
//! whether and on what condition it speaks TLS. No language is parsed; only plain, common shapes are recognised.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::place::Place;
use crate::tree::{Kind, Tree};

const MAX_FILE: u64 = 512 * 1024;
const MAX_TOTAL: usize = 48 * 1024 * 1024;
const MAX_FILES: usize = 6_000;
const MAX_DEPTH: usize = 9;
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
pub(super) enum Language {
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
    pub(super) fn has_libraries(self) -> bool {
        matches!(self, Self::Python | Self::JavaScript | Self::Go | Self::Java | Self::Rust)
    }
}

/// One source file.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) language: Language,
}

impl File {
    /// The place of a byte.
    pub(super) fn place(&self, at: usize, len: usize) -> Place {
        let line = self.text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1;
        let mut place = Place::line(&self.path, u32::try_from(line).unwrap_or(u32::MAX));
        place.span = (at..at + len).into();
        place
    }
}

/// Every source file below the project's folders, read once.
pub(super) struct Library<'a> {
    tree: &'a dyn Tree,
    roots: RefCell<HashMap<PathBuf, Rc<Vec<Rc<File>>>>>,
    left: Cell<usize>,
}

impl<'a> Library<'a> {
    pub(super) fn new(tree: &'a dyn Tree) -> Self {
        Self { tree, roots: RefCell::default(), left: Cell::new(MAX_TOTAL) }
    }

    /// The files below these roots.
    pub(super) fn files(&self, roots: &[(PathBuf, String)]) -> Vec<Rc<File>> {
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

fn language(name: &str) -> Option<Language> {
    let lower = name.to_ascii_lowercase();
    if lower.contains(".min.")
        || lower.contains("-spec.")
        || lower.starts_with("test-")
        || lower.starts_with("test_")
        || lower.contains("_test.")
        || lower.contains(".test.")
        || lower.contains(".spec.")
    {
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

/// How code reads one variable of its environment.
#[derive(Debug, Clone)]
pub(super) struct EnvUse {
    /// The value when nobody sets it.
    pub(super) default: Option<String>,
    /// Which values it takes for true.
    pub(super) truth: Truth,
    /// Where its default (or its name) stands.
    pub(super) place: Place,
}

/// Which values code takes for true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Truth {
    /// These and no others.
    Only(Vec<String>, Case),
    /// All but these.
    AllBut(Vec<String>, Case),
    /// Everything that is not empty, `false` too.
    NonEmpty,
    /// It cannot be told: the usual words.
    Usual,
}

/// Whether capitals matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Matters,
    Ignored,
}

impl Truth {
    /// What a value means.
    pub(super) fn of(&self, value: &str) -> bool {
        let fold = |v: &str, c: Case| if c == Case::Ignored { v.to_ascii_lowercase() } else { v.to_owned() };
        match self {
            Self::Only(list, case) => list.iter().any(|l| fold(l, *case) == fold(value, *case)),
            Self::AllBut(list, case) => !list.iter().any(|l| fold(l, *case) == fold(value, *case)),
            Self::NonEmpty => !value.is_empty(),
            Self::Usual => is_true_word(value),
        }
    }
}

/// Whether a person who writes this means yes.
pub(super) fn is_true_word(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on" | "y" | "t" | "enabled")
}

fn is_false_word(value: &str) -> bool {
    matches!(
        value.trim().to_ascii_lowercase().as_str(),
        "false" | "0" | "no" | "off" | "n" | "f" | "disabled" | ""
    )
}

/// Every quoted `KEY` of a file: the byte behind its closing quote.
fn quoted(text: &str, key: &str) -> Vec<usize> {
    let mut out = Vec::new();
    for (at, _) in text.match_indices(key) {
        let before = text[..at].chars().next_back();
        let after = text[at + key.len()..].chars().next();
        let dotted = before == Some('.') || text[..at].ends_with("env::");
        if matches!((before, after), (Some('"' | '\'' | '`'), Some('"' | '\'' | '`'))) {
            out.push(at + key.len() + 1);
        } else if dotted
            && text[..at].ends_with("env.")
            && !after.is_some_and(|c| c.is_alphanumeric() || c == '_')
        {
            out.push(at + key.len());
        }
    }
    out
}

/// How these files read a variable; `None` if none of them mentions it.
pub(super) fn env_use(files: &[Rc<File>], key: &str) -> Option<EnvUse> {
    let mut found: Option<EnvUse> = None;
    for file in files.iter().filter(|f| f.language != Language::Data) {
        for at in quoted(&file.text, key) {
            let rest = statement(&file.text, at);
            let line = &file.text[line_start(&file.text, at)..at];
            // An attribute of an object has the variable's name, not its value.
            let head = line.trim_end_matches(['"', '\'']).trim_end_matches(key).trim_end_matches(['"', '\'']);
            if head.contains("getattr(") && head.rsplit("getattr(").next().is_some_and(|r| !r.contains("env"))
            {
                continue;
            }
            if let Some((_, field)) = line.split_once("= Field(").filter(|_| line.contains("alias=")) {
                found = Some(EnvUse {
                    default: Some(field_default(&format!("Field({field}"))).filter(|d| !d.contains('=')),
                    truth: pydantic_truth(),
                    place: file.place(at.saturating_sub(key.len() + 1), key.len()),
                });
                continue;
            }
            let (default, span) = default_of(rest).map_or((None, None), |(d, r)| (Some(d), Some(r)));
            let mut truth = truth_of(rest, &file.text[line_start(&file.text, at)..at]);
            if truth == Truth::Usual
                && let Some(name) = assigned(&file.text, at)
            {
                truth = used_as(files, name);
            }
            let place = match span {
                Some(r) => file.place(at + r.start, r.len()),
                None => file.place(at.saturating_sub(key.len() + 1), key.len()),
            };
            let better = found.as_ref().is_none_or(|f| {
                f.default.is_none() && default.is_some() || f.truth == Truth::Usual && truth != Truth::Usual
            });
            if better {
                found = Some(EnvUse { default, truth, place });
            }
        }
    }
    found.or_else(|| files.iter().find_map(|file| settings_field(file, key)))
}

/// The variable behind a field of pydantic's `BaseSettings`: its alias, else its name with the class's prefix. `at`
/// is the field's name, `statement` what follows it.
pub(super) fn settings_key(file: &File, at: usize, len: usize, statement: &str) -> Option<String> {
    if file.language != Language::Python || !file.text.contains("BaseSettings") {
        return None;
    }
    for mark in ["alias=", "env="] {
        if let Some(i) = statement.find(mark) {
            return literals(&statement[i + mark.len()..]).into_iter().next();
        }
    }
    let indented = file.text[line_start(&file.text, at)..at].chars().all(char::is_whitespace);
    (indented && line_start(&file.text, at) < at && statement.starts_with(':'))
        .then(|| format!("{}{}", prefix_of(file), &file.text[at..at + len]).to_ascii_uppercase())
}

/// The `env_prefix` of a file's settings.
fn prefix_of(file: &File) -> String {
    file.text
        .find("env_prefix")
        .and_then(|i| {
            let rest = file.text[i + "env_prefix".len()..].trim_start_matches(['"', '\'', ' ']);
            literals(rest.strip_prefix(['=', ':'])?).into_iter().next()
        })
        .unwrap_or_default()
}

/// A field of pydantic's `BaseSettings`, by the variable's name in small letters, with or without the prefix.
fn settings_field(file: &File, key: &str) -> Option<EnvUse> {
    if file.language != Language::Python || !file.text.contains("BaseSettings") {
        return None;
    }
    let whole = key.to_ascii_lowercase();
    let prefix = prefix_of(file).to_ascii_lowercase();
    let short = whole.strip_prefix(&prefix).filter(|s| !s.is_empty()).unwrap_or(&whole).to_owned();
    let (field, at) =
        [whole, short].into_iter().find_map(|f| Some((f.clone(), file.text.find(&format!("    {f}:"))?)))?;
    let line = file.text[at..].lines().next()?;
    Some(EnvUse {
        default: line.split_once('=').map(|(_, d)| field_default(d)),
        truth: pydantic_truth(),
        place: file.place(at + 4, field.len()),
    })
}

/// The default of `x: bool = False` or `x: bool = Field(default=False, …)`.
fn field_default(expression: &str) -> String {
    let text = expression.trim();
    let inside = text.strip_prefix("Field(").map(|f| {
        let from = f.find("default=").map_or(0, |i| i + "default=".len());
        f[from..].split([',', ')']).next().unwrap_or("")
    });
    inside.unwrap_or(text).trim().trim_matches(['"', '\'']).to_owned()
}

fn pydantic_truth() -> Truth {
    Truth::Only(["true", "1", "yes", "on", "y", "t"].map(str::to_owned).to_vec(), Case::Ignored)
}

/// The port of a `connect(…, 1883)` or of a `…PORT… = 1883` somewhere in files that speak MQTT.
pub(super) fn literal_port(files: &[Rc<File>]) -> Option<u16> {
    let number = |text: &str| {
        let text = text.trim_start().trim_start_matches(['"', '\'']);
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u16>().ok().filter(|p| *p > 1000)
    };
    for file in
        files.iter().filter(|f| f.language != Language::Data && f.text.to_ascii_lowercase().contains("mqtt"))
    {
        for line in file.text.lines().filter(|l| l.len() < 400 && !l.trim_start().starts_with(['#', '/'])) {
            let lower = line.to_ascii_lowercase();
            if let Some(at) = lower.find("connect(")
                && let Some(port) = line[at..]
                    .split(',')
                    .skip(1)
                    .find_map(|a| number(a.trim_start().strip_prefix("port=").unwrap_or(a)))
            {
                return Some(port);
            }
            if (lower.contains("mqtt") || lower.trim_start().starts_with("port") || lower.contains("broker"))
                && let Some(at) = lower.find("port")
            {
                let rest = &line[at + 4..];
                let value = rest.split_once(['=', ':']).map(|(k, v)| (k.trim().trim_matches(['"', '\'']), v));
                let found =
                    value.filter(|(k, _)| k.len() < 8).and_then(|(_, v)| number(v.trim_start_matches('=')));
                // A bare `port = …` may be that of anything; only the usual ones are taken for MQTT's.
                let telling = lower.contains("mqtt") || lower.contains("broker");
                if let Some(port) = found.filter(|p| telling || is_usual_port(*p)) {
                    return Some(port);
                }
            }
        }
    }
    None
}

/// Ports that brokers commonly have.
pub(super) fn is_usual_port(port: u16) -> bool {
    matches!(port, 1883..=1889 | 8883..=8889 | 9001 | 9883 | 8083 | 8084)
}

/// Whether code names the variable as it is spelled.
pub(super) fn names(files: &[Rc<File>], key: &str) -> bool {
    files.iter().any(|f| f.language != Language::Data && f.text.contains(key))
}

/// Whether any file names the variable at all, in whatever way.
pub(super) fn mentions(files: &[Rc<File>], key: &str) -> bool {
    let short = key.split_once('_').map_or(key, |(_, s)| s);
    files.iter().any(|f| {
        f.text.contains(key)
            || f.text.contains(&key.to_ascii_lowercase())
            || (f.text.contains("env_prefix") && f.text.contains(&short.to_ascii_lowercase()))
    })
}

/// The rest of the statement behind a byte: to the end of the line, on while brackets are open.
fn statement(text: &str, at: usize) -> &str {
    let rest = &text[at..];
    let mut open = 1i32;
    for (i, c) in rest.char_indices().take(400) {
        match c {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open -= 1,
            '\n' if open <= 0 => return &rest[..i],
            ';' => return &rest[..i],
            _ => {}
        }
    }
    let end = rest.char_indices().nth(160).map_or(rest.len(), |(i, _)| i);
    let line = rest[..end].find('\n').unwrap_or(end);
    &rest[..line]
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |i| i + 1)
}

/// The default behind a variable's name: `, "x")`, `or "x"`, `|| 'x'`, `?? 'x'`, and its bytes.
fn default_of(rest: &str) -> Option<(String, std::ops::Range<usize>)> {
    let head = rest.trim_start_matches([')', ']', ' ', '\n']);
    let skipped = rest.len() - head.len();
    let mark = [",", "or ", "||", "??", ":-", "default="].iter().find(|m| head.starts_with(**m))?;
    let from = skipped + mark.len();
    let tail = rest.get(from..)?;
    let tail = tail.trim_start();
    let tail = tail.strip_prefix("default=").unwrap_or(tail);
    let from = rest.len() - tail.len();
    match tail.chars().next()? {
        q @ ('"' | '\'' | '`') => {
            let end = tail[1..].find(q)? + 1;
            Some((tail[1..end].to_owned(), from + 1..from + end))
        }
        c if c.is_ascii_alphanumeric() => {
            let end = tail.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(tail.len());
            let word = &tail[..end];
            let literal = word.parse::<f64>().is_ok() || matches!(word, "true" | "false" | "True" | "False");
            literal.then(|| (word.to_owned(), from..from + end))
        }
        _ => None,
    }
}

fn truth_of(rest: &str, before: &str) -> Truth {
    let case = if rest.contains("lower()")
        || rest.contains("toLowerCase()")
        || rest.contains("ToLower")
        || rest.contains("casefold")
        || rest.contains("upper()")
        || before.contains("ToLower")
        || before.contains("EqualFold")
        || rest.contains("gnoreCase")
    {
        Case::Ignored
    } else {
        Case::Matters
    };
    if before.contains("ParseBool") {
        return Truth::Only(
            ["1", "t", "T", "TRUE", "true", "True"].map(str::to_owned).to_vec(),
            Case::Matters,
        );
    }
    if before.contains("strtobool")
        || before.contains("env.bool")
        || before.contains("getBool")
        || rest.contains("cast=bool")
        || before.contains("parse_bool")
        || before.contains("str2bool")
        || before.contains("to_bool")
        || before.contains("env_bool")
        || before.contains("nvBool(")
    {
        return Truth::Only(["y", "yes", "t", "true", "on", "1"].map(str::to_owned).to_vec(), Case::Ignored);
    }
    for operator in ["===", "!==", "==", "!=", " not in ", " in ", ".equals(", ".equalsIgnoreCase("] {
        if let Some(i) = rest.find(operator) {
            let words = literals(&rest[i + operator.len()..]);
            if !words.is_empty() {
                let words: Vec<String> = words
                    .iter()
                    .map(|w| if rest.contains("upper()") { w.to_ascii_lowercase() } else { w.clone() })
                    .collect();
                return if words.iter().all(|w| is_false_word(w)) {
                    Truth::AllBut(words, case)
                } else {
                    Truth::Only(words, case)
                };
            }
        }
    }
    if before.trim_end().ends_with("bool(os.getenv(\"")
        || before.contains("bool(os.")
        || before.contains("Boolean(process.env")
        || before.contains("!!process.env")
    {
        return Truth::NonEmpty;
    }
    if before.contains("int(os.") && !before.contains("PORT") {
        return Truth::AllBut(vec!["0".into()], Case::Matters);
    }
    Truth::Usual
}

/// The quoted words at the head of a text: one, or those of a bracket.
fn literals(text: &str) -> Vec<String> {
    let text = text.trim_start();
    let list = text.starts_with(['(', '[', '{']);
    let end = if list { text.find([')', ']', '}']).unwrap_or(text.len()) } else { text.len() };
    let mut out = Vec::new();
    let mut rest = &text[..end];
    if !list && !rest.starts_with(['"', '\'', '`']) {
        return out;
    }
    while let Some(open) = rest.find(['"', '\'', '`']) {
        let quote = rest.as_bytes()[open] as char;
        let Some(close) = rest[open + 1..].find(quote) else { break };
        out.push(rest[open + 1..open + 1 + close].to_owned());
        if !list {
            break;
        }
        rest = &rest[open + close + 2..];
    }
    out
}

/// The name that a statement assigns to, e.g. `CA` in `CA = os.getenv(…)`.
pub(super) fn assigned(text: &str, at: usize) -> Option<&str> {
    let head = &text[line_start(text, at)..at];
    let name = head.split_once('=').map(|(n, _)| n).or_else(|| head.split_once(':').map(|(n, _)| n))?;
    let name = name.split(':').next()?.trim();
    let name = name
        .strip_prefix("const ")
        .or(name.strip_prefix("let "))
        .or(name.strip_prefix("var "))
        .unwrap_or(name);
    let name = name.strip_prefix("self.").unwrap_or(name).trim();
    (!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')).then_some(name)
}

/// How a variable of the code is compared somewhere.
fn used_as(files: &[Rc<File>], name: &str) -> Truth {
    for file in files {
        for (at, _) in file.text.match_indices(name) {
            let end = at + name.len();
            let whole = !file.text[end..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
                && !file.text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if whole {
                let line = file.text[end..].lines().next().unwrap_or("");
                if line.trim_start().starts_with(['.', '=', '!', 'i', 'n'])
                    && !line.trim_start().starts_with("= ")
                {
                    let truth = truth_of(line, "");
                    if truth != Truth::Usual {
                        return truth;
                    }
                }
            }
        }
    }
    Truth::Usual
}
