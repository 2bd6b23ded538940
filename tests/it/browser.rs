//! A page in Chromium with mqtt.js over secure websockets, on Mosquitto and on the twin: by the broker's name, with the
//! private CA in the browser's own store, before and after a reissue. The page is `clients/page.html`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::clients::{Both, mqtt_js};
use crate::peers;

/// The server that the page comes from; it hears what the page tells.
struct Site {
    port: u16,
    told: Arc<Mutex<Vec<String>>>,
}

impl Site {
    fn open(page: Vec<u8>, library: Vec<u8>) -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let told = Arc::new(Mutex::new(Vec::new()));
        let (hears, files) = (told.clone(), Arc::new((page, library)));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (hears, files) = (hears.clone(), files.clone());
                thread::spawn(move || answer(&stream, &hears, &files.0, &files.1));
            }
        });
        Site { port, told }
    }

    fn hears(&self, line: &str) -> bool {
        peers::soon(|| self.told.lock().unwrap().iter().any(|l| l == line))
    }
}

fn answer(mut stream: &TcpStream, told: &Mutex<Vec<String>>, page: &[u8], library: &[u8]) {
    let mut head = String::new();
    let mut lines = BufReader::new(stream);
    while lines.read_line(&mut head).is_ok_and(|n| n > 2) {}
    let path = head.split(' ').nth(1).unwrap_or_default();
    let (kind, body) = match path.split_once('?') {
        Some(("/report", words)) => {
            told.lock().unwrap().push(words.replace("%20", " "));
            ("text/plain", &b""[..])
        }
        Some(("/", _)) => ("text/html", page),
        _ if path == "/mqtt.min.js" => ("text/javascript", library),
        _ => ("text/plain", &b""[..]),
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(&[head.as_bytes(), body].concat());
}

/// Chromium with its helpers; they end with the value.
struct Browser(Child);

impl Browser {
    /// Opens `url` with a store of its own that trusts `ca`; the brokers' names are this machine.
    fn open(home: &Path, ca: &Path, url: &str) -> Browser {
        let store = home.join(".pki/nssdb");
        fs::create_dir_all(&store).unwrap();
        let store = format!("sql:{}", store.display());
        for more in [&["-N", "--empty-password"][..], &["-A", "-t", "C,,", "-n", "ca", "-i"]] {
            let mut certutil = Command::new("certutil");
            certutil.args(["-d", &store]).args(more);
            if more.len() > 2 {
                certutil.arg(ca);
            }
            let (status, text) = peers::run(&mut certutil);
            assert_eq!(status, 0, "{text}");
        }
        let child = Command::new("chromium")
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
            ])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .arg("--host-resolver-rules=MAP iot-mqtt 127.0.0.1, MAP other-mqtt 127.0.0.1")
            .arg(format!("--user-data-dir={}", home.join("profile").display()))
            .arg(url)
            .env("HOME", home)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Browser(child)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(group) = i32::try_from(self.0.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.0.wait();
    }
}

#[test]
fn a_page_in_chromium_shows_its_message_and_again_after_a_reissue_untouched() {
    let test = "a_page_in_chromium_shows_its_message_and_again_after_a_reissue_untouched";
    let bundle = mqtt_js().join("dist/mqtt.min.js");
    if !peers::there(test, &["mosquitto", "chromium", "certutil", &bundle.display().to_string()]) {
        return;
    }
    let mut both = Both::start("clients-chromium");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/clients/page.html");
    let site = Site::open(fs::read(page).unwrap(), fs::read(bundle).unwrap());
    let ports = both.ports(9001);
    let url = format!("http://127.0.0.1:{}/?port={}&port={}", site.port, ports[0], ports[1]);
    let _browser = Browser::open(&both.dir.join("home"), &both.ca(), &url);
    let told = |what: &str| {
        for (broker, port) in ["Mosquitto", "the twin"].into_iter().zip(ports) {
            assert!(site.hears(&format!("{port} {what}")), "{broker}: {what} is not in {:?}", site.told);
        }
    };
    for what in ["name lost", "plaintext lost", "password login 5", "shows hello 1"] {
        told(what);
    }

    // A new certificate, and the restart that websockets need: the page that is open comes back by itself.
    let (status, text) =
        peers::run(Command::new(env!("CARGO_BIN_EXE_mqttcert")).args(["reissue", "--force"]).arg(&both.dir));
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("restart mqtt") && text.contains("9001"), "{text}");
    both.mosquitto.restart();
    both.twin.restart();
    told("shows hello 2");
}
