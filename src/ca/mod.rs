//! The CA's hand: build, sign, ledger, CRL.
//!
//! | file | what lives there |
//! |---|---|
//! | [`signer`] | the seam to the key that signs |
//! | [`der`] `oid.rs` | DER, written |
//! | [`subject`] [`file_name`] | names of clients, for the certificate, the ledger and the disk |
//! | [`founding`] | a CA for a project that has none |
//! | [`fresh`] [`template`] | fresh keys, and certificates from a template |
//! | [`authority`] | a CA that can sign |
//! | [`list`] [`mass`] | lists of devices, and issuing one or a hundred thousand |
//! | `stream.rs` `pem.rs` | certificates one after the other |
//! | [`book`] [`pending`] | the ledger on disk: locked, appended, mended after an interruption |
//! | [`server`] | the server certificate and its request |
//! | [`root`] [`trial`] [`encrypt`] | the CA's own certificate, tried on every stack; its key, encrypted |
//! | [`expiring`] | what ends when |
//! | [`request`] | certificate requests, checked |
//! | [`revoke`] | revocations, and the CRL on disk |
//! | [`place`] [`runs`] | where a CA keeps its files; which lists were begun |
//! | [`serial`] [`ledger`] [`crl`] | serial numbers, OpenSSL's ledger, and the revocation list made from it |

pub mod authority;
pub mod book;
pub mod crl;
pub mod der;
pub mod encrypt;
pub mod expiring;
pub mod file_name;
pub mod founding;
pub mod fresh;
pub mod ledger;
pub mod list;
pub mod mass;
mod oid;
pub mod pem;
pub mod pending;
pub mod place;
pub mod request;
pub mod revoke;
pub mod root;
pub mod runs;
pub mod serial;
pub mod server;
pub mod signer;
pub mod stream;
pub mod subject;
pub mod template;
pub mod trial;

pub use authority::{Authority, AuthorityError};
pub use fresh::KeyKind;
pub use signer::{FileSigner, SignError, Signer};
