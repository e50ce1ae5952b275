//! Verbs that emit events (CLI contract, chapters 2.2, 2.3 and 7).

use serde_json::{Value, json};

use super::{needed, number, text};
use crate::player::{Flow, Player};
use crate::stream::{Stage, quoted};

/// One or a few events.
#[derive(Debug)]
pub enum Event {
    /// `say TEXT`
    Say(String),
    /// `think TEXT`
    Think(String),
    /// `tool NAME [JSON]`, `tool-error NAME TEXT`: call and result.
    Tool { name: String, input: Value, error: Option<String> },
    /// `ask NAME [JSON]`
    Ask { name: String, input: Value },
    /// `deny NAME [JSON]`
    Deny { name: String, input: Value },
    /// `subagent TEXT`
    Subagent(String),
    /// `retry STATUS [TIMES]`
    Retry { status: Option<u64>, times: u64 },
    /// `rate-limit STATUS [UTILIZATION]`
    RateLimit { status: String, utilization: Option<f64> },
    /// `fallback MODEL`
    Fallback(String),
    /// `system SUBTYPE [JSON]`
    System(String, Value),
    /// `echo-env NAME`
    EchoEnv(String),
    /// `quote-previous`
    QuotePrevious,
}

/// `None` when the word is no event.
pub fn parse(word: &str, rest: &str) -> Result<Option<Event>, String> {
    let (first, more) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
    Ok(Some(match word {
        "say" => Event::Say(text(rest)),
        "think" => Event::Think(text(rest)),
        "tool" => Event::Tool { name: needed(word, first)?, input: input(more)?, error: None },
        "tool-error" => Event::Tool { name: needed(word, first)?, input: json!({}), error: Some(text(more)) },
        "ask" => Event::Ask { name: needed(word, first)?, input: input(more)? },
        "deny" => Event::Deny { name: needed(word, first)?, input: input(more)? },
        "subagent" => Event::Subagent(text(rest)),
        "retry" => {
            let status = if first == "none" { None } else { Some(number(word, first)?) };
            Event::Retry { status, times: if more.is_empty() { 1 } else { number(word, more)? } }
        }
        "rate-limit" => {
            let utilization = (!more.is_empty()).then(|| more.trim().parse()).transpose();
            let utilization =
                utilization.map_err(|_| format!("rate-limit needs a share such as 0.95, not \"{more}\""))?;
            Event::RateLimit { status: needed(word, first)?, utilization }
        }
        "fallback" => Event::Fallback(needed(word, rest)?),
        "system" => Event::System(needed(word, first)?, input(more)?),
        "echo-env" => Event::EchoEnv(needed(word, rest)?),
        "quote-previous" => Event::QuotePrevious,
        _ => return Ok(None),
    }))
}

fn input(raw: &str) -> Result<Value, String> {
    if raw.trim().is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_str(raw).map_err(|e| format!("the input is not JSON: {e}"))
}

impl Event {
    /// Emits it.
    pub fn play(&self, player: &mut Player) -> Flow {
        match self {
            Self::Say(text) => player.say(text),
            Self::EchoEnv(name) => match std::env::var_os(name) {
                Some(value) => player.say_plain(&format!("{name}={}", value.to_string_lossy())),
                None => player.say_plain(&format!("{name} is not set")),
            },
            Self::QuotePrevious => {
                let previous = player.previous();
                player.say_plain(&previous);
            }
            Self::Tool { name, input, error } => return tool(player, name, input, error.as_deref()),
            Self::Ask { name, input } if super::ask::passes(&player.stream(), name, input) => {
                return tool(player, name, input, None);
            }
            Self::Ask { name, input } | Self::Deny { name, input } => return deny(player, name, input),
            other => other.emit(player),
        }
        Flow::Next
    }

    /// The events that change nothing in the run.
    fn emit(&self, player: &mut Player) {
        let mut stream = player.stream();
        match self {
            Self::Think(text) => {
                let block = json!({"type":"thinking","thinking":text,"signature":"c2lnbmF0dXJl"});
                stream.assistant(&block.to_string(), None);
            }
            Self::Subagent(text) => {
                let id = stream
                    .tool_use("Task", &json!({"description":"sub","prompt":text,"subagent_type":"general-purpose"}));
                stream.assistant(&format!("{{\"type\":\"text\",\"text\":{}}}", quoted(text)), Some(&id));
                stream.tool_result(&id, text, false);
            }
            Self::Retry { status, times } => {
                let error = match status {
                    Some(401) => "authentication_failed",
                    Some(429) => "rate_limit",
                    Some(529) => "overloaded",
                    _ => "unknown",
                };
                for attempt in 1..=*times {
                    stream.system(
                        "api_retry",
                        &json!({"attempt":attempt,"max_retries":10,"retry_delay_ms":510.15,"error_status":status,"error":error}),
                    );
                }
            }
            Self::RateLimit { status, utilization } => rate_limit(&mut stream, status, "five_hour", *utilization),
            Self::Fallback(model) => {
                let original = stream.model.clone();
                stream.system(
                    "model_fallback",
                    &json!({"trigger":"overloaded","original_model":original,"fallback_model":model,"content":"Model fallback"}),
                );
            }
            Self::System(subtype, more) => stream.system(subtype, more),
            Self::Say(_)
            | Self::Tool { .. }
            | Self::Ask { .. }
            | Self::Deny { .. }
            | Self::EchoEnv(_)
            | Self::QuotePrevious => {}
        }
    }
}

/// The notice about a subscription's limits.
pub fn rate_limit(stream: &mut crate::stream::Stream, status: &str, kind: &str, utilization: Option<f64>) {
    let mut info = json!({"status":status,"resetsAt":stream.resets_at,"rateLimitType":kind,"isUsingOverage":false});
    if let (Some(info), Some(share)) = (info.as_object_mut(), utilization) {
        info.insert("utilization".to_owned(), share.into());
        info.insert("surpassedThreshold".to_owned(), json!(0.9));
    }
    let event = json!({"type":"rate_limit_event","rate_limit_info":info,"uuid":uuid::Uuid::new_v4().to_string(),
        "session_id":stream.session.id});
    stream.out.event(event.to_string());
}

fn tool(player: &mut Player, name: &str, input: &Value, error: Option<&str>) -> Flow {
    {
        let mut stream = player.stream();
        let id = stream.tool_use(name, input);
        if stream.tools.iter().any(|t| t == name) || name.starts_with("mcp__") || name == "StructuredOutput" {
            stream.tool_result(&id, error.unwrap_or("done"), error.is_some());
        } else {
            // A tool that was taken away is not a denial (chapter 7).
            stream.tool_result(
                &id,
                &format!("<tool_use_error>Error: No such tool available: {name}</tool_use_error>"),
                true,
            );
        }
    }
    player.after_tool()
}

/// Denied: an error to the model, a note in the result, and the run goes on (chapter 7).
fn deny(player: &mut Player, name: &str, input: &Value) -> Flow {
    {
        let mut stream = player.stream();
        let id = stream.tool_use(name, input);
        let reason = match (stream.mode.as_str(), name) {
            ("plan", _) => format!("Cannot use {name} while in plan mode."),
            ("dontAsk", _) => {
                format!("Permission to use {name} has been denied because Claude Code is running in don't ask mode.")
            }
            (_, "Write" | "Edit") => {
                let path = input["file_path"].as_str().unwrap_or("the file");
                format!("Claude requested permissions to write to {path}, but you haven't granted it yet.")
            }
            _ => format!("Claude requested permissions to use {name}, but you haven't granted it yet."),
        };
        stream.tool_result(&id, &reason, true);
        stream.denials.push(json!({"tool_name":name,"tool_use_id":id,"tool_input":input}));
        stream.stage = Stage::Asked;
    }
    player.after_tool()
}
