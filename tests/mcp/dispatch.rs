//! A dispatch from its request to its answer, the cache, shared runs, sessions.

use serde_json::{Value, json};

use crate::support::client::{Client, Era, Wire};
use crate::support::until;
use crate::support::world::World;

#[test]
fn answers_over_both_wires_and_in_both_eras() {
    let world = World::with("say working\nresult hello there");
    for wire in [Wire::Pipes, Wire::Sockets] {
        for era in [Era::Handshake, Era::Stateless] {
            let mut client = Client::begin(&world, wire, era);
            for tool in ["dispatch", "dispatch_session", "dispatch_stream"] {
                let said = client.ask(tool, json!({"agent": "echo", "task": format!("{tool} {wire:?} {era:?}")}));
                assert_eq!(said["success"], true, "{tool} {wire:?} {era:?}: {said}");
                assert_eq!(said["result"], "hello there");
                assert_eq!(said["agent"], "echo");
                assert!(said["session_id"].is_string() && said["cost_usd"].is_number() && said["num_turns"] == 1);
                assert!(said.get("error").is_none() && said.get("cached").is_none(), "{said}");
            }
            client.bye();
        }
    }
    world.no_job_is_left();
}

#[test]
fn the_prompt_reaches_claude_word_for_word() {
    let world = World::with("dump calls\nresult ok");
    let mut client = Client::new(&world);
    for task in
        ["plain", "/clear\nDo it", "-p", "--help", "--dangerously-skip-permissions", "@x \u{1F600} \u{0}end", " lead"]
    {
        let said = client.ask("dispatch_session", json!({"agent": "echo", "task": task}));
        assert_eq!(said["success"], true, "{task:?}: {said}");
        let expected = if task.starts_with('/') { format!("\n{task}") } else { task.to_owned() };
        let calls = world.dumps("echo", "calls");
        let call = calls.last().unwrap();
        assert_eq!(call["prompt"], json!(expected));
        let arguments: Vec<&str> = call["argv"].as_array().unwrap().iter().skip(1).filter_map(Value::as_str).collect();
        assert!(arguments.iter().all(|argument| argument.starts_with('-')), "{arguments:?}");
    }
    client.bye();
}

#[test]
fn an_identical_request_is_answered_from_the_cache() {
    let world = World::with("dump calls\nresult once");
    let mut client = Client::new(&world);
    let request = json!({"agent": "echo", "task": "t", "context": "c"});
    let paid = client.ask("dispatch", request.clone());
    let free = client.ask("dispatch", request.clone());
    assert_eq!((paid.get("cached"), &free["cached"]), (None, &json!(true)));
    assert_eq!(paid["result"], free["result"]);
    // The time limit is no part of what was asked.
    assert_eq!(
        client.ask("dispatch", json!({"agent": "echo", "task": "t", "context": "c", "timeout_seconds": 99}))["cached"],
        true
    );
    assert_eq!(world.dumps("echo", "calls").len(), 1);
    for other in
        [json!({"agent": "echo", "task": "t"}), json!({"agent": "echo", "task": "t", "context": "c", "goal": "g"})]
    {
        assert!(client.ask("dispatch", other).get("cached").is_none());
    }
    for tool in ["dispatch_session", "dispatch_stream"] {
        assert!(client.ask(tool, request.clone()).get("cached").is_none());
    }
    let stats = client.ask("cache_stats", json!({}));
    assert_eq!((&stats["size"], &stats["hits"], &stats["misses"]), (&json!(3), &json!(2), &json!(3)), "{stats}");
    assert_eq!(client.ask("cache_clear", json!({})), json!({"cleared": 3}));
    assert!(client.ask("dispatch", request).get("cached").is_none());
    client.bye();
    world.no_job_is_left();
}

#[test]
fn what_is_not_a_clean_success_is_never_cached() {
    let scenes = [
        ("failure", "error api 500 broken"),
        ("partial", "result half\\n\\nSTATUS: partial"),
        ("blocked", "result no\\n\\nSTATUS: blocked - no key"),
        ("denied", "deny Bash\nresult without Bash"),
        ("expensive", "cost 2\nresult ok"),
        ("empty", "result"),
        ("cut", "cut-stream half"),
    ];
    let mut world = World::new();
    for (name, scene) in scenes {
        world.agent_with(name, &format!("dump calls\n{scene}"), "max_budget_usd: 1.0");
    }
    let mut client = Client::new(&world);
    for (name, _) in scenes {
        for _ in 0..2 {
            let said = client.ask("dispatch", json!({"agent": name, "task": "t"}));
            assert!(said.get("cached").is_none(), "{name}: {said}");
        }
        assert_eq!(world.dumps(name, "calls").len(), 2, "{name}");
    }
    client.bye();
}

#[test]
fn identical_requests_in_flight_share_one_run() {
    let world = World::with("dump calls\nwait-file go\nresult shared");
    let mut client = Client::new(&world);
    let request = json!({"agent": "echo", "task": "t"});
    let ids: Vec<u64> = (0..5).map(|_| client.call("dispatch", request.clone())).collect();
    // Answered after the five: they are all under way.
    client.ask("cache_stats", json!({}));
    until("the run", || (world.dumps("echo", "calls").len() == 1).then_some(()));
    std::fs::write(world.path("echo").join("go"), "").unwrap();
    let said: Vec<Value> = ids.into_iter().map(|id| client.said(id)).collect();
    assert!(said.iter().all(|said| said["result"] == "shared"), "{said:?}");
    assert_eq!(said.iter().filter(|said| said.get("cached").is_none()).count(), 1, "one paid: {said:?}");
    assert_eq!(world.dumps("echo", "calls").len(), 1);
    client.bye();
    world.no_job_is_left();
}

#[test]
fn a_conversation_goes_on_in_its_session() {
    let world = World::with("quote-previous");
    let mut client = Client::new(&world);
    let first = client.ask("dispatch_session", json!({"agent": "echo", "task": "the first words"}));
    let session = first["session_id"].clone();
    let second = client.ask("dispatch_session", json!({"agent": "echo", "task": "and then", "session_id": session}));
    assert_eq!(second["session_id"], session);
    assert!(second["result"].as_str().unwrap().contains("the first words"), "{second}");
    let unknown = client.ask(
        "dispatch_session",
        json!({"agent": "echo", "task": "t", "session_id": "00000000-0000-4000-8000-000000000000"}),
    );
    assert_eq!((&unknown["success"], &unknown["error_type"]), (&json!(false), &json!("cli_error")), "{unknown}");
    for bad in ["-x", "--resume", "a\nb", &"x".repeat(300)] {
        let said = client.ask("dispatch_session", json!({"agent": "echo", "task": "t", "session_id": bad}));
        assert!(said["error"].as_str().unwrap().contains("session_id"), "{said}");
    }
    client.bye();
}

#[test]
fn two_runs_of_one_session_never_overlap_not_even_over_two_servers() {
    let mut world = World::with("result begun");
    world.settings("max_concurrency: 8");
    let (mut one, mut two) = (Client::new(&world), Client::begin(&world, Wire::Sockets, Era::Stateless));
    let session = one.ask("dispatch_session", json!({"agent": "echo", "task": "begin"}))["session_id"].clone();
    // Each run notes when it begins and when it ends.
    world.scene("echo", "bash echo b >> log\nsleep 30\nbash echo e >> log\nresult ok");
    let request = |n: i32| json!({"agent": "echo", "task": format!("t{n}"), "session_id": session});
    let ids: Vec<(bool, u64)> = (0..6)
        .map(|n| {
            if n % 2 == 0 {
                (true, one.call("dispatch_session", request(n)))
            } else {
                (false, two.call("dispatch_session", request(n)))
            }
        })
        .collect();
    for (first, id) in ids {
        let said = if first { one.said(id) } else { two.said(id) };
        assert_eq!(said["result"], "ok", "{said}");
    }
    let log = std::fs::read_to_string(world.path("echo").join("log")).unwrap();
    assert_eq!(log.replace('\n', ""), "be".repeat(6));
    one.bye();
    two.bye();
}

#[cfg(target_os = "linux")]
#[test]
fn a_supervisor_goes_by_the_name_of_the_program() {
    let world = World::with("touch ready\nwait-file go\nresult ok");
    let mut client = Client::new(&world);
    let id = client.call("dispatch", json!({"agent": "echo", "task": "t"}));
    until("the run", || world.path("echo").join("ready").exists().then_some(()));
    let [supervisor] = world.supervisors()[..] else { panic!("{:?}", world.supervisors()) };
    let name = std::fs::read_to_string(format!("/proc/{supervisor}/comm")).unwrap();
    assert_eq!(name.trim_end(), "agent-dispatch");
    std::fs::write(world.path("echo").join("go"), "").unwrap();
    client.said(id);
    client.bye();
}
