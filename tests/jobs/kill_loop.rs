//! Deaths at random moments. A round is a world with a few jobs of which somebody kills something.
//!
//! `AGENT_DISPATCH_KILL_ROUNDS=200 AGENT_DISPATCH_KILL_SEED=7 cargo test --test suite jobs::kill_loop -- --nocapture`

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use super::{ended, status};
use crate::support::client::Client;
use crate::support::processes::signal;
use crate::support::world::World;
use crate::support::{note, within};

/// Rounds of the ordinary run.
const ROUNDS: u64 = 6;
/// A round's latest moment for a death, in milliseconds after the first submission. The jobs live about so long.
const LATEST_MS: u64 = 160;
const JOBS: u64 = 3;

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

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().map_or(otherwise, |text| text.parse().unwrap())
}

//= U-1
#[test]
fn whoever_dies_when_every_job_comes_to_its_end() {
    let rounds = number("AGENT_DISPATCH_KILL_ROUNDS", ROUNDS);
    let clock = SystemSeed::now();
    let first = number("AGENT_DISPATCH_KILL_SEED", clock);
    let mut tally = BTreeMap::new();
    for seed in first..first + rounds {
        note(&format!("seed {seed}"));
        for (what, count) in round(seed) {
            *tally.entry(what).or_insert(0_u32) += count;
        }
    }
    note(&format!("{rounds} rounds: {tally:?}"));
}

/// A seed for a run that named none; it is printed, so that the run can be played again.
struct SystemSeed;

impl SystemSeed {
    fn now() -> u64 {
        std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()
    }
}

/// What was killed and how the jobs ended.
fn round(seed: u64) -> BTreeMap<String, u32> {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut world = World::new();
    for job in 0..JOBS {
        let scene = format!(
            "dump calls\nsay one\nsleep {}\nsay two\nsleep {}\nresult-bytes {}\nsleep {}",
            dice.below(50),
            dice.below(60),
            1 + dice.below(200_000),
            dice.below(40)
        );
        world.agent(&format!("a{job}"), &scene);
    }
    let mut client = Client::new(&world);
    let start = Instant::now();
    let ids: Vec<String> = (0..JOBS).map(|job| super::submit(&mut client, &format!("a{job}"))).collect();
    let mut tally = BTreeMap::new();
    let mut claudes_killed = false;
    let mut server_killed = false;
    for _ in 0..=dice.below(3) {
        let moment = Duration::from_millis(dice.below(LATEST_MS));
        std::thread::sleep(moment.saturating_sub(start.elapsed()));
        // One of the three, two or all, and of each kind one or all, in any order.
        let kinds = 1 + dice.below(7);
        let mut victims = Vec::new();
        for (bit, name) in ["server", "supervisor", "claude"].into_iter().enumerate() {
            let found = match name {
                _ if kinds >> bit & 1 == 0 => vec![],
                "server" => vec![client.pid()],
                "supervisor" => world.supervisors(),
                _ => world.workers(),
            };
            let only = (dice.below(2) == 0 && !found.is_empty()).then(|| dice.below(found.len() as u64));
            let chosen = found.into_iter().zip(0..).filter(|(_, at)| only.is_none_or(|only| only == *at));
            victims.extend(chosen.map(|(pid, _)| (pid, name)));
        }
        victims.sort_by_cached_key(|_| dice.below(1 << 20));
        for (victim, name) in victims {
            // A supervisor's child looks like one until it has become claude, which may have come to pass since the look.
            // Stopped, it stays what it is.
            signal(victim, Signal::STOP);
            claudes_killed |= name == "claude" || world.workers().contains(&victim);
            server_killed |= victim == client.pid();
            signal(victim, Signal::KILL);
            *tally.entry(format!("killed {name}")).or_insert(0) += 1;
        }
        // A reader in the middle of it, now and then.
        if !server_killed && dice.below(2) == 0 {
            status(&mut client, &ids[0]);
        }
    }
    drop(client);
    let mut client = Client::new(&world);
    for (job, id) in ids.iter().enumerate() {
        let record = ended(&mut client, id);
        let calls = world.dumps(&format!("a{job}"), "calls");
        assert!(calls.len() <= 1, "seed {seed}: {} workers for one job: {record}", calls.len());
        assert_eq!(lines(&world, id), 1, "seed {seed}: lines in the usage journal: {record}");
        let outcome = record["status"].as_str().unwrap();
        *tally.entry(outcome.to_owned()).or_insert(0) += 1;
        match outcome {
            "done" => {
                let fetched = client.ask("fetch_result", json!({"ref": id}));
                assert_eq!(fetched, record["result"], "seed {seed}");
                assert_eq!(fetched["result"].as_str().map(str::len), Some(length(&world, job)), "seed {seed}");
            }
            "failed" => {
                // A claude that was killed in its first moments had no session.
                let call = if record["session_id"].is_string() { "dispatch_session(" } else { "dispatch(" };
                let way_on = record["error"].as_str().is_some_and(|error| error.contains(call));
                assert!(way_on, "seed {seed}: {record}");
                assert!(claudes_killed || calls.is_empty(), "seed {seed}: an answer was lost: {record}");
            }
            other => panic!("seed {seed}: {other}: {record}"),
        }
    }
    let listed = client.ask("dispatch_jobs", json!({}));
    assert!(listed.as_array().unwrap().iter().all(|job| job["completed_at"].is_f64()), "seed {seed}: {listed}");
    within(Duration::from_secs(20), "the last supervisor to leave", || world.supervisors().is_empty().then_some(()));
    // One that was killed after it had written the end leaves a file, which the next removal of old jobs takes away.
    client.ask("dispatch_gc", json!({}));
    let left = std::fs::read_dir(world.jobs().join(".sessions")).into_iter().flatten().count();
    assert_eq!(left, 0, "seed {seed}: locks of sessions");
    client.bye();
    within(Duration::from_secs(20), "the last process to leave", || world.processes().is_empty().then_some(()));
    tally
}

/// How many lines the usage journal has for a job.
fn lines(world: &World, id: &str) -> usize {
    world.usage().iter().filter(|line| line["job"] == id).count()
}

/// How long the agent's answer is, by its scene.
fn length(world: &World, job: usize) -> usize {
    let scene = std::fs::read_to_string(world.path(&format!("a{job}")).join(".fake-claude")).unwrap();
    scene.lines().find_map(|line| line.strip_prefix("result-bytes ")).unwrap().parse().unwrap()
}
