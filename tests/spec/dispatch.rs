//! The dispatch machine as a subject.

use agent_dispatch::machines::dispatch::{
    self, AnswerKind, CancelledBy, Effect, End, Event, KILL_GRACE_MS, LEAVE_GRACE_MS, Purpose, Run, SessionFate, State,
    StopReason, TERM_GRACE_MS,
};
use agent_dispatch::machines::flags::{Flag, Omission, Omitted};
use agent_dispatch::machines::limit::MAX_WAITS;
use agent_dispatch::machines::rejected::Rejected;
use agent_dispatch::machines::time::Millis;
use serde_json::{Value, json};
use strum::VariantArray;

use super::subject::{Datum, Guard, Seen, Subject};

pub struct Dispatch;

/// All that a CLI may say it does not take, where a run without it is still the run that was asked for.
pub const REFUSALS: [Omission; 9] = [
    Omission::Unknown(Flag::SessionId),
    Omission::Unknown(Flag::PermissionPrompts),
    Omission::Unknown(Flag::Settings),
    Omission::Unknown(Flag::AppendSystemPrompt),
    Omission::Unknown(Flag::SystemPromptSnapshot),
    Omission::Unknown(Flag::MaxBudget),
    Omission::Unknown(Flag::MaxTurns),
    Omission::Unknown(Flag::JsonSchema),
    Omission::ThisSchema,
];

const BYS: [CancelledBy; 2] = [CancelledBy::Request, CancelledBy::CallerGone];
const SESSIONS: [SessionFate; 4] = [SessionFate::Unstarted, SessionFate::Absent, SessionFate::Begun, SessionFate::Lost];
/// How long a process may run, in ms, and how often the run may go on.
const LIMITS: [(u64, u8); 4] = [(0, 0), (AT, 1), (AT, 3), (u64::MAX, 0)];
/// A deadline in the middle of the times of the scope.
const AT: u64 = 100;
/// Times before, at and after every deadline of the scope, and the end of time.
const TIMES: [u64; 9] = [0, AT - 1, AT, AT + 1, 1_800, 3_801, 15_000, 15_100, u64::MAX];
/// Times from which a deadline is counted. No guard compares them with anything, so that few show what all would.
const BEGINNINGS: [u64; 3] = [0, AT, u64::MAX];

impl Subject for Dispatch {
    const NAME: &'static str = "dispatch";
    type State = State;
    type Event = Event;
    type Effect = Effect;

    fn states() -> Vec<State> {
        let mut states = Vec::new();
        for run in runs() {
            states.push(State::Waiting { run });
            states.push(State::Starting { run, cancelled: None });
            states.extend(BYS.map(|by| State::Starting { run, cancelled: Some(by) }));
            for deadline in [AT, AT + 1, 15_100, u64::MAX].map(Millis) {
                for tasks in [false, true] {
                    let running = |answered| State::Running { run, deadline, answered, tasks };
                    states.extend([false, true].map(running));
                    let leave = [AT - 1, AT, 15_000].map(Millis);
                    states.extend(leave.map(|leave_by| State::Answered { run, deadline, leave_by, tasks }));
                }
            }
        }
        let ways = reasons().into_iter().flat_map(|reason| [(reason, false), (reason, true)]);
        for ((reason, answered), run) in ways.flat_map(|way| turns().into_iter().map(move |run| (way, run))) {
            for tasks in [false, true] {
                states.push(State::Terminating { run, reason, answered, tasks, kill_at: Millis(AT) });
                states.push(State::Killing { run, reason, answered, tasks, give_up_at: Millis(AT) });
            }
        }
        states.extend(ends().map(|end| State::Ended { end }));
        states
    }

    fn events() -> Vec<Event> {
        let mut events = vec![Event::SlotGranted, Event::SpawnFailed, Event::TurnBegan];
        // The rows do not tell the flags apart: one in the scope, one that is left out of it.
        let unknowns =
            [Flag::SessionId, Flag::JsonSchema].map(|flag| Some(Omission::Unknown(flag))).into_iter().chain([None]);
        let exits = unknowns.flat_map(|unknown| [false, true].map(|seen| (unknown, seen)));
        let exits = exits.flat_map(|exit| SESSIONS.map(|session| (exit, session)));
        let exits = exits
            .flat_map(|exit| [AnswerKind::Final, AnswerKind::Misses, AnswerKind::Limited].map(|answer| (exit, answer)));
        events.extend(exits.map(|(((unknown, seen), session), answer)| Event::Exited {
            unknown,
            seen,
            session,
            answer,
        }));
        events.extend(TIMES.map(|now| Event::Tick { now: Millis(now) }));
        for now in BEGINNINGS.map(Millis) {
            events.extend([Event::Spawned { now }, Event::ResultSeen { now }]);
            events.extend(BYS.map(|by| Event::Cancel { by, now }));
            events.extend([false, true].map(|alive| Event::TasksChanged { alive, now }));
        }
        events
    }

    /// Those that happen at [`AT`], and ticks when each deadline counted from there is over: every kind of state, with data
    /// that a run may really have. States on both sides of every limit are among `states`.
    fn ways() -> Vec<Event> {
        let on_the_way = |event: &Event| match event {
            Event::Tick { now } => [AT, 15_100, u64::MAX].contains(&now.0),
            Event::Spawned { now }
            | Event::ResultSeen { now }
            | Event::TasksChanged { now, .. }
            | Event::Cancel { now, .. } => now.0 == AT,
            Event::SlotGranted | Event::SpawnFailed | Event::TurnBegan | Event::Exited { .. } => true,
        };
        Self::events().into_iter().filter(on_the_way).collect()
    }

    /// The rows do not tell the flags apart: one that is left out shows what all would.
    fn in_scope(state: &State) -> bool {
        let run = match state {
            State::Waiting { run }
            | State::Starting { run, .. }
            | State::Running { run, .. }
            | State::Answered { run, .. }
            | State::Terminating { run, .. }
            | State::Killing { run, .. } => run,
            State::Ended { .. } => return true,
        };
        [Omitted::NOTHING, Omitted::NOTHING.and(Omission::Unknown(Flag::SessionId))].contains(&run.omitted)
    }

    fn firsts() -> Vec<(State, Vec<Effect>)> {
        let runs = LIMITS.map(|(timeout_ms, resumes_left)| Run::new(timeout_ms, resumes_left));
        let begun = runs.into_iter().flat_map(|run| [run, run.repairable().waiting(1)]).map(dispatch::begin);
        begun.map(|(state, effects)| (state, effects.into_iter().collect())).collect()
    }

    fn step(state: State, event: &Event) -> Result<(State, Vec<Effect>), Rejected> {
        dispatch::step(state, event).map(|(next, effects)| (next, effects.into_iter().collect()))
    }

    fn state_name(state: &State) -> &'static str {
        state.name()
    }

    fn groups(state: State) -> Vec<&'static str> {
        dispatch::groups(state)
    }

    fn event_name(event: &Event) -> &'static str {
        event.name()
    }

    fn guards() -> Vec<(&'static str, Guard<Self>)> {
        vec![
            ("cancel_pending", |state, _| !state.fields["cancelled"].is_null()),
            ("worth_another_start", |state, event| match event {
                Event::Exited { unknown: Some(omission), .. } => {
                    !is_left_out(&state.fields["run"]["omitted"], *omission) && state.fields["answered"] == json!(false)
                }
                _ => false,
            }),
            ("seen", |_, event| matches!(event, Event::Exited { seen: true, .. })),
            ("waits_for_limit", |state, event| {
                let limited = matches!(event, Event::Exited { answer: AnswerKind::Limited, .. });
                limited && session(event) != SessionFate::Lost && state.fields["run"]["waits_left"] != json!(0)
            }),
            ("worth_a_repair", |state, event| {
                let exit = matches!(
                    event,
                    Event::Exited { seen: true, session: SessionFate::Begun, answer: AnswerKind::Misses, .. }
                );
                exit && state.fields["run"]["repairs_left"] != json!(0)
            }),
            ("session_never_was", |state, event| {
                state.fields["run"]["purpose"] == json!("continue") && session(event) == SessionFate::Absent
            }),
            ("never_started", |_, event| session(event) == SessionFate::Unstarted),
            ("may_go_on", |state, event| {
                resumes_left(state) > 0 && [SessionFate::Absent, SessionFate::Begun].contains(&session(event))
            }),
            ("may_go_on_later", |state, _| resumes_left(state) > 0),
            ("out_of_time", |state, _| state.fields["reason"] == json!("timeout")),
            ("deadline_due", |state, event| now(event) >= state.number("deadline")),
            ("leave_due", |state, event| now(event) >= state.number("leave_by")),
            ("kill_due", |state, event| now(event) >= state.number("kill_at")),
            ("give_up_due", |state, event| now(event) >= state.number("give_up_at")),
            ("result_was_seen", |state, _| was_answered(state)),
            ("tasks_live", |state, _| tasks_live(state)),
            ("tasks_began", |state, event| alive(event) && !tasks_live(state)),
            ("tasks_ended", |state, event| !alive(event) && tasks_live(state)),
        ]
    }

    fn data() -> Vec<(&'static str, Datum<Self>)> {
        vec![
            ("nobody", |_, _| Value::Null),
            ("yes", |_, _| json!(true)),
            ("no", |_, _| json!(false)),
            ("whoever cancels", |_, event| by(event)),
            ("cancelled", |_, event| json!({"cancelled": {"by": by(event)}})),
            ("cancelled without an answer", |_, event| json!({"cancelled": {"by": by(event), "answered": false}})),
            ("cancelled earlier", |state, _| json!({"cancelled": {"by": state.fields["cancelled"]}})),
            ("timeout", |_, _| json!("timeout")),
            ("lingering", |_, _| json!("lingering")),
            ("not_started", |_, _| json!("not_started")),
            ("exited", |_, _| json!("exited")),
            ("whether a result was seen", |state, _| json!(was_answered(state))),
            ("now + timeout", |state, event| {
                json!(now(event).saturating_add(state.fields["run"]["timeout_ms"].as_u64().unwrap()))
            }),
            ("now + term_grace_ms", |_, event| json!(now(event).saturating_add(TERM_GRACE_MS))),
            ("now + kill_grace_ms", |_, event| json!(now(event).saturating_add(KILL_GRACE_MS))),
            ("deadline", |state, _| state.fields["deadline"].clone()),
            ("now + leave_grace_ms, at most deadline", |state, event| {
                json!(now(event).saturating_add(LEAVE_GRACE_MS).min(state.number("deadline")))
            }),
            ("the same without the unknown flag", |state, event| {
                let mut run = state.fields["run"].clone();
                if let Event::Exited { unknown: Some(omission), .. } = event {
                    run["omitted"] = json!(run["omitted"].as_u64().unwrap() | bit(*omission));
                }
                run
            }),
            ("the same with the task once more", |state, _| with_run(state, &[("purpose", json!("task"))])),
            ("as it goes on after the limit", |state, event| {
                let run = &state.fields["run"];
                let turn = match (session(event), &run["purpose"]) {
                    (SessionFate::Absent | SessionFate::Unstarted, _) => json!("task"),
                    (_, turn) if *turn == json!("repair") => json!("repair"),
                    _ => json!("continue"),
                };
                with_run(state, &[("purpose", turn), ("waits_left", json!(run["waits_left"].as_u64().unwrap() - 1))])
            }),
            ("as its answer is asked for again", |state, _| {
                let changes = [("purpose", json!("repair")), ("resumes_left", json!(0)), ("repairs_left", json!(0))];
                with_run(state, &changes)
            }),
            ("the same without going on", |state, _| with_run(state, &[("resumes_left", json!(0))])),
            ("as it goes on", |state, event| {
                let turn = if session(event) == SessionFate::Absent { "task" } else { "continue" };
                with_run(state, &[("purpose", json!(turn)), ("resumes_left", json!(resumes_left(state) - 1))])
            }),
            ("as the reason says", |state, _| {
                let fields = &state.fields;
                match &fields["reason"] {
                    Value::String(reason) if reason == "timeout" => {
                        json!({"timed_out": {"answered": fields["answered"]}})
                    }
                    Value::String(reason) if reason == "lingering" => json!("lingered"),
                    cancelled => {
                        let by = &cancelled["cancelled"]["by"];
                        json!({"cancelled": {"by": by, "answered": fields["answered"]}})
                    }
                }
            }),
        ]
    }

    fn first_datum(name: &str, state: &Seen<State>) -> Option<Value> {
        let asked = |name: &str| state.fields["run"][name].clone();
        let limits =
            ["timeout_ms", "resumes_left", "repairs_left", "waits_left"].map(|name| (name.to_owned(), asked(name)));
        let mut run = json!({"omitted": 0, "purpose": "task"});
        run.as_object_mut().unwrap().extend(limits);
        (name == "as asked").then_some(run)
    }

    fn payload(effect: &Effect) -> Option<Value> {
        match effect {
            Effect::Spawn(run) => Some(serde_json::to_value(run).unwrap()),
            Effect::Conclude(end) => Some(serde_json::to_value(end).unwrap()),
            Effect::RequestSlot
            | Effect::WithdrawSlot
            | Effect::Terminate
            | Effect::Kill
            | Effect::Sweep
            | Effect::NoteResumption
            | Effect::ReleaseSlot => None,
        }
    }

    fn numbers() -> Vec<(&'static str, u64)> {
        vec![
            ("term_grace_ms", TERM_GRACE_MS),
            ("kill_grace_ms", KILL_GRACE_MS),
            ("leave_grace_ms", LEAVE_GRACE_MS),
            ("max_waits", MAX_WAITS.into()),
        ]
    }
}

/// Every flag, and all of them, with the same limits, and every turn with all limits.
fn runs() -> Vec<Run> {
    let all = REFUSALS.into_iter().fold(Omitted::NOTHING, Omitted::and);
    let bits = REFUSALS.map(|omission| Omitted::NOTHING.and(omission)).into_iter().chain([all]);
    let flags = bits.map(|omitted| Run { omitted, ..Run::new(AT, 1) });
    flags.chain(turns()).collect()
}

fn turns() -> Vec<Run> {
    let limits = LIMITS.map(|(timeout_ms, resumes_left)| Run::new(timeout_ms, resumes_left));
    let tried =
        limits.into_iter().flat_map(|run| [Purpose::Task, Purpose::Continue].map(|purpose| Run { purpose, ..run }));
    let repairable = Run::new(AT, 1).repairable();
    let repaired = repairable.repaired(true, SessionFate::Begun).unwrap();
    let patient = [Run::new(AT, 1), repairable, repaired].map(|run| run.waiting(2));
    tried.chain([repairable, repaired]).chain(patient).collect()
}

/// The run of a state, with these fields instead of its own.
fn with_run(state: &Seen<State>, changes: &[(&str, Value)]) -> Value {
    let mut run = state.fields["run"].clone();
    for (name, value) in changes {
        run[*name] = value.clone();
    }
    run
}

fn resumes_left(state: &Seen<State>) -> u64 {
    state.fields["run"]["resumes_left"].as_u64().unwrap()
}

fn session(event: &Event) -> SessionFate {
    match event {
        Event::Exited { session, .. } => *session,
        _ => panic!("{event:?} tells of no session"),
    }
}

fn reasons() -> Vec<StopReason> {
    let mut reasons = vec![StopReason::Timeout, StopReason::Lingering];
    reasons.extend(BYS.map(|by| StopReason::Cancelled { by }));
    reasons
}

fn ends() -> [End; 9] {
    let timed_out = |answered| End::TimedOut { answered };
    let [a, b] = BYS.map(|by| End::Cancelled { by, answered: false });
    let [c, d] = BYS.map(|by| End::Cancelled { by, answered: true });
    [End::NotStarted, End::Exited, End::Lingered, timed_out(false), timed_out(true), a, b, c, d]
}

fn was_answered(state: &Seen<State>) -> bool {
    matches!(state.state, State::Answered { .. }) || state.fields["answered"] == json!(true)
}

fn tasks_live(state: &Seen<State>) -> bool {
    state.fields["tasks"] == json!(true)
}

fn alive(event: &Event) -> bool {
    match event {
        Event::TasksChanged { alive, .. } => *alive,
        _ => panic!("{event:?} tells of no tasks"),
    }
}

fn now(event: &Event) -> u64 {
    match event {
        Event::Spawned { now }
        | Event::ResultSeen { now }
        | Event::TasksChanged { now, .. }
        | Event::Tick { now }
        | Event::Cancel { now, .. } => now.0,
        _ => panic!("{event:?} carries no time"),
    }
}

fn by(event: &Event) -> Value {
    match event {
        Event::Cancel { by, .. } => serde_json::to_value(by).unwrap(),
        _ => panic!("{event:?} has nobody who cancels"),
    }
}

/// The schema is one option, whatever it is left out for.
fn is_left_out(omitted: &Value, omission: Omission) -> bool {
    let schema = [Omission::Unknown(Flag::JsonSchema), Omission::ThisSchema, Omission::UnboundedSchema];
    let reasons = if schema.contains(&omission) { schema.to_vec() } else { vec![omission] };
    reasons.into_iter().any(|reason| omitted.as_u64().unwrap() & bit(reason) != 0)
}

/// The bit that stands for an omission in the set of them, as a state is serialized.
fn bit(omission: Omission) -> u64 {
    let place = match omission {
        Omission::Unknown(flag) => Flag::VARIANTS.iter().position(|other| *other == flag).unwrap(),
        Omission::ThisSchema => Flag::VARIANTS.len(),
        Omission::UnboundedSchema => Flag::VARIANTS.len() + 1,
    };
    1 << place
}
