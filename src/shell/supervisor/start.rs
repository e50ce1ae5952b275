//! The start of claude.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Process, Supervision};
use crate::config::claude_settings::{self, Places};
use crate::config::path;
use crate::fs::atomic::{self, Durability};
use crate::fs::failpoint;
use crate::machines::cli_version::Version;
use crate::machines::dispatch::{CancelledBy, Event, KILL_GRACE_MS, Purpose, Run};
use crate::machines::events;
use crate::machines::flags::{Flag, Omission};
use crate::machines::ids::SessionRef;
use crate::machines::job;
use crate::machines::mode;
use crate::machines::plan::{self, Continuation, RunPlan, SessionPlan};
use crate::machines::prompt;
use crate::machines::verdict::NotStarted;
use crate::machines::{self, command_line, start};
use crate::shell::leash::News;
use crate::shell::pause;
use crate::shell::record::Record;
use crate::shell::spawner::{Launch, ProcessSpawner, SpawnError};
use crate::shell::store::{JobFile, Patch, StoreError};
use crate::shell::{
    claude, cli_version, clock, directory_facts, environment, lacked_servers, refused_options, session_owners,
};

/// How often to look whether the fence is free.
const FENCE_RETRY: Duration = Duration::from_millis(5);
/// What is shown of a run whose answer is asked for again.
const ONCE_MORE: &str = "The answer misses its schema; asks for it once more";
/// What is shown of a run that waits to go on.
const CUT_OFF: &str = "Cut off; goes on as soon as it may";

/// What is known of the claude that was started last.
#[derive(Debug, Default)]
pub(super) struct Started {
    /// Its program.
    program: Option<PathBuf>,
    /// The session, under another id than the planned one, that was noted as the agent's.
    session: Option<String>,
}

impl<S: ProcessSpawner> Supervision<'_, S> {
    /// Starts claude. The record says `running` before, so that no run that costs goes unseen; and the fence must be free, so
    /// that a job never has two workers.
    pub(super) async fn start(&mut self, run: Run) {
        self.run = run.on(self.cli_version(run).await);
        if run.purpose == Purpose::Repair {
            let activity = self.output.activity(ONCE_MORE.to_owned());
            self.progress.push(ONCE_MORE.to_owned(), activity);
        }
        let prepared = match self.not_started.take() {
            Some(reason) => Err(reason),
            None => self.claim().and_then(|()| self.input()),
        };
        let started = match prepared {
            Ok(input) => self.spawn_behind_fence(input).await,
            Err(reason) => Err(reason),
        };
        self.due.push_back(match started {
            Ok(process) => {
                let what = match run.purpose {
                    Purpose::Task => "job started",
                    Purpose::Continue => "job resumed",
                    Purpose::Repair => "job asked for its answer again",
                };
                tracing::info!(id = %self.id, pid = process.group, "{what}");
                self.process = Some(process);
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

    /// The version of the CLI, where something depends on it.
    async fn cli_version(&self, run: Run) -> Option<Version> {
        let schema = self.plan.response_schema.as_ref().filter(|_| !run.omitted.lacks(Flag::JsonSchema));
        schema.and_then(machines::schema::for_cli)?;
        let program = self.spawner.find_claude().ok()?;
        let environment = environment::for_claude(&self.id, self.plan.depth, false);
        cli_version::of(&program, &environment, self.store.directory()).await
    }

    /// Notes in the record that the run waits to go on. A record that rejects this was marked cancelled: so is the run then.
    pub(super) fn note_resumption(&mut self) {
        // A supervisor before this one noted it.
        if self.waits_to_go_on() {
            return;
        }
        match self.store.step(&self.id, &job::Event::Resume, Patch::default(), Durability::Cached) {
            Ok(stepped) => {
                tracing::info!(id = %self.id, "job cut off");
                self.claimed = Some(stepped.record);
                let pause = pause::left(self.store.directory()).filter(|_| self.plan.wait_for_limit);
                let line = match pause {
                    Some(left) => format!("The account's usage limit is reached; goes on in {} s", left.as_secs()),
                    None => CUT_OFF.to_owned(),
                };
                self.progress.push(line.clone(), self.output.activity(line));
            }
            Err(StoreError::Rejected(refused)) => {
                tracing::debug!(id = %self.id, %refused, "the run is not to go on");
                self.due.push_back(Event::Cancel { by: CancelledBy::Request, now: clock::monotonic() });
            }
            Err(error) => self.not_started = Some(NotStarted::SpawnFailed(error.to_string())),
        }
    }

    fn waits_to_go_on(&self) -> bool {
        self.claimed.as_ref().is_some_and(|record| record.state() == job::State::Resuming)
    }

    /// How often the run has gone on.
    pub(super) const fn resumptions(&self) -> u8 {
        self.plan.resume_attempts.saturating_sub(self.run.resumes_left)
    }

    /// The session that this process begins belongs to the agent. Where the CLI chooses the id, its first event tells it.
    fn note_session(&self) {
        if let SessionPlan::Fresh { id } = &self.plan.session
            && !self.run.omitted.lacks(Flag::SessionId)
            && self.run.purpose == Purpose::Task
        {
            session_owners::note(self.store.directory(), self.plan, id.as_str());
        }
    }

    /// A session under another id than the planned one: the CLI did not take that id, or went on in a copy.
    pub(super) fn note_other_session(&mut self) {
        let Some(told) = self.output.session_id.clone() else { return };
        let planned = self.plan.session.id();
        let known = planned.as_str() == told || (self.plan.session.is_resume() && !planned.is_uuid());
        if !known && self.started.session.as_ref() != Some(&told) {
            session_owners::note(self.store.directory(), self.plan, &told);
            self.started.session = Some(told);
        }
    }

    /// The servers that the agent lacks are known to whoever chooses an agent from now on.
    pub(super) fn note_servers(&mut self) {
        if !std::mem::take(&mut self.output.servers_told) {
            return;
        }
        let Some(servers) = &self.output.mcp_servers else { return };
        let claimed = self.claimed.as_ref().filter(|_| self.output.is_adopted());
        let began_at = claimed.and_then(|record| record.started_at);
        lacked_servers::note(self.store.directory(), self.plan, servers, self.output.mcp_file, began_at);
    }

    /// What claude said it does not take, at the beginning of its standard error. The next run need not find out
    /// again what this program refuses; a schema that is refused says nothing of the next one.
    pub(super) fn refused_flag(&self, stderr: &str) -> Option<Omission> {
        let refused = start::refused(stderr, self.output.begun)?;
        if let Some(program) = self.started.program.as_ref().filter(|_| matches!(refused, Omission::Unknown(_))) {
            refused_options::note(self.store.directory(), program, refused);
        }
        Some(refused)
    }

    fn claim(&mut self) -> Result<(), NotStarted> {
        if !start::must_claim(self.claimed.as_ref().map(Record::state)) {
            return Ok(());
        }
        #[expect(clippy::cast_precision_loss, reason = "a timeout is at most some thousand seconds")]
        let deadline_at = clock::unix_seconds() + self.plan.timeout_seconds as f64;
        let resumptions = Some(self.resumptions()).filter(|times| *times > 0);
        let patch = Patch { deadline_at: Some(deadline_at), resumptions, ..Patch::default() };
        // A power cut ends a waiting caller as well, and after half a minute the record is on the disk anyway.
        let durability = if self.leash.is_some() { Durability::Brief } else { Durability::Cached };
        failpoint::reach("claim");
        match self.store.step(&self.id, &job::Event::Claim, patch, durability) {
            Ok(stepped) => {
                failpoint::reach("claimed");
                tracing::info!(id = %self.id, resumptions = self.resumptions(), "job claimed");
                self.claimed = Some(stepped.record);
                Ok(())
            }
            Err(error) => Err(NotStarted::SpawnFailed(error.to_string())),
        }
    }

    /// The plan of the process, and the file that becomes its standard input.
    fn input(&self) -> Result<(RunPlan, JobFile), NotStarted> {
        let prompt = match self.run.purpose {
            Purpose::Task => return Ok((self.plan.clone(), JobFile::Prompt)),
            Purpose::Continue => plan::CONTINUE.to_owned(),
            Purpose::Repair => {
                let schema = self.plan.response_schema.as_ref().unwrap_or(&serde_json::Value::Null);
                prompt::repair(schema, &self.violations)
            }
        };
        let failed = |error: io::Error| NotStarted::SpawnFailed(format!("cannot write what it is told: {error}"));
        let file = self.store.file(&self.id, JobFile::Continuation);
        atomic::replace(&file, prompt.as_bytes(), Durability::Cached).map_err(failed)?;
        // As the CLI named it, which may not be the id that it was given.
        let told = self.output.session_id.as_deref().and_then(|id| SessionRef::try_from(id).ok());
        let session = told.unwrap_or_else(|| self.plan.session.id().clone());
        Ok((self.plan.continued(Continuation { session, prompt }), JobFile::Continuation))
    }

    async fn spawn_behind_fence(&mut self, (plan, stdin): (RunPlan, JobFile)) -> Result<Process, NotStarted> {
        let (stdout, stderr) = (self.store.file(&self.id, JobFile::Stdout), self.store.file(&self.id, JobFile::Stderr));
        let cannot = |error: io::Error| NotStarted::SpawnFailed(error.to_string());
        fence_is_free(&stderr).await.map_err(cannot)?;
        let position = begin_output(&stdout).map_err(cannot)?;
        let process = self.spawn(&plan, stdin)?;
        self.note_session();
        self.output.go_on(&stdout, position, &self.plan.directory, self.run.purpose == Purpose::Repair);
        // Claude was started in this directory a moment ago: it answers.
        self.output.mcp_file = directory_facts::mcp_file(Path::new(&plan.directory));
        Ok(process)
    }

    fn spawn(&mut self, plan: &RunPlan, stdin: JobFile) -> Result<Process, NotStarted> {
        let program = self.spawner.find_claude().map_err(|missing| claude::not_started(&missing))?;
        // Looked up for each start: the program may have been replaced while the run waited.
        self.run.omitted = self.run.omitted.or(refused_options::known(self.store.directory(), &program));
        let plan = &in_a_mode(plan);
        let arguments = command_line::arguments(plan, self.run.omitted).map_err(NotStarted::BadValue)?;
        self.started.program = Some(program.clone());
        let mut environment = environment::for_claude(&self.id, plan.depth, plan.wait_for_mcp);
        let lookup = |name: &str| std::env::var_os(name);
        let (home, here) = (std::env::home_dir(), path::working_directory());
        environment.extend(environment::absolute(&lookup, home.as_deref(), &here));
        environment.extend(claude::path_for(&program).map(|path| ("PATH".to_owned(), Some(path))));
        let launch = Launch {
            program,
            arguments,
            directory: plan.directory.clone().into(),
            environment,
            stdin: self.store.file(&self.id, stdin),
            stdout: self.store.file(&self.id, JobFile::Stdout),
            stderr: self.store.file(&self.id, JobFile::Stderr),
        };
        match self.spawner.spawn(&launch) {
            Ok(spawned) => Ok(Process { group: Some(spawned.group), exit: spawned.exit }),
            Err(SpawnError::Directory { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Err(NotStarted::DirectoryMissing)
            }
            Err(SpawnError::Directory { source, .. }) => Err(NotStarted::DirectoryUnusable(source.to_string())),
            Err(SpawnError::Program { program, source }) => Err(match claude::explain(&program, &source) {
                Some(missing) => claude::not_started(&missing),
                None => NotStarted::SpawnFailed(SpawnError::Program { program, source }.to_string()),
            }),
            Err(error @ SpawnError::File { .. }) => Err(NotStarted::SpawnFailed(error.to_string())),
        }
    }
}

/// The plan with the permission mode that is to be passed. In the supervisor, where the directory's disk may be waited for:
/// claude is started in it right after.
fn in_a_mode(plan: &RunPlan) -> RunPlan {
    let permission_mode = plan.permission_mode.clone().or_else(|| {
        let user = claude_settings::user_directory();
        let said = Places::of_machine(user.as_deref()).mode(Path::new(&plan.directory));
        mode::unless_said(said.as_ref().map(|(source, mode)| (*source, mode.as_str()))).map(str::to_owned)
    });
    RunPlan { permission_mode, ..plan.clone() }
}

/// Waits until nobody holds the fence: what a run left behind was ended a moment ago, and dies when the kernel comes to it.
async fn fence_is_free(fence: &Path) -> io::Result<()> {
    let file = match File::open(fence) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let give_up = clock::monotonic().plus(KILL_GRACE_MS);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if clock::monotonic() >= give_up => {
                return Err(io::Error::other("a process of this run still lives, and a run never has two"));
            }
            Err(TryLockError::WouldBlock) => tokio::time::sleep(FENCE_RETRY).await,
        }
    }
}

/// Makes the file ready for the output of one more process, and returns where that begins: the line that the one before it
/// was cut off in is ended, and whoever reads the whole file later sees where the next begins.
fn begin_output(output: &Path) -> io::Result<u64> {
    let mut file = match fs::OpenOptions::new().read(true).append(true).open(output) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    if length == 0 {
        return Ok(0);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    let ends = if last == *b"\n" { "" } else { "\n" };
    let written = format!("{ends}{}", events::start_line());
    file.write_all(written.as_bytes())?;
    Ok(length + written.len() as u64)
}
