//! What an event brings for a record.

use serde_json::Value;

use crate::machines::activity::Activity;

/// What an event brings for the record. The machine's effects say which of it is written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patch {
    /// The answer.
    pub result: Option<Value>,
    /// The reason of a failure.
    pub error: Option<String>,
    /// What a running job shows.
    pub progress: Option<Shown>,
    /// When the run's time is up, in Unix seconds: an adopter waits until then.
    pub deadline_at: Option<f64>,
    /// The run ended without a session that can be gone on with: the id that was planned for it names none.
    pub no_session: bool,
    /// How often the run has gone on, the time at hand included.
    pub resumptions: Option<u8>,
}

/// What a running job shows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Shown {
    /// The rolling tail of progress.
    pub lines: Vec<String>,
    /// How far it has come; `None` leaves what was known.
    pub activity: Option<Activity>,
}
