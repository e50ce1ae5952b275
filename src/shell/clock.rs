//! The two clocks: a monotonic one for the machines, the wall clock for records.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::machines::time::Millis;

static ORIGIN: OnceLock<Instant> = OnceLock::new();

/// The monotonic clock, in ms since this process first asked. Not comparable between processes.
#[must_use]
pub fn monotonic() -> Millis {
    let origin = *ORIGIN.get_or_init(Instant::now);
    Millis(u64::try_from(origin.elapsed().as_millis()).unwrap_or(u64::MAX))
}

/// The wall clock in Unix seconds, as records store it.
#[must_use]
pub fn unix_seconds() -> f64 {
    now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// The wall clock, to be compared with the times of files.
#[cfg(not(feature = "faults"))]
#[must_use]
pub fn now() -> SystemTime {
    SystemTime::now()
}

/// The wall clock, to be compared with the times of files; set by as many seconds as the file says that
/// `AGENT_DISPATCH_CLOCK` names.
#[cfg(feature = "faults")]
#[must_use]
pub fn now() -> SystemTime {
    let text = std::env::var_os("AGENT_DISPATCH_CLOCK").and_then(|path| std::fs::read_to_string(path).ok());
    let seconds = text.and_then(|text| text.trim().parse::<i64>().ok()).unwrap_or_default();
    let by = std::time::Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { SystemTime::now() - by } else { SystemTime::now() + by }
}

/// The wall clock in whole Unix seconds, as the usage journal stores it.
#[must_use]
pub fn whole_unix_seconds() -> u64 {
    whole(unix_seconds())
}

/// A time or duration in whole units; 0 for a negative one, which a clock that was set back brings.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
#[must_use]
pub const fn whole(value: f64) -> u64 {
    value as u64
}

/// A duration in seconds as whole milliseconds; see [`whole`].
#[must_use]
pub const fn ms(seconds: f64) -> u64 {
    whole(seconds * 1_000.0)
}
