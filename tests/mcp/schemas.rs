//! Answers that must match a schema: what is refused before a run, what the CLI is given, what is asked for again.

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::world::World;

fn schema() -> Value {
    json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]})
}

fn request(more: Value) -> Value {
    let mut request = json!({"agent": "echo", "task": "count", "response_schema": schema()});
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

fn words(call: &Value) -> Vec<&str> {
    call["argv"].as_array().unwrap().iter().filter_map(Value::as_str).collect()
}

fn given_schema(call: &Value) -> Option<Value> {
    let text = words(call).into_iter().find_map(|word| word.strip_prefix("--json-schema="))?;
    Some(serde_json::from_str(text).unwrap())
}

#[test]
fn an_answer_that_matches_is_a_value() {
    let world = World::with("dump calls\ncost 0.5\nstructured {\"n\": 7}");
    let mut client = Client::new(&world);
    for tool in ["dispatch", "dispatch_session"] {
        let said = client.ask(tool, request(json!({"context": tool})));
        assert_eq!((&said["success"], &said["parsed_result"]), (&json!(true), &json!({"n": 7})), "{tool}: {said}");
        assert_eq!((&said["result"], &said["cost_usd"]), (&json!("{\"n\":7}"), &json!(0.5)), "{tool}: {said}");
    }
    let job = client.ask("dispatch_async", request(json!({"context": "job"})));
    let done = client.ask("dispatch_wait", json!({"job_id": job["job_id"]}));
    assert_eq!(done["result"]["parsed_result"], json!({"n": 7}), "{done}");
    let calls = world.dumps("echo", "calls");
    assert_eq!(calls.len(), 3, "none is repaired");
    for call in &calls {
        assert_eq!(given_schema(call), Some(schema()));
        assert!(call["prompt"].as_str().unwrap().contains(&schema().to_string()), "{call}");
        assert!(!words(call).iter().any(|word| word.contains("STATUS:")), "no status line in JSON: {call}");
    }
    // What must be matched is part of what was asked.
    assert_eq!(client.ask("dispatch", request(json!({"context": "dispatch"})))["cached"], true);
    let other = request(json!({"context": "dispatch", "response_schema": {"type": "object"}}));
    assert_eq!(client.ask("dispatch", other)["cached"], json!(null));
    client.bye();
}

#[test]
fn an_answer_that_misses_is_asked_for_again_once() {
    let world = World::with(
        "dump calls\non-call 1\ncost 0.25\nresult It is seven.\non-call *\ncost 0.5\nstructured {\"n\": 7}",
    );
    let mut client = Client::new(&world);
    let said = client.ask("dispatch", request(json!({})));
    assert_eq!((&said["success"], &said["parsed_result"]), (&json!(true), &json!({"n": 7})), "{said}");
    assert_eq!(said["cost_usd"], json!(0.75), "both are paid for: {said}");
    let calls = world.dumps("echo", "calls");
    assert_eq!(calls.len(), 2);
    let resumed = format!("--resume={}", said["session_id"].as_str().unwrap());
    assert!(words(&calls[1]).contains(&resumed.as_str()), "{:?}", words(&calls[1]));
    assert_eq!(given_schema(&calls[1]), Some(schema()));
    let prompt = calls[1]["prompt"].as_str().unwrap();
    assert!(prompt.contains("not one JSON value") && prompt.contains(&schema().to_string()), "{prompt}");
    client.bye();
    world.no_job_is_left();
}

#[test]
fn an_answer_that_misses_again_is_kept_as_text() {
    let world =
        World::with("dump calls\ncost 0.25\non-call 1\nresult {\"n\": 0}\non-call *\nresult {\"n\": \"seven\"}");
    let mut client = Client::new(&world);
    let said = client.ask("dispatch", request(json!({})));
    assert_eq!((&said["success"], &said["error_type"]), (&json!(false), &json!("schema_mismatch")), "{said}");
    assert_eq!((&said["result"], said.get("parsed_result")), (&json!("{\"n\": \"seven\"}"), None), "{said}");
    assert_eq!(said["cost_usd"], json!(0.5), "{said}");
    let error = said["error"].as_str().unwrap();
    assert!(error.contains("/n") && error.contains("asked for again"), "{said}");
    assert!(error.contains(said["session_id"].as_str().unwrap()), "{said}");
    let calls = world.dumps("echo", "calls");
    assert_eq!(calls.len(), 2, "asked for again once");
    assert!(calls[1]["prompt"].as_str().unwrap().contains("at /n: must be at least 1, is 0"), "{}", calls[1]["prompt"]);
    assert!(client.ask("dispatch", request(json!({}))).get("cached").is_none(), "a failure is not kept");
    client.bye();
}

#[test]
fn a_first_answer_survives_whatever_becomes_of_the_second() {
    for second in
        ["no-result\nexit 3", "no-init\nsignal KILL", "error api 500 broken", "result", "subtype error_max_turns"]
    {
        let world = World::with(&format!("dump calls\non-call 1\ncost 0.25\nresult It is seven.\non-call *\n{second}"));
        let mut client = Client::new(&world);
        let said = client.ask("dispatch", request(json!({})));
        assert_eq!(
            (&said["error_type"], &said["result"]),
            (&json!("schema_mismatch"), &json!("It is seven.")),
            "{second}: {said}"
        );
        assert!(said["cost_usd"].as_f64().is_some_and(|cost| cost >= 0.25), "{second}: {said}");
        assert_eq!(world.dumps("echo", "calls").len(), 2, "{second}");
        client.bye();
    }
    let mut world = World::new();
    world.agent_with("echo", "on-call 1\nresult It is seven.\non-call *\nsilence", "timeout: 2");
    let mut client = Client::new(&world);
    let said = client.ask("dispatch", request(json!({})));
    assert_eq!((&said["error_type"], &said["result"]), (&json!("schema_mismatch"), &json!("It is seven.")), "{said}");
    client.bye();
}

#[test]
fn what_failed_otherwise_is_not_asked_for_again() {
    for (scene, error_type) in [
        ("error session-limit", "usage_limit"),
        ("result {\"n\": 0}\nexit 3", "cli_error"),
        ("structured-invalid", "schema_mismatch"),
        ("cut-stream {\"n\"", "cli_error"),
    ] {
        let world = World::with(&format!("dump calls\n{scene}"));
        let mut client = Client::new(&world);
        let said = client.ask("dispatch", request(json!({})));
        assert_eq!(said["error_type"], error_type, "{scene}: {said}");
        assert_eq!(world.dumps("echo", "calls").len(), 1, "{scene}");
        client.bye();
    }
}

#[test]
fn a_cli_that_cannot_use_the_schema_runs_without_it() {
    for (refusal, reason) in [
        ("reject-flag --json-schema", "does not know --json-schema"),
        (
            "on-call 1\nno-init\nno-result\nstderr Error: --json-schema is not a valid JSON Schema: strict mode\nexit 1\non-call *",
            "refuses this response_schema",
        ),
    ] {
        let world = World::with(&format!("dump calls\n{refusal}\nresult {{\"n\": 3}}"));
        let mut client = Client::new(&world);
        let said = client.ask("dispatch", request(json!({})));
        assert_eq!((&said["success"], &said["parsed_result"]), (&json!(true), &json!({"n": 3})), "{refusal}: {said}");
        assert!(said["hint"].as_str().unwrap().contains(reason), "{said}");
        // It is said of the next run with a schema, and of none without.
        let plain = client.ask("dispatch", json!({"agent": "echo", "task": "no schema"}));
        assert_eq!((&plain["success"], &plain["hint"]), (&json!(true), &Value::Null), "{plain}");
        let given: Vec<bool> = world.dumps("echo", "calls").iter().map(|call| given_schema(call).is_some()).collect();
        assert_eq!(given, [true, false, false], "{refusal}");
        client.bye();
    }
    // A schema that no tool can have stands in the prompt alone.
    let world = World::with("dump calls\nresult [\"a\"]");
    let mut client = Client::new(&world);
    let said =
        client.ask("dispatch", request(json!({"response_schema": {"type": "array", "items": {"type": "string"}}})));
    assert_eq!((&said["success"], &said["parsed_result"]), (&json!(true), &json!(["a"])), "{said}");
    assert_eq!(given_schema(&world.dumps("echo", "calls")[0]), None);
    client.bye();
}

/// A CLI below the tested versions reminds the model of its schema without end; `max_turns` does not stop it.
#[test]
fn a_cli_that_would_ask_without_end_is_not_given_the_schema() {
    for (version, given) in [("2.1.100", false), ("2.1.197", true), ("a wrapper's own words", true)] {
        let mut world = World::with("dump calls\nresult {\"n\": 3}");
        // Counts how often it is asked.
        let wrapper = world.path("claude-wrapper");
        let body = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && echo >> {}\nexec {} \"$@\"\n",
            world.path("asked").display(),
            env!("CARGO_BIN_EXE_fake-claude")
        );
        std::fs::write(&wrapper, body).unwrap();
        std::fs::set_permissions(&wrapper, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        world.env("AGENT_DISPATCH_CLAUDE", &wrapper);
        world.env("FAKE_CLAUDE_VERSION", version);
        let mut client = Client::new(&world);
        let plain = client.ask("dispatch", json!({"agent": "echo", "task": "no schema"}));
        assert_eq!(plain["success"], true, "{plain}");
        assert!(!world.path("asked").exists(), "nothing depends on the version");
        for task in ["count", "count again"] {
            let said = client.ask("dispatch", request(json!({"task": task})));
            assert_eq!((&said["success"], &said["parsed_result"]), (&json!(true), &json!({"n": 3})), "{said}");
            let reason = said["hint"].as_str().map(|hint| hint.contains("without end") && hint.contains("2.1.197"));
            assert_eq!(reason, (!given).then_some(true), "{version}: {said}");
        }
        let calls = world.dumps("echo", "calls");
        let seen: Vec<bool> = calls.iter().map(|call| given_schema(call).is_some()).collect();
        assert_eq!(seen, [false, given, given], "{version}");
        assert_eq!(std::fs::read_to_string(world.path("asked")).unwrap().lines().count(), 1, "it is remembered");
        client.bye();
    }
}

#[test]
fn a_schema_of_the_agent_is_named() {
    let mut world = World::new();
    let count = "count:\n    type: object\n    properties: {n: {type: integer}}\n    required: [n]";
    world.agent_with(
        "echo",
        "dump calls\nresult {\"n\": 3}",
        &format!("response_schemas:\n  {}", count.replace('\n', "\n  ")),
    );
    let mut client = Client::new(&world);
    let said = client.ask("dispatch", json!({"agent": "echo", "task": "t", "response_schema": " count "}));
    assert_eq!((&said["success"], &said["parsed_result"]), (&json!(true), &json!({"n": 3})), "{said}");
    assert_eq!(given_schema(&world.dumps("echo", "calls")[0]).unwrap()["required"], json!(["n"]));
    assert_eq!(client.ask("inspect_agent", json!({"name": "echo"}))["response_schemas"], json!(["count"]));
    let said = client.ask("dispatch", json!({"agent": "echo", "task": "t", "response_schema": "cuont"}));
    let error = said["error"].as_str().unwrap();
    assert!(error.contains("cuont") && error.contains("count") && said.get("success").is_none(), "{said}");
    client.bye();
}

#[test]
fn what_is_no_schema_is_the_callers_mistake() {
    let world = World::with("dump calls\nresult {}");
    let mut client = Client::new(&world);
    for (given, place) in [
        (json!({"type": "integr"}), "/type"),
        (json!("{\"type\": \"object\", \"requierd\": []}"), "requierd"),
        (json!({"$ref": "https://example.org/s.json"}), "/$ref"),
        (json!({"$defs": {"a": {"$ref": "#/$defs/a"}}, "type": "object"}), "/$defs/a"),
        (json!({"description": "x".repeat(100_000)}), "bytes"),
        (json!("{broken"), "response_schema"),
        (json!(["type"]), "response_schema"),
        (json!(5), "response_schema"),
    ] {
        for tool in ["dispatch", "dispatch_session", "dispatch_async"] {
            let said = client.ask(tool, request(json!({"response_schema": given})));
            let error = said["error"].as_str().unwrap_or_else(|| panic!("{tool} {place}: {said}"));
            assert!(error.contains(place) && said.get("success").is_none(), "{tool} {place}: {said}");
        }
    }
    for nothing in [json!(null), json!(""), json!("  ")] {
        let said = client.ask("dispatch", request(json!({"response_schema": nothing, "context": nothing.to_string()})));
        assert_eq!((&said["success"], said.get("parsed_result")), (&json!(true), None), "{said}");
    }
    assert_eq!(world.dumps("echo", "calls").len(), 3, "nothing was started for a mistake");
    client.bye();
}
