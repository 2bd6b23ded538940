//! JavaScript and TypeScript: the file that `node` and its kin start, also through a script of package.json, and what
//! that requires or imports.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::super::code::{File, Language};
use super::{Found, Reached, follow};
use crate::compose::words;
use crate::tree::normalize;

/// Programs whose first word that is no flag is the file they run.
const RUNNERS: [&str; 8] =
    ["node", "nodejs", "nodemon", "ts-node", "ts-node-dev", "tsx", "bun", "pm2-runtime"];
/// Steps before the start that run nothing of the project's own.
const STEPS: [&str; 12] = [
    "tsc",
    "prisma",
    "rimraf",
    "rm",
    "cp",
    "mkdir",
    "echo",
    "cd",
    "sleep",
    "cross-env",
    "wait-for-it.sh",
    "npx",
];
/// Programs of packages that serve files or data, and run no code of the project.
const PACKAGED: [&str; 8] =
    ["serve", "http-server", "json-server", "live-server", "storybook", "maildev", "node-red", "mqtt"];
/// Folders that a compiler fills from `src`.
const COMPILED: [&str; 4] = ["dist", "build", "lib", "out"];
const ENDINGS: [&str; 7] = ["ts", "js", "mjs", "cjs", "tsx", "jsx", "mts"];
/// Marks of code that finds other code at run time. Reading a folder is none: what is found there has to be required
/// by a word that is put together, and that is seen.
const DYNAMIC: [&str; 6] =
    ["require.context", "new Worker(", "child_process", "fork(", "autoload", "require-all"];

/// The JavaScript files that run; `None` where they cannot be told.
pub(super) fn reached(argv: &[String], files: &[Rc<File>]) -> Option<Found> {
    let package = package(files);
    let mut entries: Vec<String> = Vec::new();
    entry(argv, package.as_ref().map(|(_, p)| p), 0, &mut entries)?;
    // A program of a package's own runs none of the project's code.
    let before = entries.len();
    entries.retain(|e| !is_packages(e));
    if entries.is_empty() && before > 0 {
        return Some(Found { entries: Reached::new(), reached: Reached::new() });
    }
    let root = package.as_ref().map(|(root, _)| root.as_path());
    let mut start: Vec<Rc<File>> = Vec::new();
    for entry in &entries {
        let found = of_entry(entry, root, files);
        if found.is_empty() {
            return None;
        }
        start.extend(found);
    }
    if start.is_empty() {
        return None;
    }
    follow(start, |file| imports(file, files))
}

/// The one package.json nearest to the top, with its folder.
fn package(files: &[Rc<File>]) -> Option<(PathBuf, serde_json::Value)> {
    let depth = |f: &&Rc<File>| f.path.components().count();
    let all = || files.iter().filter(|f| f.path.file_name().is_some_and(|n| n == "package.json"));
    let top = all().min_by_key(depth)?;
    if all().filter(|f| depth(f) == depth(&top)).count() > 1 {
        return None;
    }
    Some((top.path.parent()?.to_owned(), serde_json::from_str(&top.text).ok()?))
}

/// The files that a command starts; `None` where one of its programs is not known.
fn entry(
    argv: &[String],
    package: Option<&serde_json::Value>,
    depth: usize,
    out: &mut Vec<String>,
) -> Option<()> {
    let name = |w: &String| w.rsplit('/').next().unwrap_or(w).to_owned();
    let words: Vec<&String> = argv
        .iter()
        .filter(|w| {
            !matches!(w.as_str(), "sh" | "/bin/sh" | "bash" | "-c" | "exec" | "dumb-init" | "tini" | "--")
        })
        .collect();
    for step in words.split(|w| matches!(w.as_str(), "&&" | ";" | "||")) {
        let mut step = step.iter().skip_while(|w| w.contains('=') && !w.starts_with('-'));
        let Some(first) = step.next() else { continue };
        let first = name(first);
        let rest: Vec<&str> = step.map(|w| w.as_str()).collect();
        if matches!(first.as_str(), "npm" | "yarn" | "pnpm") {
            let script = match rest.as_slice() {
                ["run" | "run-script", script, ..] => script,
                [script, ..] if !matches!(*script, "install" | "ci" | "i" | "add") => script,
                _ => continue,
            };
            let line = package?.get("scripts")?.get(script).and_then(serde_json::Value::as_str);
            let Some(line) = line else {
                // `npm start` without a script runs server.js.
                if *script == "start" {
                    out.push("server.js".into());
                    continue;
                }
                return None;
            };
            if depth > 3 || (line.contains("&") && !line.contains("&&")) {
                return None;
            }
            let before = out.len();
            entry(&words::split(line), package, depth + 1, out)?;
            if out.len() == before && !script.contains("build") {
                return None;
            }
        } else if RUNNERS.contains(&first.as_str()) {
            let file = value_behind_flags(&rest)?;
            out.push(file.to_owned());
        } else if PACKAGED.contains(&first.as_str()) {
            out.push(first);
        } else if first == "nest" && rest.first() == Some(&"start") {
            out.push("src/main.ts".into());
        } else if !STEPS.contains(&first.as_str()) {
            return None;
        }
    }
    Some(())
}

/// Whether an entry point is a program that a package brings along.
fn is_packages(entry: &str) -> bool {
    entry.contains("node_modules/") || PACKAGED.contains(&entry)
}

/// The first word that is neither a flag nor the value of `-r`.
fn value_behind_flags<'w>(words: &[&'w str]) -> Option<&'w str> {
    let mut skip = false;
    for word in words {
        if std::mem::take(&mut skip) {
            continue;
        }
        match *word {
            "-r" | "--require" | "--loader" | "--import" | "--watch-path" | "-w" | "--ext" | "-e"
            | "--exec" => skip = true,
            "watch" | "run" | "start" => {}
            w if w.starts_with('-') => {}
            w => return Some(w),
        }
    }
    None
}

/// The source of an entry point: itself, or what it is compiled from.
fn of_entry(entry: &str, root: Option<&Path>, files: &[Rc<File>]) -> Vec<Rc<File>> {
    let entry = entry.trim_start_matches("./").trim_start_matches('/').trim_start_matches("app/");
    let mut bases = vec![PathBuf::from(entry)];
    if let Some((first, rest)) = entry.split_once('/')
        && COMPILED.contains(&first)
    {
        bases.push(Path::new("src").join(rest));
        bases.push(PathBuf::from(rest));
    }
    for base in bases {
        for path in spellings(&base) {
            let at = |f: &&Rc<File>| match root {
                Some(root) => f.path == normalize(&root.join(&path)),
                None => f.path.ends_with(&path),
            };
            let found: Vec<Rc<File>> = files.iter().filter(at).cloned().collect();
            if !found.is_empty() {
                return found;
            }
        }
    }
    Vec::new()
}

/// What a path without its ending, or with that of the compiled file, may be called.
fn spellings(base: &Path) -> Vec<PathBuf> {
    let mut out = vec![base.to_owned()];
    let with = |stem: &Path, ending: &str| PathBuf::from(format!("{}.{ending}", stem.display()));
    let known = base.extension().is_some_and(|e| ENDINGS.iter().any(|k| e == *k));
    let stem = if known { base.with_extension("") } else { base.to_owned() };
    for ending in ENDINGS {
        out.push(with(&stem, ending));
    }
    for ending in ENDINGS {
        out.push(base.join(format!("index.{ending}")));
    }
    out
}

/// What a file requires or imports of the project; `None` where that cannot be told.
fn imports(file: &File, files: &[Rc<File>]) -> Option<Vec<Rc<File>>> {
    if DYNAMIC.iter().any(|w| file.text.contains(w)) {
        return None;
    }
    let mut out = Vec::new();
    for named in named(&file.text)? {
        let base = if named.starts_with('.') {
            normalize(&file.path.parent()?.join(named))
        } else if let Some(rest) = named.strip_prefix("@/").or_else(|| named.strip_prefix("~/")) {
            PathBuf::from(rest)
        } else if is_installed(named, files) {
            continue;
        } else {
            PathBuf::from(named)
        };
        let spelled = spellings(&base);
        let hit =
            |f: &&Rc<File>| f.language == Language::JavaScript && spelled.iter().any(|s| f.path.ends_with(s));
        let found: Vec<Rc<File>> = files.iter().filter(hit).cloned().collect();
        // A name of no package and no file is an alias that leads anywhere.
        if found.is_empty() && !named.starts_with('.') {
            return None;
        }
        out.extend(found);
    }
    Some(out)
}

/// The words behind `from`, `import` and in `require(…)`; `None` where one is put together at run time.
fn named(text: &str) -> Option<Vec<&str>> {
    let mut out = Vec::new();
    for mark in ["require(", "import(", "from ", "import "] {
        for (at, _) in text.match_indices(mark) {
            if text[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '$')) {
                continue;
            }
            let rest = text[at + mark.len()..].trim_start();
            match rest.chars().next() {
                Some(quote @ ('"' | '\'' | '`')) => {
                    let word = rest[1..].split([quote, '\n']).next().unwrap_or("");
                    if word.contains("${") {
                        return None;
                    }
                    out.push(word);
                }
                // `import x from "y"` is seen by its `from`.
                Some(c) if mark.ends_with('(') && c != ')' => return None,
                _ => {}
            }
        }
    }
    Some(out)
}

/// Whether a name is a package's: listed in a package.json, or part of Node.js.
fn is_installed(name: &str, files: &[Rc<File>]) -> bool {
    const BUILT_IN: [&str; 26] = [
        "assert",
        "buffer",
        "cluster",
        "crypto",
        "dgram",
        "dns",
        "events",
        "fs",
        "http",
        "http2",
        "https",
        "module",
        "net",
        "os",
        "path",
        "perf_hooks",
        "process",
        "querystring",
        "readline",
        "stream",
        "timers",
        "tls",
        "url",
        "util",
        "zlib",
        "dotenv",
    ];
    let parts = if name.starts_with('@') { 2 } else { 1 };
    let package: String = name.split('/').take(parts).collect::<Vec<_>>().join("/");
    let quoted = format!("\"{package}\"");
    name.starts_with("node:")
        || BUILT_IN.contains(&package.as_str())
        || files.iter().any(|f| {
            f.language == Language::Data
                && f.path.file_name().is_some_and(|n| n == "package.json")
                && f.text.contains(&quoted)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(command: &str, scripts: &str) -> Option<Vec<String>> {
        let package = serde_json::from_str(&format!("{{\"scripts\": {scripts}}}")).ok();
        let mut out = Vec::new();
        entry(&words::split(command), package.as_ref(), 0, &mut out)?;
        Some(out)
    }

    #[test]
    fn entry_points_are_told_from_the_command() {
        let scripts =
            r#"{"start": "node dist/main.js", "dev": "nodemon --exec ts-node src/index.ts", "web": "vite"}"#;
        assert_eq!(of("node --enable-source-maps server/app.js", "{}"), Some(vec!["server/app.js".into()]));
        assert_eq!(of("npm start", scripts), Some(vec!["dist/main.js".into()]));
        assert_eq!(of("sh -c 'npx prisma migrate deploy && node index.js'", scripts), None);
        assert_eq!(of("npm run web", scripts), None);
        let packaged = r#"{"sim": "node ./node_modules/sim/cli.js -n 3", "www": "serve -s build"}"#;
        assert!(of("npm run sim", packaged).unwrap().iter().all(|e| is_packages(e)));
        assert!(of("npm run www", packaged).unwrap().iter().all(|e| is_packages(e)));
        assert_eq!(of("npm start", "{}"), Some(vec!["server.js".into()]));
        assert_eq!(of("python main.py", "{}"), None);
    }
}
