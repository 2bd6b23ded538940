//! Python: the file or module that a command starts, and what that imports.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::super::code::File;
use super::{Found, follow};

/// Words of a command behind which the files that run cannot be told.
const OPAQUE: [&str; 8] =
    ["celery", "manage.py", "supervisord", "honcho", "pytest", "flask", "airflow", "jupyter"];
/// Marks of code that finds other code at run time.
const DYNAMIC: [&str; 6] = ["importlib", "__import__", "django", "celery", "pkgutil", "runpy"];
/// Marks of a subprocess that runs Python, beside the many that run something else.
const PYTHON_AGAIN: [&str; 5] = [".py\"", ".py'", "sys.executable", "\"python", "'python"];

/// The Python files that run; `None` where they cannot be told. `locate` says where a path of the container is on
/// this side.
pub(super) fn reached(
    argv: &[String],
    files: &[Rc<File>],
    locate: &dyn Fn(&Path) -> Option<PathBuf>,
) -> Option<Found> {
    let mut start = Vec::new();
    for entry in entries(argv)? {
        let mut found: Vec<Rc<File>> = files.iter().filter(|f| f.path.ends_with(&entry)).cloned().collect();
        if found.is_empty() {
            return None;
        }
        // Of several `main.py` the one in the working folder is started.
        if let Some(own) = locate(&entry)
            && found.iter().any(|f| f.path == own)
        {
            found.retain(|f| f.path == own);
        }
        start.extend(found);
    }
    follow(start, |file| {
        let starts_python =
            file.text.contains("subprocess") && PYTHON_AGAIN.iter().any(|w| file.text.contains(w));
        if starts_python || DYNAMIC.iter().any(|w| file.text.contains(w)) {
            return None;
        }
        let wanted = imports(file);
        let hit = |f: &&Rc<File>| wanted.iter().flatten().any(|w| f.path.ends_with(w));
        Some(files.iter().filter(hit).cloned().collect())
    })
}

/// Whether a command starts nothing but Python files that are here.
pub(super) fn names(argv: &[String], files: &[Rc<File>]) -> bool {
    let here = |entry: &PathBuf| files.iter().any(|f| f.path.ends_with(entry));
    entries(argv).is_some_and(|found| found.iter().all(here))
}

/// The Python files that a command starts, as ends of paths; `None` where it starts something else as well.
fn entries(argv: &[String]) -> Option<Vec<PathBuf>> {
    let name = |word: &str| word.rsplit('/').next().unwrap_or(word).to_owned();
    if argv.iter().any(|w| OPAQUE.contains(&name(w).as_str()) || w.ends_with(".sh")) {
        return None;
    }
    let server = |w: &String| matches!(name(w).as_str(), "uvicorn" | "gunicorn" | "hypercorn" | "daphne");
    let served = argv.iter().any(server);
    let mut found = Vec::new();
    for (at, word) in argv.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|i| argv.get(i)).map_or("", String::as_str);
        if word.ends_with(".py") && !before.starts_with("-c") {
            found.push(Path::new(word.trim_start_matches(['.', '/'])).to_owned());
        } else if before == "-m"
            && !matches!(name(word).as_str(), "pip" | "uvicorn" | "gunicorn" | "http.server")
        {
            found.push(module(word));
        } else if served
            && let Some((path, app)) = word.split_once(':')
            && !path.is_empty()
            && path.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'))
            && !app.is_empty()
            && app.chars().all(|c| c.is_alphanumeric() || c == '_')
            && !path.chars().all(|c| c.is_ascii_digit() || c == '.')
        {
            found.push(module(path));
        }
    }
    Some(found).filter(|f| !f.is_empty())
}

fn module(dotted: &str) -> PathBuf {
    PathBuf::from(format!("{}.py", dotted.replace('.', "/")))
}

/// What a file imports: for each import the ends of paths that it may mean.
fn imports(file: &File) -> Vec<Vec<PathBuf>> {
    let mut out = Vec::new();
    let folder = file.path.parent().unwrap_or(Path::new("")).to_owned();
    let may_be = |dotted: &str| {
        let (base, name) = match dotted.trim_start_matches('.') {
            rest if rest.len() < dotted.len() => (Some(&folder), rest),
            rest => (None, rest),
        };
        let path = name.replace('.', "/");
        let under = |p: String| base.map_or_else(|| PathBuf::from(&p), |b| b.join(&p));
        vec![under(format!("{path}.py")), under(format!("{path}/__init__.py"))]
    };
    for line in file.text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("import ") {
            for name in rest.split(',').filter_map(|n| n.split_whitespace().next()) {
                out.push(may_be(name));
            }
        } else if let Some((from, names)) = line.strip_prefix("from ").and_then(|r| r.split_once(" import "))
        {
            let from = from.trim();
            out.push(may_be(from));
            for name in names.split([',', '(', ')']).filter_map(|n| n.split_whitespace().next()) {
                let joined =
                    if from.ends_with('.') { format!("{from}{name}") } else { format!("{from}.{name}") };
                out.push(may_be(&joined));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::words;

    fn of(command: &str) -> Option<Vec<PathBuf>> {
        entries(&words::split(command))
    }

    #[test]
    fn entry_points_are_told_from_the_command() {
        assert_eq!(of("python src/a.py"), Some(vec!["src/a.py".into()]));
        assert_eq!(of("python3 -m pkg.sub.main"), Some(vec!["pkg/sub/main.py".into()]));
        assert_eq!(
            of("gunicorn --bind 0.0.0.0:5000 src.server.web:app"),
            Some(vec!["src/server/web.py".into()])
        );
        assert_eq!(of("celery -A app worker"), None);
        assert_eq!(of("./start.sh"), None);
        assert_eq!(of("npm start"), None);
    }
}
