//! Home Assistant: `mqtt:` of `configuration.yaml` with `!include` and `!secret`, and the integration's entry below
//! `.storage`.

use std::path::Path;

use super::super::{ClientCertificate, Flag, FlagEffect, FlagLocation, Transport, endpoint};
use super::{Seen, Sighting, yaml_file};
use crate::compose::yaml::Node;
use crate::place::{Located, Place};
use crate::stack_id::StackId;

/// What Home Assistant's configuration dials.
pub(in crate::deployment) fn read(seen: &Seen<'_>, out: &mut Vec<Sighting>) {
    let image = seen.container.image().unwrap_or("").to_ascii_lowercase();
    if !image.contains("home-assistant") && !image.contains("homeassistant") {
        return;
    }
    for file in seen.mounted(&|n| n == "configuration.yaml") {
        let Some(root) = yaml_file(seen, &file.path) else { continue };
        let folder = file.path.parent().unwrap_or(Path::new(""));
        let Some(mqtt) = root.get("mqtt").map(|n| followed(seen, folder, n)) else { continue };
        let Some(broker) = mqtt.get("broker").map(|n| followed(seen, folder, n)) else { continue };
        let Some(target) = broker.text().and_then(endpoint::parse) else { continue };
        let text = |key: &str| mqtt.get(key).map(|n| followed(seen, folder, n));
        let port = text("port").and_then(|n| n.text()?.parse().ok()).or(target.port).or(Some(1883));
        let mut s = Sighting::new(target.host.clone(), port, broker.place(), "homeassistant");
        let certificate =
            text("certificate").and_then(|n| Some(Located::new(n.text()?.to_owned(), n.place())));
        s.transport = if certificate.is_some() { Transport::Tls } else { Transport::Plain };
        s.system_trust = certificate.as_ref().is_some_and(|c| c.value == "auto");
        s.ca = certificate.filter(|c| c.value != "auto");
        s.shows(text("client_cert").and_then(|n| Some(Located::new(n.text()?.to_owned(), n.place()))));
        s.user = text("username").filter(|n| n.tag.is_none()).and_then(|n| n.text().map(str::to_owned));
        s.stack = Some((StackId::PythonPaho, "Home Assistant".into()));
        s.flag = text("tls_insecure").and_then(|n| flag(n.text()?, n.bool()?, n.place()));
        out.push(s);
    }
    for file in seen.mounted(&|n| n == "core.config_entries") {
        if let Some(text) = seen.text(&file.path) {
            stored(&text, &file.path, out);
        }
    }
}

fn flag(value: &str, insecure: bool, place: Place) -> Option<Flag> {
    Some(Flag {
        spelling: "tls_insecure".into(),
        value: value.to_owned(),
        insecure_now: insecure,
        effect: FlagEffect::Hostname,
        location: FlagLocation::Config,
        secure_value: "false".into(),
        place: Some(place),
    })
}

/// The value behind `!include FILE` or `!secret NAME`.
pub(super) fn followed(seen: &Seen<'_>, folder: &Path, node: &Node) -> Node {
    let Some(text) = node.text() else { return node.clone() };
    let found = match node.tag.as_deref() {
        Some("!include") => yaml_file(seen, &crate::tree::normalize(&folder.join(text))),
        Some("!secret") => yaml_file(seen, &folder.join("secrets.yaml")).and_then(|n| n.get(text).cloned()),
        _ => None,
    };
    found.unwrap_or_else(|| node.clone())
}

/// The entry of the MQTT integration: JSON, so the line is looked for by its text.
fn stored(text: &str, path: &Path, out: &mut Vec<Sighting>) {
    let Ok(root) = serde_json::from_str::<serde_json::Value>(text) else { return };
    let entries = root.pointer("/data/entries").and_then(|e| e.as_array()).cloned().unwrap_or_default();
    for entry in entries.iter().filter(|e| e.get("domain").and_then(|d| d.as_str()) == Some("mqtt")) {
        let Some(data) = entry.get("data") else { continue };
        let Some(host) = data.get("broker").and_then(|b| b.as_str()) else { continue };
        let Some(target) = endpoint::parse(host) else { continue };
        let port = data.get("port").and_then(serde_json::Value::as_u64).and_then(|p| u16::try_from(p).ok());
        let mut s = Sighting::new(
            target.host.clone(),
            port.or(Some(1883)),
            super::place_of(text, path, host),
            "homeassistant",
        );
        let certificate = data.get("certificate").and_then(|c| c.as_str());
        s.transport = if certificate.is_some() { Transport::Tls } else { Transport::Plain };
        s.system_trust = certificate == Some("auto");
        s.client_certificate = Some(match data.get("client_cert") {
            Some(_) => ClientCertificate::Somewhere,
            None => ClientCertificate::None,
        });
        s.user = data.get("username").and_then(|u| u.as_str()).map(str::to_owned);
        s.stack = Some((StackId::PythonPaho, "Home Assistant".into()));
        if let Some(on) = data.get("tls_insecure").and_then(serde_json::Value::as_bool) {
            s.flag = flag(&on.to_string(), on, super::place_of(text, path, "tls_insecure"));
        }
        out.push(s);
    }
}
