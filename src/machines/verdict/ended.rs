//! Runs without a usable result: the kind of failure follows from how they ended.

use super::super::answer::ErrorType;
use super::super::{reference, text};
use super::advice::{self, Advice};
use super::classify::{self, MessageSource};
use super::evidence::{Canceller, EndReason, Evidence, NotStarted};
use super::{Failure, SIGNAL_EXIT_BASE, of_message};

/// The highest number of a signal.
const MAX_SIGNAL: i32 = 64;
/// Most characters of what the CLI printed beside a failure that has another reason.
const MAX_BESIDE_CHARS: usize = 300;

pub(super) fn of_ending(evidence: &Evidence<'_>, advice: &Advice<'_>) -> Failure {
    let agent = &evidence.plan.agent;
    let cut_off = |error_type: ErrorType, what: String| Failure {
        error_type,
        what: printed_too(evidence, what),
        way_out: advice.kept(),
    };
    let lost = |what: String| cut_off(ErrorType::CliError, what);
    let signalled = |signal: i32| {
        let killed = if signal == 9 { " (often for lack of memory)" } else { "" };
        let failure = lost(format!("claude was ended by signal {signal}{killed} before agent '{agent}' had answered"));
        let of_system = advice.of_system().filter(|_| !evidence.begun);
        Failure { way_out: of_system.unwrap_or(failure.way_out), ..failure }
    };
    match &evidence.ending {
        EndReason::TimedOut => of_timeout(evidence, advice),
        EndReason::NotStarted { reason } => of_start(evidence, reason),
        EndReason::Cancelled { by } => cut_off(
            ErrorType::Cancelled,
            match by {
                Canceller::CallerGone => format!("the run of agent '{agent}' was ended because its caller went away"),
                Canceller::Request => format!("the run of agent '{agent}' was cancelled on request"),
            },
        ),
        EndReason::Abandoned => lost(format!(
            "the run of agent '{agent}' ended unseen (killed, or the machine went down), without a result{}",
            again(evidence.resumptions)
        )),
        EndReason::Signalled { signal } => signalled(*signal),
        // Whatever it printed: a signal ended it.
        EndReason::Exited { code } if (SIGNAL_EXIT_BASE + 1..=SIGNAL_EXIT_BASE + MAX_SIGNAL).contains(code) => {
            signalled(code - SIGNAL_EXIT_BASE)
        }
        EndReason::Exited { code: 0 } => {
            lost(format!("claude exited with code 0, but its output ends before the result of agent '{agent}'"))
        }
        EndReason::Exited { code } => {
            let source = MessageSource::Printed { code: *code };
            match printed(evidence) {
                Some(message) => of_message(agent, &message, source, advice),
                None => {
                    let what = format!("claude exited with code {code} before agent '{agent}' had answered");
                    let way_out = advice.remedy(classify::cause("", source), "");
                    Failure { error_type: ErrorType::CliError, what, way_out }
                }
            }
        }
    }
}

/// What the CLI said of its failure outside of events: a line that calls itself an error, else what it printed in the place
/// of events, else the end of what it printed on stderr.
pub(super) fn printed(evidence: &Evidence<'_>) -> Option<String> {
    let stray = evidence.stray.as_deref().and_then(classify::end);
    classify::error_line(&evidence.stderr).or(stray).or_else(|| classify::end(&evidence.stderr))
}

/// A failure with what the CLI printed, which did not decide over it.
pub(super) fn printed_too(evidence: &Evidence<'_>, what: String) -> String {
    match printed(evidence) {
        Some(printed) => format!("{what}; it printed {}", text::quoted(text::first_chars(&printed, MAX_BESIDE_CHARS))),
        None => what,
    }
}

fn of_timeout(evidence: &Evidence<'_>, advice: &Advice<'_>) -> Failure {
    let plan = evidence.plan;
    let mut what = format!("agent '{}' did not finish within {} s", plan.agent, plan.timeout_seconds);
    what.push_str(&again(evidence.resumptions));
    if let Some(retry) = &evidence.last_retry {
        let attempt = retry.attempt.map_or_else(String::new, |attempt| format!(", attempt {attempt}"));
        what.push_str(&format!(" (the API refused some of its requests: {}{attempt})", retry.error));
    }
    // What claude prints while it works is noise; what it prints instead is not.
    let what = if evidence.begun { what } else { printed_too(evidence, what) };
    let way_out = advice.timeout(evidence.suggested_timeout_seconds, evidence.last_retry.is_some());
    Failure { error_type: ErrorType::Timeout, what, way_out }
}

/// How often it had gone on before, in words that follow what happened.
fn again(resumptions: u8) -> String {
    match resumptions {
        0 => String::new(),
        1 => ", although it was resumed once".into(),
        times => format!(", although it was resumed {times} times"),
    }
}

fn of_start(evidence: &Evidence<'_>, reason: &NotStarted) -> Failure {
    let agent = &evidence.plan.agent;
    let directory = text::quoted(&evidence.plan.directory);
    let fix_directory =
        || String::from("create it, or correct `directory` in agents.yaml (remove_agent, then add_agent)");
    let (error_type, what, way_out) = match reason {
        NotStarted::DirectoryMissing => (
            ErrorType::NotFound,
            format!("the directory {directory} of agent '{agent}' does not exist"),
            reference::unexpanded(&evidence.plan.directory).unwrap_or_else(fix_directory),
        ),
        NotStarted::DirectoryUnusable(why) => (
            ErrorType::NotFound,
            format!("the directory {directory} of agent '{agent}' cannot be used: {why}"),
            fix_directory(),
        ),
        NotStarted::CliMissing { what, way_out } => {
            (ErrorType::NotFound, what.clone(), format!("{way_out}; `agent-dispatch doctor` checks it"))
        }
        NotStarted::BadValue(bad) => (
            ErrorType::CliError,
            format!("agent '{agent}' was not started: {bad}"),
            format!("`agent-dispatch describe {agent}` shows its settings"),
        ),
        NotStarted::BadPrompt(bad) => {
            (ErrorType::CliError, format!("agent '{agent}' was not started: {bad}"), "nothing was spent".into())
        }
        NotStarted::TooDeep { max } => (
            ErrorType::Recursion,
            format!("agent '{agent}' was not started: dispatches are nested {max} deep, which is the limit"),
            "do the task in this session, or raise settings.max_dispatch_depth".into(),
        ),
        NotStarted::ForeignSession { owner, directory } => {
            advice::foreign_session(evidence.plan, owner, directory.as_deref())
        }
        NotStarted::SpawnFailed(why) => (
            ErrorType::CliError,
            format!("the claude CLI could not be started: {why}"),
            "`agent-dispatch doctor` checks the set-up".into(),
        ),
    };
    Failure { error_type, what, way_out }
}
