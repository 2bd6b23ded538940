//! RSA keys of any size: generation, PKCS#1, and PKCS#1 v1.5 signatures with any hash (RFC 8017). ring makes no RSA
//! keys, and the `rsa` crate carries an advisory without a patch.

use std::convert::Infallible;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::rand_core::{TryCryptoRng, TryRng};
use crypto_bigint::{BoxedUint, ConcatenatingMul, NonZero, Resize};
use crypto_primes::{Flavor, random_prime};
use ring::rand::{SecureRandom, SystemRandom};

use crate::der;
use crate::hash::Hash;

const E: u64 = 65_537;

/// An RSA private key, as the numbers of PKCS#1, big-endian without leading zeros:
/// n, e, d, p, q, d mod p-1, d mod q-1, 1/q mod p.
#[derive(Clone)]
pub struct Rsa([Vec<u8>; 8]);

impl Rsa {
    /// A fresh key. A modulus of 4096 bits takes seconds; see [`Rsa::cached`].
    #[must_use]
    pub fn generate(bits: u32) -> Rsa {
        Self::generate_with(bits, E)
    }

    /// The same with another public exponent: 1, or a prime below 2^32.
    #[must_use]
    pub fn generate_with(bits: u32, exponent: u64) -> Rsa {
        loop {
            let prime = || random_prime::<BoxedUint, _>(&mut System, Flavor::Any, bits / 2);
            let (a, b) = (prime(), prime());
            let (p, q) = if a > b { (a, b) } else { (b, a) };
            if let Some(key) = Self::from_primes(&p, &q, bits, exponent) {
                return key;
            }
        }
    }

    /// The key that this user's test runs have used under this label so far, or a fresh one, which is then kept.
    #[must_use]
    pub fn cached(bits: u32, label: &str) -> Rsa {
        Self::cached_with(bits, E, label)
    }

    /// The same with another public exponent: 1, or a prime below 2^32.
    #[must_use]
    pub fn cached_with(bits: u32, exponent: u64, label: &str) -> Rsa {
        let label = if exponent == E { label.to_owned() } else { format!("{label}-e{exponent}") };
        let dir = cache_folder();
        let file = dir.join(format!("rsa-{bits}-{label}.der"));
        if let Some(key) = fs::read(&file).ok().and_then(|der| Self::from_pkcs1(&der)) {
            return key;
        }
        let key = Self::generate_with(bits, exponent);
        // Two test binaries may come here at once: the first link wins, and both use what it holds.
        let mine = dir.join(format!("{}-{label}.{}", bits, std::process::id()));
        let kept = fs::create_dir_all(&dir).and_then(|()| {
            let _ = fs::remove_file(&mine);
            let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&mine)?;
            out.write_all(&key.pkcs1())?;
            let _ = fs::hard_link(&mine, &file);
            fs::remove_file(&mine)?;
            fs::read(&file)
        });
        kept.ok().and_then(|der| Self::from_pkcs1(&der)).unwrap_or(key)
    }

    fn from_primes(p: &BoxedUint, q: &BoxedUint, bits: u32, exponent: u64) -> Option<Rsa> {
        let one = BoxedUint::one_with_precision(p.bits_precision());
        let (p1, q1) = (p.wrapping_sub(&one), q.wrapping_sub(&one));
        let n = p.concatenating_mul(q);
        if n.bit_width_vartime() != bits || p == q {
            return None;
        }
        // d = (1 + k*phi) / e with k = -1/phi mod e: e is a small prime, so no big inverse is needed.
        let phi = p1.concatenating_mul(&q1);
        let e = NonZero::new(crypto_bigint::Limb(exponent)).unwrap();
        // With e = 1 the message itself, padded, is the signature: d = 1.
        let k = if exponent == 1 { 0 } else { exponent - inverse(phi.rem_limb(e).0, exponent)? };
        let wide = phi.clone().resize(phi.bits_precision() + 64);
        let d = wide
            .wrapping_mul(BoxedUint::from(k).resize(wide.bits_precision()))
            .wrapping_add(BoxedUint::one_with_precision(wide.bits_precision()))
            .div_rem_limb(e)
            .0;
        let rem = |m: &BoxedUint| d.rem_vartime(&NonZero::new(m.clone()).unwrap());
        let q_inverse = power(q, &p1.wrapping_sub(&one), p);
        Some(Rsa([&n, &BoxedUint::from(exponent), &d, p, q, &rem(&p1), &rem(&q1), &q_inverse].map(trimmed)))
    }

    /// RSAPrivateKey (PKCS#1), DER.
    #[must_use]
    pub fn pkcs1(&self) -> Vec<u8> {
        let numbers: Vec<Vec<u8>> = self.0.iter().map(|n| der::uint(n)).collect();
        der::tlv(0x30, &[der::small(0), numbers.concat()].concat())
    }

    fn from_pkcs1(bytes: &[u8]) -> Option<Rsa> {
        if bytes.len() < 100 {
            return None;
        }
        let (_, mut rest, _) = der::first(bytes);
        let mut numbers = Vec::new();
        while !rest.is_empty() {
            let (_, content, after) = der::first(rest);
            numbers.push(content.iter().copied().skip_while(|b| *b == 0).collect());
            rest = after;
        }
        numbers.remove(0);
        numbers.try_into().ok().map(Rsa)
    }

    /// RSAPublicKey (PKCS#1), DER.
    #[must_use]
    pub fn public(&self) -> Vec<u8> {
        der::seq(&[&der::uint(&self.0[0]), &der::uint(&self.0[1])])
    }

    /// The PKCS#1 v1.5 signature of `message`.
    #[must_use]
    pub fn sign(&self, hash: Hash, message: &[u8]) -> Vec<u8> {
        let info = der::seq(&[
            &der::seq(&[&der::oid(hash.oid()), &der::null()]),
            &der::octets(&hash.digest(message)),
        ]);
        let n = BoxedUint::from_be_slice_vartime(&self.0[0]);
        let size = (n.bit_width_vartime() as usize).div_ceil(8);
        let mut padded = vec![0xff; size];
        padded[..2].copy_from_slice(&[0, 1]);
        padded[size - info.len() - 1] = 0;
        padded[size - info.len()..].copy_from_slice(&info);
        let d = BoxedUint::from_be_slice_vartime(&self.0[2]);
        let signature = trimmed(&power(&BoxedUint::from_be_slice_vartime(&padded), &d, &n));
        [vec![0; size - signature.len()], signature].concat()
    }
}

/// Where keys are kept between runs: inside the build's own folder, which belongs to whoever builds.
fn cache_folder() -> PathBuf {
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target");
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| PathBuf::from(workspace), PathBuf::from)
        .join("fixture-keys")
}

fn trimmed(number: &BoxedUint) -> Vec<u8> {
    number.to_be_bytes().iter().copied().skip_while(|b| *b == 0).collect()
}

fn power(base: &BoxedUint, exponent: &BoxedUint, modulus: &BoxedUint) -> BoxedUint {
    let params = BoxedMontyParams::new_vartime(modulus.clone().into_odd().unwrap());
    BoxedMontyForm::new(base.clone().resize(modulus.bits_precision()), &params).pow(exponent).retrieve()
}

/// 1/a mod m for a small prime m, by Fermat.
fn inverse(a: u64, m: u64) -> Option<u64> {
    let (mut result, mut base, mut exponent) = (1u64, a % m, m - 2);
    if base == 0 {
        return None;
    }
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % m;
        }
        base = base * base % m;
        exponent >>= 1;
    }
    Some(result)
}

/// The system's random numbers for crypto-primes.
struct System;

impl TryRng for System {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        SystemRandom::new().fill(dst).expect("the system has random numbers");
        Ok(())
    }
}

impl TryCryptoRng for System {}

#[cfg(test)]
mod tests {
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};

    use super::*;

    #[test]
    fn ring_takes_the_key_and_verifies_the_signature() {
        let key = Rsa::cached(2048, "server");
        let pair = RsaKeyPair::from_der(&key.pkcs1()).unwrap();
        assert_eq!(pair.public().modulus_len(), 256);
        let signature = key.sign(Hash::Sha256, b"hello");
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public())
            .verify(b"hello", &signature)
            .unwrap();
    }

    #[test]
    fn small_keys_for_weak_cases_have_exactly_their_size() {
        let key = Rsa::generate(1024);
        assert_eq!(key.sign(Hash::Md5, b"x").len(), 128);
        assert_eq!(Rsa::from_pkcs1(&key.pkcs1()).unwrap().0, key.0);
    }
}
