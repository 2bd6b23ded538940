//! Why a file was not changed.

use std::fmt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

/// Why nothing was changed at a place, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskError {
    /// The file or folder.
    pub path: PathBuf,
    /// What was tried, e.g. `write the new certificate`.
    pub doing: &'static str,
    /// What the place said.
    pub reason: Reason,
}

/// What a place says to a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// There is no such file or folder.
    Missing,
    /// No permission.
    Denied,
    /// No permission, although root asks.
    Forbidden,
    /// A read-only mount.
    ReadOnly,
    /// No space, or no quota, left.
    Full,
    /// The file itself is a mount point.
    Mounted,
    /// One of two files that can only be replaced together is a mount point.
    MountedPair,
    /// No folder.
    NotAFolder,
    /// No regular file.
    NotAFile,
    /// It is a link that leads out of its folder.
    LinkAway(PathBuf),
    /// Below /proc, /sys or /dev.
    Kernel,
    /// Too large.
    TooLarge(u64),
    /// Another run holds the folder.
    Locked,
    /// Somebody changed it meanwhile.
    Changed,
    /// The owner cannot be kept.
    Owner(u32, u32),
    /// Any other failure, with the system's words.
    Io(String),
}

impl DiskError {
    pub(super) fn new(path: &Path, doing: &'static str, reason: Reason) -> Self {
        Self { path: path.to_owned(), doing, reason }
    }

    pub(super) fn errno(path: &Path, doing: &'static str, errno: Errno) -> Self {
        let reason = match errno {
            Errno::NOENT => Reason::Missing,
            Errno::ACCESS | Errno::PERM if rustix::process::geteuid().is_root() => Reason::Forbidden,
            Errno::ACCESS | Errno::PERM => Reason::Denied,
            Errno::ROFS => Reason::ReadOnly,
            Errno::NOSPC | Errno::DQUOT => Reason::Full,
            Errno::BUSY | Errno::XDEV => Reason::Mounted,
            e => Reason::Io(std::io::Error::from(e).to_string()),
        };
        Self::new(path, doing, reason)
    }
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = crate::name::escape(&self.path.to_string_lossy());
        write!(f, "{path}: could not {}: {}", self.doing, self.reason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => write!(f, "it is not there; name the right one by a flag"),
            Self::Denied => write!(f, "permission denied; run as the owner of the folder or as root"),
            Self::Forbidden => write!(
                f,
                "permission denied, even to root: look for an immutable or append-only file or folder (`lsattr`), \
                 SELinux or AppArmor, or a network mount"
            ),
            Self::ReadOnly => {
                write!(f, "the file system is mounted read-only; run it where it is writable")
            }
            Self::Full => write!(f, "no space left; free some and run again"),
            Self::Mounted => write!(
                f,
                "the file itself is a mount point (a single-file bind mount), so it cannot be replaced as a whole; \
                 run on the host's folder, or add --in-place"
            ),
            Self::MountedPair => write!(
                f,
                "the file itself is a mount point (a single-file bind mount), so certificate and key cannot be \
                 replaced together; run on the host's folder, or keep the key and add --in-place"
            ),
            Self::NotAFolder => write!(
                f,
                "no folder stands there, but a file or a link; look at it and move it out of the way"
            ),
            Self::NotAFile => write!(f, "it is no regular file"),
            Self::LinkAway(to) => write!(
                f,
                "it is a link to {}, outside of its folder; name that file by --cert (and --key) if it is meant",
                crate::name::escape(&to.to_string_lossy())
            ),
            Self::Kernel => write!(f, "files below /proc, /sys and /dev are not touched"),
            Self::TooLarge(n) => write!(f, "{n} bytes are more than is read"),
            Self::Locked => {
                write!(f, "another mqttcert is at work in this folder; wait for it and run again")
            }
            Self::Changed => write!(f, "somebody else changed it meanwhile; look at it and run again"),
            Self::Owner(uid, gid) => {
                write!(f, "its owner {uid}:{gid} cannot be kept; run as root or as that owner")
            }
            Self::Io(why) => write!(f, "{why}"),
        }
    }
}

impl std::error::Error for DiskError {}
