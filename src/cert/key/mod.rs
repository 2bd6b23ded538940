//! Private keys: every common form brought into PKCS#8, every other one named.
//!
//! | file | what lives there |
//! |---|---|
//! | `block.rs` `foreign.rs` | which part of a file is the key; what the file is where there is none |
//! | `cipher.rs` | taking the encryption off, at a capped cost |
//! | `normal.rs` | PKCS#1, SEC1 and PKCS#8 into one shape |
//! | `kinds.rs` `der.rs` | names of kinds and ciphers; the little DER it takes |

mod block;
mod cipher;
pub(crate) mod der;
mod foreign;
mod kinds;
mod normal;

use std::fmt;

use self::block::Label;
use super::Certificate;
use super::algorithm::PublicKey;
use crate::secret::Secret;

/// What to do with a key of a kind that cannot be helped.
const MAKE_A_NEW_ONE: &str = "make a new key: RSA 2048 to 4096, P-256, P-384 or Ed25519";
/// What to do with a key that is not in a file.
const HARDWARE: &str = "only keys in PEM files are read";

/// The kinds of key that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA, with the length of its modulus in bits (2048 to 4096).
    Rsa(usize),
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// Ed25519.
    Ed25519,
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "RSA-{bits}"),
            Self::P256 => f.write_str("P-256"),
            Self::P384 => f.write_str("P-384"),
            Self::Ed25519 => f.write_str("Ed25519"),
        }
    }
}

/// Why a file gives no private key that can be used. The caller adds the file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyError {
    /// There is nothing in it.
    Empty,
    /// It holds something else.
    NotAKey {
        /// What, e.g. `a certificate`.
        found: String,
    },
    /// A private key of a kind or form that is not used here.
    Unsupported {
        /// What it is.
        kind: String,
        /// What to do.
        next: String,
    },
    /// It is encrypted in a way that is not read here.
    Encryption {
        /// The cipher's name.
        cipher: String,
        /// Whether OpenSSL 3 needs its legacy provider to convert it.
        legacy: bool,
    },
    /// It is encrypted, and there is no passphrase.
    PassphraseMissing,
    /// It is encrypted with another passphrase.
    PassphraseWrong,
    /// Its key derivation asks for more than anybody should spend.
    TooExpensive(String),
    /// It is broken.
    Malformed {
        /// What it claims to be.
        kind: String,
        /// What is wrong with it.
        why: String,
    },
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty; a private key in PEM is needed"),
            Self::NotAKey { found } => {
                write!(f, "holds no private key but {found}; name the file that holds the private key")
            }
            Self::Unsupported { kind, next } => write!(f, "is {kind}; {next}"),
            Self::Encryption { cipher, legacy } => {
                let provider = if *legacy { " -provider legacy -provider default" } else { "" };
                write!(
                    f,
                    "is encrypted by {cipher}, which is not read here; convert it: \
                     `openssl pkcs8 -topk8 -v2 aes-256-cbc{provider} -in FILE -out NEW`"
                )
            }
            Self::PassphraseMissing => f.write_str(
                "is encrypted and no passphrase is given; use --passphrase-file FILE or MQTTCERT_CA_PASSPHRASE, \
                 or run it on a terminal",
            ),
            Self::PassphraseWrong => {
                f.write_str("is encrypted and the passphrase does not open it; give the right one")
            }
            Self::TooExpensive(what) => write!(
                f,
                "asks for {what} to be opened, which is refused; convert it: \
                 `openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out NEW`"
            ),
            Self::Malformed { kind, why } => {
                write!(f, "is a malformed {kind}: {why}; take it from a backup")
            }
        }
    }
}

impl std::error::Error for KeyError {}

/// A private key that can be used. Its bytes wipe themselves, and `Debug` shows only its kind.
#[derive(Clone)]
pub struct PrivateKey {
    kind: KeyKind,
    pkcs8: Secret,
    spki: Vec<u8>,
    odd: Option<&'static str>,
}

impl PrivateKey {
    /// Reads a PEM file: PKCS#1, SEC1, PKCS#8, each also encrypted (PBES2 with PBKDF2 over MD5, SHA-1 or SHA-2, or
    /// scrypt; `Proc-Type: 4,ENCRYPTED` with AES or 3DES). As OpenSSL, it takes the first private key of the file.
    ///
    /// # Errors
    /// [`KeyError`], which names what the file is and what to do.
    pub fn read(bytes: &[u8], passphrase: Option<&Secret>) -> Result<Self, KeyError> {
        let block = block::find(bytes)?;
        let (clear, mut encrypted) = match &block.dek_info {
            Some(info) => (cipher::open_legacy(info, &block.der, passphrase)?, true),
            None => (block.der.clone(), false),
        };
        let clear = match held(block.label, &clear) {
            Label::Encrypted => {
                encrypted = true;
                cipher::open_pkcs8(&clear, passphrase)?
            }
            _ => clear,
        };
        foreign::under_a_wrong_label(block.label, &clear)?;
        let key = match held(block.label, &clear) {
            Label::Pkcs8 | Label::Encrypted => normal::from_pkcs8(&clear),
            Label::Pkcs1 => normal::from_pkcs1(&clear),
            Label::Sec1 => normal::from_sec1(&clear, None).or_else(|error| match &block.ec_parameters {
                Some(parameters) => normal::from_sec1(&clear, Some(parameters))
                    .map(|key| key.but("its curve stands only in the EC PARAMETERS block before it")),
                None => Err(error),
            }),
        };
        match key {
            // A wrong passphrase leaves a padding that looks right once in 256 times.
            Err(KeyError::Malformed { .. }) if encrypted && !is_sequence(&clear) => {
                Err(KeyError::PassphraseWrong)
            }
            Ok(key) => Ok(match block.odd {
                Some(why) => key.but(why),
                None => key,
            }),
            other => other,
        }
    }

    fn assemble(kind: KeyKind, pkcs8: Secret, spki: Vec<u8>) -> Self {
        Self { kind, pkcs8, spki, odd: None }
    }

    /// The same, but OpenSSL does not load it.
    fn but(self, why: &'static str) -> Self {
        Self { odd: Some(why), ..self }
    }

    /// Why OpenSSL 3 does not load this file although it is read here: a broker does not start with it (measured:
    /// mosquitto 2.0.11 with OpenSSL 3.0, "Unable to load server key file").
    #[must_use]
    pub fn refused_by_openssl(&self) -> Option<&'static str> {
        self.odd
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The key as PKCS#8 (RFC 5958), DER, unencrypted.
    #[must_use]
    pub fn pkcs8(&self) -> &Secret {
        &self.pkcs8
    }

    /// Its public key as SubjectPublicKeyInfo (RFC 5280 §4.1.2.7), DER.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }
}

impl PrivateKey {
    /// Whether a certificate is about this key.
    #[must_use]
    pub fn matches(&self, certificate: &Certificate) -> bool {
        self.spki == certificate.spki_der()
            || same_key(&PublicKey::from_spki(&self.spki), certificate.public_key())
    }
}

/// The same key, however its parameters or its point are written.
fn same_key(mine: &PublicKey, theirs: &PublicKey) -> bool {
    match (mine, theirs) {
        (PublicKey::Rsa { n, e, .. }, PublicKey::Rsa { n: n2, e: e2, .. }) => n == n2 && e == e2,
        (PublicKey::Ec { curve, point }, PublicKey::Ec { curve: curve2, point: point2 }) => {
            let half = point.len() / 2;
            let odd = point.last().is_some_and(|b| b & 1 == 1);
            let compressed =
                |p: &[u8]| p.first() == Some(if odd { &3 } else { &2 }) && p.get(1..) == point.get(1..=half);
            curve == curve2 && (point == point2 || compressed(point2))
        }
        (mine, theirs) => mine == theirs,
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({}, ***)", self.kind)
    }
}

/// What a block really holds. OpenSSL 3 goes by the structure, not by the label, as long as the label does not name
/// another kind of key (measured: 3.0, every label with every structure).
fn held(label: Label, der: &[u8]) -> Label {
    match (der::shape(der), label) {
        (Some(der::Shape::Pkcs8), _) => Label::Pkcs8,
        (Some(der::Shape::Encrypted), _) => Label::Encrypted,
        (Some(der::Shape::Pkcs1), Label::Pkcs8 | Label::Encrypted) => Label::Pkcs1,
        (Some(der::Shape::Sec1), Label::Pkcs8 | Label::Encrypted) => Label::Sec1,
        _ => label,
    }
}

fn is_sequence(clear: &[u8]) -> bool {
    let mut reader = der::Reader::new(clear);
    reader.sequence().is_some() && reader.is_empty()
}

#[cfg(test)]
mod tests;
