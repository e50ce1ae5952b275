//! Points in time, as data. The shell reads the clocks.

use serde::{Deserialize, Serialize};

use super::usage;

/// Milliseconds on a monotonic clock of the process that drives the machine; only differences mean anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Millis(pub u64);

impl Millis {
    /// This point plus `ms` milliseconds; stays at the end of time instead of wrapping.
    #[must_use]
    pub const fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `self` until `later`, zero when `later` has passed.
    #[must_use]
    pub const fn until(self, later: Self) -> u64 {
        later.0.saturating_sub(self.0)
    }
}

/// The last second of the year 9999.
const END: u64 = 253_402_300_799;

/// A point in Unix seconds as ISO 8601 in UTC. What is beyond the year 9999 stays at its end.
#[must_use]
pub fn iso8601_seconds(unix_seconds: u64) -> String {
    let second = unix_seconds.min(END);
    let (hour, minute, seconds) = (second / 3_600 % 24, second / 60 % 60, second % 60);
    format!("{}T{hour:02}:{minute:02}:{seconds:02}Z", usage::date(second / 86_400))
}

/// A point in Unix seconds as ISO 8601 in UTC, to the millisecond. What is before 1970 or beyond the year 9999 stays at that
/// end: no record that was written by a clock holds such a time.
#[must_use]
pub fn iso8601(unix_seconds: f64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "the year 9999 is exact")]
    let seconds = unix_seconds.clamp(0.0, END as f64);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded right here; NaN becomes 0")]
    let ms = (seconds * 1_000.0) as u64;
    format!("{}.{:03}Z", iso8601_seconds(ms / 1_000).trim_end_matches('Z'), ms % 1_000)
}
