//! The corpus: small deployments below `compose-fixtures/`, each with an `expect.toml` written by hand that says who
//! serves what and who dials what.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use mqttcert::deployment::{ClientCertificate, Deployment, FlagEffect, Given, Transport, Trust, discover};
use mqttcert::disk::DiskTree;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    /// What the scenario is about.
    #[allow(dead_code)]
    about: String,
    /// Profiles to choose.
    #[serde(default)]
    profiles: Vec<String>,
    /// Compose files to choose.
    #[serde(default)]
    compose: Vec<PathBuf>,
    #[serde(default)]
    broker: Vec<Broker>,
    #[serde(default)]
    client: Vec<Client>,
    /// Words that must stand in what was not decided, or in the notes.
    #[serde(default)]
    not_decided: Vec<String>,
    /// What the rules must say; `tests/it` of the rules reads it.
    #[serde(default)]
    #[allow(dead_code)]
    finding: Vec<toml::Value>,
    /// What the verdict must be; its own tests read it.
    #[serde(default)]
    #[allow(dead_code)]
    verdict: Option<toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Broker {
    service: Option<String>,
    conf: Option<String>,
    conf_unknown: Option<String>,
    #[serde(default)]
    names: Vec<String>,
    listeners: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Client {
    service: Option<String>,
    name: String,
    port: Option<u16>,
    file: Option<String>,
    line: Option<u32>,
    via: Option<String>,
    transport: Option<String>,
    stack: Option<String>,
    trust: Option<String>,
    flag: Option<String>,
    insecure: Option<bool>,
    effect: Option<String>,
    verifies: Option<String>,
    user: Option<String>,
    /// Whether it presents a client certificate.
    certificate: Option<bool>,
    broker: Option<String>,
    broker_port: Option<u16>,
}

pub fn scenarios() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("compose-fixtures");
    let mut found = Vec::new();
    let mut todo = vec![root];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if path.file_name().unwrap() == "expect.toml" {
                found.push(dir.clone());
            }
        }
    }
    found.sort();
    found
}

fn found(dir: &Path, expect: &Expect) -> Deployment {
    let tree = DiskTree::new([dir]).unwrap();
    let given = Given {
        profiles: expect.profiles.clone(),
        compose_files: expect.compose.iter().map(|f| dir.join(f)).collect(),
        ..Given::default()
    };
    discover(&tree, dir, &given).unwrap_or_else(|e| panic!("{}: {e}", dir.display()))
}

fn relative(dir: &Path, path: &Path) -> String {
    path.strip_prefix(dir).unwrap_or(path).display().to_string()
}

fn transport(t: Transport) -> &'static str {
    match t {
        Transport::Tls => "tls",
        Transport::Plain => "plain",
        Transport::Unknown => "unknown",
    }
}

fn effect(e: FlagEffect) -> &'static str {
    match e {
        FlagEffect::Hostname => "hostname",
        FlagEffect::Everything => "everything",
        FlagEffect::Nothing => "nothing",
    }
}

fn trust(t: &Trust) -> String {
    match t {
        Trust::File(f) => f.named.value.clone(),
        Trust::System => "system".into(),
        Trust::Unknown => "unknown".into(),
        Trust::None => "none".into(),
    }
}

fn stacks(c: &mqttcert::deployment::Client) -> String {
    c.stacks.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(",")
}

/// A deployment as a person would list it.
fn listing(dir: &Path, d: &Deployment) -> String {
    let mut out = String::new();
    for b in &d.brokers {
        let service = b.service.as_ref().map_or("-", |s| s.value.as_str());
        let names: Vec<_> = b.names.iter().map(|n| n.name.to_string()).collect();
        let conf = b.conf.as_ref().map(|c| relative(dir, &c.place.file));
        out += &format!("broker {service} names {names:?} conf {conf:?} unknown {:?}\n", b.conf_unknown);
        for l in &b.listeners {
            let cert = l.certfile.as_ref().map(|f| format!("{:?}", f.host));
            out += &format!("  listener {} tls {} {cert:?}\n", l.port, l.tls);
        }
    }
    for c in &d.clients {
        let place = c.place.as_ref().map(|p| format!("{}:{}", relative(dir, &p.file), p.line));
        out += &format!(
            "client {:?} {}:{:?} {} {} [{}] trust {} flag {:?} user {:?} broker {:?}:{:?} {} ({:?})\n",
            c.service.as_deref().unwrap_or("-"),
            c.name,
            c.port,
            c.via,
            transport(c.transport),
            stacks(c),
            trust(&c.trust),
            c.flag.as_ref().map(|f| (&f.spelling, &f.value, f.insecure_now, effect(f.effect))),
            c.user,
            c.broker,
            c.broker_port,
            place.unwrap_or_default(),
            c.stack_evidence,
        );
    }
    for n in &d.notes {
        out += &format!("note: {}: {}\n", n.what, n.because);
    }
    for n in &d.not_decided {
        out += &format!("not decided: {}: {}\n", n.what, n.because);
    }
    out
}

fn differences(dir: &Path, expect: &Expect, d: &Deployment) -> Vec<String> {
    let mut out = Vec::new();
    let have: BTreeSet<_> = d.brokers.iter().map(|b| b.service.as_ref().map(|s| s.value.clone())).collect();
    let want: BTreeSet<_> = expect.broker.iter().map(|b| b.service.clone()).collect();
    if have != want {
        out.push(format!("brokers: {have:?} instead of {want:?}"));
    }
    for b in &expect.broker {
        let Some(got) = d.brokers.iter().find(|g| g.service.as_ref().map(|s| &s.value) == b.service.as_ref())
        else {
            continue;
        };
        let conf = got.conf.as_ref().map(|c| relative(dir, &c.place.file));
        if b.conf.is_some() && b.conf != conf {
            out.push(format!("conf of {:?}: {conf:?} instead of {:?}", b.service, b.conf));
        }
        if let Some(why) = &b.conf_unknown
            && !got.conf_unknown.as_ref().is_some_and(|g| g.contains(why.as_str()))
        {
            out.push(format!("conf_unknown of {:?}: {:?} lacks {why:?}", b.service, got.conf_unknown));
        }
        for name in &b.names {
            if !got.names.iter().any(|n| n.name.as_str() == name) {
                out.push(format!("broker {:?} lacks the name {name}", b.service));
            }
        }
        if let Some(list) = &b.listeners {
            let got: Vec<String> = got
                .listeners
                .iter()
                .map(|l| format!("{} {}", l.port, if l.tls { "tls" } else { "plain" }))
                .collect();
            if *list != got {
                out.push(format!("listeners of {:?}: {got:?} instead of {list:?}", b.service));
            }
        }
    }
    let key = |service: &Option<String>, name: &str| format!("{}→{name}", service.as_deref().unwrap_or("-"));
    let have: BTreeSet<_> = d.clients.iter().map(|c| key(&c.service, c.name.as_str())).collect();
    let want: BTreeSet<_> = expect.client.iter().map(|c| key(&c.service, &c.name)).collect();
    for missing in want.difference(&have) {
        out.push(format!("client {missing} is not found"));
    }
    for surplus in have.difference(&want) {
        out.push(format!("client {surplus} is nobody"));
    }
    for c in &expect.client {
        let candidates: Vec<_> =
            d.clients.iter().filter(|g| g.service == c.service && g.name.as_str() == c.name).collect();
        let Some(got) = candidates
            .iter()
            .find(|g| c.line.is_none() || g.place.as_ref().map(|p| p.line) == c.line)
            .or(candidates.first())
        else {
            continue;
        };
        let who = key(&c.service, &c.name);
        let mut same = |what: &str, want: Option<String>, got: String| {
            if want.as_ref().is_some_and(|w| *w != got) {
                out.push(format!("{who}: {what} is {got}, not {}", want.unwrap()));
            }
        };
        same("port", c.port.map(|p| p.to_string()), got.port.map_or("none".into(), |p| p.to_string()));
        same("file", c.file.clone(), got.place.as_ref().map_or(String::new(), |p| relative(dir, &p.file)));
        same("line", c.line.map(|l| l.to_string()), got.place.as_ref().map_or(0, |p| p.line).to_string());
        same("via", c.via.clone(), got.via.to_owned());
        same("transport", c.transport.clone(), transport(got.transport).to_owned());
        same("stack", c.stack.clone(), stacks(got));
        same("trust", c.trust.clone(), trust(&got.trust));
        same("flag", c.flag.clone(), got.flag.as_ref().map_or("none".into(), |f| f.spelling.clone()));
        same(
            "insecure",
            c.insecure.map(|b| b.to_string()),
            got.flag.as_ref().is_some_and(|f| f.insecure_now).to_string(),
        );
        same(
            "effect",
            c.effect.clone(),
            got.flag.as_ref().map_or("none".into(), |f| effect(f.effect).to_owned()),
        );
        same(
            "verifies",
            c.verifies.clone(),
            got.verifies_name.as_ref().map_or(String::new(), ToString::to_string),
        );
        same(
            "certificate",
            c.certificate.map(|b| b.to_string()),
            got.client_certificate
                .as_ref()
                .map_or("unknown".into(), |c| (*c != ClientCertificate::None).to_string()),
        );
        same("user", c.user.clone(), got.user.clone().unwrap_or_default());
        let broker = got.broker.and_then(|b| d.brokers.get(b)).and_then(|b| b.service.as_ref());
        same("broker", c.broker.clone(), broker.map_or("none".into(), |s| s.value.clone()));
        same(
            "broker_port",
            c.broker_port.map(|p| p.to_string()),
            got.broker_port.map_or("none".into(), |p| p.to_string()),
        );
    }
    for words in &expect.not_decided {
        if !d
            .not_decided
            .iter()
            .chain(&d.notes)
            .any(|n| n.what.contains(words.as_str()) || n.because.contains(words.as_str()))
        {
            out.push(format!("not_decided lacks {words:?}"));
        }
    }
    out
}

#[test]
fn every_scenario_is_read_as_its_expectation_says() {
    let mut wrong = String::new();
    let list = scenarios();
    for dir in &list {
        let text = fs::read_to_string(dir.join("expect.toml")).unwrap();
        let expect: Expect = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
        let deployment = found(dir, &expect);
        let differences = differences(dir, &expect, &deployment);
        if !differences.is_empty() {
            wrong += &format!(
                "\n{}:\n  {}\n{}",
                dir.display(),
                differences.join("\n  "),
                listing(dir, &deployment)
            );
        }
    }
    println!("{} scenarios", list.len());
    assert!(wrong.is_empty(), "{wrong}");
}
