//! One service of a compose project, read from its merged YAML.

mod mounts;
mod network;
mod ports;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::merge::as_map;
use super::words;
use super::yaml::{Node, Value};
use crate::place::{Located, Place, SpanBytes};

pub(super) use mounts::short_volume;
pub use mounts::{Mount, MountSource};
pub use network::{NetworkMode, NetworkName};
pub use ports::PublishedPort;

/// A service after merge and interpolation.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name; the line is the one it is first declared on.
    pub name: Located<String>,
    /// `image`.
    pub image: Option<Located<String>>,
    /// `build`.
    pub build: Option<Build>,
    /// `environment` over `env_file`, in order.
    pub environment: Vec<EnvVar>,
    /// The first of its `env_file`s that is not there: what it sets is unknown, also where an example of it is read.
    pub env_file_missing: Option<PathBuf>,
    /// Files, volumes, configs and secrets that appear in it.
    pub mounts: Vec<Mount>,
    /// `ports`.
    pub published: Vec<PublishedPort>,
    /// `command`, as words.
    pub command: Option<Located<Vec<String>>>,
    /// `entrypoint`, as words.
    pub entrypoint: Option<Located<Vec<String>>>,
    /// `healthcheck.test`, as words; a `CMD-SHELL` string is one word behind it.
    pub healthcheck: Option<Located<Vec<String>>>,
    /// `container_name`.
    pub container_name: Option<Located<String>>,
    /// `hostname`: what it calls itself; no other container can reach it by that alone.
    pub hostname: Option<Located<String>>,
    /// Its networks; `default` where none is named.
    pub networks: Vec<NetworkName>,
    /// `network_mode`.
    pub network_mode: NetworkMode,
    /// `links`: service and the name under which it is seen from here.
    pub links: Vec<(String, Located<String>)>,
    /// `extra_hosts`: name and address (or `host-gateway`).
    pub extra_hosts: Vec<(Located<String>, String)>,
    /// The numeric user of `user:`.
    pub user: Option<u32>,
    /// `working_dir`.
    pub working_dir: Option<String>,
    /// `profiles`.
    pub profiles: Vec<String>,
    /// The compose file that declares it.
    pub file: Arc<Path>,
}

impl Service {
    /// A service of which nothing but the name is known, on the host's own network.
    #[must_use]
    pub fn bare(name: Located<String>) -> Self {
        Self {
            file: name.place.file.clone(),
            name,
            image: None,
            build: None,
            environment: Vec::new(),
            env_file_missing: None,
            mounts: Vec::new(),
            published: Vec::new(),
            command: None,
            entrypoint: None,
            healthcheck: None,
            container_name: None,
            hostname: None,
            networks: Vec::new(),
            network_mode: NetworkMode::Host,
            links: Vec::new(),
            extra_hosts: Vec::new(),
            user: None,
            working_dir: None,
            profiles: Vec::new(),
        }
    }
}

/// One environment variable of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvVar {
    /// The key.
    pub key: String,
    /// The value; `None` where it is taken from the shell that starts Compose, or depends on a variable of it.
    pub value: Option<String>,
    /// Where it stands; the span is the value's.
    pub place: Place,
    /// Whether it came from an `env_file`.
    pub from_env_file: bool,
}

/// What a service's `env_file`s set.
#[derive(Debug, Clone, Default)]
pub(super) struct EnvFiles {
    pub(super) variables: Vec<EnvVar>,
    /// The first that is not there.
    pub(super) missing: Option<PathBuf>,
}

/// `build`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The context folder; `None` for a URL.
    pub context: Option<PathBuf>,
    /// The Dockerfile.
    pub dockerfile: Option<PathBuf>,
    /// `dockerfile_inline`.
    pub inline: Option<String>,
    /// `args` with values.
    pub args: Vec<(String, String)>,
    /// `target` stage.
    pub target: Option<String>,
    /// Where it is written.
    pub place: Place,
}

/// Configs and secrets of the whole project, by name.
pub(super) struct Shared<'a> {
    pub(super) configs: Option<&'a Node>,
    pub(super) secrets: Option<&'a Node>,
}

/// Adds variables in order; one that is there already gets the new value in its old place.
pub(crate) fn put_all(into: &mut Vec<EnvVar>, new: impl IntoIterator<Item = EnvVar>) {
    let mut at: HashMap<String, usize> = into.iter().enumerate().map(|(i, v)| (v.key.clone(), i)).collect();
    for var in new {
        match at.get(&var.key).and_then(|i| into.get_mut(*i)) {
            Some(old) => *old = var,
            None => {
                at.insert(var.key.clone(), into.len());
                into.push(var);
            }
        }
    }
}

/// Reads one service. `env_files` are the already read variables of its `env_file`s; `shell` knows the environment
/// that bare keys are taken from.
pub(super) fn read(
    name: Located<String>,
    node: &Node,
    env_files: EnvFiles,
    shell: &dyn Fn(&str) -> Option<String>,
    shared: &Shared<'_>,
) -> Service {
    let located = |key: &str| node.get(key).and_then(|n| Some(Located::new(n.text()?.to_owned(), n.place())));
    let mut environment = env_files.variables;
    if let Some(env) = node.get("environment") {
        let own = as_map(env.clone(), '=');
        put_all(&mut environment, own.entries().iter().map(|e| env_var(&e.key, &e.value, shell)));
    }
    let mut mounts: Vec<Mount> =
        node.get("volumes").map(Node::items).unwrap_or_default().iter().filter_map(mounts::volume).collect();
    for (key, shared, folder) in
        [("configs", shared.configs, "/"), ("secrets", shared.secrets, "/run/secrets/")]
    {
        for item in node.get(key).map(Node::items).unwrap_or_default() {
            mounts.extend(mounts::grant(item, shared, folder, shell));
        }
    }
    let tmpfs = node.get("tmpfs").into_iter().flat_map(|n| std::iter::once(n).chain(n.items()));
    mounts.extend(tmpfs.filter_map(|n| {
        let target = n.text()?.split(':').next()?.to_owned();
        Some(Mount { target, source: MountSource::Anonymous, read_only: false, place: n.place() })
    }));
    let command = |key: &str| node.get(key).and_then(command);
    Service {
        file: name.place.file.clone(),
        image: located("image"),
        build: node.get("build").and_then(build),
        environment,
        env_file_missing: env_files.missing,
        mounts,
        published: node
            .get("ports")
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .flat_map(ports::ports)
            .collect(),
        command: command("command"),
        entrypoint: command("entrypoint"),
        healthcheck: node.at(&["healthcheck", "test"]).and_then(healthcheck),
        container_name: located("container_name"),
        hostname: located("hostname"),
        networks: network::networks(node.get("networks")),
        network_mode: network::network_mode(node),
        links: node
            .get("links")
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .filter_map(network::link)
            .collect(),
        extra_hosts: network::extra_hosts(node.get("extra_hosts")),
        user: node.get("user").and_then(Node::text).and_then(|u| u.split(':').next()?.parse().ok()),
        working_dir: node.get("working_dir").and_then(Node::text).map(str::to_owned),
        profiles: node
            .get("profiles")
            .map(Node::items)
            .unwrap_or_default()
            .iter()
            .filter_map(|n| Some(n.text()?.to_owned()))
            .collect(),
        name,
    }
}

fn env_var(key: &str, node: &Node, shell: &dyn Fn(&str) -> Option<String>) -> EnvVar {
    let value = match node.scalar() {
        _ if node.is_null() => shell(key),
        Some(s) if s.unset => None,
        Some(s) if s.plain => Some(number_text(&s.text)),
        Some(s) => Some(s.text.clone()),
        None => None,
    };
    EnvVar { key: key.to_owned(), value, place: node.place(), from_env_file: false }
}

/// How Compose prints an unquoted scalar: booleans in small letters, everything else as it stands.
fn number_text(text: &str) -> String {
    match text {
        "True" | "TRUE" => "true".into(),
        "False" | "FALSE" => "false".into(),
        _ => text.to_owned(),
    }
}

fn command(node: &Node) -> Option<Located<Vec<String>>> {
    let list = match &node.value {
        Value::Seq(items) => {
            items.iter().map(|n| n.scalar().map_or(String::new(), |s| s.text.clone())).collect()
        }
        Value::Scalar(s) if !node.is_null() => words::split(&s.text),
        _ => return None,
    };
    let place = node
        .items()
        .first()
        .map_or_else(|| node.place(), |first| Place { span: SpanBytes::default(), ..first.place() });
    Some(Located::new(list, if node.scalar().is_some() { node.place() } else { place }))
}

fn healthcheck(node: &Node) -> Option<Located<Vec<String>>> {
    let list = match &node.value {
        Value::Seq(items) => items.iter().filter_map(|n| Some(n.text()?.to_owned())).collect(),
        Value::Scalar(s) if !node.is_null() => vec!["CMD-SHELL".to_owned(), s.text.clone()],
        _ => return None,
    };
    Some(Located::new(list, node.place()))
}

fn build(node: &Node) -> Option<Build> {
    let context_node = if node.scalar().is_some() { Some(node) } else { node.get("context") };
    let text = context_node.and_then(Node::text).unwrap_or(".");
    let remote = text.contains("://") || text.starts_with("git@");
    let anchor = context_node.unwrap_or(node);
    let context =
        (!remote).then(|| if text.starts_with('/') { PathBuf::from(text) } else { anchor.path(text) });
    let file = node.get("dockerfile").and_then(Node::text).unwrap_or("Dockerfile");
    let args = node.get("args").map(|a| as_map(a.clone(), '=')).map_or_else(Vec::new, |a| {
        a.entries().iter().filter_map(|e| Some((e.key.clone(), e.value.text()?.to_owned()))).collect()
    });
    Some(Build {
        dockerfile: context.as_ref().map(|c| crate::tree::normalize(&c.join(file))),
        context,
        inline: node.get("dockerfile_inline").and_then(Node::text).map(str::to_owned),
        args,
        target: node.get("target").and_then(Node::text).map(str::to_owned),
        place: anchor.place(),
    })
}
