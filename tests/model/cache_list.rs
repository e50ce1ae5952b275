//! The cache as a list: slow, and plain enough to be seen right.

use agent_dispatch::machines::cache::{Limits, Ticket};

/// An answer: which request it answers, and when in the walk its run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    pub key: usize,
    pub paid_at: usize,
}

#[derive(Debug)]
pub struct Flight {
    pub ticket: Ticket,
    pub answer: Answer,
    pub askers: u32,
    pub outdated: bool,
    /// Of a run elsewhere: nobody joins it.
    pub apart: bool,
}

/// Answers with the times of their insertion, oldest first; and the runs that are under way.
#[derive(Debug, Default)]
pub struct List {
    pub held: Vec<(Answer, u64)>,
    pub flights: Vec<Flight>,
    pub hits: u64,
    pub misses: u64,
    pub evictions: u64,
}

impl List {
    /// Lets the oldest go while there are more than `room`.
    pub fn shrink(&mut self, room: usize) -> usize {
        let surplus = self.held.len().saturating_sub(room);
        self.held.drain(..surplus);
        self.evictions += surplus as u64;
        surplus
    }

    /// Lets those go whose age has reached the time to live.
    pub fn age(&mut self, now: u64, limits: Limits) {
        self.held.retain(|(_, at)| u128::from(now - at) < u128::from(limits.ttl_seconds) * 1_000);
    }

    pub fn find(&self, key: usize) -> Option<Answer> {
        self.held.iter().map(|(answer, _)| *answer).find(|answer| answer.key == key)
    }

    /// The run that a request may join.
    pub fn joinable(&mut self, key: usize) -> Option<&mut Flight> {
        self.flights.iter_mut().find(|flight| flight.answer.key == key && !flight.outdated && !flight.apart)
    }

    pub fn settle(&mut self, ticket: Ticket) -> Option<Flight> {
        let index = self.flights.iter().position(|flight| flight.ticket == ticket)?;
        Some(self.flights.remove(index))
    }

    /// Drops the answers and outdates the runs of the keys that are concerned.
    pub fn outdate(&mut self, concerns: impl Fn(usize) -> bool) -> usize {
        let before = self.held.len();
        self.held.retain(|(answer, _)| !concerns(answer.key));
        for flight in self.flights.iter_mut().filter(|flight| concerns(flight.answer.key)) {
            flight.outdated = true;
        }
        before - self.held.len()
    }
}
