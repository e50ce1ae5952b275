//! Random ids: 122 random bits each, so that two never meet.

use crate::machines::ids::{JobId, SessionRef};

/// An id for a new job.
#[must_use]
pub fn job_id() -> JobId {
    JobId::from_bytes(*uuid::Uuid::new_v4().as_bytes())
}

/// An id for a new claude session, in the form that the CLI demands.
#[must_use]
pub fn session_id() -> SessionRef {
    SessionRef::from_uuid_bytes(*uuid::Uuid::new_v4().as_bytes())
}
