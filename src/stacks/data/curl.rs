//! libcurl over OpenSSL with its own name check.

use crate::stack_id::StackId;
use crate::stacks::stack::{
    Aki, Algorithms, Builder, CaRules, Direct, DnMatch, Fallback, Handshake, IpEntry, Leaf, LeafUsage, Names, Netscape, NoBasicConstraints, Parse, Path, Purpose, Reference, RsaFloor, Stack, TrustReader, WhichCn, Wildcard
};

/// The data of `curl`.
pub(super) const STACK: Stack = Stack {
    id: StackId::Curl,
    library: "libcurl over OpenSSL with its own name check",
    version: "libcurl 7.88, OpenSSL 3.0",
    products: &["curl mqtts://", "C and C++ clients with libcurl"],
    sources: &["curl 7.88.1, lib/vtls/openssl.c Curl_ossl_verifyhost, lib/vtls/hostcheck.c", "OpenSSL 3.0, crypto/x509/x509_vfy.c, v3_purp.c, v3_utl.c, crypto/pem/pem_info.c"],
    accepts: &["the last common name where there is neither dNSName nor address", "a trust file that holds an intermediate or the server certificate itself", "a final dot on either side"],
    refuses: &["an extendedKeyUsage without serverAuth, on any certificate of the chain", "a CA whose keyUsage lacks keyCertSign", "RSA keys under 2048 bits and SHA-1 signatures (Debian sets security level 2)", "a trust file with one broken block, as a whole"],
    history: &[],
    trust: TrustReader::OpensslFile,
    parse: Parse::Openssl,
    handshake: Handshake { max_message: 102400, max_sent: 1000, brainpool: false, k256: false, p521: true, ed25519: true, ed448: true },
    algorithms: Algorithms { rsa: RsaFloor::Strength(112), rsa_max: 16384, md5: false, sha1: false, sha224: true, pss: true, ed25519: true, ed448: true, k256: true, p521: true, brainpool: true },
    path: Path { builder: Builder::Openssl { partial: true, strict: false }, dn: DnMatch::Canonical, aki: Aki::Full, direct: Direct::No, partial: true, anchor: CaRules { v1: true, no_basic_constraints: NoBasicConstraints::NeedsUsage, ca_false: false, key_usage: true, purpose: true, dates: true, path_length: true, name_constraints: true, critical: true }, intermediate: CaRules { v1: false, no_basic_constraints: NoBasicConstraints::Refused, ca_false: false, key_usage: true, purpose: true, dates: true, path_length: true, name_constraints: true, critical: true }, max_intermediates: 100, slop: 0, dates: true },
    leaf: Leaf { purpose: Purpose::ServerOrGated, usage: LeafUsage::AnyTls, netscape: Netscape::Enforced, ca: true, must_staple: false },
    names: Names { reference: Reference::Curl, fallback: Fallback::NoDnsNoIp, which: WhichCn::Last, wildcard: Wildcard::Curl, ip_entry: IpEntry::Exact, ip_dns: false, ip_cn: true },
};
