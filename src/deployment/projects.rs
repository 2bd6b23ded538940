//! Which compose files are read, and which of them together: those that are named, the folder's own, those near it.

use std::path::{Path, PathBuf};

use super::{Deployment, DiscoverError, Given, Settings};
use crate::compose::{self, ComposeError, Project, find};
use crate::finding::NotDecided;
use crate::tree::{Tree, normalize};

/// Folders below the user's that are looked into first.
const NEAR: [&str; 12] = [
    "compose",
    "docker",
    "deploy",
    "deployment",
    "infra",
    "docker-compose",
    "infrastructure",
    "mosquitto",
    "mqtt",
    "broker",
    "src",
    "server",
];

/// Sets of compose files that are read together.
pub(super) fn read(
    tree: &dyn Tree,
    dir: &Path,
    given: &Given,
    out: &mut Deployment,
) -> Result<Vec<Project>, DiscoverError> {
    let options = |files: Vec<PathBuf>| compose::Options {
        files,
        env_files: given.env_files.clone(),
        profiles: profiles(given),
        environment: given.environment.clone(),
    };
    let named = named_files(tree, dir, given, &out.settings);
    if !named.is_empty() {
        let project = compose::load(tree, &options(named)).map_err(named_error)?;
        take_files(&project, out);
        return Ok(vec![project]);
    }
    let mut projects = Vec::new();
    for folder in folders(tree, dir) {
        let mut found = find::in_folder(tree, &folder);
        // What an earlier project includes or extends is no project of its own.
        let known = |f: &PathBuf| projects.iter().any(|p: &Project| p.files.contains(f));
        found.default.retain(|f| !known(f));
        found.others.retain(|f| !known(f));
        let runs_mosquitto =
            |s: &compose::Service| s.image.as_ref().is_some_and(|i| i.value.contains("mosquitto"));
        if folder != normalize(dir)
            && projects
                .iter()
                .any(|p: &Project| p.dir == normalize(dir) && p.services.iter().any(runs_mosquitto))
        {
            break;
        }
        let mut base: Option<Project> = None;
        let first = if found.default.is_empty() { Vec::new() } else { vec![found.default.clone()] };
        for files in first {
            match compose::load(tree, &options(files)) {
                Ok(p) => base = Some(p),
                // A file of the user's own folder that is no YAML is the user's to mend.
                Err(e @ ComposeError::Syntax { .. })
                    if folder == normalize(dir) && found.others.is_empty() =>
                {
                    return Err(named_error(e));
                }
                Err(e) => {
                    out.not_decided.push(NotDecided { what: "compose file".into(), because: e.to_string() })
                }
            }
        }
        let mut more = Vec::new();
        for other in found.others {
            if base.as_ref().is_some_and(|b| b.files.contains(&other)) {
                continue;
            }
            match variant(tree, &options, base.as_ref(), &found.default, &other) {
                Ok(Some(p)) => more.push(p),
                Ok(None) => {}
                Err(e) => {
                    out.not_decided.push(NotDecided { what: "compose file".into(), because: e.to_string() })
                }
            }
        }
        if !more.is_empty() && base.is_some() {
            let names: Vec<String> =
                more.iter().filter_map(|p| Some(p.files.last()?.display().to_string())).collect();
            let because = format!(
                "{}: read as well, each with the default file where it adds to it; -f chooses",
                names.join(", ")
            );
            out.notes.push(NotDecided { what: "compose files".into(), because });
        }
        projects.extend(base);
        projects.extend(more);
    }
    for project in &projects {
        take_files(project, out);
    }
    Ok(projects)
}

/// The compose files of other folders that speak of MQTT: `mosquitto/` holds the broker alone, its clients have
/// folders of their own beside it. None where the files were named.
pub(super) fn beside(tree: &dyn Tree, dir: &Path, given: &Given, out: &mut Deployment) -> Vec<Project> {
    if !named_files(tree, dir, given, &out.settings).is_empty() {
        return Vec::new();
    }
    let speaks = |file: &PathBuf| {
        tree.read(file).is_ok_and(|t| String::from_utf8_lossy(&t).to_ascii_lowercase().contains("mqtt"))
    };
    let mut projects = Vec::new();
    for folder in find::folders_below(tree, &normalize(dir), 3, 3000) {
        let files = find::in_folder(tree, &folder).default;
        let fresh = !files.is_empty() && !files.iter().any(|f| out.compose_files.contains(f));
        if !fresh || !files.iter().any(speaks) || projects.len() > 40 {
            continue;
        }
        let options = compose::Options {
            files,
            env_files: given.env_files.clone(),
            profiles: profiles(given),
            environment: given.environment.clone(),
        };
        if let Ok(project) = compose::load(tree, &options) {
            take_files(&project, out);
            projects.push(project);
        }
    }
    projects
}

/// The compose projects of a deployment, read again: a tree may show edited files.
///
/// # Errors
/// As [`super::discover()`].
pub fn compose_projects(
    tree: &dyn Tree,
    deployment: &Deployment,
    given: &Given,
) -> Result<Vec<Project>, DiscoverError> {
    let mut again = Deployment { settings: deployment.settings.clone(), ..Deployment::default() };
    let mut all = read(tree, &deployment.dir, given, &mut again)?;
    all.extend(beside(tree, &deployment.dir, given, &mut again));
    Ok(all)
}

/// Another compose file of the folder: alone, or over the default one where it only adds to its services.
fn variant(
    tree: &dyn Tree,
    options: &dyn Fn(Vec<PathBuf>) -> compose::Options,
    base: Option<&Project>,
    default: &[PathBuf],
    other: &Path,
) -> Result<Option<Project>, ComposeError> {
    let alone = compose::load(tree, &options(vec![other.to_owned()]))?;
    let Some(base) = base else { return Ok(Some(alone)) };
    // `!reset` and `!override` mean nothing without a file below.
    let resets = tree.read(other).is_ok_and(|t| {
        let text = String::from_utf8_lossy(&t);
        text.contains(": !reset") || text.contains(": !override")
    });
    let overlay = resets || alone.services.iter().any(|s| s.image.is_none() && s.build.is_none());
    if !overlay {
        return Ok(Some(alone));
    }
    let first = default.first().or(base.files.first()).cloned();
    let mut files: Vec<PathBuf> = first.into_iter().collect();
    files.push(other.to_owned());
    let mut merged = compose::load(tree, &options(files))?;
    merged.files = vec![other.to_owned()];
    Ok(Some(merged))
}

fn take_files(project: &Project, out: &mut Deployment) {
    for file in &project.files {
        if !out.compose_files.contains(file) {
            out.compose_files.push(file.clone());
        }
    }
    for problem in &project.problems {
        let what = problem.place.to_string();
        let said = NotDecided { what, because: problem.what.clone() };
        if problem.unread {
            out.not_decided.push(said);
        } else if !out.notes.contains(&said) {
            out.notes.push(said);
        }
    }
    if project.all_profiles {
        let because = "no profile was chosen, so the services of every profile were read (--profile chooses)"
            .to_owned();
        let said = NotDecided { what: "profiles".into(), because };
        if !out.notes.contains(&said) {
            out.notes.push(said);
        }
    }
}

fn profiles(given: &Given) -> Vec<String> {
    if !given.profiles.is_empty() {
        return given.profiles.clone();
    }
    let list = given.environment.get("COMPOSE_PROFILES").map(String::as_str).unwrap_or("");
    list.split(',').map(str::trim).filter(|p| !p.is_empty()).map(str::to_owned).collect()
}

fn named_files(tree: &dyn Tree, dir: &Path, given: &Given, settings: &Settings) -> Vec<PathBuf> {
    if !given.compose_files.is_empty() {
        return given.compose_files.clone();
    }
    if !settings.compose.is_empty() {
        return settings.compose.clone();
    }
    let from_env = given.environment.get("COMPOSE_FILE").cloned().or_else(|| {
        let text = tree.read(&dir.join(".env")).ok()?;
        let text = String::from_utf8_lossy(&text).into_owned();
        compose::dotenv::parse(&text, Path::new(".env"), &|_| None)
            .into_iter()
            .find(|l| l.key == "COMPOSE_FILE")?
            .value
    });
    let Some(list) = from_env.filter(|l| !l.is_empty()) else { return Vec::new() };
    let separator = given.environment.get("COMPOSE_PATH_SEPARATOR").map_or(":", String::as_str);
    list.split(separator).filter(|f| !f.is_empty()).map(|f| normalize(&dir.join(f))).collect()
}

fn named_error(e: ComposeError) -> DiscoverError {
    match e {
        ComposeError::Read(e) => DiscoverError::Named(e),
        ComposeError::Syntax { file, line, reason } => DiscoverError::Compose { file, line, reason },
    }
}

/// The folders whose compose files are read: the user's own; without any there, those near it; then deeper ones.
/// Where none of these runs a broker, deeper ones are read as well.
fn folders(tree: &dyn Tree, dir: &Path) -> Vec<PathBuf> {
    let dir = normalize(dir);
    let has = |f: &PathBuf| !find::in_folder(tree, f).is_empty();
    let broker = |f: &PathBuf| {
        let found = find::in_folder(tree, f);
        let mut files = found.default.iter().chain(&found.others);
        files.any(|p| {
            tree.read(p).is_ok_and(|t| String::from_utf8_lossy(&t).to_ascii_lowercase().contains("mosquitto"))
        })
    };
    let mut out: Vec<PathBuf> = Some(dir.clone()).filter(has).into_iter().collect();
    if out.iter().any(&broker) {
        return out;
    }
    for folder in NEAR.iter().map(|n| normalize(&dir.join(n))).filter(|f| tree.exists(f)) {
        if has(&folder) {
            out.push(folder);
        } else {
            // `deploy/stack` is as near as `deploy` where that one holds nothing itself.
            let inside = find::folders_below(tree, &folder, 1, 200);
            out.extend(inside.into_iter().filter(|f| has(f) && broker(f)).take(40));
        }
    }
    if out.iter().any(&broker) {
        return out;
    }
    let deeper = find::folders_below(tree, &dir, 4, 3000);
    let with: Vec<PathBuf> = deeper.into_iter().filter(|f| has(f) && !out.contains(f)).collect();
    if out.is_empty() || with.iter().any(&broker) {
        out.extend(with.into_iter().filter(|f| broker(f)).take(40));
    }
    if out.is_empty() {
        let deeper = find::folders_below(tree, &dir, 3, 3000);
        out.extend(deeper.into_iter().filter(has).take(40));
    }
    out
}
