//! Mbed TLS 2.28.

use crate::stack_id::StackId;
use crate::stacks::stack::{
    Aki, Algorithms, Builder, CaRules, Direct, DnMatch, Fallback, Handshake, IpEntry, Leaf, LeafUsage, Names, Netscape, NoBasicConstraints, Parse, Path, Purpose, Reference, RsaFloor, Stack, TrustReader, WhichCn, Wildcard
};

/// The data of `mbedtls-2`.
pub(super) const STACK: Stack = Stack {
    id: StackId::Mbedtls2,
    library: "Mbed TLS 2.28",
    version: "Mbed TLS 2.28.3",
    products: &["ESP-IDF 4", "Zephyr", "Tasmota32 and older ESP32 firmware", "pico-sdk"],
    sources: &["Mbed TLS 2.28.3, library/x509_crt.c, pem.c, ssl_tls.c"],
    accepts: &["the common name where there is no subjectAltName extension", "*.local", "an extendedKeyUsage with anyExtendedKeyUsage", "key identifiers that do not fit", "an address as text in a dNSName or the common name"],
    refuses: &["a CA without basicConstraints", "a keyUsage without digitalSignature", "name constraints that are critical, on any certificate", "certificate messages over 16 KB and more than eight intermediates", "Ed25519", "SHA-1 and MD5 signatures, RSA keys under 2048 bits", "addresses in iPAddress: only as text in a dNSName"],
    history: &[("3.6", "compares iPAddress: see mbedtls-3")],
    trust: TrustReader::Mbedtls,
    parse: Parse::Mbedtls { three: false },
    handshake: Handshake { max_message: 16384, max_sent: 1000, brainpool: true, k256: true, p521: true, ed25519: false, ed448: false },
    algorithms: Algorithms { rsa: RsaFloor::Octets(256), rsa_max: 8192, md5: false, sha1: false, sha224: true, pss: true, ed25519: false, ed448: false, k256: true, p521: true, brainpool: true },
    path: Path { builder: Builder::Search, dn: DnMatch::Caseless, aki: Aki::Ignored, direct: Direct::SelfIssued, partial: true, anchor: CaRules { v1: true, no_basic_constraints: NoBasicConstraints::Refused, ca_false: false, key_usage: true, purpose: false, dates: true, path_length: true, name_constraints: false, critical: true }, intermediate: CaRules { v1: false, no_basic_constraints: NoBasicConstraints::Refused, ca_false: false, key_usage: true, purpose: false, dates: true, path_length: true, name_constraints: false, critical: true }, max_intermediates: 8, slop: 0, dates: true },
    leaf: Leaf { purpose: Purpose::ServerOrAny, usage: LeafUsage::Signs, netscape: Netscape::Ignored, ca: true, must_staple: false },
    names: Names { reference: Reference::Verbatim, fallback: Fallback::NoExtension, which: WhichCn::Any, wildcard: Wildcard::LeftLabel, ip_entry: IpEntry::No, ip_dns: true, ip_cn: true },
};
