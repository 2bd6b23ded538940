//! What the other side presents, and whether webpki accepts it for a name. The handshake itself only checks that the
//! peer holds the private key: so the chain is seen also where it is refused.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use time::OffsetDateTime;

use crate::broker::tls::{provider, verify_signature};
use crate::cert;

/// The client's trust anchors, as webpki takes them.
#[derive(Debug, Clone)]
pub(super) struct Anchors(Result<Arc<WebPkiServerVerifier>, String>, Arc<RootCertStore>);

impl Anchors {
    /// From a client's trust file.
    pub(super) fn read(pem: &[u8]) -> Self {
        let mut roots = RootCertStore::empty();
        for c in cert::load_pem(pem).unwrap_or_default() {
            let _ = roots.add(CertificateDer::from(c.der().to_vec()));
        }
        let roots = Arc::new(roots);
        let made = WebPkiServerVerifier::builder_with_provider(roots.clone(), provider())
            .build()
            .map_err(|_| "the trust file holds no certificate that webpki takes as an anchor".to_owned());
        Self(made, roots)
    }

    /// Full verification: chain, dates, purpose and name, by webpki.
    pub(super) fn verify(
        &self,
        chain: &[CertificateDer<'_>],
        name: &str,
        now: OffsetDateTime,
    ) -> Result<(), String> {
        let verifier = self.0.as_ref().map_err(Clone::clone)?;
        let name = ServerName::try_from(name)
            .map_err(|_| "rustls takes this as no host name or address".to_owned())?;
        let (leaf, rest) = chain.split_first().ok_or("no certificate was presented")?;
        verifier.verify_server_cert(leaf, rest, &name, &[], unix(now)).map(|_| ()).map_err(plain)
    }

    /// The chain alone, without a name.
    pub(super) fn verify_chain(
        &self,
        chain: &[CertificateDer<'_>],
        now: OffsetDateTime,
    ) -> Result<(), String> {
        let (leaf, rest) = chain.split_first().ok_or("no certificate was presented")?;
        let parsed = rustls::server::ParsedCertificate::try_from(leaf).map_err(plain)?;
        let algorithms = provider().signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.1, rest, unix(now), algorithms)
            .map_err(plain)
    }
}

fn unix(now: OffsetDateTime) -> UnixTime {
    let seconds = u64::try_from(now.unix_timestamp()).unwrap_or(0);
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))
}

fn plain(e: rustls::Error) -> String {
    match e {
        rustls::Error::InvalidCertificate(rustls::CertificateError::NotValidForNameContext {
            presented,
            ..
        }) => {
            if presented.is_empty() {
                "the certificate names nobody in a SAN".into()
            } else {
                format!("the certificate names only {}", presented.join(", "))
            }
        }
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(o)) => format!("webpki: {o:?}"),
        other => format!("webpki: {other}"),
    }
}

/// Records what is presented and checks the handshake's signature.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    chain: Mutex<Vec<CertificateDer<'static>>>,
    asked: Arc<AtomicBool>,
}

impl Recorder {
    /// The chain as it was sent, leaf first.
    pub(super) fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.chain.lock().map(|c| c.clone()).unwrap_or_default()
    }

    /// Whether the other side asked for a client certificate. Mosquitto asks only where it requires one.
    pub(super) fn was_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Ok(mut chain) = self.chain.lock() {
            chain.clear();
            chain.push(end_entity.clone().into_owned());
            chain.extend(intermediates.iter().map(|c| c.clone().into_owned()));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_signature(&provider().signature_verification_algorithms, message, cert, dss, false)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_signature(&provider().signature_verification_algorithms, message, cert, dss, true)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

/// Has no certificate, and remembers that one was asked for.
#[derive(Debug)]
struct Nothing(Arc<AtomicBool>);

impl ResolvesClientCert for Nothing {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// A client configuration that records, for these protocol versions.
pub(super) fn recording(
    versions: &[&'static SupportedProtocolVersion],
    identity: Option<(CertificateDer<'static>, rustls_pki_types::PrivateKeyDer<'static>)>,
) -> Result<(Arc<ClientConfig>, Arc<Recorder>), rustls::Error> {
    let recorder = Arc::new(Recorder::default());
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)?
        .dangerous()
        .with_custom_certificate_verifier(recorder.clone());
    let mut config = match identity {
        Some((cert, key)) => builder.with_client_auth_cert(vec![cert], key)?,
        None => builder.with_client_cert_resolver(Arc::new(Nothing(recorder.asked.clone()))),
    };
    config.resumption = rustls::client::Resumption::disabled();
    Ok((Arc::new(config), recorder))
}
