//! Records of jobs: a file with any bytes, also one that another implementation wrote, is read without a panic, is listed
//! as what it is, and loses nothing by what happens to its job.

use agent_dispatch::machines::job::Event;
use agent_dispatch::machines::summary::{Brief, Summary};
use agent_dispatch::shell::record::Record;
use agent_dispatch::shell::store::{Patch, Store};
use serde_json::json;

/// Every event.
pub const EVENTS: [Event; 11] = [
    Event::Claim,
    Event::Adopt,
    Event::Resume,
    Event::Progress,
    Event::Finish { success: true },
    Event::Finish { success: false },
    Event::Cancel,
    Event::Stopped,
    Event::Abandon { worker: false },
    Event::Abandon { worker: true },
    Event::Collect,
];

/// Reads the bytes as a record and plays every event on it.
///
/// # Panics
/// When a record changes by being written and read, is listed as another one, or loses a key that it does not know.
pub fn check(data: &[u8]) {
    let summary = serde_json::from_slice::<Brief>(data).map(Summary::from);
    let Ok(record) = serde_json::from_slice::<Record>(data) else { return };
    same_after_reading(&record);
    if let Ok(summary) = summary {
        assert_eq!((summary.id, summary.status, summary.state), (record.id, record.status, record.state()));
    }
    for event in EVENTS {
        let patch = Patch { result: Some(json!({"success": true, "result": "the answer"})), ..Patch::default() };
        let Ok(next) = Store::preview(record.clone(), &event, patch) else { continue };
        same_after_reading(&next);
        assert_eq!((next.id, &next.extra), (record.id, &record.extra), "{event:?}");
        assert!(next.result.is_some() || record.result.is_none(), "{event:?} has lost an answer");
    }
    let _ = record.into_answer();
}

fn same_after_reading(record: &Record) {
    let written = serde_json::to_vec(record).unwrap_or_else(|error| panic!("{record:?} cannot be written: {error}"));
    let read: Record = serde_json::from_slice(&written).unwrap_or_else(|error| panic!("{record:?}: {error}"));
    assert_eq!(*record, read);
}
