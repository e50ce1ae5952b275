//! Which agent a claude session belongs to. The CLI (2.1.332) resumes any session from any directory: the agent that is
//! called would read another agent's whole conversation and write into its transcript.

use serde::{Deserialize, Serialize};

use super::json;

/// Whose a session is, in a line of the list that is kept of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The session's UUID, in lower case.
    pub session: String,
    /// The agent in which it began.
    pub agent: String,
    /// Where that agent worked; not known of records without a plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
}

impl Owner {
    /// The owner of a session.
    #[must_use]
    pub fn new(session: &str, agent: &str, directory: Option<&str>) -> Self {
        Self { session: session.to_ascii_lowercase(), agent: agent.to_owned(), directory: directory.map(str::to_owned) }
    }

    /// As a line, with its end.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        json::line(self)
    }

    /// Whether the agent may go on with the session: its own, also where its directory is another one by now, and that of
    /// another agent in the same directory, which is the same project under another name or with other rights.
    #[must_use]
    pub fn admits(&self, agent: &str, directory: &str) -> bool {
        self.agent == agent || self.directory.as_deref() == Some(directory)
    }
}

/// The last line about a session. Lines that are none are passed over: a writer may have been cut off.
#[must_use]
pub fn find(lines: &[u8], session: &str) -> Option<Owner> {
    let session = session.to_ascii_lowercase();
    let places = memchr::memmem::find_iter(lines, session.as_bytes()).collect::<Vec<_>>();
    places.into_iter().rev().find_map(|at| {
        let start = memchr::memrchr(b'\n', &lines[..at]).map_or(0, |end| end + 1);
        let end = memchr::memchr(b'\n', &lines[at..]).map_or(lines.len(), |end| at + end);
        let owner = serde_json::from_slice::<Owner>(&lines[start..end]).ok();
        owner.filter(|owner| owner.session == session)
    })
}

/// What a job record tells of its session.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedSession {
    /// Name of the agent of the job.
    pub agent: String,
    /// Id of the session of the job.
    pub session: String,
    /// When it was submitted, in Unix seconds.
    pub created_at: f64,
}

/// Whose session a record tells of; its long texts are passed over.
#[must_use]
pub fn of_record(record: &[u8]) -> Option<RecordedSession> {
    #[derive(Deserialize)]
    struct Brief {
        agent: String,
        created_at: f64,
        session_id: Option<String>,
        result: Option<BriefResult>,
    }
    #[derive(Deserialize)]
    struct BriefResult {
        session_id: Option<String>,
    }
    let Brief { agent, created_at, session_id, result } = serde_json::from_slice(record).ok()?;
    let session = result.and_then(|result| result.session_id).or(session_id)?;
    Some(RecordedSession { agent, session, created_at })
}
