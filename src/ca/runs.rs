//! Which lists were begun, and at which line of the ledger: so that the same list, run again after an interruption,
//! goes on where it stopped instead of finding its own identities taken.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ring::digest;

use super::book::{Book, BookError};
use super::pending::beside;
use crate::disk::books;

fn file(ledger: &Path) -> PathBuf {
    beside(ledger, ".runs")
}

/// A list that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The ledger's line count at that time.
    pub begun_at: u32,
    /// Whether it was worked off to its end.
    pub done: bool,
}

/// The last run of this list, if it was ever begun.
///
/// # Errors
/// [`BookError::Io`].
pub fn last(ledger: &Path, list: &[u8]) -> Result<Option<Run>, BookError> {
    let path = file(ledger);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(BookError::Io(path, e)),
    };
    let wanted = hex(list);
    let mut run = None;
    for word in text.lines().filter_map(|l| l.split_once('\t')).filter(|(d, _)| *d == wanted).map(|(_, w)| w)
    {
        match (word.parse(), &mut run) {
            (Ok(begun_at), _) => run = Some(Run { begun_at, done: false }),
            (Err(_), Some(run)) => run.done = true,
            (Err(_), None) => {}
        }
    }
    Ok(run)
}

/// Writes down that this list begins now.
///
/// # Errors
/// [`BookError::Io`].
pub fn begin(book: &Book, list: &[u8]) -> Result<(), BookError> {
    note(book, list, &book.lines().to_string())
}

/// Writes down that this list is worked off.
///
/// # Errors
/// [`BookError::Io`].
pub fn end(book: &Book, list: &[u8]) -> Result<(), BookError> {
    note(book, list, "done")
}

fn note(book: &Book, list: &[u8], word: &str) -> Result<(), BookError> {
    let path = file(book.path());
    let line = format!("{}\t{word}\n", hex(list));
    books::append(&path, line.as_bytes()).map_err(|e| BookError::Io(path, e))
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

/// What tells one list from another: its bytes.
///
/// # Errors
/// The system's.
pub fn digest(mut list: impl io::Read) -> io::Result<Vec<u8>> {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; 1 << 16];
    loop {
        match list.read(&mut buffer) {
            Ok(0) => return Ok(context.finish().as_ref().to_vec()),
            Ok(n) => context.update(buffer.get(..n).unwrap_or_default()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}
