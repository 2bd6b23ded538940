//! The port that code falls back to.

use std::rc::Rc;

use super::{File, Language};

/// The port of a `connect(…, 1883)` or of a `…PORT… = 1883` somewhere in files that speak MQTT.
pub(in crate::deployment) fn literal_port(files: &[Rc<File>]) -> Option<u16> {
    let number = |text: &str| {
        let text = text.trim_start().trim_start_matches(['"', '\'']);
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u16>().ok().filter(|p| *p > 1000)
    };
    for file in
        files.iter().filter(|f| f.language != Language::Data && f.text.to_ascii_lowercase().contains("mqtt"))
    {
        for line in file.text.lines().filter(|l| l.len() < 400 && !l.trim_start().starts_with(['#', '/'])) {
            let lower = line.to_ascii_lowercase();
            if let Some(at) = lower.find("connect(")
                && let Some(port) = line[at..]
                    .split(',')
                    .skip(1)
                    .find_map(|a| number(a.trim_start().strip_prefix("port=").unwrap_or(a)))
            {
                return Some(port);
            }
            if (lower.contains("mqtt") || lower.trim_start().starts_with("port") || lower.contains("broker"))
                && let Some(at) = lower.find("port")
            {
                let rest = &line[at + 4..];
                let value = rest.split_once(['=', ':']).map(|(k, v)| (k.trim().trim_matches(['"', '\'']), v));
                let found =
                    value.filter(|(k, _)| k.len() < 8).and_then(|(_, v)| number(v.trim_start_matches('=')));
                // A bare `port = …` may be that of anything; only the usual ones are taken for MQTT's.
                let telling = lower.contains("mqtt") || lower.contains("broker");
                if let Some(port) = found.filter(|p| telling || is_usual_port(*p)) {
                    return Some(port);
                }
            }
        }
    }
    None
}

/// Ports that brokers commonly have.
pub(in crate::deployment) fn is_usual_port(port: u16) -> bool {
    matches!(port, 1883..=1889 | 8883..=8889 | 9001 | 9883 | 8083 | 8084)
}
