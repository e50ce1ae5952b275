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
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// The wall clock in whole Unix seconds, as the usage journal stores it.
#[must_use]
pub fn whole_unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
