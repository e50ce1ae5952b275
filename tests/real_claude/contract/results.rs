//! The result event, the event stream around it, and the answers that are no answer.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::real_claude::real_tests;
use crate::real_claude::run::{LIMIT, USER_SETTINGS, World, eventually};
use crate::real_claude::stub::{Block, Message, Reply};

/// In every result, whatever its subtype.
const ALWAYS: [&str; 13] = [
    "type",
    "subtype",
    "is_error",
    "duration_ms",
    "duration_api_ms",
    "num_turns",
    "stop_reason",
    "session_id",
    "total_cost_usd",
    "usage",
    "modelUsage",
    "permission_denials",
    "uuid",
];

real_tests! {
    fn a_success_has_the_recorded_shape() {
        let world = World::saying("hi there");
        let outcome = world.ask("hello", &[]);
        let result = outcome.answered("hi there");
        for key in ALWAYS {
            assert!(result.get(key).is_some(), "{key} is missing: {result:#}");
        }
        assert_eq!(result["subtype"], "success");
        assert_eq!(result["num_turns"], 1);
        assert_eq!(result["stop_reason"], "end_turn");
        assert_eq!(result["permission_denials"], json!([]));
        assert_eq!(result["terminal_reason"], "completed");
        assert!(result["total_cost_usd"].as_f64().unwrap() > 0.0, "{result:#}");
        assert_eq!((outcome.stdout.lines().count(), outcome.stderr.as_str()), (1, ""), "{outcome:#?}");
    }

    fn the_stream_is_init_then_one_event_per_block_then_the_result() {
        let world = World::new(|_| Reply::blocks(vec![Block::Text("first".into()), Block::Text("second".into())]));
        let events = world.ask_stream("hello", &[]).events();
        let kinds: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
        assert_eq!(kinds, ["system", "assistant", "assistant", "result"], "{events:#?}");
        let init = &events[0];
        assert_eq!(init["subtype"], "init");
        for key in ["cwd", "session_id", "tools", "mcp_servers", "model", "permissionMode", "claude_code_version"] {
            assert!(init.get(key).is_some(), "{key} is missing: {init:#}");
        }
        assert_eq!(events[1]["message"]["content"].as_array().unwrap().len(), 1);
        assert_eq!(events[1]["message"]["id"], events[2]["message"]["id"]);
        assert_eq!(events[3]["session_id"], init["session_id"]);
    }

    fn the_stream_reaches_a_file_event_by_event() {
        let world = World::new(|_| Reply::Silence);
        let running = world.claude(&["-p", "--output-format=stream-json", "--verbose"]).stdin("hello").start();
        eventually("init is in the file while the model is silent", LIMIT, || {
            running.stdout_so_far().lines().next().filter(|line| line.contains(r#""subtype":"init""#)).map(drop)
        });
        running.signal(Signal::TERM);
        assert_eq!(running.wait(LIMIT).end(), "143");
    }

    fn three_megabytes_of_answer_are_complete_in_a_file() {
        let long = "x".repeat(3 << 20);
        let answer = long.clone();
        let world = World::new(move |_| Reply::text(answer.clone()));
        world.ask_stream("hello", &[]).answered(&long);
        world.ask("hello", &[]).answered(&long);
    }

    fn a_reader_that_comes_late_loses_what_does_not_fit_into_the_pipe() {
        let long = "x".repeat(1 << 20);
        let world = World::new(move |_| Reply::text(long.clone()));
        let (code, stdout) = world.claude(&["-p", "--output-format=json"]).stdin("hello").run_with_a_late_reader();
        assert_eq!(code, Some(0));
        assert!(serde_json::from_slice::<serde_json::Value>(&stdout).is_err(), "all {} bytes arrived", stdout.len());
    }

    fn a_stream_without_verbose_is_refused() {
        let world = World::saying("hi");
        world.claude(&["-p", "--output-format=stream-json"]).stdin("hello").run().refused("--verbose");
    }

    fn json_with_verbose_is_one_array() {
        let world = World::saying("hi");
        let outcome = world.ask("hello", &["--verbose"]);
        let array: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
        assert_eq!(array.as_array().unwrap().last().unwrap()["type"], "result");
    }

    fn verbose_in_the_users_settings_makes_an_array_of_json_too() {
        let world = World::saying("hi");
        world.write(USER_SETTINGS, r#"{"verbose": true}"#);
        assert!(world.ask("hello", &[]).stdout.starts_with('['));
        let stream = world.ask_stream("hello", &[]);
        stream.answered("hi");
    }

    fn each_of_several_results_counts_its_own_turn_and_the_cost_of_all() {
        // The first result comes long before the task ends: a duration at which they are two on every version, and which
        // no figure of a result includes.
        let world = World::new(|request| match request.body["messages"].as_array().map_or(0, Vec::len) {
            _ if request.everything().contains("<task-notification>") => Reply::text("after the task"),
            _ if !request.tool_results().is_empty() => Reply::text("started"),
            _ => Reply::Message(Message {
                blocks: vec![
                    Block::ToolUse { name: "Write".into(), input: json!({"file_path": "/etc/denied", "content": "x"}) },
                    Block::ToolUse {
                        name: "Bash".into(),
                        input: json!({"command": "sleep 3", "run_in_background": true, "description": "waits"}),
                    },
                ],
                stop_reason: Some("tool_use"),
                gap: Duration::ZERO,
            }),
        });
        let outcome = world.ask_stream("go", &["--allowedTools=Bash", "--permission-mode=default"]);
        let results: Vec<_> = outcome.events().into_iter().filter(|event| event["type"] == "result").collect();
        assert_eq!(results.len(), 2, "{outcome:#?}");
        assert_eq!(results[0]["result"], "started");
        assert_eq!((&results[0]["origin"], &results[1]["origin"]["kind"]), (&json!(null), &json!("task-notification")));
        // The cost is the sum of all turns so far, the rest is that of each turn.
        let cost = |at: usize| results[at]["total_cost_usd"].as_f64().unwrap();
        assert!(cost(0) > 0.0 && cost(1) > cost(0), "{results:#?}");
        let figures = |at: usize| (results[at]["num_turns"].as_u64(), results[at]["permission_denials"].as_array().map(Vec::len));
        assert_eq!((figures(0), figures(1)), ((Some(3), Some(1)), (Some(1), Some(0))), "{results:#?}");
        let took = results[1]["duration_ms"].as_u64().unwrap();
        assert!(took < 3_000, "the wait for the task is not in it: {results:#?}");
        outcome.answered("after the task");
    }

    fn an_empty_answer_is_called_a_success() {
        let world = World::new(|_| Reply::blocks(Vec::new()));
        let result = world.ask("hello", &[]).answered("");
        assert_eq!(result["subtype"], "success");
    }

    fn a_stream_cut_after_a_block_is_an_error_called_success() {
        let world = World::new(|_| Reply::CutAfterBlock("half of it".into()));
        let outcome = world.ask("hello", &[]);
        let result = outcome.result();
        assert_eq!((outcome.end().as_str(), &result["is_error"]), ("1", &json!(true)), "{outcome:#?}");
        assert!(result["result"].as_str().unwrap().contains("Connection"), "{result:#}");
    }

    fn a_stream_cut_in_the_middle_is_asked_again_without_streaming() {
        let world = World::new(|request| match request.body["stream"] == true {
            true => Reply::CutMidText("half of it".into()),
            false => Reply::text("whole"),
        });
        world.ask("hello", &[]).answered("whole");
    }

    fn a_refusal_of_the_model_is_an_error_called_success() {
        let world = World::new(|_| Reply::Message(Message {
            blocks: vec![Block::Text("no".into())],
            stop_reason: Some("refusal"),
            gap: Duration::ZERO,
        }));
        let outcome = world.ask("hello", &[]);
        let result = outcome.result();
        assert_eq!((outcome.code(), &result["subtype"]), (Some(1), &json!("success")), "{outcome:#?}");
        assert_eq!(result["is_error"], true);
    }

    fn a_slow_stream_is_waited_for() {
        let world = World::new(|_| Reply::slow_text("slow", Duration::from_millis(300)));
        let outcome = world.ask("hello", &[]);
        let result = outcome.answered("slow");
        // Six events, 300 ms before each.
        assert!(result["duration_api_ms"].as_u64().unwrap() >= 1_500, "{result:#}");
    }
}
