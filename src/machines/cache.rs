//! Clean answers in a server's memory: what is held, for how long, and what goes first.
//!
//! Each entry lives the life that [`entry`] decides; this container keys the entries, orders them and counts. A request
//! that finds nothing *pays*: it gets a [`Ticket`] and owes the cache an end for it ([`Cache::insert`],
//! [`Cache::discard`] or [`Cache::leave`]). Identical requests meanwhile *join* that run instead of paying again.
//!
//! - **Generation.** A ticket belongs to the settings that were in force when it was given. [`Cache::drop_agent`] and
//!   [`Cache::clear`] outdate the tickets that are out: the askers get their answer, the cache keeps nothing of it.
//! - **Order.** The oldest insertion goes first. Reading neither refreshes an entry nor moves it. An answer is inserted
//!   once for each ticket and never for a key that is held, so an insertion never replaces an entry: it evicts for room
//!   and nothing else, and a key that was gone before goes to the back like any new one.
//! - **Limits** come with every call, because the configuration is read anew for every call. A longer time to live or a
//!   larger size applies to what is held at that moment, a smaller one takes effect with the next call.

pub mod entry;
mod key;

use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};

use super::answer::{Answer, Outcome};
use super::effect::Effects;
use super::time::Millis;
use entry::{Effect, Event, State};
pub use key::{Key, Request};

/// Milliseconds in a second: the configuration counts in seconds, the machine in milliseconds.
const MS_PER_SECOND: u64 = 1_000;
/// Decimals of the hit rate that is shown, as a factor.
const HIT_RATE_SCALE: f64 = 1_000.0;

/// A run that somebody pays for. Only the cache makes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// How much is kept, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long an answer is served after its insertion, in seconds; at that age it is no longer served, so 0 keeps nothing.
    pub ttl_seconds: u64,
    /// How many answers are held at most; 0 keeps nothing.
    pub max_size: usize,
}

impl Limits {
    const fn ttl_ms(self) -> u64 {
        self.ttl_seconds.saturating_mul(MS_PER_SECOND)
    }

    const fn keep_anything(self) -> bool {
        self.ttl_seconds > 0 && self.max_size > 0
    }
}

/// What a request finds.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a ticket that is not settled keeps its key in flight"]
pub enum Lookup<'a, V> {
    /// An answer is held, and is served.
    Hit(&'a V),
    /// An identical request pays already; wait for the end of its run, or [`Cache::leave`].
    Join(Ticket),
    /// Nothing: run it, then [`Cache::insert`], [`Cache::discard`] or [`Cache::leave`].
    Pay(Ticket),
}

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is held; so many older ones went for it.
    Kept {
        /// How many answers were evicted.
        evicted: usize,
    },
    /// Nothing is held: the agent was changed or the cache was cleared since, or the limits keep nothing.
    NotKept,
    /// The ticket had its end before.
    AlreadySettled,
}

/// What `cache_stats` shows, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Stats {
    /// Answers that are held and not too old.
    pub size: usize,
    /// The limit on that.
    pub max_size: usize,
    /// Requests that did not pay: served from memory, or sharing a run.
    pub hits: u64,
    /// Requests that had to pay.
    pub misses: u64,
    /// Answers that went for room; those that grew too old or were dropped do not count.
    pub evictions: u64,
    /// Hits among all requests, with 3 decimals; 0 before the first request.
    pub hit_rate: f64,
    /// The time to live, in seconds.
    pub ttl: u64,
}

/// Whether an answer may be served again: a success without denied tools, within its budget, that the agent itself does not
/// call unfinished. Any other answer can become better without the request changing (access granted, cap raised), and a
/// cached copy would hide that. A success without any figure is text that
/// something printed in claude's place (see [`super::verdict`]): it may be a notice that does not hold tomorrow.
#[must_use]
pub fn cacheable(answer: &Answer) -> bool {
    let is_measured = answer.cost_usd.is_some() || answer.duration_ms.is_some() || answer.num_turns.is_some();
    let is_unfinished = matches!(answer.outcome, Some(Outcome::Partial | Outcome::Blocked));
    answer.success
        && is_measured
        && answer.denied_tools.as_ref().is_none_or(Vec::is_empty)
        && answer.budget_exceeded != Some(true)
        && !is_unfinished
}

/// How many of `held` entries must go, oldest first, so that `incoming` more fit under `max_size`.
#[must_use]
pub const fn plan_eviction(held: usize, incoming: usize, max_size: usize) -> usize {
    let excess = held.saturating_add(incoming).saturating_sub(max_size);
    if excess < held { excess } else { held }
}

#[derive(Debug)]
struct StoredAnswer<V> {
    state: State,
    value: V,
}

#[derive(Debug)]
struct PaidRun {
    state: State,
    key: Key,
}

/// The entries of one server.
#[derive(Debug)]
pub struct Cache<V> {
    /// What can be served.
    held: BTreeMap<Key, StoredAnswer<V>>,
    /// The keys of `held`, oldest insertion first.
    order: VecDeque<Key>,
    /// Every ticket that is out.
    runs: BTreeMap<Ticket, PaidRun>,
    /// The ticket that a further request for a key joins.
    joinable: BTreeMap<Key, Ticket>,
    next_ticket: u64,
    /// The latest time seen. A clock that steps back would break the order by age.
    latest: Millis,
    hits: u64,
    misses: u64,
    evictions: u64,
}

impl<V> Default for Cache<V> {
    fn default() -> Self {
        Self {
            held: BTreeMap::new(),
            order: VecDeque::new(),
            runs: BTreeMap::new(),
            joinable: BTreeMap::new(),
            next_ticket: 0,
            latest: Millis(0),
            hits: 0,
            misses: 0,
            evictions: 0,
        }
    }
}

impl<V> Cache<V> {
    /// Looks for the answer to a request; without one, the request joins a run or pays for one.
    pub fn lookup(&mut self, key: &Key, now: Millis, limits: Limits) -> Lookup<'_, V> {
        let now = self.at(now);
        self.expire(now, limits);
        self.make_room(0, limits);
        let event = Event::Lookup { now, ttl_ms: limits.ttl_ms() };
        if let Some(&ticket) = self.joinable.get(key)
            && let Some(run) = self.runs.get_mut(&ticket)
        {
            let effects = advance(&mut run.state, &event);
            self.perform_all(key, effects, None);
            return Lookup::Join(ticket);
        }
        self.step_held(key, &event);
        if self.held.contains_key(key) {
            return Lookup::Hit(&self.held[key].value);
        }
        let ticket = self.reserve(key.clone());
        self.joinable.insert(key.clone(), ticket);
        Lookup::Pay(ticket)
    }

    /// The answer to a request, without counting it.
    pub fn peek(&mut self, key: &Key, now: Millis, limits: Limits) -> Option<&V> {
        let now = self.at(now);
        self.expire(now, limits);
        self.make_room(0, limits);
        self.held.get(key).map(|held| &held.value)
    }

    /// A ticket for a run that goes on elsewhere: nobody joins it. An identical request pays for its own meanwhile, and of
    /// two answers the one that comes first is held.
    pub fn reserve(&mut self, key: Key) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket = self.next_ticket.saturating_add(1);
        let (state, effects) = entry::begin();
        self.perform_all(&key, effects, None);
        self.runs.insert(ticket, PaidRun { state, key });
        ticket
    }

    /// Names the request of a reserved ticket anew, to the same agent: what it asks became known only during the call.
    pub fn name(&mut self, ticket: Ticket, key: Key) {
        if let Some(run) = self.runs.get_mut(&ticket) {
            run.key = key;
        }
    }

    /// Takes the clean answer of a run (see [`cacheable`]).
    pub fn insert(&mut self, ticket: Ticket, value: V, now: Millis, limits: Limits) -> Inserted {
        let now = self.at(now);
        let Some(PaidRun { mut state, key }) = self.settle(ticket) else { return Inserted::AlreadySettled };
        self.expire(now, limits);
        let keep = limits.keep_anything() && !self.held.contains_key(&key);
        let effects = advance(&mut state, &Event::Answer { keep, now });
        let evicted = self.evictions;
        self.perform_all(&key, effects, Some((StoredAnswer { state, value }, limits)));
        match state {
            State::Fresh { .. } => {
                let evicted = self.evictions.saturating_sub(evicted);
                Inserted::Kept { evicted: usize::try_from(evicted).unwrap_or(usize::MAX) }
            }
            State::InFlight { .. } | State::Outdated { .. } | State::Gone { .. } => Inserted::NotKept,
        }
    }

    /// Ends a run whose answer may not be kept. A ticket that had its end before is left alone.
    pub fn discard(&mut self, ticket: Ticket) {
        if let Some(PaidRun { mut state, key }) = self.settle(ticket) {
            let effects = advance(&mut state, &Event::Answer { keep: false, now: self.latest });
            self.perform_all(&key, effects, None);
        }
    }

    /// One asker gives up. True when it was the last: nobody wants the run, end it.
    #[must_use = "a run that nobody wants costs money"]
    pub fn leave(&mut self, ticket: Ticket) -> bool {
        let Some(run) = self.runs.get_mut(&ticket) else { return false };
        let (effects, key) = (advance(&mut run.state, &Event::Leave), run.key.clone());
        let unwanted = self.perform_all(&key, effects, None);
        if unwanted {
            self.settle(ticket);
        }
        unwanted
    }

    /// Drops what is held for an agent whose settings changed, and outdates its tickets. Returns the number dropped.
    pub fn drop_agent(&mut self, agent: &str) -> usize {
        let prefix = Key::prefix(agent);
        self.outdate(|key| key.begins(&prefix))
    }

    /// Drops everything, outdates all tickets and counts from zero. Returns the number dropped.
    pub fn clear(&mut self) -> usize {
        (self.hits, self.misses, self.evictions) = (0, 0, 0);
        self.outdate(|_| true)
    }

    /// The numbers of `cache_stats`.
    #[must_use]
    pub fn stats(&mut self, now: Millis, limits: Limits) -> Stats {
        let now = self.at(now);
        self.expire(now, limits);
        self.make_room(0, limits);
        Stats {
            size: self.held.len(),
            max_size: limits.max_size,
            hits: self.hits,
            misses: self.misses,
            evictions: self.evictions,
            hit_rate: hit_rate(self.hits, self.misses),
            ttl: limits.ttl_seconds,
        }
    }

    fn at(&mut self, now: Millis) -> Millis {
        self.latest = self.latest.max(now);
        self.latest
    }

    /// Takes a ticket in; its key can be paid for again.
    fn settle(&mut self, ticket: Ticket) -> Option<PaidRun> {
        let run = self.runs.remove(&ticket)?;
        if self.joinable.get(&run.key) == Some(&ticket) {
            self.joinable.remove(&run.key);
        }
        Some(run)
    }

    /// Lets the entries go that are too old. They are at the front: all were inserted in the order of their age.
    fn expire(&mut self, now: Millis, limits: Limits) {
        let event = Event::Tick { now, ttl_ms: limits.ttl_ms() };
        while self.order.front().cloned().is_some_and(|oldest| self.step_held(&oldest, &event)) {}
    }

    /// Lets the oldest entries go until `incoming` more fit.
    fn make_room(&mut self, incoming: usize, limits: Limits) {
        for _ in 0..plan_eviction(self.held.len(), incoming, limits.max_size) {
            if let Some(oldest) = self.order.front().cloned() {
                self.step_held(&oldest, &Event::Evict);
                self.evictions = self.evictions.saturating_add(1);
            }
        }
    }

    /// Gives a held answer an event. True when that was its end.
    fn step_held(&mut self, key: &Key, event: &Event) -> bool {
        let Some(held) = self.held.get_mut(key) else { return false };
        let effects = advance(&mut held.state, event);
        self.perform_all(key, effects, None);
        !self.held.contains_key(key)
    }

    /// Performs the effects of a step of the entry under `key`, in their order; `answer` is what an effect may keep. True
    /// when the run of the entry is to be ended.
    fn perform_all(
        &mut self,
        key: &Key,
        effects: Effects<Effect>,
        mut answer: Option<(StoredAnswer<V>, Limits)>,
    ) -> bool {
        let mut end_run = false;
        for effect in effects {
            match effect {
                Effect::Pay => self.misses = self.misses.saturating_add(1),
                Effect::Share | Effect::Serve => self.hits = self.hits.saturating_add(1),
                Effect::Keep => {
                    if let Some((answer, limits)) = answer.take() {
                        self.make_room(1, limits);
                        self.order.push_back(key.clone());
                        self.held.insert(key.clone(), answer);
                    }
                }
                Effect::Forget => {
                    self.held.remove(key);
                    match self.order.front() {
                        Some(oldest) if oldest == key => drop(self.order.pop_front()),
                        Some(_) | None => self.order.retain(|held| held != key),
                    }
                }
                Effect::EndRun => end_run = true,
            }
        }
        end_run
    }

    fn outdate(&mut self, concerns: impl Fn(&Key) -> bool) -> usize {
        let mut outdated = Vec::new();
        for run in self.runs.values_mut().filter(|run| concerns(&run.key)) {
            outdated.push((run.key.clone(), advance(&mut run.state, &Event::Outdate)));
        }
        for (key, effects) in outdated {
            self.perform_all(&key, effects, None);
        }
        self.joinable.retain(|key, _| !concerns(key));
        let concerned = self.order.iter().filter(|key| concerns(key)).cloned().collect::<Vec<_>>();
        concerned.iter().filter(|key| self.step_held(key, &Event::Outdate)).count()
    }
}

/// Has an entry take an event. The container sends none that an entry rejects; were it to, the entry stands as it is.
fn advance(state: &mut State, event: &Event) -> Effects<Effect> {
    match entry::step(*state, event) {
        Ok((next, effects)) => {
            *state = next;
            effects
        }
        Err(_) => Effects::none(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate with three decimals; counts beyond 2^53 do not occur")]
fn hit_rate(hits: u64, misses: u64) -> f64 {
    let total = hits.saturating_add(misses);
    if total == 0 { 0.0 } else { (hits as f64 / total as f64 * HIT_RATE_SCALE).round() / HIT_RATE_SCALE }
}
