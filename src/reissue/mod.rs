//! Replacing the server's certificate as one transaction: lock, read (the CA's key last), plan, sign, read back, let
//! the caller judge and rehearse, back up, replace durably, report. Until the rename nothing has changed; after it
//! everything has.
//!
//! | file | what lives there |
//! |---|---|
//! | [`plan`] [`names`] | whether, why, and with which names: pure |
//! | [`candidate`] | the new certificate and request, signed and read back |
//! | [`what_if`] | what a new leaf or a renewed CA would do for a client that refuses |
//! | [`backup`] | `.mqttcert/` |
//! | [`pair`] | certificate and key replaced together |
//! | [`transaction`] | the order of things; undo |

pub mod backup;
pub mod candidate;
pub mod names;
pub mod pair;
pub mod plan;
pub mod transaction;
pub mod what_if;

pub use candidate::Candidate;
pub use transaction::{Outcome, Replaced, Request, run, undo};

use std::fmt;
use std::path::{Path, PathBuf};

use crate::ca::SignError;
use crate::cert::key::KeyError;
use crate::disk::DiskError;
use crate::tree::TreeError;

/// The most names of a certificate that is made here.
const MAX_NAMES: usize = 250;

/// Why nothing was reissued (or, for [`ReissueError::NotDurable`], what is not certain).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReissueError {
    /// A file could not be read.
    Read(TreeError),
    /// A place refused the change.
    Disk(DiskError),
    /// The replacement happened but could not be made durable or tidy.
    NotDurable(DiskError),
    /// A private key could not be used.
    Key(PathBuf, KeyError),
    /// A file holds no certificate where one belongs.
    NotACertificate(PathBuf, String),
    /// No certificate of the CA file is about the CA's key.
    WrongCaKey(PathBuf, PathBuf),
    /// The key that was named is not the certificate's.
    WrongKey(PathBuf, PathBuf),
    /// The file lies outside of what may be changed.
    Outside(PathBuf),
    /// The CA has no time left.
    CaExpired(PathBuf),
    /// The certificate would name nobody.
    NoNames,
    /// The certificate would name more than can be proved and than clients take.
    TooManyNames(usize),
    /// Certificate and key are not in one folder.
    Apart(PathBuf, PathBuf),
    /// `--new-key` cannot be done in place.
    InPlacePair,
    /// The signing failed.
    Sign(SignError),
    /// What was signed is not what was meant.
    ReadBack(&'static str),
    /// The backup is not about the server's key.
    BackupMismatch(String),
    /// The caller's judgement: it would break somebody, or the rehearsal failed.
    Refused(String),
}

impl fmt::Display for ReissueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |p: &Path| crate::name::escape(&p.to_string_lossy());
        match self {
            Self::Read(e) => write!(f, "{e}"),
            Self::Disk(e) => write!(f, "{e}; nothing was changed"),
            Self::NotDurable(e) => write!(
                f,
                "the new certificate is in place, but it is not certain that it survives a power cut: {e}; \
                 run the same command again"
            ),
            Self::Key(p, e) => write!(f, "{}: {e}", show(p)),
            Self::NotACertificate(p, why) => {
                write!(
                    f,
                    "{}: holds no certificate ({why}); it is not touched. Name the right file by a flag",
                    show(p)
                )
            }
            Self::WrongCaKey(key, ca) => write!(
                f,
                "{}: is not the private key of any certificate in {}; name the right ones by --ca-key and --ca",
                show(key),
                show(ca)
            ),
            Self::WrongKey(key, cert) => write!(
                f,
                "{}: is not the private key of {}; name the right one by --key, or add --force to certify this key \
                 in its place",
                show(key),
                show(cert)
            ),
            Self::Outside(p) => {
                write!(f, "{}: lies outside the project; name it by --cert if it is meant", show(p))
            }
            Self::CaExpired(p) => {
                write!(
                    f,
                    "{}: the CA is not valid now, so it cannot sign; renew it: `mqttcert ca renew`",
                    show(p)
                )
            }
            Self::NoNames => {
                write!(f, "the new certificate would name nobody; give the names clients dial by --name")
            }
            Self::TooManyNames(n) => write!(
                f,
                "the new certificate would have {n} names, and at most {MAX_NAMES} are reissued: each is proved by a \
                 handshake on every listener, and clients refuse a certificate so large; make one for the names that are \
                 dialled (`mqttcert template server.cnf`)"
            ),
            Self::Apart(cert, key) => write!(
                f,
                "{} and {} are not in one folder, so they cannot be replaced together; move them into one, or reissue \
                 without --new-key",
                show(cert),
                show(key)
            ),
            Self::InPlacePair => write!(
                f,
                "--new-key cannot be done with --in-place: two files cannot be written at one moment; run it on the \
                 host's folder"
            ),
            Self::Sign(e) => write!(f, "{e}"),
            Self::ReadBack(what) => {
                write!(f, "what was signed is not what was meant ({what}); nothing was changed")
            }
            Self::BackupMismatch(name) => {
                write!(
                    f,
                    "the backup {name} is not about the server's key, so the broker could not use it; nothing was changed"
                )
            }
            Self::Refused(why) => write!(f, "{why}"),
        }
    }
}

impl std::error::Error for ReissueError {}

impl From<DiskError> for ReissueError {
    fn from(e: DiskError) -> Self {
        Self::Disk(e)
    }
}

impl From<TreeError> for ReissueError {
    fn from(e: TreeError) -> Self {
        Self::Read(e)
    }
}

impl From<SignError> for ReissueError {
    fn from(e: SignError) -> Self {
        Self::Sign(e)
    }
}
