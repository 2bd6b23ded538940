//! Who must not get in: wrong and absent passwords, plaintext on TLS and TLS on plaintext, no or foreign client
//! certificates.

use std::time::Instant;

use futures_util::future::join_all;

use crate::broker::{Bound, Lists};

use super::client::{Client, Failure, Way};
use super::rehearse::{Facts, PATIENCE, Visitor};
use super::stand_in::{Identity, foreign};
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
        if let Some(lists) = &facts.lists {
            proofs.push(self.revoked(bound, lists).await);
        }
        proofs
    }

    /// What the listener's list is worth. The private keys of the clients that it revokes are nobody's here: whether the
    /// listener heeds lists is shown with two clients of a CA made for this rehearsal, one of them revoked.
    async fn revoked(&self, bound: Bound, lists: &Lists) -> Proof {
        let start = Instant::now();
        let proof = Proof::new(bound.port, None, None, ProofKind::ClientCertificate);
        let said = match lists {
            Lists::Bad(why) => {
                return proof.told(false, format!("crlfile locks every client out: {why}"), start);
            }
            Lists::Ignored => "Mosquitto 2.0 takes no heed of crlfile on a websockets listener".to_owned(),
            Lists::Good(said) => format!("crlfile {said}"),
        };
        let stand_in = match self.stand_in {
            Ok(s) => s,
            Err(why) => return proof.skipped(format!("{said}; no stand-in for a revoked client: {why}")),
        };
        let good = self.comes_in(bound, Some(stand_in.good())).await;
        let revoked = self.comes_in(bound, Some(stand_in.revoked())).await;
        let whose = "of a CA made for this rehearsal";
        match (lists, good, revoked) {
            (_, Err(e), _) => proof.told(false, format!("{said}; a good certificate {whose}: {e}"), start),
            (Lists::Ignored, Ok(()), Ok(())) => {
                proof.skipped(format!("{said}: a revoked certificate {whose} was let in"))
            }
            (_, Ok(()), Ok(())) => {
                proof.told(false, format!("{said}; a revoked certificate {whose} was let in"), start)
            }
            (_, Ok(()), Err(e)) => {
                let detail =
                    format!("{said}; {whose}, a good certificate was let in, a revoked one not: {e}");
                proof.told(true, detail, start)
            }
        }
    }

    async fn stranger(&self, bound: Bound, how: &str, identity: Result<Option<Identity>, String>) -> Proof {
        let start = Instant::now();
        let proof = Proof::new(bound.port, None, None, ProofKind::ClientCertificate);
        let identity = match identity {
            Ok(identity) => identity,
            Err(why) => return proof.skipped(format!("{how}: {why}")),
        };
        match self.comes_in(bound, identity).await {
            Ok(()) => proof.told(false, format!("let in {how}"), start),
            Err(e) => proof.told(true, format!("{how}: {e}"), start),
        }
    }

    /// Handshake and login with this certificate.
    async fn comes_in(&self, bound: Bound, identity: Option<Identity>) -> Result<(), Failure> {
        let (config, _) =
            recording(rustls::ALL_VERSIONS, identity).map_err(|e| Failure::Tls(e.to_string()))?;
        let way = Way {
            address: bound.address,
            protocol: bound.protocol,
            tls: Some((config, "localhost".to_owned())),
            patience: PATIENCE,
        };
        let mut client = Client::open(&way).await?;
        client.login("mqttcert-stranger", Some((self.login, self.password))).await
    }
}
