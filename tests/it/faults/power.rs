//! Power cuts on real file systems: the command works on a file system in a file, is killed at a call, and what had
//! reached the file by then is mounted elsewhere, as after the next boot: the journal is replayed, and what was only in
//! the page cache is gone.
//!
//! Needs root and loop devices; without them, or without the program that makes a file system, it is skipped by name.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::Stopped;
use crate::peers;
use crate::reissue::shell;

/// A file system of Linux, the program that makes it with its options, and a size that suffices.
const KINDS: [(&str, &str, &str, &str); 3] = [
    ("ext4", "mkfs.ext4", "-q -F", "16M"),
    ("xfs", "mkfs.xfs", "-q -f", "304M"),
    ("btrfs", "mkfs.btrfs", "-q -f", "128M"),
];

impl Stopped<'_> {
    /// Cuts the power at every call, on every file system there is.
    pub(super) fn at_every_power_cut(&self) {
        for (kind, program, options, size) in KINDS {
            let test = format!("{} on {kind}", peers::this_test());
            let Some(make) = peers::find(program) else {
                peers::skip(&test, &format!("{program} is not installed"));
                continue;
            };
            let outer = peers::folder(&format!("{}-{kind}", peers::this_test()));
            let base = outer.join("base");
            shell(&outer, &format!("truncate -s {size} base; mkdir disk; {} {options} base", make.display()));
            let Some(disk) = Disk::mount(&base, &outer) else {
                peers::skip(&test, "loop devices need root, and a kernel that knows the file system");
                continue;
            };
            self.on(disk, &outer);
            fs::remove_dir_all(outer).unwrap();
        }
    }

    fn on(&self, disk: Disk, outer: &Path) {
        let mounted = || Disk::mount_again(&outer.join("live"), outer);
        fs::create_dir(disk.at.join("template")).unwrap();
        (self.prepare)(&disk.at.join("template"));
        shell(&disk.at, "cp -a template work");
        drop(disk);
        let fresh = || {
            shell(outer, "rm -f live; cp --sparse=always base live");
            mounted()
        };
        // What had reached the disk, after the next boot.
        let cut = |disk: Disk| {
            shell(outer, "cp --sparse=always live cut");
            drop(disk);
            fs::rename(outer.join("cut"), outer.join("live")).unwrap();
            mounted()
        };
        let disk = fresh();
        let points = self.points(&disk.work());
        drop(disk);
        for point in &points {
            let what = format!("{}: power cut at {point}", outer.display());
            let disk = fresh();
            self.run(&mut point.under("signal=SIGKILL"), &disk.work());
            let disk = cut(disk);
            (self.between)(&disk.work(), &what);
            self.again(&disk.work(), &what);
        }
        let disk = fresh();
        let out = self.run(&mut Command::new(env!("CARGO_BIN_EXE_mqttcert")), &disk.work());
        let disk = cut(disk);
        (self.after)(&disk.work(), &out, &format!("{}: power cut after success", outer.display()));
    }
}

/// A file system in a file, mounted as long as this lives.
struct Disk {
    at: PathBuf,
}

impl Disk {
    /// The folder that the command works on.
    fn work(&self) -> PathBuf {
        self.at.join("work")
    }

    /// `None` where it cannot be mounted.
    fn mount(image: &Path, outer: &Path) -> Option<Self> {
        let at = outer.join("disk");
        let mut mount = Command::new("mount");
        mount.args(["-o", "loop"]).arg(image).arg(&at).stderr(Stdio::null());
        mount.status().is_ok_and(|s| s.success()).then_some(Self { at })
    }

    /// Mounts one that was mounted before. That may take a moment: a test beside this one that works in a mount
    /// namespace of its own has a copy of every mount, and two file systems with the same identifier exclude each
    /// other.
    fn mount_again(image: &Path, outer: &Path) -> Self {
        let tries = (0..50).find_map(|_| {
            Self::mount(image, outer).or_else(|| {
                thread::sleep(Duration::from_millis(100));
                None
            })
        });
        tries.unwrap_or_else(|| panic!("{} could not be mounted again", image.display()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.at).status();
    }
}
