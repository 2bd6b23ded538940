//! What single libraries demand of a certificate beyond the data of their stack.

use super::checks::{Rule, netscape, no};
use super::stack::{Parse, Stack};
use crate::cert::extension::{self, Extension, KeyUsage};
use crate::cert::{Certificate, oid};
use crate::judgement::ReasonCode;

/// What single libraries demand of the leaf beyond the data of their stack.
pub(super) fn leaf(stack: &Stack, cert: &Certificate) -> Rule {
    let all = |oid: &'static [u8]| cert.extensions().iter().filter(move |e| e.oid == oid);
    match stack.parse {
        // src/x509/x509_minimal.t0 process-SAN: each of them is read.
        Parse::Bearssl
            if all(oid::SUBJECT_ALT_NAME).any(|e| extension::alternative_names(&e.value).is_err()) =>
        {
            no(ReasonCode::Malformed, cert, "its subjectAltName cannot be read")
        }
        // pubkey_cert:validate_extensions/7 goes through all of them.
        Parse::Erlang => {
            let foreign = |e: &Extension| {
                extension::purposes(&e.value).map_or(true, |list| !list.iter().any(|p| p == oid::EKU_SERVER))
            };
            if all(oid::EXTENDED_KEY_USAGE).any(foreign) {
                return no(ReasonCode::Purpose, cert, "an extendedKeyUsage of it lacks serverAuth");
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// What single libraries demand of an issuer beyond the data of their stack.
pub(super) fn issuer(stack: &Stack, cert: &Certificate, anchor: bool) -> Rule {
    let usage = cert.key_usage();
    let signs = usage.is_some_and(|u| u.any(KeyUsage::KEY_CERT_SIGN));
    let unreadable = |oid: &[u8]| {
        cert.extension(oid).is_some() && cert.malformed().iter().any(|m| oid::label(oid) == Some(m))
    };
    match stack.parse {
        // lib/x509/verify.c verify_crt(): errors that are passed over in the server certificate.
        Parse::Gnutls if unreadable(oid::KEY_USAGE) || unreadable(oid::NAME_CONSTRAINTS) => {
            no(ReasonCode::Malformed, cert, "an extension of it cannot be read")
        }
        Parse::Gnutls if unreadable(oid::BASIC_CONSTRAINTS) => {
            no(ReasonCode::NotACa, cert, "its basicConstraints cannot be read")
        }
        // src/ssl.c AddCA(): an intermediate must say that it signs.
        Parse::Wolfssl if !anchor && !cert.is_self_issued() && !signs => {
            no(ReasonCode::NotACa, cert, "its keyUsage does not hold keyCertSign")
        }
        // lib/certdb/certdb.c: with extendedKeyUsage or a Netscape type, one of their uses must be known.
        Parse::Nss if !anchor && nss_types(cert) == 0 => {
            no(ReasonCode::Purpose, cert, "NSS knows none of its extended uses")
        }
        Parse::Nss if !anchor && nss_types(cert) & 0x07 != 0 && nss_types(cert) & 0x04 == 0 => {
            no(ReasonCode::Purpose, cert, "its extended uses make it a CA for something else than TLS")
        }
        // pubkey_cert:is_digitally_sign_cert/1: only keyCertSign makes basicConstraints necessary.
        Parse::Erlang if !anchor && usage.is_some() => {
            let ca = cert.basic_constraints().is_some_and(|b| b.ca);
            let v1 = cert.version().is_none_or(|v| v < 3);
            if v1 || (signs && ca) {
                return Ok(());
            }
            no(ReasonCode::NotACa, cert, "it has keyUsage, and is no CA or may not sign certificates")
        }
        _ => Ok(()),
    }
}

/// `cert_ComputeCertType` of NSS's lib/certdb/certdb.c: the Netscape type's bits with those that extendedKeyUsage adds.
pub(super) fn nss_types(cert: &Certificate) -> u16 {
    let ca = cert.basic_constraints().is_some_and(|b| b.ca);
    let typed = netscape(cert);
    let purposes = cert.extended_key_usage();
    if typed.is_none() && purposes.is_none() {
        return if ca { 0x46 } else { 0x40 };
    }
    let adds: &[(&[u8], u16, u16)] = &[
        (oid::EKU_SERVER, 0x04, 0x40),
        (oid::EKU_NETSCAPE_SGC, 0x04, 0x40),
        (oid::EKU_CLIENT, 0x04, 0x80),
        (oid::EKU_EMAIL, 0x02, 0x20),
        (oid::EKU_CODE, 0x01, 0x10),
        (oid::EKU_TIME, 0x100, 0x100),
        (oid::EKU_OCSP, 0x200, 0x200),
    ];
    let has = |oid: &[u8]| purposes.is_some_and(|list| list.iter().any(|p| p == oid));
    let added =
        adds.iter().filter(|(oid, ..)| has(oid)).map(|(_, as_ca, as_end)| if ca { as_ca } else { as_end });
    added.fold(u16::from(typed.unwrap_or(0)), |bits, bit| bits | bit)
}
