//! Environment variables: host and port, URL, `host:port`, with whatever prefix.

use super::super::endpoint;
use super::super::{ClientCertificate, EnvVar, Transport, code};
use super::ports::{default_port, port, tls_port};
use super::{Seen, Sighting, flag, is_host, unasked};
use crate::place::{Located, Place};

/// Last words of keys that hold a host or a URL.
pub(super) const HOST_WORDS: [&str; 19] = [
    "HOST",
    "HOSTNAME",
    "SERVER",
    "BROKER",
    "ADDRESS",
    "ADDR",
    "URL",
    "URI",
    "ENDPOINT",
    "IP",
    "SERVERS",
    "BROKERS",
    "HOSTS",
    "URLS",
    "DSN",
    "CONNECTION",
    "MQTT",
    "DOMAIN",
    "SERVERURI",
];
/// Words that make a key one of MQTT.
pub(super) const MQTT_WORDS: [&str; 6] = ["MQTT", "MOSQUITTO", "MQTTS", "BROKER", "MQ", "EMQTT"];

/// What the environment says.
pub(in crate::deployment) fn read(seen: &Seen<'_>, out: &mut Vec<Sighting>) {
    if seen.is_broker || seen.container.image().is_some_and(super::only_serves) {
        return;
    }
    let unused = unasked::unused(seen);
    let mut handed_out: Vec<Sighting> = Vec::new();
    for var in seen.env.iter().filter(|v| !unused(v)) {
        let Some(value) = var.value.as_deref() else { continue };
        let words = words(&var.key);
        let Some(last) = words.last() else { continue };
        let about_mqtt = is_about_mqtt(&words);
        let hosty = HOST_WORDS.contains(&last.as_str())
            || last.strip_prefix("MQTT").is_some_and(|w| HOST_WORDS.contains(&w))
            || (about_mqtt
                && ["HOST", "HOSTNAME", "BROKER", "SERVER", "URL", "URI", "ADDRESS", "ADDR"]
                    .iter()
                    .any(|w| last.ends_with(w)));
        let first = value.split(',').next().unwrap_or(value).trim().trim_matches(['"', '\'', '[', ']']);
        let Some(target) = endpoint::parse(first) else { continue };
        if !target.may_be_mqtt() || !is_host(&target.host) && target.host != "localhost" {
            continue;
        }
        if var.from_env_file && seen.network.is_anothers(&seen.container.service.name.value, &words) {
            continue;
        }
        let known = seen.network.is_broker_name(&target.host);
        let other = seen.network.is_other_service(&target.host);
        // `MQTT=mqtt` or `BROKER_TYPE=mosquitto` name a kind, not a host.
        let kind = words.iter().any(|w| {
            matches!(
                w.as_str(),
                "TYPE"
                    | "PROTOCOL"
                    | "USER"
                    | "USERNAME"
                    | "TOPIC"
                    | "PREFIX"
                    | "CLIENT"
                    | "ID"
                    | "DB"
                    | "NAME"
                    | "PASSWORD"
                    | "TRANSPORT"
                    | "SCHEME"
            )
        });
        let bind = words.iter().any(|w| matches!(w.as_str(), "LISTEN" | "BIND" | "EXPORTER"));
        let wanted = target.is_mqtt()
            || (about_mqtt && hosty && !kind && !bind)
            || (known && hosty && !kind)
            || (known && target.port.is_some())
            || (known && target.scheme.is_some());
        if !wanted || (other && !target.is_mqtt() && !about_mqtt) {
            continue;
        }
        if last == "MQTT" && !known && target.scheme.is_none() {
            continue;
        }
        let prefix = &words[..words.len() - 1];
        let set = target.port.or_else(|| port(seen, prefix, &words));
        let port = set.or_else(|| default_port(seen));
        let span_at = value.find(first).unwrap_or(0) + target.at;
        let place = narrowed(var, span_at, target.host.len());
        let via = if target.scheme.is_some() { "url" } else { "environment" };
        let mut s = Sighting::new(target.host.clone(), port, place, via);
        // What an env_file sets may be an example's word.
        let by_compose = |v: &EnvVar| {
            !v.from_env_file
                && v.key.to_ascii_uppercase().contains("PORT")
                && v.value.as_deref().map(str::trim) == port.map(|p| p.to_string()).as_deref()
        };
        s.port_is_default = target.port.is_none() && !seen.env.iter().any(by_compose);
        s.user = target.user.clone();
        s.unread = unasked::leaves_unread(seen, var);
        s.transport = scheme_transport(seen, &target);
        let related = |key: &str| is_related(key, prefix);
        tls_facts(seen, &related, &mut s);
        if s.transport == Transport::Tls && target.port.is_none() {
            s.port = tls_port(seen).or(s.port);
        }
        if is_handed_out(&words) && !known { handed_out.push(s) } else { out.push(s) }
    }
    // The address that others are told is none that the service dials, as long as it dials a broker of its own.
    if !out.iter().any(|s| seen.network.is_broker_name(&s.host)) {
        out.append(&mut handed_out);
    }
    prefer_urls(out);
}

/// Whether a variable's words say that its address is for others: `BROKER_EXTERNAL_HOST`.
pub(super) fn is_handed_out(words: &[String]) -> bool {
    let others = ["EXTERNAL", "PUBLIC", "ADVERTISED", "ADVERTISE", "ANNOUNCED", "ANNOUNCE"];
    words.iter().any(|w| others.contains(&w.as_str()))
}

/// A host variable and a URL that say the same are one client.
fn prefer_urls(out: &mut Vec<Sighting>) {
    let all = out.clone();
    let mut seen: Vec<(String, Option<u16>)> = Vec::new();
    out.retain(|s| {
        let same = |o: &Sighting| {
            o.host.eq_ignore_ascii_case(&s.host) && (o.port == s.port || o.port.is_none() || s.port.is_none())
        };
        let better = s.via == "environment" && all.iter().any(|o| o.via == "url" && same(o));
        let key = (s.host.to_ascii_lowercase(), s.port);
        let again = seen.contains(&key);
        if !better {
            seen.push(key);
        }
        !better && !again
    });
}

/// Whether a variable's words are about MQTT.
pub(super) fn is_about_mqtt(words: &[String]) -> bool {
    words.iter().any(|w| MQTT_WORDS.contains(&w.as_str()) || w.starts_with("MQTT"))
}

/// A variable's name in words, in capitals.
pub(super) fn words(key: &str) -> Vec<String> {
    // `mqttHost` and `Mqtt__BrokerHost` are written in humps.
    let humps = key.chars().any(char::is_lowercase);
    let mut text = String::new();
    let mut before = ' ';
    for c in key.chars() {
        if humps && c.is_uppercase() && before.is_lowercase() {
            text.push('_');
        }
        text.push(if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
        before = c;
    }
    text.split('_').filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

/// Words of variables that are another connection's: `DB_SSL` says nothing of MQTT.
const OTHERS: [&str; 30] = [
    "DB",
    "DATABASE",
    "POSTGRES",
    "POSTGRESQL",
    "PG",
    "MYSQL",
    "MARIADB",
    "MONGO",
    "MONGODB",
    "REDIS",
    "KAFKA",
    "SMTP",
    "MAIL",
    "EMAIL",
    "HTTP",
    "HTTPS",
    "INFLUX",
    "INFLUXDB",
    "ELASTIC",
    "ELASTICSEARCH",
    "RABBITMQ",
    "AMQP",
    "S3",
    "MINIO",
    "LDAP",
    "GRPC",
    "NGINX",
    "KEYCLOAK",
    "CASSANDRA",
    "CLICKHOUSE",
];

/// Whether a variable may be about the MQTT connection whose host has this prefix.
pub(super) fn is_related(key: &str, prefix: &[String]) -> bool {
    let w = words(key);
    let says_mqtt = w.iter().any(|x| x.contains("MQTT"));
    if !says_mqtt && w.iter().any(|x| OTHERS.contains(&x.as_str())) {
        return false;
    }
    let mqtt = w.iter().any(|x| {
        x.starts_with("MQTT")
            || MQTT_WORDS.contains(&x.as_str())
            || x.starts_with("TLS")
            || x.starts_with("SSL")
    });
    mqtt || (!prefix.is_empty() && w.starts_with(prefix))
}

/// What a URL's scheme says. Only code that takes the URL apart itself may speak TLS behind `mqtt://`.
pub(in crate::deployment) fn scheme_transport(seen: &Seen<'_>, target: &endpoint::Endpoint) -> Transport {
    match &target.scheme {
        Some(_) if target.is_tls() => Transport::Tls,
        Some(_) if seen.dialect.seen && !seen.dialect.python && !seen.dialect.paired => Transport::Plain,
        _ => Transport::Unknown,
    }
}

/// CA, client certificate, server name, flag and switch of a client, from its variables and its code.
pub(in crate::deployment) fn tls_facts(seen: &Seen<'_>, related: &dyn Fn(&str) -> bool, s: &mut Sighting) {
    let mut enabled: Option<bool> = None;
    let mut asked = false;
    for var in seen.env.iter().filter(|v| related(&v.key)) {
        let w = words(&var.key);
        let has = |x: &str| w.iter().any(|y| y == x);
        let joined = w.concat();
        let value = var.value.clone().unwrap_or_default();
        if flag::polarity(&var.key).is_some() {
            continue;
        }
        let ca = has("CA")
            || has("CAFILE")
            || has("CACERT")
            || has("CACERTS")
            || joined.contains("CACERT")
            || joined.contains("CAFILE")
            || joined.contains("CAPATH")
            || joined.contains("TRUSTSTORE")
            || joined.contains("ROOTCERT");
        let tls =
            has("TLS") || has("SSL") || has("USETLS") || has("USESSL") || has("TLSENABLED") || has("SECURE");
        if ca && value.contains(['/', '.']) && !value.contains("-----BEGIN") {
            s.ca = s.ca.take().or(Some(Located::new(value, var.place.clone())));
        } else if ["CERT", "CERTFILE", "CLIENTCERT", "KEYFILE", "CLIENTKEY", "CRT"].iter().any(|x| has(x))
            && value.contains('/')
        {
            let is_key = w.iter().any(|word| word.contains("KEY"));
            let file = (!is_key).then(|| ClientCertificate::File(Located::new(value, var.place.clone())));
            s.client_certificate =
                file.or(s.client_certificate.take()).or(Some(ClientCertificate::Somewhere));
        } else if joined.contains("SERVERNAME") || has("SNI") || joined.contains("TLSHOSTNAME") {
            s.verifies_name = Some(value).filter(|v| !v.is_empty());
        } else if tls
            && (has("ENABLED")
                || has("ENABLE")
                || has("USE")
                || matches!(
                    w.last().map(String::as_str),
                    Some("TLS" | "SSL" | "USETLS" | "USESSL" | "SECURE" | "TLSENABLED")
                ))
            && !value.is_empty()
        {
            // That a client certificate is wanted says nothing of whether TLS is spoken.
            if has("MUTUAL") || has("MTLS") || has("REQUIRE") {
                continue;
            }
            let used = code::env_use(seen.files, &var.key);
            asked |= used.is_some();
            enabled = Some(used.map_or(code::Truth::Usual, |u| u.truth).of(&value));
        } else if (has("PROTOCOL") || has("SCHEME") || has("TRANSPORT")) && !value.is_empty() {
            asked |= code::env_use(seen.files, &var.key).is_some() || code::names(seen.files, &var.key);
            match value.trim_end_matches("://").to_ascii_lowercase().as_str() {
                "mqtts" | "ssl" | "tls" | "wss" => enabled = Some(true),
                "mqtt" | "tcp" | "ws" => enabled = enabled.or(Some(false)),
                _ => {}
            }
        } else if has("USERNAME") || has("USER") || has("LOGIN") {
            s.user = s.user.take().or(Some(value).filter(|v| !v.is_empty()));
        }
    }
    let dialect = seen.dialect;
    if s.ca.is_none() && dialect.tls.is_some() {
        s.ca.clone_from(&dialect.ca);
        s.ca_origin = dialect.ca_origin;
    }
    if s.client_certificate.is_none() && dialect.seen {
        let shown = dialect.client_certificate;
        s.client_certificate =
            Some(if shown { ClientCertificate::Somewhere } else { ClientCertificate::None });
    }
    let present = s.ca.as_ref().and_then(|ca| seen.has_file(&ca.value));
    if s.transport == Transport::Unknown || (s.transport == Transport::Plain && enabled == Some(true)) {
        let by_code = super::super::dialect::transport(dialect, present);
        s.transport = match (enabled, by_code) {
            (Some(true), Transport::Plain) if dialect.tls.is_none() && !asked => Transport::Plain,
            (Some(true), _) => Transport::Tls,
            // A variable that the code asks is believed; one that it does not know changes nothing.
            (Some(false), Transport::Tls)
                if !asked && dialect.tls == Some(super::super::dialect::When::Always) =>
            {
                Transport::Tls
            }
            (Some(false), _) => Transport::Plain,
            (None, Transport::Unknown) if s.ca.is_some() && !dialect.seen => Transport::Tls,
            (None, t) => t,
        };
    }
    s.system_trust = s.ca.is_none() && dialect.system_trust;
    s.flag = flag::of_env(seen.env, seen.files, dialect, related)
        .or_else(|| flag::of_code(seen.env, seen.files, dialect));
}

/// The bytes of the host inside a value, if the value stands in its file as it is.
fn narrowed(var: &EnvVar, at: usize, len: usize) -> Place {
    let mut place = var.place.clone();
    let whole = var.value.as_ref().map_or(0, String::len);
    if place.span.end.saturating_sub(place.span.start) == whole && whole > 0 {
        place.span = (place.span.start + at..place.span.start + at + len).into();
    }
    place
}
