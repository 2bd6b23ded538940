//! A program's own settings file: a section about MQTT with a host in it, in TOML, INI, YAML or JSON, where the code
//! names the file.

use std::path::Path;

use super::super::code::Language;
use super::super::{Transport, endpoint, stack};
use super::{Mounted, Seen, Sighting, env, sections, yaml_file};
use crate::compose::yaml::{Node, Value};
use crate::place::{Located, Place};

/// Keys that name a host within a section about MQTT.
const HOSTS: [&str; 11] = [
    "host",
    "hostname",
    "broker",
    "server",
    "address",
    "url",
    "uri",
    "broker_host",
    "broker_address",
    "broker_url",
    "mqtt_host",
];

/// One section: keys and texts with their places.
type Keys = Vec<(String, Located<String>)>;

/// What the settings files of a program dial, where its environment names no broker.
pub(in crate::deployment) fn read(seen: &Seen<'_>, out: &mut Vec<Sighting>) {
    let certain = out.iter().any(|s| s.via != "healthcheck");
    if certain || seen.is_broker || seen.container.image().is_some_and(super::only_serves) {
        return;
    }
    let code = || seen.files.iter().filter(|f| f.language != Language::Data);
    if !code().any(|f| stack::uses_library(f)) {
        return;
    }
    let ends = [".toml", ".ini", ".cfg", ".conf", ".yaml", ".yml", ".json"];
    let argv = seen.container.argv();
    let named = |name: &str| {
        ends.iter().any(|e| name.ends_with(e))
            && (code().any(|f| f.text.contains(name)) || argv.iter().any(|w| w.ends_with(name)))
    };
    for Mounted { path, .. } in seen.mounted(&named) {
        let found = sections_of(seen, &path);
        for keys in found.iter() {
            out.extend(sighting(seen, keys));
        }
    }
}

/// The sections about MQTT of one file.
fn sections_of(seen: &Seen<'_>, path: &Path) -> Vec<Keys> {
    let name = path.to_string_lossy().to_ascii_lowercase();
    let mut out = Vec::new();
    if [".yaml", ".yml", ".json"].iter().any(|e| name.ends_with(e)) {
        if let Some(root) = yaml_file(seen, path) {
            below(&root, 0, &mut out);
        }
        return out;
    }
    let Some(text) = seen.text(path) else { return out };
    for section in sections::read(&text, path).into_iter().filter(|s| is_about_mqtt(&s.name)) {
        let keys = section.keys.into_iter().filter_map(|k| {
            let (text, place) = k.values.into_iter().next()?;
            Some((k.name.to_ascii_lowercase(), Located::new(text, place)))
        });
        out.push(keys.collect());
    }
    out
}

fn is_about_mqtt(name: &str) -> bool {
    env::is_about_mqtt(&env::words(name))
}

/// The mappings about MQTT in a YAML or JSON file.
fn below(node: &Node, depth: usize, out: &mut Vec<Keys>) {
    for entry in node.entries().iter().filter(|_| depth < 5) {
        if is_about_mqtt(&entry.key) && matches!(entry.value.value, Value::Map(_)) {
            let text = |n: &Node| Some(Located::new(n.text()?.to_owned(), n.place()));
            let keys = entry.value.entries().iter();
            out.push(keys.filter_map(|e| Some((e.key.to_ascii_lowercase(), text(&e.value)?))).collect());
        }
        below(&entry.value, depth + 1, out);
    }
}

fn sighting(seen: &Seen<'_>, keys: &Keys) -> Option<Sighting> {
    let get = |wanted: &[&str]| wanted.iter().find_map(|w| keys.iter().find(|(k, _)| k == w)).map(|(_, v)| v);
    let host = get(&HOSTS)?;
    let target = endpoint::parse(&host.value)?;
    // Another host may be an example; the broker's own name and the program's own machine are none.
    let here = matches!(target.host.as_str(), "localhost" | "127.0.0.1");
    if !target.may_be_mqtt() || !(here || seen.network.is_broker_name(&target.host)) {
        return None;
    }
    let port = get(&["port", "broker_port", "mqtt_port"]).and_then(|p| p.value.parse().ok());
    let mut place: Place = host.place.clone();
    if let Some(at) =
        host.value.find(&target.host).filter(|_| place.span.end - place.span.start == host.value.len())
    {
        place.span = (place.span.start + at..place.span.start + at + target.host.len()).into();
    }
    let mut s = Sighting::new(target.host.clone(), port.or(target.port), place, "settings");
    s.user = get(&["username", "user"]).map(|u| u.value.clone()).filter(|u| !u.is_empty());
    s.transport = env::scheme_transport(seen, &target);
    env::tls_facts(seen, &|k| env::is_related(k, &[]), &mut s);
    let switch =
        get(&["tls", "ssl", "use_tls", "use_ssl", "tls_enabled"]).map(|v| v.value.to_ascii_lowercase());
    match switch.as_deref() {
        Some("true" | "yes" | "on" | "1") => s.transport = Transport::Tls,
        Some("false" | "no" | "off" | "0") => s.transport = Transport::Plain,
        _ => {}
    }
    s.ca = s.ca.or_else(|| get(&["ca_cert", "ca_certs", "ca_file", "cafile", "ca_path", "ca"]).cloned());
    Some(s)
}
