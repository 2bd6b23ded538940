//! Whether a service's JavaScript can speak MQTT at all: a front end that shows addresses, or is given the back end's
//! types, has no library for it.

use super::super::code::Language;
use super::super::stack;
use super::Seen;

/// Where a package.json lists what is installed.
const LISTS: [&str; 4] = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];

/// Whether the JavaScript of a service has an MQTT library, as far as its lists of packages tell.
pub(super) fn javascript(seen: &Seen<'_>) -> bool {
    let lists: Vec<serde_json::Value> = seen
        .files
        .iter()
        .filter(|f| f.path.file_name().is_some_and(|n| n == "package.json"))
        .filter_map(|f| serde_json::from_str(&f.text).ok())
        .collect();
    let lists_one = |package: &serde_json::Value| {
        LISTS
            .iter()
            .filter_map(|l| package.get(l)?.as_object())
            .flat_map(|l| l.keys())
            .any(|name| ["mqtt", "aedes", "mosca", "node-red"].iter().any(|w| name.contains(w)))
    };
    if lists.is_empty() || lists.iter().any(lists_one) {
        return true;
    }
    let installs =
        |line: &str| ["npm", "yarn", "pnpm", "bun"].iter().any(|p| line.contains(p)) && line.contains("mqtt");
    if seen.container.dockerfile.iter().flat_map(|d| &d.runs).any(|r| installs(&r.value)) {
        return true;
    }
    // A page takes the library from elsewhere: `mqtt` and `Paho` are global names there.
    let scripts = || seen.files.iter().filter(|f| f.language == Language::JavaScript);
    scripts()
        .any(|f| !stack::uses_library(f) && (f.text.contains("mqtt.connect(") || f.text.contains("Paho.")))
}
