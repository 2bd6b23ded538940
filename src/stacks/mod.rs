//! What each client TLS stack accepts: cited data per stack, one evaluator.

use time::OffsetDateTime;

use crate::cert::Certificate;
use crate::judgement::Judgement;
use crate::name::PeerName;
use crate::stack_id::StackId;

/// What a server presents and what the client trusts.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// The server's certificate file as it stands.
    pub certfile: &'a [u8],
    /// What Mosquitto adds from its `cafile` when the certfile holds only the leaf.
    pub completion: &'a [Certificate],
    /// The client's trust file as it stands.
    pub trust: &'a [u8],
}

/// The evaluator of one [`Presented`] at one time.
#[derive(Debug)]
pub struct Evaluation<'a> {
    _presented: Presented<'a>,
}

impl<'a> Evaluation<'a> {
    /// Takes the files; nothing is read yet.
    #[must_use]
    pub fn new(presented: Presented<'a>, _now: OffsetDateTime) -> Self {
        Self { _presented: presented }
    }

    /// What the client does when it dials `name` and checks it.
    #[must_use]
    pub fn verify(&self, _id: StackId, _name: &PeerName) -> Judgement {
        Judgement::Unknown("the stacks are not built yet".into())
    }

    /// What the client does when it does not compare the name.
    #[must_use]
    pub fn chain_only(&self, _id: StackId, _dialled: Option<&PeerName>) -> Judgement {
        Judgement::Unknown("the stacks are not built yet".into())
    }
}
