//! Which configuration a Mosquitto reads, and which files that configuration means.

use std::path::{Path, PathBuf};

use super::choice;
use super::container::{Container, image_name, on_host};
use super::{Broker, Given, Host, HostFile, Listener, Settings};
use crate::compose::{MountSource, words};
use crate::finding::NotDecided;
use crate::mosquitto::{self, MosquittoConf, Protocol};
use crate::place::{Located, Place};
use crate::tree::{OverlayTree, Tree};

/// The user `mosquitto` of the official image.
const IMAGE_UID: u32 = 1883;
const IMAGE_CONF: &str = "/mosquitto/config/mosquitto.conf";

/// The image's configuration for trying things out: `listener 1883`, `allow_anonymous true` (docker/2.0 of
/// Mosquitto's repository).
const IMAGE_OPEN_CONF: &str = "mosquitto-no-auth.conf";

fn is_official(container: &Container<'_>) -> bool {
    container.image().is_some_and(|i| image_name(i).ends_with("eclipse-mosquitto"))
}

/// What the image's own open configuration listens on.
fn open_listener(service: &crate::compose::Service) -> Listener {
    Listener {
        port: 1883,
        protocol: Protocol::Mqtt,
        tls: false,
        place: service.command.as_ref().map(|c| c.place.clone()),
        certfile: None,
        keyfile: None,
        cafile: None,
        crlfile: None,
        dhparamfile: None,
        password_file: None,
        acl_file: None,
        conf: None,
    }
}

/// The broker that a service runs.
pub(super) fn of_service(
    tree: &dyn Tree,
    container: &Container<'_>,
    named: Option<&Path>,
    not_decided: &mut Vec<NotDecided>,
) -> Broker {
    let service = container.service;
    let mut broker = Broker {
        service: Some(service.name.clone()),
        names: Vec::new(),
        conf: None,
        conf_unknown: None,
        listeners: Vec::new(),
        published: service.published.clone(),
        uid: match service.user.or(container.dockerfile.as_ref().and_then(|d| d.user)) {
            // Root drops to the user mosquitto before it reads a key.
            Some(0) | None => IMAGE_UID,
            Some(uid) => uid,
        },
    };
    let resolve = |p: &str| match container.locate(tree, p) {
        Host::At(p) => Some(p),
        _ => None,
    };
    let found = match named {
        Some(path) => Ok(read_conf(tree, container, path, &resolve)),
        None => conf_of(tree, container, &resolve),
    };
    match found {
        Ok(conf) => {
            broker.listeners = conf
                .listeners
                .iter()
                .enumerate()
                .map(|(i, l)| listener(i, l, &|p| container.locate(tree, p)))
                .collect();
            for file in broker.listeners.iter_mut().filter_map(|l| l.password_file.as_mut()) {
                if let Some(why) = filled_later(tree, container, file) {
                    file.host = Host::Unknown(why);
                }
            }
            broker.conf = Some(conf);
        }
        Err(why) => {
            if container.argv().iter().any(|w| w.contains(IMAGE_OPEN_CONF)) && is_official(container) {
                broker.listeners.push(open_listener(service));
            }
            let what = format!("mosquitto.conf of {}", service.name.value);
            not_decided.push(NotDecided { what, because: why.clone() });
            broker.conf_unknown = Some(why);
        }
    }
    broker
}

/// Why a password file in which nobody stands yet says nothing of who can log in: the container fills it as it starts.
fn filled_later(tree: &dyn Tree, container: &Container<'_>, file: &HostFile) -> Option<String> {
    let bytes = tree.read(file.path()?).ok()?;
    if mosquitto::passwd::PasswordFile::parse(&bytes).users().next().is_some() {
        return None;
    }
    container.written_at_start(tree, &file.named.value)
}

/// The release that the image is pinned to.
fn version_of(container: &Container<'_>) -> mosquitto::Version {
    mosquitto::Version::to_read_as(container.image())
}

/// A configuration as the release reads it that runs: of several which the image's tag may mean, one that starts.
fn read_conf(
    tree: &dyn Tree,
    container: &Container<'_>,
    path: &Path,
    resolve: &dyn Fn(&str) -> Option<PathBuf>,
) -> MosquittoConf {
    let conf = mosquitto::read_as(tree, path, resolve, version_of(container));
    if conf.refusals.is_empty() {
        return conf;
    }
    let possible = container.image().filter(|i| i.contains("mosquitto")).map(mosquitto::Version::of_image);
    let Some([_, _, ..]) = possible.as_deref() else { return conf };
    let starts = |v: &mosquitto::Version| {
        Some(mosquitto::read_as(tree, path, resolve, *v)).filter(|c| c.refusals.is_empty())
    };
    possible.iter().flatten().find_map(starts).unwrap_or(conf)
}

/// The live configuration, or why it cannot be seen.
fn conf_of(
    tree: &dyn Tree,
    container: &Container<'_>,
    resolve: &dyn Fn(&str) -> Option<PathBuf>,
) -> Result<MosquittoConf, String> {
    let argv: Vec<String> = container.argv().iter().flat_map(|a| words::split(a)).collect();
    let several = argv.iter().filter(|w| w.rsplit('/').next() == Some("mosquitto")).count() > 1;
    let argv = match choice::taken(&argv, &container.environment()) {
        Some(taken) => taken,
        None if several => return Err("its command chooses the configuration when it starts".into()),
        None => argv,
    };
    let flag = argv.iter().position(|w| w == "-c" || w == "--config-file");
    // `sh -c "…"` has a -c of its own.
    let flag = flag.filter(|i| *i == 0 || !argv.get(i - 1).is_some_and(|w| is_shell(w))).or_else(|| {
        let program = argv.iter().position(|w| w.rsplit('/').next() == Some("mosquitto"))?;
        argv.iter().skip(program).position(|w| w == "-c" || w == "--config-file").map(|i| i + program)
    });
    let named = flag.and_then(|i| argv.get(i + 1)).map(|p| p.trim_end_matches(';').to_owned());
    let path = named.clone().or_else(|| own_path(tree, container)).unwrap_or_else(|| IMAGE_CONF.to_owned());
    let inline = container.service.mounts.iter().find_map(|m| match &m.source {
        MountSource::Inline { place, .. } if m.target == path => Some(place.clone()),
        _ => None,
    });
    if let Some(place) = inline {
        return inline_conf(tree, &place, resolve);
    }
    match container.locate(tree, &path) {
        Host::At(p) => {
            let text = tree.read(&p).map_err(|e| e.to_string())?;
            let text = String::from_utf8_lossy(&text);
            if text
                .lines()
                .any(|l| !l.trim_start().starts_with('#') && (l.contains("${") || l.contains("{{")))
            {
                return Err(format!(
                    "{} is a template that is filled in when the container starts",
                    p.display()
                ));
            }
            Ok(read_conf(tree, container, &p, resolve))
        }
        Host::Missing(p) => Err(format!("{} is not there", p.display())),
        Host::Unknown(why) => Err(format!("{path}: {why}")),
        Host::Absent(_) if named.is_none() && is_official(container) => Ok(own_conf(tree, container)),
        Host::Absent(_) if named.is_none() => {
            Err("no configuration is mounted, so the image's own is live: it listens on localhost alone"
                .into())
        }
        Host::Absent(_) if path.ends_with(IMAGE_OPEN_CONF) && is_official(container) => {
            Err(format!("{path} is the image's own: it listens on 1883, without TLS and without logins"))
        }
        Host::Absent(why) => Err(why),
    }
}

/// The configuration of the official image itself, which holds comments only (docker/ of Mosquitto's repository):
/// since 2.0 it listens on the container's loopback alone, before that for everybody.
fn own_conf(tree: &dyn Tree, container: &Container<'_>) -> MosquittoConf {
    let service = container.service;
    let overlay = OverlayTree::new(tree).with(&*service.file, "");
    let mut conf = read_conf(&overlay, container, &service.file, &|_| None);
    let place = service.image.as_ref().map_or(&service.name.place, |i| &i.place);
    conf.place.clone_from(place);
    for listener in &mut conf.listeners {
        listener.place.clone_from(place);
    }
    conf
}

/// Where an image of another maker has its configuration: the one mount or copy of that name tells, else the one folder
/// that is mounted with such a file in it.
fn own_path(tree: &dyn Tree, container: &Container<'_>) -> Option<String> {
    if is_official(container) {
        return None;
    }
    let mounts = container.service.mounts.iter().map(|m| m.target.as_str());
    let copies = container.dockerfile.iter().flat_map(|d| &d.copies).map(|c| c.target.as_str());
    let mut targets: Vec<&str> =
        mounts.chain(copies).filter(|t| t.rsplit('/').next() == Some("mosquitto.conf")).collect();
    targets.dedup();
    if let [only] = targets.as_slice() {
        return Some((*only).to_owned());
    }
    let inside = |m: &crate::compose::Mount| format!("{}/mosquitto.conf", m.target.trim_end_matches('/'));
    let found = |p: &String| matches!(container.locate(tree, p), Host::At(_));
    let mut held: Vec<String> = container.service.mounts.iter().map(inside).filter(found).collect();
    held.dedup();
    match held.as_slice() {
        [only] if targets.is_empty() => Some(only.clone()),
        _ => None,
    }
}

fn is_shell(word: &str) -> bool {
    matches!(word.rsplit('/').next(), Some("sh" | "bash" | "ash"))
}

/// A configuration inside a compose file: everything around it is blanked out, so that lines and bytes stay true.
fn inline_conf(
    tree: &dyn Tree,
    place: &Place,
    resolve: &dyn Fn(&str) -> Option<PathBuf>,
) -> Result<MosquittoConf, String> {
    let mut text = tree.read(&place.file).map_err(|e| e.to_string())?;
    let span = place.span;
    let mut fresh = true;
    let mut comment = false;
    for (at, byte) in text.iter_mut().enumerate() {
        if matches!(*byte, b'\n' | b'\r') {
            (fresh, comment) = (true, false);
            continue;
        }
        if fresh && *byte != b' ' {
            (fresh, comment) = (false, *byte == b'#');
        }
        if at < span.start || at >= span.end || comment || (at == span.start && matches!(*byte, b'|' | b'>'))
        {
            *byte = b' ';
        }
    }
    let first = text.get(span.start..span.end).and_then(|t| t.iter().position(|b| *b == b'\n'));
    if let Some(end) = first {
        // The line of the `|` itself holds no directive.
        text.iter_mut().skip(span.start).take(end).for_each(|b| *b = b' ');
    }
    let overlay = OverlayTree::new(tree).with(&*place.file, text);
    Ok(mosquitto::read(&overlay, &place.file, resolve))
}

fn listener(index: usize, conf: &mosquitto::ListenerConf, locate: &dyn Fn(&str) -> Host) -> Listener {
    let file = |named: &Option<Located<String>>| {
        named.as_ref().map(|n| HostFile { named: n.clone(), host: locate(&n.value) })
    };
    Listener {
        port: conf.port,
        protocol: conf.protocol,
        tls: conf.is_tls(),
        place: Some(conf.place.clone()),
        certfile: file(&conf.certfile),
        keyfile: file(&conf.keyfile),
        cafile: file(&conf.cafile),
        crlfile: file(&conf.crlfile),
        dhparamfile: file(&conf.dhparamfile),
        password_file: file(&conf.password_file),
        acl_file: file(&conf.acl_file),
        conf: Some(index),
    }
}

/// A broker of a bare mosquitto.conf, without any compose file.
pub(super) fn of_conf(tree: &dyn Tree, dir: &Path, conf_file: &Path) -> Broker {
    let locate = |named: &str| by_layout(tree, dir, conf_file, named);
    let resolve = |p: &str| match locate(p) {
        Host::At(p) => Some(p),
        _ => None,
    };
    let conf = mosquitto::read(tree, conf_file, &resolve);
    Broker {
        service: None,
        names: Vec::new(),
        listeners: conf.listeners.iter().enumerate().map(|(i, l)| listener(i, l, &locate)).collect(),
        conf: Some(conf),
        conf_unknown: None,
        published: Vec::new(),
        uid: IMAGE_UID,
    }
}

/// Without mounts, a file is looked for where it is named, then by ever shorter ends of its path beside the
/// configuration and below the folder.
pub(super) fn by_layout(tree: &dyn Tree, dir: &Path, conf_file: &Path, named: &str) -> Host {
    let whole = Path::new(named);
    if tree.exists(whole) {
        return Host::At(whole.to_owned());
    }
    let parts: Vec<_> = whole.components().filter(|c| matches!(c, std::path::Component::Normal(_))).collect();
    let beside = conf_file.parent().unwrap_or(Path::new(""));
    let up = beside.parent().unwrap_or(Path::new(""));
    for from in 0..parts.len() {
        let end: PathBuf = parts.iter().skip(from).collect();
        for folder in [beside, up, dir] {
            if let Host::At(p) = on_host(tree, &crate::tree::normalize(&folder.join(&end))) {
                return Host::At(p);
            }
        }
    }
    Host::Unknown("it is not beside the configuration, and no compose file says where it is".into())
}

/// The broker that flags alone describe: one listener with port 0.
pub(super) fn of_flags(tree: &dyn Tree) -> Broker {
    let _ = tree;
    Broker {
        service: None,
        names: Vec::new(),
        conf: None,
        conf_unknown: Some("no mosquitto.conf was found or named".into()),
        listeners: vec![Listener {
            port: 0,
            protocol: Protocol::Mqtt,
            tls: true,
            place: None,
            certfile: None,
            keyfile: None,
            cafile: None,
            crlfile: None,
            dhparamfile: None,
            password_file: None,
            acl_file: None,
            conf: None,
        }],
        published: Vec::new(),
        uid: IMAGE_UID,
    }
}

/// Puts the files that flags or `mqttcert.toml` name in the place of those that were found.
pub(super) fn apply_named(tree: &dyn Tree, broker: &mut Broker, given: &Given, settings: &Settings) {
    let file = |flag: &Option<PathBuf>, setting: &Option<PathBuf>| {
        let path = flag.as_ref().or(setting.as_ref())?;
        let named = Located::new(path.to_string_lossy().into_owned(), Place::file(path));
        Some(HostFile { named, host: on_host(tree, path) })
    };
    let cert = file(&given.cert, &settings.cert);
    let key = file(&given.key, &settings.key);
    if broker.listeners.is_empty() && cert.is_some() {
        broker.listeners = of_flags(tree).listeners;
    }
    for listener in broker.listeners.iter_mut().filter(|l| l.tls) {
        if cert.is_some() {
            listener.certfile.clone_from(&cert);
            if listener.conf.is_none() || key.is_some() {
                listener.keyfile.clone_from(&key);
            }
        }
    }
}
