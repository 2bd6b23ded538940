//! What a client of a TLS listener needs: the CA file inside its container, the variable that names it, and its flag
//! as the verdict allows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Desk, TlsListeners};
use crate::compose::edit::{self, Change};
use crate::deployment::{
    Client, Deployment, Flag, FlagEffect, FlagLocation, Host, HostFile, Service, Transport, Trust,
};
use crate::place::Place;
use crate::tree::normalize;
use crate::verdict::{Decision, Verdict};

const CA_VARIABLE: &str = "MQTT_CA_CERT";

/// Plans the edits of the compose files and environment files.
pub(super) fn repair(desk: &mut Desk<'_>, deployment: &Deployment, verdict: &Verdict, tls: &TlsListeners) {
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
        if let (Decision::SwitchOff, Some(flag)) = (judged.decision, &judged.client.flag)
            && everybody_verifies(verdict, &judged.client, flag)
        {
            switch_off(desk, &judged.client, flag, &mut changes);
        }
    }
    for (file, changes) in changes {
        carry_out(desk, deployment, &file, &changes);
    }
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

/// Whether every client that reads this same flag verifies without it: one line may serve several.
fn everybody_verifies(verdict: &Verdict, client: &Client, flag: &Flag) -> bool {
    verdict
        .clients
        .iter()
        .filter(|o| {
            o.client.flag.as_ref().is_some_and(|f| {
                (f.place.is_some() && f.place == flag.place)
                    || (o.client.service == client.service && f.spelling == flag.spelling)
            })
        })
        .all(|o| matches!(o.decision, Decision::SwitchOff | Decision::Verified))
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
    if done {
        file.after = out;
        file.why.push(why);
    }
    done
}

/// Makes the changes in one compose file; what cannot be made there is told.
fn carry_out(desk: &mut Desk<'_>, deployment: &Deployment, path: &Path, changes: &[Change]) {
    let Some(file) = desk.text(path) else {
        for change in changes {
            desk.tell(
                Place::file(path),
                format!("{change}: the file cannot be read as text"),
                change.lines(),
            );
        }
        return;
    };
    let outcome = edit::apply(&file.after, changes);
    let made: Vec<&Change> = outcome.done.iter().collect();
    file.why.extend(made.iter().map(ToString::to_string));
    file.after = outcome.text;
    for refused in outcome.refused {
        let line = if refused.line > 0 {
            refused.line
        } else {
            let service = refused.change.service();
            deployment.services.iter().find(|s| s.name.value == service).map_or(0, |s| s.name.place.line)
        };
        desk.tell(
            Place::line(path, line),
            format!("{}: {}", refused.change, refused.reason),
            refused.change.lines(),
        );
    }
}
