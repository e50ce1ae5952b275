//! Verbs that emit results, whole or broken (CLI contract, chapters 1, 2.3, 9 and 10).

use serde_json::{Value, json};

use super::{needed, number, text};
use crate::ending::Ending;
use crate::failures::{self, Failure};
use crate::player::{Flow, Player};
use crate::stream::quoted;
use crate::verbs::event;

/// Tries that the CLI gives the model to answer in the schema's form.
const STRUCTURED_ATTEMPTS: u32 = 5;

/// A result.
#[derive(Debug)]
pub enum End {
    /// `result TEXT`
    Result(String),
    /// `result-bytes N`
    Bytes(usize),
    /// `structured JSON`
    Structured(Value),
    /// `structured-invalid`
    StructuredInvalid,
    /// `subtype NAME`
    Subtype(String),
    /// `error KIND …`
    Error(Box<Failure>),
    /// `cut-stream TEXT`
    CutStream(String),
    /// `defer NAME [JSON]`
    Defer(String, Value),
    /// `two-results`
    Two,
    /// `events-after-result`
    EventsAfter,
    /// `result-of-type`, `nan`, `huge-number`, `lone-surrogate`: one key of the result as raw text.
    Key(&'static str, String),
    /// `torn-last-line`
    Torn,
    /// `invalid-utf8`
    InvalidUtf8,
}

/// `None` when the word is no result.
pub fn parse(word: &str, rest: &str) -> Result<Option<End>, String> {
    Ok(Some(match word {
        "result" => End::Result(text(rest)),
        "result-bytes" => End::Bytes(usize::try_from(number(word, rest)?).map_err(|e| e.to_string())?),
        "structured" => End::Structured(serde_json::from_str(rest).map_err(|e| format!("structured needs JSON: {e}"))?),
        "structured-invalid" => End::StructuredInvalid,
        "subtype" => End::Subtype(subtype(&needed(word, rest)?)?),
        "error" => End::Error(Box::new(failures::by_name(rest.trim())?)),
        "cut-stream" => End::CutStream(text(rest)),
        "defer" => {
            let (name, input) = rest.trim().split_once(' ').unwrap_or((rest.trim(), "{}"));
            let input = serde_json::from_str(input).map_err(|e| format!("defer needs a name and JSON: {e}"))?;
            End::Defer(needed(word, name)?, input)
        }
        "two-results" => End::Two,
        "events-after-result" => End::EventsAfter,
        "result-of-type" => End::Key("result", of_type(rest.trim())?),
        "nan" => End::Key("total_cost_usd", "NaN".to_owned()),
        "huge-number" => End::Key("total_cost_usd", "1e999".to_owned()),
        "lone-surrogate" => End::Key("result", "\"half a pair: \\ud83d\"".to_owned()),
        "torn-last-line" => End::Torn,
        "invalid-utf8" => End::InvalidUtf8,
        _ => return Ok(None),
    }))
}

const SUBTYPES: &[&str] =
    &["error_max_turns", "error_max_budget_usd", "error_max_structured_output_retries", "error_during_execution"];

fn subtype(name: &str) -> Result<String, String> {
    if SUBTYPES.contains(&name) {
        return Ok(name.to_owned());
    }
    Err(format!("unknown subtype \"{name}\"; there are: {}. Others: field subtype \"…\"", SUBTYPES.join(", ")))
}

fn of_type(kind: &str) -> Result<String, String> {
    let raw = match kind {
        "number" => "42",
        "array" => "[\"a\",1]",
        "object" => "{\"a\":1}",
        "null" => "null",
        "bool" => "true",
        other => return Err(format!("result-of-type is one of: number, array, object, null, bool; not \"{other}\"")),
    };
    Ok(raw.to_owned())
}

impl End {
    /// Emits it.
    pub fn play(&self, player: &mut Player) -> Flow {
        match self {
            Self::Result(text) => {
                let answer = player.expand(text);
                player.answer(quoted(&answer));
            }
            Self::Bytes(n) => player.answer(bytes_text(*n)),
            Self::Structured(value) => player.structured(value),
            Self::StructuredInvalid => structured_invalid(player),
            Self::Subtype(name) => by_subtype(player, name),
            Self::Error(failure) => error(player, failure),
            Self::CutStream(text) => {
                player.say(text);
                let mut stream = player.stream();
                stream.cost_usd = 0.0;
                let said = stream.said.clone().unwrap_or_default();
                stream.end(&Ending { stop_reason: "null", ..Ending::success(said) });
            }
            Self::Defer(name, input) => defer(player, name, input),
            Self::Two => two(player),
            Self::EventsAfter => {
                player.conclude();
                late_events(player, "killed", "stopped");
            }
            Self::Key(key, raw) => {
                player.stream().overrides.push(((*key).to_owned(), Some(raw.clone())));
                player.conclude();
            }
            Self::Torn => torn(player),
            Self::InvalidUtf8 => invalid_utf8(player),
        }
        Flow::Next
    }
}

/// JSON text of a string of `n` bytes that needs no escapes.
fn bytes_text(n: usize) -> String {
    const LINE: &str = "The quick brown fox jumps over the lazy dog. ";
    let mut text = String::with_capacity(n + 2);
    text.push('"');
    text.push_str(&LINE.repeat(n / LINE.len()));
    text.push_str(&LINE[..n % LINE.len()]);
    text.push('"');
    text
}

fn structured_invalid(player: &mut Player) {
    let mut stream = player.stream();
    for _ in 0..STRUCTURED_ATTEMPTS {
        let id = stream.tool_use("StructuredOutput", &json!({"not":"this"}));
        stream.tool_result(&id, "Output does not match required schema", true);
    }
    stream.end(&Ending::max_structured(STRUCTURED_ATTEMPTS));
}

fn by_subtype(player: &mut Player, name: &str) {
    let turns = player.run.max_turns.clone().unwrap_or_else(|| "1".to_owned());
    let budget = player.run.budget_usd.unwrap_or(0.000_1);
    let ending = match name {
        "error_max_turns" => Ending::max_turns(&turns),
        "error_max_budget_usd" => Ending::max_budget(budget),
        "error_max_structured_output_retries" => Ending::max_structured(STRUCTURED_ATTEMPTS),
        _ => Ending { exit: 1, ..Ending::interrupted(false) },
    };
    player.stream().end(&ending);
}

fn error(player: &mut Player, failure: &Failure) {
    let mut stream = player.stream();
    if let Some(kind) = failure.limit {
        event::rate_limit(&mut stream, "rejected", kind, None);
    }
    stream.synthetic(&failure.text, failure.label);
    stream.end(&failure.ending);
}

/// A `PreToolUse` hook put a call off: the run ends with that, and no result of the call follows (2.1.332).
fn defer(player: &mut Player, name: &str, input: &Value) {
    let mut stream = player.stream();
    let id = stream.tool_use(name, input);
    let call = json!({"id":id,"name":name,"input":input});
    stream.overrides.push(("deferred_tool_use".to_owned(), Some(call.to_string())));
    let ending = Ending::success(quoted(""));
    stream.end(&Ending { stop_reason: "\"tool_deferred\"", terminal_reason: Some("tool_deferred"), ..ending });
    stream.overrides.pop();
}

/// A background task that ends after the first result, which may have been given before, wakes the model once more (chapters
/// 2.3 and 17.1).
fn two(player: &mut Player) {
    if player.stream().results == 0 {
        player.conclude();
    }
    late_events(player, "completed", "completed");
    let mut stream = player.stream();
    stream.init();
    stream.origin = Some("task-notification");
    drop(stream);
    player.answer(quoted("second result"));
}

fn late_events(player: &mut Player, updated: &str, notified: &str) {
    let mut stream = player.stream();
    let task = "b1a2c3d";
    stream.system("task_updated", &json!({"task_id":task,"patch":{"status":updated}}));
    stream.system(
        "task_notification",
        &json!({"task_id":task,"status":notified,"output_file":"","summary":"Background command"}),
    );
}

/// Half a result line without its end, as a death in the middle of a write leaves it.
fn torn(player: &mut Player) {
    let text = player.default_answer();
    let mut stream = player.stream();
    if stream.said.is_none() {
        stream.say(text.clone());
    }
    let line = Ending::success(text).line(&stream);
    let half = line.floor_char_boundary(line.len() / 2);
    stream.out.raw(&line.as_bytes()[..half]);
    drop(stream);
    player.run.ended = true;
}

/// A result line with bytes that are no UTF-8 in the answer.
fn invalid_utf8(player: &mut Player) {
    let mut stream = player.stream();
    let mark = "@@INVALID@@";
    let line = Ending::success(quoted(&format!("before {mark} after"))).line(&stream);
    let (before, after) = line.split_once(mark).unwrap_or((&line, ""));
    let bytes = [before.as_bytes(), b"\xff\xfe\xc3\x28", after.as_bytes(), b"\n"].concat();
    stream.out.raw(&bytes);
    drop(stream);
    player.run.ended = true;
}
