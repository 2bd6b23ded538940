//! Command lines: `mosquitto_sub`, `mosquitto_pub` and `mosquitto_rr` in command, entrypoint, healthcheck and shell
//! scripts, and the flags by which other programs name a broker.

use super::super::code::Language;
use super::super::{ClientCertificate, Flag, FlagEffect, FlagLocation, Transport, endpoint};
use super::{Seen, Sighting, env, is_host};
use crate::compose::words;
use crate::place::{Located, Place};
use crate::stack_id::StackId;

const TOOLS: [&str; 3] = ["mosquitto_sub", "mosquitto_pub", "mosquitto_rr"];

/// What the command lines of a service dial.
pub(in crate::deployment) fn read(seen: &Seen<'_>, out: &mut Vec<Sighting>) {
    let service = seen.container.service;
    let docker = seen.container.dockerfile.as_ref();
    let lines = [
        (service.command.as_ref(), "command"),
        (service.entrypoint.as_ref(), "command"),
        (service.healthcheck.as_ref(), "healthcheck"),
        (docker.and_then(|d| d.cmd.as_ref()).filter(|_| service.command.is_none()), "command"),
        (docker.and_then(|d| d.entrypoint.as_ref()).filter(|_| service.entrypoint.is_none()), "command"),
    ];
    for (line, via) in lines {
        let Some(line) = line else { continue };
        let text = line.value.iter().any(|w| w.contains(char::is_whitespace));
        if text {
            for word in &line.value {
                tools(seen, &words::split(&spaced(word)), &line.place, via, out);
            }
        } else {
            tools(seen, &line.value, &line.place, via, out);
        }
        if via == "command" && !seen.is_broker {
            let flat: Vec<String> = line.value.iter().flat_map(|w| words::split(w)).collect();
            if !flat.iter().any(|w| TOOLS.iter().any(|t| w.ends_with(t))) {
                flags(seen, &flat, &line.place, out);
            }
        }
    }
    for file in seen.files.iter().filter(|f| f.language == Language::Shell) {
        for (number, line) in (1u32..).zip(joined(&file.text)) {
            if TOOLS.iter().any(|t| line.contains(t)) && !line.trim_start().starts_with('#') {
                tools(seen, &words::split(&spaced(&line)), &Place::line(&file.path, number), "script", out);
            }
        }
    }
}

/// Lines of a script; a continued line keeps the number of its first.
fn joined(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let (body, goes_on) = match line.strip_suffix('\\') {
            Some(b) => (b, true),
            None => (line, false),
        };
        match open {
            Some(at) => {
                if let Some(first) = out.get_mut(at) {
                    first.push(' ');
                    first.push_str(body.trim_start());
                }
                out.push(String::new());
            }
            None => out.push(body.to_owned()),
        }
        open = match (goes_on, open) {
            (true, Some(at)) => Some(at),
            (true, None) => Some(out.len() - 1),
            (false, _) => None,
        };
    }
    out
}

/// Separators of the shell as words of their own.
fn spaced(text: &str) -> String {
    text.replace(';', " ; ")
        .replace("&&", " && ")
        .replace("||", " || ")
        .replace('|', " | ")
        .replace(['(', ')'], " ; ")
}

fn tools(seen: &Seen<'_>, list: &[String], place: &Place, via: &'static str, out: &mut Vec<Sighting>) {
    let mut at = 0;
    while let Some(start) =
        list.iter().skip(at).position(|w| TOOLS.iter().any(|t| w.rsplit('/').next() == Some(t)))
    {
        let start = start + at + 1;
        let end = list
            .iter()
            .skip(start)
            .position(|w| matches!(w.as_str(), ";" | "&&" | "||" | "|" | "&" | ">" | "2>&1" | "2>/dev/null"))
            .map_or(list.len(), |i| start + i);
        if let Some(s) = list.get(start..end).and_then(|arguments| tool(seen, arguments, place, via)) {
            out.push(s);
        }
        at = end;
    }
}

fn tool(seen: &Seen<'_>, arguments: &[String], place: &Place, via: &'static str) -> Option<Sighting> {
    let mut s = Sighting::new("localhost", None, place.clone(), via);
    let mut tls = false;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let word = word.as_str();
        let (name, inline) = match word.split_once('=') {
            Some((n, v)) if n.starts_with("--") => (n, Some(v.to_owned())),
            _ if word.starts_with("-h") && word.len() > 2 && !word.starts_with("--") => {
                ("-h", Some(word[2..].to_owned()))
            }
            _ if word.starts_with("-p")
                && word.len() > 2
                && word[2..].chars().all(|c| c.is_ascii_digit()) =>
            {
                ("-p", Some(word[2..].to_owned()))
            }
            _ => (word, None),
        };
        let mut value =
            || inline.clone().or_else(|| words.next().cloned()).map(|v| expand(seen, &v)).unwrap_or_default();
        match name {
            "-h" | "--host" => s.host = value(),
            "-p" | "--port" => s.port = value().parse().ok(),
            "-u" | "--username" => s.user = Some(value()).filter(|u| !u.is_empty() && !u.contains('$')),
            "-P" | "--pw" | "-t" | "--topic" | "-m" | "--message" | "-i" | "--id" => drop(value()),
            "-L" | "--url" => {
                let url = endpoint::parse(&value())?;
                tls |= url.is_tls();
                (s.host, s.port, s.user) = (url.host, url.port, url.user);
            }
            "--cafile" | "--capath" => {
                tls = true;
                s.ca = Some(Located::new(value(), place.clone()));
            }
            "--cert" => {
                s.shows(Some(Located::new(value(), place.clone())));
            }
            "--tls-use-os-certs" => {
                tls = true;
                s.system_trust = true;
            }
            "--insecure" => {
                s.flag = Some(Flag {
                    spelling: "--insecure".into(),
                    value: "--insecure".into(),
                    insecure_now: true,
                    effect: FlagEffect::Everything,
                    location: FlagLocation::Code,
                    secure_value: String::new(),
                    place: Some(place.clone()),
                });
            }
            _ => {}
        }
    }
    if !is_host(&s.host) || s.host.contains('$') {
        return None;
    }
    s.client_certificate = s.client_certificate.or(Some(ClientCertificate::None));
    s.transport = if tls { Transport::Tls } else { Transport::Plain };
    // mosquitto_sub(1): 8883 where a CA is named, else 1883.
    s.port = s.port.or(Some(if tls { 8883 } else { 1883 }));
    s.stack = Some((StackId::Libmosquitto, format!("mosquitto clients in {place}")));
    Some(s)
}

/// Flags of other programs: a URL, or a broker's name behind a flag.
fn flags(seen: &Seen<'_>, list: &[String], place: &Place, out: &mut Vec<Sighting>) {
    let mut before = "";
    for (at, word) in list.iter().enumerate() {
        let (flag, value) = match word.split_once('=') {
            Some((f, v)) if f.starts_with('-') => (f, v),
            _ => (before, word.as_str()),
        };
        before = word;
        let value = expand(seen, value);
        let Some(target) = endpoint::parse(&value) else { continue };
        let known = seen.network.is_broker_name(&target.host);
        let lower = flag.to_ascii_lowercase();
        let hosty = lower.starts_with('-')
            && (["host", "broker", "server", "addr", "url", "mqtt", "connect"]
                .iter()
                .any(|w| lower.contains(w))
                || lower == "-h");
        let waits = list.iter().any(|w| {
            w.contains("wait-for") || w.contains("wait_for") || w.contains("dockerize") || w == "nc"
        });
        let dials = target.is_mqtt()
            || (known && target.may_be_mqtt() && (hosty || (target.scheme.is_some() && !waits)));
        if !dials || !is_host(&target.host) {
            continue;
        }
        let port = target.port.or_else(|| {
            let port = list
                .iter()
                .position(|w| w.to_ascii_lowercase().ends_with("port") && w.starts_with('-'))
                .or_else(|| list.iter().position(|w| w == "-p"));
            port.and_then(|i| list.get(i + 1)).and_then(|p| expand(seen, p).parse().ok())
        });
        let mut s = Sighting::new(target.host.clone(), port, place.clone(), "command");
        s.user.clone_from(&target.user);
        if target.is_tls() {
            s.transport = Transport::Tls;
        }
        let _ = at;
        env::tls_facts(seen, &|k| k.to_ascii_uppercase().contains("MQTT"), &mut s);
        out.push(s);
    }
}

/// Variables of the container, as its shell fills them in.
fn expand(seen: &Seen<'_>, text: &str) -> String {
    super::expand(seen.env, text)
}
