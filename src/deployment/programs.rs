//! Programs of the project that no service runs: where no container dials the broker, those beside it do, through a
//! published port.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::clients::{self, Seen, Sighting};
use super::code::{File, Language, Library};
use super::container::Container;
use super::names::Network;
use super::{
    Broker, Client, Deployment, Host, HostFile, Transport, VIA_PROGRAM, appsettings, brokers, dialect, join,
    merge, reach, stack,
};
use crate::compose::{self, EnvVar, dotenv};
use crate::place::{Located, Place};
use crate::tree::{Tree, normalize};

/// More programs than this in one project are a library's examples.
const MAX_PROGRAMS: usize = 40;

/// Reads them, where the services leave every broker without a client.
pub(super) fn read(tree: &dyn Tree, dir: &Path, in_services: &HashSet<PathBuf>, out: &mut Deployment) {
    // A bare mosquitto.conf runs on the machine itself.
    let reachable =
        out.brokers.iter().any(|b| b.service.is_none() || b.published.iter().any(|p| p.host.is_some()));
    let own = |c: &Client| c.via.contains("healthcheck");
    if !reachable || out.clients.iter().any(|c| c.broker.is_some() && !own(c)) {
        return;
    }
    let library = Library::new(tree);
    let root = normalize(dir);
    let all = reach::without_tests(library.files(&[(root.clone(), "/".into())]), &[]);
    // What a folder holds goes together: the program, its settings, its list of packages.
    let mut folders: BTreeMap<PathBuf, Vec<Rc<File>>> = BTreeMap::new();
    for file in all.into_iter().filter(|f| f.language == Language::Data || !in_services.contains(&f.path)) {
        let below = file.path.strip_prefix(&root).unwrap_or(&file.path);
        let first = if below.components().count() > 1 { below.iter().next() } else { None };
        folders.entry(first.map_or_else(|| root.clone(), |f| root.join(f))).or_default().push(file);
    }
    let mut found: Vec<Client> = Vec::new();
    for (folder, files) in folders {
        if files.iter().filter(|f| f.language != Language::Data).any(|f| stack::uses_library(f)) {
            found.extend(of_folder(tree, &folder, &files, out));
        }
    }
    if found.len() <= MAX_PROGRAMS {
        out.clients.extend(found);
    }
}

fn of_folder(tree: &dyn Tree, folder: &Path, files: &[Rc<File>], out: &Deployment) -> Vec<Client> {
    let name = Located::new(String::new(), Place::file(folder));
    let service = compose::Service::bare(name);
    let container = Container::new(tree, &service);
    let network = Network::of_brokers(&out.brokers);
    let mut env = variables(tree, folder, files);
    appsettings::put_below(tree, files, &mut env);
    let dialect = dialect::read(files, &dialect::Setting { env: &env, argv: &[] });
    let seen = Seen {
        tree,
        container: &container,
        network: &network,
        env: &env,
        files,
        dialect: &dialect,
        is_broker: false,
        starts_code: false,
    };
    let mut sightings: Vec<Sighting> = Vec::new();
    clients::env::read(&seen, &mut sightings);
    clients::literal::read(&seen, &mut sightings);
    let told = stack::tell(&container, files, &dialect);
    let join = join::Join {
        tree,
        container: &container,
        network: &network,
        brokers: &out.brokers,
        told: &told,
        settings: &out.settings,
        passes_on: false,
        pins_tls_1_2: dialect.pins_tls_1_2(),
    };
    let mut found: Vec<Client> = Vec::new();
    for sighting in sightings {
        let Some(mut client) = join.client(sighting).filter(|c| fits(c, &out.brokers)) else { continue };
        client.service = None;
        client.via = VIA_PROGRAM;
        if let (super::Trust::File(HostFile { named, host }), Some(place)) =
            (&mut client.trust, &client.place)
        {
            *host = match brokers::by_layout(tree, folder, &place.file, &named.value) {
                Host::Unknown(_) => Host::Unknown(
                    "it is not beside the configuration, and no compose file says where it is".into(),
                ),
                host => host,
            };
        }
        if !found.iter().any(|c| merge::same_client(&out.brokers, c, &client)) {
            found.push(client);
        }
    }
    found
}

/// Whether a program could talk to the broker: one that could not may belong to another one, or to an older state.
fn fits(client: &Client, brokers: &[Broker]) -> bool {
    let Some(broker) = client.broker.and_then(|b| brokers.get(b)) else { return false };
    let listener = broker.listeners.iter().find(|l| Some(l.port) == client.broker_port);
    match listener {
        Some(l) => client.transport == Transport::Unknown || l.tls == (client.transport == Transport::Tls),
        None => broker.listeners.is_empty(),
    }
}

/// What the `.env` files beside the programs set.
fn variables(tree: &dyn Tree, folder: &Path, files: &[Rc<File>]) -> Vec<EnvVar> {
    let mut folders: Vec<&Path> = vec![folder];
    folders.extend(files.iter().filter_map(|f| f.path.parent()));
    folders.sort_by_key(|f| f.components().count());
    folders.dedup();
    let path = folders.iter().map(|f| normalize(&f.join(".env"))).find(|p| tree.exists(p));
    let Some((path, bytes)) = path.and_then(|p| Some((p.clone(), tree.read(&p).ok()?))) else {
        return Vec::new();
    };
    dotenv::parse(&String::from_utf8_lossy(&bytes), &path, &|_| None)
        .into_iter()
        .map(|line| EnvVar { key: line.key, value: line.value, place: line.place, from_env_file: true })
        .collect()
}
