//! What a stack demands of the server certificate, as data.

/// What extendedKeyUsage of the leaf must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It is not looked at.
    Ignored,
    /// serverAuth.
    Server,
    /// serverAuth or Netscape's and Microsoft's old purposes.
    ServerOrGated,
    /// serverAuth or anyExtendedKeyUsage.
    ServerOrAny,
    /// serverAuth, anyExtendedKeyUsage, or Netscape's and Microsoft's old purposes (Java).
    ServerOrAnyOrGated,
    /// serverAuth or anyExtendedKeyUsage; a list without members counts as absent (Go).
    ServerOrAnyOrEmpty,
    /// Together with the Netscape type it must make a TLS server; an unreadable list counts as absent (NSS).
    NetscapeTypes,
}

/// Which bits of the leaf's keyUsage are demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeafUsage {
    /// None.
    Ignored,
    /// One of digitalSignature, keyEncipherment, keyAgreement (OpenSSL).
    AnyTls,
    /// The same, and for EC keys digitalSignature (OpenSSL with TLS 1.2 only).
    AnyTlsEcSigns,
    /// digitalSignature.
    Signs,
    /// digitalSignature or nonRepudiation (BearSSL).
    SignsOrCommits,
    /// keyEncipherment for RSA, digitalSignature or keyAgreement else (NSS classic).
    Nss,
}

/// What is demanded of the leaf.
#[derive(Debug, Clone, Copy)]
pub struct Leaf {
    /// extendedKeyUsage.
    pub purpose: Purpose,
    /// keyUsage.
    pub usage: LeafUsage,
    /// Whether the Netscape certificate type counts.
    pub netscape: Netscape,
    /// Whether a CA is taken as server certificate.
    pub ca: bool,
    /// Whether must-staple without an answer is refused.
    pub must_staple: bool,
}

/// What the Netscape certificate type decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Netscape {
    /// Nothing.
    Ignored,
    /// It must hold sslServer.
    Enforced,
    /// It must hold sslServer where extendedKeyUsage is absent.
    WithoutPurpose,
}
