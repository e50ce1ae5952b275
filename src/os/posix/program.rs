//! This program, by its path.

use std::path::PathBuf;

/// Where the file was when this program was started; where it is gone, as after an upgrade into another folder, the name that
/// PATH leads to.
pub fn own() -> PathBuf {
    let own = std::env::current_exe().ok().filter(|own| own.exists());
    own.unwrap_or_else(|| PathBuf::from(env!("CARGO_PKG_NAME")))
}
