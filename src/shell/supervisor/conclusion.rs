//! The end of a run: its verdict, its record, and the hand-over of the answer to the caller.

use std::path::PathBuf;
use std::time::Duration;

use super::Supervision;
use crate::fs::atomic::Durability;
use crate::fs::failpoint;
use crate::machines::answer::{Answer, ErrorType, Outcome};
use crate::machines::conclusion::{self, RESCUE_ATTEMPTS, RESCUE_PAUSE_MS, Rescue, Written};
use crate::machines::dispatch::End;
use crate::machines::events::ResultEvent;
use crate::machines::job;
use crate::machines::mcp_servers::ConfigFile;
use crate::machines::verdict::{self, Evidence};
use crate::os::capability;
use crate::shell::directory_facts::{self, DirectoryFacts};
use crate::shell::leash::News;
use crate::shell::record::Record;
use crate::shell::session_file;
use crate::shell::spawner::ProcessSpawner;
use crate::shell::store::{Patch, Store, StoreError};
use crate::shell::usage;

/// How long the caller may take to receive the answer and to redeem its receipt before the supervisor leaves.
const FAREWELL: Duration = Duration::from_secs(10);
/// How long the usage journal may take, which is microseconds: a busy machine must not cost a line, a dead disk not an
/// answer.
const USAGE_PATIENCE: Duration = Duration::from_secs(2);

impl<S: ProcessSpawner> Supervision<'_, S> {
    /// Judges what is known, and stores the answer.
    pub(super) async fn conclude(&mut self, end: End) {
        let facts = self.directory_facts().await;
        let evidence = Evidence {
            plan: self.plan,
            begun: self.output.signs(true).begun,
            mcp_servers: self.output.mcp_servers.take().unwrap_or_default(),
            mcp_config_error: facts.mcp_config_error,
            settings: facts.settings,
            system_lack: capability::stopping().map(|lack| lack.told()),
            ending: conclusion::end_reason(end, self.exit, self.not_started.take()),
            omitted: self.run.omitted,
            result: self.output.result.take(),
            held_back: !end.takes_result(),
            unfinished: self.output.tasks.unfinished(),
            missed: self.output.missed.take(),
            last_text: self.output.last_text.take(),
            last_retry: self.output.last_retry.take(),
            rate_limit: self.output.rate_limit.take(),
            session_kept: self.output.plain.is_some() && session_file::exists(self.plan.session.id()),
            plain: self.output.plain.take(),
            stray: self.output.stray.take(),
            stderr: std::mem::take(&mut self.stderr),
            permission_mode: self.output.permission_mode.take(),
            session_id: self.output.session_id.take(),
            suggested_timeout_seconds: self.suggested_timeout(end).await,
            resumptions: self.resumptions(),
            paid_before_usd: self.output.paid_before_usd,
            wall_ms: self.output.wall_ms(self.claimed.as_ref().and_then(|record| record.started_at)),
        };
        let answered = evidence.is_answered();
        let answer = verdict::judge(evidence);
        let event = job::Event::of_run(end, answered, answer.success);
        self.account(end, answered, &answer).await;
        let (success, cost_usd, took_ms) = (answer.success, answer.cost_usd, answer.duration_ms);
        let (outcome, error_type) = (answer.outcome.map(Outcome::as_str), answer.error_type.map(ErrorType::as_str));
        tracing::info!(id = %self.id, event = event.name(), success, outcome, error_type, cost_usd, took_ms, "job ended");
        // Our own types: text keys and finite numbers. The answer goes with it: it may have 50 MB.
        let patch = Patch {
            error: answer.error.clone(),
            no_session: answer.session_id.is_none(),
            result: serde_json::to_value(answer).ok(),
            ..Patch::default()
        };
        self.store_conclusion(&event, patch, answered).await;
        if conclusion::is_worthless(end, self.claimed.is_some()) {
            drop(self.store.collect(&self.id));
        }
    }

    /// What the project brings into the run, where a run began; the settings only where they may be asked for.
    async fn directory_facts(&self) -> DirectoryFacts {
        let results = [&self.output.result, &self.output.missed];
        let denied = |event: &ResultEvent| !event.all_denials().is_empty() || event.is_deferred();
        let with_settings = results.into_iter().flatten().any(denied);
        let wanted = with_settings || matches!(self.output.mcp_file, ConfigFile::There(_));
        // A thread is a tenth of what a job costs.
        let Some(directory) = self.plan.known_directory().filter(|_| wanted).map(PathBuf::from) else {
            return DirectoryFacts::default();
        };
        let look = move || directory_facts::look(&directory, with_settings);
        let looked = tokio::time::timeout(directory_facts::PATIENCE, tokio::task::spawn_blocking(look)).await;
        looked.map(Result::unwrap_or_default).unwrap_or_default()
    }

    /// What the agent's past runs suggest to a run that had too little time.
    async fn suggested_timeout(&self, end: End) -> Option<u64> {
        let journal = usage::Journal::of(self.plan).filter(|_| matches!(end, End::TimedOut { .. }))?;
        let agent = self.plan.agent.clone();
        let look = move || usage::History::of(journal).look().suggested_timeout_seconds(&agent);
        tokio::time::timeout(USAGE_PATIENCE, tokio::task::spawn_blocking(look)).await.ok()?.ok()?
    }

    /// Has the run's line written into the usage journal.
    async fn account(&self, end: End, answered: bool, answer: &Answer) {
        let cancelled = matches!(end, End::Cancelled { .. }) && !answered;
        let marked = || self.store.summary(&self.id).is_ok_and(|job| job.status == job::Status::Cancelled);
        if !conclusion::is_accounted(self.claimed.is_some(), cancelled, marked) {
            return;
        }
        let claimed_at = self.claimed.as_ref().and_then(|record| record.started_at);
        let started_at = claimed_at.filter(|_| end != End::NotStarted);
        let run = usage::Run { job: &self.id, started_at, cancelled };
        let Some(line) = usage::UsageLine::of_run(self.plan, answer, run) else { return };
        let (id, taken_over, beside) = (self.id, self.taken_over, line.is_beside(self.store.directory()));
        let write = move || if taken_over { line.write_once(&id) } else { line.write() };
        // A disk that is dead for the line is so for the answer as well. The thread is a tenth of what a job costs.
        if beside {
            return write();
        }
        drop(tokio::time::timeout(USAGE_PATIENCE, tokio::task::spawn_blocking(write)).await);
    }

    async fn store_conclusion(&mut self, event: &job::Event, patch: Patch, answered: bool) {
        // With a caller the record is removed when the answer was received, or else synced (see `take_leave`).
        let durability = if self.leash.is_some() { Durability::Brief } else { Durability::Synced };
        failpoint::reach("conclude");
        for _ in 0..RESCUE_ATTEMPTS {
            let progress = self.progress.unwritten();
            let written = match self.store.conclude(&self.id, progress, event, patch.clone(), durability) {
                Ok(stepped) if stepped.record.status == job::Status::Cancelled => Written::MarkedBefore,
                Ok(_) => Written::Stored,
                Err(StoreError::Rejected(_)) => Written::Refused,
                Err(error) => {
                    tracing::error!(id = %self.id, %error, "the answer cannot be written");
                    Written::Failed
                }
            };
            if written.is_enough(answered) {
                failpoint::reach("concluded");
                return;
            }
            let record = self.unwritten(event, patch.clone());
            match Rescue::of(self.leash.is_some(), record.is_some()) {
                Rescue::Tell => {
                    if let Some((leash, record)) = self.leash.as_mut().zip(record) {
                        leash.tell(&News::Rescued(Box::new(record)));
                    }
                    return;
                }
                Rescue::GiveUp => return,
                Rescue::TryAgain => tokio::time::sleep(Duration::from_millis(RESCUE_PAUSE_MS)).await,
            }
        }
    }

    /// The record with the end that could not be written. Without a leash only where it is still there and takes the event.
    fn unwritten(&self, event: &job::Event, patch: Patch) -> Option<Record> {
        let claimed = self.claimed.clone().filter(|_| self.leash.is_some());
        let record = claimed.or_else(|| self.store.read(&self.id).ok())?;
        Store::preview(record, event, patch).ok()
    }

    /// Tells the caller, and waits until the answer is received or the caller is gone. An answer that stays in the store
    /// is put on the disk for good.
    pub(super) async fn take_leave(&mut self) {
        let Some(mut leash) = self.leash.take() else { return };
        failpoint::reach("tell");
        leash.tell(&News::Ended);
        failpoint::reach("told");
        let received = async {
            while leash.is_behind() {
                leash.writable().await;
                leash.flush();
            }
            leash.closed().await;
        };
        drop(tokio::time::timeout(FAREWELL, received).await);
        if let Err(error) = self.store.sync(&self.id) {
            tracing::debug!(id = %self.id, %error, "record not synced");
        }
    }
}
