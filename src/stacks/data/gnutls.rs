//! GnuTLS with gnutls_session_set_verify_cert.

use crate::stack_id::StackId;
use crate::stacks::stack::{
    Aki, Algorithms, Builder, CaRules, Direct, DnMatch, Fallback, Handshake, IpEntry, Leaf, LeafUsage, Names, Netscape, NoBasicConstraints, Parse, Path, Pick, Purpose, Reference, RsaFloor, Stack, TrustReader, WhichCn, Wildcard
};

/// The data of `gnutls`.
pub(super) const STACK: Stack = Stack {
    id: StackId::Gnutls,
    library: "GnuTLS with gnutls_session_set_verify_cert",
    version: "GnuTLS 3.7.9",
    products: &["Debian's GnuTLS builds of curl and libsoup", "GNOME and some C clients"],
    sources: &["GnuTLS 3.7.9, lib/x509/verify.c, verify-high.c, hostname-verify.c, lib/x509_b64.c"],
    accepts: &["an extendedKeyUsage without serverAuth (the API checks it only when asked)", "the common name where there is neither dNSName nor address nor URI, if it is the only one", "a wildcard as beginning of the left label", "RSA keys of 1024 bits", "a trust file that holds an intermediate or the server certificate itself"],
    refuses: &["must-staple without a stapled answer, which Mosquitto never sends", "a keyUsage without digitalSignature", "SHA-1 and MD5 signatures", "an issuer that differs from the CA's subject in case or string type", "an empty dNSName"],
    history: &[("gnutls-cli", "checks extendedKeyUsage too")],
    trust: TrustReader::Gnutls,
    parse: Parse::Gnutls,
    handshake: Handshake { max_message: 131072, max_sent: 16, brainpool: false, k256: false, p521: true, ed25519: true, ed448: true },
    algorithms: Algorithms { rsa: RsaFloor::Bits(1024), rsa_max: 16384, md5: false, sha1: false, sha224: true, pss: true, ed25519: true, ed448: true, k256: false, p521: true, brainpool: false },
    path: Path { builder: Builder::First(Pick::Newest), dn: DnMatch::Exact, aki: Aki::KeyId, direct: Direct::Identical, partial: true, anchor: CaRules { v1: true, no_basic_constraints: NoBasicConstraints::Accepted, ca_false: false, key_usage: true, purpose: false, dates: true, path_length: true, name_constraints: true, critical: true }, intermediate: CaRules { v1: false, no_basic_constraints: NoBasicConstraints::Refused, ca_false: false, key_usage: true, purpose: false, dates: true, path_length: true, name_constraints: true, critical: true }, max_intermediates: 16, slop: 0, dates: true },
    leaf: Leaf { purpose: Purpose::Ignored, usage: LeafUsage::Signs, netscape: Netscape::Ignored, ca: true, must_staple: true },
    names: Names { reference: Reference::Gnutls, fallback: Fallback::NoDnsNoIpNoUri, which: WhichCn::Only, wildcard: Wildcard::Gnutls, ip_entry: IpEntry::Exact, ip_dns: false, ip_cn: false },
};
