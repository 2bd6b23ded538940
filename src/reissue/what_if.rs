//! What a new leaf, or a renewed CA, would do for a client that refuses: tried, not guessed, and without the CA's key.
//!
//! A stand-in for the CA is made from its certificate: every byte stays but the public key and the signature, which are
//! a key's of the moment. Under it a leaf is signed as `reissue` would sign it, and the client's stack is asked about
//! both as it was asked about the real ones.

use std::collections::HashSet;

use ring::rand::{SecureRandom, SystemRandom};
use time::OffsetDateTime;

use super::names::from_text;
use crate::ca::der;
use crate::ca::fresh::{self, KeyKind};
use crate::ca::root;
use crate::ca::server::{self, ServerCertificate, Validity};
use crate::ca::template::{Serial, serial_from};
use crate::ca::{FileSigner, Signer};
use crate::cert::Certificate;
use crate::cert::algorithm::{Curve, Hash, PublicKey};
use crate::cert::der::Reader;
use crate::cert::pem::base64_lenient;
use crate::name::{PeerName, San};
use crate::secret::Secret;
use crate::verdict::{Cure, Remedy, Sickness};

// What `ca renew` and `reissue` give by default.
const CA_DAYS: u32 = 3650;
const LEAF_DAYS: u32 = 825;

/// Every step that can be tried for a leaf under a trust file and names, the smallest first; none where the CA's own
/// key is at fault. `None` where the CA's certificate cannot be told, or came from yet another CA.
#[must_use]
pub fn remedies(sick: &Sickness<'_>) -> Option<Vec<Remedy>> {
    let Sickness { leaf, trust, names, weak, unsupported, now } = *sick;
    let ca = issuer(leaf, trust)?;
    // What the client cannot do with the CA's key, no certificate by that key mends.
    if !usual_key(ca.public_key()) {
        return (weak || unsupported).then(Vec::new);
    }
    let signer = key()?;
    let standing = stand_in(&ca, &signer)?;
    let renewed = root::renew(&standing, &[], CA_DAYS, now, &serial()?, &signer).ok()?;
    let renewed = Certificate::from_der(&renewed.der).ok()?;
    let mut out = Vec::new();
    let mut push = |cure, ca_now: &Certificate, spki: &[u8]| -> Option<()> {
        let certfile = sign(leaf, names, spki, ca_now, now, &signer)?;
        let trust = in_place_of(&ca, ca_now, trust)?;
        out.push(Remedy { cure, certfile, trust });
        Some(())
    };
    // A stand-in hides a weak signature of the old root: only a renewal mends that.
    if !(weak && matches!(ca.signature_algorithm().hash(), Some(Hash::Md5 | Hash::Sha1))) {
        let _ = push(Cure::Reissue, &standing, leaf.spki_der());
        let _ = push(Cure::Reissue, &standing, key()?.spki_der());
    }
    let _ = push(Cure::RenewCa, &renewed, leaf.spki_der());
    let _ = push(Cure::RenewCa, &renewed, key()?.spki_der());
    Some(out)
}

/// The CA of the trust file that signed the leaf, or the only one there is.
fn issuer(leaf: &Certificate, trust: &[u8]) -> Option<Certificate> {
    let all = crate::cert::load_pem(trust).ok()?;
    let mut named = all.iter().filter(|c| c.subject().der() == leaf.issuer().der());
    let ca = match (named.next(), named.next(), all.as_slice()) {
        (Some(one), None, _) | (None, _, [one]) => one,
        _ => return None,
    };
    (ca.is_self_issued() && ca != leaf).then(|| ca.clone())
}

fn usual_key(key: &PublicKey) -> bool {
    match key {
        PublicKey::Rsa { .. } => key.bits().is_some_and(|b| (2048..=4096).contains(&b)),
        PublicKey::Ec { curve, .. } => matches!(curve, Curve::P256 | Curve::P384),
        _ => false,
    }
}

fn key() -> Option<FileSigner> {
    let made = fresh::generate(KeyKind::P256, &SystemRandom::new()).ok()?;
    FileSigner::from_pkcs8(&Secret::new(made.pkcs8.to_vec())).ok()
}

fn serial() -> Option<Serial> {
    let mut random = Serial::default();
    SystemRandom::new().fill(&mut random).ok()?;
    Some(serial_from(random))
}

/// The CA's certificate with another key: the to-be-signed bytes (RFC 5280 §4.1) with `signature` and
/// `subjectPublicKeyInfo` exchanged.
fn stand_in(ca: &Certificate, signer: &dyn Signer) -> Option<Certificate> {
    let mut fields = Reader::new(ca.tbs()).take(der::tag::SEQUENCE).ok()?.inside();
    let mut body = Vec::new();
    if let Some(version) = fields.optional(0xa0).ok()? {
        body.extend(der::context(0, version.content));
    }
    body.extend(der::tlv(der::tag::INTEGER, &[fields.element().ok()?.content]));
    fields.element().ok()?;
    body.extend(signer.algorithm_der());
    for _ in ["issuer", "validity", "subject"] {
        body.extend(der::tlv(der::tag::SEQUENCE, &[fields.element().ok()?.content]));
    }
    fields.element().ok()?;
    body.extend(signer.spki_der());
    body.extend(fields.rest());
    let sealed = crate::ca::crl::seal(&der::sequence(&[&body]), signer).ok()?;
    Certificate::from_der(&sealed).ok()
}

/// The certificate that `reissue` would make, PEM.
fn sign(
    old: &Certificate,
    names: &[&PeerName],
    spki: &[u8],
    ca: &Certificate,
    now: OffsetDateTime,
    signer: &dyn Signer,
) -> Option<Vec<u8>> {
    let mut sans: Vec<San> = old.sans().to_vec();
    let mut known: HashSet<San> = sans.iter().cloned().collect();
    sans.extend(names.iter().filter_map(|n| from_text(n.as_str())).filter(|san| known.insert(san.clone())));
    if sans.is_empty() {
        return None;
    }
    let what = ServerCertificate {
        subject: old.subject().der(),
        spki,
        sans: &sans,
        validity: Validity::of(now, LEAF_DAYS, ca)?,
        serial: &serial()?,
    };
    let signed = server::sign_server(&what, ca, signer).ok()?;
    Some(server::pem("CERTIFICATE", &signed).into_bytes())
}

/// The trust file with the CA's block exchanged, and every other byte as it was: clients differ in what they take.
fn in_place_of(old: &Certificate, new: &Certificate, file: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(file).ok()?;
    let body = server::pem("", new.der());
    let body = body.lines().filter(|l| !l.starts_with("-----")).collect::<Vec<_>>().join("\n");
    let mut out = String::with_capacity(text.len());
    let mut exchanged = false;
    let mut rest = text;
    while let Some(at) = rest.find("-----END ") {
        let (block, after) = rest.split_at(at);
        match block.rfind("-----\n").or_else(|| block.rfind("-----\r\n").map(|at| at + 1)) {
            Some(start) if holds(&block[start + 6..], old) => {
                out.push_str(&block[..start + 6]);
                out.push_str(&body);
                out.push('\n');
                exchanged = true;
            }
            _ => out.push_str(block),
        }
        let (end, more) = after.split_at(after.find('\n').map_or(after.len(), |n| n + 1));
        out.push_str(end);
        rest = more;
    }
    out.push_str(rest);
    exchanged.then(|| out.into_bytes())
}

fn holds(armoured: &str, certificate: &Certificate) -> bool {
    let bare: Vec<u8> = armoured.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    base64_lenient(&bare).as_deref() == Some(certificate.der())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use mqttcert_fixtures::{CLOCK, Key, Recipe};

    use super::*;

    #[test]
    fn a_stand_in_differs_in_key_and_signature_alone() {
        let key = Key::p256();
        let ca = Recipe::ca("CN=x", &key, CLOCK).self_sign();
        let real = crate::cert::load_pem(ca.pem().as_bytes()).unwrap().remove(0);
        let signer = super::key().unwrap();
        let other = stand_in(&real, &signer).unwrap();
        assert_eq!(other.spki_der(), signer.spki_der());
        assert_eq!(other.extensions(), real.extensions());
        assert_eq!(other.subject().der(), real.subject().der());
        let text = format!("# ours\r\n{}# end", ca.pem().replace('\n', "\r\n"));
        let exchanged = in_place_of(&real, &other, text.as_bytes()).unwrap();
        assert!(exchanged.starts_with(b"# ours\r\n") && exchanged.ends_with(b"# end"));
        assert_eq!(crate::cert::load_pem(&exchanged).unwrap(), [other]);
    }
}
