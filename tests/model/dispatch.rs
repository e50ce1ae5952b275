//! Random runs. The properties stand in `dispatch_history`; here is what happens to a run.

use agent_dispatch::machines::dispatch::{
    CancelledBy, Effect, End, Event, KILL_GRACE_MS, Run, Session, SessionSigns, TERM_GRACE_MS, Worth, step,
};
use agent_dispatch::machines::refused::Refused;
use agent_dispatch::machines::time::Millis;
use proptest::prelude::*;
use proptest::sample::select;

use super::dispatch_history::{FLAGS, Walk, judge};
use super::walks;

/// More ticks than any run has deadlines: time to leave, deadline, SIGKILL, giving up.
const MOST_TICKS: usize = 4;

/// Walks that together come everywhere; fixed ones, so that this is so every time.
const GOING_AROUND: usize = 1_000;

/// What may happen next. Times are relative, so that a walk stays sensible while it shrinks.
#[derive(Debug, Clone, Copy)]
enum Happening {
    /// What comes next in an undisturbed run.
    Course,
    /// The clock goes on; nothing is told.
    Pass {
        ms: u64,
    },
    /// A tick so many ms after (or before) the next deadline.
    TickNear {
        off: i64,
    },
    Tick,
    SlotGranted,
    Spawned,
    SpawnFailed,
    ResultSeen,
    TurnBegan,
    Exited {
        flag: Option<usize>,
        seen: bool,
        session: Session,
        answer: Worth,
    },
    Cancel {
        by: CancelledBy,
    },
}

fn happening() -> impl Strategy<Value = Happening> {
    let by = select(vec![CancelledBy::Request, CancelledBy::CallerGone]);
    let flag = prop_oneof![1 => Just(None), 3 => (0..FLAGS.len()).prop_map(Some)];
    let session = select(vec![Session::Unstarted, Session::Absent, Session::Begun, Session::Lost]);
    prop_oneof![
        7 => Just(Happening::Course),
        3 => select(vec![1, 99, 1_700, 2_000, 15_000, 60_000]).prop_map(|ms| Happening::Pass { ms }),
        5 => select(vec![-1, 0, 1]).prop_map(|off| Happening::TickNear { off }),
        1 => Just(Happening::Tick),
        1 => Just(Happening::SlotGranted),
        1 => Just(Happening::Spawned),
        1 => Just(Happening::SpawnFailed),
        3 => Just(Happening::ResultSeen),
        2 => Just(Happening::TurnBegan),
        9 => (flag, any::<bool>(), session, select(vec![Worth::Final, Worth::Misses, Worth::Limited])).prop_map(|(flag, seen, session, answer)| Happening::Exited { flag, seen, session, answer }),
        2 => by.prop_map(|by| Happening::Cancel { by }),
    ]
}

fn timeout() -> impl Strategy<Value = u64> {
    select(vec![0, 1, 10_000, 20_000, 300_000, u64::MAX])
}

/// A run as somebody may ask for it: time for each process, how often it may go on, whether its answer must match a schema,
/// how often it may wait for the usage limit.
fn asked() -> impl Strategy<Value = Run> {
    let run = (timeout(), select(vec![0, 0, 1, 3])).prop_map(|(timeout_ms, resumes)| Run::new(timeout_ms, resumes));
    let schema = any::<bool>();
    (run, schema, select(vec![0, 1, 2])).prop_map(|(run, schema, waits)| {
        let run = run.waiting(waits);
        if schema { run.repairable() } else { run }
    })
}

fn event(happening: Happening, walk: &Walk, now: &mut Millis) -> Option<Event> {
    Some(match happening {
        Happening::Course if !walk.holds_slot() => Event::SlotGranted,
        Happening::Course if walk.start_is_pending() => Event::Spawned { now: *now },
        Happening::Course if !walk.result_seen() => Event::ResultSeen { now: *now },
        Happening::Course => Event::Exited { unknown: None, seen: true, session: Session::Begun, answer: Worth::Final },
        Happening::Pass { ms } => {
            *now = now.plus(ms);
            return None;
        }
        Happening::TickNear { off } => {
            let due = walk.state.next_deadline()?.0.saturating_add_signed(off);
            *now = (*now).max(Millis(due));
            Event::Tick { now: *now }
        }
        Happening::Tick => Event::Tick { now: *now },
        Happening::SlotGranted => Event::SlotGranted,
        Happening::Spawned => Event::Spawned { now: *now },
        Happening::SpawnFailed => Event::SpawnFailed,
        Happening::ResultSeen => Event::ResultSeen { now: *now },
        Happening::TurnBegan => Event::TurnBegan,
        Happening::Exited { flag, seen, session, answer } => {
            Event::Exited { unknown: flag.map(|index| FLAGS[index]), seen, session, answer }
        }
        Happening::Cancel { by } => Event::Cancel { by, now: *now },
    })
}

/// Performs the happenings and judges after each.
fn perform(asked: Run, happenings: &[Happening]) -> (Walk, Millis) {
    perform_watched(asked, happenings, |_| ())
}

fn perform_watched(asked: Run, happenings: &[Happening], mut watch: impl FnMut(&Walk)) -> (Walk, Millis) {
    let (mut walk, mut now) = (Walk::begin(asked), Millis(0));
    for happening in happenings {
        watch(&walk);
        let Some(event) = event(*happening, &walk, &mut now) else { continue };
        if walk.take(event).is_ok() {
            judge(&walk);
        }
        tells_its_deadline(&walk);
    }
    watch(&walk);
    (walk, now)
}

fn tells_its_deadline(walk: &Walk) {
    let alive = walk.ended().is_none() && walk.alive_since().is_some();
    let due = walk.state.next_deadline();
    assert_eq!(due.is_some(), alive, "a deadline exactly while the process is alive: {:?}", walk.state);
    if let Some(now) = due {
        let (next, _) = step(walk.state, &Event::Tick { now }).unwrap();
        assert_ne!(next, walk.state, "a tick at its deadline is without a consequence");
        if let Some(now) = now.0.checked_sub(1).map(Millis) {
            let (next, _) = step(walk.state, &Event::Tick { now }).unwrap();
            assert_eq!(next, walk.state, "a tick before its deadline has a consequence: {now:?}");
        }
    }
}

/// Ticks at each deadline until the end. Returns the time of the last one.
fn tick_to_the_end(walk: &mut Walk) -> Option<Millis> {
    let mut last = None;
    for _ in 0..MOST_TICKS {
        let Some(now) = walk.state.next_deadline() else { break };
        walk.take(Event::Tick { now }).unwrap();
        judge(walk);
        last = Some(now);
    }
    last
}

proptest! {
    #![proptest_config(walks())]

    //= D-1 D-2 D-3 D-4 D-5 D-6 D-7 D-8 D-16 D-12 D-13 D-14 D-15 X-3
    #[test]
    fn a_run_keeps_its_promises(asked in asked(), happenings in prop::collection::vec(happening(), 1..40)) {
        perform(asked, &happenings);
    }

    //= D-11
    #[test]
    fn an_ended_run_takes_nothing(happenings in prop::collection::vec(happening(), 1..40), late in happening()) {
        let (mut walk, mut now) = perform(Run::new(10_000, 1).repairable().waiting(1), &happenings);
        if walk.ended().is_some() && let Some(event) = event(late, &walk, &mut now) {
            let expected = Err(Refused::AlreadyThere { state: "ended", event: event.name() });
            prop_assert_eq!(walk.take(event), expected);
        }
    }

    //= D-9
    #[test]
    fn a_cancelled_run_is_soon_over(
        asked in asked(),
        happenings in prop::collection::vec(happening(), 0..20),
        by in select(vec![CancelledBy::Request, CancelledBy::CallerGone]),
    ) {
        let (mut walk, now) = perform(asked, &happenings);
        let over = walk.ended().is_some();
        let taken = walk.take(Event::Cancel { by, now });
        prop_assert_eq!(taken.is_err(), over, "a cancel is taken at any point before the end");
        if walk.start_is_pending() {
            walk.take(Event::Spawned { now }).unwrap();
        }
        if let Some(last) = tick_to_the_end(&mut walk) {
            prop_assert!(last <= now.plus(TERM_GRACE_MS + KILL_GRACE_MS), "over at {:?}, cancelled at {:?}", last, now);
        }
        prop_assert!(walk.ended().is_some(), "still in {:?}", walk.state);
    }

    //= D-10
    #[test]
    fn a_process_that_never_ends_is_given_up(timeout_ms in timeout(), talk in prop::collection::vec((0..30_000_u64, any::<bool>()), 0..30)) {
        let mut walk = Walk::begin(Run::new(timeout_ms, 1));
        walk.take(Event::SlotGranted).unwrap();
        let mut now = Millis(7);
        walk.take(Event::Spawned { now }).unwrap();
        let latest = now.plus(timeout_ms).plus(TERM_GRACE_MS + KILL_GRACE_MS);
        for (pause, result) in talk {
            now = now.plus(pause);
            while let Some(due) = walk.state.next_deadline().filter(|due| *due <= now) {
                walk.take(Event::Tick { now: due }).unwrap();
                judge(&walk);
                prop_assert!(walk.ended().is_none() || due <= latest);
            }
            let said = if result { Event::ResultSeen { now } } else { Event::TurnBegan };
            prop_assert!(walk.take(said).is_ok() || walk.ended().is_some());
        }
        if let Some(last) = tick_to_the_end(&mut walk) {
            prop_assert!(last <= latest, "given up at {:?}, at the latest {:?}", last, latest);
        }
        prop_assert!(walk.ended().is_some(), "still in {:?}", walk.state);
    }

    /// The liveness phase: whatever happened before, once nothing fails any more the run comes to its end.
    #[test]
    fn without_faults_every_run_ends(asked in asked(), happenings in prop::collection::vec(happening(), 0..30)) {
        let (mut walk, now) = perform(asked, &happenings);
        for _ in 0..6 {
            if walk.ended().is_some() {
                break;
            }
            let event = event(Happening::Course, &walk, &mut now.clone()).unwrap();
            walk.take(event).unwrap();
            judge(&walk);
        }
        prop_assert!(walk.ended().is_some(), "still in {:?}", walk.state);
    }
}

/// The walks come to every state and every kind of end; otherwise what they hold is little.
#[test]
fn the_walks_get_around() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let strategy = (asked(), prop::collection::vec(happening(), 1..40));
    let (mut states, mut ends) = (std::collections::BTreeSet::new(), Vec::new());
    let mut most_starts = 0;
    for _ in 0..GOING_AROUND {
        let (asked, happenings) = strategy.new_tree(&mut runner).unwrap().current();
        let (walk, _) = perform_watched(asked, &happenings, |walk| {
            states.insert(walk.state.name());
        });
        most_starts = most_starts.max(walk.count(|effect| matches!(effect, Effect::Spawn(_))));
        ends.extend(walk.ended().filter(|end| !ends.contains(end)));
    }
    assert_eq!(states.len(), 7, "{states:?}");
    assert_eq!(ends.len(), 7, "{ends:?}");
    assert!(ends.contains(&End::TimedOut { answered: true }));
    assert!(most_starts > 3, "a run that leaves out flags and goes on: {most_starts} starts");
}

/// A session is gone on with where it is there and its id is known; the task is given again only where nobody worked in one
/// that is gone, and where a session whose id nobody knows never began.
#[test]
fn what_is_left_of_a_session_follows_from_what_was_seen() {
    for bits in 0..32_u8 {
        let [started, begun, worked, missing, known] = [1, 2, 4, 8, 16].map(|bit| bits & bit != 0);
        let expected = match (begun && known && !missing, worked && missing || begun && !known) {
            _ if !started => Session::Unstarted,
            (true, _) => Session::Begun,
            (false, true) => Session::Lost,
            (false, false) => Session::Absent,
        };
        let signs = SessionSigns { started, begun, worked, missing, known };
        assert_eq!(Session::of(signs), expected, "{signs:?}");
    }
}
