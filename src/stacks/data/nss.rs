//! NSS, classic verification.

use crate::stack_id::StackId;
use crate::stacks::stack::{
    Aki, Algorithms, Builder, CaRules, Direct, DnMatch, Fallback, Handshake, IpEntry, Leaf, LeafUsage, Names, Netscape, NoBasicConstraints, Parse, Path, Pick, Purpose, Reference, RsaFloor, Stack, TrustReader, WhichCn, Wildcard
};

/// The data of `nss`.
pub(super) const STACK: Stack = Stack {
    id: StackId::Nss,
    library: "NSS, classic verification",
    version: "NSS 3.87",
    products: &["tstclnt", "Red Hat's NSS builds of older clients"],
    sources: &["NSS 3.87, lib/certhigh/certvfy.c, lib/certdb/certdb.c (cert_TestHostName)"],
    accepts: &["the last common name where there is no dNSName, also for an address", "certificates up to a day before they become valid", "SHA-1 signatures and RSA keys of 1024 bits", "a CA whose keyUsage lacks keyCertSign"],
    refuses: &["an RSA server key whose keyUsage lacks keyEncipherment", "a CA certificate as server certificate", "a server certificate with the serial number of its CA", "Ed25519 and secp256k1"],
    history: &[("mozilla::pkix", "Firefox verifies by another library")],
    trust: TrustReader::Nss,
    parse: Parse::Nss,
    handshake: Handshake { max_message: 131071, max_sent: 1000, brainpool: false, k256: false, p521: true, ed25519: false, ed448: false },
    algorithms: Algorithms { rsa: RsaFloor::Bits(1024), rsa_max: 16384, md5: false, sha1: true, sha224: true, pss: true, ed25519: false, ed448: false, k256: false, p521: true, brainpool: false },
    path: Path { builder: Builder::First(Pick::Newest), dn: DnMatch::Exact, aki: Aki::Full, direct: Direct::No, partial: true, anchor: CaRules { v1: true, no_basic_constraints: NoBasicConstraints::Accepted, ca_false: false, key_usage: false, purpose: false, dates: true, path_length: true, name_constraints: true, critical: false }, intermediate: CaRules { v1: false, no_basic_constraints: NoBasicConstraints::Refused, ca_false: false, key_usage: true, purpose: false, dates: true, path_length: true, name_constraints: true, critical: true }, max_intermediates: 20, slop: 86400, dates: true },
    leaf: Leaf { purpose: Purpose::Server, usage: LeafUsage::Nss, netscape: Netscape::WithoutPurpose, ca: false, must_staple: false },
    names: Names { reference: Reference::Nss, fallback: Fallback::NoDns, which: WhichCn::Last, wildcard: Wildcard::Nss, ip_entry: IpEntry::Mapped, ip_dns: false, ip_cn: true },
};
