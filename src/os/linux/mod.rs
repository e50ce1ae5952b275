//! Linux.

pub mod capability;
pub mod file;
pub mod news;
pub mod process;
pub mod program;
