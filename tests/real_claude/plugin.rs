//! The plugin of `packages/plugin`, as its maker makes it: accepted, installed and used by the real CLI.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use agent_dispatch::mcp::tools::ROWS;

use super::request::Request;
use super::run::{Outcome, Run, World};
use super::stub::Reply;
use super::{install, notes, real_tests};

/// The server as Claude Code names it, and its tools.
const SERVER: &str = "plugin:agent-dispatch:agent-dispatch";
const TOOL: &str = "mcp__plugin_agent-dispatch_agent-dispatch__";
/// The plugin in its marketplace.
const ID: &str = "agent-dispatch@agent-dispatch";
/// The places outside of the home where the plugin looks for the program: this machine may have one there.
const OF_SYSTEM: &str = "/opt/homebrew/bin:/usr/local/bin:/home/linuxbrew/.linuxbrew/bin";
/// What the plugin says when there is no program.
const NOT_INSTALLED: &str = "the program agent-dispatch is not installed";
/// The prompt of A, and the task that it gives to B.
const ORDER: &str = "Ask the agent of project B.";
const TASK: &str = "Read the note of your project.";

/// Makes the plugin, and unpacks it below the world: a marketplace.
fn marketplace(world: &World) -> PathBuf {
    let run = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let make = Path::new(env!("CARGO_MANIFEST_DIR")).join("packages/plugin/make");
    let archive = run(Command::new(make).env("PACKAGES_DIR", world.path("packages")));
    let market = world.path("marketplace");
    std::fs::create_dir(&market).unwrap();
    run(Command::new("tar").args(["-x", "--strip-components=1", "-f", archive.trim(), "-C"]).arg(&market));
    let start = market.join("agent-dispatch/scripts/start");
    let text = std::fs::read_to_string(&start).unwrap();
    assert!(text.contains(OF_SYSTEM), "{text}");
    std::fs::write(start, text.replace(OF_SYSTEM, "/nowhere")).unwrap();
    market
}

/// A world with the plugin, an agent `b`, and no program on PATH.
fn world(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> World {
    let world = World::new(script);
    let market = marketplace(&world);
    for arguments in [["marketplace", "add", market.to_str().unwrap()], ["install", "--scope=user", ID]] {
        let outcome = claude(&world, &["plugin"]).args(&arguments).run();
        assert_eq!(outcome.end(), "0", "{outcome:#?}");
    }
    world.write("b/.mcp.json", &notes::config(&world, json!({}), json!({})));
    let agent = format!("{{directory: {}, allowed_tools: [mcp__notes]}}", world.path("b").display());
    world.write("home/.config/agent-dispatch/agents.yaml", &format!("agents:\n  b: {agent}\n"));
    world
}

/// Puts the program where the plugin looks for it.
fn install_program(world: &World) {
    let place = world.path("home/.local/bin");
    std::fs::create_dir_all(&place).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_agent-dispatch"), place.join("agent-dispatch")).unwrap();
}

/// What has no `agent-dispatch` on PATH, whatever this machine has.
fn with_path<'w>(run: Run<'w>) -> Run<'w> {
    let path = std::env::var_os("PATH").unwrap();
    let without = std::env::split_paths(&path).filter(|directory| !directory.join("agent-dispatch").exists());
    run.env("PATH", std::env::join_paths(without).unwrap()).env("AGENT_DISPATCH_CLAUDE", install::claude())
}

fn claude<'w>(world: &'w World, arguments: &[&str]) -> Run<'w> {
    with_path(world.claude(arguments))
}

/// A session with one prompt; its events.
fn session(world: &World, prompt: &str, arguments: &[&str]) -> Outcome {
    let run = claude(world, &["-p", "--output-format=stream-json", "--verbose"]).args(arguments);
    run.stdin(prompt).run()
}

/// The event that lists what the session has.
fn init(outcome: &Outcome) -> Value {
    let init = outcome.events().into_iter().find(|event| event["subtype"] == "init");
    init.unwrap_or_else(|| panic!("no init event: {outcome:#?}"))
}

/// The servers of a session and their states.
fn servers(outcome: &Outcome) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let servers = init(outcome)["mcp_servers"].as_array().unwrap().clone();
    servers.iter().map(|server| (text(&server["name"]), text(&server["status"]))).collect()
}

fn connected(names: &[&str]) -> Vec<(String, String)> {
    names.iter().map(|name| ((*name).to_owned(), "connected".to_owned())).collect()
}

/// The names in a list of the init event that are this plugin's.
fn ours(init: &Value, list: &str) -> Vec<String> {
    let names = init[list].as_array().unwrap().iter().filter_map(Value::as_str);
    names.filter(|name| name.starts_with("agent-dispatch:") || name.starts_with(TOOL)).map(str::to_owned).collect()
}

real_tests! {
    fn the_validator_accepts_what_is_made() {
        let world = World::saying("unused");
        let market = marketplace(&world);
        let plugin = market.join("agent-dispatch");
        let validate = |path: &Path| claude(&world, &["plugin", "validate", "--strict", path.to_str().unwrap()]).run();
        for path in [&market, &plugin] {
            assert_eq!(validate(path).end(), "0", "{:#?}", validate(path));
        }
        std::fs::write(plugin.join(".claude-plugin/plugin.json"), r#"{"name": 5}"#).unwrap();
        assert_eq!(validate(&plugin).end(), "1", "it refuses nothing");
    }

    fn a_session_has_the_server_the_skill_and_the_commands() {
        let world = world(|request| match request.tool_results().first() {
            None => Reply::tool("Skill", json!({"skill": "agent-dispatch:delegate"})),
            Some(_) => Reply::text("read"),
        });
        install_program(&world);
        let outcome = session(&world, "go", &["--allowedTools=Skill"]);
        outcome.answered("read");
        assert_eq!(servers(&outcome), connected(&[SERVER]));
        let init = init(&outcome);
        let mut tools: Vec<String> = ROWS.iter().map(|row| format!("{TOOL}{}", row.name)).collect();
        tools.sort();
        assert_eq!(ours(&init, "tools"), tools);
        let mut commands = ours(&init, "slash_commands");
        commands.sort();
        assert_eq!(commands, ["agents", "delegate", "dispatch", "jobs"].map(|name| format!("agent-dispatch:{name}")));
        let requests = world.stub.messages();
        let told = requests[0].everything();
        assert!(told.contains("agent-dispatch:delegate: "), "the model is not told of the skill");
        assert!(!told.contains("agent-dispatch:jobs"), "the model is told of commands that are the user's");
        assert!(requests[1].everything().contains("# Delegating with agent-dispatch"), "{:#?}", requests[1].user_texts());
    }

    fn a_command_makes_a_whole_dispatch() {
        let dispatch = format!("{TOOL}dispatch");
        let world = world(move |request| match (request.says(ORDER), request.tool_results().first()) {
            (true, None) => Reply::tool(&dispatch, json!({"agent": "b", "task": TASK})),
            (true, Some((told, _))) => Reply::text(told.clone()),
            (false, None) => Reply::tool(notes::TOOL, json!({})),
            (false, Some((note, _))) => Reply::text(note.clone()),
        });
        install_program(&world);
        let prompt = format!("/agent-dispatch:dispatch b {ORDER}");
        let outcome = session(&world, &prompt, &[&format!("--allowedTools={TOOL}dispatch")]);
        assert_eq!(outcome.end(), "0", "{outcome:#?}");
        let told = outcome.result()["result"].as_str().unwrap().to_owned();
        assert!(told.contains(r#""success":true"#) && told.contains(notes::NOTE), "{told}");
        let first = &world.stub.messages()[0];
        assert!(first.says(&format!("its task: b {ORDER}")), "{:#?}", first.user_texts());
    }

    fn without_the_program_the_user_and_the_model_are_told_and_it_is_there_at_once_when_it_is_installed() {
        let world = world(|_| Reply::text("fine"));
        let outcome = session(&world, "go", &[]);
        outcome.answered("fine");
        let hook = outcome.events().into_iter().find(|event| event["subtype"] == "hook_response");
        let said: Value = serde_json::from_str(hook.unwrap()["stdout"].as_str().unwrap()).unwrap();
        assert!(said["systemMessage"].as_str().unwrap().contains(NOT_INSTALLED), "{said:#}");
        assert_eq!((servers(&outcome), ours(&init(&outcome), "tools")), (connected(&[SERVER]), vec![]));
        assert!(world.stub.messages()[0].everything().contains(NOT_INSTALLED));
        install_program(&world);
        let outcome = session(&world, "go", &[]);
        assert_eq!(ours(&init(&outcome), "tools").len(), ROWS.len(), "{outcome:#?}");
        assert!(!world.stub.messages().last().unwrap().everything().contains(NOT_INSTALLED));
    }

    fn whoever_has_both_is_told_what_to_remove_and_that_helps() {
        let world = world(|_| Reply::text("fine"));
        install_program(&world);
        let program = world.path("home/.local/bin/agent-dispatch");
        let product = |verb: &str| with_path(world.program(&program, &[verb])).run();
        // With the plugin alone, nothing is registered.
        let told = product("init");
        assert!(told.stdout.contains(&format!("is there already: plugin {ID}")), "{told:#?}");
        assert_eq!(servers(&session(&world, "go", &[])), connected(&[SERVER]));
        let entry = json!({"command": program, "args": ["serve"]}).to_string();
        let outcome = claude(&world, &["mcp", "add-json", "agent-dispatch", &entry, "--scope=user"]).run();
        assert_eq!(outcome.end(), "0", "{outcome:#?}");
        assert_eq!(servers(&session(&world, "go", &[])).len(), 2);
        let told = product("doctor").stdout;
        assert!(told.contains("sessions have all tools twice"), "{told}");
        let remedy = told.lines().find_map(|line| line.split_once("to keep the plugin's ")).unwrap().1;
        let command = remedy.split("): ").nth(1).unwrap().split("; ").next().unwrap();
        let command = format!("PATH={}:$PATH; {command}", install::claude().parent().unwrap().display());
        let outcome = with_path(world.program(Path::new("/bin/sh"), &["-c", &command])).run();
        assert_eq!(outcome.end(), "0", "{outcome:#?}");
        assert_eq!(servers(&session(&world, "go", &[])), connected(&[SERVER]));
        assert!(!product("doctor").stdout.contains("twice"));
    }

    /// The list of marketplaces, and the directory that it names, decide whether a session has the server; doctor says the same.
    fn what_doctor_says_of_a_plugin_that_is_not_loaded_is_so() {
        let world = world(|_| Reply::text("fine"));
        install_program(&world);
        let program = world.path("home/.local/bin/agent-dispatch");
        let fails = || {
            let shown = with_path(world.program(&program, &["doctor"])).run().stdout;
            let line = shown.lines().find(|line| line.contains("cannot load the plugin")).map(str::to_owned);
            assert_eq!(line.is_none(), shown.contains("ok       registered: agent-dispatch serve (plugin"), "{shown}");
            line
        };
        let has_server = || claude(&world, &["mcp", "list"]).run().stdout.contains(SERVER);
        assert_eq!((fails(), has_server()), (None, true));
        for name in [
            "marketplace",
            "marketplace/.claude-plugin/marketplace.json",
            "marketplace/agent-dispatch",
            "marketplace/agent-dispatch/.mcp.json",
        ] {
            std::fs::rename(world.path(name), world.path("away")).unwrap();
            assert!(fails().is_some_and(|line| line.contains(&format!("{} does not exist", world.path(name).display()))));
            assert!(!has_server(), "without {name}");
            std::fs::rename(world.path("away"), world.path(name)).unwrap();
        }
        for name in [
            "marketplace/.claude-plugin/marketplace.json",
            "marketplace/agent-dispatch/.claude-plugin/plugin.json",
            "home/.claude/plugins/known_marketplaces.json",
        ] {
            let sound = std::fs::read(world.path(name)).unwrap();
            std::fs::write(world.path(name), "{").unwrap();
            assert!(fails().is_some_and(|line| line.contains("is damaged")) && !has_server(), "{name}");
            std::fs::write(world.path(name), sound).unwrap();
        }
        // The commands that are told, as they are typed.
        std::fs::rename(world.path("marketplace"), world.path("moved")).unwrap();
        assert_eq!(servers(&session(&world, "go", &[])), []);
        let add = ["plugin", "marketplace", "add", world.path("moved").to_str().unwrap()].map(str::to_owned);
        let outcome = claude(&world, &add.each_ref().map(String::as_str)).run();
        assert_eq!((outcome.end().as_str(), fails(), has_server()), ("0", None, true), "{outcome:#?}");
        std::fs::rename(world.path("moved"), world.path("marketplace")).unwrap();
        let shown = with_path(world.program(&program, &["init"])).run();
        assert_eq!(shown.end(), "1", "{shown:#?}");
        let command = shown.stderr.lines().find_map(|line| line.split_once("or do without it: ")).unwrap().1;
        let command = format!("PATH={}:$PATH; {command}", install::claude().parent().unwrap().display());
        let outcome = with_path(world.program(Path::new("/bin/sh"), &["-c", &command])).run();
        assert_eq!(outcome.end(), "0", "{outcome:#?}");
        assert_eq!(servers(&session(&world, "go", &[])), connected(&["agent-dispatch"]));
    }

    /// Why the plugin's server must not fail where there is no program.
    fn a_plugins_server_that_failed_is_not_started_again_in_the_next_session() {
        let world = world(|_| Reply::text("fine"));
        install_program(&world);
        let start = world.path("marketplace/agent-dispatch/scripts/start");
        let works = std::fs::read_to_string(&start).unwrap();
        std::fs::write(&start, "exit 1\n").unwrap();
        assert_eq!(servers(&session(&world, "go", &[]))[0].1, "failed");
        let started = world.path("started");
        // The hook runs the script too, with another word.
        let marked = format!("[ \"$1\" != serve ] || : >'{}'\n{works}", started.display());
        std::fs::write(&start, marked).unwrap();
        assert_eq!(servers(&session(&world, "go", &[]))[0].1, "failed");
        assert!(!started.exists(), "it was started");
        assert_eq!(claude(&world, &["mcp", "list"]).run().end(), "0");
        assert!(started.exists(), "it could not have been seen");
    }
}
