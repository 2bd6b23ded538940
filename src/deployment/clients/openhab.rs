//! openHAB: the `mqtt:broker` bridges of its `.things` files.

use std::path::Path;

use super::super::{Flag, FlagEffect, FlagLocation, Transport, endpoint};
use super::seen::Mounted;
use super::{Seen, Sighting};
use crate::place::{Located, Place};
use crate::stack_id::StackId;

/// What openHAB's bridges dial; the MQTT binding's documentation names the parameters and their defaults.
pub(in crate::deployment) fn read(seen: &Seen<'_>, out: &mut Vec<Sighting>) {
    if !seen.container.image().unwrap_or("").to_ascii_lowercase().contains("openhab") {
        return;
    }
    for Mounted { path, .. } in seen.mounted(&|n| n.ends_with(".things")) {
        let Some(text) = seen.text(&path) else { continue };
        for (at, _) in text.match_indices("mqtt:broker:") {
            let line = text[..at].rfind('\n').map_or(0, |i| i + 1);
            let bridge = text[line..at].trim_start();
            if !bridge.is_empty() && !bridge.starts_with("Bridge ") {
                continue;
            }
            // Before its parameters stand at most a label and a place.
            let head = text[at..].find(['[', '{', '\n']).map_or(text.len(), |i| at + i);
            let Some(open) = text[head..].find('[').map(|i| head + i + 1) else { continue };
            if !text[head..open - 1].trim().is_empty() {
                continue;
            }
            let end = text[open..].find(']').map_or(text.len(), |i| open + i);
            out.extend(bridge_of(&text, open, end, &path));
        }
    }
}

fn bridge_of(text: &str, open: usize, end: usize, path: &Path) -> Option<Sighting> {
    let parameter = |key: &str| parameter(text, open, end, key, path);
    let host = parameter("host")?;
    let target = endpoint::parse(&host.value)?;
    let secure = parameter("secure").map(|s| s.value.to_ascii_lowercase());
    let transport = match secure.as_deref() {
        Some("true" | "on") => Transport::Tls,
        None | Some("false" | "off") => Transport::Plain,
        // `AUTO` of the binding's first releases tries both.
        Some(_) => Transport::Unknown,
    };
    let usual = if transport == Transport::Tls { 8883 } else { 1883 };
    let port = parameter("port").and_then(|p| p.value.parse().ok()).or(target.port).unwrap_or(usual);
    let mut s = Sighting::new(target.host, Some(port), host.place, "openhab");
    s.transport = transport;
    s.system_trust = transport == Transport::Tls;
    s.shows(None);
    s.user = parameter("username").map(|u| u.value);
    s.stack = Some((StackId::Java, "openHAB".into()));
    s.flag = parameter("hostnameValidated").filter(|_| transport == Transport::Tls).map(|v| Flag {
        spelling: "hostnameValidated".into(),
        insecure_now: v.value.eq_ignore_ascii_case("false"),
        value: v.value,
        effect: FlagEffect::Hostname,
        location: FlagLocation::Config,
        secure_value: "true".into(),
        place: Some(v.place),
    });
    Some(s)
}

/// `key="value"` or `key=value` between two bytes, on a line that is no comment.
fn parameter(text: &str, open: usize, end: usize, key: &str, path: &Path) -> Option<Located<String>> {
    let mut offset = open;
    for line in text[open..end].split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        if line.trim_start().starts_with("//") {
            continue;
        }
        let mut at = start;
        for pair in line.split(',') {
            let from = at;
            at += pair.len() + 1;
            let Some((name, value)) = pair.split_once('=').filter(|(n, _)| n.trim() == key) else { continue };
            let bare = value.trim().trim_matches('"');
            let begin = from + name.len() + 1 + value.find(bare)?;
            let lines = text.as_bytes().iter().take(begin).filter(|b| **b == b'\n').count() + 1;
            let mut place = Place::line(path, u32::try_from(lines).unwrap_or(u32::MAX));
            place.span = (begin..begin + bare.len()).into();
            return Some(Located::new(bare.to_owned(), place)).filter(|v| !v.value.is_empty());
        }
    }
    None
}
