//! `reissue` as a whole process on a folder like the seed's, judged by the real OpenSSL.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A certificate folder like the seed's: a v1 certificate without SAN, made by OpenSSL.
pub fn folder() -> (tempfile::TempDir, PathBuf) {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("certs");
    fs::create_dir(&dir).unwrap();
    shell(
        &dir,
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj '/CN=Test CA' -days 3650
         openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=mqtt.example.com
         openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -out server.crt
         chmod 600 ca.key server.key",
    );
    (outer, dir)
}

/// Runs a script; it must succeed.
pub fn shell(dir: &Path, script: &str) -> String {
    let out = Command::new("sh").arg("-ec").arg(script).current_dir(dir).output().unwrap();
    assert!(out.status.success(), "{script}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// Runs `mqttcert reissue` on the folder.
pub fn reissue(dir: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mqttcert"))
        .args(["reissue", ".", "--cert", "server.crt", "--ca", "ca.crt", "--name", "iot-mqtt"])
        .args(more)
        .current_dir(dir)
        .output()
        .unwrap()
}

fn code(out: &Output) -> i32 {
    out.status.code().unwrap_or(-1)
}

fn err(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

fn read(dir: &Path, name: &str) -> Vec<u8> {
    fs::read(dir.join(name)).unwrap()
}

/// Refused with status 2 and this word, and nothing changed.
fn refused(dir: &Path, more: &[&str], word: &str) {
    let before = read(dir, "server.crt");
    let out = reissue(dir, more);
    assert_eq!(code(&out), 2, "{}", err(&out));
    assert!(err(&out).contains(word), "{}", err(&out));
    assert_eq!(err(&out).lines().count(), 1, "{}", err(&out));
    assert_eq!(read(dir, "server.crt"), before);
}

#[test]
fn names_what_is_dialled_the_old_common_name_and_loopback_and_openssl_verifies_all() {
    let (_outer, dir) = folder();
    let out = reissue(&dir, &[]);
    assert_eq!(code(&out), 0, "{}", err(&out));
    for name in ["iot-mqtt", "mqtt.example.com", "localhost"] {
        shell(
            &dir,
            &format!("openssl verify -CAfile ca.crt -purpose sslserver -verify_hostname {name} server.crt"),
        );
    }
    for address in ["127.0.0.1", "::1"] {
        shell(&dir, &format!("openssl verify -CAfile ca.crt -verify_ip {address} server.crt"));
    }
    assert!(shell(&dir, "openssl req -in server.csr -noout -verify -text 2>&1").contains("DNS:iot-mqtt"));
    let text = shell(&dir, "openssl x509 -in server.crt -noout -text");
    for part in
        ["Version: 3", "CA:FALSE", "Digital Signature, Key Encipherment", "TLS Web Server Authentication"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    let issuer = shell(&dir, "openssl x509 -in server.crt -noout -issuer -nameopt RFC2253");
    assert_eq!(issuer.trim(), "issuer=CN=Test CA");
}

#[test]
fn does_nothing_when_nothing_is_to_do_and_changes_no_byte() {
    let (_outer, dir) = folder();
    reissue(&dir, &[]);
    let before = shell(&dir, "find . -type f | sort | xargs sha256sum; stat -c '%n %i %Y' *");
    let out = reissue(&dir, &["--format", "json"]);
    assert_eq!(code(&out), 0);
    assert!(String::from_utf8_lossy(&out.stdout).contains("\"result\":\"nothing-to-do\""));
    assert_eq!(shell(&dir, "find . -type f | sort | xargs sha256sum; stat -c '%n %i %Y' *"), before);
}

#[test]
fn dry_run_changes_nothing_and_makes_no_folder() {
    let (_outer, dir) = folder();
    let before = shell(&dir, "ls -a; sha256sum *");
    let out = reissue(&dir, &["--dry-run", "--format", "json"]);
    assert_eq!(code(&out), 0);
    assert!(String::from_utf8_lossy(&out.stdout).contains("\"result\":\"would-reissue\""));
    assert_eq!(shell(&dir, "ls -a; sha256sum *"), before);
}

#[test]
fn keeps_owner_mode_and_the_old_certificate_in_a_private_folder() {
    let (_outer, dir) = folder();
    let old = read(&dir, "server.crt");
    fs::set_permissions(dir.join("server.crt"), fs::Permissions::from_mode(0o640)).unwrap();
    let owner = fs::metadata(dir.join("server.crt")).unwrap();
    assert_eq!(code(&reissue(&dir, &[])), 0);
    let now = fs::metadata(dir.join("server.crt")).unwrap();
    assert_eq!((now.mode() & 0o7777, now.uid(), now.gid()), (0o640, owner.uid(), owner.gid()));
    assert_eq!(fs::metadata(dir.join(".mqttcert")).unwrap().mode() & 0o777, 0o700);
    assert_eq!(read(&dir, ".mqttcert/.gitignore"), b"*\n");
    let kept = fs::read_dir(dir.join(".mqttcert")).unwrap().filter_map(|e| fs::read(e.unwrap().path()).ok());
    assert!(kept.into_iter().any(|bytes| bytes == old));
}

#[test]
fn undo_goes_back_one_step_at_a_time_to_the_same_bytes() {
    let (_outer, dir) = folder();
    let first = read(&dir, "server.crt");
    reissue(&dir, &[]);
    let second = read(&dir, "server.crt");
    reissue(&dir, &["--force"]);
    assert_eq!(code(&reissue(&dir, &["--undo"])), 0);
    assert_eq!(read(&dir, "server.crt"), second);
    assert_eq!(code(&reissue(&dir, &["--undo"])), 0);
    assert_eq!(read(&dir, "server.crt"), first);
    let out = reissue(&dir, &["--undo", "--format", "json"]);
    assert_eq!(code(&out), 0);
    assert!(String::from_utf8_lossy(&out.stdout).contains("nothing-to-do"));
}

#[test]
fn a_new_key_comes_with_its_certificate_and_goes_with_it() {
    let (_outer, dir) = folder();
    let key = read(&dir, "server.key");
    assert_eq!(code(&reissue(&dir, &["--new-key"])), 0);
    assert_ne!(read(&dir, "server.key"), key);
    let pair =
        "test \"$(openssl x509 -in server.crt -noout -pubkey)\" = \"$(openssl pkey -in server.key -pubout)\"";
    shell(&dir, pair);
    assert!(fs::symlink_metadata(dir.join("server.key")).unwrap().is_file());
    assert_eq!(fs::metadata(dir.join("server.key")).unwrap().mode() & 0o777, 0o600);
    assert!(!dir.join(".mqttcert-pair").exists());
    assert_eq!(code(&reissue(&dir, &["--undo"])), 0);
    assert_eq!(read(&dir, "server.key"), key);
    shell(&dir, pair);
}

#[test]
fn keeps_only_as_many_backups_as_asked_for() {
    let (_outer, dir) = folder();
    for _ in 0..4 {
        assert_eq!(code(&reissue(&dir, &["--force", "--keep", "2"])), 0);
    }
    assert_eq!(shell(&dir, "ls .mqttcert | wc -l").trim(), "2");
}

#[test]
fn opens_an_encrypted_ca_key_by_file_or_environment_and_tells_missing_from_wrong() {
    let (_outer, dir) = folder();
    shell(
        &dir,
        "openssl pkcs8 -topk8 -passout pass:geheim -in ca.key -out e; mv e ca.key; printf 'geheim\\n' > p; printf x > q",
    );
    refused(&dir, &[], "no passphrase is given");
    refused(&dir, &["--passphrase-file", "q"], "does not open it");
    assert_eq!(code(&reissue(&dir, &["--passphrase-file", "p"])), 0);
}

#[test]
fn follows_a_link_inside_its_folder_and_refuses_one_that_leads_away() {
    let (outer, dir) = folder();
    fs::create_dir(dir.join("archive")).unwrap();
    fs::rename(dir.join("server.crt"), dir.join("archive/one.crt")).unwrap();
    symlink("archive/one.crt", dir.join("server.crt")).unwrap();
    assert_eq!(code(&reissue(&dir, &[])), 0);
    assert!(fs::symlink_metadata(dir.join("server.crt")).unwrap().is_symlink());
    shell(&dir, "openssl verify -CAfile ca.crt -verify_hostname iot-mqtt server.crt");

    let (_outer, dir) = folder();
    fs::copy(dir.join("server.crt"), outer.path().join("away.crt")).unwrap();
    fs::remove_file(dir.join("server.crt")).unwrap();
    symlink(outer.path().join("away.crt"), dir.join("server.crt")).unwrap();
    refused(&dir, &[], "outside of its folder");
}

#[test]
fn refuses_what_is_no_certificate_and_names_it() {
    let (_outer, dir) = folder();
    let whole = read(&dir, "server.crt");
    for (content, word) in [
        (b"".to_vec(), "holds no certificate"),
        (read(&dir, "server.key"), "holds no certificate"),
        (b"# secret line of /etc/shadow".to_vec(), "holds no certificate"),
    ] {
        fs::write(dir.join("server.crt"), content).unwrap();
        refused(&dir, &[], word);
    }
    let out = reissue(&dir, &[]);
    assert!(!err(&out).contains("shadow"), "a file that cannot be parsed is not quoted");
    fs::write(dir.join("server.crt"), whole).unwrap();
    shell(&dir, "openssl genrsa -out other.key 2048");
    refused(&dir, &["--ca-key", "other.key"], "is not the private key of any certificate");
    refused(&dir, &["--ca-key", "absent.key"], "there is no such file");
    refused(&dir, &["--now", "2030-01-01T00:00:00Z"], "--now is refused");
}

#[test]
fn a_key_that_git_tracks_stops_it_until_it_is_kept_on_purpose() {
    let (_outer, dir) = folder();
    shell(&dir, "git init -q .; git add server.key");
    refused(&dir, &[], "git tracks this private key");
    assert_eq!(code(&reissue(&dir, &["--keep-key"])), 0);
    assert_eq!(code(&reissue(&dir, &["--new-key"])), 0);
    shell(&dir, "git add -f ca.key");
    refused(&dir, &["--new-key", "--force"], "ca.key: git tracks");
}

#[test]
fn a_key_in_git_is_an_error_of_check_with_its_consequence() {
    let (_outer, dir) = folder();
    shell(
        &dir,
        "mkdir c; mv ca.* server.* c/; git init -q .
         printf 'services:\\n  iot-mqtt:\\n    image: eclipse-mosquitto:2\\n    volumes: [./m.conf:/mosquitto/config/mosquitto.conf, ./c:/c]\\n' > compose.yaml
         printf 'listener 8883\\nallow_anonymous true\\ncafile /c/ca.crt\\ncertfile /c/server.crt\\nkeyfile /c/server.key\\n' > m.conf",
    );
    let check = || {
        let out = Command::new(env!("CARGO_BIN_EXE_mqttcert"))
            .args(["check", "--format", "json"])
            .current_dir(&dir)
            .output()
            .unwrap();
        let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        let all = report["findings"].as_array().unwrap().clone();
        all.into_iter()
            .filter(|f| f["rule"] == "key-committed" && f["severity"] == "error")
            .collect::<Vec<_>>()
    };
    assert_eq!(check().len(), 0);
    for (file, consequence) in [
        ("c/server.key", "anyone with the repository can forge this broker: rotate"),
        ("c/ca.key", "every client that the CA may sign: rotate the CA"),
    ] {
        shell(&dir, &format!("git add -f {file}"));
        let found = check();
        let about = found.iter().find(|f| f["file"] == file).unwrap_or_else(|| panic!("{file}: {found:?}"));
        assert!(about["message"].as_str().unwrap().contains(consequence), "{about}");
    }
}

#[test]
fn works_under_every_umask_and_in_place() {
    for umask in ["000", "077"] {
        let (_outer, dir) = folder();
        let mode = fs::metadata(dir.join("server.crt")).unwrap().mode();
        let line = format!(
            "umask {umask}; exec '{}' reissue . --cert server.crt --ca ca.crt --name iot-mqtt --in-place",
            env!("CARGO_BIN_EXE_mqttcert")
        );
        let inode = fs::metadata(dir.join("server.crt")).unwrap().ino();
        shell(&dir, &line);
        let now = fs::metadata(dir.join("server.crt")).unwrap();
        assert_eq!((now.mode(), now.ino()), (mode, inode));
        assert_eq!(fs::metadata(dir.join(".mqttcert")).unwrap().mode() & 0o777, 0o700);
        shell(&dir, "openssl verify -CAfile ca.crt -verify_hostname iot-mqtt server.crt");
    }
}

#[test]
fn the_loser_of_two_runs_says_why_and_nothing_is_left() {
    let (_outer, dir) = folder();
    let run = || {
        Command::new(env!("CARGO_BIN_EXE_mqttcert"))
            .args(["reissue", ".", "--cert", "server.crt", "--ca", "ca.crt", "--name", "iot-mqtt", "--force"])
            .current_dir(&dir)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap()
    };
    for _ in 0..10 {
        let outs = [run(), run()].map(|child| child.wait_with_output().unwrap());
        for out in &outs {
            assert!(code(out) == 0 || err(out).contains("another mqttcert is at work"), "{}", err(out));
        }
        assert!(outs.iter().any(|out| code(out) == 0));
        shell(&dir, "openssl verify -CAfile ca.crt server.crt; test -z \"$(find . -name '*.tmp')\"");
    }
}
