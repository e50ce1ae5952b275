//! A small machine room: a few askers, their files and locks, one system call a step, and the shipped `slots::step`.
//!
//! Listing a directory is one step: what comes before one's own ticket can only vanish meanwhile, never appear. Wake-ups
//! are left out: nothing is decided from them, and an asker may look again at any time.

use agent_dispatch::machines::slots::{self, Effect, Event, State};
use std::collections::BTreeSet;

use super::search;

/// Askers in a world.
pub const ASKERS: usize = 3;

/// What is searched.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// In which room each asker asks; `None` for one that stays away.
    pub rooms: [Option<u8>; ASKERS],
    /// A holder that does not leave before this asker has left; which in turn asks only when the holder holds.
    pub parent_of: [Option<usize>; ASKERS],
    pub limit: u64,
    pub crashes: u8,
    /// Whether waiting askers may give up.
    pub give_up: bool,
    pub design: Design,
}

/// The design that is shipped, and designs that are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Design {
    Shipped,
    /// Numbers are given out without a lock.
    UnlockedCounter,
    /// The counter is unlocked before the ticket is in the queue.
    LatePublication,
    /// The ticket is locked only after the counter is unlocked.
    LateLock,
    /// Whoever sees room enters, first or not.
    AnybodyEnters,
    /// The holders are counted before the tickets ahead are looked at.
    CountFirst,
    /// Old tickets are removed whether somebody lives or not.
    RemovedByAge,
    /// A holder counts for as long as its file is there.
    DeadCount,
    /// All depths share the slots.
    OneRoom,
}

/// A ticket: room, number, owner. The owner stands for the file: nobody ever has two.
pub type Ticket = (u8, u8, u8);

/// Where an asker is in its program.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum At {
    LockCounter,
    ReadCounter,
    WriteCounter,
    Create,
    Publish,
    LateLock,
    UnlockCounter,
    Rest,
    List(Part),
    Open(Part, Vec<Ticket>, u64),
    TryLock(Part, Vec<Ticket>, u64),
    Check(Part, Vec<Ticket>, u64),
    Unlink(Part, Vec<Ticket>, u64),
    Unlock(Part, Vec<Ticket>, u64),
    Rename,
    Remove(Part),
    Close,
    Gone,
    Dead,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    Queue,
    Held,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Asker {
    pub at: At,
    pub state: State,
    number: u8,
    /// What an early count found, in the design that counts first.
    early: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    counters: [u8; 2],
    counter_locks: [Option<u8>; 2],
    queue: BTreeSet<Ticket>,
    held: BTreeSet<Ticket>,
    /// Who has the lock of each asker's file.
    locks: [Option<u8>; ASKERS],
    pub askers: [Asker; ASKERS],
    arrivals: Vec<u8>,
    crashes: u8,
}

/// What can happen next: a step of an asker, its death, or its giving up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    Step(usize),
    Crash(usize),
    GiveUp(usize),
}

/// A broken invariant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    Bound,
    Order,
    Removed,
    Rejected,
}

impl World {
    pub fn new(scope: &Scope) -> Self {
        let (state, effects) = slots::begin();
        assert_eq!(effects.as_slice(), [Effect::TakeTicket]);
        let asker = |room: Option<u8>| Asker {
            at: if room.is_some() { At::LockCounter } else { At::Gone },
            state,
            number: 0,
            early: None,
        };
        Self {
            counters: [0; 2],
            counter_locks: [None; 2],
            queue: BTreeSet::new(),
            held: BTreeSet::new(),
            locks: [None; ASKERS],
            askers: scope.rooms.map(asker),
            arrivals: Vec::new(),
            crashes: scope.crashes,
        }
    }

    fn lives(&self, index: usize) -> bool {
        !matches!(self.askers[index].at, At::Gone | At::Dead)
    }

    fn waits(&self, index: usize) -> bool {
        let state = self.askers[index].state;
        self.lives(index) && matches!(state, State::Queued { .. } | State::AtTurnstile | State::Entering)
    }

    fn part(&mut self, part: Part) -> &mut BTreeSet<Ticket> {
        match part {
            Part::Queue => &mut self.queue,
            Part::Held => &mut self.held,
        }
    }

    fn judged(self, scope: &Scope) -> Result<Self, Broken> {
        for room in 0..2 {
            let holds = |index: &usize| {
                self.lives(*index) && self.held.iter().any(|t| t.0 == room && usize::from(t.2) == *index)
            };
            if (0..ASKERS).filter(holds).count() as u64 > scope.limit {
                return Err(Broken::Bound);
            }
        }
        Ok(self)
    }

    fn can_step(&self, index: usize, scope: &Scope) -> bool {
        let asker = &self.askers[index];
        match asker.at {
            At::LockCounter => {
                let parent = (0..ASKERS).find(|parent| scope.parent_of[*parent] == Some(index));
                let called =
                    parent.is_none_or(|parent| self.askers[parent].state == State::Holding || !self.lives(parent));
                let room = usize::from(room(index, scope));
                called && (self.counter_locks[room].is_none() || scope.design == Design::UnlockedCounter)
            }
            At::Rest if asker.state == State::Holding => scope.parent_of[index].is_none_or(|child| !self.lives(child)),
            At::LateLock => self.locks[index].is_none(),
            _ => true,
        }
    }

    fn crash(&mut self, index: usize) {
        self.crashes -= 1;
        self.askers[index].at = At::Dead;
        let me = u8::try_from(index).unwrap();
        let free = |lock: &mut Option<u8>| *lock = lock.filter(|holder| *holder != me);
        self.counter_locks.iter_mut().for_each(free);
        self.locks.iter_mut().for_each(free);
    }

    /// One system call.
    fn step(&mut self, index: usize, scope: &Scope) -> Result<(), Broken> {
        let me = u8::try_from(index).unwrap();
        let room = room(index, scope);
        let counter = usize::from(room);
        let mine = (room, self.askers[index].number, me);
        let at = match self.askers[index].at.clone() {
            At::LockCounter => {
                self.counter_locks[counter] = Some(me);
                At::ReadCounter
            }
            At::ReadCounter => {
                let number = slots::next_number(Some(u64::from(self.counters[counter])), []);
                self.askers[index].number = u8::try_from(number).unwrap();
                At::WriteCounter
            }
            At::WriteCounter => {
                self.counters[counter] = mine.1;
                match scope.design {
                    Design::LatePublication => At::UnlockCounter,
                    Design::LateLock => At::Publish,
                    _ => At::Create,
                }
            }
            At::Create => {
                self.locks[index] = Some(me);
                At::Publish
            }
            At::Publish => {
                self.queue.insert(mine);
                self.arrivals.push(me);
                match scope.design {
                    Design::LatePublication => return self.take(index, Event::Arrived, scope),
                    _ => At::UnlockCounter,
                }
            }
            At::LateLock => {
                self.locks[index] = Some(me);
                return self.take(index, Event::Arrived, scope);
            }
            At::UnlockCounter => {
                self.counter_locks[counter] = None;
                match scope.design {
                    Design::LatePublication => At::Create,
                    Design::LateLock => At::LateLock,
                    _ => return self.take(index, Event::Arrived, scope),
                }
            }
            At::Rest => {
                let event = if self.askers[index].state == State::Holding { Event::Leave } else { Event::Woken };
                return self.take(index, event, scope);
            }
            At::List(Part::Queue) => {
                let here = self.queue.iter().filter(|ticket| ticket.0 == room).copied();
                At::Open(Part::Queue, slots::before(&mine, here), 0)
            }
            At::List(Part::Held) => {
                let here = self.held.iter().filter(|ticket| ticket.0 == room).copied().collect();
                At::Open(Part::Held, here, 0)
            }
            At::Open(part, list, count) => match list.first() {
                None => return self.found(index, part, count, scope),
                Some(ticket) if !self.part(part).contains(ticket) => At::Open(part, list[1..].to_vec(), count),
                Some(_) if scope.design == Design::RemovedByAge && part == Part::Queue => At::Unlink(part, list, count),
                Some(_) if scope.design == Design::DeadCount && part == Part::Held => {
                    At::Open(part, list[1..].to_vec(), count + 1)
                }
                Some(_) => At::TryLock(part, list, count),
            },
            At::TryLock(part, list, count) => {
                let lock = &mut self.locks[usize::from(list[0].2)];
                match (*lock, part) {
                    (Some(_), Part::Queue) => return self.found(index, part, list.len() as u64, scope),
                    (Some(_), Part::Held) => At::Open(part, list[1..].to_vec(), count + 1),
                    (None, _) => {
                        *lock = Some(me);
                        At::Check(part, list, count)
                    }
                }
            }
            At::Check(part, list, count) => {
                if self.part(part).contains(&list[0]) {
                    At::Unlink(part, list, count)
                } else {
                    At::Unlock(part, list, count)
                }
            }
            At::Unlink(part, list, count) => {
                if self.part(part).remove(&list[0]) && self.lives(usize::from(list[0].2)) {
                    return Err(Broken::Removed);
                }
                At::Unlock(part, list, count)
            }
            At::Unlock(part, list, count) => {
                let lock = &mut self.locks[usize::from(list[0].2)];
                *lock = lock.filter(|holder| *holder != me);
                At::Open(part, list[1..].to_vec(), count)
            }
            At::Rename => {
                if !self.queue.remove(&mine) {
                    return Err(Broken::Removed);
                }
                self.held.insert(mine);
                let before =
                    self.arrivals.iter().take_while(|earlier| **earlier != me).map(|earlier| usize::from(*earlier));
                let same_room = |earlier: &usize| self::room(*earlier, scope) == room;
                if before.filter(same_room).any(|earlier| self.waits(earlier)) {
                    return Err(Broken::Order);
                }
                return self.take(index, Event::Entered, scope);
            }
            At::Remove(part) => {
                self.part(part).remove(&mine);
                At::Close
            }
            At::Close => {
                self.locks[index] = None;
                At::Gone
            }
            At::Gone | At::Dead => unreachable!("it takes no steps"),
        };
        self.askers[index].at = at;
        Ok(())
    }

    /// A listing is worked through.
    fn found(&mut self, index: usize, part: Part, count: u64, scope: &Scope) -> Result<(), Broken> {
        let asker = &mut self.askers[index];
        match part {
            Part::Held if scope.design == Design::CountFirst && matches!(asker.state, State::Queued { .. }) => {
                asker.early = Some(count);
                asker.at = At::List(Part::Queue);
                Ok(())
            }
            Part::Held => self.take(index, Event::Counted { holders: count, limit: scope.limit }, scope),
            Part::Queue => self.take(index, Event::Looked { ahead: count }, scope),
        }
    }

    /// The shipped decision, and the first call of what it asks for.
    fn take(&mut self, index: usize, event: Event, scope: &Scope) -> Result<(), Broken> {
        let asker = &mut self.askers[index];
        let (state, effects) = slots::step(asker.state, &event).map_err(|_| Broken::Rejected)?;
        asker.state = state;
        asker.at = At::Rest;
        for effect in effects {
            asker.at = match effect {
                Effect::LookAhead if scope.design == Design::AnybodyEnters => {
                    return self.take(index, Event::Looked { ahead: 0 }, scope);
                }
                Effect::LookAhead if scope.design == Design::CountFirst => At::List(Part::Held),
                Effect::LookAhead => At::List(Part::Queue),
                Effect::CountHolders => match asker.early.take() {
                    Some(holders) => {
                        return self.take(index, Event::Counted { holders, limit: scope.limit }, scope);
                    }
                    None => At::List(Part::Held),
                },
                Effect::Enter => At::Rename,
                Effect::Withdraw => At::Remove(Part::Queue),
                Effect::GiveBack => At::Remove(Part::Held),
                Effect::PassOn | Effect::RingBell => continue,
                Effect::TakeTicket => return Err(Broken::Removed),
            };
        }
        Ok(())
    }
}

impl search::World for World {
    type Scope = Scope;
    type Move = Move;
    type Broken = Broken;

    fn is_over(&self) -> bool {
        self.askers.iter().all(|asker| matches!(asker.at, At::Gone | At::Dead))
    }

    fn successors(&self, scope: &Scope) -> Vec<(Move, Result<Self, Broken>)> {
        let mut all = Vec::new();
        for index in 0..ASKERS {
            if !self.lives(index) {
                continue;
            }
            if self.can_step(index, scope) {
                let mut next = self.clone();
                let done = next.step(index, scope);
                all.push((Move::Step(index), done.and_then(|()| next.judged(scope))));
            }
            if self.crashes > 0 {
                let mut next = self.clone();
                next.crash(index);
                all.push((Move::Crash(index), Ok(next)));
            }
            if scope.give_up && self.askers[index].at == At::Rest && self.waits(index) {
                let mut next = self.clone();
                let done = next.take(index, Event::Leave, scope);
                all.push((Move::GiveUp(index), done.map(|()| next)));
            }
        }
        all
    }
}

fn room(index: usize, scope: &Scope) -> u8 {
    match scope.design {
        Design::OneRoom => 0,
        _ => scope.rooms[index].unwrap_or(0),
    }
}
