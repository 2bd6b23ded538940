//! Certificate and key replaced together, so that whoever reads the two files at any moment finds a matching pair.
//!
//! Two renames cannot do that, one can: for the time of the change both names are links through one folder link,
//! `.mqttcert-pair/live`, which is switched from `old` to `new` by a single rename. Before the switch both names show
//! the old pair (as hard links of the very files), after it both show the new one; then plain files take the names
//! again. Killed anywhere, the names show a pair; [`recover`] finishes what was switched and reverts what was not. So it
//! does when the power is cut at any call on ext4, xfs and btrfs (`tests/it/faults/power.rs`).
//!
//! Without the links it cannot be done for two plain files. Every call changes what one name shows, but for two: an
//! exchange of the names with each other (renameat2), for which each file would have to hold the other's successor, so
//! that a key stands in the file that everybody may read; and a write into a file that has both names, which is not
//! atomic and gives both one mode. What only knows plain files (a copy that drops links, a model of a disk that does
//! not follow them) therefore sees, between the two last renames, a new certificate beside the old key; on a disk the
//! link of the key shows the new one there, and the next run ends the change in either. The links are relative: a
//! container that has the folder mounted follows them too. Who reads the certificate before the switch and the key
//! after it holds two halves, as with any two files: Mosquitto then does not start, or serves nobody until the next
//! SIGHUP, which `--reload-cmd` sends after the change.

use std::ffi::{OsStr, OsString};

use crate::disk::{DiskError, Existing, Folder, Reason};

const DIR: &str = ".mqttcert-pair";
const LIVE: &str = "live";

/// A file of the pair.
#[derive(Debug, Clone, Copy)]
pub struct Half<'a> {
    /// Its name.
    pub name: &'a OsStr,
    /// The old one.
    pub old: &'a Existing,
    /// The new content.
    pub new: &'a [u8],
}

/// How far a replacement came before it failed.
#[derive(Debug)]
pub enum Failed {
    /// The old pair stands.
    Before(DiskError),
    /// The new pair stands, but is not durable or not tidy.
    After(DiskError),
}

/// Replaces both files.
///
/// # Errors
/// [`Failed`], which tells which pair stands.
pub fn replace(folder: &Folder, halves: [Half<'_>; 2]) -> Result<(), Failed> {
    let prepared = prepare(folder, halves);
    let pair = match prepared.and_then(|pair| switch(&pair).map(|()| pair)) {
        Ok(pair) => pair,
        Err(error) if is_switched(folder) => return Err(Failed::After(error)),
        Err(error) => {
            // If this fails too, the links still show the old pair, and the next run reverts.
            let _ = recover(folder);
            return Err(Failed::Before(error));
        }
    };
    pair.sync().and_then(|()| finish(folder, &pair)).map_err(Failed::After)
}

/// Finishes or reverts what an interrupted run left. Tells whether there was anything.
///
/// # Errors
/// [`DiskError`]; the names still show a matching pair.
pub fn recover(folder: &Folder) -> Result<bool, DiskError> {
    if !folder.has(OsStr::new(DIR)) {
        return Ok(false);
    }
    let pair = folder.enter(OsStr::new(DIR))?;
    if !pair.is_ours() || pair.is_writable_by_others() {
        return Err(DiskError {
            path: pair.path().to_owned(),
            doing: "finish an interrupted run",
            reason: Reason::Io("the folder is not ours; look at it and remove it".to_owned()),
        });
    }
    if is_switched(folder) {
        finish(folder, &pair)?;
    } else {
        for name in entries(&pair, "old")? {
            if folder.link_target(&name).is_some() {
                pair.enter(OsStr::new("old"))?.rename(&name, folder, &name)?;
            }
        }
        folder.sync()?;
        clear(folder, &pair)?;
    }
    Ok(true)
}

fn prepare(folder: &Folder, halves: [Half<'_>; 2]) -> Result<Folder, DiskError> {
    let (pair, _) = folder.make(OsStr::new(DIR), 0o755)?;
    let (old, _) = pair.make(OsStr::new("old"), 0o755)?;
    let (new, _) = pair.make(OsStr::new("new"), 0o755)?;
    // All of the new ones before any of the old ones: `has_begun_to_finish` relies on it.
    for half in halves {
        new.stage(half.name, half.new, &half.old.attributes)?.commit(half.name)?;
    }
    for half in halves {
        folder.link(half.name, &old, half.name).map_err(|e| match e.reason {
            Reason::Mounted => DiskError {
                path: folder.shown(half.name),
                doing: "put it in place",
                reason: Reason::MountedPair,
            },
            _ => e,
        })?;
    }
    pair.symlink("old", OsStr::new(LIVE))?;
    old.sync()?;
    new.sync()?;
    pair.sync()?;
    folder.sync()?;
    for half in halves {
        let target = format!("{DIR}/{LIVE}/{}", half.name.to_string_lossy());
        pair.symlink(&target, half.name)?;
        pair.rename(half.name, folder, half.name)?;
    }
    folder.sync()?;
    Ok(pair)
}

fn switch(pair: &Folder) -> Result<(), DiskError> {
    let next = OsStr::new("next");
    pair.symlink("new", next)?;
    pair.rename(next, pair, OsStr::new(LIVE))
}

fn is_switched(folder: &Folder) -> bool {
    folder.enter(OsStr::new(DIR)).is_ok_and(|pair| {
        pair.link_target(OsStr::new(LIVE)).as_deref() == Some("new") || has_begun_to_finish(&pair)
    })
}

/// A new file has left for its place while the old one is still here. The link says so too, unless somebody copied the
/// folder without its links.
fn has_begun_to_finish(pair: &Folder) -> bool {
    let names = |part| entries(pair, part).unwrap_or_default();
    let new = names("new");
    names("old").iter().any(|name| !new.contains(name))
}

/// Gives the names back to plain files.
fn finish(folder: &Folder, pair: &Folder) -> Result<(), DiskError> {
    for name in entries(pair, "new")? {
        pair.enter(OsStr::new("new"))?.rename(&name, folder, &name)?;
    }
    folder.sync()?;
    clear(folder, pair)
}

/// Removes the folder; nothing of it is in use any more.
fn clear(folder: &Folder, pair: &Folder) -> Result<(), DiskError> {
    for part in ["old", "new"] {
        for name in entries(pair, part)? {
            pair.enter(OsStr::new(part))?.remove(&name)?;
        }
        if pair.has(OsStr::new(part)) {
            pair.remove_folder(OsStr::new(part))?;
        }
    }
    for name in pair.list()? {
        pair.remove(&name)?;
    }
    folder.remove_folder(OsStr::new(DIR))
}

fn entries(pair: &Folder, part: &str) -> Result<Vec<OsString>, DiskError> {
    if !pair.has(OsStr::new(part)) {
        return Ok(Vec::new());
    }
    let part = pair.enter(OsStr::new(part))?;
    part.sweep();
    part.list()
}
