//! What worked in the background and was stopped before its end: the answer lacks it, whatever the answer says.

use super::super::answer::Outcome;
use super::super::tasks::{self, Task};
use super::advice::Advice;
use super::{Ending, Evidence};

/// How the CLI begins to say on stderr that it waits no longer for the agent's background tasks; which, stands in brackets.
const GIVEN_UP: &str = "ackground tasks still running";

/// The tasks that never came to their end. Where the output told of none, those that the CLI names on stderr.
pub(super) fn of(evidence: &Evidence<'_>) -> Vec<Task> {
    if !evidence.unfinished.is_empty() {
        return evidence.unfinished.clone();
    }
    let given_up = evidence.stderr.lines().find(|line| line.contains(GIVEN_UP));
    let named =
        given_up.map(|line| line.split_once('(').and_then(|(_, rest)| rest.split_once(");")).map_or(line, |l| l.0));
    named.map(|named| Task { description: named.to_owned(), ..Task::default() }).into_iter().collect()
}

/// How far an agent came at most whose tasks were stopped, whatever it says itself.
pub(super) const fn bounded(said: Option<Outcome>) -> Outcome {
    match said {
        Some(Outcome::Blocked) => Outcome::Blocked,
        Some(Outcome::Done | Outcome::Partial) | None => Outcome::Partial,
    }
}

/// What is said of them beside an answer.
pub(super) fn hint(tasks: &[Task], ending: &Ending, advice: &Advice<'_>) -> String {
    let what = stopped(tasks);
    match ending {
        Ending::TimedOut => format!("{what} when the time was up, so the result lacks it; {}", advice.timeout(None)),
        _ => format!("{what}, so the result lacks it; go on with {}", advice.resume()),
    }
}

/// What is said of them in an error.
pub(super) fn stopped(tasks: &[Task]) -> String {
    format!("what worked in the background was stopped unfinished ({})", tasks::listed(tasks))
}
