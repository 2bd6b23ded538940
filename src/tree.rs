//! The only way in: a rooted, capped view of files that lists and reads. The real one is [`crate::disk::DiskTree`];
//! a test's lives in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Component, Path, PathBuf};

/// No file that a deployment is made of is larger than this; a larger one is refused, not read in part.
pub const MAX_FILE: u64 = 16 * 1024 * 1024;

/// What a path is, without following what an attacker could swap: the answer belongs to the opened file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    /// File or folder.
    pub kind: Kind,
    /// Length in bytes.
    pub len: u64,
    /// Permission bits (`0o7777`).
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

/// The kinds of file that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A FIFO, a device, a socket: never read.
    Other,
}

/// Why a file could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeError {
    /// There is none.
    Missing(PathBuf),
    /// It lies outside the tree, or below /proc, /sys or /dev.
    Outside(PathBuf),
    /// The system does not let us.
    Denied(PathBuf),
    /// It is no regular file.
    NotAFile(PathBuf),
    /// It is larger than [`MAX_FILE`].
    TooLarge(PathBuf, u64),
    /// Any other failure, with the system's words.
    Io(PathBuf, String),
}

impl TreeError {
    /// The path that could not be read.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Missing(p) | Self::Outside(p) | Self::Denied(p) | Self::NotAFile(p) => p,
            Self::TooLarge(p, _) | Self::Io(p, _) => p,
        }
    }
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = crate::name::escape(&self.path().to_string_lossy());
        match self {
            Self::Missing(_) => write!(f, "{path}: there is no such file"),
            Self::Outside(p) if ["/dev", "/proc", "/sys"].iter().any(|k| p.starts_with(k)) => {
                write!(f, "{path}: files below /dev, /proc and /sys are not read; name a real file")
            }
            Self::Outside(_) => {
                write!(f, "{path}: lies outside the project; name it by a flag if it is meant")
            }
            Self::Denied(_) => {
                write!(f, "{path}: permission denied; run as its owner or as root")
            }
            Self::NotAFile(_) => write!(f, "{path}: is not a regular file"),
            Self::TooLarge(_, n) => {
                write!(f, "{path}: {n} bytes are more than the {MAX_FILE} that are read")
            }
            Self::Io(_, why) => write!(f, "{path}: {why}"),
        }
    }
}

impl std::error::Error for TreeError {}

/// A read-only view of a project's files. Paths are as the user would write them; symlinks are resolved, and what
/// leaves the tree's roots is [`TreeError::Outside`].
pub trait Tree {
    /// The whole file.
    ///
    /// # Errors
    /// [`TreeError`], always with the path.
    fn read(&self, path: &Path) -> Result<Vec<u8>, TreeError>;

    /// What stands there.
    ///
    /// # Errors
    /// [`TreeError`], always with the path.
    fn meta(&self, path: &Path) -> Result<Meta, TreeError>;

    /// The names in a folder, sorted.
    ///
    /// # Errors
    /// [`TreeError`], always with the path.
    fn list(&self, path: &Path) -> Result<Vec<String>, TreeError>;

    /// Whether a file or folder stands there and may be looked at.
    fn exists(&self, path: &Path) -> bool {
        self.meta(path).is_ok()
    }

    /// Where a symlink at `path` points to in the end, inside the tree; `path` itself if it is none.
    ///
    /// # Errors
    /// [`TreeError`], always with the path.
    fn resolve(&self, path: &Path) -> Result<PathBuf, TreeError> {
        self.meta(path).map(|_| path.to_owned())
    }
}

/// A path without `.` and with `..` taken back, as text: nothing is looked up.
#[must_use]
pub fn normalize(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => match out.components().next_back() {
                Some(Component::Normal(_)) => {
                    out.pop();
                }
                Some(Component::RootDir) => {}
                _ => out.push(".."),
            },
            other => out.push(other),
        }
    }
    if out.as_os_str().is_empty() {
        out.push(".");
    }
    out
}

/// A tree in memory, for tests and for text that comes from elsewhere. All files are owned by root with mode 0644
/// unless [`MemoryTree::with_meta`] says otherwise.
#[derive(Debug, Clone, Default)]
pub struct MemoryTree {
    files: BTreeMap<PathBuf, (Vec<u8>, Meta)>,
}

impl MemoryTree {
    /// An empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a file.
    #[must_use]
    pub fn with(self, path: impl AsRef<Path>, content: impl Into<Vec<u8>>) -> Self {
        self.with_meta(path, content, 0o644, 0, 0)
    }

    /// Adds or replaces a file with its mode, owner and group.
    #[must_use]
    pub fn with_meta(
        mut self,
        path: impl AsRef<Path>,
        content: impl Into<Vec<u8>>,
        mode: u32,
        uid: u32,
        gid: u32,
    ) -> Self {
        let content = content.into();
        let meta = Meta { kind: Kind::File, len: content.len() as u64, mode, uid, gid };
        self.files.insert(normalize(path.as_ref()), (content, meta));
        self
    }
}

impl Tree for MemoryTree {
    fn read(&self, path: &Path) -> Result<Vec<u8>, TreeError> {
        match self.files.get(&normalize(path)) {
            Some((content, _)) => Ok(content.clone()),
            None if self.meta(path).is_ok() => Err(TreeError::NotAFile(path.to_owned())),
            None => Err(TreeError::Missing(path.to_owned())),
        }
    }

    fn meta(&self, path: &Path) -> Result<Meta, TreeError> {
        let wanted = normalize(path);
        if let Some((_, meta)) = self.files.get(&wanted) {
            return Ok(*meta);
        }
        let below = |p: &PathBuf| wanted == Path::new(".") && p.is_relative() || p.starts_with(&wanted);
        if self.files.keys().any(below) {
            return Ok(Meta { kind: Kind::Folder, len: 0, mode: 0o755, uid: 0, gid: 0 });
        }
        Err(TreeError::Missing(path.to_owned()))
    }

    fn list(&self, path: &Path) -> Result<Vec<String>, TreeError> {
        if self.meta(path)?.kind != Kind::Folder {
            return Err(TreeError::NotAFile(path.to_owned()));
        }
        let wanted = normalize(path);
        let mut names: Vec<String> = self
            .files
            .keys()
            .filter_map(|p| {
                let rest =
                    if wanted == Path::new(".") { p.as_path() } else { p.strip_prefix(&wanted).ok()? };
                Some(rest.components().next()?.as_os_str().to_string_lossy().into_owned())
            })
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }
}

/// A tree with some files replaced in memory: a candidate certificate is judged, compared and rehearsed through it
/// before anything is written.
pub struct OverlayTree<'a> {
    base: &'a dyn Tree,
    replaced: BTreeMap<PathBuf, Vec<u8>>,
}

impl<'a> OverlayTree<'a> {
    /// Nothing is replaced yet.
    #[must_use]
    pub fn new(base: &'a dyn Tree) -> Self {
        Self { base, replaced: BTreeMap::new() }
    }

    /// Shows `content` at `path`, whatever stands there; mode and owner stay those of the old file.
    #[must_use]
    pub fn with(mut self, path: impl AsRef<Path>, content: impl Into<Vec<u8>>) -> Self {
        self.replaced.insert(normalize(path.as_ref()), content.into());
        self
    }
}

impl Tree for OverlayTree<'_> {
    fn read(&self, path: &Path) -> Result<Vec<u8>, TreeError> {
        match self.replaced.get(&normalize(path)) {
            Some(content) => Ok(content.clone()),
            None => self.base.read(path),
        }
    }

    fn meta(&self, path: &Path) -> Result<Meta, TreeError> {
        let Some(content) = self.replaced.get(&normalize(path)) else {
            return self.base.meta(path);
        };
        let len = content.len() as u64;
        Ok(match self.base.meta(path) {
            Ok(meta) => Meta { len, ..meta },
            Err(_) => Meta { kind: Kind::File, len, mode: 0o644, uid: 0, gid: 0 },
        })
    }

    fn list(&self, path: &Path) -> Result<Vec<String>, TreeError> {
        self.base.list(path)
    }

    fn resolve(&self, path: &Path) -> Result<PathBuf, TreeError> {
        self.base.resolve(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_tree_reads_lists_and_tells_missing_from_folder() {
        let t = MemoryTree::new().with("a/b/c.conf", "x").with("./a/d", "y");
        assert_eq!(t.read(Path::new("a/./b/../b/c.conf")), Ok(b"x".to_vec()));
        assert_eq!(t.list(Path::new("a")), Ok(vec!["b".into(), "d".into()]));
        assert_eq!(t.list(Path::new(".")), Ok(vec!["a".into()]));
        assert!(matches!(t.read(Path::new("a/b")), Err(TreeError::NotAFile(_))));
        assert!(matches!(t.read(Path::new("z")), Err(TreeError::Missing(_))));
    }

    #[test]
    fn normalize_takes_dots_back_without_leaving_the_root() {
        assert_eq!(normalize(Path::new("/a/../../b/./c")), Path::new("/b/c"));
        assert_eq!(normalize(Path::new("../a/..")), Path::new(".."));
    }
}
