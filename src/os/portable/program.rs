//! This program, by its path.

pub use crate::os::posix::program::own;

/// It was started by its own name.
pub const fn show_name() {}

/// What no interpreter is registered for is told as what is no program at all.
pub const fn is_for_another_processor(_error: i32) -> bool {
    false
}
