//! Go crypto/tls as of Go 1.19, which Debian 12 has: what is not said here is as in `go`.

use super::go;
use crate::stack_id::StackId;
use crate::stacks::stack::{Algorithms, GoVersion, Handshake, Names, Parse, RsaFloor, Stack, Wildcard};

/// The data of `go-1.19`.
pub(super) const STACK: Stack = Stack {
    id: StackId::Go119,
    version: "Go 1.19",
    products: &["programs that Debian 12 builds"],
    sources: &["Go 1.19.8, crypto/x509/verify.go, parser.go; crypto/tls/common.go; encoding/pem"],
    accepts: &[
        "what go accepts, and besides:",
        "a single * for a name of one label",
        "IPv4-mapped addresses, equal to the IPv4 address",
        "negative serial numbers and critical key identifiers",
    ],
    refuses: &[
        "what go refuses, but not negative serial numbers and IPv4-mapped addresses; and besides:",
        "critical policy extensions, which it does not know",
        "names with values of other types than PrintableString, UTF8String, IA5String, T61String, BMPString, NumericString",
        "certificate messages over 64 KiB",
    ],
    history: &[],
    parse: Parse::Go(GoVersion::V1_19),
    // maxHandshake of crypto/tls/common.go.
    handshake: Handshake { max_message: 65536, ..go::STACK.handshake },
    // crypto/rsa sets no least size yet.
    algorithms: Algorithms { rsa: RsaFloor::Bits(512), rsa_max: 16384, ..go::STACK.algorithms },
    names: Names { wildcard: Wildcard::Go { bare: true }, ..go::STACK.names },
    ..go::STACK
};
