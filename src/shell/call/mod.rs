//! Calls of several requests that outlive their server: each is a job like any other, whose supervisor runs the same code as
//! a server whose caller waits, and its parts are jobs of their own.
//!
//! | file | what |
//! |---|---|
//! | `ledger` | which jobs the parts are, noted before they are written: none is paid for twice, whoever dies |
//! | `conductor` | the life of the call's supervisor |

mod conductor;
pub mod ledger;

use serde::{Deserialize, Serialize};

pub use self::conductor::conduct;
use super::dialogue::Talk;
use super::dispatcher::Origin;
use super::parallel::Batch;
use super::record::{Form, Record};
use super::store::{JobFile, Store, StoreError};
use crate::config::model::Config;
use crate::config::plan::Request;
use crate::config::snapshot::Snapshot;
use crate::machines::answer::Answer;
use crate::machines::call;
use crate::machines::ids::JobId;

/// What is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Several requests at once.
    Parallel(Batch),
    /// Two agents talk.
    Dialogue(Talk),
}

/// Everything that is needed to go on with a call: what is called, and what was so when it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// What is called.
    pub what: What,
    /// The configuration.
    pub config: Snapshot,
    /// Who calls.
    pub origin: Origin,
    /// What the server that was called had in its cache.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cached: Vec<(Request, Answer)>,
}

impl What {
    /// As much of a configuration as it needs.
    #[must_use]
    pub fn snapshot(&self, config: &Config) -> Snapshot {
        match self {
            Self::Dialogue(talk) => Snapshot::of(config, |name| talk.requester == name || talk.responder == name),
            Self::Parallel(batch) => {
                let named = |name: &str| {
                    batch.items.iter().any(|item| item.request.agent == name || item.request.group == name)
                        || batch.aggregate.as_deref() == Some(name)
                };
                Snapshot::of(config, named)
            }
        }
    }

    /// The agents, in words.
    #[must_use]
    pub fn agents(&self) -> String {
        match self {
            Self::Dialogue(talk) => call::agents([talk.requester.as_str(), talk.responder.as_str()]),
            Self::Parallel(batch) => {
                let items = batch.items.iter().map(|item| item.request.agent.as_str());
                call::agents(items.chain(batch.aggregate.as_deref()))
            }
        }
    }

    /// The record of a job that is submitted with it at this moment.
    #[must_use]
    pub fn pending(&self, id: JobId) -> Record {
        let task = match self {
            Self::Dialogue(talk) => talk.topic.clone(),
            Self::Parallel(batch) => {
                let items = batch.items.iter().map(|item| &item.request);
                call::tasks(items.map(|request| (request.agent.as_str(), request.task.as_str())))
            }
        };
        Record { delivery: Some(Form::Call), ..Record::pending(id, &self.agents(), &task) }
    }
}

impl Call {
    /// As it was written into the folder of its job.
    ///
    /// # Errors
    /// [`StoreError::Io`], also for what is no call.
    pub fn read(store: &Store, id: &JobId) -> Result<Self, StoreError> {
        let path = store.file(id, JobFile::Plan);
        let bytes = std::fs::read(&path).map_err(StoreError::io("read", &path))?;
        serde_json::from_slice(&bytes).map_err(|error| StoreError::io("read", &path)(error.into()))
    }
}
