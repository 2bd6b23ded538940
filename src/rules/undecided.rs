//! What could not be judged, and why.

use super::context::Context;
use crate::deployment::{Host, HostFile};
use crate::finding::NotDecided;

/// Everything that a rule would have needed and could not see.
pub(super) fn of(context: &Context<'_>) -> Vec<NotDecided> {
    let mut found = Vec::new();
    let mut add = |what: String, because: String| {
        let entry = NotDecided { what, because };
        if !found.contains(&entry) {
            found.push(entry);
        }
    };
    for broker in &context.deployment.brokers {
        // The deployment itself says it with the service's name.
        let said = context.undecided.iter().any(|n| n.what.starts_with("mosquitto.conf"));
        if let Some(why) = broker.conf_unknown.as_ref().filter(|_| !said) {
            add("mosquitto.conf".to_owned(), why.clone());
        }
        for (file, why) in broker.conf.iter().flat_map(|c| &c.unread) {
            add(format!("mosquitto.conf: include_dir {file}"), why.clone());
        }
    }
    for heard in &context.heard {
        let l = heard.listener;
        let tls = |file: &Option<HostFile>| file.clone().filter(|_| l.tls);
        for (what, file) in [
            ("certificate", tls(&l.certfile)),
            ("private key", tls(&l.keyfile)),
            ("CA file", tls(&l.cafile)),
            ("revocation list", tls(&l.crlfile)),
            ("Diffie-Hellman parameters", tls(&l.dhparamfile)),
            ("password file", l.password_file.clone()),
            ("ACL file", l.acl_file.clone()),
        ] {
            if let Some(why) = file.as_ref().and_then(unseen) {
                add(what.to_owned(), why);
            }
        }
    }
    found.extend(context.undecided.iter().cloned());
    found
}

fn unseen(file: &HostFile) -> Option<String> {
    match &file.host {
        Host::Missing(path) => Some(format!("{} is not there", path.display())),
        Host::Unknown(why) => Some(why.clone()),
        Host::At(_) | Host::Absent(_) => None,
    }
}
