//! Subjects that we write: a few fields of X.520, as DER and as the one line that OpenSSL's ledger holds.

use std::fmt;
use std::str::FromStr;

use super::der::{self, tag};

/// The upper bound of a common name (RFC 5280 appendix A, ub-common-name), in characters.
pub const MAX_COMMON_NAME: usize = 64;

/// A field that flags and lists can set besides the common name, in the order in which they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// C: two letters.
    Country,
    /// ST
    State,
    /// L
    Locality,
    /// O
    Organization,
    /// OU
    Unit,
    /// CN
    CommonName,
}

impl Field {
    /// Every field.
    pub const ALL: &'static [Self] =
        &[Self::Country, Self::State, Self::Locality, Self::Organization, Self::Unit, Self::CommonName];

    /// OpenSSL's short name.
    #[must_use]
    pub fn short(self) -> &'static str {
        match self {
            Self::Country => "C",
            Self::State => "ST",
            Self::Locality => "L",
            Self::Organization => "O",
            Self::Unit => "OU",
            Self::CommonName => "CN",
        }
    }

    /// The last arc below id-at (2.5.4), and the upper bound of the value in characters (RFC 5280 appendix A).
    fn arc_and_bound(self) -> (u8, usize) {
        match self {
            Self::Country => (6, 2),
            Self::State => (8, 128),
            Self::Locality => (7, 128),
            Self::Organization => (10, 64),
            Self::Unit => (11, 64),
            Self::CommonName => (3, MAX_COMMON_NAME),
        }
    }
}

impl FromStr for Field {
    type Err = ();

    /// Short or long name, in any case.
    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "c" | "country" => Self::Country,
            "st" | "state" => Self::State,
            "l" | "locality" | "city" => Self::Locality,
            "o" | "org" | "organization" => Self::Organization,
            "ou" | "unit" | "organizational_unit" => Self::Unit,
            "cn" | "name" | "common_name" => Self::CommonName,
            _ => return Err(()),
        })
    }
}

/// Why a subject cannot be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectError {
    /// The value is empty.
    Empty(Field),
    /// Longer than X.520 allows: the value's length and the bound, in characters.
    TooLong(Field, usize, usize),
    /// A character that no subject of ours holds.
    Character(Field, char),
    /// A country is two letters.
    Country(String),
    /// Blanks at the start or end.
    Blanks(Field),
    /// Mosquitto denies everything to a user name with `+` or `#` (`mosquitto_acl_check`, 2.0).
    Wildcard(char),
    /// Reads like several fields in OpenSSL's ledger.
    LooksLikeFields(String),
}

impl fmt::Display for SubjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty(x) => write!(f, "{} is empty", x.short()),
            Self::TooLong(x, n, max) => {
                write!(f, "{} has {n} characters, and X.509 allows {max}; shorten it", x.short())
            }
            Self::Character(x, c) => {
                write!(f, "{} holds {:?}, which must not stand in a name", x.short(), c)
            }
            Self::Country(c) => write!(f, "C={c:?} is not two letters, for example DE"),
            Self::Blanks(x) => write!(f, "{} starts or ends with a blank; take it away", x.short()),
            Self::Wildcard(c) => {
                write!(f, "{c:?} stands in the name, and Mosquitto denies everything to such a user")
            }
            Self::LooksLikeFields(part) => {
                write!(f, "{part:?} inside the name reads like another field in the ledger; leave the = out")
            }
        }
    }
}

impl std::error::Error for SubjectError {}

/// A subject whose every field was checked: each field at most once, the common name always there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    fields: Vec<(Field, String)>,
}

impl Subject {
    /// A subject with only a common name that names a CA or a server.
    ///
    /// # Errors
    /// [`SubjectError`] where X.509 or the ledger cannot hold it.
    pub fn new(common_name: &str, others: &[(Field, String)]) -> Result<Self, SubjectError> {
        let mut fields: Vec<(Field, String)> = Vec::with_capacity(others.len() + 1);
        fields.extend(others.iter().filter(|(f, _)| *f != Field::CommonName).cloned());
        fields.push((Field::CommonName, common_name.to_owned()));
        fields.sort_by_key(|(f, _)| *f);
        for (field, value) in &fields {
            check(*field, value)?;
        }
        Ok(Self { fields })
    }

    /// A subject whose common name becomes the user that Mosquitto sees (`use_identity_as_username`).
    ///
    /// # Errors
    /// [`SubjectError`], also where Mosquitto would deny everything to such a user.
    pub fn client(identity: &str, others: &[(Field, String)]) -> Result<Self, SubjectError> {
        if let Some(c) = identity.chars().find(|c| matches!(c, '+' | '#')) {
            return Err(SubjectError::Wildcard(c));
        }
        Self::new(identity, others)
    }

    /// The common name.
    #[must_use]
    pub fn common_name(&self) -> &str {
        self.fields.iter().find(|(f, _)| *f == Field::CommonName).map_or("", |(_, v)| v)
    }

    /// The Name, DER: C as PrintableString, everything else as UTF8String (RFC 5280 §4.1.2.4).
    #[must_use]
    pub fn der(&self) -> Vec<u8> {
        let sets: Vec<Vec<u8>> = self
            .fields
            .iter()
            .map(|(field, value)| {
                let text = if *field == Field::Country { tag::PRINTABLE } else { tag::UTF8 };
                let oid = [tag::OID, 3, 0x55, 4, field.arc_and_bound().0];
                let pair = der::sequence(&[&oid, &der::tlv(text, &[value.as_bytes()])]);
                der::tlv(tag::SET, &[&pair])
            })
            .collect();
        der::sequence(&sets.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    /// The subject as OpenSSL's `X509_NAME_oneline` writes it into `index.txt`: `/O=x/CN=y`.
    #[must_use]
    pub fn oneline(&self) -> String {
        let mut out = String::new();
        for (field, value) in &self.fields {
            out.push('/');
            out.push_str(field.short());
            out.push('=');
            out.push_str(&oneline_value(value.as_bytes()));
        }
        out
    }
}

/// A value inside the one line: everything outside `' '..='~'` as `\xHH` (crypto/x509/x509_obj.c).
#[must_use]
pub fn oneline_value(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for b in bytes {
        match b {
            b' '..=b'~' => out.push(char::from(*b)),
            _ => out.push_str(&format!("\\x{b:02X}")),
        }
    }
    out
}

/// Any Name in one line, as `X509_NAME_oneline` writes it: fields without a short name by their dotted OID.
#[must_use]
pub fn oneline_of(name: &crate::cert::Name) -> String {
    name.attributes()
        .iter()
        .map(|a| {
            let label = match crate::cert::oid::describe(&a.oid) {
                l if l.starts_with(|c: char| c.is_ascii_alphabetic()) => l,
                _ => crate::cert::der::dotted(&a.oid),
            };
            format!("/{label}={}", oneline_value(a.text().unwrap_or_default().as_bytes()))
        })
        .collect()
}

/// The common names in a ledger's subject line, each as [`oneline_value`] writes it. A `/` inside a value is told
/// from the start of a field by what follows it: a field's short name and `=`.
#[must_use]
pub fn oneline_common_names(subject: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut in_name = false;
    for part in subject.split('/').skip(1) {
        match part.split_once('=').filter(|(key, _)| is_field_name(key)) {
            Some((key, value)) => {
                in_name = key == "CN";
                if in_name {
                    names.push(value.to_owned());
                }
            }
            None if in_name => {
                if let Some(last) = names.last_mut() {
                    last.push('/');
                    last.push_str(part);
                }
            }
            None => {}
        }
    }
    names
}

fn is_field_name(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '.')
}

fn check(field: Field, value: &str) -> Result<(), SubjectError> {
    let (_, bound) = field.arc_and_bound();
    if value.is_empty() {
        return Err(SubjectError::Empty(field));
    }
    let count = value.chars().count();
    if count > bound {
        return Err(SubjectError::TooLong(field, count, bound));
    }
    if let Some(c) = value.chars().find(|c| crate::name::is_unprintable(*c)) {
        return Err(SubjectError::Character(field, c));
    }
    if value.trim() != value {
        return Err(SubjectError::Blanks(field));
    }
    if field == Field::Country && !(count == 2 && value.chars().all(|c| c.is_ascii_alphabetic())) {
        return Err(SubjectError::Country(value.to_owned()));
    }
    let smuggled = |part: &&str| part.split_once('=').is_some_and(|(key, _)| is_field_name(key));
    if let Some(part) = value.split('/').skip(1).find(smuggled) {
        return Err(SubjectError::LooksLikeFields(format!("/{part}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str) -> String {
        Subject::client(name, &[]).unwrap().oneline()
    }

    #[test]
    fn writes_the_line_that_openssl_writes() {
        let s = Subject::client("tenant/dévice", &[(Field::Organization, "A B".into())]).unwrap();
        assert_eq!(s.oneline(), "/O=A B/CN=tenant/d\\xC3\\xA9vice");
        assert_eq!(oneline_common_names(&s.oneline()), ["tenant/d\\xC3\\xA9vice"]);
        assert_eq!(oneline_common_names("/C=DE/CN=a/b/emailAddress=x@y"), ["a/b"]);
    }

    #[test]
    fn refuses_what_a_ledger_or_mosquitto_would_misread() {
        assert!(matches!(Subject::client("a/CN=admin", &[]), Err(SubjectError::LooksLikeFields(_))));
        assert!(matches!(Subject::client("a+b", &[]), Err(SubjectError::Wildcard('+'))));
        assert!(matches!(Subject::client("a\tb", &[]), Err(SubjectError::Character(_, '\t'))));
        assert!(matches!(Subject::client("", &[]), Err(SubjectError::Empty(_))));
        assert!(matches!(Subject::client(&"x".repeat(65), &[]), Err(SubjectError::TooLong(_, 65, 64))));
        assert!(matches!(Subject::client(" a", &[]), Err(SubjectError::Blanks(_))));
        assert_eq!(one("a=b"), "/CN=a=b");
    }
}
