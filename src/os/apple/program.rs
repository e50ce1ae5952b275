//! This program, by its path.

pub use crate::os::posix::program::own;

/// It was started by its own name.
pub const fn show_name() {}
