//! BearSSL with its minimal X.509 engine.

use crate::stack_id::StackId;
use crate::stacks::stack::{
    Aki, Algorithms, Builder, CaRules, Direct, DnMatch, Fallback, Handshake, IpEntry, Leaf, LeafUsage, Names, Netscape, NoBasicConstraints, Parse, Path, Purpose, Reference, RsaFloor, Stack, TrustReader, WhichCn, Wildcard
};

/// The data of `bearssl`.
pub(super) const STACK: Stack = Stack {
    id: StackId::Bearssl,
    library: "BearSSL with its minimal X.509 engine",
    version: "BearSSL 0.6",
    products: &["ESP8266 Arduino (WiFiClientSecure)", "Tasmota on ESP8266", "PubSubClient on ESP8266"],
    sources: &["BearSSL 0.6, src/x509/x509_minimal.t0, x509_decoder.t0, src/codec/pemdec.t0", "ESP8266 Arduino core, BearSSLHelpers.cpp"],
    accepts: &["an extendedKeyUsage without serverAuth", "the common name where there is no subjectAltName extension", "an expired CA in the trust file; nothing of it is read but name, key and CA flag", "SHA-1 signatures and RSA keys of 1024 bits"],
    refuses: &["certificates that are not sent in issuing order", "a CA without CA:TRUE, also X.509 v1", "a critical extendedKeyUsage or critical name constraints", "addresses in iPAddress", "RSA-PSS, Ed25519, MD5"],
    history: &[],
    trust: TrustReader::Bearssl,
    parse: Parse::Bearssl,
    handshake: Handshake { max_message: 16777215, max_sent: 1000, brainpool: false, k256: false, p521: true, ed25519: false, ed448: false },
    algorithms: Algorithms { rsa: RsaFloor::Octets(128), rsa_max: 4096, md5: false, sha1: true, sha224: true, pss: false, ed25519: false, ed448: false, k256: false, p521: true, brainpool: false },
    path: Path { builder: Builder::InOrder, dn: DnMatch::Exact, aki: Aki::Ignored, direct: Direct::Identical, partial: true, anchor: CaRules { v1: false, no_basic_constraints: NoBasicConstraints::Refused, ca_false: false, key_usage: false, purpose: false, dates: false, path_length: false, name_constraints: false, critical: false }, intermediate: CaRules { v1: false, no_basic_constraints: NoBasicConstraints::Refused, ca_false: false, key_usage: false, purpose: false, dates: false, path_length: false, name_constraints: false, critical: false }, max_intermediates: 100, slop: 0, dates: true },
    leaf: Leaf { purpose: Purpose::Ignored, usage: LeafUsage::SignsOrCommits, netscape: Netscape::Ignored, ca: true, must_staple: false },
    names: Names { reference: Reference::Verbatim, fallback: Fallback::NoExtension, which: WhichCn::Any, wildcard: Wildcard::LeftLabel, ip_entry: IpEntry::No, ip_dns: true, ip_cn: true },
};
