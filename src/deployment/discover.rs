//! From a folder to a [`Deployment`].

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::{Deployment, DiscoverError, Given, Settings, brokers, outside, programs, projects, services};
use crate::compose::find;
use crate::finding::NotDecided;
use crate::place::Place;
use crate::tree::{Tree, TreeError, normalize};

/// Reads the project below `dir`: compose files, brokers, clients. With no compose file the flags alone make the
/// deployment; what cannot be followed goes to [`Deployment::not_decided`].
///
/// # Errors
/// [`DiscoverError`] where there is nothing to judge, or where a file that a flag names cannot be read.
pub fn discover(tree: &dyn Tree, dir: &Path, given: &Given) -> Result<Deployment, DiscoverError> {
    let settings = if given.isolated { Settings::default() } else { settings_of(tree, dir)? };
    for path in [&given.conf, &given.cert, &given.key, &given.ca, &given.ca_key].into_iter().flatten() {
        tree.meta(path).map_err(DiscoverError::Named)?;
    }
    let mut out = Deployment { dir: dir.to_owned(), settings, ..Deployment::default() };
    let projects = projects::read(tree, dir, given, &mut out)?;
    let conf = given.conf.clone().or_else(|| out.settings.conf.clone());
    if projects.is_empty() {
        bare(tree, dir, given, conf.as_deref(), &mut out)?;
    }
    let mut in_services: HashSet<PathBuf> = HashSet::new();
    for project in &projects {
        services::read(tree, project, conf.as_deref(), &mut in_services, &mut out);
    }
    outside::across_files(&mut out);
    if !out.brokers.is_empty() && !out.clients.iter().any(|c| !c.via.contains("healthcheck")) {
        for project in projects::beside(tree, dir, given, &mut out) {
            services::read(tree, &project, None, &mut in_services, &mut out);
        }
        outside::across_files(&mut out);
    }
    let runs_none = out.brokers.is_empty() && out.clients.is_empty();
    if runs_none && !projects.is_empty() && !projects.iter().any(|p| services::runs_another_broker(tree, p)) {
        installed(tree, dir, &mut out);
    }
    outside::by_certificate(tree, &mut out);
    programs::read(tree, dir, &in_services, &mut out);
    for broker in &mut out.brokers {
        brokers::apply_named(tree, broker, given, &out.settings);
    }
    let settings = out.settings.clone();
    if let Some(ca) = given.ca.as_ref().or(settings.ca.as_ref()) {
        outside::trust_everywhere(tree, ca, &mut out);
    }
    outside::named_clients(tree, given, &settings, &mut out);
    let mut seen = HashSet::new();
    out.not_decided.retain(|n| seen.insert(n.clone()));
    Ok(out)
}

fn settings_of(tree: &dyn Tree, dir: &Path) -> Result<Settings, DiscoverError> {
    let file = normalize(&dir.join("mqttcert.toml"));
    match tree.read(&file) {
        Ok(bytes) => match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(Settings::parse(&file, text)?),
            Err(_) => Err(DiscoverError::Settings(super::SettingsError {
                place: Place::file(file),
                reason: "is not UTF-8 text".into(),
            })),
        },
        Err(TreeError::Missing(_) | TreeError::Outside(_)) => Ok(Settings::default()),
        Err(e) => Err(DiscoverError::Named(e)),
    }
}

/// Where the mosquitto.conf of a project lies, seen from its folder.
const CONFS: [&str; 6] = [
    "mosquitto.conf",
    "config/mosquitto.conf",
    "mosquitto/mosquitto.conf",
    "mosquitto/config/mosquitto.conf",
    "etc/mosquitto/mosquitto.conf",
    "conf/mosquitto.conf",
];

/// The compose files run no broker of any kind: a mosquitto.conf beside them is that of one on the machine.
fn installed(tree: &dyn Tree, dir: &Path, out: &mut Deployment) {
    if let Some(conf) = CONFS.iter().map(|c| normalize(&dir.join(c))).find(|p| tree.read(p).is_ok()) {
        let because = "no service runs it: it is taken for that of a broker on the machine itself".to_owned();
        out.notes.push(NotDecided { what: conf.display().to_string(), because });
        out.brokers.push(brokers::of_conf(tree, dir, &conf));
    }
}

/// A folder without compose files: a bare mosquitto.conf, or what flags name.
fn bare(
    tree: &dyn Tree,
    dir: &Path,
    given: &Given,
    conf: Option<&Path>,
    out: &mut Deployment,
) -> Result<(), DiscoverError> {
    let mut found: Vec<PathBuf> = conf
        .map(Path::to_owned)
        .or_else(|| CONFS.iter().map(|c| normalize(&dir.join(c))).find(|p| tree.read(p).is_ok()))
        .into_iter()
        .collect();
    if found.is_empty() {
        found = find::confs_below(tree, dir);
    }
    let named = given.cert.is_some() || out.settings.cert.is_some();
    if !found.is_empty() {
        out.brokers.extend(found.iter().map(|conf| brokers::of_conf(tree, dir, conf)));
    } else if named {
        out.brokers.push(brokers::of_flags(tree));
    } else if out.not_decided.is_empty() {
        return Err(DiscoverError::Nothing { dir: dir.to_owned() });
    }
    Ok(())
}
