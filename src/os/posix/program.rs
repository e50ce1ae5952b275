//! This program, by its path.

use std::io;
use std::path::{Path, PathBuf};

/// Where the file was when this program was started; where it is gone, as after an upgrade into another folder, the name that
/// PATH leads to.
pub fn own() -> PathBuf {
    let own = file().ok().filter(|own| own.exists());
    own.unwrap_or_else(|| PathBuf::from(env!("CARGO_PKG_NAME")))
}

/// The file, with no link on the way to it. Where the system does not tell, by the name that this program was started with.
pub fn file() -> io::Result<PathBuf> {
    std::env::current_exe().or_else(|error| named().ok_or(error))?.canonicalize()
}

/// The file that the first argument names, itself or by PATH.
fn named() -> Option<PathBuf> {
    let name = PathBuf::from(std::env::args_os().next()?);
    if name.components().count() > 1 || name.is_absolute() {
        return Some(name);
    }
    let directories = std::env::var_os("PATH")?;
    std::env::split_paths(&directories).map(|directory| directory.join(&name)).find(|file| Path::is_file(file))
}
