//! Random runs. The properties stand in `dispatch_history`; here is what happens to a run.

use agent_dispatch::machines::dispatch::{
    AnswerKind, CancelledBy, Effect, End, Event, KILL_GRACE_MS, Purpose, Run, SessionFate, SessionSigns, TERM_GRACE_MS,
    step,
};
use agent_dispatch::machines::rejected::Rejected;
use agent_dispatch::machines::time::Millis;
use proptest::prelude::*;
use proptest::sample::select;

use super::dispatch_history::{Walk, judge, later};
use super::walks;
use crate::spec::dispatch::REFUSALS;

/// More ticks than any run has deadlines: time to leave, deadline, SIGKILL, giving up.
const MOST_TICKS: usize = 4;

/// Walks that together come everywhere; fixed ones, so that this is so every time.
const GOING_AROUND: usize = 2_000;

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
    TasksChanged {
        alive: bool,
    },
    /// The process leaves before somebody's eyes, and knew all of its flags.
    Leaves {
        session: SessionFate,
        answer: AnswerKind,
    },
    Exited {
        flag: Option<usize>,
        seen: bool,
        session: SessionFate,
        answer: AnswerKind,
    },
    Cancel {
        by: CancelledBy,
    },
}

fn happening() -> impl Strategy<Value = Happening> {
    let by = select(vec![CancelledBy::Request, CancelledBy::CallerGone]);
    prop_oneof![
        12 => Just(Happening::Course),
        3 => select(vec![1, 99, 1_700, 2_000, 15_000, 60_000]).prop_map(|ms| Happening::Pass { ms }),
        5 => select(vec![-1, 0, 1]).prop_map(|off| Happening::TickNear { off }),
        1 => Just(Happening::Tick),
        1 => Just(Happening::SlotGranted),
        1 => Just(Happening::Spawned),
        1 => Just(Happening::SpawnFailed),
        3 => Just(Happening::ResultSeen),
        2 => Just(Happening::TurnBegan),
        3 => any::<bool>().prop_map(|alive| Happening::TasksChanged { alive }),
        6 => leaves(),
        6 => exited(),
        2 => by.prop_map(|by| Happening::Cancel { by }),
    ]
}

fn answer_kind() -> impl Strategy<Value = AnswerKind> {
    select(vec![AnswerKind::Final, AnswerKind::Misses, AnswerKind::Limited])
}

fn leaves() -> impl Strategy<Value = Happening> {
    let session = select(vec![SessionFate::Begun, SessionFate::Begun, SessionFate::Absent, SessionFate::Lost]);
    (session, answer_kind()).prop_map(|(session, answer)| Happening::Leaves { session, answer })
}

fn exited() -> impl Strategy<Value = Happening> {
    let flag = prop_oneof![1 => Just(None), 3 => (0..REFUSALS.len()).prop_map(Some)];
    let session = select(vec![SessionFate::Unstarted, SessionFate::Absent, SessionFate::Begun, SessionFate::Lost]);
    let exit = (flag, any::<bool>(), session, answer_kind());
    exit.prop_map(|(flag, seen, session, answer)| Happening::Exited { flag, seen, session, answer })
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
        Happening::Course if !walk.result_said() => Event::ResultSeen { now: *now },
        Happening::Course => {
            Event::Exited { unknown: None, seen: true, session: SessionFate::Begun, answer: AnswerKind::Final }
        }
        Happening::Pass { ms } => {
            *now = later(*now, ms);
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
        Happening::TasksChanged { alive } => Event::TasksChanged { alive, now: *now },
        Happening::Leaves { session, answer } => Event::Exited { unknown: None, seen: true, session, answer },
        Happening::Exited { flag, seen, session, answer } => {
            Event::Exited { unknown: flag.map(|index| REFUSALS[index]), seen, session, answer }
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
    if alive && walk.stop().is_none() {
        let expected = [walk.deadline(), walk.leave_by()].into_iter().flatten().min();
        assert_eq!(due, expected, "the next thing due, by what has happened: {:?}", walk.state);
    }
    if let Some(now) = due {
        let (next, _) = step(walk.state, &Event::Tick { now }).unwrap();
        assert_ne!(next, walk.state, "a tick at its deadline is without a consequence");
        if let Some(now) = now.0.checked_sub(1).map(Millis) {
            let (next, _) = step(walk.state, &Event::Tick { now }).unwrap();
            assert_eq!(next, walk.state, "a tick before its deadline has a consequence: {now:?}");
        }
    }
}

/// What one process of a run comes to.
#[derive(Debug, Clone, Copy)]
struct Course {
    /// Background tasks live.
    tasks: bool,
    answers: bool,
    /// How many of its deadlines pass before it is gone.
    ticks: usize,
    exit: Happening,
}

fn course() -> impl Strategy<Value = Course> {
    let tasks = prop::bool::weighted(0.1);
    (tasks, any::<bool>(), select(vec![0, 0, 0, 0, 1, 2]), prop_oneof![3 => leaves(), 1 => exited()])
        .prop_map(|(tasks, answers, ticks, exit)| Course { tasks, answers, ticks, exit })
}

/// A run that may go on in every way.
fn much_asked() -> impl Strategy<Value = Run> {
    (timeout(), 1..=3_u8).prop_map(|(timeout_ms, resumes)| Run::new(timeout_ms, resumes).repairable().waiting(2))
}

/// One process after the other, as far as the run goes on; judges after each step.
fn perform_courses(asked: Run, courses: &[Course], mut watch: impl FnMut(&Walk)) -> Walk {
    let (mut walk, mut now) = (Walk::begin(asked), Millis(1));
    let mut take = |walk: &mut Walk, happening: Happening| {
        if let Some(event) = event(happening, walk, &mut now).filter(|_| walk.ended().is_none()) {
            walk.take(event).unwrap();
            judge(walk);
            watch(walk);
        }
    };
    for course in courses {
        while walk.ended().is_none() && walk.alive_since().is_none() {
            take(&mut walk, Happening::Course);
        }
        if course.tasks {
            take(&mut walk, Happening::TasksChanged { alive: true });
        }
        if course.answers {
            take(&mut walk, Happening::ResultSeen);
        }
        for _ in 0..course.ticks {
            take(&mut walk, Happening::TickNear { off: 0 });
        }
        take(&mut walk, course.exit);
    }
    walk
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

    //= D-1 D-2 D-3 D-4 D-5 D-6 D-7 D-8 D-16 D-17 D-12 D-13 D-14 D-15 X-3
    #[test]
    fn a_run_keeps_its_promises(asked in asked(), happenings in prop::collection::vec(happening(), 1..40)) {
        perform(asked, &happenings);
    }

    //= D-2 D-7 D-8 D-14 D-16
    #[test]
    fn every_process_of_a_run_is_what_the_one_before_it_left(
        asked in much_asked(),
        lives in prop::collection::vec(prop::collection::vec(course(), 1..10), 8),
    ) {
        for courses in lives {
            perform_courses(asked, &courses, |_| ());
        }
    }

    //= D-11
    #[test]
    fn an_ended_run_takes_nothing(happenings in prop::collection::vec(happening(), 1..40), late in happening()) {
        let (mut walk, mut now) = perform(Run::new(10_000, 1).repairable().waiting(1), &happenings);
        if walk.ended().is_some() && let Some(event) = event(late, &walk, &mut now) {
            let expected = Err(Rejected::NoOp { state: "ended", event: event.name() });
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
            prop_assert!(last <= later(now, TERM_GRACE_MS + KILL_GRACE_MS), "over at {:?}, cancelled at {:?}", last, now);
        }
        prop_assert!(walk.ended().is_some(), "still in {:?}", walk.state);
    }

    //= D-10
    #[test]
    fn a_process_that_never_ends_is_given_up(timeout_ms in timeout(), talk in prop::collection::vec((0..30_000_u64, 0..4_u8), 0..30)) {
        let mut walk = Walk::begin(Run::new(timeout_ms, 1));
        walk.take(Event::SlotGranted).unwrap();
        let mut now = Millis(7);
        walk.take(Event::Spawned { now }).unwrap();
        let latest = later(later(now, timeout_ms), TERM_GRACE_MS + KILL_GRACE_MS);
        for (pause, what) in talk {
            now = later(now, pause);
            while let Some(due) = walk.state.next_deadline().filter(|due| *due <= now) {
                walk.take(Event::Tick { now: due }).unwrap();
                judge(&walk);
                prop_assert!(walk.ended().is_none() || due <= latest);
            }
            let said = match what {
                0 => Event::ResultSeen { now },
                1 => Event::TurnBegan,
                tasks => Event::TasksChanged { alive: tasks == 2, now },
            };
            prop_assert!(walk.take(said).is_ok() || walk.ended().is_some());
        }
        if let Some(last) = tick_to_the_end(&mut walk) {
            prop_assert!(last <= latest, "given up at {:?}, at the latest {:?}", last, latest);
        }
        prop_assert!(walk.ended().is_some(), "still in {:?}", walk.state);
    }

    /// However far its end has come already.
    //= D-15
    #[test]
    fn a_cancelled_run_goes_on_no_more(
        asked in asked(),
        happenings in prop::collection::vec(happening(), 0..10),
        ticks in 0..3_usize,
        by in select(vec![CancelledBy::Request, CancelledBy::CallerGone]),
        exit in exited(),
    ) {
        let (mut walk, mut now) = perform(asked, &happenings);
        while walk.ended().is_none() && walk.alive_since().is_none() {
            let event = event(Happening::Course, &walk, &mut now).unwrap();
            walk.take(event).unwrap();
        }
        for _ in 0..ticks {
            let Some(due) = walk.state.next_deadline() else { break };
            walk.take(Event::Tick { now: due }).unwrap();
        }
        let cancelled = walk.take(Event::Cancel { by, now: Millis(u64::MAX) }).is_ok();
        if let Some(exit) = event(exit, &walk, &mut now).filter(|_| cancelled) {
            walk.take(exit).unwrap();
            judge(&walk);
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
    assert_eq!(ends.len(), 9, "{ends:?}");
    assert!(ends.contains(&End::TimedOut { answered: true }));
    assert!(most_starts > 3, "a run that leaves out flags and goes on: {most_starts} starts");
}

/// Likewise what only a run of many processes comes to.
#[test]
fn the_courses_get_around() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let strategy = (much_asked(), prop::collection::vec(course(), 1..10));
    let (mut repairs_after_waiting, mut repairs_without_session) = (0, 0);
    for _ in 0..GOING_AROUND {
        let (asked, courses) = strategy.new_tree(&mut runner).unwrap().current();
        let waited = |run: &Run| run.purpose == Purpose::Repair && run.waits_left < asked.waits_left;
        let walk = perform_courses(asked, &courses, |walk| {
            repairs_without_session += usize::from(walk.repair_found_no_session());
        });
        repairs_after_waiting += walk.count(|effect| matches!(effect, Effect::Spawn(run) if waited(run)));
    }
    assert!(repairs_after_waiting > 3, "{repairs_after_waiting} repairs that met the usage limit and went on");
    assert!(repairs_without_session > 1, "{repairs_without_session} repairs whose session was not there");
}

/// A session is gone on with where it is there and its id is known; the task is given again only where nobody worked in one
/// that is gone, and where a session whose id nobody knows never began.
#[test]
fn what_is_left_of_a_session_follows_from_what_was_seen() {
    for bits in 0..32_u8 {
        let [started, begun, worked, missing, known] = [1, 2, 4, 8, 16].map(|bit| bits & bit != 0);
        let expected = match (begun && known && !missing, worked && missing || begun && !known) {
            _ if !started => SessionFate::Unstarted,
            (true, _) => SessionFate::Begun,
            (false, true) => SessionFate::Lost,
            (false, false) => SessionFate::Absent,
        };
        let signs = SessionSigns { started, begun, worked, missing, known };
        assert_eq!(SessionFate::of(signs), expected, "{signs:?}");
    }
}
