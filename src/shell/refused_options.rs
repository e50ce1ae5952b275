//! Which options the installed claude refused: `jobs/.known/claude-options.json`, replaced as a whole. Of two processes
//! that note something in the same moment one is lost, which costs one more start of claude, once.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{clock, known};
use crate::machines::flags::{Omission, Omitted};
use crate::machines::program::{Program, Programs};

const FILE: &str = "claude-options.json";

/// What this program is known to refuse.
#[must_use]
pub fn known(jobs: &Path, program: &Path) -> Omitted {
    let programs = known::read::<Programs>(&known::file(jobs, FILE)).zip(identity(program));
    programs.map_or(Omitted::NOTHING, |(all, program)| all.refused_by(&program, clock::whole_unix_seconds()))
}

/// Notes that it refused one more. Whatever goes wrong is only logged: it is asked again, then.
pub fn note(jobs: &Path, program: &Path, omission: Omission) {
    let Some(program) = identity(program) else { return };
    let file = known::file(jobs, FILE);
    let mut programs = known::read::<Programs>(&file).unwrap_or_default();
    programs.note(program, omission, clock::whole_unix_seconds());
    // Our own type: texts and whole numbers.
    let bytes = serde_json::to_vec(&programs).unwrap_or_default();
    if let Err(error) = known::write(&file, &bytes) {
        tracing::debug!(%error, "what claude refused is not noted");
    }
}

fn identity(program: &Path) -> Option<Program> {
    let path = fs::canonicalize(program).ok()?;
    let file = fs::metadata(&path).ok()?;
    let modified = (file.mtime(), file.mtime_nsec());
    Some(Program { path: path.to_str()?.to_owned(), size: file.len(), modified })
}
