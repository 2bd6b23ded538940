//! Spring and other Java configurations: `application.yml`, `application.properties`, with `${KEY:default}`.

use super::super::code::Language;
use super::super::{Transport, endpoint};
use super::{Seen, Sighting, env, is_host, sections};
use crate::compose::yaml;
use crate::place::Place;
use crate::tree::normalize;

/// What the Java configuration of a service dials.
pub(in crate::deployment) fn read(seen: &Seen<'_>, out: &mut Vec<Sighting>) {
    let mut files: Vec<std::path::PathBuf> = seen.mounted(&is_config).into_iter().map(|f| f.path).collect();
    let java = seen.files.iter().any(|f| f.language == Language::Java || f.path.ends_with("pom.xml"));
    if let Some(context) = seen.container.context.as_ref().filter(|_| java) {
        let resources = normalize(&context.join("src/main/resources"));
        files.extend(
            seen.tree
                .list(&resources)
                .unwrap_or_default()
                .iter()
                .filter(|n| is_config(n))
                .map(|n| resources.join(n)),
        );
    }
    for file in files {
        let Some(text) = seen.text(&file).filter(|t| t.to_ascii_lowercase().contains("mqtt")) else {
            continue;
        };
        if file.extension().is_some_and(|e| e == "properties") {
            for section in sections::read(&text, &file) {
                for key in &section.keys {
                    if let Some((value, place)) = key.values.first() {
                        take(seen, &key.name, value, place, &|k| section.text(k).map(str::to_owned), out);
                    }
                }
            }
        } else if let Ok(documents) = yaml::load(text.as_bytes(), &file, file.parent().unwrap_or(&file)) {
            for document in &documents {
                let texts = document
                    .leaves()
                    .into_iter()
                    .filter_map(|(keys, node)| Some((keys.join("."), node.text()?, node.place())));
                let flat: Vec<(String, &str, Place)> = texts.collect();
                for (key, value, place) in &flat {
                    let get =
                        |k: &str| flat.iter().find(|(n, ..)| n == k).map(|(_, text, _)| (*text).to_owned());
                    take(seen, key, value, place, &get, out);
                }
            }
        }
    }
}

fn is_config(name: &str) -> bool {
    (name.starts_with("application") || name.starts_with("bootstrap"))
        && (name.ends_with(".yml") || name.ends_with(".yaml") || name.ends_with(".properties"))
}

fn take(
    seen: &Seen<'_>,
    key: &str,
    value: &str,
    place: &Place,
    get: &dyn Fn(&str) -> Option<String>,
    out: &mut Vec<Sighting>,
) {
    let lower = key.to_ascii_lowercase();
    let last = lower.rsplit('.').next().unwrap_or("").to_owned();
    let hosty =
        ["host", "url", "uri", "broker", "server", "address", "servers", "uris", "endpoint", "hostname"]
            .iter()
            .any(|w| last.ends_with(w));
    if !lower.contains("mqtt") || !hosty {
        return;
    }
    let filled = relaxed(seen, key).unwrap_or_else(|| fill(seen, value));
    let Some(target) = endpoint::parse(&filled).filter(|t| t.may_be_mqtt() && is_host(&t.host)) else {
        return;
    };
    // `external-host` beside `host` is what devices are told.
    let dials_broker = || out.iter().any(|s| seen.network.is_broker_name(&s.host));
    if env::is_handed_out(&env::words(&last)) && !seen.network.is_broker_name(&target.host) && dials_broker()
    {
        return;
    }
    let parent = key.rsplit_once('.').map_or("", |(p, _)| p);
    let port = target.port.or_else(|| {
        let known = ["port", "broker-port"].map(|k| format!("{parent}.{k}"));
        let port = known.iter().find_map(|k| relaxed(seen, k).or_else(|| Some(fill(seen, &get(k)?))))?;
        port.parse().ok()
    });
    let mut s = Sighting::new(target.host.clone(), port, place.clone(), "spring");
    s.transport = if target.is_tls() {
        Transport::Tls
    } else if target.scheme.is_some() {
        Transport::Plain
    } else {
        Transport::Unknown
    };
    s.user = target.user.clone();
    out.push(s);
}

/// Spring's relaxed binding: a variable of the property's name, in capitals, replaces it.
fn relaxed(seen: &Seen<'_>, key: &str) -> Option<String> {
    let upper = key.to_ascii_uppercase();
    let names = [upper.replace('.', "_").replace('-', ""), upper.replace(['.', '-'], "_")];
    seen.env.iter().find(|v| names.contains(&v.key)).and_then(|v| v.value.clone())
}

/// Spring's `${KEY:default}`: the container's environment first.
fn fill(seen: &Seen<'_>, text: &str) -> String {
    let mut out = text.to_owned();
    for _ in 0..8 {
        let Some(open) = out.rfind("${") else { break };
        let Some(close) = out[open..].find('}').map(|i| i + open) else { break };
        let inner = out[open + 2..close].to_owned();
        let (key, default) = inner.split_once(':').map_or((inner.as_str(), ""), |(k, d)| (k, d));
        let name = key.to_ascii_uppercase().replace(['.', '-'], "_");
        let value = match seen.env.iter().find(|v| v.key == key || v.key == name) {
            // What Compose hands in is not the default, even where nobody can tell what it is.
            Some(v) if v.value.is_none() => break,
            Some(v) => v.value.clone().unwrap_or_default(),
            None => default.to_owned(),
        };
        out.replace_range(open..=close, &value);
    }
    out
}
