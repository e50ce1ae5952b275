//! The job of a task between its submission and the moment when its id has left this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::machines::ids::JobId;
use crate::shell::engine::Engine;
use crate::shell::jobs::Jobs;
use crate::shell::record::Form;

/// A job whose id is about to be given away. When all handles to it are dropped and none was delivered, the job is cancelled:
/// nobody knows of it, and it would cost unseen.
#[derive(Debug)]
pub struct TaskHandle(Arc<TaskClaim>);

/// A job that several callers may be given a handle to.
#[derive(Debug)]
pub(super) struct TaskClaim {
    engine: Engine,
    id: JobId,
    /// In which form its answer is given.
    form: Option<Form>,
    handles: AtomicUsize,
    delivered: AtomicBool,
}

impl TaskHandle {
    /// Of a job that was just submitted. One without a form was never a task: it runs whether or not its caller hears of it.
    pub(super) fn first(engine: Engine, id: JobId, form: Option<Form>) -> Self {
        let (handles, delivered) = (AtomicUsize::new(1), AtomicBool::new(form.is_none()));
        Self(Arc::new(TaskClaim { engine, id, form, handles, delivered }))
    }

    /// A further handle; `None` where the answer is wanted in another form.
    pub(super) fn shared(claim: &Arc<TaskClaim>, form: Option<Form>) -> Option<Self> {
        (claim.form == form).then(|| {
            claim.handles.fetch_add(1, Ordering::AcqRel);
            Self(Arc::clone(claim))
        })
    }

    /// What further handles are made of.
    pub(super) fn claim(&self) -> Arc<TaskClaim> {
        Arc::clone(&self.0)
    }

    /// The job.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.0.id
    }

    /// Its id has left this process.
    pub fn delivered(self) {
        self.0.delivered.store(true, Ordering::Release);
    }
}

impl Drop for TaskHandle {
    fn drop(&mut self) {
        if self.0.handles.fetch_sub(1, Ordering::AcqRel) > 1 || self.0.delivered.load(Ordering::Acquire) {
            return;
        }
        let (id, blocking) = (self.0.id, self.0.engine.blocking().clone());
        let jobs = Jobs::new(self.0.engine.clone());
        let cancel = move || match jobs.cancel(&id) {
            Ok(_) => tracing::info!(%id, "a task whose caller never heard of it is cancelled"),
            Err(error) => tracing::warn!(%id, %error, "a task whose caller never heard of it is not cancelled"),
        };
        match tokio::runtime::Handle::try_current() {
            Ok(_) => blocking.start(cancel),
            // The process ends.
            Err(_) => cancel(),
        }
    }
}
