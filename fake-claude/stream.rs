//! The events of a run, with the keys of the real ones (CLI contract, chapter 2.2).

use std::path::PathBuf;
use std::time::Instant;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::ending::Ending;
use crate::out::Out;
use crate::session::Session;
use crate::verbs::task::Living;
use crate::{VERSION, clock};

/// `resetsAt` of limit notices, as it was seen.
const RESETS_AT: u64 = 1_795_249_523;
/// Cost of a run that says nothing else, in US dollars.
const COST_USD: f64 = 0.000_175;
/// Tools that a session has when nothing is taken away.
const TOOLS: &[&str] =
    &["Task", "Bash", "Edit", "Glob", "Grep", "Read", "Skill", "TodoWrite", "WebFetch", "WebSearch", "Write"];

/// How far the run is; an interrupt ends it differently at each stage (chapter 8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Before the first byte of an answer.
    Asked,
    /// The model is speaking.
    Speaking,
    /// A tool runs; the process group of its command, if it is a real one.
    Tool(Option<i32>),
    /// After a result.
    Done,
}

/// One run's output and what it counts on the way.
pub struct Stream {
    /// Where events go.
    pub out: Out,
    /// The conversation.
    pub session: Session,
    /// Model name as events show it.
    pub model: String,
    /// `--permission-mode`.
    pub mode: String,
    /// Where the run takes place.
    pub cwd: PathBuf,
    /// Names of the tools that the session has.
    pub tools: Vec<String>,
    /// Rules of `--allowedTools`.
    pub allowed: Vec<String>,
    /// The tool call without a result.
    pub open_call: Option<String>,
    /// How far the run is.
    pub stage: Stage,
    /// When the account's limit is over, in Unix seconds.
    pub resets_at: u64,
    /// What a turn costs.
    pub cost_usd: f64,
    /// What the turns before this one cost: `total_cost_usd` is the sum (chapter 17.1).
    pub paid_usd: f64,
    /// Input and output tokens.
    pub tokens: (u64, u64),
    /// Messages with a tool's result in this turn.
    pub tool_results: u64,
    /// Fixed `num_turns`.
    pub turns: Option<u64>,
    /// `permission_denials` of the turn.
    pub denials: Vec<Value>,
    /// `mcp_servers` of the `init` event.
    pub mcp_servers: Vec<Value>,
    /// Keys of the next results with raw JSON in their place, or nothing to leave them out.
    pub overrides: Vec<(String, Option<String>)>,
    /// Background tasks that live.
    pub tasks: Vec<Living>,
    /// JSON text of what the model said last.
    pub said: Option<String>,
    /// Exit code of the last result.
    pub exit: u8,
    /// Results so far.
    pub results: usize,
    /// What began the turn, when that was not the prompt: the kind of its `origin`.
    pub origin: Option<&'static str>,
    /// Start of the turn.
    pub started: Instant,
}

/// JSON text of a string.
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn new_id(prefix: &str) -> String {
    format!("{prefix}_01{}", &Uuid::new_v4().simple().to_string()[..22])
}

impl Stream {
    /// A run that has not said anything.
    pub fn new(out: Out, session: Session, model: String, mode: String, cwd: PathBuf) -> Self {
        let tools = TOOLS.iter().map(|t| (*t).to_owned()).collect();
        Self {
            out,
            session,
            model,
            mode,
            cwd,
            tools,
            allowed: Vec::new(),
            open_call: None,
            stage: Stage::Asked,
            resets_at: RESETS_AT,
            cost_usd: COST_USD,
            paid_usd: 0.0,
            tokens: (10, 5),
            tool_results: 0,
            turns: None,
            denials: Vec::new(),
            mcp_servers: Vec::new(),
            overrides: Vec::new(),
            tasks: Vec::new(),
            said: None,
            exit: 0,
            results: 0,
            origin: None,
            started: Instant::now(),
        }
    }

    /// `num_turns`: one more than the messages with a tool's result.
    pub fn num_turns(&self) -> u64 {
        self.turns.unwrap_or(1 + self.tool_results)
    }

    /// The first event.
    pub fn init(&mut self) {
        let key = if std::env::var_os("ANTHROPIC_API_KEY").is_some() { "ANTHROPIC_API_KEY" } else { "none" };
        let memory = crate::session::config_dir()
            .map(|c| c.join("projects").join(crate::session::slug(&self.cwd)).join("memory/"));
        let event = json!({"type":"system","subtype":"init","cwd":self.cwd.to_string_lossy(),"session_id":self.session.id,
            "tools":self.tools,"mcp_servers":self.mcp_servers,"model":self.model,"permissionMode":self.mode,
            "slash_commands":["clear","compact","init","review"],"apiKeySource":key,"claude_code_version":VERSION,
            "output_style":"default","agents":["general-purpose"],"skills":[],"plugins":[],"analytics_disabled":true,
            "product_feedback_disabled":true,"uuid":Uuid::new_v4().to_string(),
            "memory_paths":{"auto":memory.map(|m| m.to_string_lossy().into_owned())},"fast_mode_state":"off"});
        self.out.event(event.to_string());
        self.stage = Stage::Asked;
    }

    /// A `system` event of another kind.
    pub fn system(&mut self, subtype: &str, more: &Value) {
        let mut event = json!({"type":"system","subtype":subtype});
        if let (Some(event), Some(more)) = (event.as_object_mut(), more.as_object()) {
            event.extend(more.clone());
            event.insert("uuid".to_owned(), Uuid::new_v4().to_string().into());
            event.insert("session_id".to_owned(), self.session.id.clone().into());
        }
        self.out.event(event.to_string());
    }

    /// One `assistant` event: one content block, given as JSON text.
    pub fn assistant(&mut self, block: &str, parent: Option<&str>) {
        let (input, output) = self.tokens;
        let message = format!(
            "{{\"model\":{},\"id\":\"{}\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[{block}],\"stop_reason\":null,\
             \"stop_sequence\":null,\"usage\":{{\"input_tokens\":{input},\"cache_creation_input_tokens\":0,\
             \"cache_read_input_tokens\":0,\"output_tokens\":{output}}},\"context_management\":null}}",
            quoted(&self.model),
            new_id("msg")
        );
        self.message("assistant", &message, parent, "");
        self.stage = Stage::Speaking;
    }

    fn message(&mut self, kind: &str, message: &str, parent: Option<&str>, more: &str) {
        self.session.note(kind, message);
        let parent = parent.map_or_else(|| "null".to_owned(), quoted);
        self.out.event(format!(
            "{{\"type\":\"{kind}\",\"message\":{message},\"parent_tool_use_id\":{parent},\"session_id\":{},\"uuid\":\"{}\"{more}}}",
            quoted(&self.session.id),
            Uuid::new_v4()
        ));
    }

    /// The model says something; `text` is the JSON text of a string.
    pub fn say(&mut self, text: String) {
        self.assistant(&format!("{{\"type\":\"text\",\"text\":{text}}}"), None);
        self.said = Some(text);
    }

    /// The CLI itself speaks in the model's place: an API error (chapter 9).
    pub fn synthetic(&mut self, text: &str, error: &str) {
        let message = format!(
            "{{\"id\":\"{}\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"<synthetic>\",\"content\":[{{\"type\":\"text\",\
             \"text\":{}}}],\"stop_reason\":\"stop_sequence\",\"stop_sequence\":\"\",\"usage\":{{\"input_tokens\":0,\
             \"output_tokens\":0}},\"context_management\":null}}",
            Uuid::new_v4(),
            quoted(text)
        );
        let more = format!(",\"error\":\"{error}\",\"request_id\":\"{}\"", new_id("req"));
        self.message("assistant", &message, None, &more);
    }

    /// The model asks for a tool. Answers the call's id.
    pub fn tool_use(&mut self, name: &str, input: &Value) -> String {
        let id = new_id("toolu");
        self.assistant(&json!({"type":"tool_use","id":id,"name":name,"input":input}).to_string(), None);
        self.stage = Stage::Tool(None);
        self.open_call = Some(id.clone());
        id
    }

    /// A tool's result goes back to the model.
    pub fn tool_result(&mut self, id: &str, content: &str, is_error: bool) {
        let mut block = json!({"tool_use_id":id,"type":"tool_result","content":content});
        if let Some(block) = block.as_object_mut().filter(|_| is_error) {
            block.insert("is_error".to_owned(), true.into());
        }
        let shown = if is_error { format!("Error: {content}") } else { content.to_owned() };
        let more = format!(",\"timestamp\":\"{}\",\"tool_use_result\":{}", clock::timestamp(), quoted(&shown));
        self.message("user", &json!({"role":"user","content":[block]}).to_string(), None, &more);
        self.tool_results += 1;
        self.open_call = None;
        self.stage = Stage::Asked;
    }

    /// A message that the CLI itself puts into the conversation.
    pub fn reminder(&mut self, text: &str) {
        let message = json!({"role":"user","content":[{"type":"text","text":text}]}).to_string();
        let more = format!(",\"timestamp\":\"{}\",\"isSynthetic\":true", clock::timestamp());
        self.message("user", &message, None, &more);
    }

    /// A result event; its exit code holds unless another one follows. Turns, denials and time begin anew after it, the cost
    /// does not.
    pub fn end(&mut self, ending: &Ending) {
        let line = ending.line(self);
        self.out.result(line, ending.text_output());
        self.exit = ending.exit;
        self.results += 1;
        self.stage = Stage::Done;
        if ending.asked {
            self.paid_usd += self.cost_usd;
        }
        self.tool_results = 0;
        self.denials.clear();
        self.origin = None;
        self.started = Instant::now();
    }
}
