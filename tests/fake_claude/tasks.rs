//! Background tasks and wake-ups, as 2.1.332 tells of them (chapter 17.1).

use rustix::process::Signal;

use super::{Done, STREAM, World};

fn play(scene: &str) -> Done {
    World::with(scene).stream(&[], "x")
}

#[test]
fn a_command_is_told_of_before_its_result_and_after_its_end() {
    let done = play("task bash b1 run suite\nresult later\ntask-ends b1\nturn\nresult done");
    let kinds = [
        "init",
        "assistant",
        "background_tasks_changed",
        "task_started",
        "user",
        "assistant",
        "result",
        "task_updated",
        "task_notification",
        "background_tasks_changed",
        "init",
        "assistant",
        "result",
    ];
    assert_eq!(done.kinds(), kinds);
    let events = done.events();
    assert_eq!(events[2]["tasks"][0]["task_type"], "local_bash");
    assert_eq!((&events[3]["is_backgrounded"], &events[3]["description"]), (&true.into(), &"run suite".into()));
    assert_eq!(events[7]["patch"]["status"], "completed");
    assert_eq!(events[8]["status"], "completed");
    assert_eq!(events[9]["tasks"].as_array().map(Vec::len), Some(0));
}

#[test]
fn what_is_stopped_was_killed_for_one_event_and_stopped_for_the_other() {
    let done = play("task agent a1 analysis\ntask-progress a1 Running a step\ntask-stops a1\nresult x");
    let events = done.events();
    assert_eq!(events[2]["tasks"][0]["subagent_type"], "general-purpose");
    let told: Vec<_> = events.iter().filter(|event| event["type"] == "system").collect();
    assert_eq!(told[3]["subtype"], "task_progress");
    assert_eq!((&told[4]["patch"]["status"], &told[5]["status"]), (&"killed".into(), &"stopped".into()));
}

#[test]
fn at_sigterm_commands_are_told_to_be_stopped_and_a_held_back_result_is_printed() {
    let world = World::with("task bash b1 run suite\nresult later\nsilence");
    let run = world.start(&STREAM, b"x");
    run.shows("\"result\":\"later\"");
    run.signal(Signal::TERM);
    let done = run.wait();
    let kinds = done.kinds();
    let ends = ["task_notification", "task_updated", "background_tasks_changed"];
    assert_eq!((done.code(), &kinds[kinds.len() - 3..]), (Some(143), &ends.map(String::from)[..]));
    let world = World::with("task agent a1 analysis\nsay It runs.\non-term held-back\nsilence");
    let run = world.start(&STREAM, b"x");
    run.shows("It runs.");
    run.signal(Signal::TERM);
    let done = run.wait();
    assert_eq!((done.code(), &done.result()["result"]), (Some(143), &"It runs.".into()));
}

#[test]
fn a_wake_up_is_scheduled_and_comes() {
    let done = play("wake-up look at CI\nresult later\nwoken\nresult done");
    let events = done.events();
    assert_eq!(events[1]["message"]["content"][0]["name"], "ScheduleWakeup");
    let woken = events.iter().find(|event| event["type"] == "command_lifecycle").unwrap();
    assert_eq!((&woken["state"], &woken["wakeup_source"]), (&"started".into(), &"loop_wakeup".into()));
}

#[test]
fn a_task_that_does_not_live_cannot_end() {
    assert_eq!(play("task-ends b1").code(), Some(74));
}
