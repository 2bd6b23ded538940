//! Python ssl.create_default_context from 3.13 on.

use crate::stack_id::StackId;
use crate::stacks::stack::{
    Aki, Algorithms, Builder, CaRules, Direct, DnMatch, Fallback, Handshake, IpEntry, Leaf, LeafUsage, Names, Netscape, NoBasicConstraints, Parse, Path, Purpose, Reference, RsaFloor, Stack, TrustReader, WhichCn, Wildcard
};

/// The data of `python-strict`.
pub(super) const STACK: Stack = Stack {
    id: StackId::PythonStrict,
    library: "Python ssl.create_default_context from 3.13 on",
    version: "Python 3.13, OpenSSL 3.0",
    products: &["aiomqtt on Python 3.13", "Home Assistant 2025 and later"],
    sources: &["CPython 3.13, Lib/ssl.py: VERIFY_X509_STRICT and VERIFY_X509_PARTIAL_CHAIN by default", "OpenSSL 3.0, crypto/x509/x509_vfy.c check_extensions"],
    accepts: &["a trust file that holds only an intermediate, or the server certificate itself", "the common name where there is no dNSName"],
    refuses: &["an extendedKeyUsage without serverAuth, on any certificate of the chain", "a CA whose keyUsage lacks keyCertSign", "RSA keys under 2048 bits and SHA-1 signatures (Debian sets security level 2)", "a trust file with one broken block, as a whole", "a CA without keyUsage, without a critical basicConstraints or without subjectKeyIdentifier", "any certificate below the root without authorityKeyIdentifier", "an empty subjectAltName; an empty subject whose subjectAltName is not critical", "X.509 v1 CAs"],
    history: &[("3.12", "neither strict nor partial: see python-default")],
    trust: TrustReader::OpensslFile,
    parse: Parse::Openssl,
    handshake: Handshake { max_message: 102400, max_sent: 1000, brainpool: false, k256: false, p521: true, ed25519: true, ed448: true },
    algorithms: Algorithms { rsa: RsaFloor::Strength(112), rsa_max: 16384, md5: false, sha1: false, sha224: true, pss: true, ed25519: true, ed448: true, k256: true, p521: true, brainpool: true },
    path: Path { builder: Builder::Openssl { partial: true, strict: true }, dn: DnMatch::Canonical, aki: Aki::Full, direct: Direct::No, partial: true, anchor: CaRules { v1: true, no_basic_constraints: NoBasicConstraints::NeedsUsage, ca_false: false, key_usage: true, purpose: true, dates: true, path_length: true, name_constraints: true, critical: true }, intermediate: CaRules { v1: false, no_basic_constraints: NoBasicConstraints::Refused, ca_false: false, key_usage: true, purpose: true, dates: true, path_length: true, name_constraints: true, critical: true }, max_intermediates: 100, slop: 0, dates: true },
    leaf: Leaf { purpose: Purpose::ServerOrGated, usage: LeafUsage::AnyTls, netscape: Netscape::Enforced, ca: true, must_staple: false },
    names: Names { reference: Reference::Python, fallback: Fallback::NoDns, which: WhichCn::Any, wildcard: Wildcard::Openssl, ip_entry: IpEntry::Exact, ip_dns: false, ip_cn: false },
};
