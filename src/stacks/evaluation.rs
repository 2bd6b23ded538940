//! One presented certificate, judged by many stacks and names: every file is read and every signature checked once.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use time::OffsetDateTime;

use super::Presented;
use super::index::Index;
use super::names::{self, NameVerdict};
use super::parse;
use super::path;
use super::stack::{Builder, Stack, TrustReader};
use super::trust::{self, Anchor};
use super::webpki;
use crate::cert::der::DerError;
use crate::cert::signature::{self, Check};
use crate::cert::{CertError, Certificate, openssl_asn1, openssl_pem};
use crate::judgement::{Judgement, Leniency, Reason, ReasonCode};
use crate::name::PeerName;
use crate::stack_id::StackId;

/// The evaluator of one [`Presented`] at one time.
pub struct Evaluation<'a> {
    presented: Presented<'a>,
    now: OffsetDateTime,
    sent: OnceCell<Result<Vec<Certificate>, Judgement>>,
    anchors: RefCell<HashMap<TrustReader, Anchors>>,
    checks: RefCell<HashMap<([u8; 32], [u8; 32]), Check>>,
    chains: RefCell<HashMap<StackId, Judgement>>,
    leaves: RefCell<HashMap<StackId, (Certificate, Rc<Index>)>>,
    readable: OnceCell<bool>,
    work: Cell<Work>,
}

/// How much an [`Evaluation`] has done so far: what must grow no faster than its input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// How often a search asked whether one certificate signed another.
    pub asked: u64,
    /// How many of these signatures were really checked.
    pub verified: u64,
    /// How many presented names were compared with a dialled one.
    pub compared: u64,
}

impl std::fmt::Debug for Evaluation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Evaluation").field("now", &self.now).finish_non_exhaustive()
    }
}

/// The anchors that a reader finds, or why it finds none.
type Anchors = Rc<Result<Vec<Anchor>, String>>;

impl<'a> Evaluation<'a> {
    /// Takes the files; nothing is read yet.
    #[must_use]
    pub fn new(presented: Presented<'a>, now: OffsetDateTime) -> Self {
        Self {
            presented,
            now,
            sent: OnceCell::new(),
            anchors: RefCell::default(),
            checks: RefCell::default(),
            chains: RefCell::default(),
            leaves: RefCell::default(),
            readable: OnceCell::new(),
            work: Cell::default(),
        }
    }

    /// As of when it is judged.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        self.now
    }

    /// How much it has done so far.
    #[must_use]
    pub fn work(&self) -> Work {
        self.work.get()
    }

    pub(super) fn count(&self, add: impl Fn(&mut Work)) {
        let mut work = self.work.get();
        add(&mut work);
        self.work.set(work);
    }

    /// What the client does when it dials `name` and checks it.
    #[must_use]
    pub fn verify(&self, id: StackId, name: &PeerName) -> Judgement {
        self.both(id, Some(name), true)
    }

    /// What the client does when it does not compare the name. `dialled` matters all the same where a library
    /// refuses a name before it connects (Python's IDNA, rustls' `ServerName`, Paho Java's `SNIHostName`).
    #[must_use]
    pub fn chain_only(&self, id: StackId, dialled: Option<&PeerName>) -> Judgement {
        self.both(id, dialled, false)
    }

    fn both(&self, id: StackId, name: Option<&PeerName>, compare: bool) -> Judgement {
        let stack = super::stack(id);
        let mut chain = self.chain(stack);
        if stack.path.builder == Builder::Webpki
            && !compare
            && chain.is_accept()
            && let Some(leaf) = self.sent().ok().and_then(<[_]>::first)
            && !*self.readable.get_or_init(|| webpki::all_names_readable(leaf))
            && let Some(reason) = webpki::names_readable(leaf, name)
        {
            chain = Judgement::Refuse(vec![reason]);
        }
        let Some(name) = name else { return chain };
        if chain.is_refuse() && self.sent().is_err() {
            return chain;
        }
        let verdict = match self.sent() {
            Ok(sent) => {
                let Some((leaf, index)) = self.leaf(stack, sent) else { return chain };
                names::judge(self, stack, &leaf, &index, name, compare)
            }
            Err(_) => return chain,
        };
        merge(chain, verdict)
    }

    fn chain(&self, stack: &Stack) -> Judgement {
        if let Some(known) = self.chains.borrow().get(&stack.id) {
            return known.clone();
        }
        let judged = path::judge(self, stack);
        self.chains.borrow_mut().insert(stack.id, judged.clone());
        judged
    }

    /// The server's certificate as the stack has understood it, and its names.
    fn leaf(&self, stack: &Stack, sent: &[Certificate]) -> Option<(Certificate, Rc<Index>)> {
        if let Some(known) = self.leaves.borrow().get(&stack.id) {
            return Some(known.clone());
        }
        let leaf = parse::understood(stack, sent.get(..1)?).first()?.clone();
        let found = (leaf.clone(), Rc::new(Index::of(stack, &leaf)));
        self.leaves.borrow_mut().insert(stack.id, found.clone());
        Some(found)
    }

    /// What an OpenSSL server sends with this certfile.
    pub(super) fn sent(&self) -> Result<&[Certificate], Judgement> {
        let sent = self.sent.get_or_init(|| {
            let refuse = |why: String| {
                let detail = format!("no OpenSSL server starts with this certificate file: {why}");
                Judgement::refuse(ReasonCode::BrokerDoesNotStart, detail)
            };
            let blocks = openssl_pem::certfile(self.presented.certfile).map_err(|w| refuse(w.to_owned()))?;
            let mut found = Vec::new();
            for der in blocks {
                let cert = Certificate::from_der(&der).map_err(|e| match e {
                    CertError::Der(_, DerError::Length) => Judgement::Unknown(
                        "a certificate is written in BER's indefinite form, which is not read here"
                            .to_owned(),
                    ),
                    _ => refuse(e.to_string()),
                })?;
                openssl_asn1::decode(&cert).map_err(|e| refuse(e.to_string()))?;
                found.push(cert);
            }
            if found.len() == 1 {
                found.extend(self.presented.completion.iter().cloned());
            }
            Ok(found)
        });
        sent.as_deref().map_err(Clone::clone)
    }

    pub(super) fn anchors(&self, reader: TrustReader) -> Anchors {
        if let Some(known) = self.anchors.borrow().get(&reader) {
            return known.clone();
        }
        let read = Rc::new(trust::read(reader, self.presented.trust));
        self.anchors.borrow_mut().insert(reader, read.clone());
        read
    }

    /// Whether `subject` is signed by the key of `issuer`.
    pub(super) fn signed(&self, issuer: &Certificate, subject: &Certificate) -> Check {
        self.count(|w| w.asked += 1);
        let pair = (issuer.spki_sha256(), subject.sha256());
        if let Some(known) = self.checks.borrow().get(&pair) {
            return known.clone();
        }
        self.count(|w| w.verified += 1);
        let check = signature::verify(issuer.spki_der(), subject);
        self.checks.borrow_mut().insert(pair, check.clone());
        check
    }
}

/// The name's verdict on top of the chain's.
fn merge(chain: Judgement, name: NameVerdict) -> Judgement {
    match (chain, name) {
        (Judgement::Accept { relies_on }, NameVerdict::Match(more)) => {
            let mut all: Vec<Leniency> = relies_on;
            all.extend(more);
            all.sort_unstable();
            all.dedup();
            Judgement::Accept { relies_on: all }
        }
        (Judgement::Refuse(mut reasons), NameVerdict::Refused(reason)) => {
            reasons.push(reason);
            Judgement::Refuse(reasons)
        }
        (Judgement::Refuse(reasons), _) => Judgement::Refuse(reasons),
        (_, NameVerdict::Refused(reason)) => Judgement::Refuse(vec![reason]),
        (Judgement::Unknown(because), _) => Judgement::Unknown(because),
    }
}

/// Judges one name for one stack; `None` asks for the chain alone. For many stacks and names on one certificate,
/// [`Evaluation`] is cheaper.
#[must_use]
pub fn judge(
    id: StackId,
    presented: &Presented<'_>,
    name: Option<&PeerName>,
    now: OffsetDateTime,
) -> Judgement {
    let evaluation = Evaluation::new(*presented, now);
    match name {
        Some(name) => evaluation.verify(id, name),
        None => evaluation.chain_only(id, None),
    }
}

/// The outcome of a search for a path: what was found, or the most telling refusal.
pub(super) enum Found {
    /// A path, leaf first, anchor last.
    Path(Vec<Certificate>),
    /// None, for these reasons.
    None(Vec<Reason>),
    /// A signature could not be checked.
    Unknown(String),
}
