//! ChirpStack and its gateway bridge: TOML with `server`, `servers` and the variables of the container.

use super::super::{Flag, FlagEffect, FlagLocation, Transport};
use super::sections::{self, Section};
use super::{Seen, Sighting, expand, unset};
use crate::place::Located;

/// What ChirpStack's configuration dials.
pub(in crate::deployment) fn read(seen: &Seen<'_>, out: &mut Vec<Sighting>) {
    let image = seen.container.image().unwrap_or("").to_ascii_lowercase();
    let argv = seen.container.argv();
    for file in seen.mounted(&|n| n.ends_with(".toml")) {
        if !image.contains("chirpstack") && !file.inside.contains("chirpstack") {
            continue;
        }
        // The gateway bridge reads one file: the one that -c names, else its own name's.
        let named = argv.iter().any(|w| w.ends_with(".toml"));
        let name = file.inside.rsplit('/').next().unwrap_or("");
        let own = if named {
            argv.contains(&file.inside)
        } else {
            !image.contains("gateway-bridge") || name == "chirpstack-gateway-bridge.toml"
        };
        if !own {
            continue;
        }
        let Some(text) = seen.text(&file.path) else { continue };
        for section in sections::read(&text, &file.path) {
            if section.name.contains("mqtt") {
                of_section(seen, &section, out);
            }
        }
    }
}

fn of_section(seen: &Seen<'_>, section: &Section, out: &mut Vec<Sighting>) {
    let servers = section.all("server").iter().chain(section.all("servers"));
    for (server, place) in servers {
        let found = unset::dialled(seen.env, server).filter(|(_, t)| t.may_be_mqtt());
        let Some((variable, target)) = found else { continue };
        let mut s = unset::sighting((variable, &target), place, "chirpstack");
        let text = |key: &str| {
            section.get(key).map(|(t, p)| (expand(seen.env, t), p.clone())).filter(|(t, _)| !t.is_empty())
        };
        s.ca = text("ca_cert").map(|(t, p)| Located::new(t, p));
        let tls = target.is_tls();
        s.transport = if tls { Transport::Tls } else { Transport::Plain };
        s.system_trust = tls && s.ca.is_none();
        s.shows(text("tls_cert").map(|(t, p)| Located::new(t, p)));
        s.user = text("username").map(|(t, _)| t).filter(|u| !u.contains('$'));
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
