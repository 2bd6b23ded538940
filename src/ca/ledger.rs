//! OpenSSL's ledger: `index.txt` as `openssl ca` 3.0 reads and writes it (apps/lib/apps.c, crypto/txt_db). Six
//! fields between tabs: status, expiry, revocation, serial, file, subject. OpenSSL ends at an empty line, at a serial
//! with an odd number of digits, at a reason it does not know, and at two valid lines of one subject unless
//! `index.txt.attr` says `unique_subject = no`; so nothing of that is ever written, and all of it is told with its line.

use std::fmt;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use super::der::time_text;
use super::serial::{parse_serial, serial_hex};
use super::subject::oneline_common_names;

/// A reason for a revocation that OpenSSL knows (apps/ca.c `crl_reasons`; RFC 5280 §5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No reason is given; the CRL then leaves the extension out.
    Unspecified,
    /// The device's key is known to somebody else.
    KeyCompromise,
    /// The CA's key is.
    CaCompromise,
    /// The subject's name or role changed.
    AffiliationChanged,
    /// Another certificate took its place.
    Superseded,
    /// The device is out of service.
    CessationOfOperation,
    /// Suspended for now.
    CertificateHold,
    /// Only in delta CRLs; read, never offered.
    RemoveFromCrl,
}

impl Reason {
    /// Every reason that a person may give.
    pub const OFFERED: &'static [Self] = &[
        Self::Unspecified,
        Self::KeyCompromise,
        Self::CaCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::CertificateHold,
    ];

    /// OpenSSL's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "CACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::CertificateHold => "certificateHold",
            Self::RemoveFromCrl => "removeFromCRL",
        }
    }

    /// The value of CRLReason (RFC 5280 §5.3.1).
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::KeyCompromise => 1,
            Self::CaCompromise => 2,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
            Self::CertificateHold => 6,
            Self::RemoveFromCrl => 8,
        }
    }

    /// A reason by its word, in any case; `holdInstruction`, `keyTime` and `CAkeyTime` are OpenSSL's own spellings
    /// of three of them with more detail.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "holdinstruction" => Some(Self::CertificateHold),
            "keytime" => Some(Self::KeyCompromise),
            "cakeytime" => Some(Self::CaCompromise),
            "removefromcrl" => Some(Self::RemoveFromCrl),
            lower => Self::OFFERED.iter().copied().find(|r| r.as_str().to_ascii_lowercase() == lower),
        }
    }
}

/// What a line says of its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// `V`: issued, and not revoked. Whether it has ended is a matter of the date.
    Valid,
    /// `E`: `openssl ca -updatedb` saw it end.
    Expired,
    /// `R`
    Revoked {
        /// When.
        at: OffsetDateTime,
        /// Why.
        reason: Reason,
        /// The field as it stands, so that it is written back unchanged.
        written: String,
    },
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its line in the file, from 1; 0 where it is not written yet.
    pub line: u32,
    /// Valid, expired or revoked.
    pub status: Status,
    /// notAfter.
    pub expires: OffsetDateTime,
    /// The serial number, big-endian without leading zeros (a zero serial is one zero byte).
    pub serial: Vec<u8>,
    /// The file name field: `unknown` in everything OpenSSL writes.
    pub file: String,
    /// The subject in one line, as `X509_NAME_oneline` writes it.
    pub subject: String,
}

impl Entry {
    /// A fresh valid entry.
    #[must_use]
    pub fn issued(serial: Vec<u8>, expires: OffsetDateTime, subject: String) -> Self {
        Self { line: 0, status: Status::Valid, expires, serial, file: "unknown".to_owned(), subject }
    }

    /// Whether it is neither revoked nor ended.
    #[must_use]
    pub fn is_valid_at(&self, now: OffsetDateTime) -> bool {
        self.status == Status::Valid && self.expires > now
    }

    /// The common names, in the ledger's spelling.
    #[must_use]
    pub fn common_names(&self) -> Vec<String> {
        oneline_common_names(&self.subject)
    }

    /// The serial as the ledger writes it: an even number of capital hexadecimal digits.
    #[must_use]
    pub fn serial_hex(&self) -> String {
        serial_hex(&self.serial)
    }

    /// Marks it revoked.
    pub fn revoke(&mut self, at: OffsetDateTime, reason: Reason) {
        let written = match reason {
            Reason::Unspecified => time_text(at),
            reason => format!("{},{}", time_text(at), reason.as_str()),
        };
        self.status = Status::Revoked { at, reason, written };
    }

    /// Appends the line with its end. Raw tabs inside a field are written as OpenSSL's `TXT_DB_write` does.
    pub fn write(&self, out: &mut String) {
        let (letter, revoked) = match &self.status {
            Status::Valid => ("V", ""),
            Status::Expired => ("E", ""),
            Status::Revoked { written, .. } => ("R", written.as_str()),
        };
        let serial = self.serial_hex();
        let expires = time_text(self.expires);
        for (i, field) in [letter, &expires, revoked, &serial, &self.file, &self.subject].iter().enumerate() {
            if i > 0 {
                out.push('\t');
            }
            if field.contains(['\t', '\n', '\r']) {
                out.push_str(&field.replace('\t', "\\\t").replace(['\n', '\r'], " "));
            } else {
                out.push_str(field);
            }
        }
        out.push('\n');
    }
}

/// Why a ledger cannot be read; every form names file and line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerError {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: u32,
    /// What stands there.
    pub what: Flaw,
}

/// What is wrong with a line. OpenSSL ends at each of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// An empty line.
    Blank,
    /// Not six fields.
    Fields(usize),
    /// Neither V, R nor E.
    Status(String),
    /// The serial is no even-length hexadecimal number.
    Serial(String),
    /// A date that is none.
    Date(String),
    /// A revocation reason that OpenSSL does not know (`privilegeWithdrawn` is one of these).
    Reason(String),
    /// Not UTF-8.
    Encoding,
    /// Revoked without a date, or a date without being revoked.
    Revocation,
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = crate::name::escape(&self.file.to_string_lossy());
        write!(f, "{file}:{}: ", self.line)?;
        match &self.what {
            Flaw::Blank => write!(f, "an empty line; OpenSSL ends at it, delete it"),
            Flaw::Fields(n) => write!(f, "{n} fields between tabs where a ledger has 6"),
            Flaw::Status(s) => write!(f, "the status {s:?} is neither V, R nor E"),
            Flaw::Serial(s) => write!(f, "the serial {s:?} is no hexadecimal number of even length"),
            Flaw::Date(s) => write!(f, "{s:?} is no date; YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ"),
            Flaw::Reason(s) => write!(
                f,
                "OpenSSL knows no reason {s:?}; write one of {}",
                Reason::OFFERED.iter().map(|r| r.as_str()).collect::<Vec<_>>().join(", ")
            ),
            Flaw::Encoding => write!(f, "not UTF-8"),
            Flaw::Revocation => write!(f, "status and revocation date do not go together"),
        }
    }
}

impl std::error::Error for LedgerError {}

/// Reads one line without its end. Comments (`#…`) are `None`, as for OpenSSL.
///
/// # Errors
/// [`LedgerError`] where OpenSSL would end, too.
pub fn parse_line(file: &Path, number: u32, line: &[u8]) -> Result<Option<Entry>, LedgerError> {
    let flaw = |what| LedgerError { file: file.to_owned(), line: number, what };
    let text = std::str::from_utf8(line).map_err(|_| flaw(Flaw::Encoding))?;
    if text.starts_with('#') {
        return Ok(None);
    }
    if text.is_empty() {
        return Err(flaw(Flaw::Blank));
    }
    let fields = split(text);
    let [status, expires, revoked, serial, name, subject] = fields.as_slice() else {
        return Err(flaw(Flaw::Fields(fields.len())));
    };
    let bad_serial = || flaw(Flaw::Serial(serial.clone()));
    if serial.len() % 2 == 1 || !serial.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(bad_serial());
    }
    let serial = parse_serial(serial).ok_or_else(bad_serial)?;
    let expires = parse_time(expires).ok_or_else(|| flaw(Flaw::Date(expires.clone())))?;
    let status = match (status.as_str(), revoked.as_str()) {
        ("V", "") => Status::Valid,
        ("E", "") => Status::Expired,
        ("R", "") | ("V" | "E", _) => return Err(flaw(Flaw::Revocation)),
        ("R", written) => {
            let mut parts = written.split(',');
            let date = parts.next().unwrap_or_default();
            let at = parse_time(date).ok_or_else(|| flaw(Flaw::Date(date.to_owned())))?;
            let reason = match parts.next() {
                None => Reason::Unspecified,
                Some(word) => Reason::parse(word).ok_or_else(|| flaw(Flaw::Reason(word.to_owned())))?,
            };
            Status::Revoked { at, reason, written: written.to_owned() }
        }
        (other, _) => return Err(flaw(Flaw::Status(other.to_owned()))),
    };
    Ok(Some(Entry { line: number, status, expires, serial, file: name.clone(), subject: subject.clone() }))
}

/// Splits at tabs that no backslash precedes, as `TXT_DB_read` does.
fn split(text: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c == '\t' && !escaped {
            fields.push(String::new());
            continue;
        }
        if let Some(last) = fields.last_mut() {
            if c == '\t' {
                last.pop();
            }
            last.push(c);
        }
        escaped = c == '\\';
    }
    fields
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`; two digits below 50 mean 20YY (RFC 5280 §4.1.2.5.1).
fn parse_time(text: &str) -> Option<OffsetDateTime> {
    let digits = text.strip_suffix('Z')?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match digits.len() {
        12 => {
            let short: i32 = digits.get(..2)?.parse().ok()?;
            (if short < 50 { 2000 + short } else { 1900 + short }, digits.get(2..)?)
        }
        14 => (digits.get(..4)?.parse().ok()?, digits.get(4..)?),
        _ => return None,
    };
    let part = |at: usize| rest.get(at..at + 2)?.parse::<u8>().ok();
    let month = time::Month::try_from(part(0)?).ok()?;
    let date = time::Date::from_calendar_date(year, month, part(2)?).ok()?;
    Some(date.with_hms(part(4)?, part(6)?, part(8)?).ok()?.assume_utc())
}

/// Whether `index.txt.attr` lets one subject have several valid lines. Without the file OpenSSL says no.
#[must_use]
pub fn unique_subject(attr: Option<&str>) -> bool {
    let line = attr.unwrap_or_default().lines().find_map(|l| {
        let (key, value) = l.split_once('=')?;
        (key.trim() == "unique_subject").then(|| value.trim().to_ascii_lowercase())
    });
    // apps/lib/apps.c parse_yesno: the first letter decides.
    !matches!(line.as_deref().and_then(|v| v.chars().next()), Some('f' | 'n' | '0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn read(line: &str) -> Result<Option<Entry>, Flaw> {
        parse_line(Path::new("index.txt"), 7, line.as_bytes()).map_err(|e| e.what)
    }

    #[test]
    fn reads_what_openssl_wrote() {
        let e = read("R\t340101000000Z\t260102030405Z,keyCompromise\t0A\tunknown\t/CN=a").unwrap().unwrap();
        assert_eq!(e.serial, [10]);
        assert_eq!(e.expires, datetime!(2034-01-01 0:00 UTC));
        assert!(matches!(&e.status, Status::Revoked { reason: Reason::KeyCompromise, .. }));
        let mut line = String::new();
        e.write(&mut line);
        assert_eq!(line, "R\t340101000000Z\t260102030405Z,keyCompromise\t0A\tunknown\t/CN=a\n");
    }

    #[test]
    fn tells_everything_that_ends_openssl() {
        assert_eq!(read(""), Err(Flaw::Blank));
        assert_eq!(read("V\t340101000000Z\t\tABC\tunknown\t/CN=a"), Err(Flaw::Serial("ABC".into())));
        assert_eq!(read("V\t340101000000Z\t\tAB\t/CN=a"), Err(Flaw::Fields(5)));
        assert_eq!(
            read("R\t340101000000Z\t260102030405Z,privilegeWithdrawn\t0A\tunknown\t/CN=a"),
            Err(Flaw::Reason("privilegeWithdrawn".into()))
        );
        assert_eq!(read("V\t341301000000Z\t\tAB\tunknown\t/CN=a"), Err(Flaw::Date("341301000000Z".into())));
        assert_eq!(read("# a comment"), Ok(None));
    }

    #[test]
    fn an_escaped_tab_stays_in_its_field_and_goes_back_escaped() {
        let e = read("V\t340101000000Z\t\tAB\tunknown\t/CN=a\\\tb").unwrap().unwrap();
        assert_eq!(e.subject, "/CN=a\tb");
        let mut line = String::new();
        e.write(&mut line);
        assert_eq!(line, "V\t340101000000Z\t\tAB\tunknown\t/CN=a\\\tb\n");
    }

    #[test]
    fn unique_subject_follows_openssls_letter() {
        assert!(unique_subject(None));
        assert!(!unique_subject(Some("unique_subject = no\n")));
        assert!(unique_subject(Some("unique_subject=yes")));
    }
}
