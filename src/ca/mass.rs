//! Issues client certificates, one or a hundred thousand: a list is checked as a whole before the first key is made,
//! then worked off in batches by every core. Each batch is written down before it begins and enters the ledger when
//! it is out, so that an interruption anywhere can be mended (`pending.rs`).

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};

use ring::rand::{SecureRandom, SystemRandom};
use time::OffsetDateTime;

use super::authority::{Authority, AuthorityError};
use super::book::{Book, BookError, Id, id_of};
use super::file_name::path_for;
use super::fresh::{self, KeyKind};
use super::ledger::Entry;
use super::list::{ListError, Row};
use super::pem;
use super::pending::{Batch, Item, Target, seen_from_ledger, with_suffix};
use super::signer::SignError;
use super::stream::StreamOut;
use super::template::{ClientTemplate, Fill, SERIAL_LEN, Serial, serial_from};
use crate::disk::books::OutFolder;

/// Certificates per batch.
const BATCH: usize = 2048;
/// Certificates per piece of work for one thread.
const SLICE: usize = 64;
/// Up to this many files, each is made durable by itself; beyond, the file system as a whole, once per batch.
const SINGLY: usize = 16;
/// Up to this many no threads are started.
const FEW: u64 = SINGLY as u64;
/// How many refusals are told.
const TOLD: usize = 10;

/// A certificate that is asked for.
#[derive(Debug, Clone)]
pub struct Order {
    /// Where it stands in the list, and who it is for.
    pub row: Row,
    /// The public key of a certificate request: AlgorithmIdentifier and key bytes. Without one a key is made.
    pub public: Option<(Vec<u8>, Vec<u8>)>,
}

/// Calls its argument for every order, in order; called twice.
pub type Source<'a> =
    dyn FnMut(&mut dyn FnMut(Order) -> Result<(), IssueError>) -> Result<(), IssueError> + 'a;

/// What holds for every certificate of a run.
pub struct Plan<'a> {
    /// The CA.
    pub authority: &'a Authority<'a>,
    /// Its certificate's file, for messages.
    pub ca_file: &'a Path,
    /// The kind of key that is made.
    pub kind: KeyKind,
    /// Their life, where the list does not say.
    pub days: u32,
    /// The time of issue.
    pub now: OffsetDateTime,
    /// Also for identities that had a certificate before.
    pub again: bool,
    /// Leave out identities that have a valid certificate.
    pub skip_issued: bool,
    /// The ledger's line count when this same list was begun before: what was issued since is not issued again.
    pub begun_at: Option<u32>,
    /// The digest of the list ([`super::runs::digest`]), to be written down once it has passed.
    pub list: Option<Vec<u8>>,
}

/// Where the certificates go.
pub enum Out {
    /// `NAME.crt` and `NAME.key` below a folder.
    Folder(OutFolder),
    /// One after the other.
    Stream(StreamOut),
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Certificates made now.
    pub issued: u64,
    /// Left out because they were issued before.
    pub skipped: u64,
    /// How many end earlier than asked because the CA ends.
    pub shortened: u64,
    /// The first few: identity, serial, end, path without suffix.
    pub first: Vec<(String, String, OffsetDateTime, PathBuf)>,
}

/// An order that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its line in the list, 0 for a name of the command line.
    pub line: u32,
    /// The identity.
    pub identity: String,
    /// Why, and what to do.
    pub why: String,
}

/// Why nothing (more) was issued.
#[derive(Debug)]
pub enum IssueError {
    /// The list cannot be taken; nothing was issued.
    List(ListError),
    /// Orders were refused, and how many in all; nothing was issued.
    Refused(Vec<Refusal>, u64),
    /// The CA cannot sign.
    Authority(AuthorityError),
    /// Signing failed.
    Sign(SignError),
    /// The ledger.
    Book(BookError),
    /// A file could not be written; how many certificates were issued before.
    Write(PathBuf, std::io::Error, u64),
}

impl fmt::Display for IssueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(e) => e.fmt(f),
            Self::Refused(some, n) => {
                write!(f, "{n} refused, nothing was issued")?;
                for r in some {
                    let place = if r.line > 0 { format!("line {}: ", r.line) } else { String::new() };
                    write!(f, "\n  {place}{}: {}", crate::name::escape(&r.identity), r.why)?;
                }
                Ok(())
            }
            Self::Authority(e) => e.fmt(f),
            Self::Sign(e) => e.fmt(f),
            Self::Book(e) => e.fmt(f),
            Self::Write(p, e, n) => write!(
                f,
                "{}: {e}; {n} certificates are issued and in the ledger, run the same command again for the rest",
                crate::name::escape(&p.to_string_lossy())
            ),
        }
    }
}

impl std::error::Error for IssueError {}

impl From<ListError> for IssueError {
    fn from(e: ListError) -> Self {
        Self::List(e)
    }
}
impl From<BookError> for IssueError {
    fn from(e: BookError) -> Self {
        Self::Book(e)
    }
}
impl From<SignError> for IssueError {
    fn from(e: SignError) -> Self {
        Self::Sign(e)
    }
}

/// Checks every order, then issues them. `progress` hears how many of how many are done.
///
/// # Errors
/// [`IssueError`]; what was issued until then is in the ledger.
pub fn issue(
    book: &mut Book,
    plan: &Plan<'_>,
    source: &mut Source<'_>,
    out: &mut Out,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Summary, IssueError> {
    let mut summary = Summary::default();
    let total = check(book, plan, source, out, &mut summary)?;
    if total == 0 {
        return Ok(summary);
    }
    if let Some(list) = plan.list.as_ref().filter(|_| plan.begun_at.is_none()) {
        super::runs::begin(book, list)?;
    }
    if plan.again && book.unique_subject() {
        book.allow_several()?;
    }
    let before = book.lines();
    // A few are made by this thread alone.
    let threads = match total {
        0..=FEW => 0,
        _ => std::thread::available_parallelism().map_or(2, usize::from),
    };
    let result = work(book, plan, source, out, &mut summary, threads, &mut |done| progress(done, total));
    match result {
        Ok(()) => {
            book.close_batches()?;
            if let Some(list) = &plan.list {
                super::runs::end(book, list)?;
            }
            Ok(summary)
        }
        // What is whole enters the ledger, what is torn goes away: at once, not only in the next run.
        Err(e) => {
            let entered = book.mend_now(plan.now).unwrap_or(0);
            let n = u64::from(book.lines() - before) + entered;
            Err(match e {
                IssueError::Write(path, why, _) => IssueError::Write(path, why, n),
                other => other,
            })
        }
    }
}

/// Whether an order is to be left out, refused or issued.
enum Answer {
    Issue,
    Skip,
    Refuse(String),
}

fn answer(book: &Book, plan: &Plan<'_>, id: &Id) -> Answer {
    let Some(known) = book.known(id) else {
        return Answer::Issue;
    };
    if known.valid > 0 {
        let this_list = plan.begun_at.is_some_and(|begun| known.valid > begun);
        if this_list || plan.skip_issued || book.was_adopted(id) {
            return Answer::Skip;
        }
        if plan.again {
            return Answer::Issue;
        }
        return Answer::Refuse(format!(
            "has a valid certificate already (ledger line {}); revoke it first, or add --again to have two",
            known.valid
        ));
    }
    // What an interrupted run of this list revoked as in doubt is made again without asking.
    if plan.again || plan.begun_at.is_some_and(|begun| known.first > begun) {
        return Answer::Issue;
    }
    Answer::Refuse(format!(
        "had a certificate that is revoked or over (ledger line {}); add --again if it is the same device",
        known.first
    ))
}

fn check(
    book: &Book,
    plan: &Plan<'_>,
    source: &mut Source<'_>,
    out: &Out,
    summary: &mut Summary,
) -> Result<u64, IssueError> {
    plan.authority.validity(plan.ca_file, plan.now, plan.days).map_err(IssueError::Authority)?;
    let mut seen: HashMap<Id, u32> = HashMap::new();
    let mut refused: Vec<Refusal> = Vec::new();
    let (mut total, mut bad) = (0u64, 0u64);
    source(&mut |order| {
        let name = order.row.subject.common_name();
        let id = id_of(name);
        let line = order.row.line;
        let mut refuse = |why: String| {
            bad += 1;
            if refused.len() < TOLD {
                refused.push(Refusal { line, identity: name.to_owned(), why });
            }
        };
        if let Some(before) = seen.insert(id, line) {
            refuse(if before > 0 {
                format!("stands in line {before} already")
            } else {
                "is named twice".into()
            });
            return Ok(());
        }
        match answer(book, plan, &id) {
            Answer::Skip => summary.skipped += 1,
            Answer::Refuse(why) => refuse(why),
            Answer::Issue => match (path_for(name), out) {
                (None, _) => refuse("is too long for a file name; use --out -".into()),
                (Some(path), Out::Folder(folder)) => {
                    for suffix in [".crt", ".key"] {
                        let file = with_suffix(&path, suffix);
                        let there = folder
                            .exists(&file)
                            .map_err(|e| IssueError::Write(folder.root().join(&file), e, 0))?;
                        if there && !(suffix == ".key" && order.public.is_some()) {
                            refuse(format!(
                                "{} is there already, and nothing is overwritten; move it away",
                                folder.root().join(&file).display()
                            ));
                            return Ok(());
                        }
                    }
                    total += 1;
                }
                (Some(_), Out::Stream(_)) => total += 1,
            },
        }
        Ok(())
    })?;
    if bad > 0 { Err(IssueError::Refused(refused, bad)) } else { Ok(total) }
}

/// An order with everything that the main thread decides.
struct Ready {
    item: Item,
    identity: String,
    subject: Vec<u8>,
    not_before: OffsetDateTime,
    public: Option<(Vec<u8>, Vec<u8>)>,
}

type Slice = (u64, usize, Vec<Ready>);

/// The certificates of one slice.
struct Made {
    batch: u64,
    at: usize,
    count: usize,
    /// For a stream: the records one after the other, and where each ends.
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// What the threads share.
struct Shop<'a> {
    plan: &'a Plan<'a>,
    template: ClientTemplate,
    rng: SystemRandom,
    folder: Option<&'a OutFolder>,
    intermediates: Vec<u8>,
    queue: Mutex<mpsc::Receiver<Slice>>,
    stop: AtomicBool,
}

/// A batch under way.
struct Under {
    number: u64,
    lines: String,
    count: usize,
    slices: Vec<Option<Made>>,
}

fn work(
    book: &mut Book,
    plan: &Plan<'_>,
    source: &mut Source<'_>,
    out: &mut Out,
    summary: &mut Summary,
    threads: usize,
    progress: &mut dyn FnMut(u64),
) -> Result<(), IssueError> {
    let ca = plan.authority.certificate();
    // As in the server's certificate: a CA without an identifier is named by the one that a renewal would give it.
    let key_id = ca.subject_key_id().map_or_else(|| super::server::key_id(ca.spki_der()), <[u8]>::to_vec);
    let mut intermediates = Vec::new();
    plan.authority
        .intermediates()
        .iter()
        .for_each(|c| pem::block(&mut intermediates, "CERTIFICATE", c.der()));
    let (jobs, queue) = mpsc::channel::<Slice>();
    let (made, results) = mpsc::channel::<Result<Made, IssueError>>();
    let (folder, stream) = match out {
        Out::Folder(folder) => (Some(&*folder), None),
        Out::Stream(stream) => (None, Some(stream)),
    };
    let shop = Arc::new(Shop {
        plan,
        template: ClientTemplate::new(ca.subject().der(), Some(&key_id), plan.authority.signer()),
        rng: SystemRandom::new(),
        folder,
        intermediates,
        queue: Mutex::new(queue),
        stop: AtomicBool::new(false),
    });
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (shop, made) = (shop.clone(), made.clone());
            scope.spawn(move || {
                loop {
                    let job = shop.queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(slice) = job else { return };
                    if shop.stop.load(Ordering::Relaxed) {
                        return;
                    }
                    if made.send(shop.make(slice)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(made);
        let mut foreman = Foreman {
            book,
            plan,
            folder,
            stream,
            jobs,
            alone: (threads == 0).then(|| shop.clone()),
            results,
            under: VecDeque::new(),
            waiting: Vec::new(),
            next: 0,
            summary,
            progress,
        };
        let result = foreman.run(source, &shop.rng);
        // After an error nothing more is begun; dropping the foreman closes the queue, and the threads end.
        shop.stop.store(result.is_err(), Ordering::Relaxed);
        result
    })
}

struct Foreman<'a> {
    book: &'a mut Book,
    plan: &'a Plan<'a>,
    folder: Option<&'a OutFolder>,
    stream: Option<&'a mut StreamOut>,
    jobs: mpsc::Sender<Slice>,
    results: mpsc::Receiver<Result<Made, IssueError>>,
    /// Where there are no threads, the work is done here.
    alone: Option<Arc<Shop<'a>>>,
    under: VecDeque<Under>,
    waiting: Vec<Ready>,
    next: u64,
    summary: &'a mut Summary,
    progress: &'a mut dyn FnMut(u64),
}

impl Foreman<'_> {
    fn run(&mut self, source: &mut Source<'_>, rng: &SystemRandom) -> Result<(), IssueError> {
        source(&mut |order| {
            let id = id_of(order.row.subject.common_name());
            if matches!(answer(self.book, self.plan, &id), Answer::Issue) {
                let ready = self.prepare(order, rng)?;
                self.waiting.push(ready);
                if self.waiting.len() >= BATCH {
                    self.dispatch()?;
                }
            }
            Ok(())
        })?;
        if !self.waiting.is_empty() {
            self.dispatch()?;
        }
        while !self.under.is_empty() {
            self.finish()?;
        }
        Ok(())
    }

    fn prepare(&mut self, order: Order, rng: &SystemRandom) -> Result<Ready, IssueError> {
        let mut serial: Serial = [0; SERIAL_LEN];
        rng.fill(&mut serial).map_err(|e| SignError::Failed(e.to_string()))?;
        let days = order.row.days.unwrap_or(self.plan.days);
        let (not_before, not_after) = self
            .plan
            .authority
            .validity(self.plan.ca_file, self.plan.now, days)
            .map_err(IssueError::Authority)?;
        if not_after < self.plan.now.saturating_add(time::Duration::days(days.into())) {
            self.summary.shortened += 1;
        }
        let subject = order.row.subject;
        let identity = subject.common_name().to_owned();
        let path = path_for(&identity).unwrap_or_default();
        // Whole seconds: what the certificate holds.
        let not_after = not_after.replace_nanosecond(0).unwrap_or(not_after);
        let entry = Entry::issued(serial_from(serial).to_vec(), not_after, subject.oneline());
        if self.summary.first.len() < TOLD {
            self.summary.first.push((identity.clone(), entry.serial_hex(), not_after, path.clone()));
        }
        Ok(Ready {
            item: Item { path, with_key: order.public.is_none(), entry },
            identity,
            subject: subject.der(),
            not_before,
            public: order.public,
        })
    }

    /// Writes the waiting orders down as a batch and hands them out; the batch before is finished meanwhile.
    fn dispatch(&mut self) -> Result<(), IssueError> {
        if self.under.len() >= 2 {
            self.finish()?;
        }
        let ready = std::mem::take(&mut self.waiting);
        let number = self.next;
        self.next += 1;
        let target = match (self.folder, self.stream.as_deref()) {
            (Some(folder), _) => Target::Folder(seen_from_ledger(self.book.path(), folder.root())),
            (None, Some(stream)) => stream.target(),
            (None, None) => Target::Pipe,
        };
        let mut lines = String::new();
        ready.iter().for_each(|r| r.item.entry.write(&mut lines));
        let count = ready.len();
        let (items, rest): (Vec<Item>, Vec<_>) =
            ready.into_iter().map(|r| (r.item, (r.identity, r.subject, r.not_before, r.public))).unzip();
        let batch = Batch { number, target, items };
        batch.write(self.book.path()).map_err(|e| {
            IssueError::Book(BookError::Io(super::pending::slot(self.book.path(), number), e))
        })?;
        let mut all =
            batch.items.into_iter().zip(rest).map(|(item, (identity, subject, not_before, public))| Ready {
                item,
                identity,
                subject,
                not_before,
                public,
            });
        let mut slices = Vec::new();
        loop {
            let slice: Vec<Ready> = all.by_ref().take(SLICE).collect();
            if slice.is_empty() {
                break;
            }
            // The threads live as long as this sender.
            let _ = self.jobs.send((number, slices.len(), slice));
            slices.push(None);
        }
        self.under.push_back(Under { number, lines, count, slices });
        Ok(())
    }

    /// Waits for the oldest batch, and enters it into the ledger.
    fn finish(&mut self) -> Result<(), IssueError> {
        let Some(oldest) = self.under.front().map(|u| u.number) else {
            return Ok(());
        };
        let mut next_out = 0usize;
        loop {
            let Some(front) = self.under.front_mut() else { return Ok(()) };
            // A stream is written in order, as far as slices are there.
            if let Some(stream) = self.stream.as_deref_mut() {
                while let Some(Some(made)) = front.slices.get_mut(next_out) {
                    let (text, ends) = (std::mem::take(&mut made.text), std::mem::take(&mut made.ends));
                    stream
                        .write(self.book.path(), oldest, &text, &ends)
                        .map_err(|e| IssueError::Write(PathBuf::from("-"), e, self.summary.issued))?;
                    next_out += 1;
                }
            }
            if front.slices.iter().all(Option::is_some) {
                break;
            }
            let made = match &self.alone {
                Some(shop) => shop
                    .queue
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .try_recv()
                    .ok()
                    .map(|s| shop.make(s)),
                None => self.results.recv().ok(),
            };
            let made = made.unwrap_or_else(|| Err(SignError::Failed("a thread ended".into()).into()))?;
            let (batch, at) = (made.batch, made.at);
            let slot = self.under.iter_mut().find(|u| u.number == batch).and_then(|u| u.slices.get_mut(at));
            if let Some(slot) = slot {
                let count = made.count as u64;
                *slot = Some(made);
                self.summary.issued += count;
                (self.progress)(self.summary.issued);
            }
        }
        let Some(done) = self.under.pop_front() else { return Ok(()) };
        if let Some(folder) = self.folder.filter(|_| done.count > SINGLY) {
            folder.sync().map_err(|e| IssueError::Write(folder.root().to_owned(), e, self.summary.issued))?;
        }
        if let Some(stream) = self.stream.as_deref_mut() {
            stream.sync().map_err(|e| IssueError::Write(PathBuf::from("-"), e, self.summary.issued))?;
        }
        self.book.append(&done.lines)?;
        Ok(())
    }
}

impl Shop<'_> {
    fn make(&self, (batch, at, slice): Slice) -> Result<Made, IssueError> {
        let singly = slice.len() <= SINGLY;
        let mut made = Made { batch, at, count: slice.len(), text: Vec::new(), ends: Vec::new() };
        let (mut key_pem, mut crt_pem) = (zeroize::Zeroizing::new(Vec::new()), Vec::new());
        for ready in &slice {
            key_pem.clear();
            crt_pem.clear();
            self.sign(ready, &mut key_pem, &mut crt_pem)?;
            match self.folder {
                Some(folder) => {
                    let write = |suffix: &str, bytes: &[u8], mode| {
                        let path = with_suffix(&ready.item.path, suffix);
                        folder
                            .create(&path, bytes, mode, singly)
                            .map_err(|e| IssueError::Write(folder.root().join(path), e, 0))
                    };
                    if ready.item.with_key {
                        write(".key", &key_pem, 0o600)?;
                    }
                    write(".crt", &crt_pem, 0o644)?;
                }
                None => {
                    made.text.extend_from_slice(b"# ");
                    made.text.extend_from_slice(crate::name::escape(&ready.identity).as_bytes());
                    made.text.push(b'\n');
                    made.text.extend_from_slice(&key_pem);
                    made.text.extend_from_slice(&crt_pem);
                    made.ends.push(made.text.len());
                }
            }
        }
        Ok(made)
    }

    fn sign(&self, ready: &Ready, key_pem: &mut Vec<u8>, crt_pem: &mut Vec<u8>) -> Result<(), IssueError> {
        let fresh = match ready.public {
            Some(_) => None,
            None => Some(fresh::generate(self.plan.kind, &self.rng)?),
        };
        let (algorithm, key) = match (&fresh, &ready.public) {
            (Some(fresh), _) => (self.plan.kind.spki_algorithm(), fresh.public.as_slice()),
            (None, Some((algorithm, key))) => (algorithm.as_slice(), key.as_slice()),
            (None, None) => return Err(SignError::Failed("no key".into()).into()),
        };
        let mut serial: Serial = [0; SERIAL_LEN];
        serial.iter_mut().zip(&ready.item.entry.serial).for_each(|(to, from)| *to = *from);
        let fill = Fill {
            serial: &serial,
            not_before: ready.not_before,
            not_after: ready.item.entry.expires,
            subject: &ready.subject,
            key_algorithm: algorithm,
            key,
        };
        let der = self.template.sign(&fill, self.plan.authority.signer())?;
        if let Some(fresh) = &fresh {
            pem::block(key_pem, "PRIVATE KEY", &fresh.pkcs8);
        }
        pem::block(crt_pem, "CERTIFICATE", &der);
        crt_pem.extend_from_slice(&self.intermediates);
        Ok(())
    }
}
