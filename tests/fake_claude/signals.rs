//! Signals and processes (chapter 8).

use std::fs::{self, File};
use std::os::unix::process::CommandExt;

use rustix::process::Signal;

use super::{Reaper, STREAM, World, pid_in, until};
use crate::support::processes::{alive, group, stderr_of};

#[test]
fn sigterm_exits_with_143_and_adds_nothing() {
    let world = World::with("say thinking\nsilence");
    let run = world.start(&STREAM, b"x");
    run.shows("thinking");
    run.signal(Signal::TERM);
    let done = run.wait();
    assert_eq!((done.code(), done.kinds()), (Some(143), vec!["init".to_owned(), "assistant".to_owned()]));
    let id = done.events()[0]["session_id"].as_str().unwrap().to_owned();
    let world = world.env("FAKE_CLAUDE_SCENE", "say hi");
    assert_eq!(world.stream(&[&format!("--resume={id}")], "again").code(), Some(0));
}

/// SIGQUIT is left out: a shell hands it down as ignored to what it runs in the background.
#[test]
fn sighup_exits_with_129_and_kill_kills() {
    for (signal, code, by) in [(Signal::HUP, Some(129), None), (Signal::KILL, None, Some(9))] {
        let world = World::with("say up\nsilence");
        let run = world.start(&STREAM, b"x");
        run.shows("\"up\"");
        run.signal(signal);
        let done = run.wait();
        assert_eq!((done.code(), done.signal()), (code, by));
    }
}

/// Before the first byte nothing is said; in the middle of an answer an error that exits with 0; in a tool with 1.
#[test]
fn sigint_depends_on_the_stage() {
    for (scene, shown, code, reason) in [
        ("silence", "init", 0, None),
        ("say half\nsilence", "half", 0, Some("aborted_streaming")),
        ("tool-hang Bash", "tool_use", 1, Some("aborted_tools")),
    ] {
        let world = World::with(scene);
        let run = world.start(&STREAM, b"x");
        run.shows(shown);
        run.signal(Signal::INT);
        let done = run.wait();
        assert_eq!(done.code(), Some(code), "{scene}");
        let result = done.events().into_iter().find(|e| e["type"] == "result");
        assert_eq!(result.as_ref().and_then(|r| r["terminal_reason"].as_str()), reason, "{scene}");
        assert!(result.is_none_or(|r| r["subtype"] == "error_during_execution"));
    }
    let world = World::with("say half\ntouch ready\nsilence");
    let run = world.start(&["-p"], b"x");
    until("the scene", || world.path("work/ready").exists().then_some(()));
    run.signal(Signal::INT);
    assert_eq!(run.wait().stdout(), "Execution error");
}

#[test]
fn sigterm_can_be_ignored_delayed_or_answered() {
    let world = World::with("ignore-term\nsay up\nwait-file go\nresult stubborn");
    let run = world.start(&STREAM, b"x");
    run.shows("\"up\"");
    run.signal(Signal::TERM);
    run.signal(Signal::KILL);
    assert_eq!(run.wait().signal(), Some(9));

    let world = World::with("ignore-term\nsay up\nwait-file go\nresult stubborn");
    let run = world.start(&STREAM, b"x");
    run.shows("\"up\"");
    run.signal(Signal::TERM);
    fs::write(world.path("work/go"), "").unwrap();
    let done = run.wait();
    assert_eq!((done.code(), done.result()["result"].as_str()), (Some(0), Some("stubborn")));

    for (verb, says) in [("on-term after 20", false), ("on-term result", true)] {
        let world = World::with(&format!("{verb}\nsay up\nsilence"));
        let run = world.start(&STREAM, b"x");
        run.shows("\"up\"");
        run.signal(Signal::TERM);
        let done = run.wait();
        assert_eq!((done.code(), done.kinds().contains(&"result".to_owned())), (Some(143), says), "{verb}");
    }
}

#[test]
fn a_run_can_die_by_any_signal_at_any_point() {
    for (name, number) in [("KILL", 9), ("SEGV", 11), ("ABRT", 6), ("TERM", 15), ("BUS", 7)] {
        for before in ["no-init\n", "", "say half\n", "result whole\n"] {
            let done = World::with(&format!("{before}signal {name}")).stream(&[], "x");
            assert_eq!(done.signal(), Some(number), "{before}{name}");
            assert_eq!(done.bytes.is_empty(), before == "no-init\n");
            assert_eq!(done.stdout().contains("\"result\":\"whole\""), before.starts_with("result"));
        }
    }
}

/// Chapter 8: a Bash call has its own session, so the group's end does not reach it; it holds none of the run's files.
#[test]
fn bash_outlives_its_group_and_holds_nothing() {
    let world = World::with("bash echo $$ > pid; exec sleep 50");
    let fence = File::create(world.path("fence")).unwrap();
    fence.lock().unwrap();
    let mut command = world.command(&[&STREAM[..], &["x"]].concat());
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
    let mut child = command.stderr(fence.try_clone().unwrap()).process_group(0).spawn().unwrap();
    drop((command, fence));
    let bash = pid_in(&world.path("work/pid"));
    let reaper = Reaper(bash);
    let session = rustix::process::getsid(rustix::process::Pid::from_raw(bash)).unwrap();
    assert_eq!(session.as_raw_nonzero().get(), bash);
    rustix::process::kill_process_group(rustix::process::Pid::from_child(&child), Signal::KILL).unwrap();
    child.wait().unwrap();
    assert!(alive(bash));
    File::open(world.path("fence")).unwrap().try_lock().unwrap();
    drop(reaper);
    until("bash to end", || (!alive(bash)).then_some(()));
}

/// An interrupt ends a foreground command.
#[test]
fn sigint_ends_a_command() {
    let world = World::with("bash echo $$ > pid; exec sleep 50");
    let run = world.start(&STREAM, b"x");
    let bash = pid_in(&world.path("work/pid"));
    let _reaper = Reaper(bash);
    run.signal(Signal::INT);
    let done = run.wait();
    assert_eq!((done.code(), done.result()["terminal_reason"].as_str()), (Some(1), Some("aborted_tools")));
    assert!(done.stdout().contains("doesn't want to proceed"));
    until("bash to end", || (!alive(bash)).then_some(()));
}

/// Chapter 12: what a command's environment has more than the run's.
#[test]
fn commands_run_for_real() {
    let done = World::with("bash echo $CLAUDECODE-$CLAUDE_CODE_SESSION_ID-$MINE; exit 3\nresult ok")
        .env("MINE", "m")
        .stream(&[], "x");
    let events = done.events();
    let result = &events[2]["message"]["content"][0];
    let id = done.result()["session_id"].as_str().unwrap().to_owned();
    assert_eq!(
        (result["content"].as_str(), result["is_error"].as_bool()),
        (Some(format!("1-{id}-m").as_str()), Some(true))
    );
}

#[test]
fn children_live_in_the_group_outside_it_or_hold_the_fence() {
    for (verb, same_group, holds) in [
        ("spawn-in-group", true, false),
        ("spawn-setsid", false, false),
        ("spawn-holding-stderr", true, true),
        ("spawn-holding-stderr setsid ignore-term", false, true),
    ] {
        let world = World::with(&format!("{verb} pid=child\ndump dump\nresult done"));
        let run = world.start(&STREAM, b"x");
        let err = fs::canonicalize(&run.err).unwrap();
        assert_eq!(run.wait().code(), Some(0));
        let pid = pid_in(&world.path("work/child"));
        let _reaper = Reaper(pid);
        assert!(alive(pid), "{verb}");
        let dump: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(world.path("work/dump")).unwrap()).unwrap();
        let group = group(pid).unwrap();
        assert_eq!(dump["pgid"] == group, same_group, "{verb}");
        assert_eq!(stderr_of(pid).unwrap() == err, holds, "{verb}");
    }
}
