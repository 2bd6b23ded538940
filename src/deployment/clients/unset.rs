//! A client whose host stands in a variable that nothing here sets: it is shown, though nobody can tell whom it dials.

use std::rc::Rc;

use super::super::code::{self, File, Language};
use super::super::endpoint::{self, Endpoint};
use super::super::{EnvVar, VIA_UNSET, stack};
use super::{Seen, Sighting, env, unasked};
use crate::compose::interpolate::interpolate;
use crate::place::Place;

/// Words of variables that name a broker or a server of something else.
const ANOTHER: [&str; 7] = ["CELERY", "KAFKA", "RABBITMQ", "AMQP", "REDIS", "NATS", "HTTP"];

/// The first variable that its code takes a host from, where nothing else says whom it dials.
pub(in crate::deployment) fn read(seen: &Seen<'_>, out: &mut Vec<Sighting>) {
    let certain = out.iter().any(|s| s.via != "healthcheck");
    if certain || seen.is_broker || seen.container.image().is_some_and(super::only_serves) {
        return;
    }
    // `MQTT_HOST: ${MQTT_HOST}`, and nothing sets it; or what is set waits to be replaced.
    let empty = |v: &&EnvVar| match v.value.as_deref() {
        None | Some("") => !v.from_env_file,
        Some(value) => is_filled_later(value) && (!v.from_env_file || code::mentions(seen.files, &v.key)),
    };
    let unused = unasked::unused(seen);
    if let Some(var) = seen.env.iter().filter(empty).find(|v| names_broker(&v.key) && !unused(v)) {
        let written = written(seen, var);
        let mut sighting = match written.as_deref().and_then(host_of) {
            // Only its port or its login is not set.
            Some(target) => {
                let via = if target.scheme.is_some() { "url" } else { "environment" };
                let mut known = Sighting::new(target.host.clone(), target.port, var.place.clone(), via);
                known.transport = env::scheme_transport(seen, &target);
                known
            }
            None => {
                let name = written.as_deref().and_then(variable_of).unwrap_or_else(|| var.key.clone());
                Sighting::new(format!("${name}"), None, var.place.clone(), VIA_UNSET)
            }
        };
        env::tls_facts(seen, &|k| env::is_related(k, &[]), &mut sighting);
        out.push(sighting);
        return;
    }
    let code: Vec<&Rc<File>> = seen.files.iter().filter(|f| f.language != Language::Data).collect();
    if !code.iter().any(|f| stack::uses_library(f)) {
        return;
    }
    let keys = code.iter().flat_map(|f| asked(f).map(move |(key, at)| (*f, key, at)));
    let found = keys.filter(|(_, key, _)| names_broker(key)).find(|(_, key, _)| {
        let set = seen.var(key).and_then(|v| v.value.as_deref()).is_some_and(|v| !v.is_empty());
        let default = code::env_use(seen.files, key).and_then(|u| u.default);
        let own_machine = |d: &str| elsewhere(seen) && (d.contains("localhost") || d.contains("127.0.0.1"));
        !set && default.is_none_or(|d| d.is_empty() || own_machine(&d))
    });
    if let Some((file, key, at)) = found {
        let place = file.place(at, key.len());
        let mut sighting = Sighting::new(format!("${key}"), None, place, VIA_UNSET);
        env::tls_facts(seen, &|k| env::is_related(k, &[]), &mut sighting);
        out.push(sighting);
    }
}

/// What a configuration's text dials, and the variable that its host stands in where nothing sets it.
pub(super) fn dialled(vars: &[EnvVar], text: &str) -> Option<(Option<String>, Endpoint)> {
    const MARK: &str = "unset--";
    if let Some(target) = endpoint::parse(&super::expand(vars, text)) {
        return Some((None, target));
    }
    let set = |n: &str| vars.iter().find(|v| v.key == n).and_then(|v| v.value.clone());
    let unset = interpolate(text, &set).ok()?.unset;
    let marked = |n: &str| set(n).or_else(|| unset.iter().any(|u| u == n).then(|| format!("{MARK}{n}")));
    let target = endpoint::parse(&interpolate(text, &marked).ok()?.text)?;
    let (_, after) = target.host.split_once(MARK)?;
    let variable = unset.iter().filter(|u| after.starts_with(u.as_str())).max_by_key(|u| u.len())?.clone();
    Some((Some(variable), target))
}

/// A client that one configuration file names: its broker's host, or the variable that this stands in.
pub(super) fn sighting(of: (Option<String>, &Endpoint), place: &Place, via: &'static str) -> Sighting {
    match of {
        (None, target) => Sighting::new(target.host.clone(), target.port.or(Some(1883)), place.clone(), via),
        (Some(variable), target) => {
            Sighting::new(format!("${variable}"), target.port, place.clone(), VIA_UNSET)
        }
    }
}

/// What stands in the compose file behind a variable that Compose could not fill in.
fn written(seen: &Seen<'_>, var: &EnvVar) -> Option<String> {
    let text = seen.text(&var.place.file).filter(|_| var.value.is_none())?;
    let line = text.lines().nth(usize::try_from(var.place.line).ok()?.checked_sub(1)?)?;
    let (_, behind) = line.split_once(&var.key)?;
    let value = behind.split(" #").next()?.trim_start_matches(['"', '\'', ':', '=', ' ']);
    Some(value.trim_end().trim_end_matches(['"', '\'']).to_owned())
}

/// The scheme of a URL that is filled in later, and its host with the port.
fn authority(written: &str) -> (Option<&str>, &str) {
    let (scheme, rest) = written.split_once("://").map_or((None, written), |(s, r)| (Some(s), r));
    (scheme, rest.rsplit_once('@').map_or(rest, |(_, host)| host))
}

/// Whom a value names whose host is written out: `mqtt://${USER}@broker:${PORT}`.
fn host_of(written: &str) -> Option<Endpoint> {
    let (scheme, authority) = authority(written);
    let host = authority.split([':', '/']).next().filter(|h| !h.is_empty() && !h.contains('$'))?;
    let port = authority[host.len()..].strip_prefix(':').and_then(|p| p.split('/').next());
    let port = port.filter(|p| !p.contains('$')).map(|p| format!(":{p}")).unwrap_or_default();
    let scheme = scheme.filter(|s| !s.contains('$')).map(|s| format!("{s}://")).unwrap_or_default();
    endpoint::parse(&format!("{scheme}{host}{port}")).filter(Endpoint::may_be_mqtt)
}

/// The variable that the host waits for: `MQTT_HOST: ${BROKER_HOST}` waits for `BROKER_HOST`.
fn variable_of(written: &str) -> Option<String> {
    let (_, name) = authority(written).1.split_once('$').or_else(|| written.split_once('$'))?;
    let name: String =
        name.trim_start_matches('{').chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// Whether an `env_file` that is not here may set what the code asks for: its default, which means the developer's
/// own machine, says nothing then.
pub(super) fn elsewhere(seen: &Seen<'_>) -> bool {
    seen.container.service.env_file_missing.is_some()
}

/// Whether a value's host only marks the spot where one belongs.
fn is_filled_later(value: &str) -> bool {
    endpoint::is_placeholder(value.split("://").last().unwrap_or(value))
}

/// The variables of the environment that a file asks for by name, and where.
pub(super) fn asked(file: &File) -> impl Iterator<Item = (String, usize)> + '_ {
    let text = file.text.as_str();
    let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let mut from = 0;
    let capitals = std::iter::from_fn(move || {
        loop {
            let start = from + text.get(from..)?.find(|c: char| c.is_ascii_uppercase())?;
            let len = text[start..].find(|c| !is_part(c)).unwrap_or(text.len() - start);
            from = start + len.max(1);
            let before = &text[..start];
            let quoted =
                before.ends_with(['"', '\'', '`']) && text[start + len..].starts_with(['"', '\'', '`']);
            let member = before.ends_with("process.env.") || before.ends_with("import.meta.env.");
            if len > 3 && (quoted || member) {
                return Some((text[start..start + len].to_owned(), start));
            }
        }
    });
    capitals.chain(required_fields(file))
}

/// The fields of pydantic's settings that have no default.
fn required_fields(file: &File) -> Vec<(String, usize)> {
    let mut out = Vec::new();
    let mut offset = 0;
    for line in file.text.split_inclusive('\n') {
        let at = offset + line.len() - line.trim_start().len();
        offset += line.len();
        let Some((name, rest)) = line.trim().split_once(':') else { continue };
        let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if plain
            && !rest.contains('=')
            && let Some(key) = code::settings_key(file, at, name.len(), &format!(":{rest}"))
        {
            out.push((key, at));
        }
    }
    out
}

fn names_broker(key: &str) -> bool {
    let words = env::words(key);
    env::is_about_mqtt(&words)
        && words.last().is_some_and(|w| env::HOST_WORDS.contains(&w.as_str()) && w != "MQTT")
        && !words.iter().any(|w| ANOTHER.contains(&w.as_str()))
}

#[cfg(test)]
mod tests {
    use super::{host_of, variable_of};

    #[test]
    fn a_host_that_is_written_out_is_told_from_one_that_is_not() {
        for (written, host, port) in [
            ("mqtt://mosquitto:${MQTT_PORT}", "mosquitto", None),
            ("mqtt://${USER}:${PASS}@mosquitto:1883", "mosquitto", Some(1883)),
            ("broker.lan:${PORT}", "broker.lan", None),
        ] {
            let target = host_of(written).unwrap();
            assert_eq!((target.host.as_str(), target.port), (host, port), "{written}");
        }
        for (written, variable) in
            [("${BROKER}", "BROKER"), ("mqtt://${USER}@${HOST}:1883", "HOST"), ("$HOST:${PORT}", "HOST")]
        {
            assert!(host_of(written).is_none(), "{written}");
            assert_eq!(variable_of(written).as_deref(), Some(variable));
        }
    }
}
