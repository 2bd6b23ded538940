//! What single libraries demand of a certificate beyond the data of their stack.

use super::checks::{Rule, no};
use super::stack::{Parse, Stack};
use super::{gnutls, nss};
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
    match stack.parse {
        // lib/x509/verify.c verify_crt(): errors that are passed over in the server certificate.
        Parse::Gnutls => gnutls::issuer(cert),
        // src/ssl.c AddCA(): an intermediate must say that it signs.
        Parse::Wolfssl if !anchor && !cert.is_self_issued() && !signs => {
            no(ReasonCode::NotACa, cert, "its keyUsage does not hold keyCertSign")
        }
        Parse::Nss => nss::issuer(cert, anchor),
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
