//! What keeps a run alive: its caller, who waits, or a call that goes on whoever dies.

use std::sync::Arc;

use super::{refused, without_answer};
use crate::machines::answer::{Answer, ErrorType};
use crate::machines::ids::JobId;
use crate::machines::plan::RunPlan;
use crate::shell::call::ledger::{Ledger, PartError};
use crate::shell::engine::{Delivery, Engine, EngineError};
use crate::shell::jobs::Jobs;
use crate::shell::leash::OnNews;
use crate::shell::store::StoreError;

/// What keeps a run alive.
#[derive(Debug, Clone)]
pub enum Held {
    /// Whoever waits for it: it ends when nobody does.
    ByCaller,
    /// A call of several requests, as this part of which it is noted; it goes on whoever dies.
    ByCall(Arc<Ledger>, u32),
}

impl Held {
    /// Whether the run may have begun before.
    pub(super) fn may_have_begun(&self) -> bool {
        match self {
            Self::ByCaller => false,
            Self::ByCall(ledger, part) => ledger.may_have_job(*part),
        }
    }
}

/// As [`super::perform`], for a part of a call: begins its job unless it has begun, and waits for its end.
pub(super) async fn perform(
    engine: &Engine,
    run: &RunPlan,
    max_depth: u32,
    (ledger, part): (&Arc<Ledger>, u32),
    on_news: OnNews<'_>,
) -> Delivery {
    if !ledger.may_have_job(part)
        && let Some(refused) = refused(engine, run, max_depth).await
    {
        return Delivery::unpaid(refused);
    }
    let taken = {
        let (engine, run, ledger, blocking) = (engine.clone(), run.clone(), Arc::clone(ledger), engine.blocking());
        let turn = engine.arrival().await;
        let submit = move || {
            let taken = ledger.take_up(part, |id| engine.submit_part(id, ledger.call(), &run));
            drop(turn);
            taken
        };
        blocking.run(submit).await
    };
    match taken {
        Ok(id) => follow(engine, run, id, on_news).await,
        Err(PartError::Submit(error)) => Delivery::unpaid(without_answer(engine, run, error)),
        Err(error) => Delivery::unpaid(Answer::failure(&run.agent, ErrorType::CliError, error.to_string())),
    }
}

/// Waits for the end of a job.
async fn follow(engine: &Engine, run: &RunPlan, id: JobId, on_news: OnNews<'_>) -> Delivery {
    let error = match Jobs::new(engine.clone()).to_the_end(id, on_news).await {
        Ok(record) => return Delivery { answer: record.into_answer(), receipt: Some(engine.receipt(id)) },
        Err(StoreError::NotFound(id)) => PartError::<EngineError>::Removed(id).to_string(),
        Err(error) => error.to_string(),
    };
    Delivery::unpaid(Answer::failure(&run.agent, ErrorType::CliError, error))
}
