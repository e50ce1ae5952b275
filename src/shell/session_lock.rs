//! Two runs of one claude session never overlap: the CLI would accept both and lose one branch of the transcript.
//!
//! A lock file for each session that is in use, below `jobs/.sessions/`. Whoever holds the lock removes the file when it
//! is done; whoever gets the lock checks that the file is still the one that the name leads to.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::fs::{failpoint, identity, lock, owner_only};
use crate::machines::ids::SessionRef;

const DIRECTORY: &str = ".sessions";

/// The right to run a session; given back when dropped.
#[derive(Debug)]
pub struct SessionLock {
    path: PathBuf,
    #[expect(dead_code, reason = "held for its lock")]
    file: File,
}

/// Removes the files of sessions that nobody holds: a holder that was killed leaves its own.
pub fn tidy(jobs: &Path) {
    for entry in std::fs::read_dir(jobs.join(DIRECTORY)).into_iter().flatten().flatten() {
        // Taken and given back, the file goes.
        if let Err(error) = SessionLock::at(&entry.path()) {
            tracing::debug!(%error, file = ?entry.file_name(), "the lock of a session cannot be looked at");
        }
    }
}

/// Removes the lock file of the session of a run that ended and whose supervisor was killed; not while somebody holds it.
pub fn release(jobs: &Path, session: Option<&str>) {
    if let Some(Ok(session)) = session.map(SessionRef::try_from) {
        // Taken and given back, the file goes.
        drop(SessionLock::try_acquire(jobs, &session));
    }
}

impl SessionLock {
    /// Tries to get the session. `None` while another run has it.
    ///
    /// # Errors
    /// When the lock file cannot be made or locked.
    pub fn try_acquire(jobs: &Path, session: &SessionRef) -> io::Result<Option<Self>> {
        let directory = jobs.join(DIRECTORY);
        owner_only::create_directory(&directory)?;
        Self::at(&directory.join(session.lock_name()))
    }

    fn at(path: &Path) -> io::Result<Option<Self>> {
        failpoint::check("session")?;
        loop {
            let file = owner_only::create_or_append(path)?;
            if !lock::obtained(file.try_lock())? {
                return Ok(None);
            }
            // Where it is not, the holder before us removed it between our open and our lock.
            if identity::is_at(&file, path)? {
                failpoint::reach("session_locked");
                return Ok(Some(Self { path: path.to_path_buf(), file }));
            }
        }
    }
}

impl Drop for SessionLock {
    fn drop(&mut self) {
        failpoint::reach("session_back");
        // Still locked here, so that nobody else can hold a file of this name.
        drop(std::fs::remove_file(&self.path));
        failpoint::reach("session_gone");
    }
}
