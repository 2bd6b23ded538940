//! The CA's hand: build, sign, ledger, CRL.
//!
//! | file | what lives there |
//! |---|---|
//! | [`signer`] | the seam to the key that signs |
//! | [`der`] `oid.rs` | DER, written |
//! | [`subject`] [`file_name`] | names of clients, for the certificate, the ledger and the disk |
//! | [`fresh`] [`template`] | fresh keys, and certificates from a template |
//! | [`ledger`] [`crl`] | OpenSSL's ledger, and the revocation list made from it |

pub mod crl;
pub mod der;
pub mod file_name;
pub mod fresh;
pub mod ledger;
mod oid;
pub mod signer;
pub mod subject;
pub mod template;

pub use fresh::KeyKind;
pub use signer::{FileSigner, SignError, Signer};
