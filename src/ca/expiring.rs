//! What ends when: certificates and CRLs that lie in folders, and the ledger's.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use super::book::{BookError, read_all};
use super::ledger::Status;
use super::serial::{magnitude, serial_hex};
use crate::cert::crl::Crl;
use crate::cert::pem;
use crate::tree::{Kind, Tree};

/// How deep folders are looked through, and how many files.
const MAX_DEPTH: usize = 5;
const MAX_FILES: usize = 20_000;

/// Something that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// When.
    pub at: OffsetDateTime,
    /// Whose: the subject, or `CRL of …`.
    pub what: String,
    /// The serial in hexadecimal; empty for a CRL.
    pub serial: String,
    /// The file, or the ledger.
    pub file: PathBuf,
    /// The line of the ledger.
    pub line: Option<u32>,
}

impl End {
    /// Whole days that are left; negative once it is over.
    #[must_use]
    pub fn days_left(&self, now: OffsetDateTime) -> i64 {
        (self.at - now).as_seconds_f64().div_euclid(86_400.0) as i64
    }
}

/// The valid lines of a ledger, and the last one of every subject that has no valid one. Revoked ones are left out.
///
/// # Errors
/// [`BookError`].
pub fn of_ledger(ledger: &Path, now: OffsetDateTime) -> Result<Vec<End>, BookError> {
    let entries = read_all(ledger)?;
    let alive: HashSet<&str> =
        entries.iter().filter(|e| e.is_valid_at(now)).map(|e| e.subject.as_str()).collect();
    let mut told = HashSet::new();
    let mut out: Vec<End> = entries
        .iter()
        .rev()
        .filter(|e| !matches!(e.status, Status::Revoked { .. }))
        .filter(|e| {
            e.is_valid_at(now) || (!alive.contains(e.subject.as_str()) && told.insert(e.subject.as_str()))
        })
        .map(|e| End {
            at: e.expires,
            what: e.subject.clone(),
            serial: e.serial_hex(),
            file: ledger.to_owned(),
            line: Some(e.line),
        })
        .collect();
    out.reverse();
    Ok(out)
}

/// Every certificate and CRL in PEM below a folder (`.crt`, `.pem`, `.cer`, `.crl`), each once.
pub fn of_folder(tree: &dyn Tree, folder: &Path) -> Vec<End> {
    let mut out = Vec::new();
    let (mut seen, mut files) = (HashSet::new(), 0);
    walk(tree, folder, 0, &mut files, &mut |path| {
        for end in of_file(tree, path) {
            if seen.insert((end.what.clone(), end.serial.clone(), end.at)) {
                out.push(end);
            }
        }
    });
    out
}

/// The certificates and CRLs of one file.
#[must_use]
pub fn of_file(tree: &dyn Tree, path: &Path) -> Vec<End> {
    let Ok(bytes) = tree.read(path) else { return Vec::new() };
    let mut out = Vec::new();
    for block in pem::scan(&bytes) {
        let Some(der) = block.der else { continue };
        let end = match block.label.as_str() {
            "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
                crate::cert::Certificate::from_der(&der).ok().and_then(|c| {
                    Some((c.not_after()?, c.subject().display(), serial_hex(&magnitude(c.serial()))))
                })
            }
            "X509 CRL" => Crl::from_der(&der).ok().and_then(|c| {
                Some((c.next_update()?, format!("CRL of {}", c.issuer().display()), String::new()))
            }),
            _ => None,
        };
        if let Some((at, what, serial)) = end {
            out.push(End { at, what, serial, file: path.to_owned(), line: None });
        }
    }
    out
}

fn walk(tree: &dyn Tree, folder: &Path, depth: usize, files: &mut usize, take: &mut dyn FnMut(&Path)) {
    for name in tree.list(folder).unwrap_or_default() {
        if *files >= MAX_FILES {
            return;
        }
        let path = if folder == Path::new(".") { PathBuf::from(&name) } else { folder.join(&name) };
        match tree.meta(&path).map(|m| m.kind) {
            Ok(Kind::Folder) if depth < MAX_DEPTH && !matches!(name.as_str(), ".git" | "node_modules") => {
                walk(tree, &path, depth + 1, files, take);
            }
            Ok(Kind::File) if [".crt", ".pem", ".cer", ".crl"].iter().any(|s| name.ends_with(s)) => {
                *files += 1;
                take(&path);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_day_that_has_begun_is_not_left() {
        let end =
            |at| End { at, what: String::new(), serial: String::new(), file: PathBuf::new(), line: None };
        let now = datetime!(2026-01-10 12:00 UTC);
        assert_eq!(end(datetime!(2026-01-11 11:00 UTC)).days_left(now), 0);
        assert_eq!(end(datetime!(2026-01-10 11:00 UTC)).days_left(now), -1);
        assert_eq!(end(datetime!(2026-02-10 12:00 UTC)).days_left(now), 31);
    }
}
