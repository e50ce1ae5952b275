//! What a caller is told of one request: the answer, or a reference to it.

use serde::{Deserialize, Serialize, Serializer};

use super::dispatcher::{Delivery, Dispatcher};
use super::engine::Receipt;
use super::jobs::Jobs;
use crate::config::plan::Request;
use crate::machines::answer::Answer;
use crate::machines::ids::JobId;

/// Who hears, in lines, what happens in a call of several requests.
pub type Tell<'a> = &'a mut (dyn FnMut(String) + Send);

/// A request, and how its caller wants to be told of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What is asked.
    pub request: Request,
    /// The answer stays in the job store, and so many characters of it are told. `None`: it is told whole.
    pub summary_chars: Option<usize>,
}

/// An answer in the form that was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The answer.
    pub answer: Answer,
    reference: Option<(JobId, usize)>,
}

impl Part {
    /// The answer itself.
    #[must_use]
    pub const fn whole(answer: Answer) -> Self {
        Self { answer, reference: None }
    }

    /// The answer, told by reference if there is one.
    #[must_use]
    pub const fn noted(answer: Answer, reference: Option<(JobId, usize)>) -> Self {
        Self { answer, reference }
    }

    /// What [`Self::noted`] takes.
    #[must_use]
    pub fn into_noted(self) -> (Answer, Option<(JobId, usize)>) {
        (self.answer, self.reference)
    }
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.reference {
            Some((id, chars)) => self.answer.by_reference(id, chars).serialize(serializer),
            None => self.answer.serialize(serializer),
        }
    }
}

/// What is told of an answer, and the receipt to redeem once it was: an answer that was left in the store stays there.
pub async fn of(dispatcher: &Dispatcher, item: &Item, delivery: Delivery) -> (Part, Option<Receipt>) {
    let Delivery { answer, receipt } = delivery;
    let Some(chars) = item.summary_chars else { return (Part::whole(answer), receipt) };
    let kept = match receipt {
        // Not redeemed, so that it stays.
        Some(receipt) => Ok(receipt.id()),
        None => keep(dispatcher, &item.request, &answer).await,
    };
    match kept {
        Ok(id) => (Part { answer, reference: Some((id, chars)) }, None),
        // The answer is worth more than its reference.
        Err(error) => {
            tracing::warn!(error, "an answer could not be stored");
            (Part::whole(answer), None)
        }
    }
}

/// Stores an answer that no job was run for.
async fn keep(dispatcher: &Dispatcher, request: &Request, answer: &Answer) -> Result<JobId, String> {
    let (jobs, request, answer) = (Jobs::new(dispatcher.engine().clone()), request.clone(), answer.clone());
    match tokio::task::spawn_blocking(move || jobs.keep(&request, &answer)).await {
        Ok(kept) => kept.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}
