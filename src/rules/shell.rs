//! Shell scripts of the project, as far as it matters where they write: their commands, their folder, their variables.

use std::path::{Path, PathBuf};

use super::project::Source;
use crate::tree::normalize;

/// Variables that stand for variables are followed no further than this.
const MAX_DEPTH: usize = 8;

/// The commands of a script with the line that they start on; continued lines are joined, comments left out.
pub(super) fn commands(source: &Source) -> Vec<(u32, String)> {
    let mut found: Vec<(u32, String)> = Vec::new();
    let mut open = false;
    for (at, line) in source.text.lines().enumerate() {
        let text = line.trim();
        if text.starts_with('#') {
            continue;
        }
        let continues = text.ends_with('\\');
        let text = text.trim_end_matches('\\');
        match found.last_mut().filter(|_| open) {
            Some((_, command)) => {
                command.push(' ');
                command.push_str(text);
            }
            None => found.push((u32::try_from(at + 1).unwrap_or(u32::MAX), text.to_owned())),
        }
        open = continues;
    }
    found
}

/// The private keys that a script makes with openssl and leaves where it makes them: paths as the tree names them, or
/// absolute ones, which a container may have.
/// `dir` is the project's folder, where a script is taken to be started.
pub(super) fn keys_left(source: &Source, dir: &Path) -> Vec<PathBuf> {
    let script = Script::read(source, dir);
    let mut left: Vec<PathBuf> = Vec::new();
    for (command, within) in &script.commands {
        let words: Vec<&str> = split(command).skip_while(|w| *w == "sudo").collect();
        let after = |option: &str| words.iter().position(|w| *w == option).and_then(|i| words.get(i + 1));
        let option = match words.as_slice() {
            ["openssl", "genrsa" | "genpkey" | "ecparam", ..] => "-out",
            ["openssl", "req", ..] => "-keyout",
            _ => "",
        };
        if let Some(key) = after(option).and_then(|w| script.resolve(w, within.as_ref(), false)) {
            left.push(key);
        } else if matches!(words.first(), Some(&"rm" | &"mv" | &"shred")) {
            let name = |word: &&str| unquoted(word).rsplit('/').next().map(str::to_owned).unwrap_or_default();
            let gone: Vec<String> = words.iter().skip(1).map(name).collect();
            left.retain(|key| {
                let own = key.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                !gone
                    .iter()
                    .any(|g| *g == own || (g.starts_with('*') && own.ends_with(g.trim_start_matches('*'))))
            });
        }
    }
    left
}

/// The folder that a `cd` led to: `None` before any `cd`, `Some(None)` after one that cannot be followed.
type Within = Option<Option<PathBuf>>;

/// One script.
struct Script<'a> {
    dir: &'a Path,
    folder: PathBuf,
    variables: Vec<(String, String)>,
    /// Its simple commands in order, each with the folder that it runs in.
    commands: Vec<(String, Within)>,
}

impl<'a> Script<'a> {
    fn read(source: &Source, dir: &'a Path) -> Self {
        let folder = source.path.parent().map(normalize).unwrap_or_else(|| PathBuf::from("."));
        let mut script = Self { dir, folder, variables: Vec::new(), commands: Vec::new() };
        let mut within: Within = None;
        for command in commands(source).iter().flat_map(|(_, c)| simple(c)) {
            let bare = ["export ", "local ", "readonly "].iter().find_map(|w| command.strip_prefix(w));
            if let Some((name, value)) = bare.unwrap_or(command).split_once('=')
                && !name.is_empty()
                && name.chars().all(|c| c.is_alphanumeric() || c == '_')
            {
                // The first word counts: a later one may stand below a test.
                if !script.variables.iter().any(|(n, _)| n == name) {
                    script.variables.push((name.to_owned(), value.to_owned()));
                }
                continue;
            }
            if let Some(target) = command.strip_prefix("cd ") {
                let target = split(target).next().unwrap_or("");
                within = Some(script.resolve(target, within.as_ref(), true));
                continue;
            }
            script.commands.push((command.to_owned(), within.clone()));
        }
        script
    }

    /// Where a word of a command points to.
    fn resolve(&self, word: &str, within: Option<&Option<PathBuf>>, is_folder: bool) -> Option<PathBuf> {
        let (text, rooted) = self.expand(word, MAX_DEPTH)?;
        if text.starts_with('~') {
            return None;
        }
        if text.starts_with('/') && !rooted {
            return Some(normalize(Path::new(&text)));
        }
        let base = match within {
            _ if rooted => return Some(normalize(Path::new(&text))),
            Some(known) => known.clone()?,
            // A bare name is meant for the script's own folder, a path for the project's.
            None if is_folder || text.contains('/') => self.dir.to_owned(),
            None => self.folder.clone(),
        };
        Some(normalize(&base.join(text)))
    }

    /// A word with its variables filled in, and whether it begins with the script's own folder.
    fn expand(&self, word: &str, depth: usize) -> Option<(String, bool)> {
        let depth = depth.checked_sub(1)?;
        let mut out = String::new();
        let mut rooted = false;
        let mut rest = word;
        while let Some(at) = rest.find('$') {
            out.push_str(&unquoted(&rest[..at]));
            let (value, from, behind) = self.one(&rest[at + 1..], depth)?;
            rooted |= from && out.is_empty();
            out.push_str(&value);
            rest = behind;
        }
        out.push_str(&unquoted(rest));
        Some((out, rooted)).filter(|(o, _)| !o.contains(['`', '*', '%']))
    }

    /// What stands behind a `$`, and the text behind it.
    fn one<'t>(&self, text: &'t str, depth: usize) -> Option<(String, bool, &'t str)> {
        let own = |t: &str| t.contains("$0") || t.contains("BASH_SOURCE");
        let folder = || self.folder.to_string_lossy().into_owned();
        if let Some(inner) = text.strip_prefix('(') {
            let end = closing(inner, '(', ')')?;
            let (inner, behind) = (inner.get(..end)?.trim(), inner.get(end + 1..)?);
            let (value, rooted) = if let Some(target) = inner.strip_prefix("cd ") {
                self.expand(simple(target).next()?, depth)?
            } else if inner.starts_with("dirname") && own(inner) {
                (folder(), true)
            } else {
                return None;
            };
            return Some((value, rooted, behind));
        }
        let (name, behind) = match text.strip_prefix('{') {
            Some(inner) => {
                let end = closing(inner, '{', '}')?;
                (inner.get(..end)?, inner.get(end + 1..)?)
            }
            None => {
                let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
                text.split_at(end)
            }
        };
        let (name, default) = match name.split_once([':', '-']) {
            Some((name, default)) => (name, Some(default.trim_start_matches(['-', '=']))),
            None => (name, None),
        };
        // `OUT="${OUT:-certs}"` means its default: nobody else sets it.
        let itself = |value: &str| default.is_some() && unquoted(value).starts_with(&format!("${{{name}"));
        let set = self.variables.iter().find(|(n, v)| n == name && !itself(v)).map(|(_, v)| v.as_str());
        let (value, rooted) = self.expand(set.or(default.filter(|d| !d.starts_with('?')))?, depth)?;
        Some((value, rooted, behind))
    }
}

fn unquoted(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '"' | '\'')).collect()
}

/// The byte at which a bracket that was opened before `text` closes.
fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
    }
    None
}

/// The simple commands of a line: parts between `&&`, `||`, `;` and `|`, brackets kept whole.
fn simple(line: &str) -> impl Iterator<Item = &str> {
    parts(line, |c| matches!(c, '&' | '|' | ';'))
}

/// The words of a command, brackets and quotes kept whole.
fn split(command: &str) -> impl Iterator<Item = &str> {
    parts(command, char::is_whitespace)
}

fn parts(text: &str, ends: impl Fn(char) -> bool) -> impl Iterator<Item = &str> {
    let mut found = Vec::new();
    let (mut from, mut depth, mut quote) = (0, 0_i32, None);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '{' => depth += 1,
            ')' | '}' => depth -= 1,
            '"' | '\'' if depth == 0 && quote.is_none() => quote = Some(c),
            _ if quote == Some(c) && depth == 0 => quote = None,
            _ if ends(c) && depth <= 0 && quote.is_none() => {
                found.push(&text[from..at]);
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    found.push(&text[from..]);
    found.into_iter().map(str::trim).filter(|p| !p.is_empty())
}

/// The number of a positional parameter: `$2`, `${2}`.
pub(super) fn argument(word: &str) -> Option<usize> {
    word.strip_prefix('$')?.trim_matches(['{', '}']).parse().ok().filter(|n| *n > 0)
}

/// What a script's calls hand over as the `n`th argument to the function around a line.
pub(super) fn handed_over(source: &Source, line: u32, n: usize) -> Vec<String> {
    let above = source.text.lines().take(usize::try_from(line).unwrap_or(usize::MAX));
    let name = above.filter_map(|l| {
        let head = l.strip_suffix('{').unwrap_or(l).split('{').next()?.trim();
        let name = head.strip_suffix("()").or_else(|| head.strip_prefix("function "))?.trim();
        let name = name.strip_prefix("function ").unwrap_or(name);
        (!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'))
            .then_some(name)
    });
    let Some(name) = name.last() else { return Vec::new() };
    let of_call = |command: String| {
        let mut words = command.split_whitespace();
        (words.next() == Some(name)).then_some(())?;
        words.nth(n - 1).map(|w| w.trim_matches(['"', '\'']).to_owned())
    };
    commands(source).into_iter().filter_map(|(_, command)| of_call(command)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(path: &str, text: &str) -> Vec<String> {
        let source = Source { path: path.into(), text: text.to_owned() };
        keys_left(&source, Path::new(".")).iter().map(|p| p.display().to_string()).collect()
    }

    #[test]
    fn a_key_lies_where_the_script_goes() {
        assert_eq!(
            left("certs/make.sh", "cd \"$(dirname \"$0\")\"\nopenssl genrsa -out ca.key 4096"),
            ["certs/ca.key"]
        );
        let at_root = "openssl req -x509 -new \\\n  -keyout broker/certs/ca.key -out broker/certs/ca.crt";
        assert_eq!(left("scripts/make.sh", at_root), ["broker/certs/ca.key"]);
        assert_eq!(left("certs/make.sh", "openssl genrsa -out ca.key 2048"), ["certs/ca.key"]);
    }

    #[test]
    fn variables_are_followed_to_a_folder() {
        let text = "DIR=\"$(cd \"$(dirname \"${BASH_SOURCE[0]}\")/..\" && pwd)\"\nOUT=\"${OUT:-$DIR/mqtt/certs}\"\n\
                    openssl genpkey -algorithm RSA -out \"$OUT/ca.key\"";
        assert_eq!(left("scripts/make.sh", text), ["mqtt/certs/ca.key"]);
        let text = "CERTS=\"./broker/certs\"\nopenssl genrsa -out \"${CERTS}/ca.key\" 2048";
        assert_eq!(left("tools/make.sh", text), ["broker/certs/ca.key"]);
        assert!(left("tools/make.sh", "openssl genrsa -out \"$1/ca.key\"").is_empty());
        assert_eq!(left("tools/make.sh", "cd /certs\nopenssl genrsa -out ca.key"), ["/certs/ca.key"]);
    }

    #[test]
    fn a_key_that_is_taken_away_is_not_left() {
        let text =
            "rm -f ca.key\nopenssl genrsa -out ca.key 2048\nopenssl genrsa -out server.key 2048\nrm ca.key";
        assert_eq!(left("certs/make.sh", text), ["certs/server.key"]);
        assert!(left("certs/make.sh", "openssl genrsa -out ca.key\nmv ca.key ~/safe/").is_empty());
        assert_eq!(left("certs/make.sh", "rm -f ca.key\nopenssl genrsa -out ca.key"), ["certs/ca.key"]);
    }
}
