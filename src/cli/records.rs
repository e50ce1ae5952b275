//! The jobs of all servers and sessions, as the verbs on them reach them.

use super::failure::Failure;
use super::runtime::entered;
use crate::config::path::{self, Environment};
use crate::machines::ids::JobId;
use crate::machines::text;
use crate::os::program;
use crate::shell::engine::Engine;
use crate::shell::jobs::Jobs;
use crate::shell::record::Record;
use crate::shell::store::{JOBS_ELSEWHERE, Store, StoreError};

/// How much of something that is no id is repeated, in characters.
const SHOWN_CHARS: usize = 40;
/// What lists the ids.
const LISTS_THEM: &str = "agent-dispatch jobs lists them";

/// The job store, as the verbs reach it.
pub struct Records {
    /// What can be done with them.
    pub jobs: Jobs,
    /// The files of the jobs.
    pub store: Store,
}

impl Records {
    /// The jobs of this environment. Nothing is read yet.
    pub fn of(environment: &Environment) -> Self {
        let store = Store::new(path::jobs_dir(environment));
        Self { jobs: Jobs::new(Engine::new(store.clone(), program::own())), store }
    }

    /// Checks that the directory can be listed. One that is not there holds no jobs.
    ///
    /// # Errors
    /// Whatever else keeps it from being listed: an empty list would be a lie.
    pub fn check(&self) -> Result<(), Failure> {
        self.store.check_listable().map_err(|error| Failure::new(error.to_string()).hint(JOBS_ELSEWHERE))
    }

    /// The id that was typed. Ids are exact; whoever typed a part of one is told the whole.
    pub fn id(&self, typed: &str) -> Result<JobId, Failure> {
        JobId::try_from(typed).map_err(|_| {
            let shown = text::quoted(text::first_chars(typed, SHOWN_CHARS));
            Failure::new(format!("{shown} is no job id: an id is exactly 32 lowercase hexadecimal characters"))
                .hint(self.meant(typed))
        })
    }

    fn meant(&self, typed: &str) -> String {
        let part = typed.trim().trim_end_matches(".json").to_ascii_lowercase();
        let mut matching = self.store.ids().filter(|id| !part.is_empty() && id.to_string().starts_with(&part));
        match (matching.next(), matching.count()) {
            (None, _) => LISTS_THEM.to_owned(),
            (Some(id), 0) => format!("the job that begins so is {id}"),
            (Some(_), others) => format!("{} jobs begin so; {LISTS_THEM}", others + 1),
        }
    }

    /// A job as it stands. One that has lost its supervisor gets a new one.
    pub fn read(&self, id: &JobId) -> Result<Record, Failure> {
        let record = self.store.read(id).map_err(|error| self.failure(&error))?;
        if record.status.is_terminal() {
            return Ok(record);
        }
        entered(|| self.jobs.read(id))?.map_err(|error| self.failure(&error))
    }

    /// What went wrong, in the words of the command line.
    pub fn failure(&self, error: &StoreError) -> Failure {
        match error {
            StoreError::NotFound(id) => {
                let file = self.store.directory().join(id.file_name());
                let hint = if file.exists() {
                    format!("{} is there, but is no record of that job; it is left alone", file.display())
                } else {
                    LISTS_THEM.to_owned()
                };
                Failure::new(format!("job {id} not found in {}", self.store.directory().display())).hint(hint)
            }
            StoreError::Io { .. } => {
                Failure::new(error.to_string()).hint("agent-dispatch doctor checks where jobs are kept")
            }
            StoreError::Busy(_) | StoreError::Rejected(_) => Failure::new(error.to_string()),
        }
    }
}
