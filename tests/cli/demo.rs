//! `demo`

use std::process::Stdio;

use insta::assert_snapshot;

use super::{World, interrupt, is_empty, shown, until};

/// Of the news that arrive together with the answer, clients may not see all.
fn without_progress(shown: &str) -> String {
    shown.lines().filter(|line| !line.starts_with("    · ")).collect::<Vec<_>>().join("\n")
}

/// How wide a column is depends on where the program was built.
fn in_narrow_columns(text: &str) -> String {
    let mut text = text.to_owned();
    while text.contains("    ") {
        text = text.replace("    ", "   ");
    }
    text
}

#[test]
fn shows_the_main_job_and_leaves_nothing_behind() {
    let world = World::new();
    let shown = world.run(&["demo"]);
    let (first, rest) = shown.split_once("\nA task that takes longer").unwrap();
    let (cut, end) = rest.split_once("\nFor real").unwrap();
    assert!(first.contains("· turn 2 · Read CLAUDE.md"), "{first}");
    assert_snapshot!(without_progress(first), @r#"
    exit code: 0
    ----- stdout -----
    agent-dispatch demo
    The server and the conversation are real. The agents are simulated: no model is asked, nothing is paid.

    Claude Code starts the server: agent-dispatch serve
      [TIME]

    Who is there?
      → list_agents {}
      ← [{"name":"bookshop","directory":"[ROOT]/tmp/[DEMO]/bookshop","description":"Web shop of a small bookstore","healthy":true,"has_claude_md":true,"has_mcp_config":false,"stacks":["Rust"]},{"name":"ledger","directory":"[ROOT]/tmp/[DEMO]/ledger","description":"Bookkeeping, a file a month","healthy":true,"has_claude_md":true,"has_mcp_config":false}]
      [TIME]

    Work for another project, with progress while it runs
      → dispatch {"agent":"bookshop","task":"What project is this? Describe in one sentence.","caller":"website"}
      ← {"agent":"bookshop","success":true,"result":"The web shop of a small bookstore: catalogue, cart and orders, in Rust with PostgreSQL.","session_id":"[UUID]","cost_usd":0.0,"duration_ms":[MS],"num_turns":2,"outcome":"done"}
      [TIME]

    The same question again: from the cache, at no cost
      → dispatch {"agent":"bookshop","task":"What project is this? Describe in one sentence.","caller":"website"}
      ← {"agent":"bookshop","success":true,"result":"The web shop of a small bookstore: catalogue, cart and orders, in Rust with PostgreSQL.","session_id":"[UUID]","cost_usd":0.0,"duration_ms":[MS],"num_turns":2,"outcome":"done","cached":true}
      [TIME]
    "#);
    // How far the agent comes in its two seconds depends on the machine.
    assert!(cut.contains(r#""error_type":"timeout""#), "{cut}");
    assert!(cut.contains("I remember: "), "{cut}");
    assert!(cut.contains("All 6 months are checked, the first "), "{cut}");
    assert_snapshot!(in_narrow_columns(end), @r#"
    , install Claude Code (https://claude.com/claude-code), then:
      claude   once, to log in
      [BINARY] init   create agents.yaml, register the server with Claude Code
      [BINARY] add NAME DIR   make a project an agent
      [BINARY] test NAME   ask it something; a real run
    The demo has left nothing behind.
    (agent-dispatch is [BINARY], which is not on PATH.)
    ----- stderr -----
    "#);
    assert!(is_empty(&world.path("tmp")));
    assert!(is_empty(&world.path("home")));
    world.is_quiet();
}

#[test]
fn with_claude_it_offers_the_real_thing_and_does_not_start_it() {
    let world = World::with_claude().env("FAKE_CLAUDE_SCENE", "touch ../../claude-was-run");
    let text = String::from_utf8(world.output(&["demo"]).stdout).unwrap();
    assert_snapshot!(in_narrow_columns(text.split_once("Claude Code is here").unwrap().1), @r#"
     ([ROOT]/bin/claude). For real:
      [BINARY] demo --real DIR   one real question to the project in DIR; costs a few cents
      [BINARY] init   create agents.yaml, register the server with Claude Code
      [BINARY] add NAME DIR   make a project an agent
      [BINARY] test NAME   ask it something; a real run
    The demo has left nothing behind.
    (agent-dispatch is [BINARY], which is not on PATH.)
    "#);
    assert!(!world.path("claude-was-run").exists());
}

#[test]
fn ctrl_c_leaves_nothing_behind() {
    let world = World::new();
    let child = world.command(&["demo"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("an agent to run", || world.processes().iter().any(|line| line.contains("simulated-agent")).then_some(()));
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(is_empty(&world.path("tmp")));
    world.is_quiet();
}

#[test]
fn no_place_for_temporary_files() {
    let world = World::new().env("TMPDIR", "/dev/null/tmp");
    assert_snapshot!(world.run(&["demo"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: the demo cannot use /dev/null/tmp: Not a directory (os error 20) at path "/dev/null/tmp/[DEMO]"
    hint: set TMPDIR to a directory that can be written
    "#);
}

#[test]
fn a_real_run_where_it_is_asked_for() {
    let world = World::with_claude().env("FAKE_CLAUDE_SCENE", "cost 0.02; say Looking.; result It is {cwd}.");
    assert_snapshot!(without_progress(&world.run(&["demo", "--real", "infra"])), @r#"
    exit code: 0
    ----- stdout -----
    This runs [ROOT]/bin/claude in [ROOT]/work/infra with your account. It costs money, at most about $0.50.
      → dispatch_stream {"agent":"real","task":"What project is this? Describe in one sentence."}
      ← {"agent":"real","success":true,"result":"It is [ROOT]/work/infra.","session_id":"[UUID]","cost_usd":0.02,"duration_ms":[MS],"num_turns":1}
      [TIME]
    ----- stderr -----
    "#);
    assert!(is_empty(&world.path("tmp")));
    assert_eq!(world.jobs(), Vec::<String>::new());
}

#[test]
fn a_real_run_that_fails() {
    let world = World::with_claude().env("FAKE_CLAUDE_SCENE", "error no-key");
    let output = world.output(&["demo", "--real", "infra"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(shown(&output).contains(&format!("hint: {} doctor", super::BINARY)));
    assert!(is_empty(&world.path("tmp")));
}

#[test]
fn a_real_run_needs_claude_and_a_directory() {
    assert_snapshot!(World::new().run(&["demo", "--real", "infra"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: the claude CLI was not found on PATH, nor where its installers put it
    hint: install Claude Code (https://claude.com/claude-code) and check with `claude --version`, or set AGENT_DISPATCH_CLAUDE to its path
    hint: [BINARY] demo, without --real, needs nothing and costs nothing
    "#);
    assert_snapshot!(World::with_claude().run(&["demo", "--real", "nowhere"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: nowhere: No such file or directory (os error 2)
    hint: name a project directory
    "#);
    assert_snapshot!(World::with_claude().run(&["demo", "--real"]), @r#"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    error: a value is required for '--real <DIR>' but none was supplied

    For more information, try '--help'.
    "#);
}
