//! How fast the looks at a job follow each other.
//!
//! A look may bring the next news itself: where no supervisor can be started for want of processes say, or where each one
//! dies at once. Whatever ends all supervisors is not to be fed with a new one twenty times a second.

/// How many looks may follow each other without a pause (the end of a run closes four files).
const QUICK_LOOKS: u32 = 8;
/// How long the first pause is, in milliseconds; each one is twice as long as the one before it. News after so long a time is
/// no consequence of the look.
const FIRST_PAUSE_MS: u64 = 50;
/// How long a pause is at most: about as long as a caller may wait for the news that all is well again.
const LONGEST_PAUSE_MS: u64 = 3_000;

/// The pauses between looks.
#[derive(Debug, Clone, Copy)]
pub struct LookPace {
    quick_looks: u32,
    pause_ms: u64,
}

impl LookPace {
    /// The pace of the first look.
    pub const NEW: Self = Self { quick_looks: 0, pause_ms: FIRST_PAUSE_MS };

    /// The pause before the next look in milliseconds, where news came so long after the last one began.
    pub fn pause_after(&mut self, elapsed_ms: u64) -> Option<u64> {
        if elapsed_ms >= FIRST_PAUSE_MS {
            *self = Self::NEW;
            return None;
        }
        self.quick_looks = self.quick_looks.saturating_add(1);
        if self.quick_looks <= QUICK_LOOKS {
            return None;
        }
        let pause_ms = self.pause_ms;
        self.pause_ms = LONGEST_PAUSE_MS.min(pause_ms * 2);
        Some(pause_ms)
    }
}
