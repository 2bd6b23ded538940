//! Private keys of every kind that is met, in every form that they are stored in.

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair,
};

use crate::hash::{Hash, sha1};
use crate::rsa::Rsa;
use crate::{der, pem};

/// A private key.
#[derive(Clone)]
pub enum Key {
    /// RSA of any size.
    Rsa(Rsa),
    /// ECDSA on P-256; PKCS#8.
    P256(Vec<u8>),
    /// ECDSA on P-384; PKCS#8.
    P384(Vec<u8>),
    /// Ed25519; PKCS#8 version 1.
    Ed25519(Vec<u8>),
}

/// How a certificate is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigAlg {
    /// RSA PKCS#1 v1.5.
    Rsa(Hash),
    /// ECDSA; with ring only P-256 with SHA-256 and P-384 with SHA-384.
    Ecdsa(Hash),
    /// Ed25519.
    Ed25519,
}

impl SigAlg {
    /// The AlgorithmIdentifier.
    #[must_use]
    pub fn identifier(self) -> Vec<u8> {
        match self {
            Self::Rsa(hash) => {
                let last = match hash {
                    Hash::Md5 => "4",
                    Hash::Sha1 => "5",
                    Hash::Sha224 => "14",
                    Hash::Sha256 => "11",
                    Hash::Sha384 => "12",
                    Hash::Sha512 => "13",
                };
                der::seq(&[&der::oid(&format!("1.2.840.113549.1.1.{last}")), &der::null()])
            }
            Self::Ecdsa(Hash::Sha1) => der::seq(&[&der::oid("1.2.840.10045.4.1")]),
            Self::Ecdsa(hash) => {
                let last = match hash {
                    Hash::Sha224 => 1,
                    Hash::Sha256 => 2,
                    Hash::Sha384 => 3,
                    Hash::Sha512 => 4,
                    Hash::Md5 | Hash::Sha1 => panic!("no such algorithm"),
                };
                der::seq(&[&der::oid(&format!("1.2.840.10045.4.3.{last}"))])
            }
            Self::Ed25519 => der::seq(&[&der::oid("1.3.101.112")]),
        }
    }
}

impl Key {
    /// An RSA key, the same for the same size and label in all test runs of this build folder.
    #[must_use]
    pub fn rsa(bits: u32, label: &str) -> Key {
        Key::Rsa(Rsa::cached(bits, label))
    }

    /// The same with another public exponent: 1, or a prime below 2^32.
    #[must_use]
    pub fn rsa_with(bits: u32, exponent: u64, label: &str) -> Key {
        Key::Rsa(Rsa::cached_with(bits, exponent, label))
    }

    /// A fresh P-256 key.
    #[must_use]
    pub fn p256() -> Key {
        Key::P256(ec(&ECDSA_P256_SHA256_ASN1_SIGNING))
    }

    /// A fresh P-384 key.
    #[must_use]
    pub fn p384() -> Key {
        Key::P384(ec(&ECDSA_P384_SHA384_ASN1_SIGNING))
    }

    /// A fresh Ed25519 key.
    #[must_use]
    pub fn ed25519() -> Key {
        let mut seed = [0; 32];
        ring::rand::SecureRandom::fill(&SystemRandom::new(), &mut seed).expect("random numbers");
        let algorithm = der::seq(&[&der::oid("1.3.101.112")]);
        Key::Ed25519(der::seq(&[&der::small(0), &algorithm, &der::octets(&der::octets(&seed))]))
    }

    /// PKCS#8, DER.
    #[must_use]
    pub fn pkcs8(&self) -> Vec<u8> {
        match self {
            Key::Rsa(key) => der::seq(&[&der::small(0), &rsa_identifier(), &der::octets(&key.pkcs1())]),
            Key::P256(der) | Key::P384(der) | Key::Ed25519(der) => der.clone(),
        }
    }

    /// PKCS#8, PEM: what `openssl genpkey` and `openssl genrsa` of OpenSSL 3 write.
    #[must_use]
    pub fn pkcs8_pem(&self) -> String {
        pem::armour("PRIVATE KEY", &self.pkcs8())
    }

    /// The older form, PEM: PKCS#1 for RSA, SEC1 for EC; Ed25519 has none and stays PKCS#8.
    #[must_use]
    pub fn traditional_pem(&self) -> String {
        match self {
            Key::Rsa(key) => pem::armour("RSA PRIVATE KEY", &key.pkcs1()),
            Key::P256(_) => pem::armour("EC PRIVATE KEY", &self.sec1()),
            Key::P384(_) => pem::armour("EC PRIVATE KEY", &self.sec1()),
            Key::Ed25519(_) => self.pkcs8_pem(),
        }
    }

    /// ECPrivateKey (RFC 5915) with the curve's name in it, DER.
    #[must_use]
    pub fn sec1(&self) -> Vec<u8> {
        let pkcs8 = self.pkcs8();
        let (_, body, _) = der::first(&pkcs8);
        let (_, _, rest) = der::first(body); // version
        let (_, _, rest) = der::first(rest); // algorithm
        let (_, inner, _) = der::first(rest); // the OCTET STRING
        let (_, ec, _) = der::first(inner);
        let (_, _, rest) = der::first(ec); // version
        let (_, scalar, rest) = der::first(rest);
        let curve = der::context(0, &der::oid(self.curve().expect("an EC key")));
        der::seq(&[&der::small(1), &der::octets(scalar), &curve, rest])
    }

    /// SubjectPublicKeyInfo, DER.
    #[must_use]
    pub fn spki(&self) -> Vec<u8> {
        let algorithm = match self {
            Key::Rsa(_) => rsa_identifier(),
            Key::P256(_) | Key::P384(_) => {
                der::seq(&[&der::oid("1.2.840.10045.2.1"), &der::oid(self.curve().expect("an EC key"))])
            }
            Key::Ed25519(_) => der::seq(&[&der::oid("1.3.101.112")]),
        };
        der::seq(&[&algorithm, &der::bits(&self.public())])
    }

    /// The content of the public key's BIT STRING.
    #[must_use]
    pub fn public(&self) -> Vec<u8> {
        match self {
            Key::Rsa(key) => key.public(),
            Key::P256(_) | Key::P384(_) => self.ecdsa().public_key().as_ref().to_vec(),
            Key::Ed25519(der) => ed25519(der).public_key().as_ref().to_vec(),
        }
    }

    /// The key identifier of RFC 5280 §4.2.1.2, method 1.
    #[must_use]
    pub fn id(&self) -> [u8; 20] {
        sha1(&self.public())
    }

    /// What this key signs with unless told otherwise.
    #[must_use]
    pub fn default_algorithm(&self) -> SigAlg {
        match self {
            Key::Rsa(_) => SigAlg::Rsa(Hash::Sha256),
            Key::P256(_) => SigAlg::Ecdsa(Hash::Sha256),
            Key::P384(_) => SigAlg::Ecdsa(Hash::Sha384),
            Key::Ed25519(_) => SigAlg::Ed25519,
        }
    }

    /// The signature of `message`.
    #[must_use]
    pub fn sign(&self, algorithm: SigAlg, message: &[u8]) -> Vec<u8> {
        match (self, algorithm) {
            (Key::Rsa(key), SigAlg::Rsa(hash)) => key.sign(hash, message),
            (Key::P256(_), SigAlg::Ecdsa(Hash::Sha256)) | (Key::P384(_), SigAlg::Ecdsa(Hash::Sha384)) => {
                self.ecdsa().sign(&SystemRandom::new(), message).expect("signing").as_ref().to_vec()
            }
            (Key::Ed25519(der), SigAlg::Ed25519) => ed25519(der).sign(message).as_ref().to_vec(),
            _ => panic!("this key cannot sign with {algorithm:?}"),
        }
    }

    fn curve(&self) -> Option<&'static str> {
        match self {
            Key::P256(_) => Some("1.2.840.10045.3.1.7"),
            Key::P384(_) => Some("1.3.132.0.34"),
            Key::Rsa(_) | Key::Ed25519(_) => None,
        }
    }

    fn ecdsa(&self) -> EcdsaKeyPair {
        let (algorithm, der) = match self {
            Key::P256(der) => (&ECDSA_P256_SHA256_ASN1_SIGNING, der),
            Key::P384(der) => (&ECDSA_P384_SHA384_ASN1_SIGNING, der),
            Key::Rsa(_) | Key::Ed25519(_) => panic!("not an EC key"),
        };
        EcdsaKeyPair::from_pkcs8(algorithm, der, &SystemRandom::new()).expect("a key of our own")
    }
}

fn ec(algorithm: &'static EcdsaSigningAlgorithm) -> Vec<u8> {
    EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).expect("random numbers").as_ref().to_vec()
}

fn ed25519(der: &[u8]) -> Ed25519KeyPair {
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).expect("a key of our own")
}

fn rsa_identifier() -> Vec<u8> {
    der::seq(&[&der::oid("1.2.840.113549.1.1.1"), &der::null()])
}
