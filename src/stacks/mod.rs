//! What each client TLS stack accepts: cited data per stack, one evaluator.
//!
//! A stack is a [`Stack`]: switches with sources, one file each below `data/`. [`Evaluation`] reads the files as the
//! stack would, builds the path as it would, and compares the name as it would. Unknown never becomes a yes.

mod armour;
pub(crate) mod as_openssl;
mod bearssl;
mod checks;
mod constraints;
mod data;
mod dn;
mod erlang;
mod evaluation;
mod form;
mod gnutls;
mod go;
mod guard;
mod index;
mod java;
mod mbedtls;
mod names;
mod nss;
mod octets;
mod openssl;
mod own;
mod parse;
mod path;
mod policies;
mod reference;
mod relies;
mod stack;
mod times;
mod trust;
mod webpki;
mod wildcard;
mod wolfssl;

pub use self::data::stack;
pub use self::evaluation::{Evaluation, Work, judge};
pub use self::guard::models;
pub use self::stack::Stack;
use crate::cert::Certificate;

/// What a server presents and what the client trusts.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// The server's certificate file as it stands.
    pub certfile: &'a [u8],
    /// What Mosquitto adds from its `cafile` when the certfile holds only the leaf; empty for a server that sends
    /// the file as it stands.
    pub completion: &'a [Certificate],
    /// The client's trust file as it stands.
    pub trust: &'a [u8],
}
