//! Folders that were walked to once and are held open: a deployment asks for the same few hundreds of times.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::Errno;

use super::walk::{self, Folder, Way};

/// How many are held: far below the 1,024 open files that a process may usually have.
const MOST: usize = 128;

/// The ways to folders, by the absolute path that led there. What was checked on the way stays true of a folder that
/// is held open, and whoever puts another in its place does not change what this run reads. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct OpenFolders(Arc<Mutex<HashMap<PathBuf, Vec<Folder>>>>);

impl OpenFolders {
    /// [`walk::walk`], from the folder that the path names if that is open already.
    pub(super) fn walk(&self, path: &Path) -> Result<Way, Errno> {
        // With `..` or links in it, a path does not say which folder its last component stands in.
        let plain = path.components().all(|c| matches!(c, Component::RootDir | Component::Normal(_)));
        let (true, Some(parent), Some(name)) = (plain, path.parent(), path.file_name()) else {
            return walk::walk(path);
        };
        if let Some(folders) = self.known(parent) {
            return match walk::look(&folders, name)? {
                Some(end) => Ok(Way { folders, end, last_was_link: false }),
                None => walk::walk_on(folders, Path::new(name)),
            };
        }
        let way = walk::walk(path)?;
        if let Some(folders) = way.open_at(parent) {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() < MOST {
                all.insert(parent.to_owned(), folders.to_vec());
            }
        }
        Ok(way)
    }

    fn known(&self, parent: &Path) -> Option<Vec<Folder>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(parent).cloned()
    }
}
