//! Signals while something is replaced: they wait until it is done, and then decide the exit status.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that are held back from the moment this exists.
pub struct Held {
    runtime: Runtime,
    streams: Vec<(i32, Signal)>,
}

impl Held {
    /// Holds back hang-up, interrupt, quit and termination.
    pub fn start() -> Option<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().ok()?;
        let guard = runtime.enter();
        let kinds =
            [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::quit(), SignalKind::terminate()];
        let streams = kinds.iter().filter_map(|k| Some((k.as_raw_value(), signal(*k).ok()?))).collect();
        drop(guard);
        Some(Self { runtime, streams })
    }

    /// The first signal that came.
    pub fn came(&mut self) -> Option<i32> {
        // One turn of the driver, so that what is pending is seen.
        self.runtime.block_on(async { tokio::time::sleep(Duration::from_millis(1)).await });
        self.streams.iter_mut().find_map(|(n, s)| s.recv().now_or_never().flatten().map(|()| *n))
    }
}
