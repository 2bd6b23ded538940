//! The CA's books are killed at, and fail at, every system call that changes files: `init`, `issue`, `revoke` and
//! `ca renew`. The next run brings ledger, files and CRL together, and nothing is lost or issued twice.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::faults::{bytes_below, can_trace, points_of, strace};
use super::peers;
use super::reissue::shell;

/// One command on a copy of a folder: stopped at every point by a kill and by a failure in turn. `between` looks at
/// what is there then, `after` at what the next run makes of it.
fn every_point(
    name: &str,
    args: &[&str],
    prepare: &dyn Fn(&Path),
    between: &dyn Fn(&Path, &str),
    after: &dyn Fn(&Path, &Output, &str),
) {
    if !can_trace() {
        return peers::skip(name, "strace cannot trace here");
    }
    let outer = peers::folder(name);
    let (template, dir) = (outer.join("template"), outer.join("work"));
    fs::create_dir_all(&template).unwrap();
    prepare(&template);
    let fresh = || shell(&outer, "rm -rf work; cp -a template work");
    let run =
        |command: &mut Command| command.args(args).current_dir(&dir).stdin(Stdio::null()).output().unwrap();
    fresh();
    let points = points_of(&dir, &run);
    assert!(points.len() > 8, "{name}: only {} changing calls were seen", points.len());
    let errors = ["error=ENOSPC", "error=EIO", "error=EINTR", "error=EACCES", "error=EPERM"];
    for ((call, number), error) in points.iter().zip(errors.iter().cycle()) {
        for fault in ["signal=SIGKILL", error] {
            let what = format!("{name}: {fault} at {call} {number}");
            fresh();
            let mut command = strace();
            command.args(["-o", "/dev/null", "-e"]).arg(format!("inject={call}:{fault}:when={number}"));
            command.arg(env!("CARGO_BIN_EXE_mqttcert"));
            let out = run(&mut command);
            let said = String::from_utf8_lossy(&out.stderr);
            assert!(out.status.code() != Some(2) || !said.is_empty(), "{what}: failed without a word");
            assert!(!said.contains("panicked"), "{what}: {said}");
            between(&dir, &what);
            let again = run(&mut Command::new(env!("CARGO_BIN_EXE_mqttcert")));
            after(&dir, &again, &what);
            shell(&dir, "test -z \"$(find . -name '*.tmp' -o -name '.mqttcert-init')\"");
        }
    }
}

fn said(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

fn mqttcert(dir: &Path, args: &[&str]) {
    let out = Command::new(env!("CARGO_BIN_EXE_mqttcert")).args(args).current_dir(dir).output().unwrap();
    assert!(out.status.success(), "{args:?}: {}", said(&out));
}

fn openssl_ca(dir: &Path) {
    shell(
        dir,
        "mkdir ca; openssl ecparam -name prime256v1 -genkey -noout -out ca/ca.key; chmod 600 ca/ca.key
         openssl req -x509 -new -key ca/ca.key -subj '/O=T/CN=Test CA' -days 3650 -out ca/ca.crt",
    );
}

/// Every line of the ledger: status, serial, subject.
fn ledger(dir: &Path) -> Vec<(String, String, String)> {
    let text = fs::read_to_string(dir.join("ca/index.txt")).unwrap_or_default();
    let field = |l: &str, n: usize| l.split('\t').nth(n).unwrap_or_default().to_owned();
    text.lines().map(|l| (field(l, 0), field(l, 3), field(l, 5))).collect()
}

#[test]
fn init_makes_all_or_nothing_and_the_next_run_ends_it() {
    let whole = |dir: &Path, what: &str| {
        for (path, bytes) in bytes_below(dir) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with('.') || name.starts_with("index.txt") {
                continue;
            }
            assert!(bytes.ends_with(b"\n"), "{what}: {} is torn", path.display());
        }
        shell(dir, "test -z \"$(grep -rl 'PRIVATE KEY' . | xargs -r -I{} find {} -perm /077)\"");
    };
    every_point(
        "init_makes_all_or_nothing_and_the_next_run_ends_it",
        &["init", "--name", "iot-mqtt", "."],
        &|_| {},
        &whole,
        &|dir, again, what| {
            let there = said(again).contains("is there already");
            assert!(again.status.success() || there, "{what}, then again: {}", said(again));
            whole(dir, what);
            shell(
                dir,
                "openssl verify -x509_strict -verify_hostname iot-mqtt -CAfile ca/ca.crt certs/server.crt >/dev/null
                 test \"$(openssl x509 -in certs/server.crt -noout -pubkey)\" = \"$(openssl pkey -in certs/server.key -pubout)\"
                 test \"$(openssl x509 -in ca/ca.crt -noout -pubkey)\" = \"$(openssl pkey -in ca/ca.key -pubout)\"
                 cmp -s ca/ca.crt certs/ca.crt; test -e ca/index.txt -a -e ca/serial -a -e ca/crlnumber",
            );
        },
    );
}

#[test]
fn issue_names_every_identity_once_whatever_stops_it() {
    let once = |dir: &Path, what: &str| {
        let lines = ledger(dir);
        let serials: BTreeSet<_> = lines.iter().map(|l| &l.1).collect();
        let names: BTreeSet<_> = lines.iter().map(|l| &l.2).collect();
        assert_eq!((serials.len(), names.len()), (lines.len(), lines.len()), "{what}: {lines:?}");
    };
    every_point(
        "issue_names_every_identity_once_whatever_stops_it",
        &["issue", "--from", "list.csv"],
        &|dir| {
            openssl_ca(dir);
            fs::write(dir.join("list.csv"), "name\nt/a\nb\n").unwrap();
        },
        &once,
        &|dir, again, what| {
            assert!(again.status.success(), "{what}, then again: {}", said(again));
            once(dir, what);
            let names: Vec<_> = ledger(dir).into_iter().map(|l| (l.0, l.2)).collect();
            assert_eq!(names.len(), 2, "{what}: {names:?}");
            assert!(names.iter().all(|(status, _)| status == "V"), "{what}: {names:?}");
            shell(
                dir,
                "cmp -s clients/ca.crt ca/ca.crt
                 for n in t/a b; do
                   openssl verify -purpose sslclient -CAfile ca/ca.crt clients/$n.crt >/dev/null
                   test \"$(openssl x509 -in clients/$n.crt -noout -pubkey)\" = \"$(openssl pkey -in clients/$n.key -pubout)\"
                   test \"$(stat -c %a clients/$n.key)\" = 600
                   grep -q \"$(openssl x509 -in clients/$n.crt -noout -serial | cut -d= -f2)\" ca/index.txt
                 done",
            );
        },
    );
}

#[test]
fn revoke_leaves_ledger_and_crl_that_agree_after_the_next_run() {
    every_point(
        "revoke_leaves_ledger_and_crl_that_agree_after_the_next_run",
        &["revoke", "a", "--reason", "keyCompromise"],
        &|dir| {
            openssl_ca(dir);
            mqttcert(dir, &["issue", "a", "b"]);
            mqttcert(dir, &["revoke", "b"]);
        },
        &|dir, what| {
            let lines = ledger(dir);
            assert_eq!(lines.len(), 2, "{what}: {lines:?}");
            shell(dir, "openssl crl -in ca/crl.pem -noout -CAfile ca/ca.crt 2>/dev/null");
        },
        &|dir, again, what| {
            let done = said(again).contains("revoked");
            assert!(again.status.success() || done, "{what}, then again: {}", said(again));
            assert!(ledger(dir).iter().all(|l| l.0 == "R"), "{what}: {:?}", ledger(dir));
            shell(
                dir,
                "openssl crl -in ca/crl.pem -noout -text -CAfile ca/ca.crt 2>&1 > crl.txt
                 for s in $(cut -f4 ca/index.txt); do grep -q \"Serial Number: $s\" crl.txt; done",
            );
        },
    );
}

#[test]
fn a_renewal_of_the_ca_is_the_old_file_or_the_new_one() {
    every_point(
        "a_renewal_of_the_ca_is_the_old_file_or_the_new_one",
        &["ca", "renew"],
        &|dir| {
            openssl_ca(dir);
            mqttcert(dir, &["issue", "a"]);
            shell(dir, "cp ca/ca.crt old.crt");
        },
        &|dir, _| {
            shell(dir, "openssl verify -CAfile ca/ca.crt clients/a.crt >/dev/null");
        },
        &|dir, again, what| {
            assert!(again.status.success(), "{what}, then again: {}", said(again));
            shell(
                dir,
                "openssl verify -CAfile ca/ca.crt clients/a.crt >/dev/null; ! cmp -s ca/ca.crt old.crt
                 grep -qrF \"$(sed -n 3p old.crt)\" ca
                 test \"$(openssl x509 -in ca/ca.crt -noout -pubkey)\" = \"$(openssl pkey -in ca/ca.key -pubout)\"",
            );
        },
    );
}
