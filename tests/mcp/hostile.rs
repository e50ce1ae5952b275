//! A claude that does what no claude should. Whatever it is, the caller gets an answer with a type and a way out, and
//! nothing that was paid for is lost.

use serde_json::{Value, json};

use crate::support::client::{Client, Wire};
use crate::support::until;
use crate::support::world::World;

fn ask(world: &World) -> Value {
    let mut client = Client::new(world);
    let said = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    client.bye();
    world.no_job_is_left();
    said
}

fn play(scene: &str) -> Value {
    ask(&World::with(scene))
}

/// A failure that says what to do, with the session if the run had one.
fn failed(said: &Value, error_type: &str) {
    assert_eq!((&said["success"], &said["error_type"]), (&json!(false), &json!(error_type)), "{said}");
    assert!(said["error"].as_str().is_some_and(|error| error.len() > 20 && error.len() < 2_000), "{said}");
}

#[test]
fn an_answer_is_found_whatever_surrounds_it() {
    for scene in [
        "raw garbage\nraw-hex fffe00\nraw {}\nraw []\nraw {\"type\":7}\nresult the answer",
        "stderr a warning\nresult the answer",
        "result first\ntwo-results\nresult the answer",
        "result the answer\nevents-after-result",
        "result the answer\nraw garbage",
        "result the answer\nsignal KILL",
        "result the answer\nsignal SEGV",
        "flood-events 3000000\nresult the answer",
        "flood stderr 3000000\nresult the answer",
        "spawn-holding-stdout for=3000\nresult the answer",
        "spawn-holding-stderr for=3000\nresult the answer",
        "retry 529 3\nrate-limit allowed_warning 0.9\nfallback other\nsystem unheard_of {\"a\":1}\nresult the answer",
        "nan\nresult the answer",
        "field total_cost_usd 1e999\nfield num_turns 1e400\nfield duration_ms -5\nresult the answer",
        "field total_cost_usd \"free\"\nfield duration_ms []\nfield permission_denials 7\nfield session_id 9\nresult the answer",
        "field usage 7\nfield modelUsage null\nfield extra {\"a\":[[[[]]]]}\nresult the answer",
        "without session_id\nwithout total_cost_usd\nwithout duration_ms\nresult the answer",
    ] {
        let said = play(scene);
        // Where there is another result its text follows.
        let answer = said["result"].as_str().and_then(|text| text.lines().next());
        assert_eq!(answer, Some("the answer"), "{scene}: {said}");
        assert_eq!(said["success"], true, "{scene}: {said}");
    }
}

#[test]
fn broken_results_are_failures_with_a_type() {
    for scene in [
        "torn-last-line",
        "result-of-type null",
        "no-result\nexit 0",
        "no-result\nexit 1",
        "no-init\nno-result\nexit 3",
        "say only words\nno-result\nexit 0",
        "result",
        "cut-stream half",
        "subtype error_during_execution",
        "subtype error_max_turns",
        "subtype error_max_structured_output_retries",
        "error api 500 broken",
        "error overloaded",
        "error connect",
        "error timeout",
        "error refusal",
        "error too-long",
        "field is_error true\nresult no",
        "flood stdout 3000000\nno-result",
        "stderr boom\nno-result\nexit 74",
    ] {
        let said = play(scene);
        failed(&said, "cli_error");
        assert!(said["session_id"].is_string() || scene.contains("no-init"), "{scene}: {said}");
    }
    for (scene, error_type) in [
        ("subtype error_max_budget_usd", "budget"),
        ("error session-limit", "usage_limit"),
        ("error weekly-limit", "usage_limit"),
        ("error oauth", "permission"),
    ] {
        let said = play(scene);
        if error_type == "permission" {
            assert_eq!(said["success"], false, "{said}");
        } else {
            failed(&said, error_type);
        }
    }
}

#[test]
fn text_that_is_no_text_is_repaired() {
    for scene in ["invalid-utf8", "lone-surrogate"] {
        let said = play(scene);
        assert_eq!(said["success"], true, "{scene}: {said}");
        assert!(said["result"].as_str().unwrap().contains('\u{FFFD}'), "{scene}: {said}");
    }
    // A value instead of a text is told as its JSON.
    for kind in ["number", "array", "object", "bool"] {
        let said = play(&format!("result-of-type {kind}"));
        assert_eq!(said["success"], true, "{kind}: {said}");
        assert!(serde_json::from_str::<Value>(said["result"].as_str().unwrap()).is_ok(), "{kind}: {said}");
    }
    for scene in ["nan", "huge-number"] {
        let said = play(scene);
        assert_eq!(said["success"], true, "{scene}: {said}");
        assert!(
            said.get("cost_usd").is_none_or(|cost| cost.as_f64().is_some_and(|cost| cost < 1e6)),
            "{scene}: {said}"
        );
    }
}

#[test]
fn death_by_any_signal_at_any_point_leaves_the_session_that_began() {
    for signal in ["KILL", "TERM", "INT", "HUP", "QUIT", "ABRT", "SEGV", "BUS", "ILL", "FPE"] {
        for before in ["no-init\nno-result\n", "no-result\n", "say half of it\nno-result\n"] {
            let said = play(&format!("{before}signal {signal}"));
            assert_eq!(said["success"], false, "{before}{signal}: {said}");
            let error = said["error"].as_str().unwrap();
            if before.starts_with("no-init") {
                assert!(said.get("session_id").is_none() && error.contains("dispatch("), "{before}{signal}: {said}");
                continue;
            }
            let session = said["session_id"].as_str().unwrap_or_else(|| panic!("{before}{signal}: {said}"));
            assert!(error.contains(session), "{before}{signal}: {said}");
            if before.starts_with("say") {
                assert_eq!(said["result"], "half of it", "{signal}");
            }
        }
    }
}

#[test]
fn a_stopped_claude_runs_into_its_deadline() {
    let mut world = World::new();
    world.agent_with("echo", "signal STOP", "timeout: 1");
    failed(&ask(&world), "timeout");
}

#[test]
fn an_answer_of_fifty_megabytes_arrives_whole() {
    let world = World::with("result-bytes 50000000");
    let mut client = Client::new(&world);
    let id = client.call("dispatch", json!({"agent": "echo", "task": "t"}));
    let said = client.said_at_length(id);
    client.bye();
    assert_eq!(said["success"], true);
    assert_eq!(said["result"].as_str().map(str::len), Some(50_000_000));
}

#[test]
fn large_answers_leave_as_whole_lines_between_small_ones() {
    const BYTES: usize = 3_000_000;
    let world = World::with(&format!("result-bytes {BYTES}"));
    let mut client = Client::silent(world.serve(), Wire::Sockets);
    client.initialize_unread();
    let large = |task: &str| json!({"agent": "echo", "task": task});
    let mut ids = vec![client.call("dispatch", large("one")), client.call("dispatch", large("two"))];
    until("both answers", || {
        let done = |record: &&Value| record["status"] == "done";
        (world.records().iter().filter(done).count() == 2).then_some(())
    });
    // The first is on its way to a client that does not read yet, and it is taken back.
    client.cancel(ids[0]);
    ids.push(client.call("dispatch", large("two")));
    let small: Vec<u64> = (0..20).map(|_| client.call("cache_stats", json!({}))).collect();
    for id in &ids[1..] {
        assert_eq!(client.said_at_length(*id)["result"].as_str().map(str::len), Some(BYTES));
    }
    for id in small {
        assert!(client.said(id)["size"].is_number());
    }
    client.bye();
}

#[test]
fn a_deeply_nested_answer_arrives() {
    for levels in [60, 120, 124, 125, 126, 127, 128, 1_000] {
        let nested = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let world = World::with(&format!("result {nested}"));
        let mut client = Client::new(&world);
        let said = client.ask("dispatch", json!({"agent": "echo", "task": "t", "response_format": "json"}));
        assert_eq!((&said["success"], &said["result"]), (&json!(true), &json!(nested)), "{levels}: {}", said["error"]);
        assert_eq!(said["parsed_result"].is_array(), levels == 60, "{levels}");
        client.bye();
    }
}

#[test]
fn flags_that_the_cli_does_not_know_are_left_out_once_each() {
    let flags = ["--session-id", "--append-system-prompt", "--max-budget-usd"];
    let scene = |rejected: &[&str]| {
        let lines: String = rejected.iter().map(|flag| format!("reject-flag {flag}\n")).collect();
        format!("dump calls\n{lines}result ok")
    };
    let rejections = [&flags[0..1], &flags[1..2], &flags[2..3], &flags[0..3]];
    for rejected in rejections {
        let mut world = World::new();
        world.agent_with("echo", &scene(rejected), "max_budget_usd: 5");
        let said = ask(&world);
        assert_eq!((&said["success"], &said["result"]), (&json!(true), &json!("ok")), "{rejected:?}: {said}");
        assert!(said["hint"].is_string(), "it says what was left out: {said}");
        let calls = world.dumps("echo", "calls");
        assert_eq!(calls.len(), rejected.len() + 1, "{rejected:?}");
        let last = calls.last().unwrap()["argv"].to_string();
        for flag in flags {
            assert_eq!(last.contains(&format!("{flag}=")), !rejected.contains(&flag), "{flag}: {last}");
        }
    }
    // A flag without which it would not be the run that was asked for.
    let world = World::with(&scene(&["--verbose"]));
    failed(&ask(&world), "cli_error");
    assert_eq!(world.dumps("echo", "calls").len(), 1);
}

#[test]
fn a_run_that_had_begun_is_never_started_again() {
    // The words stand on standard error, but it is not the CLI's refusal: the run had begun, and cost.
    for end in ["exit 1", "signal KILL", "exit 0"] {
        let world = World::with(&format!(
            "dump calls\nsay working\nstderr error: unknown option '--session-id=x'\nno-result\n{end}"
        ));
        failed(&ask(&world), "cli_error");
        assert_eq!(world.dumps("echo", "calls").len(), 1, "{end}");
    }
}
