//! File operations that config, shell and cli share. Nothing here knows what the files hold.
//!
//! | file | what |
//! |---|---|
//! | `atomic` | replaces a file in one step |
//! | `identity` | whether two handles or names lead to the same file |
//! | `lock` | tries a lock once, or until a deadline |
//! | `open` | opens a regular file without waiting for a FIFO; reads a bounded start |
//! | `owner_only` | creates files and directories that only their owner may read |
//! | `failpoint` | where tests kill, fail or hold up a process; empty in the program that is installed |

pub mod atomic;
pub mod failpoint;
pub mod identity;
pub mod lock;
pub mod open;
pub mod owner_only;

use std::io;

/// How the names of files begin that exist for moments only, such as those that are about to replace others.
pub const TEMPORARY_PREFIX: &str = ".tmp-";

/// `None` instead of the error that a file does not exist, for callers to whom a missing file is an ordinary case.
///
/// # Errors
/// Every other error of `result`.
pub fn if_exists<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
