//! What a replacement keeps of the old file: owner, mode, ACL, SELinux label and other extended attributes.

use rustix::fd::AsFd;
use rustix::fs::{Gid, Mode, Stat, Uid, XattrFlags};
use rustix::io::Errno;

const ACL: &str = "system.posix_acl_access";

/// Owner, mode and extended attributes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attributes {
    uid: u32,
    gid: u32,
    mode: u32,
    extended: Vec<(String, Vec<u8>)>,
}

impl Attributes {
    /// For a file of our own that did not exist before.
    #[must_use]
    pub fn fresh(mode: u32) -> Self {
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        Self { uid: uid.as_raw(), gid: gid.as_raw(), mode, extended: Vec::new() }
    }

    /// The same with another user and group.
    pub(super) fn owned_by(self, uid: u32, gid: u32) -> Self {
        Self { uid, gid, ..self }
    }

    /// The permission bits.
    #[must_use]
    pub fn mode(&self) -> u32 {
        self.mode
    }

    /// User and group.
    #[must_use]
    pub fn owner(&self) -> (u32, u32) {
        (self.uid, self.gid)
    }

    /// Whether a file made by this process has this owner anyway.
    pub(super) fn is_own(&self) -> bool {
        self.uid == rustix::process::geteuid().as_raw() && self.gid == rustix::process::getegid().as_raw()
    }

    pub(super) fn of(fd: impl AsFd, stat: &Stat) -> Result<Self, Errno> {
        let mut extended = Vec::new();
        let mut names = vec![0_u8; 4096];
        let len = match rustix::fs::flistxattr(&fd, &mut names[..]) {
            Ok(len) => len,
            Err(Errno::NOTSUP | Errno::NOSYS | Errno::RANGE) => 0,
            Err(e) => return Err(e),
        };
        for name in names.get(..len).unwrap_or_default().split(|b| *b == 0).filter(|n| !n.is_empty()) {
            let Ok(name) = std::str::from_utf8(name) else { continue };
            let mut value = vec![0_u8; 65536];
            if let Ok(len) = rustix::fs::fgetxattr(&fd, name, &mut value[..]) {
                value.truncate(len);
                extended.push((name.to_owned(), value));
            }
        }
        Ok(Self { uid: stat.st_uid, gid: stat.st_gid, mode: stat.st_mode & 0o7777, extended })
    }

    /// Gives them to a new file: the owner first, while only we may read it, the mode last.
    pub(super) fn apply(&self, fd: impl AsFd) -> Result<(), Errno> {
        let stat = rustix::fs::fstat(&fd)?;
        if (stat.st_uid, stat.st_gid) != (self.uid, self.gid) {
            rustix::fs::fchown(&fd, Some(Uid::from_raw(self.uid)), Some(Gid::from_raw(self.gid)))?;
        }
        let mut has = vec![0_u8; 4096];
        let len = rustix::fs::flistxattr(&fd, &mut has[..]).unwrap_or(0);
        let inherited = has.get(..len).unwrap_or_default().split(|b| *b == 0).any(|n| n == ACL.as_bytes());
        if inherited && !self.extended.iter().any(|(n, _)| n == ACL) {
            rustix::fs::fremovexattr(&fd, ACL)?;
        }
        for (name, value) in &self.extended {
            match rustix::fs::fsetxattr(&fd, name.as_str(), value, XattrFlags::empty()) {
                Ok(()) => {}
                // Labels that only the system may set are set by it.
                Err(_) if name != ACL => {}
                Err(e) => return Err(e),
            }
        }
        // Always, and last: whatever umask, folder and ACL made of it, this is the mode.
        rustix::fs::fchmod(&fd, Mode::from_raw_mode(self.mode))?;
        Ok(())
    }
}
