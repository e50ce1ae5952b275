//! Whole dispatches: a real `claude` in project A, this product as its MCP server, a real `claude` in project B.
//!
//! One stub answers for both models and tells them apart by the prompt: only A was asked [`ORDER`].

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::request::Request;
use super::run::{LIMIT, Outcome, Run, Running, USER_SETTINGS, World, eventually};
use super::stub::Reply;
use super::{install, notes, real_tests};

/// The prompt of A.
const ORDER: &str = "Ask the agent of project B.";
/// The task that A's model hands to B.
const TASK: &str = "Read the note of your project.";
/// In B's CLAUDE.md.
const B_RULES: &str = "Rules of project B: be brief.";
/// In A's CLAUDE.md.
const A_RULES: &str = "Rules of project A: delegate.";

const DISPATCH: &str = "mcp__agent-dispatch__dispatch";
const DISPATCH_SESSION: &str = "mcp__agent-dispatch__dispatch_session";
const DISPATCH_PARALLEL: &str = "mcp__agent-dispatch__dispatch_parallel";
const DISPATCH_DIALOGUE: &str = "mcp__agent-dispatch__dispatch_dialogue";

/// The agent's own timeout where a test waits for it. Above the time that the CLI takes to its first request: 1 s
/// alone, 3 s on busy cores.
const SHORT_TIMEOUT_S: u32 = 6;
/// A timeout that no test reaches.
const LONG_TIMEOUT_S: u32 = 600;
/// How soon nothing may be left of a run that nobody waits for: the grace given to the CLI, several times over.
const GONE: Duration = Duration::from_secs(30);

/// A world with the two projects and a configuration with the one agent `b`.
fn world(timeout_s: u32, script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> World {
    world_with(&format!("timeout: {timeout_s}"), "", script)
}

/// As [`world`], with more of `b` and more of the configuration.
fn world_with(of_b: &str, rest: &str, script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> World {
    let world = World::new(script);
    // The mode of a run is the product's own affair.
    std::fs::remove_file(world.path(USER_SETTINGS)).unwrap();
    world.write("project/CLAUDE.md", A_RULES);
    world.write("b/CLAUDE.md", B_RULES);
    world.write("b/.mcp.json", &notes::config(&world, json!({}), json!({})));
    let agent = format!("directory: {}\n    {of_b}\n    allowed_tools: [mcp__notes]", world.path("b").display());
    world.write("config/agents.yaml", &format!("agents:\n  b:\n    {agent}\n{rest}"));
    world
}

/// Adds what the product needs to find its configuration and the CLI.
fn configured<'w>(world: &World, run: Run<'w>) -> Run<'w> {
    let config = world.path("config/agents.yaml");
    run.env("AGENT_DISPATCH_CONFIG", config).env("AGENT_DISPATCH_CLAUDE", install::claude())
}

fn product<'w>(world: &'w World, args: &[&str]) -> Run<'w> {
    configured(world, world.program(env!("CARGO_BIN_EXE_agent-dispatch").as_ref(), args))
}

/// `claude -p` in A with the product as its server.
fn outer<'w>(world: &'w World, args: &[&str]) -> Run<'w> {
    let entry = json!({"command": env!("CARGO_BIN_EXE_agent-dispatch"), "args": ["serve"], "alwaysLoad": true});
    let servers = json!({"mcpServers": {"agent-dispatch": entry}});
    let run = world.claude(&["-p", "--output-format=stream-json", "--verbose", "--allowedTools=mcp__agent-dispatch"]);
    configured(world, run.args(&[&format!("--mcp-config={servers}")]).args(args))
}

fn is_outer(request: &Request) -> bool {
    request.says(ORDER)
}

/// The model of B: reads the note, then answers with it.
fn b_reads_the_note(request: &Request) -> Reply {
    match request.tool_results().first() {
        None => Reply::tool(notes::TOOL, json!({})),
        Some((note, _)) => Reply::text(format!("It says: {note}\n\nSTATUS: done")),
    }
}

/// The answer of the product inside what a tool returned to A's model.
fn answer(told: &str) -> Value {
    let answer = told.find(['{', '[']).and_then(|start| serde_json::from_str(&told[start..]).ok());
    answer.unwrap_or_else(|| panic!("no JSON answer: {told}"))
}

/// The answers that A's model got, in order.
fn answers(world: &World) -> Vec<Value> {
    let requests = world.stub.messages();
    let told = requests.iter().filter(|request| is_outer(request)).flat_map(Request::tool_results);
    told.map(|(text, _)| answer(&text)).collect()
}

/// What B's model was asked.
fn inner_requests(world: &World) -> Vec<Request> {
    world.stub.messages().into_iter().filter(|request| !is_outer(request)).collect()
}

/// Processes of the CLI in B's run: those whose prompt or arguments are not A's are told apart by their parent's mark.
fn inner_claudes(world: &World) -> usize {
    let claude = install::claude().display().to_string();
    let is_inner = |process: &super::run::Process| {
        process.command.starts_with(&claude)
            && process.environment.iter().any(|pair| pair.starts_with("AGENT_DISPATCH_JOB="))
    };
    world.processes().iter().filter(|process| is_inner(process)).count()
}

/// Waits for nothing to be left of B's run.
fn nothing_is_left(world: &World) {
    eventually("the inner claude is gone", GONE, || (inner_claudes(world) == 0).then_some(()));
}

/// A world whose model A dispatches and whose model B never answers.
fn waiting_world() -> World {
    world(LONG_TIMEOUT_S, |request| match is_outer(request) {
        true if request.tool_results().is_empty() => Reply::tool(DISPATCH, json!({"agent": "b", "task": TASK})),
        true => Reply::text("I gave up"),
        false => Reply::Silence,
    })
}

/// Waits until B's model has been asked, so that B's run is in full flight.
fn wait_for_b(world: &World, running: &Running<'_>) {
    world.stub.wait_for(LIMIT, |request| !is_outer(request));
    assert_eq!(inner_claudes(world), 1, "A's stream: {}", running.stdout_so_far());
}

/// Asserts the usual fields of a success and gives it.
#[track_caller]
fn succeeded(answer: &Value, result: &str) {
    assert_eq!((&answer["agent"], &answer["success"]), (&json!("b"), &json!(true)), "{answer:#}");
    assert_eq!(answer["result"], result, "{answer:#}");
    assert!(answer["session_id"].as_str().is_some_and(|id| id.len() == 36), "{answer:#}");
    assert!(answer["cost_usd"].as_f64().is_some_and(|cost| cost > 0.0), "{answer:#}");
}

#[track_caller]
fn ended_well(outcome: &Outcome) {
    assert_eq!(outcome.end(), "0", "{outcome:#?}");
}

real_tests! {
    fn test_on_the_command_line_prints_what_the_agent_said() {
        let world = world(LONG_TIMEOUT_S, b_reads_the_note);
        let outcome = product(&world, &["test", "b", TASK]).run();
        ended_well(&outcome);
        assert!(outcome.stdout.contains(notes::NOTE), "{outcome:#?}");
        assert!(world.stub.messages()[0].says(TASK));
        nothing_is_left(&world);
    }

    fn test_on_the_command_line_fails_with_a_diagnosis_when_the_api_does() {
        let world = world(LONG_TIMEOUT_S, |_| Reply::error(500, "broken inside"));
        let outcome = product(&world, &["test", "b", TASK]).run();
        assert_eq!(outcome.end(), "1", "{outcome:#?}");
        assert!(format!("{}{}", outcome.stdout, outcome.stderr).contains("500"), "{outcome:#?}");
    }

    fn a_dispatch_goes_from_one_claude_to_another_and_back() {
        let world = world(LONG_TIMEOUT_S, |request| match (is_outer(request), request.tool_results().first()) {
            (true, None) => Reply::tool(DISPATCH, json!({"agent": "b", "task": TASK})),
            (true, Some((told, _))) => Reply::text(format!("B answered: {}", answer(told)["result"])),
            (false, _) => b_reads_the_note(request),
        });
        let outcome = outer(&world, &[]).stdin(ORDER).run();
        ended_well(&outcome);
        let said = format!("It says: {}", notes::NOTE);
        outcome.answered(&format!("B answered: {}", Value::from(said.clone())));

        let first_of_a = &world.stub.messages()[0];
        assert!(first_of_a.tools().contains(&DISPATCH), "{:?}", first_of_a.tools());

        let inner = inner_requests(&world);
        assert_eq!(inner.len(), 2, "one to call the tool, one with its result");
        assert!(inner[0].says(TASK));
        let everything = inner[0].everything();
        assert!(everything.contains(B_RULES) && !everything.contains(A_RULES), "{everything}");
        assert!(everything.contains(notes::TOOL) || inner[0].tools().contains(&notes::TOOL), "{everything}");
        assert!(inner[0].system().contains("STATUS:"), "the dispatch protocol is missing: {}", inner[0].system());
        let session = |request: &Request| request.header("x-claude-code-session-id").map(str::to_owned);
        assert_ne!(session(&inner[0]), session(first_of_a));

        let answers = answers(&world);
        assert_eq!(answers.len(), 1, "{answers:#?}");
        succeeded(&answers[0], &said);
        assert_eq!((&answers[0]["outcome"], &answers[0]["num_turns"]), (&json!("done"), &json!(2)), "{:#}", answers[0]);
        assert_eq!(answers[0]["session_id"].as_str(), session(&inner[0]).as_deref());
    }

    fn a_timeout_names_the_session_and_the_session_goes_on() {
        const GO_ON: &str = "Continue where you left off.";
        let world = world(SHORT_TIMEOUT_S, |request| match (is_outer(request), request.tool_results().first()) {
            (true, None) => Reply::tool(DISPATCH, json!({"agent": "b", "task": TASK})),
            (true, Some((told, _))) => match answer(told) {
                first if first["error_type"] == "timeout" => {
                    let input = json!({"agent": "b", "task": GO_ON, "session_id": first["session_id"]});
                    Reply::tool(DISPATCH_SESSION, input)
                }
                _ => Reply::text("it went on"),
            },
            (false, _) if request.says(GO_ON) => Reply::text("here I am again"),
            (false, _) => Reply::Silence,
        });
        outer(&world, &[]).stdin(ORDER).run().answered("it went on");

        let answers = answers(&world);
        assert_eq!(answers.len(), 2, "{answers:#?}");
        assert_eq!((&answers[0]["success"], &answers[0]["error_type"]), (&json!(false), &json!("timeout")));
        succeeded(&answers[1], "here I am again");
        assert_eq!(answers[1]["session_id"], answers[0]["session_id"]);
        let resumed = inner_requests(&world).into_iter().find(|request| request.says(GO_ON)).unwrap();
        assert!(resumed.says(TASK), "the resumed session has lost its first prompt");
        nothing_is_left(&world);
    }

    fn an_error_of_the_api_comes_back_with_its_type() {
        let world = world(LONG_TIMEOUT_S, |request| match (is_outer(request), request.tool_results().first()) {
            (true, None) => Reply::tool(DISPATCH, json!({"agent": "b", "task": TASK})),
            (true, Some(_)) => Reply::text("understood"),
            (false, _) => Reply::error(429, "slow down"),
        });
        outer(&world, &[]).stdin(ORDER).run().answered("understood");
        let answers = answers(&world);
        assert_eq!(answers[0]["success"], false, "{answers:#?}");
        assert_eq!(answers[0]["error_type"], "usage_limit", "{answers:#?}");
    }

    fn a_denied_tool_is_named_with_the_answer() {
        let world = world(LONG_TIMEOUT_S, |request| match (is_outer(request), request.tool_results().first()) {
            (true, None) => Reply::tool(DISPATCH, json!({"agent": "b", "task": TASK})),
            (true, Some(_)) => Reply::text("understood"),
            (false, None) => Reply::tool("Bash", json!({"command": "touch one", "description": "creates a file"})),
            (false, Some(_)) => Reply::text("I may not"),
        });
        outer(&world, &[]).stdin(ORDER).run().answered("understood");
        let answers = answers(&world);
        assert_eq!(answers[0]["denied_tools"], json!(["Bash"]), "{answers:#?}");
        succeeded(&answers[0], "I may not");
    }

    /// Older versions of the CLI follow the project; the mode that is passed goes before that.
    fn a_project_does_not_give_its_agent_more_than_it_may() {
        for mode in ["auto", "bypassPermissions"] {
            let world = world(LONG_TIMEOUT_S, |request| match request.tool_results().is_empty() {
                true => Reply::tool("Bash", json!({"command": "touch one", "description": "creates a file"})),
                false => Reply::text("I may not"),
            });
            world.write("b/.claude/settings.json", &json!({"permissions": {"defaultMode": mode}}).to_string());
            product(&world, &["test", "b", TASK]).run();
            assert_eq!(world.stub.messages().len(), 2, "{mode}: one to call the tool, one with what came of it");
            assert!(!world.path("b/one").exists(), "{mode}");
        }
    }

    fn an_interrupted_call_ends_the_inner_run_while_the_outer_one_lives() {
        let world = waiting_world();
        let message = json!({"type": "user", "message": {"role": "user", "content": ORDER}});
        let interrupt = json!({"type": "control_request", "request_id": "1", "request": {"subtype": "interrupt"}});
        let run = outer(&world, &["--input-format=stream-json"]).stdin(format!("{message}\n"));
        let mut running = run.hold_stdin().start();
        wait_for_b(&world, &running);
        running.say(&format!("{interrupt}\n"));
        nothing_is_left(&world);
        assert!(world.processes().iter().any(|process| process.pid == running.pid()), "the outer claude has ended");
        running.wait(LIMIT);
    }

    fn nothing_is_left_when_the_outer_claude_is_terminated() {
        let world = waiting_world();
        let running = outer(&world, &[]).stdin(ORDER).start();
        wait_for_b(&world, &running);
        running.signal(Signal::TERM);
        running.wait(LIMIT);
        nothing_is_left(&world);
    }

    fn nothing_is_left_when_the_outer_claude_is_killed() {
        let world = waiting_world();
        let running = outer(&world, &[]).stdin(ORDER).start();
        wait_for_b(&world, &running);
        running.signal(Signal::KILL);
        running.wait(LIMIT);
        nothing_is_left(&world);
    }

    fn nothing_is_left_when_the_outer_claude_and_its_server_are_killed() {
        let world = waiting_world();
        let running = outer(&world, &[]).stdin(ORDER).start();
        wait_for_b(&world, &running);
        // The CLI leaves its servers in its own group.
        running.signal_group(Signal::KILL);
        running.wait(LIMIT);
        nothing_is_left(&world);
    }

    fn an_answer_that_misses_its_schema_is_asked_for_again() {
        let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
        let world = world(LONG_TIMEOUT_S, move |request| match (is_outer(request), request.tool_results().first()) {
            (true, None) => {
                Reply::tool(DISPATCH, json!({"agent": "b", "task": TASK, "response_schema": schema}))
            }
            (true, Some(_)) => Reply::text("understood"),
            // Never the tool: the CLI reminds once, then calls it a success.
            (false, _) if request.says("does not match the JSON Schema") => {
                Reply::tool("StructuredOutput", json!({"n": 7}))
            }
            (false, _) => Reply::text("It is seven."),
        });
        outer(&world, &[]).stdin(ORDER).run().answered("understood");
        let answers = answers(&world);
        assert_eq!(answers[0]["parsed_result"], json!({"n": 7}), "{answers:#?}");
        succeeded(&answers[0], r#"{"n":7}"#);
    }

    fn a_run_that_reaches_its_turn_limit_says_how_to_go_on() {
        let world = world(LONG_TIMEOUT_S, |request| match (is_outer(request), request.tool_results().first()) {
            (true, None) => Reply::tool(DISPATCH, json!({"agent": "b", "task": TASK, "max_turns": 1})),
            (true, Some(_)) => Reply::text("understood"),
            (false, _) => Reply::tool(notes::TOOL, json!({})),
        });
        outer(&world, &[]).stdin(ORDER).run().answered("understood");
        let answers = answers(&world);
        assert_eq!(answers[0]["error_type"], "budget", "{answers:#?}");
        assert!(answers[0]["error"].as_str().unwrap().contains("max_turns=2)"), "{answers:#?}");
    }

    fn a_run_that_reaches_its_spend_cap_says_how_to_go_on() {
        let world = world_with("max_budget_usd: 0.0001", "", |request| match (is_outer(request), request.tool_results().first()) {
            (true, None) => Reply::tool(DISPATCH, json!({"agent": "b", "task": TASK})),
            (true, Some(_)) => Reply::text("understood"),
            (false, _) => Reply::text("paid for"),
        });
        outer(&world, &[]).stdin(ORDER).run().answered("understood");
        let answers = answers(&world);
        assert_eq!(answers[0]["error_type"], "budget", "{answers:#?}");
        let error = answers[0]["error"].as_str().unwrap();
        assert!(error.contains("max_budget_usd") && error.contains(answers[0]["session_id"].as_str().unwrap()), "{error}");
    }

    fn several_at_once_share_what_their_group_knows() {
        const SHARED: &str = "The staging host is b-7.";
        let group = format!("groups:\n  g:\n    shared_context: {SHARED}\n    members: [{{agent: b}}]\n");
        let world = world_with("timeout: 600", &group, |request| match (is_outer(request), request.tool_results().first()) {
            (true, None) => {
                let item = |task| json!({"agent": "b", "task": task, "group": "g"});
                Reply::tool(DISPATCH_PARALLEL, json!({"dispatches": [item("Count to one."), item("Count to two.")]}))
            }
            (true, Some(_)) => Reply::text("understood"),
            (false, _) if request.says("Count to one.") => Reply::text("1"),
            (false, _) => Reply::text("2"),
        });
        outer(&world, &[]).stdin(ORDER).run().answered("understood");
        let answers = answers(&world);
        let results = &answers[0]["result"];
        succeeded(&results[0], "1");
        succeeded(&results[1], "2");
        let inner = inner_requests(&world);
        assert_eq!(inner.len(), 2, "{inner:#?}");
        assert!(inner.iter().all(|request| request.says(SHARED)), "{inner:#?}");
        nothing_is_left(&world);
    }

    fn two_agents_talk_each_in_its_own_session() {
        const SECOND: &str = "agents:\n";
        let world = world_with("timeout: 600", "", |request| match (is_outer(request), request.tool_results().first()) {
            (true, None) => {
                Reply::tool(DISPATCH_DIALOGUE, json!({"requester": "c", "responder": "b", "topic": "the port"}))
            }
            (true, Some(_)) => Reply::text("understood"),
            (false, _) if request.says("Is it 8080?") => Reply::text("It is.\n\n[RESOLVED]"),
            (false, _) if request.says("Ask me.") => Reply::text("Is it 8080?"),
            (false, _) => Reply::text("Ask me."),
        });
        let agents = std::fs::read_to_string(world.path("config/agents.yaml")).unwrap();
        let second = format!("{SECOND}  c: {{directory: {}}}\n", world.path("project").display());
        world.write("config/agents.yaml", &agents.replace(SECOND, &second));
        outer(&world, &[]).stdin(ORDER).run().answered("understood");
        let answers = answers(&world);
        assert_eq!(answers[0]["resolved"], true, "{answers:#?}");
        let said: Vec<_> = answers[0]["conversation"].as_array().unwrap().iter().map(|turn| &turn["message"]).collect();
        assert_eq!(said.len(), 3, "{answers:#?}");
        let inner = inner_requests(&world);
        let last = inner.last().unwrap();
        assert!(last.says("the port") && last.says("Is it 8080?"), "its session has lost its beginning");
        nothing_is_left(&world);
    }
}
