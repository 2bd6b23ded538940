//! Whether a service's JavaScript or Python can speak MQTT at all: a front end that shows addresses, or is given the
//! back end's types, has no library for it; nor has a program that writes another one's configuration.

use super::super::code::Language;
use super::super::stack;
use super::Seen;

/// Where a package.json lists what is installed.
const LISTS: [&str; 4] = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];

/// Whether the Python of a service brings in something for MQTT, by an import or its list of packages, or calls
/// Mosquitto's clients.
pub(super) fn python(seen: &Seen<'_>) -> bool {
    let mut some = false;
    for file in seen.files.iter() {
        let speaks = match file.language {
            Language::Python => {
                some = true;
                let import = |l: &str| {
                    l.starts_with("import ") || l.starts_with("from ") || l.contains("import_module")
                };
                let brings = |l: &str| import(l.trim_start()) && l.to_ascii_lowercase().contains("mqtt");
                file.text.lines().any(brings) || file.text.contains("mosquitto_")
            }
            Language::Data => file.text.to_ascii_lowercase().contains("mqtt"),
            _ => false,
        };
        if speaks {
            return true;
        }
    }
    let installs = |line: &str| line.contains("pip") && line.contains("mqtt");
    !some || seen.container.dockerfile.iter().flat_map(|d| &d.runs).any(|r| installs(&r.value))
}

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
