//! password_file as Mosquitto reads it: `user:$6$salt$hash`, `user:$7$iterations$salt$hash`, and from 2.1 on argon2id.
//! A line that it cannot use is dropped with a word in the log; the user it names cannot log in.

use std::num::NonZeroU32;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, pbkdf2};

use super::version::Version;

/// More iterations than this are not computed (mosquitto_passwd writes 101 to 1000).
const MAX_ITERATIONS: u32 = 10_000_000;
/// More memory than this, in KiB, is not taken for one argon2id hash, nor more passes over it.
const MAX_ARGON2: (u32, u32) = (256 * 1024, 64);

/// A password file.
#[derive(Debug, Clone, Default)]
pub struct PasswordFile {
    entries: Vec<Entry>,
    /// Lines that Mosquitto drops.
    pub dropped: Vec<Dropped>,
}

/// A line that Mosquitto drops. Never holds what stands behind the colon: that may be a password in plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Counted from 1.
    pub line: u32,
    /// The user it names, where it names one.
    pub user: Option<String>,
    /// Why.
    pub why: DropReason,
}

/// Why a line is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// There is no colon.
    NoColon,
    /// Nothing stands behind the colon.
    NoPassword,
    /// What stands there is no hash: a password in plain text, most likely.
    PlainText,
    /// A hash whose salt, length or iterations are wrong.
    BadHash,
    /// A hash that costs more memory or time than is spent here; Mosquitto spends it.
    TooCostly,
    /// A hash with the 64 bytes of salt that mosquitto_passwd 2.1 writes: 2.0 drops it.
    NewSalt,
}

impl DropReason {
    /// In plain words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoColon => "there is no colon in it",
            Self::NoPassword => "nothing stands behind the colon",
            Self::PlainText => "it holds no hash; a password in plain text is not read",
            Self::BadHash => "its hash is damaged",
            Self::TooCostly => "its hash asks for more memory or time than is spent on one here",
            Self::NewSalt => "its hash is of mosquitto_passwd 2.1, whose salt 2.0 does not take",
        }
    }
}

#[derive(Debug, Clone)]
struct Entry {
    user: String,
    hash: Hash,
}

#[derive(Debug, Clone)]
enum Hash {
    Sha512 { salt: Vec<u8>, hash: Vec<u8> },
    Pbkdf2 { iterations: NonZeroU32, salt: Vec<u8>, hash: Vec<u8> },
    Argon2(String),
}

impl PasswordFile {
    /// Reads the file as 2.0 does. Nothing in it stops Mosquitto from starting.
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        Self::parse_as(text, Version::V2_0)
    }

    /// Reads the file as a release does: 2.1 also takes salts of 64 bytes (libcommon/password_common.c, 2.1.2).
    #[must_use]
    pub fn parse_as(text: &[u8], version: Version) -> Self {
        let hash = |text: &str| hash(text, version);
        let mut file = Self::default();
        for (index, raw) in text.split(|b| *b == b'\n').enumerate() {
            let line = u32::try_from(index + 1).unwrap_or(u32::MAX);
            let text = String::from_utf8_lossy(raw);
            if text.starts_with('#') || text.trim().is_empty() {
                continue;
            }
            let drop = |user: Option<&str>, why| Dropped { line, user: user.map(str::to_owned), why };
            if !text.contains(':') {
                file.dropped.push(drop(None, DropReason::NoColon));
                continue;
            }
            let mut parts = text.split(':').filter(|p| !p.is_empty());
            let user = parts.next().unwrap_or("").trim();
            let written = parts.next().map(str::trim).filter(|p| !p.is_empty());
            match written.map(hash) {
                None => file.dropped.push(drop(Some(user), DropReason::NoPassword)),
                Some(Err(why)) => file.dropped.push(drop(Some(user), why)),
                Some(Ok(hash)) => file.entries.push(Entry { user: user.to_owned(), hash }),
            }
        }
        file
    }

    /// The users who can log in.
    pub fn users(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|e| e.user.as_str())
    }

    /// Whether this user may log in with this password. Of two lines for one user the last counts.
    #[must_use]
    pub fn accepts(&self, user: &str, password: &[u8]) -> bool {
        self.entries.iter().rev().find(|e| e.user == user).is_some_and(|e| e.hash.is_of(password))
    }
}

impl Hash {
    fn is_of(&self, password: &[u8]) -> bool {
        match self {
            Self::Sha512 { salt, hash } => {
                let mut context = digest::Context::new(&digest::SHA512);
                context.update(password);
                context.update(salt);
                let made = context.finish();
                let differs = made.as_ref().iter().zip(hash).fold(0, |acc, (a, b)| acc | (a ^ b));
                made.as_ref().len() == hash.len() && differs == 0
            }
            Self::Pbkdf2 { iterations, salt, hash } => {
                pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA512, *iterations, salt, password, hash).is_ok()
            }
            Self::Argon2(text) => argon2_verify(text, password),
        }
    }
}

fn argon2_verify(text: &str, password: &[u8]) -> bool {
    use argon2::PasswordVerifier;
    argon2::password_hash::phc::PasswordHash::new(text)
        .is_ok_and(|hash| argon2::Argon2::default().verify_password(password, &hash).is_ok())
}

/// The salt that mosquitto_passwd writes up to 2.0, and from 2.1 on.
const SALTS: [usize; 2] = [12, 64];

fn salt(part: Option<&str>, version: Version) -> Result<Vec<u8>, DropReason> {
    let bytes = STANDARD.decode(part.unwrap_or("")).map_err(|_| DropReason::BadHash)?;
    match bytes.len() {
        n if n == SALTS[0] || (n == SALTS[1] && version.at_least(2, 1, 0)) => Ok(bytes),
        n if n == SALTS[1] => Err(DropReason::NewSalt),
        _ => Err(DropReason::BadHash),
    }
}

fn hash(text: &str, version: Version) -> Result<Hash, DropReason> {
    let mut parts = text.split('$').filter(|p| !p.is_empty());
    let binary = |part: Option<&str>, length: usize| {
        let bytes = STANDARD.decode(part.unwrap_or("")).map_err(|_| DropReason::BadHash)?;
        if bytes.len() == length { Ok(bytes) } else { Err(DropReason::BadHash) }
    };
    match parts.next() {
        Some("6") if text.starts_with('$') => {
            Ok(Hash::Sha512 { salt: salt(parts.next(), version)?, hash: binary(parts.next(), 64)? })
        }
        Some("7") if text.starts_with('$') => {
            let iterations =
                parts.next().and_then(|n| n.parse::<u32>().ok()).filter(|n| *n <= MAX_ITERATIONS);
            let iterations = iterations.and_then(NonZeroU32::new).ok_or(DropReason::BadHash)?;
            Ok(Hash::Pbkdf2 {
                iterations,
                salt: salt(parts.next(), version)?,
                hash: binary(parts.next(), 64)?,
            })
        }
        Some("argon2id") if text.starts_with('$') => {
            let hash =
                argon2::password_hash::phc::PasswordHash::new(text).map_err(|_| DropReason::BadHash)?;
            let cost = argon2::Params::try_from(&hash).map_err(|_| DropReason::BadHash)?;
            if cost.m_cost() > MAX_ARGON2.0 || cost.t_cost() > MAX_ARGON2.1 {
                return Err(DropReason::TooCostly);
            }
            Ok(Hash::Argon2(text.to_owned()))
        }
        _ => Err(DropReason::PlainText),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by mosquitto_passwd 2.0.11 (`-b`, and `-H sha512`) for the password `geheim`.
    const FROM_MOSQUITTO_PASSWD: &str = concat!(
        "seven:$7$101$x1jqoIZJWh1yLIkX$hw0UYnGlMCJ4HLQBAD14G8yiGhqQOCwsQZiggL0SWL+axj7U0+ISnWBMZFaCaq2lIzschjpyGpg/SZlgtEKnrw==\n",
        "six:$6$VUZpwFHiVXnckIXz$p+UqyLa0/VtZERX1kmaZYg2a2dCPABOTyLm9CghfZkl7rg52efyxu/IvbrTnjT+vRKcfmhH7rmz240TAiMxCkA==\n",
    );

    #[test]
    fn takes_what_mosquitto_passwd_writes() {
        let file = PasswordFile::parse(FROM_MOSQUITTO_PASSWD.as_bytes());
        assert_eq!(file.users().collect::<Vec<_>>(), ["seven", "six"]);
        for user in ["seven", "six"] {
            assert!(file.accepts(user, b"geheim"));
            assert!(!file.accepts(user, b"Geheim"));
        }
        assert!(!file.accepts("nobody", b"geheim"));
    }

    #[test]
    fn the_long_salt_is_taken_from_2_1_on() {
        let salt = STANDARD.encode([7u8; 64]);
        let hash = STANDARD.encode([9u8; 64]);
        let text = format!("new:$7$1000${salt}${hash}\n");
        assert_eq!(PasswordFile::parse(text.as_bytes()).dropped[0].why, DropReason::NewSalt);
        assert_eq!(PasswordFile::parse_as(text.as_bytes(), Version::V2_1).users().count(), 1);
    }

    #[test]
    fn spends_no_more_on_an_argon2id_hash_than_a_broker_would() {
        let line = |cost: &str| {
            format!("a:$argon2id$v=19${cost}$c29tZXNhbHRzb21l$RdescudvJCsgt3ub+b2dWRWJTmaaJObG\n")
        };
        let drops = |cost: &str| PasswordFile::parse(line(cost).as_bytes()).dropped.first().map(|d| d.why);
        assert_eq!(drops("m=65536,t=3,p=1"), None);
        assert_eq!(drops("m=4194304,t=3,p=1"), Some(DropReason::TooCostly));
        assert_eq!(drops("m=65536,t=1000000,p=1"), Some(DropReason::TooCostly));
    }

    #[test]
    fn drops_plain_text_and_damaged_lines_without_keeping_the_password() {
        let file = PasswordFile::parse(b"# c\nanna:secret\nno colon\nben:\ncarl:$7$101$AAAA$BBBB\n");
        let found: Vec<_> = file.dropped.iter().map(|d| (d.line, d.user.as_deref(), d.why)).collect();
        assert_eq!(
            found,
            [
                (2, Some("anna"), DropReason::PlainText),
                (3, None, DropReason::NoColon),
                (4, Some("ben"), DropReason::NoPassword),
                (5, Some("carl"), DropReason::BadHash),
            ]
        );
        assert_eq!(file.users().count(), 0);
        assert!(!format!("{file:?}").contains("secret"));
    }
}
