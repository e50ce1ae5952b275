//! The parts of a call, each one request: an answer from the call's ledger, or a run that the ledger knows of. Without a
//! ledger its run ends with the caller.

use std::sync::Arc;

use super::call::batch::Item;
use super::call::ledger::Ledger;
use super::call::part::PartAnswer;
use super::dispatcher::{Caching, Dispatcher, Options, Owner};
use super::engine::Receipt;
use super::leash::OnNews;
use crate::config::model::Config;
use crate::config::plan::RequestError;

/// Where the parts of a call run.
pub struct Parts<'a> {
    /// What runs them.
    pub dispatcher: &'a Dispatcher,
    /// The configuration that they run with.
    pub config: &'a Config,
    /// The call's notes, where it goes on whatever becomes of this process.
    pub ledger: Option<&'a Arc<Ledger>>,
    /// Whether their answers may come from the cache.
    pub caching: Caching,
}

impl Parts<'_> {
    /// Whether a part may have a job that is paid for.
    #[must_use]
    pub fn may_have_job(&self, part: usize) -> bool {
        self.ledger.is_some_and(|ledger| ledger.may_have_job(number(part)))
    }

    /// The answer of a part, and its receipt. Its run is started unless an earlier process did that.
    ///
    /// # Errors
    /// [`RequestError`] for a request that should have been checked before.
    pub async fn run(
        &self,
        part: usize,
        item: &Item,
        on_news: OnNews<'_>,
    ) -> Result<(PartAnswer, Option<Receipt>), RequestError> {
        let part = number(part);
        if let Some(answer) = self.ledger.and_then(|ledger| ledger.answer(part)) {
            return Ok((answer, None));
        }
        let owner = self.ledger.map_or(Owner::Caller, |ledger| Owner::Call(Arc::clone(ledger), part));
        let options = Options { owner, ..Options::new(self.caching) };
        let delivery = self.dispatcher.dispatch(self.config, &item.request, options, on_news).await?;
        let (answer, receipt) = self.dispatcher.part_answer(item, delivery).await;
        // The answer of one that was submitted is in its job.
        if let Some(ledger) = self.ledger.filter(|ledger| !ledger.was_submitted(part)) {
            let (ledger, answer) = (Arc::clone(ledger), answer.clone());
            self.dispatcher.engine().blocking().run(move || ledger.settle(part, answer)).await;
        }
        Ok((answer, receipt))
    }
}

/// A part's number in the ledger. No call has more parts.
fn number(part: usize) -> u32 {
    u32::try_from(part).unwrap_or(u32::MAX)
}
