//! The order of things.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use super::backup::Backups;
use super::candidate::{self, Candidate};
use super::names::{Names, Wanted};
use super::pair::{self, Failed, Half};
use super::plan::{self, Given};
use super::{MAX_NAMES, ReissueError};
use crate::ca::server;
use crate::ca::{FileSigner, Signer};
use crate::cert::key::{KeyError, PrivateKey};
use crate::cert::{Certificate, load_pem, pem};
use crate::disk::{DiskTree, Existing, Folder, Reason};
use crate::secret::Secret;
use crate::tree::Tree;

/// What is asked for.
pub struct Request<'a> {
    /// Reads, and tells what may be changed.
    pub tree: &'a DiskTree,
    /// The server certificate.
    pub cert: &'a Path,
    /// Its private key.
    pub key: &'a Path,
    /// The user named that key: if it is not the certificate's, the wrong file was named.
    pub key_is_named: bool,
    /// The CA's certificate file.
    pub ca: &'a Path,
    /// The CA's private key.
    pub ca_key: &'a Path,
    /// Asks for the passphrase of an encrypted key.
    pub passphrase: &'a dyn Fn(&Path) -> Option<Secret>,
    /// The names.
    pub wanted: Wanted<'a>,
    /// `--days`.
    pub days: u32,
    /// `--renew-before`.
    pub renew_before: Option<u32>,
    /// `--force`.
    pub force: bool,
    /// `--new-key`.
    pub new_key: bool,
    /// `--in-place`.
    pub in_place: bool,
    /// `--dry-run`.
    pub dry_run: bool,
    /// `--keep`.
    pub keep: usize,
    /// The time.
    pub now: OffsetDateTime,
    /// Judges and rehearses a candidate before anything is written; a refusal stops it.
    pub approve: &'a mut dyn FnMut(&Certificate, &Candidate) -> Result<(), String>,
    /// Called right before the first change: signals must be held back from here on.
    pub hold_signals: &'a mut dyn FnMut(),
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// A new certificate is in place.
    Reissued,
    /// Nothing was to do, and nothing was changed.
    NothingToDo,
    /// It would be replaced (`--dry-run`).
    WouldReissue,
    /// The one before is back.
    Undone,
}

impl Replaced {
    /// The word of the JSON contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reissued => "reissued",
            Self::NothingToDo => "nothing-to-do",
            Self::WouldReissue => "would-reissue",
            Self::Undone => "undone",
        }
    }
}

/// What happened, with the certificates.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What happened.
    pub result: Replaced,
    /// Why.
    pub reasons: Vec<String>,
    /// The names.
    pub names: Names,
    /// The certificate before.
    pub before: Certificate,
    /// The certificate now (or as it would be).
    pub after: Option<Certificate>,
    /// Where the old one is kept.
    pub backup: Option<PathBuf>,
    /// Whether the key is new too.
    pub new_key: bool,
    /// What went wrong beside the matter, e.g. an old backup that could not be removed.
    pub notes: Vec<String>,
}

/// The folder, locked, and the certificate in it.
struct Place {
    folder: Folder,
    name: OsString,
    existing: Existing,
    chain: Vec<Certificate>,
    leaf: Certificate,
}

/// Reissues.
///
/// # Errors
/// [`ReissueError`]; except for [`ReissueError::NotDurable`] nothing was changed.
pub fn run(request: &mut Request<'_>) -> Result<Outcome, ReissueError> {
    if request.in_place && request.new_key {
        return Err(ReissueError::InPlacePair);
    }
    let place = open(request)?;
    let server_key = read_key(request, request.key)?;
    if request.key_is_named && !request.force && !server_key.matches(&place.leaf) {
        return Err(ReissueError::WrongKey(request.key.to_owned(), request.cert.to_owned()));
    }
    let ca_file = request.tree.read(request.ca)?;
    let ca_all = load_pem(&ca_file)
        .map_err(|e| ReissueError::NotACertificate(request.ca.to_owned(), e.to_string()))?;
    let fresh = if request.new_key { Some(candidate::new_key(server_key.kind())?) } else { None };
    // The CA's key comes last, and only here.
    let ca_key = read_key(request, request.ca_key)?;
    let ca = ca_all
        .iter()
        .chain(place.chain.get(1..).unwrap_or_default())
        .find(|c| ca_key.matches(c))
        .ok_or_else(|| ReissueError::WrongCaKey(request.ca_key.to_owned(), request.ca.to_owned()))?
        .clone();
    let new_key = fresh.as_ref().map_or(&server_key, |(key, _)| key);
    let plan = plan::plan(&Given {
        old: &place.leaf,
        ca: &ca,
        spki: new_key.spki_der(),
        key_matches: server_key.matches(&place.leaf),
        wanted: request.wanted,
        days: request.days,
        renew_before: request.renew_before,
        force: request.force || request.new_key,
        now: request.now,
    });
    let mut outcome = Outcome {
        result: Replaced::NothingToDo,
        reasons: plan.reasons.clone(),
        names: plan.names.clone(),
        before: place.leaf.clone(),
        after: Some(place.leaf.clone()),
        backup: None,
        new_key: request.new_key,
        notes: Vec::new(),
    };
    if plan.reasons.is_empty() {
        return Ok(outcome);
    }
    if plan.validity.is_none() {
        return Err(ReissueError::CaExpired(request.ca.to_owned()));
    }
    if plan.names.sans.is_empty() {
        return Err(ReissueError::NoNames);
    }
    if plan.names.sans.len() > MAX_NAMES {
        return Err(ReissueError::TooManyNames(plan.names.sans.len()));
    }
    let chain = place.chain.get(1..).filter(|rest| rest.iter().any(|c| c == &ca)).unwrap_or_default();
    let new_pem = fresh.as_ref().map(|(_, pem)| pem.clone());
    let candidate = candidate::make(&plan, &place.leaf, chain, &ca, &ca_key, new_key, new_pem)?;
    drop(ca_key);
    (request.approve)(&place.leaf, &candidate).map_err(ReissueError::Refused)?;
    outcome.after = Some(candidate.certificate.clone());
    if request.dry_run {
        outcome.result = Replaced::WouldReissue;
        return Ok(outcome);
    }
    (request.hold_signals)();
    let key = request.new_key.then(|| key_beside(request, &place)).transpose()?;
    let backups = Backups::open(&place.folder)?;
    outcome.backup = Some(backups.keep(&place.existing, key.as_ref().map(|(_, e)| e), false, request.now)?);
    let new = New {
        certificate: &candidate.certificate_pem,
        key: candidate.key_pem.as_ref().map(Secret::expose),
        request: &candidate.request_pem,
    };
    replace(request, &place, key.as_ref(), &new, &mut outcome)?;
    if let Err(error) = backups.prune(request.keep) {
        outcome.notes.push(format!("an old backup could not be removed: {error}"));
    }
    outcome.result = Replaced::Reissued;
    Ok(outcome)
}

/// Goes back one step.
///
/// # Errors
/// [`ReissueError`]; except for [`ReissueError::NotDurable`] nothing was changed.
pub fn undo(request: &mut Request<'_>) -> Result<Outcome, ReissueError> {
    let place = open(request)?;
    let server_key = read_key(request, request.key)?;
    let mut outcome = Outcome {
        result: Replaced::NothingToDo,
        reasons: vec!["there is no earlier certificate to go back to".to_owned()],
        names: Names::default(),
        before: place.leaf.clone(),
        after: Some(place.leaf.clone()),
        backup: None,
        new_key: false,
        notes: Vec::new(),
    };
    let Some(backups) = Backups::find(&place.folder)? else { return Ok(outcome) };
    let all = backups.list()?;
    let newest = all.iter().rev().find(|b| !b.undone && b.certificate.content != place.existing.content);
    let Some(target) = newest.cloned() else { return Ok(outcome) };
    let parsed = load_pem(&target.certificate.content).ok().and_then(|all| all.first().cloned());
    let Some(restored) = parsed else {
        return Err(ReissueError::BackupMismatch(target.stem));
    };
    let restored_key = match &target.key {
        Some(key) => open_key(request, request.key, &key.content)?,
        None => server_key,
    };
    if !restored_key.matches(&restored) {
        return Err(ReissueError::BackupMismatch(target.stem));
    }
    let own = FileSigner::from_pkcs8(restored_key.pkcs8())?;
    let csr = server::request(restored.subject().der(), own.spki_der(), restored.sans(), &own)?;
    let csr = server::pem("CERTIFICATE REQUEST", &csr).into_bytes();
    outcome.new_key = target.key.is_some();
    outcome.after = Some(restored.clone());
    (request.hold_signals)();
    let backups = Backups::open(&place.folder)?;
    let key = target.key.is_some().then(|| key_beside(request, &place)).transpose()?;
    outcome.backup = Some(backups.keep(&place.existing, key.as_ref().map(|(_, e)| e), true, request.now)?);
    let new = New {
        certificate: &target.certificate.content,
        key: target.key.as_ref().map(|k| k.content.as_slice()),
        request: &csr,
    };
    replace(request, &place, key.as_ref(), &new, &mut outcome)?;
    let tidied = backups.remove(&target).and_then(|()| backups.prune(request.keep));
    if let Err(error) = tidied {
        outcome.notes.push(format!("a backup could not be removed: {error}"));
    }
    outcome.reasons = Vec::new();
    outcome.result = Replaced::Undone;
    Ok(outcome)
}

fn open(request: &Request<'_>) -> Result<Place, ReissueError> {
    let path = request.cert;
    let outer = Folder::of_entry(path)?;
    if !request.tree.may_change(&outer, path) {
        return Err(ReissueError::Outside(path.to_owned()));
    }
    if !request.dry_run {
        outer.lock()?;
        pair::recover(&outer)?;
        outer.sweep();
    }
    // Only after a recovery the name stands for the file that is meant.
    let (mut folder, name) = Folder::of_file(path)?;
    if folder.real() == outer.real() {
        folder = outer;
    } else {
        if !request.tree.may_change(&folder, path) {
            return Err(ReissueError::Outside(path.to_owned()));
        }
        if !request.dry_run {
            folder.lock()?;
            folder.sweep();
        }
    }
    let existing = folder.read(&name)?;
    let wrong = |why: String| ReissueError::NotACertificate(path.to_owned(), why);
    let chain = load_pem(&existing.content).map_err(|e| wrong(e.to_string()))?;
    let leaf = chain.first().cloned().ok_or_else(|| wrong("no CERTIFICATE block".to_owned()))?;
    if pem::scan(&existing.content).iter().any(|b| b.label.contains("PRIVATE KEY")) {
        return Err(wrong("a private key stands in the same file".to_owned()));
    }
    Ok(Place { folder, name, existing, chain, leaf })
}

fn read_key(request: &Request<'_>, path: &Path) -> Result<PrivateKey, ReissueError> {
    let bytes = Secret::new(request.tree.read(path)?);
    open_key(request, path, bytes.expose())
}

fn open_key(request: &Request<'_>, path: &Path, bytes: &[u8]) -> Result<PrivateKey, ReissueError> {
    let read = match PrivateKey::read(bytes, None) {
        Err(KeyError::PassphraseMissing) => {
            let passphrase = (request.passphrase)(path);
            PrivateKey::read(bytes, passphrase.as_ref())
        }
        other => other,
    };
    read.map_err(|e| ReissueError::Key(path.to_owned(), e))
}

/// The key file, which must be in the certificate's folder to be replaced with it.
fn key_beside(request: &Request<'_>, place: &Place) -> Result<(OsString, Existing), ReissueError> {
    let (folder, name) = Folder::of_file(request.key)?;
    if folder.real() != place.folder.real() {
        return Err(ReissueError::Apart(request.cert.to_owned(), request.key.to_owned()));
    }
    let existing = place.folder.read(&name)?;
    Ok((name, existing))
}

/// What takes the place of the files.
struct New<'a> {
    certificate: &'a [u8],
    key: Option<&'a [u8]>,
    request: &'a [u8],
}

fn replace(
    request: &Request<'_>,
    place: &Place,
    key: Option<&(OsString, Existing)>,
    new: &New<'_>,
    outcome: &mut Outcome,
) -> Result<(), ReissueError> {
    let folder = &place.folder;
    let csr = request_beside(place);
    if request.in_place {
        folder.overwrite(&place.name, &place.existing, new.certificate)?;
        if let Some((name, old)) = &csr
            && let Err(error) = folder.overwrite(name, old, new.request)
        {
            outcome.notes.push(format!("the request was not refreshed: {error}"));
        }
        return Ok(());
    }
    let csr = csr.map(|(name, old)| folder.stage(&name, new.request, &old.attributes).map(|s| (name, s)));
    let csr = match csr.transpose() {
        // Root made it once: it only goes stale, and that is no reason to keep the certificate as it is.
        Err(error) if matches!(error.reason, Reason::Owner(..)) => {
            outcome.notes.push(format!("the request was not refreshed: {error}"));
            None
        }
        other => other?,
    };
    if let (Some((key_name, key_old)), Some(key_new)) = (key, new.key) {
        let halves = [
            Half { name: &place.name, old: &place.existing, new: new.certificate },
            Half { name: key_name, old: key_old, new: key_new },
        ];
        match pair::replace(folder, halves) {
            Ok(()) => {}
            Err(Failed::Before(e)) => return Err(ReissueError::Disk(e)),
            Err(Failed::After(e)) => {
                // The new pair stands: its request takes its name too, if it can.
                let _ = csr.map(|(name, staged)| staged.commit(&name));
                return Err(ReissueError::NotDurable(e));
            }
        }
    } else {
        folder.stage(&place.name, new.certificate, &place.existing.attributes)?.commit(&place.name)?;
    }
    if let Some((name, staged)) = csr {
        staged.commit(&name).map_err(ReissueError::NotDurable)?;
    }
    folder.sync().map_err(ReissueError::NotDurable)?;
    let replaced = std::iter::once((&place.name, &place.existing)).chain(key.map(|(name, old)| (name, old)));
    outcome.notes.extend(replaced.filter_map(|(name, old)| has_other_names(&folder.shown(name), old)));
    Ok(())
}

/// A hard link keeps the file that was replaced, and whoever serves from there keeps serving it.
fn has_other_names(path: &Path, old: &Existing) -> Option<String> {
    let inode = old.inode();
    (old.other_names > 0).then(|| {
        format!(
            "{} had another name (a hard link), which still shows the old file: find / -xdev -inum {inode}",
            path.display()
        )
    })
}

/// The request beside the certificate (`server.csr` for `server.crt`), where there is one that is one.
fn request_beside(place: &Place) -> Option<(OsString, Existing)> {
    let name = OsString::from(Path::new(&place.name).with_extension("csr"));
    let existing = place.folder.read(&name).ok().filter(|_| name != place.name)?;
    let is_request = pem::scan(&existing.content).iter().any(|b| b.label.ends_with("CERTIFICATE REQUEST"));
    is_request.then_some((name, existing))
}
