//! A client stack as data: the switches in which real TLS libraries differ.

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
    Go,
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

/// How names of issuer and subject are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DnMatch {
    /// Byte for byte.
    Exact,
    /// As text, without regard to case, string type and surplus white space (RFC 5280 §7.1).
    Canonical,
    /// As Java's `X500Name`: PrintableString and UTF8String of the attributes of RFC 2253 as text, anything else byte
    /// for byte.
    Java,
    /// As Mbed TLS: case and PrintableString/UTF8String are equal, white space counts.
    Caseless,
    /// As Erlang: text without regard to case and surplus white space, in PrintableString and UTF8String alone.
    Erlang,
}

/// What an authority key identifier decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aki {
    /// Nothing.
    Ignored,
    /// A key identifier that differs from the issuer's excludes it.
    KeyId,
    /// The same for issuer and serial.
    Full,
    /// As Java's selector of anchors: key identifier, and the serial number of an issuer of version 3.
    Java,
    /// The issuer must have exactly this key identifier.
    Demanded,
}

/// How a path is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builder {
    /// OpenSSL 1.1 and later: trust store first, no second try.
    Openssl {
        /// Whether any certificate of the trust store ends a path (`X509_V_FLAG_PARTIAL_CHAIN`).
        partial: bool,
        /// The strict rules of `X509_V_FLAG_X509_STRICT`.
        strict: bool,
    },
    /// Every possible path is tried.
    Search,
    /// One path: the first matching sent issuer, then an anchor.
    First(Pick),
    /// The certificates must be sent in issuing order (BearSSL).
    InOrder,
    /// rustls-webpki is asked itself.
    Webpki,
}

/// Which of several anchors with the right name is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// The last that is valid now, else the first (GnuTLS).
    LastValid,
    /// One that is valid now before one that is not, then the newer; of equals the last (NSS).
    Best,
    /// The one that wolfSSL's table of signers gives.
    Signer,
}

/// Whether the trust file may hold the leaf itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direct {
    /// Never.
    No,
    /// A self-issued leaf that is identical.
    SelfIssued,
    /// Any identical leaf.
    Identical,
    /// Any identical leaf, whose dates are not checked then (Java).
    IdenticalUndated,
}

/// How a CA without basicConstraints is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoBasicConstraints {
    /// It is a CA.
    Accepted,
    /// It is one if keyUsage or the Netscape type says so (OpenSSL, for an anchor).
    NeedsUsage,
    /// It is none.
    Refused,
}

/// How a CA certificate is judged.
#[derive(Debug, Clone, Copy)]
pub struct CaRules {
    /// X.509 v1 and v2.
    pub v1: bool,
    /// Version 3 without basicConstraints.
    pub no_basic_constraints: NoBasicConstraints,
    /// CA:FALSE is taken all the same.
    pub ca_false: bool,
    /// keyUsage must hold keyCertSign.
    pub key_usage: bool,
    /// extendedKeyUsage must allow serverAuth.
    pub purpose: bool,
    /// Dates are checked.
    pub dates: bool,
    /// The path length is enforced.
    pub path_length: bool,
    /// Name constraints are enforced.
    pub name_constraints: bool,
    /// Unknown critical extensions are refused.
    pub critical: bool,
}

/// How a path is built and checked.
#[derive(Debug, Clone, Copy)]
pub struct Path {
    /// The way of building.
    pub builder: Builder,
    /// How names are compared.
    pub dn: DnMatch,
    /// What key identifiers decide.
    pub aki: Aki,
    /// Whether the leaf may be in the trust file.
    pub direct: Direct,
    /// Whether an anchor that is not self-issued ends a path.
    pub partial: bool,
    /// The anchor's rules.
    pub anchor: CaRules,
    /// An intermediate's rules.
    pub intermediate: CaRules,
    /// The most intermediates of a path.
    pub max_intermediates: usize,
    /// Seconds by which dates may be missed.
    pub slop: i64,
    /// Whether dates are checked at all.
    pub dates: bool,
}

/// What extendedKeyUsage of the leaf must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It is not looked at.
    Ignored,
    /// serverAuth.
    Server,
    /// serverAuth or Netscape's and Microsoft's old purposes.
    ServerOrGated,
    /// serverAuth or anyExtendedKeyUsage.
    ServerOrAny,
    /// serverAuth, anyExtendedKeyUsage, or Netscape's and Microsoft's old purposes (Java).
    ServerOrAnyOrGated,
    /// serverAuth or anyExtendedKeyUsage; a list without members counts as absent (Go).
    ServerOrAnyOrEmpty,
    /// Together with the Netscape type it must make a TLS server; an unreadable list counts as absent (NSS).
    NetscapeTypes,
}

/// Which bits of the leaf's keyUsage are demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeafUsage {
    /// None.
    Ignored,
    /// One of digitalSignature, keyEncipherment, keyAgreement (OpenSSL).
    AnyTls,
    /// The same, and for EC keys digitalSignature (OpenSSL with TLS 1.2 only).
    AnyTlsEcSigns,
    /// digitalSignature.
    Signs,
    /// digitalSignature or nonRepudiation (BearSSL).
    SignsOrCommits,
    /// keyEncipherment for RSA, digitalSignature or keyAgreement else (NSS classic).
    Nss,
}

/// What is demanded of the leaf.
#[derive(Debug, Clone, Copy)]
pub struct Leaf {
    /// extendedKeyUsage.
    pub purpose: Purpose,
    /// keyUsage.
    pub usage: LeafUsage,
    /// Whether the Netscape certificate type counts.
    pub netscape: Netscape,
    /// Whether a CA is taken as server certificate.
    pub ca: bool,
    /// Whether must-staple without an answer is refused.
    pub must_staple: bool,
}

/// What the Netscape certificate type decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Netscape {
    /// Nothing.
    Ignored,
    /// It must hold sslServer.
    Enforced,
    /// It must hold sslServer where extendedKeyUsage is absent.
    WithoutPurpose,
}

/// When the common name is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// Never.
    Never,
    /// No dNSName is there.
    NoDns,
    /// Neither dNSName nor iPAddress.
    NoDnsNoIp,
    /// Neither dNSName, iPAddress nor URI.
    NoDnsNoIpNoUri,
    /// No subjectAltName extension.
    NoExtension,
    /// No subjectAltName extension, or an empty one.
    NoEntry,
}

/// Which of several common names counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhichCn {
    /// Any.
    Any,
    /// The first, as raw bytes.
    FirstRaw,
    /// The last.
    Last,
    /// The only one; two or more count as none.
    Only,
}

/// The shapes of wildcards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wildcard {
    /// None at all.
    None,
    /// OpenSSL: whole left label, at least two labels behind it.
    Openssl,
    /// The same with `mq*.` and `*tt.`.
    OpensslPartial,
    /// libmosquitto 2.0: `*.` then the rest behind the first dot of the name, or all of it.
    Mosquitto,
    /// libcurl.
    Curl,
    /// Node's own `checkServerIdentity`.
    Node,
    /// Java: `*` anywhere in any label.
    Java,
    /// Go: whole left label.
    Go,
    /// GnuTLS: `*` at the beginning, also as part of the label.
    Gnutls,
    /// Mbed TLS, BearSSL, s2n: `*.` and the rest behind the name's first dot.
    LeftLabel,
    /// wolfSSL: several and partial.
    Wolfssl,
    /// NSS classic: `*` last in the left label.
    Nss,
    /// Chromium: whole left label, at least two labels behind it.
    Chromium,
    /// Erlang, for common names: one `*` anywhere in the left label.
    Erlang,
}

/// Which reference names a client refuses or changes before it compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// Taken as it is.
    Verbatim,
    /// Python: IDNA, labels of at most 63 octets.
    Python,
    /// curl: IDNA, numbers are addresses, a final dot goes.
    Curl,
    /// Node: a final dot goes.
    Node,
    /// Java: only letters, digits and inner hyphens; numbers are addresses; a final dot goes.
    Java,
    /// Paho Java: as Java, and a name that SNI cannot carry is refused even without a name check.
    PahoJava,
    /// Go: a final dot goes where both names are valid.
    Go,
    /// Paho C: an IPv6 address keeps its brackets.
    PahoC,
    /// GnuTLS: IDNA.
    Gnutls,
    /// NSS: numbers are addresses.
    Nss,
    /// Chromium: IDNA, numbers are addresses, a final dot goes.
    Chromium,
    /// rustls asks `ServerName`.
    Rustls,
}

/// How names are compared.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    /// What happens to the dialled name.
    pub reference: Reference,
    /// When the common name counts.
    pub fallback: Fallback,
    /// Which common name.
    pub which: WhichCn,
    /// Wildcards.
    pub wildcard: Wildcard,
    /// Addresses in iPAddress.
    pub ip_entry: IpEntry,
    /// Addresses as text in dNSName.
    pub ip_dns: bool,
    /// Addresses as text in the common name.
    pub ip_cn: bool,
}

/// How an address is looked for among iPAddress entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpEntry {
    /// Not at all.
    No,
    /// Equal octets.
    Exact,
    /// Equal octets, IPv4 only.
    ExactV4,
    /// IPv4 equals its IPv4-mapped IPv6 form.
    Mapped,
}
