//! The small detached process that owns one job: takes it from its claim to its end, whoever else dies meanwhile.
//!
//! It holds the job's lock for its whole life (as its standard output, locked before it was started, so that there is no
//! gap), its ticket for a slot (likewise, as its standard error) and one end of the leash as its standard input. What
//! happens next is decided by [`dispatch::step`]; this loop feeds it events in a fixed order and performs its effects.

mod admission;
mod adoption;
mod conclusion;
pub(super) mod inherited;
mod own;
mod start;
mod waits;

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;

use tokio::signal::unix::{Signal, SignalKind, signal};

use self::admission::{Admission, Admitted};
pub use self::own::{SupervisorError, stand_in, supervise};
use self::start::Started;
use self::waits::{LOOK_INTERVAL, caller_gone, exited, look_again, until, writable};
use super::leash::{News, Outlet};
use super::record::Record;
use super::run_output::{RunOutput, Sign};
use super::run_progress::RunProgress;
use super::slots::SlotRequest;
use super::spawner::{self, ProcessSpawner};
use super::store::{JobFile, Store};
use super::{clock, pause, tail};
use crate::machines::conclusion::ProcessExit;
use crate::machines::dispatch::{self, AnswerKind, CancelledBy, Effect, Event, Run, SessionFate, State};
use crate::machines::flags::Flag;
use crate::machines::ids::JobId;
use crate::machines::plan::RunPlan;
use crate::machines::schema::Violation;
use crate::machines::verdict::{self, NotStarted};

/// How much of claude's standard error is kept, in bytes. Its messages are a line; a crash dump was 12 KB.
const STDERR_BYTES: usize = 16 * 1024;

/// A run and everything that it holds.
pub struct Supervision<'a, S> {
    store: Store,
    id: JobId,
    plan: &'a RunPlan,
    spawner: S,
    leash: Option<Outlet>,
    terminated: Signal,
    state: State,
    due: VecDeque<Event>,
    admission: Admission,
    ticket: Option<SlotRequest>,
    process: Option<Process>,
    started: Started,
    output: RunOutput,
    progress: RunProgress,
    /// What the present process was started for.
    run: Run,
    not_started: Option<NotStarted>,
    exit: Option<ProcessExit>,
    stderr: String,
    /// The record as it was claimed: what is written when the one on disk was broken or taken away meanwhile.
    claimed: Option<Record>,
    /// What the last answer lacks of its schema.
    violations: Vec<Violation>,
    /// Whether claude has written more than was read at the last look.
    behind: bool,
    /// Whether another supervisor had the job before: it may have come as far as the usage journal.
    taken_over: bool,
}

struct Process {
    /// Its process group; not known of a run that was adopted.
    group: Option<i32>,
    exit: Pin<Box<dyn Future<Output = ProcessExit>>>,
}

/// What the loop waits for.
enum Happened {
    Exited(ProcessExit),
    Cancelled(CancelledBy),
    DeadlineDue,
    Writable,
    TimeToLook,
}

impl<'a, S: ProcessSpawner> Supervision<'a, S> {
    /// A run that has not begun.
    ///
    /// # Errors
    /// When the signal handler cannot be installed.
    pub fn new(store: Store, id: JobId, plan: &'a RunPlan, spawner: S, leash: Option<Outlet>) -> io::Result<Self> {
        Ok(Self {
            store,
            id,
            plan,
            spawner,
            leash,
            terminated: signal(SignalKind::terminate())?,
            state: dispatch::begin(Run::new(0, 0)).0,
            due: VecDeque::new(),
            admission: Admission::None,
            ticket: None,
            process: None,
            started: Started::default(),
            output: RunOutput::default(),
            progress: RunProgress::default(),
            run: Run::new(0, plan.resume_attempts),
            not_started: None,
            exit: None,
            stderr: String::new(),
            claimed: None,
            violations: Vec::new(),
            behind: false,
            taken_over: true,
        })
    }

    /// The same, with a ticket that was taken for it before.
    #[must_use]
    pub fn with_ticket(self, ticket: Option<SlotRequest>) -> Self {
        // It goes to the first supervisor only.
        Self { taken_over: ticket.is_none(), ticket, ..self }
    }

    /// To the end: one event → one step → its effects in order → the next event.
    pub async fn run(mut self) {
        let run = Run::new(self.timeout_ms(), self.plan.resume_attempts);
        let schema = self.plan.response_schema.is_some();
        let run = if schema { run.repairable() } else { run };
        let (state, effects) = dispatch::begin(run.waiting(self.plan.limit_waits()));
        self.state = state;
        for effect in effects {
            self.perform(effect).await;
        }
        self.conduct().await;
    }

    /// To the end of a run whose supervisor died.
    pub async fn go_on(mut self, record: &Record) {
        self.adopt(record);
        self.conduct().await;
    }

    const fn timeout_ms(&self) -> u64 {
        self.plan.timeout_seconds.saturating_mul(1000)
    }

    async fn conduct(mut self) {
        while !matches!(self.state, State::Ended { .. }) {
            let event = self.next_event().await;
            match dispatch::step(self.state, &event) {
                Ok((state, effects)) => {
                    self.state = state;
                    for effect in effects {
                        self.perform(effect).await;
                    }
                }
                Err(refused) => tracing::warn!(id = %self.id, %refused, "event refused"),
            }
        }
        self.take_leave().await;
    }

    /// The next event. What was read outranks what is waited for. The order of waiting: the end of the process, a wish
    /// to end, the deadline, and only then progress.
    async fn next_event(&mut self) -> Event {
        loop {
            if let Some(event) = self.due.pop_front() {
                return event;
            }
            self.progress.write_when_due(&self.store, &self.id);
            let deadline = self.state.next_deadline();
            let look = (!self.behind).then(|| self.admission.ask_again().unwrap_or(LOOK_INTERVAL));
            let happened = tokio::select! {
                biased;
                exit = exited(&mut self.process) => Happened::Exited(exit),
                _ = self.terminated.recv() => Happened::Cancelled(CancelledBy::Request),
                () = caller_gone(self.leash.as_ref()) => Happened::Cancelled(CancelledBy::CallerGone),
                () = until(deadline) => Happened::DeadlineDue,
                () = writable(self.leash.as_ref()) => Happened::Writable,
                () = self.admission.woken() => Happened::TimeToLook,
                () = look_again(look) => Happened::TimeToLook,
            };
            self.note(happened);
        }
    }

    /// Turns what happened into events, a result that is there before anything else.
    fn note(&mut self, happened: Happened) {
        let now = clock::monotonic();
        match happened {
            Happened::Exited(exit) => {
                self.process = None;
                self.exit = Some(exit);
                // A leftover may go on writing for ever: what comes after the end of the process is nobody's answer.
                let end = self.output.length();
                while self.output.position() < end && self.look() {}
                let signs = self.output.finish();
                self.show(signs);
                self.note_other_session();
                self.note_servers();
                let stderr = tail::ends(&self.store.file(&self.id, JobFile::Stderr), STDERR_BYTES);
                self.stderr = stderr.last;
                let unknown = self.refused_flag(&stderr.first);
                let session = SessionFate::of(self.output.signs(!self.run.omitted.lacks(Flag::SessionId)));
                let misses = || verdict::misses(self.plan, self.output.result.as_ref()?);
                let (answer, violations) = AnswerKind::of(self.is_limited(), exit, misses);
                self.violations = violations;
                self.due.push_back(Event::Exited { unknown, seen: exit != ProcessExit::Unknown, session, answer });
            }
            Happened::Cancelled(by) => {
                tracing::info!(id = %self.id, ?by, "job to end");
                if by == CancelledBy::CallerGone {
                    self.leash = None;
                }
                self.look();
                self.due.push_back(Event::Cancel { by, now });
            }
            Happened::DeadlineDue => {
                // One look is enough: an answer further on in the file is found at the end, and outranks the clock then.
                self.look();
                self.due.push_back(Event::Tick { now });
            }
            Happened::Writable => {
                if let Some(leash) = &mut self.leash {
                    leash.flush();
                }
            }
            Happened::TimeToLook => {
                self.ask_admission();
                self.look();
            }
        }
    }

    fn is_limited(&self) -> bool {
        let RunOutput { result, rate_limit, .. } = &self.output;
        result.as_ref().is_some_and(|answer| verdict::is_limited(self.plan, answer, rate_limit.as_ref()))
    }

    /// A limit that the answer tells of is noted for all who wait for its end.
    fn note_limit(&self) {
        if self.is_limited() {
            let resets_at = self.output.rate_limit.as_ref().and_then(|limit| limit.resets_at);
            pause::begin(self.store.directory(), resets_at);
        }
    }

    fn look(&mut self) -> bool {
        let (signs, more) = self.output.read();
        self.show(signs);
        self.note_other_session();
        self.note_servers();
        self.behind = more;
        more
    }

    fn show(&mut self, signs: Vec<Sign>) {
        for sign in signs {
            match sign {
                Sign::Result => {
                    tracing::info!(id = %self.id, "job answered");
                    self.due.push_back(Event::ResultSeen { now: clock::monotonic() });
                }
                // A turn has many events; they say the same.
                Sign::Turn if matches!(self.due.back(), Some(Event::TurnBegan)) => {}
                Sign::Turn => self.due.push_back(Event::TurnBegan),
                Sign::Tasks { alive } => self.due.push_back(Event::TasksChanged { alive, now: clock::monotonic() }),
                Sign::Progress { text, activity } => {
                    if let Some(leash) = &mut self.leash {
                        leash.progress(&text, &activity);
                    }
                    self.progress.push(text, activity);
                }
            }
        }
        if let Some(leash) = &mut self.leash {
            leash.flush();
        }
    }

    async fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::RequestSlot => {
                self.admission = Admission::wanted(self.ticket.take());
                self.ask_admission();
            }
            Effect::WithdrawSlot | Effect::ReleaseSlot => self.admission = Admission::None,
            Effect::NoteResumption => {
                self.note_limit();
                self.note_resumption();
            }
            Effect::Spawn(run) => self.start(run).await,
            Effect::Terminate => self.signal(spawner::Ending::Terminate),
            Effect::Kill => self.signal(spawner::Ending::Kill),
            Effect::Sweep => {
                let ended = self.spawner.sweep();
                tracing::debug!(id = %self.id, ended, "leftovers ended");
            }
            Effect::Conclude(end) => {
                self.note_limit();
                self.conclude(end).await;
            }
        }
    }

    fn ask_admission(&mut self) {
        match self.admission.ask(self.store.directory(), &self.id, self.plan) {
            Ok(Some(Admitted::Yes)) => self.due.push_back(Event::SlotGranted),
            Ok(Some(Admitted::NotYet(None))) | Ok(None) => {}
            Ok(Some(Admitted::NotYet(Some(place)))) => {
                tracing::info!(id = %self.id, place, "job queued");
                if let Some(leash) = &mut self.leash {
                    leash.tell(&News::Queued(place));
                }
            }
            // Without the session's lock its transcript could fork and a paid branch be lost; without a slot more would
            // run than are wanted.
            Err(error) => {
                self.not_started = Some(NotStarted::SpawnFailed(error.to_string()));
                self.due.push_back(Event::SlotGranted);
                self.admission = Admission::None;
            }
        }
    }

    fn signal(&self, ending: spawner::Ending) {
        match self.process.as_ref().map(|process| process.group) {
            Some(Some(group)) => self.spawner.end_group(group, ending),
            Some(None) => drop(self.spawner.end_marked(ending)),
            None => {}
        }
    }
}
