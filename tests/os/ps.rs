//! Lines of `ps`.

use agent_dispatch::os::reading::ps::Row;
use proptest::prelude::*;

/// The moment of the list, in seconds since 1970.
const NOW: u64 = 1_800_000_000;

#[test]
fn a_line_is_read_whatever_is_in_the_arguments() {
    let row = Row::read("   4711       1    4700 ada      01:02:03 /usr/bin/claude -p  two  spaces ", NOW).unwrap();
    assert_eq!((row.pid, row.parent, row.group, row.user.as_str()), (4711, 1, 4700, "ada"));
    assert_eq!(row.started, NOW - 3_723);
    assert_eq!(row.arguments, "/usr/bin/claude -p  two  spaces");
}

#[test]
fn an_age_has_minutes_or_hours_or_days() {
    for (age, seconds) in [("00:07", 7), ("59:59", 3_599), ("01:00:00", 3_600), ("2-03:04:05", 183_845)] {
        let row = Row::read(&format!("7 1 7 ada {age} sleep"), NOW).unwrap();
        assert_eq!(NOW - row.started, seconds, "{age}");
    }
}

/// What `ps` shows of one that was started after it looked at the clock, and what no age is: the process is there.
#[test]
fn a_process_with_an_age_that_cannot_be_was_started_now() {
    for age in ["441077234-00:18:40", "99999999999-00:00:00", "18446744073709551615-23:59:59", "-", "soon"] {
        let row = Row::read(&format!("7 1 7 ada {age} sleep 5"), NOW).unwrap_or_else(|| panic!("{age}"));
        assert_eq!((row.pid, row.started, row.arguments.as_str()), (7, NOW, "sleep 5"), "{age}");
    }
}

#[test]
fn what_is_no_living_process_is_none() {
    for line in ["", "  PID  PPID", "7 1 7 ada 00:07 [sleep] <defunct>", "x 1 7 ada 00:07 sleep", "7 1 7 ada sleep"] {
        assert_eq!(Row::read(line, NOW), None, "{line}");
    }
}

proptest! {
    #[test]
    fn any_line_is_read_or_refused(line in "\\PC{0,80}") {
        let _ = Row::read(&line, NOW);
    }

    #[test]
    fn what_was_written_is_read(pid in 2..i32::MAX, parent in 0..i32::MAX, group in 1..i32::MAX, age in 0_u64..86_400) {
        let clock = format!("{:02}:{:02}:{:02}", age / 3_600, age / 60 % 60, age % 60);
        let row = Row::read(&format!("{pid:>7} {parent:>7} {group:>7} ada {clock:>11} a b"), NOW).unwrap();
        prop_assert_eq!((row.pid, row.parent, row.group, NOW - row.started), (pid, parent, group, age));
    }
}
