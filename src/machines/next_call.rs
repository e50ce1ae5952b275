//! Calls that a message tells its reader to make next. The reader is a model that copies them: every value is written as
//! JSON, whatever it holds.

use super::ids::JobId;
use super::plan::CONTINUE;
use super::text::quoted;

/// What asks for the JSON that an answer lacked.
const AS_JSON: &str = "Give your last answer again, as one JSON value and nothing else";

/// The call that goes on with a session where it was cut off.
#[must_use]
pub fn resume(agent: &str, session_id: &str) -> String {
    session(agent, CONTINUE, session_id)
}

/// The call that gives a session a further task.
#[must_use]
pub fn session(agent: &str, task: &str, session_id: &str) -> String {
    in_session(agent, &quoted(task), session_id, "")
}

/// The call that asks a session for its last answer as JSON.
#[must_use]
pub fn session_for_json(agent: &str, session_id: &str) -> String {
    in_session(agent, &quoted(AS_JSON), session_id, ", response_format=\"json\"")
}

fn in_session(agent: &str, task: &str, session_id: &str, more: &str) -> String {
    format!("dispatch_session(agent={}, task={task}, session_id={}{more})", quoted(agent), quoted(session_id))
}

/// The call that begins again, with the task that its reader gave.
#[must_use]
pub fn dispatch(agent: &str) -> String {
    format!("dispatch(agent={}, task=…)", quoted(agent))
}

/// The call that gives a session a further task, which its reader has.
#[must_use]
pub fn own_session(agent: &str, session_id: &str) -> String {
    in_session(agent, "…", session_id, "")
}

/// The call that goes on with a session where it was cut off, with so many turns.
#[must_use]
pub fn resume_with_turns(agent: &str, session_id: &str, max_turns: u32) -> String {
    in_session(agent, &quoted(CONTINUE), session_id, &format!(", max_turns={max_turns}"))
}

/// The call that begins again with so many turns.
#[must_use]
pub fn dispatch_with_turns(agent: &str, max_turns: u32) -> String {
    format!("dispatch(agent={}, task=…, max_turns={max_turns})", quoted(agent))
}

/// The call that waits for a job that has no caller.
#[must_use]
pub fn wait(job: &JobId) -> String {
    format!("dispatch_wait(job_id={})", quoted(&job.to_string()))
}

/// What is said of a job that was cancelled while its run had begun. Without a session that began there is nothing to go on
/// with.
#[must_use]
pub fn after_cancel(agent: &str, session_id: Option<&str>) -> String {
    match session_id {
        Some(session_id) => format!("cancelled; go on with {}", resume(agent, session_id)),
        None => "cancelled before its session began: nothing was done".to_owned(),
    }
}
