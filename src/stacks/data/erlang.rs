//! Erlang/OTP ssl with its default name check.

use crate::stack_id::StackId;
use crate::stacks::stack::{
    Aki, Algorithms, Builder, CaRules, Direct, DnMatch, Fallback, Handshake, IpEntry, Leaf, LeafUsage, Names, Netscape, NoBasicConstraints, Parse, Path, Purpose, Reference, RsaFloor, Stack, TrustReader, WhichCn, Wildcard
};

/// The data of `erlang`.
pub(super) const STACK: Stack = Stack {
    id: StackId::Erlang,
    library: "Erlang/OTP ssl with its default name check",
    version: "Erlang/OTP 25, ssl 10.8",
    products: &["EMQX bridges", "emqtt", "VerneMQ bridges", "Elixir (Tortoise, emqtt)"],
    sources: &["Erlang/OTP 25, lib/public_key/src/pubkey_cert.erl, public_key.erl (pkix_verify_hostname), pubkey_pem.erl"],
    accepts: &["CA:FALSE and no keyCertSign in the CA of the trust file", "an X.509 v1 intermediate", "SHA-1 signatures and RSA keys of 1024 bits", "constraints of the CA in the trust file are not enforced"],
    refuses: &["wildcards, unless customize_hostname_check is set", "self-signed server certificates, and any whose subject is its issuer", "addresses in iPAddress where the host is given as text", "RSA-PSS and SHA-224 signatures", "a trust file with a byte order mark"],
    history: &[("customize_hostname_check", "pkix_verify_hostname_match_fun(https) takes wildcards very loosely")],
    trust: TrustReader::Erlang,
    parse: Parse::Erlang,
    handshake: Handshake { max_message: 262144, max_sent: 1000, brainpool: false, k256: false, p521: true, ed25519: true, ed448: true },
    algorithms: Algorithms { rsa: RsaFloor::Bits(512), rsa_max: 16384, md5: false, sha1: true, sha224: false, pss: false, ed25519: true, ed448: true, k256: true, p521: true, brainpool: true },
    path: Path { builder: Builder::Search, dn: DnMatch::Canonical, aki: Aki::Ignored, direct: Direct::No, partial: false, anchor: CaRules { v1: true, no_basic_constraints: NoBasicConstraints::Accepted, ca_false: true, key_usage: false, purpose: false, dates: true, path_length: false, name_constraints: false, critical: false }, intermediate: CaRules { v1: true, no_basic_constraints: NoBasicConstraints::Refused, ca_false: false, key_usage: true, purpose: true, dates: true, path_length: true, name_constraints: true, critical: true }, max_intermediates: 10, slop: 0, dates: true },
    leaf: Leaf { purpose: Purpose::Server, usage: LeafUsage::Ignored, netscape: Netscape::Ignored, ca: true, must_staple: false },
    names: Names { reference: Reference::Verbatim, fallback: Fallback::NoEntry, which: WhichCn::Any, wildcard: Wildcard::None, ip_entry: IpEntry::No, ip_dns: true, ip_cn: false },
};
