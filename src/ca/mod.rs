//! The CA's hand: build, sign, ledger, CRL.

pub mod der;
mod oid;
pub mod signer;

pub use signer::{FileSigner, SignError, Signer};
