//! A second reading of compose files: docker-compose 1.29 (Debian) and podman-compose (PyPI) print what they make of
//! a project, resolved; read again by us, it must be what we make of the project itself, field by field. What neither
//! can read is named with its reason. Beside the scenarios, projects by chance (`MQTTCERT_COMPOSE_SEED` gives others), and
//! `MQTTCERT_COMPOSE_PROJECTS` (folders, with colons between) adds real ones.

mod projects;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use mqttcert::compose::{MountSource, Options, Service, find, load};
use mqttcert::disk::DiskTree;
use mqttcert::tree::{OverlayTree, Tree};
use mqttcert_fixtures::Dice;

const SEED: u64 = 1124;
const BY_CHANCE: usize = 16;

/// Scenarios that a peer cannot read or reads otherwise, and why.
fn cannot(peer: &str, scenario: &str) -> Option<&'static str> {
    Some(match (peer, scenario) {
        ("docker-compose", "include-both-forms" | "include-loop") => "1.29 refuses include",
        (_, "include-loop" | "extends-loop") => "loops are refused, as they should be",
        ("docker-compose", "inline-config") => "1.29 refuses content",
        ("docker-compose", "interpolation") => "1.29 misreads nested defaults",
        (_, "reset-and-override") => "neither knows !override and !reset",
        (_, "env-files") => "a file is missing on purpose; 1.29 knows no long form",
        ("docker-compose", "anchors-and-merge") => "1.29 wants a version for x-",
        (_, "old-schema") => "the first schema: 1.29 converts it, podman-compose refuses it",
        ("podman-compose", "env-file-example" | "env-file-example-names") => {
            "podman-compose leaves env_file to podman, which wants the file"
        }
        ("podman-compose", "include-both-forms") => "podman-compose knows no project_directory",
        _ => return None,
    })
}

/// Fields that a peer does not print as it reads them, and why they are not compared.
fn leaves_out(peer: &str, field: &str) -> bool {
    match (peer, field) {
        // It makes one up where there is none.
        ("podman-compose", "container_name") => true,
        _ => false,
    }
}

/// A value that hangs on a variable which nothing sets: unknown for us; Compose puts nothing in its place.
const UNSET: &str = "<unset>";

/// What a service is, a line for each fact, by field.
type Facts = BTreeMap<&'static str, BTreeSet<String>>;

fn facts(peer: &str, service: &Service, dir: &Path) -> Facts {
    let mut facts = Facts::new();
    let mut say = |field: &'static str, what: String| {
        facts.entry(field).or_default().insert(what);
    };
    let path = |p: &Path| mqttcert::tree::normalize(&dir.join(p)).display().to_string();
    for (field, value) in [
        ("image", &service.image),
        ("container_name", &service.container_name),
        ("hostname", &service.hostname),
    ] {
        if let Some(value) = value {
            say(field, value.value.clone());
        }
    }
    // podman-compose leaves the files to podman.
    for var in service.environment.iter().filter(|v| !(peer == "podman-compose" && v.from_env_file)) {
        say("environment", format!("{}={}", var.key, var.value.as_deref().unwrap_or(UNSET)));
    }
    for mount in &service.mounts {
        let shown = match &mount.source {
            MountSource::Host(p) => path(p),
            MountSource::Volume(name) => format!("volume {name}"),
            MountSource::Anonymous => "anonymous".to_owned(),
            MountSource::Inline { content, .. } => format!("inline {content:?}"),
        };
        let target = mount.target.trim_end_matches('/');
        say("mounts", format!("{target} <- {shown}{}", if mount.read_only { " (ro)" } else { "" }));
    }
    for port in &service.published {
        say("ports", format!("{:?} {:?}:{}", port.host_ip, port.host, port.container));
    }
    for (field, words) in [
        ("command", &service.command),
        ("entrypoint", &service.entrypoint),
        ("healthcheck", &service.healthcheck),
    ] {
        if let Some(words) = words {
            say(field, format!("{:?}", words.value));
        }
    }
    for network in &service.networks {
        say("networks", network.network.clone());
        for alias in &network.aliases {
            say("aliases", format!("{} {}", network.network, alias.value));
        }
        for address in &network.addresses {
            say("addresses", format!("{} {}", network.network, address.value));
        }
    }
    say("network_mode", format!("{:?}", service.network_mode));
    for (to, alias) in &service.links {
        say("links", format!("{to} as {}", alias.value));
    }
    for (name, address) in &service.extra_hosts {
        say("extra_hosts", format!("{}={address}", name.value));
    }
    if let Some(user) = service.user {
        say("user", user.to_string());
    }
    if let Some(dir) = &service.working_dir {
        say("working_dir", dir.clone());
    }
    if let Some(build) = &service.build {
        say("build", format!("context {:?}", build.context.as_deref().map(path)));
        say("build", format!("dockerfile {:?}", build.dockerfile.as_deref().map(path)));
        say("build", format!("target {:?}", build.target));
        for (key, value) in &build.args {
            say("build", format!("{key}={value}"));
        }
    }
    facts
}

/// What the peer prints, read by us.
fn theirs(
    name: &str,
    peer: &Path,
    dir: &Path,
    profiles: &[String],
) -> Result<BTreeMap<String, Facts>, String> {
    let mut command = Command::new(peer);
    command.args(profiles.iter().flat_map(|p| ["--profile", p]));
    let out = command
        .arg("config")
        .current_dir(dir)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", "/tmp")
        .output()
        .unwrap();
    if !out.status.success() {
        return Err(String::from_utf8_lossy(&out.stderr).lines().last().unwrap_or("").to_owned());
    }
    let tree = DiskTree::new([dir]).unwrap();
    let printed = dir.join("what-the-peer-printed.yml");
    // What is printed is resolved: docker-compose escapes the `$` that are left, podman-compose does not.
    let mut text = String::from_utf8_lossy(&out.stdout).into_owned();
    if name == "podman-compose" {
        text = text.replace('$', "$$");
    }
    let tree = OverlayTree::new(&tree).with(&printed, text).with(dir.join(".env"), "");
    let options = Options { files: vec![printed], ..Options::default() };
    let project = load(&tree, &options).map_err(|e| e.to_string())?;
    Ok(project.services.iter().map(|s| (s.name.value.clone(), facts(name, s, dir))).collect())
}

fn peer(name: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    let extra = std::env::var_os("MQTTCERT_PEERS")
        .into_iter()
        .flat_map(|p| std::env::split_paths(&p).collect::<Vec<_>>());
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join(".make/venv-compose/bin");
    std::env::split_paths(&paths).chain(extra).chain([own]).map(|d| d.join(name)).find(|p| p.is_file())
}

/// Their reading with the variables unset that are unset for us.
fn without_unset(ours: &Facts, theirs: &Facts) -> Facts {
    let mut theirs = theirs.clone();
    let unset = ours.get("environment").into_iter().flatten().filter_map(|line| line.strip_suffix(UNSET));
    for key in unset {
        let variables = theirs.entry("environment").or_default();
        variables.retain(|line| !line.starts_with(key));
        variables.insert(format!("{key}{UNSET}"));
    }
    theirs
}

/// Where the readings of a project differ.
fn differences(name: &str, ours: &BTreeMap<String, Facts>, theirs: &BTreeMap<String, Facts>) -> Vec<String> {
    let mut out = Vec::new();
    for service in ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>() {
        let (Some(one), Some(other)) = (ours.get(service), theirs.get(service)) else {
            let by = if ours.contains_key(service) { "us" } else { "the peer" };
            out.push(format!("{service} is only read by {by}"));
            continue;
        };
        let (one, other) = (one, &without_unset(one, other));
        for field in one.keys().chain(other.keys()).collect::<BTreeSet<_>>() {
            if one.get(field) != other.get(field) && !leaves_out(name, field) {
                out.push(format!(
                    "{service} {field}:\n   ours   {:?}\n   theirs {:?}",
                    one.get(field),
                    other.get(field)
                ));
            }
        }
    }
    out
}

fn compare(name: &str) {
    let Some(path) = peer(name) else {
        crate::peers::skip(&format!("compose_peers::{name}"), "it is not installed");
        return;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("compose-fixtures/readers");
    let mut list: Vec<_> = std::fs::read_dir(&root).unwrap().map(|e| e.unwrap().path()).collect();
    list.sort();
    let seed = std::env::var("MQTTCERT_COMPOSE_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(SEED);
    let by_chance = tempfile::tempdir().unwrap();
    let mut dice = Dice(seed);
    for n in 0..BY_CHANCE {
        list.push(by_chance.path().join(format!("seed-{seed}-{n}")));
        projects::write(list.last().unwrap(), &mut dice);
    }
    let more = std::env::var_os("MQTTCERT_COMPOSE_PROJECTS");
    list.extend(more.iter().flat_map(std::env::split_paths));
    let (mut same, mut wrong) = (0, String::new());
    for dir in list {
        let scenario = dir.file_name().unwrap().to_string_lossy().into_owned();
        let disk = DiskTree::new([&dir]).unwrap();
        // The peers take no example for an absent .env.
        let mut tree = OverlayTree::new(&disk);
        if disk.meta(&dir.join(".env")).is_err() {
            tree = tree.with(dir.join(".env"), "");
        }
        let files = find::in_folder(&tree, &dir).default;
        if files.is_empty() {
            continue;
        }
        if let Some(why) = cannot(name, &scenario) {
            println!("{name} skips {scenario}: {why}");
            continue;
        }
        let options = Options { files: files.clone(), ..Options::default() };
        let Ok(project) = load(&tree, &options) else {
            println!("{scenario} is not read by us");
            continue;
        };
        let profiles = project.services.iter().flat_map(|s| s.profiles.clone()).collect::<BTreeSet<_>>();
        let ours = project.services.iter().map(|s| (s.name.value.clone(), facts(name, s, &dir))).collect();
        match theirs(name, &path, &dir, &profiles.into_iter().collect::<Vec<_>>()) {
            Err(why) => println!("{name} does not read {scenario}: {why}"),
            Ok(theirs) => match differences(name, &ours, &theirs) {
                none if none.is_empty() => same += 1,
                some => wrong += &format!("{scenario}:\n {}\n", some.join("\n ")),
            },
        }
    }
    println!("{name}: {same} projects read alike");
    assert!(wrong.is_empty(), "{wrong}");
    assert!(same >= 20, "only {same} projects were compared");
}

#[test]
fn docker_compose_reads_the_same_projects_alike() {
    compare("docker-compose");
}

#[test]
fn podman_compose_reads_the_same_projects_alike() {
    compare("podman-compose");
}
