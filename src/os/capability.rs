//! What the system lacks that another has: told by `doctor`, for nothing else shows it.

use super::this;

/// Something that works less well here, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// What that is, and what follows.
    pub what: String,
    /// What the user can do; `None` where that is how the system is.
    pub remedy: Option<&'static str>,
    /// Whether no run works because of it.
    pub stops_runs: bool,
}

impl Lack {
    /// With what can be done, in one sentence.
    #[must_use]
    pub fn told(&self) -> String {
        self.remedy.map_or_else(|| self.what.clone(), |remedy| format!("{}; {remedy}", self.what))
    }
}

/// What is used of the system, in words.
#[must_use]
pub fn used() -> &'static str {
    this::capability::used()
}

/// What is lacking, tried now.
#[must_use]
pub fn lacks() -> Vec<Lack> {
    this::capability::lacks()
}

/// What is lacking that claude itself cannot work without, tried now.
#[must_use]
pub fn stopping() -> Option<Lack> {
    this::capability::stopping()
}
