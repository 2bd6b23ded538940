//! Taking the encryption off: PBES2 (RFC 8018 §6.2) and the older `Proc-Type: 4,ENCRYPTED` (RFC 1421, with OpenSSL's
//! EVP_BytesToKey over MD5). What a file can make us compute or allocate is capped.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use md5::{Digest, Md5};
use pkcs8::EncryptedPrivateKeyInfoRef;
use zeroize::Zeroizing;

use super::kinds::{self, oid};
use super::{KeyError, der};
use crate::secret::Secret;

/// PBKDF2 rounds beyond which a file is refused: some seconds of work, fifty times what OpenSSL or OWASP ask for.
const MAX_ITERATIONS: u64 = 10_000_000;
/// scrypt: N·r·p beyond which a file is refused (128 bytes of memory for each N·r).
const MAX_SCRYPT: u64 = 4 * 1024 * 1024;

type Clear = Zeroizing<Vec<u8>>;

/// Opens an `ENCRYPTED PRIVATE KEY` (EncryptedPrivateKeyInfo, RFC 5958 §3).
pub(super) fn open_pkcs8(bytes: &[u8], passphrase: Option<&Secret>) -> Result<Clear, KeyError> {
    let malformed = || KeyError::Malformed {
        kind: "ENCRYPTED PRIVATE KEY".into(),
        why: "its structure is no EncryptedPrivateKeyInfo".into(),
    };
    affordable(bytes).ok_or_else(malformed)??;
    let passphrase = passphrase.ok_or(KeyError::PassphraseMissing)?;
    let info = EncryptedPrivateKeyInfoRef::try_from(bytes).map_err(|_| unsupported(bytes))?;
    let scheme = &info.encryption_algorithm;
    match scheme.decrypt(passphrase.expose(), info.encrypted_data.as_bytes()) {
        Ok(clear) => Ok(Zeroizing::new(clear)),
        Err(pkcs8::pkcs5::Error::DecryptFailed) => Err(KeyError::PassphraseWrong),
        Err(_) => Err(unsupported(bytes)),
    }
}

/// Looks at the parameters before anything is computed from them.
fn affordable(bytes: &[u8]) -> Option<Result<(), KeyError>> {
    let mut info = der::Reader::new(bytes).sequence()?;
    let mut algorithm = info.sequence()?;
    let scheme = algorithm.take(der::OID)?;
    info.take(der::OCTET_STRING)?;
    if scheme != oid::PBES2 {
        return Some(Err(named(kinds::encryption(scheme))));
    }
    let mut parameters = algorithm.sequence()?;
    let mut kdf = parameters.sequence()?;
    let function = kdf.take(der::OID)?;
    let mut values = kdf.sequence()?;
    let mut cipher = parameters.sequence()?;
    let cipher = cipher.take(der::OID)?;
    if !is_known_cipher(cipher) {
        return Some(Err(named(kinds::encryption(cipher))));
    }
    if function == oid::PBKDF2 {
        values.take(der::OCTET_STRING)?;
        let rounds = values.small().unwrap_or(u64::MAX);
        if rounds > MAX_ITERATIONS {
            return Some(Err(KeyError::TooExpensive(format!("{rounds} rounds of PBKDF2"))));
        }
    } else if function == oid::SCRYPT {
        values.take(der::OCTET_STRING)?;
        let [n, r, p] = [(); 3].map(|()| values.small().unwrap_or(u64::MAX));
        let cost = n.checked_mul(r).and_then(|c| c.checked_mul(p)).unwrap_or(u64::MAX);
        if cost > MAX_SCRYPT {
            return Some(Err(KeyError::TooExpensive(format!("scrypt with N={n}, r={r}, p={p}"))));
        }
    } else {
        return Some(Err(named((
            format!("PBES2 with the key derivation {}", kinds::dotted(function)),
            false,
        ))));
    }
    Some(Ok(()))
}

fn is_known_cipher(oid: &[u8]) -> bool {
    matches!(
        kinds::dotted(oid).as_str(),
        "2.16.840.1.101.3.4.1.2"
            | "2.16.840.1.101.3.4.1.22"
            | "2.16.840.1.101.3.4.1.42"
            | "1.2.840.113549.3.7"
    )
}

/// PBES2 whose parameters we do not have, e.g. another pseudo-random function.
fn unsupported(_bytes: &[u8]) -> KeyError {
    named(("PBES2 with parameters that are not read here".to_owned(), false))
}

fn named((cipher, legacy): (String, bool)) -> KeyError {
    KeyError::Encryption { cipher, legacy }
}

/// Opens a block with `Proc-Type: 4,ENCRYPTED`.
pub(super) fn open_legacy(
    dek_info: &str,
    bytes: &[u8],
    passphrase: Option<&Secret>,
) -> Result<Clear, KeyError> {
    let (cipher, iv) = dek_info.split_once(',').unwrap_or((dek_info, ""));
    let (key_len, iv_len) = match cipher {
        "AES-128-CBC" => (16, 16),
        "AES-192-CBC" => (24, 16),
        "AES-256-CBC" => (32, 16),
        "DES-EDE3-CBC" => (24, 8),
        other => {
            return Err(named((
                format!("Proc-Type 4,ENCRYPTED with {other}"),
                other.contains("DES") || other.contains("RC2") || other.contains("BF"),
            )));
        }
    };
    let iv = hex(iv.trim()).filter(|iv| iv.len() == iv_len).ok_or_else(|| KeyError::Malformed {
        kind: "private key with Proc-Type: 4,ENCRYPTED".into(),
        why: "the initialisation vector of its DEK-Info is not right".into(),
    })?;
    let passphrase = passphrase.ok_or(KeyError::PassphraseMissing)?;
    let key = bytes_to_key(passphrase, iv.get(..8).unwrap_or_default(), key_len);
    let mut data = Zeroizing::new(bytes.to_vec());
    let clear = match cipher {
        "AES-128-CBC" => cbc::<cbc::Decryptor<aes::Aes128>>(&key, &iv, &mut data),
        "AES-192-CBC" => cbc::<cbc::Decryptor<aes::Aes192>>(&key, &iv, &mut data),
        "AES-256-CBC" => cbc::<cbc::Decryptor<aes::Aes256>>(&key, &iv, &mut data),
        _ => cbc::<cbc::Decryptor<des::TdesEde3>>(&key, &iv, &mut data),
    };
    clear.ok_or(KeyError::PassphraseWrong)
}

fn cbc<C: KeyIvInit + BlockModeDecrypt>(key: &[u8], iv: &[u8], data: &mut [u8]) -> Option<Clear> {
    let clear = C::new_from_slices(key, iv).ok()?.decrypt_padded::<Pkcs7>(data).ok()?;
    Some(Zeroizing::new(clear.to_vec()))
}

/// EVP_BytesToKey(3) with MD5 and one round, as PEM_do_header calls it.
fn bytes_to_key(passphrase: &Secret, salt: &[u8], len: usize) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(len + 16));
    let mut block: Zeroizing<Vec<u8>> = Zeroizing::new(Vec::new());
    while key.len() < len {
        let digest =
            Md5::new().chain_update(&*block).chain_update(passphrase.expose()).chain_update(salt).finalize();
        block = Zeroizing::new(digest.to_vec());
        key.extend_from_slice(&block);
    }
    key.truncate(len);
    key
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits.filter(|d| d.len() % 2 == 0)?;
    Some(digits.chunks(2).map(|c| c.iter().fold(0, |n, d| n << 4 | d)).collect())
}
