//! The twin beside Mosquitto in one run, with one client: full handshakes, round trips, messages, memory of idle
//! connections, time until the port is open. Every row gives the ratio and the target that it is held against.
//! `MQTTCERT_BIN` names the program; `MQTTCERT_BENCH_SECONDS` (0.6) is the length of each measurement.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mqttcert_fixtures::eyes::trusting;
use mqttcert_fixtures::{Ca, Key, Recipe};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PSS_SHA256, RsaKeyPair};
use rustls::{ClientConfig, ClientConnection, StreamOwned, SupportedProtocolVersion};
use rustls_pki_types::ServerName;
use time::OffsetDateTime;

const PEERS: [&str; 2] = ["ours", "mosquitto"];
/// Threads that shake hands, so that the broker never waits for the client.
const CALLERS: usize = 4;
const IDLE: usize = 1000;
const ROUNDS: usize = 5;

fn main() {
    let mosquitto =
        ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"].into_iter().find(|p| Path::new(p).exists());
    let Some(mosquitto) = mosquitto else {
        println!("skipped: no mosquitto here (apt-get install mosquitto)");
        return;
    };
    raise_file_limit();
    let out = Command::new(mosquitto).arg("-h").output().unwrap();
    let version = String::from_utf8_lossy(&out.stdout).lines().next().unwrap_or_default().to_owned();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{version}; {cores} cores; {ROUNDS} rounds in turn, the medians; client: rustls, nothing verified"
    );

    let root = tempfile::Builder::new().prefix("mqttcert-bench").tempdir().unwrap();
    let now = OffsetDateTime::now_utc();
    let rsa = Bench::new(root.path().join("rsa"), mosquitto, &Key::rsa(2048, "server"), now);
    let p256 = Bench::new(root.path().join("p256"), mosquitto, &Key::p256(), now);
    start_times(&p256);
    let limit = ring_limit(&Key::rsa(2048, "server"));
    println!(
        "{:<34} {:8.0} /s for one core, {limit:.0} us each",
        "ring's own RSA-2048 signatures",
        1e6 / limit
    );
    for (what, bench, target) in [("RSA-2048", &rsa, 0.75), ("P-256", &p256, 1.1)] {
        for (tls, version) in [("1.2", &rustls::version::TLS12), ("1.3", &rustls::version::TLS13)] {
            let cost = handshakes(bench, version, &format!("handshakes, {what}, TLS {tls}"), target);
            if what == "RSA-2048" {
                println!("{:<34} {:8.0} % of that time is the signature by ring", "", limit / cost * 100.0);
            }
        }
    }
    for (qos, target) in [(0, 1.25), (1, 1.35)] {
        round_trips(&p256, qos, target);
    }
    for qos in [0, 1] {
        messages(&p256, qos);
    }
    memory(&p256);
}

fn seconds() -> Duration {
    let given = std::env::var("MQTTCERT_BENCH_SECONDS").ok().and_then(|s| s.parse().ok());
    Duration::from_secs_f64(given.unwrap_or(0.6))
}

/// A thousand connections need as many files, here and in the brokers.
fn raise_file_limit() {
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current = limit.maximum;
    let _ = rustix::process::setrlimit(rustix::process::Resource::Nofile, limit);
}

/// One row: ours, Mosquitto's, the ratio, and whether it reaches the target.
fn row(what: &str, unit: &str, [ours, theirs]: [f64; 2], target: Option<(bool, f64)>) {
    let ratio = ours / theirs;
    let verdict = match target {
        None => String::new(),
        Some((at_least, bound)) => {
            let held = if at_least { ratio >= bound } else { ratio <= bound };
            let sign = if at_least { "at least" } else { "at most" };
            format!("   {} {sign} {bound}", if held { "holds:" } else { "MISSED:" })
        }
    };
    println!(
        "{what:<34} ours {ours:9.1} {unit:<5} mosquitto {theirs:9.1} {unit:<5} ratio {ratio:5.2}{verdict}"
    );
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_by(f64::total_cmp);
    of[of.len() / 2]
}

/// Certificate, key and configuration that both brokers serve.
struct Bench {
    dir: PathBuf,
    mosquitto: &'static str,
}

impl Bench {
    fn new(dir: PathBuf, mosquitto: &'static str, key: &Key, now: OffsetDateTime) -> Bench {
        fs::create_dir_all(&dir).unwrap();
        let ca = Ca::with(&Key::p256(), now);
        let server = Recipe::server(&["localhost"], key, now).sign(&ca);
        fs::write(dir.join("ca.crt"), ca.pem()).unwrap();
        fs::write(dir.join("server.crt"), server.pem()).unwrap();
        fs::write(dir.join("server.key"), key.pkcs8_pem()).unwrap();
        Bench { dir, mosquitto }
    }

    /// Starts one of [`PEERS`]; how long it took until its port was open.
    fn start(&self, peer: usize) -> (Broker, Duration) {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = |file: &str| self.dir.join(file).display().to_string();
        // Without nodelay Mosquitto's second packet waits for the acknowledgement of its first.
        let conf = format!(
            "user root\nset_tcp_nodelay true\nallow_anonymous true\nlistener {port} 127.0.0.1\ncafile {}\ncertfile {}\nkeyfile {}\n",
            at("ca.crt"),
            at("server.crt"),
            at("server.key")
        );
        let file = self.dir.join(format!("{}.conf", PEERS[peer]));
        fs::write(&file, conf).unwrap();
        let mut command = if peer == 0 {
            let program = std::env::var_os("MQTTCERT_BIN");
            let mut ours = Command::new(program.unwrap_or_else(|| env!("CARGO_BIN_EXE_mqttcert").into()));
            ours.args(["broker", "--conf"]);
            ours
        } else {
            let mut theirs = Command::new(self.mosquitto);
            theirs.arg("-c");
            theirs
        };
        command.arg(&file).current_dir(&self.dir).stdout(Stdio::null()).stderr(Stdio::null());
        let start = Instant::now();
        let child = command.spawn().unwrap();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(20), "{} does not listen", PEERS[peer]);
            thread::sleep(Duration::from_micros(50));
        }
        (Broker { child, port }, start.elapsed())
    }

    /// Both of them, warm.
    fn both(&self) -> [Broker; 2] {
        [0, 1].map(|peer| {
            let broker = self.start(peer).0;
            // Mosquitto opens its port before it serves.
            thread::sleep(Duration::from_millis(100));
            broker
        })
    }
}

struct Broker {
    child: Child,
    port: u16,
}

impl Broker {
    /// Time on a processor so far, of all its threads.
    fn busy(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        tasks.flatten().map(|task| busy(task.path())).sum()
    }

    /// Resident memory, in kB.
    fn resident(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

type Tls = StreamOwned<ClientConnection, TcpStream>;

fn shake(config: &Arc<ClientConfig>, port: u16) -> Tls {
    let mut tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
    tcp.set_nodelay(true).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut session = ClientConnection::new(config.clone(), name).unwrap();
    while session.is_handshaking() {
        session.complete_io(&mut tcp).unwrap();
    }
    StreamOwned::new(session, tcp)
}

/// A client that is let in (MQTT 3.1.1, clean session).
fn join(config: &Arc<ClientConfig>, port: u16, id: &str) -> Tls {
    let mut stream = shake(config, port);
    let mut packet =
        vec![0x10, 12 + id.len() as u8, 0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0, 0, id.len() as u8];
    packet.extend_from_slice(id.as_bytes());
    stream.write_all(&packet).unwrap();
    stream.read_exact(&mut [0; 4]).unwrap();
    stream
}

const TOPIC: &[u8] = b"\x00\x05bench";
const PAYLOAD: [u8; 64] = [b'x'; 64];

fn publish(qos: u8, id: u16) -> Vec<u8> {
    let id = id.to_be_bytes();
    let id = if qos > 0 { &id[..] } else { &[] };
    let body = [TOPIC, id, &PAYLOAD].concat();
    [&[0x30 | qos << 1, body.len() as u8][..], &body].concat()
}

fn subscribe(stream: &mut Tls, qos: u8) {
    stream.write_all(&[&[0x82, 10, 0, 1][..], TOPIC, &[qos]].concat()).unwrap();
    stream.read_exact(&mut [0; 5]).unwrap();
}

/// The next packet's first byte and body; every packet here is short.
fn next(stream: &mut Tls) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    stream.read_exact(&mut head).unwrap();
    let mut body = vec![0; usize::from(head[1])];
    stream.read_exact(&mut body).unwrap();
    (head[0], body)
}

fn puback(stream: &mut Tls, publish: &[u8]) {
    let id = &publish[TOPIC.len()..TOPIC.len() + 2];
    stream.write_all(&[&[0x40, 2][..], id].concat()).unwrap();
}

fn start_times(bench: &Bench) {
    let mut taken: [Vec<f64>; 2] = Default::default();
    for _ in 0..15 {
        for (peer, list) in taken.iter_mut().enumerate() {
            list.push(bench.start(peer).1.as_secs_f64() * 1e3);
        }
    }
    row("open port after start", "ms", taken.map(median), Some((false, 1.0)));
}

/// Processor time of one signature by ring, in microseconds.
fn ring_limit(key: &Key) -> f64 {
    let key = RsaKeyPair::from_pkcs8(&key.pkcs8()).unwrap();
    let rng = SystemRandom::new();
    let mut signature = vec![0; key.public().modulus_len()];
    let (start, before, mut count) = (Instant::now(), busy("/proc/thread-self"), 0);
    while start.elapsed() < seconds() {
        key.sign(&RSA_PSS_SHA256, &rng, b"mqttcert", &mut signature).unwrap();
        count += 1;
    }
    (busy("/proc/thread-self") - before).as_secs_f64() * 1e6 / f64::from(count)
}

/// Time on a processor so far of the thread whose folder below `/proc` this is.
fn busy(thread: impl AsRef<Path>) -> Duration {
    let text = fs::read_to_string(thread.as_ref().join("schedstat")).unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0))
}

/// Full handshakes a second, and what each costs the broker; gives our cost in microseconds.
fn handshakes(bench: &Bench, version: &'static SupportedProtocolVersion, what: &str, target: f64) -> f64 {
    let (config, brokers) = (trusting(&[version]), bench.both());
    let (mut rates, mut costs): ([Vec<f64>; 2], [Vec<f64>; 2]) = Default::default();
    for _ in 0..ROUNDS {
        for (peer, broker) in brokers.iter().enumerate() {
            let (over, count) = (AtomicBool::new(false), AtomicUsize::new(0));
            let (start, busy) = (Instant::now(), broker.busy());
            thread::scope(|scope| {
                for _ in 0..CALLERS {
                    scope.spawn(|| {
                        while !over.load(Ordering::Relaxed) {
                            drop(shake(&config, broker.port));
                            count.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                }
                thread::sleep(seconds());
                over.store(true, Ordering::Relaxed);
            });
            let count = count.into_inner() as f64;
            rates[peer].push(count / start.elapsed().as_secs_f64());
            costs[peer].push((broker.busy() - busy).as_secs_f64() * 1e6 / count);
        }
    }
    row(what, "/s", rates.map(median), Some((true, target)));
    let costs = costs.map(median);
    row("  processor time of each", "us", costs, None);
    costs[0]
}

/// One client that sends itself a message and waits for it (and for its PUBACK).
fn round_trips(bench: &Bench, qos: u8, target: f64) {
    let (config, brokers) = (trusting(&[&rustls::version::TLS13]), bench.both());
    let mut streams = [0, 1].map(|peer| {
        let mut stream = join(&config, brokers[peer].port, "round");
        subscribe(&mut stream, qos);
        stream
    });
    let (mut halves, mut tails): ([Vec<f64>; 2], [Vec<f64>; 2]) = Default::default();
    for round in 0..ROUNDS + 1 {
        for (peer, stream) in streams.iter_mut().enumerate() {
            let mut taken = Vec::new();
            for id in 1..=2000 {
                let packet = publish(qos, id);
                let start = Instant::now();
                stream.write_all(&packet).unwrap();
                let mut back = None;
                let mut left = 1 + qos;
                while left > 0 {
                    let (head, body) = next(stream);
                    if head >> 4 == 3 {
                        back = Some(body);
                    }
                    left -= 1;
                }
                taken.push(start.elapsed().as_secs_f64() * 1e6);
                if qos > 0 {
                    puback(stream, &back.unwrap());
                }
            }
            taken.sort_by(f64::total_cmp);
            // The first round warms up.
            if round > 0 {
                halves[peer].push(taken[taken.len() / 2]);
                tails[peer].push(taken[taken.len() * 99 / 100]);
            }
        }
    }
    row(&format!("round trip, QoS {qos}, p50"), "us", halves.map(median), Some((false, target)));
    row(&format!("round trip, QoS {qos}, p99"), "us", tails.map(median), None);
}

/// One publisher, one subscriber, 64 bytes; a window keeps either broker from dropping.
fn messages(bench: &Bench, qos: u8) {
    let (config, brokers) = (trusting(&[&rustls::version::TLS13]), bench.both());
    let mut rates: [Vec<f64>; 2] = Default::default();
    for round in 0..ROUNDS {
        for (peer, broker) in brokers.iter().enumerate() {
            let mut receiver = join(&config, broker.port, &format!("receives{round}"));
            let mut sender = join(&config, broker.port, &format!("sends{round}"));
            subscribe(&mut receiver, qos);
            let (over, received) = (AtomicBool::new(false), AtomicUsize::new(0));
            let window = if qos == 0 { 500 } else { 20 };
            let start = Instant::now();
            let took = thread::scope(|scope| {
                scope.spawn(|| {
                    for sent in 0_usize.. {
                        if over.load(Ordering::Relaxed) {
                            break;
                        }
                        // Either by the receiver's count or, above QoS 0, by the broker's answers.
                        while qos == 0 && sent - received.load(Ordering::Acquire).min(sent) >= window {
                            thread::yield_now();
                            if over.load(Ordering::Relaxed) {
                                return;
                            }
                        }
                        if qos > 0 && sent >= window {
                            next(&mut sender);
                        }
                        sender.write_all(&publish(qos, (sent % 60_000) as u16 + 1)).unwrap();
                    }
                });
                while start.elapsed() < seconds() {
                    let (_, body) = next(&mut receiver);
                    received.fetch_add(1, Ordering::Release);
                    if qos > 0 {
                        puback(&mut receiver, &body);
                    }
                }
                let took = start.elapsed();
                over.store(true, Ordering::Relaxed);
                took
            });
            rates[peer].push(received.into_inner() as f64 / took.as_secs_f64());
        }
    }
    row(&format!("messages, QoS {qos}, 64 bytes"), "/s", rates.map(median), None);
}

/// What a thousand clients that say nothing take.
fn memory(bench: &Bench) {
    let (config, brokers) = (trusting(&[&rustls::version::TLS13]), bench.both());
    let taken = [0, 1].map(|peer| {
        let broker = &brokers[peer];
        let first = join(&config, broker.port, "first");
        let before = broker.resident();
        let clients: Vec<Tls> = (0..IDLE).map(|i| join(&config, broker.port, &format!("idle{i}"))).collect();
        let each = (broker.resident() - before) / IDLE as f64;
        drop((first, clients));
        each
    });
    row(&format!("memory per TLS client, {IDLE} idle"), "kB", taken, None);
    println!("{:<34} {}: below 25 kB", "", if taken[0] < 25.0 { "holds" } else { "MISSED" });
}
