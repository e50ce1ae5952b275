//! The lock of a job, `<jobs>/<id>/lock`: its supervisor holds it for its whole life, so whoever can take it knows that no
//! supervisor lives, and keeps others from starting one.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use rustix::process::Pid;

use super::store::{JobFile, Store};
use crate::fs::lock;
use crate::machines::adoption::LockSeen;
use crate::machines::ids::JobId;
use crate::os::process::terminate_holder;

/// How long to wait for the lock. The system closes a dead process's files one after the other: its lock is free a moment
/// after its leash.
const LOCK_WAIT: Duration = Duration::from_millis(500);
/// How often to try the lock meanwhile: about as long as that moment.
const LOCK_RETRY: Duration = Duration::from_millis(2);

/// Takes the lock. `None`: a supervisor lives. Blocks for half a second at most.
///
/// # Errors
/// Whatever keeps the file from being opened or locked; also when there is no lock file.
pub fn take(store: &Store, id: &JobId) -> io::Result<Option<File>> {
    let file = File::options().read(true).write(true).open(store.file(id, JobFile::Lock))?;
    Ok(lock::obtained_within(LOCK_WAIT, LOCK_RETRY, || file.try_lock())?.then_some(file))
}

/// Whether a supervisor lives. The file is opened for reading only: whoever waits for the job is told when a writer closes
/// it.
pub fn look(path: &Path) -> LockSeen {
    match File::open(path).map_err(TryLockError::Error).and_then(|file| file.try_lock()) {
        Ok(()) => LockSeen::Free,
        Err(TryLockError::WouldBlock) => LockSeen::Held,
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::NotFound => LockSeen::Missing,
        Err(TryLockError::Error(error)) => {
            tracing::warn!(path = %path.display(), %error, "lock not readable");
            LockSeen::Unreadable
        }
    }
}

/// Whether somebody is seen to hold it.
#[must_use]
pub fn is_held(path: &Path) -> bool {
    look(path) == LockSeen::Held
}

/// The process id of the supervisor that the lock file names, whether it lives or not.
#[must_use]
pub fn holder(lock: &Path) -> Option<i32> {
    std::fs::read_to_string(lock).ok()?.trim().parse::<i32>().ok().filter(|pid| *pid > 1)
}

/// Sends SIGTERM to the supervisor that the lock file names; the lock was seen held. Whether it was sent.
pub fn tell_holder(lock: &Path) -> bool {
    let Some(pid) = holder(lock).and_then(Pid::from_raw) else { return false };
    let Some(id) = lock.parent().and_then(|folder| folder.file_name()) else { return false };
    terminate_holder(pid, id)
}
