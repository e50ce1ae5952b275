//! Answers by reference.

use serde_json::{Value, json};

use super::{keys, record_path};
use crate::support::client::Client;
use crate::support::world::World;

fn by_reference(client: &mut Client, agent: &str, more: Value) -> Value {
    let mut arguments = json!({"agent": agent, "task": "t", "return_ref": true});
    for (key, value) in more.as_object().unwrap() {
        arguments[key] = value.clone();
    }
    client.ask("dispatch", arguments)
}

fn fetched(client: &mut Client, said: &Value) -> Value {
    client.ask("fetch_result", json!({"ref": said["ref"]}))
}

#[test]
fn a_success_is_stored_and_told_in_short_also_when_it_comes_from_the_cache() {
    let world = World::with("dump calls\nresult-bytes 3000");
    let mut client = Client::new(&world);
    let first = by_reference(&mut client, "echo", json!({}));
    assert_eq!(keys(&first)[..6], ["ref", "agent", "success", "size", "summary_chars", "summary"]);
    assert_eq!((&first["size"], &first["summary_chars"]), (&json!(3000), &json!(500)), "{first}");
    assert_eq!(first["summary"].as_str().unwrap().chars().count(), 500);
    assert_eq!((first.get("result"), first.get("cached")), (None, None));
    let whole = fetched(&mut client, &first);
    assert_eq!(whole["result"].as_str().unwrap().len(), 3000);
    assert!(whole["result"].as_str().unwrap().starts_with(first["summary"].as_str().unwrap()));
    let again = by_reference(&mut client, "echo", json!({"summary_chars": 3}));
    assert_eq!((&again["cached"], &again["summary_chars"]), (&json!(true), &json!(3)), "{again}");
    assert_ne!(again["ref"], first["ref"]);
    assert_eq!(fetched(&mut client, &again)["result"], whole["result"]);
    assert_eq!(world.dumps("echo", "calls").len(), 1, "paid once");
    // The record of a job that nobody ran is one like any other.
    let record = client.ask("dispatch_wait", json!({"job_id": again["ref"], "timeout_seconds": 1}));
    assert_eq!((&record["status"], &record["task"]), (&json!("done"), &json!("t")), "{record}");
    client.bye();
    let mut client = Client::new(&world);
    assert_eq!(fetched(&mut client, &first), whole, "another server reads it");
    let cancelled = client.ask("dispatch_cancel", json!({"job_id": again["ref"]}));
    assert_eq!((&cancelled["outcome"], &cancelled["status"]), (&json!("already_terminal"), &json!("done")));
    client.bye();
}

#[test]
fn a_failure_is_stored_and_told_too() {
    let mut world = World::with("error credit");
    world.entry("gone", &world.path("nowhere"), "");
    let mut client = Client::new(&world);
    for agent in ["echo", "gone"] {
        let said = by_reference(&mut client, agent, json!({}));
        assert_eq!(said["success"], false, "{said}");
        for key in ["ref", "size", "summary", "error", "error_type"] {
            assert!(said.get(key).is_some(), "{agent} {key}: {said}");
        }
        let stored = fetched(&mut client, &said);
        assert_eq!((&stored["success"], &stored["error"]), (&json!(false), &said["error"]));
        let reference = said["ref"].as_str().unwrap();
        let record = client.ask("dispatch_status", json!({"job_id": reference}));
        assert_eq!((&record["status"], &record["error"]), (&json!("failed"), &said["error"]));
        assert!(record_path(&world, reference).exists());
    }
    client.bye();
}

#[test]
fn summaries_count_characters_within_bounds() {
    let world = World::with("result \u{e9}\u{1F600}abc");
    let mut client = Client::new(&world);
    for (given, kept, summary) in [
        (json!(-3), 0, ""),
        (json!(0), 0, ""),
        (json!(2), 2, "\u{e9}\u{1F600}"),
        (json!("3"), 3, "\u{e9}\u{1F600}a"),
        (json!(100_000), 5, "\u{e9}\u{1F600}abc"),
        (json!(100_001), 5, "\u{e9}\u{1F600}abc"),
        (json!(9_000_000_000_000_u64), 5, "\u{e9}\u{1F600}abc"),
        (Value::Null, 5, "\u{e9}\u{1F600}abc"),
    ] {
        let said = by_reference(&mut client, "echo", json!({"summary_chars": given}));
        assert_eq!((&said["summary_chars"], &said["summary"]), (&json!(kept), &json!(summary)), "{given}");
        assert_eq!(said["size"], 5, "characters, not bytes");
    }
    client.bye();
}

#[test]
fn a_value_is_told_beside_its_reference() {
    let world = World::with("result {\"a\": [1, 2]}");
    let mut client = Client::new(&world);
    for _ in 0..2 {
        let said = by_reference(&mut client, "echo", json!({"response_format": "json"}));
        assert_eq!(said["parsed_result"], json!({"a": [1, 2]}), "{said}");
        assert_eq!(fetched(&mut client, &said)["parsed_result"], said["parsed_result"]);
    }
    client.bye();
}
