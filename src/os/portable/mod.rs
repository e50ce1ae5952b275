//! Nothing but POSIX.

pub use super::posix::process;

pub mod capability;
pub mod file;
pub mod news;
pub mod program;
