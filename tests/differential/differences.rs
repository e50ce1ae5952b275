//! What may differ, and why.

use std::fmt;

/// A difference that is wanted.
pub struct Known {
    /// The case and the step; `*` stands for any text.
    place: &'static str,
    /// Where in the answer; `*` likewise.
    path: &'static str,
    /// Why.
    reason: &'static str,
}

impl Known {
    pub fn is_about(&self, place: &str, path: &str) -> bool {
        matches(self.place, place) && matches(self.path, path)
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} ({})", self.place, self.path, self.reason)
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            let mut ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            ends.any(|at| matches(after, &rest[at..]))
        }),
    }
}

const fn known(place: &'static str, path: &'static str, reason: &'static str) -> Known {
    Known { place, path, reason }
}

/// The first entry that fits explains a difference.
pub const TABLE: &[Known] =
    &[known("*", "/is_error", "a mistake is flagged `isError`, which the older one does not do")];

/// Tools and parameters that differ.
pub const PARAMETERS: &[(&str, &str)] = &[];
