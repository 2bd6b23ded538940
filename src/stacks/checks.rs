//! What a stack demands of one certificate: as a CA, as the leaf, of its key, its digest and its dates.

use time::{Duration, OffsetDateTime};

use super::stack::{
    Algorithms, CaRules, GoVersion, LeafUsage, Netscape, NoBasicConstraints, Parse, Purpose, RsaFloor, Stack,
};
use super::{erlang, gnutls, go, java, mbedtls, nss, own, times};
use crate::cert::algorithm::{Curve, Hash, PublicKey, SignatureAlgorithm};
use crate::cert::extension::KeyUsage;
use crate::cert::{Certificate, oid};
use crate::judgement::{Reason, ReasonCode, told_time};
use crate::stack_id::StackId;

/// A rule that a certificate breaks.
pub(super) type Rule = Result<(), Reason>;

/// A refusal with its evidence.
pub(super) fn no(code: ReasonCode, cert: &Certificate, what: impl AsRef<str>) -> Rule {
    Err(Reason::new(code, format!("{}: {}", who(cert), what.as_ref())))
}

/// How a certificate is named in evidence.
pub(super) fn who(cert: &Certificate) -> String {
    match cert.subject().display() {
        empty if empty.is_empty() => "certificate without a subject".to_owned(),
        subject => format!("certificate {subject}"),
    }
}

/// Whether a certificate may issue others.
pub(super) fn may_issue(rules: &CaRules, cert: &Certificate, anchor: bool) -> Rule {
    let usage = cert.key_usage();
    match cert.basic_constraints() {
        Some(bc) if !bc.ca && !rules.ca_false => {
            return no(ReasonCode::NotACa, cert, "basicConstraints says that it is no CA");
        }
        None if cert.version().is_none_or(|v| v < 3) => {
            if !rules.v1 || (anchor && !cert.is_self_issued()) {
                return no(ReasonCode::NotACa, cert, "an X.509 v1 certificate cannot say that it is a CA");
            }
        }
        None => match rules.no_basic_constraints {
            NoBasicConstraints::Accepted => {}
            NoBasicConstraints::NeedsUsage if usage.is_some_and(|u| u.any(KeyUsage::KEY_CERT_SIGN)) => {}
            NoBasicConstraints::NeedsUsage
                if usage.is_none() && netscape(cert).is_some_and(|n| n & 0x07 != 0) => {}
            _ => return no(ReasonCode::NotACa, cert, "it has no basicConstraints"),
        },
        Some(_) => {}
    }
    if rules.key_usage && usage.is_some_and(|u| !u.any(KeyUsage::KEY_CERT_SIGN)) {
        return no(ReasonCode::NotACa, cert, "its keyUsage lacks keyCertSign");
    }
    if rules.critical {
        known_critical(Parse::Openssl, cert)?;
    }
    Ok(())
}

/// The Netscape certificate type's bits, if the extension is there.
pub(super) fn netscape(cert: &Certificate) -> Option<u8> {
    let value = &cert.extension(oid::NETSCAPE_CERT_TYPE)?.value;
    Some(value.get(3).copied().unwrap_or(0))
}

/// Whether every critical extension is one that the library knows.
pub(super) fn known_critical(library: Parse, cert: &Certificate) -> Rule {
    if let Parse::Go(version) = library {
        return go::known_critical(version, cert);
    }
    if library == Parse::Erlang {
        erlang::known_names(cert)?;
    }
    let usual: &[&[u8]] = &[
        oid::BASIC_CONSTRAINTS,
        oid::KEY_USAGE,
        oid::SUBJECT_ALT_NAME,
        oid::EXTENDED_KEY_USAGE,
        oid::NAME_CONSTRAINTS,
        oid::CERTIFICATE_POLICIES,
    ];
    let more: &[&[u8]] = match library {
        // OpenSSL 3.0 crypto/x509/v3_purp.c X509_supported_extension: the key identifiers are not among them.
        Parse::Openssl | Parse::S2n => &[
            oid::NETSCAPE_CERT_TYPE,
            oid::POLICY_CONSTRAINTS,
            oid::POLICY_MAPPINGS,
            oid::INHIBIT_ANY_POLICY,
            oid::CRL_DISTRIBUTION_POINTS,
            oid::PROXY_CERT_INFO,
            oid::OCSP_NO_CHECK,
            oid::IP_ADDR_BLOCKS,
            oid::AS_IDS,
        ],
        // PKIXMasterCertPathValidator: what ConstraintsChecker, KeyChecker and PolicyChecker say that they handle.
        Parse::Java => &[oid::POLICY_CONSTRAINTS, oid::POLICY_MAPPINGS, oid::INHIBIT_ANY_POLICY],
        // lib/util/secoid.c: what is SUPPORTED_CERT_EXTENSION there.
        Parse::Nss => &[
            oid::SUBJECT_KEY_ID,
            oid::AUTHORITY_KEY_ID,
            oid::AUTHORITY_INFO_ACCESS,
            oid::NETSCAPE_CERT_TYPE,
            oid::NETSCAPE_COMMENT,
            oid::OCSP_NO_CHECK,
        ],
        // wolfcrypt/src/asn.c DecodeExtensionType(): a critical key identifier is an error of its own.
        Parse::Wolfssl => &[
            oid::CRL_DISTRIBUTION_POINTS,
            oid::AUTHORITY_INFO_ACCESS,
            oid::SUBJECT_INFO_ACCESS,
            oid::INHIBIT_ANY_POLICY,
            oid::NETSCAPE_CERT_TYPE,
            oid::OCSP_NO_CHECK,
            oid::POLICY_CONSTRAINTS,
        ],
        Parse::Mbedtls { three: false } => &[oid::NETSCAPE_CERT_TYPE],
        Parse::Mbedtls { three: true } => {
            &[oid::SUBJECT_KEY_ID, oid::AUTHORITY_KEY_ID, oid::NETSCAPE_CERT_TYPE]
        }
        Parse::Gnutls => {
            // lib/x509/supported_exts.gperf
            &[
                oid::TLS_FEATURE,
                oid::INHIBIT_ANY_POLICY,
                oid::AUTHORITY_KEY_ID,
                oid::SUBJECT_KEY_ID,
                oid::ISSUER_ALT_NAME,
                oid::CRL_DISTRIBUTION_POINTS,
                oid::AUTHORITY_INFO_ACCESS,
                oid::PROXY_CERT_INFO,
            ]
        }
        Parse::Chromium => &[oid::POLICY_CONSTRAINTS, oid::INHIBIT_ANY_POLICY, oid::POLICY_MAPPINGS],
        // src/x509/x509_minimal.t0: passed over, even if critical.
        Parse::Bearssl => &[
            oid::SUBJECT_KEY_ID,
            oid::AUTHORITY_KEY_ID,
            oid::ISSUER_ALT_NAME,
            oid::SUBJECT_DIRECTORY_ATTRIBUTES,
            oid::CRL_DISTRIBUTION_POINTS,
            oid::FRESHEST_CRL,
            oid::AUTHORITY_INFO_ACCESS,
            oid::SUBJECT_INFO_ACCESS,
        ],
        // pubkey_cert:validate_extensions/7 hands everything else to ssl, which knows extendedKeyUsage alone.
        Parse::Erlang | Parse::Webpki | Parse::Go(_) => &[],
    };
    let less: &[&[u8]] = match library {
        Parse::Mbedtls { .. } => &[oid::NAME_CONSTRAINTS],
        Parse::Bearssl => &[oid::NAME_CONSTRAINTS, oid::EXTENDED_KEY_USAGE],
        Parse::Nss | Parse::Erlang => &[oid::CERTIFICATE_POLICIES],
        _ => &[],
    };
    for e in cert.extensions().iter().filter(|e| e.critical) {
        let oid = e.oid.as_slice();
        if less.contains(&oid) || !(usual.contains(&oid) || more.contains(&oid)) {
            return no(
                ReasonCode::CriticalExtension,
                cert,
                format!(
                    "it has the critical extension {}, which the stack does not know",
                    oid::describe(oid)
                ),
            );
        }
    }
    Ok(())
}

/// Whether the dates hold at `now`.
pub(super) fn dates(stack: &Stack, cert: &Certificate, now: OffsetDateTime) -> Rule {
    if !stack.path.dates {
        return Ok(());
    }
    if stack.parse == Parse::Wolfssl {
        return super::wolfssl::dates(cert, now);
    }
    let slop = Duration::seconds(stack.path.slop);
    let (from, until) = cert.validity();
    let both = match stack.parse {
        Parse::Java => (from.rolling(), until.rolling()),
        library => (times::read(library, from), times::read(library, until)),
    };
    let (Some(from), Some(until)) = both else {
        return no(ReasonCode::BadTime, cert, "a date of its validity cannot be read");
    };
    if from.checked_sub(slop).is_some_and(|t| now < t) {
        return no(ReasonCode::NotYetValid, cert, format!("it is valid from {} on", told_time(from)));
    }
    if until.checked_add(slop).is_some_and(|t| now > t) {
        return no(ReasonCode::Expired, cert, format!("it was valid until {}", told_time(until)));
    }
    Ok(())
}

/// Whether the public key is long enough and of a kind that the stack takes in a certificate.
pub(super) fn key(stack: &Stack, cert: &Certificate, issuer: bool) -> Rule {
    let a = &stack.algorithms;
    let weak = |what: String| no(ReasonCode::WeakAlgorithm, cert, what);
    let foreign = || {
        let kind = cert.public_key().display();
        no(ReasonCode::UnsupportedAlgorithm, cert, format!("the stack does not take {kind}"))
    };
    match cert.public_key() {
        // RSAKeyFactory.checkRSAProviderEncoding: Java wants an exponent of 3 at least.
        PublicKey::Rsa { e, .. } if stack.parse == Parse::Java && matches!(e.as_slice(), [] | [1 | 2]) => {
            no(ReasonCode::UnsupportedAlgorithm, cert, "the exponent of its RSA key is under 3")
        }
        PublicKey::Rsa { n, e, .. }
            if matches!(stack.parse, Parse::Mbedtls { .. }) && !mbedtls::usable(n, e) =>
        {
            no(ReasonCode::Malformed, cert, "Mbed TLS does not take the exponent or modulus of its RSA key")
        }
        PublicKey::Rsa { n, e, .. } if stack.parse == Parse::Go(GoVersion::V1_27) && !go::usable(n, e) => {
            no(ReasonCode::UnsupportedAlgorithm, cert, "crypto/rsa does not take its exponent or modulus")
        }
        PublicKey::Rsa { n, .. } => {
            let bits = cert.public_key().bits().unwrap_or(0);
            let short = match a.rsa {
                RsaFloor::Bits(floor) => bits < floor,
                RsaFloor::Octets(floor) => n.len() < floor,
                RsaFloor::Strength(floor) => rsa_strength(bits) < floor,
            };
            if short {
                return weak(format!("its RSA key of {bits} bits is too short"));
            }
            if bits > a.rsa_max {
                return no(
                    ReasonCode::UnsupportedAlgorithm,
                    cert,
                    format!("its RSA key of {bits} bits is too long"),
                );
            }
            Ok(())
        }
        PublicKey::Ec { curve, .. } if issuer => match curve {
            Curve::P256 | Curve::P384 => Ok(()),
            Curve::P521 if a.p521 => Ok(()),
            Curve::K256 if a.k256 => Ok(()),
            Curve::Bp256 | Curve::Bp384 | Curve::Bp512 if a.brainpool => Ok(()),
            _ => foreign(),
        },
        PublicKey::Ed25519(_) if issuer && !a.ed25519 => foreign(),
        PublicKey::Ed448(_) if issuer && !a.ed448 => foreign(),
        PublicKey::Malformed => no(ReasonCode::Malformed, cert, "its public key cannot be read"),
        PublicKey::Other(_) => foreign(),
        _ => Ok(()),
    }
}

/// Whether the digest of its signature is taken.
pub(super) fn digest(a: &Algorithms, cert: &Certificate) -> Rule {
    let fine = match cert.signature_algorithm().hash() {
        Some(Hash::Md5) => a.md5,
        Some(Hash::Sha1) => a.sha1,
        Some(Hash::Sha224) => a.sha224,
        _ => true,
    };
    let signed = cert.signature_algorithm().display();
    if !fine {
        return no(
            ReasonCode::WeakAlgorithm,
            cert,
            format!("it is signed by {signed}, which the stack refuses"),
        );
    }
    if matches!(cert.signature_algorithm(), SignatureAlgorithm::RsaPss { .. }) && !a.pss {
        return no(ReasonCode::UnsupportedAlgorithm, cert, format!("it is signed by {signed}"));
    }
    Ok(())
}

/// OpenSSL's estimate of an RSA key's strength (`ossl_ifc_ffc_compute_security_bits`, SP 800-56B appendix D).
fn rsa_strength(bits: usize) -> u32 {
    match bits {
        2048 => 112,
        3072 => 128,
        4096 => 152,
        n if n < 8 => 0,
        n if n > 15360 => 256,
        n => {
            let x = n as f64 * std::f64::consts::LN_2;
            let y = (1.923 * (x * x.ln() * x.ln()).cbrt() - 4.69) / std::f64::consts::LN_2;
            ((y as u32) + 4) & !7
        }
    }
}

/// What is demanded of the leaf besides name, dates and signature.
pub(super) fn leaf(stack: &Stack, cert: &Certificate) -> Rule {
    let rules = &stack.leaf;
    // curl 7.88 lib/vtls/openssl.c ossl_servercert: X509_NAME_print_ex of nothing counts as a failure.
    if stack.id == StackId::Curl && cert.issuer().is_empty() {
        return no(ReasonCode::Malformed, cert, "its issuer is empty, and libcurl wants to print it");
    }
    // A value that Java cannot read is none.
    if stack.parse != Parse::Java || java::has(cert, oid::EXTENDED_KEY_USAGE) {
        purpose(rules.purpose, cert)?;
    }
    let bits = cert.key_usage();
    let rsa = matches!(cert.public_key(), PublicKey::Rsa { .. });
    let tls = KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_ENCIPHERMENT | KeyUsage::KEY_AGREEMENT;
    // GnuTLS takes a usage without bits for none (lib/tls-sig.c).
    let bits = bits.filter(|b| stack.parse != Parse::Gnutls || b.0 != 0);
    let demanded = match rules.usage {
        LeafUsage::Ignored => None,
        LeafUsage::AnyTls => Some(tls),
        LeafUsage::AnyTlsEcSigns => Some(if rsa { tls } else { KeyUsage::DIGITAL_SIGNATURE }),
        LeafUsage::Signs => Some(KeyUsage::DIGITAL_SIGNATURE),
        LeafUsage::SignsOrCommits => Some(KeyUsage::DIGITAL_SIGNATURE | KeyUsage::NON_REPUDIATION),
        LeafUsage::Nss if rsa => Some(KeyUsage::KEY_ENCIPHERMENT),
        LeafUsage::Nss => Some(KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_AGREEMENT),
    };
    let mbedtls = matches!(stack.parse, Parse::Mbedtls { .. });
    if let (Some(bits), Some(demanded)) = (bits, demanded)
        && !(bits.any(demanded) && (!mbedtls || mbedtls::allows(Some(bits), demanded)))
    {
        let (has, wants) = (bits.display(), KeyUsage(demanded).display());
        let what = format!("its keyUsage is {has}; this client wants {wants}");
        return no(ReasonCode::KeyUsage, cert, what);
    }
    let typed = match rules.netscape {
        Netscape::Ignored => false,
        Netscape::Enforced => true,
        Netscape::WithoutPurpose => cert.extended_key_usage().is_none(),
    };
    let typed = typed && (stack.parse != Parse::Java || java::has(cert, oid::NETSCAPE_CERT_TYPE));
    if typed && netscape(cert).is_some_and(|n| n & 0x40 == 0) {
        return no(ReasonCode::Purpose, cert, "its Netscape type does not hold sslServer");
    }
    let is_ca = cert.basic_constraints().is_some_and(|b| b.ca);
    if !rules.ca && is_ca {
        return no(ReasonCode::CaAsLeaf, cert, "it is a CA and is presented as a server certificate");
    }
    if rules.must_staple && gnutls::read_features(cert).is_some_and(|all| all.iter().any(|f| f == &[5])) {
        return no(
            ReasonCode::MustStaple,
            cert,
            "it demands a stapled OCSP response, which Mosquitto never sends",
        );
    }
    own::leaf(stack, cert)?;
    Ok(())
}

/// Whether extendedKeyUsage allows a TLS server.
pub(super) fn purpose(rule: Purpose, cert: &Certificate) -> Rule {
    if rule == Purpose::NetscapeTypes {
        return match nss::types(cert) & 0x40 {
            0 if cert.basic_constraints().is_some_and(|b| b.ca) => {
                no(ReasonCode::CaAsLeaf, cert, "it is a CA and is presented as a server certificate")
            }
            0 => no(ReasonCode::Purpose, cert, "its extended uses and its Netscape type make no TLS server"),
            _ => Ok(()),
        };
    }
    if rule == Purpose::Ignored || cert.extension(oid::EXTENDED_KEY_USAGE).is_none() {
        return Ok(());
    }
    let list = cert.extended_key_usage().unwrap_or_default();
    let has = |oid: &[u8]| list.iter().any(|p| p == oid);
    let fine = has(oid::EKU_SERVER)
        || match rule {
            Purpose::Ignored | Purpose::NetscapeTypes => true,
            Purpose::Server => false,
            Purpose::ServerOrGated => has(oid::EKU_NETSCAPE_SGC) || has(oid::EKU_MICROSOFT_SGC),
            Purpose::ServerOrAny => has(oid::EKU_ANY),
            Purpose::ServerOrAnyOrGated => {
                has(oid::EKU_ANY) || has(oid::EKU_NETSCAPE_SGC) || has(oid::EKU_MICROSOFT_SGC)
            }
            Purpose::ServerOrAnyOrEmpty => has(oid::EKU_ANY) || list.is_empty(),
        };
    if fine {
        return Ok(());
    }
    let shown: Vec<String> = list.iter().map(|p| oid::describe(p)).collect();
    let what = format!("its extendedKeyUsage is [{}], without serverAuth", shown.join(", "));
    no(ReasonCode::Purpose, cert, what)
}
