//! Random use of the cache, beside the list of `cache_list`.

use agent_dispatch::machines::answer::{self, Outcome};
use agent_dispatch::machines::cache::{
    Cache, Inserted, Key, Limits, Lookup, Request, Ticket, cacheable, plan_eviction,
};
use agent_dispatch::machines::time::Millis;
use proptest::prelude::*;
use proptest::sample::select;

use super::cache_list::{Answer, Flight, List};
use super::walks;

/// Two agents, one of whose names begins with the other's; three tasks each.
const AGENTS: [&str; 2] = ["db", "db2"];
const TASKS: [&str; 3] = ["count", "list", "\",\"x"];
const KEYS: usize = AGENTS.len() * TASKS.len();

fn request(key: usize) -> Request<'static> {
    let (agent, task) = (AGENTS[key % AGENTS.len()], TASKS[key / AGENTS.len()]);
    Request { agent, task, context: "", caller: "", goal: "", response_format: "", config: "{}" }
}

#[derive(Debug, Clone, Copy)]
enum Use {
    Lookup {
        key: usize,
    },
    Peek {
        key: usize,
    },
    /// A run elsewhere.
    Reserve {
        key: usize,
    },
    /// What a run elsewhere is asked becomes known.
    Name {
        nth: usize,
        task: usize,
    },
    /// The run of one of the tickets that are out ends; `nth` counts modulo their number.
    Insert {
        nth: usize,
    },
    Discard {
        nth: usize,
    },
    Leave {
        nth: usize,
    },
    /// A ticket that had its end is used again.
    InsertAgain,
    DropAgent {
        agent: usize,
    },
    Clear,
    Pass {
        ms: u64,
    },
    Limit {
        limits: Limits,
    },
    /// The numbers are looked at, which lets go what need not be held any longer: not after every use.
    Stats,
}

fn limits() -> impl Strategy<Value = Limits> {
    let ttl_seconds = select(vec![0, 1, 3, u64::MAX]);
    (ttl_seconds, select(vec![0, 1, 2, 3, usize::MAX]))
        .prop_map(|(ttl_seconds, max_size)| Limits { ttl_seconds, max_size })
}

fn usage() -> impl Strategy<Value = Use> {
    prop_oneof![
        10 => (0..KEYS).prop_map(|key| Use::Lookup { key }),
        2 => (0..KEYS).prop_map(|key| Use::Peek { key }),
        3 => (0..KEYS).prop_map(|key| Use::Reserve { key }),
        1 => (any::<usize>(), 0..TASKS.len()).prop_map(|(nth, task)| Use::Name { nth, task }),
        8 => any::<usize>().prop_map(|nth| Use::Insert { nth }),
        1 => any::<usize>().prop_map(|nth| Use::Discard { nth }),
        2 => any::<usize>().prop_map(|nth| Use::Leave { nth }),
        1 => Just(Use::InsertAgain),
        1 => (0..AGENTS.len()).prop_map(|agent| Use::DropAgent { agent }),
        1 => Just(Use::Clear),
        4 => select(vec![1, 999, 1_000, 1_001, 2_999]).prop_map(|ms| Use::Pass { ms }),
        2 => limits().prop_map(|limits| Use::Limit { limits }),
        3 => Just(Use::Stats),
    ]
}

/// The cache, the list beside it, and the history that both share.
struct World {
    cache: Cache<Answer>,
    list: List,
    now: u64,
    limits: Limits,
    moment: usize,
    settled: Option<Ticket>,
    /// The moment at which each agent was last changed.
    changed: [usize; AGENTS.len()],
}

impl World {
    fn new(limits: Limits) -> Self {
        let (cache, list) = (Cache::default(), List::default());
        Self { cache, list, now: 0, limits, moment: 0, settled: None, changed: [0; AGENTS.len()] }
    }

    fn perform(&mut self, usage: Use) {
        self.moment += 1;
        match usage {
            Use::Lookup { key } => self.lookup(key),
            Use::Peek { key } => {
                self.list.age(self.now, self.limits);
                self.list.shrink(self.limits.max_size);
                let seen = self.cache.peek(&Key::of(&request(key)), Millis(self.now), self.limits).copied();
                assert_eq!(seen, self.list.find(key));
            }
            Use::Reserve { key } => {
                let ticket = self.cache.reserve(Key::of(&request(key)));
                assert!(self.list.flights.iter().all(|flight| flight.ticket != ticket), "a ticket twice");
                self.fly(key, ticket, true);
            }
            Use::Name { nth, task } => self.name(nth, task),
            Use::Insert { nth } => self.insert(nth),
            Use::Discard { nth } => {
                if let Some(ticket) = self.out(nth) {
                    self.cache.discard(ticket);
                    self.list.settle(ticket);
                    self.settled = Some(ticket);
                }
            }
            Use::Leave { nth } => self.leave(nth),
            Use::InsertAgain => {
                if let Some(ticket) = self.settled {
                    let answer = Answer { key: 0, paid_at: 0 };
                    let inserted = self.cache.insert(ticket, answer, Millis(self.now), self.limits);
                    assert_eq!(inserted, Inserted::AlreadySettled);
                    assert!(!self.cache.leave(ticket), "nobody waits for a run that had its end");
                    self.cache.discard(ticket);
                }
            }
            Use::DropAgent { agent } => {
                self.changed[agent] = self.moment;
                let expected = self.list.outdate(|key| key % AGENTS.len() == agent);
                assert_eq!(self.cache.drop_agent(AGENTS[agent]), expected);
            }
            Use::Clear => {
                self.changed = [self.moment; AGENTS.len()];
                (self.list.hits, self.list.misses, self.list.evictions) = (0, 0, 0);
                assert_eq!(self.cache.clear(), self.list.outdate(|_| true));
            }
            Use::Pass { ms } => self.now += ms,
            Use::Limit { limits } => self.limits = limits,
            Use::Stats => self.compare_stats(),
        }
    }

    fn lookup(&mut self, key: usize) {
        let found = self.cache.lookup(&Key::of(&request(key)), Millis(self.now), self.limits);
        self.list.age(self.now, self.limits);
        self.list.shrink(self.limits.max_size);
        match found {
            Lookup::Hit(answer) => {
                assert_eq!(Some(*answer), self.list.find(key), "the answer of this request, not too old");
                assert!(answer.paid_at > self.changed[key % AGENTS.len()], "an answer from before the change");
                self.list.hits += 1;
            }
            Lookup::Join(ticket) => {
                let flight = self.list.joinable(key).expect("nobody pays for this");
                assert_eq!(flight.ticket, ticket);
                flight.askers += 1;
                self.list.hits += 1;
            }
            Lookup::Pay(ticket) => {
                assert_eq!(self.list.find(key), None, "paid for what is held");
                assert!(self.list.joinable(key).is_none(), "paid twice for one answer");
                assert!(self.list.flights.iter().all(|flight| flight.ticket != ticket), "a ticket twice");
                self.fly(key, ticket, false);
            }
        }
    }

    fn fly(&mut self, key: usize, ticket: Ticket, apart: bool) {
        let answer = Answer { key, paid_at: self.moment };
        self.list.flights.push(Flight { ticket, answer, askers: 1, outdated: false, apart });
        self.list.misses += 1;
    }

    fn name(&mut self, nth: usize, task: usize) {
        let Some(ticket) = self.out(nth) else { return };
        let flight = self.list.flights.iter_mut().find(|flight| flight.ticket == ticket).unwrap();
        if flight.apart {
            flight.answer.key = task * AGENTS.len() + flight.answer.key % AGENTS.len();
            self.cache.name(ticket, Key::of(&request(flight.answer.key)));
        }
    }

    fn insert(&mut self, nth: usize) {
        let Some(ticket) = self.out(nth) else { return };
        let flight = self.list.settle(ticket).unwrap();
        self.settled = Some(ticket);
        self.list.age(self.now, self.limits);
        // Of two answers to one request the first is held.
        let first = self.list.find(flight.answer.key).is_none();
        let keep = first && !flight.outdated && self.limits.ttl_seconds > 0 && self.limits.max_size > 0;
        let expected = if keep {
            let evicted = self.list.shrink(self.limits.max_size - 1);
            self.list.held.push((flight.answer, self.now));
            Inserted::Kept { evicted }
        } else {
            Inserted::NotKept
        };
        assert_eq!(self.cache.insert(ticket, flight.answer, Millis(self.now), self.limits), expected);
    }

    fn leave(&mut self, nth: usize) {
        let Some(ticket) = self.out(nth) else { return };
        let flight = self.list.flights.iter_mut().find(|flight| flight.ticket == ticket).unwrap();
        flight.askers -= 1;
        let unwanted = flight.askers == 0;
        if unwanted {
            self.list.settle(ticket);
            self.settled = Some(ticket);
        }
        assert_eq!(self.cache.leave(ticket), unwanted, "unwanted exactly when the last one has left");
    }

    fn out(&self, nth: usize) -> Option<Ticket> {
        let flights = &self.list.flights;
        (!flights.is_empty()).then(|| flights[nth % flights.len()].ticket)
    }

    fn compare_stats(&mut self) {
        self.list.age(self.now, self.limits);
        self.list.shrink(self.limits.max_size);
        let stats = self.cache.stats(Millis(self.now), self.limits);
        assert!(stats.size <= self.limits.max_size, "more than may be held");
        let counted = (stats.size, stats.hits, stats.misses, stats.evictions);
        assert_eq!(counted, (self.list.held.len(), self.list.hits, self.list.misses, self.list.evictions));
        assert_eq!((stats.max_size, stats.ttl), (self.limits.max_size, self.limits.ttl_seconds));
        let total = stats.hits + stats.misses;
        let thousandths = (stats.hits * 2_000 + total).checked_div(total * 2).unwrap_or(0);
        assert_eq!(format!("{:.3}", stats.hit_rate), format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000));
    }
}

proptest! {
    #![proptest_config(walks())]

    //= C-1 C-2 C-3 C-4 C-6 C-8 C-9 C-10
    #[test]
    fn the_cache_is_the_list(limits in limits(), walk in prop::collection::vec(usage(), 1..60)) {
        let mut world = World::new(limits);
        for usage in walk {
            world.perform(usage);
        }
        world.compare_stats();
    }

    //= C-5
    #[test]
    fn requests_share_a_key_exactly_when_they_are_the_same(
        one in prop::array::uniform7("[a\",\\\\\\[ é\u{0}]{0,3}"),
        other in prop::array::uniform7("[a\",\\\\\\[ é\u{0}]{0,3}"),
        place in 0..7_usize,
    ) {
        let key = |parts: &[String; 7]| {
            let [agent, task, context, caller, goal, response_format, config] = parts;
            Key::of(&Request { agent, task, context, caller, goal, response_format, config })
        };
        prop_assert_eq!(key(&one) == key(&other), one == other);
        let mut changed = one.clone();
        changed[place].clone_from(&other[place]);
        prop_assert_eq!(key(&one) == key(&changed), one == changed);
    }

    /// As few as possible go, and what comes fits if anything may be held at all.
    #[test]
    fn eviction_makes_just_enough_room(held in 0..9_usize, incoming in 0..3_usize, max_size in select(vec![0, 1, 2, 5, usize::MAX])) {
        let gone = plan_eviction(held, incoming, max_size);
        prop_assert!(gone <= held);
        prop_assert!(held - gone + incoming <= max_size || gone == held);
        prop_assert!(gone == 0 || held - gone + 1 + incoming > max_size, "one fewer would have been enough");
    }
}

//= C-7
#[test]
fn only_a_clean_success_is_cacheable() {
    for bits in 0..16_u8 {
        let [success, denied_tools, budget_exceeded, unfinished] = [1, 2, 4, 8].map(|bit| bits & bit != 0);
        let answer = answer::Answer {
            success,
            denied_tools: denied_tools.then(|| vec![String::from("Bash")]),
            budget_exceeded: budget_exceeded.then_some(true),
            outcome: Some(if unfinished { Outcome::Partial } else { Outcome::Done }),
            num_turns: Some(1),
            ..answer::Answer::success("a", "x")
        };
        assert_eq!(cacheable(&answer), bits == 1, "{answer:?}");
    }
}

/// Put in at 5 s, whatever the clock says afterwards: its age counts from there.
#[test]
fn a_clock_that_steps_back_changes_no_age() {
    let limits = Limits { ttl_seconds: 1, max_size: 2 };
    let (mut cache, key) = (Cache::default(), Key::of(&request(0)));
    assert_eq!(cache.stats(Millis(5_000), limits).size, 0);
    let Lookup::Pay(ticket) = cache.lookup(&key, Millis(10), limits) else { panic!("nothing is held") };
    assert_eq!(cache.insert(ticket, "answer", Millis(10), limits), Inserted::Kept { evicted: 0 });
    assert_eq!(cache.lookup(&key, Millis(5_999), limits), Lookup::Hit(&"answer"));
    assert_eq!(cache.stats(Millis(6_000), limits).size, 0);
}

#[test]
fn the_numbers_are_shown_in_the_order_of_the_contract() {
    let mut cache = Cache::<()>::default();
    let stats = cache.stats(Millis(0), Limits { ttl_seconds: 300, max_size: 1_000 });
    let expected = r#"{"size":0,"max_size":1000,"hits":0,"misses":0,"evictions":0,"hit_rate":0.0,"ttl":300}"#;
    assert_eq!(serde_json::to_string(&stats).unwrap(), expected);
}
