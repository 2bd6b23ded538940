//! The guard against guesses: a certificate that is not written as DER and RFC 5280 want it is accepted only where
//! what the library makes of that deviation is known. Anywhere else the answer is unknown; a refusal stays one.
//!
//! To teach a library a deviation: write the rule, measure it (`tests/conformance/recipes`), and take the library
//! out of its row in [`OPEN`]. A test holds that nothing counts as known that no client was asked about.

use super::checks::who;
use super::stack::{Builder, Parse, Stack};
use super::trust::Anchor;
use crate::cert::Certificate;
use crate::cert::strict::{Deviation, Field, Kind};
use Kind as K;
use Parse as P;

/// Deviations with which every library was met that is measured in full ([`measured_in_full`]).
const MEASURED: &[(Field, &[Kind])] = &[
    (Field::Whole, &[K::Length, K::Type, K::UniqueIds]),
    (Field::Version, &[K::Length, K::Surplus, K::Padded, K::Negative, K::Huge, K::Default, K::Misplaced]),
    (Field::Serial, &[K::Length, K::Empty, K::Padded, K::Negative, K::Zero, K::Huge]),
    (Field::Algorithm, &[K::Length, K::Surplus, K::Type, K::Parameters, K::Unknown, K::Differ]),
    (Field::Issuer, &[K::Empty]),
    (
        Field::Name,
        &[
            K::Length,
            K::Surplus,
            K::Type,
            K::Empty,
            K::Oid,
            K::Text,
            K::Strings,
            K::Blank,
            K::Bound,
            K::Order,
            K::Twice,
        ],
    ),
    (Field::Dates, &[K::Surplus, K::Calendar, K::Early]),
    (Field::Key, &[K::Surplus, K::Padded, K::Negative, K::Bits, K::Parameters, K::Unknown, K::Exponent]),
    (Field::Signature, &[K::Empty]),
    (Field::Extensions, &[K::Type, K::Empty, K::Boolean, K::Default, K::Oid, K::Twice]),
    (
        Field::BasicConstraints,
        &[
            K::Length,
            K::Surplus,
            K::Type,
            K::Padded,
            K::Negative,
            K::Huge,
            K::Boolean,
            K::Default,
            K::Bound,
            K::Twice,
        ],
    ),
    (Field::KeyUsage, &[K::Length, K::Surplus, K::Type, K::Empty, K::Bits, K::Bound, K::Twice]),
    (Field::Purposes, &[K::Surplus, K::Type, K::Empty, K::Oid, K::Twice]),
    (
        Field::AltNames,
        &[K::Length, K::Surplus, K::Type, K::Empty, K::Oid, K::Text, K::Twice, K::Address, K::Rare],
    ),
    (Field::IssuerAltNames, &[K::Type, K::Empty, K::Twice]),
    (Field::SubjectKeyId, &[K::Surplus, K::Type, K::Empty, K::Bound, K::Twice, K::Critical]),
    (Field::AuthorityKeyId, &[K::Surplus, K::Type, K::Empty, K::Order, K::Twice, K::Critical]),
    (Field::NameConstraints, &[K::Surplus, K::Type, K::Empty, K::Text, K::Twice, K::Address, K::Rare]),
    (Field::Policies, &[K::Type, K::Empty, K::Oid, K::Twice]),
    (Field::Mappings, &[K::Type, K::Empty, K::Rare]),
    (Field::PolicyConstraints, &[K::Type, K::Empty, K::Negative, K::Twice]),
    (Field::InhibitAnyPolicy, &[K::Type, K::Negative, K::Twice]),
    (Field::Points, &[K::Surplus, K::Type, K::Empty, K::Twice, K::Rare]),
    (Field::Freshest, &[K::Type, K::Empty, K::Twice, K::Critical]),
    (Field::Access, &[K::Type, K::Empty, K::Twice, K::Critical]),
    (Field::TlsFeature, &[K::Type, K::Empty, K::Critical]),
    (Field::NoCheck, &[K::Type, K::Twice, K::Critical]),
    (Field::NetscapeType, &[K::Surplus, K::Type, K::Empty, K::Twice]),
    (Field::Timestamps, &[K::Type]),
    (Field::ProxyInfo, &[K::Type]),
];

/// Those of which a library's treatment is not known in full, although it was met with them.
const OPEN: &[(Field, Kind, &[Parse])] = &[
    (Field::Algorithm, K::Type, &[P::Nss]),
    (Field::Name, K::Empty, &[P::Bearssl]),
    (Field::Key, K::Exponent, &[P::Nss]),
    (Field::AltNames, K::Type, &[P::Bearssl]),
];

/// Those with which the other libraries were met too.
const EVERYWHERE: &[(Field, Kind)] = &[
    (Field::Whole, K::UniqueIds),
    (Field::Version, K::Huge),
    (Field::Version, K::Misplaced),
    (Field::Serial, K::Zero),
    (Field::Serial, K::Huge),
    (Field::Name, K::Blank),
    (Field::Dates, K::Calendar),
    (Field::Dates, K::Early),
    (Field::BasicConstraints, K::Default),
    (Field::Purposes, K::Empty),
    (Field::AltNames, K::Text),
    (Field::AltNames, K::Address),
];

/// Those with which a library refuses every certificate, wherever it stands.
const REFUSED: &[(Field, Kind, &[Parse])] = &[
    (Field::Whole, K::Type, &[P::Nss]),
    (Field::Version, K::Padded, &[P::Gnutls, P::Wolfssl]),
    (Field::Serial, K::Padded, &[P::Wolfssl]),
    (Field::Algorithm, K::Type, &[MBEDTLS_2, MBEDTLS_3, P::Wolfssl]),
    (Field::Algorithm, K::Unknown, &[MBEDTLS_2, MBEDTLS_3]),
    (Field::Name, K::Empty, &[MBEDTLS_2, MBEDTLS_3, P::Wolfssl]),
    (Field::Signature, K::Empty, &[P::Gnutls]),
    (Field::Extensions, K::Type, &[P::Gnutls, MBEDTLS_2, MBEDTLS_3, P::Wolfssl, P::Bearssl]),
    (Field::BasicConstraints, K::Padded, &[P::Wolfssl]),
    (Field::BasicConstraints, K::Huge, &[P::Wolfssl]),
    (Field::BasicConstraints, K::Bound, &[P::Wolfssl]),
    (Field::Purposes, K::Surplus, &[P::Wolfssl]),
    (Field::Purposes, K::Type, &[P::Wolfssl]),
    (Field::NetscapeType, K::Surplus, &[MBEDTLS_2, MBEDTLS_3]),
];

/// A deviation with which the library refuses the certificate itself.
pub(super) fn refused(library: Parse, cert: &Certificate) -> Option<Deviation> {
    let refuses = |d: &Deviation| {
        REFUSED.iter().any(|(f, k, who)| (*f, *k) == (d.field, d.kind) && who.contains(&library))
    };
    cert.deviations().iter().copied().find(refuses)
}

const MBEDTLS_2: Parse = P::Mbedtls { three: false };
const MBEDTLS_3: Parse = P::Mbedtls { three: true };

/// Whether every case of `tests/conformance` was put to a client with this library.
fn measured_in_full(library: Parse) -> bool {
    !matches!(library, P::Chromium | P::S2n)
}

/// Whether it is known what a stack makes of a deviation.
#[must_use]
pub fn models(stack: &Stack, deviation: Deviation) -> bool {
    let Deviation { field, kind } = deviation;
    // rustls-webpki is asked itself, and of Go's and Erlang's readers there is every rule (go/, erlang/).
    if stack.path.builder == Builder::Webpki || matches!(stack.parse, P::Go(_) | P::Erlang) {
        return true;
    }
    if !measured_in_full(stack.parse) {
        return EVERYWHERE.contains(&(field, kind));
    }
    let open = OPEN.iter().any(|(f, k, who)| (*f, *k) == (field, kind) && who.contains(&stack.parse));
    !open && MEASURED.iter().any(|(f, kinds)| *f == field && kinds.contains(&kind))
}

/// Why an acceptance would be a guess, if it would: the deviation, and the certificate that has it. What is sent, the
/// path, and where one certificate can spoil the trust file that file are looked at.
pub(super) fn guess(
    stack: &Stack,
    sent: &[Certificate],
    path: &[Certificate],
    anchors: &[Anchor],
) -> Option<String> {
    let spoils = matches!(stack.parse, P::Java | P::Gnutls | P::Bearssl);
    let trusted = anchors.iter().filter(|_| spoils).map(|a| &a.cert);
    path.iter().chain(sent).chain(trusted).find_map(|cert| {
        let deviation = cert.deviations().iter().find(|d| !models(stack, **d))?;
        Some(format!("{}: {deviation}; what {} makes of that is not known", who(cert), stack.library))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack_id::StackId;

    #[test]
    fn a_row_that_is_open_was_measured_and_stands_there_once() {
        for (i, (field, kind, libraries)) in OPEN.iter().enumerate() {
            assert!(
                MEASURED.iter().any(|(f, kinds)| f == field && kinds.contains(kind)),
                "{field:?} {kind:?}"
            );
            assert!(
                !OPEN.iter().take(i).any(|(f, k, _)| (f, k) == (field, kind)),
                "{field:?} {kind:?} twice"
            );
            assert!(libraries.iter().all(|l| measured_in_full(*l)));
        }
    }

    #[test]
    fn nothing_is_known_of_what_was_never_measured() {
        let never = Deviation { field: Field::Timestamps, kind: Kind::Rare };
        let known: Vec<_> =
            StackId::ALL.iter().filter(|id| models(super::super::stack(**id), never)).collect();
        assert_eq!(known, [&StackId::Go, &StackId::Rustls, &StackId::Erlang]);
    }
}
