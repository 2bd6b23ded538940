//! Nothing is lost: `reissue` (and `check --fix`) is killed at, and fails at, every system call that changes files; whatever is there
//! afterwards is the old pair or the new one, whole, and the next run brings it to its end.
//!
//! Needs strace and a system that allows ptrace; where they are missing the test says so and skips.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::reissue::{folder, shell};

/// The calls that change files here.
const CALLS: &str =
    "openat,write,pwrite64,fsync,renameat,linkat,symlinkat,unlinkat,mkdirat,fchmod,fchown,ftruncate,flock";

pub fn strace() -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "signal=none", "-e"]).arg(format!("trace={CALLS}"));
    command
}

pub fn can_trace() -> bool {
    strace().args(["-o", "/dev/null", "true"]).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

fn mqttcert(command: &mut Command, dir: &Path, more: &[&str]) -> std::process::Output {
    command
        .args(["reissue", ".", "--cert", "server.crt", "--ca", "ca.crt", "--name", "iot-mqtt"])
        .args(more)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Every changing call below the folder: its name and its number among the calls of that name.
fn points(dir: &Path, more: &[&str]) -> Vec<(String, usize)> {
    points_of(dir, &|command| mqttcert(command, dir, more))
}

pub fn points_of(dir: &Path, run: &dyn Fn(&mut Command) -> std::process::Output) -> Vec<(String, usize)> {
    let log = dir.join("../trace");
    let mut command = strace();
    command.arg("-y").arg("-o").arg(&log).arg(env!("CARGO_BIN_EXE_mqttcert"));
    let out = run(&mut command);
    assert!(out.status.code() != Some(2), "{}", String::from_utf8_lossy(&out.stderr));
    let here = dir.canonicalize().unwrap();
    let mut counts: std::collections::HashMap<(String, String), usize> = std::collections::HashMap::new();
    let mut found = Vec::new();
    for line in fs::read_to_string(log).unwrap().lines() {
        let Some((pid, call)) = line.split_once(' ') else { continue };
        let Some((name, rest)) = call.trim_start().split_once('(') else { continue };
        let count = counts.entry((pid.to_owned(), name.to_owned())).or_default();
        *count += 1;
        let reads = name == "openat" && !rest.contains("O_CREAT") && !rest.contains("O_WRONLY");
        if rest.contains(here.to_str().unwrap()) && !reads {
            found.push((name.to_owned(), *count));
        }
    }
    found
}

/// The invariants: a trusted certificate that is the key's, nothing lost, nothing open to others.
fn holds(template: &Path, dir: &Path, what: &str) {
    shell(
        dir,
        "openssl verify -CAfile ca.crt server.crt >/dev/null
         test \"$(openssl x509 -in server.crt -noout -pubkey)\" = \"$(openssl pkey -in server.key -pubout)\"
         cmp -s ca.key ../template/ca.key; cmp -s ca.crt ../template/ca.crt
         cmp -s server.crt ../template/server.crt || grep -qrF \"$(sed -n 3p ../template/server.crt)\" .mqttcert
         test -z \"$(grep -rl 'PRIVATE KEY' . | xargs -r -I{} find {} -perm /077)\"
         test \"$(stat -L -c '%a %u %g' server.crt server.key)\" = \"$(cd ../template; stat -c '%a %u %g' server.crt server.key)\"",
    );
    assert!(template.exists(), "{what}");
}

/// strace counts in each thread by itself: a fault must not meet the rehearsal's threads either.
fn not_a_panic(out: &std::process::Output, what: &str) {
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(!said.contains("panicked"), "{what}: {said}");
}

fn every_point_holds(more: &[&str], then: &[&str]) {
    if !can_trace() {
        eprintln!("skipped: strace cannot trace here");
        return;
    }
    let (outer, template) = folder();
    let kept = outer.path().join("template");
    shell(outer.path(), "cp -a certs template");
    let dir = template;
    let fresh = || {
        shell(outer.path(), "rm -rf certs; cp -a template certs");
        for step in then.chunks(8) {
            let out = mqttcert(&mut Command::new(env!("CARGO_BIN_EXE_mqttcert")), &dir, step);
            assert!(out.status.success());
        }
    };
    fresh();
    let points = points(&dir, more);
    assert!(points.len() > 15, "only {} changing calls were seen", points.len());
    let errors = ["error=ENOSPC", "error=EIO", "error=EINTR", "error=EACCES", "error=EPERM"];
    for ((name, number), error) in points.iter().zip(errors.iter().cycle()) {
        for fault in ["signal=SIGKILL", error] {
            let what = format!("{fault} at {name} {number}");
            fresh();
            let mut command = strace();
            command.args(["-o", "/dev/null", "-e"]).arg(format!("inject={name}:{fault}:when={number}"));
            command.arg(env!("CARGO_BIN_EXE_mqttcert"));
            let out = mqttcert(&mut command, &dir, more);
            holds(&kept, &dir, &what);
            not_a_panic(&out, &what);
            if fault != "signal=SIGKILL" {
                assert!(out.status.success() || !out.stderr.is_empty(), "{what}: failed without a word");
            }
            let again = mqttcert(&mut Command::new(env!("CARGO_BIN_EXE_mqttcert")), &dir, more);
            assert!(again.status.success(), "{what}, then again: {}", String::from_utf8_lossy(&again.stderr));
            holds(&kept, &dir, &what);
            shell(&dir, "test -z \"$(find . -name '*.tmp' -o -name '.mqttcert-pair')\"");
        }
    }
}

#[test]
fn reissue_survives_a_kill_and_a_failure_at_every_call() {
    every_point_holds(&[], &[]);
}

#[test]
fn a_new_key_survives_a_kill_and_a_failure_at_every_call() {
    every_point_holds(&["--new-key"], &[]);
}

#[test]
fn undo_survives_a_kill_and_a_failure_at_every_call() {
    every_point_holds(&["--undo"], &["--force"]);
}

/// Every file below a folder with its bytes.
pub fn bytes_below(dir: &Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
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

/// `check --fix` on the seed's before state: whatever stops it, every file is the old one or the mended one, whole,
/// and the next run mends the rest and leaves nothing behind.
#[test]
fn fix_survives_a_kill_and_a_failure_at_every_call() {
    if !can_trace() {
        eprintln!("skipped: strace cannot trace here");
        return;
    }
    let outer = tempfile::tempdir().unwrap();
    let before = Path::new(env!("CARGO_MANIFEST_DIR")).join("compose-fixtures/pulse/before");
    let dir = outer.path().join("project");
    let fresh = || {
        shell(outer.path(), "rm -rf project");
        shell(outer.path(), &format!("cp -a '{}' project", before.display()));
    };
    let run = |command: &mut Command| {
        command
            .args(["check", "--fix", "--unsafe-fixes", "--allow-dirty", "."])
            .current_dir(&dir)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    };
    fresh();
    let old = bytes_below(&dir);
    let points = points_of(&dir, &run);
    let mended = bytes_below(&dir);
    assert!(points.len() > 8, "only {} changing calls were seen", points.len());
    assert_ne!(old, mended);
    // A power cut keeps what was synced: the new text before it gets its name, its folder before the next file.
    let names: Vec<&str> = points.iter().map(|(n, _)| n.as_str()).collect();
    let renames: Vec<usize> = (0..names.len()).filter(|i| names[*i] == "renameat").collect();
    assert_eq!(renames.len(), 2, "{names:?}");
    for at in renames {
        assert_eq!((names[at - 1], names.get(at + 1)), ("fsync", Some(&"fsync")), "{names:?}");
    }
    let errors = ["error=ENOSPC", "error=EIO", "error=EINTR", "error=EACCES", "error=EPERM"];
    for ((name, number), error) in points.iter().zip(errors.iter().cycle()) {
        for fault in ["signal=SIGKILL", error] {
            let what = format!("{fault} at {name} {number}");
            fresh();
            let mut command = strace();
            command.args(["-o", "/dev/null", "-e"]).arg(format!("inject={name}:{fault}:when={number}"));
            command.arg(env!("CARGO_BIN_EXE_mqttcert"));
            let out = run(&mut command);
            not_a_panic(&out, &what);
            let now = bytes_below(&dir);
            for (file, bytes) in &old {
                let whole = now.get(file).is_some_and(|n| n == bytes || Some(n) == mended.get(file));
                assert!(whole, "{what}: {} is neither the old nor the mended one", file.display());
            }
            if out.status.code() == Some(2) {
                assert!(!out.stderr.is_empty(), "{what}: failed without a word");
            }
            run(&mut Command::new(env!("CARGO_BIN_EXE_mqttcert")));
            assert_eq!(bytes_below(&dir), mended, "{what}, then again");
        }
    }
}
