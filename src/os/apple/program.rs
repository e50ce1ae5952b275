//! This program, by its path.

pub use crate::os::posix::program::own;

/// `EBADARCH` of macOS, "Bad CPU type in executable".
const BAD_ARCHITECTURE: i32 = 86;

/// It was started by its own name.
pub const fn show_name() {}

pub const fn is_for_another_processor(error: i32) -> bool {
    error == BAD_ARCHITECTURE
}
