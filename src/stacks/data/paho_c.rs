//! Eclipse Paho C over OpenSSL.

use crate::stack_id::StackId;
use crate::stacks::stack::{
    Aki, Algorithms, Builder, CaRules, Direct, DnMatch, Fallback, Handshake, IpEntry, Leaf, LeafUsage, Names, Netscape, NoBasicConstraints, Parse, Path, Purpose, Reference, RsaFloor, Stack, TrustReader, WhichCn, Wildcard
};

/// The data of `paho-c`.
pub(super) const STACK: Stack = Stack {
    id: StackId::PahoC,
    library: "Eclipse Paho C over OpenSSL",
    version: "Paho C 1.3.11",
    products: &["Paho C and C++", "Telegraf's and others' C plugins"],
    sources: &["paho.mqtt.c 1.3.11, src/SSLSocket.c SSLSocket_connect (X509_check_host, then X509_check_ip_asc for IPv4)", "OpenSSL 3.0, crypto/x509/x509_vfy.c, v3_purp.c, v3_utl.c, crypto/pem/pem_info.c"],
    accepts: &["the common name where there is no dNSName", "an address as text in a dNSName or the common name", "RSA keys of 1024 bits (security level 1)", "partial wildcards"],
    refuses: &["::1 and every other IPv6 address by name", "SHA-1 signatures"],
    history: &[],
    trust: TrustReader::OpensslFile,
    parse: Parse::Openssl,
    handshake: Handshake { max_message: 102400, max_sent: 1000, brainpool: false, k256: false, p521: true, ed25519: true, ed448: true },
    algorithms: Algorithms { rsa: RsaFloor::Strength(80), rsa_max: 16384, md5: false, sha1: false, sha224: true, pss: true, ed25519: true, ed448: true, k256: true, p521: true, brainpool: true },
    path: Path { builder: Builder::Openssl { partial: false, strict: false }, dn: DnMatch::Canonical, aki: Aki::Full, direct: Direct::No, partial: false, anchor: CaRules { v1: true, no_basic_constraints: NoBasicConstraints::NeedsUsage, ca_false: false, key_usage: true, purpose: true, dates: true, path_length: true, name_constraints: true, critical: true }, intermediate: CaRules { v1: false, no_basic_constraints: NoBasicConstraints::Refused, ca_false: false, key_usage: true, purpose: true, dates: true, path_length: true, name_constraints: true, critical: true }, max_intermediates: 100, slop: 0, dates: true },
    leaf: Leaf { purpose: Purpose::ServerOrGated, usage: LeafUsage::AnyTls, netscape: Netscape::Enforced, ca: true, must_staple: false },
    names: Names { reference: Reference::Verbatim, fallback: Fallback::NoDns, which: WhichCn::Any, wildcard: Wildcard::OpensslPartial, ip_entry: IpEntry::ExactV4, ip_dns: true, ip_cn: true },
};
