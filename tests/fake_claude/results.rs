//! Results: keys, subtypes, formats, exit codes (chapters 1, 2, 7, 9, 10).

use serde_json::{Value, json};

use super::{Done, World};

const ALWAYS: &[&str] = &[
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

fn play(scene: &str, more: &[&str]) -> Done {
    World::with(scene).stream(more, "hello")
}

/// Checks what holds for every result, and answers the last one.
fn sound(done: &Done) -> Value {
    for event in done.events().iter().filter(|e| e["type"] == "result") {
        for key in ALWAYS {
            assert!(event.get(key).is_some(), "{key} is missing in {event}");
        }
        let success = event["subtype"] == "success";
        assert_eq!(event.get("errors").is_some(), !success, "{event}");
        assert_eq!(event.get("api_error_status").is_some(), success, "{event}");
        assert!(success || event.get("result").is_none(), "{event}");
    }
    done.result()
}

/// Chapter 1.1, and the rule at the end of 1.2.
#[test]
fn the_default_answer_is_a_trustworthy_success() {
    let done = World::new().stream(&[], "hello");
    let result = sound(&done);
    assert_eq!((done.code(), done.stderr.as_str()), (Some(0), ""));
    assert_eq!(done.kinds(), ["init", "assistant", "result"]);
    assert_eq!(result["result"], "echo: hello");
    assert_eq!(
        (&result["is_error"], &result["num_turns"], &result["stop_reason"]),
        (&json!(false), &json!(1), &json!("end_turn"))
    );
    let ids: Vec<Value> = done.events().iter().map(|e| e["session_id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == result["session_id"]));
}

/// Chapters 1.1, 1.2, 2.4.
#[test]
fn the_other_formats_show_the_last_result() {
    let world = World::with("two-results");
    assert_eq!(world.run(&["-p"], "x").stdout(), "second result\n");
    let json: Value = serde_json::from_str(&world.run(&["-p", "--output-format=json"], "x").stdout()).unwrap();
    assert_eq!(json["result"], "second result");
    let array: Value =
        serde_json::from_str(&world.run(&["-p", "--output-format=json", "--verbose"], "x").stdout()).unwrap();
    let events = array.as_array().unwrap();
    assert_eq!(events[0]["subtype"], "init");
    assert_eq!(events.last().unwrap()["result"], "second result");
}

/// Chapter 2.3.
#[test]
fn several_results_and_events_after_the_last() {
    let two = play("say done\ntwo-results", &[]);
    assert_eq!(
        two.kinds(),
        ["init", "assistant", "result", "task_updated", "task_notification", "init", "assistant", "result"]
    );
    let counted = play("cost 0.25\ndeny Write\nresult first\ntwo-results", &[]);
    let results: Vec<_> = counted.events().into_iter().filter(|event| event["type"] == "result").collect();
    let shown = |result: &Value| {
        let denials = result["permission_denials"].as_array().unwrap().len();
        (result["total_cost_usd"].clone(), result["num_turns"].clone(), denials, result["origin"]["kind"].clone())
    };
    assert_eq!(shown(&results[0]), (json!(0.25), json!(2), 1, Value::Null));
    assert_eq!(shown(&results[1]), (json!(0.5), json!(1), 0, json!("task-notification")));
    let after = play("say done\nevents-after-result", &[]);
    assert_eq!(after.kinds(), ["init", "assistant", "result", "task_updated", "task_notification"]);
    assert_eq!((two.code(), after.code()), (Some(0), Some(0)));
}

/// Chapter 1.2: turns are one more than the results of tools.
#[test]
fn turns_count_and_are_limited() {
    let scene = "tool Bash {\"command\":\"ls\"}\ntool Read\nresult done";
    assert_eq!(sound(&play(scene, &[]))["num_turns"], 3);
    assert_eq!(sound(&play(scene, &["--max-turns=3"]))["subtype"], "success");
    assert_eq!(sound(&play(scene, &["--max-turns=2"]))["subtype"], "error_max_turns");
    let stopped = play(scene, &["--max-turns=1"]);
    let result = sound(&stopped);
    assert_eq!((stopped.code(), result["subtype"].as_str()), (Some(1), Some("error_max_turns")));
    assert_eq!(result["errors"], json!(["Reached maximum number of turns (1)"]));
    assert_eq!(result["terminal_reason"], "max_turns");
    for limit in ["0", "abc"] {
        assert_eq!(play("result done", &[&format!("--max-turns={limit}")]).code(), Some(0));
    }
    let text = World::with(scene).run(&["-p", "--max-turns=1"], "x");
    assert_eq!((text.code(), text.stdout().as_str()), (Some(1), "Error: Reached max turns (1)"));
}

/// Chapter 1.2.
#[test]
fn a_passed_budget_takes_the_answer_away() {
    let stopped = play("cost 0.5\nresult paid for", &["--max-budget-usd=0.1"]);
    let result = sound(&stopped);
    assert_eq!((stopped.code(), result["subtype"].as_str()), (Some(1), Some("error_max_budget_usd")));
    assert_eq!(result["errors"], json!(["Reached maximum budget ($0.1)"]));
    assert_eq!(result["total_cost_usd"], 0.5);
    assert_eq!(result["terminal_reason"], "budget_exhausted");
    assert_eq!(play("cost 0.5\nresult paid for", &["--max-budget-usd=0.6"]).code(), Some(0));
}

/// Chapter 1.2.
#[test]
fn subtypes_can_be_named() {
    for (name, reason) in [
        ("error_max_turns", json!("max_turns")),
        ("error_max_budget_usd", json!("budget_exhausted")),
        ("error_max_structured_output_retries", json!("structured_output_retry_exhausted")),
        ("error_during_execution", json!("aborted_streaming")),
    ] {
        let done = play(&format!("subtype {name}"), &[]);
        let result = sound(&done);
        assert_eq!((done.code(), result["subtype"].as_str(), &result["is_error"]), (Some(1), Some(name), &json!(true)));
        assert_eq!(result["terminal_reason"], reason);
    }
}

/// Chapter 9.
#[test]
fn api_errors_are_successes_that_are_errors() {
    for (kind, status, text) in [
        ("api 400 bad thing", json!(400), "API Error: 400 bad thing"),
        ("api 401", json!(401), "Invalid API key · Fix external API key"),
        ("oauth", json!(401), "Failed to authenticate. API Error: 401 OAuth token has expired."),
        ("api 403 forbidden thing", json!(403), "Failed to authenticate. API Error: 403 forbidden thing"),
        ("api 404 m-1", json!(404), "There's an issue with the selected model (m-1)."),
        ("api 413", json!(413), "Request too large (max 32MB)."),
        ("api 429 slow down", json!(429), "API Error: Request rejected (429) · slow down"),
        ("session-limit", json!(429), "You've hit your session limit · resets 8:25am (UTC)"),
        ("weekly-limit", json!(429), "You've hit your weekly limit · resets "),
        ("overloaded", Value::Null, "API Error: Repeated 529 Overloaded errors."),
        ("api 529", json!(529), "API Error: 529 Overloaded."),
        ("api 500 oops", json!(500), "API Error: 500 oops. This is a server-side issue"),
        ("no-key", Value::Null, "Not logged in · Please run /login"),
        ("credit", json!(400), "Credit balance is too low"),
        ("too-long", json!(400), "Prompt is too long · "),
        ("connect", Value::Null, "API Error: Unable to connect to API (ConnectionRefused)"),
        ("timeout", Value::Null, "Request timed out"),
        ("max-output", Value::Null, "API Error: Claude's response exceeded the 64000 output token maximum."),
        ("refusal", Value::Null, "API Error: Claude Code is unable to respond to this request"),
    ] {
        let done = play(&format!("error {kind}"), &[]);
        let result = sound(&done);
        assert_eq!(
            (done.code(), result["subtype"].as_str(), &result["is_error"]),
            (Some(1), Some("success"), &json!(true)),
            "{kind}"
        );
        assert_eq!(result["api_error_status"], status, "{kind}");
        let reason = match kind {
            "api 413" => "image_error",
            "too-long" => "prompt_too_long",
            _ => "api_error",
        };
        assert_eq!(result["terminal_reason"], reason, "{kind}");
        assert!(result["result"].as_str().unwrap().starts_with(text), "{kind}: {result}");
        let said = done.events().into_iter().rfind(|e| e["type"] == "assistant").unwrap();
        assert_eq!(said["message"]["model"], "<synthetic>");
        assert!(said["error"].is_string());
        assert_eq!(done.kinds().contains(&"rate_limit_event".to_owned()), kind.ends_with("-limit"), "{kind}");
    }
    let text = World::with("error api 400 bad").run(&["-p"], "x");
    assert_eq!((text.code(), text.stdout().as_str()), (Some(1), "API Error: 400 bad\n"));
}

/// Chapter 7: a denial is a note, not a failure; a tool that was taken away is not even that.
#[test]
fn denials_are_noted() {
    let done = play("deny Bash {\"command\":\"rm x\"}\ndeny Bash\nresult done", &[]);
    let result = sound(&done);
    assert_eq!((done.code(), &result["is_error"]), (Some(0), &json!(false)));
    let denials = result["permission_denials"].as_array().unwrap();
    assert_eq!(denials.len(), 2);
    assert_eq!((&denials[0]["tool_name"], &denials[0]["tool_input"]), (&json!("Bash"), &json!({"command":"rm x"})));
    let shown = done.events()[1]["message"]["content"][0]["id"].clone();
    assert_eq!(denials[0]["tool_use_id"], shown);

    let removed = play("tool Bash\nresult done", &["--disallowedTools=Bash"]);
    assert_eq!(sound(&removed)["permission_denials"], json!([]));
    assert!(removed.stdout().contains("No such tool available: Bash"));
    assert!(!removed.events()[0]["tools"].as_array().unwrap().contains(&json!("Bash")));
}

/// 2.1.332: the call is shown, has no result, and ends the run.
#[test]
fn a_call_can_be_put_off() {
    let done = play("defer Bash {\"command\":\"rm x\"}", &[]);
    let result = sound(&done);
    assert_eq!((done.code(), &result["is_error"], &result["result"]), (Some(0), &json!(false), &json!("")));
    assert_eq!(
        (&result["stop_reason"], &result["terminal_reason"]),
        (&json!("tool_deferred"), &json!("tool_deferred"))
    );
    let call = &done.events()[1]["message"]["content"][0];
    let put_off = &result["deferred_tool_use"];
    assert_eq!((&put_off["id"], &put_off["name"]), (&call["id"], &json!("Bash")));
    assert_eq!((&put_off["input"], &result["permission_denials"]), (&json!({"command":"rm x"}), &json!([])));
}

#[test]
fn servers_are_listed_at_the_start() {
    let done = play("mcp-server pg failed project\nmcp-server mail needs-auth\ninit\nresult x", &[]);
    let servers = &done.events()[0]["mcp_servers"];
    let expected = json!([{"name":"pg","status":"failed","source":"project"},{"name":"mail","status":"needs-auth"}]);
    assert_eq!(*servers, expected);
}

/// Chapter 7's table, as far as `ask` plays it.
#[test]
fn modes_and_rules_decide_what_is_asked() {
    let denied = |ask: &str, flags: &[&str]| {
        let world = World::with(&format!("ask {ask}\nresult done")).env("IS_SANDBOX", "1");
        sound(&world.stream(flags, "x"))["permission_denials"].as_array().unwrap().len() == 1
    };
    let (touch, write) = ("Bash {\"command\":\"touch a\"}", "Write {\"file_path\":\"a\"}");
    for (mode, touches, writes) in [
        ("default", false, false),
        ("acceptEdits", true, true),
        ("plan", false, false),
        ("dontAsk", false, false),
        ("bypassPermissions", true, true),
    ] {
        let mode_flag = format!("--permission-mode={mode}");
        assert_eq!(!denied(touch, &[&mode_flag]), touches, "{mode}");
        assert_eq!(!denied(write, &[&mode_flag]), writes, "{mode}");
    }
    assert!(denied("Write {\"file_path\":\"/outside\"}", &["--permission-mode=acceptEdits"]));
    assert!(!denied("Bash {\"command\":\"ls\"}", &[]));
    assert!(!denied(touch, &["--allowedTools=Bash(touch *) Edit"]));
    assert!(denied(touch, &["--allowedTools=Bash(git *),Edit"]));
    assert!(denied("Bash {\"command\":\"x & echo y\"}", &["--allowedTools=Bash"]));
    for (rule, passes) in
        [("mcp__t", true), ("mcp__t__*", true), ("mcp__t__x", true), ("mcp__*", false), ("mcp__u", false)]
    {
        assert_eq!(!denied("mcp__t__x", &[&format!("--allowedTools={rule}")]), passes, "{rule}");
    }
}

/// Chapter 10.
#[test]
fn schemas_are_answered_or_refused() {
    let schema =
        r#"{"type":"object","properties":{"a":{"type":"string"},"n":{"type":"integer"}},"required":["a","n"]}"#;
    let flag = |s: &str| format!("--json-schema={s}");
    let answered = sound(&World::new().stream(&[&flag(schema)], "hello"));
    assert_eq!(answered["structured_output"], json!({"a":"echo: hello","n":0}));
    let text: Value = serde_json::from_str(answered["result"].as_str().unwrap()).unwrap();
    assert_eq!(text, answered["structured_output"]);
    assert_eq!(sound(&play("structured {\"a\":\"b\"}", &[&flag(schema)]))["structured_output"], json!({"a":"b"}));

    let never_called = play("say free text", &[&flag(schema)]);
    assert!(sound(&never_called).get("structured_output").is_none());
    assert_eq!(never_called.code(), Some(0));
    let failed = play("structured-invalid", &[&flag(schema)]);
    assert_eq!(
        (failed.code(), sound(&failed)["subtype"].as_str()),
        (Some(1), Some("error_max_structured_output_retries"))
    );

    let format = r#"{"type":"object","properties":{"a":{"type":"string","format":"uuid"}}}"#;
    assert_eq!(sound(&World::new().stream(&[&flag(format)], "hello"))["structured_output"], json!({"a":"echo: hello"}));
    for refused in [
        r#"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object"}"#,
        r#"{"type":"object","x-foo":1}"#,
        r##"{"$ref":"#/$defs/none"}"##,
        r#"{"type":"object","required":["a","a"]}"#,
        r#"{"type":"object","unevaluatedProperties":false}"#,
    ] {
        let done = World::new().stream(&[&flag(refused)], "hello");
        assert_eq!((done.code(), done.stdout().as_str()), (Some(1), ""), "{refused}");
        assert!(done.stderr.starts_with("Error: --json-schema is not a valid JSON Schema: "), "{}", done.stderr);
    }
    let kept = r##"{"$schema":"http://json-schema.org/draft-07/schema#","$defs":{"format":{"enum":["e"]}},"type":"object","properties":{"format":{"$ref":"#/$defs/format"}}}"##;
    assert_eq!(sound(&World::new().stream(&[&flag(kept)], "x"))["structured_output"], json!({"format":"e"}));
    for (bad, says) in
        [("{", "Error: --json-schema is not valid JSON: "), ("true", "Error: --json-schema must be a JSON object")]
    {
        let done = World::new().stream(&[&flag(bad)], "x");
        assert_eq!((done.code(), done.stdout().as_str()), (Some(1), ""));
        assert!(done.stderr.starts_with(says));
    }
}

/// Chapter 1.2: successes that are not to be trusted.
#[test]
fn empty_and_cut_answers_exit_with_nothing() {
    let empty = play("result", &[]);
    assert_eq!((empty.code(), sound(&empty)["result"].as_str()), (Some(0), Some("")));
    let cut = play("cut-stream half of", &[]);
    let result = sound(&cut);
    assert_eq!((cut.code(), &result["stop_reason"], &result["total_cost_usd"]), (Some(0), &Value::Null, &json!(0)));
    assert_eq!(result["result"], "half of");
}

/// Chapter 2.2.
#[test]
fn the_other_events_have_their_keys() {
    let done = play(
        "think hm\nretry 429 2\nretry none\nsubagent work\nrate-limit allowed_warning 0.95\nfallback sonnet\nsystem thinking_tokens \
         {\"estimated_tokens\":7}\nresult done",
        &[],
    );
    let events = done.events();
    let of = |name: &str| events.iter().find(|e| e["subtype"] == name || e["type"] == name).unwrap().clone();
    let retry = of("api_retry");
    assert_eq!(
        (&retry["attempt"], &retry["max_retries"], &retry["error_status"]),
        (&json!(1), &json!(10), &json!(429))
    );
    assert_eq!(retry["error"], "rate_limit");
    assert_eq!(of("rate_limit_event")["rate_limit_info"]["utilization"], 0.95);
    assert_eq!(of("model_fallback")["fallback_model"], "sonnet");
    assert_eq!(of("thinking_tokens")["estimated_tokens"], 7);
    assert!(events.iter().any(|e| e["parent_tool_use_id"].as_str().is_some_and(|p| p.starts_with("toolu_"))));
    assert!(events.iter().filter(|e| e["type"] == "assistant").all(|e| e["message"]["stop_reason"].is_null()));
    assert!(events.iter().filter(|e| e["type"] == "user").all(|e| e["timestamp"].as_str().unwrap().ends_with('Z')));
}

/// Chapter 2.6.
#[test]
fn line_separators_are_escaped_in_streams_only() {
    let world = World::with("result a\\u{2028}b");
    assert!(!world.stream(&[], "x").stdout().contains('\u{2028}'));
    assert_eq!(world.stream(&[], "x").result()["result"], "a\u{2028}b");
    assert!(world.run(&["-p", "--output-format=json"], "x").stdout().contains('\u{2028}'));
}
