//! Locks on open files (flock). The kernel frees a lock with the last process that has the file open.

use std::fs::TryLockError;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

/// Whether one attempt obtained the lock; false where another holder has it.
///
/// # Errors
/// Whatever else [`std::fs::File::try_lock`] says, such as that the file system has no locks.
pub fn obtained(attempt: Result<(), TryLockError>) -> io::Result<bool> {
    match attempt {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Repeats `attempt` every `interval` until it obtains the lock or `limit` has passed, and tells whether it did. It tries
/// at least once, and once more when `limit` has passed. The kernel has no such call: a blocking one cannot be given up.
/// This blocks the thread.
pub fn obtained_within(
    limit: Duration,
    interval: Duration,
    mut attempt: impl FnMut() -> Result<(), TryLockError>,
) -> io::Result<bool> {
    let deadline = Instant::now() + limit;
    while !obtained(attempt())? {
        if Instant::now() >= deadline {
            return Ok(false);
        }
        thread::sleep(interval);
    }
    Ok(true)
}
