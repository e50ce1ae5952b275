//! What the tests of the engine and of the server stand on: a world of their own on disk, and clients of a real server.

pub mod client;
pub mod disk;
pub mod processes;
pub mod python;
pub mod world;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use agent_dispatch::machines::cli_version::Version;

/// Between the oldest and the newest tested CLI: from here on it waits for background work of an agent.
pub const MIDDLE: Version = Version::new(2, 1, 300);

/// A wait that takes longer than this has failed. The machine may be busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The program under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_agent-dispatch");

/// What happens at once happens within this time, however busy the machine is with other tests. What would happen instead
/// takes longer: a run's own time, or for ever. How long it really takes is measured by the benches.
pub const SOON: Duration = Duration::from_secs(20);

/// A command that is run once, to its end, with nothing to read and within [`PATIENCE`]. Whatever starts the program and
/// only looks at what came of it does so by this.
pub fn once(command: Command) -> assert_cmd::Command {
    let mut once = assert_cmd::Command::from_std(command);
    once.timeout(PATIENCE).write_stdin("");
    once
}

/// Waits for a condition, with a limit.
pub fn until<T>(what: &str, ready: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, what, ready)
}

/// Waits for a condition, with a limit of its own.
pub fn within<T>(limit: Duration, what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(start.elapsed() < limit, "waited {limit:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A figure, or the reason why a test was not run; shown with `--nocapture`.
#[expect(clippy::print_stderr, reason = "the one place where these tests print")]
pub fn note(text: &str) {
    eprintln!("{text}");
}

/// Makes a FIFO: whoever opens it for reading waits until somebody writes. By the POSIX utility, because macOS has no safe
/// wrapper of the system call.
pub fn make_fifo(path: impl AsRef<Path>) {
    let made = Command::new("mkfifo").args(["-m", "600"]).arg(path.as_ref()).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo {}", path.as_ref().display());
}
