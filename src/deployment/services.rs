//! Services, brokers and clients of one project.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::clients::{self, Seen, Sighting};
use super::code::Library;
use super::container::Container;
use super::names::Network;
use super::{
    Broker, Client, Deployment, Service, appsettings, brokers, dialect, join, merge, reach, redact, runs,
    stack,
};
use crate::compose::{self, Project, words};
use crate::finding::NotDecided;
use crate::tree::Tree;

/// Services, brokers and clients of one project.
pub(super) fn read(
    tree: &dyn Tree,
    project: &Project,
    conf: Option<&Path>,
    in_services: &mut HashSet<PathBuf>,
    out: &mut Deployment,
) {
    let containers: Vec<Container<'_>> = project.services.iter().map(|s| Container::new(tree, s)).collect();
    let mut found: Vec<Broker> = Vec::new();
    let mut broker_services: HashSet<&str> = HashSet::new();
    for container in &containers {
        let name = &container.service.name;
        if runs::is_mosquitto(container) {
            let again = out.brokers.iter().any(|b| b.service.as_ref() == Some(name));
            broker_services.insert(&name.value);
            let mut notes = Vec::new();
            let named = conf.filter(|_| found.is_empty());
            found.push(brokers::of_service(tree, container, named, &mut notes));
            if !again {
                out.not_decided.extend(notes);
            }
        } else if let Some(kind) = foreign_broker(container) {
            let because =
                format!("it runs {kind}, not Mosquitto; its configuration and clients are not judged");
            out.notes.push(NotDecided { what: format!("service {}", name.value), because });
        }
    }
    let services: Vec<&compose::Service> = project.services.iter().collect();
    let network = Network::new(&services, &mut found);
    let library = Library::new(tree);
    let mut clients: Vec<Client> = Vec::new();
    let is_broker = |c: &Container<'_>| broker_services.contains(c.service.name.value.as_str());
    let mut runs: Vec<reach::Run> = Vec::new();
    for container in &containers {
        if is_broker(container) || runs_nothing(container) {
            runs.push(reach::Run::nothing());
            continue;
        }
        let mut files = library.files(&container.code_roots(tree));
        let others = container.modules_of_others(tree);
        files.retain(|f| !others.iter().any(|module| f.path.starts_with(module)));
        in_services.extend(files.iter().map(|f| f.path.clone()));
        runs.push(reach::narrow(tree, container, files));
    }
    let started = reach::Started::of(&runs);
    for (container, run) in containers.iter().zip(runs) {
        if runs::only_migrates(&container.argv()) {
            continue;
        }
        let starts_code = run.starts_code();
        let files = started.without_others(run);
        let is_broker = is_broker(container);
        let mut environment = container.environment();
        appsettings::put_below(tree, &files, &mut environment);
        let argv: Vec<String> = container.argv().iter().flat_map(|a| words::split(a)).collect();
        let dialect = dialect::read(&files, &dialect::Setting { env: &environment, argv: &argv });
        let seen = Seen {
            tree,
            container,
            network: &network,
            env: &environment,
            files: &files,
            dialect: &dialect,
            is_broker,
            starts_code,
        };
        let mut sightings: Vec<Sighting> = clients::read(&seen);
        let name = &container.service.name;
        if let Some(broker) = found.iter().find(|b| b.service.as_ref() == Some(name)) {
            clients::bridge::read(broker, &mut sightings);
        }
        out.not_decided.extend(clients::unread::note(&seen, &sightings));
        if sightings.is_empty() {
            continue;
        }
        let told = stack::tell(container, &files, &dialect);
        let join = join::Join {
            tree,
            container,
            network: &network,
            brokers: &found,
            told: &told,
            settings: &out.settings,
            passes_on: told.0.is_empty() && files.iter().any(|f| f.language.has_libraries()),
            pins_tls_1_2: dialect.pins_tls_1_2(),
        };
        clients.extend(sightings.into_iter().filter_map(|s| join.client(s)));
    }
    let moved: Vec<usize> = found.into_iter().map(|broker| merge::broker(&mut out.brokers, broker)).collect();
    let key = |c: &Client| (c.service.clone(), c.name.as_str().to_owned());
    let mut known: HashMap<(Option<String>, String), Vec<usize>> = HashMap::new();
    for (at, client) in out.clients.iter().enumerate() {
        known.entry(key(client)).or_default().push(at);
    }
    for mut client in clients {
        client.broker = client.broker.and_then(|b| moved.get(b).copied());
        let alike = known.entry(key(&client)).or_default();
        let again =
            |at: &usize| out.clients.get(*at).is_some_and(|c| merge::same_client(&out.brokers, c, &client));
        if !alike.iter().any(again) {
            alike.push(out.clients.len());
            out.clients.push(client);
        }
    }
    let mut told: HashSet<_> = out.services.iter().map(|s| s.name.clone()).collect();
    let fresh: Vec<Service> = containers
        .iter()
        .filter(|c| told.insert(c.service.name.clone()))
        .map(|c| service_of(tree, c))
        .collect();
    out.services.extend(fresh);
}

/// Whether some service of the project runs another MQTT broker than Mosquitto.
pub(super) fn runs_another_broker(tree: &dyn Tree, project: &Project) -> bool {
    project.services.iter().any(|s| foreign_broker(&Container::new(tree, s)).is_some())
}

/// Another MQTT broker than Mosquitto.
fn foreign_broker(container: &Container<'_>) -> Option<&'static str> {
    let image = super::container::image_name(container.image()?).to_ascii_lowercase();
    let last = image.rsplit('/').next().unwrap_or(&image);
    ["emqx", "vernemq", "hivemq", "rabbitmq", "nanomq", "activemq", "artemis", "rumqttd", "mochi"]
        .into_iter()
        .find(|k| last.contains(k) || image.starts_with(&format!("{k}/")))
}

fn service_of(tree: &dyn Tree, container: &Container<'_>) -> Service {
    let s = container.service;
    Service {
        copied: container.put_into_image(tree),
        name: s.name.clone(),
        image: s.image.clone(),
        mounts: s.mounts.iter().map(redact::mount).collect(),
        environment: s.environment.iter().map(redact::variable).collect(),
        published: s.published.clone(),
        command: s.command.clone().map(|c| c.map(|w| redact::words(&w))),
        healthcheck: s.healthcheck.clone().map(|c| c.map(|w| redact::words(&w))),
        user: s.user,
        profiles: s.profiles.clone(),
    }
}

/// Whether a container's command runs none of its code: it prints a word, or waits.
fn runs_nothing(container: &Container<'_>) -> bool {
    let programs = runs::programs(&container.argv());
    let idle = |p: &String| {
        matches!(p.as_str(), "echo" | "exit" | "true" | ":" | "sh" | "bash" | "printf" | "sleep")
    };
    !programs.is_empty() && programs.iter().all(idle) && programs.iter().any(|p| !p.ends_with("sh"))
}
