//! The start of claude.

use std::io;

use super::output::Output;
use super::{Process, Supervision};
use crate::machines::command_line;
use crate::machines::dispatch::{Event, Omitted};
use crate::machines::job;
use crate::machines::verdict::NotStarted;
use crate::shell::atomic::Durability;
use crate::shell::leash::News;
use crate::shell::spawner::{Launch, ProcessSpawner, SpawnError};
use crate::shell::store::{JobFile, Patch};
use crate::shell::{clock, environment, failpoint};

impl<S: ProcessSpawner> Supervision<'_, S> {
    /// The record says `running` before anything runs: what costs is never unseen.
    pub(super) fn start(&mut self, omitted: Omitted) {
        if self.not_started.is_some() {
            return;
        }
        self.omitted = omitted;
        let started = self.claim().and_then(|()| self.spawn());
        self.due.push_back(match started {
            Ok(process) => {
                self.process = Some(process);
                self.output = Output::open(&self.store.file(&self.id, JobFile::Stdout), &self.plan.directory);
                if let Some(leash) = &mut self.leash {
                    leash.tell(&News::Started);
                }
                Event::Spawned { now: clock::monotonic() }
            }
            Err(reason) => {
                self.not_started = Some(reason);
                Event::SpawnFailed
            }
        });
    }

    fn claim(&mut self) -> Result<(), NotStarted> {
        // A second start of the same run, without a flag that the CLI does not know.
        if self.exit.is_some() {
            return Ok(());
        }
        #[expect(clippy::cast_precision_loss, reason = "a timeout is at most some thousand seconds")]
        let deadline_at = clock::unix_seconds() + self.plan.timeout_seconds as f64;
        let patch = Patch { deadline_at: Some(deadline_at), ..Patch::default() };
        // A power cut ends a waiting caller as well, and after half a minute the record is on the disk anyway.
        let durability = if self.leash.is_some() { Durability::Brief } else { Durability::Cached };
        failpoint::reach("claim");
        match self.store.step(&self.id, &job::Event::Claim, patch, durability) {
            Ok(stepped) => {
                failpoint::reach("claimed");
                self.claimed = Some(stepped.record);
                Ok(())
            }
            Err(error) => Err(NotStarted::SpawnFailed(error.to_string())),
        }
    }

    fn spawn(&self) -> Result<Process, NotStarted> {
        let program = self.spawner.find_claude().map_err(|missing| NotStarted::CliMissing(missing.to_string()))?;
        let arguments = command_line::arguments(self.plan, self.omitted).map_err(NotStarted::BadValue)?;
        let launch = Launch {
            program,
            arguments,
            directory: self.plan.directory.clone().into(),
            environment: environment::for_claude(&self.id, self.plan.depth, self.plan.wait_for_mcp),
            stdin: self.store.file(&self.id, JobFile::Prompt),
            stdout: self.store.file(&self.id, JobFile::Stdout),
            stderr: self.store.file(&self.id, JobFile::Stderr),
        };
        match self.spawner.spawn(&launch) {
            Ok(spawned) => Ok(Process { group: Some(spawned.group), exit: spawned.exit }),
            Err(SpawnError::Directory { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(NotStarted::DirectoryMissing)
            }
            Err(SpawnError::Directory { source, .. }) => Err(NotStarted::DirectoryUnusable(source.to_string())),
            Err(error @ (SpawnError::File { .. } | SpawnError::Program { .. })) => {
                Err(NotStarted::SpawnFailed(error.to_string()))
            }
        }
    }
}
