//! From what the stack answers to what is to be done about the flag.

use crate::deployment::{Client, FlagEffect, VIA_NAME};
use crate::judgement::{Judgement, ReasonCode};
use crate::stack_id::StackId;

use super::{Decision, StackVerdict};

/// What happens with the flag on: a flag that only skips the name leaves the chain to be checked, one that skips
/// everything connects to anything that it can shake hands with.
pub(super) fn with_flag(
    client: &Client,
    asked: &[StackVerdict],
    verify: &Judgement,
    chain_only: &Judgement,
) -> Judgement {
    let anything = || {
        let unreadable = asked.iter().find_map(|s| match &s.chain_only {
            Judgement::Refuse(why) => why
                .iter()
                .find(|r| matches!(r.code, ReasonCode::TlsVersion | ReasonCode::UnsupportedAlgorithm))
                .map(|r| Judgement::Refuse(vec![r.clone()])),
            _ => None,
        });
        unreadable.unwrap_or(Judgement::Accept { relies_on: Vec::new() })
    };
    let effect = match &client.flag {
        Some(flag) => flag.effect,
        None => match asked {
            [one] => usual_effect(one.stack),
            _ => FlagEffect::Hostname,
        },
    };
    match effect {
        FlagEffect::Hostname => chain_only.clone(),
        FlagEffect::Everything => anything(),
        FlagEffect::Nothing => verify.clone(),
    }
}

/// What the flag of programs on this stack usually switches off: paho's `tls_insecure_set`, the host name alone; for
/// the others, all verification (Node `rejectUnauthorized`, Go `InsecureSkipVerify`, `mosquitto_pub --insecure`,
/// Mbed TLS `VERIFY_NONE`).
fn usual_effect(stack: StackId) -> FlagEffect {
    match stack {
        StackId::PythonPaho | StackId::PythonDefault | StackId::PythonStrict => FlagEffect::Hostname,
        _ => FlagEffect::Everything,
    }
}

pub(super) fn decide(client: &Client, verify: &Judgement, with_flag: &Judgement) -> Decision {
    let flag_on = match &client.flag {
        Some(flag) => flag.insecure_now,
        None => client.via == VIA_NAME,
    };
    match (flag_on, verify, with_flag) {
        (_, Judgement::Unknown(_), _) => Decision::Undecided,
        (true, Judgement::Accept { .. }, _) => Decision::SwitchOff,
        (false, Judgement::Accept { .. }, _) => Decision::Verified,
        (false, Judgement::Refuse(_), _) => Decision::Broken,
        (true, Judgement::Refuse(_), Judgement::Accept { .. }) => Decision::KeepOn,
        (true, Judgement::Refuse(_), Judgement::Refuse(_)) => Decision::Broken,
        (true, Judgement::Refuse(_), Judgement::Unknown(_)) => Decision::Undecided,
    }
}
