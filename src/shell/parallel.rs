//! Several requests in one call: run as many at once as the settings allow, then put together by an agent if wanted.
//!
//! Each is a run like every other. Dropping the future ends all of them; answers that are there by then stay in the job
//! store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde::{Serialize, Serializer};

use super::call::OnLine;
use super::call::batch::{Batch, Item};
use super::call::ledger::Ledger;
use super::call::part::PartAnswer;
use super::dispatcher::{Caching, Dispatcher, Held};
use super::engine::{Delivery, Receipt};
use super::leash::{News, OnNews};
use super::random;
use crate::config::model::Config;
use crate::config::plan::{Request, RequestError};
use crate::machines::answer::{Answer, ErrorType};
use crate::machines::call::Tally;
use crate::machines::parallel::board::Board;
use crate::machines::parallel::{self, Effect, Event, State};

/// What came of it.
#[derive(Debug)]
pub struct Gathered {
    /// What is told of each item, in their order.
    pub parts: Vec<PartAnswer>,
    /// What the aggregator made of it.
    pub aggregated: Option<Answer>,
    /// To be redeemed when all of that was delivered.
    pub receipts: Vec<Receipt>,
}

/// An answer with an aggregate, keys in the order of the contract.
#[derive(Serialize)]
struct Aggregated<'a> {
    individual_results: &'a [PartAnswer],
    aggregated: &'a Answer,
}

impl Serialize for Gathered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let individual_results = &self.parts;
        match &self.aggregated {
            Some(aggregated) => Aggregated { individual_results, aggregated }.serialize(serializer),
            None => individual_results.serialize(serializer),
        }
    }
}

impl Gathered {
    /// How its parts ended.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for (index, PartAnswer { answer, .. }) in self.parts.iter().enumerate() {
            tally.add(|| format!("#{} {}", index.saturating_add(1), answer.agent), answer);
        }
        self.aggregated.iter().for_each(|answer| tally.add(|| format!("aggregate {}", answer.agent), answer));
        tally
    }
}

/// Checks everything that can be checked without a run. The error says which item it is, from 0; `None` for the aggregator.
///
/// # Errors
/// The first mistake.
pub fn check(dispatcher: &Dispatcher, config: &Config, batch: &Batch) -> Result<(), (Option<usize>, RequestError)> {
    for (index, item) in batch.items.iter().enumerate() {
        dispatcher.check(config, &item.request).map_err(|error| (Some(index), error))?;
    }
    let aggregation = batch.aggregation([].iter());
    aggregation.map_or(Ok(()), |request| dispatcher.check(config, &request).map_err(|error| (None, error)))
}

/// Runs a call to its answer. With a ledger its parts are noted there, the aggregator behind the items, and go on whatever
/// becomes of this process. `tell` hears a line whenever something happened.
pub async fn run(
    dispatcher: &Dispatcher,
    config: &Config,
    batch: &Batch,
    ledger: Option<&Arc<Ledger>>,
    tell: OnLine<'_>,
) -> Gathered {
    let items = u32::try_from(batch.items.len()).unwrap_or(u32::MAX);
    let (mut state, effects) = parallel::begin(items, batch.aggregate.is_some());
    let mut due = effects.into_iter().next();
    let agents = batch.items.iter().map(|item| item.request.agent.clone()).collect();
    let teller = Teller(Mutex::new((Board::new(agents), tell)));
    let mut ended = batch.items.iter().map(|_| None).collect::<Vec<_>>();
    let place = Place { dispatcher, config, ledger };
    let mut waiting = place.in_order(&batch.items).into_iter();
    let mut running = FuturesUnordered::new();
    for (index, item) in waiting.by_ref().take(parallel::window(config.settings.max_concurrency)) {
        running.push(run_item(&place, &teller, index, item));
    }
    while let Some((index, part, receipt)) = running.next().await {
        if let Some((index, item)) = waiting.next() {
            running.push(run_item(&place, &teller, index, item));
        }
        ended[index] = Some((part, receipt));
        (state, due) = taken(state, Event::ItemEnded);
    }
    let (parts, receipts): (Vec<_>, Vec<_>) = ended.into_iter().flatten().unzip();
    let mut gathered = Gathered { parts, aggregated: None, receipts: receipts.into_iter().flatten().collect() };
    if let (Some(Effect::StartAggregate), Some(agent)) = (due, &batch.aggregate) {
        let delivery = put_together(&place, batch, agent, &gathered.parts, &teller).await;
        gathered.aggregated = Some(delivery.answer);
        gathered.receipts.extend(delivery.receipt);
        (state, due) = taken(state, Event::AggregateEnded);
    }
    tracing::debug!(state = state.name(), ?due, "a call is answered");
    gathered
}

/// The state after an event and what is due then.
fn taken(state: State, event: Event) -> (State, Option<Effect>) {
    match parallel::step(state, &event) {
        Ok((next, effects)) => (next, effects.into_iter().next()),
        Err(refused) => {
            tracing::error!(%refused, "a call lost count of its items");
            (state, None)
        }
    }
}

/// Where the requests of a call run.
struct Place<'a> {
    dispatcher: &'a Dispatcher,
    config: &'a Config,
    ledger: Option<&'a Arc<Ledger>>,
}

impl Place<'_> {
    /// The items in the order in which they are begun: first those whose runs are paid for already, so that identical ones
    /// join them.
    fn in_order<'b>(&self, items: &'b [Item]) -> Vec<(usize, &'b Item)> {
        let may_have_job = |index| self.ledger.is_some_and(|ledger| ledger.may_have_job(number(index)));
        let (mut begun, others): (Vec<_>, Vec<_>) =
            items.iter().enumerate().partition(|(index, _)| may_have_job(*index));
        begun.extend(others);
        begun
    }

    /// What is told of a part that had its answer without a run, before this process.
    fn told(&self, index: usize) -> Option<PartAnswer> {
        self.ledger?.answer(number(index))
    }

    async fn dispatch(&self, index: usize, request: &Request, on_news: OnNews<'_>) -> Delivery {
        let held = self.ledger.map_or(Held::ByCaller, |ledger| Held::ByCall(Arc::clone(ledger), number(index)));
        let fresh = random::session_id();
        let run = self.dispatcher.dispatch_held(held, fresh, self.config, request, Caching::Allowed, on_news);
        run.await.unwrap_or_else(|mistake| refused(&request.agent, &mistake))
    }

    async fn settle(&self, index: usize, part: &PartAnswer) {
        // The answer of one that was submitted is in its job.
        if let Some(ledger) = self.ledger.filter(|ledger| !ledger.was_submitted(number(index))) {
            let (ledger, part) = (Arc::clone(ledger), part.clone());
            self.dispatcher.engine().blocking().run(move || ledger.settle(number(index), part)).await;
        }
    }
}

/// A part's place in the ledger. A call has no more items than that.
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

async fn run_item(
    place: &Place<'_>,
    teller: &Teller<'_>,
    index: usize,
    item: &Item,
) -> (usize, PartAnswer, Option<Receipt>) {
    if let Some(part) = place.told(index) {
        teller.ended(index, &part.answer);
        return (index, part, None);
    }
    let delivery = place.dispatch(index, &item.request, &mut |news| teller.hear(index, news)).await;
    teller.ended(index, &delivery.answer);
    let (part, mut receipt) = place.dispatcher.part_answer(item, delivery).await;
    place.settle(index, &part).await;
    // It is delivered with all others: until then its supervisor need not stay.
    receipt.iter_mut().for_each(Receipt::release);
    (index, part, receipt)
}

async fn put_together(
    place: &Place<'_>,
    batch: &Batch,
    agent: &str,
    parts: &[PartAnswer],
    teller: &Teller<'_>,
) -> Delivery {
    let index = batch.items.len();
    if let Some(part) = place.told(index) {
        return Delivery { answer: part.answer, receipt: None };
    }
    let request = batch.aggregation(parts.iter().map(|part| &part.answer)).unwrap_or_default();
    let delivery = place.dispatch(index, &request, &mut |news| teller.hear_aggregator(agent, news)).await;
    place.settle(index, &PartAnswer::whole(delivery.answer.clone())).await;
    delivery
}

/// A mistake that [`check`] did not see.
fn refused(agent: &str, mistake: &RequestError) -> Delivery {
    Delivery { answer: Answer::failure(agent, ErrorType::CliError, mistake.to_string()), receipt: None }
}

/// Passes on what happens to each item, in lines for the whole call.
struct Teller<'a>(Mutex<(Board, OnLine<'a>)>);

impl<'a> Teller<'a> {
    fn hear(&self, index: usize, news: &News) {
        if let Some(says) = news.says() {
            let (board, tell) = &mut *self.lock();
            tell(board.news(index, &says));
        }
    }

    fn hear_aggregator(&self, agent: &str, news: &News) {
        if let Some(says) = news.says() {
            let (board, tell) = &mut *self.lock();
            tell(board.aggregating(agent, &says));
        }
    }

    fn ended(&self, index: usize, answer: &Answer) {
        let (board, tell) = &mut *self.lock();
        tell(board.ended(index, answer));
    }

    fn lock(&self) -> MutexGuard<'_, (Board, OnLine<'a>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
