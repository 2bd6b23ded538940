//! `check --fix` on the seed's before state: whatever stops it, every file is the old one or the mended one, whole, and
//! the next run mends the rest.

use std::path::Path;
use std::process::Command;

use super::{Fault, Stopped};
use crate::peers::{self, bytes_below};
use crate::reissue::shell;

const FIX: [&str; 5] = ["check", "--fix", "--unsafe-fixes", "--allow-dirty", "."];

fn project(dir: &Path) {
    let before = Path::new(env!("CARGO_MANIFEST_DIR")).join("compose-fixtures/pulse/before");
    shell(dir, &format!("cp -a '{}/.' .", before.display()));
}

fn fix(fault: Fault) {
    let folder = peers::folder(&format!("{}-mended", peers::this_test()));
    project(&folder);
    let old = bytes_below(&folder);
    Command::new(env!("CARGO_BIN_EXE_mqttcert")).args(FIX).current_dir(&folder).output().unwrap();
    let mended = bytes_below(&folder);
    assert_ne!(old, mended);
    std::fs::remove_dir_all(folder).unwrap();
    let between = |dir: &Path, what: &str| {
        let now = bytes_below(dir);
        for (file, bytes) in &old {
            let whole = now.get(file).is_some_and(|n| n == bytes || Some(n) == mended.get(file));
            assert!(whole, "{what}: {} is neither the old nor the mended one", file.display());
        }
    };
    Stopped {
        args: &FIX,
        prepare: &project,
        between: &between,
        after: &|dir, _, what| {
            let now = bytes_below(dir);
            let differ: Vec<_> =
                mended.iter().filter(|(f, b)| now.get(*f) != Some(*b)).map(|(f, _)| f).collect();
            let beside: Vec<_> = now.keys().filter(|f| !mended.contains_key(*f)).collect();
            assert!(differ.is_empty() && beside.is_empty(), "{what}, then again: {differ:?} {beside:?}");
        },
    }
    .by(fault);
}

#[test]
fn fix_survives_a_kill_and_a_failure_at_every_call() {
    fix(Fault::KillOrFailure);
}

#[test]
fn fix_survives_a_power_cut_at_every_call() {
    fix(Fault::PowerCut);
}
