//! A second reading of compose files: docker-compose 1.29 (Debian) and podman-compose (PyPI) print what they make of
//! a project, and we must make the same of it. What neither can read is named with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use mqttcert::compose::yaml::{self, Node, Value};
use mqttcert::compose::{MountSource, Options, find, load};
use mqttcert::disk::DiskTree;

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
        ("podman-compose", "made-at-start" | "built-in-stages") => "podman-compose leaves env_file to podman",
        ("podman-compose", "env-file-example" | "env-file-example-names") => {
            "podman-compose leaves env_file to podman, which wants the file"
        }
        ("podman-compose", "include-both-forms") => "podman-compose knows no project_directory",
        _ => return None,
    })
}

#[derive(Debug, PartialEq, Eq, Default)]
struct Reading {
    image: Option<String>,
    container_name: Option<String>,
    environment: BTreeMap<String, String>,
    binds: BTreeSet<(PathBuf, String)>,
}

/// What the peer prints.
fn theirs(peer: &Path, dir: &Path, docker: bool) -> Result<BTreeMap<String, Reading>, String> {
    let mut command = Command::new(peer);
    command.args(["--profile", "simulator", "--profile", "dev"]);
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
    let root = yaml::load(&out.stdout, Path::new("config"), dir).map_err(|e| e.to_string())?.remove(0);
    let mut read = BTreeMap::new();
    for service in root.get("services").map(Node::entries).unwrap_or_default() {
        let text = |k: &str| service.value.get(k).and_then(Node::text).map(str::to_owned);
        let mut reading = Reading {
            image: text("image"),
            container_name: text("container_name").filter(|_| docker),
            ..Default::default()
        };
        let env = service.value.get("environment");
        match env.map(|n| &n.value) {
            Some(Value::Map(entries)) => {
                for e in entries {
                    let text = e.value.scalar().map_or(String::new(), |s| s.text.clone());
                    let text = if e.value.is_null() { String::new() } else { text };
                    reading.environment.insert(e.key.clone(), text);
                }
            }
            Some(Value::Seq(items)) => {
                for i in items {
                    let text = i.text().unwrap_or("");
                    let (k, v) = text.split_once('=').unwrap_or((text, ""));
                    reading.environment.insert(k.to_owned(), v.to_owned());
                }
            }
            _ => {}
        }
        for v in service.value.get("volumes").map(Node::items).unwrap_or_default() {
            match v.text() {
                Some(t) => {
                    let mut parts = t.split(':');
                    let (source, target) = (parts.next().unwrap(), parts.next());
                    if let Some(target) = target.filter(|_| source.starts_with(['/', '.'])) {
                        reading.binds.insert((bind(dir, source), target.trim_end_matches('/').to_owned()));
                    }
                }
                None => {
                    let get = |k: &str| v.get(k).and_then(Node::text);
                    if let (Some("bind"), Some(s), Some(t)) = (get("type"), get("source"), get("target")) {
                        reading.binds.insert((bind(dir, s), t.trim_end_matches('/').to_owned()));
                    }
                }
            }
        }
        read.insert(service.key.clone(), reading);
    }
    Ok(read)
}

fn bind(dir: &Path, source: &str) -> PathBuf {
    mqttcert::tree::normalize(&dir.join(source))
}

/// What we make of it.
fn ours(dir: &Path, docker: bool) -> BTreeMap<String, Reading> {
    let tree = DiskTree::new([dir]).unwrap();
    let options = Options { files: find::in_folder(&tree, dir).default, ..Options::default() };
    let project = load(&tree, &options).unwrap();
    project
        .services
        .iter()
        .map(|s| {
            let binds = s.mounts.iter().filter_map(|m| match &m.source {
                MountSource::Host(p)
                    if !m.target.starts_with("/run/secrets") && !m.place.file.as_os_str().is_empty() =>
                {
                    Some((p.clone(), m.target.trim_end_matches('/').to_owned()))
                }
                _ => None,
            });
            let reading = Reading {
                image: s.image.as_ref().map(|i| i.value.clone()),
                container_name: s.container_name.as_ref().map(|c| c.value.clone()).filter(|_| docker),
                environment: s
                    .environment
                    .iter()
                    .map(|v| (v.key.clone(), v.value.clone().unwrap_or_default()))
                    .collect(),
                binds: binds.collect(),
            };
            (s.name.value.clone(), reading)
        })
        .collect()
}

fn peer(name: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    let extra = std::env::var_os("MQTTCERT_PEERS")
        .into_iter()
        .flat_map(|p| std::env::split_paths(&p).collect::<Vec<_>>());
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join(".make/venv-compose/bin");
    std::env::split_paths(&paths).chain(extra).chain([own]).map(|d| d.join(name)).find(|p| p.is_file())
}

fn compare(name: &str, docker: bool) {
    let Some(path) = peer(name) else {
        crate::peers::skip(&format!("compose_peers::{name}"), "it is not installed");
        return;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("compose-fixtures/readers");
    let mut same = 0;
    let mut wrong = String::new();
    let mut list: Vec<_> = std::fs::read_dir(&root).unwrap().map(|e| e.unwrap().path()).collect();
    list.sort();
    for dir in list {
        let scenario = dir.file_name().unwrap().to_string_lossy().into_owned();
        let tree = DiskTree::new([&dir]).unwrap();
        if find::in_folder(&tree, &dir).default.is_empty() {
            continue;
        }
        if let Some(why) = cannot(name, &scenario) {
            println!("{name} skips {scenario}: {why}");
            continue;
        }
        match theirs(&path, &dir, docker) {
            Err(why) => println!("{name} does not read {scenario}: {why}"),
            Ok(theirs) => {
                let ours = ours(&dir, docker);
                // `configs:` become mounts for us, and stay apart for them.
                let strip = |r: &BTreeMap<String, Reading>| -> Vec<String> {
                    r.iter()
                        .map(|(n, s)| format!("{n} {:?} {:?} {:?}", s.image, s.container_name, s.environment))
                        .collect()
                };
                let missing =
                    theirs.iter().any(|(n, s)| ours.get(n).is_none_or(|o| !s.binds.is_subset(&o.binds)));
                if strip(&ours) == strip(&theirs) && !missing {
                    same += 1;
                } else {
                    wrong += &format!("{scenario}:\n ours   {ours:#?}\n theirs {theirs:#?}\n");
                }
            }
        }
    }
    println!("{name}: {same} projects read alike");
    assert!(wrong.is_empty(), "{wrong}");
    assert!(same >= 20, "only {same} projects were compared");
}

#[test]
fn docker_compose_reads_the_same_projects_alike() {
    compare("docker-compose", true);
}

#[test]
fn podman_compose_reads_the_same_projects_alike() {
    compare("podman-compose", false);
}
