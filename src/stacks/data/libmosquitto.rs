//! libmosquitto: OpenSSL and its own name check.

use crate::stack_id::StackId;
use crate::stacks::stack::{
    Aki, Algorithms, Builder, CaRules, Direct, DnMatch, Fallback, Handshake, IpEntry, Leaf, LeafUsage, Names, Netscape, NoBasicConstraints, Parse, Path, Purpose, Reference, RsaFloor, Stack, TrustReader, WhichCn, Wildcard
};

/// The data of `libmosquitto`.
pub(super) const STACK: Stack = Stack {
    id: StackId::Libmosquitto,
    library: "libmosquitto: OpenSSL and its own name check",
    version: "mosquitto_pub 2.0.11",
    products: &["mosquitto_pub and mosquitto_sub", "Mosquitto bridges", "Node-RED's and others' mosquitto wrappers"],
    sources: &["mosquitto 2.0.11, lib/tls_mosq.c mosquitto__verify_certificate_hostname", "OpenSSL 3.0, crypto/x509/x509_vfy.c"],
    accepts: &["the first common name where there is no dNSName", "an address as text in a dNSName or the common name", "*.local, and *.iot-mqtt for the host iot-mqtt itself", "a dNSName up to its first NUL"],
    refuses: &["an extendedKeyUsage without serverAuth, on any certificate of the chain", "a CA whose keyUsage lacks keyCertSign", "RSA keys under 2048 bits and SHA-1 signatures (Debian sets security level 2)", "a trust file with one broken block, as a whole"],
    history: &[("2.0.20", "the part behind *. must hold a dot")],
    trust: TrustReader::OpensslFile,
    parse: Parse::Openssl,
    handshake: Handshake { max_message: 102400, max_sent: 1000, brainpool: false, k256: false, p521: true, ed25519: true, ed448: true },
    algorithms: Algorithms { rsa: RsaFloor::Strength(112), rsa_max: 16384, md5: false, sha1: false, sha224: true, pss: true, ed25519: true, ed448: true, k256: true, p521: true, brainpool: true },
    path: Path { builder: Builder::Openssl { partial: false, strict: false }, dn: DnMatch::Canonical, aki: Aki::Full, direct: Direct::No, partial: false, anchor: CaRules { v1: true, no_basic_constraints: NoBasicConstraints::NeedsUsage, ca_false: false, key_usage: true, purpose: true, dates: true, path_length: true, name_constraints: true, critical: true }, intermediate: CaRules { v1: false, no_basic_constraints: NoBasicConstraints::Refused, ca_false: false, key_usage: true, purpose: true, dates: true, path_length: true, name_constraints: true, critical: true }, max_intermediates: 100, slop: 0, dates: true },
    leaf: Leaf { purpose: Purpose::ServerOrGated, usage: LeafUsage::AnyTls, netscape: Netscape::Enforced, ca: true, must_staple: false },
    names: Names { reference: Reference::Verbatim, fallback: Fallback::NoDns, which: WhichCn::FirstRaw, wildcard: Wildcard::Mosquitto, ip_entry: IpEntry::Exact, ip_dns: true, ip_cn: true },
};
