//! The files replaced. Each is the old or the new one, whole, at every moment; what clients need comes first, so that a
//! run that stops between two files has cut nobody off, and the next run finishes.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{FileEdit, git};
use crate::disk::{DiskError, Folder};
use crate::name::escape;

/// Why nothing, or not everything, was written.
#[derive(Debug)]
pub enum WriteError {
    /// A file has changes that git does not know; nothing was written.
    Dirty(PathBuf),
    /// A file is no longer what was read; it and those after it were not written.
    Changed(PathBuf),
    /// A file cannot be replaced; it and those after it were not written.
    Disk(DiskError),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |p: &Path| escape(&p.to_string_lossy());
        match self {
            Self::Dirty(p) => write!(
                f,
                "{}: has uncommitted changes; commit them, or say --allow-dirty. Nothing was changed",
                shown(p)
            ),
            Self::Changed(p) => write!(f, "{}: was changed by somebody else meanwhile; run again", shown(p)),
            Self::Disk(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for WriteError {}

impl From<DiskError> for WriteError {
    fn from(e: DiskError) -> Self {
        Self::Disk(e)
    }
}

/// Replaces the files of the edits, in their order.
///
/// # Errors
/// [`WriteError`]; files before the one it names are replaced then.
pub fn write(edits: &[FileEdit], allow_dirty: bool) -> Result<(), WriteError> {
    if let Some(edit) = edits.iter().find(|e| !allow_dirty && git::is_dirty(&e.path) == Some(true)) {
        return Err(WriteError::Dirty(edit.path.clone()));
    }
    edits.iter().try_for_each(replace)
}

/// One file: locked, compared with what the plan read, the new one complete and durable beside it, then in its place.
/// Owner, mode, ACL and labels stay.
fn replace(edit: &FileEdit) -> Result<(), WriteError> {
    let (folder, name) = Folder::of_file(&edit.path)?;
    folder.lock()?;
    // What a killed run left behind.
    folder.sweep();
    let old = folder.read(&name)?;
    if old.content != edit.before.as_bytes() {
        return Err(WriteError::Changed(edit.path.clone()));
    }
    let staged = folder.stage(&name, edit.after.as_bytes(), &old.attributes)?;
    staged.commit(&name)?;
    folder.sync()?;
    Ok(())
}
