//! Issues client certificates, one or a hundred thousand: a list is checked as a whole before the first key is made,
//! then worked off in batches by every core. Each batch is written down before it begins and enters the ledger when
//! it is out, so that an interruption anywhere can be mended (`pending.rs`).

mod check;
mod error;
mod foreman;
mod shop;

use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use super::authority::Authority;
use super::book::Book;
use super::fresh::KeyKind;
use super::list::Row;
use super::stream::StreamOut;
use crate::disk::books::OutFolder;

pub use error::{IssueError, Refusal};

/// Certificates per batch.
const BATCH: usize = 2048;
/// Certificates per piece of work for one thread.
const SLICE: usize = 64;
/// Up to this many files, each is made durable by itself; beyond, the file system as a whole, once per batch.
const SINGLY: usize = 16;
/// Up to this many no threads are started.
const FEW: u64 = SINGLY as u64;
/// How many refusals are told.
const TOLD: usize = 10;

/// A certificate that is asked for.
#[derive(Debug, Clone)]
pub struct Order {
    /// Where it stands in the list, and who it is for.
    pub row: Row,
    /// The public key of a certificate request: AlgorithmIdentifier and key bytes. Without one a key is made.
    pub public: Option<(Vec<u8>, Vec<u8>)>,
}

/// Calls its argument for every order, in order; called twice.
pub type Source<'a> =
    dyn FnMut(&mut dyn FnMut(Order) -> Result<(), IssueError>) -> Result<(), IssueError> + 'a;

/// What holds for every certificate of a run.
pub struct Plan<'a> {
    /// The CA.
    pub authority: &'a Authority<'a>,
    /// Its certificate's file, for messages.
    pub ca_file: &'a Path,
    /// The kind of key that is made.
    pub kind: KeyKind,
    /// Their life, where the list does not say.
    pub days: u32,
    /// The time of issue.
    pub now: OffsetDateTime,
    /// Also for identities that had a certificate before.
    pub again: bool,
    /// Leave out identities that have a valid certificate.
    pub skip_issued: bool,
    /// The ledger's line count when this same list was begun before: what was issued since is not issued again.
    pub begun_at: Option<u32>,
    /// The digest of the list ([`super::runs::digest`]), to be written down once it has passed.
    pub list: Option<Vec<u8>>,
}

/// Where the certificates go.
pub enum Out {
    /// `NAME.crt` and `NAME.key` below a folder.
    Folder(OutFolder),
    /// One after the other.
    Stream(StreamOut),
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Certificates made now.
    pub issued: u64,
    /// Left out because they were issued before.
    pub skipped: u64,
    /// How many end earlier than asked because the CA ends.
    pub shortened: u64,
    /// The first few: identity, serial, end, path without suffix.
    pub first: Vec<(String, String, OffsetDateTime, PathBuf)>,
}

/// Checks every order, then issues them. `progress` hears how many of how many are done.
///
/// # Errors
/// [`IssueError`]; what was issued until then is in the ledger.
pub fn issue(
    book: &mut Book,
    plan: &Plan<'_>,
    source: &mut Source<'_>,
    out: &mut Out,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Summary, IssueError> {
    let mut summary = Summary::default();
    let total = check::check(book, plan, source, out, &mut summary)?;
    if total == 0 {
        return Ok(summary);
    }
    if let Some(list) = plan.list.as_ref().filter(|_| plan.begun_at.is_none()) {
        super::runs::begin(book, list)?;
    }
    if plan.again && book.unique_subject() {
        book.allow_several()?;
    }
    let before = book.lines();
    // A few are made by this thread alone.
    let threads = match total {
        0..=FEW => 0,
        _ => std::thread::available_parallelism().map_or(2, usize::from),
    };
    let result =
        foreman::work(book, plan, source, out, &mut summary, threads, &mut |done| progress(done, total));
    match result {
        Ok(()) => {
            book.close_batches()?;
            if let Some(list) = &plan.list {
                super::runs::end(book, list)?;
            }
            Ok(summary)
        }
        // What is whole enters the ledger, what is torn goes away: at once, not only in the next run.
        Err(e) => {
            let entered = book.mend_now(plan.now).unwrap_or(0);
            let n = u64::from(book.lines() - before) + entered;
            Err(match e {
                IssueError::Write(path, why, _) => IssueError::Write(path, why, n),
                other => other,
            })
        }
    }
}
