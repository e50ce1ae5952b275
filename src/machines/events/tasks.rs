//! What the stream says about background tasks and wake-ups.

use super::super::tasks::{Task, TaskEvent};
use super::result::{bounded, word};
use super::scan::{Raw, Scanner};

/// Most characters of what a task is for.
const MAX_DESCRIPTION_CHARS: usize = 100;
/// Most tasks of one list that are read.
const MAX_LISTED: usize = 100;
/// The tool by which an agent has itself woken later.
pub(super) const WAKE_UP_TOOL: &str = "ScheduleWakeup";

/// What a system event may say about tasks.
#[derive(Default)]
pub(super) struct Fields {
    task: Task,
    background: Option<bool>,
    status: Option<TaskStatus>,
    living: Vec<Task>,
}

/// What became of a task.
#[derive(Clone, Copy)]
enum TaskStatus {
    Ended,
    Stopped,
}

impl Fields {
    /// Reads one field of the event.
    pub(super) fn read(&mut self, value: &mut Scanner<'_>, key: &[u8]) {
        match key {
            b"is_backgrounded" => self.background = boolean(value),
            b"status" => self.status = status(value),
            b"patch" => drop(value.entries(|field, key| match key {
                b"is_backgrounded" => self.background = boolean(field),
                b"status" => self.status = status(field),
                _ => {}
            })),
            b"tasks" => value.elements(|element| {
                let mut task = Task::default();
                element.entries(|field, key| read_task(&mut task, field, key));
                if self.living.len() < MAX_LISTED {
                    self.living.push(task);
                }
            }),
            _ => read_task(&mut self.task, value, key),
        }
    }

    /// What an event of this subtype says with them.
    pub(super) fn event(self, subtype: &[u8]) -> Option<TaskEvent> {
        let Self { task, background, status, living } = self;
        match (subtype, status) {
            (b"background_tasks_changed", _) => Some(TaskEvent::Living(living)),
            _ if task.id.is_empty() => None,
            (b"task_started", _) => Some(TaskEvent::Started { task, background }),
            (b"task_updated" | b"task_notification", Some(status)) => {
                Some(TaskEvent::Ended { id: task.id, stopped: matches!(status, TaskStatus::Stopped) })
            }
            (b"task_updated", None) if background == Some(true) => Some(TaskEvent::Backgrounded { id: task.id }),
            _ => None,
        }
    }
}

fn read_task(task: &mut Task, value: &mut Scanner<'_>, key: &[u8]) {
    match key {
        b"task_id" => task.id = word(value).unwrap_or_default(),
        b"task_type" => task.kind = word(value).unwrap_or_default(),
        b"description" => task.description = value.string().and_then(described).unwrap_or_default(),
        _ => {}
    }
}

fn described(raw: Raw<'_>) -> Option<String> {
    bounded(raw, MAX_DESCRIPTION_CHARS)
}

fn boolean(value: &mut Scanner<'_>) -> Option<bool> {
    match value.skip() {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}

/// The status of a task that is over; `None` of one that is not.
fn status(value: &mut Scanner<'_>) -> Option<TaskStatus> {
    match value.string()?.0 {
        b"completed" | b"failed" => Some(TaskStatus::Ended),
        b"killed" | b"stopped" => Some(TaskStatus::Stopped),
        _ => None,
    }
}

/// A call of [`WAKE_UP_TOOL`]. What it asks for holds when its result is no error.
#[derive(Debug)]
pub(super) struct WakeUp {
    /// The id of the call.
    pub(super) call: String,
    /// To cancel what was scheduled.
    pub(super) stop: bool,
    /// What the wake-up is for, in the words of the agent.
    pub(super) reason: String,
}

impl WakeUp {
    /// What a user event says of the call, if anything.
    pub(super) fn settled(&self, line: &[u8]) -> Option<Option<TaskEvent>> {
        let mut refused = None;
        Scanner::new(line).entries(|value, key| {
            if key == b"message" {
                value.entries(|content, key| {
                    if key == b"content" {
                        content.elements(|block| refused = self.refused(block).or(refused));
                    }
                });
            }
        });
        Some(match refused? {
            true => None,
            false if self.stop => Some(TaskEvent::WakeUpCancelled),
            false => Some(TaskEvent::WakeUpScheduled { reason: self.reason.clone() }),
        })
    }

    /// Whether the block is the result of the call, and an error.
    fn refused(&self, block: &mut Scanner<'_>) -> Option<bool> {
        let (mut mine, mut error) = (false, false);
        block.entries(|field, key| match key {
            b"tool_use_id" => mine = word(field).is_some_and(|call| call == self.call),
            b"is_error" => error = boolean(field) == Some(true),
            _ => {}
        });
        mine.then_some(error)
    }
}

/// What an agent's wake-up is for.
pub(super) fn reason(raw: Option<Raw<'_>>) -> String {
    raw.and_then(described).unwrap_or_default()
}

/// The sign of an agent that is woken, if the event is one: a command that the CLI itself had scheduled begins. (Of other
/// commands it tells nothing in a run of one prompt; 2.1.332 names the source as well, 2.1.300 does not.)
pub(super) fn lifecycle(line: &[u8]) -> Option<TaskEvent> {
    let mut started = false;
    Scanner::new(line).entries(|value, key| {
        if key == b"state" {
            started = value.string().is_some_and(|state| state.0 == b"started");
        }
    });
    started.then_some(TaskEvent::WokenUp)
}
