//! The files of a listener as its broker's process sees them, and what it would serve with them.

use std::path::Path;

use super::{Broker, Deployment, Host, HostFile, Listener, MountSource};
use crate::mosquitto::serving::{self, Cause, FileView, ListenerFiles, Serving, Start};
use crate::tree::{Meta, Tree, TreeError};

/// What the listener would serve; `None` where no configuration declares it.
#[must_use]
pub fn serving(
    deployment: &Deployment,
    broker: &Broker,
    listener: &Listener,
    tree: &dyn Tree,
) -> Option<Serving> {
    let whole = broker.conf.as_ref()?;
    let conf = whole.listeners.get(listener.conf?)?;
    let mut serving = serving::judge(conf, &files(deployment, broker, listener, tree));
    // Releases before 2.0 come with an OpenSSL that takes SHA-1.
    if !whole.version.at_least(2, 0, 0)
        && let Start::No(obstacles) = &mut serving.start
    {
        obstacles.retain(|o| o.cause != Cause::Weak);
        if obstacles.is_empty() {
            serving.start = Start::Yes;
        }
    }
    Some(serving)
}

/// The files of a listener as the broker's user sees them.
#[must_use]
pub fn files(
    deployment: &Deployment,
    broker: &Broker,
    listener: &Listener,
    tree: &dyn Tree,
) -> ListenerFiles {
    let view = |file: &Option<HostFile>| file.as_ref().map(|f| view(deployment, broker, f, tree));
    ListenerFiles {
        certfile: view(&listener.certfile),
        keyfile: view(&listener.keyfile),
        cafile: view(&listener.cafile),
        crlfile: view(&listener.crlfile),
        dhparamfile: view(&listener.dhparamfile),
        password_file: view(&listener.password_file),
        acl_file: view(&listener.acl_file),
    }
}

fn view(deployment: &Deployment, broker: &Broker, file: &HostFile, tree: &dyn Tree) -> FileView {
    let path = match &file.host {
        Host::At(path) => path,
        // Certificates are often not committed: that they are not here says nothing about the broker's machine.
        Host::Missing(path) => return FileView::Unknown(format!("{} is not there", path.display())),
        Host::Absent(_) => return FileView::Missing,
        Host::Unknown(why) => return FileView::Unknown(why.clone()),
    };
    if is_denied(deployment, broker, &file.named.value, path, tree) {
        return FileView::Denied;
    }
    match tree.read(path) {
        Ok(bytes) => FileView::Here(bytes),
        Err(TreeError::Missing(_)) => FileView::Missing,
        Err(error) => FileView::Unknown(error.to_string()),
    }
}

/// Whether the broker's user may certainly not read a file: it is root's and closed to others, and nothing changes
/// that before the broker starts. Files of other owners are a checkout on somebody's machine: nothing is known.
fn is_denied(deployment: &Deployment, broker: &Broker, named: &str, path: &Path, tree: &dyn Tree) -> bool {
    let Ok(meta) = tree.meta(path) else { return false };
    // mosquitto.conf(5): started as root it drops to `user`, and stays root where that is root.
    let stays_root =
        broker.conf.as_ref().and_then(|c| c.user.as_ref()).is_some_and(|user| user.value == "root");
    broker.uid != 0
        && !stays_root
        && meta.uid == 0
        && !opens_for(&meta, broker.uid)
        && !is_chowned(deployment, broker, named)
}

fn opens_for(meta: &Meta, uid: u32) -> bool {
    meta.mode & 0o004 != 0 || (meta.gid == uid && meta.mode & 0o040 != 0)
}

/// The official image's entry point runs `chown -R mosquitto /mosquitto` when it starts as root; on a read-only mount
/// that fails and changes nothing.
fn is_chowned(deployment: &Deployment, broker: &Broker, named: &str) -> bool {
    let Some(name) = &broker.service else { return false };
    let Some(service) = deployment.services.iter().find(|s| s.name.value == name.value) else { return false };
    let official = service.image.as_ref().is_some_and(|i| i.value.contains("eclipse-mosquitto"));
    let mount = service
        .mounts
        .iter()
        .filter(|m| Path::new(named).starts_with(&m.target) && matches!(m.source, MountSource::Host(_)))
        .max_by_key(|m| m.target.len());
    let writable = mount.is_none_or(|m| !m.read_only);
    official && service.user.is_none() && named.starts_with("/mosquitto/") && writable
}
