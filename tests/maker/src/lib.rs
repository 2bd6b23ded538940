//! Makes the certificates, keys and folders that mqttcert's tests and demo run on: anything a broker may be found
//! with, well-formed or not. Nothing here is meant for production; keys are throw-away.
//!
//! | where | what |
//! |---|---|
//! | [`der`] [`pem`] | the bytes |
//! | [`key`] [`rsa`] [`hash`] | keys in every common form, signatures of every common kind |
//! | [`dn`] [`ext`] [`recipe`] [`crl`] | names, extensions, certificates, requests, revocation lists |
//! | [`dice`] | chance that can be had again |
//! | [`eyes`] | a TLS client that takes any certificate |
//! | [`pulse`] | the seed's deployment, copied to a folder and given its certificates |
//!
//! ```
//! use mqttcert_fixtures::{Ca, Key, Recipe, CLOCK};
//!
//! let ca = Ca::seed(CLOCK); // RSA-4096, basicConstraints, no keyUsage
//! let server = Key::rsa(2048, "server");
//! let v1 = Recipe::leaf("iot-mqtt", &server, CLOCK).v1().sign(&ca); // what `openssl x509 -req` makes
//! let good = Recipe::server(&["iot-mqtt", "127.0.0.1"], &server, CLOCK).sign(&ca);
//! assert!(v1.pem().starts_with("-----BEGIN CERTIFICATE-----"));
//! assert_ne!(v1.der, good.der);
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod crl;
pub mod der;
pub mod dice;
pub mod dn;
pub mod ext;
pub mod eyes;
pub mod hash;
pub mod key;
pub mod pem;
pub mod pulse;
pub mod recipe;
pub mod rsa;

pub use dice::Dice;
pub use dn::{Attr, Dn, Text};
pub use ext::Ext;
pub use key::{Key, SigAlg};
pub use recipe::{Ca, Made, Recipe, Shape, When};

use time::OffsetDateTime;
use time::macros::datetime;

/// The fixed clock of the tests: 2026-11-24 12:00 UTC.
pub const CLOCK: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);
