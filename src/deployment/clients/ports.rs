//! The port that goes with a host: the variable beside it, the one for TLS, what the code falls back to.

use super::super::{EnvVar, code};
use super::Seen;
use super::env::{MQTT_WORDS, words};

/// The port variable that belongs to a host's, by their names.
pub(super) fn port(seen: &Seen<'_>, prefix: &[String], whole: &[String]) -> Option<u16> {
    let number =
        |v: &EnvVar| v.value.as_deref().and_then(|t| t.trim().parse::<u16>().ok()).filter(|p| *p > 0);
    let ports: Vec<(Vec<String>, u16)> = seen
        .env
        .iter()
        .filter_map(|v| {
            let w = words(&v.key);
            let last = w.last()?;
            // `MQTT_PORT_PLAIN` beside `MQTT_PORT_TLS`.
            let plain =
                matches!(last.as_str(), "PLAIN" | "TCP" | "PLAINTEXT") && w.iter().any(|x| x == "PORT");
            (last.ends_with("PORT") || plain).then_some(())?;
            Some((w, number(v)?))
        })
        .collect();
    let exact = |p: &[String]| {
        let fits = |w: &[String]| match p {
            [] => w == ["PORT"],
            _ => w.len() == p.len() + 1 && w.starts_with(p),
        };
        ports.iter().find(|(w, _)| fits(w)).map(|(_, n)| *n)
    };
    // `MQTTBROKERADDRESS` goes with `MQTTBROKERPORT`.
    let joined = whole.concat();
    let stems = ["ADDRESS", "ADDR", "HOSTNAME", "HOST", "SERVER", "URL", "URI", "IP", "BROKER"];
    let beside = || {
        let stem = stems.iter().find_map(|w| joined.strip_suffix(w)).filter(|s| !s.is_empty())?;
        ports.iter().find(|(w, _)| w.concat().strip_suffix("PORT") == Some(stem)).map(|(_, n)| *n)
    };
    exact(prefix)
        .or_else(beside)
        .or_else(|| exact(whole))
        .or_else(|| if prefix.len() > 1 { exact(&prefix[..prefix.len() - 1]) } else { None })
        .or_else(|| {
            let mqtt = |w: &&(Vec<String>, u16)| {
                w.0.iter().any(|x| x.starts_with("MQTT") || MQTT_WORDS.contains(&x.as_str()))
            };
            let plain = |w: &&(Vec<String>, u16)| {
                !w.0.iter().any(|x| {
                    matches!(x.as_str(), "WS" | "WEBSOCKET" | "HTTP" | "WEB" | "EXPORTER" | "METRICS")
                })
            };
            ports.iter().filter(mqtt).find(plain).map(|(_, n)| *n)
        })
}

/// The port that has a variable of its own for TLS, where the code asks for it: as it is set, else its default.
pub(in crate::deployment) fn tls_port(seen: &Seen<'_>) -> Option<u16> {
    let mine = |w: &[String]| {
        let has = |x: &[&str]| w.iter().any(|y| x.contains(&y.as_str()));
        has(&["MQTT", "MQTTS", "BROKER", "MOSQUITTO"])
            && has(&["TLS", "SSL", "MQTTS", "SECURE"])
            && has(&["PORT"])
    };
    let Some(var) = seen.env.iter().find(|v| mine(&words(&v.key))) else {
        let asked =
            seen.files.iter().flat_map(|f| code::asked_keys(&f.text)).find(|key| mine(&words(key)))?;
        return code::env_use(seen.files, asked)?.default?.parse().ok();
    };
    if seen.dialect.seen {
        code::env_use(seen.files, &var.key)?;
    }
    var.value.as_ref()?.trim().parse().ok()
}

/// The port that the code falls back to.
pub(super) fn default_port(seen: &Seen<'_>) -> Option<u16> {
    ["MQTT_PORT", "MQTT_BROKER_PORT", "BROKER_PORT", "MQTT_SERVER_PORT", "MOSQUITTO_PORT"]
        .iter()
        .find_map(|key| code::env_use(seen.files, key)?.default?.parse().ok())
        .or_else(|| code::literal_port(seen.files))
}
