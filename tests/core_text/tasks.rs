//! Background tasks, from the lines of the stream: what 2.1.332, 2.1.300 and 2.1.197 print.

use agent_dispatch::machines::events::{Reader, StreamEvent, start_line};
use agent_dispatch::machines::tasks::{Task, Tasks, listed};

/// What the stream amounts to: those that live and those that did not come to their end, in words.
fn after(lines: &[&str]) -> (String, String) {
    let mut reader = Reader::new();
    let mut tasks = Tasks::default();
    for line in lines {
        for seen in reader.push(format!("{line}\n").as_bytes()) {
            if let StreamEvent::Task(event) = seen {
                tasks.take(event);
            }
        }
        reader.turns().iter().for_each(|_| tasks.turn_began());
    }
    (listed(&tasks.living().cloned().collect::<Vec<Task>>()), listed(&tasks.unfinished()))
}

const LIVES: &str = r#"{"type":"system","subtype":"background_tasks_changed","tasks":[{"task_id":"b1","run_id":"r","task_type":"local_bash","description":"run suite"}]}"#;
const STARTED: &str = r#"{"type":"system","subtype":"task_started","task_id":"b1","tool_use_id":"toolu_1","description":"run suite","is_backgrounded":true,"task_type":"local_bash"}"#;
const PROGRESS: &str = r#"{"type":"system","subtype":"task_progress","task_id":"b1","description":"Running a step","last_tool_name":"Bash"}"#;
const KILLED: &str =
    r#"{"type":"system","subtype":"task_updated","task_id":"b1","patch":{"status":"killed","end_time":1}}"#;
const STOPPED: &str = r#"{"type":"system","subtype":"task_notification","task_id":"b1","tool_use_id":"toolu_1","status":"stopped","output_file":"","summary":"run suite"}"#;
const COMPLETED: &str =
    r#"{"type":"system","subtype":"task_notification","task_id":"b1","status":"completed","summary":"done"}"#;
const FAILED: &str =
    r#"{"type":"system","subtype":"task_updated","task_id":"b1","patch":{"status":"failed","end_time":1}}"#;
const NONE: &str = r#"{"type":"system","subtype":"background_tasks_changed","tasks":[]}"#;
const TURN: &str = r#"{"type":"assistant","message":{"id":"m9","content":[{"type":"text","text":"I know"}]},"parent_tool_use_id":null}"#;
const SUB_AGENT: &str = r#"{"type":"assistant","message":{"id":"m8","content":[{"type":"text","text":"sub"}]},"parent_tool_use_id":"toolu_1"}"#;

const SUITE: &str = "background command \"run suite\"";

fn ours(living: &str, unfinished: &str) -> (String, String) {
    (living.to_owned(), unfinished.to_owned())
}

#[test]
fn a_background_task_lives_from_its_start_to_its_end() {
    assert_eq!(after(&[LIVES]), ours(SUITE, SUITE));
    assert_eq!(after(&[LIVES, STARTED, PROGRESS]), ours(SUITE, SUITE));
    assert_eq!(after(&[LIVES, STARTED, COMPLETED, NONE]), ours("", ""));
    assert_eq!(after(&[LIVES, STARTED, FAILED, NONE]), ours("", ""), "it came to its end, if not to a good one");
    assert_eq!(after(&[STARTED, NONE]), ours("", ""), "the list is all there is");
}

#[test]
fn a_task_that_was_stopped_is_unfinished_until_the_agent_goes_on() {
    assert_eq!(after(&[LIVES, STARTED, KILLED, STOPPED, NONE]), ours("", SUITE));
    assert_eq!(after(&[LIVES, STARTED, STOPPED, KILLED, NONE]), ours("", SUITE), "as at SIGTERM");
    assert_eq!(after(&[LIVES, STARTED, KILLED, STOPPED, NONE, SUB_AGENT]), ours("", SUITE));
    let told = after(&[LIVES, STARTED, KILLED, STOPPED, NONE, TURN]);
    assert_eq!(told, ours("", ""), "it stopped it itself, or was told");
    assert_eq!(after(&[STOPPED]), ours("", ""), "of an earlier process: the agent is told when it goes on");
}

#[test]
fn a_cli_without_the_list_tells_of_each_task() {
    let started = r#"{"type":"system","subtype":"task_started","task_id":"b1","description":"run suite","task_type":"local_bash"}"#;
    assert_eq!(after(&[started]), ours(SUITE, SUITE));
    assert_eq!(after(&[started, COMPLETED]), ours("", ""));
    assert_eq!(after(&[started, KILLED, STOPPED]), ours("", SUITE));
}

#[test]
fn what_claude_itself_waits_for_is_no_background_task_until_it_is_moved_there() {
    let foreground = r#"{"type":"system","subtype":"task_started","task_id":"b1","description":"run suite","is_backgrounded":false,"task_type":"local_bash"}"#;
    let moved = r#"{"type":"system","subtype":"task_updated","task_id":"b1","patch":{"is_backgrounded":true}}"#;
    assert_eq!(after(&[foreground]), ours("", ""));
    assert_eq!(after(&[foreground, KILLED]), ours("", ""));
    assert_eq!(after(&[foreground, moved]), ours(SUITE, SUITE));
    assert_eq!(after(&[foreground, LIVES, moved]), ours(SUITE, SUITE));
}

fn wake_up(input: &str, parent: &str) -> String {
    format!(
        r#"{{"type":"assistant","message":{{"id":"m1","content":[{{"type":"tool_use","id":"toolu_w","name":"ScheduleWakeup","input":{input}}}]}},"parent_tool_use_id":{parent}}}"#
    )
}

const ACCEPTED: &str = r#"{"type":"user","message":{"role":"user","content":[{"tool_use_id":"toolu_w","type":"tool_result","content":"Next wakeup scheduled for 22:20:00 (in 60s)."}]},"parent_tool_use_id":null}"#;
const WAITED_FOR: &str = "scheduled wake-up \"look at CI\"";

#[test]
fn a_wake_up_is_waited_for_from_its_acceptance_until_it_comes() {
    let asked = wake_up(r#"{"delaySeconds":60,"reason":"look at CI","prompt":"look","noop":true}"#, "null");
    let other = ACCEPTED.replace("toolu_w", "toolu_x");
    assert_eq!(after(&[&asked]), ours("", ""), "not yet accepted");
    assert_eq!(after(&[&asked, &other]), ours("", ""), "the result of another call");
    assert_eq!(after(&[&asked, &other, ACCEPTED]), ours(WAITED_FOR, WAITED_FOR));
    assert_eq!(after(&[&asked, ACCEPTED, LIVES, NONE]), ours(WAITED_FOR, WAITED_FOR), "it is in no list");
    assert_eq!(after(&[&asked, ACCEPTED, &asked, ACCEPTED]), ours(WAITED_FOR, WAITED_FOR), "the CLI keeps one");
    let refused = ACCEPTED.replace(r#""type":"tool_result""#, r#""type":"tool_result","is_error":true"#);
    assert_eq!(after(&[&asked, &refused]), ours("", ""));
    let begins = r#"{"type":"command_lifecycle","command_uuid":"u","state":"started","wakeup_source":"loop_wakeup"}"#;
    let over = r#"{"type":"command_lifecycle","command_uuid":"u","state":"completed"}"#;
    assert_eq!(after(&[&asked, ACCEPTED, over]), ours(WAITED_FOR, WAITED_FOR));
    assert_eq!(after(&[&asked, ACCEPTED, begins]), ours("", ""));
    assert_eq!(after(&[&asked, ACCEPTED, &wake_up(r#"{"stop":true}"#, "null"), ACCEPTED]), ours("", ""));
    let of_a_sub_agent = wake_up(r#"{"reason":"look at CI"}"#, "\"toolu_1\"");
    assert_eq!(after(&[&of_a_sub_agent, ACCEPTED]), ours("", ""));
}

#[test]
fn nothing_of_one_process_lives_in_the_next() {
    assert_eq!(after(&[LIVES, start_line().trim_end()]), ours("", ""));
}

#[test]
fn odd_events_about_tasks_are_survived() {
    for odd in [
        r#"{"type":"system","subtype":"task_started"}"#,
        r#"{"type":"system","subtype":"task_started","task_id":7,"description":["x"]}"#,
        r#"{"type":"system","subtype":"background_tasks_changed","tasks":{"task_id":"b1"}}"#,
        r#"{"type":"system","subtype":"background_tasks_changed"}"#,
        r#"{"type":"system","subtype":"task_updated","task_id":"b1","patch":[]}"#,
        r#"{"type":"system","subtype":"task_notification","task_id":"b1","status":null}"#,
    ] {
        assert_eq!(after(&[odd]), ours("", ""), "{odd}");
    }
    let torn = &LIVES[..LIVES.len() - 1];
    assert_eq!(after(&[LIVES, STARTED, torn]), ours(SUITE, SUITE), "half a list is none");
    let many: Vec<Task> = (0..12).map(|n| Task { description: format!("t{n}"), ..Task::default() }).collect();
    assert_eq!(listed(&many), "t0, t1, t2, t3, t4, t5, t6, t7, t8, t9 and 2 more");
}
