//! Reading of the stream.

use super::Seen;

/// Reads the stream as it comes, in pieces of any size.
#[derive(Debug, Default)]
pub struct Reader {}

/// What is left at the end of the stream.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Finished {
    /// What the last line, without its newline, held.
    pub seen: Vec<Seen>,
    /// The last text of the agent itself (not of a sub-agent), for a run whose result never came. Bounded.
    pub last_text: Option<String>,
    /// The last line that was no event, shortened: what a CLI prints that fails before its first event.
    pub stray: Option<String>,
    /// True when the stream ended in the middle of an event.
    pub torn: bool,
}

impl Reader {
    /// A reader at the beginning of the stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and says what they completed.
    pub fn push(&mut self, _bytes: &[u8]) -> Vec<Seen> {
        Vec::new()
    }

    /// The last text of the agent itself so far.
    #[must_use]
    pub fn last_text(&self) -> Option<&str> {
        None
    }

    /// The end of the stream.
    #[must_use]
    pub fn finish(self) -> Finished {
        Finished::default()
    }
}
