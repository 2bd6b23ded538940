//! The backups: `.mqttcert/` beside the certificate, for its owner only, ignored by git, named by time and serial.

use std::ffi::{OsStr, OsString};

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use crate::cert;
use crate::disk::{Attributes, DiskError, Existing, Folder};

const NAME: &str = ".mqttcert";
/// `20261124T031805`, UTC.
const STAMP: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]");

/// The folder of the backups, once it is there.
#[derive(Debug)]
pub struct Backups {
    folder: Folder,
}

/// One backup.
#[derive(Debug, Clone)]
pub struct Backup {
    /// Its name without ending.
    pub stem: String,
    /// The certificate.
    pub certificate: Existing,
    /// The key that was replaced with it.
    pub key: Option<Existing>,
    /// Whether it was put here by an undo, so that undo does not go back to it.
    pub undone: bool,
}

impl Backups {
    /// Enters the folder; `None` where there is none yet.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn find(beside: &Folder) -> Result<Option<Self>, DiskError> {
        if beside.has(OsStr::new(NAME)) {
            return Ok(Some(Self { folder: beside.enter(OsStr::new(NAME))? }));
        }
        Ok(None)
    }

    /// Enters the folder, or makes it.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn open(beside: &Folder) -> Result<Self, DiskError> {
        let (folder, made) = beside.make(OsStr::new(NAME), 0o700)?;
        folder.sweep();
        if made || !folder.has(OsStr::new(".gitignore")) {
            folder
                .stage(OsStr::new(".gitignore"), b"*\n", &Attributes::fresh(0o600))?
                .commit(OsStr::new(".gitignore"))?;
            beside.sync()?;
        }
        Ok(Self { folder })
    }

    /// Keeps a certificate, and the key that is replaced with it; the newest backup is reused if it is the same.
    /// Durable when it returns. Gives the backup's path.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn keep(
        &self,
        certificate: &Existing,
        key: Option<&Existing>,
        undone: bool,
        now: OffsetDateTime,
    ) -> Result<std::path::PathBuf, DiskError> {
        let same = |b: &Backup| {
            b.undone == undone
                && b.certificate.content == certificate.content
                && b.key.as_ref().map(|k| &k.content) == key.map(|k| &k.content)
        };
        if let Some(newest) = self.list()?.into_iter().next_back().filter(same) {
            return Ok(self.folder.path().join(file_name(&newest.stem, "crt", undone)));
        }
        let stem = self.next_stem(&certificate.content, now)?;
        if let Some(key) = key {
            let name = file_name(&stem, "key", undone);
            self.folder.stage(&name, &key.content, &Attributes::fresh(0o600))?.commit(&name)?;
        }
        let name = file_name(&stem, "crt", undone);
        self.folder.stage(&name, &certificate.content, &Attributes::fresh(0o600))?.commit(&name)?;
        self.folder.sync()?;
        Ok(self.folder.path().join(name))
    }

    /// All backups, oldest first.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn list(&self) -> Result<Vec<Backup>, DiskError> {
        let mut found = Vec::new();
        for name in self.folder.list()? {
            let Some(text) = name.to_str().filter(|n| !n.starts_with('.')) else { continue };
            let Some(rest) = text.strip_suffix(".crt") else { continue };
            let (stem, undone) = rest.strip_suffix(".undone").map_or((rest, false), |s| (s, true));
            let key = file_name(stem, "key", undone);
            let key = if self.folder.has(&key) { Some(self.folder.read(&key)?) } else { None };
            let certificate = self.folder.read(&name)?;
            found.push(Backup { stem: stem.to_owned(), certificate, key, undone });
        }
        found.sort_by(|a, b| a.stem.cmp(&b.stem));
        Ok(found)
    }

    /// A name that sorts behind all others, also where two follow in one second or the clock was set back.
    fn next_stem(&self, certificate: &[u8], now: OffsetDateTime) -> Result<String, DiskError> {
        let names = self.folder.list()?;
        let times = names.iter().filter_map(|n| n.to_str()?.split('-').next());
        let newest = times
            .filter_map(|t| PrimitiveDateTime::parse(t, STAMP).ok())
            .max()
            .map(PrimitiveDateTime::assume_utc);
        let after = newest.and_then(|t| t.checked_add(Duration::SECOND));
        Ok(stem(certificate, after.map_or(now, |t| t.max(now))))
    }

    /// Removes one backup.
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn remove(&self, backup: &Backup) -> Result<(), DiskError> {
        self.folder.remove(&file_name(&backup.stem, "crt", backup.undone))?;
        self.folder.remove(&file_name(&backup.stem, "key", backup.undone))
    }

    /// Removes the oldest beyond `keep` (but never the last one).
    ///
    /// # Errors
    /// [`DiskError`].
    pub fn prune(&self, keep: usize) -> Result<(), DiskError> {
        let all = self.list()?;
        let surplus = all.len().saturating_sub(keep.max(1));
        all.iter().take(surplus).try_for_each(|b| self.remove(b))
    }
}

fn file_name(stem: &str, ending: &str, undone: bool) -> OsString {
    format!("{stem}{}.{ending}", if undone { ".undone" } else { "" }).into()
}

/// `20261124T031805-5f21`: the time in UTC, and the start of the serial number.
fn stem(certificate: &[u8], now: OffsetDateTime) -> String {
    let at = now.to_offset(time::UtcOffset::UTC).format(STAMP).unwrap_or_default();
    let serial: String = cert::load_pem(certificate)
        .ok()
        .and_then(|all| all.first().map(|c| c.serial().iter().take(2).map(|b| format!("{b:02x}")).collect()))
        .unwrap_or_else(|| "none".to_owned());
    format!("{at}-{serial}")
}
