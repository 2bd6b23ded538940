//! One service of a compose project, read from its merged YAML.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::merge::{as_map, named};
use super::words;
use super::yaml::{Node, Value};
use crate::place::{Located, Place, SpanBytes};

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

/// A host path, a volume, a secret or a config that appears in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Where it appears in the container.
    pub target: String,
    /// What appears there.
    pub source: MountSource,
    /// Mounted read-only.
    pub read_only: bool,
    /// Where it is written.
    pub place: Place,
}

/// What a mount shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MountSource {
    /// A file or folder of the host, relative to the working folder as the user would write it.
    Host(PathBuf),
    /// A named volume: its content cannot be seen from here.
    Volume(String),
    /// A tmpfs or an anonymous volume.
    Anonymous,
    /// A `configs:` or `secrets:` entry with inline content, and where that content stands.
    Inline {
        /// The content after interpolation.
        content: String,
        /// The bytes of the block in the compose file.
        place: Place,
    },
}

/// A port of a container that is published on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedPort {
    /// The address on the host, if it is narrowed.
    pub host_ip: Option<IpAddr>,
    /// The port on the host; `None` where Docker chooses.
    pub host: Option<u16>,
    /// The port in the container.
    pub container: u16,
    /// Where it is written.
    pub place: Place,
}

/// A network that a service is on, and its names there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkName {
    /// The network's key.
    pub network: String,
    /// `aliases`.
    pub aliases: Vec<Located<String>>,
    /// `ipv4_address`, `ipv6_address`.
    pub addresses: Vec<Located<IpAddr>>,
}

/// `network_mode`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum NetworkMode {
    /// The project's networks.
    #[default]
    Networks,
    /// The host's own network: its localhost is the host's.
    Host,
    /// Another service's network: its localhost is that one's.
    Service(String),
    /// Anything else (`none`, `container:…`).
    Other(String),
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
        node.get("volumes").map(Node::items).unwrap_or_default().iter().filter_map(volume).collect();
    for (key, shared, folder) in
        [("configs", shared.configs, "/"), ("secrets", shared.secrets, "/run/secrets/")]
    {
        for item in node.get(key).map(Node::items).unwrap_or_default() {
            mounts.extend(grant(item, shared, folder, shell));
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
        published: node.get("ports").map(Node::items).unwrap_or_default().iter().flat_map(ports).collect(),
        command: command("command"),
        entrypoint: command("entrypoint"),
        healthcheck: node.at(&["healthcheck", "test"]).and_then(healthcheck),
        container_name: located("container_name"),
        hostname: located("hostname"),
        networks: networks(node.get("networks")),
        network_mode: network_mode(node),
        links: node.get("links").map(Node::items).unwrap_or_default().iter().filter_map(link).collect(),
        extra_hosts: extra_hosts(node.get("extra_hosts")),
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

/// The parts of a short volume: source, target, options.
pub(super) fn short_volume(text: &str) -> (Option<&str>, Option<&str>, &str) {
    // A drive letter (`C:\x:/y`) is no separator.
    let drive = text.len() > 2
        && text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && text.get(1..3).is_some_and(|t| t == ":\\" || t == ":/");
    let search = if drive { 2 } else { 0 };
    let Some(first) = text.get(search..).and_then(|t| t.find(':')).map(|i| i + search) else {
        return (None, Some(text), "");
    };
    let (source, rest) = (&text[..first], &text[first + 1..]);
    match rest.split_once(':') {
        Some((target, options)) => (Some(source), Some(target), options),
        None => (Some(source), Some(rest), ""),
    }
}

fn volume(node: &Node) -> Option<Mount> {
    if let Some(text) = node.text() {
        let (source, target, options) = short_volume(text);
        return Some(Mount {
            target: target?.to_owned(),
            source: source.map_or(MountSource::Anonymous, |s| host_or_volume(node, s)),
            read_only: options.split(',').any(|o| o == "ro"),
            place: node.place(),
        });
    }
    let target = node.get("target")?.text()?.to_owned();
    let source = node.get("source").or_else(|| node.get("src"));
    let kind = node.get("type").and_then(Node::text).unwrap_or("volume");
    let source = match (kind, source.and_then(|s| Some((s, s.text()?)))) {
        ("bind", Some((s, text))) => MountSource::Host(host_path(s, text)),
        ("volume", Some((_, text))) => MountSource::Volume(text.to_owned()),
        (_, Some((s, text))) => host_or_volume(s, text),
        _ => MountSource::Anonymous,
    };
    let place = node.get("source").or_else(|| node.get("target")).map_or_else(|| node.place(), Node::place);
    let read_only = node.get("read_only").and_then(Node::bool).unwrap_or(false);
    Some(Mount { target, source, read_only, place })
}

fn host_or_volume(node: &Node, source: &str) -> MountSource {
    if source.starts_with(['.', '/', '~']) || source.contains('\\') || source.get(1..2) == Some(":") {
        MountSource::Host(host_path(node, source))
    } else {
        MountSource::Volume(source.to_owned())
    }
}

fn host_path(node: &Node, text: &str) -> PathBuf {
    if text.starts_with('~') || text.starts_with('/') { PathBuf::from(text) } else { node.path(text) }
}

/// A config or secret that a service is granted: short form (a name) or long form.
fn grant(
    item: &Node,
    shared: Option<&Node>,
    folder: &str,
    shell: &dyn Fn(&str) -> Option<String>,
) -> Option<Mount> {
    let name = item.get("source").or(Some(item))?.text()?.to_owned();
    let target = match item.get("target").and_then(Node::text) {
        Some(t) if t.starts_with('/') => t.to_owned(),
        Some(t) => format!("{folder}{t}"),
        None => format!("{folder}{name}"),
    };
    let definition = shared.and_then(|s| s.get(&name));
    let source = match definition {
        Some(d) => match (d.get("file"), d.get("content"), d.get("environment")) {
            (Some(f), _, _) => MountSource::Host(host_path(f, f.text()?)),
            (_, Some(c), _) => {
                MountSource::Inline { content: c.text().unwrap_or("").to_owned(), place: c.place() }
            }
            (_, _, Some(e)) => match shell(e.text()?) {
                Some(content) => MountSource::Inline { content, place: e.place() },
                None => MountSource::Volume(name),
            },
            _ => MountSource::Volume(name),
        },
        None => MountSource::Volume(name),
    };
    Some(Mount { target, source, read_only: true, place: item.place() })
}

fn ports(node: &Node) -> Vec<PublishedPort> {
    let place = node.place();
    if let Some(text) = node.text() {
        return short_port(text, &place);
    }
    let number = |key: &str| node.get(key).and_then(Node::text).and_then(|t| t.parse::<u16>().ok());
    let Some(container) = number("target") else { return Vec::new() };
    let place = node.get("published").or_else(|| node.get("target")).map_or(place, Node::place);
    let host_ip = node.get("host_ip").and_then(Node::text).and_then(|t| t.parse().ok());
    match node.get("published").and_then(Node::text).and_then(|t| t.split_once('-')) {
        Some((from, _)) => vec![PublishedPort { host_ip, host: from.parse().ok(), container, place }],
        None => vec![PublishedPort { host_ip, host: number("published"), container, place }],
    }
}

fn short_port(text: &str, place: &Place) -> Vec<PublishedPort> {
    let (text, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    if protocol != "tcp" {
        return Vec::new();
    }
    let (rest, container) = match text.rfind(':') {
        Some(at) => (Some(&text[..at]), &text[at + 1..]),
        None => (None, text),
    };
    let (ip, host) = match rest {
        None => (None, None),
        Some(rest) => match rest.rfind(':').filter(|at| !rest[*at..].contains(']')) {
            Some(at) => (Some(rest[..at].trim_matches(['[', ']'])), Some(&rest[at + 1..])),
            None => (None, Some(rest)),
        },
    };
    let host_ip = ip.and_then(|t| t.parse().ok());
    let Some((from, to)) = range(container) else { return Vec::new() };
    let host = host.filter(|h| !h.is_empty()).and_then(range);
    (from..=to)
        .take(1000)
        .map(|container| PublishedPort {
            host_ip,
            host: host.and_then(|(first, last)| {
                let port = first.checked_add(container - from)?;
                (port <= last || first == last).then_some(port)
            }),
            container,
            place: place.clone(),
        })
        .collect()
}

fn range(text: &str) -> Option<(u16, u16)> {
    match text.split_once('-') {
        Some((a, b)) => Some((a.trim().parse().ok()?, b.trim().parse().ok()?)).filter(|(a, b)| a <= b),
        None => {
            let port = text.trim().parse().ok()?;
            Some((port, port))
        }
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

fn networks(node: Option<&Node>) -> Vec<NetworkName> {
    let Some(node) = node else {
        return vec![NetworkName { network: "default".into(), aliases: Vec::new(), addresses: Vec::new() }];
    };
    named(node.clone())
        .entries()
        .iter()
        .map(|e| NetworkName {
            network: e.key.clone(),
            aliases: e
                .value
                .get("aliases")
                .map(Node::items)
                .unwrap_or_default()
                .iter()
                .filter_map(|n| Some(Located::new(n.text()?.to_owned(), n.place())))
                .collect(),
            addresses: ["ipv4_address", "ipv6_address"]
                .iter()
                .filter_map(|k| {
                    let n = e.value.get(k)?;
                    Some(Located::new(n.text()?.parse().ok()?, n.place()))
                })
                .collect(),
        })
        .collect()
}

fn network_mode(node: &Node) -> NetworkMode {
    let mode = node.get("network_mode").or_else(|| node.get("net")).and_then(Node::text);
    match mode {
        None | Some("bridge" | "default" | "") => NetworkMode::Networks,
        Some("host") => NetworkMode::Host,
        Some(other) => match other.strip_prefix("service:") {
            Some(service) => NetworkMode::Service(service.to_owned()),
            None => NetworkMode::Other(other.to_owned()),
        },
    }
}

fn link(node: &Node) -> Option<(String, Located<String>)> {
    let text = node.text()?;
    let (service, alias) = text.split_once(':').unwrap_or((text, text));
    Some((service.to_owned(), Located::new(alias.to_owned(), node.place())))
}

fn extra_hosts(node: Option<&Node>) -> Vec<(Located<String>, String)> {
    let Some(node) = node else { return Vec::new() };
    let items = node.items().iter().filter_map(|n| {
        let text = n.text()?;
        let (name, address) = text.split_once('=').or_else(|| text.split_once(':'))?;
        Some((Located::new(name.to_owned(), n.place()), address.trim_matches(['[', ']']).to_owned()))
    });
    let entries = node.entries().iter().filter_map(|e| {
        let address = e.value.text().or_else(|| e.value.items().first()?.text())?;
        Some((Located::new(e.key.clone(), e.value.place()), address.to_owned()))
    });
    items.chain(entries).collect()
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
