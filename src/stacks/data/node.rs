//! Node tls with its own checkServerIdentity.

use crate::stack_id::StackId;
use crate::stacks::stack::{
    Aki, Algorithms, Builder, CaRules, Direct, DnMatch, Fallback, Handshake, IpEntry, Leaf, LeafUsage, Names, Netscape, NoBasicConstraints, Parse, Path, Purpose, Reference, RsaFloor, Stack, TrustReader, WhichCn, Wildcard
};

/// The data of `node`.
pub(super) const STACK: Stack = Stack {
    id: StackId::Node,
    library: "Node tls with its own checkServerIdentity",
    version: "Node 20, OpenSSL 3.0",
    products: &["mqtt.js", "Zigbee2MQTT", "Node-RED", "ioBroker"],
    sources: &["Node 20, lib/tls.js checkServerIdentity, src/crypto/crypto_context.cc", "OpenSSL 3.0, crypto/x509/x509_vfy.c, v3_purp.c, v3_utl.c, crypto/pem/pem_info.c"],
    accepts: &["the common name where there is no dNSName", "a * anywhere in the left label above two others", "RSA keys of 1024 bits (security level 1)", "a final dot on either side"],
    refuses: &["SHA-1 signatures", "nothing is trusted from a trust file before whose first certificate a block is broken"],
    history: &[("24", "security level 2: RSA under 2048 bits is refused; ::1 never matches")],
    trust: TrustReader::OpensslUntilError,
    parse: Parse::Openssl,
    handshake: Handshake { max_message: 102400, max_sent: 1000, brainpool: false, k256: false, p521: true, ed25519: true, ed448: true },
    algorithms: Algorithms { rsa: RsaFloor::Strength(80), rsa_max: 16384, md5: false, sha1: false, sha224: true, pss: true, ed25519: true, ed448: true, k256: true, p521: true, brainpool: true },
    path: Path { builder: Builder::Openssl { partial: false, strict: false }, dn: DnMatch::Canonical, aki: Aki::Full, direct: Direct::No, partial: false, anchor: CaRules { v1: true, no_basic_constraints: NoBasicConstraints::NeedsUsage, ca_false: false, key_usage: true, purpose: true, dates: true, path_length: true, name_constraints: true, critical: true }, intermediate: CaRules { v1: false, no_basic_constraints: NoBasicConstraints::Refused, ca_false: false, key_usage: true, purpose: true, dates: true, path_length: true, name_constraints: true, critical: true }, max_intermediates: 100, slop: 0, dates: true },
    leaf: Leaf { purpose: Purpose::ServerOrGated, usage: LeafUsage::AnyTls, netscape: Netscape::Enforced, ca: true, must_staple: false },
    names: Names { reference: Reference::Node, fallback: Fallback::NoDns, which: WhichCn::Any, wildcard: Wildcard::Node, ip_entry: IpEntry::Exact, ip_dns: false, ip_cn: false },
};
