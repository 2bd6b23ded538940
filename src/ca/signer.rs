//! The seam to the key that signs: today a file's, later a token's (PKCS#11) or a remote CA's.

use std::fmt;

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_SHA256, RsaKeyPair,
};

use super::der::{self, tag};
use super::oid;
use crate::secret::Secret;

/// Whoever can sign with the CA's key. Everything that this crate signs as a CA goes through here: it asks for the
/// public key and the algorithm first, builds the bytes, and has exactly these signed.
pub trait Signer: Sync {
    /// The SubjectPublicKeyInfo of the signing key, DER.
    fn spki_der(&self) -> &[u8];

    /// The AlgorithmIdentifier of the signatures it makes, DER, as it stands in certificates.
    fn algorithm_der(&self) -> &[u8];

    /// Signs the message (it is hashed here, not by the caller).
    ///
    /// # Errors
    /// [`SignError`] where the key, the token or the way to it fails.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Why nothing was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignError {
    /// The key is of a kind or size that cannot sign here.
    UnsupportedKey(String),
    /// The signing itself failed.
    Failed(String),
}

impl fmt::Display for SignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnsupportedKey(what) => write!(
                f,
                "the CA's key cannot sign here: {what}; RSA with 2048 to 4096 bits, P-256, P-384 and Ed25519 can"
            ),
            Self::Failed(why) => write!(f, "signing failed: {why}"),
        }
    }
}

impl std::error::Error for SignError {}

/// A key that was read from a file.
pub struct FileSigner {
    key: Key,
    spki: Vec<u8>,
    algorithm: Vec<u8>,
    rng: SystemRandom,
}

enum Key {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

impl FileSigner {
    /// Takes a private key in PKCS#8.
    ///
    /// # Errors
    /// [`SignError::UnsupportedKey`] where ring has no signature for it.
    pub fn from_pkcs8(pkcs8: &Secret) -> Result<Self, SignError> {
        let bytes = pkcs8.expose();
        let rng = SystemRandom::new();
        if let Ok(key) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, bytes, &rng) {
            let spki = spki_of(oid::SPKI_P256, key.public_key().as_ref());
            return Ok(Self { key: Key::Ecdsa(key), spki, algorithm: algorithm(oid::ECDSA_SHA256), rng });
        }
        if let Ok(key) = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, bytes, &rng) {
            let spki = spki_of(oid::SPKI_P384, key.public_key().as_ref());
            return Ok(Self { key: Key::Ecdsa(key), spki, algorithm: algorithm(oid::ECDSA_SHA384), rng });
        }
        if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(bytes) {
            let spki = spki_of(oid::SPKI_ED25519, key.public_key().as_ref());
            return Ok(Self { key: Key::Ed25519(key), spki, algorithm: algorithm(oid::ED25519), rng });
        }
        match RsaKeyPair::from_pkcs8(bytes) {
            Ok(key) => {
                let spki = spki_of(oid::SPKI_RSA, key.public_key().as_ref());
                let algorithm = der::sequence(&[&der::tlv(tag::OID, &[oid::RSA_SHA256]), &[5, 0]]);
                Ok(Self { key: Key::Rsa(Box::new(key)), spki, algorithm, rng })
            }
            Err(e) => Err(SignError::UnsupportedKey(e.to_string())),
        }
    }
}

impl Signer for FileSigner {
    fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    fn algorithm_der(&self) -> &[u8] {
        &self.algorithm
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let failed = |e: ring::error::Unspecified| SignError::Failed(e.to_string());
        match &self.key {
            Key::Ecdsa(key) => Ok(key.sign(&self.rng, message).map_err(failed)?.as_ref().to_vec()),
            Key::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &self.rng, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
        }
    }
}

impl fmt::Debug for FileSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileSigner(***)")
    }
}

/// A SubjectPublicKeyInfo from its AlgorithmIdentifier and the key's bytes.
#[must_use]
pub fn spki_of(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    der::sequence(&[algorithm, &der::bit_string(key)])
}

fn algorithm(oid: &[u8]) -> Vec<u8> {
    der::sequence(&[&der::tlv(tag::OID, &[oid])])
}
