//! The usage limit of a Claude account: when it is over, as far as the CLI tells, and how long to wait for that.

use serde::{Deserialize, Serialize};

/// The farthest reset that is believed, in seconds: the longest limit of a subscription is a week, and clocks differ.
pub const MAX_BELIEVED_WAIT_SECONDS: u64 = 8 * 24 * 3_600;
/// How long to wait where nothing believable is known of the reset, in seconds. Asking again costs one refused request.
pub const UNKNOWN_WAIT_SECONDS: u64 = 15 * 60;
/// How long to wait where the reset should have been already, in seconds: the clock here may be ahead.
pub const LATE_WAIT_SECONDS: u64 = 60;
/// Most waits of one run for the usage limit; after them it fails with it. Where no reset is known these are five hours
/// (20 waits of [`UNKNOWN_WAIT_SECONDS`]).
pub const MAX_WAITS: u8 = 20;

/// What the CLI said of the account's limit, in `rate_limit_event`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RateLimit {
    /// The request was refused.
    pub rejected: bool,
    /// When the limit is over, in Unix seconds.
    pub resets_at: Option<u64>,
}

/// When to try again, in Unix seconds: at the reset, if it is believable.
#[must_use]
pub const fn wait_until(resets_at: Option<u64>, now: u64) -> u64 {
    match resets_at {
        Some(at) if at > now && at - now <= MAX_BELIEVED_WAIT_SECONDS => at,
        Some(at) if at <= now => now.saturating_add(LATE_WAIT_SECONDS),
        Some(_) | None => now.saturating_add(UNKNOWN_WAIT_SECONDS),
    }
}

/// How long a pause that was noted still lasts, in seconds; 0 when it is over. One that ends absurdly late is none: its
/// note was damaged, or the clock was set back.
#[must_use]
pub const fn pause_left(until: Option<u64>, now: u64) -> u64 {
    match until {
        Some(until) if until > now && until - now <= MAX_BELIEVED_WAIT_SECONDS => until - now,
        Some(_) | None => 0,
    }
}
