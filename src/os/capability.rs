//! What the system lacks that another has: told by `doctor`, for nothing else shows it.

use super::this;

/// Something that works less well here, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// What that is, and what follows.
    pub what: String,
    /// What the user can do; `None` where that is how the system is.
    pub remedy: Option<&'static str>,
}

/// What is used of the system, in words.
#[must_use]
pub fn used() -> &'static str {
    this::capability::USED
}

/// What is lacking, tried now.
#[must_use]
pub fn lacks() -> Vec<Lack> {
    this::capability::lacks()
}
