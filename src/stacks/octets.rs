//! What stricter decoders than ours see in a certificate's octets: lengths longer than need be, unused bits, odd
//! integers, values of another type than the extension's, members of a subjectAltName that are none.

use super::mbedtls;
use super::stack::Parse;
use crate::cert::algorithm::PublicKey;
use crate::cert::der::{Reader, tag};
use crate::cert::{Certificate, Name, oid};
use crate::name::San;

/// What the library finds wrong, in words; `None` if nothing.
pub(super) fn odd(library: Parse, cert: &Certificate) -> Option<&'static str> {
    let strict = matches!(library, Parse::Nss | Parse::Wolfssl);
    let short = library != Parse::Wolfssl || values_minimal(cert);
    if strict && !(minimal(cert.der()) && short) {
        return Some("a length in it is written longer than need be");
    }
    let whole_bits =
        matches!(library, Parse::Mbedtls { .. } | Parse::Bearssl | Parse::Wolfssl | Parse::Gnutls);
    if whole_bits && signature_unused(cert) != Some(0) {
        return Some("its signature has unused bits");
    }
    let whole_key = matches!(library, Parse::Mbedtls { .. } | Parse::Bearssl | Parse::Wolfssl);
    let key = Key::read(cert);
    if whole_key && key.as_ref().is_none_or(|k| k.unused != 0) {
        return Some("its public key has unused bits");
    }
    if let (PublicKey::Rsa { .. }, Some(key)) = (cert.public_key(), &key) {
        let (padded, negative) = (key.modulus_padded(), key.modulus_negative());
        let refused = match library {
            Parse::Nss | Parse::Wolfssl => padded,
            Parse::Bearssl => negative,
            _ => false,
        };
        if refused || (key.behind && library != Parse::Openssl) {
            return Some("its RSA key is not written as it should be");
        }
        let by_any_name = matches!(library, Parse::Openssl | Parse::Java | Parse::Gnutls | Parse::Nss);
        if key.oid == oid::RSA_X500 && !by_any_name {
            return Some("the type of its RSA key is that of X.500");
        }
    }
    if cert.version().is_none() && library == Parse::Bearssl {
        return Some("its version is no number that it could read");
    }
    if values(library).iter().any(|(oid, kind, least)| {
        cert.extension(oid)
            .is_some_and(|e| Reader::new(&e.value).take(*kind).map_or(true, |t| t.content.len() < *least))
    }) {
        return Some("the value of an extension is of another type than it should be");
    }
    let path_len = cert.basic_constraints().and_then(|b| b.path_len);
    if path_len == Some(u64::MAX) && matches!(library, Parse::Mbedtls { .. }) {
        return Some("its path length is no number that it could read");
    }
    cert.sans().iter().any(|s| foreign(library, s)).then_some("a member of its subjectAltName cannot be read")
}

/// Whether rustls with ring can use the key of a server certificate for its handshake.
pub(super) fn canonical_key(cert: &Certificate) -> bool {
    let rsa = matches!(cert.public_key(), PublicKey::Rsa { .. });
    Key::read(cert).is_some_and(|k| {
        let plain = k.parameters == [tag::NULL, 0] && !k.modulus_padded() && !k.modulus_negative();
        k.unused == 0 && (!rsa || plain)
    })
}

/// Whether every length is as short as DER demands, in every constructed element.
fn minimal(der: &[u8]) -> bool {
    let mut open = vec![Reader::new(der)];
    while let Some(mut reader) = open.pop() {
        while !reader.is_empty() {
            let Ok(element) = reader.element() else { break };
            if !element.minimal {
                return false;
            }
            if element.tag & 0x20 != 0 {
                open.push(element.inside());
            }
        }
    }
    true
}

/// The lengths in the values that wolfSSL reads; NSS looks at them where it needs them.
fn values_minimal(cert: &Certificate) -> bool {
    let known = [oid::BASIC_CONSTRAINTS, oid::SUBJECT_ALT_NAME, oid::KEY_USAGE, oid::EXTENDED_KEY_USAGE];
    cert.extensions().iter().filter(|e| known.contains(&e.oid.as_slice())).all(|e| minimal(&e.value))
}

/// The count of unused bits in the signature.
fn signature_unused(cert: &Certificate) -> Option<u8> {
    let mut fields = Reader::new(cert.der()).take(tag::SEQUENCE).ok()?.inside();
    fields.element().ok()?;
    fields.element().ok()?;
    fields.take(tag::BIT_STRING).ok()?.content.first().copied()
}

/// A SubjectPublicKeyInfo taken apart.
struct Key<'a> {
    oid: &'a [u8],
    parameters: &'a [u8],
    unused: u8,
    modulus: &'a [u8],
    /// Whether something stands behind an RSA key.
    behind: bool,
}

impl<'a> Key<'a> {
    fn read(cert: &'a Certificate) -> Option<Self> {
        let mut fields = Reader::new(cert.spki_der()).take(tag::SEQUENCE).ok()?.inside();
        let mut algorithm = fields.take(tag::SEQUENCE).ok()?.inside();
        let oid = algorithm.take(tag::OID).ok()?.content;
        let parameters = algorithm.rest();
        let (unused, octets) = fields.take(tag::BIT_STRING).ok()?.content.split_first()?;
        let mut public = Reader::new(octets);
        let rsa = public.take(tag::SEQUENCE).and_then(|s| s.inside().take(tag::INTEGER));
        let modulus = rsa.map(|t| t.content).unwrap_or_default();
        Some(Self { oid, parameters, unused: *unused, modulus, behind: !public.is_empty() })
    }

    fn modulus_padded(&self) -> bool {
        matches!(self.modulus, [0, next, ..] if next & 0x80 == 0)
    }

    fn modulus_negative(&self) -> bool {
        self.modulus.first().is_some_and(|b| b & 0x80 != 0)
    }
}

/// Extensions, the type of their value, and how many octets it holds at least, as the library reads them.
fn values(library: Parse) -> &'static [(&'static [u8], u8, usize)] {
    match library {
        Parse::Wolfssl => &[
            (oid::AUTHORITY_INFO_ACCESS, tag::SEQUENCE, 0),
            (oid::CRL_DISTRIBUTION_POINTS, tag::SEQUENCE, 1),
            (oid::CERTIFICATE_POLICIES, tag::SEQUENCE, 1),
            (oid::POLICY_CONSTRAINTS, tag::SEQUENCE, 1),
            (oid::NETSCAPE_CERT_TYPE, tag::BIT_STRING, 2),
            (oid::OCSP_NO_CHECK, tag::NULL, 0),
            (oid::EXTENDED_KEY_USAGE, tag::SEQUENCE, 0),
        ],
        // Since 3.0 a type without bits is one without purposes.
        Parse::Mbedtls { three: true } => &[(oid::NETSCAPE_CERT_TYPE, tag::BIT_STRING, 1)],
        Parse::Mbedtls { three: false } => &[(oid::NETSCAPE_CERT_TYPE, tag::BIT_STRING, 2)],
        Parse::Gnutls => &[(oid::ISSUER_ALT_NAME, tag::SEQUENCE, 0)],
        _ => &[],
    }
}

/// Whether the library cannot read a member of a subjectAltName.
fn foreign(library: Parse, san: &San) -> bool {
    let other = |content: &[u8]| {
        let mut fields = Reader::new(content);
        fields.take(tag::OID).is_ok() && fields.take(0xa0).is_ok()
    };
    let strict = matches!(library, Parse::Gnutls | Parse::Wolfssl);
    match san {
        San::Directory(der) if library == (Parse::Mbedtls { three: true }) => {
            !mbedtls::directory_readable(der)
        }
        San::Directory(der) => strict && Name::from_der(der).is_err(),
        // x509_get_other_name(): of a kind that it does not know only the identifier is read.
        San::Other(0xa0, content) if matches!(library, Parse::Mbedtls { .. }) => {
            Reader::new(content).take(tag::OID).is_err()
        }
        San::Other(0xa0, content) => strict && !other(content),
        San::Other(0xa3 | 0xa5, _) => library == Parse::Gnutls,
        San::Other(0x88, _) => false,
        San::Other(tag, _) => match library {
            Parse::Gnutls => true,
            Parse::Mbedtls { .. } => tag & 0xc0 != 0x80,
            _ => false,
        },
        San::Email(n) | San::Uri(n) | San::Ip(n) => library == Parse::Gnutls && n.is_empty(),
        San::Dns(_) => false,
    }
}

/// Fields and parameters that stand where none belong.
pub(super) fn surplus(library: Parse, cert: &Certificate) -> Option<&'static str> {
    use Parse as P;
    let most = matches!(library, P::Wolfssl | P::Mbedtls { .. } | P::Gnutls);
    let tbs = Fields::read(cert)?;
    if tbs.version > 1 && (most || library == P::Bearssl) {
        return Some("something stands behind its version");
    }
    if tbs.serial == 0 && matches!(library, P::Nss | P::Wolfssl) {
        return Some("its serial number has no octets");
    }
    if (tbs.dates > 2 || tbs.key > 2) && (most || matches!(library, P::Nss | P::Bearssl)) {
        return Some("something stands behind its dates or its public key");
    }
    if tbs.algorithm > 2 && (most || library == P::Nss) {
        return Some("something stands behind the parameters of its signature algorithm");
    }
    if matches!(library, P::Mbedtls { .. } | P::Wolfssl) {
        let plain = |parameters: &[u8]| matches!(parameters, [] | [tag::NULL, 0]);
        let rsa = matches!(cert.public_key(), PublicKey::Rsa { pss: false, .. });
        if rsa && Key::read(cert).is_some_and(|k| !plain(k.parameters)) {
            return Some("its RSA key has parameters");
        }
    }
    let usage = cert.extension(oid::KEY_USAGE).and_then(|e| Reader::new(&e.value).take(tag::BIT_STRING).ok());
    let set = usage.and_then(|t| Some((t.content.first()?, t.content.get(1..)?.last()?)));
    if set.is_some_and(|(unused, last)| *unused < 8 && last & ((1u8 << unused) - 1) != 0)
        && matches!(library, P::Wolfssl | P::Mbedtls { .. })
    {
        return Some("its keyUsage has bits set that it declares unused");
    }
    None
}

/// How many elements, or octets, stand in some fields of the signed part.
struct Fields {
    version: usize,
    serial: usize,
    algorithm: usize,
    dates: usize,
    key: usize,
}

impl Fields {
    fn read(cert: &Certificate) -> Option<Self> {
        fn count(mut reader: Reader<'_>) -> usize {
            let mut found = 0;
            while !reader.is_empty() && reader.element().is_ok() {
                found += 1;
            }
            found
        }
        let mut fields = Reader::new(cert.tbs()).take(tag::SEQUENCE).ok()?.inside();
        let version = fields.optional(0xa0).ok()?.map_or(0, |t| count(t.inside()));
        let serial = fields.element().ok()?.content.len();
        let algorithm = count(fields.element().ok()?.inside());
        fields.element().ok()?;
        let dates = count(fields.element().ok()?.inside());
        fields.element().ok()?;
        let key = count(fields.element().ok()?.inside());
        Some(Self { version, serial, algorithm, dates, key })
    }
}
