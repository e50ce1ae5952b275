//! What a client may send that no client should.

use serde_json::{Value, json};

use crate::support::client::{Client, Era, Wire};
use crate::support::world::World;

fn works(client: &mut Client) {
    let stats = client.ask("cache_stats", json!({}));
    assert!(stats["size"].is_number(), "{stats}");
}

#[test]
fn nothing_before_the_first_request_ends_the_server() {
    let world = World::with("result ok");
    let before: [&[u8]; 14] = [
        b"\n\n",
        b"garbage\n",
        b"\xff\xfe\xfd\n",
        b"\xef\xbb\xbf\r\n",
        b"{}\n[]\n[{}]\nnull\n1\n\"x\"\n",
        b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n",
        b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/unheard_of\",\"params\":{}}\n",
        b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":7}}\n",
        b"{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{}}\n",
        b"{\"jsonrpc\":\"2.0\",\"id\":9,\"error\":{\"code\":1,\"message\":\"m\"}}\n",
        b"{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}\n",
        // Once a request was seen, what follows it still comes before the session.
        b"{\"jsonrpc\":\"2.0\",\"id\":\"p\",\"method\":\"ping\"}\n{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n",
        b"{\"jsonrpc\":\"2.0\",\"id\":\"l\",\"method\":\"tools/list\"}\n{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n",
        b"{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"method\":\"tools/call\",\"params\":7}\n{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{}}\n",
    ];
    for bytes in before {
        let mut client = Client::silent(world.serve(), Wire::Pipes);
        client.send_bytes(bytes);
        let answer = client.initialize();
        assert_eq!(answer["result"]["serverInfo"]["name"], "agent-dispatch", "{}: {answer}", bytes.escape_ascii());
        works(&mut client);
        client.bye();
    }
}

#[test]
fn garbage_within_a_session_is_survived() {
    let world = World::with("result ok");
    for era in [Era::Handshake, Era::Stateless] {
        let mut client = Client::begin(&world, Wire::Sockets, era);
        let deep = format!("{}{}\n", "[".repeat(100_000), "]".repeat(100_000));
        let garbage: [&[u8]; 12] = [
            b"garbage\n\n\r\n",
            b"\xff\xfe\xc3\x28\n",
            b"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]\n",
            b"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}\n",
            b"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}\n",
            b"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}\n",
            b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\"}\n",
            b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":[]}}\n",
            b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":424242}}\n",
            b"{\"jsonrpc\":\"2.0\",\"id\":4242,\"result\":{}}\n",
            b"{\"jsonrpc\":\"2.0\",\"id\":\"dup\",\"id\":\"dup\",\"method\":\"ping\"}\n",
            deep.as_bytes(),
        ];
        for bytes in garbage {
            client.send_bytes(bytes);
            works(&mut client);
        }
        client.bye();
    }
}

#[test]
fn a_line_of_a_hundred_megabytes_is_passed_over() {
    let world = World::with("result ok");
    let mut client = Client::new(&world);
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..100 {
        client.send_bytes(&chunk);
    }
    client.send_bytes(b"\n");
    works(&mut client);
    client.bye();
}

#[test]
fn malformed_calls_are_answered() {
    let world = World::with("result ok");
    for era in [Era::Handshake, Era::Stateless] {
        let mut client = Client::begin(&world, Wire::Pipes, era);
        let malformed = [
            json!({}),
            json!({"name": 7}),
            json!({"name": null}),
            json!({"name": "dispatch", "arguments": "x"}),
            json!({"name": "dispatch", "arguments": [1]}),
            json!({"name": ["dispatch"]}),
        ];
        for params in malformed {
            let id = client.request("tools/call", params.clone());
            let answer = client.answer(id);
            let message = answer["error"]["message"].as_str().or(answer["result"]["content"][0]["text"].as_str());
            assert!(
                message.is_some_and(|message| message.contains("name") || message.contains("agent")),
                "{params}: {answer}"
            );
        }
        for params in [
            json!({"name": "dispatch"}),
            json!({"name": "dispatch", "arguments": null}),
            json!({"name": "dispatch", "arguments": {}}),
        ] {
            let id = client.request("tools/call", params);
            let answer = client.answer(id);
            assert_eq!(answer["result"]["isError"], true, "{answer}");
            assert!(answer["result"]["content"][0]["text"].as_str().unwrap().contains("agent is missing"), "{answer}");
        }
        let said = client.ask("dispatc", json!({}));
        assert!(said["error"].as_str().unwrap().contains("dispatch_session"), "{said}");
        for method in ["no/such/method", "tools/cal", ""] {
            let id = client.request(method, json!({}));
            assert!(client.answer(id)["error"]["code"].is_number(), "{method}");
        }
        works(&mut client);
        client.bye();
    }
}

#[test]
fn arguments_of_another_type_are_read_or_refused_by_name() {
    let mut world = World::with("dump calls\nresult ok");
    world.settings("cache: {enabled: false}");
    let mut client = Client::new(&world);
    let with = |key: &str, value: &Value| {
        let mut arguments = json!({"agent": "echo", "task": "t"});
        arguments[key] = value.clone();
        arguments
    };
    // Everything can be meant as text, and null says that nothing is meant.
    for key in ["task", "context", "caller", "goal"] {
        for (value, text) in
            [(json!(7), "7"), (json!(true), "true"), (json!(["a"]), "[\"a\"]"), (json!({"k": 1}), "{\"k\":1}")]
        {
            let said = client.ask("dispatch", with(key, &value));
            assert_eq!(said["success"], true, "{key}={value}: {said}");
            let calls = world.dumps("echo", "calls");
            assert!(calls.last().unwrap()["prompt"].as_str().unwrap().contains(text), "{key}={value}");
        }
    }
    for key in ["context", "caller", "goal", "response_format", "timeout_seconds", "session_id", "unknown_key"] {
        let said = client.ask("dispatch_session", with(key, &Value::Null));
        assert_eq!(said["success"], true, "{key}: {said}");
    }
    for value in [json!("30"), json!(30.0), json!(" 30 "), json!("30.0")] {
        assert_eq!(client.ask("dispatch", with("timeout_seconds", &value))["success"], true, "{value}");
    }
    let runs = world.dumps("echo", "calls").len();
    for (key, value) in [
        ("timeout_seconds", json!("soon")),
        ("timeout_seconds", json!(1.5)),
        ("timeout_seconds", json!([30])),
        ("timeout_seconds", json!(true)),
        ("timeout_seconds", json!("NaN")),
        ("timeout_seconds", json!("inf")),
        ("response_format", json!("xml")),
        ("response_format", json!(7)),
        ("task", json!("")),
        ("task", json!(" \n\t")),
        ("task", Value::Null),
        ("agent", Value::Null),
        ("agent", json!("../etc")),
        ("agent", json!({"name": "echo"})),
        ("agent", json!("x".repeat(100_000))),
    ] {
        let id = client.call("dispatch", with(key, &value));
        let answer = client.answer(id);
        assert_eq!(answer["result"]["isError"], true, "{key}={value}: {answer}");
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains(key) || text.contains("Available"), "{key}: {text}");
        assert!(text.len() < 2_000, "{key}: {} bytes", text.len());
    }
    assert_eq!(world.dumps("echo", "calls").len(), runs, "a mistake costs nothing");
    client.bye();
    world.no_job_is_left();
}

#[test]
fn prompts_of_every_size() {
    let world = World::with("dump calls\nresult ok");
    let mut client = Client::new(&world);
    for (bytes, passes) in
        [(200 << 10, true), (8 << 20, true), (10 << 20, true), ((10 << 20) + 1, false), (11 << 20, false)]
    {
        let said = client.ask("dispatch", json!({"agent": "echo", "task": "x".repeat(bytes)}));
        if passes {
            assert_eq!(said["success"], true, "{bytes}: {said}");
        } else {
            assert!(said["error"].as_str().unwrap().contains("10485760"), "{bytes}: {said}");
        }
    }
    let lengths: Vec<usize> =
        world.dumps("echo", "calls").iter().map(|call| call["prompt"].as_str().unwrap().len()).collect();
    assert_eq!(lengths, [200 << 10, 8 << 20, 10 << 20]);
    client.bye();
    world.no_job_is_left();
}
