//! Why nothing (more) was issued.

use std::fmt;
use std::path::PathBuf;

use crate::ca::authority::AuthorityError;
use crate::ca::book::BookError;
use crate::ca::list::ListError;
use crate::ca::signer::SignError;

/// An order that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its line in the list, 0 for a name of the command line.
    pub line: u32,
    /// The identity.
    pub identity: String,
    /// Why, and what to do.
    pub why: String,
}

/// Why nothing (more) was issued.
#[derive(Debug)]
pub enum IssueError {
    /// The list cannot be taken; nothing was issued.
    List(ListError),
    /// Orders were refused, and how many in all; nothing was issued.
    Refused(Vec<Refusal>, u64),
    /// The CA cannot sign.
    Authority(AuthorityError),
    /// Signing failed.
    Sign(SignError),
    /// The ledger.
    Book(BookError),
    /// A file could not be written; how many certificates were issued before.
    Write(PathBuf, std::io::Error, u64),
}

impl fmt::Display for IssueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(e) => e.fmt(f),
            Self::Refused(some, n) => {
                write!(f, "{n} refused, nothing was issued")?;
                for r in some {
                    let place = if r.line > 0 { format!("line {}: ", r.line) } else { String::new() };
                    write!(f, "\n  {place}{}: {}", crate::name::escape(&r.identity), r.why)?;
                }
                Ok(())
            }
            Self::Authority(e) => e.fmt(f),
            Self::Sign(e) => e.fmt(f),
            Self::Book(e) => e.fmt(f),
            Self::Write(p, e, n) => write!(
                f,
                "{}: {e}; {n} certificates are issued and in the ledger, run the same command again for the rest",
                crate::name::escape(&p.to_string_lossy())
            ),
        }
    }
}

impl std::error::Error for IssueError {}

impl From<ListError> for IssueError {
    fn from(e: ListError) -> Self {
        Self::List(e)
    }
}
impl From<BookError> for IssueError {
    fn from(e: BookError) -> Self {
        Self::Book(e)
    }
}
impl From<SignError> for IssueError {
    fn from(e: SignError) -> Self {
        Self::Sign(e)
    }
}
