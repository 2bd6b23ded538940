//! Public keys and signature algorithms as certificates name them.

use super::der::{self, DerError, Reader, small_unsigned, tag};
use super::oid;

/// A digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Hash {
    /// MD5.
    Md5,
    /// SHA-1.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    fn from_oid(oid: &[u8]) -> Option<Self> {
        Some(match oid {
            oid::MD5 => Self::Md5,
            oid::SHA1 => Self::Sha1,
            oid::SHA224 => Self::Sha224,
            oid::SHA256 => Self::Sha256,
            oid::SHA384 => Self::Sha384,
            oid::SHA512 => Self::Sha512,
            _ => return None,
        })
    }

    /// The name for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha224 => "SHA-224",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }
}

/// How a certificate is signed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5.
    RsaPkcs1(Hash),
    /// RSASSA-PSS (RFC 4055).
    RsaPss {
        /// The message digest.
        hash: Hash,
        /// The digest of the mask generation function.
        mgf: Hash,
        /// The salt's length in octets.
        salt: u64,
    },
    /// ECDSA.
    Ecdsa(Hash),
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// Ed448 (RFC 8410).
    Ed448,
    /// Any other: its object identifier.
    Other(Vec<u8>),
}

impl SignatureAlgorithm {
    /// Reads an AlgorithmIdentifier.
    ///
    /// # Errors
    /// [`DerError`] where it is none.
    pub fn from_der(der: &[u8]) -> Result<Self, DerError> {
        let mut fields = der::whole(der, tag::SEQUENCE)?.inside();
        let oid = fields.take(tag::OID)?.content;
        Ok(match oid {
            oid::MD5_RSA => Self::RsaPkcs1(Hash::Md5),
            oid::SHA1_RSA => Self::RsaPkcs1(Hash::Sha1),
            oid::SHA224_RSA => Self::RsaPkcs1(Hash::Sha224),
            oid::SHA256_RSA => Self::RsaPkcs1(Hash::Sha256),
            oid::SHA384_RSA => Self::RsaPkcs1(Hash::Sha384),
            oid::SHA512_RSA => Self::RsaPkcs1(Hash::Sha512),
            oid::RSA_PSS => pss(fields).unwrap_or_else(|| Self::Other(oid.to_vec())),
            oid::ECDSA_SHA1 => Self::Ecdsa(Hash::Sha1),
            oid::ECDSA_SHA224 => Self::Ecdsa(Hash::Sha224),
            oid::ECDSA_SHA256 => Self::Ecdsa(Hash::Sha256),
            oid::ECDSA_SHA384 => Self::Ecdsa(Hash::Sha384),
            oid::ECDSA_SHA512 => Self::Ecdsa(Hash::Sha512),
            oid::ED25519 => Self::Ed25519,
            oid::ED448 => Self::Ed448,
            other => Self::Other(other.to_vec()),
        })
    }

    /// The message digest, where the algorithm names one.
    #[must_use]
    pub fn hash(&self) -> Option<Hash> {
        match self {
            Self::RsaPkcs1(h) | Self::Ecdsa(h) | Self::RsaPss { hash: h, .. } => Some(*h),
            Self::Ed25519 | Self::Ed448 | Self::Other(_) => None,
        }
    }

    /// The name for people.
    #[must_use]
    pub fn display(&self) -> String {
        match self {
            Self::RsaPkcs1(h) => format!("RSA with {}", h.as_str()),
            Self::RsaPss { hash, .. } => format!("RSA-PSS with {}", hash.as_str()),
            Self::Ecdsa(h) => format!("ECDSA with {}", h.as_str()),
            Self::Ed25519 => "Ed25519".to_owned(),
            Self::Ed448 => "Ed448".to_owned(),
            Self::Other(oid) => oid::describe(oid),
        }
    }
}

/// RSASSA-PSS-params (RFC 4055 §3.1), with the defaults of the standard.
fn pss(mut fields: Reader<'_>) -> Option<SignatureAlgorithm> {
    let (mut hash, mut mgf, mut salt) = (Hash::Sha1, Hash::Sha1, 20);
    if let Some(parameters) = fields.optional(tag::SEQUENCE).ok()? {
        let mut parameters = parameters.inside();
        if let Some(h) = parameters.optional(0xa0).ok()? {
            let mut algorithm = h.inside().take(tag::SEQUENCE).ok()?.inside();
            hash = Hash::from_oid(algorithm.take(tag::OID).ok()?.content)?;
        }
        if let Some(m) = parameters.optional(0xa1).ok()? {
            let mut algorithm = m.inside().take(tag::SEQUENCE).ok()?.inside();
            if algorithm.take(tag::OID).ok()?.content != oid::MGF1 {
                return None;
            }
            let mut inner = algorithm.take(tag::SEQUENCE).ok()?.inside();
            mgf = Hash::from_oid(inner.take(tag::OID).ok()?.content)?;
        }
        if let Some(s) = parameters.optional(0xa2).ok()? {
            salt = small_unsigned(s.inside().take(tag::INTEGER).ok()?.content)?;
        }
    }
    Some(SignatureAlgorithm::RsaPss { hash, mgf, salt })
}

/// An elliptic curve by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Curve {
    /// secp192r1.
    P192,
    /// secp224r1.
    P224,
    /// secp256r1.
    P256,
    /// secp384r1.
    P384,
    /// secp521r1.
    P521,
    /// secp256k1.
    K256,
    /// brainpoolP256r1.
    Bp256,
    /// brainpoolP384r1.
    Bp384,
    /// brainpoolP512r1.
    Bp512,
    /// Another named curve: its object identifier.
    Other(Vec<u8>),
    /// The curve's parameters are written out instead of its name (RFC 5480 forbids it).
    Explicit,
}

impl Curve {
    fn from_oid(oid: &[u8]) -> Self {
        match oid {
            oid::P192 => Self::P192,
            oid::P224 => Self::P224,
            oid::P256 => Self::P256,
            oid::P384 => Self::P384,
            oid::P521 => Self::P521,
            oid::K256 => Self::K256,
            oid::BP256 => Self::Bp256,
            oid::BP384 => Self::Bp384,
            oid::BP512 => Self::Bp512,
            other => Self::Other(other.to_vec()),
        }
    }

    /// The name for people.
    #[must_use]
    pub fn display(&self) -> String {
        match self {
            Self::P192 => "P-192".to_owned(),
            Self::P224 => "P-224".to_owned(),
            Self::P256 => "P-256".to_owned(),
            Self::P384 => "P-384".to_owned(),
            Self::P521 => "P-521".to_owned(),
            Self::K256 => "secp256k1".to_owned(),
            Self::Bp256 => "brainpoolP256r1".to_owned(),
            Self::Bp384 => "brainpoolP384r1".to_owned(),
            Self::Bp512 => "brainpoolP512r1".to_owned(),
            Self::Other(oid) => format!("curve {}", oid::describe(oid)),
            Self::Explicit => "explicit curve parameters".to_owned(),
        }
    }
}

/// A subject's public key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PublicKey {
    /// RSA: modulus and exponent, big-endian without leading zeros.
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The public exponent.
        e: Vec<u8>,
        /// Whether the key is bound to PSS (id-RSASSA-PSS).
        pss: bool,
    },
    /// A point on a curve, encoded as in SEC 1.
    Ec {
        /// The curve.
        curve: Curve,
        /// The encoded point.
        point: Vec<u8>,
    },
    /// Ed25519.
    Ed25519(Vec<u8>),
    /// Ed448.
    Ed448(Vec<u8>),
    /// Any other algorithm: its object identifier.
    Other(Vec<u8>),
    /// It cannot be read.
    Malformed,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo.
    #[must_use]
    pub fn from_spki(spki: &[u8]) -> Self {
        read_key(spki).unwrap_or(Self::Malformed)
    }

    /// The key's size in bits, where that is a usual measure.
    #[must_use]
    pub fn bits(&self) -> Option<usize> {
        Some(match self {
            Self::Rsa { n, .. } => n.len() * 8 - n.first().map_or(0, |b| b.leading_zeros() as usize),
            Self::Ec { curve, .. } => match curve {
                Curve::P192 => 192,
                Curve::P224 => 224,
                Curve::P256 | Curve::K256 | Curve::Bp256 => 256,
                Curve::P384 | Curve::Bp384 => 384,
                Curve::Bp512 => 512,
                Curve::P521 => 521,
                Curve::Other(_) | Curve::Explicit => return None,
            },
            Self::Ed25519(_) => 256,
            Self::Ed448(_) => 456,
            Self::Other(_) | Self::Malformed => return None,
        })
    }

    /// The name for people.
    #[must_use]
    pub fn display(&self) -> String {
        match self {
            Self::Rsa { pss, .. } => {
                format!("RSA{} {}", if *pss { "-PSS" } else { "" }, self.bits().unwrap_or(0))
            }
            Self::Ec { curve, .. } => curve.display(),
            Self::Ed25519(_) => "Ed25519".to_owned(),
            Self::Ed448(_) => "Ed448".to_owned(),
            Self::Other(oid) => format!("key type {}", oid::describe(oid)),
            Self::Malformed => "an unreadable key".to_owned(),
        }
    }
}

fn read_key(spki: &[u8]) -> Result<PublicKey, DerError> {
    let mut fields = der::whole(spki, tag::SEQUENCE)?.inside();
    let mut algorithm = fields.take(tag::SEQUENCE)?.inside();
    let oid = algorithm.take(tag::OID)?.content;
    let (_, key) = der::bits(fields.take(tag::BIT_STRING)?.content)?;
    Ok(match oid {
        oid::RSA | oid::RSA_PSS | oid::RSA_X500 => {
            // What stands behind the key some libraries take, and some refuse.
            let mut numbers = Reader::new(key).take(tag::SEQUENCE)?.inside();
            let mut number = || numbers.take(tag::INTEGER).map(|t| magnitude(t.content));
            PublicKey::Rsa { n: number()?, e: number()?, pss: oid == oid::RSA_PSS }
        }
        oid::EC => {
            let parameters = algorithm.element()?;
            let curve = match parameters.tag {
                tag::OID => Curve::from_oid(parameters.content),
                tag::SEQUENCE => Curve::Explicit,
                _ => return Err(DerError::Unexpected(tag::OID)),
            };
            PublicKey::Ec { curve, point: key.to_vec() }
        }
        oid::ED25519 => PublicKey::Ed25519(key.to_vec()),
        oid::ED448 => PublicKey::Ed448(key.to_vec()),
        other => PublicKey::Other(other.to_vec()),
    })
}

fn magnitude(content: &[u8]) -> Vec<u8> {
    let zeros = content.iter().take_while(|b| **b == 0).count();
    content.get(zeros..).unwrap_or_default().to_vec()
}
