//! [`DiskTree`]: real files, read below its roots or where a flag named them.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fd::OwnedFd;
use rustix::fs::{Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::open::OpenFolders;
use super::walk::{self, End, Id, Way};
use crate::tree::{Kind, MAX_FILE, Meta, Tree, TreeError, normalize};

/// statfs(2): file systems whose files are windows into the kernel, wherever they are mounted.
const KERNEL_FILE_SYSTEMS: &[u32] = &[
    0x9fa0,      // proc
    0x6265_6572, // sysfs
    0x6462_6720, // debugfs
    0x7472_6163, // tracefs
    0x6367_7270, // cgroup2
    0x0027_e0eb, // cgroup
    0x7363_6673, // securityfs
    0x1cd1,      // devpts
];

/// Real files below some folders, and single files that a flag named. Symlinks are followed only as long as they end
/// inside; /proc, /sys, /dev, FIFOs, devices and sockets are never opened; no file larger than
/// [`MAX_FILE`] is read. The check and the read happen on the same open file.
#[derive(Debug, Clone)]
pub struct DiskTree {
    base: PathBuf,
    roots: Vec<Root>,
    named: BTreeSet<PathBuf>,
    open: OpenFolders,
}

#[derive(Debug, Clone)]
struct Root {
    id: Id,
    real: PathBuf,
    given: PathBuf,
}

impl DiskTree {
    /// A tree over these folders, as the user gave them (relative ones to the working folder).
    ///
    /// # Errors
    /// [`TreeError`] where a root is missing, no folder, not to be entered, or below /proc, /sys or /dev.
    pub fn new<P: AsRef<Path>>(roots: impl IntoIterator<Item = P>) -> Result<Self, TreeError> {
        let base = std::env::current_dir().map_err(|e| TreeError::Io(PathBuf::from("."), e.to_string()))?;
        let mut tree = Self { base, roots: Vec::new(), named: BTreeSet::new(), open: OpenFolders::default() };
        for root in roots {
            let given = root.as_ref();
            let way = walk::walk(&tree.absolute(given)).map_err(|e| tree_error(given, e))?;
            let real = way.real();
            if walk::is_kernel_path(&real) {
                return Err(TreeError::Outside(given.to_owned()));
            }
            match (&way.end, way.folder()) {
                (End::Folder, Some(folder)) => {
                    tree.roots.push(Root { id: folder.id, real, given: given.to_owned() });
                }
                (End::Missing(_), _) => return Err(TreeError::Missing(given.to_owned())),
                _ => return Err(TreeError::Io(given.to_owned(), "is no folder".to_owned())),
            }
        }
        Ok(tree)
    }

    /// Also a file that a flag named, wherever it is (but not below /proc, /sys or /dev).
    #[must_use]
    pub fn with_file(mut self, path: &Path) -> Self {
        self.named.insert(normalize(&self.absolute(path)));
        self
    }

    /// Whether a file in an opened folder may be changed: the folder lies below a root, or a flag named the file.
    #[must_use]
    pub fn may_change(&self, folder: &super::Folder, path: &Path) -> bool {
        let named = self.named.contains(&normalize(&self.absolute(path)));
        named || self.roots.iter().any(|r| folder.real().starts_with(&r.real))
    }

    /// Whether git tracks a file that may be read. For this alone one file above the roots is looked into: the index
    /// of the repository that the file lies in, if it belongs to root or to whoever runs this. Nothing of it is told
    /// but this answer.
    #[must_use]
    pub fn is_tracked_by_git(&self, path: &Path) -> bool {
        let Ok(real) = self.find(path).map(|way| way.real()) else { return false };
        let me = rustix::process::geteuid().as_raw();
        for folder in real.ancestors().skip(1) {
            let index = folder.join(".git/index");
            let Ok(way) = walk::walk(&index) else { continue };
            let End::Entry(_, stat) = &way.end else { continue };
            let trusted = stat.st_uid == me || stat.st_uid == 0 || me == 0;
            let tree = Self { roots: Vec::new(), named: BTreeSet::new(), ..self.clone() }.with_file(&index);
            let (true, Ok(content), Ok(inside)) = (trusted, tree.read(&index), real.strip_prefix(folder))
            else {
                return false;
            };
            return super::git::index_has(&content, inside.as_os_str().as_bytes());
        }
        false
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        self.base.join(path)
    }

    /// Walks to a path and makes sure that it may be read.
    fn find(&self, path: &Path) -> Result<Way, TreeError> {
        let absolute = self.absolute(path);
        let way = self.open.walk(&absolute).map_err(|e| tree_error(path, e))?;
        let inside = self.roots.iter().any(|r| way.passes(r.id));
        if walk::is_kernel_path(&way.real()) || !inside && !self.named.contains(&normalize(&absolute)) {
            return Err(TreeError::Outside(path.to_owned()));
        }
        Ok(way)
    }
}

impl Tree for DiskTree {
    fn read(&self, path: &Path) -> Result<Vec<u8>, TreeError> {
        let way = self.find(path)?;
        let (Some(folder), End::Entry(name, stat)) = (way.folder(), &way.end) else {
            return Err(match way.end {
                End::Missing(_) => TreeError::Missing(path.to_owned()),
                _ => TreeError::NotAFile(path.to_owned()),
            });
        };
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(TreeError::NotAFile(path.to_owned()));
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd =
            rustix::fs::openat(&*folder.fd, name, flags, Mode::empty()).map_err(|e| tree_error(path, e))?;
        let now = rustix::fs::fstat(&fd).map_err(|e| tree_error(path, e))?;
        if FileType::from_raw_mode(now.st_mode) != FileType::RegularFile {
            return Err(TreeError::NotAFile(path.to_owned()));
        }
        let kind = rustix::fs::fstatfs(&fd).map_err(|e| tree_error(path, e))?.f_type;
        if u32::try_from(kind).is_ok_and(|k| KERNEL_FILE_SYSTEMS.contains(&k)) {
            return Err(TreeError::Outside(path.to_owned()));
        }
        let len = u64::try_from(now.st_size).unwrap_or(u64::MAX);
        if len > MAX_FILE {
            return Err(TreeError::TooLarge(path.to_owned(), len));
        }
        read_capped(&fd, len, path)
    }

    fn meta(&self, path: &Path) -> Result<Meta, TreeError> {
        let way = self.find(path)?;
        match (&way.end, way.folder()) {
            (End::Entry(_, stat), _) => Ok(meta(stat)),
            (End::Folder, Some(folder)) => {
                rustix::fs::fstat(&*folder.fd).map(|s| meta(&s)).map_err(|e| tree_error(path, e))
            }
            _ => Err(TreeError::Missing(path.to_owned())),
        }
    }

    fn list(&self, path: &Path) -> Result<Vec<String>, TreeError> {
        let way = self.find(path)?;
        let (End::Folder, Some(folder)) = (&way.end, way.folder()) else {
            return Err(match way.end {
                End::Missing(_) => TreeError::Missing(path.to_owned()),
                _ => TreeError::NotAFile(path.to_owned()),
            });
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::openat(&*folder.fd, c".", flags, Mode::empty())
            .and_then(Dir::new)
            .map_err(|e| tree_error(path, e))?;
        let mut names = Vec::new();
        for entry in dir {
            let entry = entry.map_err(|e| tree_error(path, e))?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if let Some(text) = name.to_str().filter(|t| !matches!(*t, "." | "..")) {
                names.push(text.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    fn resolve(&self, path: &Path) -> Result<PathBuf, TreeError> {
        let way = self.find(path)?;
        if matches!(way.end, End::Missing(_)) {
            return Err(TreeError::Missing(path.to_owned()));
        }
        let real = way.real();
        let root = self.roots.iter().find_map(|r| Some((r, real.strip_prefix(&r.real).ok()?)));
        Ok(match root {
            _ if normalize(&self.absolute(path)) == real => path.to_owned(),
            Some((root, rest)) => normalize(&root.given.join(rest)),
            None => real,
        })
    }
}

fn meta(stat: &Stat) -> Meta {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        _ => Kind::Other,
    };
    Meta {
        kind,
        len: u64::try_from(stat.st_size).unwrap_or(0),
        mode: stat.st_mode & 0o7777,
        uid: stat.st_uid,
        gid: stat.st_gid,
    }
}

/// Reads to the end, but never more than [`MAX_FILE`]: the file may grow while it is read.
fn read_capped(fd: &OwnedFd, expected: u64, path: &Path) -> Result<Vec<u8>, TreeError> {
    let cap = usize::try_from(MAX_FILE).unwrap_or(usize::MAX);
    let mut content = Vec::with_capacity(usize::try_from(expected).unwrap_or(0).min(cap) + 1);
    let mut buffer = vec![0; 64 * 1024];
    let mut interrupted = 0;
    loop {
        match rustix::io::read(fd, &mut buffer) {
            Ok(0) => return Ok(content),
            Ok(n) => content.extend_from_slice(buffer.get(..n).unwrap_or_default()),
            Err(Errno::INTR) if interrupted < 100 => interrupted += 1,
            Err(e) => return Err(tree_error(path, e)),
        }
        if content.len() > cap {
            return Err(TreeError::TooLarge(path.to_owned(), content.len() as u64));
        }
    }
}

/// The system's refusal, in the words of the tree.
fn tree_error(path: &Path, errno: Errno) -> TreeError {
    let path = path.to_owned();
    match errno {
        Errno::NOENT | Errno::NOTDIR => TreeError::Missing(path),
        Errno::ACCESS | Errno::PERM => TreeError::Denied(path),
        Errno::LOOP => TreeError::Io(path, "symbolic links lead in a circle".to_owned()),
        e => TreeError::Io(path, std::io::Error::from(e).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn sandbox() -> (tempfile::TempDir, PathBuf) {
        let outer = tempfile::tempdir().unwrap();
        let dir = outer.path().join("project");
        std::fs::create_dir_all(dir.join("a/b")).unwrap();
        std::fs::write(dir.join("a/b/f"), "inside").unwrap();
        std::fs::write(outer.path().join("secret"), "outside").unwrap();
        (outer, dir)
    }

    #[test]
    fn reads_lists_and_resolves_below_its_root() {
        let (_outer, dir) = sandbox();
        symlink("b/f", dir.join("a/link")).unwrap();
        symlink(dir.join("a"), dir.join("absolute")).unwrap();
        let tree = DiskTree::new([&dir]).unwrap();
        assert_eq!(tree.read(&dir.join("a/link")).unwrap(), b"inside");
        assert_eq!(tree.read(&dir.join("absolute/b/../b/f")).unwrap(), b"inside");
        assert_eq!(tree.list(&dir.join("a")).unwrap(), ["b", "link"]);
        assert_eq!(tree.resolve(&dir.join("absolute/link")).unwrap(), dir.join("a/b/f"));
        assert_eq!(tree.meta(&dir.join("a")).unwrap().kind, Kind::Folder);
        assert!(matches!(tree.read(&dir.join("a/none")), Err(TreeError::Missing(_))));
        assert!(matches!(tree.read(&dir.join("a")), Err(TreeError::NotAFile(_))));
    }

    #[test]
    fn refuses_what_leaves_the_root_by_dots_or_links() {
        let (outer, dir) = sandbox();
        symlink("../../secret", dir.join("a/out")).unwrap();
        symlink(outer.path(), dir.join("up")).unwrap();
        let tree = DiskTree::new([&dir]).unwrap();
        for path in ["../secret", "a/out", "up/secret", "a/b/../../../secret"] {
            assert!(matches!(tree.read(&dir.join(path)), Err(TreeError::Outside(_))), "{path}");
        }
        let named = tree.with_file(&outer.path().join("secret"));
        assert_eq!(named.read(&outer.path().join("secret")).unwrap(), b"outside");
        assert!(matches!(named.read(&dir.join("a/out")), Err(TreeError::Outside(_))));
    }

    #[test]
    fn refuses_kernel_windows_fifos_and_circles_even_when_named() {
        let (_outer, dir) = sandbox();
        symlink("loop", dir.join("loop")).unwrap();
        symlink("/proc/self/environ", dir.join("env")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, dir.join("fifo"), Mode::RUSR).unwrap();
        let tree = DiskTree::new([&dir])
            .unwrap()
            .with_file(Path::new("/proc/self/environ"))
            .with_file(&dir.join("env"))
            .with_file(Path::new("/dev/zero"));
        assert!(matches!(tree.read(&dir.join("env")), Err(TreeError::Outside(_))));
        assert!(matches!(tree.read(Path::new("/proc/self/environ")), Err(TreeError::Outside(_))));
        assert!(matches!(tree.read(Path::new("/dev/zero")), Err(TreeError::Outside(_))));
        assert!(matches!(tree.read(&dir.join("fifo")), Err(TreeError::NotAFile(_))));
        assert!(matches!(tree.read(&dir.join("loop")), Err(TreeError::Io(..))));
        assert!(matches!(DiskTree::new(["/proc/self"]), Err(TreeError::Outside(_))));
    }

    #[test]
    fn refuses_a_file_larger_than_the_cap() {
        let (_outer, dir) = sandbox();
        std::fs::File::create(dir.join("big")).unwrap().set_len(MAX_FILE + 1).unwrap();
        let tree = DiskTree::new([&dir]).unwrap();
        assert!(matches!(tree.read(&dir.join("big")), Err(TreeError::TooLarge(..))));
    }
}
