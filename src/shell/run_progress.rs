//! The rolling tail of what the agent does, for the record.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::run_output::Sign;
use crate::fs::atomic::Durability;
use crate::machines::activity::Activity;
use crate::machines::ids::JobId;
use crate::machines::job::Event;
use crate::machines::text;
use crate::shell::store::{Patch, Shown, Store};

/// How many lines a record keeps (contract).
const LINES: usize = 20;
/// How long a line may be, in characters (contract).
const LINE_CHARS: usize = 300;
/// At most one write a second after the first, which comes at once (contract).
const WRITE_INTERVAL: Duration = Duration::from_secs(1);
/// A record of a live job is touched this often: the older implementation takes one that is untouched for an hour for
/// abandoned.
const HEARTBEAT: Duration = Duration::from_secs(5 * 60);

/// Lines, and when they were last written.
#[derive(Debug)]
pub struct RunProgress {
    /// As they were said.
    lines: VecDeque<String>,
    activity: Option<Activity>,
    unwritten: bool,
    /// When the record was touched last: by the claim, or by a write of these lines.
    touched: Instant,
    /// Whether lines were written before.
    written: bool,
}

impl Default for RunProgress {
    fn default() -> Self {
        Self { lines: VecDeque::new(), activity: None, unwritten: false, touched: Instant::now(), written: false }
    }
}

impl RunProgress {
    /// Adds a line. It is cleaned when it is written: most lines of a fast stream never are.
    pub fn push(&mut self, line: String, activity: Activity) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
        self.activity = Some(activity);
        self.unwritten = true;
    }

    /// Adds what a look at the output brought.
    pub fn extend(&mut self, signs: Vec<Sign>) {
        for sign in signs {
            match sign {
                Sign::Progress { text, activity } => self.push(text, activity),
                Sign::Result | Sign::Turn | Sign::Tasks { .. } => {}
            }
        }
    }

    /// Writes the lines into the record, unless that was done a moment ago. A write that fails costs nothing but the
    /// display: the next one brings everything again.
    pub fn write_when_due(&mut self, store: &Store, id: &JobId) {
        let since = self.touched.elapsed();
        if (self.unwritten && (!self.written || since >= WRITE_INTERVAL)) || since >= HEARTBEAT {
            self.write(store, id);
        }
    }

    /// Lines that are not in the record yet: they are written together with the end.
    #[must_use]
    pub fn unwritten(&self) -> Option<Shown> {
        self.unwritten.then(|| self.shown())
    }

    fn write(&mut self, store: &Store, id: &JobId) {
        self.touched = Instant::now();
        self.written |= self.unwritten;
        self.unwritten = false;
        let patch = Patch { progress: Some(self.shown()), ..Patch::default() };
        if let Err(error) = store.step(id, &Event::Progress, patch, Durability::Cached) {
            tracing::debug!(%id, %error, "progress not written");
        }
    }

    fn shown(&self) -> Shown {
        let lines = self.lines.iter().map(|line| text::one_line(line, LINE_CHARS)).collect();
        Shown { lines, activity: self.activity.as_ref().map(Activity::cleaned) }
    }
}
