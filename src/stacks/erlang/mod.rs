//! What Erlang's public_key makes of a certificate: `'OTP-PUB-KEY':decode('OTPCertificate', …)` and
//! `pubkey_cert_records:decode_tbs/1`, rule by rule from OTP 25 (public_key 1.13.2) and measured with it.

mod constraints;
mod fields;
mod tree;
mod values;

pub(super) use self::constraints::violation;
pub(super) use self::fields::certificate;
use self::tree::Node;
use super::checks::{Rule, no};
use super::path::fits;
use super::stack::Stack;
use super::trust::Anchor;
use crate::cert::algorithm::PublicKey;
use crate::cert::ber;
use crate::cert::der::{Reader, tag};
use crate::cert::extension::Extension;
use crate::cert::{Certificate, oid};
use crate::judgement::ReasonCode;
use crate::name::San;

/// The certificate with the extensions as Erlang has understood them: the first element of a value in any BER, strings
/// in pieces put together, and of keyUsage the bits that count.
pub(super) fn view(cert: &Certificate) -> Certificate {
    let seen: Vec<Extension> = cert.extensions().iter().map(understood).collect();
    if seen == cert.extensions() { cert.clone() } else { cert.with_extensions(seen) }
}

fn understood(extension: &Extension) -> Extension {
    let Some((value, _)) = ber::definite(&extension.value) else { return extension.clone() };
    let value = match extension.oid.as_slice() {
        oid::KEY_USAGE => usage(&value).unwrap_or(value),
        oid::SUBJECT_ALT_NAME => names(&value).unwrap_or(value),
        _ => value,
    };
    Extension { value, ..extension.clone() }
}

/// keyUsage without its unused bits; eight of them drop an octet.
fn usage(value: &[u8]) -> Option<Vec<u8>> {
    let content = Reader::new(value).take(tag::BIT_STRING).ok()?.content;
    let (unused, octets) = content.split_first()?;
    let mut octets = octets.to_vec();
    if let Some(last) = octets.last_mut() {
        *last &= 0xffu16.checked_shl(u32::from(*unused)).unwrap_or(0) as u8;
    }
    let length = u8::try_from(octets.len() + 1).ok()?;
    Some([&[tag::BIT_STRING, length, 0], octets.as_slice()].concat())
}

/// subjectAltName with its strings in one piece each.
fn names(value: &[u8]) -> Option<Vec<u8>> {
    let list = Node::whole(value)?;
    let members = list.children()?;
    if !members.iter().any(|m| m.constructed && matches!(m.number, 0x81 | 0x82 | 0x86 | 0x87)) {
        return None;
    }
    let mut indefinite = vec![tag::SEQUENCE, 0x80];
    for member in members {
        match member.number {
            0x81 | 0x82 | 0x86 | 0x87 => {
                let text = member.octets()?;
                indefinite.push(member.number);
                indefinite.push(0x84);
                indefinite.extend(u32::try_from(text.len()).ok()?.to_be_bytes());
                indefinite.extend(text);
            }
            _ => indefinite.extend(member.raw),
        }
    }
    indefinite.extend([0, 0]);
    ber::definite(&indefinite).map(|(der, _)| der)
}

/// `pubkey_cert:validate_extensions/7`: a critical subjectAltName must hold a name that it knows.
pub(super) fn known_names(cert: &Certificate) -> Rule {
    let critical = cert.extension(oid::SUBJECT_ALT_NAME).is_some_and(|e| e.critical);
    let known = |s: &San| match s {
        San::Dns(n) | San::Email(n) => !n.is_empty(),
        San::Uri(_) | San::Directory(_) => true,
        San::Ip(_) | San::Other(..) => false,
    };
    if critical && !cert.sans().iter().any(known) {
        let what = "its critical subjectAltName holds no name that Erlang knows";
        return no(ReasonCode::CriticalExtension, cert, what);
    }
    Ok(())
}

/// `pubkey_cert:verify_signature/4`: the parameters of an RSA issuer must be NULL, or those of the issuer above.
pub(super) fn issuers(path: &[&Certificate]) -> Rule {
    let mut above: Option<bool> = None;
    for cert in path.iter().skip(1).rev() {
        let rsa = matches!(cert.public_key(), PublicKey::Rsa { pss: false, .. });
        if rsa && fields::without_parameters(cert) && above != Some(true) {
            let what = "its RSA key has no parameters, without which Erlang checks no signature";
            return no(ReasonCode::UnsupportedAlgorithm, cert, what);
        }
        above = Some(rsa);
    }
    Ok(())
}

/// Whether names alone lead from the leaf over what was sent to an anchor.
pub(super) fn leads_to_anchor(
    stack: &Stack,
    leaf: &Certificate,
    rest: &[Certificate],
    anchors: &[Anchor],
) -> bool {
    let mut reached = vec![leaf];
    let mut at = 0;
    while let Some(tip) = reached.get(at).copied() {
        if anchors.iter().any(|a| a.cert.is_self_issued() && fits(stack, &a.cert, tip)) {
            return true;
        }
        let more = rest.iter().filter(|c| fits(stack, c, tip) && !reached.contains(c));
        let more: Vec<&Certificate> = more.collect();
        reached.extend(more);
        at += 1;
    }
    false
}
