//! A call of several requests as data: what it asks for, what its job's folder keeps, and the ledger of its parts. Those who
//! run it are `parallel` and `dialogue`, in a server whose caller waits as in the conductor of a call that is a job.
//!
//! | file | what |
//! |---|---|
//! | `batch` | a parallel call, and the answers in its answer |
//! | `part` | the answer of one part, whole or by reference |
//! | `ledger` | which jobs the parts are, noted before they are written: none is paid for twice, whoever dies |

pub mod batch;
pub mod ledger;
pub mod part;

use std::fs::File;

use serde::{Deserialize, Serialize};

use self::batch::Batch;
use super::environment::Origin;
use super::record::{Form, Record};
use super::store::{JobFile, Store, StoreError, to_json};
use crate::config::model::Config;
use crate::config::plan::Request;
use crate::config::snapshot::Snapshot;
use crate::machines::answer::Answer;
use crate::machines::call;
use crate::machines::ids::JobId;

/// Who hears, in lines, what happens in a call.
pub type OnLine<'a> = &'a mut (dyn FnMut(String) + Send);

/// A dialogue of two agents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Talk {
    /// The agent with the question.
    pub requester: String,
    /// The agent with the means to answer it, which speaks first.
    pub responder: String,
    /// What they are to work out.
    pub topic: String,
    /// At most so many rounds; see [`dialogue::begin`](crate::machines::dialogue::begin).
    pub max_rounds: i64,
}

/// What a call asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallRequest {
    /// Several requests at once.
    Parallel(Batch),
    /// Two agents talk.
    Dialogue(Talk),
}

/// Everything that a conductor needs, as it stood when the call was made. It is the plan file of the call's job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallPlan {
    /// What the call asks for.
    pub what: CallRequest,
    /// As much of the configuration as it needs.
    pub config: Snapshot,
    /// Who calls.
    pub origin: Origin,
    /// The answers that the server had in its cache.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cached: Vec<(Request, Answer)>,
}

impl CallRequest {
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
    fn pending(&self, id: JobId) -> Record {
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

impl CallPlan {
    /// Writes the call's job; its lock.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn create(&self, store: &Store, id: JobId) -> Result<File, StoreError> {
        store.create_with(&self.what.pending(id), &[(JobFile::Plan, &to_json(self))])
    }

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
