//! macOS.
//!
//! | file | what |
//! |---|---|
//! | `table` | the processes of the user, and what each was started with, by `sysctl` |
//! | `process`, `news`, `capability`, `program`, `file` | the room's functions |

pub mod capability;
pub mod file;
pub mod news;
pub mod process;
pub mod program;
mod table;
