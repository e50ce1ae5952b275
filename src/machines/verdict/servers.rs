//! MCP servers that an agent lacked: they are no failure of the run, and its answer may lack what they know.

use super::super::answer::Answer;
use super::super::text::{one_line, quoted};
use super::Evidence;

/// Most servers that a hint names.
const MAX_NAMED: usize = 5;
/// Most characters of what is wrong with a file.
const MAX_REASON_CHARS: usize = 300;

/// Adds what the run lacked to the answer's hints.
pub(super) fn tell(answer: &mut Answer, evidence: &Evidence<'_>) {
    let failed = with_status(evidence, |server| server.status == "failed");
    // One of the user's own, that wants a login, wants it in every run of every agent: that is no news.
    let unknown_to = with_status(evidence, |server| server.status == "needs-auth" && server.of_project);
    let said = [
        evidence.mcp_config_error.as_ref().map(|error| {
            format!(
                "claude passed over .mcp.json ({}), or over what is wrong in it, so the agent lacked servers",
                one_line(error, MAX_REASON_CHARS)
            )
        }),
        (!failed.is_empty()).then(|| {
            let directory = quoted(&evidence.plan.directory);
            format!(
                "MCP servers of the agent did not start ({}), so it worked without their tools; `claude mcp list` in \
                 {directory} checks them",
                listed(&failed)
            )
        }),
        (!unknown_to.is_empty()).then(|| {
            let directory = quoted(&evidence.plan.directory);
            format!(
                "MCP servers of the agent want a login ({}), so it worked without their tools; start `claude` in \
                 {directory}, then /mcp",
                listed(&unknown_to)
            )
        }),
    ];
    let hints: Vec<String> = answer.hint.take().into_iter().chain(said.into_iter().flatten()).collect();
    answer.hint = (!hints.is_empty()).then(|| hints.join(". "));
}

fn with_status<'a>(evidence: &'a Evidence<'_>, has: impl Fn(&super::super::events::McpServer) -> bool) -> Vec<&'a str> {
    evidence.mcp_servers.iter().filter(|server| has(server)).map(|server| server.name.as_str()).collect()
}

fn listed(names: &[&str]) -> String {
    let told = names.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MAX_NAMED) {
        0 => told,
        more => format!("{told} and {more} more"),
    }
}
