//! Several results of one run, and a claude behind something that prints otherwise.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::world::World;

const REPORT: &str = "The answer: 42 bugs, all of them listed here.";

fn ask(world: &World, more: &Value) -> Value {
    let mut client = Client::new(world);
    let mut call = json!({"agent": "echo", "task": "t"});
    call.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let said = client.ask("dispatch", call);
    client.bye();
    said
}

/// What two-results adds to an answer: a turn that begins when a background task has ended.
#[test]
fn a_turn_after_a_background_task_takes_nothing_from_the_answer() {
    let scene = format!("cost 0.25\ndeny Write\nresult {REPORT}\nsleep 1200\ntwo-results");
    let world = World::with(&scene);
    let said = ask(&world, &json!({}));
    assert_eq!(said["result"], format!("second result\n\n---\nSaid earlier in the same run:\n\n{REPORT}"), "{said}");
    assert_eq!((&said["success"], &said["denied_tools"]), (&json!(true), &json!(["Write"])), "{said}");
    assert_eq!((&said["cost_usd"], &said["num_turns"]), (&json!(0.5), &json!(3)), "{said}");
    let took = said["duration_ms"].as_u64().unwrap();
    assert!((1_200..60_000).contains(&took), "by the clock, with the wait between the turns: {said}");
    let line: Value = serde_json::from_str(fs::read_to_string(world.path("usage.jsonl")).unwrap().trim()).unwrap();
    assert_eq!((&line["ms"], &line["cost"]), (&json!(took), &json!(0.5)), "{line}");
    world.no_job_is_left();
}

#[test]
fn a_value_that_was_given_is_not_asked_for_again() {
    let calls = "dump calls\nstructured {\"n\":42}\ntwo-results";
    let world = World::with(calls);
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
    let said = ask(&world, &json!({"response_schema": schema}));
    assert_eq!((&said["success"], &said["parsed_result"]), (&json!(true), &json!({"n": 42})), "{said}");
    assert_eq!(fs::read_to_string(world.path("echo/calls")).unwrap().lines().count(), 1);
}

#[test]
fn an_error_after_the_answer_is_a_hint() {
    let world = World::with(&format!("result {REPORT}\nsubtype error_during_execution"));
    let said = ask(&world, &json!({}));
    assert_eq!((&said["success"], &said["result"]), (&json!(true), &json!(REPORT)), "{said}");
    assert!(said["hint"].as_str().unwrap().contains("ended with an error"), "{said}");
}

/// A script in claude's place, which may call `$FAKE` with `"$@"`, its arguments without those about the output.
fn behind(scene: &str, body: &str) -> Value {
    let mut world = World::with(scene);
    let script = world.path("wrapper");
    let fake = env!("CARGO_BIN_EXE_fake-claude");
    let text = format!(
        "#!/bin/sh\nFAKE='{fake}'\nfor argument do\n  shift\n  case $argument in\n    --output-format=*|--verbose) ;;\n    \
         *) set -- \"$@\" \"$argument\" ;;\n  esac\ndone\n{body}\n"
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    world.env("AGENT_DISPATCH_CLAUDE", &script);
    ask(&world, &json!({}))
}

#[test]
fn plain_text_is_the_answer_with_the_session_that_the_cli_keeps() {
    let report = "# Report\\n\\n  - 42 bugs";
    let said = behind(&format!("result {report}"), "exec \"$FAKE\" \"$@\" --output-format=text");
    assert_eq!((&said["success"], &said["result"]), (&json!(true), &json!("# Report\n\n  - 42 bugs")), "{said}");
    assert!(said["session_id"].is_string() && said.get("cost_usd").is_none(), "{said}");
    assert!(said["hint"].as_str().unwrap().contains("progress, cost and turns are unknown"), "{said}");
    // Whoever prints that took no id.
    let notice = behind("", "cat > /dev/null; echo 'The terms were changed.'");
    assert_eq!((&notice["success"], notice.get("session_id")), (&json!(true), None), "{notice}");
    let failed = behind("", "cat > /dev/null; echo 'Error: Reached max turns (1)'");
    assert_eq!((&failed["success"], &failed["error_type"]), (&json!(false), &json!("cli_error")), "{failed}");
}

#[test]
fn other_formats_of_the_cli_are_read() {
    for body in [
        "exec \"$FAKE\" \"$@\" --output-format=json",
        "exec \"$FAKE\" \"$@\" --output-format=json --verbose",
        "\"$FAKE\" \"$@\" --output-format=json | awk '{ gsub(/^[{]|[}]$/, \"\\n&\\n\"); print }'",
        "\"$FAKE\" \"$@\" --output-format=stream-json --verbose | sed 's/^/[claude] /'",
        "\"$FAKE\" \"$@\" --output-format=stream-json --verbose | sed \"s/^/$(printf '\\033')[32m/; s/$/$(printf '\\033')[0m/\"",
    ] {
        let said = behind(&format!("cost 0.25\nresult {REPORT}"), body);
        assert_eq!((&said["success"], &said["result"]), (&json!(true), &json!(REPORT)), "{body}: {said}");
        assert_eq!((&said["cost_usd"], said["session_id"].is_string()), (&json!(0.25), true), "{body}: {said}");
        assert_eq!(said.get("hint"), None, "{body}: {said}");
    }
}
