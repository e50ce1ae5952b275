//! What a verb needs that waits: a runtime, and Ctrl-C.

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::failure::Failure;

/// A runtime that waits, and starts processes.
///
/// # Errors
/// A system that has no room for it.
pub fn runtime() -> Result<Runtime, Failure> {
    Builder::new_current_thread().enable_all().build().map_err(|error| {
        Failure::new(format!("cannot watch a process: {error}")).hint("too many processes or open files?")
    })
}

/// Ctrl-C from now on, which then does not end the process.
///
/// # Errors
/// A system that does not tell of it.
pub fn interrupts() -> Result<Signal, Failure> {
    signal(SignalKind::interrupt()).map_err(|error| Failure::new(format!("cannot listen for Ctrl-C: {error}")))
}
