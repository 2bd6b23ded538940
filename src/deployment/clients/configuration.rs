//! Configuration files of any program, mounted or copied: what in them names a broker of the project, by a key such as
//! `host` below one that speaks of MQTT, or by a URL. A file that the program's own code names may also name the
//! machine that it runs on.

use std::path::Path;

use super::super::code::Language;
use super::super::{Flag, FlagEffect, FlagLocation, Transport, endpoint, stack};
use super::{Seen, Sighting, env, flag, sections};
use crate::compose::yaml;
use crate::place::{Located, Place};

/// Programs whose configuration has a reader of its own, which knows what is switched off in it.
const OWN_READERS: [&str; 8] =
    ["telegraf", "chirpstack", "node-red", "nodered", "zigbee2mqtt", "frigate", "home", "openhab"];

/// Parts of a path below which nothing is configured.
const ELSEWHERE: [&str; 5] = ["/test", "/docs/", "/example", "/node_modules/", "/fixtures/"];

/// One value of a file.
struct Leaf {
    /// The keys above it and its own, joined by dots.
    path: String,
    value: String,
    place: Place,
}

impl Leaf {
    fn parent(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(p, _)| p)
    }

    fn key(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or("")
    }
}

/// What the configuration files of a service dial.
pub(in crate::deployment) fn read(seen: &Seen<'_>, out: &mut Vec<Sighting>) {
    let image = seen.container.image().unwrap_or("").to_ascii_lowercase();
    if seen.is_broker || super::only_serves(&image) || OWN_READERS.iter().any(|p| image.contains(p)) {
        return;
    }
    // What its environment says goes before its own file.
    let is_told = out.iter().any(|s| s.via != "healthcheck");
    let (own, others): (Vec<_>, Vec<_>) =
        seen.mounted(&is_settings).into_iter().partition(|f| !is_told && is_named(seen, name_of(&f.inside)));
    for (file, is_own) in own.iter().map(|f| (f, true)).chain(others.iter().map(|f| (f, false))) {
        let below = file.path.to_string_lossy().to_ascii_lowercase();
        // A folder that several services are given holds files of each of them.
        let named = || seen.container.argv().iter().any(|w| w.contains(name_of(&file.inside)));
        let shared = || seen.network.is_mounted_elsewhere(&seen.container.service.name.value, &file.path);
        if !is_own && (ELSEWHERE.iter().any(|part| below.contains(part)) || shared() && !named()) {
            continue;
        }
        let Some(text) = seen.text(&file.path).filter(|t| t.len() < 256 * 1024) else { continue };
        if !is_own && !seen.network.broker_names().any(|n| text.contains(n)) {
            continue;
        }
        let leaves = leaves(&text, &file.path);
        for leaf in &leaves {
            let Some(s) = sighting(seen, leaf, &leaves, is_own) else { continue };
            let again = |o: &Sighting| o.host.eq_ignore_ascii_case(&s.host) && o.via != "healthcheck";
            if !out.iter().any(again) {
                out.push(s);
            }
        }
    }
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether the service's code, which speaks MQTT, or its command names a file.
fn is_named(seen: &Seen<'_>, name: &str) -> bool {
    let code = || seen.files.iter().filter(|f| f.language != Language::Data);
    code().any(|f| stack::uses_library(f))
        && (code().any(|f| f.text.contains(name)) || seen.container.argv().iter().any(|w| w.ends_with(name)))
}

fn is_settings(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let kind = lower.rsplit('.').next().unwrap_or("");
    // Those of other programs are read where these run, and by nobody else.
    let other = [
        "package",
        "tsconfig",
        "composer",
        "mosquitto",
        "flows",
        "openapi",
        "swagger",
        "nginx",
        "telegraf",
        "chirpstack",
        "frigate",
        "application",
        "bootstrap",
        "appsettings",
    ];
    matches!(kind, "yml" | "yaml" | "json" | "toml" | "ini" | "cfg" | "conf" | "properties")
        && !lower.contains("compose")
        && !lower.contains("lock")
        && !other.iter().any(|o| lower.starts_with(o))
}

fn leaves(text: &str, file: &Path) -> Vec<Leaf> {
    let mut out = Vec::new();
    if matches!(file.extension().and_then(|e| e.to_str()), Some("yml" | "yaml" | "json")) {
        let folder = file.parent().unwrap_or(file);
        for document in yaml::load(text.as_bytes(), file, folder).iter().flatten() {
            for (mut keys, node) in document.leaves() {
                // The texts of a list belong to its key.
                keys.pop_if(|key| key.bytes().all(|b| b.is_ascii_digit()));
                let value = node.text().unwrap_or_default().to_owned();
                out.push(Leaf { path: keys.join("."), value, place: node.place() });
            }
        }
        return out;
    }
    for section in sections::read(text, file) {
        for key in &section.keys {
            let path = match section.name.as_str() {
                "" => key.name.clone(),
                name => format!("{name}.{}", key.name),
            };
            let leaf = |(value, place): &(String, Place)| Leaf {
                path: path.clone(),
                value: value.clone(),
                place: place.clone(),
            };
            out.extend(key.values.iter().map(leaf));
        }
    }
    out
}

fn sighting(seen: &Seen<'_>, leaf: &Leaf, leaves: &[Leaf], is_own: bool) -> Option<Sighting> {
    let value = super::expand(seen.env, &leaf.value);
    let target = endpoint::parse(&value).filter(|t| t.may_be_mqtt())?;
    let words = env::words(leaf.key());
    let hosty = words.last().is_some_and(|w| env::HOST_WORDS.contains(&w.as_str()));
    let here = is_own && matches!(target.host.as_str(), "localhost" | "127.0.0.1");
    if !hosty || !(here || seen.network.is_broker_name(&target.host)) {
        return None;
    }
    let siblings: Vec<&Leaf> = leaves
        .iter()
        .filter(|l| l.path.starts_with(leaf.parent()) && l.path.len() > leaf.parent().len())
        .collect();
    let beside: Vec<&Leaf> = siblings.iter().copied().filter(|l| l.parent() == leaf.parent()).collect();
    if beside.iter().any(|l| l.key() == "enabled" && l.value.eq_ignore_ascii_case("false")) {
        return None;
    }
    let about = env::is_about_mqtt(&env::words(&leaf.path))
        || beside.iter().any(|l| l.value.to_ascii_lowercase().starts_with("mqtt"));
    let by_url = target.scheme.is_some() && (target.port.is_some() || target.is_mqtt());
    if !about && (here || !by_url) {
        return None;
    }
    let is_port = |l: &&&Leaf| env::words(l.key()).last().is_some_and(|w| w.ends_with("PORT"));
    let port = || beside.iter().find(is_port)?.value.trim().parse::<u16>().ok();
    let via = if is_own { "settings" } else { "file" };
    let mut s = Sighting::new(target.host.clone(), target.port.or_else(port), leaf.place.clone(), via);
    let is_user = |l: &&&Leaf| matches!(l.key().to_ascii_lowercase().as_str(), "user" | "username");
    let named = beside.iter().find(is_user).map(|l| super::expand(seen.env, &l.value));
    s.user = target.user.clone().or(named).filter(|u| !u.is_empty() && !u.contains('$'));
    let is_ca = |l: &&&Leaf| {
        let joined = env::words(l.key()).concat();
        l.value.contains(['/', '.'])
            && (joined == "CA" || ["CAFILE", "CACERT", "CAPATH", "ROOTCA"].iter().any(|w| joined.contains(w)))
    };
    let ca = siblings.iter().find(is_ca).map(|l| Located::new(l.value.clone(), l.place.clone()));
    if is_own {
        s.transport = env::scheme_transport(seen, &target);
        env::tls_facts(seen, &|k| env::is_related(k, &[]), &mut s);
    } else {
        s.transport = match (&target.scheme, &ca) {
            _ if target.is_tls() => Transport::Tls,
            (Some(_), _) => Transport::Plain,
            (None, Some(_)) => Transport::Tls,
            (None, None) => Transport::Unknown,
        };
    }
    s.transport = beside.iter().find_map(|l| tls_switch(l)).unwrap_or(s.transport);
    s.ca = s.ca.or(ca);
    s.flag = siblings.iter().find_map(|l| switch(l)).or(s.flag);
    Some(s)
}

/// What a switch beside the host says of TLS: `use_tls: true`.
fn tls_switch(leaf: &Leaf) -> Option<Transport> {
    let key = leaf.key().to_ascii_lowercase();
    if !matches!(key.as_str(), "tls" | "ssl" | "use_tls" | "use_ssl" | "tls_enabled") {
        return None;
    }
    match leaf.value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(Transport::Tls),
        "false" | "no" | "off" | "0" => Some(Transport::Plain),
        _ => None,
    }
}

/// A switch for verification beside the host.
fn switch(leaf: &Leaf) -> Option<Flag> {
    let polarity = flag::polarity(leaf.key())?;
    let on = match leaf.value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => true,
        "false" | "no" | "off" => false,
        _ => return None,
    };
    let verify = polarity == flag::Polarity::Verify;
    let hostname = leaf.key().to_ascii_lowercase().contains("hostname");
    Some(Flag {
        spelling: leaf.key().to_owned(),
        value: leaf.value.clone(),
        insecure_now: on != verify,
        effect: if hostname { FlagEffect::Hostname } else { FlagEffect::Everything },
        location: FlagLocation::Config,
        secure_value: if verify { "true".into() } else { "false".into() },
        place: Some(leaf.place.clone()),
    })
}
