//! The embedded broker beside the real Mosquitto: the same conf, the same bytes in, the same outcome. One file a
//! theme; the cases come from a seeded generator (MQTTCERT_TWIN_SEED=N tries another), and every test prints its seed
//! and how often each outcome came. MQTTCERT_TWIN_ALL=1 shows every difference, not only the first dozen.

mod acl;
mod certificates;
mod chains;
mod logins;
mod refusals;
mod sequences;
mod versions;
mod wire;
mod wrong_wire;

pub use chains::server_files;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mqttcert_fixtures::Dice;

use crate::peers::{self, Running};

/// Differences that are there and stay: theme, what the case's name holds, and why. At most five.
const KNOWN: &[(&str, &str, &str)] = &[
    (
        "client certificates",
        "TLSv1_2 none",
        "without a certificate in TLS 1.2 rustls sends certificate_required, OpenSSL handshake_failure; both refuse",
    ),
    (
        "start",
        "[a key of 1024 bits]",
        "an RSA key of 1024 bits cannot be used here (ring): that it is another certificate's is not seen, and the \
         listener is said not to be served",
    ),
    (
        "start",
        "[websockets, another kind of key]",
        "libwebsockets starts with an RSA key beside an EC certificate, and then every handshake fails; the twin says so \
         at the start",
    ),
    (
        "start",
        "[websockets, a key under another label]",
        "libwebsockets takes no SEC1 key that says PRIVATE KEY, OpenSSL and so a TCP listener does; the twin starts both",
    ),
    (
        "wrong wire",
        "a ClientHello and rubbish",
        "for a record of no known type behind a good hello rustls sends decode_error, OpenSSL protocol_version",
    ),
];

/// What the tests of this run roll with; `MQTTCERT_TWIN_SEED` gives another.
fn seed() -> u64 {
    let given = std::env::var("MQTTCERT_TWIN_SEED").ok().and_then(|s| s.parse().ok());
    given.unwrap_or(0x7477_696e_2026_1124)
}

fn dice() -> Dice {
    Dice(seed())
}

/// What was compared, and what came out.
struct Tally {
    theme: &'static str,
    seed: u64,
    counts: BTreeMap<String, usize>,
    known: usize,
    differences: Vec<String>,
    begun: Instant,
}

impl Tally {
    fn new(theme: &'static str) -> Self {
        let counts = BTreeMap::new();
        Self { theme, seed: seed(), counts, known: 0, differences: Vec::new(), begun: Instant::now() }
    }

    /// One case: the class of the outcome is what is counted, the outcomes are what is compared.
    fn add<T: PartialEq + Debug>(&mut self, class: &str, case: &str, real: &T, twin: &T) {
        *self.counts.entry(class.to_owned()).or_default() += 1;
        if real == twin {
            return;
        }
        if KNOWN.iter().any(|(theme, part, _)| *theme == self.theme && case.contains(part)) {
            self.known += 1;
        } else {
            self.differences.push(format!("{case}\n  mosquitto {real:?}\n  twin      {twin:?}"));
        }
    }

    /// Prints the counts; fails if there is a difference that is on no list, or if fewer than `least` outcomes came.
    fn done(self, least: usize) {
        let total: usize = self.counts.values().sum();
        let counts: String = self.counts.iter().map(|(class, n)| format!(", {n} {class}")).collect();
        println!(
            "{} seed {:#x}: {total} cases{counts}; {} differences, {} more on the list; {:.1} s",
            self.theme,
            self.seed,
            self.differences.len(),
            self.known,
            self.begun.elapsed().as_secs_f32()
        );
        let few: Vec<&String> = self
            .differences
            .iter()
            .take(if std::env::var_os("MQTTCERT_TWIN_ALL").is_some() { usize::MAX } else { 12 })
            .collect();
        let all = few.iter().map(|d| d.as_str()).collect::<Vec<_>>().join("\n");
        assert!(few.is_empty(), "{} differences, seed {:#x}\n{all}", self.differences.len(), self.seed);
        assert!(self.counts.len() >= least, "the generator is too one-sided: {counts}");
    }
}

/// A folder and the confs in it.
pub struct Stage(tempfile::TempDir);

/// A broker that runs.
pub struct Broker {
    process: Running,
    pub ports: Vec<u16>,
    stop: Arc<AtomicBool>,
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Whether a broker came up.
enum Begun {
    Up(Broker),
    /// It ended by itself, with this status and these words.
    Refused(i32, String),
}

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Mosquitto,
    Twin,
}

impl Stage {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.0.path().join(name), content).unwrap();
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Starts one of the two with `conf`, in which `{dir}` is the folder and `{0}`, `{1}` … are free ports.
    fn begin(&self, side: Side, conf: &str) -> Begun {
        let count = (0..).take_while(|i| conf.contains(&format!("{{{i}}}"))).count();
        let ports = peers::free_ports(count);
        let mut text = conf.replace("{dir}", &self.path().display().to_string());
        for (i, port) in ports.iter().enumerate() {
            text = text.replace(&format!("{{{i}}}"), &port.to_string());
        }
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("{}.conf", NUMBER.fetch_add(1, Ordering::Relaxed));
        let ready = if side == Side::Mosquitto { " running" } else { ": running" };
        self.write(&name, &text);
        let mut command = match side {
            Side::Mosquitto => Command::new(peers::find("mosquitto").unwrap()),
            Side::Twin => Command::new(env!("CARGO_BIN_EXE_mqttcert")),
        };
        match side {
            Side::Mosquitto => command.arg("-c").arg(self.path().join(&name)),
            Side::Twin => command.args(["broker", "--conf", &name]),
        };
        let mut process = Running::start(command.current_dir(self.path()));
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            if process.log().contains(ready) {
                return Begun::Up(Broker { process, ports, stop: Arc::default() });
            }
            if let Some(status) = process.ended() {
                // The last words may still be on their way from the pipe.
                std::thread::sleep(Duration::from_millis(20));
                return Begun::Refused(status, process.log());
            }
            assert!(Instant::now() < end, "it neither runs nor ends: {}\n{text}", process.log());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Starts both, Mosquitto first. A last listener, of nobody's interest, is dribbled at.
    pub fn both(&self, conf: &str) -> [Broker; 2] {
        let last = (0..).find(|i| !conf.contains(&format!("{{{i}}}"))).unwrap();
        let conf = format!(
            "user root\nlog_dest stderr\nlog_type all\nset_tcp_nodelay true\nsys_interval 0\n\
             listener {{{last}}} 127.0.0.1\n{conf}"
        );
        [Side::Mosquitto, Side::Twin].map(|side| match self.begin(side, &conf) {
            Begun::Up(mut broker) => {
                let port = broker.ports[last];
                if side == Side::Mosquitto && conf.contains("protocol websockets") {
                    let stop = broker.stop.clone();
                    std::thread::spawn(move || dribble(port, &stop));
                }
                broker.ports.truncate(last);
                broker
            }
            Begun::Refused(status, log) => panic!("status {status}: {log}\n{conf}"),
        })
    }
}

/// Mosquitto 2.0 looks at its websockets once in a round of its loop, which waits 100 ms if no TCP client has something
/// to say. A client that sends an endless CONNECT byte by byte keeps the loop turning.
fn dribble(port: u16, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return };
        stream.set_nodelay(true).unwrap();
        let head = [0x10, 0x80, 0x80, 6];
        let mut bytes = head.into_iter().chain(std::iter::repeat_n(0, 90_000));
        while !stop.load(Ordering::Relaxed) {
            let Some(byte) = bytes.next() else { break };
            if stream.write_all(&[byte]).is_err() {
                break;
            }
            std::thread::sleep(Duration::from_micros(300));
        }
    }
}

/// Asks both brokers the same of every case, several at a time, and keeps the order.
fn at_once<C: Sync, T: Send>(cases: &[C], ask: impl Fn(&C) -> T + Sync) -> Vec<T> {
    let size = cases.len().div_ceil(8).max(1);
    std::thread::scope(|s| {
        let parts: Vec<_> =
            cases.chunks(size).map(|part| s.spawn(|| part.iter().map(&ask).collect::<Vec<T>>())).collect();
        parts.into_iter().flat_map(|p| p.join().unwrap()).collect()
    })
}

/// Whether the peers of this folder are there.
fn peers_there(test: &str) -> bool {
    peers::there(test, &["mosquitto"])
}

#[test]
fn the_list_of_known_differences_is_short() {
    assert!(KNOWN.len() <= 5);
}
