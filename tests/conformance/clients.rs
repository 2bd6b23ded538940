//! The real clients of this machine: how each is found, started and asked. A missing one is named, never passed over.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use mqttcert::stack_id::StackId;

use crate::rustls_client;

/// What is asked: the certificate for this name, or its chain alone.
pub type Name<'a> = Option<&'a str>;

/// A client that can be asked.
pub struct Client {
    /// The stack that it stands for.
    pub stack: StackId,
    /// What it is, with its version, as it says itself.
    pub version: String,
    /// Whether it can be asked for the chain alone.
    pub chain_only: bool,
    /// Takes seconds an answer: it is asked the quick half only, unless it is named.
    pub slow: bool,
    how: How,
}

enum How {
    /// A process that answers one line per request.
    Line { stdin: ChildStdin, stdout: BufReader<ChildStdout>, child: Child },
    /// A process per request; the arguments follow from port, ca.crt and name.
    Once { program: PathBuf, preload: Option<PathBuf>, style: Style },
    /// In this process.
    Rustls,
    /// A browser with its own store of anchors.
    Chromium { scratch: PathBuf },
}

#[derive(Clone, Copy)]
enum Style {
    Driver,
    Openssl,
    MosquittoPub,
    Curl,
}

/// A stack that cannot be run here, and why.
pub type Missing = (StackId, String);

/// Every client, and what is missing.
pub fn all(root: &Path, built: &Path, scratch: &Path) -> (Vec<Client>, Vec<Missing>) {
    let drivers = root.join("tests/conformance/drivers");
    let python = |venv: &str| root.join(".make").join(venv).join("bin/python");
    let script = |flavour: &str| vec![drivers.join("client.py").display().to_string(), flavour.to_owned()];
    let java = |flavour: &str| {
        let class_path = built.display().to_string();
        ["-XX:TieredStopAtLevel=1", "-cp", &class_path, "Client", flavour].map(str::to_owned).to_vec()
    };
    let shim = built.join("names.so");
    let mut found = Found::default();
    found.line(StackId::PythonPaho, &python("venv-paho1"), &script("paho"), None);
    found.line(StackId::PythonDefault, &python("venv-paho2"), &script("default"), None);
    found.line(StackId::PythonStrict, &python("venv-paho2"), &script("strict"), None);
    found.once(StackId::Openssl, "openssl", &["version"], None, Style::Openssl);
    found.once(StackId::Libmosquitto, "mosquitto_pub", &["--version"], Some(&shim), Style::MosquittoPub);
    found.driver(StackId::PahoC, &built.join("paho_c"), Some(&shim), "Paho C");
    found.line(StackId::Node, Path::new("node"), &[drivers.join("client.js").display().to_string()], None);
    found.line(StackId::Java, Path::new("java"), &java("https"), None);
    found.line(StackId::PahoJava, Path::new("java"), &java("paho"), None);
    found.driver(StackId::Go, &built.join("go"), None, "crypto/tls of");
    found.judged_by_its_version(StackId::Go, of_go);
    found.driver(StackId::Go, &built.join("go-latest"), None, "crypto/tls of");
    found.judged_by_its_version(StackId::Go, of_go);
    found.driver(StackId::Gnutls, &built.join("gnutls"), None, "GnuTLS");
    found.driver(StackId::Mbedtls2, &built.join("mbedtls"), None, "Mbed TLS");
    found.driver(StackId::Mbedtls3, &built.join("mbedtls-3"), None, "Mbed TLS");
    found.driver(StackId::Mbedtls3NoTime, &built.join("mbedtls-3-no-time"), None, "Mbed TLS without dates,");
    found.driver(StackId::Wolfssl, &built.join("wolfssl"), None, "wolfSSL");
    found.driver(StackId::Bearssl, &built.join("bearssl"), None, "BearSSL");
    found.driver(StackId::Nss, &built.join("nss"), None, "NSS");
    found.chromium(scratch);
    found.rustls();
    found.once(StackId::Curl, "curl", &["--version"], None, Style::Curl);
    let escript = drivers.join("client.escript").display().to_string();
    found.line(StackId::Erlang, Path::new("escript"), &[escript], None);
    found.line(StackId::Awscrt, &python("venv-paho2"), &script("awscrt"), Some(&shim));
    if let Some(client) = found.clients.iter_mut().find(|c| c.stack == StackId::Awscrt) {
        (client.chain_only, client.slow) = (false, true);
    }
    // The program's only switch beside the whole check is --insecure, which drops the chain too.
    if let Some(client) = found.clients.iter_mut().find(|c| c.stack == StackId::Curl) {
        client.chain_only = false;
    }
    (found.clients, found.missing)
}

/// The id that the stacks have for a version of Go, as the driver says it: `crypto/tls of go1.19.8`.
fn of_go(version: &str) -> Option<StackId> {
    let minor = version.split("go1.").nth(1)?.split('.').next()?.parse::<u32>().ok()?;
    match minor {
        19 => Some(StackId::Go119),
        27 => Some(StackId::Go),
        _ => None,
    }
}

#[derive(Default)]
struct Found {
    clients: Vec<Client>,
    missing: Vec<Missing>,
}

impl Found {
    fn add(&mut self, stack: StackId, version: String, how: How) {
        self.clients.push(Client { stack, version, chain_only: true, slow: false, how });
    }

    fn line(&mut self, stack: StackId, program: &Path, args: &[String], preload: Option<&Path>) {
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command.envs(preload.map(|so| ("LD_PRELOAD", so)));
        let started =
            command.spawn().map_err(|e| format!("{}: {e}", program.display())).and_then(|mut child| {
                let stdin = child.stdin.take().expect("piped");
                let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
                let mut version = String::new();
                match stdout.read_line(&mut version) {
                    Ok(1..) => Ok((version.trim().to_owned(), How::Line { stdin, stdout, child })),
                    _ => Err(format!("{} did not start", program.display())),
                }
            });
        match started {
            Ok((version, how)) => self.add(stack, version, how),
            Err(why) => self.missing.push((stack, why)),
        }
    }

    fn once(
        &mut self,
        stack: StackId,
        program: &str,
        version: &[&str],
        preload: Option<&Path>,
        style: Style,
    ) {
        match Command::new(program).args(version).output() {
            Ok(out) => {
                let text = String::from_utf8_lossy(&out.stdout).into_owned();
                let first = text
                    .lines()
                    .next()
                    .unwrap_or(program)
                    .split(" zlib")
                    .next()
                    .unwrap_or(program)
                    .to_owned();
                let how = How::Once { program: program.into(), preload: preload.map(Path::to_owned), style };
                self.add(stack, first, how);
            }
            Err(error) => self.missing.push((stack, format!("{program}: {error}"))),
        }
    }

    /// A client whose behaviour changed between versions stands for the id of the installed one.
    fn judged_by_its_version(&mut self, stack: StackId, of: fn(&str) -> Option<StackId>) {
        let Some(at) = self.clients.iter().rposition(|c| c.stack == stack) else { return };
        match of(&self.clients[at].version) {
            // Two installations of one version are one client.
            Some(id) if self.clients.iter().take(at).any(|c| c.stack == id) => drop(self.clients.remove(at)),
            Some(id) => self.clients[at].stack = id,
            None => {
                let client = self.clients.remove(at);
                self.missing.push((stack, format!("no id stands for {}", client.version)));
            }
        }
    }

    fn driver(&mut self, stack: StackId, program: &Path, preload: Option<&Path>, what: &str) {
        match Command::new(program).output() {
            Ok(out) => {
                let version = format!("{what} {}", String::from_utf8_lossy(&out.stdout).trim());
                let preload = preload.map(Path::to_owned);
                self.add(
                    stack,
                    version,
                    How::Once { program: program.to_owned(), preload, style: Style::Driver },
                );
            }
            Err(_) => self.missing.push((stack, "its library is not installed".to_owned())),
        }
    }

    fn rustls(&mut self) {
        self.add(StackId::Rustls, "rustls 0.23 with ring, as in Cargo.lock".to_owned(), How::Rustls);
    }

    fn chromium(&mut self, scratch: &Path) {
        let version = Command::new("chromium").arg("--version").output();
        let certutil = Command::new("certutil").arg("-H").output();
        match (version, certutil) {
            (Ok(out), Ok(_)) => {
                let text = String::from_utf8_lossy(&out.stdout).into_owned();
                let version = text.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
                self.add(StackId::Chromium, version, How::Chromium { scratch: scratch.join("chromium") });
                if let Some(client) = self.clients.last_mut() {
                    (client.chain_only, client.slow) = (false, true);
                }
            }
            _ => self.missing.push((StackId::Chromium, "chromium or certutil is not installed".to_owned())),
        }
    }
}

impl Client {
    /// Whether it accepts; an error where it could not be asked.
    pub fn ask(&mut self, port: u16, trust: &Path, name: Name) -> Result<bool, String> {
        match &mut self.how {
            How::Line { stdin, stdout, .. } => {
                let request = format!("{port}\t{}\t{}\n", trust.display(), name.unwrap_or("-"));
                stdin.write_all(request.as_bytes()).map_err(|e| e.to_string())?;
                let mut answer = String::new();
                stdout.read_line(&mut answer).map_err(|e| e.to_string())?;
                match answer.trim_end().split('\t').next() {
                    Some("yes") => Ok(true),
                    Some("no") => Ok(false),
                    _ => Err(answer),
                }
            }
            How::Once { program, preload, style } => {
                once(program, preload.as_deref(), &style.arguments(port, trust, name), *style)
            }
            How::Rustls => rustls_client::accepts(port, trust, name),
            How::Chromium { scratch } => chromium(scratch, port, trust, name.unwrap_or("localhost")),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let How::Line { child, .. } = &mut self.how {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Style {
    fn arguments(self, port: u16, trust: &Path, name: Name) -> Vec<String> {
        let (port, trust) = (port.to_string(), trust.display().to_string());
        let address = name.is_some_and(|n| n.parse::<std::net::IpAddr>().is_ok());
        let words: Vec<&str> = match self {
            Style::Driver => vec![&port, &trust, name.unwrap_or("-")],
            Style::Openssl => {
                let mut words =
                    vec!["s_client", "-connect", "", "-CAfile", &trust, "-no-CApath", "-no-CAstore"];
                words.push("-verify_return_error");
                match name {
                    Some(n) if address => words.extend(["-noservername", "-verify_ip", n]),
                    Some(n) => words.extend(["-servername", n, "-verify_hostname", n]),
                    None => words.push("-noservername"),
                }
                let mut words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
                words[2] = format!("127.0.0.1:{port}");
                return words;
            }
            Style::MosquittoPub => {
                let host = name.unwrap_or("localhost");
                let mut words =
                    vec!["-h", host, "-p", &port, "--cafile", &trust, "-t", "conformance", "-m", "x"];
                if name.is_none() {
                    words.push("--insecure");
                }
                words
            }
            Style::Curl => {
                let host = name.unwrap_or("localhost");
                let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
                let url = format!("https://{host}:{port}/");
                let to = format!("::127.0.0.1:{port}");
                return [
                    "-s",
                    "-q",
                    "--noproxy",
                    "*",
                    "--max-time",
                    "8",
                    "--cacert",
                    &trust,
                    "--capath",
                    "/dev/null",
                    "--connect-to",
                    &to,
                    &url,
                ]
                .map(str::to_owned)
                .to_vec();
            }
        };
        words.into_iter().map(str::to_owned).collect()
    }
}

fn once(program: &Path, preload: Option<&Path>, args: &[String], style: Style) -> Result<bool, String> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.envs(preload.map(|so| ("LD_PRELOAD", so)));
    let out = command.output().map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    match (style, out.status.code()) {
        (Style::Openssl, Some(0)) => {
            Ok(text.contains("Verify return code: 0 (ok)") || text.contains("Verification: OK"))
        }
        (Style::Driver, Some(2) | None) => Err(text),
        (Style::Curl, Some(28)) => Err("timeout".to_owned()),
        (_, code) => Ok(code == Some(0)),
    }
}

/// Chromium with the file's certificates as its own anchors, and a page from the server.
fn chromium(home: &Path, port: u16, trust: &Path, name: &str) -> Result<bool, String> {
    let fail = |e: std::io::Error| e.to_string();
    let _ = fs::remove_dir_all(home);
    let store = home.join(".pki/nssdb");
    fs::create_dir_all(&store).map_err(fail)?;
    let database = format!("sql:{}", store.display());
    let certutil =
        |args: &[&str]| Command::new("certutil").args(args).stderr(Stdio::null()).status().map_err(fail);
    certutil(&["-N", "-d", &database, "--empty-password"])?;
    let text = String::from_utf8_lossy(&fs::read(trust).map_err(fail)?).into_owned();
    for (number, block) in text.split_inclusive("-----END CERTIFICATE-----").enumerate() {
        let Some(at) = block.find("-----BEGIN CERTIFICATE-----") else { continue };
        let file = home.join(format!("{number}.pem"));
        fs::write(&file, &block[at..]).map_err(fail)?;
        let (nick, path) = (format!("anchor{number}"), file.display().to_string());
        certutil(&["-A", "-d", &database, "-t", "C,,", "-n", &nick, "-i", &path])?;
    }
    let host = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
    let profile = format!("--user-data-dir={}", home.join("profile").display());
    let url = format!("https://{host}:{port}/");
    let mut child = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
        ])
        .args([
            "--disable-component-update",
            "--disable-sync",
            "--disable-quic",
            "--host-resolver-rules=MAP * 127.0.0.1",
        ])
        .args([&profile, "--dump-dom", &url])
        .env("HOME", home)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(fail)?;
    for _ in 0..300 {
        if child.try_wait().map_err(fail)?.is_some() {
            let out = child.wait_with_output().map_err(fail)?;
            return Ok(String::from_utf8_lossy(&out.stdout).contains("reached"));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let _ = child.kill();
    let _ = child.wait();
    Err("timeout".to_owned())
}
