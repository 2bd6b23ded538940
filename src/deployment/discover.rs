//! From a folder to a [`Deployment`].

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::clients::{self, Seen, Sighting};
use super::code::Library;
use super::container::Container;
use super::names::Network;
use super::{
    Broker, Client, Deployment, DiscoverError, Given, Service, Settings, brokers, dialect, join, merge,
    outside, programs, reach, redact, stack,
};
use crate::compose::{self, ComposeError, Project, find};
use crate::finding::NotDecided;
use crate::place::Place;
use crate::tree::{Tree, TreeError, normalize};

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
    let projects = read_projects(tree, dir, given, &mut out)?;
    let conf = given.conf.clone().or_else(|| out.settings.conf.clone());
    if projects.is_empty() {
        bare(tree, dir, given, conf.as_deref(), &mut out)?;
    }
    let mut in_services: HashSet<PathBuf> = HashSet::new();
    for project in &projects {
        one_project(tree, project, conf.as_deref(), &mut in_services, &mut out);
    }
    outside::across_files(&mut out);
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

/// Sets of compose files that are read together.
fn read_projects(
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
    let overlay = alone.services.iter().any(|s| s.image.is_none() && s.build.is_none());
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
    let near: Vec<PathBuf> =
        NEAR.iter().map(|n| normalize(&dir.join(n))).filter(|f| tree.exists(f)).filter(has).collect();
    out.extend(near);
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

/// Services, brokers and clients of one project.
fn one_project(
    tree: &dyn Tree,
    project: &Project,
    conf: Option<&Path>,
    in_services: &mut HashSet<PathBuf>,
    out: &mut Deployment,
) {
    let containers: Vec<Container<'_>> = project.services.iter().map(|s| Container::new(tree, s)).collect();
    let mut found: Vec<Broker> = Vec::new();
    let mut broker_services: HashSet<&str> = HashSet::new();
    for container in &containers {
        let name = &container.service.name;
        if brokers::is_mosquitto(container) {
            let again = out.brokers.iter().any(|b| b.service.as_ref() == Some(name));
            broker_services.insert(&name.value);
            let mut notes = Vec::new();
            let named = conf.filter(|_| found.is_empty());
            found.push(brokers::of_service(tree, container, named, &mut notes));
            if !again {
                out.not_decided.extend(notes);
            }
        } else if let Some(kind) = foreign_broker(container) {
            let because =
                format!("it runs {kind}, not Mosquitto; its configuration and clients are not judged");
            out.notes.push(NotDecided { what: format!("service {}", name.value), because });
        }
    }
    let services: Vec<&compose::Service> = project.services.iter().collect();
    let network = Network::new(&services, &mut found);
    let library = Library::new(tree);
    let mut clients: Vec<Client> = Vec::new();
    let is_broker = |c: &Container<'_>| broker_services.contains(c.service.name.value.as_str());
    let mut runs: Vec<reach::Run> = Vec::new();
    for container in &containers {
        if is_broker(container) || runs_nothing(container) {
            runs.push(reach::Run::nothing());
            continue;
        }
        let files = library.files(&container.code_roots(tree));
        in_services.extend(files.iter().map(|f| f.path.clone()));
        runs.push(reach::narrow(container, files));
    }
    let entries: Vec<reach::Run> = runs.iter().map(reach::Run::entries_only).collect();
    for (index, (container, mut run)) in containers.iter().zip(runs).enumerate() {
        run.without_others(&entries, index);
        let files = run.files;
        let is_broker = is_broker(container);
        let environment = container.environment();
        let dialect = dialect::read(&files, &environment);
        let seen = Seen {
            tree,
            container,
            network: &network,
            env: &environment,
            files: &files,
            dialect: &dialect,
            is_broker,
        };
        let mut sightings: Vec<Sighting> = clients::read(&seen);
        let name = &container.service.name;
        if let Some(broker) = found.iter().find(|b| b.service.as_ref() == Some(name)) {
            clients::bridge::read(broker, &mut sightings);
        }
        if sightings.is_empty() {
            continue;
        }
        let told = stack::tell(container, &files, &dialect);
        let join = join::Join {
            tree,
            container,
            network: &network,
            brokers: &found,
            told: &told,
            settings: &out.settings,
            passes_on: told.0.is_empty() && files.iter().any(|f| f.language.has_libraries()),
        };
        clients.extend(sightings.into_iter().filter_map(|s| join.client(s)));
    }
    let moved: Vec<usize> = found.into_iter().map(|broker| merge::broker(&mut out.brokers, broker)).collect();
    for mut client in clients {
        client.broker = client.broker.and_then(|b| moved.get(b).copied());
        if !out.clients.iter().any(|c| merge::same_client(c, &client)) {
            out.clients.push(client);
        }
    }
    for service in &project.services {
        if !out.services.iter().any(|s| s.name == service.name) {
            out.services.push(service_of(service));
        }
    }
}

/// Another MQTT broker than Mosquitto.
fn foreign_broker(container: &Container<'_>) -> Option<&'static str> {
    let image = super::container::image_name(container.image()?).to_ascii_lowercase();
    let last = image.rsplit('/').next().unwrap_or(&image);
    ["emqx", "vernemq", "hivemq", "rabbitmq", "nanomq", "activemq", "artemis", "rumqttd", "mochi"]
        .into_iter()
        .find(|k| last.contains(k) || image.starts_with(&format!("{k}/")))
}

fn service_of(s: &compose::Service) -> Service {
    Service {
        name: s.name.clone(),
        image: s.image.clone(),
        mounts: s.mounts.iter().map(redact::mount).collect(),
        environment: s.environment.iter().map(redact::variable).collect(),
        published: s.published.clone(),
        command: s.command.clone().map(|c| c.map(|w| redact::words(&w))),
        healthcheck: s.healthcheck.clone().map(|c| c.map(|w| redact::words(&w))),
        user: s.user,
        profiles: s.profiles.clone(),
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
    let candidates = [
        "mosquitto.conf",
        "config/mosquitto.conf",
        "mosquitto/mosquitto.conf",
        "mosquitto/config/mosquitto.conf",
        "etc/mosquitto/mosquitto.conf",
        "conf/mosquitto.conf",
    ];
    let mut found: Vec<PathBuf> = conf
        .map(Path::to_owned)
        .or_else(|| candidates.iter().map(|c| normalize(&dir.join(c))).find(|p| tree.read(p).is_ok()))
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

/// Whether a container's command runs none of its code: it prints a word, or waits.
fn runs_nothing(container: &Container<'_>) -> bool {
    let programs = brokers::programs(&container.argv());
    let idle = |p: &String| matches!(p.as_str(), "echo" | "exit" | "true" | ":" | "sh" | "bash" | "printf");
    !programs.is_empty() && programs.iter().all(idle) && programs.iter().any(|p| !p.ends_with("sh"))
}
