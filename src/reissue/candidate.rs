//! The new certificate, signed and read back byte for byte before anybody else sees it.

use ring::rand::{SecureRandom, SystemRandom};

use super::ReissueError;
use super::plan::ReissuePlan;
use crate::ca::server::{self, ServerCertificate};
use crate::ca::template::serial_from;
use crate::ca::{FileSigner, KeyKind, Signer, fresh};
use crate::cert::Certificate;
use crate::cert::key::{self, PrivateKey};
use crate::cert::signature::{self, Check};

/// What will be put in place.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The new certificate.
    pub certificate: Certificate,
    /// The new certificate file: the leaf, and what followed it if it is still its chain.
    pub certificate_pem: Vec<u8>,
    /// The new key file, where the key is new.
    pub key_pem: Option<crate::secret::Secret>,
    /// The refreshed request.
    pub request_pem: Vec<u8>,
}

/// Makes a key like the one before; RSA keys are not made here and become P-256.
///
/// # Errors
/// [`ReissueError::Sign`] where the system gives no random bytes.
pub fn new_key(like: key::KeyKind) -> Result<(PrivateKey, crate::secret::Secret), ReissueError> {
    let kind = match like {
        key::KeyKind::P384 => KeyKind::P384,
        key::KeyKind::Ed25519 => KeyKind::Ed25519,
        _ => KeyKind::P256,
    };
    let made = fresh::generate(kind, &SystemRandom::new())?;
    let pem = crate::secret::Secret::new(server::pem("PRIVATE KEY", &made.pkcs8).into_bytes());
    let read = PrivateKey::read(pem.expose(), None).map_err(|_| ReissueError::ReadBack("the new key"))?;
    Ok((read, pem))
}

/// Whether a parser that shares no line with our own reads a version 3 leaf with this many names, to the last byte.
fn second_reading(der: &[u8], names: usize) -> bool {
    let Ok((rest, read)) = x509_parser::parse_x509_certificate(der) else { return false };
    let listed = match read.subject_alternative_name() {
        Ok(Some(san)) => san.value.general_names.len(),
        _ => 0,
    };
    let is_leaf = matches!(read.basic_constraints(), Ok(Some(bc)) if !bc.value.ca);
    rest.is_empty() && read.version() == x509_parser::x509::X509Version::V3 && listed == names && is_leaf
}

/// Signs and reads back.
///
/// # Errors
/// [`ReissueError`]; nothing was written.
pub fn make(
    plan: &ReissuePlan,
    old: &Certificate,
    chain: &[Certificate],
    ca: &Certificate,
    ca_key: &PrivateKey,
    server_key: &PrivateKey,
    key_pem: Option<crate::secret::Secret>,
) -> Result<Candidate, ReissueError> {
    let validity = plan.validity.ok_or_else(|| ReissueError::CaExpired("the CA".into()))?;
    let mut serial = [0; 16];
    SystemRandom::new()
        .fill(&mut serial)
        .map_err(|_| crate::ca::SignError::Failed("the system gives no random bytes".into()))?;
    let serial = serial_from(serial);
    let signer = FileSigner::from_pkcs8(ca_key.pkcs8())?;
    let what = ServerCertificate {
        subject: old.subject().der(),
        spki: server_key.spki_der(),
        sans: &plan.names.sans,
        validity,
        serial: &serial,
    };
    let der = server::sign_server(&what, ca, &signer)?;
    let certificate =
        Certificate::from_der(&der).map_err(|_| ReissueError::ReadBack("it cannot be parsed"))?;
    let wrong = [
        (certificate.issuer().der() != ca.subject().der(), "the issuer is not the CA's subject"),
        (certificate.subject().der() != old.subject().der(), "the subject changed"),
        (!server_key.matches(&certificate), "the public key"),
        (certificate.sans() != plan.names.sans.as_slice(), "the names"),
        (certificate.version() != Some(3), "the version"),
        (!certificate.malformed().is_empty(), "its extensions"),
        (signature::verify(ca.spki_der(), &certificate) != Check::Good, "the signature"),
        (!second_reading(&der, plan.names.sans.len()), "a second parser reads it otherwise"),
    ];
    if let Some((_, what)) = wrong.into_iter().find(|(is, _)| *is) {
        return Err(ReissueError::ReadBack(what));
    }
    let own = FileSigner::from_pkcs8(server_key.pkcs8())?;
    let request = server::request(old.subject().der(), own.spki_der(), &plan.names.sans, &own)?;
    let mut certificate_pem = server::pem("CERTIFICATE", certificate.der());
    for next in chain {
        certificate_pem.push_str(&server::pem("CERTIFICATE", next.der()));
    }
    Ok(Candidate {
        certificate,
        certificate_pem: certificate_pem.into_bytes(),
        key_pem,
        request_pem: server::pem("CERTIFICATE REQUEST", &request).into_bytes(),
    })
}
