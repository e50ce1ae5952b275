//! What a verb needs that waits: a runtime, and Ctrl-C.

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::failure::Failure;

/// A runtime that waits, and starts processes.
pub fn runtime() -> Result<Runtime, Failure> {
    Builder::new_current_thread().enable_all().build().map_err(|error| {
        Failure::new(format!("cannot watch a process: {error}")).hint("too many processes or open files?")
    })
}

/// Ctrl-C from now on, which then does not end the process.
pub fn interrupts() -> Result<Signal, Failure> {
    signal(SignalKind::interrupt()).map_err(|error| Failure::new(format!("cannot listen for Ctrl-C: {error}")))
}

/// Does work that waits, to its end; `None` on Ctrl-C.
pub fn interruptible<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<Option<T>, Failure> {
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        let mut interrupted = interrupts()?;
        tokio::select! {
            biased;
            _ = interrupted.recv() => Ok(None),
            done = work => done.map(Some),
        }
    });
    // A look at a dead network mount cannot be taken back; it must not keep the process.
    runtime.shutdown_background();
    done
}

/// Does work that does not wait, but may start a supervisor, which takes a runtime.
pub fn entered<T>(work: impl FnOnce() -> T) -> Result<T, Failure> {
    let runtime = runtime()?;
    let entered = runtime.enter();
    let done = work();
    drop(entered);
    runtime.shutdown_background();
    Ok(done)
}
