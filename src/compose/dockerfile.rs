//! Dockerfiles, as far as they say what is in an image: base, ENV, ARG, COPY, WORKDIR, USER, CMD, ENTRYPOINT of the
//! stage that is built.

use std::path::Path;
use std::sync::Arc;

use super::interpolate::interpolate;
use super::words;
use crate::place::{Located, Place};

/// What a Dockerfile puts into its last (or named) stage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dockerfile {
    /// The image at the bottom of the stage, through `FROM stage`.
    pub base: Option<Located<String>>,
    /// `ENV`, in order.
    pub env: Vec<(String, Located<String>)>,
    /// `COPY` and `ADD` from the build context.
    pub copies: Vec<Copy>,
    /// Whether it takes something from an earlier stage.
    pub from_stage: bool,
    /// What it takes from earlier stages, by the paths there.
    pub taken: Vec<String>,
    /// What other stages take from earlier ones: of a file that builds several programs, the others'.
    pub taken_by_others: Vec<String>,
    /// `WORKDIR` at the end.
    pub workdir: String,
    /// The numeric `USER` at the end.
    pub user: Option<u32>,
    /// `CMD`.
    pub cmd: Option<Located<Vec<String>>>,
    /// `ENTRYPOINT`.
    pub entrypoint: Option<Located<Vec<String>>>,
    /// `RUN` lines, for packages that they install.
    pub runs: Vec<Located<String>>,
    /// The `RUN` lines of every stage, those that only build among them, with their `ARG`s and `ENV`s filled in.
    pub builds: Vec<String>,
    /// What every stage copies from the build context, the stages that only build among them: where the code comes
    /// from.
    pub sources: Vec<String>,
}

/// One source of a COPY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// The path in the build context.
    pub source: String,
    /// The absolute path in the image.
    pub target: String,
    /// Whether the target is a folder that the source goes into.
    pub into: bool,
    /// Where it stands.
    pub place: Place,
}

/// Reads a Dockerfile; `args` are those of `build.args`.
#[must_use]
pub fn parse(text: &str, file: &Path, args: &[(String, String)], target: Option<&str>) -> Dockerfile {
    let file: Arc<Path> = Arc::from(file);
    let mut stages: Vec<(String, Dockerfile)> = Vec::new();
    let mut global: Vec<(String, String)> = Vec::new();
    let mut builds: Vec<String> = Vec::new();
    let mut vars: Vec<(String, String)> = Vec::new();
    // Docker takes a byte order mark away before it reads.
    for (line, text) in logical_lines(text.trim_start_matches('\u{feff}')) {
        let place = Place { file: file.clone(), line, span: Default::default() };
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
        let rest = rest.trim();
        let lookup = |vars: &[(String, String)], n: &str| {
            vars.iter().rev().find(|(k, _)| k == n).map(|(_, v)| v.clone())
        };
        let fill = |vars: &[(String, String)], t: &str| {
            interpolate(t, &|n| lookup(vars, n)).map_or_else(|_| t.to_owned(), |i| i.text)
        };
        match word.to_ascii_uppercase().as_str() {
            "ARG" => {
                for pair in words::split(rest) {
                    let (name, default) =
                        pair.split_once('=').map_or((pair.as_str(), None), |(n, d)| (n, Some(d)));
                    let given = args.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone());
                    let value =
                        given.or_else(|| default.map(|d| fill(&vars, d))).or_else(|| lookup(&global, name));
                    let list = if stages.is_empty() { &mut global } else { &mut vars };
                    if let Some(value) = value {
                        list.push((name.to_owned(), value));
                    }
                }
            }
            "FROM" => {
                let parts: Vec<&str> = rest.split_whitespace().filter(|w| !w.starts_with("--")).collect();
                let Some(image) = parts.first() else { continue };
                let image = fill(&global, image);
                let name = match parts.get(1) {
                    Some(a) if a.eq_ignore_ascii_case("as") => parts.get(2).copied().unwrap_or("").to_owned(),
                    _ => String::new(),
                };
                vars = Vec::new();
                let parent =
                    stages.iter().rev().find(|(n, _)| !n.is_empty() && n.eq_ignore_ascii_case(&image));
                let stage = match parent {
                    Some((_, parent)) => parent.clone(),
                    None => Dockerfile {
                        base: Some(Located::new(image, place)),
                        workdir: "/".into(),
                        ..Default::default()
                    },
                };
                vars.extend(stage.env.iter().map(|(k, v)| (k.clone(), v.value.clone())));
                stages.push((name, stage));
            }
            keyword => {
                let Some((_, stage)) = stages.last_mut() else { continue };
                match keyword {
                    "ENV" => {
                        for (key, value) in env_pairs(rest) {
                            let value = fill(&vars, &value);
                            vars.push((key.clone(), value.clone()));
                            stage.env.retain(|(k, _)| *k != key);
                            stage.env.push((key, Located::new(value, place.clone())));
                        }
                    }
                    "COPY" | "ADD" => copy(&fill(&vars, rest), &place, stage),
                    "WORKDIR" => stage.workdir = join(&stage.workdir, &fill(&vars, rest)),
                    "USER" => stage.user = rest.split(':').next().and_then(|u| u.parse().ok()),
                    "CMD" => stage.cmd = Some(Located::new(command(rest), place)),
                    "ENTRYPOINT" => stage.entrypoint = Some(Located::new(command(rest), place)),
                    "RUN" => {
                        builds.push(fill(&vars, rest));
                        stage.runs.push(Located::new(rest.to_owned(), place));
                    }
                    _ => {}
                }
            }
        }
    }
    let wanted = target.and_then(|t| stages.iter().position(|(n, _)| n.eq_ignore_ascii_case(t)));
    let index = wanted.unwrap_or(stages.len().saturating_sub(1));
    let mut sources: Vec<String> = Vec::new();
    for copy in stages.iter().flat_map(|(_, d)| &d.copies) {
        if !sources.contains(&copy.source) {
            sources.push(copy.source.clone());
        }
    }
    let others = stages.iter().enumerate().filter(|(i, _)| *i != index);
    let taken_by_others = others.flat_map(|(_, (_, d))| d.taken.clone()).collect();
    let built = stages.into_iter().nth(index).map(|(_, d)| d).unwrap_or_default();
    Dockerfile { sources, builds, taken_by_others, ..built }
}

/// Lines with their continuations joined, comments and parser directives left out.
fn logical_lines(text: &str) -> Vec<(u32, String)> {
    let mut out: Vec<(u32, String)> = Vec::new();
    let mut open: Option<(u32, String)> = None;
    for (number, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.starts_with('#') || (trimmed.is_empty() && open.is_none()) {
            continue;
        }
        let number = u32::try_from(number + 1).unwrap_or(u32::MAX);
        let (start, mut joined) = open.take().unwrap_or((number, String::new()));
        match trimmed.strip_suffix('\\').or_else(|| trimmed.strip_suffix('`')) {
            Some(head) => {
                joined.push_str(head);
                joined.push(' ');
                open = Some((start, joined));
            }
            None => {
                joined.push_str(trimmed);
                out.push((start, joined));
            }
        }
    }
    out.extend(open);
    out
}

fn env_pairs(rest: &str) -> Vec<(String, String)> {
    let first = rest.split_whitespace().next().unwrap_or("");
    if first.contains('=') {
        return words::split(rest)
            .iter()
            .filter_map(|w| w.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())))
            .collect();
    }
    rest.split_once(char::is_whitespace)
        .map(|(k, v)| (k.to_owned(), v.trim().to_owned()))
        .into_iter()
        .collect()
}

fn copy(rest: &str, place: &Place, stage: &mut Dockerfile) {
    let mut rest = rest.trim();
    while let Some(flag) = rest.strip_prefix("--") {
        if flag.starts_with("from=") {
            stage.from_stage = true;
            let words = words::split(flag.split_once(char::is_whitespace).map_or("", |(_, r)| r));
            let paths: Vec<&String> = words.iter().filter(|w| !w.starts_with("--")).collect();
            if let Some((_, sources)) = paths.split_last() {
                stage.taken.extend(sources.iter().map(|p| (*p).clone()));
            }
            return;
        }
        rest = flag.split_once(char::is_whitespace).map_or("", |(_, r)| r.trim_start());
    }
    let paths = match json_list(rest) {
        Some(list) => list,
        None => words::split(rest),
    };
    let Some((target, sources)) = paths.split_last() else { return };
    let into = target.ends_with('/') || sources.len() > 1 || matches!(target.as_str(), "." | "./");
    let target = join(&stage.workdir, target);
    for source in sources {
        if source.starts_with("<<") || source.contains("://") {
            continue;
        }
        stage.copies.push(Copy {
            source: in_context(source),
            target: target.clone(),
            into,
            place: place.clone(),
        });
    }
}

/// A source as the builder sees it: nothing lies above the build context, so `../../package.json` is the file beside
/// the Dockerfile (Dockerfile reference, COPY: "any leading ../" goes).
fn in_context(source: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in source.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    if parts.is_empty() { ".".into() } else { parts.join("/") }
}

fn command(rest: &str) -> Vec<String> {
    json_list(rest).unwrap_or_else(|| vec!["/bin/sh".into(), "-c".into(), rest.to_owned()])
}

fn json_list(text: &str) -> Option<Vec<String>> {
    if !text.starts_with('[') || text.len() > 100_000 {
        return None;
    }
    serde_json::from_str(text).ok()
}

/// An absolute container path: `path` seen from `dir`.
#[must_use]
pub fn join(dir: &str, path: &str) -> String {
    let joined = if path.starts_with('/') { Path::new(path).to_owned() } else { Path::new(dir).join(path) };
    crate::tree::normalize(&joined).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_stays_in_the_build_context() {
        for (written, meant) in
            [("../../package*.json", "package*.json"), ("/a/./b/", "a/b"), ("..", "."), ("a/../b", "b")]
        {
            assert_eq!(in_context(written), meant);
        }
    }

    #[test]
    fn follows_stages_args_env_and_copies() {
        let text = "ARG V=2.0\nFROM eclipse-mosquitto:${V} AS base\nENV A=1 \\\n  B=\"x y\"\nFROM golang AS b\nCOPY . /src\n\
                    FROM base\nARG CONF=m.conf\nWORKDIR /mosquitto\nENV C $A\nCOPY --chown=1883 $CONF config/mosquitto.conf\n\
                    COPY --from=b /x /y\nCOPY [\"a\", \"b\", \"certs/\"]\nUSER 1883:1883\nCMD [\"mosquitto\", \"-c\", \"/x\"]\n";
        let d = parse(text, Path::new("Dockerfile"), &[("CONF".into(), "n.conf".into())], None);
        assert_eq!(d.base.unwrap().value, "eclipse-mosquitto:2.0");
        let env: Vec<_> = d.env.iter().map(|(k, v)| (k.as_str(), v.value.as_str(), v.place.line)).collect();
        assert_eq!(env, [("A", "1", 3), ("B", "x y", 3), ("C", "1", 10)]);
        let copies: Vec<_> =
            d.copies.iter().map(|c| (c.source.as_str(), c.target.as_str(), c.into)).collect();
        assert_eq!(
            copies,
            [
                ("n.conf", "/mosquitto/config/mosquitto.conf", false),
                ("a", "/mosquitto/certs", true),
                ("b", "/mosquitto/certs", true)
            ]
        );
        assert_eq!((d.user, d.cmd.unwrap().value.len()), (Some(1883), 3));
    }
}
