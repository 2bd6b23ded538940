//! The only writer. A folder is held open; everything in it is done relative to that open folder, by names without
//! slashes, without following links.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::attributes::Attributes;
use super::calls::{retry, write_all};
use super::error::{DiskError, Reason};
use super::walk::{self, End};
use crate::tree::MAX_FILE;

pub(super) type Done<T> = Result<T, DiskError>;

/// A folder that is held open for changes.
#[derive(Debug)]
pub struct Folder {
    pub(super) fd: OwnedFd,
    shown: PathBuf,
    real: PathBuf,
    uid: u32,
    mode: u32,
}

/// A file as it was read: its content and what a replacement must keep.
#[derive(Debug, Clone)]
pub struct Existing {
    /// The whole content.
    pub content: Vec<u8>,
    /// Owner, mode, ACL, labels.
    pub attributes: Attributes,
    /// How many other names it has (hard links); a replacement does not reach them.
    pub other_names: u64,
    id: (u64, u64),
}

impl Existing {
    /// Its inode number, by which `find -inum` finds its other names.
    #[must_use]
    pub fn inode(&self) -> u64 {
        self.id.1
    }
}

impl Folder {
    /// Finds the folder and name of a file that may be replaced. A link is followed if it ends in its own folder (or
    /// below it, as in Kubernetes' layout); then the file it ends at is the one that is replaced.
    ///
    /// # Errors
    /// [`DiskError`] where the path leads nowhere, away, or to what is no file.
    pub fn of_file(path: &Path) -> Done<(Self, OsString)> {
        const DOING: &str = "open it";
        let absolute =
            std::path::absolute(path).map_err(|e| DiskError::new(path, DOING, Reason::Io(e.to_string())))?;
        let way = walk::walk(&absolute).map_err(|e| DiskError::errno(path, DOING, e))?;
        let real = way.real();
        if walk::is_kernel_path(&real) {
            return Err(DiskError::new(path, DOING, Reason::Kernel));
        }
        let name = match &way.end {
            End::Entry(name, stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
                name.clone()
            }
            End::Missing(name) => name.clone(),
            _ => return Err(DiskError::new(path, DOING, Reason::NotAFile)),
        };
        if way.last_was_link {
            let parent = absolute.parent().unwrap_or(Path::new("/"));
            let own = walk::walk(parent).map_err(|e| DiskError::errno(path, DOING, e))?;
            if !own.folder().is_some_and(|f| way.passes(f.id)) {
                return Err(DiskError::new(path, DOING, Reason::LinkAway(real)));
            }
        }
        let here = way.folder().ok_or_else(|| DiskError::new(path, DOING, Reason::Missing))?;
        let shown = if way.last_was_link { real.clone() } else { path.to_owned() };
        let shown = shown.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&*here.fd, c".", flags, Mode::empty())
            .map_err(|e| DiskError::errno(&shown, DOING, e))?;
        let real = real.parent().unwrap_or(Path::new("/")).to_owned();
        Self::from_fd(fd, shown, real).map(|folder| (folder, name))
    }

    /// The folder that a path's last component stands in, whatever that is.
    ///
    /// # Errors
    /// [`DiskError`] where there is no such folder.
    pub fn of_entry(path: &Path) -> Done<Self> {
        const DOING: &str = "open the folder";
        let absolute =
            std::path::absolute(path).map_err(|e| DiskError::new(path, DOING, Reason::Io(e.to_string())))?;
        let parent = absolute.parent().unwrap_or(Path::new("/"));
        let way = walk::walk(parent).map_err(|e| DiskError::errno(path, DOING, e))?;
        let real = way.real();
        let (End::Folder, Some(here)) = (&way.end, way.folder()) else {
            return Err(DiskError::new(path, DOING, Reason::Missing));
        };
        if walk::is_kernel_path(&real) {
            return Err(DiskError::new(path, DOING, Reason::Kernel));
        }
        let shown = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&*here.fd, c".", flags, Mode::empty())
            .map_err(|e| DiskError::errno(&shown, DOING, e))?;
        Self::from_fd(fd, shown, real)
    }

    fn from_fd(fd: OwnedFd, shown: PathBuf, real: PathBuf) -> Done<Self> {
        let stat = rustix::fs::fstat(&fd).map_err(|e| DiskError::errno(&shown, "look at it", e))?;
        Ok(Self { fd, shown, real, uid: stat.st_uid, mode: stat.st_mode })
    }

    /// The folder as a person would write it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.shown
    }

    /// Its path without links.
    #[must_use]
    pub fn real(&self) -> &Path {
        &self.real
    }

    /// Whether users other than its owner and root can rename files in it.
    #[must_use]
    pub fn is_writable_by_others(&self) -> bool {
        self.mode & 0o022 != 0 && self.mode & 0o1000 == 0
    }

    /// Whether it belongs to root or to whoever runs this.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.uid == 0 || self.uid == rustix::process::geteuid().as_raw()
    }

    /// A name of the folder as a person would write it.
    pub(crate) fn shown(&self, name: &OsStr) -> PathBuf {
        if self.shown == Path::new(".") { PathBuf::from(name) } else { self.shown.join(name) }
    }

    pub(super) fn error(&self, name: &OsStr, doing: &'static str) -> impl Fn(Errno) -> DiskError {
        let path = self.shown(name);
        move |errno| DiskError::errno(&path, doing, errno)
    }

    /// Takes the folder for this run: the lock is on the folder itself, so no lock file is left.
    ///
    /// # Errors
    /// [`Reason::Locked`] while another run holds it.
    pub fn lock(&self) -> Done<()> {
        match retry(|| rustix::fs::flock(&self.fd, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => Ok(()),
            Err(Errno::WOULDBLOCK) => Err(DiskError::new(&self.shown, "lock the folder", Reason::Locked)),
            Err(e) => Err(DiskError::errno(&self.shown, "lock the folder", e)),
        }
    }

    /// Reads a file of the folder; a link is not followed.
    ///
    /// # Errors
    /// [`DiskError`], with [`Reason::Missing`] where there is none.
    pub fn read(&self, name: &OsStr) -> Done<Existing> {
        let error = self.error(name, "read it");
        let wrong = |reason| DiskError::new(&self.shown(name), "read it", reason);
        let stat = retry(|| rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)).map_err(&error)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(wrong(Reason::NotAFile));
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = retry(|| rustix::fs::openat(&self.fd, name, flags, Mode::empty())).map_err(&error)?;
        let stat = rustix::fs::fstat(&fd).map_err(&error)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(wrong(Reason::NotAFile));
        }
        let len = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
        if len > MAX_FILE {
            return Err(wrong(Reason::TooLarge(len)));
        }
        let mut content = vec![0; usize::try_from(len).unwrap_or(0)];
        let mut filled = 0;
        while let Some(rest) = content.get_mut(filled..).filter(|r| !r.is_empty()) {
            match retry(|| rustix::io::read(&fd, &mut *rest)).map_err(&error)? {
                0 => return Err(wrong(Reason::Changed)),
                n => filled += n,
            }
        }
        let attributes = Attributes::of(&fd, &stat).map_err(&error)?;
        #[allow(clippy::useless_conversion, reason = "it is a u32 on other processors")]
        let other_names = u64::from(stat.st_nlink).saturating_sub(1);
        Ok(Existing { content, attributes, other_names, id: walk::id(&stat) })
    }

    /// What a replacement of this file would have to keep; `None` where there is none.
    ///
    /// # Errors
    /// [`DiskError`], also where it is no regular file.
    pub fn attributes(&self, name: &OsStr) -> Done<Option<Attributes>> {
        let error = self.error(name, "look at it");
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = match retry(|| rustix::fs::openat(&self.fd, name, flags, Mode::empty())) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(e) => return Err(error(e)),
        };
        let stat = rustix::fs::fstat(&fd).map_err(&error)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(DiskError::new(&self.shown(name), "look at it", Reason::NotAFile));
        }
        Attributes::of(&fd, &stat).map(Some).map_err(&error)
    }

    /// Opens a file of the folder to read it and append to it, making it with mode 0644; a link is not followed.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn open_to_append(&self, name: &OsStr) -> Done<std::fs::File> {
        let error = self.error(name, "append to it");
        let flags = OFlags::RDWR
            | OFlags::APPEND
            | OFlags::CREATE
            | OFlags::NOFOLLOW
            | OFlags::NONBLOCK
            | OFlags::CLOEXEC;
        let fd = retry(|| rustix::fs::openat(&self.fd, name, flags, Mode::from_raw_mode(0o644)))
            .map_err(&error)?;
        let stat = rustix::fs::fstat(&fd).map_err(&error)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(DiskError::new(&self.shown(name), "append to it", Reason::NotAFile));
        }
        Ok(fd.into())
    }

    /// The names in the folder, sorted.
    ///
    /// # Errors
    /// [`DiskError`] where it cannot be listed.
    pub fn list(&self) -> Done<Vec<OsString>> {
        use std::os::unix::ffi::OsStrExt;
        let error = |e| DiskError::errno(&self.shown, "list it", e);
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.fd).map_err(error)? {
            let entry = entry.map_err(error)?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// Opens a folder in this one; it must be a real folder.
    ///
    /// # Errors
    /// [`DiskError`], with [`Reason::Missing`] where there is none.
    pub fn enter(&self, name: &OsStr) -> Done<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        const DOING: &str = "open the folder";
        let fd = retry(|| rustix::fs::openat(&self.fd, name, flags, Mode::empty())).map_err(|e| match e {
            Errno::NOTDIR | Errno::LOOP => DiskError::new(&self.shown(name), DOING, Reason::NotAFolder),
            e => self.error(name, DOING)(e),
        })?;
        Self::from_fd(fd, self.shown(name), self.real.join(name))
    }

    /// Makes a folder in this one, or enters it if it is there. Whether it was made is told too.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn make(&self, name: &OsStr, mode: u32) -> Done<(Self, bool)> {
        let made = match retry(|| rustix::fs::mkdirat(&self.fd, name, Mode::from_raw_mode(mode))) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(e) => return Err(self.error(name, "make the folder")(e)),
        };
        let folder = self.enter(name)?;
        // Root closes what somebody else left open, too.
        let may = folder.is_ours() || rustix::process::geteuid().is_root();
        if folder.mode & 0o7777 != mode && may {
            retry(|| rustix::fs::fchmod(&folder.fd, Mode::from_raw_mode(mode)))
                .map_err(self.error(name, "set the folder's mode"))?;
        }
        Ok((folder, made))
    }

    /// Writes into the existing file, in one call, for places where it cannot be replaced. A shorter text is filled
    /// up with line ends first, so that at no moment the end of the old one stands behind the new one.
    ///
    /// # Errors
    /// [`DiskError`]; [`Reason::Changed`] if it is no longer the file that was read.
    pub fn overwrite(&self, name: &OsStr, old: &Existing, content: &[u8]) -> Done<()> {
        let error = self.error(name, "write into it");
        let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = retry(|| rustix::fs::openat(&self.fd, name, flags, Mode::empty())).map_err(&error)?;
        let stat = rustix::fs::fstat(&fd).map_err(&error)?;
        if walk::id(&stat) != old.id {
            return Err(DiskError::new(&self.shown(name), "write into it", Reason::Changed));
        }
        let mut padded = content.to_vec();
        padded.resize(content.len().max(old.content.len()), b'\n');
        write_all(&fd, &padded).map_err(&error)?;
        if padded.len() > content.len() {
            retry(|| rustix::fs::ftruncate(&fd, content.len() as u64)).map_err(&error)?;
        }
        retry(|| rustix::fs::fsync(&fd)).map_err(&error)
    }

    /// Gives an entry of one folder a name in another (or this one), replacing what has it.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn rename(&self, from: &OsStr, into: &Folder, to: &OsStr) -> Done<()> {
        retry(|| rustix::fs::renameat(&self.fd, from, &into.fd, to))
            .map_err(into.error(to, "put it in place"))
    }

    /// Gives a file a second name; a link is not followed.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn link(&self, from: &OsStr, into: &Folder, to: &OsStr) -> Done<()> {
        retry(|| rustix::fs::linkat(&self.fd, from, &into.fd, to, AtFlags::empty()))
            .map_err(into.error(to, "give the file a second name"))
    }

    /// Makes a symbolic link.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn symlink(&self, target: &str, name: &OsStr) -> Done<()> {
        retry(|| rustix::fs::symlinkat(target, &self.fd, name)).map_err(self.error(name, "make a link"))
    }

    /// Where a symbolic link points; `None` if there is no link of this name.
    #[must_use]
    pub fn link_target(&self, name: &OsStr) -> Option<String> {
        rustix::fs::readlinkat(&self.fd, name, Vec::new()).ok()?.into_string().ok()
    }

    /// Whether there is anything of this name.
    #[must_use]
    pub fn has(&self, name: &OsStr) -> bool {
        rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Removes a file; that it is not there is no error.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn remove(&self, name: &OsStr) -> Done<()> {
        match retry(|| rustix::fs::unlinkat(&self.fd, name, AtFlags::empty())) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(e) => Err(self.error(name, "remove it")(e)),
        }
    }

    /// Removes an empty folder.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn remove_folder(&self, name: &OsStr) -> Done<()> {
        retry(|| rustix::fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR))
            .map_err(self.error(name, "remove the folder"))
    }

    /// Makes names durable.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn sync(&self) -> Done<()> {
        retry(|| rustix::fs::fsync(&self.fd))
            .map_err(|e| DiskError::errno(&self.shown, "make the change durable", e))
    }
}
