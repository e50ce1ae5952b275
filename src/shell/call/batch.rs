//! A parallel call: what is asked for, and what its answer says of each item.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::plan::Request;
use crate::machines::answer::Answer;
use crate::machines::ids::JobId;
use crate::machines::parallel::aggregate::{self, AggregateItem};
use crate::shell::record::Record;

/// A request, and how its caller wants to be told of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What is asked.
    pub request: Request,
    /// The answer stays in the job store, and so many characters of it are told. `None`: it is told whole.
    pub summary_chars: Option<usize>,
}

/// Several requests that run at the same time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The requests, at least one.
    pub items: Vec<Item>,
    /// The agent that puts the answers together.
    pub aggregate: Option<String>,
}

impl Batch {
    /// What the aggregator is asked about these answers to the items, in their order; `None` without an aggregator.
    pub fn aggregation<'a>(&self, answers: impl Iterator<Item = &'a Answer>) -> Option<Request> {
        let agent = self.aggregate.clone()?;
        let seen =
            answers.zip(&self.items).map(|(answer, item)| AggregateItem { answer, summary_chars: item.summary_chars });
        Some(Request {
            agent,
            task: aggregate::TASK.to_owned(),
            context: aggregate::context(&seen.collect::<Vec<_>>()),
            caller: aggregate::CALLER.to_owned(),
            goal: aggregate::GOAL.to_owned(),
            ..Request::default()
        })
    }
}

/// The answers in the JSON that a parallel call answered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BatchAnswers {
    /// Of the items, in their order; those that were told by reference as they are stored.
    pub items: Vec<Option<Answer>>,
    /// Of the aggregator.
    pub aggregated: Option<Answer>,
}

impl BatchAnswers {
    /// Reads the JSON; text of another shape has no answers.
    pub fn read(json: &str, stored: impl Fn(&JobId) -> Option<Record>) -> Self {
        let (items, aggregated) = match serde_json::from_str(json) {
            Ok(Value::Array(items)) => (items, None),
            Ok(Value::Object(mut both)) => match (both.remove("individual_results"), both.remove("aggregated")) {
                (Some(Value::Array(items)), aggregated) => (items, aggregated),
                (Some(_) | None, _) => return Self::default(),
            },
            Ok(_) | Err(_) => return Self::default(),
        };
        let answer = |item: Value| match item.get("ref").cloned().map(serde_json::from_value) {
            Some(Ok(id)) => stored(&id).map(Record::into_answer),
            Some(Err(_)) => None,
            None => serde_json::from_value(item).ok(),
        };
        let aggregated = aggregated.and_then(|answer| serde_json::from_value(answer).ok());
        Self { items: items.into_iter().map(answer).collect(), aggregated }
    }
}
