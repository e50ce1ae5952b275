//! What systems say, read: pure, so that what one system says can be read on every other.
//!
//! | file | what |
//! |---|---|
//! | `stat` | `/proc/pid/stat` of Linux |
//! | `refusal` | what a refused system call says |
//! | `ps` | the list of `ps`, with the options that POSIX has |

pub mod ps;
pub mod refusal;
pub mod stat;
