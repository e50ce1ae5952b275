//! What a tool answers: compact JSON in one text block, and the same as a structure for clients that know those.

use std::fmt::Display;

use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock, CreateTaskResult, Task};
use serde::Serialize;
use serde_json::{Map, Value};

use super::output;
use super::transport::OnDelivered;
use crate::shell::dispatcher::TaskHandle;
use crate::shell::engine::Receipt;

/// What a call comes to.
#[derive(Debug)]
pub enum Response {
    /// The answer itself.
    Reply(Reply),
    /// A task that is to be asked for the answer; held until its id was delivered, where it is this call's own.
    Task(Box<Task>, Option<TaskHandle>),
}

impl From<Reply> for Response {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

impl From<CallError> for Response {
    fn from(error: CallError) -> Self {
        Self::Reply(error.into())
    }
}

impl Response {
    /// A response that is this answer.
    pub fn of<T: Serialize>(answer: &T) -> Self {
        Self::Reply(Reply::of(answer))
    }

    /// As the protocol carries it, and what is done once it was delivered.
    #[must_use]
    pub fn into_parts(self, structured: bool) -> (CallToolResponse, Vec<OnDelivered>) {
        match self {
            Self::Reply(reply) => {
                let (result, receipts) = reply.into_parts(structured);
                (result.into(), receipts.into_iter().map(OnDelivered::Receipt).collect())
            }
            Self::Task(task, handle) => (
                CallToolResponse::Task(CreateTaskResult::new(*task)),
                handle.map(OnDelivered::Task).into_iter().collect(),
            ),
        }
    }
}

/// An answer, and the receipts to redeem once it is delivered.
#[derive(Debug)]
pub struct Reply {
    answer: Value,
    is_error: bool,
    /// For each answer in it that was paid for.
    receipts: Vec<Receipt>,
}

/// Why a call is not answered as it was meant, with the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    error: String,
    hint: Option<String>,
}

impl CallError {
    /// An error of this text, which also says what would be right.
    pub fn new(error: impl Into<String>) -> Self {
        Self { error: error.into(), hint: None }
    }

    /// Another error, in its own words.
    pub fn of(error: impl Display) -> Self {
        Self::new(error.to_string())
    }

    /// The same, with what to do about it.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl From<CallError> for Reply {
    fn from(CallError { error, hint }: CallError) -> Self {
        let mut object = Map::new();
        object.insert("error".to_owned(), Value::from(error));
        if let Some(hint) = hint {
            object.insert("hint".to_owned(), Value::from(hint));
        }
        Self { answer: Value::Object(object), is_error: true, receipts: Vec::new() }
    }
}

impl Reply {
    /// A reply with this answer.
    pub fn of<T: Serialize>(answer: &T) -> Self {
        match serde_json::to_value(answer) {
            Ok(answer) => Self { answer, is_error: false, receipts: Vec::new() },
            // Our own types have text keys and finite numbers; whatever else comes still gets an answer.
            Err(error) => CallError::new(format!("the answer cannot be written as JSON: {error}")).into(),
        }
    }

    /// An answer that was paid for.
    pub fn paid<T: Serialize>(answer: &T, receipts: impl IntoIterator<Item = Receipt>) -> Self {
        Self { receipts: receipts.into_iter().collect(), ..Self::of(answer) }
    }

    /// The same with another answer made of it.
    #[must_use]
    pub fn map(self, change: impl FnOnce(Value) -> Value) -> Self {
        Self { answer: change(self.answer), ..self }
    }

    /// The reply as the protocol carries it, and its receipts. `structured` for a client that knows structured answers.
    #[must_use]
    pub fn into_parts(self, structured: bool) -> (CallToolResult, Vec<Receipt>) {
        let content = vec![ContentBlock::text(self.answer.to_string())];
        let mut result = if self.is_error { CallToolResult::error(content) } else { CallToolResult::success(content) };
        // An error has the shape of no tool's answer; clients show its text.
        result.structured_content = (structured && !self.is_error).then(|| output::structure(self.answer));
        (result, self.receipts)
    }
}
