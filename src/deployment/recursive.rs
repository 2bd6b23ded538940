//! Every project below a folder, for `--recursive`.

use std::path::{Path, PathBuf};

use crate::compose::find;
use crate::tree::Tree;

/// The folders below `dir` (itself included) that hold a compose file, in order. A folder below another project's
/// is a project of its own.
#[must_use]
pub fn projects(tree: &dyn Tree, dir: &Path) -> Vec<PathBuf> {
    let mut folders = vec![dir.to_owned()];
    folders.extend(find::folders_below(tree, dir, 8, 100_000));
    folders.retain(|f| {
        let found = find::in_folder(tree, f);
        !found.is_empty()
    });
    // Without any compose file, configurations alone make a project.
    if folders.is_empty() && !find::confs_below(tree, dir).is_empty() {
        folders.push(dir.to_owned());
    }
    folders.sort();
    folders
}
