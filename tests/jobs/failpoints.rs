//! Deaths and full disks at named places: before and after each write, lock, spawn and rename of a job's life.
//!
//! Every place is found in the source, and must be passed in one of the lives below. The ordinary run takes each place where
//! it is passed first; `AGENT_DISPATCH_FAULTS=all` takes each passing of each life (some minutes).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{WAITS, ended, go};
use crate::support::client::{Client, Era, Wire};
use crate::support::processes::{alive, signal};
use crate::support::world::World;
use crate::support::{SOON, note, until, within};

/// Rounds at once: each waits more than it works.
const WORKERS: usize = 4;

/// What happens to a job when nobody interferes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Life {
    /// `dispatch_async`, `dispatch_wait`, `dispatch_gc`.
    Detached,
    /// `dispatch`.
    Waited,
    /// `dispatch_async`, `dispatch_cancel`.
    Cancelled,
    /// `dispatch_async`, its supervisor killed, `dispatch_wait`.
    Adopted,
    /// `dispatch`, its supervisor killed.
    TakenOver,
    /// `dispatch`, its server killed with the answer in hand.
    Unreceived,
    /// `dispatch_parallel` as a task, whose part is the one run.
    Call,
}

const LIVES: [Life; 7] =
    [Life::Detached, Life::Waited, Life::Cancelled, Life::Adopted, Life::TakenOver, Life::Unreceived, Life::Call];

impl Life {
    const fn scene(self) -> &'static str {
        match self {
            Self::Detached | Self::Waited | Self::Unreceived | Self::Call => {
                "dump calls\nsay working\nresult the answer"
            }
            Self::Cancelled | Self::Adopted | Self::TakenOver => WAITS,
        }
    }

    /// Whether the run's end is somebody's wish, or its caller's death.
    const fn ends_by_wish(self) -> bool {
        matches!(self, Self::Waited | Self::Cancelled | Self::TakenOver | Self::Unreceived)
    }

    /// Lives it, as far as it gets.
    fn live(self, stage: &Stage, client: &mut Client) -> Option<()> {
        let task = json!({"agent": "echo", "task": "t"});
        match self {
            Self::Detached => {
                let id = stage.submitted(client)?;
                client.try_ask("dispatch_wait", json!({"job_id": id}))?;
                client.try_ask("dispatch_gc", json!({"max_age_days": 1e-9})).map(drop)
            }
            Self::Waited => {
                let said = client.try_ask("dispatch", task)?;
                let fine = said["result"] == "the answer" || said["success"] == false;
                assert!(fine, "{stage:?}: {said}");
                Some(())
            }
            Self::Cancelled => {
                let id = stage.submitted(client)?;
                stage.ready()?;
                client.try_ask("dispatch_cancel", json!({"job_id": id})).map(drop)
            }
            Self::Adopted => {
                let id = stage.submitted(client)?;
                stage.ready()?;
                stage.kill_supervisor();
                client.try_ask("dispatch_status", json!({"job_id": id}))?;
                go(&stage.world);
                client.try_ask("dispatch_wait", json!({"job_id": id})).map(drop)
            }
            Self::TakenOver => {
                let call = client.call("dispatch", task);
                stage.ready()?;
                stage.kill_supervisor();
                go(&stage.world);
                client.wait_within(SOON, |message| message["id"] == call).map(drop)
            }
            Self::Unreceived => {
                client.call("dispatch", task);
                let told = || stage.faults.join("tell.1").exists();
                until("the answer", || (told() || stage.struck()).then_some(()));
                client.signal(Signal::KILL);
                client.ended();
                fs::write(stage.faults.join("tell.go"), "").unwrap();
                told().then_some(())
            }
            Self::Call => {
                let mut client = Client::begin(&stage.world, Wire::Pipes, Era::Tasks);
                let call = json!({"name": "dispatch_parallel", "arguments": {"dispatches": [task]}});
                let answer = client.try_request("tools/call", call)?;
                let Some(task) = answer["result"]["taskId"].as_str() else {
                    assert!(stage.struck(), "{stage:?}: {answer}");
                    return Some(());
                };
                until("the end of the task", || {
                    let Some(answer) = client.try_request("tasks/get", json!({"taskId": task})) else {
                        return Some(None);
                    };
                    (answer["result"]["status"] != "working").then_some(Some(()))
                })
            }
        }
    }
}

/// A world in which something happens at a place.
struct Stage {
    world: World,
    life: Life,
    /// Which place, at which passing, and what.
    fault: Option<(String, u32, &'static str)>,
    faults: PathBuf,
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} with {:?}", self.life, self.fault)
    }
}

impl Stage {
    fn new(life: Life, fault: Option<(String, u32, &'static str)>) -> Self {
        let mut world = World::with(life.scene());
        let faults = world.path("faults");
        fs::create_dir(&faults).unwrap();
        let mut arm = match &fault {
            Some((name, turn, action)) => format!("{name}@{turn}={action}:{}", faults.display()),
            None => format!("*@0=trace:{}", faults.display()),
        };
        if life == Life::Unreceived {
            arm += &format!(",tell@1=pause:{}", faults.display());
        }
        world.env("AGENT_DISPATCH_FAILPOINTS", arm);
        Self { world, life, fault, faults }
    }

    /// Whether the place was passed that often.
    fn struck(&self) -> bool {
        self.fault.as_ref().is_some_and(|(name, turn, _)| self.faults.join(format!("{name}.{turn}")).exists())
    }

    fn submitted(&self, client: &mut Client) -> Option<String> {
        let said = client.try_ask("dispatch_async", json!({"agent": "echo", "task": "t"}))?;
        assert!(said["job_id"].is_string() || self.struck(), "{self:?}: {said}");
        said["job_id"].as_str().map(str::to_owned)
    }

    /// Waits for claude, or for the fault that keeps it from running.
    fn ready(&self) -> Option<()> {
        let ready = || self.world.path("echo").join("ready").exists();
        until("the run", || (ready() || self.struck()).then_some(()));
        ready().then_some(())
    }

    fn kill_supervisor(&self) {
        for pid in self.world.supervisors() {
            signal(pid, Signal::KILL);
            until("a death", || (!alive(pid)).then_some(()));
        }
    }

    /// Another session cancels the job, if there is one yet, while somebody stands still at the place.
    fn cancel_meanwhile(&self) {
        let mut other = Client::new(&self.world);
        let jobs = other.ask("dispatch_jobs", json!({}));
        let whole = jobs.as_array().unwrap().iter().find(|job| job["part_of"].is_null());
        let Some(id) = whole.and_then(|job| job["id"].as_str()) else { return self.go_on() };
        let call = other.call("dispatch_cancel", json!({"job_id": id}));
        // It must be under way when the other one goes on, or the other one may hold what it waits for.
        other.ask("cache_stats", json!({}));
        self.go_on();
        let said = other.said(call);
        let calls = self.world.dumps("echo", "calls").len();
        let record = other.ask("dispatch_status", json!({"job_id": id}));
        // A job goes when its answer was received, or as an old one.
        let gone = |said: &Value| said["error"].as_str().is_some_and(|error| error.contains("not found"));
        let status = record["status"].as_str().filter(|_| !gone(&record));
        match said["outcome"].as_str() {
            Some("cancelled") => {
                assert!(status.is_none_or(|status| status == "cancelled") && calls == 0, "{self:?}: {calls} {record}");
            }
            Some("cancelled_running") => {
                assert!(status.is_none_or(|status| status == "cancelled"), "{self:?}: {record}")
            }
            Some("already_terminal") => assert!(status.is_none_or(|status| status != "running"), "{self:?}: {record}"),
            _ => assert!(gone(&said), "{self:?}: {said}"),
        }
        other.bye();
    }

    fn go_on(&self) {
        let (name, ..) = self.fault.as_ref().unwrap();
        fs::write(self.faults.join(format!("{name}.go")), "").unwrap();
    }

    /// Afterwards, seen from a new session: everything has its end, nothing paid is lost, nothing is left.
    /// `lived` says whether the life was lived to its end, in which it may have removed its job.
    fn all_is_well(&self, lived: bool) {
        let world = &self.world;
        go(world);
        let mut client = Client::new(world);
        client.ask("cache_stats", json!({}));
        let calls = world.dumps("echo", "calls").len();
        assert!(calls <= 1, "{self:?}: {calls} workers for one job");
        let files = world.job_files();
        let ids = files.iter().filter_map(|name| name.strip_suffix(".json")).collect::<Vec<_>>();
        assert!(ids.len() <= if self.life == Life::Call { 2 } else { 1 }, "{self:?}: {ids:?}");
        for id in ids {
            let record = ended(&mut client, id);
            let received = lived && self.life != Life::Unreceived;
            let is_gone = || !super::record_path(world, id).exists();
            if record["status"].is_null() && is_gone() {
                // Received, or so early that there is nothing to keep.
                assert!(received || world.dumps("echo", "calls").is_empty(), "{self:?}: {record}");
                continue;
            }
            self.ended_well(&mut client, id, &record, || received && is_gone());
        }
        let left = || (world.supervisors(), world.workers());
        within(SOON, "all processes to leave", || (left() == (vec![], vec![])).then_some(()));
        self.nothing_is_left(&mut client);
        client.bye();
    }

    /// `was_received`: whether it has been taken away meanwhile, as the answer of a part is when its call has told it.
    fn ended_well(&self, client: &mut Client, id: &str, record: &Value, was_received: impl Fn() -> bool) {
        let calls = self.world.dumps("echo", "calls").len();
        match record["status"].as_str().unwrap_or_else(|| panic!("{self:?}: {record}")) {
            "done" => {
                let fetched = client.ask("fetch_result", json!({"ref": id}));
                let told = if record["delivery"] == "call" { answered(&fetched) } else { fetched["result"].clone() };
                if fetched["error"].is_string() && was_received() {
                    return;
                }
                assert_eq!((&fetched, told), (&record["result"], json!("the answer")), "{self:?}");
                assert_eq!(calls, 1, "{self:?}: an answer of nobody");
            }
            "failed" => {
                assert!(record["error"].as_str().is_some_and(|error| !error.is_empty()), "{self:?}: {record}");
                assert!(calls == 0 || self.may_be_cut_short(), "{self:?}: an answer was lost: {record}");
            }
            "cancelled" => assert!(self.may_be_cut_short(), "{self:?}: {record}"),
            other => panic!("{self:?}: {other}"),
        }
    }

    fn may_be_cut_short(&self) -> bool {
        self.life.ends_by_wish() || self.fault.as_ref().is_some_and(|(.., action)| *action == "pause")
    }

    /// What a killed process left behind is removed when it is old enough.
    fn nothing_is_left(&self, client: &mut Client) {
        let jobs = self.world.jobs();
        for entry in fs::read_dir(&jobs).into_iter().flatten().flatten() {
            age(&entry.path());
        }
        age_all(&jobs.join(".slots"));
        client.ask("dispatch_gc", json!({"max_age_days": 3_650}));
        let names = self.world.job_files();
        let records = names.iter().filter(|name| name.ends_with(".json")).cloned().collect::<BTreeSet<_>>();
        for name in names {
            let has_record = records.contains(&format!("{name}.json"));
            assert!(records.contains(&name) || has_record, "{self:?} left {name} behind");
        }
        let sessions = fs::read_dir(jobs.join(".sessions")).into_iter().flatten().count();
        assert_eq!(sessions, 0, "{self:?}: locks of sessions");
        let slots = fs::read_dir(jobs.join(".slots")).into_iter().flatten().flatten();
        let temporary = slots.filter(|entry| entry.file_name().to_string_lossy().starts_with(".tmp")).count();
        assert_eq!(temporary, 0, "{self:?}: temporary files");
    }
}

/// What the first part of a call answered.
fn answered(fetched: &Value) -> Value {
    let told: Value = serde_json::from_str(fetched["result"].as_str().unwrap()).unwrap();
    told[0]["result"].clone()
}

fn age(path: &Path) {
    let old = SystemTime::now() - Duration::from_secs(7_200);
    File::open(path).unwrap().set_modified(old).unwrap();
}

fn age_all(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_file() {
            age(&entry.path());
        }
    }
}

/// The names in the source, and whether the operation there can fail.
fn places() -> BTreeMap<String, bool> {
    let mut found = BTreeMap::new();
    let mut folders = vec![PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for (call, fails) in [("failpoint::check(\"", true), ("failpoint::reach(\"", false)] {
                for rest in text.split(call).skip(1) {
                    let twice = found.insert(rest.split('"').next().unwrap().to_owned(), fails);
                    assert_eq!(twice, None, "one name for two places: {}", path.display());
                }
            }
        }
    }
    found
}

/// What is passed in each life when nothing happens, and how often.
fn passed() -> Vec<(Life, BTreeMap<String, u32>)> {
    let trace = |life: Life| {
        let stage = Stage::new(life, None);
        let mut client = Client::new(&stage.world);
        assert_eq!(life.live(&stage, &mut client), Some(()), "{stage:?}");
        drop(client);
        stage.all_is_well(true);
        let mut counts = BTreeMap::new();
        for name in fs::read_to_string(stage.faults.join("trace")).unwrap().lines() {
            *counts.entry(name.to_owned()).or_insert(0) += 1;
        }
        (life, counts)
    };
    LIVES.into_iter().map(trace).collect()
}

fn everywhere(action: &'static str, wanted: impl Fn(bool) -> bool) {
    rounds(action, wanted, |stage| {
        let mut client = Client::new(&stage.world);
        let lived = stage.life.live(stage, &mut client);
        drop(client);
        stage.all_is_well(lived.is_some());
    });
}

/// Each place in a world of its own.
fn rounds(action: &'static str, wanted: impl Fn(bool) -> bool, play: impl Fn(&Stage) + Sync) {
    let places = places();
    let all = std::env::var("AGENT_DISPATCH_FAULTS").is_ok_and(|which| which == "all");
    let mut never = places.keys().cloned().collect::<BTreeSet<_>>();
    let mut rounds = Vec::new();
    for (life, counts) in passed() {
        for (name, count) in counts {
            let first = never.remove(&name);
            let turns = if all { 1..=count } else { 1..=u32::from(first) };
            rounds.extend(turns.filter(|_| wanted(places[&name])).map(|turn| (life, (name.clone(), turn, action))));
        }
    }
    // Where two names cannot trade files there is no such place.
    let there = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other"].map(|name| there.path().join(name));
    for path in [&one, &other] {
        fs::write(path, "").unwrap();
    }
    let unreachable = (!agent_dispatch::os::file::exchange(&one, &other)).then(|| "replace_exchanged".to_owned());
    assert_eq!(never, unreachable.into_iter().collect(), "in no life");
    note(&format!("{} places, {} rounds of {action}", places.len(), rounds.len()));
    let (count, missed) = (rounds.len(), AtomicUsize::new(0));
    let rounds = Mutex::new(rounds);
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let Some((life, fault)) = rounds.lock().unwrap().pop() else { return };
                    let stage = Stage::new(life, Some(fault));
                    play(&stage);
                    if !stage.struck() {
                        note(&format!("{stage:?}: not passed"));
                        missed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    // A passing may not come about where processes share the work in another order than when they were traced.
    let missed = missed.into_inner();
    assert!(missed * 10 <= count, "{missed} of {count} places were not passed");
}

#[test]
fn whoever_dies_at_a_named_place_costs_no_answer_and_leaves_nothing() {
    everywhere("kill", |_| true);
}

#[test]
fn a_full_disk_at_a_named_place_costs_no_answer_and_leaves_nothing() {
    everywhere("error", |fails| fails);
}

#[test]
fn who_cancels_while_somebody_stands_at_a_named_place_is_obeyed() {
    rounds(
        "pause",
        |_| true,
        |stage| {
            let mut client = Client::new(&stage.world);
            let lived = std::thread::scope(|scope| {
                let life = scope.spawn(|| stage.life.live(stage, &mut client));
                until("the place", || (stage.struck() || life.is_finished()).then_some(()));
                stage.cancel_meanwhile();
                life.join().unwrap()
            });
            drop(client);
            stage.all_is_well(lived.is_some());
        },
    );
}
