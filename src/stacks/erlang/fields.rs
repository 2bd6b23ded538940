//! `dec_OTPCertificate`: the fields of a certificate, its names and its key.

use super::super::checks::{Rule, no};
use super::super::stack::Parse;
use super::super::times;
use super::tree::{Node, next, optional};
use super::values;
use crate::cert::ber;
use crate::cert::{Certificate, oid};
use crate::judgement::ReasonCode;

/// Whether Erlang decodes the certificate; of an anchor the signature is not looked at.
pub(in super::super) fn certificate(cert: &Certificate, anchor: bool) -> Rule {
    for date in [cert.validity().0, cert.validity().1] {
        if times::read(Parse::Erlang, date).is_none() {
            let what = format!("its date {} cannot be read", date.as_written());
            return no(ReasonCode::BadTime, cert, what);
        }
    }
    let der = ber::definite(cert.der()).map(|(der, _)| der).unwrap_or_default();
    match Node::whole(&der).map_or(Err("it is not made of elements"), |whole| read(&whole, anchor)) {
        Ok(()) => Ok(()),
        Err(what) => no(ReasonCode::Malformed, cert, format!("Erlang cannot decode it: {what}")),
    }
}

type Read = Result<(), &'static str>;

fn read(whole: &Node<'_>, anchor: bool) -> Read {
    let shape = "its fields";
    let outer = whole.list(0x10).ok_or(shape)?;
    let [tbs, outside, signature] = outer.as_slice() else { return Err(shape) };
    let members = tbs.list(0x10).ok_or(shape)?;
    let mut rest = members.as_slice();
    if let Some(version) = optional(&mut rest, 0x80) {
        match version.children().as_deref() {
            Some([number]) if number.primitive(2).is_some() => {}
            _ => return Err("its version"),
        }
    }
    let mut field = || next(&mut rest).ok_or(shape);
    field()?.primitive(2).ok_or("its serial number")?;
    signature_algorithm(&field()?).ok_or("its signature algorithm")?;
    name(&field()?, true).ok_or("its issuer")?;
    match field()?.list(0x10).as_deref() {
        Some([from, until]) if [from, until].iter().all(|d| matches!(d.number, 0x17 | 0x18)) => {}
        _ => return Err("its dates"),
    }
    name(&field()?, true).ok_or("its subject")?;
    key(&field()?).ok_or("its public key")?;
    for id in [0x81, 0x82] {
        if let Some(id) = optional(&mut rest, id) {
            bit_string(&id).ok_or("a unique identifier")?;
        }
    }
    if let Some(list) = optional(&mut rest, 0x83) {
        let list = list.children().ok_or("its extensions")?;
        let [list] = list.as_slice() else { return Err("its extensions") };
        for extension in list.list(0x10).ok_or("its extensions")? {
            member(&extension)?;
        }
    }
    if !rest.is_empty() {
        return Err(shape);
    }
    signature_algorithm(outside).ok_or("its signature algorithm")?;
    let bits = if signature.number == 3 { bit_string(signature) } else { None };
    match bits.ok_or("its signature")? {
        0 => Ok(()),
        _ if anchor => Ok(()),
        _ => Err("its signature has unused bits"),
    }
}

/// A BIT STRING's count of unused bits.
fn bit_string(node: &Node<'_>) -> Option<u8> {
    let octets = node.octets()?;
    let (unused, bits) = octets.split_first()?;
    (usize::from(*unused) <= bits.len() * 8).then_some(*unused)
}

fn member(extension: &Node<'_>) -> Read {
    let shape = "an extension";
    let members = extension.list(0x10).ok_or(shape)?;
    let mut rest = members.as_slice();
    let oid = next(&mut rest).and_then(|n| n.identifier()).ok_or(shape)?;
    if optional(&mut rest, 1).is_some_and(|b| b.constructed || b.content.len() != 1) {
        return Err(shape);
    }
    let value = next(&mut rest).filter(|n| n.number == 4).and_then(|n| n.octets()).ok_or(shape)?;
    if !rest.is_empty() {
        return Err(shape);
    }
    if values::value(oid, &value) { Ok(()) } else { Err(oid::label(oid).unwrap_or(shape)) }
}

/// Object identifier and parameters, as they stand.
fn algorithm<'a>(node: &Node<'a>) -> Option<(&'a [u8], Option<Node<'a>>)> {
    match node.list(0x10)?.as_slice() {
        [oid] => Some((oid.identifier()?, None)),
        [oid, parameters] => Some((oid.identifier()?, Some(*parameters))),
        _ => None,
    }
}

fn null(node: &Node<'_>) -> bool {
    node.primitive(5).is_some_and(<[u8]>::is_empty)
}

/// `EcpkParameters`; written-out curves are not followed.
fn curve(node: &Node<'_>) -> bool {
    node.identifier().is_some() || null(node) || node.list(0x10).is_some_and(|l| l.len() >= 5)
}

/// Parameters must be those of an algorithm that is known; without any, every algorithm is decoded.
fn signature_algorithm(node: &Node<'_>) -> Option<()> {
    let (oid, parameters) = algorithm(node)?;
    let Some(parameters) = parameters else { return Some(()) };
    let fine = match oid {
        oid::MD2_RSA
        | oid::MD5_RSA
        | oid::SHA1_RSA
        | oid::SHA224_RSA
        | oid::SHA256_RSA
        | oid::SHA384_RSA
        | oid::SHA512_RSA => null(&parameters),
        oid::RSA_PSS => parameters.list(0x10).is_some(),
        oid::ECDSA_SHA1 | oid::ECDSA_SHA224 | oid::ECDSA_SHA256 | oid::ECDSA_SHA384 | oid::ECDSA_SHA512 => {
            curve(&parameters)
        }
        _ => false,
    };
    fine.then_some(())
}

fn key(node: &Node<'_>) -> Option<()> {
    let members = node.list(0x10)?;
    let [kind, string] = members.as_slice() else { return None };
    let (oid, parameters) = algorithm(kind)?;
    let fine = match (oid, parameters) {
        (oid::RSA, Some(parameters)) => null(&parameters),
        (oid::RSA_PSS, Some(parameters)) => parameters.list(0x10).is_some(),
        (oid::EC, Some(parameters)) => curve(&parameters),
        (_, Some(_)) => false,
        (oid::RSA | oid::RSA_PSS | oid::EC | oid::ED25519 | oid::ED448, None) => true,
        (_, None) => false,
    };
    let unused = if string.number == 3 { bit_string(string)? } else { return None };
    if !fine || unused != 0 {
        return None;
    }
    if matches!(oid, oid::RSA | oid::RSA_PSS) {
        let octets = string.octets()?;
        // What stands behind the numbers is not looked at.
        let (der, _) = ber::definite(octets.get(1..)?)?;
        match Node::whole(&der)?.list(0x10)?.as_slice() {
            [n, e] => n.primitive(2).and(e.primitive(2)).map(drop)?,
            _ => return None,
        }
    }
    Some(())
}

/// Whether the parameters of the key are absent.
pub(super) fn without_parameters(cert: &Certificate) -> bool {
    let Some(spki) = Node::whole(cert.spki_der()).and_then(|n| n.list(0x10)) else { return false };
    spki.first().and_then(algorithm).is_some_and(|(_, parameters)| parameters.is_none())
}

/// A Name, with the strings of its attributes (`pubkey_cert_records:transform/2`) or without.
pub(super) fn name(node: &Node<'_>, strings: bool) -> Option<()> {
    node.list(0x10)?.iter().try_for_each(|set| set.list(0x11)?.iter().try_for_each(|p| pair(p, strings)))
}

/// One attribute.
pub(super) fn pair(node: &Node<'_>, strings: bool) -> Option<()> {
    let members = node.list(0x10)?;
    let [kind, value] = members.as_slice() else { return None };
    let kind = kind.identifier()?;
    (!strings || attribute(kind, value)).then_some(())
}

const NAME: &[u8] = b"\x55\x04\x29";
const TITLE: &[u8] = b"\x55\x04\x0c";
const GIVEN_NAME: &[u8] = b"\x55\x04\x2a";
const INITIALS: &[u8] = b"\x55\x04\x2b";
const GENERATION: &[u8] = b"\x55\x04\x2c";
const QUALIFIER: &[u8] = b"\x55\x04\x2e";
const PSEUDONYM: &[u8] = b"\x55\x04\x41";

/// The value of an attribute that has a type; any other is not looked at.
fn attribute(kind: &[u8], value: &Node<'_>) -> bool {
    let between =
        |least: usize, most: usize| value.octets().is_some_and(|o| (least..=most).contains(&o.len()));
    let plain = || value.octets().is_some();
    match kind {
        NAME | oid::SURNAME | GIVEN_NAME | INITIALS | GENERATION => text(value, 32768),
        oid::COMMON_NAME | oid::LOCALITY | oid::STATE | oid::ORGANIZATION | oid::UNIT | TITLE | PSEUDONYM => {
            text(value, 64)
        }
        oid::COUNTRY => match value.number {
            0x13 => between(2, 3),
            0x0c => plain(),
            _ => false,
        },
        oid::SERIAL_NUMBER => value.number == 0x13 && between(1, 64),
        QUALIFIER => value.number == 0x13 && plain(),
        oid::DOMAIN_COMPONENT => value.number == 0x16 && plain(),
        oid::EMAIL => match value.number {
            0x16 => between(1, 255),
            0x0c => plain(),
            _ => false,
        },
        _ => true,
    }
}

/// A DirectoryString of at most twice this many octets, or four times as many characters in the wide types, which OTP
/// allows beyond the standard; UTF-8 has no bounds.
pub(super) fn text(value: &Node<'_>, bound: usize) -> bool {
    let Some(octets) = value.octets() else { return false };
    let within = |length: usize, most: usize| (1..=most).contains(&length);
    match value.number {
        0x14 | 0x13 => within(octets.len(), bound.saturating_mul(2)),
        0x1c => octets.len().is_multiple_of(4) && within(octets.len() / 4, bound.saturating_mul(4)),
        0x1e => octets.len().is_multiple_of(2) && within(octets.len() / 2, bound.saturating_mul(4)),
        0x0c => true,
        _ => false,
    }
}
