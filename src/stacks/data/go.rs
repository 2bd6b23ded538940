//! Go crypto/tls.

use crate::stack_id::StackId;
use crate::stacks::stack::{
    Aki, Algorithms, Builder, CaRules, Direct, DnMatch, Fallback, Handshake, IpEntry, Leaf, LeafUsage, Names, Netscape, NoBasicConstraints, Parse, Path, Purpose, Reference, RsaFloor, Stack, TrustReader, WhichCn, Wildcard
};

/// The data of `go`.
pub(super) const STACK: Stack = Stack {
    id: StackId::Go,
    library: "Go crypto/tls",
    version: "Go 1.27",
    products: &["Paho Go", "Telegraf", "EMQX Kuiper (eKuiper)", "Traefik, Grafana Alloy"],
    sources: &["Go 1.27, crypto/x509/verify.go, parser.go; crypto/tls/handshake_client.go; encoding/pem"],
    accepts: &["*.local", "a trust file that holds an intermediate or the server certificate itself", "any keyUsage of the server certificate", "keys identifiers that do not fit"],
    refuses: &["every certificate without subjectAltName: the common name is never looked at", "a CA without basicConstraints, or without keyCertSign where it has keyUsage", "SHA-1 and MD5 signatures", "malformed entries of subjectAltName, also beside good ones", "an issuer that differs from the CA's subject in case or string type"],
    history: &[("1.15", "the common name is still a fallback with GODEBUG=x509ignoreCN=0"), ("1.19", "a single * matches a single label")],
    trust: TrustReader::Go,
    parse: Parse::Go,
    handshake: Handshake { max_message: 262144, max_sent: 1000, brainpool: false, k256: false, p521: true, ed25519: true, ed448: false },
    algorithms: Algorithms { rsa: RsaFloor::Bits(1024), rsa_max: 8192, md5: false, sha1: false, sha224: false, pss: true, ed25519: true, ed448: false, k256: false, p521: true, brainpool: false },
    path: Path { builder: Builder::Search, dn: DnMatch::Exact, aki: Aki::Ignored, direct: Direct::Identical, partial: true, anchor: CaRules { v1: true, no_basic_constraints: NoBasicConstraints::Refused, ca_false: false, key_usage: true, purpose: true, dates: true, path_length: true, name_constraints: true, critical: true }, intermediate: CaRules { v1: false, no_basic_constraints: NoBasicConstraints::Refused, ca_false: false, key_usage: true, purpose: true, dates: true, path_length: true, name_constraints: true, critical: true }, max_intermediates: 100, slop: 0, dates: true },
    leaf: Leaf { purpose: Purpose::ServerOrAnyOrEmpty, usage: LeafUsage::Ignored, netscape: Netscape::Ignored, ca: true, must_staple: false },
    names: Names { reference: Reference::Go, fallback: Fallback::Never, which: WhichCn::Any, wildcard: Wildcard::Go, ip_entry: IpEntry::Exact, ip_dns: false, ip_cn: false },
};
