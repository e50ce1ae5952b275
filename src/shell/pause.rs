//! The pause that the account's usage limit makes: a small file beside the slots, so that every process of the user that
//! waits for the end of the limit knows it, and none of them has to ask the API to find out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::clock::whole_unix_seconds as now;
use super::{known, slots};
use crate::machines::limit;

const FILE: &str = "paused_until";

/// Notes that the limit was met, and when it is over as far as that is known. A later end that was noted before stands.
pub fn begin(jobs: &Path, resets_at: Option<u64>) {
    let now = now();
    let until = limit::wait_until(resets_at, now);
    if now.saturating_add(limit::pause_left(noted(jobs), now)) >= until {
        return;
    }
    if let Err(error) = known::write(&file(jobs), format!("{until}\n").as_bytes()) {
        tracing::warn!(%error, "the end of the usage limit cannot be noted; whoever waits for it tries again at once");
    }
}

/// How long the pause still lasts; `None` when there is none.
#[must_use]
pub fn left(jobs: &Path) -> Option<Duration> {
    let left = limit::pause_left(noted(jobs), now());
    (left > 0).then(|| Duration::from_secs(left))
}

/// When the pause ends, in Unix seconds; `None` when there is none.
#[must_use]
pub fn until(jobs: &Path) -> Option<u64> {
    left(jobs).map(|left| now().saturating_add(left.as_secs()))
}

fn noted(jobs: &Path) -> Option<u64> {
    known::read(&file(jobs))
}

fn file(jobs: &Path) -> PathBuf {
    slots::directory(jobs).join(FILE)
}
