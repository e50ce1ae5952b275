//! What systems say, read: pure, so that what one system says can be read on every other.
//!
//! | file | what |
//! |---|---|
//! | `stat` | `/proc/pid/stat` of Linux |
//! | `refusal` | what a refused system call says |
//! | `ps` | the list of `ps`, with the options that POSIX has |
//! | `kinfo` | the list of processes of macOS |
//! | `procargs` | what macOS tells of the start of a process |
//! | `lsof` | current directories, as `lsof` tells them |
//! | `kevent` | events of the kernel queue of macOS |

pub mod kevent;
pub mod kinfo;
pub mod lsof;
pub mod procargs;
pub mod ps;
pub mod refusal;
pub mod stat;
