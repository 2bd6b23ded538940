//! `reissue`, `reissue --new-key` and `reissue --undo`: a certificate that the CA vouches for and that is the key's, at
//! every moment.

use std::path::Path;
use std::process::Output;

use super::{Fault, Stopped, mqttcert, said};
use crate::reissue::shell;

const REISSUE: [&str; 8] = ["reissue", ".", "--cert", "server.crt", "--ca", "ca.crt", "--name", "iot-mqtt"];

fn certificates(dir: &Path) {
    shell(
        dir,
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -subj '/CN=Test CA'
         openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj /CN=old
         openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -out server.crt
         chmod 600 ca.key server.key",
    );
}

fn reissued(dir: &Path) {
    certificates(dir);
    mqttcert(dir, &REISSUE);
}

fn reissued_with_a_new_key(dir: &Path) {
    certificates(dir);
    mqttcert(dir, &[&REISSUE[..], &["--new-key"]].concat());
}

/// A trusted certificate that is the key's, nothing lost, nothing open to others.
fn holds(dir: &Path, _: &str) {
    shell(
        dir,
        "openssl verify -CAfile ca.crt server.crt >/dev/null
         test \"$(openssl x509 -in server.crt -noout -pubkey)\" = \"$(openssl pkey -in server.key -pubout)\"
         cmp -s ca.key ../template/ca.key; cmp -s ca.crt ../template/ca.crt
         cmp -s server.crt ../template/server.crt || grep -qrF \"$(sed -n 3p ../template/server.crt)\" .mqttcert
         test -z \"$(grep -rl 'PRIVATE KEY' . | xargs -r -I{} find {} -perm /077)\"
         test \"$(stat -L -c '%a %u %g' server.crt server.key)\" = \"$(cd ../template; stat -c '%a %u %g' server.crt server.key)\"",
    );
}

fn reissue(more: &[&str], prepare: &dyn Fn(&Path), fault: Fault) {
    let args = [&REISSUE[..], more].concat();
    let ends = |dir: &Path, again: &Output, what: &str| {
        assert!(again.status.success(), "{what}, then again: {}", said(again));
        holds(dir, what);
        if !more.contains(&"--undo") {
            shell(dir, "openssl x509 -in server.crt -noout -checkhost iot-mqtt | grep -q 'does match'");
        }
    };
    Stopped { args: &args, prepare, between: &holds, after: &ends }.by(fault);
}

#[test]
fn reissue_survives_a_kill_and_a_failure_at_every_call() {
    reissue(&[], &certificates, Fault::KillOrFailure);
}

#[test]
fn a_new_key_survives_a_kill_and_a_failure_at_every_call() {
    reissue(&["--new-key"], &certificates, Fault::KillOrFailure);
}

#[test]
fn undo_survives_a_kill_and_a_failure_at_every_call() {
    reissue(&["--undo"], &reissued, Fault::KillOrFailure);
}

#[test]
fn undo_of_a_new_key_survives_a_kill_and_a_failure_at_every_call() {
    reissue(&["--undo"], &reissued_with_a_new_key, Fault::KillOrFailure);
}

#[test]
fn reissue_survives_a_power_cut_at_every_call() {
    reissue(&[], &certificates, Fault::PowerCut);
}

#[test]
fn a_new_key_survives_a_power_cut_at_every_call() {
    reissue(&["--new-key"], &certificates, Fault::PowerCut);
}

#[test]
fn undo_survives_a_power_cut_at_every_call() {
    reissue(&["--undo"], &reissued, Fault::PowerCut);
}

#[test]
fn undo_of_a_new_key_survives_a_power_cut_at_every_call() {
    reissue(&["--undo"], &reissued_with_a_new_key, Fault::PowerCut);
}
