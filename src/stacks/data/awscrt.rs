//! AWS common runtime (s2n-tls, AWS-LC).

use crate::stack_id::StackId;
use crate::stacks::stack::{
    Aki, Algorithms, Builder, CaRules, Direct, DnMatch, Fallback, Handshake, IpEntry, Leaf, LeafUsage, Names, Netscape, NoBasicConstraints, Parse, Path, Purpose, Reference, RsaFloor, Stack, TrustReader, WhichCn, Wildcard
};

/// The data of `awscrt`.
pub(super) const STACK: Stack = Stack {
    id: StackId::Awscrt,
    library: "AWS common runtime (s2n-tls, AWS-LC)",
    version: "awscrt 0.38",
    products: &["AWS IoT Device SDK", "Greengrass", "awsiotsdk for Python and C++"],
    sources: &["s2n-tls, tls/s2n_x509_validator.c, stuffer/s2n_stuffer_pem.c", "AWS-LC, crypto/x509/x509_vfy.c, v3_purp.c"],
    accepts: &["the last common name where there is neither dNSName nor address nor URI", "an address as text in a dNSName", "*.local", "a trust file that holds an intermediate or the server certificate itself", "SHA-1 signatures and RSA keys of 1024 bits"],
    refuses: &["more than seven certificates in the chain sent", "a CA without basicConstraints", "Ed25519 server keys", "a trust file with any other block than certificates"],
    history: &[],
    trust: TrustReader::S2n,
    parse: Parse::S2n,
    handshake: Handshake { max_message: 65536, max_sent: 7, brainpool: false, k256: false, p521: true, ed25519: false, ed448: false },
    algorithms: Algorithms { rsa: RsaFloor::Bits(1024), rsa_max: 16384, md5: false, sha1: true, sha224: true, pss: true, ed25519: true, ed448: false, k256: true, p521: true, brainpool: false },
    path: Path { builder: Builder::Openssl { partial: true, strict: false }, dn: DnMatch::Canonical, aki: Aki::Full, direct: Direct::No, partial: true, anchor: CaRules { v1: true, no_basic_constraints: NoBasicConstraints::Refused, ca_false: false, key_usage: true, purpose: false, dates: true, path_length: false, name_constraints: true, critical: true }, intermediate: CaRules { v1: false, no_basic_constraints: NoBasicConstraints::Refused, ca_false: false, key_usage: true, purpose: true, dates: true, path_length: true, name_constraints: true, critical: true }, max_intermediates: 100, slop: 0, dates: true },
    leaf: Leaf { purpose: Purpose::ServerOrGated, usage: LeafUsage::AnyTls, netscape: Netscape::Enforced, ca: true, must_staple: false },
    names: Names { reference: Reference::Verbatim, fallback: Fallback::NoDnsNoIpNoUri, which: WhichCn::Last, wildcard: Wildcard::LeftLabel, ip_entry: IpEntry::Exact, ip_dns: true, ip_cn: false },
};
