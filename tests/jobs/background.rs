//! Background tasks of an agent: its run is waited for while they live, and what did not come to its end is told.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{ended, go, ready, status, supervisor};
use crate::support::client::{Client, said};
use crate::support::processes::{alive, signal};
use crate::support::until;
use crate::support::world::World;

/// A first result while a command lives; the last one when it is over.
const COMMAND: &str = "dump calls\ntask bash b1 run suite\nresult I will report.\ntouch ready\nwait-file go\ntask-ends b1\n\
                       turn\nresult 3 tests failed.";
/// A first result that is held back while a sub-agent lives, and a last one when told to go on.
const SUB_AGENT: &str = "dump calls\non-call 1\ntask agent a1 analysis\nsay It runs.\ntask-progress a1 Running a step\n\
                         on-term held-back\ntouch ready\nsilence\non-call *\ntouch again\nwait-file go\nresult the whole";

fn submit(client: &mut Client, resume_attempts: u8) -> String {
    let arguments = json!({"agent": "echo", "task": "t", "resume_attempts": resume_attempts});
    let said = client.ask("dispatch_async", arguments);
    said["job_id"].as_str().unwrap_or_else(|| panic!("{said}")).to_owned()
}

fn killed(pid: i32) {
    signal(pid, Signal::KILL);
    until("a death", || (!alive(pid)).then_some(()));
}

fn is_partial(answer: &Value, named: &str) {
    assert_eq!((&answer["success"], &answer["outcome"]), (&json!(true), &json!("partial")), "{answer}");
    let hint = answer["hint"].as_str().unwrap();
    assert!(hint.contains(&format!("stopped unfinished ({named})")), "{hint}");
}

/// Answered in a turn that a background task brought; what was said before it stands below.
fn leads(answer: &Value, text: &str, earlier: &str) {
    assert_eq!(answer["success"], true, "{answer}");
    let whole = format!("{text}\n\n---\nSaid earlier in the same run:\n\n{earlier}");
    assert_eq!((&answer["result"], answer.get("outcome")), (&json!(whole), None), "{answer}");
    let hint = answer["hint"].as_str().unwrap_or_default();
    assert!(hint.contains("several answers") && !hint.contains("unfinished"), "{answer}");
}

/// Longer than the time to leave of a run without tasks.
#[test]
fn a_command_in_the_background_is_waited_for() {
    let scene = COMMAND.replace("wait-file go", "sleep 16000");
    let world = World::with(&scene);
    let mut client = Client::new(&world);
    let answer = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    leads(&answer, "3 tests failed.", "I will report.");
    client.bye();
}

#[test]
fn whoever_looks_sees_what_works_in_the_background() {
    let world = World::with(COMMAND);
    let mut client = Client::new(&world);
    let id = submit(&mut client, 0);
    ready(&world);
    let record = until("the tasks", || {
        let record = status(&mut client, &id);
        (record["activity"]["background_tasks"] == 1).then_some(record)
    });
    assert_eq!(record["activity"]["turn"], 2, "what a task does is no turn: {record}");
    go(&world);
    let record = ended(&mut client, &id);
    leads(&record["result"], "3 tests failed.", "I will report.");
    assert!(record["activity"].get("background_tasks").is_none(), "{record}");
    client.bye();
}

#[test]
fn a_command_that_outlives_the_time_is_named_and_the_answer_is_not_given_again() {
    let mut world = World::new();
    world.agent_with("echo", COMMAND, "timeout: 2");
    let mut client = Client::new(&world);
    for calls in 1..=2 {
        let answer = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
        assert_eq!(answer["result"], "I will report.", "{answer}");
        is_partial(&answer, "background command \"run suite\"");
        assert_eq!(world.dumps("echo", "calls").len(), calls, "paid anew each time");
    }
    client.bye();
}

#[test]
fn what_the_cli_stops_by_itself_is_named() {
    let world = World::with("task agent a1 analysis\nsay It runs.\ntask-stops a1\nresult It runs.");
    let mut client = Client::new(&world);
    let answer = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    is_partial(&answer, "background agent \"analysis\"");
    client.bye();
}

#[test]
fn what_the_agent_stops_itself_is_nobodys_loss() {
    let world =
        World::with("task bash b1 dev server\ntask-stops b1\nsay It is stopped.\nresult All is done.\\nSTATUS: done");
    let mut client = Client::new(&world);
    let answer = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    assert_eq!((&answer["outcome"], answer.get("hint")), (&json!("done"), None), "{answer}");
    client.bye();
}

#[test]
fn a_result_that_was_held_back_is_no_answer() {
    let mut world = World::new();
    world.agent_with("echo", SUB_AGENT, "timeout: 2");
    let mut client = Client::new(&world);
    let answer = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    assert_eq!((&answer["success"], &answer["error_type"]), (&json!(false), &json!("timeout")), "{answer}");
    assert_eq!(answer["result"], "It runs.", "paid for, so told: {answer}");
    assert!(answer["cost_usd"].is_number(), "{answer}");
    assert!(answer["error"].as_str().unwrap().contains("background agent \"analysis\""), "{answer}");
    client.bye();
}

#[test]
fn a_run_whose_result_was_held_back_goes_on() {
    let mut world = World::new();
    world.agent_with("echo", SUB_AGENT, "timeout: 2");
    let mut client = Client::new(&world);
    let id = submit(&mut client, 1);
    until("the second process", || world.path("echo").join("again").exists().then_some(()));
    go(&world);
    let record = ended(&mut client, &id);
    assert_eq!((&record["result"]["result"], &record["resumptions"]), (&json!("the whole"), &json!(1)), "{record}");
    assert_eq!(record["result"].get("outcome"), None, "{record}");
    client.bye();
}

/// A resumed session in which something was stopped begins with such a result.
#[test]
fn a_result_that_says_nothing_before_the_turn_of_the_prompt_is_no_answer() {
    let mut world = World::new();
    let scene =
        "dump calls\non-call 1\nturns 0\nresult\nturn\nsay half\ntouch ready\nsilence\non-call *\nresult the whole";
    world.agent_with("echo", scene, "timeout: 2");
    let mut client = Client::new(&world);
    let id = submit(&mut client, 1);
    let record = ended(&mut client, &id);
    assert_eq!((&record["result"]["result"], &record["resumptions"]), (&json!("the whole"), &json!(1)), "{record}");
    client.bye();
}

#[test]
fn a_cancelled_run_whose_result_was_held_back_is_cancelled() {
    let world = World::with(SUB_AGENT);
    let mut client = Client::new(&world);
    let id = submit(&mut client, 0);
    ready(&world);
    client.ask("dispatch_cancel", json!({"job_id": id}));
    let record = until("the end", || {
        let record = status(&mut client, &id);
        record["completed_at"].is_number().then_some(record)
    });
    assert_eq!((&record["status"], record["result"]["success"] == true), (&json!("cancelled"), false), "{record}");
    client.bye();
}

#[test]
fn whoever_takes_a_run_over_knows_its_tasks() {
    let mut world = World::new();
    world.agent_with("echo", COMMAND, "timeout: 4");
    let mut client = Client::new(&world);
    let id = submit(&mut client, 0);
    ready(&world);
    killed(supervisor(&world));
    status(&mut client, &id);
    let record = ended(&mut client, &id);
    is_partial(&record["result"], "background command \"run suite\"");
    client.bye();
}

/// What lived in the process that was cut off does not live in the next.
#[test]
fn whoever_takes_over_a_run_that_went_on_does_not_count_the_tasks_of_its_first_process() {
    let mut world = World::new();
    world.agent_with("echo", SUB_AGENT, "timeout: 4");
    let mut client = Client::new(&world);
    let id = submit(&mut client, 1);
    until("the second process", || world.path("echo").join("again").exists().then_some(()));
    killed(supervisor(&world));
    status(&mut client, &id);
    go(&world);
    let record = ended(&mut client, &id);
    // As for a run whose supervisor lives: what was held back is no result of the process that went on.
    assert_eq!((&record["result"]["result"], record["result"].get("outcome")), (&json!("the whole"), None), "{record}");
    client.bye();
}

#[test]
fn a_wake_up_is_waited_for_and_one_that_never_came_is_named() {
    let scene =
        "dump calls\nwake-up look at CI\nresult I come back.\ntouch ready\nwait-file go\nwoken\nresult CI is green.";
    let world = World::with(scene);
    let mut client = Client::new(&world);
    let call = client.call("dispatch", json!({"agent": "echo", "task": "t"}));
    ready(&world);
    go(&world);
    let answer = said(&client.answer(call));
    leads(&answer, "CI is green.", "I come back.");
    world.scene("echo", "wake-up look at CI\nresult I come back.");
    let answer = client.ask("dispatch", json!({"agent": "echo", "task": "another"}));
    is_partial(&answer, "scheduled wake-up \"look at CI\"");
    client.bye();
}

#[test]
fn the_clis_own_ceiling_is_out_of_the_way_unless_the_user_set_it() {
    for (set, expected) in [(None, "0"), (Some(""), "0"), (Some("3000"), "3000")] {
        let mut world = World::with("echo-env CLAUDE_CODE_PRINT_BG_WAIT_CEILING_MS");
        if let Some(set) = set {
            world.env("CLAUDE_CODE_PRINT_BG_WAIT_CEILING_MS", set);
        }
        let mut client = Client::new(&world);
        let answer = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
        assert_eq!(answer["result"], format!("CLAUDE_CODE_PRINT_BG_WAIT_CEILING_MS={expected}"), "{set:?}");
        client.bye();
    }
}

#[test]
fn the_story_tells_what_works_in_the_background() {
    let world = World::with(COMMAND);
    let mut client = Client::new(&world);
    let id = submit(&mut client, 0);
    ready(&world);
    go(&world);
    ended(&mut client, &id);
    let output = world.once(&["job", &id, "--transcript"]).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(shown.contains("In the background: background command \"run suite\""), "{shown} {output:?}");
    client.bye();
}
