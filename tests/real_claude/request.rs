//! One request as the stub received it, and the questions that scripts and tests ask of it.

use serde_json::Value;

/// A recorded request.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// `Null` when the body is not JSON.
    pub body: Value,
}

impl Request {
    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Whether the CLI asks the model for a message.
    pub fn is_message(&self) -> bool {
        self.method == "POST" && self.path() == "/v1/messages"
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Every text of the user's messages, in order; the CLI's own reminders are among them.
    pub fn user_texts(&self) -> Vec<String> {
        let of_user = |message: &&Value| message["role"] == "user";
        let messages = self.body["messages"].as_array().into_iter().flatten().filter(of_user);
        messages.flat_map(|message| texts(&message["content"])).collect()
    }

    /// Whether any user text contains `needle`.
    pub fn says(&self, needle: &str) -> bool {
        self.user_texts().iter().any(|text| text.contains(needle))
    }

    /// The whole conversation and system prompt as JSON text, for "is it in there at all".
    pub fn everything(&self) -> String {
        format!("{}{}", self.body["system"], self.body["messages"])
    }

    /// The system prompt as text.
    pub fn system(&self) -> String {
        texts(&self.body["system"]).join("\n")
    }

    /// The names of the tools on offer.
    pub fn tools(&self) -> Vec<&str> {
        self.body["tools"].as_array().into_iter().flatten().filter_map(|tool| tool["name"].as_str()).collect()
    }

    /// The tool results since the model spoke last: text and whether it is an error.
    pub fn tool_results(&self) -> Vec<(String, bool)> {
        let messages = self.body["messages"].as_array().map_or(&[][..], Vec::as_slice);
        let answered = messages.iter().rposition(|message| message["role"] == "assistant").map_or(0, |at| at + 1);
        let blocks =
            messages[answered..].iter().flat_map(|message| message["content"].as_array().into_iter().flatten());
        blocks
            .filter(|block| block["type"] == "tool_result")
            .map(|block| (texts(&block["content"]).join("\n"), block["is_error"] == true))
            .collect()
    }
}

/// The texts of a content value, which is a string or a list of blocks.
fn texts(content: &Value) -> Vec<String> {
    match content {
        Value::String(text) => vec![text.clone()],
        Value::Array(blocks) => blocks.iter().filter_map(|block| block["text"].as_str()).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
