//! Versions of the claude CLI: the span that is tested, and what an older one of that span lacks.
//!
//! All numbers are here. `doctor` tells them, README.md and SECURITY.md repeat them (a test compares), and the suites
//! against the real CLI run on the three that are named.

use std::fmt;

/// A version, compared number by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

/// The oldest that is supported: all suites run on it. It is what npm installs where Node.js is older than the newest
/// releases ask for, so it is widely in use. Older ones are not tested.
pub const OLDEST: Version = Version::new(2, 1, 197);
/// The newest that the contract was checked against, and the one of the gate.
pub const NEWEST: Version = Version::new(2, 1, 332);

/// Something that does not work below a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// The first version where it was so; the oldest one where nothing is said.
    pub from: Option<Version>,
    /// The first version where it works.
    pub below: Version,
    /// What is lost, as the end of a sentence.
    pub what: &'static str,
}

/// What is lost on which versions of the tested span, oldest first.
pub const LOSSES: &[Loss] = &[
    Loss {
        from: None,
        below: Version::new(2, 1, 292),
        what: "background work of an agent is not waited for: the CLI stops it some seconds after the answer",
    },
    Loss {
        from: Some(Version::new(2, 1, 277)),
        below: Version::new(2, 1, 310),
        what: "the cost of a resumed session is that of all its runs, not of the last one",
    },
    Loss {
        from: None,
        below: Version::new(2, 1, 319),
        what: "interactive sessions wait for a dispatch instead of going on with it as a task",
    },
];

impl Version {
    /// The version of these numbers.
    #[must_use]
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// Reads what `claude --version` prints, `2.1.332 (Claude Code)`; nothing where it does not begin with three numbers.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let numbers = text.split_whitespace().next()?;
        // A pre-release (`2.2.0-beta.1`) counts as what it leads to.
        let numbers = numbers.split(['-', '+']).next()?;
        let mut numbers = numbers.split('.').map(|number| number.parse().ok());
        let version = Self::new(numbers.next()??, numbers.next()??, numbers.next()??);
        numbers.next().is_none().then_some(version)
    }

    /// Whether it is older than any that is tested.
    #[must_use]
    pub fn is_unsupported(self) -> bool {
        self < OLDEST
    }

    /// Whether it gives up on a model that never answers in the form of `--json-schema`. Older versions (2.1.20 and 2.1.100
    /// were seen) remind the model of it without end, 490 requests in a minute, and no turn limit stops that.
    #[must_use]
    pub fn bounds_schema(self) -> bool {
        self >= OLDEST
    }

    /// What does not work on it.
    pub fn losses(self) -> impl Iterator<Item = &'static Loss> {
        LOSSES.iter().filter(move |loss| loss.from.is_none_or(|from| self >= from) && self < loss.below)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}
