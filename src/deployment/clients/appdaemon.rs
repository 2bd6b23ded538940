//! AppDaemon: the plugins of type `mqtt` in `appdaemon.yaml`.

use std::path::Path;

use super::super::{Flag, FlagEffect, FlagLocation, Transport, endpoint};
use super::homeassistant::followed;
use super::{Seen, Sighting, yaml_file};
use crate::compose::yaml::Node;
use crate::place::Located;
use crate::stack_id::StackId;

/// What AppDaemon's plugins dial (`mqttplugin.py` of AppDaemon 4: TLS where `ca_cert` is set, by paho's `tls_set`).
pub(in crate::deployment) fn read(seen: &Seen<'_>, out: &mut Vec<Sighting>) {
    if !seen.container.image().unwrap_or("").to_ascii_lowercase().contains("appdaemon") {
        return;
    }
    for file in seen.mounted(&|n| n == "appdaemon.yaml") {
        let folder = file.path.parent().unwrap_or(Path::new(""));
        let Some(root) = yaml_file(seen, &file.path) else { continue };
        let Some(plugins) = root.get("appdaemon").and_then(|a| a.get("plugins")) else { continue };
        out.extend(plugins.entries().iter().filter_map(|e| plugin_of(seen, folder, &e.value)));
    }
}

fn plugin_of(seen: &Seen<'_>, folder: &Path, plugin: &Node) -> Option<Sighting> {
    let value = |key: &str| plugin.get(key).map(|n| followed(seen, folder, n));
    let is_mqtt = value("type").is_some_and(|t| t.text().is_some_and(|t| t.eq_ignore_ascii_case("mqtt")));
    let host = value("client_host").filter(|_| is_mqtt)?;
    let target = endpoint::parse(host.text()?)?;
    let port = value("client_port").and_then(|n| n.text()?.parse().ok()).or(target.port).unwrap_or(1883);
    let mut s = Sighting::new(target.host, Some(port), host.place(), "appdaemon");
    s.ca = value("ca_cert").and_then(|n| Some(Located::new(n.text()?.to_owned(), n.place())));
    s.transport = if s.ca.is_some() { Transport::Tls } else { Transport::Plain };
    s.shows(value("client_cert").and_then(|n| Some(Located::new(n.text()?.to_owned(), n.place()))));
    s.user = value("client_user").filter(|n| n.tag.is_none()).and_then(|n| n.text().map(str::to_owned));
    s.stack = Some((StackId::PythonPaho, "AppDaemon".into()));
    s.flag = value("verify_cert").and_then(|n| {
        Some(Flag {
            spelling: "verify_cert".into(),
            value: n.text()?.to_owned(),
            insecure_now: !n.bool()?,
            effect: FlagEffect::Hostname,
            location: FlagLocation::Config,
            secure_value: "true".into(),
            place: Some(n.place()),
        })
    });
    Some(s)
}
