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

/// The line count at which this list was begun, if it was.
///
/// # Errors
/// [`BookError::Io`].
pub fn begun(ledger: &Path, list: &[u8]) -> Result<Option<u32>, BookError> {
    let path = file(ledger);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(BookError::Io(path, e)),
    };
    let wanted = hex(list);
    Ok(text
        .lines()
        .filter_map(|l| l.split_once('\t'))
        .filter(|(d, _)| *d == wanted)
        .find_map(|(_, n)| n.parse().ok()))
}

/// Writes down that this list begins now.
///
/// # Errors
/// [`BookError::Io`].
pub fn begin(book: &Book, list: &[u8]) -> Result<(), BookError> {
    let path = file(book.path());
    let line = format!("{}\t{}\n", hex(list), book.lines());
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
