//! File work for the CA's books: appended ledgers, folders full of fresh files, whole replacements, one writer at a
//! time. Everything is durable when the function returns, unless its text says otherwise.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, Mode, OFlags};

use super::{Attributes, DiskError, Folder, Reason};
use crate::tree::MAX_FILE;

/// How many folders of an [`OutFolder`] are held open at once.
const OPEN_FOLDERS: usize = 128;

/// The right to write a CA's books; given back when dropped.
#[derive(Debug)]
pub struct BookLock(#[allow(dead_code)] File);

impl BookLock {
    /// Takes the lock on `path` (an empty file that stays). Waits for another holder for at most `patience`.
    ///
    /// # Errors
    /// The system's; [`io::ErrorKind::WouldBlock`] where another process holds it.
    pub fn take(path: &Path, patience: std::time::Duration) -> io::Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .custom_flags(no_follow())
            .open(path)?;
        let start = std::time::Instant::now();
        loop {
            match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self(file)),
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::WOULDBLOCK) if start.elapsed() < patience => {
                    std::thread::sleep(std::time::Duration::from_millis(50));
                }
                Err(e) => return Err(e.into()),
            }
        }
    }
}

fn no_follow() -> i32 {
    OFlags::NOFOLLOW.bits() as i32
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    }
}

/// Makes the names in a folder durable.
///
/// # Errors
/// The system's.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The folder of a file and its name. A link is followed only inside its own folder: whoever may write there must not
/// be able to choose another file of the system.
fn place(path: &Path) -> io::Result<(Folder, OsString)> {
    Folder::of_file(path).map_err(said)
}

/// The folder's refusal without the path, which every caller names itself.
fn said(e: DiskError) -> io::Error {
    match e.reason {
        Reason::Missing => io::Error::new(io::ErrorKind::NotFound, "its folder is not there"),
        reason => io::Error::other(format!("could not {}: {reason}", e.doing)),
    }
}

/// Appends whole lines to a file, which is made (mode 0644) if it is not there. A file that does not end with a
/// line end gets one first. If the write fails, the file is cut back to what it was.
///
/// # Errors
/// The system's.
pub fn append(path: &Path, lines: &[u8]) -> io::Result<()> {
    let (folder, name) = place(path)?;
    let fresh = !folder.has(&name);
    let mut file = folder.open_to_append(&name).map_err(said)?;
    let old = file.metadata()?.len();
    let mut last = [b'\n'];
    if old > 0 {
        file.seek(SeekFrom::Start(old - 1))?;
        file.read_exact(&mut last)?;
    }
    let written = (|| {
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
        file.write_all(lines)?;
        file.sync_data()
    })();
    if let Err(e) = written {
        let _ = file.set_len(old);
        return Err(e);
    }
    if fresh { folder.sync().map_err(said) } else { Ok(()) }
}

/// Cuts a file to `len` bytes.
///
/// # Errors
/// The system's.
pub fn cut(path: &Path, len: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).custom_flags(no_follow()).open(path)?;
    file.set_len(len)?;
    file.sync_all()
}

/// Writes a small working file in place: whoever reads it must be able to tell a torn one.
///
/// # Errors
/// The system's.
pub fn write_working(path: &Path, content: &[u8]) -> io::Result<()> {
    let fresh = !path.exists();
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .custom_flags(no_follow())
        .open(path)?;
    file.write_all(content)?;
    file.sync_data()?;
    if fresh { sync_folder(folder_of(path)) } else { Ok(()) }
}

/// Removes a file if it is there.
///
/// # Errors
/// The system's.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Ok(()) => sync_folder(folder_of(path)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
    }
}

/// Reads a file that a flag named or that belongs to the CA: a regular one of at most [`crate::tree::MAX_FILE`]
/// bytes. Pipes and devices are not waited for.
///
/// # Errors
/// The system's; [`io::ErrorKind::NotFound`] where there is none.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = open_regular(path, OFlags::empty())?;
    let len = file.metadata()?.len();
    if len > MAX_FILE {
        return Err(io::Error::other(format!("{len} bytes are more than is read")));
    }
    let mut out = Vec::new();
    file.take(MAX_FILE).read_to_end(&mut out)?;
    Ok(out)
}

/// Opens a regular file for reading, whatever its size.
///
/// # Errors
/// The system's; a pipe or a device is an error, not waited for.
pub fn open(path: &Path) -> io::Result<File> {
    open_regular(path, OFlags::empty())
}

fn open_regular(path: &Path, more: OFlags) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC | more;
    let missing = |e: io::Error| match e.kind() {
        io::ErrorKind::NotFound => io::Error::new(e.kind(), "there is no such file"),
        _ => e,
    };
    if fs::metadata(path).map_err(missing)?.is_file() {
        let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
        if file.metadata()?.is_file() {
            return Ok(file);
        }
    }
    Err(io::Error::other("it is no regular file"))
}

/// Reads a working note, which decides what is taken away: only one that whoever runs this, or root, has written.
///
/// # Errors
/// The system's; that it belongs to somebody else. `None` where there is none.
pub fn read_note(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut file = match open_regular(path, OFlags::NOFOLLOW) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let uid = file.metadata()?.uid();
    if uid != 0 && uid != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other(format!(
            "user {uid} left this note of an interrupted run; run again as that user, or look at it and delete it"
        )));
    }
    let mut out = Vec::new();
    file.read_to_end(&mut out)?;
    Ok(Some(out))
}

/// Replaces a file as a whole, or makes it with `mode`: a reader sees the old or the new one, also after a power
/// cut. Owner, mode and labels of an old file stay. Only one process at a time may do this to one file (hold the
/// lock).
///
/// # Errors
/// The system's; the old file is then untouched.
pub fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let (folder, name) = place(path)?;
    let attributes = folder.attributes(&name).map_err(said)?.unwrap_or_else(|| Attributes::fresh(mode));
    // Left behind by a killed process: nobody else writes this file while the lock is held.
    folder.sweep_for(&name);
    folder.stage(&name, content, &attributes).and_then(|staged| staged.commit(&name)).map_err(said)?;
    folder.sync().map_err(said)
}

/// Whether a file could be replaced by [`replace`], as far as can be told before.
///
/// # Errors
/// What [`replace`] would say.
pub fn can_replace(path: &Path) -> io::Result<()> {
    let (folder, name) = place(path)?;
    folder.attributes(&name).map(|_| ()).map_err(said)
}

/// Makes a file that must not be there yet: it is there as a whole, or not at all. Only one process at a time may do
/// this to one file (hold the lock).
///
/// # Errors
/// The system's; [`io::ErrorKind::AlreadyExists`] where something stands there. Nothing is left behind.
pub fn create_new(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let (folder, name) = place(path)?;
    if folder.has(&name) {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    folder.sweep_for(&name);
    let staged = folder.stage(&name, content, &Attributes::fresh(mode)).map_err(said)?;
    folder.rename_new(staged.temporary(), &name)?;
    staged.leave();
    folder.sync().map_err(said)
}

/// A folder that is filled with fresh files, also by several threads. Folders below it are made as needed; a link in
/// the place of a folder or file is refused.
#[derive(Debug)]
pub struct OutFolder {
    root: PathBuf,
    top: Arc<OwnedFd>,
    open: Mutex<HashMap<PathBuf, Arc<OwnedFd>>>,
}

impl OutFolder {
    /// Opens the folder, making it if it is not there.
    ///
    /// # Errors
    /// The system's.
    pub fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => io::Error::new(e.kind(), "it is there and is no folder"),
            _ => e,
        })?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let top = Arc::new(rustix::fs::open(root, flags, Mode::empty())?);
        Ok(Self { root: root.to_owned(), top, open: Mutex::new(HashMap::new()) })
    }

    /// Its path.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether something stands at this path below the folder (a link counts, wherever it leads).
    ///
    /// # Errors
    /// The system's.
    pub fn exists(&self, path: &Path) -> io::Result<bool> {
        match rustix::fs::statat(&self.top, path, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    /// Makes a file that must not be there yet. Durable only with `sync`; else after [`Self::sync`].
    ///
    /// # Errors
    /// The system's.
    pub fn create(&self, path: &Path, content: &[u8], mode: u32, sync: bool) -> io::Result<()> {
        let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let folder = self.folder(path.parent().unwrap_or(Path::new("")), sync)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&folder, name, flags, Mode::from_raw_mode(mode))?;
        let mut file = File::from(file);
        if sync {
            // The umask may have taken bits away, never added any.
            rustix::fs::fchmod(&file, Mode::from_raw_mode(mode))?;
        }
        file.write_all(content)?;
        if sync {
            file.sync_all()?;
            rustix::fs::fsync(folder.as_fd())?;
        }
        Ok(())
    }

    /// Reads a small file that was made here.
    ///
    /// # Errors
    /// The system's.
    pub fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let mut out = Vec::new();
        File::from(rustix::fs::openat(&self.top, path, flags, Mode::empty())?)
            .take(MAX_FILE)
            .read_to_end(&mut out)?;
        Ok(out)
    }

    /// Removes a file if it is there. Durable after [`Self::sync`].
    ///
    /// # Errors
    /// The system's.
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.top, path, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    /// Makes everything below the folder durable, by one call for its whole file system.
    ///
    /// # Errors
    /// The system's.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(&self.top)?)
    }

    fn folder(&self, path: &Path, sync: bool) -> io::Result<Arc<OwnedFd>> {
        if path.as_os_str().is_empty() {
            return Ok(self.top.clone());
        }
        if let Some(fd) = self.open.lock().unwrap_or_else(PoisonError::into_inner).get(path) {
            return Ok(fd.clone());
        }
        let mut at = self.top.clone();
        for part in path.components() {
            let Component::Normal(name) = part else {
                return Err(io::ErrorKind::InvalidInput.into());
            };
            match rustix::fs::mkdirat(&at, name, Mode::from_raw_mode(0o755)) {
                Ok(()) if sync => rustix::fs::fsync(at.as_fd())?,
                Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                Err(e) => return Err(e.into()),
            }
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            at = Arc::new(rustix::fs::openat(&at, name, flags, Mode::empty())?);
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= OPEN_FOLDERS {
            open.clear();
        }
        open.insert(path.to_owned(), at.clone());
        Ok(at)
    }
}
