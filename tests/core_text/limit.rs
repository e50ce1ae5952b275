//! How long the account's usage limit is waited for.

use agent_dispatch::machines::limit::{
    LATE_WAIT_SECONDS, MAX_BELIEVED_WAIT_SECONDS, UNKNOWN_WAIT_SECONDS, pause_left, wait_until,
};
use proptest::prelude::*;

#[test]
fn a_reset_is_believed_within_bounds() {
    let now = 1_795_249_523;
    for (resets_at, wait) in [
        (Some(now + 1), 1),
        (Some(now + MAX_BELIEVED_WAIT_SECONDS), MAX_BELIEVED_WAIT_SECONDS),
        (Some(now + MAX_BELIEVED_WAIT_SECONDS + 1), UNKNOWN_WAIT_SECONDS),
        (Some(u64::MAX), UNKNOWN_WAIT_SECONDS),
        (Some(now), LATE_WAIT_SECONDS),
        (Some(0), LATE_WAIT_SECONDS),
        (None, UNKNOWN_WAIT_SECONDS),
    ] {
        assert_eq!(wait_until(resets_at, now), now + wait, "{resets_at:?}");
    }
}

/// A note that was damaged, or a clock that was set back, stops nobody.
#[test]
fn a_pause_is_believed_within_bounds() {
    let now = 1_795_249_523;
    for (until, left) in [
        (None, 0),
        (Some(0), 0),
        (Some(now), 0),
        (Some(now + 1), 1),
        (Some(now + MAX_BELIEVED_WAIT_SECONDS), MAX_BELIEVED_WAIT_SECONDS),
        (Some(now + MAX_BELIEVED_WAIT_SECONDS + 1), 0),
        (Some(u64::MAX), 0),
    ] {
        assert_eq!(pause_left(until, now), left, "{until:?}");
    }
}

proptest! {
    #[test]
    fn a_wait_ends(resets_at: Option<u64>, now in 0..u64::MAX / 2, noted: Option<u64>) {
        let until = wait_until(resets_at, now);
        prop_assert!(until > now && until - now <= MAX_BELIEVED_WAIT_SECONDS);
        prop_assert_eq!(pause_left(Some(until), now), until - now);
        prop_assert_eq!(pause_left(Some(until), until), 0);
        prop_assert!(pause_left(noted, now) <= MAX_BELIEVED_WAIT_SECONDS);
    }
}
