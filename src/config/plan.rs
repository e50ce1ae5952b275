//! From an agent's configuration and a request to a complete plan of one run.
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::model::{Agent, Config, Problem};
use super::name::unknown;
use super::settings::Settings;
use crate::machines::ids::{IdError, SessionRef};
use crate::machines::plan::{
    Format, MAX_RESUME_ATTEMPTS, MAX_TIMEOUT_SECONDS, MAX_TURNS, MIN_TIMEOUT_SECONDS, RunPlan, SessionPlan,
};
use crate::machines::prompt::{self, PromptError};
use crate::machines::schema::{Schema, SchemaError};
use crate::machines::{cache, protocol};

/// What a caller asks of an agent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Request {
    /// The agent's name.
    pub agent: String,
    /// What to do.
    pub task: String,
    /// Further facts; may be empty.
    pub context: String,
    /// The group that the agent is asked as a member of; empty for none. See [`super::group::within`].
    pub group: String,
    /// Who asks; may be empty.
    pub caller: String,
    /// To what end; may be empty.
    pub goal: String,
    /// The form of the answer.
    pub format: Format,
    /// What the answer must match; the form is JSON then, whatever `format` says.
    pub response_schema: Option<ResponseSchema>,
    /// Zero or less: the agent's own.
    pub timeout_seconds: i64,
    /// Most turns; zero or less: the agent's own.
    pub max_turns: i64,
    /// Whether the run waits until the account's usage limit is over instead of failing with it.
    pub wait_for_limit: bool,
    /// The session to go on with; empty for a new one.
    pub session_id: String,
    /// How often the run may go on by itself after it was cut off; `None`: as the settings say.
    pub resume_attempts: Option<u8>,
}

/// The schema that an answer must match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseSchema {
    /// As it stands.
    Inline(Value),
    /// One of the agent's own.
    Named(String),
}

/// What a run depends on beside the request and the config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerContext {
    /// The id for a new session.
    pub fresh_session: SessionRef,
    /// How deep the caller is nested; 0 at the top.
    pub depth: u32,
    /// The job that the caller runs for, if any.
    pub caller_job: Option<String>,
    /// Where usage is recorded, unless the settings say that it is not.
    pub usage_log: Option<String>,
}

/// A request that cannot be run: the caller's mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No agent of that name.
    #[error("{0}")]
    UnknownAgent(String),
    /// The agent's entry is invalid.
    #[error("agent '{agent}' is disabled by a mistake in its entry: {problem}")]
    InvalidAgent {
        /// The agent's name.
        agent: String,
        /// What is wrong, and where.
        problem: Problem,
    },
    /// No group of that name.
    #[error("{0}")]
    UnknownGroup(String),
    /// The group's entry is invalid.
    #[error("group '{group}' is disabled by a mistake in its entry: {problem}")]
    InvalidGroup {
        /// The group's name.
        group: String,
        /// What is wrong, and where.
        problem: Problem,
    },
    /// The agent does not belong to the group.
    #[error("agent '{agent}' is not a member of group '{group}'. {members}")]
    NotAMember {
        /// The agent's name.
        agent: String,
        /// The group's name.
        group: String,
        /// A sentence that names the members.
        members: String,
    },
    /// The task cannot be sent.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The session cannot be one.
    #[error(transparent)]
    Session(#[from] IdError),
    /// The schema of the answer cannot be one.
    #[error("response_schema {0}")]
    Schema(#[from] SchemaError),
    /// The agent has no schema of that name.
    #[error("{0}")]
    UnknownSchema(String),
}

/// The agent of that name.
pub fn agent<'a>(config: &'a Config, wanted: &str) -> Result<&'a Agent, RequestError> {
    let entry = config.known_agent(wanted).map_err(RequestError::UnknownAgent)?;
    let invalid = |problem: &Problem| RequestError::InvalidAgent { agent: wanted.to_owned(), problem: problem.clone() };
    entry.as_result().map_err(invalid)
}

/// Everything that is needed to run the request in the agent.
///
/// # Errors
/// [`RequestError`] for a task or a session that cannot be used.
pub fn plan<'a>(
    request: &'a Request,
    agent: &Agent,
    settings: &Settings,
    around: CallerContext,
) -> Result<RunPlan, RequestError> {
    prompt::check_task(&request.task)?;
    let session = match request.session_id.as_str() {
        "" => SessionPlan::Fresh { id: around.fresh_session },
        id => SessionPlan::Resume { id: SessionRef::try_from(id)? },
    };
    let timeout_seconds = timeout(request.timeout_seconds, agent, settings);
    let max_budget_usd = agent.budget(settings);
    let response_schema = response_schema(request, agent)?;
    let format = if response_schema.is_some() { Format::Json } else { request.format };
    let given = |text: &'a str| Some(text).filter(|text| !text.is_empty());
    let (context, caller, goal) = (given(&request.context), given(&request.caller), given(&request.goal));
    let compose = |format| prompt::compose(&request.task, context, caller, goal, format);
    let prompt = match &response_schema {
        Some(schema) => prompt::demanding(&compose(Format::Text), schema),
        None => compose(format),
    };
    Ok(RunPlan {
        agent: request.agent.clone(),
        directory: agent.directory.to_string_lossy().into_owned(),
        task: request.task.clone(),
        context: context.map(str::to_owned),
        caller: caller.map(str::to_owned),
        goal: goal.map(str::to_owned),
        format,
        prompt,
        session,
        model: agent.model.clone(),
        permission_mode: agent.permission_mode(settings).map(str::to_owned),
        allowed_tools: agent.allowed_tools(settings).to_vec(),
        disallowed_tools: agent.denied_tools(settings),
        system_prompt: protocol::system_prompt(
            settings.dispatch_protocol,
            agent.instructions.as_deref(),
            format,
            timeout_seconds,
            max_budget_usd,
        ),
        max_budget_usd,
        response_schema,
        max_turns: max_turns(request.max_turns, agent),
        timeout_seconds,
        resume_attempts: request.resume_attempts.unwrap_or(settings.resume_attempts).min(MAX_RESUME_ATTEMPTS),
        max_concurrency: settings.max_concurrency,
        depth: around.depth.saturating_add(1),
        caller_job: around.caller_job,
        wait_for_limit: request.wait_for_limit,
        wait_for_mcp: settings.wait_for_mcp,
        usage_log: around.usage_log.filter(|_| settings.usage_log),
    })
}

/// The schema that the answer must match, checked.
fn response_schema(request: &Request, agent: &Agent) -> Result<Option<Value>, RequestError> {
    match &request.response_schema {
        None => Ok(None),
        Some(ResponseSchema::Inline(schema)) => Ok(Some(Schema::new(schema.clone())?.value().clone())),
        Some(ResponseSchema::Named(wanted)) => match agent.response_schemas.get(wanted) {
            Some(schema) => Ok(Some(schema.clone())),
            None => {
                let names: Vec<&str> = agent.response_schemas.keys().map(String::as_str).collect();
                Err(RequestError::UnknownSchema(format!(
                    "{}; name one of `response_schemas` of agent '{}', or pass a JSON Schema object",
                    unknown("response_schema", wanted, &names),
                    request.agent
                )))
            }
        },
    }
}

fn timeout(wanted: i64, agent: &Agent, settings: &Settings) -> u64 {
    match u64::try_from(wanted) {
        Ok(0) | Err(_) => agent.timeout(settings),
        Ok(seconds) => seconds.clamp(MIN_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS),
    }
}

/// The call's limit of turns, in bounds, or the agent's own.
fn max_turns(wanted: i64, agent: &Agent) -> Option<u32> {
    match u64::try_from(wanted) {
        Ok(0) | Err(_) => agent.max_turns,
        Ok(turns) => Some(u32::try_from(turns).map_or(MAX_TURNS, |turns| turns.min(MAX_TURNS))),
    }
}

/// Under which key the answer is cached. The time limit is not part of it (contract), nor is what does not change the
/// answer, such as the description.
#[must_use]
pub fn cache_key(request: &Request, agent: &Agent, settings: &Settings) -> cache::Key {
    let config = serde_json::json!([
        agent.directory.to_string_lossy(),
        agent.model,
        agent.budget(settings),
        max_turns(request.max_turns, agent),
        // What cannot be had is refused before anything is looked up.
        response_schema(request, agent).ok().flatten(),
        agent.permission_mode(settings),
        agent.allowed_tools(settings),
        agent.denied_tools(settings),
        agent.instructions,
        settings.dispatch_protocol,
        settings.wait_for_mcp,
    ]);
    cache::Key::of(&cache::Request {
        agent: &request.agent,
        task: &request.task,
        context: &request.context,
        caller: &request.caller,
        goal: &request.goal,
        response_format: match request.format {
            Format::Text => "",
            Format::Json => "json",
        },
        config: &config.to_string(),
    })
}
