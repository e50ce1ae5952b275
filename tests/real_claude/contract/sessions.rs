//! Session ids: given in advance, in use, resumed, unknown.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::real_claude::real_tests;
use crate::real_claude::request::Request;
use crate::real_claude::run::{LIMIT, World};
use crate::real_claude::stub::Reply;

const ID: &str = "11111111-2222-4333-8444-555555555555";
const GIVEN: &str = "--session-id=11111111-2222-4333-8444-555555555555";
const RESUME: &str = "--resume=11111111-2222-4333-8444-555555555555";

real_tests! {
    fn a_given_id_is_kept_and_a_resume_goes_on_under_it() {
        let world = World::saying("noted");
        assert_eq!(world.ask("remember 17", &[GIVEN]).answered("noted")["session_id"], ID);
        assert_eq!(world.ask("which number", &[RESUME]).answered("noted")["session_id"], ID);
        let second = &world.stub.messages()[1];
        assert!(second.says("remember 17") && second.says("which number"), "{second:#?}");
        assert!(second.everything().contains("noted"), "{second:#?}");
    }

    fn the_system_prompt_of_the_first_run_stays_for_every_resume() {
        let world = World::saying("noted");
        world.ask("one", &[GIVEN, "--append-system-prompt=# First"]).answered("noted");
        world.ask("two", &[RESUME]).answered("noted");
        world.ask("three", &[RESUME, "--append-system-prompt=# Second"]).answered("noted");
        let of = |request: &Request| (request.system().contains("# First"), request.everything().contains("# Second"));
        assert_eq!(world.stub.messages().iter().map(of).collect::<Vec<_>>(), [(true, false); 3]);
    }

    fn without_a_snapshot_the_system_prompt_of_each_run_counts() {
        let world = World::saying("noted");
        let off = "--system-prompt-snapshot=off";
        world.ask("one", &[GIVEN, "--append-system-prompt=# First"]).answered("noted");
        world.ask("two", &[RESUME, "--append-system-prompt=# Second", off]).answered("noted");
        world.ask("three", &[RESUME, off]).answered("noted");
        let of = |request: &Request| (request.system().contains("# First"), request.system().contains("# Second"));
        let seen: Vec<_> = world.stub.messages().iter().map(of).collect();
        assert_eq!(seen, [(true, false), (false, true), (false, false)]);
    }

    fn what_is_allowed_is_not_kept_on_resume() {
        let touch = |request: &Request| match request.tool_results().is_empty() {
            true => Reply::tool("Bash", json!({"command": "touch one", "description": "creates a file"})),
            false => Reply::text("noted"),
        };
        let world = World::new(touch);
        let first = world.ask("one", &[GIVEN, "--allowedTools=Bash"]).answered("noted");
        assert_eq!(first["permission_denials"], json!([]));
        let second = world.ask("two", &[RESUME]).answered("noted");
        assert_eq!(second["permission_denials"][0]["tool_name"], "Bash", "{second:#}");
    }

    fn the_cost_of_a_resume_includes_all_that_was_paid_before() {
        let world = World::saying("noted");
        let first = world.ask_stream("one", &[GIVEN]).answered("noted");
        let second = world.ask_stream("two", &[RESUME]).answered("noted");
        let cost = |result: &Value| result["total_cost_usd"].as_f64().unwrap();
        assert!(cost(&second) > 1.5 * cost(&first), "{second:#}");
        // What this run alone has cost stands beside it, per model; only in the event stream.
        let alone = second["model_usage_since_last_result"].as_object().unwrap();
        let alone: f64 = alone.values().filter_map(|usage| usage["costUSD"].as_f64()).sum();
        assert!((alone - (cost(&second) - cost(&first))).abs() < 1e-9, "{second:#}");
        assert_eq!(second["num_turns"], 1);
        assert_eq!(second["usage"]["input_tokens"], first["usage"]["input_tokens"]);
    }

    fn the_budget_of_a_resume_is_its_own() {
        let world = World::saying("noted");
        let first = world.ask("one", &[GIVEN]).answered("noted")["total_cost_usd"].as_f64().unwrap();
        let budget = format!("--max-budget-usd={}", first * 1.5);
        world.ask("two", &[RESUME, &budget]).answered("noted");
    }

    fn the_model_is_kept_on_resume() {
        let world = World::saying("noted");
        world.ask("one", &[GIVEN, "--model=claude-haiku-4-5"]).answered("noted");
        world.ask("two", &[RESUME]).answered("noted");
        assert_eq!(world.stub.messages()[1].body["model"], "claude-haiku-4-5");
    }

    fn a_used_id_is_refused_in_the_same_directory_only() {
        let world = World::saying("noted");
        world.ask("one", &[GIVEN]).answered("noted");
        world.ask("two", &[GIVEN]).refused("already in use");
        let elsewhere = world.path("tmp");
        let again = world.claude(&["-p", "--output-format=json", GIVEN]).cwd(&elsewhere).stdin("three").run();
        again.answered("noted");
    }

    fn the_id_of_a_running_session_is_in_use() {
        let world = World::new(|_| Reply::Silence);
        let first = world.claude(&["-p", "--output-format=json", GIVEN]).stdin("one").start();
        world.stub.wait_for(LIMIT, |request| request.says("one"));
        world.ask("two", &[GIVEN]).refused("already in use");
        drop(first);
    }

    fn a_resume_of_a_running_session_is_not_refused() {
        let world = World::new(|request| match request.says("two") {
            true => Reply::text("beside it"),
            false => Reply::Silence,
        });
        let first = world.claude(&["-p", "--output-format=json", GIVEN]).stdin("one").start();
        world.stub.wait_for(LIMIT, |request| request.says("one"));
        world.ask("two", &[RESUME]).answered("beside it");
        drop(first);
    }

    fn the_case_of_an_id_counts() {
        let world = World::saying("noted");
        let lower = "--session-id=aaaaaaaa-2222-4333-8444-555555555555";
        world.ask("one", &[lower]).answered("noted");
        let upper = "AAAAAAAA-2222-4333-8444-555555555555";
        let result = world.ask("two", &[&format!("--session-id={upper}")]).answered("noted");
        assert_eq!(result["session_id"], upper);
    }

    fn an_id_that_is_no_uuid_is_refused() {
        let world = World::saying("never");
        world.ask_stream("one", &["--session-id=not-a-uuid"]).refused("UUID");
        world.ask("one", &["--session-id=11111111222243338444555555555555"]).refused("UUID");
    }

    fn a_given_id_cannot_be_combined_with_a_resume() {
        let world = World::saying("never");
        let outcome = world.ask("one", &[RESUME, "--session-id=99999999-2222-4333-8444-555555555555"]);
        outcome.refused("--fork-session");
    }

    fn an_unknown_session_is_an_error_in_the_stream_and_silence_in_json() {
        let world = World::saying("never");
        world.ask("one", &[RESUME]).refused("No conversation found");
        let outcome = world.ask_stream("one", &[RESUME]);
        let result = outcome.result();
        assert_eq!(outcome.code(), Some(1), "{outcome:#?}");
        assert!(outcome.stderr.contains("No conversation found"), "{outcome:#?}");
        assert_eq!(result["subtype"], "error_during_execution");
        assert_eq!((&result["num_turns"], &result["is_error"]), (&json!(0), &json!(true)), "{result:#}");
        assert!(result["errors"][0].as_str().unwrap().contains("No conversation found"), "{result:#}");
        assert!(world.stub.messages().is_empty());
    }

    fn a_session_is_found_from_any_directory() {
        let world = World::saying("noted");
        world.ask("one", &[GIVEN]).answered("noted");
        let elsewhere = world.path("tmp");
        let outcome = world.claude(&["-p", "--output-format=json", RESUME]).cwd(&elsewhere).stdin("two").run();
        assert_eq!(outcome.answered("noted")["session_id"], ID);
        assert!(world.stub.messages()[1].says("one"));
        let folders = std::fs::read_dir(world.home().join(".claude/projects")).unwrap().flatten();
        let sessions = folders.flat_map(|folder| std::fs::read_dir(folder.path()).unwrap().flatten());
        let sessions = sessions.filter(|entry| entry.file_name().to_string_lossy().ends_with(".jsonl")).count();
        assert_eq!(sessions, 1, "the new lines go where the session was made");
    }

    fn a_resume_of_what_is_no_uuid_is_refused() {
        let world = World::saying("never");
        world.ask("one", &["--resume=not-a-uuid"]).refused("not-a-uuid");
    }

    fn a_session_that_was_terminated_can_be_resumed() {
        let world = World::new(|request| match request.says("go on") {
            true => Reply::text("resumed"),
            false => Reply::Silence,
        });
        let first = world.claude(&["-p", "--output-format=stream-json", "--verbose", GIVEN]).stdin("one").start();
        world.stub.wait_for(LIMIT, |request| request.says("one"));
        first.signal(Signal::TERM);
        let ended = first.wait(LIMIT);
        assert_eq!(ended.end(), "143", "{ended:#?}");
        let result = world.ask_stream("go on", &[RESUME]).answered("resumed");
        assert_eq!(result["session_id"], ID);
        assert!(world.stub.messages().last().unwrap().says("one"), "the first prompt is lost");
    }

    fn without_persistence_there_is_nothing_to_resume() {
        let world = World::saying("noted");
        world.ask("one", &[GIVEN, "--no-session-persistence"]).answered("noted");
        world.ask("two", &[RESUME]).refused("No conversation found");
    }
}
