//! How far a call has come, in a line for its caller.

use crate::machines::answer::{Answer, ErrorType};

/// Which items there are and how many have ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    agents: Vec<String>,
    ended: usize,
}

impl Board {
    /// A board for items of these agents, none of which has ended.
    #[must_use]
    pub const fn new(agents: Vec<String>) -> Self {
        Self { agents, ended: 0 }
    }

    /// What is told of an item: how many of all are done, which one it is (from 0), what it says.
    #[must_use]
    pub fn news(&self, item: usize, says: &str) -> String {
        let agent = self.agents.get(item).map_or("", String::as_str);
        format!("{}/{} done · #{} {agent}: {says}", self.ended, self.agents.len(), item.saturating_add(1))
    }

    /// What is told of the agent that puts the answers together.
    #[must_use]
    pub fn aggregating(&self, agent: &str, says: &str) -> String {
        format!("{}/{} done · aggregate {agent}: {says}", self.ended, self.agents.len())
    }

    /// Takes the end of an item; what is told of it.
    pub fn ended(&mut self, item: usize, answer: &Answer) -> String {
        self.ended = self.ended.saturating_add(1);
        let says = match (answer.success, answer.cached) {
            (true, Some(true)) => "answered (cached)",
            (true, _) => "answered",
            (false, _) => return self.news(item, &failed(answer)),
        };
        self.news(item, says)
    }
}

fn failed(answer: &Answer) -> String {
    format!("failed ({})", answer.error_type.unwrap_or(ErrorType::CliError).as_str())
}
