//! Background tasks that were stopped before their end: the answer lacks what they would have found.

use super::super::answer::Outcome;
use super::super::events::ResultEvent;
use super::super::tasks::{self, Task};
use super::super::text;
use super::advice::Advice;
use super::{EndReason, Evidence};

/// How the CLI begins to say on stderr that it waits no longer for the agent's background tasks; which, stands in brackets.
const GIVEN_UP: &str = "ackground tasks still running";

/// The tasks that never came to their end. Where the output told of none, those that the CLI names on stderr.
fn of(evidence: &Evidence<'_>) -> Vec<Task> {
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
pub(super) fn hint(evidence: &Evidence<'_>, advice: &Advice<'_>) -> Option<String> {
    let what = told(evidence)?;
    Some(match evidence.ending {
        EndReason::TimedOut => {
            format!("{what} when the time was up, so the result lacks it; {}", advice.timeout(None, false))
        }
        _ => format!("{what}, so the result lacks it; go on with {}", advice.resume()),
    })
}

/// What is said of them in an error.
pub(super) fn told(evidence: &Evidence<'_>) -> Option<String> {
    let tasks = of(evidence);
    let named = || format!("what worked in the background was stopped unfinished ({})", tasks::listed(&tasks));
    (!tasks.is_empty()).then(named)
}

/// Whether the result tells of a turn in which the model was not asked and nothing was said: no answer, and no error.
#[must_use]
pub fn is_silent(event: &ResultEvent) -> bool {
    let said = event.result.as_deref().is_some_and(|said| !text::is_blank(said)) || event.structured_output.is_some();
    !event.is_error && event.num_turns == Some(0) && !said
}
