//! What each library's parser demands of a certificate's form beyond DER: extensions given once, values that can be
//! read, string types of names, one signature algorithm in both places.

use super::checks::{Rule, no};
use super::stack::Parse;
use crate::cert::der::{self, Reader, tag};
use crate::cert::extension::Extension;
use crate::cert::{Attribute, Certificate, Name, oid};
use crate::judgement::ReasonCode;

/// What a library refuses in the form of one certificate, whatever it is used for.
pub(super) fn check(library: Parse, cert: &Certificate) -> Rule {
    let bad = |what: String| no(ReasonCode::Malformed, cert, what);
    if let Some(e) = repeated(library, cert) {
        return bad(format!("the extension {} stands in it twice", oid::describe(&e.oid)));
    }
    if let Some(what) = unreadable(library, cert) {
        return bad(format!("its {what} cannot be read"));
    }
    if !algorithms(library, cert) {
        return bad("the signature algorithm inside differs from the one outside".to_owned());
    }
    for name in [cert.issuer(), cert.subject()] {
        if let Some(what) = odd_name(library, name) {
            return bad(what);
        }
    }
    if matches!(library, Parse::Mbedtls { .. }) && cert.issuer().is_empty() {
        return bad("its issuer is empty".to_owned());
    }
    Ok(())
}

/// An extension that is there more than once although the library allows it only once.
fn repeated(library: Parse, cert: &Certificate) -> Option<&Extension> {
    let once = |e: &Extension| {
        let oid = e.oid.as_slice();
        match library {
            // lib/x509/x509.c _gnutls_check_cert_sanity(); pki/parse_certificate.cc.
            Parse::Gnutls | Parse::Chromium => true,
            // library/x509_crt.c: the types that oid_x509_ext[] knows.
            Parse::Mbedtls { three } => {
                MBEDTLS_TYPES.contains(&oid)
                    || (three && [oid::SUBJECT_KEY_ID, oid::AUTHORITY_KEY_ID].contains(&oid))
            }
            // wolfcrypt/src/asn.c VERIFY_AND_SET_OID().
            Parse::Wolfssl => WOLFSSL_ONCE.contains(&oid),
            _ => false,
        }
    };
    let all = cert.extensions();
    all.iter()
        .enumerate()
        .find(|(i, e)| once(e) && all.iter().take(*i).any(|f| f.oid == e.oid))
        .map(|(_, e)| e)
}

const MBEDTLS_TYPES: [&[u8]; 6] = [
    oid::BASIC_CONSTRAINTS,
    oid::KEY_USAGE,
    oid::EXTENDED_KEY_USAGE,
    oid::SUBJECT_ALT_NAME,
    oid::NETSCAPE_CERT_TYPE,
    oid::CERTIFICATE_POLICIES,
];

const WOLFSSL_ONCE: [&[u8]; 13] = [
    oid::BASIC_CONSTRAINTS,
    oid::CRL_DISTRIBUTION_POINTS,
    oid::AUTHORITY_INFO_ACCESS,
    oid::SUBJECT_ALT_NAME,
    oid::AUTHORITY_KEY_ID,
    oid::SUBJECT_KEY_ID,
    oid::CERTIFICATE_POLICIES,
    oid::KEY_USAGE,
    oid::EXTENDED_KEY_USAGE,
    oid::NAME_CONSTRAINTS,
    oid::INHIBIT_ANY_POLICY,
    oid::OCSP_NO_CHECK,
    oid::POLICY_CONSTRAINTS,
];

/// An extension whose value the library must read and cannot.
fn unreadable(library: Parse, cert: &Certificate) -> Option<&'static str> {
    let malformed = |oid: &[u8]| oid::label(oid).filter(|l| cert.malformed().contains(l));
    let first = cert.malformed().first().copied();
    let policies = cert.extension(oid::CERTIFICATE_POLICIES).map(|e| Policies::read(&e.value));
    let policies_unless = |fine: fn(&Policies) -> bool| {
        policies.as_ref().filter(|p| !fine(p)).and(oid::label(oid::CERTIFICATE_POLICIES))
    };
    match library {
        Parse::Chromium => first
            .or_else(|| policies_unless(|p| p.readable && !p.repeated && !p.oids.is_empty()))
            .or_else(|| cert.key_usage().is_some_and(|u| u.0 == 0).then_some("keyUsage")),
        Parse::Mbedtls { three } => [oid::BASIC_CONSTRAINTS, oid::KEY_USAGE, oid::EXTENDED_KEY_USAGE]
            .into_iter()
            .chain([oid::SUBJECT_ALT_NAME])
            .chain([oid::SUBJECT_KEY_ID, oid::AUTHORITY_KEY_ID].into_iter().filter(|_| three))
            .find_map(malformed)
            .or_else(|| policies_unless(|p| p.readable && !p.oids.is_empty())),
        // Everything else is read when it is needed, and some of it is then passed over.
        Parse::Gnutls => malformed(oid::SUBJECT_ALT_NAME),
        // src/x509/x509_minimal.t0 process-keyUsage.
        Parse::Bearssl => {
            let empty = |e: &Extension| {
                let string = der::whole(&e.value, tag::BIT_STRING).and_then(|t| der::bits(t.content));
                string.map_or(true, |(_, octets)| octets.is_empty())
            };
            let mut usages = cert.extensions().iter().filter(|e| e.oid == oid::KEY_USAGE);
            usages.any(empty).then_some("keyUsage")
        }
        _ => None,
    }
}

/// Whether the two signature algorithms agree as far as the library compares them.
fn algorithms(library: Parse, cert: &Certificate) -> bool {
    if cert.algorithms_agree() {
        return true;
    }
    let (inner, outer) = (Algorithm::read(cert.inner_algorithm_der()), Algorithm::read(cert.algorithm_der()));
    match library {
        Parse::Chromium => false,
        // Type and content of the parameters, however their lengths are written.
        Parse::Mbedtls { .. } => {
            let parts = |a: &Algorithm<'_>| {
                Reader::new(a.written).element().ok().map(|t| (t.tag, t.content.to_vec()))
            };
            inner.oid == outer.oid && parts(&inner) == parts(&outer)
        }
        // Parameters NULL and no parameters are the same.
        Parse::Gnutls => inner.oid == outer.oid && inner.parameters == outer.parameters,
        Parse::Wolfssl => inner.oid == outer.oid,
        _ => true,
    }
}

/// Whether both signature algorithms have the same identifier and the same parameters, as octets.
pub(super) fn algorithms_equal(cert: &Certificate) -> bool {
    cert.algorithms_agree()
}

struct Algorithm<'a> {
    oid: &'a [u8],
    parameters: &'a [u8],
    written: &'a [u8],
}

impl<'a> Algorithm<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        let mut fields = match Reader::new(bytes).take(tag::SEQUENCE) {
            Ok(whole) => whole.inside(),
            Err(_) => Reader::new(&[]),
        };
        let oid = fields.take(tag::OID).map(|t| t.content).unwrap_or_default();
        let rest = fields.rest();
        Self { oid, parameters: if rest == [tag::NULL, 0] { &[] } else { rest }, written: rest }
    }
}

/// What the library's parser finds wrong with a name.
fn odd_name(library: Parse, name: &Name) -> Option<String> {
    let fine = |a: &Attribute| match library {
        // library/x509.c x509_get_attr_type_value().
        Parse::Mbedtls { .. } => matches!(
            a.tag,
            tag::BMP_STRING
                | tag::UTF8_STRING
                | tag::T61_STRING
                | tag::PRINTABLE_STRING
                | tag::IA5_STRING
                | tag::UNIVERSAL_STRING
                | tag::BIT_STRING
        ),
        _ => true,
    };
    let odd = name.attributes().iter().find(|a| !fine(a))?;
    Some(format!("the value of {} in a name cannot be read", oid::describe(&odd.oid)))
}

/// certificatePolicies (RFC 5280 §4.2.1.4).
pub(super) struct Policies {
    /// The identifiers.
    pub(super) oids: Vec<Vec<u8>>,
    /// Whether the value is a list of policies.
    pub(super) readable: bool,
    /// Whether one stands there twice.
    pub(super) repeated: bool,
    /// Whether a policy has qualifiers.
    pub(super) qualified: bool,
}

impl Policies {
    /// Reads an extension's value.
    pub(super) fn read(value: &[u8]) -> Self {
        let mut found = Self { oids: Vec::new(), readable: false, repeated: false, qualified: false };
        found.readable = found.fill(value).is_ok();
        found
    }

    fn fill(&mut self, value: &[u8]) -> Result<(), der::DerError> {
        let mut list = der::whole(value, tag::SEQUENCE)?.inside();
        while !list.is_empty() {
            let mut policy = list.take(tag::SEQUENCE)?.inside();
            let oid = policy.take(tag::OID)?.content.to_vec();
            self.qualified |= policy.optional(tag::SEQUENCE)?.is_some();
            policy.finish()?;
            self.repeated |= self.oids.contains(&oid);
            self.oids.push(oid);
        }
        Ok(())
    }
}
