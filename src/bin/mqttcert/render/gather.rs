//! From a judged project to what the formats of `check` show of it.

use std::path::{Path, PathBuf};

use mqttcert::cert::{self, Certificate};
use mqttcert::deployment::{Deployment, HostFile, Trust};
use mqttcert::finding::Report;
use mqttcert::judgement::Judgement;
use mqttcert::mosquitto::Protocol;
use mqttcert::tree::Tree;
use mqttcert::verdict::Verdict;

use super::project::{Broker, Dial, Life, Project, Verdict as Shown};

/// Everything that is shown of one project.
pub fn project(tree: &dyn Tree, deployment: &Deployment, report: &Report, verdict: &Verdict) -> Project {
    let conf = deployment.brokers.iter().find_map(|b| b.conf.as_ref()).map(|c| c.place.file.to_path_buf());
    Project {
        dir: deployment.dir.clone(),
        main_file: deployment.compose_files.first().cloned().or(conf),
        report: report.clone(),
        answer: Some(shown(verdict)),
        brokers: brokers(deployment),
        lives: lives(tree, deployment),
    }
}

fn shown(verdict: &Verdict) -> Shown {
    let dials = verdict.clients.iter().map(|c| {
        let leans: Vec<&str> = c.relies_on().iter().map(|l| l.as_str()).collect();
        let why = match (c.reasons().first(), &c.verify) {
            (Some(reason), _) => reason.detail.clone(),
            (None, Judgement::Unknown(because)) => because.clone(),
            (None, _) if leans.is_empty() => "accepts the certificate".to_owned(),
            (None, _) => format!("accepts, but relies on {}", leans.join(", ")),
        };
        Dial {
            who: c.client.service.clone().unwrap_or_else(|| c.client.via.to_owned()),
            to: match c.client.port {
                Some(port) => format!("{}:{port}", c.client.name),
                None => c.client.name.to_string(),
            },
            broker: c.client.broker.zip(c.client.broker_port.or(c.client.port)),
            stack: c.stack().map_or("unknown".to_owned(), |s| s.as_str().to_owned()),
            decision: c.decision.as_str(),
            why,
        }
    });
    Shown {
        decision: verdict.decision.as_str(),
        insecure: verdict.decision.insecure(),
        holds_until: verdict.holds_until,
        dials: dials.collect(),
    }
}

fn brokers(deployment: &Deployment) -> Vec<Broker> {
    let label = |b: &mqttcert::deployment::Broker| match (&b.service, &b.conf) {
        (Some(service), _) => service.value.clone(),
        (None, Some(conf)) => conf.place.file.to_string_lossy().into_owned(),
        (None, None) => "broker".to_owned(),
    };
    let word = |p: Protocol| if p == Protocol::Websockets { "websockets" } else { "mqtt" };
    deployment
        .brokers
        .iter()
        .map(|b| Broker {
            label: label(b),
            listeners: b.listeners.iter().map(|l| (l.port, l.tls, word(l.protocol))).collect(),
        })
        .collect()
}

fn lives(tree: &dyn Tree, deployment: &Deployment) -> Vec<Life> {
    let mut files: Vec<(&'static str, PathBuf)> = Vec::new();
    let mut add = |kind, file: Option<&HostFile>| {
        if let Some(path) = file.and_then(HostFile::path) {
            files.push((kind, path.to_owned()));
        }
    };
    for listener in deployment.brokers.iter().flat_map(|b| &b.listeners).filter(|l| l.tls) {
        add("server", listener.certfile.as_ref());
        add("ca", listener.cafile.as_ref());
    }
    for client in &deployment.clients {
        if let Trust::File(file) = &client.trust {
            add("ca", Some(file));
        }
    }
    let mut found: Vec<Life> = Vec::new();
    for (kind, path) in files {
        for life in certificates(tree, &path).iter().filter_map(|c| life(kind, &path, c)) {
            if !found.contains(&life) {
                found.push(life);
            }
        }
    }
    found
}

fn certificates(tree: &dyn Tree, path: &Path) -> Vec<Certificate> {
    tree.read(path).ok().and_then(|b| cert::load_pem(&b).ok()).unwrap_or_default()
}

fn life(kind: &'static str, path: &Path, c: &Certificate) -> Option<Life> {
    Some(Life {
        kind,
        subject: c.subject().display(),
        file: path.to_owned(),
        not_before: c.not_before()?,
        not_after: c.not_after()?,
    })
}
