//! Would this listener start with these files, and what would it send? Judged as Mosquitto 2.0 on OpenSSL 3 does it
//! (measured on 2.0.11 and 2.0.20), in the order in which it looks.

use std::fmt;

use super::acl::Acl;
use super::ciphers::{is_cipher_list, is_tls13_list};
use super::{ListenerConf, Protocol};
use crate::cert::algorithm::{Hash, PublicKey};
use crate::cert::key::{KeyError, PrivateKey};
use crate::cert::{self, Certificate};
use crate::place::{Located, Place};

/// A file of a listener as the broker's process sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileView {
    /// Its content.
    Here(Vec<u8>),
    /// It is there, but the broker's user may not read it.
    Denied,
    /// It is not there.
    Missing,
    /// It cannot be seen from here, and why.
    Unknown(String),
}

/// The files of one listener; `None` where the configuration names none.
#[derive(Debug, Clone, Default)]
pub struct ListenerFiles {
    /// `certfile`.
    pub certfile: Option<FileView>,
    /// `keyfile`.
    pub keyfile: Option<FileView>,
    /// `cafile`.
    pub cafile: Option<FileView>,
    /// `crlfile`.
    pub crlfile: Option<FileView>,
    /// `dhparamfile`.
    pub dhparamfile: Option<FileView>,
    /// `password_file`.
    pub password_file: Option<FileView>,
    /// `acl_file`.
    pub acl_file: Option<FileView>,
}

/// What keeps the broker from starting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A file that is not there.
    FileMissing,
    /// A file that the broker's user may not read.
    FileUnreadable,
    /// A certificate that cannot be loaded.
    BadCertificate,
    /// A key that cannot be loaded.
    BadKey,
    /// A key behind a passphrase.
    EncryptedKey,
    /// The key belongs to another certificate.
    KeyMismatch,
    /// A signature or key that OpenSSL's security level forbids.
    Weak,
    /// A CA file without a certificate.
    BadCa,
    /// A CRL that cannot be loaded.
    BadCrl,
    /// An ACL file with a line that is refused.
    BadAcl,
    /// Diffie-Hellman parameters that cannot be loaded.
    BadParameters,
    /// A list of ciphers of which OpenSSL takes none.
    BadCiphers,
}

/// One reason not to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// What it is.
    pub cause: Cause,
    /// The line of the configuration that names the file.
    pub place: Place,
    /// In Mosquitto's words.
    pub message: String,
}

/// Whether the broker would start with this listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Yes.
    Yes,
    /// No, for the first of these reasons.
    No(Vec<Obstacle>),
    /// A file that decides it cannot be seen.
    Unknown(String),
}

/// A TLS version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2.
    V1_2,
    /// TLS 1.3.
    V1_3,
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::V1_2 => "TLS 1.2",
            Self::V1_3 => "TLS 1.3",
        })
    }
}

/// What a listener serves.
#[derive(Debug, Clone)]
pub struct Serving {
    /// Whether it would start.
    pub start: Start,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// The certificates of `certfile`, the leaf first; empty if it cannot be read.
    pub certificates: Vec<Certificate>,
    /// The certificates of `cafile`, from which OpenSSL completes the chain of a lone leaf.
    pub anchors: Vec<Certificate>,
    /// The lowest version served.
    pub min_tls: TlsVersion,
    /// The highest version served.
    pub max_tls: TlsVersion,
}

/// Judges one listener.
#[must_use]
pub fn judge(conf: &ListenerConf, files: &ListenerFiles) -> Serving {
    let mut look = Look { obstacles: Vec::new(), unknown: None };
    look.readable(&conf.password_file, &files.password_file, "open pwfile");
    look.acl(conf, files);
    let tls = conf.is_tls();
    let certificates = match &files.certfile {
        Some(FileView::Here(bytes)) if conf.has_pair() => cert::load_pem(bytes).unwrap_or_default(),
        _ => Vec::new(),
    };
    let anchors = match &files.cafile {
        Some(FileView::Here(bytes)) => cert::load_pem(bytes).unwrap_or_default(),
        _ => Vec::new(),
    };
    if tls && conf.certfile.is_some() {
        look.ca(conf, files, &anchors);
        look.pair(conf, files, &certificates);
        look.crl(conf, files);
        look.parameters(conf, files);
        look.ciphers(conf);
        if let Some(engine) = conf.tls_engine.as_ref().filter(|_| conf.protocol == Protocol::Mqtt) {
            let why = format!("whether the broker's OpenSSL has the engine {} cannot be seen", engine.value);
            look.unknown.get_or_insert(why);
        }
    }
    let only_1_3 =
        conf.protocol == Protocol::Mqtt && conf.tls_version.as_ref().is_some_and(|v| v.value == "tlsv1.3");
    Serving {
        start: look.answer(),
        tls,
        certificates,
        anchors,
        min_tls: if only_1_3 { TlsVersion::V1_3 } else { TlsVersion::V1_2 },
        max_tls: TlsVersion::V1_3,
    }
}

struct Look {
    obstacles: Vec<Obstacle>,
    unknown: Option<String>,
}

impl Look {
    fn answer(self) -> Start {
        match (self.obstacles.is_empty(), self.unknown) {
            (false, _) => Start::No(self.obstacles),
            (true, Some(why)) => Start::Unknown(why),
            (true, None) => Start::Yes,
        }
    }

    fn refuse(&mut self, cause: Cause, line: &Located<String>, message: String) {
        self.obstacles.push(Obstacle { cause, place: line.place.clone(), message });
    }

    /// The content, or the obstacle that its absence is.
    fn readable<'a>(
        &mut self,
        line: &Option<Located<String>>,
        view: &'a Option<FileView>,
        doing: &str,
    ) -> Option<&'a [u8]> {
        let line = line.as_ref()?;
        let message = |why: &str| format!("Unable to {doing} \"{}\": {why}.", line.value);
        match view.as_ref()? {
            FileView::Here(bytes) => return Some(bytes),
            FileView::Missing => {
                self.refuse(Cause::FileMissing, line, message("No such file or directory"));
            }
            FileView::Denied => self.refuse(Cause::FileUnreadable, line, message("Permission denied")),
            FileView::Unknown(why) => {
                self.unknown.get_or_insert_with(|| format!("{}: {why}", line.value));
            }
        }
        None
    }

    fn acl(&mut self, conf: &ListenerConf, files: &ListenerFiles) {
        let Some(text) = self.readable(&conf.acl_file, &files.acl_file, "open acl_file") else { return };
        if let (Err(error), Some(line)) = (Acl::parse(text), &conf.acl_file) {
            self.refuse(
                Cause::BadAcl,
                line,
                format!("{} in acl_file \"{}\", line {}", error.message, line.value, error.line),
            );
        }
    }

    /// Websockets listeners start without their `cafile`.
    fn ca(&mut self, conf: &ListenerConf, files: &ListenerFiles, anchors: &[Certificate]) {
        if conf.protocol == Protocol::Websockets {
            return;
        }
        if self.readable(&conf.cafile, &files.cafile, "load CA certificates").is_some()
            && anchors.is_empty()
            && let Some(line) = &conf.cafile
        {
            let message = format!("Unable to load CA certificates. Check cafile \"{}\".", line.value);
            self.refuse(Cause::BadCa, line, message);
        }
    }

    fn pair(&mut self, conf: &ListenerConf, files: &ListenerFiles, certificates: &[Certificate]) {
        let (Some(cert_line), Some(key_line)) = (&conf.certfile, &conf.keyfile) else { return };
        let leaf = certificates.first();
        if self.readable(&conf.certfile, &files.certfile, "load server certificate").is_some() {
            let refused = match leaf {
                None => Some((Cause::BadCertificate, "no certificate in it can be read")),
                Some(leaf) if has_weak_signature(leaf) => Some((Cause::Weak, "ca md too weak")),
                Some(leaf) if is_tiny(leaf) => Some((Cause::Weak, "ee key too small")),
                Some(_) => None,
            };
            if let Some((cause, why)) = refused {
                let message = format!(
                    "Unable to load server certificate \"{}\". Check certfile. ({why})",
                    cert_line.value
                );
                self.refuse(cause, cert_line, message);
            }
        }
        let Some(bytes) = self.readable(&conf.keyfile, &files.keyfile, "load server key file") else {
            return;
        };
        let unable = |why: &str| {
            format!("Unable to load server key file \"{}\". Check keyfile. ({why})", key_line.value)
        };
        match PrivateKey::read(bytes, None) {
            Ok(key) => {
                if let Some(why) = key.refused_by_openssl() {
                    self.refuse(Cause::BadKey, key_line, unable(why));
                } else if leaf.is_some_and(|leaf| !belongs(&key, leaf)) {
                    let message = "Server certificate/key are inconsistent.".to_owned();
                    self.refuse(Cause::KeyMismatch, key_line, message);
                }
            }
            Err(KeyError::PassphraseMissing) => {
                self.refuse(Cause::EncryptedKey, key_line, unable("it asks for a pass phrase"));
            }
            // OpenSSL reads kinds of keys that we do not: only what is certainly no key is an obstacle.
            Err(_) if !has_private_key(bytes) => {
                self.refuse(Cause::BadKey, key_line, unable("no start line"));
            }
            Err(error) => {
                self.unknown.get_or_insert_with(|| format!("{}: {error}", key_line.value));
            }
        }
    }

    /// Websockets listeners never look at their `dhparamfile`.
    fn parameters(&mut self, conf: &ListenerConf, files: &ListenerFiles) {
        if conf.protocol == Protocol::Websockets {
            return;
        }
        let Some(bytes) = self.readable(&conf.dhparamfile, &files.dhparamfile, "load dhparamfile") else {
            return;
        };
        if !cert::pem::scan(bytes).iter().any(|b| b.label.ends_with("DH PARAMETERS"))
            && let Some(line) = &conf.dhparamfile
        {
            let message = format!("Error loading dhparamfile \"{}\".", line.value);
            self.refuse(Cause::BadParameters, line, message);
        }
    }

    /// Websockets listeners pass over a list that they cannot use.
    fn ciphers(&mut self, conf: &ListenerConf) {
        if conf.protocol == Protocol::Websockets {
            return;
        }
        if let Some(list) = conf.ciphers.as_ref().filter(|l| !is_cipher_list(&l.value)) {
            let message = format!("Unable to set TLS ciphers. Check cipher list \"{}\".", list.value);
            self.refuse(Cause::BadCiphers, list, message);
        }
        if let Some(list) = conf.ciphers_tls13.as_ref().filter(|l| !is_tls13_list(&l.value)) {
            let message =
                format!("Unable to set TLS 1.3 ciphersuites. Check cipher_tls13 list \"{}\".", list.value);
            self.refuse(Cause::BadCiphers, list, message);
        }
    }

    /// Websockets listeners never look at their `crlfile`.
    fn crl(&mut self, conf: &ListenerConf, files: &ListenerFiles) {
        if conf.protocol == Protocol::Websockets {
            return;
        }
        let doing = "load certificate revocation file";
        let Some(bytes) = self.readable(&conf.crlfile, &files.crlfile, doing) else { return };
        if !cert::pem::scan(bytes).iter().any(|b| b.label == "X509 CRL")
            && let Some(line) = &conf.crlfile
        {
            let message =
                format!("Unable to load certificate revocation file \"{}\". Check crlfile.", line.value);
            self.refuse(Cause::BadCrl, line, message);
        }
    }
}

fn belongs(key: &PrivateKey, leaf: &Certificate) -> bool {
    key.spki_der() == leaf.spki_der() || PublicKey::from_spki(key.spki_der()) == *leaf.public_key()
}

fn has_private_key(bytes: &[u8]) -> bool {
    cert::pem::scan(bytes).iter().any(|b| b.label.ends_with("PRIVATE KEY"))
}

/// OpenSSL 3 refuses SHA-1 and MD5 from security level 1 on; a self-signed certificate's own signature is not looked
/// at.
fn has_weak_signature(leaf: &Certificate) -> bool {
    let weak = matches!(leaf.signature_algorithm().hash(), Some(Hash::Md5 | Hash::Sha1));
    weak && !leaf.is_self_issued()
}

/// Below 1024 bits no security level takes an RSA key; Debian's takes none below 2048.
fn is_tiny(leaf: &Certificate) -> bool {
    matches!(leaf.public_key(), PublicKey::Rsa { .. }) && leaf.public_key().bits().is_some_and(|b| b < 1024)
}
