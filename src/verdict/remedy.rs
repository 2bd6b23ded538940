//! Cures that are tried: the files as they would be after a step are put to the stacks that refuse now.
//!
//! `reissue` makes one certificate for every name that is dialled, and so do the remedies: all clients that meet one
//! certificate with one trust file share them, and are judged on the same few files.

use std::collections::HashMap;
use std::hash::Hash;

use time::OffsetDateTime;

use super::cure::{Cure, of_refusal};
use crate::cert::Certificate;
use crate::judgement::{Judgement, ReasonCode};
use crate::name::PeerName;
use crate::stack_id::StackId;
use crate::stacks::{Evaluation, Presented};

/// What was refused.
#[derive(Debug, Clone, Copy)]
pub struct Sickness<'a> {
    /// The leaf that is served.
    pub leaf: &'a Certificate,
    /// The clients' trust file, its bytes.
    pub trust: &'a [u8],
    /// The reference identities of the clients that refuse.
    pub names: &'a [&'a PeerName],
    /// Whether they refuse an algorithm as too weak.
    pub weak: bool,
    /// Whether they refuse an algorithm that they do not know.
    pub unsupported: bool,
    /// As of when.
    pub now: OffsetDateTime,
}

/// A step, with the files as they would be after it.
#[derive(Debug, Clone)]
pub struct Remedy {
    /// The step.
    pub cure: Cure,
    /// What the broker would send, PEM.
    pub certfile: Vec<u8>,
    /// The client's trust file.
    pub trust: Vec<u8>,
}

/// Makes the steps that can be tried, the smallest first; none at all where no step keeps what is at fault out; `None`
/// where nothing can be tried. It signs, so it lives with the hands, below this floor.
pub type Remedies = fn(&Sickness<'_>) -> Option<Vec<Remedy>>;

/// A client that refuses.
pub(super) struct Patient<'a, K> {
    /// Which certificate it meets with which trust file.
    pub meets: K,
    /// The leaf, and the trust file's bytes.
    pub files: (&'a Certificate, &'a [u8]),
    /// Its stacks.
    pub stacks: Vec<StackId>,
    /// What it dials.
    pub name: &'a PeerName,
    /// What it says.
    pub refusal: &'a Judgement,
}

/// For each patient, the smallest step after which all of its stacks accept.
pub(super) fn cures<K: Copy + Eq + Hash>(
    patients: &[Patient<'_, K>],
    now: OffsetDateTime,
    remedies: Remedies,
) -> Vec<Option<Cure>> {
    let refused = |p: &Patient<'_, K>, code| matches!(p.refusal, Judgement::Refuse(all) if all.iter().any(|r| r.code == code));
    let ward = |p: &Patient<'_, K>| {
        (p.meets, refused(p, ReasonCode::WeakAlgorithm), refused(p, ReasonCode::UnsupportedAlgorithm))
    };
    let mut wards: HashMap<_, Vec<&Patient<'_, K>>> = HashMap::new();
    for p in patients.iter().filter(|p| is_of_certificates(p.refusal)) {
        wards.entry(ward(p)).or_default().push(p);
    }
    let made: HashMap<_, _> = wards
        .iter()
        .filter_map(|(key, all)| {
            let (leaf, trust) = all.first()?.files;
            let names: Vec<&PeerName> = all.iter().map(|p| p.name).collect();
            let sick = Sickness { leaf, trust, names: &names, weak: key.1, unsupported: key.2, now };
            Some((*key, remedies(&sick)?))
        })
        .collect();
    let tried: HashMap<_, Vec<(Cure, Evaluation<'_>)>> = made
        .iter()
        .map(|(key, steps)| {
            let tried = steps.iter().map(|r| {
                let after = Presented { certfile: &r.certfile, completion: &[], trust: &r.trust };
                (r.cure, Evaluation::new(after, now))
            });
            (*key, tried.collect())
        })
        .collect();
    patients
        .iter()
        .map(|p| match tried.get(&ward(p)).filter(|_| is_of_certificates(p.refusal)) {
            Some(steps) => Some(smallest(p, steps)),
            None => of_refusal(p.refusal),
        })
        .collect()
}

fn is_of_certificates(refusal: &Judgement) -> bool {
    of_refusal(refusal).is_some_and(|cure| cure != Cure::Code)
}

fn smallest<K>(patient: &Patient<'_, K>, steps: &[(Cure, Evaluation<'_>)]) -> Cure {
    let mut last = Vec::new();
    for (cure, evaluation) in steps {
        let after: Vec<Judgement> =
            patient.stacks.iter().map(|s| evaluation.verify(*s, patient.name)).collect();
        if after.iter().all(Judgement::is_accept) {
            return *cure;
        }
        last = after;
    }
    let refused = |codes: &[ReasonCode]| {
        last.iter()
            .any(|j| matches!(j, Judgement::Refuse(all) if all.iter().any(|r| codes.contains(&r.code))))
    };
    if refused(&[ReasonCode::InvalidName, ReasonCode::NameMismatch, ReasonCode::NoSan]) {
        Cure::Rename
    } else if steps.is_empty() || last.iter().any(Judgement::is_refuse) {
        Cure::None
    } else {
        of_refusal(patient.refusal).unwrap_or(Cure::None)
    }
}
