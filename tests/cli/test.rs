//! `test`, with fake-claude.

use std::process::Stdio;

use insta::assert_snapshot;

use super::{World, interrupt, shown, until};

fn world(scene: &str) -> World {
    World::with_claude()
        .config("agents: {infra: {directory: '[ROOT]/work/infra', timeout: 30, max_budget_usd: 1}}\n")
        .env("FAKE_CLAUDE_SCENE", scene)
}

/// Waits for the supervisor, which leaves a moment after its caller.
fn leaves_nothing(world: &World) {
    until("all processes to end", || world.processes().is_empty().then_some(()));
}

#[test]
fn the_default_task() {
    let world = world("result {prompt}\\nSTATUS: done");
    assert_snapshot!(world.run(&["test", "infra"]), @r#"
    exit code: 0
    ----- stdout -----
    What project is this? Describe in one sentence.
    ----- stderr -----
    infra: a real run in [ROOT]/work/infra, spend cap $1; Ctrl-C ends it
    ok: [TIME], 1 turn, $0.0002, outcome done, session [UUID]
    "#);
    leaves_nothing(&world);
    assert_eq!(world.jobs(), Vec::<String>::new());
}

#[test]
fn progress_is_shown_when_asked_for() {
    let world = world("say Looking.; tool Read; result All is well.");
    assert_snapshot!(world.run(&["test", "infra", "How is it?", "--stream"]), @r#"
    exit code: 0
    ----- stdout -----
    All is well.
    ----- stderr -----
    infra: a real run in [ROOT]/work/infra, spend cap $1; Ctrl-C ends it
    infra: Looking.
    infra: Using tool: Read
    infra: All is well.
    ok: [TIME], 2 turns, $0.0002, session [UUID]
    "#);
}

#[test]
fn as_json() {
    let world = world("result fine");
    let (answer, code) = world.json(&["test", "infra", "How is it?", "--json"]);
    assert_eq!((answer["success"].as_bool(), answer["result"].as_str(), code), (Some(true), Some("fine"), 0));
}

#[test]
fn a_failure_comes_with_its_diagnosis() {
    let world = world("error api 500 the kitchen is on fire");
    assert_snapshot!(world.run(&["test", "infra", "x"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    infra: a real run in [ROOT]/work/infra, spend cap $1; Ctrl-C ends it
    error: cli_error: agent 'infra' failed: API Error: 500 the kitchen is on fire. This is a server-side issue, usually temporary — try again in a moment.; this is usually temporary: try again in a minute with dispatch_session(agent="infra", task="Continue where you left off", session_id="[UUID]")
    hint: agent-dispatch doctor finds what is missing
    "#);
    let (answer, code) = world.json(&["test", "infra", "x", "--json"]);
    assert_eq!((answer["success"].as_bool(), answer["error_type"].as_str(), code), (Some(false), Some("cli_error"), 1));
}

#[test]
fn a_timeout_says_how_to_go_on() {
    let world = World::with_claude()
        .config("agents: {infra: {directory: '[ROOT]/work/infra', timeout: 2}}\n")
        .env("FAKE_CLAUDE_SCENE", "say Half of it.; silence");
    assert_snapshot!(world.run(&["test", "infra", "x"]), @r#"
    exit code: 1
    ----- stdout -----
    Half of it.
    ----- stderr -----
    infra: a real run in [ROOT]/work/infra, no spend cap; Ctrl-C ends it
    error: timeout: agent 'infra' did not finish within 2 s; go on with dispatch_session(agent="infra", task="Continue where you left off", session_id="[UUID]"); or allow more time: timeout_seconds=10 (update_agent(name="infra", timeout=10) makes it the default); dispatch_async runs long tasks without waiting
    hint: agent-dispatch update infra --timeout … gives it more time; to go on with it: cd [ROOT]/work/infra && claude --resume [UUID]
    "#);
    leaves_nothing(&world);
}

#[test]
fn an_agent_that_is_not_there() {
    assert_snapshot!(world("").run(&["test", "nobody"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: Unknown agent: 'nobody'. Available: infra
    hint: agent-dispatch list shows all agents
    "#);
    assert_snapshot!(world("").run(&["test", "nobody", "--json"]), @r#"
    exit code: 1
    ----- stdout -----
    {
      "error": "Unknown agent: 'nobody'. Available: infra",
      "hint": "agent-dispatch list shows all agents"
    }
    ----- stderr -----
    error: Unknown agent: 'nobody'. Available: infra
    hint: agent-dispatch list shows all agents
    "#);
}

#[test]
fn a_task_that_says_nothing() {
    assert_snapshot!(world("").run(&["test", "infra", ""]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: empty task: say what the agent is to do
    "#);
}

#[test]
fn time_limits_that_are_none() {
    for limit in ["-1", "soon", "99999999999999999999"] {
        assert_eq!(world("").output(&["test", "infra", "--timeout", limit]).status.code(), Some(2), "{limit}");
    }
}

#[test]
fn a_directory_that_is_gone() {
    let world = world("");
    std::fs::remove_dir(world.path("work/infra")).unwrap();
    assert_snapshot!(world.run(&["test", "infra"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: not_found: the directory "[ROOT]/work/infra" of agent 'infra' does not exist; create it, or correct `directory` in agents.yaml (remove_agent, then add_agent)
    hint: agent-dispatch doctor finds what is missing
    "#);
}

#[test]
fn ctrl_c_ends_the_run_and_says_how_to_go_on() {
    let world = world("bash sleep 600");
    let mut command = world.command(&["test", "infra", "x"]);
    let stderr = std::fs::File::create(world.path("stderr")).unwrap();
    let child = command.stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
    until("the run to be announced", || world.read("stderr").contains("a real run").then_some(()));
    until("the command to start", || world.processes().iter().any(|line| line.contains("sleep 600")).then_some(()));
    interrupt(&child);
    let mut output = child.wait_with_output().unwrap();
    output.stderr = world.read("stderr").into_bytes();
    // Whoever is left would have been left to the user; a signal is on its way for a moment.
    world.is_quiet();
    assert_snapshot!(shown(&output), @r#"
    exit code: 130
    ----- stdout -----

    ----- stderr -----
    infra: a real run in [ROOT]/work/infra, spend cap $1; Ctrl-C ends it
    error: interrupted; the run was ended
    hint: to go on with it: cd [ROOT]/work/infra && claude --resume [UUID]
    "#);
}

/// A run that waits for its turn, and one whose claude tells nothing, have no session to go on with.
#[test]
fn ctrl_c_names_no_session_that_never_was() {
    let mute = world("no-init\nsilence");
    let busy =
        world("silence").config("settings: {max_concurrency: 1}\nagents: {infra: {directory: '[ROOT]/work/infra'}}\n");
    let holder = busy.command(&["test", "infra", "x"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("the slot to be taken", || busy.processes().iter().any(|line| line.contains("bin/claude")).then_some(()));
    for (world, announced) in [(&mute, "a real run"), (&busy, "waiting: place 1")] {
        let stderr = std::fs::File::create(world.path("stderr")).unwrap();
        let child =
            world.command(&["test", "infra", "x", "--json"]).stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        until("the run to be announced", || world.read("stderr").contains(announced).then_some(()));
        interrupt(&child);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130));
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said, "{\n  \"error\": \"interrupted before the run had begun\"\n}\n");
        assert!(!world.read("stderr").contains("--resume"), "{}", world.read("stderr"));
    }
    interrupt(&holder);
    assert_eq!(holder.wait_with_output().unwrap().status.code(), Some(130));
    mute.is_quiet();
    busy.is_quiet();
}

#[test]
fn an_answer_that_nobody_reads_is_kept() {
    let world = world("result precious");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = world.command(&["test", "infra", "x"]).stdout(writer).stderr(Stdio::piped()).output().unwrap();
    assert_snapshot!(shown(&output), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    infra: a real run in [ROOT]/work/infra, spend cap $1; Ctrl-C ends it
    error: the answer could not be written: Broken pipe (os error 32)
    hint: it is kept; agent-dispatch job [ID] shows it
    "#);
    let record = world.jobs().into_iter().find(|name| name.ends_with(".json")).unwrap();
    assert!(world.read(&format!("home/.config/agent-dispatch/jobs/{record}")).contains("precious"));
    leaves_nothing(&world);
}

#[test]
fn a_denied_tool_comes_with_the_command_that_grants_it() {
    let world = world("deny Bash; result half")
        .config("agents: {infra: {directory: '[ROOT]/work/infra', allowed_tools: ['Read', 'Bash(git log:*)']}}\n");
    let said = world.run(&["test", "infra"]);
    let command = "agent-dispatch update infra --allowed-tools 'Read,Bash(git log:*),Bash' grants Bash";
    assert!(said.contains(&format!("hint: {command}")), "{said}");
    // As it stands it does what it says.
    let (_, code) = (world.run(&["update", "infra", "--allowed-tools", "Read,Bash(git log:*),Bash"]), 0);
    let (said, _) = world.json(&["describe", "infra", "--json"]);
    assert_eq!((&said["allowed_tools"], code), (&serde_json::json!(["Read", "Bash(git log:*)", "Bash"]), 0), "{said}");
    let again = world.run(&["test", "infra"]);
    assert!(!again.contains("agent-dispatch update"), "granting changes nothing: {again}");
}

#[test]
fn a_jobs_directory_that_cannot_be_made_is_named_with_its_variable() {
    let world = world("result fine");
    std::fs::write(world.path("work/file"), "").unwrap();
    for place in ["work/file", "work/file/jobs"] {
        let place = world.path(place);
        let world = self::world("result fine").env("AGENT_DISPATCH_JOBS_DIR", place.to_str().unwrap());
        let said = world.run(&["test", "infra"]);
        assert!(
            said.contains("AGENT_DISPATCH_JOBS_DIR names this place") && said.contains("doctor` checks it"),
            "{said}"
        );
        let (report, code) = world.json(&["doctor", "--json"]);
        assert_eq!(code, 1, "{report}");
    }
}
