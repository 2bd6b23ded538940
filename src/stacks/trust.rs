//! How each stack reads its trust file: which blocks of a `ca.crt` become trust anchors, and what makes it give up.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::armour;
use super::stack::TrustReader;
use crate::cert::crl::Crl;
use crate::cert::der::{DerError, Reader, tag};
use crate::cert::openssl_pem::{OpensslPem, OpensslPemError, header_usable};
use crate::cert::pem::{Block, Oddity, scan};
use crate::cert::{CertError, Certificate, ber, oid, openssl_asn1};

/// A certificate of the trust file.
#[derive(Debug, Clone)]
pub(super) struct Anchor {
    pub(super) cert: Certificate,
    /// What OpenSSL's trust data say about TLS servers: trusted, rejected, or nothing.
    pub(super) verdict: Option<bool>,
}

impl Anchor {
    fn plain(der: &[u8]) -> Option<Self> {
        Some(Self { cert: Certificate::from_der(der).ok()?, verdict: None })
    }

    /// The same, also in BER's indefinite form: the certificate with its lengths written out, and its octets as they
    /// stand. Only what it signs and who it is counts of an anchor, not its own octets.
    fn in_ber(bytes: &[u8]) -> Option<(Self, usize)> {
        match Certificate::from_der(bytes) {
            Ok(cert) => Some((Self { verdict: None, cert: cert.clone() }, cert.der().len())),
            Err(CertError::Der(_, DerError::Length)) => {
                let (der, length) = ber::definite(bytes)?;
                Some((Self::plain(&der)?, length))
            }
            Err(_) => None,
        }
    }

    /// The same, with fields behind the known ones, which Java and Go pass over.
    fn exact_with_surplus(der: &[u8]) -> Option<Self> {
        let cert = Certificate::from_der_with_surplus(der).ok()?;
        (cert.der().len() == der.len()).then_some(Self { cert, verdict: None })
    }

    /// A certificate that must be the whole of these octets.
    fn exact(der: &[u8]) -> Option<Self> {
        Self::plain(der).filter(|a| a.cert.der().len() == der.len())
    }
}

/// The anchors of a trust file, or why the stack cannot use it.
pub(super) fn read(reader: TrustReader, bytes: &[u8]) -> Result<Vec<Anchor>, String> {
    let found = match reader {
        TrustReader::OpensslFile => openssl(bytes, false)?,
        TrustReader::OpensslUntilError => openssl(bytes, true)?,
        TrustReader::Rustls => rustls(bytes)?,
        TrustReader::Java if bytes.first() == Some(&tag::SEQUENCE) => der(bytes)?,
        TrustReader::Mbedtls if bytes.first() == Some(&tag::SEQUENCE) => {
            Anchor::plain(bytes).into_iter().collect()
        }
        _ => match armour::scan(reader, bytes) {
            Some(scanned) => armoured(reader, scanned?)?,
            None => blocks(reader, bytes)?,
        },
    };
    if found.is_empty() && !matches!(reader, TrustReader::OpensslUntilError | TrustReader::Erlang) {
        return Err("no certificate that it could use is in the file".to_owned());
    }
    Ok(found)
}

/// A certificate of the trust file as Java takes it.
fn java(der: &[u8]) -> Option<Anchor> {
    Anchor::exact_with_surplus(der)
        .or_else(|| Anchor::in_ber(der).filter(|(_, length)| *length == der.len()).map(|(anchor, _)| anchor))
}

/// DER certificates one after the other.
fn der(bytes: &[u8]) -> Result<Vec<Anchor>, String> {
    let mut reader = Reader::new(bytes);
    let mut found = Vec::new();
    while !reader.is_empty() {
        let one = reader.element().map_err(|e| e.to_string())?;
        found.push(java(one.raw).ok_or("a certificate of the file cannot be read")?);
    }
    Ok(found)
}

/// `X509_load_cert_crl_file` (crypto/x509/by_file.c) or, until the first error, `PEM_read_bio_X509_AUX`.
fn openssl(bytes: &[u8], until_error: bool) -> Result<Vec<Anchor>, String> {
    let mut reader = OpensslPem::new(bytes);
    let mut found = Vec::new();
    loop {
        let failure = match reader.block() {
            Err(OpensslPemError::NoStartLine) => return Ok(found),
            Err(_) => Some("a PEM block is broken"),
            Ok(block) => match block.label.as_str() {
                "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE"
                    if !header_usable(&block.header) =>
                {
                    Some("header lines stand inside a PEM block")
                }
                "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
                    let aux = until_error || block.label == "TRUSTED CERTIFICATE";
                    let read = Anchor::in_ber(&block.der);
                    match read.filter(|(a, _)| openssl_asn1::decode(&a.cert).is_ok()) {
                        Some((mut anchor, length)) => {
                            let behind = block.der.get(length..).unwrap_or_default();
                            let verdict = if aux { trust_data(behind) } else { Ok(None) };
                            match verdict {
                                Ok(verdict) => {
                                    anchor.verdict = verdict;
                                    found.push(anchor);
                                    None
                                }
                                Err(()) => Some("the trust data behind a certificate are broken"),
                            }
                        }
                        None => Some("a block holds no certificate"),
                    }
                }
                "X509 CRL" if !until_error && Crl::from_der(&block.der).is_err() => {
                    Some("a revocation list cannot be read")
                }
                _ => None,
            },
        };
        if let Some(why) = failure {
            return if until_error {
                Ok(found)
            } else {
                Err(format!("{why}, and OpenSSL then drops the whole file"))
            };
        }
    }
}

/// `X509_CERT_AUX`: SEQUENCE { trust SEQUENCE OF OID OPTIONAL, reject \[0\] SEQUENCE OF OID OPTIONAL, … }.
fn trust_data(bytes: &[u8]) -> Result<Option<bool>, ()> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let mut fields = Reader::new(bytes).take(tag::SEQUENCE).map_err(|_| ())?.inside();
    let mut holds = |tag: u8| -> Result<Option<bool>, ()> {
        let Some(list) = fields.optional(tag).map_err(|_| ())? else { return Ok(None) };
        let mut list = list.inside();
        let mut server = false;
        while !list.is_empty() {
            let purpose = list.take(tag::OID).map_err(|_| ())?.content;
            server |= purpose == oid::EKU_SERVER || purpose == oid::EKU_ANY;
        }
        Ok(Some(server))
    };
    let trusted = holds(tag::SEQUENCE)?;
    if holds(0xa0)? == Some(true) {
        return Ok(Some(false));
    }
    // crypto/x509/x509_trust.c obj_trust(): a list of trusted uses that lacks this one refuses it.
    Ok(trusted)
}

/// rustls' own PEM reader; unreadable certificates are skipped by `add_parsable_certificates`.
fn rustls(bytes: &[u8]) -> Result<Vec<Anchor>, String> {
    let mut found = Vec::new();
    for item in CertificateDer::pem_slice_iter(bytes) {
        let der = item.map_err(|e| format!("its PEM reader says: {e:?}"))?;
        found.extend(Anchor::exact(&der));
    }
    Ok(found)
}

/// The certificates of the blocks that a library's own scan gives.
fn armoured(reader: TrustReader, blocks: Vec<Option<Vec<u8>>>) -> Result<Vec<Anchor>, String> {
    use TrustReader as R;
    let mut found = Vec::new();
    for der in blocks.into_iter().flatten() {
        let anchor = match reader {
            R::Mbedtls | R::Wolfssl => Anchor::plain(&der),
            R::Erlang => Anchor::in_ber(&der).map(|(anchor, _)| anchor),
            R::Go => Anchor::exact_with_surplus(&der),
            R::Java => java(&der),
            _ => Anchor::exact(&der),
        };
        match anchor {
            Some(anchor) => found.push(anchor),
            None if matches!(reader, R::Gnutls | R::Bearssl | R::Java) => {
                return Err("a block of the file is no certificate, and the stack then drops the whole file"
                    .to_owned());
            }
            None => {}
        }
    }
    Ok(found)
}

/// Readers that look for blocks and differ in what they forgive.
fn blocks(reader: TrustReader, bytes: &[u8]) -> Result<Vec<Anchor>, String> {
    use TrustReader as R;
    let mut found = Vec::new();
    for block in scan(bytes) {
        let label = block.label.as_str();
        let mine = match reader {
            R::S2n if label != "CERTIFICATE" => {
                return Err(format!(
                    "a block {label} stands in the file, and s2n-tls refuses the whole file"
                ));
            }
            _ => label == "CERTIFICATE",
        };
        let readable = readable(reader, &block);
        let fatal = reader == R::S2n;
        let anchor = match (&block.der, readable) {
            (Some(der), true) if mine && reader == R::S2n => Anchor::plain(der),
            (Some(der), true) if mine => Anchor::exact(der),
            _ => None,
        };
        match anchor {
            Some(anchor) => found.push(anchor),
            None if mine && fatal && !block.is(Oddity::Dashes) => {
                return Err(
                    "a block of the file cannot be read, and the stack then drops the whole file".to_owned()
                );
            }
            None => {}
        }
    }
    Ok(found)
}

/// Whether this reader gets through what is odd about a block.
fn readable(reader: TrustReader, block: &Block) -> bool {
    use TrustReader as R;
    let not = |odd: &[Oddity]| !odd.iter().any(|o| block.is(*o));
    if !not(&[Oddity::Dashes, Oddity::NoEnd, Oddity::Headers, Oddity::OtherEnd]) {
        return false;
    }
    // The END line needs no line end of its own anywhere; a lone CR does not end a line for certutil.
    match reader {
        R::Certutil => not(&[Oddity::Cr]),
        _ => true,
    }
}
