//! What a history of events and effects says about a run. Nothing in here knows the machine's states.

use agent_dispatch::machines::dispatch::{
    CancelledBy, Effect, End, Event, Flag, KILL_GRACE_MS, LEAVE_GRACE_MS, Omitted, State, TERM_GRACE_MS, begin, step,
};
use agent_dispatch::machines::refused::Refused;
use agent_dispatch::machines::time::Millis;

/// The most processes that one run may start: one, and one more for each flag that the CLI may not know.
const MOST_STARTS: usize = 1 + FLAGS.len();

/// An event that was taken, and what came of it.
#[derive(Debug, Clone)]
pub struct Step {
    pub event: Event,
    pub effects: Vec<Effect>,
}

/// A run under test, and all that happened to it.
#[derive(Debug, Clone)]
pub struct Walk {
    pub timeout_ms: u64,
    pub state: State,
    pub steps: Vec<Step>,
}

impl Walk {
    pub fn begin(timeout_ms: u64) -> Self {
        let (state, effects) = begin(timeout_ms);
        assert_eq!(effects.as_slice(), [Effect::RequestSlot]);
        Self { timeout_ms, state, steps: Vec::new() }
    }

    /// Takes an event; a refused one leaves no trace.
    pub fn take(&mut self, event: Event) -> Result<(), Refused> {
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

    pub fn slot_granted(&self) -> bool {
        self.happened(|event| matches!(event, Event::SlotGranted))
    }

    pub fn result_seen(&self) -> bool {
        self.happened(|event| matches!(event, Event::ResultSeen { .. }))
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
        self.alive_since().map(|since| since.plus(self.timeout_ms))
    }

    /// When the living process has stayed too long after its answer; none while it works on.
    pub fn leave_by(&self) -> Option<Millis> {
        self.alive_since()?;
        let turn = |step: &Step| matches!(step.event, Event::TurnBegan | Event::Spawned { .. });
        let since = self.steps.iter().rposition(turn)?;
        let first_result = self.steps[since..].iter().find_map(|step| match step.event {
            Event::ResultSeen { now } => Some(now),
            _ => None,
        })?;
        Some(first_result.plus(LEAVE_GRACE_MS))
    }

    /// The flags that the last start left out.
    fn omitted(&self) -> Omitted {
        let last =
            self.effects().filter_map(|effect| if let Effect::Spawn(o) = effect { Some(*o) } else { None }).last();
        last.unwrap_or_default()
    }

    fn was_sent(&self, effect: Effect) -> bool {
        self.effects().any(|sent| *sent == effect)
    }

    /// The step that told the process to leave.
    fn stop(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.effects.contains(&Effect::Terminate))
    }

    /// The history before its last step, and that step.
    fn split_last(&self) -> Option<(Self, &Step)> {
        let (last, before) = self.steps.split_last()?;
        Some((Self { steps: before.to_vec(), ..self.clone() }, last))
    }
}

/// Judges the last step by all that was before it. Called after each step, it judges the whole history.
pub fn judge(walk: &Walk) {
    let Some((before, last)) = walk.split_last() else { return };
    starts(&before, last, walk);
    signals(&before, last);
    clock(&before, last);
    conclusion(&before, last, walk);
}

fn starts(before: &Walk, last: &Step, walk: &Walk) {
    let spawn = last.effects.iter().find_map(|effect| if let Effect::Spawn(o) = effect { Some(*o) } else { None });
    if matches!(last.event, Event::Spawned { .. }) {
        assert!(before.alive_since().is_none(), "a second living process");
    }
    if let Some(omitted) = spawn {
        assert!(walk.slot_granted(), "a start without a slot");
        assert!(walk.alive_since().is_none() && !before.start_is_pending(), "a start beside a living process");
        assert!(!walk.result_seen(), "a start after a result");
        match last.event {
            Event::SlotGranted => assert_eq!(omitted, Omitted::default(), "the first start leaves nothing out"),
            Event::Exited { unknown: Some(flag) } => {
                assert!(!before.omitted().has(flag), "{flag:?} was left out before");
                for other in FLAGS {
                    let left_out = other == flag || before.omitted().has(other);
                    assert_eq!(
                        omitted.has(other),
                        left_out,
                        "{flag:?} is left out as well, and nothing else: {other:?}"
                    );
                }
            }
            other => panic!("a start because of {other:?}"),
        }
    }
    assert!(walk.count(|effect| matches!(effect, Effect::Spawn(_))) <= MOST_STARTS, "too many starts");
    if let Event::Exited { unknown: Some(flag) } = last.event {
        let worth = before.stop().is_none() && !before.result_seen() && !before.omitted().has(flag);
        assert_eq!(spawn.is_some(), worth, "another start without {flag:?}");
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
        assert!(killed >= told.plus(TERM_GRACE_MS), "SIGKILL {killed:?} within the grace after SIGTERM {told:?}");
    }
    if let (Some(stop), Event::Tick { now }) = (before.stop(), last.event) {
        let due = now >= time(&stop.event).unwrap().plus(TERM_GRACE_MS);
        assert_eq!(sent(Effect::Kill), due && !before.was_sent(Effect::Kill), "SIGKILL when the grace is over");
    }
    assert!(!sent(Effect::Sweep) || before.slot_granted(), "nothing ran that could be left behind");
}

/// Who works is stopped by a tick exactly when its deadline or its time to leave is due.
fn clock(before: &Walk, last: &Step) {
    let Event::Tick { now } = last.event else { return };
    let stopped = last.effects.contains(&Effect::Terminate);
    let working = before.stop().is_none();
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
    assert_eq!(released.len(), usize::from(ends && walk.slot_granted()), "the slot is given back once, if granted");
    assert!(concluded.iter().zip(&released).all(|(c, r)| c < r), "the slot is given back before the conclusion");
    let withdrawn = last.effects.contains(&Effect::WithdrawSlot);
    assert_eq!(withdrawn, ends && !walk.slot_granted(), "the request for a slot is taken back if none was granted");
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
        (None, Event::Cancel { by, .. }) => End::Cancelled { by },
        (Some(stop), Event::Exited { .. }) => by_cause(before, stop, answered),
        (Some(stop), Event::Tick { now }) => {
            let killed = before.steps.iter().find(|step| step.effects.contains(&Effect::Kill));
            let killed_at = time(&killed.expect("given up only after SIGKILL").event).unwrap();
            assert!(now >= killed_at.plus(KILL_GRACE_MS), "given up at {now:?} within the grace after SIGKILL");
            by_cause(before, stop, answered)
        }
        other => panic!("ended by {other:?}"),
    }
}

fn by_cause(before: &Walk, stop: &Step, answered: bool) -> End {
    match stop.event {
        Event::Cancel { by, .. } => End::Cancelled { by },
        Event::Spawned { .. } => End::Cancelled { by: first_canceller(before) },
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
        Event::Spawned { now } | Event::ResultSeen { now } | Event::Tick { now } | Event::Cancel { now, .. } => {
            Some(*now)
        }
        Event::SlotGranted | Event::SpawnFailed | Event::TurnBegan | Event::Exited { .. } => None,
    }
}

pub const FLAGS: [Flag; 6] = Flag::ALL;
