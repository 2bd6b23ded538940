//! Eclipse Paho Java over JSSE.

use crate::stack_id::StackId;
use crate::stacks::stack::{
    Aki, Algorithms, Builder, CaRules, Direct, DnMatch, Fallback, Handshake, IpEntry, Leaf, LeafUsage, Names, Netscape, NoBasicConstraints, Parse, Path, Purpose, Reference, RsaFloor, Stack, TrustReader, WhichCn, Wildcard
};

/// The data of `paho-java`.
pub(super) const STACK: Stack = Stack {
    id: StackId::PahoJava,
    library: "Eclipse Paho Java over JSSE",
    version: "Paho Java 1.2.5, OpenJDK 17",
    products: &["Paho Java", "Paho Android", "Spring Integration MQTT"],
    sources: &["OpenJDK 17, sun.security.util.HostnameChecker, sun.security.provider.certpath, sun.security.validator", "OpenJDK 17, conf/security/java.security (jdk.certpath.disabledAlgorithms)", "org.eclipse.paho.client.mqttv3 1.2.5, SSLNetworkModule (SNIHostName)"],
    accepts: &["the last common name where there is no dNSName", "wildcards in any label, and *.local", "an expired or not yet valid CA in the trust file", "a trust file that holds the server certificate itself or an intermediate", "SHA-1 signatures and RSA keys of 1024 bits", "path length and name constraints of the CA in the trust file are not enforced"],
    refuses: &["names with an underscore, with a hyphen at an edge, with a label over 63 characters: no certificate cures that", "a CA without basicConstraints", "a keyUsage without digitalSignature", "a trust file with any other block than certificates, or with a byte order mark", "the same names, a final dot and IPv6 addresses even without a name check"],
    history: &[],
    trust: TrustReader::Java,
    parse: Parse::Java,
    handshake: Handshake { max_message: 32768, max_sent: 10, brainpool: false, k256: false, p521: true, ed25519: true, ed448: true },
    algorithms: Algorithms { rsa: RsaFloor::Bits(1024), rsa_max: 16384, md5: false, sha1: true, sha224: true, pss: true, ed25519: true, ed448: true, k256: false, p521: true, brainpool: false },
    path: Path { builder: Builder::Search, dn: DnMatch::Canonical, aki: Aki::Full, direct: Direct::IdenticalUndated, partial: true, anchor: CaRules { v1: true, no_basic_constraints: NoBasicConstraints::Refused, ca_false: false, key_usage: true, purpose: false, dates: false, path_length: false, name_constraints: false, critical: false }, intermediate: CaRules { v1: false, no_basic_constraints: NoBasicConstraints::Refused, ca_false: false, key_usage: true, purpose: false, dates: true, path_length: true, name_constraints: true, critical: true }, max_intermediates: 9, slop: 0, dates: true },
    leaf: Leaf { purpose: Purpose::ServerOrAny, usage: LeafUsage::Signs, netscape: Netscape::Enforced, ca: true, must_staple: false },
    names: Names { reference: Reference::PahoJava, fallback: Fallback::NoDns, which: WhichCn::Last, wildcard: Wildcard::Java, ip_entry: IpEntry::Mapped, ip_dns: false, ip_cn: false },
};
