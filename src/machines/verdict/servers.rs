//! MCP servers that an agent lacked: they are no failure of the run, and its answer may lack what they know.

use super::super::answer::Answer;
use super::super::mcp_servers::{Trouble, listed};
use super::super::text::one_line;
use super::Evidence;

/// Most characters of what is wrong with a file.
const MAX_REASON_CHARS: usize = 300;

/// Adds what the run lacked to the answer's hints.
pub(super) fn tell(answer: &mut Answer, evidence: &Evidence<'_>) {
    let of_file = evidence.mcp_config_error.as_ref().map(|error| {
        let error = one_line(error, MAX_REASON_CHARS);
        format!("claude passed over .mcp.json ({error}), or over what is wrong in it, so the agent lacked servers")
    });
    let of_servers = Trouble::ALL.into_iter().filter_map(|trouble| {
        let met = evidence.mcp_servers.iter().filter(|server| Trouble::of(server) == Some(trouble));
        let names = met.map(|server| server.name.as_str()).collect::<Vec<_>>();
        let (what, remedy) = (trouble.words(), trouble.remedy(&evidence.plan.place(), &names));
        let said = || {
            format!("MCP servers of the agent {what} ({}), so it worked without their tools; {remedy}", listed(&names))
        };
        (!names.is_empty()).then(said)
    });
    let hints: Vec<String> = answer.hint.take().into_iter().chain(of_file).chain(of_servers).collect();
    answer.hint = (!hints.is_empty()).then(|| hints.join(". "));
}
