//! Fresh private keys: P-256, P-384 and Ed25519. RSA keys are taken, not made (ring makes none).

use ring::rand::SecureRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
};
use zeroize::Zeroizing;

use super::oid;
use super::signer::SignError;

/// The kinds of key that are made here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// NIST P-256
    P256,
    /// NIST P-384
    P384,
    /// Ed25519
    Ed25519,
}

impl KeyKind {
    /// The AlgorithmIdentifier of its public key, DER.
    #[must_use]
    pub fn spki_algorithm(self) -> &'static [u8] {
        match self {
            Self::P256 => oid::SPKI_P256,
            Self::P384 => oid::SPKI_P384,
            Self::Ed25519 => oid::SPKI_ED25519,
        }
    }

    /// How many bytes the public key has.
    #[must_use]
    pub fn public_len(self) -> usize {
        match self {
            Self::P256 => 65,
            Self::P384 => 97,
            Self::Ed25519 => 32,
        }
    }

    /// For people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::Ed25519 => "Ed25519",
        }
    }
}

/// A private key that was just made.
pub struct FreshKey {
    /// PKCS#8 (version 1, so that OpenSSL reads an Ed25519 key too), DER.
    pub pkcs8: Zeroizing<Vec<u8>>,
    /// The public key's bytes, as they stand in the BIT STRING of the SubjectPublicKeyInfo.
    pub public: Vec<u8>,
}

/// Makes a key. The public half is taken from what ring wrote: the key is not parsed again.
///
/// # Errors
/// [`SignError::Failed`] where the system gives no random bytes.
pub fn generate(kind: KeyKind, rng: &dyn SecureRandom) -> Result<FreshKey, SignError> {
    let failed = |e: ring::error::Unspecified| SignError::Failed(format!("no key could be made: {e}"));
    let algorithm = match kind {
        KeyKind::P256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
        KeyKind::P384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
        KeyKind::Ed25519 => return ed25519(rng),
    };
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, rng).map_err(failed)?;
    let bytes = document.as_ref();
    // RFC 5915: the public key is the last field of ECPrivateKey, and the last bytes of ring's document.
    let public = bytes
        .len()
        .checked_sub(kind.public_len())
        .and_then(|at| bytes.get(at..))
        .filter(|p| p.first() == Some(&4))
        .ok_or_else(|| SignError::Failed("a fresh key has an unknown shape".into()))?;
    Ok(FreshKey { public: public.to_vec(), pkcs8: Zeroizing::new(bytes.to_vec()) })
}

/// ring writes version 2 of PKCS#8, which OpenSSL 3.0 does not read: the seed is put into a version 1 document
/// (RFC 8410 §7).
fn ed25519(rng: &dyn SecureRandom) -> Result<FreshKey, SignError> {
    let mut seed = Zeroizing::new([0u8; 32]);
    rng.fill(seed.as_mut()).map_err(|e| SignError::Failed(format!("no key could be made: {e}")))?;
    let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref())
        .map_err(|e| SignError::Failed(format!("no key could be made: {e}")))?;
    let mut pkcs8 =
        Zeroizing::new(vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]);
    pkcs8.extend_from_slice(seed.as_ref());
    Ok(FreshKey { pkcs8, public: pair.public_key().as_ref().to_vec() })
}
