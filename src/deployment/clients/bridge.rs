//! Bridges: a Mosquitto as the client of another one.

use super::super::{Broker, Flag, FlagEffect, FlagLocation, Transport, endpoint};
use super::Sighting;
use crate::stack_id::StackId;

/// The connections that a broker opens.
pub(in crate::deployment) fn read(broker: &Broker, out: &mut Vec<Sighting>) {
    for bridge in broker.conf.iter().flat_map(|c| &c.bridges) {
        for address in &bridge.addresses {
            let Some(target) = endpoint::parse(&address.value) else { continue };
            let other = |key: &str| bridge.other.iter().find(|d| d.keyword == key);
            let tls = bridge.cafile.is_some()
                || bridge.capath.is_some()
                || other("bridge_tls_use_os_certs").is_some_and(|d| d.value == "true");
            let port = target.port.or(Some(1883));
            let mut s = Sighting::new(target.host.clone(), port, address.place.clone(), "bridge");
            s.transport = if tls { Transport::Tls } else { Transport::Plain };
            s.ca = bridge.cafile.clone().or_else(|| bridge.capath.clone());
            s.system_trust = tls && s.ca.is_none();
            s.shows(bridge.certfile.clone());
            s.user = other("remote_username").or_else(|| other("username")).map(|d| d.value.clone());
            s.stack = Some((StackId::Libmosquitto, format!("bridge {}", bridge.name.value)));
            s.flag = bridge.insecure.as_ref().map(|i| Flag {
                spelling: "bridge_insecure".into(),
                value: i.value.to_string(),
                insecure_now: i.value,
                // mosquitto.conf(5): it turns off the check of the host name.
                effect: FlagEffect::Hostname,
                location: FlagLocation::Config,
                secure_value: "false".into(),
                place: Some(i.place.clone()),
            });
            out.push(s);
        }
    }
}
