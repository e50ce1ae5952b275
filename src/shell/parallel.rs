//! Several requests in one call: run as many at once as the settings allow, then put together by an agent if wanted.
//!
//! Each is a run like every other. Dropping the future ends all of them; answers that are there by then stay in the job
//! store.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde::{Serialize, Serializer};

use super::call::OnLine;
use super::call::batch::{Batch, Item};
use super::call::ledger::Ledger;
use super::call::part::PartAnswer;
use super::dispatcher::{Caching, Dispatcher};
use super::engine::Receipt;
use super::leash::News;
use super::parts::Parts;
use crate::config::model::Config;
use crate::config::plan::RequestError;
use crate::machines::answer::{Answer, ErrorType};
use crate::machines::call::Tally;
use crate::machines::effect::Effects;
use crate::machines::parallel::board::Board;
use crate::machines::parallel::{self, Effect, Event};

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

/// Runs a call to its answer: one step, its effects in order, the next event. With a ledger its parts are noted there, the
/// aggregator behind the items, and go on whatever becomes of this process. `tell` hears a line whenever something happened.
pub async fn run(
    dispatcher: &Dispatcher,
    config: &Config,
    batch: &Batch,
    ledger: Option<&Arc<Ledger>>,
    tell: OnLine<'_>,
) -> Gathered {
    let parts = Parts { dispatcher, config, ledger, caching: Caching::Allowed };
    let agents = batch.items.iter().map(|item| item.request.agent.clone()).collect();
    let teller = Teller { batch, board: Mutex::new((Board::new(agents), tell)) };
    let mut gathering = Gathering {
        parts: &parts,
        teller: &teller,
        batch,
        window: parallel::window(config.settings.max_concurrency),
        waiting: VecDeque::new(),
        running: FuturesUnordered::new(),
        ended: (0..=batch.items.len()).map(|_| None).collect(),
        answered: false,
    };
    let items = u32::try_from(batch.items.len()).unwrap_or(u32::MAX);
    let (mut state, effects) = parallel::begin(items, batch.aggregate.is_some());
    gathering.perform_all(effects);
    while let Some(event) = gathering.next_event().await {
        match parallel::step(state, &event) {
            Ok((next, effects)) => {
                state = next;
                gathering.perform_all(effects);
            }
            Err(_) => tracing::error!("bug: parallel rejected {} in {}", event.name(), state.name()),
        }
    }
    gathering.into_gathered()
}

/// The end of a part: its number, what is told of it, and its receipt.
type Ended = (usize, PartAnswer, Option<Receipt>);

/// A call that runs.
struct Gathering<'a> {
    parts: &'a Parts<'a>,
    teller: &'a Teller<'a>,
    batch: &'a Batch,
    /// How many items run or queue for a slot at once.
    window: usize,
    /// The items that have not begun, in the order in which they will.
    waiting: VecDeque<usize>,
    running: FuturesUnordered<Pin<Box<dyn Future<Output = Ended> + Send + 'a>>>,
    /// The items in their order, and the aggregator behind them.
    ended: Vec<Option<(PartAnswer, Option<Receipt>)>>,
    answered: bool,
}

impl<'a> Gathering<'a> {
    fn perform_all(&mut self, effects: Effects<Effect>) {
        for effect in effects {
            match effect {
                Effect::StartItems => {
                    // First those whose runs are paid for already, so that identical ones join them.
                    let (paid, others): (Vec<_>, Vec<_>) =
                        (0..self.batch.items.len()).partition(|index| self.parts.may_have_job(*index));
                    self.waiting.extend(paid.into_iter().chain(others));
                    (0..self.window).for_each(|_| self.start_next());
                }
                Effect::StartAggregate => {
                    let answers = self.ended.iter().flatten().map(|(part, _)| &part.answer);
                    if let Some(request) = self.batch.aggregation(answers) {
                        self.start(self.batch.items.len(), Cow::Owned(Item { request, summary_chars: None }));
                    }
                }
                Effect::Answer => self.answered = true,
            }
        }
    }

    /// The next part that ends; `None` once the call is answered.
    async fn next_event(&mut self) -> Option<Event> {
        if self.answered {
            return None;
        }
        let (index, part, receipt) = self.running.next().await?;
        self.start_next();
        self.ended[index] = Some((part, receipt));
        Some(if index < self.batch.items.len() { Event::ItemEnded } else { Event::AggregateEnded })
    }

    fn start_next(&mut self) {
        if let Some(index) = self.waiting.pop_front() {
            self.start(index, Cow::Borrowed(&self.batch.items[index]));
        }
    }

    fn start(&self, index: usize, item: Cow<'a, Item>) {
        self.running.push(Box::pin(run_part(self.parts, self.teller, index, item)));
    }

    fn into_gathered(mut self) -> Gathered {
        let (aggregated, receipt) = self.ended.pop().flatten().unzip();
        let (parts, receipts): (Vec<_>, Vec<_>) = self.ended.into_iter().flatten().unzip();
        Gathered {
            parts,
            aggregated: aggregated.map(|part| part.answer),
            receipts: receipts.into_iter().chain(receipt).flatten().collect(),
        }
    }
}

async fn run_part(parts: &Parts<'_>, teller: &Teller<'_>, index: usize, item: Cow<'_, Item>) -> Ended {
    let done = parts.run(index, &item, &mut |news| teller.hear(index, news)).await;
    let (part, mut receipt) = done.unwrap_or_else(|mistake| {
        // One that [`check`] did not see.
        (PartAnswer::whole(Answer::failure(&item.request.agent, ErrorType::CliError, mistake.to_string())), None)
    });
    teller.ended(index, &part.answer);
    // It is delivered with all others: until then its supervisor need not stay.
    receipt.iter_mut().for_each(Receipt::release);
    (index, part, receipt)
}

/// Passes on what happens to each part, in lines for the whole call.
struct Teller<'a> {
    batch: &'a Batch,
    board: Mutex<(Board, OnLine<'a>)>,
}

impl<'a> Teller<'a> {
    fn hear(&self, index: usize, news: &News) {
        let Some(says) = news.says() else { return };
        let (board, tell) = &mut *self.lock();
        tell(match &self.batch.aggregate {
            Some(agent) if index == self.batch.items.len() => board.aggregating(agent, &says),
            Some(_) | None => board.news(index, &says),
        });
    }

    fn ended(&self, index: usize, answer: &Answer) {
        if index < self.batch.items.len() {
            let (board, tell) = &mut *self.lock();
            tell(board.ended(index, answer));
        }
    }

    fn lock(&self) -> MutexGuard<'_, (Board, OnLine<'a>)> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
