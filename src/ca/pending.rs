//! What is about to be issued, written down before the first key is made: after a kill or a power cut the next run
//! sees from it which certificates are out and which are not, and brings ledger and files together again.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::ledger::{Entry, Reason, parse_line};
use super::signer::{FileSigner, Signer};
use crate::cert::{Certificate, load_pem};
use crate::disk::books::{self, OutFolder};
use crate::secret::Secret;

const MAGIC: &str = "mqttcert pending 1";

/// Where the certificates of a batch go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Files below this folder, as seen from the ledger's folder (so that a project can be moved).
    Folder(PathBuf),
    /// A regular file that is written as a stream: its path, device, inode and the offset where the batch starts.
    File(PathBuf, u64, u64, u64),
    /// A pipe.
    Pipe,
}

/// A batch that is being issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Counts up within a run; [`Sent`] refers to it.
    pub number: u64,
    /// Where it goes.
    pub target: Target,
    /// Its certificates: path without suffix, whether we make the key, and the ledger's entry.
    pub items: Vec<Item>,
}

/// One certificate of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Path below the folder, without suffix.
    pub path: PathBuf,
    /// Whether a key file belongs to it.
    pub with_key: bool,
    /// Its line in the ledger.
    pub entry: Entry,
}

/// How much of a batch went into a pipe: everything before `sure` is out, everything from `maybe` on is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// The batch.
    pub batch: u64,
    /// How many are certainly out.
    pub sure: u64,
    /// How many may be out.
    pub maybe: u64,
}

/// The path of a slot: two batches can be under way, one being finished while the next is prepared.
#[must_use]
pub fn slot(ledger: &Path, number: u64) -> PathBuf {
    beside(ledger, if number.is_multiple_of(2) { ".pending-0" } else { ".pending-1" })
}

/// A file beside the ledger, named after it.
#[must_use]
pub fn beside(ledger: &Path, suffix: &str) -> PathBuf {
    let mut name = ledger.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    ledger.with_file_name(name)
}

/// A path as seen from the ledger's folder.
#[must_use]
pub fn seen_from_ledger(ledger: &Path, path: &Path) -> PathBuf {
    let real = |p: &Path| fs::canonicalize(p).or_else(|_| std::path::absolute(p));
    let home = beside(ledger, "");
    let home = home.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (Ok(home), Ok(path)) = (real(home), real(path)) else { return path.to_owned() };
    let common = home.components().zip(path.components()).take_while(|(a, b)| a == b).count();
    let up = home.components().skip(common).map(|_| std::path::Component::ParentDir);
    up.chain(path.components().skip(common)).collect()
}

/// The way back.
#[must_use]
pub fn from_ledger(ledger: &Path, path: &Path) -> PathBuf {
    ledger.parent().unwrap_or(Path::new("")).join(path)
}

impl Batch {
    /// Writes it down. A torn writing is one without its last line, and means that nothing was begun.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&self, ledger: &Path) -> io::Result<()> {
        let target = serde_json::to_string(&self.target).map_err(io::Error::other)?;
        let mut text = format!("{MAGIC}\n{}\n{target}\n", self.number);
        for item in &self.items {
            text.push_str(&item.path.to_string_lossy());
            text.push_str(if item.with_key { "\tk\t" } else { "\tc\t" });
            item.entry.write(&mut text);
        }
        text.push_str("end\n");
        books::write_working(&slot(ledger, self.number), text.as_bytes())
    }

    /// Reads a slot; `None` where there is none or it is torn.
    ///
    /// # Errors
    /// The system's.
    pub fn read(ledger: &Path, number: u64) -> io::Result<Option<Self>> {
        let path = slot(ledger, number);
        let bytes = books::read_note(&path)?;
        Ok(bytes.and_then(|b| String::from_utf8(b).ok()).and_then(|text| Self::parse(&path, &text)))
    }

    fn parse(path: &Path, text: &str) -> Option<Self> {
        let body = text.strip_suffix("end\n")?;
        let mut lines = body.lines();
        if lines.next()? != MAGIC {
            return None;
        }
        let number = lines.next()?.parse().ok()?;
        let target = serde_json::from_str(lines.next()?).ok()?;
        let mut items = Vec::new();
        for line in lines {
            let mut parts = line.splitn(3, '\t');
            let (file, kind) = (parts.next()?, parts.next()?);
            let entry = parse_line(path, 0, parts.next()?.as_bytes()).ok()??;
            items.push(Item { path: file.into(), with_key: kind == "k", entry });
        }
        Some(Self { number, target, items })
    }

    /// Which of its certificates are out. Torn files are taken away. `in_ledger` holds the serials that are already
    /// accounted for.
    ///
    /// # Errors
    /// The system's.
    pub fn settle(
        &self,
        ledger: &Path,
        in_ledger: &HashSet<Vec<u8>>,
        now: OffsetDateTime,
    ) -> io::Result<Settled> {
        let open: Vec<&Item> = self.items.iter().filter(|i| !in_ledger.contains(&i.entry.serial)).collect();
        if open.is_empty() {
            return Ok(Settled::default());
        }
        match &self.target {
            Target::Folder(root) => settle_folder(&from_ledger(ledger, root), &open),
            Target::File(path, dev, ino, offset) => match settle_file(path, (*dev, *ino), *offset, &open)? {
                Some(settled) => Ok(settled),
                None => settle_pipe(self, ledger, &open, now),
            },
            Target::Pipe => settle_pipe(self, ledger, &open, now),
        }
    }
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Entries that belong into the ledger: whole certificates, and those that may be in somebody's hands (revoked).
    pub enter: Vec<Entry>,
    /// How many of them were whole.
    pub whole: usize,
    /// How many may or may not have reached the other end of a pipe, and are revoked.
    pub in_doubt: usize,
    /// How many torn ones were taken away.
    pub taken_away: usize,
}

fn settle_folder(root: &Path, open: &[&Item]) -> io::Result<Settled> {
    let mut out = Settled::default();
    if !root.exists() {
        return Ok(out);
    }
    let folder = OutFolder::open(root)?;
    for item in open {
        let (crt, key) = (with_suffix(&item.path, ".crt"), with_suffix(&item.path, ".key"));
        match read_certificate(&folder, &crt) {
            Some(c)
                if c.serial() == item.entry.serial && (!item.with_key || key_matches(&folder, &key, &c)) =>
            {
                out.whole += 1;
                out.enter.push(item.entry.clone());
            }
            // Somebody else's file stands there: it is not touched.
            Some(c) if c.serial() != item.entry.serial => {}
            _ => {
                let mut gone = folder.exists(&crt)?;
                folder.remove(&crt)?;
                if item.with_key {
                    gone |= folder.exists(&key)?;
                    folder.remove(&key)?;
                }
                out.taken_away += usize::from(gone);
            }
        }
    }
    folder.sync()?;
    Ok(out)
}

/// The path with a suffix appended (not replaced: identities hold dots).
#[must_use]
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut text = path.as_os_str().to_owned();
    text.push(suffix);
    PathBuf::from(text)
}

fn read_certificate(folder: &OutFolder, path: &Path) -> Option<Certificate> {
    let bytes = folder.read(path).ok()?;
    // A torn file does not end with its last block.
    bytes.ends_with(b"-----END CERTIFICATE-----\n").then_some(())?;
    load_pem(&bytes).ok()?.into_iter().next()
}

fn key_matches(folder: &OutFolder, path: &Path, certificate: &Certificate) -> bool {
    let read = || {
        let bytes = folder.read(path).ok()?;
        let block = crate::cert::pem::scan(&bytes).into_iter().next()?;
        FileSigner::from_pkcs8(&Secret::new(block.der?)).ok()
    };
    read().is_some_and(|key| key.spki_der() == certificate.spki_der())
}

/// `None` where the file is not the one that was written to.
fn settle_file(path: &Path, id: (u64, u64), offset: u64, open: &[&Item]) -> io::Result<Option<Settled>> {
    let Ok(mut file) = fs::OpenOptions::new().read(true).write(true).open(path) else {
        return Ok(None);
    };
    let meta = file.metadata()?;
    if (meta.dev(), meta.ino()) != id || meta.len() < offset {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    const END: &[u8] = b"-----END CERTIFICATE-----\n";
    let whole = bytes.windows(END.len()).rposition(|w| w == END).map_or(0, |at| at + END.len());
    if whole < bytes.len() {
        file.set_len(offset + whole as u64)?;
        file.sync_all()?;
    }
    let there: HashSet<Vec<u8>> = match load_pem(bytes.get(..whole).unwrap_or_default()) {
        Ok(certificates) => certificates.iter().map(|c| c.serial().to_vec()).collect(),
        Err(_) => HashSet::new(),
    };
    let enter: Vec<Entry> =
        open.iter().filter(|i| there.contains(&i.entry.serial)).map(|i| i.entry.clone()).collect();
    Ok(Some(Settled { whole: enter.len(), enter, in_doubt: 0, taken_away: usize::from(whole < bytes.len()) }))
}

fn settle_pipe(batch: &Batch, ledger: &Path, open: &[&Item], now: OffsetDateTime) -> io::Result<Settled> {
    let sent = Sent::read(ledger)?.filter(|s| s.batch == batch.number);
    let (sure, maybe) = sent.map_or((0, 0), |s| (s.sure as usize, s.maybe as usize));
    let mut out = Settled::default();
    // Items of a batch enter the ledger together, so that none is accounted for before all are.
    for (at, item) in open.iter().enumerate().take(maybe) {
        let mut entry = item.entry.clone();
        if at < sure {
            out.whole += 1;
        } else {
            out.in_doubt += 1;
            entry.revoke(now, Reason::Superseded);
        }
        out.enter.push(entry);
    }
    Ok(out)
}

impl Sent {
    /// The counter's file.
    #[must_use]
    pub fn path(ledger: &Path) -> PathBuf {
        beside(ledger, ".sent")
    }

    /// Its 24 bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 24] {
        let mut out = [0; 24];
        let parts = [self.batch, self.sure, self.maybe];
        for (slot, byte) in out.iter_mut().zip(parts.iter().flat_map(|p| p.to_le_bytes())) {
            *slot = byte;
        }
        out
    }

    fn read(ledger: &Path) -> io::Result<Option<Self>> {
        let Some(bytes) = books::read_note(&Self::path(ledger))? else { return Ok(None) };
        let number =
            |at: usize| bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes);
        Ok(match (number(0), number(8), number(16)) {
            (Some(batch), Some(sure), Some(maybe)) => Some(Self { batch, sure, maybe }),
            _ => None,
        })
    }
}
