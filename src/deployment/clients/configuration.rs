//! Configuration files of any program, mounted or copied: what in them names a broker of the project, by a key such as
//! `host` below one that speaks of MQTT, or by a URL.

use std::path::Path;

use super::super::{Flag, FlagEffect, FlagLocation, Transport, endpoint};
use super::sections;
use super::{Seen, Sighting, env, flag};
use crate::compose::yaml::{self, Node};
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
    let names: Vec<&str> = seen.network.broker_names().collect();
    for file in seen.mounted(&is_settings) {
        let below = file.path.to_string_lossy().to_ascii_lowercase();
        let text = seen.text(&file.path).filter(|t| t.len() < 256 * 1024);
        let Some(text) = text.filter(|t| names.iter().any(|n| t.contains(n))) else { continue };
        // A folder that several services are given holds files of each of them.
        let name = file.inside.rsplit('/').next().unwrap_or("");
        let named = || seen.container.argv().iter().any(|w| w.contains(name));
        let shared = || seen.network.is_mounted_elsewhere(&seen.container.service.name.value, &file.path);
        if ELSEWHERE.iter().any(|part| below.contains(part)) || shared() && !named() {
            continue;
        }
        let leaves = leaves(&text, &file.path);
        for leaf in &leaves {
            let Some(s) = sighting(seen, leaf, &leaves) else { continue };
            let again = |o: &Sighting| o.host.eq_ignore_ascii_case(&s.host) && o.via != "healthcheck";
            if !out.iter().any(again) {
                out.push(s);
            }
        }
    }
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
            flatten(document, "", &mut out);
        }
        return out;
    }
    for section in sections::read(text, file) {
        for key in &section.keys {
            let path = if section.name.is_empty() {
                key.name.clone()
            } else {
                format!("{}.{}", section.name, key.name)
            };
            for (value, place) in &key.values {
                out.push(Leaf { path: path.clone(), value: value.clone(), place: place.clone() });
            }
        }
    }
    out
}

fn flatten(node: &Node, path: &str, out: &mut Vec<Leaf>) {
    for entry in node.entries() {
        let below = if path.is_empty() { entry.key.clone() } else { format!("{path}.{}", entry.key) };
        flatten(&entry.value, &below, out);
    }
    for (index, item) in node.items().iter().enumerate() {
        // The texts of a list belong to its key, its maps are things of their own.
        let below = if item.text().is_some() { path.to_owned() } else { format!("{path}.{index}") };
        flatten(item, &below, out);
    }
    if let Some(value) = node.text() {
        out.push(Leaf { path: path.to_owned(), value: value.to_owned(), place: node.place() });
    }
}

fn sighting(seen: &Seen<'_>, leaf: &Leaf, leaves: &[Leaf]) -> Option<Sighting> {
    let value = super::expand(seen.env, &leaf.value);
    let target = endpoint::parse(&value).filter(|t| t.may_be_mqtt())?;
    let words = env::words(leaf.key());
    let hosty = words.last().is_some_and(|w| env::HOST_WORDS.contains(&w.as_str()));
    if !hosty || !seen.network.is_broker_name(&target.host) {
        return None;
    }
    let siblings: Vec<&Leaf> = leaves
        .iter()
        .filter(|l| l.path.starts_with(leaf.parent()) && l.place.file == leaf.place.file)
        .filter(|l| l.path.len() > leaf.parent().len())
        .collect();
    let beside = |l: &&&Leaf| l.parent() == leaf.parent();
    let off = |l: &&&Leaf| l.key() == "enabled" && l.value.eq_ignore_ascii_case("false");
    if siblings.iter().filter(beside).any(|l| off(&l)) {
        return None;
    }
    let about = env::is_about_mqtt(&env::words(&leaf.path))
        || siblings.iter().filter(beside).any(|l| l.value.to_ascii_lowercase().starts_with("mqtt"));
    let by_url = target.scheme.is_some() && (target.port.is_some() || target.is_mqtt());
    if !about && !by_url {
        return None;
    }
    let port = || {
        let named = |l: &&&Leaf| env::words(l.key()).last().is_some_and(|w| w.ends_with("PORT"));
        siblings.iter().filter(beside).find(named)?.value.trim().parse::<u16>().ok()
    };
    let mut s = Sighting::new(target.host.clone(), target.port.or_else(port), leaf.place.clone(), "file");
    let is_user = |l: &&&Leaf| matches!(l.key().to_ascii_lowercase().as_str(), "user" | "username");
    let named = siblings.iter().filter(beside).find(is_user).map(|l| super::expand(seen.env, &l.value));
    s.user = target.user.clone().or(named).filter(|u| !u.is_empty() && !u.contains('$'));
    let is_ca = |l: &&&Leaf| {
        let joined = env::words(l.key()).concat();
        l.value.contains('/')
            && (joined == "CA" || ["CAFILE", "CACERT", "CAPATH", "ROOTCA"].iter().any(|w| joined.contains(w)))
    };
    s.ca = siblings.iter().find(is_ca).map(|l| Located::new(l.value.clone(), l.place.clone()));
    s.transport = match (&target.scheme, &s.ca) {
        _ if target.is_tls() => Transport::Tls,
        (Some(_), _) => Transport::Plain,
        (None, Some(_)) => Transport::Tls,
        (None, None) => Transport::Unknown,
    };
    s.flag = siblings.iter().find_map(|l| switch(l));
    Some(s)
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
