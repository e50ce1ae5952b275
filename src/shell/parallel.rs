//! Several requests in one call: run as many at once as the settings allow, then put together by an agent if wanted.
//!
//! Each is a run like every other. Dropping the future ends all of them; answers that are there by then stay in the job
//! store.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::dispatcher::{Caching, Delivery, Dispatcher};
use super::engine::Receipt;
use super::leash::News;
use super::part::{self, Item, Part};
use crate::config::model::Config;
use crate::config::plan::{Request, RequestError};
use crate::machines::answer::{Answer, ErrorType};
use crate::machines::parallel::aggregate::{self, Seen};
use crate::machines::parallel::board::Board;
use crate::machines::parallel::{self, Effect, Event, State};

/// What a call asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The requests, at least one.
    pub items: Vec<Item>,
    /// The agent that puts the answers together.
    pub aggregate: Option<String>,
}

/// What came of it.
#[derive(Debug)]
pub struct Gathered {
    /// What is told of each item, in their order.
    pub parts: Vec<Part>,
    /// What the aggregator made of it.
    pub aggregated: Option<Answer>,
    /// To be redeemed when all of that was delivered.
    pub receipts: Vec<Receipt>,
}

/// Checks everything that can be checked without a run. The error says which item it is, from 0; `None` for the aggregator.
///
/// # Errors
/// The first mistake.
pub fn check(dispatcher: &Dispatcher, config: &Config, batch: &Batch) -> Result<(), (Option<usize>, RequestError)> {
    for (index, item) in batch.items.iter().enumerate() {
        dispatcher.check(config, &item.request).map_err(|error| (Some(index), error))?;
    }
    let aggregate = batch.aggregate.as_deref().map(|agent| aggregation(agent, String::new()));
    aggregate.map_or(Ok(()), |request| dispatcher.check(config, &request).map_err(|error| (None, error)))
}

/// Runs a call to its answer. `tell` hears a line whenever something happened.
pub async fn run(dispatcher: &Dispatcher, config: &Config, batch: &Batch, tell: impl FnMut(String) + Send) -> Gathered {
    let items = u32::try_from(batch.items.len()).unwrap_or(u32::MAX);
    let (mut state, effects) = parallel::begin(items, batch.aggregate.is_some());
    let mut due = effects.into_iter().next();
    let agents = batch.items.iter().map(|item| item.request.agent.clone()).collect();
    let teller = Teller(Mutex::new((Board::new(agents), tell)));
    let mut ended = batch.items.iter().map(|_| None).collect::<Vec<_>>();
    let mut waiting = batch.items.iter().enumerate();
    let mut running = FuturesUnordered::new();
    for (index, item) in waiting.by_ref().take(parallel::window(config.settings.max_concurrency)) {
        running.push(run_item(dispatcher, config, &teller, index, item));
    }
    while let Some((index, part, receipt)) = running.next().await {
        if let Some((index, item)) = waiting.next() {
            running.push(run_item(dispatcher, config, &teller, index, item));
        }
        ended[index] = Some((part, receipt));
        (state, due) = taken(state, Event::ItemEnded);
    }
    let (parts, receipts): (Vec<_>, Vec<_>) = ended.into_iter().flatten().unzip();
    let mut gathered = Gathered { parts, aggregated: None, receipts: receipts.into_iter().flatten().collect() };
    if let (Some(Effect::StartAggregate), Some(agent)) = (due, &batch.aggregate) {
        let delivery = put_together(dispatcher, config, batch, agent, &gathered.parts, &teller).await;
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

async fn run_item(
    dispatcher: &Dispatcher,
    config: &Config,
    teller: &Teller<impl FnMut(String) + Send>,
    index: usize,
    item: &Item,
) -> (usize, Part, Option<Receipt>) {
    let on_news = |news: &News| teller.hear(index, news);
    let delivery = match dispatcher.dispatch(config, &item.request, Caching::Allowed, on_news).await {
        Ok(delivery) => delivery,
        Err(mistake) => refused(&item.request.agent, &mistake),
    };
    teller.ended(index, &delivery.answer);
    let (part, mut receipt) = part::of(dispatcher, item, delivery).await;
    // It is delivered with all others: until then its supervisor need not stay.
    receipt.iter_mut().for_each(Receipt::release);
    (index, part, receipt)
}

async fn put_together(
    dispatcher: &Dispatcher,
    config: &Config,
    batch: &Batch,
    agent: &str,
    parts: &[Part],
    teller: &Teller<impl FnMut(String) + Send>,
) -> Delivery {
    let seen = parts.iter().zip(&batch.items);
    let seen = seen.map(|(part, item)| Seen { answer: &part.answer, summary_chars: item.summary_chars });
    let request = aggregation(agent, aggregate::context(&seen.collect::<Vec<_>>()));
    let on_news = |news: &News| teller.hear_aggregator(agent, news);
    dispatcher
        .dispatch(config, &request, Caching::Allowed, on_news)
        .await
        .unwrap_or_else(|mistake| refused(agent, &mistake))
}

fn aggregation(agent: &str, context: String) -> Request {
    Request {
        agent: agent.to_owned(),
        task: aggregate::TASK.to_owned(),
        context,
        caller: aggregate::CALLER.to_owned(),
        goal: aggregate::GOAL.to_owned(),
        ..Request::default()
    }
}

/// A mistake that [`check`] did not see.
fn refused(agent: &str, mistake: &RequestError) -> Delivery {
    Delivery { answer: Answer::failure(agent, ErrorType::CliError, mistake.to_string()), receipt: None }
}

/// Passes on what happens to each item, in lines for the whole call.
struct Teller<F>(Mutex<(Board, F)>);

impl<F: FnMut(String)> Teller<F> {
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

    fn lock(&self) -> MutexGuard<'_, (Board, F)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
