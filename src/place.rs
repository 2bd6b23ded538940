//! Places: where in which file a value stands.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A position in a file of the deployment: the path as the user gave it (relative to the working folder),
/// the line counted from 1, and the bytes of the value itself, so that an edit touches only them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub file: Arc<Path>,
    /// The line, counted from 1; 0 where the whole file is meant.
    pub line: u32,
    /// The bytes of the value in the file (`start..end`); empty where they are not known.
    pub span: SpanBytes,
}

/// A byte range that can be compared and hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SpanBytes {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl From<Range<usize>> for SpanBytes {
    fn from(r: Range<usize>) -> Self {
        Self { start: r.start, end: r.end }
    }
}

impl Place {
    /// The whole of a file.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::line(path, 0)
    }

    /// One line of a file.
    #[must_use]
    pub fn line(path: impl Into<PathBuf>, line: u32) -> Self {
        Self { file: Arc::from(path.into()), line, span: SpanBytes::default() }
    }

    /// The line, or `None` where the whole file is meant.
    #[must_use]
    pub fn line_number(&self) -> Option<u32> {
        (self.line > 0).then_some(self.line)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = crate::name::escape(&self.file.to_string_lossy());
        match self.line {
            0 => f.write_str(&file),
            n => write!(f, "{file}:{n}"),
        }
    }
}

/// A value and the place where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

impl<T> Located<T> {
    /// Puts a value and its place together.
    pub fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }

    /// The same place with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Located<U> {
        Located { value: f(self.value), place: self.place }
    }
}
