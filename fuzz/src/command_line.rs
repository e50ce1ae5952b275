//! Argument injection: whatever a configuration and a caller hold, the CLI reads no value as an option, and reads
//! exactly the values that were meant.

use agent_dispatch::machines::command_line::arguments;
use agent_dispatch::machines::flags::{Flag, Omission, Omitted};
use agent_dispatch::machines::ids::SessionRef;
use agent_dispatch::machines::plan::{Format, RunPlan, SessionPlan};
use agent_dispatch::machines::prompt::{MAX_PROMPT_BYTES, demanding, for_stdin};
use agent_dispatch::machines::schema::for_cli;
use serde_json::Value;

use crate::commander::{Parsed, parse};

/// Fields are separated by a byte that UTF-8 does not have.
const SEPARATOR: u8 = 0xff;
/// The first field that is a tool.
const TOOLS: usize = 6;

/// What each bit of the first byte leaves out.
const SWITCHES: [(u8, Omission); 10] = [
    (1, Omission::Unknown(Flag::SessionId)),
    (2, Omission::Unknown(Flag::AppendSystemPrompt)),
    (4, Omission::Unknown(Flag::MaxBudget)),
    (16, Omission::Unknown(Flag::SystemPromptSnapshot)),
    (32, Omission::Unknown(Flag::MaxTurns)),
    (64, Omission::Unknown(Flag::JsonSchema)),
    (64, Omission::ThisSchema),
    (64, Omission::UnboundedSchema),
    (128, Omission::Unknown(Flag::PermissionPrompts)),
    (128, Omission::Unknown(Flag::Settings)),
];

/// Reads the bytes as a plan, builds its command line and checks what the CLI makes of it.
pub fn check(data: &[u8]) {
    let fields: Vec<String> =
        data.split(|byte| *byte == SEPARATOR).map(|field| String::from_utf8_lossy(field).into_owned()).collect();
    let (Some(switches), Some(plan)) = (data.first(), plan(&fields)) else { return };
    let omissions = SWITCHES.into_iter().filter(|(switch, _)| switches & switch != 0).map(|(_, omission)| omission);
    let omit = omissions.fold(Omitted::NOTHING, Omitted::and);
    check_plan(&plan, omit);
    check_task(&plan);
    for field in &fields {
        // Any text may come on stderr.
        let _ = Omission::of_stderr(field);
    }
}

/// The guard refuses the plan, or the CLI understands exactly what was meant.
///
/// # Panics
/// When a value is misread.
pub fn check_plan(plan: &RunPlan, omit: Omitted) {
    let Ok(arguments) = arguments(plan, omit) else { return };
    for argument in &arguments {
        assert!(argument.len() <= 131_071, "an argument that execve refuses: {} bytes", argument.len());
        assert!(!argument.contains('\0'), "an argument with NUL");
    }
    assert_eq!(parse(&arguments), Ok(meant(plan, omit)));
}

/// The task goes through standard input, where no text can become an argument or a command of the CLI, and reaches the
/// model as it is.
///
/// # Panics
/// When it would not.
pub fn check_task(plan: &RunPlan) {
    let Ok(sent) = for_stdin(&plan.prompt) else {
        assert!(plan.prompt.trim().is_empty() || plan.prompt.len() >= MAX_PROMPT_BYTES, "refused: {:?}", plan.prompt);
        return;
    };
    assert!(!sent.starts_with('/'), "the CLI takes it for a command of its own: {sent:?}");
    assert!(sent.ends_with(&plan.prompt) && sent.trim_start() == plan.prompt.trim_start(), "{sent:?}");
    let demanded = plan.response_schema.as_ref().map(|schema| demanding(&plan.prompt, schema));
    assert!(demanded.is_none_or(|demanded| demanded.starts_with(&plan.prompt)), "{sent:?}");
}

/// What the plan says, in the words of the CLI.
fn meant(plan: &RunPlan, omit: Omitted) -> Parsed {
    let mut options: Vec<(String, Option<String>)> = Vec::new();
    let mut add = |name: &str, value: Option<String>| options.push((name.to_owned(), value));
    add("-p", None);
    add("--output-format", Some("stream-json".into()));
    add("--verbose", None);
    match &plan.session {
        SessionPlan::Resume { id } => add("--resume", Some(id.to_string())),
        SessionPlan::Fresh { id } if !omit.lacks(Flag::SessionId) => add("--session-id", Some(id.to_string())),
        SessionPlan::Fresh { .. } => {}
    }
    for (name, value) in [("--model", &plan.model), ("--permission-mode", &plan.permission_mode)] {
        if value.is_some() {
            add(
                name,
                value.clone().map(|value| {
                    if name == "--permission-mode" && value == "manual" { "default".into() } else { value }
                }),
            );
        }
    }
    if !omit.lacks(Flag::PermissionPrompts) {
        add("--permission-prompts", Some("none".into()));
    }
    if !omit.lacks(Flag::Settings) {
        add("--settings", Some("{\"crossSessionInbound\":\"refuse\"}".into()));
    }
    let blank = |text: &str| text.chars().all(|c| c.is_whitespace() || c == '\u{feff}');
    for (name, tools) in [("--allowedTools", &plan.allowed_tools), ("--disallowedTools", &plan.disallowed_tools)] {
        for tool in tools.iter().filter(|tool| !blank(tool)) {
            add(name, Some(tool.clone()));
        }
    }
    if !omit.lacks(Flag::AppendSystemPrompt) && plan.system_prompt.is_some() {
        add("--append-system-prompt", plan.system_prompt.clone());
        if plan.session.is_resume() && !omit.lacks(Flag::SystemPromptSnapshot) {
            add("--system-prompt-snapshot", Some("off".into()));
        }
    }
    if let Some(budget) = plan.max_budget_usd.filter(|_| !omit.lacks(Flag::MaxBudget)) {
        add("--max-budget-usd", Some(budget.to_string()));
    }
    if let Some(turns) = plan.max_turns.filter(|turns| *turns > 0 && !omit.lacks(Flag::MaxTurns)) {
        add("--max-turns", Some(turns.to_string()));
    }
    // As one line of JSON: white space between tokens is not part of a schema.
    let schema = plan.response_schema.as_ref().filter(|_| !omit.lacks(Flag::JsonSchema)).and_then(for_cli);
    if let Some(schema) = schema {
        assert!(serde_json::from_str::<Value>(&schema).is_ok_and(|schema| schema.is_object()), "{schema}");
        add("--json-schema", Some(schema));
    }
    Parsed { options, positionals: Vec::new() }
}

/// Half of all inputs set a limit.
fn data_turns(fields: &[String]) -> Option<u32> {
    let length = fields.get(4)?.len();
    (length % 2 == 0).then(|| u32::try_from(length).unwrap_or(u32::MAX))
}

/// The task stands behind the switches, in the same field.
fn task(fields: &[String]) -> String {
    let first = fields.first().map_or("", String::as_str);
    let mut letters = first.chars();
    letters.next();
    letters.as_str().to_owned()
}

/// The last field is a schema where it is one; a tool otherwise.
fn schema(fields: &[String]) -> Option<Value> {
    serde_json::from_str(fields.get(TOOLS..)?.last()?).ok().filter(Value::is_object)
}

fn plan(fields: &[String]) -> Option<RunPlan> {
    let field = |at: usize| fields.get(at).filter(|field| !field.is_empty()).cloned();
    let id = SessionRef::try_from(field(1)?.as_str()).ok()?;
    let fresh = SessionRef::try_from("44c1d7c7-0000-4000-8000-000000000000").ok()?;
    let resume = fields.first()?.as_bytes().first()? & 8 != 0;
    let schema = schema(fields);
    let tools = fields.get(TOOLS..).unwrap_or_default();
    let tools = &tools[..tools.len() - usize::from(schema.is_some())];
    let every_other = |start: usize| tools.iter().skip(start).step_by(2).cloned().collect();
    Some(RunPlan {
        agent: "agent".into(),
        directory: "/".into(),
        task: "task".into(),
        context: None,
        caller: None,
        goal: None,
        format: Format::Text,
        prompt: task(fields),
        session: match (resume, id.is_uuid()) {
            (true, _) => SessionPlan::Resume { id },
            (false, true) => SessionPlan::Fresh { id },
            (false, false) => SessionPlan::Fresh { id: fresh },
        },
        model: field(2),
        permission_mode: field(3),
        allowed_tools: every_other(0),
        disallowed_tools: every_other(1),
        system_prompt: field(4),
        max_budget_usd: field(5).and_then(|budget| budget.parse().ok()),
        response_schema: schema,
        wait_for_limit: false,
        max_turns: data_turns(fields),
        timeout_seconds: 300,
        resume_attempts: 0,
        depth: 1,
        max_concurrency: 5,
        caller_job: None,
        wait_for_mcp: false,
        usage_log: None,
    })
}
