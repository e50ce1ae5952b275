//! The machines as a scenario plays them: begun and given events by name.

use std::cell::RefCell;
use std::collections::BTreeSet;

use agent_dispatch::machines::cache::entry;
use agent_dispatch::machines::dispatch::{self, Run};
use agent_dispatch::machines::rejected::Rejected;
use agent_dispatch::machines::time::Millis;
use agent_dispatch::machines::{job, parallel, part, slots, takeover};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::spec::cache::Cache;
use crate::spec::dispatch::Dispatch;
use crate::spec::file::Ordered;
use crate::spec::job::Job;
use crate::spec::parallel::Parallel;
use crate::spec::part::Part;
use crate::spec::scenario::Rejection;
use crate::spec::slots::Slots;
use crate::spec::subject::{Subject, fields};
use crate::spec::takeover::{EVENTS, Takeover};

/// What goes with an event, by name. Every name that is there must be asked for.
pub struct Arguments<'a> {
    given: &'a Ordered<Value>,
    asked: RefCell<BTreeSet<String>>,
}

impl<'a> Arguments<'a> {
    pub fn new(given: &'a Ordered<Value>) -> Self {
        Self { given, asked: RefCell::default() }
    }

    fn get<T: DeserializeOwned>(&self, name: &str) -> T {
        self.maybe(name).unwrap_or_else(|| panic!("`{name}` is missing"))
    }

    fn maybe<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.asked.borrow_mut().insert(name.to_owned());
        let value = self.given.get(name)?.clone();
        Some(serde_json::from_value(value).unwrap_or_else(|error| panic!("`{name}`: {error}")))
    }

    pub fn all_were_asked_for(&self) {
        for name in self.given.names() {
            assert!(self.asked.borrow().contains(name), "nothing takes `{name}`");
        }
    }
}

/// A machine that a scenario plays.
pub trait Played: Subject {
    fn begin(with: &Arguments<'_>) -> (Self::State, Vec<Self::Effect>);
    fn event(name: &str, with: &Arguments<'_>) -> Self::Event;
}

/// A machine in a state, whichever it is.
pub trait Machine {
    /// Takes an event: the names of its effects.
    fn take(&mut self, event: &str, with: &Arguments<'_>) -> Result<Vec<String>, Rejection>;
    fn state(&self) -> &'static str;
    fn remembers(&self) -> Map<String, Value>;
}

struct Playing<S: Subject>(S::State);

impl<S: Played> Machine for Playing<S> {
    fn take(&mut self, event: &str, with: &Arguments<'_>) -> Result<Vec<String>, Rejection> {
        match S::step(self.0, &S::event(event, with)) {
            Ok((next, effects)) => {
                self.0 = next;
                Ok(effects.iter().map(ToString::to_string).collect())
            }
            Err(Rejected::NoOp { .. }) => Err(Rejection::NoOp),
            Err(Rejected::Invalid { .. }) => Err(Rejection::Invalid),
        }
    }

    fn state(&self) -> &'static str {
        S::state_name(&self.0)
    }

    fn remembers(&self) -> Map<String, Value> {
        fields(&self.0)
    }
}

/// A machine at its beginning, and the names of its first effects.
pub fn begin(machine: &str, with: &Arguments<'_>) -> (Box<dyn Machine>, Vec<String>) {
    match machine {
        Dispatch::NAME => begun::<Dispatch>(with),
        Job::NAME => begun::<Job>(with),
        Cache::NAME => begun::<Cache>(with),
        Slots::NAME => begun::<Slots>(with),
        Parallel::NAME => begun::<Parallel>(with),
        Part::NAME => begun::<Part>(with),
        Takeover::NAME => begun::<Takeover>(with),
        other => panic!("no scenario plays the machine `{other}` yet: tests/scenarios/machines.rs"),
    }
}

fn begun<S: Played + 'static>(with: &Arguments<'_>) -> (Box<dyn Machine>, Vec<String>) {
    let (state, effects) = S::begin(with);
    (Box::new(Playing::<S>(state)), effects.iter().map(ToString::to_string).collect())
}

impl Played for Dispatch {
    fn begin(with: &Arguments<'_>) -> (Self::State, Vec<Self::Effect>) {
        let run = Run::new(with.get("timeout_ms"), with.maybe("resumes").unwrap_or(0));
        let run = if with.maybe("has_schema").unwrap_or(false) { run.repairable() } else { run };
        let run = run.waiting(with.maybe("waits").unwrap_or(0));
        match with.maybe::<Millis>("adopted_until") {
            Some(deadline) => (dispatch::adopted(run, deadline), Vec::new()),
            None => {
                let (state, effects) = dispatch::begin(run);
                (state, effects.into_iter().collect())
            }
        }
    }

    fn event(name: &str, with: &Arguments<'_>) -> Self::Event {
        use dispatch::Event;
        match name {
            "slot_granted" => Event::SlotGranted,
            "spawned" => Event::Spawned { now: with.get("now") },
            "spawn_failed" => Event::SpawnFailed,
            "result_seen" => Event::ResultSeen { now: with.get("now") },
            "turn_began" => Event::TurnBegan,
            "tasks_changed" => Event::TasksChanged { alive: with.get("alive"), now: with.get("now") },
            "exited" => Event::Exited {
                unknown: with.maybe("unknown"),
                seen: with.get("seen"),
                session: with.get("session"),
                answer: with.get("answer"),
            },
            "tick" => Event::Tick { now: with.get("now") },
            "cancel" => Event::Cancel { by: with.get("by"), now: with.get("now") },
            _ => panic!("unknown event"),
        }
    }
}

impl Played for Job {
    fn begin(_: &Arguments<'_>) -> (Self::State, Vec<Self::Effect>) {
        (job::State::Pending, Vec::new())
    }

    fn event(name: &str, with: &Arguments<'_>) -> Self::Event {
        use job::Event;
        match name {
            "claim" => Event::Claim,
            "adopt" => Event::Adopt,
            "resume" => Event::Resume,
            "progress" => Event::Progress,
            "finish" => Event::Finish { success: with.get("success") },
            "cancel" => Event::Cancel,
            "stopped" => Event::Stopped,
            "abandon" => Event::Abandon { worker: with.get("worker") },
            "collect" => Event::Collect,
            _ => panic!("unknown event"),
        }
    }
}

impl Played for Cache {
    fn begin(_: &Arguments<'_>) -> (Self::State, Vec<Self::Effect>) {
        let (state, effects) = entry::begin();
        (state, effects.into_iter().collect())
    }

    fn event(name: &str, with: &Arguments<'_>) -> Self::Event {
        use entry::Event;
        match name {
            "lookup" => Event::Lookup { now: with.get("now"), ttl_ms: with.get("ttl_ms") },
            "leave" => Event::Leave,
            "answer" => Event::Answer { keep: with.get("keep"), now: with.get("now") },
            "outdate" => Event::Outdate,
            "evict" => Event::Evict,
            "tick" => Event::Tick { now: with.get("now"), ttl_ms: with.get("ttl_ms") },
            _ => panic!("unknown event"),
        }
    }
}

impl Played for Slots {
    fn begin(_: &Arguments<'_>) -> (Self::State, Vec<Self::Effect>) {
        let (state, effects) = slots::begin();
        (state, effects.into_iter().collect())
    }

    fn event(name: &str, with: &Arguments<'_>) -> Self::Event {
        use slots::Event;
        match name {
            "arrived" => Event::Arrived,
            "woken" => Event::Woken,
            "looked" => Event::Looked { ahead: with.get("ahead") },
            "counted" => Event::Counted { holders: with.get("holders"), limit: with.get("limit") },
            "entered" => Event::Entered,
            "lost" => Event::Lost,
            "leave" => Event::Leave,
            _ => panic!("unknown event"),
        }
    }
}

impl Played for Parallel {
    fn begin(with: &Arguments<'_>) -> (Self::State, Vec<Self::Effect>) {
        let (state, effects) = parallel::begin(with.get("items"), with.get("aggregates"));
        (state, effects.into_iter().collect())
    }

    fn event(name: &str, _: &Arguments<'_>) -> Self::Event {
        match name {
            "item_ended" => parallel::Event::ItemEnded,
            "aggregate_ended" => parallel::Event::AggregateEnded,
            _ => panic!("unknown event"),
        }
    }
}

impl Played for Part {
    fn begin(_: &Arguments<'_>) -> (Self::State, Vec<Self::Effect>) {
        (part::State::default(), Vec::new())
    }

    fn event(name: &str, with: &Arguments<'_>) -> Self::Event {
        match name {
            "take_up" => part::Event::TakeUp { job_is_there: with.get("job_is_there") },
            "submitted" => part::Event::Submitted,
            "settle" => part::Event::Settle,
            _ => panic!("unknown event"),
        }
    }
}

impl Played for Takeover {
    fn begin(_: &Arguments<'_>) -> (Self::State, Vec<Self::Effect>) {
        let (state, effects) = takeover::begin();
        (state, effects.into_iter().collect())
    }

    fn event(name: &str, with: &Arguments<'_>) -> Self::Event {
        use takeover::Event;
        match name {
            "still_open" => Event::StillOpen { manned: with.get("manned") },
            _ => *EVENTS.iter().find(|event| event.name() == name).unwrap_or_else(|| panic!("unknown event")),
        }
    }
}
