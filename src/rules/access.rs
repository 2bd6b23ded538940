//! Who gets in: anonymous access, password files, identity from certificates.

use super::context::{Context, Heard};
use super::keys::port;
use super::listener::is_published;
use super::project::Git;
use super::{Outcome, Rule};
use crate::deployment::HostFile;
use crate::finding::{Finding, Fix, Severity};
use crate::mosquitto::ListenerConf;
use crate::mosquitto::passwd::{DropReason, PasswordFile};
use crate::place::Place;

pub(super) const ANONYMOUS_ACCESS: Rule = Rule {
    id: "anonymous-access",
    severity: Severity::Error,
    what: "a listener lets everybody in without a password",
    why: "Whoever reaches the port may publish and read, as far as no ACL stops it.",
    cure: "`allow_anonymous false` and a password_file, below the listener if per_listener_settings is on",
    source: "mosquitto.conf(5), allow_anonymous",
    fix: Fix::Unsafe,
    check: anonymous,
};

pub(super) const PASSWORD_FILE: Rule = Rule {
    id: "password-file",
    severity: Severity::Error,
    what: "the password file is missing, empty, malformed or readable by others",
    why: "A line that is no hash of mosquitto_passwd is dropped: its user cannot log in. A file that others can read, \
          on the machine or in git, gives them the hashes to try; releases after 2.0 refuse one that every user of the \
          machine can read.",
    cure: "write it with mosquitto_passwd; owner 1883, mode 0600; keep it out of git",
    source: "mosquitto.conf(5), password_file; measured on 2.0.11",
    fix: Fix::None,
    check: password_file,
};

pub(super) const IDENTITY_WITHOUT_CERTIFICATE: Rule = Rule {
    id: "identity-without-certificate",
    severity: Severity::Error,
    what: "the user name comes from a client certificate that nobody is asked for",
    why: "Without `require_certificate true` Mosquitto asks no client for a certificate, finds none, and refuses \
          every login.",
    cure: "`require_certificate true` on the same listener",
    source: "mosquitto.conf(5), use_identity_as_username; measured on 2.0.11",
    fix: Fix::None,
    check: identity,
};

fn wants_certificate(conf: &ListenerConf) -> bool {
    conf.is_tls() && conf.require_certificate.as_ref().is_some_and(|r| r.value)
}

/// Listeners that one line opens, all alike.
struct Open {
    place: Place,
    service: Option<String>,
    ports: Vec<u16>,
    has_logins: bool,
    unrestricted: bool,
    published: bool,
}

fn anonymous(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut all: Vec<Open> = Vec::new();
    for heard in &context.heard {
        let Some(conf) = heard.conf else { continue };
        let open = conf.allow_anonymous && conf.plugins.is_empty() && !wants_certificate(conf);
        if !open || !conf.reaches_out() {
            continue;
        }
        let one = Open {
            place: conf.allow_anonymous_place.clone().unwrap_or_else(|| conf.place.clone()),
            service: context.service_of(heard.broker),
            ports: vec![conf.port],
            has_logins: conf.password_file.is_some(),
            unrestricted: conf.acl_file.is_none(),
            published: is_published(context, heard),
        };
        // One `allow_anonymous true` for every listener is one thing to mend.
        let alike = |o: &&mut Open| {
            (&o.place, &o.service, o.has_logins, o.unrestricted)
                == (&one.place, &one.service, one.has_logins, one.unrestricted)
        };
        match all.iter_mut().find(alike) {
            Some(known) => {
                known.published |= one.published;
                known.ports.extend(one.ports);
            }
            None => all.push(one),
        }
    }
    let found = all.into_iter().map(|open| {
        let ports: Vec<String> = open.ports.iter().map(u16::to_string).collect();
        let (listeners, lets, them) = if ports.len() == 1 {
            ("listener", "lets", "the port is")
        } else {
            ("listeners", "let", "ports are")
        };
        let mut message = format!("{listeners} {} {lets} everybody in without a password", ports.join(", "));
        if open.has_logins {
            message.push_str(", although a password_file is set");
        }
        if open.published {
            message.push_str(&format!("; {them} published on the host"));
        }
        Finding {
            severity: if open.has_logins && open.unrestricted { Severity::Error } else { Severity::Warning },
            listener: open.ports.first().copied().filter(|p| open.ports.len() == 1 && *p != 0),
            service: open.service,
            ..rule.finding(Some(open.place), message)
        }
    });
    Outcome::of_seen(!context.heard.is_empty(), found.collect())
}

fn password_file(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found = Vec::new();
    let mut done: Vec<&std::path::Path> = Vec::new();
    for heard in &context.heard {
        let Some(conf) = heard.conf else { continue };
        // What an included file that cannot be seen says about logins is not known.
        let is_said = conf.allow_anonymous_place.is_some() || context.release_is_known(heard.broker);
        if is_said && nobody_can_log_in(conf) && context.listeners_are_known(heard.broker) {
            let known = has_clients(context, heard);
            found.push(Finding {
                severity: if known { Severity::Error } else { Severity::Warning },
                listener: port(heard),
                service: context.service_of(heard.broker),
                ..rule.finding(
                    Some(conf.place.clone()),
                    format!(
                        "listener {} refuses anonymous clients and has no password_file: nobody can log in",
                        conf.port
                    ),
                )
            });
        }
        let Some(path) = heard.listener.password_file.as_ref().and_then(HostFile::path) else { continue };
        if done.contains(&path) {
            continue;
        }
        done.push(path);
        found.extend(judge_file(rule, context, heard, path));
    }
    Outcome::of_seen(!context.heard.is_empty(), found)
}

fn nobody_can_log_in(conf: &ListenerConf) -> bool {
    !conf.allow_anonymous
        && conf.password_file.is_none()
        && conf.plugins.is_empty()
        && conf.psk_hint.is_none()
        && !is_by_identity(conf)
}

/// Whether the user's name is taken from the client's certificate.
fn is_by_identity(conf: &ListenerConf) -> bool {
    let flags = [&conf.use_identity_as_username, &conf.use_subject_as_username];
    flags.iter().any(|f| f.as_ref().is_some_and(|f| f.value))
}

/// Whether a client is known that ends at this listener.
pub(super) fn has_clients(context: &Context<'_>, heard: &Heard<'_>) -> bool {
    context.clients().any(|(c, _)| {
        c.is_deployed() && context.listener_of(c).is_some_and(|h| std::ptr::eq(h.listener, heard.listener))
    })
}

fn judge_file(rule: &Rule, context: &Context<'_>, heard: &Heard<'_>, path: &std::path::Path) -> Vec<Finding> {
    let Ok(bytes) = context.tree.read(path) else { return Vec::new() };
    // Of several releases that may run, the one that takes most lines.
    let readings = context.versions(heard.broker).into_iter().map(|v| PasswordFile::parse_as(&bytes, v));
    let file = readings.min_by_key(|f| f.dropped.len()).unwrap_or_else(|| PasswordFile::parse(&bytes));
    let service = context.service_of(heard.broker);
    let at = |line: u32, severity: Severity, message: String| Finding {
        severity,
        service: service.clone(),
        ..rule.finding(Some(crate::place::Place::line(path, line)), message)
    };
    let mut found = Vec::new();
    for dropped in &file.dropped {
        let user = dropped.user.as_deref();
        let why = dropped.why.as_str();
        let costly = dropped.why == DropReason::TooCostly;
        let message = match user {
            Some(user) if costly => format!("every login of user {user} stops the broker for a while: {why}"),
            Some(user) => format!("Mosquitto drops the line of user {user}: {why}"),
            None => format!("Mosquitto drops this line: {why}"),
        };
        let logs_in = context.clients().any(|(c, _)| user.is_some() && c.user.as_deref() == user);
        let cut_off = logs_in && dropped.why != DropReason::NoColon && !costly;
        let severity = if cut_off { Severity::Error } else { Severity::Warning };
        found.push(at(dropped.line, severity, message));
    }
    // Where the certificate names the user, nobody is asked for a password (mosquitto.conf(5), use_identity_as_username).
    let by_password = |h: &&Heard<'_>| {
        h.listener.password_file.as_ref().and_then(HostFile::path) == Some(path)
            && h.conf.is_some_and(|c| !(is_by_identity(c) && wants_certificate(c)))
    };
    let refuses_anonymous = heard.conf.is_some_and(|c| !c.allow_anonymous && c.plugins.is_empty())
        && context.heard.iter().any(|h| by_password(&h));
    let all_dropped = file.dropped.iter().all(|d| d.why != DropReason::TooCostly);
    if file.users().next().is_none() && all_dropped && refuses_anonymous {
        let severity = if has_clients(context, heard) { Severity::Error } else { Severity::Warning };
        found.push(at(0, severity, "no user in it can log in".to_owned()));
    }
    let holds_hashes = file.users().next().is_some() || file.dropped.iter().any(|d| d.user.is_some());
    found.extend(
        readable_by(context, path)
            .filter(|_| holds_hashes)
            .map(|who| at(0, Severity::Warning, format!("{who} may read it, and try the hashes"))),
    );
    found
}

/// Who may read a file beside the broker. Git keeps no modes but the executable bit (gitformat-index(5)): a file that
/// comes from it is 0644 in every checkout, whatever it is where it is deployed; but it is in the repository.
fn readable_by(context: &Context<'_>, path: &std::path::Path) -> Option<&'static str> {
    let project = &context.project;
    let named = crate::tree::normalize(path);
    match &project.git {
        Git::Tracked(tracked) if tracked.contains(&named) => {
            Some("it is committed to git: everybody who has the repository")
        }
        Git::Looks if !project.is_ignored(&named) && context.is_in_project(&named) => {
            Some("no .gitignore keeps it out of git: everybody who gets the repository")
        }
        _ => context.tree.meta(path).is_ok_and(|m| m.mode & 0o004 != 0).then_some("everybody on the machine"),
    }
}

fn identity(rule: &Rule, context: &Context<'_>) -> Outcome {
    let mut found = Vec::new();
    let mut seen = false;
    for heard in &context.heard {
        let Some(conf) = heard.conf.filter(|c| c.is_tls()) else { continue };
        for (name, flag) in [
            ("use_identity_as_username", &conf.use_identity_as_username),
            ("use_subject_as_username", &conf.use_subject_as_username),
        ] {
            let Some(flag) = flag.as_ref().filter(|f| f.value) else { continue };
            seen = true;
            if wants_certificate(conf) || conf.psk_hint.is_some() {
                continue;
            }
            let severity = if has_clients(context, heard) { Severity::Error } else { Severity::Warning };
            found.push(Finding {
                severity,
                listener: port(heard),
                service: context.service_of(heard.broker),
                ..rule.finding(
                    Some(flag.place.clone()),
                    format!("{name} without require_certificate: listener {} refuses every login", conf.port),
                )
            });
        }
    }
    Outcome::of_seen(seen, found)
}
