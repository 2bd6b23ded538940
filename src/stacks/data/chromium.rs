//! Chromium's own verifier, the CA in its certificate store.

use crate::stack_id::StackId;
use crate::stacks::stack::{
    Aki, Algorithms, Builder, CaRules, Direct, DnMatch, Fallback, Handshake, IpEntry, Leaf, LeafUsage, Names, Netscape, NoBasicConstraints, Parse, Path, Purpose, Reference, RsaFloor, Stack, TrustReader, WhichCn, Wildcard
};

/// The data of `chromium`.
pub(super) const STACK: Stack = Stack {
    id: StackId::Chromium,
    library: "Chromium's own verifier, the CA in its certificate store",
    version: "Chromium 156",
    products: &["browsers over secure websockets", "MQTT dashboards in the browser", "Electron (MQTTX, MQTT Explorer)"],
    sources: &["Chromium, net/cert/x509_certificate.cc VerifyHostname, third_party/boringssl/src/pki"],
    accepts: &["a CA without basicConstraints and keyUsage in the store", "a final dot on either side"],
    refuses: &["every certificate without subjectAltName", "keys on secp256k1 and brainpool, Ed25519, P-521 as server key", "SHA-1, SHA-224 and MD5 signatures", "a keyUsage without digitalSignature", "names whose last label is a number"],
    history: &[("58", "the common name is no longer looked at")],
    trust: TrustReader::Certutil,
    parse: Parse::Chromium,
    handshake: Handshake { max_message: 102400, max_sent: 1000, brainpool: false, k256: false, p521: false, ed25519: false, ed448: false },
    algorithms: Algorithms { rsa: RsaFloor::Bits(1024), rsa_max: 16384, md5: false, sha1: false, sha224: false, pss: true, ed25519: false, ed448: false, k256: false, p521: true, brainpool: false },
    path: Path { builder: Builder::Search, dn: DnMatch::Exact, aki: Aki::Ignored, direct: Direct::No, partial: true, anchor: CaRules { v1: true, no_basic_constraints: NoBasicConstraints::Accepted, ca_false: false, key_usage: true, purpose: true, dates: true, path_length: true, name_constraints: true, critical: true }, intermediate: CaRules { v1: false, no_basic_constraints: NoBasicConstraints::Refused, ca_false: false, key_usage: true, purpose: true, dates: true, path_length: true, name_constraints: true, critical: true }, max_intermediates: 100, slop: 0, dates: true },
    leaf: Leaf { purpose: Purpose::ServerOrAny, usage: LeafUsage::Signs, netscape: Netscape::Ignored, ca: true, must_staple: false },
    names: Names { reference: Reference::Chromium, fallback: Fallback::Never, which: WhichCn::Any, wildcard: Wildcard::Chromium, ip_entry: IpEntry::Exact, ip_dns: false, ip_cn: false },
};
