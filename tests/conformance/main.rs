//! The verdict against the real clients: every case is served on loopback, every client that is installed dials it
//! under every name and for the chain alone, and what it did is compared with what `stacks::judge` says.
//!
//! `make test` runs the quick half, and compares the verdict with all of `results.txt`. `make conformance` (`MQTTCERT_CONFORMANCE=all`) runs everything and
//! writes `results.txt` beside this file; git shows the difference. `MQTTCERT_MERGE=1` with a choice of cases or stacks
//! measures these and leaves the rest of the file as it was; a slow client that is named is asked everything. `known.txt` lists divergences that are explained;
//! one that no longer occurs fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod clients;
mod recipes;
mod results;
mod rustls_client;
mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::thread;

use mqttcert::stack_id::StackId;

use crate::clients::Client;
use crate::recipes::Case;
use crate::results::{Results, Table};

/// A case that is being served.
struct Served {
    case: Case,
    port: u16,
    trust: PathBuf,
}

#[test]
fn real_clients_do_what_the_verdict_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let everything = std::env::var("MQTTCERT_CONFORMANCE").is_ok_and(|v| v == "all");
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance");
    let built = root.join("target/conformance-drivers");
    let status = Command::new(root.join("tests/conformance/drivers/build")).arg(&built).status().unwrap();
    assert!(status.success());
    let (clients, missing) = clients::all(root, &built, &scratch);
    for (stack, why) in &missing {
        skipped(&format!("conformance {stack}"), why);
    }
    let cases = recipes::all(1);
    // For work on one rule: `MQTTCERT_CASES=twice- MQTTCERT_STACKS=java,curl` measures only these and writes nothing.
    let listed = |variable: &str| {
        let value = std::env::var(variable).unwrap_or_default();
        value.split(',').filter(|w| !w.is_empty()).map(str::to_owned).collect::<Vec<String>>()
    };
    let (prefixes, stacks) = (listed("MQTTCERT_CASES"), listed("MQTTCERT_STACKS"));
    let part = !prefixes.is_empty() || !stacks.is_empty();
    let wanted = |case: &Case| {
        let named = prefixes.is_empty() || prefixes.iter().any(|p| case.id.starts_with(p.as_str()));
        named && (everything || case.quick)
    };
    let mut openssl = server::OpensslServer::start(&root.join("tests/conformance/drivers/server.py"));
    if openssl.is_none() {
        skipped("conformance of names that rustls refuses as server", "python3 is not installed");
    }
    let file = root.join("tests/conformance/results.txt");
    let before = fs::read_to_string(&file).unwrap_or_default();
    let columns: Vec<(StackId, String)> = clients.iter().map(|c| (c.stack, c.version.clone())).collect();
    let slow: Vec<(StackId, String)> =
        clients.iter().filter(|c| c.slow).map(|c| (c.stack, c.version.clone())).collect();
    let every = recipes::all(1);
    let served = Arc::new(serve(cases.into_iter().filter(wanted).collect(), &scratch, openssl.as_mut()));
    let clients = clients
        .into_iter()
        .filter(|c| everything || !c.slow)
        .filter(|c| stacks.is_empty() || stacks.iter().any(|s| s == c.stack.as_str()));
    let runs: Vec<_> =
        clients.map(|client| ask_everything(client, Arc::clone(&served), !stacks.is_empty())).collect();
    let tables: Vec<Table> = runs.into_iter().map(|run| run.join().unwrap()).collect();
    let results = Results::new(served.iter().map(|s| &s.case), tables);
    let differences = results.differences(&root.join("tests/conformance/known.txt"), everything && !part);
    if part && std::env::var("MQTTCERT_MERGE").is_ok_and(|v| v == "1") {
        fs::write(&file, results.merged_into(&before, every.iter(), &columns).text(&missing)).unwrap();
    } else if part {
        eprintln!("{}", results.text(&missing));
    } else if everything {
        // What a slow client of the same version said when it was asked by its name stays.
        let earlier = results::of_versions(&before, &slow);
        fs::write(&file, results.merged_into(&earlier, every.iter(), &columns).text(&missing)).unwrap();
    }
    eprintln!("{}", results.summary());
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn the_verdict_agrees_with_everything_that_was_measured() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let results = measured();
    let differences = results.differences(&folder.join("known.txt"), true);
    eprintln!("{}", results.summary());
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

/// What `results.txt` holds, with the verdicts: made once for all tests of this run.
fn measured() -> &'static Results<'static> {
    static MEASURED: OnceLock<Results<'static>> = OnceLock::new();
    MEASURED.get_or_init(|| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/results.txt");
        let cases: &'static [Case] = recipes::all(1).leak();
        Results::read(&fs::read_to_string(file).unwrap(), cases.iter())
    })
}

/// Names that a stack cannot dial, whatever the certificate says.
const CANNOT_DIAL: &[(&str, &str, &str)] = &[
    ("java", "iot_mqtt", "SNIHostName and the URL parser refuse an underscore"),
    ("paho-java", "iot_mqtt", "SNIHostName refuses an underscore"),
    ("paho-java", "::1", "SNIHostName refuses a colon"),
    ("paho-c", "::1", "Paho C 1.3 compares four octets only"),
    ("mbedtls-2", "127.0.0.1", "Mbed TLS 2.28 reads no iPAddress"),
    ("mbedtls-2", "::1", "Mbed TLS 2.28 reads no iPAddress"),
    ("bearssl", "127.0.0.1", "BearSSL reads no iPAddress"),
    ("bearssl", "::1", "BearSSL reads no iPAddress"),
    ("wolfssl", "::1", "wolfSSL 5.5 compares an IPv6 address as text only"),
    ("erlang", "127.0.0.1", "ssl takes an address given as text for a host name"),
    ("erlang", "::1", "ssl takes an address given as text for a host name"),
];

#[test]
fn what_reissue_makes_is_accepted_by_every_client_for_every_name_that_it_can_dial() {
    let answers = measured().answers("reissued-");
    let refused: Vec<_> = answers
        .iter()
        .filter(|(stack, _, name, accepts)| {
            !accepts && !CANNOT_DIAL.iter().any(|(s, n, _)| s == stack && n == name)
        })
        .collect();
    assert!(answers.len() > 500, "only {} answers were measured", answers.len());
    assert!(refused.is_empty(), "{refused:?}");
}

#[test]
fn a_renewed_ca_cuts_nobody_off_and_lets_strict_clients_in() {
    let answers = measured().answers("renewed-");
    assert!(answers.len() > 250, "only {} answers were measured", answers.len());
    let accepts = |stack: &str, name: &str, case: String| {
        answers.iter().find(|(s, c, n, _)| *s == stack && *n == name && *c == case).is_some_and(|a| a.3)
    };
    for (stack, case, name, before) in answers.iter().filter(|a| a.1.ends_with("-old-leaf-old-ca")) {
        let kind = case.trim_end_matches("-old-leaf-old-ca");
        for other in ["new-leaf-old-ca", "old-leaf-new-ca", "new-leaf-new-ca"] {
            let after = accepts(stack, name, format!("{kind}-{other}"));
            assert!(after || !before, "{stack} took {case} for {name} and refuses {kind}-{other}");
        }
    }
    for kind in ["rsa", "p256", "by-serial"] {
        for leaf in ["old", "new"] {
            assert!(!accepts("python-strict", "iot-mqtt", format!("renewed-{kind}-{leaf}-leaf-old-ca")));
            assert!(accepts("python-strict", "iot-mqtt", format!("renewed-{kind}-{leaf}-leaf-new-ca")));
        }
    }
}

#[test]
fn fresh_keys_serials_and_dates_change_no_verdict() {
    results::same_verdicts(&recipes::all(1), &recipes::all(2));
}

/// Stacks that were asked about a few cases only.
const ASKED_IN_PART: &[&str] = &["chromium", "awscrt"];

/// Stacks that are asked themselves, or whose reader stands in the project rule by rule.
const READ_BY_RULE: &[&str] = &["rustls", "go", "go-1.19", "erlang"];

#[test]
fn no_deviation_of_form_counts_as_known_that_the_client_was_never_asked_about() {
    let guessed: Vec<String> = measured()
        .models_without_measurement()
        .into_iter()
        .filter(|(stack, _)| {
            !ASKED_IN_PART.contains(&stack.as_str()) && !READ_BY_RULE.contains(&stack.as_str())
        })
        .map(|(stack, deviation)| format!("{stack}: {deviation}"))
        .collect();
    assert!(guessed.is_empty(), "{guessed:#?}");
}

fn serve(cases: Vec<Case>, scratch: &Path, mut openssl: Option<&mut server::OpensslServer>) -> Vec<Served> {
    let _ = fs::remove_dir_all(scratch);
    fs::create_dir_all(scratch).unwrap();
    let mut serve_one = |case: Case| {
        let file = |kind: &str| scratch.join(format!("{}{kind}", case.id));
        let trust = file(".crt");
        fs::write(&trust, &case.trust).unwrap();
        let port = if case.by_openssl {
            fs::write(file(".server.crt"), case.certfile()).unwrap();
            fs::write(file(".server.key"), case.key.pkcs8_pem()).unwrap();
            openssl.as_mut()?.serve(&file(".server.crt"), &file(".server.key"))?
        } else {
            server::serve(&case.chain, &case.key)
        };
        Some(Served { port, trust, case })
    };
    cases.into_iter().filter_map(&mut serve_one).collect()
}

/// Asks a slow client about the quick half, unless it was chosen.
fn ask_everything(mut client: Client, served: Arc<Vec<Served>>, chosen: bool) -> thread::JoinHandle<Table> {
    thread::spawn(move || {
        let mut table = Table::new(client.stack, &client.version);
        let slow = client.slow && !chosen;
        for one in served.iter().filter(|s| s.case.quick || !slow) {
            let names = one.case.names.iter().map(|n| Some(n.as_str()));
            let chain = client.chain_only.then_some(None);
            for name in names.chain(chain) {
                // A busy machine may let a handshake time out; three in a row are reported.
                let mut ask = || client.ask(one.port, &one.trust, name);
                table.enter(&one.case.id, name, ask().or_else(|_| ask()).or_else(|_| ask()));
            }
        }
        table
    })
}

fn skipped(what: &str, why: &str) {
    use std::io::Write;
    eprintln!("skipped {what}: {why}");
    if let Some(list) = std::env::var_os("MQTTCERT_SKIPPED") {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(list).unwrap();
        writeln!(file, "{what}: {why}").unwrap();
    }
}
