//! Which options the installed claude refused: `jobs/.known/claude-options.json`, replaced as a whole. Of two processes
//! that note something in the same moment one is lost, which costs one more start of claude, once.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{clock, known};
use crate::fs::atomic::{self, Durability};
use crate::machines::flags::{Omission, Omitted};
use crate::machines::program::{Program, Programs};

const FILE: &str = "claude-options.json";
/// Longest file that is read, in bytes: sixteen programs with paths of 4 KB.
const MAX_BYTES: u64 = 128 * 1024;

/// What this program is known to refuse.
#[must_use]
pub fn known(jobs: &Path, program: &Path) -> Omitted {
    let Some(programs) = read(jobs) else { return Omitted::NOTHING };
    identity(program).map_or(Omitted::NOTHING, |program| programs.refused_by(&program, clock::whole_unix_seconds()))
}

/// Notes that it refused one more. Whatever goes wrong is only logged: it is asked again, then.
pub fn note(jobs: &Path, program: &Path, omission: Omission) {
    let Some(program) = identity(program) else { return };
    let mut programs = read(jobs).unwrap_or_default();
    programs.note(program, omission, clock::whole_unix_seconds());
    // Our own type: texts and whole numbers.
    let bytes = serde_json::to_vec(&programs).unwrap_or_default();
    let write =
        || known::create_directory(jobs).and_then(|()| atomic::replace(&path(jobs), &bytes, Durability::Cached));
    if let Err(error) = write() {
        tracing::debug!(%error, "what claude refused is not noted");
    }
}

fn read(jobs: &Path) -> Option<Programs> {
    let path = path(jobs);
    let file = fs::symlink_metadata(&path).ok().filter(|file| file.is_file() && file.len() <= MAX_BYTES);
    file.and_then(|_| serde_json::from_slice(&fs::read(path).ok()?).ok())
}

fn identity(program: &Path) -> Option<Program> {
    let path = fs::canonicalize(program).ok()?;
    let file = fs::metadata(&path).ok()?;
    let modified = (file.mtime(), file.mtime_nsec());
    Some(Program { path: path.to_str()?.to_owned(), size: file.len(), modified })
}

fn path(jobs: &Path) -> PathBuf {
    known::directory(jobs).join(FILE)
}
