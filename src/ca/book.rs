//! A ledger on disk, opened for work: locked, mended after an interruption, indexed by identity.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ring::digest;
use time::OffsetDateTime;

use super::ledger::{Entry, LedgerError, Status, parse_line, unique_subject};
use super::pending::{Batch, Sent, beside, slot};
use super::subject::oneline_value;
use crate::disk::books::{self, BookLock};

/// How long another process is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a ledger cannot be worked with.
#[derive(Debug)]
pub enum BookError {
    /// The system's, and where.
    Io(PathBuf, io::Error),
    /// A line that cannot be read.
    Ledger(LedgerError),
    /// Somebody else is at work.
    Busy(PathBuf),
}

impl fmt::Display for BookError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(p, e) => write!(f, "{}: {e}", crate::name::escape(&p.to_string_lossy())),
            Self::Ledger(e) => e.fmt(f),
            Self::Busy(p) => write!(
                f,
                "{}: another mqttcert works with this CA; wait for it, or end it",
                crate::name::escape(&p.to_string_lossy())
            ),
        }
    }
}

impl std::error::Error for BookError {}

impl From<LedgerError> for BookError {
    fn from(e: LedgerError) -> Self {
        Self::Ledger(e)
    }
}

/// An identity as an index key: the first 16 bytes of the SHA-256 of the common name in the ledger's spelling.
pub type Id = [u8; 16];

/// The index key of a common name.
#[must_use]
pub fn id_of(common_name: &str) -> Id {
    id_of_oneline(&oneline_value(common_name.as_bytes()))
}

fn id_of_oneline(value: &str) -> Id {
    let hash = digest::digest(&digest::SHA256, value.as_bytes());
    let mut id = Id::default();
    id.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
    id
}

/// What the ledger says of an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known {
    /// The last line with a certificate that is valid now; 0 for none.
    pub valid: u32,
    /// The first line with any certificate.
    pub first: u32,
}

/// What had to be mended, for people. Empty where ledger and files agreed.
pub type Mended = Vec<String>;

/// An opened ledger. The lock is held as long as this lives.
#[derive(Debug)]
pub struct Book {
    path: PathBuf,
    _lock: BookLock,
    known: HashMap<Id, Known>,
    lines: u32,
    unique: bool,
    adopted: HashSet<Id>,
}

impl Book {
    /// Locks the ledger, finishes what an interrupted run left, and reads it. A ledger that is not there is an
    /// empty one; the file is made with its first entry.
    ///
    /// # Errors
    /// [`BookError`].
    pub fn open(path: &Path, now: OffsetDateTime) -> Result<(Self, Mended), BookError> {
        // Before anything is made: a ledger that could not be written would leave certificates without a line in it.
        books::can_replace(path).map_err(|e| BookError::Io(path.to_owned(), e))?;
        let lock_path = beside(path, ".lock");
        let lock = BookLock::take(&lock_path, PATIENCE).map_err(|e| match e.kind() {
            io::ErrorKind::WouldBlock => BookError::Busy(lock_path.clone()),
            _ => BookError::Io(lock_path.clone(), e),
        })?;
        let (mended, adopted, _) = mend(path, now)?;
        let attr = std::fs::read_to_string(beside(path, ".attr")).ok();
        let mut book = Self {
            path: path.to_owned(),
            _lock: lock,
            known: HashMap::new(),
            lines: 0,
            unique: unique_subject(attr.as_deref()),
            adopted,
        };
        let lines = each_entry(path, &mut |entry| {
            book.note(&entry, now);
            Ok(())
        })?;
        book.lines = lines;
        Ok((book, mended))
    }

    fn note(&mut self, entry: &Entry, now: OffsetDateTime) {
        for name in entry.common_names() {
            let known = self.known.entry(id_of_oneline(&name)).or_default();
            if known.first == 0 {
                known.first = entry.line;
            }
            if entry.is_valid_at(now) {
                known.valid = entry.line;
            }
        }
    }

    /// The ledger's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many lines it has.
    #[must_use]
    pub fn lines(&self) -> u32 {
        self.lines
    }

    /// What it says of an identity.
    #[must_use]
    pub fn known(&self, id: &Id) -> Option<Known> {
        self.known.get(id).copied()
    }

    /// Whether an interrupted run had issued this identity, and the ledger learned of it only now.
    #[must_use]
    pub fn was_adopted(&self, id: &Id) -> bool {
        self.adopted.contains(id)
    }

    /// Whether OpenSSL takes this ledger for one in which a subject has at most one valid line.
    #[must_use]
    pub fn unique_subject(&self) -> bool {
        self.unique
    }

    /// Lets a subject have several valid lines (`unique_subject = no` in `index.txt.attr`).
    ///
    /// # Errors
    /// [`BookError::Io`].
    pub fn allow_several(&mut self) -> Result<(), BookError> {
        let attr = beside(&self.path, ".attr");
        books::replace(&attr, b"unique_subject = no\n", 0o644).map_err(|e| BookError::Io(attr, e))?;
        self.unique = false;
        Ok(())
    }

    /// Appends entries that were already written as lines.
    ///
    /// # Errors
    /// [`BookError::Io`]; the ledger is then as it was.
    pub fn append(&mut self, lines: &str) -> Result<(), BookError> {
        books::append(&self.path, lines.as_bytes()).map_err(|e| BookError::Io(self.path.clone(), e))?;
        self.lines =
            self.lines.saturating_add(u32::try_from(lines.matches('\n').count()).unwrap_or(u32::MAX));
        Ok(())
    }

    /// Every entry, in order.
    ///
    /// # Errors
    /// [`BookError`].
    pub fn entries(&self) -> Result<Vec<Entry>, BookError> {
        read_all(&self.path)
    }

    /// Replaces the whole ledger by these entries (comments go).
    ///
    /// # Errors
    /// [`BookError::Io`]; the ledger is then as it was.
    pub fn rewrite(&self, entries: &[Entry]) -> Result<(), BookError> {
        let mut text = String::new();
        entries.iter().for_each(|e| e.write(&mut text));
        books::replace(&self.path, text.as_bytes(), 0o644).map_err(|e| BookError::Io(self.path.clone(), e))
    }

    /// Settles the batches of a run that failed; answers how many whole certificates entered the ledger by this.
    ///
    /// # Errors
    /// [`BookError`].
    pub fn mend_now(&mut self, now: OffsetDateTime) -> Result<u64, BookError> {
        mend(&self.path, now).map(|(_, _, entered)| entered)
    }

    /// Takes the notes of a finished run away.
    ///
    /// # Errors
    /// [`BookError::Io`].
    pub fn close_batches(&self) -> Result<(), BookError> {
        for file in [slot(&self.path, 0), slot(&self.path, 1), Sent::path(&self.path)] {
            books::remove(&file).map_err(|e| BookError::Io(file.clone(), e))?;
        }
        Ok(())
    }
}

/// Every entry of a ledger, in order; an absent ledger is empty.
///
/// # Errors
/// [`BookError`].
pub fn read_all(path: &Path) -> Result<Vec<Entry>, BookError> {
    let mut out = Vec::new();
    each_entry(path, &mut |entry| {
        out.push(entry);
        Ok(())
    })?;
    Ok(out)
}

/// Reads a ledger entry by entry; answers how many lines it has.
fn each_entry(path: &Path, take: &mut dyn FnMut(Entry) -> Result<(), BookError>) -> Result<u32, BookError> {
    let at = |e| BookError::Io(path.to_owned(), e);
    let file = match books::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(e) => return Err(at(e)),
    };
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let (mut line, mut number) = (Vec::new(), 0u32);
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(at)? == 0 {
            return Ok(number);
        }
        number = number.saturating_add(1);
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if let Some(entry) = parse_line(path, number, text)? {
            take(entry)?;
        }
    }
}

/// Finishes what an interrupted run left: a torn last line is cut off, batches that were under way are settled.
fn mend(path: &Path, now: OffsetDateTime) -> Result<(Mended, HashSet<Id>, u64), BookError> {
    let at = |e| BookError::Io(path.to_owned(), e);
    let mut mended = Mended::new();
    let mut adopted = HashSet::new();
    let mut batches = Vec::new();
    let mut entered = 0u64;
    for number in 0..2 {
        batches.extend(Batch::read(path, number).map_err(at)?);
    }
    let waiting = [slot(path, 0), slot(path, 1), Sent::path(path)].iter().any(|p| p.exists());
    if !waiting {
        return Ok((mended, adopted, 0));
    }
    if cut_torn_line(path).map_err(at)? {
        mended.push(format!("{}: a torn last line was cut off", path.display()));
    }
    batches.sort_by_key(|b| b.number);
    let mut wanted: HashSet<Vec<u8>> =
        batches.iter().flat_map(|b| &b.items).map(|i| i.entry.serial.clone()).collect();
    let mut there = HashSet::new();
    each_entry(path, &mut |entry| {
        if wanted.remove(&entry.serial) {
            there.insert(entry.serial);
        }
        Ok(())
    })?;
    for batch in &batches {
        let settled = batch.settle(path, &there, now).map_err(at)?;
        let mut lines = String::new();
        for entry in &settled.enter {
            entry.write(&mut lines);
            if entry.status == Status::Valid {
                adopted.extend(entry.common_names().iter().map(|n| id_of_oneline(n)));
            }
        }
        if !lines.is_empty() {
            books::append(path, lines.as_bytes()).map_err(at)?;
        }
        entered += settled.whole as u64;
        let mut say = |n: usize, what: &str| {
            if n > 0 {
                mended.push(format!("an interrupted run: {n} {what}"));
            }
        };
        say(settled.whole, "certificates were out, and are now in the ledger");
        say(settled.taken_away, "unfinished ones were taken away");
        say(settled.in_doubt, "may or may not have gone out, and are revoked (superseded)");
    }
    for file in [slot(path, 0), slot(path, 1), Sent::path(path)] {
        books::remove(&file).map_err(|e| BookError::Io(file.clone(), e))?;
    }
    Ok((mended, adopted, entered))
}

/// Cuts off a last line that has no end (only asked for where a run was interrupted).
fn cut_torn_line(path: &Path) -> io::Result<bool> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(e),
    };
    if bytes.is_empty() || bytes.ends_with(b"\n") {
        return Ok(false);
    }
    let start = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    // A subject that is cut short still reads as a line, but every line that is written here has its end.
    books::cut(path, start as u64)?;
    Ok(true)
}
