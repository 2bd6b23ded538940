//! rustls with ring as rumqttc sets it up: every certificate of the file that webpki takes becomes an anchor.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme,
};

/// Whether it accepts.
pub fn accepts(port: u16, trust: &Path, name: Option<&str>) -> Result<bool, String> {
    let file = std::fs::read(trust).map_err(|e| e.to_string())?;
    let Ok(certificates) = CertificateDer::pem_slice_iter(&file).collect::<Result<Vec<_>, _>>() else {
        return Ok(false);
    };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates);
    if roots.is_empty() {
        return Ok(false);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
    let verifier = Verifier { inner: inner.map_err(|e| e.to_string())?, chain_only: name.is_none() };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    let Ok(server) = ServerName::try_from(name.unwrap_or("localhost").to_owned()) else { return Ok(false) };
    let mut connection = ClientConnection::new(Arc::new(config), server).map_err(|e| e.to_string())?;
    let mut tcp = TcpStream::connect(("127.0.0.1", port)).map_err(|e| e.to_string())?;
    tcp.set_read_timeout(Some(Duration::from_secs(6))).map_err(|e| e.to_string())?;
    while connection.is_handshaking() {
        if connection.complete_io(&mut tcp).is_err() {
            return Ok(false);
        }
    }
    connection.send_close_notify();
    let _ = connection.write_tls(&mut tcp);
    let _ = tcp.flush();
    Ok(true)
}

/// The verifier of rustls; for the chain alone a wrong name is forgiven, which it looks at last.
#[derive(Debug)]
struct Verifier {
    inner: Arc<WebPkiServerVerifier>,
    chain_only: bool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.inner.verify_server_cert(leaf, intermediates, name, ocsp, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.chain_only => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, leaf, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
