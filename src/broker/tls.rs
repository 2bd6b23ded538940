//! TLS as Mosquitto would do it on OpenSSL, done by rustls on ring: whatever certificate the files hold is sent, with
//! the chain that OpenSSL completes; client certificates are judged by OpenSSL's rules, not webpki's.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use rustls_pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer, UnixTime,
};
use time::OffsetDateTime;

use crate::cert::Certificate;
use crate::cert::crl::Crl;
use crate::cert::key::PrivateKey;

use super::clients;

/// Why a pair of certificate and key cannot be served by this process. Never a fault of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CannotServe(pub String);

impl fmt::Display for CannotServe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot serve this here: {}", self.0)
    }
}

impl std::error::Error for CannotServe {}

/// What a TLS listener is built from.
#[derive(Debug)]
pub(super) struct Material<'a> {
    /// What is sent: the certfile's certificates and the completion.
    pub chain: Vec<Certificate>,
    pub key: &'a PrivateKey,
    /// `tls_version tlsv1.3` on a TCP listener.
    pub only_1_3: bool,
    /// `ciphers` and `ciphers_tls1.3`.
    pub ciphers: Vec<String>,
    /// `require_certificate`: the anchors, and the CRLs if the listener heeds them.
    pub clients: Option<(Vec<Certificate>, Option<Vec<Crl>>)>,
    /// Whom a rehearsal lets in beside them.
    pub guests: Guests,
}

/// A CA of a rehearsal's own making with its own revocation list: its clients are judged by the listener's settings,
/// as if both stood in cafile and crlfile.
#[derive(Debug)]
pub struct Guest {
    /// The CA.
    pub ca: Certificate,
    /// Its list; of no meaning where the listener heeds none.
    pub list: Crl,
}

/// Filled by a rehearsal, empty in every other broker.
pub(super) type Guests = Arc<std::sync::OnceLock<Guest>>;

/// The one crypto provider.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: std::sync::OnceLock<Arc<CryptoProvider>> = std::sync::OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())).clone()
}

pub(super) fn config(m: Material<'_>) -> Result<Arc<ServerConfig>, CannotServe> {
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(m.key.pkcs8().expose().to_vec()));
    let signer = rustls::crypto::ring::sign::any_supported_type(&der).map_err(|_| {
        CannotServe("the crypto library here (ring) cannot sign with this kind of key".into())
    })?;
    let chain = m.chain.iter().map(|c| CertificateDer::from(c.der().to_vec())).collect();
    let certified = Arc::new(CertifiedKey::new(chain, signer));
    let mut crypto = (*provider()).clone();
    restrict(&mut crypto, &m.ciphers)?;
    let versions: &[&rustls::SupportedProtocolVersion] = if m.only_1_3 {
        &[&rustls::version::TLS13]
    } else {
        &[&rustls::version::TLS13, &rustls::version::TLS12]
    };
    let algorithms = crypto.signature_verification_algorithms;
    let builder = ServerConfig::builder_with_provider(Arc::new(crypto))
        .with_protocol_versions(versions)
        .map_err(|e| CannotServe(e.to_string()))?;
    let builder = match m.clients {
        None => builder.with_no_client_auth(),
        Some((anchors, crls)) => {
            let hints = anchors.iter().map(|c| DistinguishedName::from(c.subject().der().to_vec())).collect();
            builder.with_client_cert_verifier(Arc::new(Clients {
                anchors,
                crls,
                hints,
                algorithms,
                guests: m.guests,
            }))
        }
    };
    let mut config = builder.with_cert_resolver(Arc::new(Always(certified)));
    // A resumed session would skip the client's certificate and its CRL; a twin for tests needs no resumption.
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.ignore_client_order = true;
    Ok(Arc::new(config))
}

/// OpenSSL's cipher names for what rustls has, in OpenSSL's order.
const CIPHERS: &[(&str, rustls::CipherSuite)] = &[
    ("TLS_AES_256_GCM_SHA384", rustls::CipherSuite::TLS13_AES_256_GCM_SHA384),
    ("TLS_CHACHA20_POLY1305_SHA256", rustls::CipherSuite::TLS13_CHACHA20_POLY1305_SHA256),
    ("TLS_AES_128_GCM_SHA256", rustls::CipherSuite::TLS13_AES_128_GCM_SHA256),
    ("ECDHE-ECDSA-AES256-GCM-SHA384", rustls::CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE-RSA-AES256-GCM-SHA384", rustls::CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE-ECDSA-CHACHA20-POLY1305", rustls::CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
    ("ECDHE-RSA-CHACHA20-POLY1305", rustls::CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
    ("ECDHE-ECDSA-AES128-GCM-SHA256", rustls::CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ("ECDHE-RSA-AES128-GCM-SHA256", rustls::CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
];

/// The suites of a list that names each by its own name; `None` for one of OpenSSL's keywords (`HIGH:!aNULL`).
pub(super) fn exact(list: &str) -> Option<Vec<&str>> {
    let words: Vec<&str> = list.split([':', ',', ' ']).filter(|w| !w.is_empty()).collect();
    let is_name = |w: &&str| {
        w.starts_with("TLS_") || (w.contains('-') && w.starts_with(|c: char| c.is_ascii_uppercase()))
    };
    words.iter().all(is_name).then_some(words)
}

/// Keeps the suites that the lists name, in their order; Mosquitto's server has its own preference
/// (`SSL_OP_CIPHER_SERVER_PREFERENCE`). A list with keywords changes nothing; a list of suites that rustls has none of
/// cannot be served.
fn restrict(crypto: &mut CryptoProvider, lists: &[String]) -> Result<(), CannotServe> {
    let place = |name: rustls::CipherSuite| CIPHERS.iter().position(|(_, s)| *s == name);
    crypto.cipher_suites.sort_by_key(|s| place(s.suite()));
    for list in lists {
        let Some(words) = exact(list) else { continue };
        let place = |name: rustls::CipherSuite| {
            let (word, _) = CIPHERS.iter().find(|(_, s)| *s == name)?;
            words.iter().position(|w| w == word)
        };
        let tls13 = list.contains("TLS_");
        let (mut of_list, others): (Vec<_>, Vec<_>) =
            crypto.cipher_suites.iter().copied().partition(|s| s.tls13().is_some() == tls13);
        of_list.retain(|s| place(s.suite()).is_some());
        if of_list.is_empty() {
            return Err(CannotServe(format!("rustls has none of the ciphers {list}")));
        }
        of_list.sort_by_key(|s| place(s.suite()));
        crypto.cipher_suites = of_list.into_iter().chain(others).collect();
    }
    Ok(())
}

/// Sends the same certificate whatever name is asked for: Mosquitto looks at no server name.
#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

/// `require_certificate`, by OpenSSL's rules for a TLS client's certificate.
#[derive(Debug)]
struct Clients {
    anchors: Vec<Certificate>,
    crls: Option<Vec<Crl>>,
    hints: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
    guests: Guests,
}

impl ClientCertVerifier for Clients {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let leaf = Certificate::from_der(end_entity)
            .map_err(|_| rustls::Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let others: Vec<Certificate> =
            intermediates.iter().take(100).filter_map(|c| Certificate::from_der(c).ok()).collect();
        let now = OffsetDateTime::from_unix_timestamp(i64::try_from(now.as_secs()).unwrap_or(i64::MAX))
            .map_err(|_| rustls::Error::General("the clock cannot be read".into()))?;
        let guest = self.guests.get().filter(|g| g.ca.subject().der() == leaf.issuer().der());
        let (anchors, crls) = match guest {
            Some(g) => {
                (std::slice::from_ref(&g.ca), self.crls.as_ref().map(|_| std::slice::from_ref(&g.list)))
            }
            None => (self.anchors.as_slice(), self.crls.as_deref()),
        };
        clients::judge(&leaf, &others, anchors, crls, now)
            .map_err(|why| rustls::Error::InvalidCertificate(why.into()))?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_signature(&self.algorithms, message, cert, dss, false)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_signature(&self.algorithms, message, cert, dss, true)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Checks a handshake signature with the certificate's key alone: webpki would not look at a v1 certificate.
pub(crate) fn verify_signature(
    algorithms: &WebPkiSupportedAlgorithms,
    message: &[u8],
    cert: &CertificateDer<'_>,
    dss: &DigitallySignedStruct,
    tls13: bool,
) -> Result<HandshakeSignatureValid, rustls::Error> {
    let bad = || rustls::Error::InvalidCertificate(CertificateError::BadSignature);
    let leaf = Certificate::from_der(cert)
        .map_err(|_| rustls::Error::InvalidCertificate(CertificateError::BadEncoding))?;
    let spki = SubjectPublicKeyInfoDer::from(leaf.spki_der());
    let key = webpki::RawPublicKeyEntity::try_from(&spki).map_err(|_| bad())?;
    let (_, candidates) = algorithms.mapping.iter().find(|(scheme, _)| *scheme == dss.scheme).ok_or(
        rustls::Error::PeerMisbehaved(rustls::PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme),
    )?;
    let most = if tls13 { 1 } else { candidates.len() };
    let fits =
        candidates.iter().take(most).any(|a| key.verify_signature(*a, message, dss.signature()).is_ok());
    if fits { Ok(HandshakeSignatureValid::assertion()) } else { Err(bad()) }
}
