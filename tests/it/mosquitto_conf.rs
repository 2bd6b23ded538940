//! mosquitto.conf against the real Mosquitto: does it start, is a listener TLS or plaintext, may a client log in, and
//! does an ACL bind it. Hand-made confs and confs from a seeded generator; no difference is allowed.

mod cases;
mod real;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use mqttcert::disk::DiskTree;
use mqttcert::mosquitto::passwd::PasswordFile;
use mqttcert::mosquitto::serving::{self, FileView, ListenerFiles, Start};
use mqttcert::mosquitto::{self, ListenerConf, Protocol, Version};
use mqttcert::place::Located;
use mqttcert::tree::Tree;

use real::{Bench, Listener, Outcome};

/// Changing it changes every generated conf; MQTTCERT_CONF_SEED=N tries another.
const SEED: u64 = 0x6d71_7474_6365_7274;
const GENERATED: usize = 260;

/// What ours says of a conf.
fn ours(path: &std::path::Path) -> Outcome {
    let tree = DiskTree::new([path.parent().unwrap()]).unwrap();
    let resolve = |p: &str| Some(std::path::PathBuf::from(p));
    let conf = mosquitto::read_as(&tree, path, &resolve, Version::DEBIAN_12);
    let view = |file: &Option<Located<String>>| {
        file.as_ref().map(|f| match tree.read(f.value.as_ref()) {
            Ok(bytes) => FileView::Here(bytes),
            Err(_) => FileView::Missing,
        })
    };
    let mut why: Vec<String> =
        conf.refusals.iter().map(|r| format!("{}: {}", r.place.line, r.message)).collect();
    let mut listeners = Vec::new();
    // A listener with port 0 is a socket in the file system: nothing dials it here.
    for l in conf.listeners.iter().filter(|l| l.port != 0) {
        let files = ListenerFiles {
            certfile: view(&l.certfile),
            keyfile: view(&l.keyfile),
            cafile: view(&l.cafile),
            crlfile: view(&l.crlfile),
            dhparamfile: view(&l.dhparamfile),
            password_file: view(&l.password_file),
            acl_file: view(&l.acl_file),
        };
        let serving = serving::judge(l, &files);
        match &serving.start {
            Start::Yes => {}
            Start::No(all) => why.extend(all.iter().map(|o| o.message.clone())),
            Start::Unknown(what) => panic!("undecided with every file there: {what}"),
        }
        listeners.push(expected(l, serving.tls, files.password_file.as_ref()));
    }
    // Every file that exists is here: what could not be read is not there.
    why.extend(conf.unread.iter().map(|(file, because)| format!("{file}: {because}")));
    listeners.sort();
    if why.is_empty() { Outcome::Starts(listeners) } else { Outcome::Refuses(why.join("; ")) }
}

fn expected(l: &ListenerConf, tls: bool, passwords: Option<&FileView>) -> Listener {
    let is_on = |flag: &Option<Located<bool>>| flag.as_ref().is_some_and(|f| f.value);
    let by_identity = is_on(&l.use_identity_as_username) || is_on(&l.use_subject_as_username);
    let wants = is_on(&l.require_certificate) && tls;
    let mqtt = l.protocol == Protocol::Mqtt;
    let known = match passwords {
        Some(FileView::Here(bytes)) => PasswordFile::parse(bytes).accepts("seven", b"geheim"),
        _ => l.allow_anonymous,
    };
    let login = mqtt && !wants && !(by_identity && tls) && known;
    Listener { port: l.port, tls, login, acl: login && l.acl_file.is_some() }
}

#[test]
fn reads_confs_as_the_real_mosquitto_does() {
    let Some(bench) = Bench::new() else {
        crate::peers::skip(
            "reads_confs_as_the_real_mosquitto_does",
            "no mosquitto 2.0.11 (Debian 12) is here",
        );
        return;
    };
    let seed = std::env::var("MQTTCERT_CONF_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(SEED);
    let confs: Vec<String> = cases::by_hand().into_iter().chain(cases::generated(seed, GENERATED)).collect();
    let next = AtomicUsize::new(0);
    let counts: Mutex<BTreeMap<String, usize>> = Mutex::default();
    let differences: Mutex<Vec<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(text) = confs.get(index) else { break };
                    let (path, text) = bench.write(index, text);
                    let expected = ours(&path);
                    let Some(found) = bench.run(&path, &expected) else {
                        *counts.lock().unwrap().entry("not run: port 1883 is taken".into()).or_default() += 1;
                        continue;
                    };
                    *counts.lock().unwrap().entry(found.kind()).or_default() += 1;
                    if !found.agrees(&expected) {
                        let text = text.replace('\t', "<TAB>").replace('\r', "<CR>");
                        differences.lock().unwrap().push(format!(
                            "conf {index}:\n{text}\n  ours: {expected:?}\n  real: {found:?}\n"
                        ));
                    }
                }
            });
        }
    });
    println!("seed {seed:#x}, {} confs:", confs.len());
    for (kind, count) in counts.lock().unwrap().iter() {
        println!("  {count:4}  {kind}");
    }
    let differences = differences.into_inner().unwrap();
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}
