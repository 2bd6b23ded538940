//! Revokes, and writes the CRL that Mosquitto's `crlfile` reads. Order on disk: a note that a CRL is owed, the ledger,
//! the CRL's number, the CRL, the note away; so that after an interruption the next run writes the CRL that is owed.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use time::{Duration, OffsetDateTime};

use super::authority::Authority;
use super::book::{Book, BookError};
use super::crl::{self, CrlPlan};
use super::ledger::{Entry, Reason, Status};
use super::pem;
use super::pending::{beside, from_ledger, seen_from_ledger};
use super::serial::{parse_serial, serial_hex};
use super::signer::SignError;
use super::subject::oneline_value;
use crate::cert::crl::Crl;
use crate::cert::signature::Check;
use crate::disk::books;

/// Why nothing was revoked, or no CRL written.
#[derive(Debug)]
pub enum RevokeError {
    /// The ledger knows neither a serial nor a name like this.
    Unknown(String, PathBuf),
    /// Several valid certificates have this name: their serials.
    Several(String, Vec<String>),
    /// The certificate is the CA's own.
    Itself(String),
    /// The certificate is another CA's.
    Foreign(String),
    /// The ledger.
    Book(BookError),
    /// Signing failed.
    Sign(SignError),
    /// The fresh CRL does not verify with the CA's key.
    Broken,
    /// A file, and whether the ledger says "revoked" already.
    Io(PathBuf, io::Error, bool),
    /// The file is there and holds something else than a CRL.
    NoCrl(PathBuf),
    /// The file holds another CA's CRL.
    OtherCa(PathBuf, String),
    /// `crlnumber` holds no hexadecimal number.
    Number(PathBuf, String),
}

impl fmt::Display for RevokeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = |p: &PathBuf| crate::name::escape(&p.to_string_lossy());
        match self {
            Self::Unknown(which, ledger) => write!(
                f,
                "{which:?} is neither a serial number nor a name in {}; `mqttcert ca show` lists both, and a \
                 certificate that is in no ledger is revoked by its file: `mqttcert revoke FILE.crt`",
                path(ledger)
            ),
            Self::Several(name, serials) => write!(
                f,
                "{name:?} has {} valid certificates; name one by its serial: {}",
                serials.len(),
                serials.join(", ")
            ),
            Self::Itself(file) => write!(
                f,
                "{file}: is the CA's own certificate, and no CA revokes itself; where its key has leaked, make a new \
                 CA and give its ca.crt to every client"
            ),
            Self::Foreign(file) => write!(f, "{file}: this CA did not sign it"),
            Self::Book(e) => e.fmt(f),
            Self::Sign(e) => e.fmt(f),
            Self::Broken => {
                write!(f, "the fresh CRL does not verify with the CA's key; nothing was replaced")
            }
            Self::Io(p, e, false) => write!(f, "{}: {e}", path(p)),
            Self::Io(p, e, true) => write!(
                f,
                "{}: {e}; the ledger says revoked, but the CRL is the old one: run `mqttcert ca crl`",
                path(p)
            ),
            Self::NoCrl(p) => {
                write!(f, "{}: holds no CRL, and is not overwritten; name the file by --out", path(p))
            }
            Self::OtherCa(p, issuer) => write!(
                f,
                "{}: holds the CRL of another CA ({}); name the file by --out",
                path(p),
                crate::name::escape(issuer)
            ),
            Self::Number(p, text) => write!(f, "{}: {text:?} is no hexadecimal CRL number", path(p)),
        }
    }
}

impl std::error::Error for RevokeError {}

impl From<BookError> for RevokeError {
    fn from(e: BookError) -> Self {
        Self::Book(e)
    }
}

/// Where the CRL goes and how long it holds.
pub struct CrlJob<'a> {
    /// The CA.
    pub authority: &'a Authority<'a>,
    /// The file.
    pub file: &'a Path,
    /// nextUpdate, in days from now.
    pub days: u32,
    /// thisUpdate.
    pub now: OffsetDateTime,
}

/// A CRL that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// cRLNumber in hexadecimal.
    pub number: String,
    /// How many certificates it names.
    pub entries: usize,
    /// From then on Mosquitto refuses every client.
    pub next_update: OffsetDateTime,
}

/// What a revocation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// The entry, as it now stands.
    pub entry: Entry,
    /// It was revoked before; the CRL was written all the same.
    pub before: bool,
    /// The CRL.
    pub crl: Written,
}

/// What is to be revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// A serial number or a name, as a person wrote it.
    Text(String),
    /// A certificate that may be in no ledger yet.
    Entry(Entry),
}

/// Revokes one certificate and writes the CRL.
///
/// # Errors
/// [`RevokeError`]; [`RevokeError::Io`] tells whether the ledger was changed.
pub fn revoke(book: &Book, which: &Which, reason: Reason, job: &CrlJob<'_>) -> Result<Revoked, RevokeError> {
    let mut entries = book.entries()?;
    let at = match which {
        Which::Text(text) => find(&entries, text, job.now, book.path())?,
        Which::Entry(entry) => match entries.iter().position(|e| e.serial == entry.serial) {
            Some(at) => at,
            None => {
                entries.push(entry.clone());
                entries.len() - 1
            }
        },
    };
    let Some(entry) = entries.get_mut(at) else {
        return Err(RevokeError::Unknown(String::new(), book.path().to_owned()));
    };
    let before = matches!(entry.status, Status::Revoked { .. });
    if !before {
        entry.revoke(job.now, reason);
    }
    let entry = entry.clone();
    may_replace(job.file, job.authority)?;
    owe(book.path(), job.file).map_err(|e| RevokeError::Io(owed_note(book.path()), e, false))?;
    if !before {
        book.rewrite(&entries)?;
    }
    let crl = put(book.path(), &entries, job, true)?;
    Ok(Revoked { entry, before, crl })
}

/// Writes a fresh CRL from the ledger.
///
/// # Errors
/// [`RevokeError`].
pub fn write_crl(book: &Book, job: &CrlJob<'_>) -> Result<Written, RevokeError> {
    may_replace(job.file, job.authority)?;
    put(book.path(), &book.entries()?, job, false)
}

/// Whether this CA may write its CRL into a file: it is not there, empty, or holds a CRL of this CA.
///
/// # Errors
/// [`RevokeError::OtherCa`], [`RevokeError::NoCrl`], [`RevokeError::Io`].
pub fn may_replace(file: &Path, authority: &Authority<'_>) -> Result<(), RevokeError> {
    let failed = |e| RevokeError::Io(file.to_owned(), e, false);
    let bytes = match books::read(file) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(failed(e)),
    };
    if bytes.is_empty() {
        return Ok(());
    }
    let block = crate::cert::pem::scan(&bytes).into_iter().find(|b| b.label == "X509 CRL");
    let Some(there) = block.and_then(|b| Crl::from_der(&b.der?).ok()) else {
        return Err(RevokeError::NoCrl(file.to_owned()));
    };
    if there.issuer().der() != authority.certificate().subject().der() {
        return Err(RevokeError::OtherCa(file.to_owned(), there.issuer().display()));
    }
    books::can_replace(file).map_err(failed)
}

/// The CRL file that an interrupted revocation still owes.
///
/// # Errors
/// [`RevokeError::Io`] where the note cannot be read or is not our own.
pub fn owed(ledger: &Path) -> Result<Option<PathBuf>, RevokeError> {
    use std::os::unix::ffi::OsStringExt;
    let note = owed_note(ledger);
    let bytes = books::read_note(&note).map_err(|e| RevokeError::Io(note, e, false))?;
    Ok(bytes
        .as_deref()
        .and_then(|b| b.strip_suffix(b"\n"))
        .map(|path| from_ledger(ledger, &PathBuf::from(std::ffi::OsString::from_vec(path.to_vec())))))
}

fn owed_note(ledger: &Path) -> PathBuf {
    beside(ledger, ".owed-crl")
}

fn owe(ledger: &Path, crl: &Path) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    let path = seen_from_ledger(ledger, crl);
    books::write_working(&owed_note(ledger), &[path.as_os_str().as_bytes(), b"\n"].concat())
}

fn put(ledger: &Path, entries: &[Entry], job: &CrlJob<'_>, changed: bool) -> Result<Written, RevokeError> {
    let number_file = ledger.with_file_name("crlnumber");
    let failed = |p: &Path| {
        let p = p.to_owned();
        move |e| RevokeError::Io(p, e, changed)
    };
    let number = read_number(&number_file)?;
    let this_update = job.now.replace_nanosecond(0).unwrap_or(job.now);
    let next_update = this_update.saturating_add(Duration::days(job.days.into()));
    let ca = job.authority.certificate();
    let plan = CrlPlan {
        issuer: ca.subject().der(),
        key_id: ca.subject_key_id(),
        number: &number,
        this_update,
        next_update,
    };
    let der = crl::build(&plan, entries, job.authority.signer()).map_err(RevokeError::Sign)?;
    // Read back before anything is replaced.
    let back = Crl::from_der(&der).map_err(|_| RevokeError::Broken)?;
    if back.verify(ca.spki_der()) != Check::Good {
        return Err(RevokeError::Broken);
    }
    let mut next = number.clone();
    increment(&mut next);
    books::replace(&number_file, format!("{}\n", serial_hex(&next)).as_bytes(), 0o644)
        .map_err(failed(&number_file))?;
    books::replace(job.file, &pem::file("X509 CRL", &der), 0o644).map_err(failed(job.file))?;
    let note = owed_note(ledger);
    books::remove(&note).map_err(failed(&note))?;
    let entries = entries.iter().filter(|e| matches!(e.status, Status::Revoked { .. })).count();
    Ok(Written { number: serial_hex(&number), entries, next_update })
}

fn read_number(file: &Path) -> Result<Vec<u8>, RevokeError> {
    match std::fs::read_to_string(file) {
        Ok(text) => parse_serial(text.trim())
            .ok_or_else(|| RevokeError::Number(file.to_owned(), text.trim().to_owned())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(vec![1]),
        Err(e) => Err(RevokeError::Io(file.to_owned(), e, false)),
    }
}

fn increment(number: &mut Vec<u8>) {
    for digit in number.iter_mut().rev() {
        *digit = digit.wrapping_add(1);
        if *digit != 0 {
            return;
        }
    }
    number.insert(0, 1);
}

fn find(entries: &[Entry], which: &str, now: OffsetDateTime, ledger: &Path) -> Result<usize, RevokeError> {
    let wanted = oneline_value(which.as_bytes());
    let named: Vec<usize> = entries
        .iter()
        .enumerate()
        .filter(|(_, e)| e.common_names().contains(&wanted))
        .map(|(at, _)| at)
        .collect();
    let valid: Vec<usize> =
        named.iter().copied().filter(|at| entries.get(*at).is_some_and(|e| e.is_valid_at(now))).collect();
    if let [one] = valid.as_slice() {
        return Ok(*one);
    }
    let serials = |of: &[usize]| of.iter().filter_map(|at| entries.get(*at)).map(Entry::serial_hex).collect();
    if valid.len() > 1 {
        return Err(RevokeError::Several(which.to_owned(), serials(&valid)));
    }
    if let Some(serial) = parse_serial(which)
        && let Some(at) = entries.iter().position(|e| e.serial == serial)
    {
        return Ok(at);
    }
    // Revoked before, or over: the last one is meant.
    named.last().copied().ok_or_else(|| RevokeError::Unknown(which.to_owned(), ledger.to_owned()))
}
