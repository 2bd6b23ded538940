//! Telegraf: `[[inputs.mqtt_consumer]]` and `[[outputs.mqtt]]`.

use super::super::{Flag, FlagEffect, FlagLocation, Transport, VIA_UNSET};
use super::sections::{self, Section};
use super::{Seen, Sighting, expand, unset};
use crate::place::Located;
use crate::stack_id::StackId;

/// What Telegraf's configuration dials.
pub(in crate::deployment) fn read(seen: &Seen<'_>, out: &mut Vec<Sighting>) {
    // A stray telegraf.conf in the folder of another service is read by nobody.
    let runs = |word: &str| word.to_ascii_lowercase().contains("telegraf");
    let runs_telegraf = seen.container.image().is_none_or(runs)
        || seen.container.service.image.as_ref().is_some_and(|i| runs(&i.value))
        || seen.container.argv().iter().any(|w| runs(w))
        || runs(&seen.container.service.name.value);
    for file in seen.mounted(&|n| n.ends_with(".conf") || n.ends_with(".toml")) {
        if !runs_telegraf && !file.inside.contains("/telegraf/") {
            continue;
        }
        let telegraf = file.inside.contains("telegraf") || file.path.to_string_lossy().contains("telegraf");
        let Some(text) = seen.text(&file.path).filter(|t| telegraf || t.contains("mqtt_consumer")) else {
            continue;
        };
        for section in sections::read(&text, &file.path) {
            if matches!(section.name.as_str(), "inputs.mqtt_consumer" | "outputs.mqtt") {
                of_section(seen, &section, out);
            }
        }
    }
}

fn of_section(seen: &Seen<'_>, section: &Section, out: &mut Vec<Sighting>) {
    for (server, place) in section.all("servers") {
        let Some((variable, target)) = unset::dialled(seen.env, server) else { continue };
        let mut s = unset::sighting((variable, &target), place, "telegraf");
        s.ca = section.get("tls_ca").map(|(t, p)| Located::new(expand(seen.env, t), p.clone()));
        let enabled = section.text("tls_enable") == Some("true");
        // Telegraf turns TLS on by any of its tls_ settings, whatever the scheme.
        let tls = target.is_tls() || s.ca.is_some() || enabled || section.get("tls_cert").is_some();
        s.transport = match (tls, &target.scheme) {
            (true, _) => Transport::Tls,
            // The whole URL stands in a variable.
            (false, None) if s.via == VIA_UNSET => Transport::Unknown,
            (false, _) => Transport::Plain,
        };
        s.system_trust = tls && s.ca.is_none();
        s.shows(section.get("tls_cert").map(|(t, p)| Located::new(expand(seen.env, t), p.clone())));
        s.verifies_name = section.text("tls_server_name").map(str::to_owned);
        s.user = section
            .text("username")
            .map(|u| expand(seen.env, u))
            .filter(|u| !u.is_empty() && !u.contains('$'));
        s.stack = Some((StackId::Go, "Telegraf".into()));
        s.flag = section.get("insecure_skip_verify").map(|(value, place)| Flag {
            spelling: "insecure_skip_verify".into(),
            value: value.clone(),
            insecure_now: value == "true",
            effect: FlagEffect::Everything,
            location: FlagLocation::Config,
            secure_value: "false".into(),
            place: Some(place.clone()),
        });
        out.push(s);
    }
}
