//! A CA that can sign: its certificate and its key, checked to belong together.

use std::fmt;
use std::path::PathBuf;

use time::{Duration, OffsetDateTime};

use super::signer::Signer;
use crate::cert::{Certificate, load_pem};

/// Why this CA cannot sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorityError {
    /// No certificate can be read from its file.
    NoCertificate(PathBuf, String),
    /// The key is not the certificate's.
    KeyMismatch(PathBuf),
    /// It ended.
    Expired(PathBuf, OffsetDateTime),
    /// Its dates cannot be read.
    Dates(PathBuf),
}

impl fmt::Display for AuthorityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = |p: &PathBuf| crate::name::escape(&p.to_string_lossy());
        match self {
            Self::NoCertificate(p, why) => {
                write!(f, "{}: no CA certificate can be read ({why}); name it by --ca", path(p))
            }
            Self::KeyMismatch(p) => {
                write!(
                    f,
                    "{}: the private key is not this certificate's; name the right one by --ca-key",
                    path(p)
                )
            }
            Self::Expired(p, at) => {
                write!(f, "{}: ended on {}; renew it by `mqttcert ca renew`", path(p), at.date())
            }
            Self::Dates(p) => {
                write!(f, "{}: its dates cannot be read; renew it by `mqttcert ca renew`", path(p))
            }
        }
    }
}

impl std::error::Error for AuthorityError {}

/// A CA's certificate and whoever signs for it.
pub struct Authority<'a> {
    certificate: Certificate,
    intermediates: Vec<Certificate>,
    signer: &'a dyn Signer,
}

impl<'a> Authority<'a> {
    /// Takes the CA's file: the certificate of the signing key, and the intermediates that follow it.
    ///
    /// # Errors
    /// [`AuthorityError`] where no certificate of the file belongs to the key.
    pub fn new(file: &std::path::Path, pem: &[u8], signer: &'a dyn Signer) -> Result<Self, AuthorityError> {
        let all = load_pem(pem).map_err(|e| AuthorityError::NoCertificate(file.to_owned(), e.to_string()))?;
        if all.is_empty() {
            return Err(AuthorityError::NoCertificate(file.to_owned(), "it holds none".into()));
        }
        let certificate = all
            .iter()
            .find(|c| c.spki_der() == signer.spki_der())
            .cloned()
            .ok_or_else(|| AuthorityError::KeyMismatch(file.to_owned()))?;
        // What a device has to send besides its own certificate: everything between it and the root.
        let intermediates = all.into_iter().filter(|c| !c.is_self_issued()).collect();
        Ok(Self { certificate, intermediates, signer })
    }

    /// Its certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The certificates between a leaf and the root; empty for a CA that is the root.
    #[must_use]
    pub fn intermediates(&self) -> &[Certificate] {
        &self.intermediates
    }

    /// Whoever signs.
    #[must_use]
    pub fn signer(&self) -> &'a dyn Signer {
        self.signer
    }

    /// The dates of a certificate made now: an hour back for clocks that are behind, and never outside the CA's own.
    ///
    /// # Errors
    /// [`AuthorityError`] where the CA has ended or its dates cannot be read.
    pub fn validity(
        &self,
        file: &std::path::Path,
        now: OffsetDateTime,
        days: u32,
    ) -> Result<(OffsetDateTime, OffsetDateTime), AuthorityError> {
        let dates = self.certificate.not_before().zip(self.certificate.not_after());
        let (from, to) = dates.ok_or_else(|| AuthorityError::Dates(file.to_owned()))?;
        if to <= now {
            return Err(AuthorityError::Expired(file.to_owned(), to));
        }
        let back = now.checked_sub(Duration::HOUR).unwrap_or(now);
        let end = now.checked_add(Duration::days(days.into())).unwrap_or(to);
        Ok((back.max(from), end.min(to)))
    }
}
