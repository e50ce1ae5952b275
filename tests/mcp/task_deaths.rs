//! Calls of several requests as tasks: they go on whoever dies, pay for each part once, and end with all of their parts.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::task_calls::{conductor, item, kill_conductor, paid};
use super::tasks::{ask, begin, client, completed, ended, get, go};
use crate::support::client::said;
use crate::support::processes::{alive, signal};
use crate::support::world::World;
use crate::support::{note, until};

//= F-4
//= F-6
#[test]
fn whoever_is_killed_no_item_is_paid_for_twice() {
    for (server, conductor) in [(true, false), (false, true), (true, true)] {
        let mut world = World::with("dump calls\ntouch began\nwait-file go\nresult {prompt}");
        world.agent("sum", "dump calls\nresult {prompt}");
        world.settings("max_concurrency: 2");
        let mut client = client(&world);
        // More than are begun at once; the last two are alike.
        let mut items: Vec<Value> = (0..7).map(|n| item("echo", &format!("task {n}"))).collect();
        items.push(item("echo", "task 6"));
        let task = begin(&mut client, "dispatch_parallel", json!({"dispatches": items, "aggregate": "sum"}));
        until("the first run", || world.path("echo").join("began").exists().then_some(()));
        if conductor {
            kill_conductor(&world, &task);
        }
        if server {
            client.signal(Signal::KILL);
            client.ended();
        }
        go(&world, "echo");
        let mut next = self::client(&world);
        let answer = completed(&ended(&mut next, &task));
        let results: Vec<&Value> =
            answer["individual_results"].as_array().unwrap().iter().map(|answer| &answer["result"]).collect();
        let expected: Vec<String> = (0..7).chain([6]).map(|n| format!("task {n}")).collect();
        assert_eq!(results, expected.iter().map(|text| json!(text)).collect::<Vec<_>>().iter().collect::<Vec<_>>());
        assert_eq!(paid(&world, "echo").values().copied().collect::<Vec<_>>(), vec![1; 7]);
        assert_eq!(world.dumps("sum", "calls").len(), 1);
        // Whoever is killed while it writes leaves a temporary file.
        let jobs = || world.job_files().into_iter().filter(|name| !name.starts_with('.')).count();
        until("its parts to be removed", || (jobs() == 2).then_some(()));
        next.bye();
    }
}

#[test]
fn a_dialogue_goes_on_where_it_was() {
    for rounds in 1..=2 {
        let mut world = World::new();
        for agent in ["left", "right"] {
            let turn =
                |call: u32| format!("on-call {call}\ntouch began-{call}\nwait-file go-{call}\nresult {{cwd}} {call}\n");
            world.agent(agent, &format!("dump calls\n{}{}", turn(1), turn(2)));
        }
        let mut client = client(&world);
        let talk = json!({"requester": "right", "responder": "left", "topic": "t", "max_rounds": 2});
        let task = begin(&mut client, "dispatch_dialogue", talk);
        client.signal(Signal::KILL);
        client.ended();
        let mut next = self::client(&world);
        for round in 1..=2 {
            for agent in ["left", "right"] {
                let file = |name: &str| world.path(agent).join(format!("{name}-{round}"));
                // Whoever asks has a dead one replaced.
                until("its turn", || {
                    get(&mut next, &task);
                    file("began").exists().then_some(())
                });
                let says = format!("round {round} · {agent}: ");
                until("its status", || {
                    get(&mut next, &task)["statusMessage"].as_str().unwrap().starts_with(&says).then_some(())
                });
                if round == rounds {
                    kill_conductor(&world, &task);
                }
                fs::write(file("go"), "").unwrap();
            }
        }
        let said = completed(&ended(&mut next, &task));
        let messages: Vec<&str> =
            said["conversation"].as_array().unwrap().iter().map(|said| said["message"].as_str().unwrap()).collect();
        let expected: Vec<String> = [("left", 1), ("right", 1), ("left", 2), ("right", 2)]
            .map(|(agent, call)| format!("{} {call}", world.path(agent).display()))
            .into();
        assert_eq!(messages, expected);
        for agent in ["left", "right"] {
            let calls = world.dumps(agent, "calls");
            assert_eq!(calls.len(), 2, "each message is paid for once");
            assert_eq!(calls[0]["argv"].to_string().matches("--resume").count(), 0);
            assert_eq!(calls[1]["argv"].to_string().matches("--resume").count(), 1, "in its session");
        }
        next.bye();
    }
}

//= F-5
#[test]
fn cancelling_ends_all_parts_and_begins_no_more() {
    for killed in [false, true] {
        let mut world = World::with("dump calls\nspawn-setsid ignore-term\ntouch began\nsilence");
        world.settings("max_concurrency: 2");
        let mut client = client(&world);
        let items: Vec<Value> = (0..6).map(|n| item("echo", &format!("task {n}"))).collect();
        let task = begin(&mut client, "dispatch_parallel", json!({"dispatches": items, "aggregate": "echo"}));
        until("two runs", || (world.dumps("echo", "calls").len() == 2 && world.workers().len() >= 4).then_some(()));
        let workers = world.workers();
        if killed {
            kill_conductor(&world, &task);
        }
        for _ in 0..2 {
            let answer = ask(&mut client, "tasks/cancel", &task);
            assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
            assert!(workers.iter().all(|pid| !alive(*pid)), "nothing is left of it");
            let cancelled = get(&mut client, &task);
            assert_eq!(cancelled["status"], "cancelled", "{cancelled}");
        }
        assert!(world.workers().is_empty());
        assert_eq!(world.dumps("echo", "calls").len(), 2, "no more were begun");
        for record in world.records() {
            assert_eq!((&record["status"], &record["phase"]), (&json!("cancelled"), &Value::Null), "{record}");
        }
        let lines = world.usage();
        assert_eq!(lines.len(), 2, "{lines:?}");
        client.bye();
    }
}

#[test]
fn whoever_dies_while_it_cancels_the_rest_is_ended() {
    let mut world = World::with("dump calls\nspawn-setsid ignore-term\non-term ignore\ntouch began\nsilence");
    world.settings("max_concurrency: 2");
    let mut client = client(&world);
    let items: Vec<Value> = (0..6).map(|n| item("echo", &format!("task {n}"))).collect();
    let task = begin(&mut client, "dispatch_parallel", json!({"dispatches": items}));
    until("a run", || world.path("echo").join("began").exists().then_some(()));
    client.request("tasks/cancel", json!({"taskId": task}));
    until("the mark", || {
        world.records().iter().any(|record| record["id"] == *task && record["status"] == "cancelled").then_some(())
    });
    client.signal(Signal::KILL);
    client.ended();
    let mut next = self::client(&world);
    until("its end", || {
        assert_eq!(get(&mut next, &task)["status"], "cancelled");
        let settled = |record: &Value| record["status"] == "cancelled" && record["phase"].is_null();
        (world.workers().is_empty() && world.records().iter().all(settled)).then_some(())
    });
    assert!(world.dumps("echo", "calls").len() <= 2);
    next.bye();
}

#[test]
fn the_answer_of_a_part_stays_as_long_as_its_call_may_need_it() {
    let mut world = World::with("dump calls\nresult quick");
    world.agent("slow", "wait-file go\nresult slow");
    let mut client = client(&world);
    let arguments = json!({"dispatches": [item("echo", "t"), item("slow", "t")]});
    let task = begin(&mut client, "dispatch_parallel", arguments);
    until("an answer", || (get(&mut client, &task)["statusMessage"].as_str()?.starts_with("1/2 done")).then_some(()));
    assert_eq!(client.ask("dispatch_gc", json!({"max_age_days": 1e-9}))["purged"], 0);
    // A server that has just begun replaces whoever is dead.
    client.signal(Signal::KILL);
    client.ended();
    kill_conductor(&world, &task);
    let removed = world.once(&["gc", "--all", "--json"]).output().unwrap();
    let removed: Value = serde_json::from_slice(&removed.stdout).unwrap();
    assert_eq!(removed["purged"], 0, "{removed}");
    // Whoever removes it all the same is not made to pay again.
    let is_part = |record: &Value| record["part_of"] == *task && record["agent"] == "echo";
    let part = world.records().into_iter().find(is_part).unwrap()["id"].as_str().unwrap().to_owned();
    fs::remove_file(world.jobs().join(format!("{part}.json"))).unwrap();
    go(&world, "slow");
    let mut client = self::client(&world);
    let answer = completed(&ended(&mut client, &task));
    assert_eq!((&answer[0]["success"], &answer[1]["result"]), (&json!(false), &json!("slow")), "{answer}");
    assert!(answer[0]["error"].as_str().unwrap().contains(&part), "{answer}");
    assert_eq!(world.dumps("echo", "calls").len(), 1);
    let failed = get(&mut client, &task);
    assert!(failed["statusMessage"].as_str().unwrap().starts_with("1 of 2 failed: #1 echo (cli_error)"), "{failed}");
    assert_eq!(client.ask("dispatch_gc", json!({"max_age_days": 1e-9}))["purged"], 1);
    client.bye();
}

#[test]
fn a_broken_ledger_ends_the_call_and_says_where_its_answers_are() {
    let world = World::with("wait-file go\nresult ok");
    for (file, broken) in [("parts", "{\"part\": 0, \"state\": \"dancing\"}\n"), ("plan.json", "[]")] {
        let mut client = client(&world);
        let items: Vec<Value> = (0..2).map(|n| item("echo", &format!("{file} {n}"))).collect();
        let task = begin(&mut client, "dispatch_parallel", json!({"dispatches": items}));
        until("its parts", || {
            (world.records().iter().filter(|record| record["part_of"] == *task).count() == 2).then_some(())
        });
        // Its server would start another one in between, which reads what is whole yet.
        client.signal(Signal::STOP);
        kill_conductor(&world, &task);
        let path = world.jobs().join(&task).join(file);
        fs::write(&path, broken).unwrap();
        client.signal(Signal::CONT);
        let ended = ended(&mut client, &task);
        assert_eq!(ended["result"]["isError"], true, "{ended}");
        let error = said(&ended)["error"].as_str().unwrap().to_owned();
        assert!(error.contains(file) && error.contains("part_of"), "{error}");
        go(&world, "echo");
        // One whose claude is not there yet would wait for a file that is gone.
        let is_over = |record: &Value| record["part_of"] != *task || record["completed_at"].is_number();
        until("its parts to end", || world.records().iter().all(is_over).then_some(()));
        fs::remove_file(world.path("echo").join("go")).unwrap();
        client.bye();
    }
}

/// Small, fast, the same everywhere (xorshift64*).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
    }
}

/// `AGENT_DISPATCH_KILL_ROUNDS=200 AGENT_DISPATCH_KILL_SEED=7` plays more rounds, and one again.
//= F-4
//= F-6
#[test]
fn deaths_at_random_moments_cost_nothing() {
    let number =
        |variable: &str, otherwise: u64| std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap());
    let first = number("AGENT_DISPATCH_KILL_SEED", std::time::UNIX_EPOCH.elapsed().unwrap().as_secs());
    for seed in first..first + number("AGENT_DISPATCH_KILL_ROUNDS", 4) {
        note(&format!("seed {seed}"));
        kill_round(&mut Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1));
    }
}

fn kill_round(dice: &mut Dice) {
    let mut world = World::with("dump calls\nsleep 20\nresult {prompt}");
    world.agent("sum", "dump calls\nresult all");
    world.settings("max_concurrency: 2");
    let mut client = client(&world);
    let items: Vec<Value> = (0..6).map(|n| item("echo", &format!("task {n}"))).collect();
    let task = begin(&mut client, "dispatch_parallel", json!({"dispatches": items, "aggregate": "sum"}));
    for _ in 0..3 {
        std::thread::sleep(std::time::Duration::from_millis(dice.below(60)));
        match dice.below(3) {
            0 => {
                client.signal(Signal::KILL);
                client.ended();
                client = self::client(&world);
            }
            _ => conductor(&world, &task).into_iter().for_each(|pid| signal(pid, Signal::KILL)),
        }
        get(&mut client, &task);
    }
    let answer = completed(&ended(&mut client, &task));
    for (n, item) in answer["individual_results"].as_array().unwrap().iter().enumerate() {
        assert_eq!(item["result"], format!("task {n}"), "{answer}");
    }
    assert_eq!(answer["aggregated"]["result"], "all", "{answer}");
    assert_eq!(paid(&world, "echo").values().copied().collect::<Vec<_>>(), vec![1; 6]);
    assert_eq!(world.dumps("sum", "calls").len(), 1);
    assert_eq!(world.usage().len(), 7, "a line for each run");
    client.bye();
}
