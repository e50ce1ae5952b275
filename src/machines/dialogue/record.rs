//! What was said in a dialogue, as its caller sees it.

use serde::Serialize;

use super::prompts::{self, RESOLVED};
use super::{Event, Role, State};
use crate::machines::answer::{Answer, ErrorType};
use crate::machines::call::Tally;

/// Amounts are told to a millionth of a dollar: sums of what the CLI reports have more digits than meaning.
const PER_DOLLAR: f64 = 1_000_000.0;

/// A message of the dialogue, as the caller sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// Which of the two spoke.
    pub agent: String,
    /// As which of the two.
    pub role: Role,
    /// In which round, from 1.
    pub round: u32,
    /// What it said; of a run that failed, what there is of it.
    pub message: String,
    /// What that cost, in US dollars; unknown is `null`.
    pub cost_usd: Option<f64>,
    /// What went wrong with the run, where it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The kind of failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_type: Option<ErrorType>,
}

/// What was said so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    messages: Vec<Message>,
    cost_usd: f64,
    duration_ms: u64,
}

/// The answer to the caller, keys in the order of the contract.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conversation {
    resolved: bool,
    rounds: u32,
    total_cost_usd: f64,
    total_duration_ms: u64,
    final_answer: String,
    conversation: Vec<Message>,
}

impl Record {
    /// Takes what one of them answered; what that is to the machine.
    pub fn add(&mut self, role: Role, round: u32, answer: Answer) -> Event {
        let event = if answer.success {
            Event::Spoke { resolved: prompts::resolution(&answer.result).is_some() }
        } else {
            Event::Broke
        };
        self.cost_usd += answer.cost_usd.unwrap_or_default();
        self.duration_ms = self.duration_ms.saturating_add(answer.duration_ms.unwrap_or_default());
        let Answer { agent, result: message, cost_usd, error, error_type, .. } = answer;
        self.messages.push(Message { agent, role, round, message, cost_usd, error, error_type });
        event
    }

    /// What was said last.
    #[must_use]
    pub fn last(&self) -> Option<&Message> {
        self.messages.last()
    }

    /// What the caller is told at the end.
    #[must_use]
    pub fn conclude(self, end: &State) -> Conversation {
        Conversation {
            resolved: matches!(end, State::Resolved { .. }),
            rounds: end.round(),
            total_cost_usd: (self.cost_usd * PER_DOLLAR).round() / PER_DOLLAR,
            total_duration_ms: self.duration_ms,
            final_answer: self.last().map(final_answer).unwrap_or_default(),
            conversation: self.messages,
        }
    }
}

impl Conversation {
    /// How its messages ended.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for message in &self.conversation {
            let failed = message.error_type.is_some() || message.error.is_some();
            let answer = Answer {
                success: !failed,
                error_type: message.error_type,
                cost_usd: message.cost_usd,
                ..Answer::success(&message.agent, "")
            };
            tally.add(|| message.agent.clone(), &answer);
        }
        tally
    }
}

/// The last message without its mark; where there is nothing else, the mark; the error of a run that failed.
fn final_answer(last: &Message) -> String {
    if let Some(error) = &last.error {
        return error.clone();
    }
    match prompts::resolution(&last.message) {
        Some(text) if text.is_empty() => RESOLVED.to_owned(),
        Some(text) => text,
        None => last.message.clone(),
    }
}
