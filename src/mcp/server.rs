//! The protocol's requests, answered.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, CompleteRequestParams, CompleteResult, CustomRequest,
    CustomResult, DiscoverResult, ErrorCode, ErrorData, GetTaskParams, GetTaskResult, Implementation,
    InitializeRequestParams, InitializeResult, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
    ListToolsResult, PaginatedRequestParams, ProtocolVersion, ServerCapabilities, ServerConfig, TASKS_EXTENSION_ID,
    Tool, UpdateTaskParams,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::arguments;
use super::call::ToolCall;
use super::output;
use super::reply::{CallError, Response};
use super::state::ServerState;
use super::table::{Handler, ToolRow};
use super::tasks;
use super::tools::{self, misplaced};
use super::transport::Outgoing;
use crate::config::path::PlaceError;

/// What every session of a client reads before it uses a tool; clients cut it at 2,048 characters.
const INSTRUCTIONS: &str = "Delegates work to agents: Claude Code in other project directories, with their own \
CLAUDE.md, MCP servers and tools. list_agents first; then dispatch(agent, task, context, caller, goal). The agent sees \
nothing of this conversation: put what it needs into task and context. dispatch_session goes on with a session_id, also \
after a timeout. Answers are JSON: check success, then error_type; hint and error say what to do next.";

/// How long a call may still take when the server leaves: the last requests of a client that closes its end behind them
/// have not even begun then. Part of the time in which the server is to be gone.
const LAST_MOMENT: Duration = Duration::from_millis(20);

/// What the requests take that are served here and have parameters.
const SHAPES: [(&str, &str); 9] = [
    (
        "initialize",
        r#"{"protocolVersion": text, "capabilities": object, "clientInfo": {"name": text, "version": text}}"#,
    ),
    ("server/discover", r#"{"_meta": object}"#),
    ("tools/list", r#"{"cursor": text}"#),
    ("tools/call", r#"{"name": text, "arguments": object}"#),
    ("tasks/get", r#"{"taskId": text}"#),
    ("tasks/cancel", r#"{"taskId": text}"#),
    ("tasks/update", r#"{"taskId": text, "inputResponses": object}"#),
    ("logging/setLevel", r#"{"level": one of debug, info, notice, warning, error, critical, alert, emergency}"#),
    ("ping", "{}"),
];

/// The methods that the protocol without `initialize` does not have.
const REMOVED: [&str; 3] = ["initialize", "logging/setLevel", "ping"];

/// The tools as clients are told of them; made once.
static TOOLS: LazyLock<Vec<Tool>> = LazyLock::new(|| tools::ROWS.iter().map(ToolRow::to_tool).collect());

/// The server of one client.
#[derive(Debug, Clone)]
pub struct Server {
    /// Or why there is none: then every call is answered with that.
    state: Result<Arc<ServerState>, PlaceError>,
    outgoing: Outgoing,
    /// Cancelled when the server leaves: whoever waits stops waiting.
    stopping: CancellationToken,
    /// Cancelled when the server leaves because the client closed its standard input.
    input_ended: CancellationToken,
    /// Whether the client wants to see log messages of level `info`, which is the one that we send.
    logs: Arc<AtomicBool>,
}

impl Server {
    /// A server with this state.
    #[must_use]
    pub fn new(
        state: Result<Arc<ServerState>, PlaceError>,
        outgoing: Outgoing,
        stopping: CancellationToken,
        input_ended: CancellationToken,
    ) -> Self {
        Self { state, outgoing, stopping, input_ended, logs: Arc::new(AtomicBool::new(true)) }
    }

    fn state(&self) -> Result<&ServerState, ErrorData> {
        let state = self.state.as_ref().map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        Ok(state)
    }

    /// What is said of a call that the server's end cuts off. To call again in the same way would end in the same way where the
    /// client closes standard input behind its request.
    fn cut_off(&self, name: &str) -> CallError {
        if self.input_ended.is_cancelled() {
            return CallError::new(format!("the client closed standard input before {name} was answered, which ends the server"))
                .with_hint(
                    "keep standard input open until the answer has come; in a shell `agent-dispatch test AGENT TASK` runs a \
                     task and waits for it",
                );
        }
        CallError::new("the server is leaving; call again")
    }

    /// Runs a call to its reply, in a task of its own: a panic in there must become an answer, and a call that is
    /// dropped ends with everything that it started.
    async fn answer(&self, handler: Handler, call: ToolCall) -> Result<Response, CallError> {
        let name = call.tool;
        let cancelled = call.context.ct.clone();
        let state = match &self.state {
            Ok(state) => Arc::clone(state),
            Err(error) => return Err(CallError::of(error).with_hint(error.hint())),
        };
        let mut task = JoinSet::new();
        task.spawn(async move { handler(&state, call).await });
        tokio::select! {
            biased;
            () = cancelled.cancelled() => Err(CallError::new(format!("{name} was cancelled"))),
            () = self.stopping.cancelled() => match tokio::time::timeout(LAST_MOMENT, task.join_next()).await {
                Ok(Some(Ok(response))) => response,
                Ok(Some(Err(_)) | None) | Err(_) => Err(self.cut_off(name)),
            },
            joined = task.join_next() => match joined {
                Some(Ok(response)) => response,
                Some(Err(_)) | None => Err(CallError::new(format!("{name} failed inside agent-dispatch"))
                    .with_hint("this is a bug of agent-dispatch; `jobs` beside agents.yaml holds every answer that was paid for")),
            },
        }
    }
}

/// Requests that the library would answer with empty lists, as if they were served.
macro_rules! not_served {
    ($($method:literal $function:ident($parameters:ty) -> $result:ty;)*) => {
        $(async fn $function(&self, _: $parameters, _: RequestContext<RoleServer>) -> Result<$result, ErrorData> {
            Err(not_served($method))
        })*
    };
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        #[expect(deprecated, reason = "clients of the protocol versions with `initialize` get log messages (contract)")]
        let capabilities = ServerCapabilities::builder().enable_tools().enable_logging().enable_tasks().build();
        ServerConfig::new(capabilities)
            .with_server_info(
                Implementation::new("agent-dispatch", env!("CARGO_PKG_VERSION")).with_title("agent-dispatch"),
            )
            .with_instructions(INSTRUCTIONS)
    }

    /// Tasks belong to the protocol without `initialize`, and log messages to the ones with it.
    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        context.peer.set_peer_info(request.clone());
        let mut served = request;
        served.protocol_version = nearest(&served.protocol_version);
        let mut result = self.negotiate_initialize(&served)?;
        if let Some(extensions) = &mut result.capabilities.extensions {
            extensions.remove(TASKS_EXTENSION_ID);
        }
        result.capabilities.extensions = result.capabilities.extensions.filter(|extensions| !extensions.is_empty());
        Ok(result)
    }

    async fn discover(&self, context: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let mut info = self.get_info();
        info.capabilities.logging = None;
        if !takes_tasks(&context) {
            info.capabilities.extensions = None;
        }
        Ok(DiscoverResult::from_server_info(self.supported_protocol_versions().into_owned(), info))
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut tools = TOOLS.clone();
        if !knows_structure(&context) {
            tools.iter_mut().for_each(|tool| tool.output_schema = None);
        }
        Ok(ListToolsResult::with_all_items(tools))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        TOOLS.iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        Ok(self.call(&request.name, request.arguments, context).await)
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        tasks::get(self.state()?, &request.task_id).await
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        tasks::cancel(self.state()?, &request.task_id).await
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        tasks::update(self.state()?, &request.task_id).await
    }

    not_served! {
        "prompts/list" list_prompts(Option<PaginatedRequestParams>) -> ListPromptsResult;
        "resources/list" list_resources(Option<PaginatedRequestParams>) -> ListResourcesResult;
        "resources/templates/list" list_resource_templates(Option<PaginatedRequestParams>) -> ListResourceTemplatesResult;
        "completion/complete" complete(CompleteRequestParams) -> CompleteResult;
    }

    #[expect(deprecated, reason = "clients of the protocol versions with `initialize` may choose what they are told")]
    async fn set_level(
        &self,
        request: rmcp::model::SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if is_stateless(&context) {
            return Err(not_served("logging/setLevel"));
        }
        use rmcp::model::LoggingLevel::{Debug, Info};
        let wanted = matches!(request.level, Debug | Info);
        self.logs.store(wanted, Ordering::Relaxed);
        Ok(())
    }

    /// Requests that rmcp cannot read arrive here, a `tools/call` with malformed parameters among them.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let CustomRequest { method, .. } = request;
        let removed = is_stateless(&context) && REMOVED.contains(&method.as_str());
        let wanted = SHAPES.iter().find(|(known, _)| *known == method && !removed);
        Err(match wanted {
            Some((_, shape)) => ErrorData::invalid_params(format!("{method} takes {shape}"), None),
            None => not_served(&method),
        })
    }
}

impl Server {
    async fn call(
        &self,
        name: &str,
        given: Option<rmcp::model::JsonObject>,
        context: RequestContext<RoleServer>,
    ) -> CallToolResponse {
        let (id, cancelled) = (context.id.clone(), context.ct.clone());
        let structured = knows_structure(&context);
        let response = self.respond(name, given, context).await.unwrap_or_else(Response::from);
        let (response, on_delivered) = response.into_parts(structured);
        // The answer to a request that was taken back never leaves: its records stay, its task is cancelled.
        self.outgoing.put(id, if cancelled.is_cancelled() { Vec::new() } else { on_delivered });
        response
    }

    async fn respond(
        &self,
        name: &str,
        given: Option<rmcp::model::JsonObject>,
        context: RequestContext<RoleServer>,
    ) -> Result<Response, CallError> {
        let row = tools::row(name).ok_or_else(|| {
            let names = tools::ROWS.iter().map(|row| row.name).collect::<Vec<_>>().join(", ");
            CallError::new(format!("Unknown tool: '{name}'. Available: {names}"))
        })?;
        let arguments = arguments::read(row, given).map_err(|error| misplaced::call_error(&error, row))?;
        let (logs, tasks) = (self.logs.load(Ordering::Relaxed), takes_tasks(&context));
        self.answer(row.handler, ToolCall { tool: row.name, arguments, context, logs, tasks }).await
    }
}

fn not_served(method: &str) -> ErrorData {
    ErrorData::new(ErrorCode::METHOD_NOT_FOUND, method.to_owned(), None)
}

/// Whether the request says of itself who sends it, in the protocol without `initialize`.
fn is_stateless(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_some_and(|version| !version.has_initialize())
}

/// Whether whoever sent the request knows structured answers.
fn knows_structure(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_none_or(|version| output::is_structured(version.as_str()))
}

/// Whether whoever sent the request takes a task for an answer: it says so, in the protocol that has them.
fn takes_tasks(context: &RequestContext<RoleServer>) -> bool {
    is_stateless(context) && context.client_capabilities().is_some_and(|capabilities| capabilities.supports_tasks())
}

/// The version to answer `initialize` with: the one that is asked for, else the newest that is older, else the oldest. What
/// is no version gets the newest.
fn nearest(asked: &ProtocolVersion) -> ProtocolVersion {
    let served = || ProtocolVersion::KNOWN_VERSIONS.iter().filter(|version| version.has_initialize());
    let is_date = |text: &str| text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let older = served().filter(|version| version.as_str() <= asked.as_str() || !is_date(asked.as_str()));
    let newest = older.max_by(|a, b| a.as_str().cmp(b.as_str()));
    newest.or_else(|| served().min_by(|a, b| a.as_str().cmp(b.as_str()))).unwrap_or(&ProtocolVersion::LATEST).clone()
}
