//! What every Unix has, for those that have nothing better, or lack it at the moment.

#[cfg(any(feature = "portable", not(target_vendor = "apple")))]
pub mod process;
pub mod program;
