//! wolfSSL with wolfSSL_check_domain_name.

use crate::stack_id::StackId;
use crate::stacks::stack::{
    Aki, Algorithms, Builder, CaRules, Direct, DnMatch, Fallback, Handshake, IpEntry, Leaf, LeafUsage, Names, Netscape, NoBasicConstraints, Parse, Path, Pick, Purpose, Reference, RsaFloor, Stack, TrustReader, WhichCn, Wildcard
};

/// The data of `wolfssl`.
pub(super) const STACK: Stack = Stack {
    id: StackId::Wolfssl,
    library: "wolfSSL with wolfSSL_check_domain_name",
    version: "wolfSSL 5.5.4",
    products: &["wolfMQTT", "Arduino and RTOS builds with wolfSSL"],
    sources: &["wolfSSL 5.5.4, src/internal.c (MatchDomainName, ProcessPeerCerts), wolfcrypt/src/asn.c"],
    accepts: &["the last common name", "very loose wildcards: * alone, partial, several", "CA:FALSE and no keyCertSign in the CA of the trust file, an expired CA", "MD5 and SHA-1 signatures, RSA keys of 1024 bits"],
    refuses: &["an authorityKeyIdentifier for which the trust file has no CA with that key identifier", "certificate messages over 16 KB", "unique identifiers"],
    history: &[("5.9", "single-label names other than localhost are refused; a CA needs basicConstraints")],
    trust: TrustReader::Wolfssl,
    parse: Parse::Wolfssl,
    handshake: Handshake { max_message: 16384, max_sent: 9, brainpool: true, k256: true, p521: true, ed25519: true, ed448: true },
    algorithms: Algorithms { rsa: RsaFloor::Bits(1024), rsa_max: 4096, md5: true, sha1: true, sha224: true, pss: true, ed25519: true, ed448: true, k256: true, p521: true, brainpool: true },
    path: Path { builder: Builder::First(Pick::Last), dn: DnMatch::Exact, aki: Aki::Demanded, direct: Direct::Identical, partial: true, anchor: CaRules { v1: true, no_basic_constraints: NoBasicConstraints::Accepted, ca_false: true, key_usage: false, purpose: false, dates: false, path_length: false, name_constraints: true, critical: true }, intermediate: CaRules { v1: false, no_basic_constraints: NoBasicConstraints::Refused, ca_false: false, key_usage: false, purpose: false, dates: true, path_length: true, name_constraints: true, critical: true }, max_intermediates: 8, slop: 0, dates: true },
    leaf: Leaf { purpose: Purpose::ServerOrAny, usage: LeafUsage::Ignored, netscape: Netscape::Ignored, ca: true, must_staple: false },
    names: Names { reference: Reference::Verbatim, fallback: Fallback::NoDnsNoIpNoUri, which: WhichCn::Last, wildcard: Wildcard::Wolfssl, ip_entry: IpEntry::ExactV4, ip_dns: true, ip_cn: true },
};
