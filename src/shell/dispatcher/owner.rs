//! Owners of runs; starting a run and waiting for it by its owner.

use std::sync::Arc;

use super::{preflight, without_answer};
use crate::machines::answer::{Answer, ErrorType};
use crate::machines::ids::JobId;
use crate::machines::plan::RunPlan;
use crate::shell::call::ledger::{Ledger, PartError};
use crate::shell::engine::{Delivery, Engine, EngineError};
use crate::shell::jobs::Jobs;
use crate::shell::leash::OnNews;
use crate::shell::record::Record;
use crate::shell::store::StoreError;

/// What keeps a run alive.
#[derive(Debug, Clone)]
pub enum Owner {
    /// Whoever waits for it: it ends when nobody does.
    Caller,
    /// A call of several requests, as this part in its ledger: it goes on whoever dies.
    Call(Arc<Ledger>, u32),
}

impl Owner {
    /// Whether the run may have been paid for before.
    pub(super) fn may_have_begun(&self) -> bool {
        match self {
            Self::Caller => false,
            Self::Call(ledger, part) => ledger.may_have_job(*part),
        }
    }
}

/// One run, from the checks that cost nothing to its answer.
pub(super) async fn perform(
    engine: &Engine,
    run: &RunPlan,
    max_depth: u32,
    owner: &Owner,
    on_news: OnNews<'_>,
) -> Delivery {
    if !owner.may_have_begun()
        && let Some(answer) = preflight::refused(engine, run, max_depth).await
    {
        return Delivery::unpaid(answer);
    }
    let done = match owner {
        Owner::Caller => engine.run(run, on_news).await.map_err(PartError::Submit),
        Owner::Call(ledger, part) => as_part(engine, run, (ledger, *part), on_news).await,
    };
    done.unwrap_or_else(|error| {
        Delivery::unpaid(match error {
            PartError::Submit(error) => without_answer(engine, run, error),
            error => Answer::failure(&run.agent, ErrorType::CliError, error.to_string()),
        })
    })
}

/// Submits a part's job, unless that is there, and waits for its end.
async fn as_part(
    engine: &Engine,
    run: &RunPlan,
    (ledger, part): (&Arc<Ledger>, u32),
    on_news: OnNews<'_>,
) -> Result<Delivery, PartError<EngineError>> {
    let (run, ledger) = (run.clone(), Arc::clone(ledger));
    let submit = move |engine: Engine| ledger.take_up(part, |id| engine.submit_part(id, ledger.call(), &run));
    let id = engine.in_turn(submit).await?;
    match follow(engine, id, on_news).await {
        Ok(answer) => Ok(Delivery { answer, receipt: Some(engine.receipt(id)) }),
        Err(StoreError::NotFound(id)) => Err(PartError::Removed(id)),
        Err(error) => Err(error.into()),
    }
}

/// Waits for the end of a job that no connection holds.
pub(super) async fn follow(engine: &Engine, id: JobId, on_news: OnNews<'_>) -> Result<Answer, StoreError> {
    Jobs::new(engine.clone()).to_the_end(id, on_news).await.map(Record::into_answer)
}
