//! The object identifiers that are written, as content bytes (or as whole AlgorithmIdentifiers where it says SPKI).

pub use crate::cert::extension::{CLIENT_AUTH, SERVER_AUTH};

/// id-ce-subjectKeyIdentifier
pub const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];
/// id-ce-keyUsage
pub const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
/// id-ce-basicConstraints
pub const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
/// id-ce-cRLNumber
pub const CRL_NUMBER: &[u8] = &[0x55, 0x1d, 0x14];
/// id-ce-cRLReasons
pub const CRL_REASON: &[u8] = &[0x55, 0x1d, 0x15];
/// id-ce-authorityKeyIdentifier
pub const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 0x23];
/// id-ce-extKeyUsage
pub const EXT_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];

/// ecdsa-with-SHA256
pub const ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
/// ecdsa-with-SHA384
pub const ECDSA_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];
/// id-Ed25519
pub const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
/// sha256WithRSAEncryption
pub const RSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];

/// id-ecPublicKey with prime256v1
pub const SPKI_P256: &[u8] =
    &[0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
/// id-ecPublicKey with secp384r1
pub const SPKI_P384: &[u8] =
    &[0x30, 0x10, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x22];
/// id-Ed25519
pub const SPKI_ED25519: &[u8] = &[0x30, 5, 6, 3, 0x2b, 0x65, 0x70];
/// rsaEncryption with NULL
pub const SPKI_RSA: &[u8] = &[0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];

/// id-ce-subjectAltName
pub const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
/// pkcs-9-at-extensionRequest (RFC 2985 §5.4.2)
pub const EXTENSION_REQUEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 14];
