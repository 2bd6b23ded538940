//! `mqttcert template`

use std::io::Write;
use std::path::Path;

use mqttcert::deployment::{Deployment, NameKind};
use mqttcert::mosquitto::Protocol;

use crate::args::{self, Output};
use crate::exit::{Answer, Outcome};
use crate::inputs;

/// What can be printed: name, text, what it is for.
const TEMPLATES: &[(&str, &str, &str)] = &[
    (
        "mosquitto.conf",
        include_str!("../../../../templates/mosquitto.conf"),
        "TLS, a login and an ACL on every listener",
    ),
    (
        "server.cnf",
        include_str!("../../../../templates/server.cnf"),
        "OpenSSL configuration with the names that clients dial",
    ),
    (
        "compose.override.yml",
        include_str!("../../../../templates/compose.override.yml"),
        "the CA and the flag for every client service",
    ),
    (
        "pre-deploy.sh",
        include_str!("../../../../templates/pre-deploy.sh"),
        "gates a deployment on check and rehearse",
    ),
    ("github.yml", include_str!("../../../../templates/github.yml"), "a GitHub Actions job"),
    (
        "mqttcert-renew.service",
        include_str!("../../../../templates/mqttcert-renew.service"),
        "a sandboxed systemd service that renews the certificate",
    ),
    (
        "mqttcert-renew.timer",
        include_str!("../../../../templates/mqttcert-renew.timer"),
        "the systemd timer that starts it every day",
    ),
    ("gitlab.yml", include_str!("../../../../templates/gitlab.yml"), "a GitLab CI job"),
];

/// Prints one template, filled with what was found, or lists them.
///
/// # Errors
/// Where no template has that name, or a flag names a file that cannot be read.
pub fn run(args: &args::Template, output: &Output) -> anyhow::Result<Answer> {
    let Some(name) = &args.template else {
        let list: String = TEMPLATES.iter().map(|(n, _, what)| format!("{n:<22}{what}\n")).collect();
        return Ok(Answer::new(list, Outcome::Holds));
    };
    let Some((_, text, _)) = TEMPLATES.iter().find(|(n, ..)| n == name) else {
        anyhow::bail!(
            "there is no template {:?}; `mqttcert template` lists them",
            mqttcert::name::escape(name)
        );
    };
    let found = match inputs::load(&args.inputs, &args.dir, output) {
        Ok(loaded) => Found::of(&loaded.deployment, &args.dir),
        // A project that has nothing yet is who a template is for.
        Err(_) if args.dir.is_dir() && args.inputs.compose.is_empty() && args.inputs.conf.is_none() => {
            if !output.quiet {
                let line =
                    format!("mqttcert: no deployment below {}: filled with examples", shown(&args.dir));
                let _ = writeln!(std::io::stderr().lock(), "{line}");
            }
            Found::example(&args.dir)
        }
        Err(error) => return Err(error),
    };
    Ok(Answer::new(fill(text, &found), Outcome::Holds))
}

/// What the templates are filled with.
struct Found {
    broker: String,
    dir: String,
    /// Names to be served, the best one first.
    names: Vec<String>,
    /// Port and whether it speaks websockets.
    listeners: Vec<(u16, bool)>,
    clients: Vec<String>,
}

impl Found {
    fn of(deployment: &Deployment, dir: &Path) -> Found {
        let example = Found::example(dir);
        let broker = deployment.brokers.first();
        let service = broker.and_then(|b| b.service.as_ref()).map(|s| s.value.clone());
        let mut names: Vec<String> = Vec::new();
        let dialled = deployment.clients.iter().map(|c| c.name.as_str().to_owned());
        let own = broker.into_iter().flat_map(|b| &b.names);
        let own =
            own.filter(|n| !matches!(n.kind, NameKind::HostNetwork)).map(|n| n.name.as_str().to_owned());
        for name in dialled.chain(own).chain(["localhost", "127.0.0.1", "::1"].map(str::to_owned)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut listeners: Vec<(u16, bool)> = broker
            .into_iter()
            .flat_map(|b| &b.listeners)
            .filter(|l| l.port != 0)
            .map(|l| (l.port, l.protocol == Protocol::Websockets))
            .collect();
        if listeners.is_empty() {
            listeners = example.listeners;
        }
        let mut clients: Vec<String> = deployment.clients.iter().filter_map(|c| c.service.clone()).collect();
        clients.sort();
        clients.dedup();
        if clients.is_empty() {
            clients = example.clients;
        }
        Found { broker: service.unwrap_or(example.broker), dir: example.dir, names, listeners, clients }
    }

    fn example(dir: &Path) -> Found {
        Found {
            broker: "mqtt".to_owned(),
            dir: shown(dir),
            names: ["mqtt", "localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec(),
            listeners: vec![(8883, false)],
            clients: vec!["client".to_owned()],
        }
    }

    fn sans(&self) -> String {
        let san = |name: &String| match name.parse::<std::net::IpAddr>() {
            Ok(address) => format!("IP:{address}"),
            Err(_) => format!("DNS:{}", plain(name)),
        };
        self.names.iter().map(san).collect::<Vec<_>>().join(", ")
    }
}

/// Replaces the marks; the lines from `#@each listener|client` to `#@end` are repeated.
fn fill(template: &str, found: &Found) -> String {
    let mut out = String::new();
    let mut lines = template.lines();
    while let Some(line) = lines.next() {
        let Some(what) = line.trim().strip_prefix("#@each ") else {
            out += &mark(line, found);
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|l| l.trim() != "#@end").collect();
        let each: Vec<[(&str, String); 2]> = match what {
            "listener" => found
                .listeners
                .iter()
                .map(|(port, websockets)| {
                    let protocol = if *websockets { "protocol websockets" } else { "protocol mqtt" };
                    [("@PORT@", port.to_string()), ("@PROTOCOL@", protocol.to_owned())]
                })
                .collect(),
            _ => found.clients.iter().map(|c| [("@SERVICE@", plain(c)), ("@NAME@", plain(c))]).collect(),
        };
        for marks in each {
            for line in &block {
                let line = marks.iter().fold((*line).to_owned(), |l, (m, v)| l.replace(m, v));
                out += &mark(&line, found);
            }
        }
    }
    out
}

fn mark(line: &str, found: &Found) -> String {
    let cn = found
        .names
        .iter()
        .find(|n| n.parse::<std::net::IpAddr>().is_err())
        .map_or("localhost", String::as_str);
    let filled = line
        .replace("@BROKER@", &plain(&found.broker))
        .replace("@CN@", &plain(cn))
        .replace("@SAN@", &found.sans())
        .replace("@QDIR@", &format!("\"{}\"", found.dir))
        .replace("@DIR@", &found.dir);
    filled + "\n"
}

/// A name as it may stand in any of the templates: what has a meaning to a shell, YAML or OpenSSL is left out.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '*' | ':')).collect()
}

/// A folder inside quotes of a shell or of YAML.
fn shown(dir: &Path) -> String {
    let text = dir.to_string_lossy();
    let safe = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | ' ' | '+' | '@' | ',');
    if text.chars().all(safe) { text.into_owned() } else { ".".to_owned() }
}
