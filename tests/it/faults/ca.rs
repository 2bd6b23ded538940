//! The CA's books: `init`, `issue`, `revoke` and `ca renew`. The next run brings ledger, files and CRL together, and
//! nothing is lost or issued twice.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{Fault, Stopped, mqttcert, said};
use crate::peers::bytes_below;
use crate::reissue::shell;

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
    init(Fault::KillOrFailure);
}

#[test]
fn init_makes_all_or_nothing_also_through_a_power_cut() {
    init(Fault::PowerCut);
}

fn init(fault: Fault) {
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
    Stopped {
        args: &["init", "--name", "iot-mqtt", "."],
        prepare: &|_| {},
        between: &whole,
        after: &|dir, again, what| {
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
    }
    .by(fault);
}

#[test]
fn issue_names_every_identity_once_whatever_stops_it() {
    issue(Fault::KillOrFailure);
}

#[test]
fn issue_names_every_identity_once_also_through_a_power_cut() {
    issue(Fault::PowerCut);
}

fn issue(fault: Fault) {
    let once = |dir: &Path, what: &str| {
        let lines = ledger(dir);
        let serials: BTreeSet<_> = lines.iter().map(|l| &l.1).collect();
        let names: BTreeSet<_> = lines.iter().map(|l| &l.2).collect();
        assert_eq!((serials.len(), names.len()), (lines.len(), lines.len()), "{what}: {lines:?}");
    };
    Stopped {
        args: &["issue", "--from", "list.csv"],
        prepare: &|dir| {
            openssl_ca(dir);
            fs::write(dir.join("list.csv"), "name\nt/a\nb\n").unwrap();
        },
        between: &once,
        after: &|dir, again, what| {
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
    }
    .by(fault);
}

#[test]
fn revoke_leaves_ledger_and_crl_that_agree_after_the_next_run() {
    revoke(Fault::KillOrFailure);
}

#[test]
fn revoke_leaves_ledger_and_crl_that_agree_also_through_a_power_cut() {
    revoke(Fault::PowerCut);
}

fn revoke(fault: Fault) {
    Stopped {
        args: &["revoke", "a", "--reason", "keyCompromise"],
        prepare: &|dir| {
            openssl_ca(dir);
            mqttcert(dir, &["issue", "a", "b"]);
            mqttcert(dir, &["revoke", "b"]);
        },
        between: &|dir, what| {
            let lines = ledger(dir);
            assert_eq!(lines.len(), 2, "{what}: {lines:?}");
            shell(dir, "openssl crl -in ca/crl.pem -noout -CAfile ca/ca.crt 2>/dev/null");
        },
        after: &|dir, again, what| {
            let done = said(again).contains("revoked");
            assert!(again.status.success() || done, "{what}, then again: {}", said(again));
            assert!(ledger(dir).iter().all(|l| l.0 == "R"), "{what}: {:?}", ledger(dir));
            shell(
                dir,
                "openssl crl -in ca/crl.pem -noout -text -CAfile ca/ca.crt 2>&1 > crl.txt
                 for s in $(cut -f4 ca/index.txt); do grep -q \"Serial Number: $s\" crl.txt; done",
            );
        },
    }
    .by(fault);
}

#[test]
fn a_renewal_of_the_ca_is_the_old_file_or_the_new_one() {
    renewal(Fault::KillOrFailure);
}

#[test]
fn a_renewal_of_the_ca_is_the_old_file_or_the_new_one_also_through_a_power_cut() {
    renewal(Fault::PowerCut);
}

fn renewal(fault: Fault) {
    Stopped {
        args: &["ca", "renew"],
        prepare: &|dir| {
            openssl_ca(dir);
            mqttcert(dir, &["issue", "a"]);
            shell(dir, "cp ca/ca.crt old.crt");
        },
        between: &|dir, _| {
            shell(dir, "openssl verify -CAfile ca/ca.crt clients/a.crt >/dev/null");
        },
        after: &|dir, again, what| {
            assert!(again.status.success(), "{what}, then again: {}", said(again));
            shell(
                dir,
                "openssl verify -CAfile ca/ca.crt clients/a.crt >/dev/null; ! cmp -s ca/ca.crt old.crt
                 grep -qrF \"$(sed -n 3p old.crt)\" ca
                 test \"$(openssl x509 -in ca/ca.crt -noout -pubkey)\" = \"$(openssl pkey -in ca/ca.key -pubout)\"",
            );
        },
    }
    .by(fault);
}
