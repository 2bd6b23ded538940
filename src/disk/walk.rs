//! The way to a file: every folder on it is opened from the one before without following links, links are read and
//! followed here, and all of them stay open. What was checked is therefore what is used, whoever renames meanwhile.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

/// As many links as Linux itself follows (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// What identifies a file for as long as it is open.
pub(super) type Id = (u64, u64);

/// A folder that is held open.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    pub(super) name: OsString,
    pub(super) fd: Arc<OwnedFd>,
    pub(super) id: Id,
}

/// What stands at the end of the way.
#[derive(Debug, Clone)]
pub(super) enum End {
    /// A folder, the last of [`Way::folders`].
    Folder,
    /// Something else, in the last of [`Way::folders`].
    Entry(OsString, Box<Stat>),
    /// Nothing, under a name that could be created in the last of [`Way::folders`].
    Missing(OsString),
}

/// A way that was walked, from `/` down.
#[derive(Debug, Clone)]
pub(super) struct Way {
    pub(super) folders: Vec<Folder>,
    pub(super) end: End,
    /// Whether the last component itself was a link.
    pub(super) last_was_link: bool,
}

impl Way {
    /// The path without any link in it.
    pub(super) fn real(&self) -> PathBuf {
        let mut path: PathBuf = self.folders.iter().map(|f| f.name.as_os_str()).collect();
        if let End::Entry(name, _) | End::Missing(name) = &self.end {
            path.push(name);
        }
        path
    }

    /// The folders down to this one, if the way leads through it under just this path.
    pub(super) fn open_at(&self, folder: &Path) -> Option<&[Folder]> {
        let depth = folder.components().count();
        let folders = self.folders.get(..depth)?;
        folders
            .iter()
            .map(|f| f.name.as_os_str())
            .eq(folder.components().map(Component::as_os_str))
            .then_some(folders)
    }

    /// The folder that the end stands in, or is.
    pub(super) fn folder(&self) -> Option<&Folder> {
        self.folders.last()
    }

    /// Whether the way passes through this folder (or ends there).
    pub(super) fn passes(&self, id: Id) -> bool {
        self.folders.iter().any(|f| f.id == id)
    }
}

/// Walks an absolute path from `/`.
pub(super) fn walk(path: &Path) -> Result<Way, Errno> {
    walk_on(vec![root()?], path)
}

/// Walks on from the last of some folders that are held open; the first of them is `/`.
pub(super) fn walk_on(mut folders: Vec<Folder>, path: &Path) -> Result<Way, Errno> {
    let mut todo: VecDeque<OsString> = parts(path);
    let mut links = 0;
    // How many components are left when the first link of the last component was followed.
    let mut last_was_link = false;
    while let Some(part) = todo.pop_front() {
        if part == ".." {
            if folders.len() > 1 {
                folders.pop();
            }
            continue;
        }
        let Some(here) = folders.last() else { return Err(Errno::NOENT) };
        let fd = match rustix::fs::openat(&*here.fd, &part, path_flags(), Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) if todo.is_empty() => {
                return Ok(Way { folders, end: End::Missing(part), last_was_link });
            }
            Err(e) => return Err(e),
        };
        let stat = rustix::fs::fstat(&fd)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(Errno::LOOP);
                }
                last_was_link |= todo.is_empty();
                let target = rustix::fs::readlinkat(&fd, c"", Vec::new())?;
                let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
                if target.is_absolute() {
                    folders.truncate(1);
                }
                for part in parts(&target).into_iter().rev() {
                    todo.push_front(part);
                }
            }
            FileType::Directory => folders.push(Folder { name: part, id: id(&stat), fd: Arc::new(fd) }),
            _ if todo.is_empty() => {
                return Ok(Way { folders, end: End::Entry(part, Box::new(stat)), last_was_link });
            }
            _ => return Err(Errno::NOTDIR),
        }
    }
    Ok(Way { folders, end: End::Folder, last_was_link })
}

/// What stands under a name in the last of some open folders, where one look tells: no folder and no link.
pub(super) fn look(folders: &[Folder], name: &OsStr) -> Result<Option<End>, Errno> {
    let Some(here) = folders.last() else { return Ok(None) };
    let stat = match rustix::fs::statat(&*here.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(Some(End::Missing(name.to_owned()))),
        Err(e) => return Err(e),
    };
    Ok(match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory | FileType::Symlink => None,
        _ => Some(End::Entry(name.to_owned(), Box::new(stat))),
    })
}

/// What identifies the file behind a `stat`.
pub(super) fn id(stat: &Stat) -> Id {
    (stat.st_dev, stat.st_ino)
}

/// Whether a real path is one that is never read: the kernel's own windows are no files of a project.
pub(super) fn is_kernel_path(real: &Path) -> bool {
    // /dev/shm is memory that people work in.
    ["/proc", "/sys", "/dev"].iter().any(|p| real.starts_with(p)) && !real.starts_with("/dev/shm")
}

fn root() -> Result<Folder, Errno> {
    let fd = rustix::fs::openat(CWD, c"/", path_flags(), Mode::empty())?;
    let stat = rustix::fs::fstat(&fd)?;
    Ok(Folder { name: "/".into(), id: id(&stat), fd: Arc::new(fd) })
}

fn path_flags() -> OFlags {
    OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|c| match c {
            Component::Normal(part) => Some(part.to_owned()),
            Component::ParentDir => Some(OsStr::new("..").to_owned()),
            _ => None,
        })
        .collect()
}
