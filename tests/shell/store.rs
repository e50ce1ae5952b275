//! The job store's own promises. What callers see of it under hostile conditions is in `mcp::store`.

use agent_dispatch::fs::atomic::Durability;
use agent_dispatch::machines::ids::JobId;
use agent_dispatch::machines::job::{Event, Status};
use agent_dispatch::shell::record::Record;
use agent_dispatch::shell::store::{Patch, Shown, Store, StoreError};
use serde_json::json;
use tempfile::TempDir;

const ID: JobId = JobId::from_bytes([3; 16]);

/// A store with one record of this status, without a folder.
fn store(status: &str) -> (TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::new(directory.path().to_path_buf());
    let record = json!({"id": ID.to_string(), "agent": "a", "task": "t", "status": status, "created_at": 1.0});
    store.write_finished(&serde_json::from_value::<Record>(record).unwrap()).unwrap();
    (directory, store)
}

fn lines() -> Option<Shown> {
    Some(Shown { lines: vec!["the last line".to_owned()], activity: None })
}

fn end() -> Patch {
    Patch { result: Some(json!({"success": false})), error: Some("why".to_owned()), ..Patch::default() }
}

const FAILED: Event = Event::Finish { success: false };

#[test]
fn the_last_progress_and_the_end_are_written_at_once() {
    let (_directory, store) = store("running");
    store.conclude(&ID, lines(), &FAILED, end(), Durability::Brief).unwrap();
    let record = store.read(&ID).unwrap();
    assert_eq!((record.status, record.progress), (Status::Failed, lines().map(|shown| shown.lines)));
    assert!(record.progress_updated_at.is_some() && record.completed_at.is_some());
    assert_eq!((record.result, record.error.as_deref()), (Some(json!({"success": false})), Some("why")));
}

#[test]
fn progress_that_is_refused_does_not_cost_the_end() {
    // A run that never began has no progress.
    let (_directory, store) = store("pending");
    store.conclude(&ID, lines(), &FAILED, end(), Durability::Brief).unwrap();
    let record = store.read(&ID).unwrap();
    assert_eq!((record.status, record.progress), (Status::Failed, None));
    assert_eq!(record.result, Some(json!({"success": false})));
}

#[test]
fn an_end_that_is_refused_changes_nothing() {
    for status in ["done", "failed", "cancelled"] {
        let (_directory, store) = store(status);
        let before = store.read(&ID).unwrap();
        let refused = store.conclude(&ID, lines(), &FAILED, end(), Durability::Brief);
        assert!(matches!(refused, Err(StoreError::Rejected(_))), "{status}: {refused:?}");
        assert_eq!(store.read(&ID).unwrap(), before);
    }
    // Success without a beginning: not even the progress is written.
    let (_directory, store) = store("pending");
    let before = store.read(&ID).unwrap();
    assert!(store.conclude(&ID, lines(), &Event::Finish { success: true }, end(), Durability::Brief).is_err());
    assert_eq!(store.read(&ID).unwrap(), before);
}
