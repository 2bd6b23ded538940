//! Private keys where they should not be: in containers, in git.

use std::path::{Path, PathBuf};

use super::context::Context;
use super::project::{Git, Source};
use super::shell::keys_left;
use super::{Outcome, Rule};
use crate::cert::Certificate;
use crate::cert::algorithm::PublicKey;
use crate::deployment::{Host, HostFile, Mount, MountSource, Service};
use crate::finding::{Finding, Fix, Severity};
use crate::place::Place;

pub(super) const CA_KEY_EXPOSED: Rule = Rule {
    id: "ca-key-exposed",
    severity: Severity::Error,
    what: "a container holds the CA's private key",
    why: "Whoever breaks into that container can sign a certificate for any name, and every client will believe it. \
          No broker and no client needs this key.",
    cure: "move ca.key out of the folder that is mounted or copied, or take the files that are needed one by one",
    source: "NIST SP 800-57 part 1 §5.3; measured on the seed's deployment",
    fix: Fix::None,
    check: ca_key_exposed,
};

pub(super) const KEY_COMMITTED: Rule = Rule {
    id: "key-committed",
    severity: Severity::Error,
    what: "a private key is in git, or nothing keeps it out",
    why: "Everybody who can read the repository, now or later, has the key; deleting the file leaves it in the history.",
    cure: "make new keys (`mqttcert reissue --new-key`; for a CA: a new CA), and put the file into .gitignore",
    source: "gitignore(5)",
    fix: Fix::None,
    check: key_committed,
};

fn ca_key_exposed(rule: &Rule, context: &Context<'_>) -> Outcome {
    let authorities = authorities(context);
    // A server that is its own CA needs its key: that key is the server's.
    let own: Vec<PathBuf> = context
        .heard
        .iter()
        .filter_map(|h| h.listener.keyfile.as_ref().and_then(HostFile::path))
        .map(crate::tree::normalize)
        .collect();
    let keys: Vec<&Path> = context
        .project
        .keys
        .iter()
        .filter(|k| !own.contains(&crate::tree::normalize(&k.path)))
        .filter(|k| is_ca_key(&k.path, k.spki.as_deref(), &authorities))
        .map(|k| k.path.as_path())
        .collect();
    let made = made_by_scripts(context);
    let mut found = Vec::new();
    let mut seen = false;
    let name_of = |key: &Path| key.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    for service in &context.deployment.services {
        let name = &service.name.value;
        let at = |place: &Place, severity: Severity, message: String| Finding {
            service: Some(name.clone()),
            severity,
            ..rule.finding(Some(place.clone()), message)
        };
        let mut mounted = false;
        for mount in &service.mounts {
            let source = match &mount.source {
                MountSource::Host(source) => Some(crate::tree::normalize(source)),
                MountSource::Volume(_) => None,
                _ => continue,
            };
            seen = true;
            let here = source.as_ref();
            let lies = here.and_then(|s| keys.iter().find(|k| crate::tree::normalize(k).starts_with(s)));
            if let (Some(key), Some(source)) = (lies, here) {
                mounted = true;
                let whole = if **key == *source { "is mounted" } else { "is mounted whole" };
                let message = format!(
                    "{} {whole}: the container of {name} holds {}, the CA's private key",
                    source.display(),
                    name_of(key)
                );
                found.push(at(&mount.place, rule.severity, message));
            } else if let Some(made) = made.iter().find(|m| m.is_shown(&mount.source, service)) {
                let message = format!(
                    "{} leaves {} there: the container of {name} then holds the CA's private key",
                    made.script.display(),
                    name_of(&made.key),
                );
                // Whether it was run here, and what became of the key, cannot be seen.
                found.push(at(&mount.place, Severity::Warning, message));
            }
        }
        let copied = service.copied.iter().filter(|_| !mounted).inspect(|_| seen = true).find_map(|copied| {
            let source = crate::tree::normalize(&copied.source);
            let inside = |k: &&&Path| {
                let key = crate::tree::normalize(k);
                key.starts_with(&source) && !context.project.is_left_out(&copied.context, &key)
            };
            Some((copied, source.clone(), keys.iter().find(inside)?))
        });
        if let Some((copied, source, key)) = copied {
            let message = format!(
                "{} is copied into the image of {name}, which so holds {}, the CA's private key",
                source.display(),
                name_of(key)
            );
            found.push(at(&copied.place, rule.severity, message));
        }
    }
    Outcome::of_seen(seen, found)
}

/// A CA key that a script of the project makes.
struct Made<'c> {
    key: PathBuf,
    /// The volume that it lies in, where a container makes it; then `key` is a path in that container.
    volume: Option<&'c str>,
    /// The service whose container makes it.
    maker: Option<&'c str>,
    script: &'c Path,
}

impl Made<'_> {
    /// Whether a mount shows it to another container than the one that made it.
    fn is_shown(&self, source: &MountSource, service: &Service) -> bool {
        if self.maker == Some(service.name.value.as_str()) {
            return false;
        }
        match (source, self.volume) {
            (MountSource::Host(folder), None) => self.key.starts_with(crate::tree::normalize(folder)),
            (MountSource::Volume(name), Some(volume)) => name == volume,
            _ => false,
        }
    }
}

/// The CA keys that the project's own scripts make, on this side or in a container that mounts them; not the one that a
/// listener serves.
fn made_by_scripts<'c>(context: &'c Context<'_>) -> Vec<Made<'c>> {
    let served: Vec<PathBuf> = context
        .heard
        .iter()
        .filter_map(|h| match &h.listener.keyfile.as_ref()?.host {
            Host::At(path) | Host::Missing(path) => Some(crate::tree::normalize(path)),
            _ => None,
        })
        .collect();
    let is_script = |s: &&Source| {
        s.text.contains("openssl") && s.path.extension().is_some_and(|e| e == "sh" || e == "bash")
    };
    let mut made = Vec::new();
    for source in context.project.sources.iter().filter(is_script) {
        let script = source.path.as_path();
        // A script is started in the project's folder, or in its own.
        let own = script.parent().filter(|f| *f != context.deployment.dir);
        // Its own folder is meant where the way from there leads to something: to a folder, or to a mount of its own.
        let mounts = || context.deployment.services.iter().flat_map(|s| &s.mounts);
        let aims = |key: &Path, m: &Mount| match &m.source {
            MountSource::Host(p) => {
                let folder = crate::tree::normalize(p);
                key.starts_with(&folder) && !crate::tree::normalize(script).starts_with(&folder)
            }
            _ => false,
        };
        let leads = |key: &PathBuf| {
            key.parent().is_some_and(|f| context.tree.exists(f)) || mounts().any(|m| aims(key, m))
        };
        let own = own.map(|folder| keys_left(source, folder)).unwrap_or_default().into_iter().filter(leads);
        for key in keys_left(source, &context.deployment.dir).into_iter().chain(own) {
            if !is_ca_key(&key, None, &[]) || served.contains(&key) {
                continue;
            }
            if key.is_absolute() && !context.is_in_project(&key) {
                made.extend(in_containers(context, script, &key));
            } else {
                made.push(Made { key, volume: None, maker: None, script });
            }
        }
    }
    made
}

/// Where a path that a script writes to leads from the containers that mount the script.
fn in_containers<'c>(context: &'c Context<'_>, script: &'c Path, key: &Path) -> Vec<Made<'c>> {
    let is_mounted = |m: &&Mount| matches!(&m.source, MountSource::Host(p) if crate::tree::normalize(script).starts_with(crate::tree::normalize(p)));
    let runs_it = |s: &&Service| s.mounts.iter().any(|m| is_mounted(&m));
    let mut made = Vec::new();
    for service in context.deployment.services.iter().filter(runs_it) {
        let mount = service.mounts.iter().filter_map(|m| Some((m, key.strip_prefix(&m.target).ok()?)));
        let Some((mount, rest)) = mount.max_by_key(|(m, _)| m.target.len()) else { continue };
        let (key, volume) = match &mount.source {
            MountSource::Host(folder) => (crate::tree::normalize(&folder.join(rest)), None),
            MountSource::Volume(name) => (key.to_owned(), Some(name.as_str())),
            _ => continue,
        };
        made.push(Made { key, volume, maker: Some(&service.name.value), script });
    }
    made
}

/// The CA certificates that are known: those of listeners, of clients, and beside the served certificates.
fn authorities(context: &Context<'_>) -> Vec<Certificate> {
    let mut files: Vec<PathBuf> = Vec::new();
    for heard in &context.heard {
        files.extend(heard.listener.cafile.as_ref().and_then(HostFile::path).map(Path::to_owned));
    }
    for served in &context.served {
        files.extend(served.ca.as_ref().map(|(path, _)| path.clone()));
    }
    for client in &context.deployment.clients {
        if let crate::deployment::Trust::File(file) = &client.trust {
            files.extend(file.path().map(Path::to_owned));
        }
    }
    files.sort();
    files.dedup();
    files.iter().flat_map(|f| context.certificates(f)).collect()
}

/// By its public key; where that cannot be read or no CA certificate is known, by its name.
fn is_ca_key(path: &Path, spki: Option<&[u8]>, authorities: &[Certificate]) -> bool {
    let is_named = path.file_stem().is_some_and(|s| {
        let stem = s.to_string_lossy().to_ascii_lowercase();
        stem == "ca"
            || stem.starts_with("ca-")
            || stem.starts_with("ca_")
            || stem.ends_with("-ca")
            || stem.ends_with("_ca")
            || stem == "rootca"
            || stem == "root-ca"
            || stem == "cakey"
            || stem == "root"
    });
    match spki {
        Some(spki) => {
            let key = PublicKey::from_spki(spki);
            authorities.iter().any(|c| c.spki_der() == spki || *c.public_key() == key) || is_named
        }
        None => is_named,
    }
}

/// Whether a key lies among tests, examples or somebody else's code: published on purpose, and used by no broker here.
fn is_an_example(path: &Path) -> bool {
    path.parent().into_iter().flat_map(Path::components).any(|c| {
        let name = c.as_os_str().to_string_lossy().to_ascii_lowercase();
        matches!(
            name.as_str(),
            "test"
                | "tests"
                | "testdata"
                | "test-data"
                | "fixtures"
                | "example"
                | "examples"
                | "samples"
                | "deps"
                | "third_party"
                | "third-party"
                | "thirdparty"
                | "external"
        )
    })
}

fn key_committed(rule: &Rule, context: &Context<'_>) -> Outcome {
    let project = &context.project;
    if project.keys.is_empty() || matches!(project.git, Git::Unknown) {
        return Outcome::NotApplicable;
    }
    let authorities = authorities(context);
    let served: Vec<PathBuf> = context
        .heard
        .iter()
        .filter_map(|h| h.listener.keyfile.as_ref().and_then(HostFile::path))
        .map(crate::tree::normalize)
        .collect();
    let mut found = Vec::new();
    for key in &project.keys {
        let path = crate::tree::normalize(&key.path);
        let kind = if key.encrypted { "an encrypted private key" } else { "a private key" };
        let ignored = project.is_ignored(&path);
        let (severity, message) = match &project.git {
            Git::Tracked(tracked) if tracked.contains(&path) => {
                let foreign = is_an_example(&key.path);
                let severity = if key.encrypted || foreign { Severity::Warning } else { Severity::Error };
                let consequence = if served.contains(&path) {
                    "anyone with the repository can forge this broker: rotate the key"
                } else if is_ca_key(&path, key.spki.as_deref(), &authorities) {
                    "anyone with the repository can forge this broker and every client that the CA may sign: rotate the CA"
                } else {
                    "anyone with the repository has it: rotate the key"
                };
                (severity, format!("{kind} is committed to git; {consequence}"))
            }
            Git::Unknown => continue,
            _ if ignored => continue,
            Git::Tracked(_) => {
                (Severity::Warning, format!("{kind} is not in git yet, but no .gitignore keeps it out"))
            }
            Git::Looks => (
                Severity::Warning,
                format!("{kind} lies in the project, and no .gitignore keeps it out of git"),
            ),
        };
        found.push(Finding { severity, ..rule.finding(Some(Place::file(&key.path)), message) });
    }
    Outcome::of(found)
}
