//! What processes that were killed in the middle of a change leave in the jobs directory.

use std::fs::{DirEntry, File};
use std::io;
use std::path::Path;

use super::{JobFile, Store};
use crate::fs::{TEMPORARY_PREFIX, if_exists, lock};
use crate::machines::ids::JobId;
use crate::machines::retention;
use crate::shell::{clock, slots};

impl Store {
    /// Removes temporary files that nobody is about to rename, and folders of jobs that have no record, no supervisor and
    /// no worker: their server was killed before it had written the record, or their remover after it had removed it.
    /// Returns how many.
    pub fn tidy(&self) -> usize {
        let inside = |directory: &Path| std::fs::read_dir(directory).into_iter().flatten().flatten();
        let folders = inside(self.directory()).filter(|entry| self.is_deserted(entry));
        let deserted = folders.filter(|entry| self.remove_deserted(&entry.path()).unwrap_or(false)).count();
        let queue = slots::directory(self.directory());
        let temporary = inside(self.directory()).chain(inside(&queue)).filter(is_old_temporary);
        deserted + temporary.filter(|entry| std::fs::remove_file(entry.path()).is_ok()).count()
    }

    fn is_deserted(&self, entry: &DirEntry) -> bool {
        let id = entry.file_name().to_str().and_then(|name| JobId::try_from(name).ok());
        id.is_some_and(|id| matches!(self.has_record(&id), Ok(false)))
            && is_old(entry)
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
    }

    /// Under the locks of its supervisor and of its worker, so that there is neither.
    fn remove_deserted(&self, folder: &Path) -> io::Result<bool> {
        let mut held = Vec::new();
        for name in [JobFile::Lock, JobFile::Stderr] {
            let Some(file) = if_exists(File::open(folder.join(name.as_str())))? else { continue };
            if !lock::obtained(file.try_lock())? {
                return Ok(false);
            }
            held.push(file);
        }
        std::fs::remove_dir_all(folder)?;
        tracing::debug!(folder = %folder.display(), "removed a folder without a record");
        Ok(true)
    }
}

fn is_old_temporary(entry: &DirEntry) -> bool {
    let named = entry.file_name().as_encoded_bytes().starts_with(TEMPORARY_PREFIX.as_bytes());
    named && is_old(entry) && entry.file_type().is_ok_and(|kind| kind.is_file())
}

fn is_old(entry: &DirEntry) -> bool {
    let modified = entry.metadata().and_then(|metadata| metadata.modified()).ok();
    let age = modified.and_then(|modified| clock::now().duration_since(modified).ok());
    retention::is_litter(age.map(|age| age.as_secs_f64()))
}
