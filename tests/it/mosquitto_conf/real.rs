//! The real Mosquitto: started with a conf, asked on every port, stopped.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::peers;

use mqttcert_fixtures::eyes::trusting;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// What a listener does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listener {
    pub port: u16,
    pub tls: bool,
    /// Whether `seven` with its password gets in by MQTT (always false on websockets, which are not tried).
    pub login: bool,
    /// Whether a message on a topic that no ACL line names is withheld.
    pub acl: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Starts(Vec<Listener>),
    Refuses(String),
}

impl Outcome {
    pub fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Refuses(_), Self::Refuses(_)) => true,
            (one, other) => one == other,
        }
    }

    pub fn kind(&self) -> String {
        match self {
            Self::Refuses(_) => "refuses".to_owned(),
            Self::Starts(all) => {
                let words: Vec<String> = all
                    .iter()
                    .map(|l| {
                        let transport = if l.tls { "tls" } else { "plain" };
                        let access = if l.acl {
                            "+acl"
                        } else if l.login {
                            ""
                        } else {
                            "+no-login"
                        };
                        format!("{transport}{access}")
                    })
                    .collect();
                format!("starts: {}", words.join(" "))
            }
        }
    }
}

/// `seven:geheim`, written by mosquitto_passwd 2.0.11.
const PASSWD: &str = "seven:$7$101$x1jqoIZJWh1yLIkX$hw0UYnGlMCJ4HLQBAD14G8yiGhqQOCwsQZiggL0SWL+axj7U0+ISnWBMZFaCaq2lIzschjpyGpg/SZlgtEKnrw==\n";

pub struct Bench {
    dir: tempfile::TempDir,
    tls: Arc<ClientConfig>,
    port_1883: Mutex<()>,
}

impl Bench {
    /// `None` where the real one is missing.
    pub fn new() -> Option<Self> {
        let help = Command::new("/usr/sbin/mosquitto").arg("-h").output().ok()?;
        if !String::from_utf8_lossy(&help.stdout).contains("version 2.0.11") {
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let file = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        let (ca, server) = certificates(&file);
        file("chain.crt", &format!("{server}{ca}"));
        file("passwd", PASSWD);
        file("bad-passwd", "anna:plain\n");
        file("acl", "topic readwrite allowed/#\nuser seven\ntopic readwrite allowed/#\n");
        file("bad-acl", "allow everything\n");
        file("empty", "");
        file("garbage", "this is no PEM\n");
        fs::create_dir(dir.path().join("conf.d")).unwrap();
        file("conf.d/b.conf", "max_keepalive 100\n");
        file("conf.d/a.txt", "nonsense\n");
        Some(Self { dir, tls: trusting(rustls::ALL_VERSIONS), port_1883: Mutex::new(()) })
    }

    /// Writes the conf with ports and folder filled in.
    pub fn write(&self, index: usize, text: &str) -> (PathBuf, String) {
        let mut text = text.replace("{d}", &self.dir.path().to_string_lossy());
        for n in 0..4 {
            let name = format!("{{p{n}}}");
            if text.contains(&name) {
                text = text.replace(&name, &peers::free_port().to_string());
            }
        }
        let path = self.dir.path().join(format!("{index}.conf"));
        fs::write(&path, &text).unwrap();
        (path, text)
    }

    /// Starts it and looks; `None` where it would need port 1883 and somebody else has it.
    pub fn run(&self, conf: &Path, expected: &Outcome) -> Option<Outcome> {
        let needs_1883 = matches!(expected, Outcome::Starts(all) if all.iter().any(|l| l.port == 1883));
        let _alone = needs_1883.then(|| self.port_1883.lock().unwrap());
        if needs_1883 && TcpListener::bind("127.0.0.1:1883").is_err() {
            return None;
        }
        let socket_path = conf.with_extension("ready");
        let ready = UnixDatagram::bind(&socket_path).unwrap();
        fs::set_permissions(&socket_path, fs::Permissions::from_mode(0o777)).unwrap();
        ready.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let log = conf.with_extension("log");
        let output = fs::File::create(&log).unwrap();
        let mut child = Command::new("/usr/sbin/mosquitto")
            .arg("-c")
            .arg(conf)
            .env("NOTIFY_SOCKET", &socket_path)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let started = wait(&mut child, &ready);
        let outcome = if started {
            let ports: Vec<u16> = match expected {
                Outcome::Starts(all) => all.iter().map(|l| l.port).collect(),
                Outcome::Refuses(_) => Vec::new(),
            };
            let websockets = websockets(conf);
            let mut found: Vec<Listener> =
                ports.iter().filter_map(|port| self.look(*port, websockets.contains(port))).collect();
            found.sort();
            Outcome::Starts(found)
        } else {
            Outcome::Refuses(fs::read_to_string(&log).unwrap_or_default())
        };
        let _ = child.kill();
        let _ = child.wait();
        Some(outcome)
    }

    /// `None` where nothing listens.
    fn look(&self, port: u16, websockets: bool) -> Option<Listener> {
        let tls = self.speaks_tls(port)?;
        if websockets {
            return Some(Listener { port, tls, login: false, acl: false });
        }
        let echoed = if tls {
            let name = ServerName::try_from("localhost").unwrap();
            let connection = ClientConnection::new(self.tls.clone(), name).unwrap();
            echo(StreamOwned::new(connection, connect(port)?))
        } else {
            echo(connect(port)?)
        };
        Some(Listener { port, tls, login: echoed.is_some(), acl: echoed == Some(false) })
    }

    fn speaks_tls(&self, port: u16) -> Option<bool> {
        let mut socket = connect(port)?;
        let name = ServerName::try_from("localhost").unwrap();
        let mut connection = ClientConnection::new(self.tls.clone(), name).unwrap();
        while connection.is_handshaking() {
            if let Err(error) = connection.complete_io(&mut socket) {
                // An alert is an answer in TLS too.
                let inner = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
                return Some(matches!(inner, Some(rustls::Error::AlertReceived(_))));
            }
        }
        Some(true)
    }
}

fn connect(port: u16) -> Option<TcpStream> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let socket = TcpStream::connect_timeout(&address, Duration::from_secs(5)).ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    Some(socket)
}

/// Logs in, subscribes to everything, publishes on a topic that no ACL line names, and waits for a ping's answer:
/// `None` if there is no login, else whether the message came back.
fn echo(mut stream: impl Read + Write) -> Option<bool> {
    let text = |t: &str| [&(t.len() as u16).to_be_bytes()[..], t.as_bytes()].concat();
    let packet = |first: u8, body: Vec<u8>| [&[first, body.len() as u8][..], &body].concat();
    let connect = [text("MQTT"), vec![4, 0xc2, 0, 30], text("echo"), text("seven"), text("geheim")].concat();
    stream.write_all(&packet(0x10, connect)).ok()?;
    let mut connack = [0; 4];
    stream.read_exact(&mut connack).ok()?;
    if connack[3] != 0 {
        return None;
    }
    stream.write_all(&packet(0x82, [vec![0, 1], text("#"), vec![0]].concat())).ok()?;
    stream.write_all(&packet(0x30, [text("free"), b"1".to_vec()].concat())).ok()?;
    stream.write_all(&[0xc0, 0]).ok()?;
    let mut came = false;
    loop {
        let mut head = [0; 2];
        stream.read_exact(&mut head).ok()?;
        let mut body = vec![0; usize::from(head[1])];
        stream.read_exact(&mut body).ok()?;
        match head[0] {
            0x30 => came = true,
            0xd0 => return Some(came),
            _ => {}
        }
    }
}

/// Until it says READY=1 or ends.
fn wait(child: &mut Child, ready: &UnixDatagram) -> bool {
    let until = Instant::now() + Duration::from_secs(20);
    let mut buffer = [0; 64];
    while Instant::now() < until {
        if ready.recv(&mut buffer).is_ok() {
            return true;
        }
        if child.try_wait().unwrap().is_some() {
            return false;
        }
    }
    panic!("neither started nor ended within 20 s");
}

/// The ports of the conf's websockets listeners, told by the lines alone.
fn websockets(conf: &Path) -> Vec<u16> {
    let text = fs::read_to_string(conf).unwrap_or_default();
    let mut last = 0;
    let mut found = Vec::new();
    for line in text.lines() {
        let mut words = line.trim_start_matches('\u{feff}').split_whitespace();
        match (words.next(), words.next()) {
            (Some("listener"), Some(port)) => last = port.parse().unwrap_or(0),
            (Some("protocol"), Some("websockets")) => found.push(last),
            (Some("protocol"), Some("mqtt")) => found.retain(|port| *port != last),
            _ => {}
        }
    }
    found
}

fn certificates(file: &dyn Fn(&str, &str)) -> (String, String) {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "test CA");
    let key = KeyPair::generate().unwrap();
    let ca = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let own = KeyPair::generate().unwrap();
    let make = |expired: bool| {
        let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
        if expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        params.signed_by(&own, &issuer).unwrap().pem()
    };
    let server = make(false);
    file("ca.crt", &ca);
    file("server.crt", &server);
    file("expired.crt", &make(true));
    file("server.key", &own.serialize_pem());
    file("other.key", &KeyPair::generate().unwrap().serialize_pem());
    (ca, server)
}
