//! Background tasks of an agent, as the stream tells of them: which live, so that its run is waited for, and which were
//! stopped before they had ended, so that its answer lacks them.

use std::fmt;

use super::text;

/// Most tasks that are remembered of a run. One that has more is waited for all the same.
const MAX_TASKS: usize = 100;
/// Under this id the wake-up that an agent has scheduled for itself is a task like any other. The CLI keeps one at a time.
const WAKE_UP: &str = "wake-up";

/// A background task of the agent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Task {
    /// Its id in the stream.
    pub id: String,
    /// Its type as the CLI writes it, such as `local_bash`.
    pub kind: String,
    /// What it is for, in one line.
    pub description: String,
}

/// A sign of a background task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskEvent {
    /// These live in the background, and no others.
    Living(Vec<Task>),
    /// A task has started. `background`: whether claude goes on meanwhile, where the CLI says so; older ones do not.
    Started {
        /// What is known of the task.
        task: Task,
        /// Whether it is in the background.
        background: Option<bool>,
    },
    /// A task that claude waited for was moved to the background.
    Backgrounded {
        /// Id of the task.
        id: String,
    },
    /// A task is over.
    Ended {
        /// Id of the task.
        id: String,
        /// Somebody stopped it.
        stopped: bool,
    },
    /// The agent will be woken.
    WakeUpScheduled {
        /// What the wake-up is for, in the words of the agent.
        reason: String,
    },
    /// The agent will not be woken any more.
    WakeUpCancelled,
    /// The agent is woken.
    WokenUp,
    /// A further process of the run starts: nothing of the one before it lives.
    Begun,
}

/// The background tasks of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tasks {
    /// Each with whether it is in the background.
    known: Vec<(Task, bool)>,
    /// Those that were stopped since the agent last had a turn.
    stopped: Vec<Task>,
}

impl Tasks {
    /// Takes note of what happened to a task.
    pub fn take(&mut self, event: TaskEvent) {
        match event {
            TaskEvent::Living(tasks) => {
                let lives = |known: &Task| tasks.iter().any(|task| task.id == known.id);
                self.known.retain(|(task, background)| !background || task.id == WAKE_UP || lives(task));
                tasks.into_iter().for_each(|task| self.add(task, true));
            }
            TaskEvent::Started { task, background } => self.add(task, background.unwrap_or(true)),
            TaskEvent::Backgrounded { id } => {
                let moved = self.known.iter_mut().find(|(task, _)| task.id == id);
                moved.into_iter().for_each(|(_, background)| *background = true);
            }
            TaskEvent::Ended { id, stopped } => {
                if let Some(at) = self.known.iter().position(|(task, _)| task.id == id) {
                    let (task, background) = self.known.remove(at);
                    self.stopped.extend(Some(task).filter(|_| stopped && background && self.stopped.len() < MAX_TASKS));
                }
            }
            TaskEvent::WakeUpScheduled { reason } => {
                self.forget(WAKE_UP);
                self.add(Task { id: WAKE_UP.to_owned(), kind: WAKE_UP.to_owned(), description: reason }, true);
            }
            TaskEvent::WakeUpCancelled | TaskEvent::WokenUp => self.forget(WAKE_UP),
            TaskEvent::Begun => *self = Self::default(),
        }
    }

    /// The agent's own model begins a turn. It was told of every task that was stopped: what it says now takes that into
    /// account. (It may have stopped them itself.)
    pub fn turn_began(&mut self) {
        self.stopped.clear();
    }

    /// Those that live in the background.
    pub fn living(&self) -> impl Iterator<Item = &Task> {
        self.known.iter().filter(|(_, background)| *background).map(|(task, _)| task)
    }

    /// Those that never came to their end, when the process is gone: no answer has what they were to bring.
    #[must_use]
    pub fn unfinished(&self) -> Vec<Task> {
        self.stopped.iter().chain(self.living()).cloned().collect()
    }

    fn add(&mut self, task: Task, background: bool) {
        if let Some((known, in_background)) = self.known.iter_mut().find(|(known, _)| known.id == task.id) {
            *known = task;
            *in_background |= background;
        } else if self.known.len() < MAX_TASKS {
            self.known.push((task, background));
        }
    }

    fn forget(&mut self, id: &str) {
        self.known.retain(|(task, _)| task.id != id);
    }
}

impl fmt::Display for Task {
    /// `background command "run suite"`; of an unknown type its description alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind.as_str() {
            "local_bash" => "background command",
            "local_agent" => "background agent",
            WAKE_UP => "scheduled wake-up",
            "" => return f.write_str(&self.description),
            other => other,
        };
        write!(f, "{what} \"{}\"", self.description)
    }
}

/// Tasks in words, the first of many: `background command "run suite", background agent "analysis" and 3 more`.
#[must_use]
pub fn listed(tasks: &[Task]) -> String {
    /// Most tasks that are named in a message.
    const MAX_NAMED: usize = 10;
    text::listed(tasks.iter().map(Task::to_string), MAX_NAMED)
}
