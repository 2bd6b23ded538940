//! Which source files a container runs: those that its Python entry point imports, where its command names one.
//! Projects mount or copy one folder into several containers; what a container never starts dials nothing from it.

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::code::{File, Language};
use super::container::Container;
use crate::compose::words;

/// Words of a command behind which the files that run cannot be told.
const OPAQUE: [&str; 8] =
    ["celery", "manage.py", "supervisord", "honcho", "pytest", "flask", "airflow", "jupyter"];
/// Marks of code that finds other code at run time.
const DYNAMIC: [&str; 7] = ["importlib", "__import__", "django", "celery", "pkgutil", "subprocess", "runpy"];

/// The files that a container may run: all of them, unless its command names a Python entry point whose imports can
/// be followed. Files of other languages stay.
pub(super) fn narrow(container: &Container<'_>, files: Vec<Rc<File>>) -> Vec<Rc<File>> {
    let argv: Vec<String> = container.argv().iter().flat_map(|a| words::split(a)).collect();
    let Some(entries) = entries(&argv) else { return files };
    let mut queue: VecDeque<Rc<File>> = VecDeque::new();
    for entry in &entries {
        let found: Vec<&Rc<File>> = files.iter().filter(|f| f.path.ends_with(entry)).collect();
        if found.is_empty() {
            return files;
        }
        queue.extend(found.into_iter().cloned());
    }
    let mut reached: HashSet<PathBuf> = queue.iter().map(|f| f.path.clone()).collect();
    while let Some(file) = queue.pop_front() {
        if DYNAMIC.iter().any(|w| file.text.contains(w)) {
            return files;
        }
        for wanted in imports(&file) {
            for other in files.iter().filter(|f| wanted.iter().any(|w| f.path.ends_with(w))) {
                if reached.insert(other.path.clone()) {
                    queue.push_back(other.clone());
                }
            }
        }
    }
    files.into_iter().filter(|f| f.language != Language::Python || reached.contains(&f.path)).collect()
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
