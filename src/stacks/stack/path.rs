//! How a stack finds and checks a path, as data.

/// How names of issuer and subject are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DnMatch {
    /// Byte for byte.
    Exact,
    /// As text, without regard to case, string type and surplus white space (RFC 5280 §7.1).
    Canonical,
    /// As Java's `X500Name`: PrintableString and UTF8String of the attributes of RFC 2253 as text, anything else byte
    /// for byte.
    Java,
    /// As Mbed TLS: case and PrintableString/UTF8String are equal, white space counts.
    Caseless,
    /// As text, whatever its string type; case and white space count (GnuTLS, within what was sent).
    Text,
    /// As text without regard to case and surplus white space, in every string type but TeletexString (Chromium, within
    /// what was sent).
    Normalized,
    /// As Erlang: text without regard to case and surplus white space, in PrintableString and UTF8String alone.
    Erlang,
}

/// What an authority key identifier decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aki {
    /// Nothing.
    Ignored,
    /// A key identifier that differs from the issuer's excludes it.
    KeyId,
    /// The same for issuer and serial.
    Full,
    /// As Java's selector of anchors: key identifier, and the serial number of an issuer of version 3.
    Java,
    /// The issuer must have exactly this key identifier.
    Demanded,
}

/// How a path is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builder {
    /// OpenSSL 1.1 and later: trust store first, no second try.
    Openssl {
        /// Whether any certificate of the trust store ends a path (`X509_V_FLAG_PARTIAL_CHAIN`).
        partial: bool,
        /// The strict rules of `X509_V_FLAG_X509_STRICT`.
        strict: bool,
    },
    /// Every possible path is tried.
    Search,
    /// One path: the best issuer among the trusted and the sent (NSS).
    Best,
    /// One path: what was sent in its order, then the trust file (GnuTLS).
    Gnutls,
    /// One path: the trust file first, then what was sent behind the certificate (Mbed TLS).
    Mbedtls,
    /// What was sent is verified from its end on, each CA then an issuer for the next (wolfSSL).
    Wolfssl,
    /// The certificates must be sent in issuing order (BearSSL).
    InOrder,
    /// rustls-webpki is asked itself.
    Webpki,
}

/// Whether the trust file may hold the leaf itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direct {
    /// Never.
    No,
    /// A self-issued leaf that is identical.
    SelfIssued,
    /// Any identical leaf.
    Identical,
    /// Any identical leaf, whose dates are not checked then (Java).
    IdenticalUndated,
}

/// How a CA without basicConstraints is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoBasicConstraints {
    /// It is a CA.
    Accepted,
    /// It is one if keyUsage or the Netscape type says so (OpenSSL, for an anchor).
    NeedsUsage,
    /// It is none.
    Refused,
}

/// How a CA certificate is judged.
#[derive(Debug, Clone, Copy)]
pub struct CaRules {
    /// X.509 v1 and v2.
    pub v1: bool,
    /// Version 3 without basicConstraints.
    pub no_basic_constraints: NoBasicConstraints,
    /// CA:FALSE is taken all the same.
    pub ca_false: bool,
    /// keyUsage must hold keyCertSign.
    pub key_usage: bool,
    /// extendedKeyUsage must allow serverAuth.
    pub purpose: bool,
    /// Dates are checked.
    pub dates: bool,
    /// The path length is enforced.
    pub path_length: bool,
    /// Name constraints are enforced.
    pub name_constraints: bool,
    /// Unknown critical extensions are refused.
    pub critical: bool,
}

/// How a path is built and checked.
#[derive(Debug, Clone, Copy)]
pub struct Path {
    /// The way of building.
    pub builder: Builder,
    /// How names are compared.
    pub dn: DnMatch,
    /// What key identifiers decide.
    pub aki: Aki,
    /// Whether the leaf may be in the trust file.
    pub direct: Direct,
    /// Whether an anchor that is not self-issued ends a path.
    pub partial: bool,
    /// The anchor's rules.
    pub anchor: CaRules,
    /// An intermediate's rules.
    pub intermediate: CaRules,
    /// The most intermediates of a path.
    pub max_intermediates: usize,
    /// Seconds by which dates may be missed.
    pub slop: i64,
    /// Whether dates are checked at all.
    pub dates: bool,
}
