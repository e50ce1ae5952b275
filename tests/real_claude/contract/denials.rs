//! What denies a tool that was granted, and what becomes of a call that a hook puts off.

use std::fs;

use serde_json::{Value, json};

use crate::real_claude::real_tests;
use crate::real_claude::request::Request;
use crate::real_claude::run::{Run, World};
use crate::real_claude::stub::Reply;

/// Makes a file by Bash, then answers.
fn touches(request: &Request) -> Reply {
    match request.tool_results().is_empty() {
        true => Reply::tool("Bash", json!({"command": "touch made", "description": "makes a file"})),
        false => Reply::text("that is all"),
    }
}

/// As [`touches`], whatever stands between the call's result and the request: a resumed session has turns of the CLI there.
fn touches_once(request: &Request) -> Reply {
    match request.body.to_string().contains("tool_result") {
        true => Reply::text("that is all"),
        false => touches(request),
    }
}

fn asks(rule: &str) -> String {
    json!({"permissions": {"ask": [rule]}}).to_string()
}

/// Settings with a hook that decides so over Bash.
fn hook(decision: &str) -> String {
    let said = json!({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": decision}});
    let hook = json!({"type": "command", "command": format!("echo '{said}'")});
    json!({"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [hook]}]}}).to_string()
}

fn in_stream<'w>(world: &'w World, args: &[&str]) -> Run<'w> {
    world.claude(&["-p", "--output-format=stream-json", "--verbose", "--allowedTools=Bash"]).args(args).stdin("go")
}

fn denied(result: &Value) -> Vec<&str> {
    let denials = result["permission_denials"].as_array().unwrap();
    denials.iter().map(|denial| denial["tool_name"].as_str().unwrap()).collect()
}

/// A run whose call of Bash was put off, and its session.
fn put_off(world: &World) -> String {
    world.write("project/.claude/settings.json", &hook("defer"));
    let outcome = in_stream(world, &[]).run();
    let result = outcome.result();
    assert_eq!((outcome.end().as_str(), &result["is_error"], &result["result"]), ("0", &json!(false), &json!("")));
    assert_eq!(result["stop_reason"], "tool_deferred", "{result:#}");
    assert_eq!(result["terminal_reason"], "tool_deferred", "{result:#}");
    assert_eq!(result["deferred_tool_use"]["name"], "Bash", "{result:#}");
    assert_eq!(result["deferred_tool_use"]["input"]["command"], "touch made", "{result:#}");
    assert!(denied(&result).is_empty(), "{result:#}");
    assert!(!world.project().join("made").exists());
    result["session_id"].as_str().unwrap().to_owned()
}

real_tests! {
    fn a_rule_that_asks_beats_what_is_granted_and_bypass() {
        for mode in ["default", "bypassPermissions"] {
            let world = World::new(touches);
            world.write("project/.claude/settings.json", &asks("Bash(touch *)"));
            let result = in_stream(&world, &[&format!("--permission-mode={mode}")]).run().answered("that is all");
            assert_eq!(denied(&result), ["Bash"], "{mode}: {result:#}");
            assert!(!world.project().join("made").exists(), "{mode}");
        }
    }

    fn a_rule_of_the_user_and_a_rule_on_the_command_line_deny_too() {
        let world = World::new(touches);
        world.write("home/.claude/settings.json", &asks("Bash"));
        assert_eq!(denied(&in_stream(&world, &[]).run().answered("that is all")), ["Bash"]);
        let world = World::new(touches);
        let result = in_stream(&world, &["--disallowedTools=Bash(touch:*)"]).run().answered("that is all");
        assert_eq!(denied(&result), ["Bash"], "{result:#}");
    }

    fn settings_with_comments_count_for_nothing() {
        let world = World::new(touches);
        world.write("project/.claude/settings.json", &format!("// mine\n{}", asks("Bash")));
        assert!(denied(&in_stream(&world, &[]).run().answered("that is all")).is_empty());
        assert!(world.project().join("made").exists());
    }

    fn local_settings_of_the_main_checkout_count_in_its_worktrees() {
        let world = World::new(touches);
        let git = |args: &[&str]| {
            let run = world.program("/usr/bin/env".as_ref(), &["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]);
            let outcome = run.args(args).run();
            assert_eq!(outcome.end(), "0", "{outcome:#?}");
        };
        world.write("project/sub/x", "x");
        git(&["init", "-q"]);
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "x"]);
        git(&["worktree", "add", "-q", "../linked"]);
        world.write("project/.claude/settings.local.json", &asks("Bash"));
        for place in ["linked", "linked/sub", "project/sub"] {
            let result = in_stream(&world, &[]).cwd(&world.path(place)).run().answered("that is all");
            assert_eq!(denied(&result), ["Bash"], "{place}: {result:#}");
        }
        // Its other settings do not, nor do those of the worktree in its folders.
        fs::remove_file(world.path("project/.claude/settings.local.json")).unwrap();
        world.write("project/.claude/settings.json", &asks("Bash"));
        world.write("linked/.claude/settings.json", &asks("Bash"));
        assert!(denied(&in_stream(&world, &[]).cwd(&world.path("linked/sub")).run().answered("that is all")).is_empty());
    }

    fn a_hook_can_put_a_call_off_and_whoever_goes_on_has_it_run_first() {
        let world = World::new(touches_once);
        let session = put_off(&world);
        fs::remove_file(world.project().join(".claude/settings.json")).unwrap();
        let before = world.stub.messages().len();
        in_stream(&world, &[&format!("--resume={session}")]).run().answered("that is all");
        assert!(world.project().join("made").exists());
        let first = world.stub.messages()[before].body.to_string();
        assert!(first.contains("tool_result"), "{first}");
    }

    /// Why nobody may be told to just go on: the call is lost.
    fn a_call_that_is_put_off_once_more_is_lost_with_the_next_task() {
        let world = World::new(|request| if request.says("something else") { Reply::text("well") } else { touches(request) });
        let session = put_off(&world);
        let resumed = format!("--resume={session}");
        let go_on = |task: &str| {
            let run = world.claude(&["-p", "--output-format=stream-json", "--verbose", "--allowedTools=Bash", &resumed]);
            run.stdin(task).run()
        };
        let outcome = go_on("something else");
        let results: Vec<Value> = outcome.events().into_iter().filter(|event| event["type"] == "result").collect();
        assert!(results.len() == 2 && results[0]["stop_reason"] == "tool_deferred", "{results:#?}");
        // The hook would allow it now; it is not asked.
        fs::remove_file(world.project().join(".claude/settings.json")).unwrap();
        go_on("and now").answered("well");
        assert!(!world.project().join("made").exists());
    }
}
