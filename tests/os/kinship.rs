//! Which processes belong to a run, where marks are hidden.

use std::collections::BTreeSet;

use agent_dispatch::machines::kinship::{Mark, Process, Roots, members};
use proptest::prelude::*;

const fn process(pid: i32, parent: i32, group: i32, mark: Mark) -> Process {
    Process { pid, parent, group, session: None, mark }
}

fn of(processes: &[Process], leader: Option<i32>, known: &[i32]) -> Vec<i32> {
    let roots = Roots { leader, supervisor: None, known: known.iter().copied().collect() };
    members(processes, &roots).into_iter().collect()
}

#[test]
fn a_marked_process_brings_what_it_started() {
    use Mark::{Foreign, Hidden, Own};
    // claude (10) started a shell in a session of its own (11), that one a program (12); 20 is the user's terminal.
    let all = [
        process(10, 2, 10, Own),
        process(11, 10, 11, Hidden),
        process(12, 11, 11, Hidden),
        process(20, 1, 20, Hidden),
        process(21, 20, 21, Foreign),
    ];
    assert_eq!(of(&all, None, &[]), [10, 11, 12]);
}

#[test]
fn a_supervisor_that_a_run_asked_for_is_no_part_of_it_nor_is_what_it_runs() {
    use Mark::{Foreign, Hidden};
    let all = [
        process(10, 2, 10, Hidden),
        process(11, 10, 10, Hidden),
        process(12, 11, 12, Foreign),
        process(13, 12, 13, Hidden),
    ];
    assert_eq!(of(&all, Some(10), &[]), [10, 11]);
}

#[test]
fn the_group_of_a_leader_that_is_gone_and_what_was_seen_before_belong_to_it() {
    use Mark::Hidden;
    let all = [process(11, 1, 10, Hidden), process(12, 1, 12, Hidden), process(13, 12, 13, Hidden)];
    assert_eq!(of(&all, Some(10), &[12]), [11, 12, 13]);
    assert_eq!(of(&all, Some(10), &[]), [11]);
    assert_eq!(of(&all, None, &[]), Vec::<i32>::new());
}

#[test]
fn the_session_of_its_supervisor_belongs_to_it_but_not_the_supervisor() {
    use Mark::{Foreign, Hidden};
    let of_session = |session, process| Process { session: Some(session), ..process };
    let all = [
        of_session(9, process(9, 1, 9, Hidden)),
        of_session(9, process(10, 9, 10, Hidden)),
        of_session(11, process(11, 10, 11, Hidden)),
        of_session(9, process(12, 10, 12, Foreign)),
        of_session(20, process(20, 1, 20, Hidden)),
    ];
    let roots = |supervisor| Roots { supervisor, ..Roots::default() };
    assert_eq!(members(&all, &roots(Some(9))), BTreeSet::from([10, 11]));
    assert_eq!(members(&all, &roots(None)), BTreeSet::new());
}

prop_compose! {
    /// A forest, as the system has it: a parent is older than its child, and may be gone.
    fn forest()(shape in prop::collection::vec((0_usize..40, 0..4_u8, 0..3_u8, 0..4_u8), 1..40)) -> Vec<Process> {
        let pid = |index: usize| 100 + i32::try_from(index).unwrap();
        let mark = |mark| [Mark::Own, Mark::Foreign, Mark::Hidden][usize::from(mark)];
        let of = |(index, (parent, group, marked, session)): (usize, &(usize, u8, u8, u8))| {
            let parent = if *parent < index { pid(*parent) } else { 1 };
            let session = (*session > 0).then(|| 100 + i32::from(*session));
            Process { session, ..process(pid(index), parent, 100 + i32::from(*group), mark(*marked)) }
        };
        shape.iter().enumerate().map(of).collect()
    }
}

proptest! {
    #[test]
    fn nothing_foreign_belongs_and_whatever_a_member_started_does(
        all in forest(),
        leader in prop::option::of(100..104_i32),
        supervisor in prop::option::of(100..104_i32),
        known in prop::collection::btree_set(100..140_i32, 0..4),
    ) {
        let found = members(&all, &Roots { leader, supervisor, known: known.clone() });
        for process in &all {
            let belongs = found.contains(&process.pid);
            let from_above = found.contains(&process.parent);
            let in_session = supervisor.is_some() && process.session == supervisor && supervisor != Some(process.pid);
            let by_itself = known.contains(&process.pid) || leader == Some(process.group) || in_session;
            let expected = match process.mark {
                Mark::Own => true,
                Mark::Foreign => false,
                Mark::Hidden => by_itself || from_above,
            };
            prop_assert_eq!(belongs, expected, "{:?}", process);
        }
        let there = all.iter().map(|process| process.pid).collect::<BTreeSet<_>>();
        prop_assert!(found.is_subset(&there));
    }
}
