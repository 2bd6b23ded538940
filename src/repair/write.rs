//! The files replaced. Each is the old or the new one, whole, at every moment; what clients need comes first, so that a
//! run that stops between two files has cut nobody off, and the next run finishes.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::{FileEdit, git};
use crate::disk;
use crate::name::escape;

/// Why nothing, or not everything, was written.
#[derive(Debug)]
pub enum WriteError {
    /// A file has changes that git does not know; nothing was written.
    Dirty(PathBuf),
    /// A file is no longer what was read; it and those after it were not written.
    Changed(PathBuf),
    /// A file cannot be replaced; it and those after it were not written.
    Io(PathBuf, io::Error),
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
            Self::Io(p, e) => write!(f, "{}: cannot be replaced: {}", shown(p), escape(&e.to_string())),
        }
    }
}

impl std::error::Error for WriteError {}

/// Replaces the files of the edits, in their order.
///
/// # Errors
/// [`WriteError`]; files before the one it names are replaced then.
pub fn write(edits: &[FileEdit], allow_dirty: bool) -> Result<(), WriteError> {
    if let Some(edit) = edits.iter().find(|e| !allow_dirty && git::is_dirty(&e.path) == Some(true)) {
        return Err(WriteError::Dirty(edit.path.clone()));
    }
    for edit in edits {
        let now = std::fs::read(&edit.path).map_err(|e| WriteError::Io(edit.path.clone(), e))?;
        if now != edit.before.as_bytes() {
            return Err(WriteError::Changed(edit.path.clone()));
        }
        disk::write_report(&edit.path, edit.after.as_bytes())
            .map_err(|e| WriteError::Io(edit.path.clone(), e))?;
    }
    Ok(())
}
