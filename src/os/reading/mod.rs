//! What systems say of their processes, read: pure, so that what one system says can be read on every other.
//!
//! | file | what |
//! |---|---|
//! | `stat` | `/proc/pid/stat` of Linux |
//! | `ps` | the list of `ps`, with the options that POSIX has |

pub mod ps;
pub mod stat;
