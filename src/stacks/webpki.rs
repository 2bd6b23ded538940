//! rustls with ring and rustls-webpki: the libraries themselves are asked.

use std::sync::Arc;

use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::evaluation::Evaluation;
use super::relies;
use super::trust::Anchor;
use crate::cert::Certificate;
use crate::cert::algorithm::{Curve, PublicKey};
use crate::judgement::{Judgement, Reason, ReasonCode};
use crate::name::PeerName;

/// What rustls' own verifier says about the chain.
pub(super) fn judge(evaluation: &Evaluation<'_>, sent: &[Certificate], anchors: &[Anchor]) -> Judgement {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(anchors.iter().map(|a| CertificateDer::from(a.cert.der())));
    if roots.is_empty() {
        return Judgement::refuse(ReasonCode::CaUnusable, "webpki can use no certificate of the trust file");
    }
    let Some((leaf, rest)) = sent.split_first() else {
        return Judgement::Unknown("no certificate is presented".to_owned());
    };
    if let Some(what) = cannot_sign(leaf) {
        return Judgement::refuse(ReasonCode::UnsupportedAlgorithm, what);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let seconds = u64::try_from(evaluation.now().unix_timestamp()).unwrap_or(0);
    let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    let der = CertificateDer::from(leaf.der());
    let rest: Vec<CertificateDer<'_>> = rest.iter().map(|c| CertificateDer::from(c.der())).collect();
    let algorithms = provider.signature_verification_algorithms.all;
    let answer = ParsedCertificate::try_from(&der)
        .and_then(|leaf| verify_server_cert_signed_by_trust_anchor(&leaf, &roots, &rest, now, algorithms));
    match answer {
        Ok(()) => {
            let mut path = vec![leaf.clone()];
            let issuer = anchors.iter().find(|a| a.cert.subject().der() == leaf.issuer().der());
            path.extend(issuer.map(|a| a.cert.clone()));
            Judgement::Accept { relies_on: relies::on(&path, evaluation.now()) }
        }
        Err(error) => Judgement::refuse(code(&error), format!("rustls-webpki says: {error}")),
    }
}

/// Whether webpki finds the name in the certificate.
///
/// # Errors
/// What it says otherwise.
pub(super) fn covers(leaf: &Certificate, name: &PeerName) -> Result<(), Error> {
    let general = || Error::General("no server name".to_owned());
    let server = ServerName::try_from(name.as_str().to_owned()).map_err(|_| general())?;
    let der = CertificateDer::from(leaf.der());
    verify_server_name(&ParsedCertificate::try_from(&der)?, &server)
}

/// Whether a search for no name of the certificate meets one that cannot be read.
pub(super) fn all_names_readable(leaf: &Certificate) -> bool {
    let absent = ["name-that-nobody-presents.invalid", "192.0.2.1"];
    absent.iter().all(|n| PeerName::parse(n).is_ok_and(|n| names_readable(leaf, Some(&n)).is_none()))
}

/// What a client of rustls meets that forgives a wrong name: `NotValidForName` alone, not a subjectAltName that cannot
/// be read on the way to the name.
pub(super) fn names_readable(leaf: &Certificate, dialled: Option<&PeerName>) -> Option<Reason> {
    let any = PeerName::parse("localhost").ok();
    let name = dialled.or(any.as_ref())?;
    match covers(leaf, name) {
        Err(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ))
        | Ok(())
        | Err(Error::General(_)) => None,
        Err(error) => Some(Reason::new(ReasonCode::Malformed, format!("rustls-webpki says: {error}"))),
    }
}

/// Whether the server's key cannot make a signature that ring would check.
fn cannot_sign(leaf: &Certificate) -> Option<String> {
    let fine = match leaf.public_key() {
        _ if !super::octets::canonical_key(leaf) => false,
        PublicKey::Rsa { n, pss, .. } => !pss && n.len() >= 256 && n.len() <= 1024,
        PublicKey::Ec { curve, .. } => matches!(curve, Curve::P256 | Curve::P384),
        PublicKey::Ed25519(_) => true,
        _ => false,
    };
    (!fine).then(|| {
        format!("ring checks no handshake signature by a key of kind {}", leaf.public_key().display())
    })
}

fn code(error: &Error) -> ReasonCode {
    let Error::InvalidCertificate(error) = error else { return ReasonCode::Other };
    let text = format!("{error:?}");
    let table = [
        ("NameConstraint", ReasonCode::NameConstraints),
        ("CaUsedAsEndEntity", ReasonCode::CaAsLeaf),
        ("EndEntityUsedAsCa", ReasonCode::NotACa),
        ("PathLen", ReasonCode::Pathlen),
        ("ExtendedKeyUsage", ReasonCode::Purpose),
        ("Eku", ReasonCode::Purpose),
        ("InvalidPurpose", ReasonCode::Purpose),
        ("UnsupportedCertVersion", ReasonCode::UnsupportedVersion),
        ("UnsupportedCritical", ReasonCode::CriticalExtension),
        ("UnhandledCritical", ReasonCode::CriticalExtension),
        ("UnsupportedSignature", ReasonCode::UnsupportedAlgorithm),
        ("MaximumPath", ReasonCode::TooLong),
        ("BadEncoding", ReasonCode::Malformed),
        ("Expired", ReasonCode::Expired),
        ("NotValidYet", ReasonCode::NotYetValid),
        ("BadSignature", ReasonCode::BadSignature),
        ("UnknownIssuer", ReasonCode::UnknownIssuer),
    ];
    match error {
        CertificateError::BadEncoding => ReasonCode::Malformed,
        _ => table.iter().find(|(word, _)| text.contains(word)).map_or(ReasonCode::Other, |(_, code)| *code),
    }
}
