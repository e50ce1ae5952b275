//! Result events: one shape for success, another for everything else (CLI contract, chapters 1.1 and 1.2).

use serde_json::{Value, json};
use uuid::Uuid;

use crate::stream::{Stream, quoted};

/// What a run ends with.
#[derive(Clone, Debug)]
pub struct Ending {
    /// `success` or an error's name.
    pub subtype: &'static str,
    /// Independent of `subtype`: an API error is a `success` that is an error.
    pub is_error: bool,
    /// JSON text of `result`; only with subtype `success`.
    pub result: Option<String>,
    /// `errors`; only with another subtype.
    pub errors: Vec<String>,
    /// `api_error_status`; only with subtype `success`.
    pub status: Option<u16>,
    /// JSON text of `stop_reason`.
    pub stop_reason: &'static str,
    /// Absent for failed resume and local commands.
    pub terminal_reason: Option<&'static str>,
    /// `structured_output`.
    pub structured: Option<Value>,
    /// The model was asked; otherwise turns and cost are nothing.
    pub asked: bool,
    /// Exit code of the process.
    pub exit: u8,
    /// What the text format prints when it is not the result itself.
    pub text: Option<String>,
    /// `fast_mode_state` is absent only on a failed resume.
    pub fast_mode: bool,
}

impl Ending {
    /// The model answered; `result` is the JSON text of a string.
    pub const fn success(result: String) -> Self {
        Self {
            subtype: "success",
            is_error: false,
            result: Some(result),
            errors: Vec::new(),
            status: None,
            stop_reason: "\"end_turn\"",
            terminal_reason: Some("completed"),
            structured: None,
            asked: true,
            exit: 0,
            text: None,
            fast_mode: true,
        }
    }

    /// An API error: named a success, but an error.
    pub fn api_error(text: &str, status: Option<u16>, terminal_reason: &'static str) -> Self {
        Self {
            is_error: true,
            status,
            stop_reason: "\"stop_sequence\"",
            terminal_reason: Some(terminal_reason),
            exit: 1,
            ..Self::success(quoted(text))
        }
    }

    /// A local command answered; the model was not asked.
    pub fn local(text: &str) -> Self {
        Self { stop_reason: "null", terminal_reason: None, asked: false, ..Self::success(quoted(text)) }
    }

    /// Any other subtype.
    pub fn failure(subtype: &'static str, error: String, terminal_reason: Option<&'static str>, text: &str) -> Self {
        Self {
            subtype,
            is_error: true,
            result: None,
            errors: vec![error],
            stop_reason: "null",
            terminal_reason,
            exit: 1,
            text: Some(text.to_owned()),
            ..Self::success(String::new())
        }
    }

    /// `--max-turns` was reached.
    pub fn max_turns(limit: &str) -> Self {
        let error = format!("Reached maximum number of turns ({limit})");
        let text = format!("Error: Reached max turns ({limit})");
        Self { stop_reason: "\"tool_use\"", ..Self::failure("error_max_turns", error, Some("max_turns"), &text) }
    }

    /// `--max-budget-usd` was passed.
    pub fn max_budget(limit: f64) -> Self {
        let error = format!("Reached maximum budget (${limit})");
        let text = format!("Error: Exceeded USD budget ({limit})");
        Self {
            stop_reason: "\"end_turn\"",
            ..Self::failure("error_max_budget_usd", error, Some("budget_exhausted"), &text)
        }
    }

    /// Every try to answer in the schema's form failed.
    pub fn max_structured(attempts: u32) -> Self {
        let error = format!(
            "Failed to provide valid structured output after {attempts} attempts — last StructuredOutput error: Output does \
             not match required schema: must have required property"
        );
        let text = format!("Error: {error}");
        let reason = Some("structured_output_retry_exhausted");
        Self {
            stop_reason: "\"tool_use\"",
            ..Self::failure("error_max_structured_output_retries", error, reason, &text)
        }
    }

    /// `--resume` of an id that nobody knows (only `stream-json` shows it).
    pub fn unknown_session(id: &str) -> Self {
        let error = format!("No conversation found with session ID: {id}");
        Self { asked: false, fast_mode: false, ..Self::failure("error_during_execution", error, None, "") }
    }

    /// SIGINT while the model spoke, which exits with 0, or while a tool ran.
    pub fn interrupted(in_tool: bool) -> Self {
        let stop = if in_tool { "tool_use" } else { "null" };
        let error = format!("[ede_diagnostic] result_type=user last_content_type=n/a stop_reason={stop}");
        let reason = if in_tool { "aborted_tools" } else { "aborted_streaming" };
        let ending = Self::failure("error_during_execution", error, Some(reason), "Execution error");
        if in_tool { Self { stop_reason: "\"tool_use\"", ..ending } } else { Self { exit: 0, ..ending } }
    }

    /// What the text format prints: errors end without a newline, answers with one.
    pub fn text_output(&self) -> String {
        if let Some(text) = &self.text {
            return text.clone();
        }
        let result = self.result.as_deref().and_then(|r| serde_json::from_str::<String>(r).ok());
        result.unwrap_or_default() + "\n"
    }

    /// The event's line. The order of keys differs between success and everything else, as it does in the CLI.
    pub fn line(&self, stream: &Stream) -> String {
        let mut pairs = if self.subtype == "success" { self.success_pairs(stream) } else { self.failure_pairs(stream) };
        for (key, raw) in &stream.overrides {
            let place = pairs.iter().position(|(k, _)| k == key);
            match (place, raw) {
                (Some(at), Some(raw)) => pairs[at].1.clone_from(raw),
                (Some(at), None) => drop(pairs.remove(at)),
                (None, Some(raw)) => pairs.push((key.clone(), raw.clone())),
                (None, None) => {}
            }
        }
        let body: Vec<String> = pairs.iter().map(|(k, v)| format!("{}:{v}", quoted(k))).collect();
        format!("{{{}}}", body.join(","))
    }

    fn success_pairs(&self, stream: &Stream) -> Vec<(String, String)> {
        let ms = stream.started.elapsed().as_millis().to_string();
        let mut pairs = vec![
            pair("type", "\"result\""),
            pair("subtype", "\"success\""),
            pair("is_error", &self.is_error.to_string()),
            pair("api_error_status", &json!(self.status).to_string()),
            pair("duration_ms", &ms),
            pair("duration_api_ms", if self.asked { &ms } else { "0" }),
        ];
        if self.asked {
            pairs.extend([pair("ttft_ms", &ms), pair("ttft_stream_ms", &ms), pair("time_to_request_ms", "0")]);
        }
        pairs.push(pair("num_turns", &self.turns(stream)));
        pairs.extend(self.result.as_deref().map(|r| pair("result", r)));
        pairs.extend(self.common(stream));
        pairs.extend(self.structured.as_ref().map(|s| pair("structured_output", &s.to_string())));
        pairs.extend(origin(stream));
        pairs.extend(self.tail());
        pairs
    }

    fn failure_pairs(&self, stream: &Stream) -> Vec<(String, String)> {
        let ms = stream.started.elapsed().as_millis().to_string();
        let mut pairs = vec![
            pair("type", "\"result\""),
            pair("subtype", &quoted(self.subtype)),
            pair("duration_ms", &ms),
            pair("duration_api_ms", if self.asked { &ms } else { "0" }),
            pair("is_error", &self.is_error.to_string()),
            pair("num_turns", &self.turns(stream)),
        ];
        pairs.extend(self.common(stream));
        pairs.extend(origin(stream));
        pairs.extend(self.tail());
        pairs.push(pair("errors", &json!(self.errors).to_string()));
        pairs
    }

    fn turns(&self, stream: &Stream) -> String {
        if self.asked { stream.num_turns().to_string() } else { "0".to_owned() }
    }

    fn common(&self, stream: &Stream) -> [(String, String); 6] {
        let (input, output) = if self.asked { stream.tokens } else { (0, 0) };
        let cost = stream.paid_usd + if self.asked { stream.cost_usd } else { 0.0 };
        let usage = json!({"input_tokens":input,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":output,
            "server_tool_use":{"web_search_requests":0,"web_fetch_requests":0},"service_tier":"standard",
            "cache_creation":{"ephemeral_1h_input_tokens":0,"ephemeral_5m_input_tokens":0},"inference_geo":"","iterations":[],
            "speed":"standard"});
        let window = if stream.model.ends_with("[1m]") { 1_000_000 } else { 200_000 };
        let per_model = json!({"inputTokens":input,"outputTokens":output,"cacheReadInputTokens":0,"cacheCreationInputTokens":0,
            "webSearchRequests":0,"costUSD":cost,"contextWindow":window,"maxOutputTokens":64_000});
        let by_model = if self.asked { json!({(stream.model.as_str()):per_model}) } else { json!({}) };
        [
            pair("stop_reason", self.stop_reason),
            pair("session_id", &quoted(&stream.session.id)),
            pair("total_cost_usd", &number(cost)),
            pair("usage", &usage.to_string()),
            pair("modelUsage", &by_model.to_string()),
            pair("permission_denials", &json!(stream.denials).to_string()),
        ]
    }

    fn tail(&self) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        pairs.extend(self.terminal_reason.map(|r| pair("terminal_reason", &quoted(r))));
        if self.fast_mode {
            pairs.push(pair("fast_mode_state", "\"off\""));
        }
        pairs.push(pair("uuid", &quoted(&Uuid::new_v4().to_string())));
        pairs
    }
}

/// What began the turn, when that was not the prompt.
fn origin(stream: &Stream) -> Option<(String, String)> {
    stream.origin.map(|kind| pair("origin", &json!({"kind":kind,"producer":"session-task"}).to_string()))
}

fn pair(key: &str, raw: &str) -> (String, String) {
    (key.to_owned(), raw.to_owned())
}

/// A number as JavaScript writes it: nothing is written `0`, not `0.0`.
fn number(value: f64) -> String {
    format!("{value}")
}
