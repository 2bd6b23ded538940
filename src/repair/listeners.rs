//! Lines for mosquitto.conf.

use std::collections::BTreeSet;

use super::{Desk, Reach, TlsListeners};
use crate::deployment::{Broker, Deployment, HostFile, Listener};
use crate::finding::{Fix, Report};
use crate::mosquitto::acl::Acl;
use crate::mosquitto::edit::{self, AddLines};
use crate::mosquitto::passwd::PasswordFile;
use crate::mosquitto::{ListenerConf, MosquittoConf};
use crate::name::escape;
use crate::place::Place;

/// Adds the lines, and answers which listeners speak TLS then.
pub(super) fn repair(
    desk: &mut Desk<'_>,
    deployment: &Deployment,
    report: &Report,
    reach: Reach,
) -> TlsListeners {
    let mut tls = TlsListeners::new();
    let mut made: Vec<(Place, AddLines)> = Vec::new();
    for (index, broker) in deployment.brokers.iter().enumerate() {
        tls.extend(broker.listeners.iter().filter(|l| l.tls).map(|l| (index, l.port)));
        let Some(conf) = &broker.conf else { continue };
        let mut meant = conf.clone();
        // From the last line of the file to the first, so that no edit moves another one's line.
        let mut order: Vec<&ListenerConf> = conf.listeners.iter().collect();
        order.sort_by_key(|l| std::cmp::Reverse(l.place.line));
        for listener in order {
            let mut lines = Vec::new();
            let plain = wants(report, "plaintext-listener", |p| p == Some(listener.port));
            let model = model(conf, listener);
            if plain && !listener.is_tls() {
                match &model {
                    Some(model) => lines.extend(tls_lines(model)),
                    None if reach == Reach::Unsafe => desk.tell(
                        listener.place.clone(),
                        format!(
                            "listener {} speaks plaintext, and no other listener shows which files to use",
                            listener.port
                        ),
                        ["cafile", "certfile", "keyfile"].map(|k| format!("{k} /mosquitto/certs/…")).to_vec(),
                    ),
                    None => {}
                }
            }
            let adds_tls = !lines.is_empty();
            // Without per_listener_settings one line is in force everywhere.
            let acl = conf.listeners.iter().rev().find_map(|l| l.acl_file.as_ref());
            let scoped = conf.per_listener_settings && wants(report, "acl-scope", |_| true);
            if let Some(acl) = acl.filter(|_| scoped && listener.acl_file.is_none()) {
                lines.push(("acl_file", acl.value.clone()));
            }
            if lines.is_empty() {
                continue;
            }
            if reach == Reach::Safe {
                desk.plan.held_back += 1;
                continue;
            }
            let why = format!(
                "listener {}: {}",
                listener.port,
                lines.iter().map(|(k, _)| *k).collect::<Vec<_>>().join(", ")
            );
            let change = AddLines { listener_line: listener.place.line, lines };
            let place = listener.place.clone();
            let with = edit::with(&meant, |l| l.place == place, &change);
            // Another broker that reads the same file has it already.
            let done = match made.contains(&(place.clone(), change.clone())) {
                true => Ok(()),
                false => add(desk, index, &place, &change, &with, why),
            };
            match done {
                Ok(()) => {
                    meant = with;
                    made.push((place, change.clone()));
                    if adds_tls {
                        tls.push((index, listener.port));
                        say_who_speaks_plaintext(desk, deployment, index, listener.port);
                    }
                    if change.lines.iter().any(|(k, _)| *k == "acl_file") {
                        say_who_is_not_in_the_acl(desk, broker, listener.port);
                    }
                }
                Err(reason) => {
                    let lines = change.lines.iter().map(|(k, v)| format!("{k} {v}")).collect();
                    desk.tell(place, reason, lines);
                }
            }
        }
    }
    tls
}

/// Adds lines to a file; kept only if the configuration with everything that it includes is then read as it is meant.
fn add(
    desk: &mut Desk<'_>,
    broker: usize,
    place: &Place,
    change: &AddLines,
    meant: &MosquittoConf,
    why: String,
) -> Result<(), String> {
    let file = desk.text(&place.file).ok_or_else(|| "the file cannot be read as text".to_owned())?;
    let edited = edit::add(&file.after, change)?;
    let old = std::mem::replace(&mut file.after, edited);
    let holds = desk.whole.is_read_as(&desk.edited(), broker, meant);
    if let Some(file) = desk.text(&place.file) {
        match holds {
            true => file.why.push(why),
            false => file.after = old,
        }
    }
    match holds {
        true => Ok(()),
        false => Err("with what the file includes, the lines would mean something else".to_owned()),
    }
}

fn wants(report: &Report, rule: &str, port: impl Fn(Option<u16>) -> bool) -> bool {
    report.findings.iter().any(|f| f.rule == rule && f.fix != Fix::None && port(f.listener))
}

/// The listener whose certificate the plaintext one takes: the nearest that has one.
fn model<'a>(conf: &'a MosquittoConf, listener: &ListenerConf) -> Option<&'a ListenerConf> {
    conf.listeners
        .iter()
        .filter(|l| l.certfile.is_some() && l.keyfile.is_some())
        .min_by_key(|l| l.place.line.abs_diff(listener.place.line))
}

fn tls_lines(model: &ListenerConf) -> Vec<(&'static str, String)> {
    let fields = [
        ("cafile", &model.cafile),
        ("certfile", &model.certfile),
        ("keyfile", &model.keyfile),
        ("tls_version", &model.tls_version),
    ];
    fields.into_iter().filter_map(|(k, f)| Some((k, f.as_ref()?.value.clone()))).collect()
}

fn say_who_speaks_plaintext(desk: &mut Desk<'_>, deployment: &Deployment, broker: usize, port: u16) {
    let mut who: Vec<String> = deployment
        .clients
        .iter()
        .filter(|c| c.broker == Some(broker) && c.broker_port == Some(port))
        .filter_map(|c| c.service.as_deref().map(escape))
        .collect();
    who.sort();
    who.dedup();
    let known = if who.is_empty() { "no client that is known here".to_owned() } else { who.join(", ") };
    desk.plan
        .cut_off
        .push(format!("listener {port}: whoever speaks plaintext to it; it is dialled by {known}"));
}

fn say_who_is_not_in_the_acl(desk: &mut Desk<'_>, broker: &Broker, port: u16) {
    let read = |f: fn(&Listener) -> &Option<HostFile>| {
        broker.listeners.iter().find_map(|l| desk.tree.read(f(l).as_ref()?.path()?).ok())
    };
    let users = read(|l| &l.password_file).map(|b| PasswordFile::parse(&b));
    let acl = read(|l| &l.acl_file).and_then(|b| Acl::parse(&b).ok());
    let text = match (users, acl) {
        (Some(users), Some(acl)) => {
            let named: BTreeSet<&str> = acl.users().collect();
            let cut: Vec<String> = users.users().filter(|u| !named.contains(u)).map(escape).collect();
            let patterns =
                if acl.has_patterns() { " (its patterns and general topics apply to them)" } else { "" };
            match cut.as_slice() {
                [] => {
                    format!("listener {port}: nobody by name; every user of the password file is in the ACL")
                }
                cut => {
                    format!("listener {port}: users that the ACL does not name{patterns}: {}", cut.join(", "))
                }
            }
        }
        _ => {
            format!("listener {port}: every user that the ACL does not name (the files cannot be read here)")
        }
    };
    desk.plan.cut_off.push(text);
}
