//! New files that appear together: whatever stops the making, afterwards there are none of them, or the next run
//! brings all of them to their places.
//!
//! Each is written completely under a name of its own. Then a note is made that says which name each shall get: from
//! here on the files are there, and [`finish`] can end what was begun. Then each gets its name, and the note goes.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::{Attributes, DiskError, Folder, Reason, books};

const MAGIC: &[u8] = b"mqttcert: new files and the names they shall get\0";

/// A file that will be made.
#[derive(Clone)]
pub struct NewFile {
    /// Where.
    pub path: PathBuf,
    /// What.
    pub content: Vec<u8>,
    /// Permission bits.
    pub mode: u32,
    /// User and group, where we may set them.
    pub owner: Option<(u32, u32)>,
}

/// The content may be a key.
impl fmt::Debug for NewFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A file that could not be made, and why.
#[derive(Debug)]
pub enum Stopped {
    /// Something stands in its place; nothing was made.
    There(PathBuf),
    /// The disk refused; nothing was made.
    Disk(DiskError),
    /// The disk refused, and also to take back what had been made: the next run ends it.
    HalfDone(DiskError),
}

impl From<DiskError> for Stopped {
    fn from(e: DiskError) -> Self {
        Self::Disk(e)
    }
}

/// Makes every file, or none. Folders are made as needed; `note` is a file that does not stay.
///
/// # Errors
/// [`Stopped`].
pub fn make(note: &Path, files: &[NewFile]) -> Result<(), Stopped> {
    if let Some(taken) = files.iter().find(|f| f.path.symlink_metadata().is_ok()) {
        return Err(Stopped::There(taken.path.clone()));
    }
    let home = note.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(home).map_err(|e| io_error(home, "make the folder", &e))?;
    let lock = Folder::of_entry(note)?;
    lock.lock()?;
    let mut places = Vec::new();
    for file in files {
        let folder = file.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(|e| io_error(folder, "make the folder", &e))?;
        let (folder, name) = Folder::of_file(&file.path)?;
        // Left by a run that was killed before its note: nobody else makes these files while the lock is held.
        folder.sweep_for(&name);
        places.push((folder, name));
    }
    let mut staged = Vec::new();
    for (file, (folder, name)) in files.iter().zip(&places) {
        let mut attributes = Attributes::fresh(file.mode);
        if let Some((uid, gid)) = file.owner {
            attributes = attributes.owned_by(uid, gid);
        }
        staged.push(folder.stage(name, &file.content, &attributes)?);
    }
    let moves: Vec<Move> = staged
        .iter()
        .zip(&places)
        .map(|(s, (folder, name))| Move { folder, from: s.temporary().to_owned(), to: name.clone() })
        .collect();
    for folder in places.iter().map(|(f, _)| f) {
        folder.sync()?;
    }
    if let Err(e) = write_note(note, &moves) {
        // It may stand there and only not be durable; the files that it speaks of go now.
        let _ = remove_note(note);
        return Err(Stopped::Disk(e));
    }
    for done in staged {
        done.leave();
    }
    for (at, step) in moves.iter().enumerate() {
        if let Err(errno) = step.forward() {
            let why = step.error(errno);
            let back = moves.iter().take(at).rev().try_for_each(Move::back);
            if back.is_err() || remove_note(note).is_err() {
                return Err(Stopped::HalfDone(why));
            }
            for step in &moves {
                // Without the note it is a file that the next run sweeps away.
                let _ = step.folder.remove(&step.from);
            }
            return Err(match errno {
                Errno::EXIST => Stopped::There(step.folder.shown(&step.to)),
                _ => Stopped::Disk(why),
            });
        }
    }
    let ended = places.iter().try_for_each(|(folder, _)| folder.sync()).and_then(|()| remove_note(note));
    ended.map_err(Stopped::HalfDone)
}

/// Ends what a run began that was stopped after its note: the files that are in place now, or `None` where nothing
/// had been begun.
///
/// # Errors
/// [`DiskError`]: the disk's, that the note is somebody else's, or that something took a place meanwhile.
pub fn finish(note: &Path) -> Result<Option<Vec<PathBuf>>, DiskError> {
    if note.symlink_metadata().is_err() {
        return Ok(None);
    }
    let lock = Folder::of_entry(note)?;
    lock.lock()?;
    let Some(bytes) = books::read_note(note).map_err(|e| io_error(note, "read it", &e))? else {
        return Ok(None);
    };
    let unreadable = || DiskError::new(note, "read it", Reason::Io("it is no note of ours".to_owned()));
    let mut fields = bytes.strip_prefix(MAGIC).ok_or_else(unreadable)?.split(|b| *b == 0);
    let mut done = Vec::new();
    while let (Some(from), Some(path)) = (fields.next(), fields.next()) {
        let path = PathBuf::from(OsString::from_vec(path.to_vec()));
        let folder = Folder::of_entry(&path)?;
        let Some(name) = path.file_name() else { return Err(unreadable()) };
        let step = Move { folder: &folder, from: OsStr::from_bytes(from).to_owned(), to: name.to_owned() };
        if folder.has(&step.from) {
            step.forward().map_err(|e| step.error(e))?;
        }
        folder.sync()?;
        if folder.has(name) {
            done.push(path);
        }
    }
    remove_note(note)?;
    Ok((!done.is_empty()).then_some(done))
}

/// A file that gets its name.
struct Move<'a> {
    folder: &'a Folder,
    from: OsString,
    to: OsString,
}

impl Move<'_> {
    fn forward(&self) -> Result<(), Errno> {
        self.folder.rename_new(&self.from, &self.to)
    }

    fn back(&self) -> Result<(), Errno> {
        self.folder.rename_new(&self.to, &self.from)
    }

    fn error(&self, errno: Errno) -> DiskError {
        DiskError::errno(&self.folder.shown(&self.to), "put it in place", errno)
    }
}

fn write_note(note: &Path, moves: &[Move<'_>]) -> Result<(), DiskError> {
    let mut content = MAGIC.to_vec();
    for step in moves {
        content.extend_from_slice(step.from.as_bytes());
        content.push(0);
        content.extend_from_slice(step.folder.real().join(&step.to).as_os_str().as_bytes());
        content.push(0);
    }
    let (folder, name) = Folder::of_file(note)?;
    folder.sweep_for(&name);
    folder.stage(&name, &content, &Attributes::fresh(0o600))?.commit(&name)?;
    folder.sync()
}

fn remove_note(note: &Path) -> Result<(), DiskError> {
    books::remove(note).map_err(|e| io_error(note, "remove it", &e))
}

fn io_error(path: &Path, doing: &'static str, e: &io::Error) -> DiskError {
    match e.raw_os_error() {
        Some(code) => DiskError::errno(path, doing, Errno::from_raw_os_error(code)),
        None => DiskError::new(path, doing, Reason::Io(e.to_string())),
    }
}
