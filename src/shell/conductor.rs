//! The supervisor of a call of several requests. It claims the call's job, runs the call with the same code as a server whose
//! caller waits, and writes the answer into the record. The parts are jobs without a leash: when this process dies, the next
//! conductor finds them in the ledger.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::abandon::abandon;
use super::call::ledger::Ledger;
use super::call::{CallPlan, CallRequest};
use super::dispatcher::Dispatcher;
use super::engine::{Engine, Receipt};
use super::jobs::Jobs;
use super::record::Record;
use super::run_progress::RunProgress;
use super::store::{Patch, Store, StoreError};
use super::supervisor::SupervisorError;
use super::{clock, dialogue, parallel};
use crate::config::plan::RequestError;
use crate::fs::atomic::Durability;
use crate::fs::failpoint;
use crate::machines::activity::Activity;
use crate::machines::adoption::FirstStep;
use crate::machines::answer::{Answer, ErrorType};
use crate::machines::call::Tally;
use crate::machines::conclusion::{RESCUE_ATTEMPTS, RESCUE_PAUSE_MS};
use crate::machines::ids::JobId;
use crate::machines::job::Event;
use crate::os::program;

/// How often to look whether there is progress to write: soon enough for who watches, and next to no work.
const SHOW_INTERVAL: Duration = Duration::from_millis(200);

/// What a call came to.
struct CallOutcome {
    text: String,
    tally: Tally,
    /// Of the parts whose answers are told in full.
    receipts: Vec<Receipt>,
}

/// Goes on with a call to its end. Whoever calls this holds the lock of its job.
///
/// # Errors
/// [`SupervisorError`] when it could not even begin.
pub fn conduct(store: &Store, record: &Record) -> Result<(), SupervisorError> {
    let id = record.id;
    let opened = CallPlan::read(store, &id).and_then(|call| Ok((call, Ledger::open(store.clone(), id)?)));
    let step = FirstStep::of(record.state(), opened.is_ok());
    let (event, (call, ledger)) = match (step.of_call(), opened) {
        (Some(event), Ok(both)) => (event, both),
        (None, Err(error)) if step != FirstStep::Leave => return Ok(give_up(store, record, &error)?),
        _ => return Ok(()),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        if !claim(store, &id, event)? {
            return Ok(());
        }
        let engine = Engine::new(store.clone(), program::own());
        let conductor = Conductor { store, id, jobs: Jobs::new(engine.clone()), shown: Arc::default() };
        let work = conductor.work(engine, call, Arc::new(ledger));
        tokio::pin!(work);
        let mut progress = RunProgress::default();
        let outcome = loop {
            tokio::select! {
                biased;
                _ = terminated.recv() => return conductor.stop(&mut progress),
                outcome = &mut work => break outcome,
                () = tokio::time::sleep(SHOW_INTERVAL) => conductor.show(&mut progress),
            }
        };
        conductor.take(&mut progress);
        Ok(conductor.conclude(record, outcome, &progress).await?)
    });
    runtime.shutdown_background();
    result
}

/// Notes in the record that somebody goes on with the call. False when nobody is to.
fn claim(store: &Store, id: &JobId, event: Event) -> Result<bool, StoreError> {
    failpoint::reach("claim_call");
    match store.step(id, &event, Patch::default(), Durability::Cached) {
        Ok(_) => {
            tracing::info!(%id, "{}", if event == Event::Adopt { "job adopted" } else { "job claimed" });
            Ok(true)
        }
        Err(StoreError::Rejected(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Ends a call whose files cannot be read: nobody will ever get further, and whoever waits would wait for ever.
fn give_up(store: &Store, record: &Record, error: &StoreError) -> Result<(), StoreError> {
    let error = format!(
        "the call cannot be taken up: {error}; what its parts have answered is in their own jobs, which name it as part_of"
    );
    let patch = Patch { error: Some(error), ..Patch::default() };
    match abandon(store, record, patch, Durability::Synced) {
        Ok(_) | Err(StoreError::Rejected(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

struct Conductor<'a> {
    store: &'a Store,
    id: JobId,
    jobs: Jobs,
    /// The lines since the last look.
    shown: Arc<Mutex<Vec<String>>>,
}

impl Conductor<'_> {
    /// Runs the call.
    async fn work(&self, engine: Engine, call: CallPlan, ledger: Arc<Ledger>) -> Result<CallOutcome, RequestError> {
        let CallPlan { what, config, origin, cached } = call;
        let config = config.into_config();
        let dispatcher = Dispatcher::new(engine, origin);
        for (request, answer) in cached {
            dispatcher.remember(&config, &request, answer);
        }
        let shown = Arc::clone(&self.shown);
        let mut tell = move |line| shown.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        match &what {
            CallRequest::Parallel(batch) => {
                let gathered = parallel::run(&dispatcher, &config, batch, Some(&ledger), &mut tell).await;
                Ok(CallOutcome { tally: gathered.tally(), text: to_json(&gathered), receipts: gathered.receipts })
            }
            CallRequest::Dialogue(talk) => {
                let (conversation, receipts) =
                    dialogue::run(&dispatcher, &config, talk, Some(&ledger), &mut tell).await?;
                Ok(CallOutcome { tally: conversation.tally(), text: to_json(&conversation), receipts })
            }
        }
    }

    /// The lines of which nothing was shown yet.
    fn take(&self, progress: &mut RunProgress) {
        for line in self.shown.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let activity = Activity { doing: Some(line.clone()), ..Activity::default() };
            progress.push(line, activity);
        }
    }

    fn show(&self, progress: &mut RunProgress) {
        self.take(progress);
        progress.write_when_due(self.store, &self.id);
    }

    async fn conclude(
        &self,
        record: &Record,
        outcome: Result<CallOutcome, RequestError>,
        progress: &RunProgress,
    ) -> Result<(), StoreError> {
        let (answer, receipts) = match outcome {
            Ok(CallOutcome { text, tally, receipts }) => {
                let duration_ms = clock::ms(clock::unix_seconds() - record.created_at);
                (tally.conclude(&record.agent, text, duration_ms), receipts)
            }
            // It was checked before it was submitted.
            Err(mistake) => (Answer::failure(&record.agent, ErrorType::CliError, mistake.to_string()), Vec::new()),
        };
        let event = Event::Finish { success: answer.success };
        let patch = Patch {
            error: answer.error.clone(),
            // Our own types: text keys and finite numbers.
            result: serde_json::to_value(&answer).ok(),
            ..Patch::default()
        };
        failpoint::reach("conclude_call");
        for _ in 0..RESCUE_ATTEMPTS {
            match self.store.conclude(&self.id, progress.unwritten(), &event, patch.clone(), Durability::Synced) {
                Ok(stepped) => {
                    tracing::info!(id = %self.id, success = answer.success, cost_usd = answer.cost_usd, "job ended");
                    failpoint::reach("concluded_call");
                    // Of a call that was marked before, the parts are all that is left.
                    if stepped.record.result.is_some() {
                        receipts.into_iter().for_each(Receipt::redeem);
                    }
                    return Ok(());
                }
                Err(StoreError::Rejected(_) | StoreError::NotFound(_)) => return Ok(()),
                Err(error) => tracing::error!(id = %self.id, %error, "the answer of a call cannot be written"),
            }
            tokio::time::sleep(Duration::from_millis(RESCUE_PAUSE_MS)).await;
        }
        Ok(())
    }

    /// The end on somebody's wish. Whoever marked the call ends its parts; of one that nobody marked, this process does.
    fn stop(&self, progress: &mut RunProgress) -> Result<(), SupervisorError> {
        self.take(progress);
        if let Some(progress) = progress.unwritten() {
            let patch = Patch { progress: Some(progress), ..Patch::default() };
            drop(self.store.step(&self.id, &Event::Progress, patch, Durability::Cached));
        }
        tracing::info!(id = %self.id, "job to end");
        let patch = Patch { error: Some("cancelled by a signal to its supervisor".to_owned()), ..Patch::default() };
        match self.store.step(&self.id, &Event::Cancel, patch, Durability::Cached) {
            Ok(_) => {}
            Err(StoreError::Rejected(_) | StoreError::NotFound(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        self.jobs.end_parts(&self.id);
        self.store.step(&self.id, &Event::Stopped, Patch::default(), Durability::Cached)?;
        Ok(())
    }
}

/// Our own types have text keys and finite numbers.
fn to_json<T: serde::Serialize>(answer: &T) -> String {
    serde_json::to_string(answer).unwrap_or_default()
}
