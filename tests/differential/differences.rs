//! What may differ, and why.

use std::fmt;

/// A difference that is wanted.
pub struct Known {
    /// The case and the step; `*` stands for any text.
    place: &'static str,
    /// Where in the answer; `*` likewise.
    path: &'static str,
    /// Why.
    reason: &'static str,
}

impl Known {
    pub fn is_about(&self, place: &str, path: &str) -> bool {
        matches(self.place, place) && matches(self.path, path)
    }
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} ({})", self.place, self.path, self.reason)
    }
}

/// Whether the text is what the pattern says; `*` stands for any text.
pub fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            let mut ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            ends.any(|at| matches(after, &rest[at..]))
        }),
    }
}

const fn known(place: &'static str, path: &'static str, reason: &'static str) -> Known {
    Known { place, path, reason }
}

/// The first entry that fits explains a difference.
pub const TABLE: &[Known] = &[
    known("*", "/is_error", "a mistake of the caller is flagged `isError`"),
    known("*: stats*", "/said/days", "the spend of each day, for programs too"),
    known("*", "/said/stacks*", "a compose.yaml is Docker Compose"),
    known("*", "/said/0/stacks*", "a compose.yaml is Docker Compose"),
    known("discovery: all", "/said/0/model", "list_agents tells the model"),
    known(
        "prompts: white space",
        "/said/result",
        "what is empty is left out of a prompt, and white space says nothing",
    ),
    known("answers: weekly", "/said/error_type", "usage_limit is recognised from what the CLI prints"),
    known("answers: *", "/said/limit_resets_at", "the reset of a usage limit is told"),
    known("answers: *", "/said/hint", "an answer without the JSON that was asked for says so"),
    known("sessions: JSON", "/said/hint", "an answer without the JSON that was asked for says so"),
    known("cache: another form", "/said/hint", "an answer without the JSON that was asked for says so"),
    known("answers: empty", "/said/*", "a success has a text"),
    known("answers: dear", "/said/result", "the text of a run that was stopped at its cap was paid for"),
    known("answers: killed", "/said/result", "text that was paid for is told on failure too"),
    known("answers: slow", "/said/result", "text that was paid for is told on failure too"),
    known("answers: killed", "/said/session_id", "a run that is cut off can be resumed"),
    known("cache: too dear*", "/said/result", "the text of a run that was stopped at its cap was paid for"),
    known("references: too dear", "/said/s*", "the text of a run that was stopped at its cap was paid for"),
    known("references: out of time", "/said/s*", "text that was paid for is told on failure too"),
    known("arguments: a limit that is raised", "/said/result", "text that was paid for is told on failure too"),
    known("obstacles: *", "/said*", "an invalid entry disables itself alone, not the whole file"),
    known("sessions: unknown", "/said/*", "the CLI's figures are told on failure too"),
    known("sessions: a flag", "/said/*", "a bad id is a mistake of the caller"),
    known("sessions: null", "/said/*", "null is \"not given\""),
    known("arguments: null", "/said/*", "null is \"not given\""),
    known("arguments: empty task", "/said/*", "an empty task is a mistake of the caller"),
    known("arguments: blank task", "/said/*", "an empty task is a mistake of the caller"),
    known("arguments: unknown key", "/said/*", "a parameter that nothing reads may be a restriction: it is refused"),
    known("arguments: an unknown form", "/said/*", "a form that does not exist is a mistake of the caller"),
    known("arguments: a form in capitals", "/said/parsed_result", "what is accepted is accepted leniently"),
    known("arguments: a task of another kind", "/said/*", "what is accepted is accepted leniently"),
    known("arguments: an array as a task", "/said/*", "what is accepted is accepted leniently"),
    known("arguments: a NUL", "/said/*", "the prompt goes to standard input, where every character may stand"),
    known(
        "arguments: a task like a flag",
        "/said/*",
        "the prompt goes to standard input, where nothing reads as a flag",
    ),
    known("references: their status", "/said/progress*", "an answer by reference is a job like any other"),
    known("*", "/said/session_id", "a record names the session of its run from the start"),
    known("*", "/said/deadline_at", "a record says when the time of its run is up"),
    known("*", "/said/activity", "a record tells what its agent does and what it has cost so far"),
    known("*", "/said/effective", "what holds for an agent is told beside what its entry says"),
    known("discovery: *", "/said*/mcp_config_error", "a file of servers that claude passes over is told"),
    known("*", "/said/queue_place", "a record tells its place in the queue"),
    known("jobs: *", "/said/progress/2", "a line of progress is one line"),
    known("jobs: gone", "/said/*", "what cannot begin is said at once, in the order of the checks"),
    known("jobs: empty task", "/said/*", "an empty task is a mistake of the caller"),
    known("jobs: a wrong status on the command line", "/said", "--json prints JSON also when it fails"),
    known(
        "a full house: in the list",
        "/said/0/error_type",
        "a job that was cancelled has no answer, and so no kind of failure",
    ),
    known("ids: no such job on the command line", "/said/hint", "errors say what to do next"),
    known("old jobs: a negative age on the command line", "/exit", "2 is wrong usage"),
    known("groups: one", "/said/shared_context_present", "inspect_group adds to what list_groups tells"),
    known("groups: an empty one", "/said/shared_context_present", "inspect_group adds to what list_groups tells"),
    known("groups: one", "/said/members/*/description", "a member's description is told, as list_agents does"),
    known("groups: a member*", "/said/result", "the label of the shared context is worded freely"),
    known("parallel: aggregated*", "/said/aggregated/result", "the aggregator's goal and task are worded freely"),
    known("parallel: an item with an empty task", "/said", "one bad item rejects the call before anything starts"),
    known("parallel: too many", "/said/hint", "errors say what to do next"),
    known("parallel: a real array", "/said", "`dispatches` may be a real array"),
    known("parallel: the cache", "/said/*", "the items that were rejected, or accepted, as above"),
    known("dialogue: quoted only", "/said/*", "[RESOLVED] counts at the end of a message only"),
    known("dialogue: the re*", "/said/total_cost_usd", "costs are not rounded"),
    known("dialogue: the re*", "/said/final_answer", "errors are worded freely"),
    known("dialogue: an empty topic", "/said/*", "an empty topic is a mistake of the caller"),
    known("agents: everything", "/said/timeout", "add_agent tells the fields that were set"),
    known("agents: everything", "/said/max_budget_usd", "add_agent tells the fields that were set"),
    known("agents: no such directory", "/said/hint", "errors say what to do next"),
    known("agents: an unknown mode*", "/said/warning", "an unknown permission mode is stored with a warning"),
    known("agents: no tools", "/said/allowed_tools", "\"none\" is no tool"),
    known("agents: *", "/said/*/allowed_tools", "\"none\" is no tool, and a list of no names is not given"),
    known("commands: add without a directory", "/exit", "2 is wrong usage, a directory that is missing is not"),
    known("commands: update with a bad time", "/exit", "2 is wrong usage"),
    known("commands: stats", "/said/agents/gone/*", "what never began took no time"),
];

/// How tools and parameters differ; `*` stands for any text.
pub const PARAMETERS: &[(&str, &str)] = &[
    ("add_agent takes model as well", "as update_agent does, and the command line"),
    ("* takes max_turns as well", "a limit of turns, for each agent and for each call"),
    ("dispatch* takes response_schema as well", "answers that match a schema"),
    ("dispatch* takes resume_attempts as well", "a run that is cut off goes on by itself"),
    ("dispatch_async takes wait_for_limit as well", "a job that meets the usage limit waits for its end"),
    ("dispatch_* takes group as well", "as dispatch does"),
    (
        "*_agent takes unattended_tools as well",
        "what reaches past a run is withheld, and single tools can be given back",
    ),
];
