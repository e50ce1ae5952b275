//! What the tests of the text core share.

use agent_dispatch::machines::events::{Reader, ResultEvent, StreamEnd, StreamEvent};
use agent_dispatch::machines::ids::SessionRef;
use agent_dispatch::machines::plan::{Format, RunPlan, SessionPlan};

pub const UUID: &str = "44c1d7c7-0000-4000-8000-00000000000a";

pub fn session(text: &str) -> SessionRef {
    SessionRef::try_from(text).unwrap()
}

/// A plan with nothing optional set.
pub fn plan() -> RunPlan {
    RunPlan {
        agent: "infra".into(),
        directory: "/srv/infra".into(),
        task: "look".into(),
        context: None,
        caller: None,
        goal: None,
        format: Format::Text,
        prompt: "look".into(),
        session: SessionPlan::Fresh { id: session(UUID) },
        model: None,
        permission_mode: None,
        allowed_tools: Vec::new(),
        disallowed_tools: Vec::new(),
        system_prompt: None,
        max_budget_usd: None,
        response_schema: None,
        wait_for_limit: false,
        max_turns: None,
        timeout_seconds: 300,
        resume_attempts: 0,
        depth: 1,
        max_concurrency: 5,
        caller_job: None,
        wait_for_mcp: false,
        usage_log: None,
    }
}

/// Everything seen in a stream that comes in one piece.
pub fn read(stream: impl AsRef<[u8]>) -> (Vec<StreamEvent>, StreamEnd) {
    let mut reader = Reader::new();
    let seen = reader.push(stream.as_ref());
    (seen, reader.finish())
}

/// The last result in a stream.
pub fn result_of(stream: impl AsRef<[u8]>) -> Option<ResultEvent> {
    let (seen, end) = read(stream);
    seen.into_iter().chain(end.seen).fold(None, |last, seen| match seen {
        StreamEvent::Result(event) => Some(*event),
        _ => last,
    })
}
