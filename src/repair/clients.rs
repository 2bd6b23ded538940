//! What a client of a TLS listener needs: the CA file inside its container, the variable that names it, and its flag
//! as the verdict allows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Desk, TlsListeners};
use crate::compose::edit::whole::{Beyond, EnvLine};
use crate::compose::edit::{self, Change};
use crate::deployment::{
    Client, Deployment, Flag, FlagEffect, FlagLocation, Host, HostFile, Service, Transport, Trust,
};
use crate::name::escape;
use crate::place::Place;
use crate::tree::normalize;
use crate::verdict::{Decision, Verdict};

const CA_VARIABLE: &str = "MQTT_CA_CERT";

/// Plans the edits of the compose files and environment files.
pub(super) fn repair(desk: &mut Desk<'_>, deployment: &Deployment, verdict: &Verdict, tls: &TlsListeners) {
    desk.whole.remember(desk.tree);
    let mut changes: BTreeMap<PathBuf, Vec<Change>> = BTreeMap::new();
    for client in &deployment.clients {
        let reaches_tls = match (client.broker, client.broker_port) {
            (Some(broker), Some(port)) => tls.contains(&(broker, port)),
            _ => false,
        };
        if reaches_tls {
            trust(desk, deployment, client, &mut changes);
        }
    }
    for judged in &verdict.clients {
        if let (Decision::SwitchOff, Some(flag)) = (judged.decision, &judged.client.flag) {
            let others = who_still_needs(verdict, &judged.client, flag);
            if others.is_empty() {
                switch_off(desk, &judged.client, flag, &mut changes);
            } else if flag.insecure_now && flag.effect != FlagEffect::Nothing {
                let service = judged.client.service.as_deref().map_or("it".to_owned(), escape);
                let place = flag.place.clone().or_else(|| judged.client.place.clone());
                desk.tell(
                    place.unwrap_or_else(|| Place::file(&deployment.dir)),
                    format!(
                        "{} can be switched off for {service}, but this line also serves {}: give {service} its own",
                        escape(&flag.spelling),
                        others.join(", ")
                    ),
                    vec!["environment:".into(), format!("  {}: \"{}\"", flag.spelling, flag.secure_value)],
                );
            }
        }
    }
    // Mounts first: a variable must not name a CA file that is not there.
    let is_mount = |c: &Change| matches!(c, Change::AddMount { .. });
    let mut absent = Vec::new();
    for (file, changes) in &changes {
        let mounts: Vec<Change> = changes.iter().filter(|c| is_mount(c)).cloned().collect();
        absent.extend(carry_out(desk, deployment, file, &mounts));
    }
    for (file, changes) in &changes {
        let (lost, wanted): (Vec<_>, Vec<_>) = changes
            .iter()
            .filter(|c| !is_mount(c))
            .cloned()
            .partition(|c| absent.iter().any(|mount| names(c, mount)));
        for change in lost {
            let why = format!("{change}: once the file is mounted there");
            desk.tell(place_of(deployment, file, &change, 0), why, change.lines());
        }
        carry_out(desk, deployment, file, &wanted);
    }
}

/// Whether a variable names the file that a mount would have brought.
fn names(variable: &Change, mount: &Change) -> bool {
    match (variable, mount) {
        (Change::SetVariable { service: a, value, .. }, Change::AddMount { service: b, target, .. }) => {
            a == b && value == target
        }
        _ => false,
    }
}

/// Where a person writes: the line given, else what the variable is set by now, else the service, in this file.
fn place_of(deployment: &Deployment, path: &Path, change: &Change, line: u32) -> Place {
    if line > 0 {
        return Place::line(path, line);
    }
    let service = deployment.services.iter().find(|s| s.name.value == change.service());
    let variable = service.and_then(|s| match change {
        Change::SetVariable { key, .. } => s.environment.iter().find(|v| v.key == *key).map(|v| &v.place),
        Change::AddMount { .. } => None,
    });
    let places = [variable, service.map(|s| &s.name.place)];
    let here = places.into_iter().flatten().find(|p| *p.file == *path);
    here.map_or_else(|| Place::file(path), |p| Place::line(path, p.line))
}

/// The CA file: where the client expects it, mounted there, and named by a variable where nothing else names it.
fn trust(
    desk: &mut Desk<'_>,
    deployment: &Deployment,
    client: &Client,
    changes: &mut BTreeMap<PathBuf, Vec<Change>>,
) {
    let Some(service) =
        client.service.as_ref().and_then(|s| deployment.services.iter().find(|d| d.name.value == *s))
    else {
        return;
    };
    let named = match &client.trust {
        Trust::File(HostFile { host: Host::At(_) | Host::Missing(_) | Host::Unknown(_), .. }) => return,
        Trust::File(file) => Some(file.named.value.clone()),
        Trust::System | Trust::Unknown if client.transport != Transport::Plain => return,
        _ => None,
    };
    let variable = service.environment.iter().find(|v| v.key == CA_VARIABLE).and_then(|v| v.value.clone());
    let Some(ca) = client
        .broker
        .and_then(|b| deployment.brokers.get(b))
        .and_then(|b| b.listeners.iter().find_map(|l| l.cafile.as_ref()))
    else {
        return;
    };
    let target = named.clone().or(variable.clone()).unwrap_or_else(|| ca.named.value.clone());
    if variable.is_none() && named.is_none() {
        let set = service.environment.iter().filter(|v| !v.from_env_file).map(|v| &v.place);
        push(
            changes.entry(last_word(deployment, service, set)).or_default(),
            Change::SetVariable {
                service: service.name.value.clone(),
                key: CA_VARIABLE.into(),
                value: target.clone(),
            },
        );
    }
    if covered(service, &target) {
        return;
    }
    let (Host::At(host) | Host::Missing(host)) = &ca.host else {
        desk.tell(
            service.name.place.clone(),
            format!(
                "{} needs the CA certificate at {target}, but where it is on this side cannot be seen",
                service.name.value
            ),
            vec!["volumes:".into(), format!("  - ./…/ca.crt:{target}:ro")],
        );
        return;
    };
    let file = last_word(deployment, service, service.mounts.iter().map(|m| &m.place));
    let source = from_folder(deployment, &file, host);
    push(
        changes.entry(file).or_default(),
        Change::AddMount { service: service.name.value.clone(), source, target },
    );
}

/// The compose file to write into: of those that say something of this kind about the service the last one, which
/// Compose lets win (`!override` throws the earlier ones away); else the one that declares it.
fn last_word<'p>(
    deployment: &Deployment,
    service: &Service,
    said: impl Iterator<Item = &'p Place>,
) -> PathBuf {
    let rank = |p: &&Place| deployment.compose_files.iter().position(|f| *f == *p.file);
    let declared = &service.name.place;
    let last = said.filter(|p| rank(p).is_some()).max_by_key(rank).filter(|p| rank(p) > rank(&declared));
    last.unwrap_or(declared).file.to_path_buf()
}

fn push(slot: &mut Vec<Change>, change: Change) {
    if !slot.contains(&change) {
        slot.push(change);
    }
}

/// Whether a mount of the service shows something at this path.
fn covered(service: &Service, target: &str) -> bool {
    service.mounts.iter().any(|m| Path::new(target).starts_with(&m.target))
}

/// A host path as a compose file writes it: from the project's folder, which is that of the first compose file.
fn from_folder(deployment: &Deployment, file: &Path, host: &Path) -> String {
    let first = deployment.compose_files.first().map_or(file, PathBuf::as_path);
    let folder = normalize(first.parent().unwrap_or(Path::new(".")));
    let host = normalize(host);
    if host.is_absolute() != folder.is_absolute() {
        return host.to_string_lossy().into_owned();
    }
    let (mut up, mut base) = (0, folder.as_path());
    loop {
        let here = base == Path::new(".") || base.as_os_str().is_empty();
        let rest =
            if here && !host.is_absolute() { Some(host.as_path()) } else { host.strip_prefix(base).ok() };
        if let Some(rest) = rest.filter(|r| !r.starts_with("..") || here) {
            let lead = if up == 0 { "./".to_owned() } else { "../".repeat(up) };
            return format!("{lead}{}", rest.to_string_lossy());
        }
        match base.parent() {
            Some(parent) => base = parent,
            None => return host.to_string_lossy().into_owned(),
        }
        up += 1;
    }
}

/// Who reads this same flag and does not verify without it: one line may serve several.
fn who_still_needs(verdict: &Verdict, client: &Client, flag: &Flag) -> Vec<String> {
    let same_flag = |f: &Flag, service: &Option<String>| {
        (f.place.is_some() && f.place == flag.place)
            || (*service == client.service && f.spelling == flag.spelling)
    };
    let mut who: Vec<String> = verdict
        .clients
        .iter()
        .filter(|o| o.client.flag.as_ref().is_some_and(|f| same_flag(f, &o.client.service)))
        .filter(|o| !matches!(o.decision, Decision::SwitchOff | Decision::Verified))
        .map(|o| escape(o.client.service.as_deref().unwrap_or("another client")))
        .collect();
    who.sort();
    who.dedup();
    who
}

/// The flag set to "verify" in the client's own spelling and polarity.
fn switch_off(
    desk: &mut Desk<'_>,
    client: &Client,
    flag: &Flag,
    changes: &mut BTreeMap<PathBuf, Vec<Change>>,
) {
    let service = client.service.clone().unwrap_or_default();
    let place = flag.place.clone().or_else(|| client.place.clone()).unwrap_or_else(|| Place::file("."));
    if !flag.insecure_now || flag.effect == FlagEffect::Nothing {
        return;
    }
    match flag.location {
        FlagLocation::Environment if !service.is_empty() => push(
            changes.entry(place.file.to_path_buf()).or_default(),
            Change::SetVariable { service, key: flag.spelling.clone(), value: flag.secure_value.clone() },
        ),
        FlagLocation::EnvFile if env_line(desk, flag, &place) => {}
        _ => desk.tell(
            place,
            format!("{} can be switched off: the client verifies without it", flag.spelling),
            vec![format!("{}={}", flag.spelling, flag.secure_value)],
        ),
    }
}

/// The line of an environment file, its value alone replaced. The place must still hold what the reader saw.
fn env_line(desk: &mut Desk<'_>, flag: &Flag, place: &Place) -> bool {
    let Some(file) = desk.text(&place.file) else { return false };
    let why = format!("{}={}", flag.spelling, flag.secure_value);
    let mut out = String::with_capacity(file.after.len());
    let mut done = false;
    for (number, line) in (1..).zip(file.after.split_inclusive('\n')) {
        let body = line.trim_end_matches(['\n', '\r']);
        let value = body.trim_start().trim_start_matches("export ").strip_prefix(&flag.spelling);
        let value = value.and_then(|v| v.trim_start().strip_prefix('='));
        match value {
            Some(v) if number == place.line && v.trim().trim_matches(['"', '\'']) == flag.value => {
                let at = body.len() - v.len();
                let quoted = v.replacen(&flag.value, &flag.secure_value, 1);
                out.push_str(&format!(
                    "{}{quoted}{}",
                    body.get(..at).unwrap_or_default(),
                    line.get(body.len()..).unwrap_or_default()
                ));
                done = true;
            }
            _ => out.push_str(line),
        }
    }
    if !done || out == file.after {
        return done;
    }
    let old = std::mem::replace(&mut file.after, out);
    let line = EnvLine {
        file: place.file.to_path_buf(),
        line: place.line,
        key: flag.spelling.clone(),
        value: flag.secure_value.clone(),
    };
    let tree = desk.edited();
    match desk.whole.take(&tree, &[], &[line]) {
        Ok(()) => desk.text(&place.file).into_iter().for_each(|f| f.why.push(why.clone())),
        Err(beyond) => {
            desk.text(&place.file).into_iter().for_each(|f| f.after.clone_from(&old));
            let why_not = format!("{why}: {}", told(&beyond));
            desk.tell(place.clone(), why_not, vec![why]);
        }
    }
    true
}

/// Makes the changes in one compose file; what cannot be made there is told, and handed back.
fn carry_out(desk: &mut Desk<'_>, deployment: &Deployment, path: &Path, changes: &[Change]) -> Vec<Change> {
    if changes.is_empty() {
        return Vec::new();
    }
    let Some(file) = desk.text(path) else {
        for change in changes {
            let why = format!("{change}: the file cannot be read as text");
            desk.tell(Place::file(path), why, change.lines());
        }
        return changes.to_vec();
    };
    let old = file.after.clone();
    let outcome = edit::apply(&old, changes);
    file.after = outcome.text;
    let tree = desk.edited();
    let taken = desk.whole.take(&tree, &outcome.done, &[]);
    if let Some(file) = desk.text(path) {
        match &taken {
            Ok(()) => file.why.extend(outcome.done.iter().map(ToString::to_string)),
            Err(_) => file.after = old,
        }
    }
    let mut left: Vec<Change> = Vec::new();
    for refused in outcome.refused {
        let place = place_of(deployment, path, &refused.change, refused.line);
        desk.tell(place, format!("{}: {}", refused.change, refused.reason), refused.lines);
        left.push(refused.change);
    }
    let Err(beyond) = taken else { return left };
    match outcome.done.as_slice() {
        [] => {}
        [change] => {
            let place = place_of(deployment, path, change, 0);
            desk.tell(place, format!("{change}: {}", told(&beyond)), change.lines());
            left.push(change.clone());
        }
        // One of them is to blame: the others need not wait for it.
        many => {
            let (first, second) = many.split_at(many.len() / 2);
            left.extend(carry_out(desk, deployment, path, first));
            left.extend(carry_out(desk, deployment, path, second));
        }
    }
    left
}

fn told(beyond: &Beyond) -> String {
    match beyond.place.line {
        0 => beyond.what.clone(),
        _ => format!("{} ({})", beyond.what, beyond.place),
    }
}
