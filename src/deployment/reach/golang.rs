//! Go: the packages that `go build` or `go run` names, and those of the same module that they import.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::super::code::{File, Language};
use super::{Found, follow};
use crate::compose::words;
use crate::tree::normalize;

/// Flags of `go build` with a value of their own.
const WITH_VALUE: [&str; 10] = [
    "-o",
    "-ldflags",
    "-tags",
    "-gcflags",
    "-mod",
    "-p",
    "-asmflags",
    "-pgo",
    "-buildmode",
    "-installsuffix",
];

/// The Go files that run; `None` where they cannot be told.
pub(super) fn reached<'b>(
    argv: &[String],
    builds: impl Iterator<Item = &'b str>,
    files: &[Rc<File>],
) -> Option<Found> {
    let mut modules = files
        .iter()
        .filter(|f| f.language == Language::Data && f.path.file_name().is_some_and(|n| n == "go.mod"));
    let module = modules.next().filter(|_| modules.next().is_none())?;
    let name = module.text.lines().find_map(|l| l.trim().strip_prefix("module "))?.trim().to_owned();
    let root = module.path.parent()?.to_owned();
    let mut named: Vec<String> = targets(argv);
    for line in builds {
        for part in line.split(['&', ';', '|']) {
            named.extend(targets(&words::split(part)));
        }
    }
    let in_folder = |folder: &Path| -> Vec<Rc<File>> {
        let inside = |f: &&Rc<File>| f.language == Language::Go && f.path.parent() == Some(folder);
        files.iter().filter(inside).cloned().collect()
    };
    let mut start: Vec<Rc<File>> = Vec::new();
    for target in &named {
        let path = normalize(&root.join(target.trim_start_matches('/')));
        let found = match target.ends_with(".go") {
            true => files.iter().filter(|f| f.path == path).cloned().collect(),
            false => in_folder(&path),
        };
        if found.is_empty() || target.contains(['*', '$']) || target.contains("...") {
            return None;
        }
        start.extend(found);
    }
    if start.is_empty() {
        return None;
    }
    follow(start, |file| {
        let folders = file.text.split('"').filter_map(|word| {
            let rest = word.strip_prefix(name.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| package(&root, rest))
        });
        Some(folders.flat_map(|f| in_folder(&f)).collect())
    })
}

fn package(root: &Path, rest: &str) -> PathBuf {
    normalize(&root.join(rest.trim_start_matches('/')))
}

/// What a `go build`, `go install` or `go run` among these words compiles.
fn targets(words: &[String]) -> Vec<String> {
    let is_go = |w: &String| w.rsplit('/').next() == Some("go");
    let Some(at) = words.iter().position(is_go) else { return Vec::new() };
    let mut rest = words.iter().skip(at + 1);
    let runs = match rest.next().map(String::as_str) {
        Some("run") => true,
        Some("build" | "install") => false,
        _ => return Vec::new(),
    };
    let mut out = Vec::new();
    let mut skip = false;
    for word in rest {
        if std::mem::take(&mut skip) {
            continue;
        }
        if word.starts_with('-') {
            skip = WITH_VALUE.contains(&word.as_str());
            continue;
        }
        out.push(word.clone());
        // Behind the package `go run` hands the words to the program.
        if runs && !word.ends_with(".go") {
            break;
        }
    }
    if out.is_empty() {
        out.push(".".into());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_told_from_the_build() {
        let of = |line: &str| targets(&words::split(line));
        assert_eq!(of("CGO_ENABLED=0 go build -ldflags '-s -w' -o /app ./cmd/server"), ["./cmd/server"]);
        assert_eq!(of("go run main.go util.go"), ["main.go", "util.go"]);
        assert_eq!(of("go run ./cmd/a --port 1"), ["./cmd/a"]);
        assert_eq!(of("go build -o app"), ["."]);
        assert!(of("go mod download").is_empty());
    }
}
