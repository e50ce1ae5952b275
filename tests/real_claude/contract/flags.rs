//! The command line: every form that the product passes, and what the CLI says to one that it does not know.

use crate::real_claude::install;
use crate::real_claude::real_tests;
use crate::real_claude::run::World;
use crate::real_claude::stub::Reply;
use serde_json::json;

const SESSION: &str = "--session-id=11111111-2222-4333-8444-555555555555";

real_tests! {
    fn every_flag_of_a_dispatch_is_taken_in_the_form_with_an_equals_sign() {
        let world = World::saying("fine");
        let outcome = world.ask_stream("do it", &[
            SESSION, "--permission-mode=acceptEdits", "--append-system-prompt=# Protocol\nbe brief",
            "--allowedTools=Read,Bash(git *)", "--disallowedTools=WebFetch", "--model=claude-haiku-4-5",
            "--max-budget-usd=1.5", "--max-turns=3", r#"--mcp-config={"mcpServers":{}}"#,
        ]);
        let result = outcome.answered("fine");
        assert_eq!(result["session_id"], SESSION.split_once('=').unwrap().1);
        let init = &outcome.events()[0];
        assert_eq!(init["permissionMode"], "acceptEdits");
        let request = &world.stub.messages()[0];
        assert_eq!(request.body["model"], "claude-haiku-4-5");
        assert!(request.system().contains("# Protocol\nbe brief"));
        assert!(!request.tools().contains(&"WebFetch"), "{:?}", request.tools());
        assert!(request.tools().contains(&"Bash"), "{:?}", request.tools());
    }

    fn the_stub_is_asked_for_a_stream_and_told_who_asks() {
        let world = World::saying("fine");
        let result = world.ask("do it", &[]).answered("fine");
        let requests = world.stub.messages();
        assert_eq!(requests.len(), 1, "{requests:#?}");
        assert_eq!(requests[0].body["stream"], true);
        assert_eq!(requests[0].header("x-api-key"), Some("dummy-key-of-a-test"));
        assert!(requests[0].header("user-agent").unwrap().contains(&install::version().to_string()));
        assert_eq!(requests[0].header("x-claude-code-session-id"), result["session_id"].as_str());
    }

    fn an_unknown_option_is_named_and_nothing_is_asked() {
        let world = World::saying("never");
        world.ask("do it", &["--nonexistent=3"]).refused("unknown option '--nonexistent");
        assert!(world.stub.messages().is_empty());
    }

    fn values_may_begin_with_a_dash_after_the_equals_sign() {
        let world = World::saying("fine");
        world.ask("do it", &["--append-system-prompt=--model bogus"]).answered("fine");
        assert!(world.stub.messages()[0].system().contains("--model bogus"));
    }

    fn odd_tool_rules_are_taken_without_a_word() {
        let world = World::saying("fine");
        let outcome = world.ask("do it", &["--allowedTools=", "--disallowedTools=NoSuchTool,Bash((("]);
        outcome.answered("fine");
        assert_eq!(outcome.stderr, "", "{outcome:#?}");
    }

    fn an_unknown_permission_mode_is_refused_with_the_known_ones() {
        let world = World::saying("never");
        let outcome = world.ask("do it", &["--permission-mode=bogus"]);
        outcome.refused("bogus");
        for mode in ["acceptEdits", "auto", "bypassPermissions", "dontAsk", "plan"] {
            assert!(outcome.stderr.contains(mode), "{mode} is not offered: {}", outcome.stderr);
        }
    }

    fn the_default_mode_has_two_names_on_the_command_line_and_one_in_the_stream() {
        for name in ["--permission-mode=default", "--permission-mode=manual"] {
            let world = World::saying("fine");
            let outcome = world.ask_stream("do it", &[name]);
            outcome.answered("fine");
            assert_eq!(outcome.events()[0]["permissionMode"], "default", "{name}");
        }
    }

    fn a_budget_of_nothing_is_refused() {
        let world = World::saying("never");
        let outcome = world.ask("do it", &["--max-budget-usd=0"]);
        assert_eq!((outcome.code(), outcome.stdout.as_str()), (Some(1), ""), "{outcome:#?}");
        assert!(outcome.stderr.contains("max-budget-usd"), "{outcome:#?}");
    }

    fn the_budget_stops_the_run_and_the_text_is_gone() {
        let world = World::saying("paid for");
        let outcome = world.ask("do it", &["--max-budget-usd=0.0001"]);
        let result = outcome.result();
        assert_eq!((outcome.code(), &result["subtype"]), (Some(1), &json!("error_max_budget_usd")), "{outcome:#?}");
        assert_eq!((&result["is_error"], result.get("result")), (&json!(true), None), "{result:#}");
        assert!(result["errors"][0].as_str().unwrap().contains("budget"), "{result:#}");
        assert!(result["total_cost_usd"].as_f64().unwrap() > 0.0, "{result:#}");
    }

    fn a_run_that_the_budget_stopped_ended_for_that_reason() {
        let world = World::saying("paid for");
        let result = world.ask("do it", &["--max-budget-usd=0.0001"]).result();
        assert_eq!(result["terminal_reason"], "budget_exhausted", "{result:#}");
    }

    fn the_turn_limit_stops_the_run() {
        let world = World::new(|_| Reply::tool("Bash", json!({"command": "true", "description": "nothing"})));
        let outcome = world.ask("do it", &["--max-turns=1", "--allowedTools=Bash"]);
        let result = outcome.result();
        assert_eq!((outcome.code(), &result["subtype"]), (Some(1), &json!("error_max_turns")), "{outcome:#?}");
        assert_eq!((&result["terminal_reason"], result.get("result")), (&json!("max_turns"), None), "{result:#}");
    }

    fn the_version_is_one_line_that_begins_with_the_number() {
        let world = World::saying("never");
        let outcome = world.claude(&["--version"]).run();
        assert_eq!((outcome.end().as_str(), outcome.stderr.as_str()), ("0", ""));
        assert_eq!(outcome.stdout, format!("{} (Claude Code)\n", install::version()));
    }
}
