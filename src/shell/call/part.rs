//! The answer of one part of a call, as its caller is told of it.

use serde::{Serialize, Serializer};

use crate::machines::answer::Answer;
use crate::machines::ids::JobId;

/// An answer in the form that was asked for: whole, or by reference.
#[derive(Debug, Clone, PartialEq)]
pub struct PartAnswer {
    /// The answer.
    pub answer: Answer,
    /// Where it is stored, and how many characters of it are told. `None`: it is told whole.
    pub reference: Option<(JobId, usize)>,
}

impl PartAnswer {
    /// The answer itself.
    #[must_use]
    pub const fn whole(answer: Answer) -> Self {
        Self { answer, reference: None }
    }
}

impl Serialize for PartAnswer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.reference {
            Some((id, chars)) => self.answer.by_reference(id, chars).serialize(serializer),
            None => self.answer.serialize(serializer),
        }
    }
}
