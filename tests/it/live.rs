//! `reissue --live` beside a real Mosquitto: the new certificate is seen to be served, or the old one comes back.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mqttcert::cert::load_pem;

use crate::peers::{self, Running};
use crate::reissue::shell;

/// A certificate folder, and a Mosquitto that serves `served` below it on a TCP and, if wanted, a websockets listener.
struct Stage {
    dir: PathBuf,
    ports: Vec<u16>,
    broker: Running,
    _outer: tempfile::TempDir,
}

fn stage(served: &str, websockets: bool) -> Stage {
    stage_in(crate::reissue::folder(), served, websockets)
}

fn stage_in((outer, dir): (tempfile::TempDir, PathBuf), served: &str, websockets: bool) -> Stage {
    let of_broker = dir.join(served);
    fs::create_dir_all(&of_broker).unwrap();
    for file in ["ca.crt", "server.crt", "server.key"].iter().filter(|_| served != ".") {
        fs::copy(dir.join(file), of_broker.join(file)).unwrap();
    }
    let mut ports = vec![peers::free_port()];
    if websockets {
        ports.push(peers::free_port());
    }
    let mut conf = String::from("user root\nallow_anonymous true\n");
    for (index, port) in ports.iter().enumerate() {
        conf.push_str(&format!("listener {port} 127.0.0.1\n"));
        if index == 1 {
            conf.push_str("protocol websockets\n");
        }
        for (word, file) in [("cafile", "ca.crt"), ("certfile", "server.crt"), ("keyfile", "server.key")] {
            conf.push_str(&format!("{word} {}\n", of_broker.join(file).display()));
        }
    }
    fs::write(dir.join("live.conf"), conf).unwrap();
    let mosquitto = peers::find("mosquitto").unwrap();
    let broker = Running::start(Command::new(mosquitto).arg("-c").arg(dir.join("live.conf")));
    let open = |p: &u16| TcpStream::connect(("127.0.0.1", *p)).is_ok();
    assert!(peers::soon(|| ports.iter().all(open)), "{}", broker.log());
    // It opens its ports before it takes signals: a hang-up in between would end it.
    assert!(broker.says(" running"), "{}", broker.log());
    Stage { dir, ports, broker, _outer: outer }
}

impl Stage {
    fn reissue(&self, reload: &str, more: &[&str]) -> Output {
        let mut args = vec!["--reload-cmd".to_owned(), reload.replace("PID", &self.broker.id().to_string())];
        for port in &self.ports {
            args.extend(["--live".to_owned(), format!("127.0.0.1:{port}")]);
        }
        args.extend(more.iter().map(|m| (*m).to_owned()));
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        crate::reissue::reissue(&self.dir, &args)
    }

    /// SHA-256 of what a listener serves, as OpenSSL sees it; empty where the handshake fails.
    fn serves(&self, index: usize) -> String {
        let port = self.ports[index];
        let script = format!(
            "openssl s_client -connect 127.0.0.1:{port} </dev/null 2>/dev/null |
             openssl x509 -noout -fingerprint -sha256 2>/dev/null || true"
        );
        shell(&self.dir, &script).to_lowercase().replace([':', '\n'], "").replace("sha256 fingerprint=", "")
    }
}

fn on_disk(dir: &Path) -> String {
    let leaf = load_pem(&fs::read(dir.join("server.crt")).unwrap()).unwrap().remove(0);
    leaf.sha256().iter().map(|b| format!("{b:02x}")).collect()
}

fn text(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr)
}

#[test]
fn after_a_hang_up_every_listener_is_seen_to_serve_the_new_certificate() {
    if !peers::there("after_a_hang_up_every_listener_is_seen_to_serve_the_new_certificate", &["mosquitto"]) {
        return;
    }
    let s = stage(".", false);
    let before = on_disk(&s.dir);
    let out = s.reissue("kill -HUP PID", &[]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    assert!(text(&out).contains("every listener serves the certificate on disk"), "{}", text(&out));
    assert_ne!(on_disk(&s.dir), before);
    assert_eq!(s.serves(0), on_disk(&s.dir));
}

#[test]
fn a_websockets_listener_that_keeps_the_old_certificate_needs_a_restart() {
    if !peers::there("a_websockets_listener_that_keeps_the_old_certificate_needs_a_restart", &["mosquitto"]) {
        return;
    }
    let s = stage(".", true);
    let before = on_disk(&s.dir);
    let out = s.reissue("kill -HUP PID", &[]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    assert!(text(&out).contains(&format!("restart needed: {}", s.ports[1])), "{}", text(&out));
    assert_eq!((s.serves(0), s.serves(1)), (on_disk(&s.dir), before));
}

#[test]
fn a_broker_that_is_not_reloaded_still_serves_the_old_one_and_that_is_status_1() {
    let test = "a_broker_that_is_not_reloaded_still_serves_the_old_one_and_that_is_status_1";
    if !peers::there(test, &["mosquitto"]) {
        return;
    }
    let s = stage(".", false);
    let out = s.reissue("true", &["--wait", "1"]);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out));
    assert!(text(&out).contains("still serves another certificate"), "{}", text(&out));
}

#[test]
fn a_reload_that_breaks_the_handshakes_brings_the_old_certificate_back() {
    let test = "a_reload_that_breaks_the_handshakes_brings_the_old_certificate_back";
    if !peers::there(test, &["mosquitto"]) {
        return;
    }
    // The command copies the certificate to the broker and forgets the new key: the pair does not match.
    // Both keys are P-256: with an RSA pair before it OpenSSL would go on serving that one beside the broken pair.
    let folder = crate::reissue::folder();
    assert_eq!(crate::reissue::reissue(&folder.1, &["--new-key"]).status.code(), Some(0));
    let s = stage_in(folder, "broker", false);
    let before = on_disk(&s.dir);
    let reload = "cp server.crt broker/server.crt && kill -HUP PID && sleep 0.3";
    let out = s.reissue(reload, &["--new-key", "--format", "json"]);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out));
    let told: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(told["result"], "undone", "{told:#}");
    assert!(text(&out).contains("the old certificate is back, reloaded again: handshakes work again"));
    assert_eq!((on_disk(&s.dir), s.serves(0)), (before.clone(), before));
}

#[test]
fn a_reload_that_ends_the_broker_is_status_1_with_the_old_certificate_back() {
    let test = "a_reload_that_ends_the_broker_is_status_1_with_the_old_certificate_back";
    if !peers::there(test, &["mosquitto"]) {
        return;
    }
    let s = stage(".", false);
    let before = on_disk(&s.dir);
    let out = s.reissue("kill PID", &["--wait", "2"]);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out));
    assert!(text(&out).contains("handshakes still fail"), "{}", text(&out));
    assert_eq!(on_disk(&s.dir), before);
}

#[test]
fn where_nobody_answers_nothing_is_changed() {
    let (_outer, dir) = crate::reissue::folder();
    let before = on_disk(&dir);
    let live = format!("127.0.0.1:{}", peers::free_port());
    let out = crate::reissue::reissue(&dir, &["--live", &live]);
    assert_eq!(out.status.code(), Some(2), "{}", text(&out));
    assert!(text(&out).contains("does not answer"), "{}", text(&out));
    assert_eq!(on_disk(&dir), before);
}
