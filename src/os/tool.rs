//! What the tools of a system say, `ps` and `lsof`.

use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long a tool may take. Where eight tests at once kept two processors busy `ps` took less than a tenth of a second; one that
/// takes this long waits for something that may never come, a drive of the network say.
pub const LIMIT: Duration = Duration::from_secs(10);

/// Its standard output, however it ends, in English. One that takes longer than the limit is ended.
///
/// # Errors
/// When it cannot be started, its output cannot be read, or it takes too long.
pub fn output(command: &mut Command, limit: Duration) -> io::Result<Vec<u8>> {
    command.env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn()?;
    let (said, heard) = mpsc::channel();
    let output = child.stdout.take();
    // The pipe is closed when the tool ends, and this thread ends with it.
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = output.map_or(Ok(0), |mut output| output.read_to_end(&mut bytes));
        // Nobody listens any more where it took too long.
        let _ = said.send(read.map(|_| bytes));
    });
    if let Ok(bytes) = heard.recv_timeout(limit) {
        // It has said all. One that only closed its output must not be waited for without a limit.
        child.kill()?;
        child.wait()?;
        return bytes;
    }
    child.kill()?;
    // Not waited for: one that hangs in the kernel goes when that lets it go.
    child.try_wait()?;
    Err(io::Error::new(io::ErrorKind::TimedOut, format!("not ended within {limit:?}")))
}
