//! The list of effects that a step hands to the shell.

use std::fmt;

/// Effects in the order in which they must be performed. Dropping it unread loses work, hence `must_use`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "effects that are not performed are lost work"]
pub struct Effects<E>(Vec<E>);

impl<E> Effects<E> {
    /// A list without any effect.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Adds an effect behind those already there.
    pub fn push(&mut self, effect: E) {
        self.0.push(effect);
    }

    /// Adds effects behind those already there.
    pub fn extend(&mut self, effects: impl IntoIterator<Item = E>) {
        self.0.extend(effects);
    }

    /// The effects, in order.
    pub fn as_slice(&self) -> &[E] {
        &self.0
    }
}

impl<E> Default for Effects<E> {
    fn default() -> Self {
        Self::none()
    }
}

impl<E> From<Vec<E>> for Effects<E> {
    fn from(effects: Vec<E>) -> Self {
        Self(effects)
    }
}

impl<E> IntoIterator for Effects<E> {
    type Item = E;
    type IntoIter = std::vec::IntoIter<E>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<E: fmt::Display> fmt::Display for Effects<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, effect) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{effect}")?;
        }
        Ok(())
    }
}
