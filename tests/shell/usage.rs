//! The usage journal on disk: appended by many, moved aside by one, read as it grows.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use agent_dispatch::machines::answer::Answer;
use agent_dispatch::machines::ids::JobId;
use agent_dispatch::machines::plan::RunPlan;
use agent_dispatch::machines::usage::Report;
use agent_dispatch::shell::usage::{History, Journal, MAX_BYTES, Run, UsageLine};
use serde_json::json;

use super::supervision::plan;

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("usage.jsonl")
    }

    fn older(&self) -> PathBuf {
        self.directory.path().join("usage.jsonl.1")
    }

    fn journal(&self) -> Journal {
        Journal::at(self.path())
    }

    fn plan(&self) -> RunPlan {
        RunPlan { usage_log: Some(self.path().to_str().unwrap().to_owned()), ..plan(60) }
    }

    fn line(&self, agent: &str) -> UsageLine {
        let answer = Answer { duration_ms: Some(1_000), cost_usd: Some(0.5), ..Answer::success(agent, "x") };
        UsageLine::of_answer(&self.plan(), &answer).unwrap()
    }

    fn report(&self) -> Report {
        self.journal().report(|_| true).unwrap()
    }

    /// Fills the journal with other lines, up to what makes it full.
    fn fill(&self, agent: &str) -> u64 {
        let line = format!("{}\n", json!({"t": 1, "agent": agent, "ok": true, "caller": "x".repeat(60)}));
        let lines = MAX_BYTES.div_ceil(line.len() as u64);
        let mut file = OpenOptions::new().append(true).create(true).open(self.path()).unwrap();
        file.write_all(line.repeat(usize::try_from(lines).unwrap()).as_bytes()).unwrap();
        lines
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_first_line_makes_the_journal_and_its_directory_for_the_owner_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config/agent-dispatch/usage.jsonl");
    let plan = RunPlan { usage_log: Some(path.to_str().unwrap().to_owned()), ..plan(60) };
    UsageLine::of_answer(&plan, &Answer::success("a", "")).unwrap().write();
    UsageLine::of_answer(&plan, &Answer::success("a", "")).unwrap().write();
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
    assert!(
        UsageLine::of_answer(&RunPlan { usage_log: None, ..plan }, &Answer::success("a", "")).is_none(),
        "switched off"
    );
}

#[test]
fn whatever_is_in_the_way_costs_the_line_and_nothing_else() {
    let place = Place::new();
    let line = place.line("a");
    // A directory; a pipe, of which nobody has the other end; a place that cannot be.
    fs::create_dir(place.path()).unwrap();
    line.write();
    place.journal().report(|_| true).unwrap_err();
    fs::remove_dir(place.path()).unwrap();
    crate::support::make_fifo(place.path());
    line.write();
    place.journal().report(|_| true).unwrap_err();
    assert_eq!(History::of(place.journal()).look().full("a"), None);
    fs::remove_file(place.path()).unwrap();
    fs::write(place.path(), "").unwrap();
    let below = RunPlan { usage_log: Some(format!("{}/below", place.path().display())), ..plan(60) };
    UsageLine::of_answer(&below, &Answer::success("a", "")).unwrap().write();
    symlink(Path::new("/dev/full"), place.directory.path().join("full")).unwrap();
    let full = RunPlan { usage_log: Some(format!("{}/full", place.directory.path().display())), ..plan(60) };
    UsageLine::of_answer(&full, &Answer::success("a", "")).unwrap().write();
    assert_eq!(place.report().total.dispatches, 0);
}

#[test]
fn half_a_line_of_somebody_who_was_cut_off_takes_no_other_with_it() {
    let place = Place::new();
    place.line("a").write();
    OpenOptions::new().append(true).open(place.path()).unwrap().write_all(b"{\"t\": 1, \"agent\": \"b").unwrap();
    place.line("a").write();
    place.line("a").write();
    assert_eq!(place.report().agents["a"].dispatches, 3);
    assert_eq!(place.report().agents.len(), 1);
}

#[test]
fn a_full_journal_is_moved_aside_over_the_one_before() {
    let place = Place::new();
    let first = place.fill("first");
    place.line("second").write();
    assert_eq!((place.report().agents["first"].dispatches, place.report().agents["second"].dispatches), (first, 1));
    assert_eq!((mode(&place.path()), fs::metadata(place.older()).unwrap().len() >= MAX_BYTES), (0o600, true));
    assert!(fs::metadata(place.path()).unwrap().len() < 1_000);
    let second = place.fill("second");
    place.line("third").write();
    let report = place.report();
    assert!(!report.agents.contains_key("first"), "two generations");
    assert_eq!((report.agents["second"].dispatches, report.agents["third"].dispatches), (second + 1, 1));
}

#[test]
fn of_a_link_its_target_is_moved_aside() {
    let place = Place::new();
    let elsewhere = Place::new();
    symlink(elsewhere.path(), place.path()).unwrap();
    place.fill("first");
    place.line("second").write();
    assert!(fs::symlink_metadata(place.path()).unwrap().is_symlink());
    assert!(elsewhere.older().exists() && !place.older().exists());
    assert_eq!(place.report().agents["second"].dispatches, 1);
    assert!(place.report().agents["first"].dispatches > 0);
}

/// Many writers meet a full journal at once: one moves it aside, and no line is lost.
#[test]
fn writers_who_find_it_full_at_once_move_it_once() {
    const WRITERS: u64 = 8;
    const LINES: u64 = 40;
    for _ in 0..10 {
        let place = Place::new();
        let filled = place.fill("old");
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let place = &place;
                scope.spawn(move || (0..LINES).for_each(|_| place.line(&format!("w{writer}")).write()));
            }
        });
        let report = place.report();
        assert_eq!(report.agents["old"].dispatches, filled, "moved over once more, and lost");
        for writer in 0..WRITERS {
            assert_eq!(report.agents[&format!("w{writer}")].dispatches, LINES, "{report:?}");
        }
    }
}

#[test]
fn a_job_has_its_line_once() {
    let place = Place::new();
    let job = JobId::try_from("0123456789abcdef0123456789abcdef").unwrap();
    let run = Run { job: &job, started_at: None, cancelled: false };
    let line = UsageLine::of_run(&place.plan(), &Answer::success("a", "x"), run).unwrap();
    line.write_once(&job);
    line.write_once(&job);
    assert_eq!(place.report().total.dispatches, 1);
    // Also when its line was moved aside meanwhile.
    place.fill("b");
    place.line("b").write();
    assert!(place.journal().mentions(&job));
    line.write_once(&job);
    assert_eq!(place.report().agents["a"].dispatches, 1);
}

#[test]
fn history_follows_the_journal_wherever_it_goes() {
    let place = Place::new();
    let history = History::of(place.journal());
    let runs = || history.look().full("a").map(|typical| typical["dispatches"].clone());
    assert_eq!(runs(), None, "no journal");
    place.line("a").write();
    place.line("a").write();
    assert_eq!(runs(), None, "too few");
    place.line("a").write();
    assert_eq!(runs(), Some(json!(3)));
    assert_eq!(history.look().short("a").unwrap()["median_seconds"], 1.0);
    assert_eq!(history.look().suggested_timeout_seconds("a"), Some(2));
    // A line that is still being written is read when it is whole.
    let mut file = OpenOptions::new().append(true).open(place.path()).unwrap();
    file.write_all(b"{\"t\":1,\"agent\":\"a\",").unwrap();
    assert_eq!(runs(), Some(json!(3)));
    file.write_all(b"\"ok\":true}\n").unwrap();
    assert_eq!(runs(), Some(json!(4)));
    // Moved aside, with a line that nobody has read yet.
    place.line("a").write();
    fs::rename(place.path(), place.older()).unwrap();
    place.line("a").write();
    assert_eq!(runs(), Some(json!(6)));
    place.line("a").write();
    assert_eq!(runs(), Some(json!(7)));
    // Gone, with both generations; begun anew.
    fs::remove_file(place.path()).unwrap();
    fs::remove_file(place.older()).unwrap();
    assert_eq!(runs(), None);
    (0..3).for_each(|_| place.line("a").write());
    assert_eq!(runs(), Some(json!(3)));
    // Emptied in place, and written anew to the same length.
    let text = fs::read_to_string(place.path()).unwrap();
    File::create(place.path()).unwrap().write_all(text.replace("\"a\"", "\"b\"").as_bytes()).unwrap();
    let later = std::time::SystemTime::now() + Duration::from_secs(5);
    File::options().write(true).open(place.path()).unwrap().set_modified(later).unwrap();
    assert_eq!((runs(), history.look().full("b").map(|typical| typical["dispatches"].clone())), (None, Some(json!(3))));
}

#[test]
fn history_reads_only_what_was_added() {
    let place = Place::new();
    place.fill("a");
    let history = History::of(place.journal());
    drop(history.look());
    // What was read is not read again: a change in the middle, which no program makes, is not seen.
    let size = fs::metadata(place.path()).unwrap().size();
    let mut file = OpenOptions::new().write(true).open(place.path()).unwrap();
    file.write_all(&vec![b'\n'; usize::try_from(size).unwrap() - 1]).unwrap();
    OpenOptions::new()
        .append(true)
        .open(place.path())
        .unwrap()
        .write_all(b"{\"t\":1,\"agent\":\"b\",\"ok\":true}\n")
        .unwrap();
    assert_eq!(history.look().full("a").unwrap()["dispatches"], 200);
}
