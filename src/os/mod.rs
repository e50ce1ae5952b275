//! The system: the one room that knows on which it runs (`tests/tidy.rs` holds that). Each file here is one set of functions,
//! which each implementation has.
//!
//! | | Linux | Apple | portable: any other Unix, and the feature `portable` |
//! |---|---|---|---|
//! | the processes of a run | bear its mark in their environment, as `/proc` shows it | likewise; where macOS hides the environment, they descend from one that does | descend from the process that leads the run, as `ps` shows them |
//! | a process is signalled | by a handle (pidfd) | by its id, after a look at the moment of its start | likewise |
//! | news of a job | inotify | kqueue | none: whoever waits looks again and again |
//! | this program is started again | by `/proc/self/exe`, also when its file was replaced | by its path | by its path |
//!
//! Linux falls back to what POSIX has where `/proc`, handles or watches are not to be had: an old kernel, a container.
//!
//! | file | what |
//! |---|---|
//! | `process` | the processes of a run, a supervisor by its command line, all processes of the user |
//! | `news` | news of changes below a folder |
//! | `program` | this program: its path, its name |
//! | `capability` | what the system lacks |
//! | `tool` | what tools of the system say, within a limit |
//! | `reading` | what systems say of their processes, read |
//! | `file` | two names trade files; named pipes; the name of an open file; where an organisation's settings are |

pub mod capability;
pub mod file;
pub mod news;
pub mod process;
pub mod program;
pub mod reading;
pub mod tool;

#[cfg(all(target_vendor = "apple", not(feature = "portable")))]
mod apple;
#[cfg(all(target_os = "linux", not(feature = "portable")))]
mod linux;
#[cfg(any(feature = "portable", not(any(target_os = "linux", target_vendor = "apple"))))]
mod portable;
mod posix;

#[cfg(all(target_vendor = "apple", not(feature = "portable")))]
use apple as this;
#[cfg(all(target_os = "linux", not(feature = "portable")))]
use linux as this;
#[cfg(any(feature = "portable", not(any(target_os = "linux", target_vendor = "apple"))))]
use portable as this;
