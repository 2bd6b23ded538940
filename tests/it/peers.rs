//! Real brokers and clients for the tests: found, started with mapped paths and free ports, ended with the test.
//! A missing one is a named skip, never a silent pass.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Whether every program is there; if not, the test is skipped by name, in a list that `make test` shows.
pub fn there(test: &str, programs: &[&str]) -> bool {
    let missing: Vec<&str> = programs.iter().copied().filter(|p| find(p).is_none()).collect();
    if missing.is_empty() {
        return true;
    }
    skip(test, &format!("{} is not installed", missing.join(", ")));
    false
}

/// Says that a test was skipped, and why.
pub fn skip(test: &str, because: &str) {
    let line = format!("{test}: {because}\n");
    eprint!("skipped {line}");
    if let Some(list) = std::env::var_os("MQTTCERT_SKIPPED") {
        let file = fs::OpenOptions::new().create(true).append(true).open(list);
        file.and_then(|mut f| f.write_all(line.as_bytes())).unwrap();
    }
}

/// Says so of the running test.
pub fn skip_this(because: &str) {
    skip(&this_test(), because);
}

/// The name of the running test, after which libtest names its thread.
pub fn this_test() -> String {
    let thread = thread::current();
    let name = thread.name().unwrap_or("a test");
    name.rsplit("::").next().unwrap_or(name).to_owned()
}

/// The path of a program: as given, on PATH, or where Debian keeps daemons.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The Python of a virtual environment that `.ci/peers` made: `venv-paho1` or `venv-paho2`.
pub fn python(environment: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(".make")
        .join(environment)
        .join("bin/python")
        .display()
        .to_string()
}

/// A fresh folder of this test's own.
pub fn folder(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

/// Every file below a folder with its bytes.
pub fn bytes_below(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else {
                found.insert(path.strip_prefix(dir).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// A port that nobody listens on, below those that the system gives to outgoing connections: a test beside this one
/// cannot be handed it by chance. Told again only after 2,500 others.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let offset = NEXT.fetch_add(1, Ordering::Relaxed);
        let start = 10_000 + (std::process::id() % 197) as u16 * 100;
        let port = start + offset % 2_500;
        if TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return port;
        }
    }
}

/// As many of them.
pub fn free_ports(count: usize) -> Vec<u16> {
    (0..count).map(|_| free_port()).collect()
}

/// Whether somebody listens there.
pub fn open(port: u16) -> bool {
    TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok()
}

/// Whether the condition comes true within ten seconds.
pub fn soon(mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(10);
    while Instant::now() < end {
        if condition() {
            return true;
        }
        thread::sleep(Duration::from_millis(20));
    }
    false
}

/// The output of a command that ends by itself, with both streams together.
pub fn run(command: &mut Command) -> (i32, String) {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    (status.code().unwrap_or(-1), text)
}

/// A program that runs beside the test; it is ended with the value.
pub struct Running {
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Running {
    /// Starts it and collects what it writes.
    pub fn start(command: &mut Command) -> Running {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        collect(child.stdout.take().unwrap(), &log);
        collect(child.stderr.take().unwrap(), &log);
        Running { child, log }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until it has written this.
    pub fn says(&self, text: &str) -> bool {
        soon(|| self.log().contains(text))
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(&mut self) -> bool {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        let asked = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        asked.is_ok() && soon(|| self.ended().is_some())
    }

    /// Its status if it has ended.
    pub fn ended(&mut self) -> Option<i32> {
        self.child.try_wait().unwrap().map(|s| s.code().unwrap_or(-1))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(mut stream: impl Read + Send + 'static, log: &Arc<Mutex<String>>) {
    let log = Arc::clone(log);
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = stream.read(&mut buffer) {
            log.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..n]));
        }
    });
}

/// A real Mosquitto that serves a deployment's own configuration, with the container's paths mapped to this side
/// and each port to a free one.
pub struct Mosquitto {
    /// The process.
    pub process: Running,
    mapped: PathBuf,
    ports: BTreeMap<u16, u16>,
}

impl Mosquitto {
    /// Starts it on `compose/mosquitto/mosquitto.conf` below `dir`.
    pub fn start(dir: &Path) -> Mosquitto {
        let base = dir.join("compose/mosquitto");
        let (conf, ports) = map(&fs::read_to_string(base.join("mosquitto.conf")).unwrap(), &base);
        let mapped = dir.join("mapped.conf");
        fs::write(&mapped, conf).unwrap();
        fs::create_dir_all(base.join("data")).unwrap();
        Mosquitto { process: Mosquitto::run(&mapped, &ports), mapped, ports }
    }

    fn run(mapped: &Path, ports: &BTreeMap<u16, u16>) -> Running {
        let mosquitto = find("mosquitto").unwrap();
        let mut process = Running::start(Command::new(mosquitto).arg("-c").arg(mapped));
        let started = soon(|| ports.values().all(|port| open(*port)));
        assert!(started && process.ended().is_none(), "mosquitto did not start: {}", process.log());
        process
    }

    /// Stops it and starts it again on the same ports.
    pub fn restart(&mut self) {
        assert!(self.process.stop(), "mosquitto did not stop: {}", self.process.log());
        self.process = Mosquitto::run(&self.mapped, &self.ports);
    }

    /// The port on this side of the configuration's port.
    pub fn port(&self, configured: u16) -> u16 {
        self.ports[&configured]
    }
}

/// The configuration with paths and ports of this side.
fn map(conf: &str, base: &Path) -> (String, BTreeMap<u16, u16>) {
    let mut ports = BTreeMap::new();
    // As root Mosquitto would drop to a user that cannot read the test's files.
    let mut mapped = String::from("user root\n");
    for line in conf.lines() {
        let line = match line.strip_prefix("listener ").and_then(|p| p.trim().parse::<u16>().ok()) {
            Some(port) => format!("listener {} 127.0.0.1", ports.entry(port).or_insert_with(free_port)),
            None => line
                // Into a pipe, Mosquitto's standard output would stay in its buffer.
                .replace("log_dest stdout", "log_dest stderr")
                .replace(" /mosquitto/config/", " /mosquitto/")
                .replace(" /mosquitto/", &format!(" {}/", base.display())),
        };
        mapped.push_str(&line);
        mapped.push('\n');
    }
    (mapped, ports)
}

/// A folder with a `sitecustomize.py` that answers every name look-up with 127.0.0.1, as Docker's DNS answers the
/// broker's names: the services' code stays as it is.
pub fn docker_dns(dir: &Path) -> PathBuf {
    let folder = dir.join("dns");
    fs::create_dir_all(&folder).unwrap();
    let code = "import socket\n_real = socket.getaddrinfo\n\
                def _loopback(host, *rest, **named):\n    return _real('127.0.0.1' if host else host, *rest, **named)\n\
                socket.getaddrinfo = _loopback\n";
    fs::write(folder.join("sitecustomize.py"), code).unwrap();
    folder
}
