//! Node-RED: the `mqtt-broker` nodes of its flows, with their `tls-config`.

use std::path::Path;

use serde_json::Value;

use super::super::{ClientCertificate, Flag, FlagEffect, FlagLocation, Transport, endpoint};
use super::{Seen, Sighting, expand, place_of};
use crate::place::{Located, Place};
use crate::stack_id::StackId;

/// What Node-RED's flows dial.
pub(in crate::deployment) fn read(seen: &Seen<'_>, out: &mut Vec<Sighting>) {
    let image = seen.container.image().unwrap_or("").to_ascii_lowercase();
    let node_red = image.contains("node-red") || image.contains("nodered");
    for file in seen.mounted(&|n| n.ends_with(".json") && (n.starts_with("flow") || n.contains("flows"))) {
        if !node_red && !file.inside.contains("/data") {
            continue;
        }
        let Some(text) = seen.text(&file.path).filter(|t| t.contains("mqtt-broker")) else { continue };
        flows(seen, &text, &file.path, out);
    }
}

fn flows(seen: &Seen<'_>, text: &str, path: &Path, out: &mut Vec<Sighting>) {
    let Ok(root) = serde_json::from_str::<Value>(text) else { return };
    let nodes =
        root.as_array().or_else(|| root.get("flows").and_then(Value::as_array)).cloned().unwrap_or_default();
    let of = |n: &Value, key: &str| n.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
    for node in nodes.iter().filter(|n| of(n, "type") == "mqtt-broker" && connects(&nodes, n)) {
        let broker = expand(seen.env, &of(node, "broker"));
        let Some(target) = endpoint::parse(&broker) else { continue };
        let port = match node.get("port") {
            Some(Value::String(p)) => expand(seen.env, p).parse().ok(),
            Some(Value::Number(n)) => n.as_u64().and_then(|n| u16::try_from(n).ok()),
            _ => None,
        };
        let mut place = place_in(text, path, &of(node, "id"), &format!("\"{}\"", of(node, "broker")));
        place.span = Default::default();
        let mut s =
            Sighting::new(target.host.clone(), target.port.or(port).or(Some(1883)), place.clone(), "nodered");
        let tls = target.is_tls() || node.get("usetls").and_then(Value::as_bool).unwrap_or(false);
        s.transport = if tls { Transport::Tls } else { Transport::Plain };
        s.stack = Some((StackId::Node, "Node-RED".into()));
        s.shows(None);
        let config =
            nodes.iter().find(|n| of(n, "type") == "tls-config" && of(n, "id") == of(node, "tls") && tls);
        if let Some(config) = config {
            let ca = of(config, "ca");
            s.ca = (!ca.is_empty()).then(|| Located::new(ca, place.clone()));
            let name = of(config, "servername");
            s.verifies_name = (!name.is_empty()).then_some(name);
            let file = of(config, "cert");
            s.shows((!file.is_empty()).then(|| Located::new(file, place.clone())));
            // A certificate that was uploaded stands in the flows' credentials.
            if !of(config, "certname").is_empty() {
                s.client_certificate = Some(ClientCertificate::Somewhere);
            }
            s.flag = config.get("verifyservercert").and_then(Value::as_bool).map(|verify| Flag {
                place: Some(place_in(text, path, &of(config, "id"), "\"verifyservercert\"")),
                ..verification(verify, verify.to_string())
            });
        }
        if tls && s.flag.is_none() {
            // Without a word in a tls-config the broker's own one counts, and where there is none, nothing is
            // verified (`10-mqtt.js` of Node-RED sets rejectUnauthorized from `verifyservercert`, or to false).
            let verify =
                node.get("verifyservercert").and_then(|v| v.as_bool().or(v.as_str().map(|t| t == "true")));
            s.flag = Some(Flag {
                place: Some(place.clone()),
                ..verification(verify.unwrap_or(false), verify.map(|v| v.to_string()).unwrap_or_default())
            });
        }
        // A CA that was uploaded lies encrypted beside the flows.
        let uploaded = config.is_some_and(|c| !of(c, "caname").is_empty());
        s.system_trust = tls && s.ca.is_none() && !uploaded;
        out.push(s);
    }
}

/// Whether a broker node is used: Node-RED connects it when the first node that names it registers, and starts no node
/// that is switched off (`10-mqtt.js` of Node-RED, `register`). A file without any other node says nothing of use.
fn connects(nodes: &[Value], broker: &Value) -> bool {
    let is_off = |n: &Value, key: &str| n.get(key).and_then(Value::as_bool) == Some(true);
    let Some(id) = broker.get("id").filter(|_| nodes.iter().any(|n| n.get("wires").is_some())) else {
        return !is_off(broker, "d");
    };
    let quoted = id.to_string();
    let on_closed_tab = |n: &Value| {
        n.get("z").is_some_and(|z| nodes.iter().any(|t| t.get("id") == Some(z) && is_off(t, "disabled")))
    };
    let uses = |n: &Value| n.get("id") != Some(id) && n.to_string().contains(&quoted);
    !is_off(broker, "d") && nodes.iter().any(|n| uses(n) && !is_off(n, "d") && !on_closed_tab(n))
}

/// The place of a text in the node of this id, whose fields stand behind it.
fn place_in(text: &str, path: &Path, id: &str, wanted: &str) -> Place {
    let from = text
        .find(&format!("\"id\": \"{id}\""))
        .or_else(|| text.find(&format!("\"id\":\"{id}\"")))
        .unwrap_or(0);
    let mut place = place_of(&text[from..], path, wanted);
    let skipped = text[..from].matches('\n').count();
    place.line = place.line.saturating_add(u32::try_from(skipped).unwrap_or(0));
    place.span = (place.span.start + from..place.span.end + from).into();
    place
}

/// Node-RED's switch, without its place.
fn verification(verify: bool, value: String) -> Flag {
    Flag {
        spelling: "verifyservercert".into(),
        value,
        insecure_now: !verify,
        effect: FlagEffect::Everything,
        location: FlagLocation::Config,
        secure_value: "true".into(),
        place: None,
    }
}
