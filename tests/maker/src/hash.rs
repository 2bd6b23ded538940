//! The hashes that certificates are signed with, the weak ones too.

use ring::digest;

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Hash {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// The digest of `message`.
    #[must_use]
    pub fn digest(self, message: &[u8]) -> Vec<u8> {
        use sha2::Digest;
        match self {
            Self::Md5 => md5::Md5::digest(message).to_vec(),
            Self::Sha224 => sha2::Sha224::digest(message).to_vec(),
            Self::Sha1 => sha1(message).to_vec(),
            Self::Sha256 => digest::digest(&digest::SHA256, message).as_ref().to_vec(),
            Self::Sha384 => digest::digest(&digest::SHA384, message).as_ref().to_vec(),
            Self::Sha512 => digest::digest(&digest::SHA512, message).as_ref().to_vec(),
        }
    }

    /// Its object identifier.
    #[must_use]
    pub fn oid(self) -> &'static str {
        match self {
            Self::Md5 => "1.2.840.113549.2.5",
            Self::Sha1 => "1.3.14.3.2.26",
            Self::Sha224 => "2.16.840.1.101.3.4.2.4",
            Self::Sha256 => "2.16.840.1.101.3.4.2.1",
            Self::Sha384 => "2.16.840.1.101.3.4.2.2",
            Self::Sha512 => "2.16.840.1.101.3.4.2.3",
        }
    }
}

/// SHA-1, which subject key identifiers are made with.
#[must_use]
pub fn sha1(message: &[u8]) -> [u8; 20] {
    digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, message).as_ref().try_into().expect("20 bytes")
}
