//! Nothing but POSIX.

pub use super::posix::process;

pub mod file;
pub mod news;
pub mod program;
