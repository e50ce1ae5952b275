//! Where the claude CLI is.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::environment;

/// The CLI is not there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClaudeMissing {
    /// Nothing of that name on PATH.
    #[error(
        "claude CLI not found on PATH; install Claude Code and check with `claude --version`, or set {} to its path",
        environment::CLAUDE
    )]
    NotOnPath,
    /// The path that was named is no executable file.
    #[error("{} names {path}, which is not an executable file", environment::CLAUDE)]
    NotExecutable {
        /// As named.
        path: String,
    },
}

/// The CLI to run: the one that `AGENT_DISPATCH_CLAUDE` names, else `claude` on PATH.
///
/// # Errors
/// [`ClaudeMissing`].
pub fn find() -> Result<PathBuf, ClaudeMissing> {
    find_in(std::env::var_os(environment::CLAUDE).as_deref(), std::env::var_os("PATH").as_deref())
}

/// As [`find`], with the two variables given.
///
/// # Errors
/// [`ClaudeMissing`].
pub fn find_in(named: Option<&OsStr>, path: Option<&OsStr>) -> Result<PathBuf, ClaudeMissing> {
    let named = named.filter(|name| !name.is_empty());
    let name = Path::new(named.unwrap_or(OsStr::new("claude")));
    let found = if name.components().count() > 1 {
        Some(name.to_path_buf()).filter(|file| is_executable(file))
    } else {
        path.and_then(|path| {
            std::env::split_paths(path)
                .filter(|directory| directory.is_absolute())
                .map(|directory| directory.join(name))
                .find(|file| is_executable(file))
        })
    };
    // A path with a folder in it is taken from here, not from the agent's directory where the child starts.
    match (found, named) {
        (Some(file), _) => Ok(std::path::absolute(&file).unwrap_or(file)),
        (None, Some(path)) => Err(ClaudeMissing::NotExecutable { path: Path::new(path).display().to_string() }),
        (None, None) => Err(ClaudeMissing::NotOnPath),
    }
}

fn is_executable(file: &Path) -> bool {
    file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}
