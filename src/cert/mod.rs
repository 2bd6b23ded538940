//! PEM blocks, certificates, keys, CRLs and signatures as owned views without judgement.

pub mod algorithm;
pub mod ber;
mod certificate;
pub mod crl;
pub mod der;
pub mod extension;
pub mod key;
mod name;
pub mod oid;
pub mod openssl_asn1;
pub mod openssl_pem;
pub mod pem;
pub mod signature;
pub mod strict;
pub mod time;
mod typed;

pub use self::certificate::{CertError, Certificate};
pub use self::name::{Attribute, Name};
pub use self::pem::load_pem;
