//! Zigbee2MQTT: `mqtt:` of its `configuration.yaml`.

use std::path::PathBuf;

use super::super::{Flag, FlagEffect, FlagLocation, Transport, endpoint};
use super::{Seen, Sighting, yaml_file};
use crate::compose::yaml::Node;
use crate::place::Located;
use crate::stack_id::StackId;

/// What Zigbee2MQTT's configuration dials.
pub(in crate::deployment) fn read(seen: &Seen<'_>, out: &mut Vec<Sighting>) {
    let image = seen.container.image().unwrap_or("").to_ascii_lowercase();
    let by_env = seen.var("ZIGBEE2MQTT_CONFIG_MQTT_SERVER").is_some();
    if !image.contains("zigbee2mqtt") || by_env {
        return;
    }
    let mut files: Vec<PathBuf> = seen
        .mounted(&|n| n == "configuration.yaml" || n == "configuration.yml")
        .into_iter()
        .map(|f| f.path)
        .collect();
    if files.is_empty() {
        // Its data folder is made on the machine; the configuration that goes there lies beside the compose file.
        files.extend(seen.container.service.file.parent().map(|folder| folder.join("configuration.yaml")));
    }
    for path in files {
        let Some(root) = yaml_file(seen, &path) else { continue };
        let Some(mqtt) = root.get("mqtt") else { continue };
        let Some(server) = mqtt.get("server") else { continue };
        let Some(target) = server.text().and_then(endpoint::parse) else { continue };
        let mut s = Sighting::new(
            target.host.clone(),
            target.port.or(Some(if target.is_tls() { 8883 } else { 1883 })),
            server.place(),
            "zigbee2mqtt",
        );
        s.transport = if target.is_tls() { Transport::Tls } else { Transport::Plain };
        s.ca = mqtt.get("ca").and_then(|n| Some(Located::new(n.text()?.to_owned(), n.place())));
        s.system_trust = target.is_tls() && s.ca.is_none();
        s.shows(mqtt.get("cert").and_then(|n| Some(Located::new(n.text()?.to_owned(), n.place()))));
        s.user = mqtt
            .get("user")
            .filter(|n| n.tag.is_none())
            .and_then(Node::text)
            .filter(|u| !u.starts_with('!'))
            .map(str::to_owned);
        s.stack = Some((StackId::Node, "Zigbee2MQTT".into()));
        s.flag = mqtt.get("reject_unauthorized").and_then(|n| {
            let verify = n.bool()?;
            Some(Flag {
                spelling: "reject_unauthorized".into(),
                value: n.text()?.to_owned(),
                insecure_now: !verify,
                effect: FlagEffect::Everything,
                location: FlagLocation::Config,
                secure_value: "true".into(),
                place: Some(n.place()),
            })
        });
        out.push(s);
    }
}
