//! Checks that an edit touched nothing but what it was meant to touch.
use std::ops::Range;

/// What an edit may do to the text, in bytes of the old one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Allowed {
    /// Replace something within this range.
    Replace(Range<usize>),
    /// Put something in at one place within this range; every old byte stays.
    Insert(Range<usize>),
    /// Take something out within this range; nothing is added.
    Delete(Range<usize>),
}

/// The text after an edit, and what the edit may have done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// The whole text.
    pub text: String,
    /// What differs from the old one at most.
    pub allowed: Allowed,
}

/// Whether `new` is `old` with only the allowed kind of change.
pub(super) fn holds(old: &str, new: &str, allowed: &Allowed) -> bool {
    let (old, new) = (old.as_bytes(), new.as_bytes());
    match allowed {
        Allowed::Replace(range) => {
            let kept = range.start + (old.len() - range.end);
            new.len() >= kept && new.starts_with(&old[..range.start]) && new.ends_with(&old[range.end..])
        }
        Allowed::Insert(range) => places(old, new).is_some_and(|(from, to)| from <= range.end && range.start <= to),
        Allowed::Delete(range) => {
            let cut = old.len().saturating_sub(new.len());
            places(new, old).is_some_and(|(from, to)| {
                // The first place at which a cut of this length can have begun without leaving the range.
                let start = from.max(range.start);
                start <= to && start + cut <= range.end
            })
        }
    }
}

/// The places, first and last, at which one insertion into `short` can have made `long` of it.
fn places(short: &[u8], long: &[u8]) -> Option<(usize, usize)> {
    if short.len() > long.len() {
        return None;
    }
    let prefix = short.iter().zip(long).take_while(|(left, right)| left == right).count();
    let suffix = short.iter().rev().zip(long.iter().rev()).take_while(|(left, right)| left == right).count();
    (prefix + suffix >= short.len()).then(|| (short.len() - suffix, prefix))
}
