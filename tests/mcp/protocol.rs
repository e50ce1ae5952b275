//! Protocol versions, what tools are told to be, and messages that are not as they should be.

use serde_json::{Value, json};

use crate::support::client::{Client, Era, Wire, said};
use crate::support::world::World;

/// What is served, oldest first; the last one has no `initialize`.
const VERSIONS: [&str; 5] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];
const PARSE_ERROR: i64 = -32_700;
const INVALID_REQUEST: i64 = -32_600;
const INVALID_PARAMS: i64 = -32_602;
const UNSUPPORTED_VERSION: i64 = -32_022;
/// One more than is read, in bytes.
const TOO_LONG: usize = 64 * 1024 * 1024 + 1;

/// A session begun with this version; the version of the answer.
fn initialized(world: &World, version: &Value) -> (Client, String) {
    let mut client = Client::silent(world.serve(), Wire::Pipes);
    let id = client.request(
        "initialize",
        json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}),
    );
    let answer = client.answer(id);
    assert_eq!(answer["result"]["capabilities"].get("extensions"), None, "tasks need the protocol that has them");
    client.notify("notifications/initialized", json!({}));
    (client, answer["result"]["protocolVersion"].as_str().unwrap().to_owned())
}

#[test]
fn every_version_is_answered_with_the_nearest_that_is_served() {
    let world = World::with("result ok");
    for (asked, served) in [
        ("2024-11-05", VERSIONS[0]),
        ("2025-03-26", VERSIONS[1]),
        ("2025-06-18", VERSIONS[2]),
        ("2025-11-25", VERSIONS[3]),
        ("2026-07-28", VERSIONS[3]),
        ("1999-01-01", VERSIONS[0]),
        ("2025-01-01", VERSIONS[0]),
        ("2025-06-17", VERSIONS[1]),
        ("2025-09-01", VERSIONS[2]),
        ("2026-01-31", VERSIONS[3]),
        ("2031-01-01", VERSIONS[3]),
        ("nonsense", VERSIONS[3]),
        ("", VERSIONS[3]),
    ] {
        let (mut client, version) = initialized(&world, &json!(asked));
        assert_eq!(version, served, "asked for {asked:?}");
        let id = client.call("dispatch", json!({"agent": "echo", "task": format!("asked for {asked:?}")}));
        let answer = client.answer(id);
        assert_eq!(said(&answer)["result"], "ok", "{answer}");
        let structured = served >= VERSIONS[2];
        assert_eq!(answer["result"].get("structuredContent").is_some(), structured, "{served}: {answer}");
        assert_eq!(answer["result"].get("resultType"), None, "{answer}");
        let id = client.request("tools/list", json!({}));
        assert_eq!(client.answer(id)["result"]["tools"][0].get("outputSchema").is_some(), structured, "{served}");
        client.bye();
    }
}

#[test]
fn a_stateless_request_in_an_unknown_version_is_told_which_are_known() {
    let world = World::with("result ok");
    let mut client = Client::begin(&world, Wire::Sockets, Era::Stateless);
    for version in ["2027-01-01", "nonsense"] {
        let meta = json!({"io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientInfo": {"name": "t", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {}});
        for method in ["server/discover", "tools/list"] {
            client.send(&json!({"jsonrpc": "2.0", "id": version, "method": method, "params": {"_meta": meta}}));
            let answer = client.wait("an answer", |message| message["id"] == version);
            assert_eq!(answer["error"]["code"], UNSUPPORTED_VERSION, "{answer}");
            assert_eq!(answer["error"]["data"]["supported"], json!(VERSIONS), "{answer}");
        }
    }
    let id = client.request("server/discover", json!({}));
    let found = client.answer(id)["result"].clone();
    assert_eq!(found["supportedVersions"], json!(VERSIONS), "{found}");
    assert!(found["instructions"].as_str().is_some_and(|text| text.len() < 2_048), "{found}");
    client.bye();
}

#[test]
fn an_answer_is_the_same_as_text_and_as_structure() {
    let mut world = World::with("result ok");
    world.agent("other", "no-result\nexit 1");
    let mut client = Client::begin(&world, Wire::Sockets, Era::Stateless);
    let id = client.request("tools/list", json!({}));
    let tools = client.answer(id)["result"]["tools"].clone();
    let id = client.call("dispatch_async", json!({"agent": "echo", "task": "job"}));
    let job = said(&client.answer(id))["job_id"].clone();
    for (tool, arguments) in [
        ("list_agents", json!({})),
        ("inspect_agent", json!({"name": "echo"})),
        ("dispatch", json!({"agent": "echo", "task": "t"})),
        ("dispatch", json!({"agent": "echo", "task": "t", "return_ref": true})),
        ("dispatch", json!({"agent": "other", "task": "t"})),
        ("dispatch_session", json!({"agent": "echo", "task": "t"})),
        ("dispatch_stream", json!({"agent": "echo", "task": "t"})),
        ("dispatch_async", json!({"agent": "echo", "task": "t"})),
        ("dispatch_wait", json!({"job_id": job})),
        ("dispatch_status", json!({"job_id": job})),
        ("dispatch_cancel", json!({"job_id": job})),
        ("dispatch_jobs", json!({})),
        ("fetch_result", json!({"ref": job})),
        ("dispatch_gc", json!({"dry_run": true})),
        ("add_agent", json!({"name": "new", "directory": world.path("echo")})),
        ("update_agent", json!({"name": "new", "model": "m"})),
        ("remove_agent", json!({"name": "new"})),
        ("cache_stats", json!({})),
        ("cache_clear", json!({})),
    ] {
        let id = client.call(tool, arguments);
        let answer = client.answer(id);
        let (told, structure) = (said(&answer), &answer["result"]["structuredContent"]);
        assert_eq!(answer["result"]["isError"], false, "{tool}: {answer}");
        assert_eq!(*structure, if told.is_array() { json!({"result": told}) } else { told }, "{tool}");
        let tool = tools.as_array().unwrap().iter().find(|known| known["name"] == tool).unwrap();
        fits(structure, &tool["outputSchema"]);
    }
    let id = client.call("dispatch", json!({"agent": "nobody", "task": "t"}));
    let mistake = client.answer(id);
    assert_eq!((&mistake["result"]["isError"], mistake["result"].get("structuredContent")), (&json!(true), None));
    client.bye();
}

/// What a client checks: required keys are there, and each key has its type.
#[track_caller]
fn fits(value: &Value, schema: &Value) {
    assert_eq!(schema["type"], "object", "{schema}");
    for key in schema["required"].as_array().into_iter().flatten() {
        assert!(value.get(key.as_str().unwrap()).is_some(), "{key} is missing: {value}");
    }
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let Some(value) = value.get(key) else { continue };
        let fits = match property["type"].as_str().unwrap() {
            "string" => value.is_string(),
            "number" => value.is_number(),
            "integer" => value.is_u64() || value.is_i64(),
            "boolean" => value.is_boolean(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            other => panic!("{other}"),
        };
        assert!(fits, "{key}: {value} is no {property}");
    }
}

/// Each tool with its parameters, those that must be given marked with `!`, and words that say their defaults and bounds.
const TOLD: [(&str, &str, &[&str]); 21] = [
    ("list_agents", "", &[]),
    ("inspect_agent", "name! preview_lines", &["0..200", "default 40"]),
    ("list_groups", "", &[]),
    ("inspect_group", "name!", &[]),
    (
        "dispatch",
        "agent! task! context caller goal response_format response_schema return_ref summary_chars timeout_seconds \
         max_turns group resume_attempts",
        &["default 500", "10..7200", "0 = the agent's own", "\"json\"", "JSON Schema", "0..3"],
    ),
    (
        "dispatch_session",
        "agent! task! session_id context caller goal response_format response_schema timeout_seconds max_turns \
         resume_attempts",
        &["10..7200", "empty = new", "0..3", "As dispatch"],
    ),
    (
        "dispatch_stream",
        "agent! task! context caller goal response_format timeout_seconds max_turns resume_attempts",
        &["10..7200", "0..3", "As dispatch"],
    ),
    ("dispatch_parallel", "dispatches! aggregate", &["100", "20 × max_concurrency"]),
    ("dispatch_dialogue", "requester! responder! topic! max_rounds", &["1..10", "default 3"]),
    (
        "dispatch_async",
        "agent! task! context caller goal response_format response_schema timeout_seconds max_turns group \
         resume_attempts",
        &["10..7200", "0..3", "As dispatch"],
    ),
    ("dispatch_status", "job_id!", &[]),
    ("dispatch_wait", "job_id! timeout_seconds", &["1..3600", "default 60"]),
    ("dispatch_cancel", "job_id!", &[]),
    (
        "dispatch_jobs",
        "status limit agent",
        &["1..1000", "default 50", "pending", "running", "done", "failed", "cancelled"],
    ),
    ("fetch_result", "ref! max_chars", &["0 = all"]),
    ("dispatch_gc", "max_age_days dry_run", &["default 7"]),
    (
        "add_agent",
        "name! directory! description timeout max_budget_usd model permission_mode allowed_tools disallowed_tools \
         unattended_tools capabilities risky_capabilities instructions",
        &[
            "300 s",
            "budget 0 = the default cap of the settings",
            "~",
            "acceptEdits|auto|bypassPermissions|default|dontAsk|plan",
        ],
    ),
    (
        "update_agent",
        "name! description timeout max_budget_usd model permission_mode allowed_tools disallowed_tools unattended_tools capabilities \
         risky_capabilities instructions",
        &["\"none\"", "negative = back to the default cap", "[] = none at all"],
    ),
    ("remove_agent", "name!", &[]),
    ("cache_stats", "", &[]),
    ("cache_clear", "", &[]),
];
/// Tools that Claude Code shows its model from the start.
const HOT: [&str; 3] = ["list_agents", "dispatch", "dispatch_session"];

#[test]
fn clients_are_told_every_parameter_default_and_bound() {
    let world = World::with("result ok");
    let mut client = Client::begin(&world, Wire::Sockets, Era::Stateless);
    let id = client.request("tools/list", json!({}));
    let tools = client.answer(id)["result"]["tools"].clone();
    let tools = tools.as_array().unwrap();
    let names: Vec<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    for (name, parameters, words) in TOLD {
        let tool = tools.iter().find(|tool| tool["name"] == name).unwrap_or_else(|| panic!("no {name} in {names:?}"));
        let schema = &tool["inputSchema"];
        assert_eq!(schema["type"], "object", "{name}");
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for parameter in parameters.split_whitespace() {
            let plain = parameter.trim_end_matches('!');
            let property = &schema["properties"][plain];
            assert!(property["type"].is_string() || property["type"].is_array(), "{name} {plain}: {property}");
            assert_eq!(required.contains(&json!(plain)), parameter != plain, "{name} {plain}");
        }
        let told = format!("{}{}", tool["description"].as_str().unwrap(), schema.to_string().replace("\\\"", "\""));
        for word in words {
            assert!(told.contains(word), "{name} does not say {word}: {told}");
        }
        let annotations = &tool["annotations"];
        for hint in ["title", "readOnlyHint", "openWorldHint"] {
            assert!(annotations.get(hint).is_some(), "{name} {hint}");
        }
        let runs = name.starts_with("dispatch") && required.iter().any(|key| key == "task" || key == "topic");
        assert!(!runs || annotations["openWorldHint"] == true && annotations["readOnlyHint"] == false, "{name}");
        assert_eq!(tool["_meta"]["anthropic/alwaysLoad"] == true, HOT.contains(&name), "{name}");
        assert_eq!(tool["outputSchema"]["type"], "object", "{name}");
        let large = runs || ["dispatch_status", "dispatch_wait", "fetch_result", "dispatch_parallel"].contains(&name);
        let large = large && name != "dispatch_async";
        assert_eq!(tool["_meta"]["anthropic/maxResultSizeChars"] == 500_000, large, "{name}");
    }
    assert_eq!(names.len(), TOLD.len(), "{names:?}");
    client.bye();
}

#[test]
fn malformed_parameters_are_answered() {
    let world = World::with("result ok");
    for era in [Era::Handshake, Era::Stateless] {
        let mut client = Client::begin(&world, Wire::Sockets, era);
        let metas = [
            json!(5),
            json!("x"),
            json!([]),
            json!({"progressToken": {}}),
            json!({"progressToken": 1.5}),
            json!({"io.modelcontextprotocol/protocolVersion": 7}),
            json!({"io.modelcontextprotocol/clientCapabilities": 7}),
        ];
        for (at, meta) in metas.iter().enumerate() {
            for method in ["tools/call", "tools/list", "tasks/get", "server/discover", "ping"] {
                let id = format!("{method} {at}");
                let params = json!({"name": "cache_stats", "taskId": "x", "_meta": meta});
                client.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
                let answer = client.wait(&id, |message| message["id"] == *id);
                // A token that cannot be used and a version of another type are passed over by some requests.
                assert!(answer.get("result").is_some() || answer["error"]["code"].is_i64(), "{meta} {answer}");
                if !meta.is_object() {
                    assert_eq!(answer["error"]["code"], INVALID_PARAMS, "{answer}");
                    assert!(
                        answer["error"]["message"].as_str().unwrap().contains("_meta must be an object"),
                        "{answer}"
                    );
                }
            }
        }
        for params in
            [json!(7), json!("x"), json!([1]), json!({"name": 7}), json!({"name": "dispatch", "arguments": []})]
        {
            let id = format!("params {params}");
            client.send(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}));
            let answer = client.wait(&id, |message| message["id"] == *id);
            assert_eq!(answer["error"]["code"], INVALID_PARAMS, "{answer}");
            let named = answer["error"]["message"].as_str().unwrap().contains("params must be an object");
            assert!(named || params.is_object(), "{answer}");
        }
        assert!(client.ask("cache_stats", json!({}))["size"].is_number());
        client.bye();
    }
}

#[test]
fn a_request_that_cannot_be_read_is_answered_with_its_id() {
    let world = World::with("result ok");
    let mut client = Client::begin(&world, Wire::Sockets, Era::Handshake);
    let lines: [(&[u8], i64, &str); 6] = [
        (b"{\"jsonrpc\":\"2.0\",\"id\":\"u\",\"method\":\"ping\",\"params\":{\"x\":\"\xff\"}}", PARSE_ERROR, "no JSON"),
        (b"{\"jsonrpc\":\"2.0\",\"id\":\"u\",\"method\":\"ping\",}", PARSE_ERROR, "column 43"),
        (b"{\"jsonrpc\":\"2.0\",\"method\":\"ping\",\"params\":{\"x\":NaN},\"id\":\"u\"}", PARSE_ERROR, "no JSON"),
        (b"{\"jsonrpc\":\"1.0\",\"id\":\"u\",\"method\":\"ping\"}", INVALID_REQUEST, "jsonrpc"),
        (b"{\"id\":\"u\",\"method\":\"ping\"}", INVALID_REQUEST, "jsonrpc"),
        (b"{\"jsonrpc\":\"2.0\",\"id\":\"u\",\"method\":7}", INVALID_REQUEST, "method"),
    ];
    for (line, code, says) in lines {
        client.send_bytes(line);
        client.send_bytes(b"\n");
        let answer = client.wait("an answer", |message| message["id"] == "u");
        assert_eq!(answer["error"]["code"], code, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(says), "{answer}");
    }
    let nobodys: [(&[u8], &str); 4] = [
        (b"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]", "line of its own"),
        (b"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}", "id of a request"),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"ping\"}", "id of a request"),
        (b"7", "not a number"),
    ];
    for (line, says) in nobodys {
        client.send_bytes(line);
        client.send_bytes(b"\n");
        let answer = client.wait("an answer", |message| message.get("error").is_some() && message.get("id").is_none());
        assert_eq!(answer["error"]["code"], INVALID_REQUEST, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(says), "{answer}");
    }
    client.bye();
}

#[test]
fn a_message_that_is_too_long_is_answered_where_its_id_can_be_read() {
    let world = World::with("result ok");
    let filler = "x".repeat(TOO_LONG);
    let call = |task: &str| format!(r#"{{"name":"dispatch","arguments":{{"agent":"echo","id":7,"task":"{task}"}}}}"#);
    let long = call(&filler);
    for (id, line) in [
        (json!(41), format!(r#"{{"jsonrpc":"2.0","id":41,"method":"tools/call","params":{long}}}"#)),
        (
            json!("at the end"),
            format!(r#"{{"method":"tools/call","params":{long},"jsonrpc":"2.0","id":"at the end"}}"#),
        ),
        (json!("a \"b\" c"), format!(r#"{{"id": "a \"b\" c" ,"method":"tools/call","params":{long}}}"#)),
    ] {
        let mut client = Client::begin(&world, Wire::Sockets, Era::Handshake);
        client.read();
        client.send_bytes(line.as_bytes());
        client.send_bytes(b"\n");
        let answer = client.wait("an answer", |message| message["id"] == id);
        assert_eq!(answer["error"]["code"], INVALID_REQUEST, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains("longer than 64 MiB"), "{answer}");
        assert!(client.ask("cache_stats", json!({}))["size"].is_number(), "the session goes on");
        client.bye();
    }
    // Nothing that asks for an answer.
    let mut client = Client::begin(&world, Wire::Sockets, Era::Handshake);
    for line in [
        format!(r#"{{"jsonrpc":"2.0","method":"notifications/x","params":{long}}}"#),
        format!(r#"{{"jsonrpc":"2.0","id":43,"result":{long}}}"#),
        format!(r#"{{"id":44,"method":"tools/call","params":{long}"#),
    ] {
        client.send_bytes(line.as_bytes());
        client.send_bytes(b"\n");
    }
    assert!(client.ask("cache_stats", json!({}))["size"].is_number());
    assert!(client.wait_within(std::time::Duration::ZERO, |message| message.get("error").is_some()).is_none());
    client.bye();
}

#[test]
fn a_ping_is_answered_during_a_long_call() {
    let world = World::with("wait-file go\nresult late");
    let mut client = Client::new(&world);
    let call = client.call("dispatch", json!({"agent": "echo", "task": "t"}));
    for _ in 0..20 {
        let ping = client.request("ping", json!({}));
        assert_eq!(client.answer(ping)["result"], json!({}));
    }
    std::fs::write(world.path("echo").join("go"), "").unwrap();
    assert_eq!(client.said(call)["result"], "late");
    client.bye();
}
