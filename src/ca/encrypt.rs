//! Encrypts a private key: PKCS#8 with PBES2 (RFC 8018), PBKDF2-HMAC-SHA256 and AES-256-CBC, which OpenSSL reads.

use pkcs8::pkcs5::pbes2::Parameters;
use ring::rand::{SecureRandom, SystemRandom};

use super::signer::SignError;
use crate::secret::Secret;

/// OWASP's advice for PBKDF2-HMAC-SHA256 (2023).
const ROUNDS: u32 = 600_000;

/// The encrypted key, DER of EncryptedPrivateKeyInfo.
///
/// # Errors
/// [`SignError::Failed`] where the system gives no random bytes.
pub fn encrypt(key: &[u8], passphrase: &Secret) -> Result<Vec<u8>, SignError> {
    let failed = |e: &dyn std::fmt::Display| SignError::Failed(format!("the key cannot be encrypted: {e}"));
    let (mut salt, mut iv) = ([0u8; 16], [0u8; 16]);
    let rng = SystemRandom::new();
    rng.fill(&mut salt).and_then(|()| rng.fill(&mut iv)).map_err(|e| failed(&e))?;
    let parameters =
        Parameters::generate_pbkdf2_sha256_aes256cbc(ROUNDS, &salt, iv).map_err(|e| failed(&e))?;
    let info = pkcs8::PrivateKeyInfoRef::try_from(key).map_err(|e| failed(&e))?;
    let document = info.encrypt_with_params(parameters, passphrase.expose()).map_err(|e| failed(&e))?;
    Ok(document.as_bytes().to_vec())
}
