//! `job`

use std::fs::{self, File};
use std::process::{Child, Stdio};

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::{World, interrupt, shown, until};

/// Ends after a tool, when `go` is there.
const SCENE: &str =
    "cost 0.02; say Looking\\naround.; tool Read; retry 529; deny Bash; wait-file go; result # All is well.";

fn go(world: &World) {
    fs::write(world.path("work/infra/go"), "").unwrap();
}

/// A world where a job has ended.
fn ended() -> (World, String) {
    let world = World::with_scene(SCENE);
    go(&world);
    let id = world.submit("Look around\nand tell me");
    world.run(&["wait", &id]);
    world.is_quiet();
    (world, id)
}

#[test]
fn what_was_asked_what_happened_and_the_answer() {
    let (world, id) = ended();
    assert_snapshot!(world.run(&["job", &id]), @r#"
    exit code: 0
    ----- stdout -----
    job: [ID]
    agent: infra
    status: done
    submitted: [TIME] ago
    took: [TIME]
    cost: $0.0200
    session: [UUID]
    task:
      Look around
      and tell me
    what it did:
      · Session began, model claude-opus-4-8[1m], claude 2.1.332, 11 tools
      · Looking around.
      · Using tool: Read
      · Waiting for the API: 529 overloaded, attempt 1
      · Using tool: Bash
      · # All is well.
      · Ended, after [TIME], 3 turns, $0.0200, denied Bash
    result:
    # All is well.
    ----- stderr -----
    hint: tools were denied (Bash), so the result may be incomplete; to grant access: update_agent(name="infra", allowed_tools=["Bash"])
    hint: agent-dispatch update infra --allowed-tools Bash grants Bash
    "#);
}

#[test]
fn a_transcript() {
    let (world, id) = ended();
    assert_snapshot!(world.run(&["job", &id, "--transcript"]), @r#"
    exit code: 0
    ----- stdout -----
    # Job [ID]

    - agent: infra
    - status: done
    - submitted: [TIME] ago
    - took: [TIME]
    - cost: $0.0200
    - session: [UUID]

    ## Task

    > Look around
    > and tell me

    ## What it did

    - Session began, model claude-opus-4-8\[1m\], claude 2.1.332, 11 tools

    > Looking
    > around.

    - tool Read

    - Waiting for the API: 529 overloaded, attempt 1

    - tool Bash

    > # All is well.

    - Ended, after [TIME], 3 turns, $0.0200, denied Bash

    ## Result

    # All is well.
    ----- stderr -----
    "#);
}

#[test]
fn as_json_it_is_the_record() {
    let (world, id) = ended();
    let (record, code) = world.json(&["job", &id, "--json"]);
    let kept =
        serde_json::from_str::<serde_json::Value>(&world.read(&format!("home/.config/agent-dispatch/jobs/{id}.json")));
    assert_eq!((record, code), (kept.unwrap(), 0));
}

#[test]
fn one_that_runs() {
    let world = World::with_scene("say Half of it.; wait-file go; result fine");
    let id = world.submit("Take your time");
    until("its first words", || world.run(&["job", &id]).contains("· Half of it.").then_some(()));
    let shown = world.run(&["job", &id]);
    assert!(shown.contains("status: running\n"), "{shown}");
    assert!(shown.contains(" so far\n"), "{shown}");
    assert!(shown.contains("--follow shows what comes"), "{shown}");
    go(&world);
    world.run(&["wait", &id]);
    world.is_quiet();
}

/// `job ID --follow`, once it shows the tool; what it says of itself is in the file `stderr`.
fn followed(world: &World, id: &str) -> Child {
    let stderr = File::create(world.path("stderr")).unwrap();
    let child = world.command(&["job", id, "--follow"]).stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
    until("the tool to be shown", || world.read("stderr").contains("Using tool: Read").then_some(()));
    child
}

#[test]
fn follow_shows_what_comes_and_then_the_answer() {
    let world = World::with_scene(SCENE);
    let id = world.submit("Look around");
    let child = followed(&world, &id);
    go(&world);
    let mut output = child.wait_with_output().unwrap();
    // It may have begun before it was looked at.
    output.stderr = world.read("stderr").replace("infra: pending\n", "").into_bytes();
    assert_snapshot!(shown(&output), @r#"
    exit code: 0
    ----- stdout -----
    # All is well.
    ----- stderr -----
    infra: running
    infra: Session began, model claude-opus-4-8[1m], claude 2.1.332, 11 tools
    infra: Looking
      around.
    infra: Using tool: Read
    infra: Waiting for the API: 529 overloaded, attempt 1
    infra: Using tool: Bash
    infra: # All is well.
    infra: Ended, after [TIME], 3 turns, $0.0200, denied Bash
    ok: [TIME], 3 turns, $0.0200, session [UUID]
    hint: tools were denied (Bash), so the result may be incomplete; to grant access: update_agent(name="infra", allowed_tools=["Bash"])
    hint: agent-dispatch update infra --allowed-tools Bash grants Bash
    "#);
    world.is_quiet();
}

#[test]
fn ctrl_c_ends_the_watching_and_not_the_job() {
    let world = World::with_scene(SCENE);
    let id = world.submit("Look around");
    let child = followed(&world, &id);
    interrupt(&child);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    let text = world.read("stderr");
    let text = text.split_once("error: ").unwrap().1;
    assert_snapshot!(text, @r#"
    interrupted; job [ID] goes on
    hint: agent-dispatch wait [ID] waits again, agent-dispatch cancel [ID] ends it
    "#);
    go(&world);
    assert_eq!(world.output(&["wait", &id]).status.code(), Some(0));
    world.is_quiet();
}

/// Each verb that reads gives it a new supervisor by itself.
#[test]
fn a_job_whose_supervisor_was_killed_is_read_to_its_end() {
    for verb in ["job", "jobs", "wait"] {
        let world = World::with_scene("say Half of it.; wait-file go; result fine");
        let id = world.submit("Take your time");
        until("its first words", || world.run(&["job", &id]).contains("· Half of it.").then_some(()));
        let supervisor = world.read(&format!("home/.config/agent-dispatch/jobs/{id}/lock")).trim().parse().unwrap();
        kill_process(Pid::from_raw(supervisor).unwrap(), Signal::KILL).unwrap();
        go(&world);
        let record = format!("home/.config/agent-dispatch/jobs/{id}.json");
        until("the answer to be taken from the file", || {
            let all = [verb, &id];
            world.run(if verb == "jobs" { &all[..1] } else { &all });
            let record = serde_json::from_str::<serde_json::Value>(&world.read(&record)).unwrap();
            (record["status"] == "done").then(|| assert_eq!(record["result"]["result"], "fine"))
        });
        world.is_quiet();
    }
}

#[test]
fn an_id_is_exact_and_a_part_of_one_finds_the_whole() {
    let world = World::new();
    world.record(0xabc << 116, json!({}));
    assert_snapshot!(world.run(&["job", "ABC"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: "ABC" is no job id: an id is exactly 32 lowercase hexadecimal characters
    hint: the job that begins so is [ID]
    "#);
    world.record((0xabc << 116) + 1, json!({}));
    assert_snapshot!(world.run(&["job", "abc", "--json"]), @r#"
    exit code: 1
    ----- stdout -----
    {
      "error": "\"abc\" is no job id: an id is exactly 32 lowercase hexadecimal characters",
      "hint": "2 jobs begin so; agent-dispatch jobs lists them"
    }
    ----- stderr -----
    error: "abc" is no job id: an id is exactly 32 lowercase hexadecimal characters
    hint: 2 jobs begin so; agent-dispatch jobs lists them
    "#);
    for id in ["", " ", "../../etc/passwd", "abc/", "\u{1b}[31m", &"a".repeat(100_000)] {
        let shown = world.run(&["job", id]);
        assert!(shown.starts_with("exit code: 1\n") && shown.contains(" is no job id: "), "{shown}");
        assert!(shown.ends_with("hint: agent-dispatch jobs lists them") && !shown.contains('\u{1b}'), "{shown}");
        assert!(shown.len() < 400, "{shown}");
    }
}

#[test]
fn one_that_is_not_there() {
    let world = World::new();
    let id = "f".repeat(32);
    assert_snapshot!(world.run(&["job", &id, "--json"]), @r#"
    exit code: 1
    ----- stdout -----
    {
      "error": "job [ID] not found in [ROOT]/home/.config/agent-dispatch/jobs",
      "hint": "agent-dispatch jobs lists them"
    }
    ----- stderr -----
    error: job [ID] not found in [ROOT]/home/.config/agent-dispatch/jobs
    hint: agent-dispatch jobs lists them
    "#);
    assert!(world.run(&["job", &id, "--follow"]).starts_with("exit code: 1\n"));
    world.record_text(&id, "not JSON");
    assert_snapshot!(world.run(&["job", &id]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: job [ID] not found in [ROOT]/home/.config/agent-dispatch/jobs
    hint: [ROOT]/home/.config/agent-dispatch/jobs/[ID].json is there, but is no record of that job; it is left alone
    "#);
}

#[test]
fn hostile_text_steers_nothing() {
    let world = World::new();
    let evil = "\u{1b}]0;title\u{7}\r\u{9b}2J\n# Heading";
    let id = world.record(
        1,
        json!({"agent": evil, "task": evil, "caller": evil, "goal": evil, "context": evil, "error": evil,
            "session_id": evil, "progress": [evil], "result": {"result": {"nested": [1]}, "outcome": evil, "cost_usd": "x"}}),
    );
    assert_snapshot!(world.run(&["job", &id]), @r#"
    exit code: 0
    ----- stdout -----
    job: [ID]
    agent: ]0;title   2J # Heading
    status: done (]0;title   …)
    submitted: 3 h ago
    took: [TIME]
    session: ]0;title   2J # Heading
    caller: ]0;title   2J # Heading
    goal:
      �]0;title���2J
      # Heading
    context:
      �]0;title���2J
      # Heading
    task:
      �]0;title���2J
      # Heading
    what it did:
      · ]0;title   2J # Heading
    error:
      �]0;title���2J
      # Heading
    result:
    {"nested":[1]}
    ----- stderr -----
    "#);
    let transcript = world.run(&["job", &id, "--transcript"]);
    let headings = transcript.lines().filter(|line| line.starts_with('#')).collect::<Vec<_>>();
    assert_eq!(headings[1..], ["## Goal", "## Context", "## Task", "## What it did", "## Error", "## Result"]);
}

#[test]
fn a_stream_of_any_length_and_kind_is_bounded() {
    let world = World::new();
    let id = world.record(1, json!({"progress": ["from the record"]}));
    let folder = world.path(&format!("home/.config/agent-dispatch/jobs/{id}"));
    fs::create_dir(&folder).unwrap();
    let said = |text: &str| {
        json!({"type": "assistant", "message": {"content": [{"type": "text", "text": text}]}}).to_string() + "\n"
    };
    let mut stream = (0..1_000).map(|number| said(&format!("word {number}"))).collect::<String>().into_bytes();
    stream.extend(said(&"long ".repeat(1_000)).into_bytes());
    stream.extend(b"\xff\xfe no event\n{\"type\":\"assistant\",\"mess");
    fs::write(folder.join("stdout"), &stream).unwrap();
    let shown = world.run(&["job", &id]);
    assert!(shown.contains("(971 earlier; --transcript shows all)"), "{shown}");
    assert!(shown.contains("· word 999\n"), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() < 200), "{shown}");
    let transcript = world.run(&["job", &id, "--transcript"]);
    assert!(transcript.contains("\n> word 0\n") && transcript.contains("\n> word 999\n"));
    // Nobody writes into this pipe: whoever opens it waits for ever.
    fs::remove_file(folder.join("stdout")).unwrap();
    crate::support::make_fifo(folder.join("stdout"));
    assert!(world.run(&["job", &id]).contains("· from the record\n"));
}

#[test]
fn one_kind_of_output_at_a_time() {
    let id = "f".repeat(32);
    for pair in [["--json", "--follow"], ["--json", "--transcript"], ["--follow", "--transcript"]] {
        assert_eq!(World::new().output(&["job", &id, pair[0], pair[1]]).status.code(), Some(2), "{pair:?}");
    }
}
