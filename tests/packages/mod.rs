//! What `packages/` has in its sources: that it says nothing which the program does not hold. What is made from it is installed
//! and run by `packages/check`; the plugin, by the real CLI, in `tests/real_claude`.

mod plugin;
mod registry;
mod start;

use std::path::{Path, PathBuf};

/// A file or directory of the sources.
fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packages").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(source(name)).unwrap_or_else(|error| panic!("packages/{name}: {error}"))
}
