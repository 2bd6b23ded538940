//! Standard output (or any one file) as a stream of certificates, with a count of what is certainly out.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::pending::{Sent, Target};

/// What a pipe takes as a whole or not at all (POSIX `PIPE_BUF`, Linux).
const PIPE_ATOMIC: usize = 4096;
/// How much is written to a regular file at once.
const CHUNK: usize = 1 << 16;

/// The stream.
#[derive(Debug)]
pub struct StreamOut {
    file: File,
    target: Option<(PathBuf, u64, u64)>,
    counter: Option<File>,
    /// Of the batch that is being written.
    sent: Sent,
}

impl StreamOut {
    /// Takes over a descriptor, usually standard output's.
    ///
    /// # Errors
    /// The system's.
    pub fn new(fd: OwnedFd) -> io::Result<Self> {
        let file = File::from(fd);
        let meta = file.metadata()?;
        let target = meta.is_file().then(|| {
            use std::os::fd::AsRawFd;
            let path = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap_or_default();
            (path, meta.dev(), meta.ino())
        });
        Ok(Self { file, target, counter: None, sent: Sent { batch: u64::MAX, sure: 0, maybe: 0 } })
    }

    /// Where a batch that starts now will go.
    #[must_use]
    pub fn target(&self) -> Target {
        match &self.target {
            // Batches before this one may not be written yet: the offset is a lower bound, which is enough.
            Some((path, dev, ino)) => {
                Target::File(path.clone(), *dev, *ino, self.file.metadata().map_or(0, |m| m.len()))
            }
            None => Target::Pipe,
        }
    }

    /// Writes records; `ends` tells where each ends in `text`.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&mut self, ledger: &Path, batch: u64, text: &[u8], ends: &[usize]) -> io::Result<()> {
        if self.sent.batch != batch {
            self.sent = Sent { batch, sure: 0, maybe: 0 };
        }
        let limit = if self.target.is_some() { CHUNK } else { PIPE_ATOMIC };
        let (mut start, mut end, mut count) = (0usize, 0usize, 0u64);
        for stop in ends {
            if end > start && stop - start > limit {
                self.chunk(ledger, text.get(start..end).unwrap_or_default(), count)?;
                (start, count) = (end, 0);
            }
            end = *stop;
            count += 1;
        }
        self.chunk(ledger, text.get(start..end).unwrap_or_default(), count)
    }

    /// Makes it durable, where it is a file.
    ///
    /// # Errors
    /// The system's.
    pub fn sync(&self) -> io::Result<()> {
        if self.target.is_some() { self.file.sync_data() } else { Ok(()) }
    }

    fn chunk(&mut self, ledger: &Path, bytes: &[u8], count: u64) -> io::Result<()> {
        self.sent.maybe = self.sent.sure + count;
        if self.target.is_none() {
            let counter = match &self.counter {
                Some(file) => file,
                None => {
                    let file = std::fs::OpenOptions::new()
                        .create(true)
                        .truncate(true)
                        .write(true)
                        .mode(0o600)
                        .open(Sent::path(ledger))?;
                    self.counter.insert(file)
                }
            };
            counter.write_all_at(&self.sent.to_bytes(), 0)?;
        }
        self.file.write_all(bytes)?;
        self.sent.sure = self.sent.maybe;
        Ok(())
    }
}
