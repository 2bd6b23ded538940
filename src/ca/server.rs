//! The server's certificate, and its request.
//!
//! Written as DER here and not by rcgen: issuer and subject must go in byte for byte (rcgen 0.14 cannot take a
//! multi-valued RDN, and has written other issuer bytes and key identifiers than the CA's: rcgen issues 59, 195, 261).

use ring::digest;
use time::{Duration, OffsetDateTime};

use super::der::{self, tag};
use super::oid;
use super::signer::{SignError, Signer};
use super::template::Serial;
use crate::cert::Certificate;
use crate::cert::algorithm::PublicKey;
use crate::name::San;

/// How far back notBefore is put, for clients whose clocks are slow.
const BACKDATED: Duration = Duration::hours(1);

/// What a server certificate says.
#[derive(Debug, Clone)]
pub struct ServerCertificate<'a> {
    /// The subject's Name, DER, kept byte for byte.
    pub subject: &'a [u8],
    /// The SubjectPublicKeyInfo, DER.
    pub spki: &'a [u8],
    /// The subjectAltName, in order.
    pub sans: &'a [San],
    /// Its life.
    pub validity: Validity,
    /// Its serial number.
    pub serial: &'a Serial,
}

/// From when to when a certificate holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// notBefore.
    pub not_before: OffsetDateTime,
    /// notAfter.
    pub not_after: OffsetDateTime,
}

impl Validity {
    /// One hour back but not before the CA's; `days` long (RFC 5280 §4.1.2.5 counts both ends, so less one second)
    /// but never beyond the CA's. `None` where the CA has no time left, or no readable dates.
    #[must_use]
    pub fn of(now: OffsetDateTime, days: u32, ca: &Certificate) -> Option<Self> {
        let now = now.replace_nanosecond(0).ok()?;
        let (from, to) = (ca.not_before()?, ca.not_after()?);
        let not_before = now.checked_sub(BACKDATED)?.max(from);
        let not_after = not_before.checked_add(Duration::days(days.into()) - Duration::SECOND)?.min(to);
        (now <= not_after && now >= from).then_some(Self { not_before, not_after })
    }
}

/// Signs a server certificate: version 3, CA:FALSE, keyUsage, serverAuth, SAN, SKI, and the CA's SKI as AKI.
///
/// # Errors
/// [`SignError`] of the signer.
pub fn sign_server(
    what: &ServerCertificate<'_>,
    ca: &Certificate,
    signer: &dyn Signer,
) -> Result<Vec<u8>, SignError> {
    let ca_id = ca.subject_key_id().map_or_else(|| key_id(ca.spki_der()), <[u8]>::to_vec);
    let extensions = [
        der::extension(oid::BASIC_CONSTRAINTS, true, &[tag::SEQUENCE, 0]),
        usage(what.spki),
        purpose(),
        der::extension(oid::SUBJECT_KEY_ID, false, &der::tlv(tag::OCTET_STRING, &[&key_id(what.spki)])),
        der::extension(oid::AUTHORITY_KEY_ID, false, &der::sequence(&[&der::tlv(0x80, &[&ca_id])])),
        alternative_names(what.sans, is_empty_name(what.subject)),
    ]
    .concat();
    let body = [
        der::context(0, &der::unsigned(&[2])),
        der::unsigned(what.serial),
        signer.algorithm_der().to_vec(),
        ca.subject().der().to_vec(),
        der::sequence(&[&der::time(what.validity.not_before), &der::time(what.validity.not_after)]),
        what.subject.to_vec(),
        what.spki.to_vec(),
        der::context(3, &der::sequence(&[&extensions])),
    ]
    .concat();
    super::crl::seal(&der::sequence(&[&body]), signer)
}

/// Makes the certificate request (RFC 2986) of the same server, signed with its own key.
///
/// # Errors
/// [`SignError`] of the signer.
pub fn request(
    subject: &[u8],
    spki: &[u8],
    sans: &[San],
    own_key: &dyn Signer,
) -> Result<Vec<u8>, SignError> {
    let names = if sans.is_empty() { Vec::new() } else { alternative_names(sans, false) };
    let extensions = [usage(spki), purpose(), names].concat();
    let extensions = der::sequence(&[&extensions]);
    let attribute =
        der::sequence(&[&der::tlv(tag::OID, &[oid::EXTENSION_REQUEST]), &der::tlv(tag::SET, &[&extensions])]);
    let body = [der::unsigned(&[]), subject.to_vec(), spki.to_vec(), der::context(0, &attribute)].concat();
    super::crl::seal(&der::sequence(&[&body]), own_key)
}

/// PEM (RFC 7468): lines of 64.
#[must_use]
pub fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut out = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = more;
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

fn usage(spki: &[u8]) -> Vec<u8> {
    let bits: &[u8] = match PublicKey::from_spki(spki) {
        PublicKey::Rsa { .. } => &[tag::BIT_STRING, 2, 5, 0xa0],
        _ => &[tag::BIT_STRING, 2, 7, 0x80],
    };
    der::extension(oid::KEY_USAGE, true, bits)
}

fn purpose() -> Vec<u8> {
    der::extension(oid::EXT_KEY_USAGE, false, &der::sequence(&[&der::tlv(tag::OID, &[oid::SERVER_AUTH])]))
}

/// RFC 5280 §4.2.1.6: critical only where the subject is empty.
fn alternative_names(sans: &[San], critical: bool) -> Vec<u8> {
    let names: Vec<Vec<u8>> = sans.iter().map(general_name).collect();
    der::extension(oid::SUBJECT_ALT_NAME, critical, &der::sequence(&[&names.concat()]))
}

fn general_name(san: &San) -> Vec<u8> {
    match san {
        San::Email(text) => der::tlv(0x81, &[text]),
        San::Dns(text) => der::tlv(0x82, &[text]),
        San::Directory(name) => der::tlv(0xa4, &[name]),
        San::Uri(text) => der::tlv(0x86, &[text]),
        San::Ip(octets) => der::tlv(0x87, &[octets]),
        San::Other(tag, content) => der::tlv(*tag, &[content]),
    }
}

fn is_empty_name(name: &[u8]) -> bool {
    name == [tag::SEQUENCE, 0]
}

/// The key identifier of RFC 5280 §4.2.1.2 method 1: SHA-1 over the public key's bits.
#[must_use]
pub fn key_id(spki: &[u8]) -> Vec<u8> {
    let bits = crate::cert::der::whole(spki, tag::SEQUENCE).ok().and_then(|outer| {
        let mut fields = outer.inside();
        fields.element().ok()?;
        fields.element().ok()?.content.get(1..)
    });
    digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bits.unwrap_or(spki)).as_ref().to_vec()
}
