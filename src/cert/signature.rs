//! Whether a signature verifies: ring where it can, small maintained crates and plain arithmetic for what only
//! some clients accept (MD5, SHA-1, SHA-224, short RSA keys, P-521, secp256k1).

use std::cell::RefCell;
use std::collections::HashMap;

use num_bigint::BigUint;
use ring::signature::{self as rings, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use sha2::Digest as _;

use super::algorithm::{Curve, Hash, PublicKey, SignatureAlgorithm};
use super::certificate::Certificate;

/// The outcome of checking a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// It verifies.
    Good,
    /// It does not.
    Bad,
    /// It could not be checked: the algorithm or key that is missing here.
    Unsupported(String),
}

/// SHA-256 of a key and of a certificate.
type Pair = ([u8; 32], [u8; 32]);

thread_local! {
    /// Rules, verdict and broker ask about the same few certificates; a check by an RSA-4096 key is what costs most
    /// in a whole run.
    static KNOWN: RefCell<HashMap<Pair, Check>> = RefCell::default();
}

/// So many answers are kept: more than a deployment has certificates.
const KEPT: usize = 1024;

/// Checks a certificate's signature with the issuer's SubjectPublicKeyInfo. An answer is remembered: equal bytes get
/// the same one.
#[must_use]
pub fn verify(issuer_spki: &[u8], subject: &Certificate) -> Check {
    let pair = (sha2::Sha256::digest(issuer_spki).into(), subject.sha256());
    if let Some(known) = KNOWN.with_borrow(|known| known.get(&pair).cloned()) {
        return known;
    }
    let check = verify_raw(issuer_spki, subject.signature_algorithm(), subject.tbs(), subject.signature());
    KNOWN.with_borrow_mut(|known| {
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(pair, check.clone());
    });
    check
}

/// Checks a signature over `message`.
#[must_use]
pub fn verify_raw(spki: &[u8], algorithm: &SignatureAlgorithm, message: &[u8], signature: &[u8]) -> Check {
    let key = PublicKey::from_spki(spki);
    match (algorithm, &key) {
        (SignatureAlgorithm::RsaPkcs1(hash), PublicKey::Rsa { n, e, pss: false }) => {
            answer(pkcs1(n, e, *hash, message, signature))
        }
        (SignatureAlgorithm::RsaPss { hash, mgf, salt }, PublicKey::Rsa { n, e, .. }) => {
            answer(pss(n, e, *hash, *mgf, *salt, message, signature))
        }
        (SignatureAlgorithm::Ecdsa(hash), PublicKey::Ec { curve, point }) => {
            ecdsa(curve, point, *hash, message, signature)
        }
        (SignatureAlgorithm::Ed25519, PublicKey::Ed25519(point)) => {
            answer(ringed(&rings::ED25519, point, message, signature))
        }
        (SignatureAlgorithm::Ed448, PublicKey::Ed448(_)) => Check::Unsupported("Ed448".to_owned()),
        (SignatureAlgorithm::Other(_), _) => Check::Unsupported(algorithm.display()),
        (_, PublicKey::Other(_)) => Check::Unsupported(key.display()),
        _ => Check::Bad,
    }
}

fn answer(good: bool) -> Check {
    if good { Check::Good } else { Check::Bad }
}

fn ringed(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
}

/// The digest of a message.
fn hashed(hash: Hash, message: &[u8]) -> Vec<u8> {
    match hash {
        Hash::Md5 => md5::Md5::digest(message).to_vec(),
        Hash::Sha1 => {
            ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, message).as_ref().to_vec()
        }
        Hash::Sha224 => sha2::Sha224::digest(message).to_vec(),
        Hash::Sha256 => sha2::Sha256::digest(message).to_vec(),
        Hash::Sha384 => sha2::Sha384::digest(message).to_vec(),
        Hash::Sha512 => sha2::Sha512::digest(message).to_vec(),
    }
}

/// The raw RSA public operation (RFC 8017 §5.2.2): `signature ^ e mod n`, as long as the modulus.
fn rsa_public(n: &[u8], e: &[u8], signature: &[u8]) -> Option<Vec<u8>> {
    // Sizes that no client takes would only cost time.
    if n.len() < 64 || n.len() > 2048 || e.is_empty() || e.len() > 8 || signature.len() != n.len() {
        return None;
    }
    let (modulus, s) = (BigUint::from_bytes_be(n), BigUint::from_bytes_be(signature));
    if s >= modulus {
        return None;
    }
    let plain = s.modpow(&BigUint::from_bytes_be(e), &modulus).to_bytes_be();
    let mut out = vec![0; n.len() - plain.len()];
    out.extend(plain);
    Some(out)
}

/// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2.2). The digest's parameters may be NULL or absent, as OpenSSL allows.
/// What ring verifies is verified; what it refuses may still be a short key, an odd exponent or missing parameters.
fn pkcs1(n: &[u8], e: &[u8], hash: Hash, message: &[u8], signature: &[u8]) -> bool {
    let quick = match hash {
        Hash::Sha256 => Some(&rings::RSA_PKCS1_2048_8192_SHA256),
        Hash::Sha384 => Some(&rings::RSA_PKCS1_2048_8192_SHA384),
        Hash::Sha512 => Some(&rings::RSA_PKCS1_2048_8192_SHA512),
        Hash::Md5 | Hash::Sha1 | Hash::Sha224 => None,
    };
    let key = RsaPublicKeyComponents { n, e };
    if quick.is_some_and(|how| key.verify(how, message, signature).is_ok()) {
        return true;
    }
    let Some(block) = rsa_public(n, e, signature) else { return false };
    let oid = match hash {
        Hash::Md5 => super::oid::MD5,
        Hash::Sha1 => super::oid::SHA1,
        Hash::Sha224 => super::oid::SHA224,
        Hash::Sha256 => super::oid::SHA256,
        Hash::Sha384 => super::oid::SHA384,
        Hash::Sha512 => super::oid::SHA512,
    };
    let digest = hashed(hash, message);
    [&[0x05, 0x00][..], &[]].iter().any(|parameters| {
        let mut algorithm = vec![0x06, oid.len() as u8];
        algorithm.extend(oid);
        algorithm.extend(*parameters);
        let mut info = vec![0x30, (algorithm.len() + digest.len() + 4) as u8, 0x30, algorithm.len() as u8];
        info.extend(algorithm);
        info.extend([0x04, digest.len() as u8]);
        info.extend(&digest);
        let Some(padding) = block.len().checked_sub(info.len() + 3).filter(|p| *p >= 8) else { return false };
        let mut expected = vec![0x00, 0x01];
        expected.resize(2 + padding, 0xff);
        expected.push(0);
        expected.extend(info);
        expected == block
    })
}

/// RSASSA-PSS (RFC 8017 §9.1.2) with any digest and salt.
fn pss(n: &[u8], e: &[u8], hash: Hash, mgf: Hash, salt: u64, message: &[u8], signature: &[u8]) -> bool {
    let Some(block) = rsa_public(n, e, signature) else { return false };
    let Ok(salt) = usize::try_from(salt) else { return false };
    let digest = hashed(hash, message);
    let bits = n.len() * 8 - n.first().map_or(0, |b| b.leading_zeros() as usize) - 1;
    let length = bits.div_ceil(8);
    let encoded = block.get(block.len() - length..).unwrap_or_default();
    let Some(mask_len) = length.checked_sub(digest.len() + 1) else { return false };
    if salt > mask_len || mask_len < salt + 1 || encoded.last() != Some(&0xbc) {
        return false;
    }
    let (masked, rest) = encoded.split_at(mask_len);
    let h = rest.get(..digest.len()).unwrap_or_default();
    let mut mask = Vec::with_capacity(mask_len + 64);
    let mut counter: u32 = 0;
    while mask.len() < mask_len {
        let mut seed = h.to_vec();
        seed.extend(counter.to_be_bytes());
        mask.extend(hashed(mgf, &seed));
        counter += 1;
    }
    let mut db: Vec<u8> = masked.iter().zip(mask).map(|(a, b)| a ^ b).collect();
    if let Some(first) = db.first_mut() {
        *first &= 0xff >> (8 * length - bits);
    }
    let (padding, salted) = db.split_at(mask_len - salt);
    let Some((one, zeros)) = padding.split_last() else { return false };
    if *one != 1 || zeros.iter().any(|b| *b != 0) {
        return false;
    }
    let mut again = vec![0; 8];
    again.extend(&digest);
    again.extend(salted);
    hashed(hash, &again) == h
}

macro_rules! curve_check {
    ($curve:ident, $point:expr, $digest:expr, $signature:expr) => {{
        use $curve::ecdsa::signature::hazmat::PrehashVerifier as _;
        let key = $curve::ecdsa::VerifyingKey::from_sec1_bytes($point);
        let signature = $curve::ecdsa::Signature::from_der($signature);
        match (key, signature) {
            (Ok(key), Ok(signature)) => answer(key.verify_prehash($digest, &signature).is_ok()),
            _ => Check::Bad,
        }
    }};
}

fn ecdsa(curve: &Curve, point: &[u8], hash: Hash, message: &[u8], signature: &[u8]) -> Check {
    let with = |algorithm| answer(ringed(algorithm, point, message, signature));
    match (curve, hash) {
        (Curve::P256, Hash::Sha256) => return with(&rings::ECDSA_P256_SHA256_ASN1),
        (Curve::P256, Hash::Sha384) => return with(&rings::ECDSA_P256_SHA384_ASN1),
        (Curve::P384, Hash::Sha256) => return with(&rings::ECDSA_P384_SHA256_ASN1),
        (Curve::P384, Hash::Sha384) => return with(&rings::ECDSA_P384_SHA384_ASN1),
        _ => {}
    }
    // FIPS 186-5 §6.4.2: a digest shorter than the order stands for itself; the crates want at least half of it.
    let mut digest = hashed(hash, message);
    let order = match curve {
        Curve::P256 | Curve::K256 => 32,
        Curve::P384 => 48,
        Curve::P521 => 66,
        other => return Check::Unsupported(format!("ECDSA on {}", other.display())),
    };
    if digest.len() < order {
        digest.splice(0..0, vec![0; order - digest.len()]);
    }
    match curve {
        Curve::P256 => curve_check!(p256, point, &digest, signature),
        Curve::P384 => curve_check!(p384, point, &digest, signature),
        Curve::P521 => curve_check!(p521, point, &digest, signature),
        Curve::K256 => {
            // Without k256's own rule that s be low: OpenSSL takes both halves.
            use k256::ecdsa::signature::hazmat::PrehashVerifier as _;
            let key = k256::ecdsa::VerifyingKey::from_sec1_bytes(point);
            let signature = k256::ecdsa::Signature::from_der(signature);
            match (key, signature) {
                (Ok(key), Ok(signature)) => {
                    answer(key.verify_prehash(&digest, &signature.normalize_s()).is_ok())
                }
                _ => Check::Bad,
            }
        }
        other => Check::Unsupported(format!("ECDSA on {}", other.display())),
    }
}
