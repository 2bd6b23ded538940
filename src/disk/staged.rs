//! A new file is written under a name of its own (exclusive, mode 0600 until owner, mode and attributes are those of
//! the old one), made durable, and then takes its name.

use std::ffi::{OsStr, OsString};

use ring::rand::{SecureRandom, SystemRandom};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::attributes::Attributes;
use super::calls::{retry, write_all};
use super::error::{DiskError, Reason};
use super::folder::{Done, Folder};
use super::walk;

/// A new file, complete and durable, that has not yet its name. It is removed again unless it takes one.
#[derive(Debug)]
pub struct Staged<'a> {
    folder: &'a Folder,
    temporary: OsString,
    fd: OwnedFd,
    taken: bool,
}

impl Folder {
    /// Writes a new file completely and durably, under a name of its own.
    ///
    /// # Errors
    /// [`DiskError`]; nothing is left then.
    pub fn stage(&self, name: &OsStr, content: &[u8], attributes: &Attributes) -> Done<Staged<'_>> {
        let error = self.error(name, "write it");
        let mut random = [0; 8];
        SystemRandom::new()
            .fill(&mut random)
            .map_err(|_| DiskError::new(&self.shown(name), "write it", Reason::Io("no randomness".into())))?;
        let temporary = temporary_name(name, u64::from_ne_bytes(random));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let fd = retry(|| rustix::fs::openat(&self.fd, &temporary, flags, mode)).map_err(&error)?;
        let staged = Staged { folder: self, temporary, fd, taken: false };
        let apply = || {
            attributes.apply(&staged.fd).map_err(|e| match e {
                Errno::PERM | Errno::ACCESS if !attributes.is_own() => {
                    let (uid, gid) = attributes.owner();
                    DiskError::new(&self.shown(name), "write it", Reason::Owner(uid, gid))
                }
                e => error(e),
            })
        };
        // A private file is private before its first byte; a public one becomes public when it is whole.
        let private = attributes.mode() & 0o077 == 0;
        if private {
            apply()?;
        }
        write_all(&staged.fd, content).map_err(&error)?;
        if !private {
            apply()?;
        }
        retry(|| rustix::fs::fsync(&staged.fd)).map_err(&error)?;
        Ok(staged)
    }

    /// Removes what an interrupted run of ours left: files named as [`Folder::stage`] names them.
    pub fn sweep(&self) {
        for name in self.list().unwrap_or_default() {
            if is_temporary(&name) {
                // What cannot be removed does no harm: the next run tries again.
                let _ = self.remove(&name);
            }
        }
    }

    /// Removes what an interrupted replacement of this one file left.
    pub fn sweep_for(&self, name: &OsStr) {
        use std::os::unix::ffi::OsStrExt;
        let start = [b".", name.as_bytes(), b".mqttcert-"].concat();
        for other in self.list().unwrap_or_default() {
            if is_temporary(&other) && other.as_bytes().starts_with(&start) {
                // What cannot be removed does no harm: the next run tries again.
                let _ = self.remove(&other);
            }
        }
    }
}

impl Staged<'_> {
    /// Takes its name, replacing what has it. The folder must be synced for this to be durable.
    ///
    /// # Errors
    /// [`DiskError`]; nothing is left then. [`Reason::Changed`] if another file had been put in its place.
    pub fn commit(mut self, name: &OsStr) -> Done<()> {
        let folder = self.folder;
        folder.rename(&self.temporary, folder, name)?;
        self.taken = true;
        let error = folder.error(name, "look at what is in place");
        let mine = rustix::fs::fstat(&self.fd).map_err(&error)?;
        let there =
            retry(|| rustix::fs::statat(&folder.fd, name, AtFlags::SYMLINK_NOFOLLOW)).map_err(&error)?;
        if walk::id(&mine) != walk::id(&there) {
            return Err(DiskError::new(&folder.shown(name), "put it in place", Reason::Changed));
        }
        Ok(())
    }
}

impl Staged<'_> {
    /// The name that it has for now.
    pub(super) fn temporary(&self) -> &OsStr {
        &self.temporary
    }

    /// Leaves the file under the name that it has for now: whoever calls this has written down where it belongs.
    pub(super) fn leave(mut self) -> OsString {
        self.taken = true;
        self.temporary.clone()
    }
}

impl Folder {
    /// Gives a file another name in this folder, if nothing has that name.
    pub(super) fn rename_new(&self, from: &OsStr, to: &OsStr) -> Result<(), Errno> {
        match retry(|| rustix::fs::renameat_with(&self.fd, from, &self.fd, to, RenameFlags::NOREPLACE)) {
            // A file system that does not know the flag: a second name is as exclusive.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                retry(|| rustix::fs::linkat(&self.fd, from, &self.fd, to, AtFlags::empty()))?;
                retry(|| rustix::fs::unlinkat(&self.fd, from, AtFlags::empty()))
            }
            other => other,
        }
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        if !self.taken && self.folder.remove(&self.temporary).is_err() {
            // Once more: a signal or a passing failure must not leave a name behind.
            let _ = self.folder.remove(&self.temporary);
        }
    }
}

fn temporary_name(name: &OsStr, random: u64) -> OsString {
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".mqttcert-{random:016x}.tmp"));
    temporary
}

fn is_temporary(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let Some((_, random)) = name.strip_suffix(".tmp").and_then(|n| n.rsplit_once(".mqttcert-")) else {
        return false;
    };
    name.starts_with('.') && random.len() == 16 && random.bytes().all(|b| b.is_ascii_hexdigit())
}
