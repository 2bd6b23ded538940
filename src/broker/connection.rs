//! One client's socket: bytes in, bytes out, everything else is the core's.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::core::Core;

const SCRATCH: usize = 16 * 1024;
/// A client that does not read is not read from once this much waits for it, or this much of answers to itself.
const STOP_READING: usize = 256 * 1024;
const STOP_ANSWERING: usize = 16 * 1024;
/// Reads in one go before others get their turn.
const TURNS: usize = 2;

/// What all connections of a broker share.
pub(super) struct Shared {
    pub core: RefCell<Core>,
    scratch: RefCell<Vec<u8>>,
}

impl Shared {
    pub(super) fn new(core: Core) -> Rc<Self> {
        Rc::new(Self { core: RefCell::new(core), scratch: RefCell::new(vec![0; SCRATCH]) })
    }

    /// Runs a handshake unless the connection is given up meanwhile.
    pub(super) async fn unless_ended<F: Future>(&self, key: usize, work: F) -> Option<F::Output> {
        let mut work = std::pin::pin!(work);
        poll_fn(|cx| {
            if self.watch(key, cx) {
                return Poll::Ready(None);
            }
            work.as_mut().poll(cx).map(Some)
        })
        .await
    }

    fn is_gone(&self, key: usize) -> bool {
        self.core.borrow().conns.get(&key).is_none_or(|c| c.gone)
    }

    fn is_reset(&self, key: usize) -> bool {
        self.core.borrow().conns.get(&key).is_some_and(|c| c.reset)
    }

    /// Leaves the waker with the core; says whether the connection is to end.
    fn watch(&self, key: usize, cx: &Context<'_>) -> bool {
        let mut core = self.core.borrow_mut();
        let Some(conn) = core.conns.get_mut(&key) else { return true };
        if !conn.waker.as_ref().is_some_and(|w| w.will_wake(cx.waker())) {
            conn.waker = Some(cx.waker().clone());
        }
        conn.closing
    }
}

/// Serves a connection until either side ends it. `below` is what the stream itself holds of an unfinished frame.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    shared: Rc<Shared>,
    key: usize,
    stream: S,
    below: Option<Arc<AtomicUsize>>,
) {
    let mut socket = Socket {
        stream,
        below,
        partial: Vec::new(),
        writing: Vec::new(),
        written: 0,
        counted: 0,
        unflushed: false,
    };
    let _ = poll_fn(|cx| socket.poll(cx, &shared, key)).await;
}

struct Socket<S> {
    stream: S,
    below: Option<Arc<AtomicUsize>>,
    partial: Vec<u8>,
    writing: Vec<u8>,
    written: usize,
    /// Bytes of `writing` that are counted in [`Core::waiting`].
    counted: usize,
    unflushed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    fn poll(&mut self, cx: &mut Context<'_>, shared: &Shared, key: usize) -> Poll<io::Result<()>> {
        for _ in 0..TURNS {
            let closing = shared.watch(key, cx);
            let drained = self.write(cx, shared, key)?;
            if closing {
                // Who takes nothing would not take a farewell of TLS or websockets either.
                if shared.is_gone(key) {
                    return Poll::Ready(Ok(()));
                }
                if !drained {
                    return Poll::Pending;
                }
                if !shared.is_reset(key) {
                    ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
                }
                return Poll::Ready(Ok(()));
            }
            if !drained && self.is_deaf(shared, key) {
                return Poll::Pending;
            }
            ready!(self.read(cx, shared, key))?;
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Whether too much waits for a client to go on listening to it.
    fn is_deaf(&self, shared: &Shared, key: usize) -> bool {
        let core = shared.core.borrow();
        let Some(conn) = core.conns.get(&key) else { return false };
        let waits = conn.out.len() + self.writing.len().saturating_sub(self.written);
        waits > STOP_READING || waits.saturating_sub(conn.counted) > STOP_ANSWERING
    }

    /// Writes what waits; `true` when nothing is left and everything is flushed.
    fn write(&mut self, cx: &mut Context<'_>, shared: &Shared, key: usize) -> io::Result<bool> {
        loop {
            if self.written >= self.writing.len() {
                self.writing.clear();
                self.written = 0;
                if self.writing.capacity() > 8192 {
                    self.writing = Vec::new();
                }
                let mut core = shared.core.borrow_mut();
                if let Some(conn) = core.conns.get_mut(&key) {
                    let written = std::mem::take(&mut self.counted);
                    conn.counted = conn.counted.saturating_sub(written);
                    self.counted = conn.counted;
                    std::mem::swap(&mut conn.out, &mut self.writing);
                    core.waiting = core.waiting.saturating_sub(written);
                }
            }
            if self.writing.is_empty() {
                if self.unflushed {
                    match Pin::new(&mut self.stream).poll_flush(cx)? {
                        Poll::Ready(()) => self.unflushed = false,
                        Poll::Pending => return Ok(false),
                    }
                }
                return Ok(true);
            }
            let rest = self.writing.get(self.written..).unwrap_or_default();
            match Pin::new(&mut self.stream).poll_write(cx, rest)? {
                Poll::Ready(0) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(n) => {
                    self.written += n;
                    self.unflushed = true;
                }
                Poll::Pending => return Ok(false),
            }
        }
    }

    fn read(&mut self, cx: &mut Context<'_>, shared: &Shared, key: usize) -> Poll<io::Result<()>> {
        let mut scratch = shared.scratch.borrow_mut();
        let mut buf = ReadBuf::new(&mut scratch);
        let now = Instant::now();
        let done = Pin::new(&mut self.stream).poll_read(cx, &mut buf);
        let below = self.below.as_ref().map_or(0, |b| b.load(Ordering::Relaxed));
        if done.is_pending() && below > 0 {
            shared.core.borrow_mut().unfinished(key, self.partial.len() + below, now);
        }
        ready!(done)?;
        let bytes = buf.filled();
        if bytes.is_empty() {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        let mut core = shared.core.borrow_mut();
        if self.partial.is_empty() {
            let used = core.input(key, bytes, now);
            self.partial.extend_from_slice(bytes.get(used..).unwrap_or_default());
        } else {
            self.partial.extend_from_slice(bytes);
            let used = core.input(key, &self.partial, now).min(self.partial.len());
            if used == self.partial.len() {
                self.partial = Vec::new();
            } else {
                self.partial.drain(..used);
            }
        }
        core.unfinished(key, self.partial.len() + below, now);
        Poll::Ready(Ok(()))
    }
}
