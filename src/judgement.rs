//! Judgements: what a client does with a certificate, and why.

use std::fmt;

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// A time as messages spell it: RFC 3339 in UTC, to the second.
#[must_use]
pub fn told_time(at: OffsetDateTime) -> String {
    let utc = at.to_offset(UtcOffset::UTC);
    utc.replace_nanosecond(0).unwrap_or(utc).format(&Rfc3339).unwrap_or_else(|_| utc.to_string())
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word of the JSON contract.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.pad(self.as_str()) }
        }
    };
}

words! {
    /// Why a client refuses.
    ReasonCode {
        /// The certificate does not cover the name.
        NameMismatch = "name-mismatch",
        /// No subjectAltName of the needed kind, and the stack ignores the common name.
        NoSan = "no-san",
        /// The client refuses the reference name itself.
        InvalidName = "invalid-name",
        /// The client cannot load a trust anchor from the CA file.
        CaUnusable = "ca-unusable",
        /// No path to a trust anchor.
        UnknownIssuer = "unknown-issuer",
        /// The sent chain is not in issuing order.
        ChainOrder = "chain-order",
        /// A self-signed certificate that is no trust anchor.
        SelfSigned = "self-signed",
        /// A signature does not verify.
        BadSignature = "bad-signature",
        /// A certificate of the path has expired.
        Expired = "expired",
        /// A certificate of the path is not valid yet.
        NotYetValid = "not-yet-valid",
        /// A validity date cannot be read.
        BadTime = "bad-time",
        /// An issuer is not allowed to be one (basicConstraints, version 1, keyCertSign).
        NotACa = "not-a-ca",
        /// A CA certificate is refused as a server certificate.
        CaAsLeaf = "ca-as-leaf",
        /// A path length constraint is exceeded.
        Pathlen = "pathlen",
        /// extendedKeyUsage or the Netscape type does not allow TLS servers.
        Purpose = "purpose",
        /// keyUsage does not allow the use.
        KeyUsage = "key-usage",
        /// A name constraint is violated or not supported.
        NameConstraints = "name-constraints",
        /// A critical extension that the stack does not know.
        CriticalExtension = "critical-extension",
        /// A rule of RFC 5280 that only a strict mode enforces.
        Strict = "strict",
        /// Key too small, or digest not allowed.
        WeakAlgorithm = "weak-algorithm",
        /// A key or signature algorithm that the stack does not have.
        UnsupportedAlgorithm = "unsupported-algorithm",
        /// A certificate version that the stack does not take.
        UnsupportedVersion = "unsupported-version",
        /// A certificate that the stack cannot parse.
        Malformed = "malformed",
        /// The certificate demands a stapled OCSP response.
        MustStaple = "must-staple",
        /// Two certificates share a serial number.
        DuplicateSerial = "duplicate-serial",
        /// The chain or the message is too long.
        TooLong = "too-long",
        /// The server's key is not the leaf's.
        KeyMismatch = "key-mismatch",
        /// The certificate is revoked.
        Revoked = "revoked",
        /// Nobody listens on the port dialled.
        NoListener = "no-listener",
        /// The client's trust file is not there.
        CaMissing = "ca-missing",
        /// No TLS version in common.
        TlsVersion = "tls-version",
        /// The listener wants a client certificate and the client has none that passes.
        ClientCertificate = "client-certificate",
        /// One side speaks TLS, the other not.
        Plaintext = "plaintext",
        /// The broker does not start with these files.
        BrokerDoesNotStart = "broker-does-not-start",
        /// Anything else.
        Other = "other",
    }
}

words! {
    /// What an acceptance leans on: which "yes" will break with the next library.
    Leniency {
        /// No SAN of the needed kind: the common name is taken instead (RFC 9525 forbids it).
        CommonNameFallback = "common-name-fallback",
        /// The trust anchor is not self-signed.
        PartialChain = "partial-chain",
        /// An X.509 v1 certificate is taken.
        LenientVersion = "lenient-version",
        /// The CA lacks keyUsage, basicConstraints or a key identifier, and is taken all the same.
        LenientCa = "lenient-ca",
        /// A CA certificate is taken as a server certificate.
        CaAsLeaf = "ca-as-leaf",
        /// An address is matched against a dNSName or the common name.
        AddressInDnsName = "address-in-dns-name",
        /// A wildcard of a shape that RFC 9525 does not allow.
        LooseWildcard = "loose-wildcard",
        /// Dates are not checked, or not those of the trust anchor.
        DatesUnchecked = "dates-unchecked",
        /// keyUsage or extendedKeyUsage is not enforced.
        UsageUnchecked = "usage-unchecked",
        /// A name constraint or path length is not enforced.
        ConstraintsUnchecked = "constraints-unchecked",
        /// A weak key or digest is taken.
        WeakAlgorithm = "weak-algorithm",
        /// A malformed certificate or CA file is read tolerantly.
        LenientParsing = "lenient-parsing",
    }
}

/// A reason and its evidence: what was expected, what was presented, in which certificate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reason {
    /// The contract's word.
    pub code: ReasonCode,
    /// The evidence, one sentence. May hold characters from outside; renderers escape it.
    pub detail: String,
}

impl Reason {
    /// Puts a code and its evidence together.
    pub fn new(code: ReasonCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// What a client does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It connects.
    Accept {
        /// What the yes leans on; empty for a certificate in good order.
        relies_on: Vec<Leniency>,
    },
    /// It refuses.
    Refuse(Vec<Reason>),
    /// It cannot be told.
    Unknown(String),
}

impl Judgement {
    /// The word of the JSON contract.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Accept { .. } => "accept",
            Self::Refuse(_) => "refuse",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Whether it is certain that the client connects.
    #[must_use]
    pub fn is_accept(&self) -> bool {
        matches!(self, Self::Accept { .. })
    }

    /// Whether it is certain that the client refuses.
    #[must_use]
    pub fn is_refuse(&self) -> bool {
        matches!(self, Self::Refuse(_))
    }

    /// A refusal for one reason.
    pub fn refuse(code: ReasonCode, detail: impl Into<String>) -> Self {
        Self::Refuse(vec![Reason::new(code, detail)])
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn times_are_told_in_utc_to_the_second() {
        assert_eq!(told_time(datetime!(2029-02-26 19:39:29.5 +2)), "2029-02-26T17:39:29Z");
    }
}
