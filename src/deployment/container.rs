//! A container as its service describes it: which file of this side stands at a path in it.

use std::path::{Path, PathBuf};

use super::{Copied, Host};
use crate::compose::dockerfile::{self, Dockerfile};
use crate::compose::{self, EnvVar, MountSource, words};
use crate::tree::{Kind, Tree, TreeError, normalize};

/// A service together with the Dockerfile it is built from.
pub(super) struct Container<'a> {
    pub(super) service: &'a compose::Service,
    pub(super) dockerfile: Option<Dockerfile>,
    /// The build context, where there is one on this side.
    pub(super) context: Option<PathBuf>,
    /// `build` is there, but its Dockerfile could not be read.
    pub(super) dockerfile_missing: bool,
}

impl<'a> Container<'a> {
    pub(super) fn new(tree: &dyn Tree, service: &'a compose::Service) -> Self {
        let mut out = Self { service, dockerfile: None, context: None, dockerfile_missing: false };
        let Some(build) = &service.build else { return out };
        out.context = build.context.clone().filter(|c| tree.exists(c));
        let file = build.dockerfile.clone().unwrap_or_default();
        let text = match &build.inline {
            Some(text) => Some(text.clone()),
            None => tree.read(&file).ok().map(|b| String::from_utf8_lossy(&b).into_owned()),
        };
        match text {
            Some(t) => {
                out.dockerfile = Some(dockerfile::parse(&t, &file, &build.args, build.target.as_deref()))
            }
            None => out.dockerfile_missing = true,
        }
        out
    }

    /// What its Dockerfile puts into the image from this side.
    pub(super) fn put_into_image(&self, tree: &dyn Tree) -> Vec<Copied> {
        let Some(context) = &self.context else { return Vec::new() };
        let copied = |(source, copy): (PathBuf, &dockerfile::Copy)| Copied {
            source,
            context: context.clone(),
            place: copy.place.clone(),
        };
        self.copies(tree).into_iter().map(copied).collect()
    }

    /// The files and folders that its Dockerfile copies from this side, globs filled in.
    fn copies(&self, tree: &dyn Tree) -> Vec<(PathBuf, &dockerfile::Copy)> {
        let (Some(dockerfile), Some(context)) = (&self.dockerfile, &self.context) else { return Vec::new() };
        let mut out = Vec::new();
        for copy in &dockerfile.copies {
            let source = normalize(&context.join(&copy.source));
            let sources = if copy.source.contains('*') { matching(tree, &source) } else { vec![source] };
            out.extend(sources.into_iter().map(|source| (source, copy)));
        }
        out
    }

    /// The image that runs, or the one it is built from.
    pub(super) fn image(&self) -> Option<&str> {
        let base = self.dockerfile.as_ref().and_then(|d| d.base.as_ref()).map(|b| b.value.as_str());
        base.or(self
            .service
            .image
            .as_ref()
            .filter(|_| self.service.build.is_none())
            .map(|i| i.value.as_str()))
    }

    /// The whole environment: that of the Dockerfile below that of Compose.
    pub(super) fn environment(&self) -> Vec<EnvVar> {
        let mut out: Vec<EnvVar> = self
            .dockerfile
            .iter()
            .flat_map(|d| &d.env)
            .map(|(key, value)| EnvVar {
                key: key.clone(),
                value: Some(value.value.clone()),
                place: value.place.clone(),
                from_env_file: false,
            })
            .collect();
        compose::put_all(&mut out, self.service.environment.iter().cloned());
        out
    }

    /// The words that start it: entrypoint, then command, Compose's over the Dockerfile's.
    pub(super) fn argv(&self) -> Vec<String> {
        let docker = self.dockerfile.as_ref();
        let entry = self.service.entrypoint.as_ref().or(docker.and_then(|d| d.entrypoint.as_ref()));
        // An entrypoint of Compose's own takes the image's CMD away.
        let from_image = docker.and_then(|d| d.cmd.as_ref()).filter(|_| self.service.entrypoint.is_none());
        let command = self.service.command.as_ref().or(from_image);
        entry.into_iter().chain(command).flat_map(|l| l.value.iter().cloned()).collect()
    }

    /// Its working folder.
    pub(super) fn workdir(&self) -> &str {
        self.service
            .working_dir
            .as_deref()
            .or(self.dockerfile.as_ref().map(|d| d.workdir.as_str()))
            .unwrap_or("/")
    }

    /// Where the container's `path` is on this side.
    pub(super) fn locate(&self, tree: &dyn Tree, path: &str) -> Host {
        let path = dockerfile::join(self.workdir(), path);
        let mount = self
            .service
            .mounts
            .iter()
            .filter(|m| below(&path, &m.target).is_some())
            .max_by_key(|m| m.target.trim_end_matches('/').len());
        if let Some(mount) = mount {
            let rest = below(&path, &mount.target).unwrap_or_default();
            return match &mount.source {
                MountSource::Host(p) => on_host(tree, &join(&self.here(tree, p), &rest)),
                // A fresh named volume is filled with what the image has there (Docker, volumes: "populate a volume
                // using a container").
                MountSource::Volume(v) => match self.copied(tree, &path) {
                    Some(host @ Host::At(_)) => host,
                    _ => Host::Unknown(format!("it is in the volume {v}")),
                },
                MountSource::Anonymous => Host::Unknown("it is in a volume without a name".into()),
                MountSource::Inline { .. } => {
                    Host::Unknown(format!("it is written inline in {}", mount.place))
                }
            };
        }
        let copied = self.copied(tree, &path);
        if let Some(host) = copied {
            return host;
        }
        let name = path.rsplit('/').next().unwrap_or(&path);
        if let Some(why) = self.made_at_start(tree, name) {
            return Host::Unknown(why);
        }
        if path.starts_with("/etc/ssl/") || path.starts_with("/usr/share/ca-certificates") {
            return Host::Unknown("it is the image's own".into());
        }
        match &self.dockerfile {
            Some(d) if d.runs.iter().any(|r| r.value.contains(name)) => {
                Host::Unknown("a RUN line of the Dockerfile may make it".into())
            }
            Some(_) => Host::Absent(format!("nothing mounts or copies a file to {path}")),
            None if self.dockerfile_missing => Host::Unknown("its Dockerfile cannot be read".into()),
            None if self.is_foreign_image() => Host::Unknown("it may be in the image".into()),
            None => Host::Absent(format!("nothing mounts a file at {path}")),
        }
    }

    /// Why a file may be there once the container has started: its command, or a script that this runs, names it.
    fn made_at_start(&self, tree: &dyn Tree, name: &str) -> Option<String> {
        let argv = self.argv();
        if argv.iter().any(|w| w.contains(char::is_whitespace) && w.contains(name)) {
            return Some("the command that starts the container may make it".into());
        }
        let scripts = argv.iter().flat_map(|w| words::split(w)).filter(|w| w.ends_with(".sh"));
        // The script itself is looked for in mounts and copies only.
        for script in scripts.filter(|s| s.rsplit('/').next() != Some(name)) {
            let text = match self.locate(tree, &script) {
                Host::At(path) => tree.read(&path).ok(),
                _ => None,
            };
            if text.is_none_or(|t| String::from_utf8_lossy(&t).contains(name)) {
                return Some(format!("{script}, which starts the container, may make it"));
            }
        }
        None
    }

    /// Why a file that is here holds something else once the container has started: its command, or a script that this
    /// runs, writes it.
    pub(super) fn written_at_start(&self, tree: &dyn Tree, path: &str) -> Option<String> {
        let argv = self.argv();
        if argv.iter().any(|w| writes(w, path)) {
            return Some("the command that starts the container writes it".into());
        }
        let scripts = argv.iter().flat_map(|w| words::split(w)).filter(|w| w.ends_with(".sh"));
        scripts.into_iter().find_map(|script| {
            let Host::At(file) = self.locate(tree, &script) else { return None };
            let text = tree.read(&file).ok()?;
            writes(&String::from_utf8_lossy(&text), path)
                .then(|| format!("{script}, which starts the container, writes it"))
        })
    }

    /// A host path as it is found here: an absolute one that is not below the project usually is where the project
    /// lives on its host, and its end is found beside the compose file.
    fn here(&self, tree: &dyn Tree, path: &Path) -> PathBuf {
        if !path.is_absolute() || tree.exists(path) {
            return path.to_owned();
        }
        let folder = self.service.file.parent().unwrap_or(Path::new(""));
        let parts: Vec<_> =
            path.components().filter(|c| matches!(c, std::path::Component::Normal(_))).collect();
        for from in 0..parts.len() {
            let end: PathBuf = parts.iter().skip(from).collect();
            let telling = parts.len() - from > 1 || end.to_string_lossy().contains("mosquitto");
            let here = normalize(&folder.join(&end));
            if telling && tree.exists(&here) {
                return here;
            }
        }
        path.to_owned()
    }

    /// Whether the image is somebody's own: one that may hold files of the project.
    fn is_foreign_image(&self) -> bool {
        let Some(image) = self.image() else { return true };
        let known = [
            "eclipse-mosquitto",
            "telegraf",
            "python",
            "node",
            "golang",
            "nodered/node-red",
            "koenkk/zigbee2mqtt",
            "alpine",
            "debian",
            "ubuntu",
            "busybox",
            "openjdk",
            "eclipse-temurin",
            "rust",
        ];
        let name = image_name(image);
        !known.iter().any(|k| name == *k || name.strip_prefix("library/") == Some(k))
    }

    /// What a `COPY` puts at a path. A source that is not here (certificates are often not committed) still says
    /// where the file would come from.
    fn copied(&self, tree: &dyn Tree, path: &str) -> Option<Host> {
        let (docker, context) = (self.dockerfile.as_ref()?, self.context.as_ref()?);
        let mut missing = None;
        for copy in docker.copies.iter().rev() {
            let Some(rest) = below(path, &copy.target) else { continue };
            let source = normalize(&context.join(&copy.source));
            let kind = tree.meta(&source).ok().map(|m| m.kind);
            let candidate = if copy.source.contains('*') {
                Some(rest.as_str())
                    .filter(|r| !r.is_empty() && !r.contains('/'))
                    .map(|r| source.with_file_name(r))
            } else if kind == Some(Kind::Folder) {
                Some(join(&source, &rest))
            } else {
                // Whether a target without a slash is a folder only the image knows; the file's own name tells.
                let name = source.file_name().map(|n| n.to_string_lossy().into_owned());
                let whole = (rest.is_empty() && !copy.into) || Some(&rest) == name.as_ref();
                let in_absent_folder = kind.is_none() && !rest.is_empty() && source.extension().is_none();
                if whole { Some(source) } else { in_absent_folder.then(|| join(&source, &rest)) }
            };
            match candidate.map(|c| on_host(tree, &c)) {
                Some(host @ Host::At(_)) => return Some(host),
                Some(host) => missing = missing.or(Some(host)),
                None => {}
            }
        }
        missing
    }

    /// The modules of the build context that become other programs: one Dockerfile builds several, and each last stage
    /// takes its own (`COPY --from=build /src/meter/target/meter.jar`).
    pub(super) fn modules_of_others(&self, tree: &dyn Tree) -> Vec<PathBuf> {
        let (Some(docker), Some(context)) = (&self.dockerfile, &self.context) else { return Vec::new() };
        let own: Vec<PathBuf> = docker.taken.iter().filter_map(|p| module(tree, context, p)).collect();
        if own.is_empty() {
            return Vec::new();
        }
        let others = docker.taken_by_others.iter().filter_map(|p| module(tree, context, p));
        others.filter(|m| !own.contains(m)).collect()
    }

    /// The files and folders of this side that hold its code, each with its path in the container.
    pub(super) fn code_roots(&self, tree: &dyn Tree) -> Vec<(PathBuf, String)> {
        let mut out = Vec::new();
        for mount in &self.service.mounts {
            if let MountSource::Host(p) = &mount.source
                && !mount.target.starts_with("/var/")
                && !mount.target.starts_with("/etc/localtime")
            {
                out.push((self.here(tree, p), mount.target.clone()));
            }
        }
        match (&self.dockerfile, &self.context) {
            (Some(d), Some(context)) => {
                out.extend(self.copies(tree).into_iter().map(|(source, c)| (source, c.target.clone())));
                // A multi-stage build copies its source in an earlier stage.
                let is_folder =
                    |source: &str| tree.meta(&context.join(source)).is_ok_and(|m| m.kind == Kind::Folder);
                // `COPY app/main.py .` takes that program and nothing beside it.
                let is_program = |source: &str| {
                    super::code::is_program(source) && tree.exists(&normalize(&context.join(source)))
                };
                let holds_none = !d.copies.iter().any(|c| is_folder(&c.source) || is_program(&c.source))
                    && d.copies.len() < 2;
                if holds_none || d.from_stage {
                    let earlier: Vec<&String> = d.sources.iter().filter(|s| is_folder(s)).collect();
                    for source in &earlier {
                        out.push((normalize(&context.join(source)), "/".into()));
                    }
                    // `COPY cmd/*.go ./` takes a folder's own files.
                    let globs: Vec<PathBuf> = d
                        .sources
                        .iter()
                        .filter(|s| s.contains('*'))
                        .filter_map(|s| Some(normalize(context.join(s).parent()?)))
                        .filter(|folder| folder != context && tree.exists(folder))
                        .collect();
                    let found = !earlier.is_empty() || !globs.is_empty();
                    out.extend(globs.into_iter().map(|folder| (folder, "/".into())));
                    if !found && holds_none {
                        out.push((context.clone(), "/".into()));
                    }
                }
            }
            (None, Some(context)) => out.push((context.clone(), "/".into())),
            _ => {}
        }
        out
    }
}

/// The folder of a context, with a build file of its own, that a path of a build stage goes through.
fn module(tree: &dyn Tree, context: &Path, path: &str) -> Option<PathBuf> {
    const BUILD_FILES: [&str; 6] =
        ["pom.xml", "build.gradle", "build.gradle.kts", "package.json", "Cargo.toml", "go.mod"];
    let folders = path.split('/').filter(|part| !part.is_empty() && !part.contains(['.', '$', '*']));
    folders
        .map(|part| normalize(&context.join(part)))
        .find(|folder| BUILD_FILES.iter().any(|name| tree.exists(&normalize(&folder.join(name)))))
}

/// Whether a shell's text writes a file: by `mosquitto_passwd`, or behind a `>`.
fn writes(shell: &str, path: &str) -> bool {
    let behind_arrow = |(at, _): (usize, &str)| {
        let before = shell.get(..at).unwrap_or("").trim_end().trim_end_matches(['"', '\'']);
        before.ends_with('>')
    };
    shell.contains(path)
        && (shell.contains("mosquitto_passwd") || shell.match_indices(path).any(behind_arrow))
}

/// What a glob in the last part of a path means here: `package*.json` takes no more than such files.
fn matching(tree: &dyn Tree, glob: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (glob.parent(), glob.file_name()) else { return Vec::new() };
    let name = name.to_string_lossy().into_owned();
    let parts: Vec<&str> = name.split('*').collect();
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return Vec::new() };
    let middle = parts.get(1..parts.len().saturating_sub(1)).unwrap_or_default();
    let fits = |n: &String| {
        let Some(rest) = n.strip_prefix(first).and_then(|r| r.strip_suffix(last)) else { return false };
        middle.iter().try_fold(rest, |r, part| r.split_once(part).map(|(_, after)| after)).is_some()
    };
    let names = tree.list(folder).unwrap_or_default();
    names.into_iter().filter(fits).map(|n| normalize(&folder.join(n))).collect()
}

/// The repository of an image, without registry, tag and digest.
pub(super) fn image_name(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    let image = match image.rfind(':') {
        Some(at) if !image[at..].contains('/') => &image[..at],
        _ => image,
    };
    match image.split_once('/') {
        Some((registry, rest)) if registry.contains(['.', ':']) => rest,
        _ => image,
    }
}

/// The rest of `path` below `folder`, empty if it is the folder itself.
pub(super) fn below(path: &str, folder: &str) -> Option<String> {
    let folder = folder.trim_end_matches('/');
    let rest = path.strip_prefix(folder)?;
    if rest.is_empty() || rest.starts_with('/') {
        Some(rest.trim_start_matches('/').to_owned())
    } else {
        None
    }
}

fn join(path: &Path, rest: &str) -> PathBuf {
    if rest.is_empty() { path.to_owned() } else { normalize(&path.join(rest)) }
}

/// What stands at a path of this side.
pub(super) fn on_host(tree: &dyn Tree, path: &Path) -> Host {
    match tree.meta(path) {
        Ok(_) => Host::At(path.to_owned()),
        Err(TreeError::Missing(_)) => Host::Missing(path.to_owned()),
        Err(e) => Host::Unknown(e.to_string()),
    }
}
