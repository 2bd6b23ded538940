//! Frigate: `mqtt:` of its `config.yml`, with `{FRIGATE_…}` variables.

use super::super::{Flag, FlagEffect, FlagLocation, Transport, endpoint};
use super::{Seen, Sighting, yaml_file};
use crate::compose::yaml::Node;
use crate::place::Located;
use crate::stack_id::StackId;

/// What Frigate's configuration dials.
pub(in crate::deployment) fn read(seen: &Seen<'_>, out: &mut Vec<Sighting>) {
    let image = seen.container.image().unwrap_or("").to_ascii_lowercase();
    if !image.contains("frigate") && !image.contains("double-take") {
        return;
    }
    // Double Take is a Node.js program with the same section.
    let program = if image.contains("double-take") {
        (StackId::Node, "Double Take".to_owned())
    } else {
        (StackId::PythonPaho, "Frigate".to_owned())
    };
    for file in seen.mounted(&|n| n == "config.yml" || n == "config.yaml" || n.starts_with("frigate.y")) {
        let Some(root) = yaml_file(seen, &file.path) else { continue };
        let Some(mqtt) = root.get("mqtt") else { continue };
        if mqtt.get("enabled").and_then(Node::bool) == Some(false) {
            continue;
        }
        let Some(host) = mqtt.get("host") else { continue };
        let text = fill(seen, host.text().unwrap_or(""));
        let Some(target) = endpoint::parse(&text) else { continue };
        let port = mqtt
            .get("port")
            .and_then(Node::text)
            .and_then(|p| fill(seen, p).parse().ok())
            .or(target.port)
            .or(Some(1883));
        let mut s = Sighting::new(target.host.clone(), port, host.place(), "frigate");
        s.ca = mqtt.get("tls_ca_certs").and_then(|n| Some(Located::new(n.text()?.to_owned(), n.place())));
        s.transport = if s.ca.is_some() { Transport::Tls } else { Transport::Plain };
        s.shows(
            mqtt.get("tls_client_cert").and_then(|n| Some(Located::new(n.text()?.to_owned(), n.place()))),
        );
        s.user = mqtt.get("user").and_then(Node::text).map(|u| fill(seen, u)).filter(|u| !u.contains('{'));
        s.stack = Some(program.clone());
        s.flag = mqtt.get("tls_insecure").and_then(|n| {
            Some(Flag {
                spelling: "tls_insecure".into(),
                value: n.text()?.to_owned(),
                insecure_now: n.bool()?,
                effect: FlagEffect::Hostname,
                location: FlagLocation::Config,
                secure_value: "false".into(),
                place: Some(n.place()),
            })
        });
        out.push(s);
    }
}

fn fill(seen: &Seen<'_>, text: &str) -> String {
    match text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
        Some(key) => seen.var(key).and_then(|v| v.value.clone()).unwrap_or_else(|| text.to_owned()),
        None => text.to_owned(),
    }
}
