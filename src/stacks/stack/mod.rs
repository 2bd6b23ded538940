//! A client stack as data: the switches in which real TLS libraries differ.

mod leaf;
mod names;
mod path;

pub use self::leaf::{Leaf, LeafUsage, Netscape, Purpose};
pub use self::names::{Fallback, IpEntry, Names, Reference, WhichCn, Wildcard};
pub use self::path::{Aki, Builder, CaRules, Direct, DnMatch, NoBasicConstraints, Path};
pub use super::go::Version as GoVersion;
use crate::stack_id::StackId;

/// What one client TLS stack accepts, with its sources.
#[derive(Debug, Clone, Copy)]
pub struct Stack {
    /// Its id in the contract.
    pub id: StackId,
    /// The library, in words.
    pub library: &'static str,
    /// The version that the data were read from and measured with.
    pub version: &'static str,
    /// Products that use it.
    pub products: &'static [&'static str],
    /// Where the data come from.
    pub sources: &'static [&'static str],
    /// What it accepts that others refuse, in words.
    pub accepts: &'static [&'static str],
    /// What it refuses that others accept, in words.
    pub refuses: &'static [&'static str],
    /// What other versions do: version, and what is different there.
    pub history: &'static [(&'static str, &'static str)],
    /// How it reads its trust file.
    pub trust: TrustReader,
    /// What its certificate parser refuses.
    pub parse: Parse,
    /// What the TLS handshake itself demands.
    pub handshake: Handshake,
    /// Which keys and digests it takes in certificates.
    pub algorithms: Algorithms,
    /// How it builds and checks a path.
    pub path: Path,
    /// What it demands of the leaf.
    pub leaf: Leaf,
    /// How it compares names.
    pub names: Names,
}

/// How a stack reads its trust file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrustReader {
    /// `X509_load_cert_crl_file` (OpenSSL): one broken block refuses the whole file.
    OpensslFile,
    /// `PEM_read_bio_X509_AUX` until it fails (Node): what came before the failure counts.
    OpensslUntilError,
    /// Java's `CertificateFactory.generateCertificates`.
    Java,
    /// Go's `AppendCertsFromPEM`.
    Go,
    /// `gnutls_certificate_set_x509_trust_file`.
    Gnutls,
    /// `mbedtls_x509_crt_parse`.
    Mbedtls,
    /// `wolfSSL_CTX_load_verify_locations`.
    Wolfssl,
    /// BearSSL's PEM decoder as the Arduino core uses it.
    Bearssl,
    /// NSS: `CERT_DecodeCertFromPackage` on each block.
    Nss,
    /// certutil on each block (Chromium's own database).
    Certutil,
    /// The PEM reader of rustls.
    Rustls,
    /// Erlang's `public_key:pem_decode`.
    Erlang,
    /// s2n-tls.
    S2n,
}

/// What a certificate parser refuses although OpenSSL takes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parse {
    /// OpenSSL: very little.
    Openssl,
    /// The parser of Java.
    Java,
    /// The parser of Go.
    Go(GoVersion),
    /// GnuTLS (libtasn1).
    Gnutls,
    /// Mbed TLS; the flag tells whether it is 3.x.
    Mbedtls {
        /// Version 3 reads more of the subjectAltName and refuses more.
        three: bool,
    },
    /// wolfSSL.
    Wolfssl,
    /// BearSSL.
    Bearssl,
    /// NSS.
    Nss,
    /// Chromium's parser.
    Chromium,
    /// rustls-webpki is asked itself.
    Webpki,
    /// Erlang.
    Erlang,
    /// AWS-LC below s2n-tls.
    S2n,
}

/// What the TLS handshake demands.
#[derive(Debug, Clone, Copy)]
pub struct Handshake {
    /// The largest Certificate message, in octets.
    pub max_message: usize,
    /// The most certificates that may be sent.
    pub max_sent: usize,
    /// Whether keys on curves outside P-256, P-384 and P-521 are taken: brainpool, secp256k1.
    pub brainpool: bool,
    /// secp256k1.
    pub k256: bool,
    /// P-521.
    pub p521: bool,
    /// Ed25519.
    pub ed25519: bool,
    /// Ed448.
    pub ed448: bool,
}

/// Which keys and digests are taken in certificates.
#[derive(Debug, Clone, Copy)]
pub struct Algorithms {
    /// How short an RSA key may be.
    pub rsa: RsaFloor,
    /// How long an RSA key may be, in bits.
    pub rsa_max: usize,
    /// MD5 signatures.
    pub md5: bool,
    /// SHA-1 signatures.
    pub sha1: bool,
    /// SHA-224 signatures.
    pub sha224: bool,
    /// RSA-PSS signatures.
    pub pss: bool,
    /// Issuers with Ed25519 keys.
    pub ed25519: bool,
    /// Issuers with Ed448 keys.
    pub ed448: bool,
    /// Issuers on secp256k1.
    pub k256: bool,
    /// Issuers on P-521.
    pub p521: bool,
    /// Issuers on brainpool curves.
    pub brainpool: bool,
}

/// The shortest RSA key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RsaFloor {
    /// At least this many bits.
    Bits(usize),
    /// At least this many octets, so that 2047 bits count as 2048.
    Octets(usize),
    /// OpenSSL's security level, by its estimate of the key's strength in bits.
    Strength(u32),
}
