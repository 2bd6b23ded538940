//! File work for the CA's books: appended ledgers, folders full of fresh files, whole replacements, one writer at a
//! time. Everything is durable when the function returns, unless its text says otherwise.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, Mode, OFlags};

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

/// Appends whole lines to a file, which is made (mode 0644) if it is not there. A file that does not end with a
/// line end gets one first. If the write fails, the file is cut back to what it was.
///
/// # Errors
/// The system's.
pub fn append(path: &Path, lines: &[u8]) -> io::Result<()> {
    let fresh = !path.exists();
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o644).open(path)?;
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
    if fresh { sync_folder(folder_of(path)) } else { Ok(()) }
}

/// Cuts a file to `len` bytes.
///
/// # Errors
/// The system's.
pub fn cut(path: &Path, len: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
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

/// Replaces a file as a whole, or makes it with `mode`: a reader sees the old or the new one, also after a power
/// cut. Mode and owner of an old file stay. Only one process at a time may do this to one file (hold the lock).
///
/// # Errors
/// The system's; the old file is then untouched.
pub fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    // A link is followed once, so that the file behind it is replaced and the link stays.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut temporary = OsStr::new(".").to_owned();
    temporary.push(name);
    temporary.push(".mqttcert-tmp");
    let temporary = folder_of(path).join(temporary);
    // Left behind by a killed process: nobody else writes here while the lock is held.
    remove(&temporary)?;
    let old = fs::metadata(path).ok();
    let mode = old.as_ref().map_or(mode, |m| m.mode() & 0o7777);
    let done = (|| {
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&temporary)?;
        file.write_all(content)?;
        if let Some(old) = &old {
            let here = file.metadata()?;
            if (here.uid(), here.gid()) != (old.uid(), old.gid()) {
                std::os::unix::fs::fchown(&file, Some(old.uid()), Some(old.gid()))?;
            }
        }
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    if let Err(e) = done {
        let _ = fs::remove_file(&temporary);
        return Err(e);
    }
    sync_folder(folder_of(path))
}

/// Makes a file that must not be there yet.
///
/// # Errors
/// The system's; [`io::ErrorKind::AlreadyExists`] where something stands there. Nothing is left behind.
pub fn create_new(path: &Path, content: &[u8], mode: u32, owner: Option<(u32, u32)>) -> io::Result<()> {
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    let done = (|| {
        if let Some((uid, gid)) = owner {
            std::os::unix::fs::fchown(&file, Some(uid), Some(gid))?;
        }
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
        file.write_all(content)?;
        file.sync_all()?;
        sync_folder(folder_of(path))
    })();
    if done.is_err() {
        let _ = fs::remove_file(path);
    }
    done
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
        fs::create_dir_all(root)?;
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
            .take(crate::tree::MAX_FILE)
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
