//! The main thread: it decides what the threads do, in which order it is out, and what enters the ledger.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use ring::rand::{SecureRandom, SystemRandom};

use super::check::{Answer, answer};
use super::shop::{Made, Ready, Shop, Slice};
use super::{BATCH, IssueError, Order, Out, Plan, SINGLY, SLICE, Source, Summary, TOLD};
use crate::ca::book::{Book, BookError, id_of};
use crate::ca::file_name::path_for;
use crate::ca::ledger::Entry;
use crate::ca::pem;
use crate::ca::pending::{Batch, Item, Target, seen_from_ledger, slot};
use crate::ca::server;
use crate::ca::signer::SignError;
use crate::ca::stream::StreamOut;
use crate::ca::template::{ClientTemplate, SERIAL_LEN, Serial, serial_from};
use crate::disk::books::OutFolder;

/// A batch under way.
struct Under {
    number: u64,
    lines: String,
    count: usize,
    slices: Vec<Option<Made>>,
}

/// Issues every order that [`answer`] lets through.
pub(super) fn work(
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
    let key_id = ca.subject_key_id().map_or_else(|| server::key_id(ca.spki_der()), <[u8]>::to_vec);
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
            serials: Vec::new(),
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
    /// Random bytes for the next serial numbers: one call to the system for many.
    serials: Vec<Serial>,
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
        let serial = self.serial(rng)?;
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

    fn serial(&mut self, rng: &SystemRandom) -> Result<Serial, SignError> {
        if self.serials.is_empty() {
            let mut random = [0; SERIAL_LEN * SLICE];
            rng.fill(&mut random).map_err(|e| SignError::Failed(e.to_string()))?;
            self.serials.extend(random.as_chunks().0);
        }
        self.serials.pop().ok_or_else(|| SignError::Failed("no random bytes".to_owned()))
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
        batch
            .write(self.book.path())
            .map_err(|e| IssueError::Book(BookError::Io(slot(self.book.path(), number), e)))?;
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
