//! rustls with ring and rustls-webpki: asked, not imitated.

use crate::stack_id::StackId;
use crate::stacks::stack::{
    Aki, Algorithms, Builder, CaRules, Direct, DnMatch, Fallback, Handshake, IpEntry, Leaf, LeafUsage, Names, Netscape, NoBasicConstraints, Parse, Path, Purpose, Reference, RsaFloor, Stack, TrustReader, WhichCn, Wildcard
};

/// The data of `rustls`.
pub(super) const STACK: Stack = Stack {
    id: StackId::Rustls,
    library: "rustls with ring and rustls-webpki: asked, not imitated",
    version: "rustls 0.23",
    products: &["rumqttc", "Rust services", "Python's rustls wrappers"],
    sources: &["rustls 0.23 and rustls-webpki 0.103: this program calls them", "rumqttc 0.24, tls.rs (add_parsable_certificates)"],
    accepts: &["CA:FALSE and no keyCertSign in the CA of the trust file, an expired CA: an anchor is a name and a key", "the path length of an anchor is not enforced"],
    refuses: &["X.509 v1 server certificates", "a CA certificate as server certificate", "every certificate without subjectAltName", "RSA keys under 2048 bits, SHA-1, P-521, secp256k1", "names with a hyphen at an edge, a number as last label, or a label over 63 characters"],
    history: &[("aws-lc", "with that provider P-521 is taken")],
    trust: TrustReader::Rustls,
    parse: Parse::Webpki,
    handshake: Handshake { max_message: 65535, max_sent: 1000, brainpool: false, k256: false, p521: false, ed25519: true, ed448: false },
    algorithms: Algorithms { rsa: RsaFloor::Octets(256), rsa_max: 8192, md5: false, sha1: false, sha224: false, pss: true, ed25519: true, ed448: false, k256: false, p521: false, brainpool: false },
    path: Path { builder: Builder::Webpki, dn: DnMatch::Exact, aki: Aki::Ignored, direct: Direct::No, partial: true, anchor: CaRules { v1: true, no_basic_constraints: NoBasicConstraints::NeedsUsage, ca_false: false, key_usage: true, purpose: true, dates: true, path_length: true, name_constraints: true, critical: true }, intermediate: CaRules { v1: false, no_basic_constraints: NoBasicConstraints::Refused, ca_false: false, key_usage: true, purpose: true, dates: true, path_length: true, name_constraints: true, critical: true }, max_intermediates: 6, slop: 0, dates: true },
    leaf: Leaf { purpose: Purpose::Server, usage: LeafUsage::Ignored, netscape: Netscape::Ignored, ca: false, must_staple: false },
    names: Names { reference: Reference::Rustls, fallback: Fallback::Never, which: WhichCn::Any, wildcard: Wildcard::Chromium, ip_entry: IpEntry::Exact, ip_dns: false, ip_cn: false },
};
