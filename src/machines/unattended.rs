//! Tools of the claude CLI that reach past a run: they write to other live sessions of the user, leave something to be done
//! when nobody is there any more, or move the work elsewhere. A run that nobody watches is denied them unless its agent was
//! given them by name.

use super::text;

/// The tools, in the order in which they are denied. What each does, seen on the CLI 2.1.332 in a `-p` run that was allowed
/// nothing: `SendMessage` writes into other sessions of the user, `ListAgents` tells of them; `CronCreate` and `CronDelete`
/// change the project's scheduled tasks; `ScheduleWakeup` promises a turn for which nobody may wait; `EnterWorktree` moves
/// the edits into another directory; `ReportFindings` tells the model not to repeat its findings in the answer.
///
/// `Monitor` is not among them: what it starts is a background task, which a run waits for.
pub const WITHHELD: [&str; 7] =
    ["SendMessage", "ListAgents", "CronCreate", "CronDelete", "ScheduleWakeup", "EnterWorktree", "ReportFindings"];

/// Settings for every run: no session of the user may write into it. The CLI takes this before what a project's settings
/// say; one that does not know it ignores it.
pub const SETTINGS: &str = r#"{"crossSessionInbound":"refuse"}"#;

/// All that a run is denied: what its agent is denied in that order, then what is withheld and not given back. Each once.
#[must_use]
pub fn denied(own: &[String], given_back: &[String]) -> Vec<String> {
    let withheld = WITHHELD.into_iter().filter(|tool| !given_back.iter().any(|given| given.trim() == *tool));
    let mut denied: Vec<String> = Vec::new();
    for tool in own.iter().map(String::as_str).chain(withheld).filter(|tool| !text::is_blank(tool)) {
        if !denied.iter().any(|known| known == tool) {
            denied.push(tool.to_owned());
        }
    }
    denied
}

/// Whether a rule such as `SendMessage` or `CronCreate(*)` is about a tool that is withheld.
#[must_use]
pub fn is_withheld(rule: &str) -> bool {
    let name = rule.split('(').next().unwrap_or_default().trim();
    WITHHELD.contains(&name)
}

/// The allowed rules that have no effect, because their tool is withheld and not given back.
#[must_use]
pub fn ineffective<'a>(allowed: &'a [String], given_back: &[String]) -> Vec<&'a str> {
    let given = |rule: &str| given_back.iter().any(|given| rule.split('(').next().map(str::trim) == Some(given.trim()));
    allowed.iter().map(String::as_str).filter(|rule| is_withheld(rule) && !given(rule)).collect()
}

/// What is said of a name that cannot be given back.
#[must_use]
pub fn not_withheld(name: &str) -> String {
    let withheld = WITHHELD.join(", ");
    format!("'{name}' is none of the tools that unattended runs are denied: {withheld}; others belong in allowed_tools")
}

/// The first of the names that is none of the tools that are withheld.
#[must_use]
pub fn unknown(given_back: &[String]) -> Option<&str> {
    given_back.iter().map(String::as_str).find(|name| !WITHHELD.contains(&name.trim()))
}
