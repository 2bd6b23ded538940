//! Taking the encryption off: PBES2 (RFC 8018 §6.2, RFC 7914 §7) and the older `Proc-Type: 4,ENCRYPTED` (RFC 1421, with
//! OpenSSL's EVP_BytesToKey over MD5). What a file can make us compute or allocate is capped.

use std::num::NonZeroU32;

use ::pbkdf2::pbkdf2_hmac;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, KeyIvInit};
use md5::{Digest, Md5};
use ring::pbkdf2;
use sha2::{Sha224, Sha512_224, Sha512_256};
use zeroize::Zeroizing;

use super::kinds::{self, oid};
use super::{KeyError, der};
use crate::secret::Secret;

/// PBKDF2 rounds beyond which a file is refused: a few seconds of work, more than twice the most that OWASP asks for
/// (1,300,000 for SHA-1, 2023).
const MAX_ROUNDS: u64 = 3_000_000;
/// scrypt: N·r beyond which a file is refused: 128 MB of memory, four times what OpenSSL itself takes.
const MAX_SCRYPT_MEMORY: u64 = 1024 * 1024;
/// scrypt: N·r·p beyond which a file is refused: a few seconds of work.
const MAX_SCRYPT: u64 = 2 * 1024 * 1024;

type Clear = Zeroizing<Vec<u8>>;

/// Opens an EncryptedPrivateKeyInfo (RFC 5958 §3).
pub(super) fn open_pkcs8(bytes: &[u8], passphrase: Option<&Secret>) -> Result<Clear, KeyError> {
    let scheme = Scheme::read(bytes)?;
    let passphrase = passphrase.ok_or(KeyError::PassphraseMissing)?;
    let mut key = Zeroizing::new(vec![0; scheme.cipher.key_len()]);
    scheme.derivation.derive(passphrase, &mut key)?;
    scheme.cipher.open(&key, scheme.iv, scheme.data).ok_or(KeyError::PassphraseWrong)
}

/// PBES2, with everything checked that can be before anything is computed.
struct Scheme<'a> {
    derivation: Derivation<'a>,
    cipher: Cipher,
    iv: &'a [u8],
    data: &'a [u8],
}

/// How the key comes from the passphrase.
enum Derivation<'a> {
    Pbkdf2 { prf: Prf, salt: &'a [u8], rounds: NonZeroU32 },
    Scrypt { salt: &'a [u8], params: scrypt::Params },
}

/// The pseudo-random function of PBKDF2: ring has the common ones.
enum Prf {
    Ring(pbkdf2::Algorithm),
    Other(fn(&[u8], &[u8], u32, &mut [u8])),
}

impl<'a> Scheme<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, KeyError> {
        let no = || malformed("its structure is no EncryptedPrivateKeyInfo");
        let mut info = der::Reader::new(bytes).sequence().ok_or_else(no)?;
        let mut algorithm = info.sequence().ok_or_else(no)?;
        let scheme = algorithm.take(der::OID).ok_or_else(no)?;
        let data = info.take(der::OCTET_STRING).ok_or_else(no)?;
        if scheme != oid::PBES2 {
            return Err(named(kinds::encryption(scheme)));
        }
        let mut parameters = algorithm.sequence().ok_or_else(no)?;
        let mut derivation = parameters.sequence().ok_or_else(no)?;
        let function = derivation.take(der::OID).ok_or_else(no)?;
        let values = derivation.sequence().ok_or_else(no)?;
        let mut encryption = parameters.sequence().ok_or_else(no)?;
        let cipher_id = encryption.take(der::OID).ok_or_else(no)?;
        let cipher = Cipher::of(cipher_id).ok_or_else(|| named(kinds::encryption(cipher_id)))?;
        let (derivation, length) = match function {
            oid::PBKDF2 => pbkdf2_parameters(values)?,
            oid::SCRYPT => scrypt_parameters(values)?,
            other => {
                let name = format!("PBES2 with the key derivation {}", kinds::dotted(other));
                return Err(named((name, false)));
            }
        };
        // As OpenSSL (crypto/evp/p5_crpt2.c): the length may be left out, but not be another than the cipher's.
        if length.is_some_and(|l| l != cipher.key_len() as u64) {
            return Err(malformed("the length of its derived key is not its cipher's"));
        }
        let iv = encryption.take(der::OCTET_STRING).filter(|iv| iv.len() == cipher.block_len());
        let iv = iv.ok_or_else(|| malformed("the initialisation vector of its cipher is not right"))?;
        Ok(Self { derivation, cipher, iv, data })
    }
}

/// PBKDF2-params (RFC 8018 A.2), and the length of the key where it stands there.
fn pbkdf2_parameters(mut values: der::Reader<'_>) -> Result<(Derivation<'_>, Option<u64>), KeyError> {
    let no = || malformed("the parameters of its key derivation are no PBKDF2-params");
    let salt = values.take(der::OCTET_STRING).ok_or_else(no)?;
    let rounds = values.small().unwrap_or(u64::MAX);
    let length = values.small();
    let prf = match values.sequence() {
        None => Prf::Ring(pbkdf2::PBKDF2_HMAC_SHA1),
        Some(mut algorithm) => {
            let id = algorithm.take(der::OID).ok_or_else(no)?;
            match kinds::dotted(id).as_str() {
                "1.2.840.113549.2.6" => Prf::Other(pbkdf2_hmac::<Md5>),
                "1.2.840.113549.2.7" => Prf::Ring(pbkdf2::PBKDF2_HMAC_SHA1),
                "1.2.840.113549.2.8" => Prf::Other(pbkdf2_hmac::<Sha224>),
                "1.2.840.113549.2.9" => Prf::Ring(pbkdf2::PBKDF2_HMAC_SHA256),
                "1.2.840.113549.2.10" => Prf::Ring(pbkdf2::PBKDF2_HMAC_SHA384),
                "1.2.840.113549.2.11" => Prf::Ring(pbkdf2::PBKDF2_HMAC_SHA512),
                "1.2.840.113549.2.12" => Prf::Other(pbkdf2_hmac::<Sha512_224>),
                "1.2.840.113549.2.13" => Prf::Other(pbkdf2_hmac::<Sha512_256>),
                other => {
                    let name = format!("PBES2 with PBKDF2 over {}", kinds::prf(other));
                    return Err(named((name, false)));
                }
            }
        }
    };
    if rounds > MAX_ROUNDS {
        return Err(KeyError::TooExpensive(format!("{rounds} rounds of PBKDF2")));
    }
    let rounds = u32::try_from(rounds).ok().and_then(NonZeroU32::new).ok_or_else(no)?;
    Ok((Derivation::Pbkdf2 { prf, salt, rounds }, length))
}

/// scrypt-params (RFC 7914 §7.1), and the length of the key where it stands there.
fn scrypt_parameters(mut values: der::Reader<'_>) -> Result<(Derivation<'_>, Option<u64>), KeyError> {
    let no = || malformed("the parameters of its key derivation are no scrypt-params");
    let salt = values.take(der::OCTET_STRING).ok_or_else(no)?;
    let [n, r, p] = [(); 3].map(|()| values.small().unwrap_or(u64::MAX));
    let memory = n.saturating_mul(r);
    if memory > MAX_SCRYPT_MEMORY || memory.checked_mul(p).is_none_or(|work| work > MAX_SCRYPT) {
        return Err(KeyError::TooExpensive(format!("scrypt with N={n}, r={r}, p={p}")));
    }
    let log_n = n.is_power_of_two().then(|| n.trailing_zeros()).filter(|log| *log > 0).ok_or_else(no)?;
    let small = |number: u64| u32::try_from(number).map_err(|_| no());
    let params = scrypt::Params::new(u8::try_from(log_n).map_err(|_| no())?, small(r)?, small(p)?);
    Ok((Derivation::Scrypt { salt, params: params.map_err(|_| no())? }, values.small()))
}

impl Derivation<'_> {
    fn derive(&self, passphrase: &Secret, key: &mut [u8]) -> Result<(), KeyError> {
        match self {
            Self::Pbkdf2 { prf: Prf::Ring(algorithm), salt, rounds } => {
                pbkdf2::derive(*algorithm, *rounds, salt, passphrase.expose(), key);
                Ok(())
            }
            Self::Pbkdf2 { prf: Prf::Other(derive), salt, rounds } => {
                derive(passphrase.expose(), salt, rounds.get(), key);
                Ok(())
            }
            Self::Scrypt { salt, params } => scrypt::scrypt(passphrase.expose(), salt, params, key)
                .map_err(|_| malformed("the parameters of its key derivation are no scrypt-params")),
        }
    }
}

/// The ciphers that are read, all in CBC mode.
#[derive(Clone, Copy)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    TripleDes,
}

impl Cipher {
    fn of(id: &[u8]) -> Option<Self> {
        match kinds::dotted(id).as_str() {
            "2.16.840.1.101.3.4.1.2" => Some(Self::Aes128),
            "2.16.840.1.101.3.4.1.22" => Some(Self::Aes192),
            "2.16.840.1.101.3.4.1.42" => Some(Self::Aes256),
            "1.2.840.113549.3.7" => Some(Self::TripleDes),
            _ => None,
        }
    }

    /// By its name in `DEK-Info`.
    fn of_dek_info(name: &str) -> Option<Self> {
        match name {
            "AES-128-CBC" => Some(Self::Aes128),
            "AES-192-CBC" => Some(Self::Aes192),
            "AES-256-CBC" => Some(Self::Aes256),
            "DES-EDE3-CBC" => Some(Self::TripleDes),
            _ => None,
        }
    }

    /// In octets.
    fn key_len(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes256 => 32,
        }
    }

    /// In octets; so long is the initialisation vector too.
    fn block_len(self) -> usize {
        if matches!(self, Self::TripleDes) { 8 } else { 16 }
    }

    fn open(self, key: &[u8], iv: &[u8], data: &[u8]) -> Option<Clear> {
        let mut data = Zeroizing::new(data.to_vec());
        match self {
            Self::Aes128 => cbc::<cbc::Decryptor<aes::Aes128>>(key, iv, &mut data),
            Self::Aes192 => cbc::<cbc::Decryptor<aes::Aes192>>(key, iv, &mut data),
            Self::Aes256 => cbc::<cbc::Decryptor<aes::Aes256>>(key, iv, &mut data),
            Self::TripleDes => cbc::<cbc::Decryptor<des::TdesEde3>>(key, iv, &mut data),
        }
    }
}

fn malformed(why: &str) -> KeyError {
    KeyError::Malformed { kind: "ENCRYPTED PRIVATE KEY".into(), why: why.into() }
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
    let Some(known) = Cipher::of_dek_info(cipher) else {
        let name = format!("Proc-Type 4,ENCRYPTED with {}", kinds::short(cipher));
        return Err(named((name, kinds::is_legacy_cipher(cipher))));
    };
    let iv =
        hex(iv.trim()).filter(|iv| iv.len() == known.block_len()).ok_or_else(|| KeyError::Malformed {
            kind: "private key with Proc-Type: 4,ENCRYPTED".into(),
            why: "the initialisation vector of its DEK-Info is not right".into(),
        })?;
    let passphrase = passphrase.ok_or(KeyError::PassphraseMissing)?;
    let key = bytes_to_key(passphrase, iv.get(..8).unwrap_or_default(), known.key_len());
    known.open(&key, &iv, bytes).ok_or(KeyError::PassphraseWrong)
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
