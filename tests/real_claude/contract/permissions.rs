//! Tools that the model may not use.

use serde_json::json;

use crate::real_claude::real_tests;
use crate::real_claude::request::Request;
use crate::real_claude::run::World;
use crate::real_claude::stub::{Block, Reply};

/// Writes a file by Bash, twice at once, then answers.
fn touches_twice(request: &Request) -> Reply {
    let touch = |name: &str| Block::ToolUse {
        name: "Bash".to_owned(),
        input: json!({"command": format!("touch {name}"), "description": "creates a file"}),
    };
    match request.tool_results().is_empty() {
        true => Reply::blocks(vec![touch("one"), touch("two")]),
        false => Reply::text("could not"),
    }
}

real_tests! {
    fn a_denial_is_listed_and_the_run_is_a_success_all_the_same() {
        let world = World::new(touches_twice);
        let result = world.ask("go", &["--permission-mode=default"]).answered("could not");
        let denials = result["permission_denials"].as_array().unwrap();
        assert_eq!(denials.len(), 2, "{result:#}");
        assert_eq!(denials[0]["tool_name"], "Bash");
        assert_eq!(denials[0]["tool_input"]["command"], "touch one");
        assert!(denials[0]["tool_use_id"].is_string());
        let told = world.stub.messages()[1].tool_results();
        assert!(told.len() == 2 && told.iter().all(|(_, is_error)| *is_error), "{told:?}");
        assert!(!world.project().join("one").exists());
    }

    fn an_allowed_tool_runs() {
        let world = World::new(touches_twice);
        let result = world.ask("go", &["--allowedTools=Bash(touch *)"]).answered("could not");
        assert_eq!(result["permission_denials"], json!([]));
        assert_eq!(result["num_turns"], 3, "one more than there were tool results");
        assert!(world.project().join("two").exists());
    }

    fn accept_edits_lets_files_of_the_project_be_made() {
        let world = World::new(touches_twice);
        world.ask("go", &["--permission-mode=acceptEdits"]).answered("could not");
        assert!(world.project().join("one").exists());
    }

    fn plan_and_dont_ask_deny() {
        for mode in ["--permission-mode=plan", "--permission-mode=dontAsk"] {
            let world = World::new(touches_twice);
            let result = world.ask_stream("go", &[mode]).answered("could not");
            assert_eq!(result["permission_denials"].as_array().unwrap().len(), 2, "{mode}: {result:#}");
        }
    }

    fn plan_mode_with_a_denial_exits_with_1_in_json_though_the_answer_is_a_success() {
        let world = World::new(touches_twice);
        let outcome = world.ask("go", &["--permission-mode=plan"]);
        let result = outcome.result();
        assert_eq!((outcome.end().as_str(), &result["is_error"]), ("1", &json!(false)), "{outcome:#?}");
        assert_eq!(result["result"], "could not", "{result:#}");
    }

    fn root_may_bypass_permissions_only_in_a_sandbox() {
        let world = World::new(touches_twice);
        world.ask("go", &["--permission-mode=bypassPermissions"]).answered("could not");
        assert!(world.project().join("one").exists());
        if rustix::process::geteuid().is_root() {
            let run = world.claude(&["-p", "--permission-mode=bypassPermissions"]).env("IS_SANDBOX", "0");
            run.stdin("go").run().refused("root");
        }
    }

    fn a_disallowed_tool_is_not_on_offer_and_no_denial() {
        let world = World::new(touches_twice);
        let result = world.ask("go", &["--disallowedTools=Bash"]).answered("could not");
        assert!(!world.stub.messages()[0].tools().contains(&"Bash"));
        assert_eq!(result["permission_denials"], json!([]), "{result:#}");
    }
}
