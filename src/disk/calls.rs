//! Calls that a signal may interrupt.

use rustix::fd::AsFd;
use rustix::io::Errno;

/// How often an interrupted call is tried again.
const MAX_INTERRUPTS: usize = 50;

/// Writes everything, in as many calls as it takes.
pub(super) fn write_all(fd: impl AsFd, content: &[u8]) -> Result<(), Errno> {
    let mut rest = content;
    while !rest.is_empty() {
        match retry(|| rustix::io::write(&fd, rest))? {
            0 => return Err(Errno::IO),
            n => rest = rest.get(n..).unwrap_or_default(),
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
