//! Calls that a signal may interrupt, and how files are written.

use rustix::fd::AsFd;
use rustix::io::Errno;

/// How often an interrupted call is tried again.
const MAX_INTERRUPTS: usize = 50;

/// Writes everything from the start of a file on, in as many calls as it takes.
///
/// By pwrite(2), which nothing else here calls: the rehearsal's threads wake each other by write(2), and tokio ends
/// the process where that fails. A fault that is meant for a file (a filter, a fault injector) so never meets them.
pub(super) fn write_all(fd: impl AsFd, content: &[u8]) -> Result<(), Errno> {
    let mut done = 0;
    while let Some(rest) = content.get(done..).filter(|rest| !rest.is_empty()) {
        match retry(|| rustix::io::pwrite(&fd, rest, done as u64))? {
            0 => return Err(Errno::IO),
            n => done += n,
        }
    }
    Ok(())
}

/// Tries an interrupted call again, but not for ever.
pub(super) fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    for _ in 0..MAX_INTERRUPTS {
        match call() {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
    call()
}
