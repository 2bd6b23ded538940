//! `verdict --update-env FILE`: one line of an env file set, or taken away where it is no longer true.

use std::fmt::Write as _;

/// The name of the line.
const KEY: &str = "MQTT_TLS_INSECURE";

/// The text with its `MQTT_TLS_INSECURE` line set to `insecure`, or without it where the answer is not settled.
/// Every other byte stays, and a last line without a line end gets one first (a line glued to it would be lost).
/// `None` where nothing is to change.
pub fn updated(text: &str, insecure: Option<bool>) -> Option<String> {
    let crlf = text.contains("\r\n");
    let end = if crlf { "\r\n" } else { "\n" };
    let mut out = String::with_capacity(text.len() + 32);
    let mut is_set = false;
    for line in text.split_inclusive('\n') {
        let Some(before) = value_at(line) else {
            out.push_str(line);
            continue;
        };
        if let (Some(on), false) = (insecure, is_set) {
            let tail = &line[line.trim_end_matches(['\r', '\n']).len()..];
            let _ = write!(out, "{}{on}{tail}", &line[..before]);
            is_set = true;
        }
    }
    if let (Some(on), false) = (insecure, is_set) {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push_str(end);
        }
        let _ = write!(out, "{KEY}={on}{end}");
    }
    (out != text).then_some(out)
}

/// Where the value begins, if the line sets the variable (`KEY=…`, `export KEY=…`, blanks around as Compose takes
/// them).
fn value_at(line: &str) -> Option<usize> {
    let body = line.trim_start();
    let body = body.strip_prefix("export ").map_or(body, str::trim_start);
    let rest = body.strip_prefix(KEY)?.trim_start();
    let value = rest.strip_prefix('=')?.trim_start_matches([' ', '\t']);
    Some(line.len() - value.len())
}

#[cfg(test)]
mod tests {
    use super::updated;

    #[test]
    fn sets_the_line_in_place_and_keeps_every_other_byte() {
        let text = "# broker\nMQTT_HOST=iot-mqtt\nexport MQTT_TLS_INSECURE = true # old\nX=1";
        let set = "# broker\nMQTT_HOST=iot-mqtt\nexport MQTT_TLS_INSECURE = false\nX=1";
        assert_eq!(updated(text, Some(false)).as_deref(), Some(set));
        assert_eq!(updated(set, Some(false)), None);
    }

    #[test]
    fn appends_behind_a_last_line_without_its_end() {
        assert_eq!(updated("A=1", Some(false)).as_deref(), Some("A=1\nMQTT_TLS_INSECURE=false\n"));
        assert_eq!(updated("A=1\r\n", Some(true)).as_deref(), Some("A=1\r\nMQTT_TLS_INSECURE=true\r\n"));
        assert_eq!(updated("", Some(true)).as_deref(), Some("MQTT_TLS_INSECURE=true\n"));
    }

    #[test]
    fn takes_away_what_is_no_longer_settled_and_doubles() {
        assert_eq!(updated("MQTT_TLS_INSECURE=false\nA=1\n", None).as_deref(), Some("A=1\n"));
        assert_eq!(
            updated("MQTT_TLS_INSECURE=true\nMQTT_TLS_INSECURE=true\n", Some(true)).as_deref(),
            Some("MQTT_TLS_INSECURE=true\n")
        );
        assert_eq!(updated("XMQTT_TLS_INSECURE=1\n#MQTT_TLS_INSECURE=1\n", None), None);
    }
}
