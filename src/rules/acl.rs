//! ACL files: which listeners they reach, and whether they grant anything.

use super::access::has_clients;
use super::context::Context;
use super::keys::port;
use super::{Outcome, Rule};
use crate::deployment::HostFile;
use crate::finding::{Finding, Fix, Severity};
use crate::mosquitto::acl::Acl;
use crate::place::Place;

pub(super) const ACL_SCOPE: Rule = Rule {
    id: "acl-scope",
    severity: Severity::Error,
    what: "the acl_file reaches only some of the listeners",
    why: "With `per_listener_settings true` an acl_file belongs to the `listener` line above it. On the other \
          listeners everybody who logs in may publish and read everything.",
    cure: "repeat the line under each listener (`check --unsafe-fixes` does; device users not in the ACL will be cut off)",
    source: "mosquitto.conf(5), per_listener_settings; measured on 2.0.11 by publishing",
    fix: Fix::Unsafe,
    check: scope,
};

pub(super) const ACL_EMPTY: Rule = Rule {
    id: "acl-empty",
    severity: Severity::Error,
    what: "the acl_file grants nothing",
    why: "An empty ACL denies everything: clients connect and subscribe, but no message arrives anywhere.",
    cure: "grant what is needed (`user NAME`, `topic readwrite …`), or take the acl_file line out",
    source: "measured on 2.0.11",
    fix: Fix::None,
    check: empty,
};

fn scope(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found = Vec::new();
    let mut seen = false;
    for (index, broker) in context.deployment.brokers.iter().enumerate() {
        let Some(conf) = broker.conf.as_ref().filter(|c| c.per_listener_settings) else { continue };
        seen = true;
        let open: Vec<u16> = conf
            .listeners
            .iter()
            .filter(|l| l.acl_file.is_none() && l.plugins.is_empty() && l.reaches_out())
            .map(|l| l.port)
            .collect();
        let Some(last) = conf.listeners.iter().rfind(|l| l.acl_file.is_some()) else { continue };
        let Some(line) = last.acl_file.as_ref().filter(|_| !open.is_empty()) else { continue };
        // One line behind the last listener was most likely meant for all; anything else may be on purpose.
        let covered: Vec<u16> =
            conf.listeners.iter().filter(|l| l.acl_file.is_some()).map(|l| l.port).collect();
        let is_last = conf.listeners.iter().all(|l| l.place.line <= last.place.line);
        let list = |ports: &[u16]| ports.iter().map(u16::to_string).collect::<Vec<_>>().join(" and ");
        found.push(Finding {
            severity: if is_last && covered.len() == 1 { Severity::Error } else { Severity::Warning },
            listener: Some(last.port),
            service: context.service_of(index),
            ..rule.finding(
                Some(line.place.clone()),
                format!(
                    "acl_file applies to listener {} only; {} may publish and read everything",
                    list(&covered),
                    list(&open)
                ),
            )
        });
    }
    Outcome::of_seen(seen, found)
}

fn empty(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found: Vec<Finding> = Vec::new();
    let mut seen = false;
    for heard in &context.heard {
        let Some(path) = heard.listener.acl_file.as_ref().and_then(HostFile::path) else { continue };
        let Some(acl) = context.tree.read(path).ok().and_then(|b| Acl::parse(&b).ok()) else { continue };
        seen = true;
        if !acl.grants_nothing() || found.iter().any(|f| f.place == Some(Place::file(path))) {
            continue;
        }
        found.push(Finding {
            severity: if has_clients(context, heard) { Severity::Error } else { Severity::Warning },
            listener: port(heard),
            service: context.service_of(heard.broker),
            ..rule.finding(Some(Place::file(path)), "it grants nothing: no message is delivered to anybody")
        });
    }
    Outcome::of_seen(seen, found)
}
