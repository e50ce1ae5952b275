//! What a history of events and effects says about a run. Nothing in here knows the machine's states.

use agent_dispatch::machines::dispatch::{
    AnswerKind, CancelledBy, Effect, End, Event, KILL_GRACE_MS, LEAVE_GRACE_MS, Purpose, Run, SessionFate, State,
    TERM_GRACE_MS, begin, step,
};
use agent_dispatch::machines::flags::{Flag, Omission, Omitted};
use agent_dispatch::machines::rejected::Rejected;
use agent_dispatch::machines::time::Millis;
use strum::VariantArray;

use crate::spec::dispatch::REFUSALS;

/// An event that was taken, and what came of it.
#[derive(Debug, Clone)]
pub struct Step {
    pub event: Event,
    pub effects: Vec<Effect>,
}

/// A run under test, and all that happened to it.
#[derive(Debug, Clone)]
pub struct Walk {
    /// The run as it was asked for.
    pub asked: Run,
    pub state: State,
    pub steps: Vec<Step>,
}

impl Walk {
    pub fn begin(asked: Run) -> Self {
        let (state, effects) = begin(asked);
        assert_eq!(effects.as_slice(), [Effect::RequestSlot]);
        Self { asked, state, steps: Vec::new() }
    }

    /// Takes an event; a refused one leaves no trace.
    pub fn take(&mut self, event: Event) -> Result<(), Rejected> {
        let (state, effects) = step(self.state, &event)?;
        self.state = state;
        self.steps.push(Step { event, effects: effects.into_iter().collect() });
        Ok(())
    }

    pub fn ended(&self) -> Option<End> {
        self.effects().find_map(|effect| if let Effect::Conclude(end) = effect { Some(*end) } else { None })
    }

    pub fn effects(&self) -> impl Iterator<Item = &Effect> {
        self.steps.iter().flat_map(|step| &step.effects)
    }

    pub fn count(&self, wanted: impl Fn(&Effect) -> bool) -> usize {
        self.effects().filter(|effect| wanted(effect)).count()
    }

    fn events(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.steps.iter().map(|step| &step.event)
    }

    fn happened(&self, wanted: impl Fn(&Event) -> bool) -> bool {
        self.events().any(wanted)
    }

    /// A slot was given and is not given back.
    pub fn holds_slot(&self) -> bool {
        let given = self.events().filter(|event| matches!(event, Event::SlotGranted)).count();
        let returned = self.count(|effect| *effect == Effect::ReleaseSlot);
        assert!(given == returned || given == returned + 1, "{given} slots given, {returned} given back");
        given > returned
    }

    /// Some process ran.
    fn ran(&self) -> bool {
        self.happened(|event| matches!(event, Event::Spawned { .. }))
    }

    /// The present process has answered.
    pub fn result_seen(&self) -> bool {
        answered(self.turn())
    }

    /// The present process has given a result, whether it counts or not.
    pub fn result_said(&self) -> bool {
        self.turn().iter().any(|step| matches!(step.event, Event::ResultSeen { .. }))
    }

    /// Some process has answered.
    fn ever_answered(&self) -> bool {
        let begins = |step: &Step| step.effects.iter().any(|effect| matches!(effect, Effect::Spawn(_)));
        self.steps.split_inclusive(begins).any(answered)
    }

    /// Since when the process runs, if one does.
    pub fn alive_since(&self) -> Option<Millis> {
        self.events().rev().find_map(|event| match event {
            Event::Spawned { now } => Some(Some(*now)),
            Event::Exited { .. } => Some(None),
            _ => None,
        })?
    }

    /// A start was asked for and its outcome is not known yet.
    pub fn start_is_pending(&self) -> bool {
        let asked = self.count(|effect| matches!(effect, Effect::Spawn(_)));
        let told = self.events().filter(|event| matches!(event, Event::Spawned { .. } | Event::SpawnFailed)).count();
        assert!(asked == told || asked == told + 1, "{asked} starts, {told} outcomes");
        asked > told
    }

    /// When the time of the living process is up.
    pub fn deadline(&self) -> Option<Millis> {
        self.alive_since().map(|since| later(since, self.asked.timeout_ms))
    }

    /// When the living process has stayed too long after its answer; none while it works on.
    pub fn leave_by(&self) -> Option<Millis> {
        self.alive_since()?;
        let turn = |step: &Step| matches!(step.event, Event::TurnBegan | Event::Spawned { .. });
        let since = self.steps.iter().rposition(turn)?;
        let result = |step: &Step| matches!(step.event, Event::ResultSeen { .. });
        let first_result = since + self.steps[since..].iter().position(result)?;
        let process = self.steps.len() - self.turn().len();
        if tasks_live(self.turn()) {
            return self.deadline();
        }
        let over = |at: &usize| {
            let ends = matches!(self.steps[*at].event, Event::TasksChanged { alive: false, .. });
            ends && tasks_live(&self.steps[process..*at])
        };
        let from = (first_result..self.steps.len()).rev().find(over).unwrap_or(first_result);
        Some(later(time(&self.steps[from].event).unwrap(), LEAVE_GRACE_MS))
    }

    /// What the last process was started for.
    fn last_start(&self) -> Option<Run> {
        self.effects().filter_map(|effect| if let Effect::Spawn(run) = effect { Some(*run) } else { None }).last()
    }

    /// Whether the last process was to repair the answer and is gone, before somebody's eyes, because there is no session.
    pub fn repair_found_no_session(&self) -> bool {
        let gone = |(before, last): (Self, &Step)| {
            let absent =
                matches!(last.event, Event::Exited { unknown: None, seen: true, session: SessionFate::Absent, .. });
            absent && !before.result_seen() && before.stop().is_none()
        };
        self.last_start().is_some_and(|run| run.purpose == Purpose::Repair) && self.split_last().is_some_and(gone)
    }

    /// The steps since the present process was started, or since the last one was cut off.
    fn turn(&self) -> &[Step] {
        let begins =
            |step: &Step| step.effects.iter().any(|effect| matches!(effect, Effect::Spawn(_) | Effect::NoteResumption));
        let first = self.steps.iter().rposition(begins).map_or(0, |index| index + 1);
        &self.steps[first..]
    }

    fn was_sent(&self, effect: Effect) -> bool {
        self.turn().iter().any(|step| step.effects.contains(&effect))
    }

    /// The step that told the process to leave.
    pub fn stop(&self) -> Option<&Step> {
        self.turn().iter().find(|step| step.effects.contains(&Effect::Terminate))
    }

    /// The time of the process was up, and it was told to leave for that.
    fn is_out_of_time(&self) -> bool {
        let due = |now| self.deadline().is_some_and(|deadline| now >= deadline);
        self.stop().is_some_and(|stop| matches!(stop.event, Event::Tick { now } if due(now)))
    }

    /// The end of the process that was cut off last.
    fn cut_off(&self) -> Option<(Self, &Event)> {
        let at = self.steps.iter().rposition(|step| step.effects.contains(&Effect::NoteResumption))?;
        Some((Self { steps: self.steps[..at].to_vec(), ..self.clone() }, &self.steps[at].event))
    }

    /// The history before its last step, and that step.
    fn split_last(&self) -> Option<(Self, &Step)> {
        let (last, before) = self.steps.split_last()?;
        Some((Self { steps: before.to_vec(), ..self.clone() }, last))
    }
}

/// Whether background tasks live, after these steps of a process.
fn tasks_live(steps: &[Step]) -> bool {
    let told = steps.iter().rev().find_map(|step| match step.event {
        Event::TasksChanged { alive, .. } => Some(alive),
        _ => None,
    });
    told.unwrap_or(false)
}

/// Whether a process answered in these steps of it. What it says when it was told to leave while tasks lived is no answer.
fn answered(steps: &[Step]) -> bool {
    let result = |step: &Step| matches!(step.event, Event::ResultSeen { .. });
    let told = steps.iter().position(|step| step.effects.contains(&Effect::Terminate));
    let counts = told.filter(|told| tasks_live(&steps[..*told])).unwrap_or(steps.len());
    steps[..counts].iter().any(result)
}

/// Judges the last step by all that was before it. Called after each step, it judges the whole history.
pub fn judge(walk: &Walk) {
    let Some((before, last)) = walk.split_last() else { return };
    starts(&before, last, walk);
    signals(&before, last);
    clock(&before, last);
    conclusion(&before, last, walk);
}

/// What the end of a process means for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Another process at once.
    Start(Run),
    /// It queues, and goes on so.
    Wait(Run),
    End,
}

/// What follows the end of the process, from what was before it.
fn next(before: &Walk, exit: &Event) -> Next {
    let (Event::Exited { unknown, seen, session, answer }, Some(run)) = (exit, before.last_start()) else {
        return Next::End;
    };
    if before.result_seen() {
        let leaves = before.stop().is_none() && before.leave_by().is_some();
        if leaves && *answer == AnswerKind::Limited && *session != SessionFate::Lost && run.waits_left > 0 {
            let purpose = match (run.purpose, *session) {
                (_, SessionFate::Absent | SessionFate::Unstarted) => Purpose::Task,
                (Purpose::Repair, _) => Purpose::Repair,
                _ => Purpose::Continue,
            };
            return Next::Wait(Run { purpose, waits_left: run.waits_left - 1, ..run });
        }
        let again =
            leaves && *answer == AnswerKind::Misses && *seen && *session == SessionFate::Begun && run.repairs_left > 0;
        let repair =
            Run { purpose: Purpose::Repair, resumes_left: 0, repairs_left: run.repairs_left - u8::from(again), ..run };
        return if again { Next::Start(repair) } else { Next::End };
    }
    let wanted = !before.happened(|event| matches!(event, Event::Cancel { .. }));
    let going_on = Run {
        purpose: if *session == SessionFate::Absent { Purpose::Task } else { Purpose::Continue },
        resumes_left: run.resumes_left.saturating_sub(1),
        ..run
    };
    let gone_on =
        before.count(|effect| matches!(effect, Effect::Spawn(next) if next.resumes_left < before.asked.resumes_left));
    assert!(
        gone_on > 0 || run.purpose == Purpose::Repair || run.resumes_left == before.asked.resumes_left,
        "it has not gone on, and may less often"
    );
    let may = wanted && run.resumes_left > 0 && [SessionFate::Absent, SessionFate::Begun].contains(session);
    if before.stop().is_some() {
        return if may && before.is_out_of_time() { Next::Wait(going_on) } else { Next::End };
    }
    let known = |omission: &Omission| !run.omitted.lacks(omission.flag());
    match unknown.filter(known) {
        Some(flag) if *seen => Next::Start(Run { omitted: left_out(run, flag), ..run }),
        Some(flag) => Next::Wait(Run { omitted: left_out(run, flag), ..run }),
        None if *seen && run.purpose == Purpose::Continue && *session == SessionFate::Absent => {
            Next::Start(Run { purpose: Purpose::Task, ..run })
        }
        None if !*seen && *session == SessionFate::Unstarted => Next::Wait(run),
        None if !*seen && may => Next::Wait(going_on),
        None => Next::End,
    }
}

/// What the run leaves out, and that as well: written bit by bit, without asking the code what it would do.
fn left_out(run: Run, omission: Omission) -> Omitted {
    let place = match omission {
        Omission::Unknown(flag) => Flag::VARIANTS.iter().position(|other| *other == flag).unwrap(),
        Omission::ThisSchema => Flag::VARIANTS.len(),
        Omission::UnboundedSchema => Flag::VARIANTS.len() + 1,
    };
    let omitted = serde_json::to_value(run.omitted).unwrap().as_u64().unwrap();
    serde_json::from_value((omitted | 1 << place).into()).unwrap()
}

fn starts(before: &Walk, last: &Step, walk: &Walk) {
    let spawn = last.effects.iter().find_map(|effect| if let Effect::Spawn(run) = effect { Some(*run) } else { None });
    if matches!(last.event, Event::Spawned { .. }) {
        assert!(before.alive_since().is_none(), "a second living process");
    }
    if let Some(run) = spawn {
        assert!(walk.holds_slot(), "a start without a slot");
        assert!(walk.alive_since().is_none() && !before.start_is_pending(), "a start beside a living process");
        let again = run.purpose == Purpose::Repair || run.waits_left < walk.asked.waits_left;
        assert!(again || !walk.ever_answered(), "a start after a result");
        assert!(!walk.happened(|event| matches!(event, Event::Cancel { .. })), "a start of what is to end");
        let expected = match (last.event, before.cut_off()) {
            (Event::SlotGranted, None) => Next::Start(walk.asked),
            (Event::SlotGranted, Some((history, exit))) => match next(&history, exit) {
                Next::Wait(run) => Next::Start(run),
                other => panic!("a run went on that should have come to {other:?}"),
            },
            (exit, _) => next(before, &exit),
        };
        assert_eq!(Next::Start(run), expected, "what the process is started for");
        let swept = last.effects.starts_with(&[Effect::Sweep]);
        assert_eq!(
            swept,
            before.result_seen(),
            "what is left of a process that worked is ended before the next begins"
        );
    }
    let flags = REFUSALS.len();
    let unstarted =
        walk.events().filter(|e| matches!(e, Event::Exited { session: SessionFate::Unstarted, .. })).count();
    let often = usize::from(walk.asked.resumes_left + walk.asked.waits_left);
    let most = 2 + flags + 2 * often + unstarted;
    let asked_again = |effect: &Effect| matches!(effect, Effect::Spawn(run) if run.purpose == Purpose::Repair);
    assert!(walk.count(|effect| matches!(effect, Effect::Spawn(_))) <= most, "too many starts");
    assert!(
        walk.count(asked_again) <= 1 + flags + usize::from(walk.asked.waits_left),
        "an answer is asked for again once, but for flags"
    );
    if matches!(last.event, Event::Exited { .. }) {
        let expected = next(before, &last.event);
        assert_eq!(spawn.is_some(), matches!(expected, Next::Start(_)), "another start: {expected:?}");
        let waits = last.effects.contains(&Effect::NoteResumption);
        assert_eq!(waits, matches!(expected, Next::Wait(_)), "it queues again: {expected:?}");
    }
    if last.effects.contains(&Effect::NoteResumption) {
        let order = [Effect::Sweep, Effect::NoteResumption, Effect::ReleaseSlot, Effect::RequestSlot];
        assert_eq!(last.effects, order, "nothing of it runs, and that is known, before somebody else has its slot");
        let unstarted =
            walk.events().filter(|e| matches!(e, Event::Exited { session: SessionFate::Unstarted, .. })).count();
        let noted = walk.count(|effect| *effect == Effect::NoteResumption);
        assert!(noted <= often + flags + unstarted, "it went on too often");
    }
}

fn signals(before: &Walk, last: &Step) {
    let sent = |effect| last.effects.contains(&effect);
    let alive = before.alive_since().is_some() || matches!(last.event, Event::Spawned { .. });
    if sent(Effect::Terminate) {
        assert!(alive, "SIGTERM to nobody");
        assert!(!before.was_sent(Effect::Terminate), "SIGTERM twice");
    }
    if sent(Effect::Kill) {
        assert!(alive, "SIGKILL to nobody");
        assert!(!before.was_sent(Effect::Kill), "SIGKILL twice");
        let stop = before.stop().expect("SIGKILL only after SIGTERM");
        let (told, killed) = (time(&stop.event).unwrap(), time(&last.event).unwrap());
        assert!(killed >= later(told, TERM_GRACE_MS), "SIGKILL {killed:?} within the grace after SIGTERM {told:?}");
    }
    if let (Some(stop), Event::Tick { now }) = (before.stop(), last.event) {
        let due = now >= later(time(&stop.event).unwrap(), TERM_GRACE_MS);
        assert_eq!(sent(Effect::Kill), due && !before.was_sent(Effect::Kill), "SIGKILL when the grace is over");
    }
    assert!(!sent(Effect::Sweep) || before.ran(), "nothing ran that could be left behind");
}

/// Who works is stopped by a tick exactly when its deadline or its time to leave is due.
fn clock(before: &Walk, last: &Step) {
    let Event::Tick { now } = last.event else { return };
    let stopped = last.effects.contains(&Effect::Terminate);
    let working = before.alive_since().is_some() && before.stop().is_none();
    let due = |at: Option<Millis>| at.is_some_and(|at| now >= at);
    assert_eq!(
        stopped,
        working && (due(before.deadline()) || due(before.leave_by())),
        "stopped by the clock at {now:?}"
    );
}

fn conclusion(before: &Walk, last: &Step, walk: &Walk) {
    let concluded: Vec<usize> =
        (0..last.effects.len()).filter(|i| matches!(last.effects[*i], Effect::Conclude(_))).collect();
    let released: Vec<usize> = (0..last.effects.len()).filter(|i| last.effects[*i] == Effect::ReleaseSlot).collect();
    let ends = matches!(walk.state, State::Ended { .. });
    assert!(before.ended().is_none(), "a step after the end");
    assert_eq!(concluded.len(), usize::from(ends), "concluded exactly in the step that ends the run");
    let held = before.holds_slot();
    let waits = last.effects.contains(&Effect::NoteResumption);
    assert_eq!(released.len(), usize::from(held && (ends || waits)), "the slot is given back once, if granted");
    assert!(concluded.iter().zip(&released).all(|(c, r)| c < r), "the slot is given back before the conclusion");
    let withdrawn = last.effects.contains(&Effect::WithdrawSlot);
    assert_eq!(withdrawn, ends && !held, "the request for a slot is taken back if none was granted");
    if let Some(end) = walk.ended() {
        assert_eq!(end, expected_end(before, last), "how it ended");
        assert_eq!(walk.state, State::Ended { end }, "what is concluded is what is remembered");
        let gave_up = matches!(last.event, Event::Tick { .. });
        let sweep = gave_up || before.stop().is_some() || before.leave_by().is_none();
        let ran = before.alive_since().is_some();
        assert_eq!(last.effects.contains(&Effect::Sweep), ran && sweep, "left-behind processes are swept");
    }
}

/// How the run ended, from what happened.
fn expected_end(before: &Walk, last: &Step) -> End {
    let answered = before.result_seen();
    match (before.stop(), last.event) {
        (None, Event::SpawnFailed) => End::NotStarted,
        (None, Event::Exited { .. }) => End::Exited,
        (None, Event::Cancel { by, .. }) => End::Cancelled { by, answered },
        (Some(stop), Event::Exited { .. }) => by_cause(before, stop, answered),
        (Some(stop), Event::Tick { now }) => {
            let killed = before.steps.iter().find(|step| step.effects.contains(&Effect::Kill));
            let killed_at = time(&killed.expect("given up only after SIGKILL").event).unwrap();
            assert!(now >= later(killed_at, KILL_GRACE_MS), "given up at {now:?} within the grace after SIGKILL");
            by_cause(before, stop, answered)
        }
        other => panic!("ended by {other:?}"),
    }
}

fn by_cause(before: &Walk, stop: &Step, answered: bool) -> End {
    match stop.event {
        Event::Cancel { by, .. } => End::Cancelled { by, answered },
        Event::Spawned { .. } => End::Cancelled { by: first_canceller(before), answered },
        Event::Tick { now } if before.deadline().is_some_and(|deadline| now >= deadline) => End::TimedOut { answered },
        Event::Tick { .. } => End::Lingered,
        other => panic!("stopped by {other:?}"),
    }
}

/// Who asked first since the last start.
fn first_canceller(walk: &Walk) -> CancelledBy {
    let start = walk.steps.iter().rposition(|step| step.effects.iter().any(|e| matches!(e, Effect::Spawn(_)))).unwrap();
    let asked = walk.steps[start..].iter().find_map(|step| match step.event {
        Event::Cancel { by, .. } => Some(by),
        _ => None,
    });
    asked.expect("stopped at its start, so somebody had asked")
}

pub fn time(event: &Event) -> Option<Millis> {
    match event {
        Event::Spawned { now }
        | Event::ResultSeen { now }
        | Event::TasksChanged { now, .. }
        | Event::Tick { now }
        | Event::Cancel { now, .. } => Some(*now),
        Event::SlotGranted | Event::SpawnFailed | Event::TurnBegan | Event::Exited { .. } => None,
    }
}

/// A point so much later, without asking the code what that is.
pub fn later(point: Millis, ms: u64) -> Millis {
    Millis(point.0.saturating_add(ms))
}
