//! Programs whose broker stands in a file or a store that is not here: that they may be clients is said, not guessed.

use super::super::Host;
use super::{Seen, Sighting};
use crate::finding::NotDecided;

/// The end of the image's name, the file that names the broker, and what that is.
const PROGRAMS: [(&str, &str, &str); 7] = [
    ("node-red-docker", "/data/flows.json", "its flows"),
    ("node-red", "/data/flows.json", "its flows"),
    ("nodered", "/data/flows.json", "its flows"),
    ("zigbee2mqtt", "/app/data/configuration.yaml", "its configuration"),
    ("frigate", "/config/config.yml", "its configuration"),
    ("home-assistant", "/config/.storage/core.config_entries", "the broker that its user interface is given"),
    ("homeassistant", "/config/.storage/core.config_entries", "the broker that its user interface is given"),
];

/// What is not known of a service that none of the readers has seen dial.
pub(in crate::deployment) fn note(seen: &Seen<'_>, sightings: &[Sighting]) -> Option<NotDecided> {
    if seen.is_broker || sightings.iter().any(|s| s.via != "healthcheck") {
        return None;
    }
    let image = seen.container.image()?.to_ascii_lowercase();
    let name = super::image_name(&image);
    let last = name.rsplit('/').next().unwrap_or(name);
    let (_, path, what) = PROGRAMS.iter().find(|(word, ..)| last.ends_with(word))?;
    let because = match seen.container.locate(seen.tree, path) {
        // Read, and no broker in it; or a JSON file of Node-RED under another name.
        Host::At(_) => return None,
        _ if path.ends_with("flows.json") && has_flows(seen) => return None,
        Host::Missing(file) => format!("{what} would stand in {}, which is not there", file.display()),
        Host::Unknown(why) => format!("{what} stands in {path}: {why}"),
        Host::Absent(_) => format!("{what} stands in {path}, and no file of the project is put there"),
    };
    Some(NotDecided { what: format!("what {} dials", seen.container.service.name.value), because })
}

fn has_flows(seen: &Seen<'_>) -> bool {
    !seen.mounted(&|n| n.ends_with(".json") && n.contains("flow")).is_empty()
}
