//! What the supervisor's loop waits for.

use std::future;
use std::time::Duration;

use super::Process;
use crate::machines::conclusion::ProcessExit;
use crate::machines::time::Millis;
use crate::shell::clock;
use crate::shell::leash::Outlet;

/// How often claude's output file is looked at for progress. An end is noticed at once, by the process's exit.
pub(super) const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// The time of the next look, `None` for at once: where the last one did not see everything, yet after whatever else has
/// happened. (A sleep of no length would last until the timer's next millisecond.)
pub(super) async fn look_again(interval: Option<Duration>) {
    match interval {
        Some(interval) => tokio::time::sleep(interval).await,
        None => tokio::task::yield_now().await,
    }
}

/// The end of the process; never where there is none.
pub(super) async fn exited(process: &mut Option<Process>) -> ProcessExit {
    match process {
        Some(process) => process.exit.as_mut().await,
        None => future::pending().await,
    }
}

/// The end of the leash; never where there is none.
pub(super) async fn caller_gone(leash: Option<&Outlet>) {
    match leash {
        Some(leash) => leash.closed().await,
        None => future::pending().await,
    }
}

/// Room for news that waits to be sent.
pub(super) async fn writable(leash: Option<&Outlet>) {
    match leash {
        Some(leash) if leash.is_behind() => leash.writable().await,
        Some(_) | None => future::pending().await,
    }
}

/// A moment; never where there is none.
pub(super) async fn until(deadline: Option<Millis>) {
    match deadline {
        Some(deadline) => match clock::monotonic().until(deadline) {
            // Not even a sleep of no length: the timer's next millisecond is too late beside a flood that is looked at again
            // and again.
            0 => {}
            left_ms => tokio::time::sleep(Duration::from_millis(left_ms)).await,
        },
        None => future::pending().await,
    }
}
