//! Mbed TLS 3.6 built without MBEDTLS_HAVE_TIME_DATE: no clock, everything else as in `mbedtls_3`.

use super::mbedtls_3;
use crate::stack_id::StackId;
use crate::stacks::stack::{Path, Stack};

/// The data of `mbedtls-3-no-time`.
pub(super) const STACK: Stack = Stack {
    id: StackId::Mbedtls3NoTime,
    library: "Mbed TLS 3.6 built without MBEDTLS_HAVE_TIME_DATE",
    products: &["ESP-IDF 5 as it is configured by default", "ESPHome"],
    accepts: &[
        "the common name where there is no subjectAltName extension",
        "*.local",
        "an extendedKeyUsage with anyExtendedKeyUsage",
        "key identifiers that do not fit",
        "addresses in iPAddress, and as text in a dNSName",
        "expired and not yet valid certificates: there is no clock",
    ],
    path: Path { dates: false, ..mbedtls_3::STACK.path },
    ..mbedtls_3::STACK
};
