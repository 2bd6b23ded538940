//! PKCS#1 (RFC 8017 A.1.2), SEC1 (RFC 5915) and PKCS#8 (RFC 5958) brought into one shape: PKCS#8 version 1, as ring
//! and OpenSSL write it.

use ring::signature::KeyPair;
use zeroize::Zeroizing;

use super::kinds::{self, oid};
use super::{KeyError, KeyKind, MAKE_A_NEW_ONE, PrivateKey, der};
use crate::secret::Secret;

type Wiped = Zeroizing<Vec<u8>>;

/// From `PRIVATE KEY`.
pub(super) fn from_pkcs8(bytes: &[u8]) -> Result<PrivateKey, KeyError> {
    let malformed = || wrong("PRIVATE KEY", "its structure is no PKCS#8 PrivateKeyInfo");
    let mut info = der::Reader::new(bytes).sequence().ok_or_else(malformed)?;
    if info.small().ok_or_else(malformed)? > 1 {
        return Err(wrong("PRIVATE KEY", "its PKCS#8 version is unknown"));
    }
    let mut algorithm = info.sequence().ok_or_else(malformed)?;
    let kind = algorithm.take(der::OID).ok_or_else(malformed)?;
    let inner = info.take(der::OCTET_STRING).ok_or_else(malformed)?;
    // Attributes may follow; OpenSSL 3.0 does not know the public key that RFC 5958 lets follow them.
    info.take(0xa0);
    let odd = match kind {
        _ if !info.is_empty() => Some("its public key stands behind it (PKCS#8 version 2)"),
        oid::ED25519 if !algorithm.is_empty() => Some("parameters stand beside its algorithm"),
        _ => None,
    };
    let key = from_inner(kind, algorithm, inner)?;
    Ok(match odd {
        Some(why) => key.but(why),
        None => key,
    })
}

/// From what PKCS#8 is a wrapper of.
fn from_inner(kind: &[u8], mut algorithm: der::Reader<'_>, inner: &[u8]) -> Result<PrivateKey, KeyError> {
    let malformed = || wrong("PRIVATE KEY", "its structure is no PKCS#8 PrivateKeyInfo");
    match kind {
        oid::RSA => from_pkcs1(inner),
        oid::RSA_PSS => Err(KeyError::Unsupported {
            kind: "an RSA-PSS private key (restricted to one kind of signature)".into(),
            next: MAKE_A_NEW_ONE.into(),
        }),
        oid::EC => {
            let (tag, curve, whole) = algorithm.any().ok_or_else(malformed)?;
            match tag {
                der::OID => from_sec1(inner, Some(whole)),
                der::SEQUENCE => Err(explicit(curve)),
                _ => Err(malformed()),
            }
        }
        oid::ED25519 => {
            let mut seed = der::Reader::new(inner);
            from_seed(seed.take(der::OCTET_STRING).ok_or_else(malformed)?)
        }
        other => Err(KeyError::Unsupported {
            kind: article(&kinds::algorithm(other)),
            next: MAKE_A_NEW_ONE.into(),
        }),
    }
}

fn article(kind: &str) -> String {
    if kind.starts_with("of ") {
        return format!("a private key {kind}");
    }
    let vowel = kind.starts_with(['E', 'X', 'M', 'R']) || kind.starts_with("SM") || kind.starts_with("HSS");
    format!("{} {kind} private key", if vowel { "an" } else { "a" })
}

/// From `RSA PRIVATE KEY`, or the inside of PKCS#8.
pub(super) fn from_pkcs1(bytes: &[u8]) -> Result<PrivateKey, KeyError> {
    let malformed = || wrong("RSA private key", "its structure is no RSAPrivateKey");
    let mut key = der::Reader::new(bytes).sequence().ok_or_else(malformed)?;
    let version = key.small().ok_or_else(malformed)?;
    let mut numbers: Vec<&[u8]> = Vec::with_capacity(8);
    for _ in 0..8 {
        numbers.push(key.unsigned().ok_or_else(malformed)?);
    }
    match version {
        0 => {}
        1 => {
            return Err(KeyError::Unsupported {
                kind: "an RSA private key with more than two primes".into(),
                next: MAKE_A_NEW_ONE.into(),
            });
        }
        _ => return Err(malformed()),
    }
    let [n, e, _, p, q, ..] = numbers.as_slice() else { return Err(malformed()) };
    if numbers.iter().any(|number| number.is_empty()) {
        return Err(wrong("RSA private key", "one of its numbers is zero"));
    }
    let bits = bit_length(n);
    if !(2048..=4096).contains(&bits) {
        return Err(KeyError::Unsupported {
            kind: format!("an RSA-{bits} private key"),
            next: if bits < 2048 {
                "too short to be safe; make a new one of 2048 to 4096 bits, or P-256".into()
            } else {
                "longer than the 4096 bits that are supported here; make one of 2048 to 4096 bits, or P-256"
                    .into()
            },
        });
    }
    let public = der::element(der::SEQUENCE, &[&der::unsigned(n), &der::unsigned(e)]);
    let spki = spki(&[&der::element(der::OID, &[oid::RSA]), &der::element(der::NULL, &[])], &public);
    let parts: Vec<Wiped> = numbers.iter().map(|n| Zeroizing::new(der::unsigned(n))).collect();
    let zero = der::unsigned(&[]);
    let mut all: Vec<&[u8]> = vec![&zero];
    all.extend(parts.iter().map(|p| p.as_slice()));
    let inner = Zeroizing::new(der::element(der::SEQUENCE, &all));
    let algorithm = [der::element(der::OID, &[oid::RSA]), der::element(der::NULL, &[])].concat();
    let pkcs8 = wrap(&algorithm, &inner);
    match ring::signature::RsaKeyPair::from_pkcs8(pkcs8.expose()) {
        Ok(_) => Ok(PrivateKey::assemble(KeyKind::Rsa(bits), pkcs8, spki)),
        Err(why) => Err(refused_by_ring(bits, e, [p, q], &why.to_string())),
    }
}

/// ring wants two primes of the same multiple of 512 bits and a public exponent from 65537 on, of at most 33 bits
/// (ring 0.17, rsa/keypair.rs and rsa/public_exponent.rs).
fn refused_by_ring(bits: usize, exponent: &[u8], primes: [&[u8]; 2], why: &str) -> KeyError {
    let unsupported = |what: &str| KeyError::Unsupported {
        kind: format!("an RSA-{bits} private key{what}"),
        next: MAKE_A_NEW_ONE.into(),
    };
    if !bits.is_multiple_of(1024) {
        return KeyError::Unsupported {
            kind: format!("an RSA-{bits} private key"),
            next: "of the RSA lengths 2048, 3072 and 4096 can be used; make one of these, or P-256".into(),
        };
    }
    if exponent.len() < 3 {
        return unsupported(" with a public exponent below 65537");
    }
    if bit_length(exponent) > 33 {
        return unsupported(" with a public exponent of more than 33 bits");
    }
    if primes.map(bit_length) != [bits / 2; 2] {
        return unsupported(" whose two primes are not of the same length");
    }
    wrong("RSA private key", &format!("its numbers do not belong together ({why})"))
}

/// From `EC PRIVATE KEY`, or the inside of PKCS#8; `outer` is the curve where it stands outside the key.
pub(super) fn from_sec1(bytes: &[u8], outer: Option<&[u8]>) -> Result<PrivateKey, KeyError> {
    let malformed = || wrong("EC private key", "its structure is no ECPrivateKey");
    let mut key = der::Reader::new(bytes).sequence().ok_or_else(malformed)?;
    if key.small().ok_or_else(malformed)? != 1 {
        return Err(malformed());
    }
    let scalar = key.take(der::OCTET_STRING).ok_or_else(malformed)?;
    let inside = key.take(0xa0);
    let embedded = key.take(0xa1).map(|p| der::Reader::new(p).take(der::BIT_STRING));
    let Some(parameters) = outer.or(inside) else {
        return Err(KeyError::Unsupported {
            kind: "an EC private key that does not say its curve".into(),
            next: "put the EC PARAMETERS block of its curve before it".into(),
        });
    };
    let (tag, curve, _) = der::Reader::new(parameters).any().ok_or_else(malformed)?;
    match tag {
        der::OID => {}
        der::SEQUENCE => return Err(explicit(curve)),
        _ => return Err(malformed()),
    }
    let (kind, point) = match curve {
        oid::P256 => (KeyKind::P256, public_point::<p256::NistP256>(scalar, 32)),
        oid::P384 => (KeyKind::P384, public_point::<p384::NistP384>(scalar, 48)),
        other => {
            return Err(KeyError::Unsupported {
                kind: format!("an EC private key on the curve {}", kinds::curve(other)),
                next: MAKE_A_NEW_ONE.into(),
            });
        }
    };
    let (scalar, point, compressed) =
        point.ok_or_else(|| wrong("EC private key", "its number is zero or beyond the curve's order"))?;
    match embedded {
        None => {}
        Some(Some([0, rest @ ..])) if rest == point || rest == compressed => {}
        Some(Some([0, 0x06 | 0x07, rest @ ..])) if Some(rest) == point.get(1..) => {}
        Some(_) => {
            return Err(wrong("EC private key", "the public key inside does not belong to the private one"));
        }
    }
    let curve = der::element(der::OID, &[curve]);
    let algorithm = [der::element(der::OID, &[oid::EC]), curve].concat();
    let public = der::element(0xa1, &[&der::element(der::BIT_STRING, &[&[0], &point])]);
    let number = Zeroizing::new(der::element(der::OCTET_STRING, &[&scalar]));
    let inner = Zeroizing::new(der::element(der::SEQUENCE, &[&der::unsigned(&[1]), &number, &public]));
    Ok(PrivateKey::assemble(kind, wrap(&algorithm, &inner), spki(&[&algorithm], &point)))
}

/// The scalar at its full length, and its public point, uncompressed and compressed.
fn public_point<C>(scalar: &[u8], len: usize) -> Option<(Wiped, Vec<u8>, Vec<u8>)>
where
    C: p256::elliptic_curve::CurveArithmetic + p256::elliptic_curve::PrimeCurve,
    p256::elliptic_curve::AffinePoint<C>:
        p256::elliptic_curve::sec1::FromSec1Point<C> + p256::elliptic_curve::sec1::ToSec1Point<C>,
    p256::elliptic_curve::FieldBytesSize<C>: p256::elliptic_curve::sec1::ModulusSize,
{
    use p256::elliptic_curve::sec1::ToSec1Point;
    let significant = scalar.get(scalar.iter().take_while(|b| **b == 0).count()..)?;
    let mut full = Zeroizing::new(vec![0; len.checked_sub(significant.len())?]);
    full.extend_from_slice(significant);
    let secret = p256::elliptic_curve::SecretKey::<C>::from_slice(&full).ok()?;
    let public = secret.public_key();
    let point = public.as_affine().to_sec1_point(false).as_bytes().to_vec();
    let compressed = public.as_affine().to_sec1_point(true).as_bytes().to_vec();
    Some((full, point, compressed))
}

/// From the 32 octets of an Ed25519 key (RFC 8410 §7).
fn from_seed(seed: &[u8]) -> Result<PrivateKey, KeyError> {
    let pair = ring::signature::Ed25519KeyPair::from_seed_unchecked(seed)
        .map_err(|_| wrong("Ed25519 private key", "it is not 32 octets long"))?;
    let algorithm = der::element(der::OID, &[oid::ED25519]);
    let inner = Zeroizing::new(der::element(der::OCTET_STRING, &[seed]));
    let spki = spki(&[&algorithm], pair.public_key().as_ref());
    Ok(PrivateKey::assemble(KeyKind::Ed25519, wrap(&algorithm, &inner), spki))
}

fn wrap(algorithm: &[u8], inner: &[u8]) -> Secret {
    let algorithm = der::element(der::SEQUENCE, &[algorithm]);
    let inner = Zeroizing::new(der::element(der::OCTET_STRING, &[inner]));
    Secret::new(der::element(der::SEQUENCE, &[&der::unsigned(&[]), &algorithm, &inner]))
}

fn spki(algorithm: &[&[u8]], public: &[u8]) -> Vec<u8> {
    let algorithm = der::element(der::SEQUENCE, algorithm);
    der::element(der::SEQUENCE, &[&algorithm, &der::element(der::BIT_STRING, &[&[0], public])])
}

fn explicit(_parameters: &[u8]) -> KeyError {
    KeyError::Unsupported {
        kind: "an EC private key with explicit curve parameters".into(),
        next: "name the curve: `openssl ec -in FILE -param_enc named_curve -out NEW`".into(),
    }
}

fn wrong(kind: &str, why: &str) -> KeyError {
    KeyError::Malformed { kind: kind.to_owned(), why: why.to_owned() }
}

fn bit_length(number: &[u8]) -> usize {
    number.first().map_or(0, |b| number.len() * 8 - b.leading_zeros() as usize)
}
