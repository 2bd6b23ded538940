//! What each client TLS stack accepts: cited data per stack, one evaluator.

use time::OffsetDateTime;

use crate::cert::Certificate;
use crate::judgement::Judgement;
use crate::name::PeerName;
use crate::stack_id::StackId;

/// What a server presents and what a client trusts, read once for all stacks.
#[derive(Debug)]
pub struct Presented {
    _certfile: Vec<u8>,
}

impl Presented {
    /// Takes the bytes of the server's certificate file, what the server adds from its own CA file, and the bytes of
    /// the client's trust file.
    #[must_use]
    pub fn new(certfile: &[u8], _completion: &[Certificate], _trust: &[u8]) -> Self {
        Self { _certfile: certfile.to_vec() }
    }
}

/// What a stack does. `name` is the reference identity; `None` asks for the chain alone.
#[must_use]
pub fn judge(
    _stack: StackId,
    _presented: &Presented,
    _name: Option<&PeerName>,
    _now: OffsetDateTime,
) -> Judgement {
    Judgement::Unknown("the stacks are not built yet".into())
}
