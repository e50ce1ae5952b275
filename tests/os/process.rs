//! Processes of this machine, by whatever the system has.

use std::collections::BTreeSet;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use agent_dispatch::os::capability;
use agent_dispatch::os::process::{Found, Incarnation, Run, find, leader_lives, of_user, signal, to_note};
use rustix::process::Signal;

use crate::support::processes::ended;
use crate::support::until;

/// Longer than any test.
const LONG: &str = "600";

/// A process that ends with its test, however that ends.
struct Sleeper(Child);

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn sleeper(mark: &str) -> Sleeper {
    let (name, value) = mark.split_once('=').unwrap();
    let mut command = Command::new("sleep");
    command.arg(LONG).env(name, value).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Sleeper(command.process_group(0).spawn().unwrap())
}

fn pid(sleeper: &Sleeper) -> i32 {
    i32::try_from(sleeper.0.id()).unwrap()
}

#[test]
fn a_run_is_found_signalled_and_seen_to_end() {
    let mark = format!("AGENT_DISPATCH_TEST_RUN={}", std::process::id());
    let (mut child, mut other) = (sleeper(&mark), sleeper("AGENT_DISPATCH_TEST_RUN=other"));
    let leader = to_note(pid(&child));
    let known = BTreeSet::new();
    let run = Run { mark: &mark, leader, supervisor: None, known: &known };
    // Until it has become the program, its environment is another one.
    let members = until("the process to be found", || Some(find(&run).members).filter(|members| !members.is_empty()));
    let pids = members.iter().map(|process| process.pid).collect::<Vec<_>>();
    assert_eq!(pids, [pid(&child)]);
    assert_eq!(leader_lives(&run), Some(true));
    let member = *members.first().unwrap();
    assert!(signal(member, &run, Signal::KILL));
    ended(&mut child.0);
    assert!(!signal(member, &run, Signal::KILL));
    assert_eq!(find(&run).members, BTreeSet::new());
    assert_eq!(leader_lives(&run), Some(false));
    assert_eq!(other.0.try_wait().unwrap(), None);
}

/// A process that was given the id of one that was noted is not taken for it.
#[test]
fn a_process_that_was_started_at_another_time_is_another_one() {
    let child = sleeper("AGENT_DISPATCH_TEST_RUN=reused");
    let noted = to_note(pid(&child));
    let known = BTreeSet::new();
    let earlier = noted.map(|noted| Incarnation { started: noted.started - 1_000, ..noted });
    let run = Run { mark: "AGENT_DISPATCH_TEST_RUN=none", leader: earlier, supervisor: None, known: &known };
    assert_eq!(find(&run).members, Found::default().members);
}

#[test]
fn a_note_is_read_as_it_was_written_and_nothing_else_is() {
    let noted = Incarnation { pid: 4711, started: 99 };
    assert_eq!(format!("{noted}\n").parse(), Ok(noted));
    for text in ["", "4711", "1 99", "0 99", "-4711 99", "4711 soon", "4711 -1", "4711 99 7"] {
        assert!(text.parse::<Incarnation>().is_err(), "{text}");
    }
}

#[test]
fn the_processes_of_the_user_are_shown() {
    let child = sleeper("AGENT_DISPATCH_TEST_RUN=shown");
    let is_it = |arguments: &[std::ffi::OsString]| arguments.first().is_some_and(|name| name == "sleep");
    let shown = until("the process to be shown", || {
        of_user(&is_it).unwrap().into_iter().find(|process| process.pid == pid(&child))
    });
    assert_eq!(shown.arguments[1], LONG);
    assert!(!shown.program.unwrap().gone);
}

/// The machine that the suite runs on lacks nothing that could be mended.
#[test]
fn what_is_lacking_here_is_how_the_system_is() {
    let lacks = capability::lacks();
    assert_eq!(lacks.is_empty(), cfg!(all(target_os = "linux", not(feature = "portable"))), "{lacks:?}");
    assert!(lacks.iter().all(|lack| lack.remedy.is_none()), "{lacks:?}");
}
