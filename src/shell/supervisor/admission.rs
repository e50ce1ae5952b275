//! When a run may start: no other run has its session, and it has a slot.
//!
//! The session comes first, the slot last: nobody who waits in the queue waits for anything else, so the first one there
//! always goes on as soon as a slot is free, and whoever holds a slot needs nothing more to come to its end. A run whose
//! session is in use is not in the queue: it gives up its ticket and takes a new one when it has the session. Otherwise
//! the first in the queue could wait for a session that somebody behind it has.

use std::future;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::machines::ids::JobId;
use crate::machines::plan::RunPlan;
use crate::machines::start::Wanted;
use crate::shell::pause;
use crate::shell::session_lock::SessionLock;
use crate::shell::slots::{self, Slot, SlotRequest};

/// How often to ask for a session that another run has.
const SESSION_LOOK: Duration = Duration::from_millis(50);

/// How often to look whether the account's usage limit is over: its end may be noted anew, clocks are set, and progress is
/// written at a look.
const PAUSE_LOOK: Duration = Duration::from_secs(2);

/// Whether the run may start.
#[derive(Debug)]
pub enum Admission {
    /// Nothing is wanted.
    None,
    /// It waits.
    Waiting(Waiting),
    /// It may run.
    Admitted(#[expect(dead_code, reason = "held for its locks")] AdmittedRun),
}

/// What a run holds that may run.
#[derive(Debug)]
pub struct AdmittedRun {
    /// Absent where an adopted run's session is in use by another one: it cannot be undone any more.
    #[expect(dead_code, reason = "held for its lock")]
    session: Option<SessionLock>,
    /// Absent where an adopted run's slot could not be had again.
    #[expect(dead_code, reason = "held for its lock")]
    slot: Option<Slot>,
}

/// What a run has of what it needs.
#[derive(Debug, Default)]
pub struct Waiting {
    session: Option<SessionLock>,
    request: Option<SlotRequest>,
    told: Option<usize>,
    /// How long the account's usage limit lasts that it waits for.
    pause: Option<Duration>,
}

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    /// The run may start.
    Yes,
    /// It waits; its place in the queue, where that is new.
    NotYet(Option<usize>),
}

impl Admission {
    /// What an adopted run holds: it runs already, so nobody is asked.
    pub fn of_adopted(jobs: &Path, id: &JobId, plan: &RunPlan) -> Self {
        let session = SessionLock::try_acquire(jobs, plan.session.id()).ok().flatten();
        let slot = Slot::regain(jobs, plan.depth, &id.to_string());
        let slot = slot.inspect_err(|error| tracing::warn!(%id, %error, "an adopted run is not counted")).ok();
        Self::Admitted(AdmittedRun { session, slot })
    }

    /// A place is wanted; `ticket` is one that was taken before.
    pub fn wanted(ticket: Option<SlotRequest>) -> Self {
        Self::Waiting(Waiting { request: ticket, ..Waiting::default() })
    }

    /// Asks for what is missing. `None` when nothing is wanted.
    pub fn ask(&mut self, jobs: &Path, id: &JobId, plan: &RunPlan) -> io::Result<Option<Admitted>> {
        let Self::Waiting(waiting) = self else { return Ok(None) };
        let asked = waiting.ask(jobs, id, plan)?;
        Ok(Some(match asked {
            Ok(slot) => {
                *self = Self::Admitted(AdmittedRun { session: waiting.session.take(), slot: Some(slot) });
                Admitted::Yes
            }
            Err(place) => Admitted::NotYet(place),
        }))
    }

    /// When to ask again; `None` when nothing is wanted.
    pub fn ask_again(&self) -> Option<Duration> {
        match self {
            Self::Waiting(Waiting { pause: Some(left), .. }) => Some((*left).min(PAUSE_LOOK)),
            Self::Waiting(Waiting { request: Some(request), .. }) => Some(request.look_again()),
            Self::Waiting(_) => Some(SESSION_LOOK),
            Self::None | Self::Admitted(_) => None,
        }
    }

    /// Completes when it is worth asking again.
    pub async fn woken(&mut self) {
        match self {
            Self::Waiting(Waiting { request: Some(request), .. }) => request.woken().await,
            Self::Waiting(_) | Self::None | Self::Admitted(_) => future::pending().await,
        }
    }
}

impl Waiting {
    fn ask(&mut self, jobs: &Path, id: &JobId, plan: &RunPlan) -> io::Result<Result<Slot, Option<usize>>> {
        self.pause = pause::left(jobs).filter(|_| plan.wait_for_limit);
        let limited = self.pause.is_some();
        if Wanted::of(limited, self.session.is_some()) == Wanted::Session {
            self.session = SessionLock::try_acquire(jobs, plan.session.id())
                .map_err(|error| io::Error::new(error.kind(), format!("cannot lock the session: {error}")))?;
        }
        if Wanted::of(limited, self.session.is_some()) != Wanted::Slot {
            (self.request, self.told) = (None, None);
            return Ok(Err(None));
        }
        let in_line = |error: io::Error| io::Error::new(error.kind(), format!("cannot wait for a slot: {error}"));
        let request = match &mut self.request {
            Some(request) => request,
            none => none.insert(SlotRequest::new(jobs, plan.depth, &id.to_string()).map_err(in_line)?),
        };
        let limit = slots::limit(jobs).unwrap_or_else(|| usize::try_from(plan.max_concurrency).unwrap_or(usize::MAX));
        if let Some(slot) = request.try_grant(limit).map_err(in_line)? {
            return Ok(Ok(slot));
        }
        let place = request.place().filter(|place| self.told != Some(*place));
        self.told = place.or(self.told);
        Ok(Err(place))
    }
}
