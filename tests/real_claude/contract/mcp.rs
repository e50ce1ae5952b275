//! `claude mcp …`, by which the product registers itself, and the servers of a run.

use std::fs;
use std::path::Path;

use agent_dispatch::machines::mcp_servers::Trouble;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::real_claude::request::Request;
use crate::real_claude::run::{LIMIT, World, eventually};
use crate::real_claude::stub::Reply;
use crate::real_claude::{install, notes, real_tests};

const ENTRY: &str = r#"{"command":"/bin/cat","args":["serve"],"env":{"A":"1"},"alwaysLoad":true}"#;

/// Reads the note, then repeats what it was told.
fn reads_the_note(request: &Request) -> Reply {
    match request.tool_results().first() {
        None => Reply::tool(notes::TOOL, json!({})),
        Some((told, _)) => Reply::text(format!("told: {told}")),
    }
}

/// Starts a run whose model waits for a tool call that is never answered; gives the configuration and the server's log.
fn silent(world: &World) -> (String, std::path::PathBuf) {
    let log = world.path("notes.log");
    let config = notes::config(world, json!({"NOTES_SILENT": "1", "NOTES_LOG": log}), json!({"alwaysLoad": true}));
    (format!("--mcp-config={config}"), log)
}

/// The messages that the server got.
fn log(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

real_tests! {
    /// Nothing on stderr, nothing in the result: only the list of servers is empty.
    fn a_project_file_that_is_no_json_is_passed_over_without_a_word() {
        let servers = |text: &str| {
            let world = World::saying("hi");
            world.write("project/.mcp.json", text);
            let outcome = world.ask_stream("go", &[]);
            outcome.answered("hi");
            assert_eq!(outcome.stderr, "");
            outcome.events().remove(0)["mcp_servers"].clone()
        };
        let entry = r#""mcpServers": {"pg": {"command": "/bin/false"}"#;
        for broken in [format!("{{\n// x\n{entry}}}}}"), format!("{{{entry},}}}}"), String::new(), "[]".to_owned()] {
            assert_eq!(servers(&broken), json!([]), "{broken}");
        }
        // One that can be read tells of its servers, and whose they are.
        let failed = json!([{"name": "pg", "status": "failed", "source": "project"}]);
        assert_eq!(servers(&format!("{{{entry}}}}}")), failed);
        // An entry that is no server is passed over, the others are taken.
        assert_eq!(servers(&format!("{{{entry}, \"bad\": {{\"args\": []}}, \"worse\": \"x\"}}}}")), failed);
    }

    fn a_server_is_added_shown_and_removed() {
        let world = World::saying("never");
        let mcp = |args: &[&str]| world.claude(&["mcp"]).args(args).run();

        let added = mcp(&["add-json", "good", ENTRY, "--scope", "user"]);
        assert_eq!(added.end(), "0", "{added:#?}");
        assert!(added.stdout.contains("Added stdio MCP server good to user config"), "{added:#?}");
        let config = std::fs::read_to_string(world.home().join(".claude.json")).unwrap();
        let config: serde_json::Value = serde_json::from_str(&config).unwrap();
        let entry = &config["mcpServers"]["good"];
        assert_eq!((&entry["command"], &entry["alwaysLoad"]), (&"/bin/cat".into(), &true.into()), "{entry:#}");

        let again = mcp(&["add-json", "good", ENTRY, "--scope", "user"]);
        assert_eq!(again.end(), "1", "{again:#?}");
        assert!(again.stderr.contains("already exists"), "{again:#?}");

        let removed = mcp(&["remove", "good", "--scope", "user"]);
        assert_eq!(removed.end(), "0", "{removed:#?}");
        assert!(removed.stdout.contains("Removed MCP server good"), "{removed:#?}");

        let gone = mcp(&["get", "good"]);
        assert_eq!(gone.end(), "1", "{gone:#?}");
        assert!(gone.stderr.contains("No MCP server named \"good\""), "{gone:#?}");
    }

    fn get_shows_scope_command_and_how_to_remove() {
        let world = World::saying("never");
        // `false` ends at once: the health check that `get` makes has nothing to wait for.
        let entry = r#"{"command":"false","args":["serve"]}"#;
        world.claude(&["mcp", "add-json", "good", entry, "--scope", "user"]).run();
        let shown = world.claude(&["mcp", "get", "good"]).run();
        assert_eq!(shown.end(), "0", "{shown:#?}");
        for part in ["Scope: User", "Command: false", "Args: serve", "claude mcp remove"] {
            assert!(shown.stdout.contains(part), "{part} is missing: {shown:#?}");
        }
    }

    fn a_bad_name_and_a_bad_entry_are_refused() {
        let world = World::saying("never");
        let add = |name: &str, entry: &str| world.claude(&["mcp", "add-json", name, entry, "--scope", "user"]).run();
        let name = add("x y", ENTRY);
        assert!(name.end() == "1" && name.stderr.contains("Invalid name"), "{name:#?}");
        let entry = add("good", "{");
        assert!(entry.end() == "1" && entry.stderr.contains("Invalid"), "{entry:#?}");
    }

    /// What a hint advises about a server that did not start, word by word. Nobody approved the project's servers.
    fn why_a_server_of_the_project_does_not_start_is_told() {
        let world = World::saying("hi");
        let ends = json!({"command": "sh", "args": ["-c", "echo the database is away >&2; exit 3"]});
        let file = json!({"mcpServers": {"gone": {"command": "no-such-server-anywhere"}, "ends": ends}});
        world.write("project/.mcp.json", &file.to_string());
        let unapproved = world.claude(&["mcp", "get", "gone"]).run();
        assert!(!unapproved.stdout.contains("not found"), "it tells by itself: {unapproved:#?}");
        for (name, cause) in [("gone", "Executable not found in $PATH"), ("ends", "the database is away")] {
            let remedy = Trouble::Failed.remedy("it", &[name]);
            let command = remedy.split('`').nth(1).unwrap().strip_prefix("claude ").unwrap();
            let line = format!("exec \"$0\" {command}");
            let claude = install::claude().to_str().unwrap();
            let told = world.program(Path::new("/bin/sh"), &["-c", &line, claude]).run();
            assert!(told.stderr.lines().any(|line| line.contains("MCP server") && line.contains(cause)), "{told:#?}");
        }
    }

    fn a_server_that_does_not_start_does_not_fail_the_run() {
        let world = World::saying("fine");
        let outcome = world.ask_stream("go", &[r#"--mcp-config={"mcpServers":{"dead":{"command":"/nonexistent"}}}"#]);
        outcome.answered("fine");
        let init = &outcome.events()[0];
        assert_eq!(init["mcp_servers"][0]["name"], "dead", "{init:#}");
        assert_ne!(init["mcp_servers"][0]["status"], "connected", "{init:#}");
    }

    fn a_server_of_the_project_runs_unasked_and_its_tool_is_named_to_the_model() {
        let world = World::new(reads_the_note);
        world.write("project/.mcp.json", &notes::config(&world, json!({}), json!({})));
        let outcome = world.ask_stream("go", &["--allowedTools=mcp__notes"]);
        outcome.answered(&format!("told: {}", notes::NOTE));
        assert_eq!(outcome.events()[0]["mcp_servers"][0]["status"], "connected");
        let first = &world.stub.messages()[0];
        assert!(!first.tools().contains(&notes::TOOL), "without alwaysLoad only the name is sent");
        assert!(first.everything().contains(notes::TOOL));
    }

    fn with_always_load_the_tool_is_in_the_first_request() {
        let world = World::new(reads_the_note);
        let config = notes::config(&world, json!({}), json!({"alwaysLoad": true}));
        world.ask("go", &["--allowedTools=mcp__notes", &format!("--mcp-config={config}")]);
        assert!(world.stub.messages()[0].tools().contains(&notes::TOOL));
    }

    fn a_slow_server_is_waited_for_when_connecting_blocks() {
        // Longer than the 2 s that the CLI waits by itself, shorter than the 7 s that it waits then.
        let delay = json!({"NOTES_DELAY_MS": "3500"});
        for (nonblocking, there) in [("1", false), ("0", true)] {
            let world = World::saying("fine");
            world.write("project/.mcp.json", &notes::config(&world, delay.clone(), json!({})));
            let run = world.claude(&["-p", "--output-format=json"]).env("MCP_CONNECTION_NONBLOCKING", nonblocking);
            run.stdin("go").run().answered("fine");
            assert_eq!(world.stub.messages()[0].everything().contains(notes::TOOL), there, "{nonblocking}");
        }
    }

    fn a_tool_that_is_not_allowed_is_denied() {
        let world = World::new(reads_the_note);
        world.write("project/.mcp.json", &notes::config(&world, json!({}), json!({})));
        let result = world.ask("go", &["--permission-mode=acceptEdits"]).result();
        assert_eq!(result["permission_denials"][0]["tool_name"], notes::TOOL, "{result:#}");
    }

    fn the_handshake_is_a_probe_of_the_newest_protocol_and_then_the_older_one() {
        let world = World::new(reads_the_note);
        let path = world.path("notes.log");
        let config = notes::config(&world, json!({"NOTES_LOG": path}), json!({"alwaysLoad": true}));
        world.ask("go", &["--allowedTools=mcp__notes", &format!("--mcp-config={config}")]);
        let log = log(&path);
        let methods: Vec<&str> = log.iter().filter_map(|message| message["method"].as_str()).collect();
        let expected = ["server/discover", "initialize", "notifications/initialized", "tools/list", "tools/call"];
        assert_eq!(methods, expected);
        assert_eq!(log[1]["params"]["clientInfo"]["name"], "claude-code");
        let meta = &log[4]["params"]["_meta"];
        assert!(meta.get("progressToken").is_some() && meta.get("claudecode/toolUseId").is_some(), "{meta}");
    }

    fn a_call_that_takes_too_long_is_cancelled() {
        let world = World::new(reads_the_note);
        let (config, path) = silent(&world);
        let run = world.claude(&["-p", "--output-format=json", "--allowedTools=mcp__notes", &config]);
        let result = run.env("MCP_TOOL_TIMEOUT", "1000").stdin("go").run().result();
        assert!(result["result"].as_str().unwrap().contains("timed out"), "{result:#}");
        let log = log(&path);
        let call = log.iter().find(|message| message["method"] == "tools/call").unwrap();
        let cancelled = log.iter().find(|message| message["method"] == "notifications/cancelled").unwrap();
        assert_eq!(cancelled["params"]["requestId"], call["id"]);
    }

    fn terminating_during_a_call_is_exit_code_143_without_a_cancellation() {
        let world = World::new(reads_the_note);
        let (config, path) = silent(&world);
        let running = world.claude(&["-p", "--output-format=json", "--allowedTools=mcp__notes", &config]);
        let running = running.stdin("go").start();
        let called = || log(&path).iter().any(|message| message["method"] == "tools/call").then_some(());
        eventually("the tool is called", LIMIT, called);
        running.signal(Signal::TERM);
        let ended = running.wait(LIMIT);
        assert_eq!((ended.end().as_str(), ended.stdout.as_str()), ("143", ""), "{ended:#?}");
        assert!(log(&path).iter().all(|message| message["method"] != "notifications/cancelled"));
    }
}
