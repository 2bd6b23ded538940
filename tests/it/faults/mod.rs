//! Nothing is lost: every command that changes files is stopped at every system call that does so, by a kill, by a
//! failure, and by a power cut on a real file system ([`power`]). What is there afterwards is the old state or the new
//! one, whole, and the next run brings it to its end.
//!
//! Needs strace and a system that allows ptrace; where they are missing the tests are skipped by name.

mod ca;
mod fix;
mod power;
mod reissue;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::peers;
use super::reissue::shell;

/// The calls that change files here.
const CALLS: &str =
    "openat,write,pwrite64,fsync,renameat,linkat,symlinkat,unlinkat,mkdirat,fchmod,fchown,ftruncate,flock";

/// A command that changes files, and what has to hold when it was stopped anywhere.
struct Stopped<'a> {
    /// What mqttcert is asked to do, in a copy of the folder that `prepare` filled.
    args: &'a [&'a str],
    prepare: &'a dyn Fn(&Path),
    /// Looks at what the stopped run left. The folder's untouched twin lies beside it as `../template`.
    between: &'a dyn Fn(&Path, &str),
    /// Looks at what the next run made of it.
    after: &'a dyn Fn(&Path, &Output, &str),
}

/// What stops a command.
#[derive(Debug, Clone, Copy)]
enum Fault {
    KillOrFailure,
    PowerCut,
}

impl Stopped<'_> {
    fn by(&self, fault: Fault) {
        if !can_trace() {
            return peers::skip_this("strace cannot trace here");
        }
        match fault {
            Fault::KillOrFailure => self.at_every_call(),
            Fault::PowerCut => self.at_every_power_cut(),
        }
    }

    /// Stops it at every call by a kill and by a failure, which is another one from call to call.
    fn at_every_call(&self) {
        let outer = peers::folder(&peers::this_test());
        let dir = outer.join("work");
        fs::create_dir(outer.join("template")).unwrap();
        (self.prepare)(&outer.join("template"));
        let fresh = || shell(&outer, "rm -rf work; cp -a template work");
        fresh();
        let points = self.points(&dir);
        let errors = ["ENOSPC", "EIO", "EINTR", "EACCES", "EPERM"];
        for (point, error) in points.iter().zip(errors.iter().cycle()) {
            for fault in ["signal=SIGKILL".to_owned(), format!("error={error}")] {
                let what = format!("{fault} at {point}");
                fresh();
                let out = self.run(&mut point.under(&fault), &dir);
                let said = said(&out);
                assert!(out.status.code() != Some(2) || !said.is_empty(), "{what}: failed without a word");
                assert!(!said.contains("panicked"), "{what}: {said}");
                (self.between)(&dir, &what);
                self.again(&dir, &what);
            }
        }
        fs::remove_dir_all(outer).unwrap();
    }

    /// The next run, which leaves nothing behind.
    fn again(&self, dir: &Path, what: &str) {
        let again = self.run(&mut Command::new(env!("CARGO_BIN_EXE_mqttcert")), dir);
        (self.after)(dir, &again, what);
        shell(dir, "test -z \"$(find . -name '*.tmp' -o -name '.mqttcert-init' -o -name '.mqttcert-pair')\"");
    }

    /// Every changing call below the folder.
    fn points(&self, dir: &Path) -> Vec<Point> {
        let log = dir.join("../trace");
        let out = self.run(strace().arg("-y").arg("-o").arg(&log).arg(env!("CARGO_BIN_EXE_mqttcert")), dir);
        assert!(out.status.code() != Some(2), "{}", said(&out));
        let here = dir.canonicalize().unwrap();
        let mut counts: HashMap<(String, String), usize> = HashMap::new();
        let mut found = Vec::new();
        for line in fs::read_to_string(log).unwrap().lines() {
            let Some((thread, call)) = line.split_once(' ') else { continue };
            let Some((name, rest)) = call.trim_start().split_once('(') else { continue };
            let count = counts.entry((thread.to_owned(), name.to_owned())).or_default();
            *count += 1;
            let reads = name == "openat" && !rest.contains("O_CREAT") && !rest.contains("O_WRONLY");
            if rest.contains(here.to_str().unwrap()) && !reads {
                found.push(Point { call: name.to_owned(), number: *count });
            }
        }
        assert!(found.len() > 8, "only {} changing calls were seen", found.len());
        found
    }

    fn run(&self, command: &mut Command, dir: &Path) -> Output {
        command.args(self.args).current_dir(dir).stdin(Stdio::null()).output().unwrap()
    }
}

/// A call that changes files: its name, and its number among the calls of that name.
struct Point {
    call: String,
    number: usize,
}

impl Point {
    /// mqttcert, with a fault at this call.
    fn under(&self, fault: &str) -> Command {
        let mut command = strace();
        command
            .args(["-o", "/dev/null", "-e"])
            .arg(format!("inject={}:{fault}:when={}", self.call, self.number));
        command.arg(env!("CARGO_BIN_EXE_mqttcert"));
        command
    }
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.call, self.number)
    }
}

fn strace() -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "signal=none", "-e"]).arg(format!("trace={CALLS}"));
    command
}

pub fn can_trace() -> bool {
    strace().args(["-o", "/dev/null", "true"]).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

fn said(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

/// Runs mqttcert, which must succeed.
fn mqttcert(dir: &Path, args: &[&str]) {
    let out = Command::new(env!("CARGO_BIN_EXE_mqttcert")).args(args).current_dir(dir).output().unwrap();
    assert!(out.status.success(), "{args:?}: {}", said(&out));
}
