//! Python ssl.create_default_context before 3.13.

use crate::stack_id::StackId;
use crate::stacks::stack::{
    Aki, Algorithms, Builder, CaRules, Direct, DnMatch, Fallback, Handshake, IpEntry, Leaf, LeafUsage, Names, Netscape, NoBasicConstraints, Parse, Path, Purpose, Reference, RsaFloor, Stack, TrustReader, WhichCn, Wildcard
};

/// The data of `python-default`.
pub(super) const STACK: Stack = Stack {
    id: StackId::PythonDefault,
    library: "Python ssl.create_default_context before 3.13",
    version: "Python 3.11, OpenSSL 3.0",
    products: &["aiomqtt", "asyncio-mqtt", "gmqtt", "Home Assistant (default context)"],
    sources: &["CPython 3.11, Modules/_ssl.c, Lib/ssl.py, Lib/encodings/idna.py", "OpenSSL 3.0, crypto/x509/x509_vfy.c, v3_purp.c, v3_utl.c, crypto/pem/pem_info.c"],
    accepts: &["a certificate without dNSName by its common name, any of them", "X.509 v1 server certificates and a self-signed v1 CA", "a CA certificate as server certificate"],
    refuses: &["an extendedKeyUsage without serverAuth, on any certificate of the chain", "a CA whose keyUsage lacks keyCertSign", "RSA keys under 2048 bits and SHA-1 signatures (Debian sets security level 2)", "a trust file with one broken block, as a whole", "a name with a label over 63 octets, before it connects"],
    history: &[("3.6", "its own match_hostname: partial wildcards, *.local, and addresses in the common name"), ("3.13", "create_default_context is strict and takes partial chains: see python-strict")],
    trust: TrustReader::OpensslFile,
    parse: Parse::Openssl,
    handshake: Handshake { max_message: 102400, max_sent: 1000, brainpool: false, k256: false, p521: true, ed25519: true, ed448: true },
    algorithms: Algorithms { rsa: RsaFloor::Strength(112), rsa_max: 16384, md5: false, sha1: false, sha224: true, pss: true, ed25519: true, ed448: true, k256: true, p521: true, brainpool: true },
    path: Path { builder: Builder::Openssl { partial: false, strict: false }, dn: DnMatch::Canonical, aki: Aki::Full, direct: Direct::No, partial: false, anchor: CaRules { v1: true, no_basic_constraints: NoBasicConstraints::NeedsUsage, ca_false: false, key_usage: true, purpose: true, dates: true, path_length: true, name_constraints: true, critical: true }, intermediate: CaRules { v1: false, no_basic_constraints: NoBasicConstraints::Refused, ca_false: false, key_usage: true, purpose: true, dates: true, path_length: true, name_constraints: true, critical: true }, max_intermediates: 100, slop: 0, dates: true },
    leaf: Leaf { purpose: Purpose::ServerOrGated, usage: LeafUsage::AnyTls, netscape: Netscape::Enforced, ca: true, must_staple: false },
    names: Names { reference: Reference::Python, fallback: Fallback::NoDns, which: WhichCn::Any, wildcard: Wildcard::Openssl, ip_entry: IpEntry::Exact, ip_dns: false, ip_cn: false },
};
