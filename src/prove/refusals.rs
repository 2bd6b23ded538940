//! Who must not get in: wrong and absent passwords, plaintext on TLS and TLS on plaintext, no or foreign client
//! certificates.

use std::time::Instant;

use futures_util::future::join_all;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::broker::{Bound, Lists};

use super::client::{Client, Failure, Way};
use super::rehearse::{Facts, PATIENCE, Visitor};
use super::verify::recording;
use super::{Proof, ProofKind};

impl Visitor<'_> {
    /// Wrong password, and no password.
    pub(super) async fn refusals(&self, bound: Bound, facts: &Facts) -> Vec<Proof> {
        if facts.wants_certificate || facts.named_by_certificate {
            return Vec::new();
        }
        let tries = [
            (ProofKind::BadLoginRefused, Some((self.login, &b"not the password"[..]))),
            (ProofKind::NoLoginRefused, None),
        ];
        let work = tries.into_iter().map(|(kind, user)| async move {
            let start = Instant::now();
            let proof = Proof::new(bound.port, None, None, kind);
            if kind == ProofKind::NoLoginRefused && facts.anonymous {
                return proof.skipped("the listener lets anonymous clients in");
            }
            let tls = match bound.tls {
                true => recording(rustls::ALL_VERSIONS, None).ok().map(|(c, _)| (c, "localhost".to_owned())),
                false => None,
            };
            let way = Way { address: bound.address, protocol: bound.protocol, tls, patience: PATIENCE };
            match Client::open(&way).await {
                Ok(mut c) => match c.login("mqttcert-stranger", user).await {
                    Err(Failure::Refused(n)) => proof.told(true, Failure::Refused(n).to_string(), start),
                    Err(e) => proof.told(false, e.to_string(), start),
                    Ok(()) => proof.told(false, "it was let in", start),
                },
                Err(e) => proof.told(false, e.to_string(), start),
            }
        });
        join_all(work).await
    }

    /// Plaintext on TLS, or TLS on plaintext.
    pub(super) async fn wrong_wire(&self, bound: Bound) -> Proof {
        let start = Instant::now();
        let (kind, tls) = if bound.tls {
            (ProofKind::PlaintextRefused, None)
        } else {
            let tls = recording(rustls::ALL_VERSIONS, None).ok().map(|(c, _)| (c, "localhost".to_owned()));
            (ProofKind::TlsOnPlaintextRefused, tls)
        };
        let way = Way { address: bound.address, protocol: bound.protocol, tls, patience: PATIENCE };
        let proof = Proof::new(bound.port, None, None, kind);
        let came = match Client::open(&way).await {
            Ok(mut client) => client.login("mqttcert-plain", Some((self.login, self.password))).await,
            Err(e) => Err(e),
        };
        match came {
            Ok(()) => proof.told(false, "it was let in", start),
            Err(e @ (Failure::Refused(_) | Failure::Timeout(_))) => proof.told(false, e.to_string(), start),
            Err(e) => proof.told(true, e.to_string(), start),
        }
    }

    /// A listener that requires a certificate turns away who has none, and who has one of somebody else's CA.
    pub(super) async fn certificates(&self, bound: Bound, facts: &Facts) -> Vec<Proof> {
        let mut proofs = vec![
            self.stranger(bound, "without a client certificate", Ok(None)).await,
            self.stranger(bound, "with a certificate of a foreign CA", foreign().map(Some)).await,
        ];
        let start = Instant::now();
        let proof = Proof::new(bound.port, None, None, ProofKind::ClientCertificate);
        proofs.extend(match &facts.lists {
            None => None,
            Some(Lists::Ignored) => {
                Some(proof.skipped("Mosquitto 2.0 takes no heed of crlfile on a websockets listener"))
            }
            // A revoked certificate cannot be shown without its private key: the list itself is what is proved.
            Some(Lists::Good(said)) => Some(proof.told(true, format!("crlfile {said}"), start)),
            Some(Lists::Bad(why)) => {
                Some(proof.told(false, format!("crlfile locks every client out: {why}"), start))
            }
        });
        proofs
    }

    async fn stranger(&self, bound: Bound, how: &str, identity: Result<Option<Identity>, String>) -> Proof {
        let start = Instant::now();
        let proof = Proof::new(bound.port, None, None, ProofKind::ClientCertificate);
        let identity = match identity {
            Ok(identity) => identity,
            Err(why) => return proof.skipped(format!("{how}: {why}")),
        };
        let Ok((config, _)) = recording(rustls::ALL_VERSIONS, identity) else {
            return proof.skipped("no TLS configuration could be made");
        };
        let way = Way {
            address: bound.address,
            protocol: bound.protocol,
            tls: Some((config, "localhost".to_owned())),
            patience: PATIENCE,
        };
        let came = match Client::open(&way).await {
            Ok(mut client) => client.login("mqttcert-stranger", Some((self.login, self.password))).await,
            Err(e) => Err(e),
        };
        match came {
            Ok(()) => proof.told(false, format!("let in {how}"), start),
            Err(e) => proof.told(true, format!("{how}: {e}"), start),
        }
    }
}

type Identity = (CertificateDer<'static>, PrivateKeyDer<'static>);

/// A client certificate of a CA that was made a moment ago.
fn foreign() -> Result<Identity, String> {
    let words = |e: rcgen::Error| e.to_string();
    let ca_key = rcgen::KeyPair::generate().map_err(words)?;
    let mut ca = rcgen::CertificateParams::default();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    ca.distinguished_name.push(rcgen::DnType::CommonName, "a foreign CA");
    let issuer = rcgen::Issuer::from_params(&ca, &ca_key);
    let key = rcgen::KeyPair::generate().map_err(words)?;
    let mut leaf = rcgen::CertificateParams::default();
    leaf.distinguished_name.push(rcgen::DnType::CommonName, "a stranger");
    let made = leaf.signed_by(&key, &issuer).map_err(words)?;
    let pkcs8 = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    Ok((made.der().clone(), pkcs8))
}
