//! No verb, help, version, wrong usage, and an output that nobody reads.

use std::process::Stdio;

use insta::assert_snapshot;

use super::World;

#[test]
fn no_verb_greets() {
    assert_snapshot!(World::new().run(&[]), @r#"
    exit code: 0
    ----- stdout -----
    agent-dispatch 1.0.0: delegate work from one Claude Code project to another.

      agent-dispatch demo           see it work: needs nothing, costs nothing, takes four seconds
      agent-dispatch init           set it up: agents.yaml, and the MCP server in Claude Code
      agent-dispatch add NAME DIR   make a project directory an agent
      agent-dispatch test NAME      ask an agent something; a real run, costs money
      agent-dispatch jobs           see what runs, and what ran in the background
      agent-dispatch doctor         find out what is missing

    agent-dispatch --help shows the rest.
    ----- stderr -----
    "#);
}

#[test]
fn version() {
    assert_snapshot!(World::new().run(&["--version"]), @r#"
    exit code: 0
    ----- stdout -----
    agent-dispatch 1.0.0
    ----- stderr -----
    "#);
}

#[test]
fn version_with_what_it_was_built_from() {
    let world = World::new();
    for arguments in [["--version", "--verbose"], ["-V", "--verbose"], ["--verbose", "--version"]] {
        let output = world.output(&arguments);
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}");
        let said = String::from_utf8(output.stdout).unwrap();
        let (first, rest) = said.split_once('\n').unwrap();
        assert_eq!(first, concat!("agent-dispatch ", env!("CARGO_PKG_VERSION")));
        let lines = rest.lines().map(|line| line.split_once(": ").unwrap()).collect::<Vec<_>>();
        let [("target", target), ("commit", commit), ("profile", profile)] = lines[..] else { panic!("{said}") };
        assert!(target.starts_with(std::env::consts::ARCH), "{target}");
        // A build of a commit is made by `packages/build`, and `packages/check` looks at what that says.
        let expected = if cfg!(debug_assertions) { ("development", "debug") } else { (commit, "release") };
        assert_eq!((commit, profile), expected);
    }
}

#[test]
fn verbose_belongs_to_the_version() {
    let world = World::new();
    assert_snapshot!(world.run(&["--verbose", "list"]), @r#"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    error: the following required arguments were not provided:
      --version

    Usage: agent-dispatch --version

    For more information, try '--help'.
    "#);
    assert_eq!(world.once(&["list", "--verbose"]).assert().code(2).get_output().stdout, b"");
}

#[test]
fn help_shows_every_verb_but_the_hidden_ones() {
    assert_snapshot!(World::new().run(&["--help"]), @r#"
    exit code: 0
    ----- stdout -----
    Delegate work from one Claude Code project to another

    Usage: agent-dispatch [COMMAND]

    Commands:
      init      Create agents.yaml and register the MCP server with Claude Code
      add       Make a project directory an agent
      update    Change an agent
      remove    Take an agent out of agents.yaml; its directory stays
      list      List the agents
      describe  Show everything about an agent
      group     Groups: agents that work on one thing and share what they need to know
      test      Run one real task in an agent; this costs money
      jobs      List the jobs of all sessions, newest first
      job       Show a job: what was asked, what the agent did, its answer
      wait      Wait for the end of a job and print its answer
      cancel    End a job, whoever started it, with everything that it runs
      gc        Remove finished jobs and their answers for good
      stats     Show what dispatches took and cost: in all, by agent, by day
      serve     Serve MCP on standard input and output; Claude Code starts this
      doctor    Check the installation; every finding comes with its remedy
      demo      See it work with simulated agents: needs nothing, costs nothing, leaves nothing behind
      help      Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version; with --verbose also target, commit and profile

    Examples:
      agent-dispatch demo                                see it work; needs nothing, costs nothing
      agent-dispatch init                                set it up in Claude Code
      agent-dispatch add infra ~/projects/infra          make a project an agent
      agent-dispatch test infra "Which services run?"    one real run
      agent-dispatch jobs                                what runs, and what ran in the background
      agent-dispatch stats                               what it took and cost
      agent-dispatch doctor                              find out what is missing

    Environment:
      AGENT_DISPATCH_CONFIG     agents.yaml to use
      AGENT_DISPATCH_JOBS_DIR   where job records are kept
      AGENT_DISPATCH_USAGE_LOG  where usage is recorded
      AGENT_DISPATCH_CLAUDE     claude CLI to use
      AGENT_DISPATCH_LOG        log filter, such as debug
      NO_COLOR                  no colours
    ----- stderr -----
    "#);
}

#[test]
fn unknown_verb() {
    assert_snapshot!(World::new().run(&["lst"]), @r#"
    exit code: 2
    ----- stdout -----

    ----- stderr -----
    error: unrecognized subcommand 'lst'

      tip: some similar subcommands exist: 'test', 'list'

    Usage: agent-dispatch [COMMAND]

    For more information, try '--help'.
    "#);
}

#[test]
fn wrong_usage_is_json_where_json_is_asked_for() {
    assert_snapshot!(World::new().run(&["list", "--json", "--jsno"]), @r#"
    exit code: 2
    ----- stdout -----
    {
      "error": "unexpected argument '--jsno' found",
      "hint": "tip: a similar argument exists: '--json'; Usage: agent-dispatch list --json; agent-dispatch --help shows what can be typed"
    }
    ----- stderr -----
    error: unexpected argument '--jsno' found

      tip: a similar argument exists: '--json'

    Usage: agent-dispatch list --json

    For more information, try '--help'.
    "#);
}

#[test]
fn every_verb_has_help() {
    let world = World::new();
    for verb in [
        "init", "add", "update", "remove", "list", "describe", "test", "jobs", "job", "wait", "cancel", "gc", "serve",
        "doctor", "demo",
    ] {
        let output = world.output(&[verb, "--help"]);
        assert!(output.status.success(), "{verb}");
        assert!(String::from_utf8(output.stdout).unwrap().contains("Usage: agent-dispatch"), "{verb}");
    }
}

#[test]
fn arguments_that_are_not_utf8_are_wrong_usage() {
    use std::os::unix::ffi::OsStrExt;
    let world = World::new();
    world.once(&["describe"]).arg(std::ffi::OsStr::from_bytes(b"\xff")).assert().code(2);
}

#[test]
fn a_reader_that_is_gone_is_no_failure() {
    let world = World::new().config("agents: {infra: {directory: '[ROOT]/work/infra'}}");
    for arguments in [
        &["list"][..],
        &["list", "--json"],
        &["describe", "infra"],
        &["--help"],
        &[],
        &["doctor", "--json"],
        &["jobs", "--json"],
        &["gc"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = world.command(arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code().is_some_and(|code| code <= 1), "{arguments:?}: {}", output.status);
        assert!(stderr.is_empty() || stderr.starts_with("from "), "{arguments:?}: {stderr}");
    }
}

/// Only Linux has a device that is always full.
#[cfg(target_os = "linux")]
#[test]
fn an_output_that_cannot_be_written_is_a_failure() {
    let world = World::new();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = world.command(&["list", "--json"]).stdout(full).output().unwrap();
    assert_snapshot!(super::shown(&output), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: cannot write to standard output: No space left on device (os error 28)
    error: cannot write to standard output: No space left on device (os error 28)
    "#);
}

#[test]
fn a_log_filter_that_cannot_be_read_stops_nothing() {
    let world = World::new().env("AGENT_DISPATCH_LOG", "no such=filter=x");
    assert_snapshot!(world.run(&["list", "--json"]), @r#"
    exit code: 0
    ----- stdout -----
    []
    ----- stderr -----
    warning: AGENT_DISPATCH_LOG is not a filter such as `debug` or `agent_dispatch=trace`: invalid filter directive: too many '=' in filter directive, expected 0 or 1
    "#);
}

#[test]
fn logs_go_to_standard_error_only() {
    let world = World::with_claude().config("agents: {infra: {directory: '[ROOT]/work/infra'}}");
    let world = world.env("AGENT_DISPATCH_LOG", "trace");
    let (answer, code) = world.json(&["test", "infra", "hello", "--json"]);
    assert_eq!((answer["result"].as_str(), code), (Some("echo: hello"), 0));
}

#[test]
fn what_is_missing_is_said_in_json_too() {
    let world = World::new();
    for (arguments, missing, usage) in [
        (&["job", "--json"][..], "not provided: <ID>", "Usage: agent-dispatch job"),
        (&["wait", "--json"], "not provided: <ID>", "Usage: agent-dispatch wait"),
        (&["cancel", "--json"], "not provided: <ID>", "Usage: agent-dispatch cancel"),
        (&["describe", "--json"], "not provided: <NAME>", "Usage: agent-dispatch describe"),
        (&["test", "--json"], "not provided: <NAME>", "Usage: agent-dispatch test"),
        (&["stats", "--jsn", "--json"], "unexpected argument '--jsn' found", "tip: "),
    ] {
        let (said, code) = world.json(arguments);
        let text = |key: &str| said[key].as_str().unwrap_or_default().to_owned();
        assert_eq!(code, 2, "{arguments:?}");
        assert!(text("error").contains(missing) && !text("error").contains('\n'), "{said}");
        assert!(text("hint").contains(usage) && text("hint").contains("--help"), "{said}");
    }
}
