//! Requests that become tasks: the caller gets the id of a job instead of waiting, and asks any server for it later.
//!
//! A task's job is on disk and supervised before its id is given away, and it belongs to nobody's connection. Its record
//! stays when the answer was read, since a client may ask again, after a restart say; it goes as every job goes that
//! nobody waited for: with `dispatch_gc`, `agent-dispatch gc` or `settings.job_retention_days`.

use tokio::sync::oneshot;

use super::owner::follow;
use super::singleflight::{Asked, Waiter};
use super::task_handle::TaskHandle;
use super::{Caching, Dispatcher, cached, preflight, without_answer};
use crate::config::model::Config;
use crate::config::plan::{Request, RequestError};
use crate::machines::answer::{Answer, ErrorType};
use crate::machines::plan::RunPlan;
use crate::shell::engine::{Delivery, Engine};
use crate::shell::random;
use crate::shell::record::Form;

/// What became of a request that may become a task.
#[derive(Debug)]
pub enum Begun {
    /// It was answered at once (from the cache, or because it cannot run), or after waiting for an identical request's run.
    Answer(Box<Delivery>),
    /// It is a task.
    Task(TaskHandle),
}

impl Dispatcher {
    /// Begins a run as a task whose answer is given in this form; without one, whoever asks for it gets the job's record.
    ///
    /// # Errors
    /// [`RequestError`] for the caller's mistakes.
    pub async fn begin(
        &self,
        config: &Config,
        request: &Request,
        caching: Caching,
        form: Option<Form>,
    ) -> Result<Begun, RequestError> {
        let (run, key) = self.prepare(config, request, random::session_id(), caching)?;
        let max_depth = config.settings.max_dispatch_depth;
        let Some((key, limits)) = key else {
            return Ok(match submit(&self.engine, &run, max_depth, form).await {
                Ok(task) => Begun::Task(task),
                Err(answer) => Begun::Answer(Box::new(Delivery::unpaid(*answer))),
            });
        };
        let (payer, mine) = oneshot::channel();
        let (engine, plan) = (self.engine.clone(), run.clone());
        let asked = self.runs.ask(&key, limits, |announcer| async move {
            let task = match submit(&engine, &plan, max_depth, form).await {
                Ok(task) => task,
                Err(answer) => return Delivery::unpaid(*answer),
            };
            let id = task.id();
            announcer.task(&task);
            // A payer that is gone drops the task, and so cancels the job.
            drop(payer.send(task));
            let failed = |error| Answer::failure(&plan.agent, ErrorType::CliError, format!("{error}"));
            // For the cache, and for those who share the run without being told of tasks.
            Delivery::unpaid(follow(&engine, id, &mut |_| {}).await.unwrap_or_else(failed))
        });
        let (waiter, pays, task) = match asked {
            Asked::Cached(answer) => {
                return Ok(Begun::Answer(Box::new(Delivery::unpaid(cached(&self.engine, &run, &answer)))));
            }
            Asked::Paid(waiter) => (waiter, true, mine.await.ok()),
            Asked::Joined(waiter) => {
                let task = waiter.task(form).await;
                (waiter, false, task)
            }
        };
        Ok(match task {
            None => Begun::Answer(Box::new(self.waited_for(waiter, pays, &run, &mut |_| {}).await)),
            Some(task) => {
                // From here on its task keeps the run alive.
                if pays {
                    waiter.leave_running()
                } else {
                    self.account_joined(run, waiter)
                }
                Begun::Task(task)
            }
        })
    }

    /// Has the line of a request written that joined a task, once the run has ended: its answer cost nothing.
    fn account_joined(&self, run: RunPlan, waiter: Waiter) {
        let (engine, ended) = (self.engine.clone(), waiter.leave());
        tokio::spawn(async move {
            if let Some(answer) = ended.await {
                drop(cached(&engine, &run, &answer));
            }
        });
    }
}

/// Submits the job of a task, or answers at once.
async fn submit(engine: &Engine, run: &RunPlan, max_depth: u32, form: Option<Form>) -> Result<TaskHandle, Box<Answer>> {
    if let Some(answer) = preflight::refused(engine, run, max_depth).await {
        return Err(Box::new(answer));
    }
    let plan = run.clone();
    let submit = move |engine: Engine| {
        let id = engine.submit_detached(&plan, form)?;
        Ok(TaskHandle::first(engine, id, form))
    };
    engine.in_turn(submit).await.map_err(|error| Box::new(without_answer(engine, run, error)))
}
