//! A lock that is tried until a deadline.

use std::fs::{File, TryLockError};
use std::io;
use std::time::{Duration, Instant};

use agent_dispatch::fs::lock::{obtained, obtained_within};
use proptest::prelude::*;

/// Attempts that fail `refusals` times and then succeed; how often they were made.
fn after(refusals: u32) -> (io::Result<bool>, u32) {
    let mut attempts = 0;
    let obtained = obtained_within(Duration::from_secs(60), Duration::ZERO, || {
        attempts += 1;
        if attempts > refusals { Ok(()) } else { Err(TryLockError::WouldBlock) }
    });
    (obtained, attempts)
}

proptest! {
    /// It stops at the first attempt that succeeds.
    #[test]
    fn the_first_success_ends_it(refusals in 0_u32..200) {
        let (obtained, attempts) = after(refusals);
        prop_assert!(obtained.unwrap());
        prop_assert_eq!(attempts, refusals + 1);
    }
}

#[test]
fn without_a_limit_there_is_one_attempt() {
    let mut attempts = 0;
    let refused = obtained_within(Duration::ZERO, Duration::from_secs(3_600), || {
        attempts += 1;
        Err(TryLockError::WouldBlock)
    });
    assert!(!refused.unwrap());
    assert_eq!(attempts, 1);
}

#[test]
fn an_error_ends_it_at_once() {
    let mut attempts = 0;
    let failed = obtained_within(Duration::from_secs(3_600), Duration::from_secs(3_600), || {
        attempts += 1;
        Err(TryLockError::Error(io::ErrorKind::Unsupported.into()))
    });
    assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::Unsupported);
    assert_eq!(attempts, 1);
}

#[test]
fn a_held_lock_is_waited_for_and_given_up_at_the_limit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lock");
    let (holder, other) = (File::create(&path).unwrap(), File::open(&path).unwrap());
    assert!(obtained(holder.try_lock()).unwrap());
    assert!(!obtained(other.try_lock()).unwrap());
    let (limit, interval) = (Duration::from_millis(20), Duration::from_millis(1));
    let begun = Instant::now();
    assert!(!obtained_within(limit, interval, || other.try_lock()).unwrap());
    assert!(begun.elapsed() >= limit);
    drop(holder);
    assert!(obtained_within(limit, interval, || other.try_lock()).unwrap());
}
