//! What people write to name a broker: `host`, `host:port`, a URL. Passwords are dropped here, at once.

/// A place on the network as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// The URL's scheme in small letters.
    pub(super) scheme: Option<String>,
    /// The user of a URL.
    pub(super) user: Option<String>,
    /// The host.
    pub(super) host: String,
    /// The port.
    pub(super) port: Option<u16>,
    /// Where the host begins in the text.
    pub(super) at: usize,
}

impl Endpoint {
    /// Whether the scheme is one that MQTT clients use.
    pub(super) fn is_mqtt(&self) -> bool {
        matches!(self.scheme.as_deref(), Some("mqtt" | "mqtts" | "mqtt+ssl" | "mqtt+tls" | "mqtt+tcp"))
    }

    /// Whether the scheme, if there is one, may carry MQTT.
    pub(super) fn may_be_mqtt(&self) -> bool {
        match self.scheme.as_deref() {
            None => true,
            Some(s) => {
                matches!(s, "tcp" | "ssl" | "tls" | "ws" | "wss" | "mqtt-tcp" | "tcps") || self.is_mqtt()
            }
        }
    }

    /// Whether the scheme says TLS.
    pub(super) fn is_tls(&self) -> bool {
        matches!(
            self.scheme.as_deref(),
            Some("mqtts" | "ssl" | "tls" | "wss" | "mqtt+ssl" | "mqtt+tls" | "tcps")
        )
    }
}

/// Takes a text apart; `None` where it names no host.
pub(super) fn parse(text: &str) -> Option<Endpoint> {
    let lead = text.len() - text.trim_start().len();
    let text = text.trim();
    let (scheme, rest, mut at) = match text.find("://") {
        Some(i) => (Some(text[..i].to_ascii_lowercase()), &text[i + 3..], i + 3),
        None => (None, text, 0),
    };
    if scheme.as_ref().is_some_and(|s| {
        s.is_empty() || !s.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    }) {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    if scheme.is_none() && authority.len() != rest.len() {
        return None;
    }
    let (user, host_port) = match authority.rfind('@') {
        Some(i) => {
            at += i + 1;
            let user = authority[..i].split(':').next().filter(|u| !u.is_empty()).map(str::to_owned);
            (user, &authority[i + 1..])
        }
        None => (None, authority),
    };
    let (host, port) = split_port(host_port)?;
    let plausible = !host.is_empty()
        && host.len() <= 253
        && (host.contains(':') && host.parse::<std::net::Ipv6Addr>().is_ok()
            || host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
                && host.chars().any(|c| c.is_ascii_alphanumeric())
                && !host.starts_with(['.', '-'])
            || is_marked(host));
    plausible.then(|| Endpoint { scheme, user, host: host.to_owned(), port, at: at + lead })
}

/// Whether a host only marks the spot where one belongs: `<BROKER_IP>`, `your-broker`, `192.168.x.x`.
pub(super) fn is_placeholder(host: &str) -> bool {
    let lower = host.to_ascii_lowercase();
    is_marked(host)
        || ["your", "changeme", "replace", "xxx"].iter().any(|word| lower.starts_with(word))
        || lower.contains(".x.x")
}

/// `<BROKER_IP>`: no name that could be dialled.
pub(super) fn is_marked(host: &str) -> bool {
    let inside = host.strip_prefix('<').and_then(|h| h.strip_suffix('>'));
    inside.is_some_and(|i| {
        !i.is_empty() && i.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
    })
}

fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return Some((host, rest.strip_prefix(':').and_then(|p| p.parse().ok())));
    }
    if text.parse::<std::net::Ipv6Addr>().is_ok() {
        return Some((text, None));
    }
    match text.split_once(':') {
        Some((host, "")) => Some((host, None)),
        Some((host, port)) => Some((host, Some(port.parse().ok().filter(|p| *p > 0)?))),
        None => Some((text, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn takes_urls_apart_and_drops_passwords() {
        let e = parse("mqtts://u:p@ss@broker:8883/x?y").unwrap();
        assert_eq!(
            (e.scheme.as_deref(), e.user.as_deref(), e.host.as_str(), e.port),
            (Some("mqtts"), Some("u"), "broker", Some(8883))
        );
        assert!(e.is_tls());
        assert_eq!(&"mqtts://u:p@ss@broker:8883/x?y"[e.at..e.at + 6], "broker");
        let e = parse("[::1]:1883").unwrap();
        assert_eq!((e.host.as_str(), e.port), ("::1", Some(1883)));
        assert_eq!(parse("a-b_c.example:1").unwrap().port, Some(1));
        let e = parse("mqtt://<BROKER_IP>:1883").unwrap();
        assert_eq!((e.host.as_str(), e.port), ("<BROKER_IP>", Some(1883)));
        for bad in ["", "a b", "<a b>", "<>", "/x/y", "sensors/+/x", "a:b", "${X}", "://x", "mqtt://"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
