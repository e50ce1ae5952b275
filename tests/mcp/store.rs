//! The job store under hostile conditions, seen by a caller.

use std::fs;
use std::path::Path;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::json;

use crate::support::client::{Client, Wire};
use crate::support::disk::Disk;
use crate::support::processes::{alive, signal};
use crate::support::world::World;
use crate::support::{SOON, note, until};

/// A run that waits for the file `go` and then answers.
const WAITS: &str = "say working\ntouch ready\nwait-file go\nresult the answer";

fn go(world: &World) {
    fs::write(world.path("echo").join("go"), "").unwrap();
}

fn begun(world: &World) -> (Client, u64) {
    let mut client = Client::new(world);
    let id = client.call("dispatch", json!({"agent": "echo", "task": "t"}));
    until("the run", || world.path("echo").join("ready").exists().then_some(()));
    (client, id)
}

fn only_record(world: &World) -> std::path::PathBuf {
    let name = world.job_files().into_iter().find(|name| name.ends_with(".json")).unwrap();
    world.jobs().join(name)
}

#[test]
fn files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::with(WAITS);
    let (mut client, id) = begun(&world);
    let mut looked_at = 0;
    let mut look = |path: &Path| {
        let mode = fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
        looked_at += 1;
    };
    look(&world.jobs());
    for entry in fs::read_dir(world.jobs()).unwrap().flatten() {
        look(&entry.path());
        fs::read_dir(entry.path()).into_iter().flatten().flatten().for_each(|entry| look(&entry.path()));
    }
    assert!(looked_at >= 9, "{looked_at}");
    go(&world);
    client.said(id);
    client.bye();
}

#[test]
fn a_record_that_somebody_breaks_costs_no_answer() {
    for broken in [&b""[..], b"{", b"null", b"{\"id\":7}", b"\xff\xfe", b"{\"id\":\"0123456789abcdef0123456789abcdef\",\"agent\":\"a\",\"task\":\"t\",\"status\":\"running\",\"created_at\":1}"] {
        let world = World::with(WAITS);
        let (mut client, id) = begun(&world);
        let record = only_record(&world);
        fs::write(&record, broken).unwrap();
        go(&world);
        let said = client.said(id);
        assert_eq!((&said["success"], &said["result"]), (&json!(true), &json!("the answer")), "{}: {said}", broken.escape_ascii());
        client.bye();
        assert_eq!(fs::read(record).unwrap(), broken, "what is no record of ours is left alone");
    }
}

#[test]
fn a_record_that_is_taken_away_costs_no_answer() {
    let world = World::with(WAITS);
    let (mut client, id) = begun(&world);
    fs::remove_file(only_record(&world)).unwrap();
    go(&world);
    assert_eq!(client.said(id)["result"], "the answer");
    client.bye();
    // And the whole directory.
    let world = World::with(WAITS);
    let (mut client, id) = begun(&world);
    fs::rename(world.jobs(), world.path("elsewhere")).unwrap();
    go(&world);
    let said = client.said(id);
    assert_eq!(said["result"], "the answer", "{said}");
    client.bye();
}

#[test]
fn a_jobs_directory_that_is_none_is_an_answer() {
    let mut world = World::with("dump calls\nresult ok");
    fs::write(world.path("jobs"), "a file").unwrap();
    let mut client = Client::new(&world);
    let said = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    assert_eq!((&said["success"], &said["error_type"]), (&json!(false), &json!("cli_error")), "{said}");
    assert!(said["error"].as_str().unwrap().contains("jobs"), "{said}");
    client.bye();
    assert!(world.dumps("echo", "calls").is_empty(), "nothing runs unseen");
    world.env("AGENT_DISPATCH_JOBS_DIR", "/proc/nowhere");
    let mut client = Client::new(&world);
    assert_eq!(client.ask("dispatch", json!({"agent": "echo", "task": "t"}))["error_type"], "cli_error");
    client.bye();
}

/// Without root the same is tried with a directory that may not be written.
fn without_disk(world: &mut World) {
    use std::os::unix::fs::PermissionsExt;
    assert!(!rustix::process::geteuid().is_root(), "root without the right to mount: the test cannot be run here");
    fs::create_dir_all(world.path("closed")).unwrap();
    fs::set_permissions(world.path("closed"), fs::Permissions::from_mode(0o500)).unwrap();
    world.env("AGENT_DISPATCH_JOBS_DIR", world.path("closed"));
}

#[test]
fn a_read_only_jobs_directory_is_an_answer_and_nothing_runs() {
    let mut world = World::with("dump calls\nresult ok");
    let path = world.path("readonly");
    let disk = Disk::new(&path, "ro,size=64k");
    match disk {
        Some(_) => world.env("AGENT_DISPATCH_JOBS_DIR", &path),
        None => without_disk(&mut world),
    }
    let mut client = Client::new(&world);
    let said = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    assert_eq!((&said["success"], &said["error_type"]), (&json!(false), &json!("cli_error")), "{said}");
    assert!(
        said["error"].as_str().unwrap().contains("AGENT_DISPATCH_JOBS_DIR names this place: set it to a directory"),
        "{said}"
    );
    client.bye();
    assert!(world.dumps("echo", "calls").is_empty());
    drop(disk);
}

#[test]
fn a_disk_that_is_full_from_the_start_is_an_answer_and_nothing_runs() {
    let mut world = World::with("dump calls\nresult ok");
    let path = world.path("full");
    let disk = Disk::new(&path, "size=64k");
    match disk {
        Some(_) => {
            world.env("AGENT_DISPATCH_JOBS_DIR", &path);
            // As much as there is room for.
            drop(fs::write(path.join("filler"), vec![0; 65_536]));
        }
        None => without_disk(&mut world),
    }
    let mut client = Client::new(&world);
    let said = client.ask("dispatch", json!({"agent": "echo", "task": "t"}));
    assert_eq!((&said["success"], &said["error_type"]), (&json!(false), &json!("cli_error")), "{said}");
    client.bye();
    assert!(world.dumps("echo", "calls").is_empty());
    assert!(world.job_files().iter().all(|name| name == "filler"), "{:?}", world.job_files());
    drop(disk);
}

#[test]
fn a_disk_that_fills_up_under_a_run_costs_no_answer() {
    let mut world = World::with(WAITS);
    let path = world.path("filling");
    let Some(disk) = Disk::new(&path, "size=256k") else {
        assert!(!rustix::process::geteuid().is_root(), "root without the right to mount");
        note("SKIPPED: a full disk under a run needs the right to mount");
        return;
    };
    world.env("AGENT_DISPATCH_JOBS_DIR", &path);
    let (mut client, id) = begun(&world);
    drop(fs::write(path.join("filler"), vec![0; 262_144]));
    go(&world);
    let said = client.said(id);
    assert_eq!((&said["success"], &said["result"]), (&json!(true), &json!("the answer")), "{said}");
    // Room again, and received is received.
    fs::remove_file(path.join("filler")).unwrap();
    world.no_job_is_left();
    client.bye();
    // The leak check must see the directory as it was.
    until("the supervisor to leave", || world.supervisors().is_empty().then_some(()));
    drop(disk);
}

#[test]
fn an_answer_that_nobody_received_stays() {
    for wire in [Wire::Pipes, Wire::Sockets] {
        let world = World::with(&WAITS.replace("result the answer", "result-bytes 2000000"));
        let mut client = Client::silent(world.serve(), wire);
        client.initialize_unread();
        client.call("dispatch", json!({"agent": "echo", "task": "t"}));
        until("the run", || world.path("echo").join("ready").exists().then_some(()));
        client.close_output();
        go(&world);
        let record = world.record_when("the record", |record| record["status"] == "done");
        assert_eq!(record["result"]["result"].as_str().map(str::len), Some(2_000_000));
        client.bye();
        assert_eq!(world.records().len(), 1);
    }
}

#[test]
fn a_supervisor_that_is_killed_with_its_claude_costs_neither_the_caller_nor_the_session() {
    let world =
        World::with("on-call 1\nsay working\nspawn-setsid pid=out\ntouch ready\nsilence\non-call *\nquote-previous");
    let (mut client, id) = begun(&world);
    let workers = world.workers();
    let [supervisor] = world.supervisors()[..] else { panic!("{:?}", world.supervisors()) };
    let claude = *workers.iter().min().unwrap();
    let start = Instant::now();
    signal(supervisor, Signal::STOP);
    signal(claude, Signal::KILL);
    until("claude's death", || (!alive(claude)).then_some(()));
    signal(supervisor, Signal::KILL);
    let said = client.said(id);
    note(&format!("answered {:?} after the supervisor's death", start.elapsed()));
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    assert_eq!((&said["success"], &said["error_type"]), (&json!(false), &json!("cli_error")), "{said}");
    let session = said["session_id"].as_str().unwrap_or_else(|| panic!("{said}"));
    assert!(said["error"].as_str().unwrap().contains("dispatch_session("), "{said}");
    world.leftovers_of_the_dead_are_gone();
    let resumed = client.ask("dispatch_session", json!({"agent": "echo", "task": "go on", "session_id": session}));
    assert_eq!(resumed["success"], true, "{resumed}");
    client.bye();
    world.no_job_is_left();
}

#[test]
fn a_supervisor_that_is_killed_after_the_answer_costs_no_answer() {
    let world = World::with("touch ready\nwait-file go\nresult the answer\ntouch answered\nhang-after-result");
    let (mut client, id) = begun(&world);
    let [supervisor] = world.supervisors()[..] else { panic!("{:?}", world.supervisors()) };
    signal(supervisor, Signal::STOP);
    go(&world);
    until("the answer on disk", || world.path("echo").join("answered").exists().then_some(()));
    signal(supervisor, Signal::KILL);
    let said = client.said(id);
    assert_eq!((&said["success"], &said["result"]), (&json!(true), &json!("the answer")), "{said}");
    client.bye();
    world.no_job_is_left();
}

#[test]
fn jobs_that_cannot_be_listed_are_not_none() {
    let mut world = World::with("result ok");
    fs::write(world.path("no-directory"), "").unwrap();
    let nowhere = world.path("no-directory");
    world.env("AGENT_DISPATCH_JOBS_DIR", &nowhere);
    let mut client = Client::new(&world);
    for (tool, arguments) in
        [("dispatch_jobs", json!({})), ("dispatch_gc", json!({"dry_run": true})), ("dispatch_gc", json!({}))]
    {
        let said = client.ask(tool, arguments);
        let error = said["error"].as_str().unwrap();
        assert!(error.contains("cannot list the jobs in") && error.contains("Not a directory"), "{tool}: {said}");
        assert!(said["hint"].as_str().unwrap().contains("AGENT_DISPATCH_JOBS_DIR"), "{tool}: {said}");
    }
    let id = "0".repeat(32);
    for (tool, key) in [
        ("dispatch_status", "job_id"),
        ("dispatch_wait", "job_id"),
        ("dispatch_cancel", "job_id"),
        ("fetch_result", "ref"),
    ] {
        let said = client.ask(tool, json!({key: id}));
        assert!(said["error"].as_str().unwrap().contains("Not a directory"), "{tool}: {said}");
    }
    client.bye();
}
