//! Every interleaving of a caller's wait with the deaths of supervisors, shortages, a reader that is faster, somebody who
//! removes the record, and a caller that leaves.

use agent_dispatch::machines::takeover::{self, Effect, Event, MAX_RETRIES, MAX_SUCCESSORS, State};
use proptest::prelude::*;
use proptest::sample::select;

use crate::spec::takeover::EVENTS;

use super::search::{Next, Verdict, World, search};
use super::walks;

/// The shipped design, and those that look alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Design {
    Shipped,
    /// A shortage ends the wait at once, and the run with it.
    GivesUpAtOnce,
    /// Whoever follows a run trusts its caller's death to end it.
    FollowsUnwanted,
    /// A caller that leaves does not look whether there is a supervisor at the other end of the leash.
    LeavesUnseen,
    /// A caller that gives up cancels the job, whatever runs.
    CancelsWhatWorks,
    /// A supervisor is started without a look at how many died.
    ReplacesForEver,
}

/// Who supervises the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Owner {
    /// A process or thread on a leash of the caller.
    Leashed,
    /// One that a reader started.
    Reader,
    /// The caller has the job lock.
    Caller,
    Nobody,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Wait {
    state: State,
    owner: Owner,
    /// The worker lives.
    works: bool,
    /// The record has its end.
    ended: bool,
    /// The record says that the run is to end, or its supervisor sees the leash closed.
    wanted_away: bool,
    /// How often a supervisor process was started after the first one.
    processes: u8,
    /// How many more times a reader is faster.
    readers: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    Event(Event),
    /// Its turn has come, and a worker is started.
    Begins,
    /// The worker ends, and its supervisor writes that into the record.
    Ends,
    /// The supervisor dies.
    Dies,
    /// A reader finds the run without a supervisor and gives it one.
    Reader,
}

#[derive(Debug, PartialEq, Eq)]
enum Broken {
    /// More supervisor processes than there may be.
    TooMany,
    /// A worker was ended though its caller waits.
    EndedAlive,
    /// The run goes on for a caller that has left.
    ForNobody,
    /// The caller was told of an end before there was one.
    Misled,
    /// The machine did not take what happened.
    Rejected(&'static str, &'static str),
}

impl Wait {
    fn begin() -> Self {
        let (state, _listen) = takeover::begin();
        let owner = Owner::Leashed;
        Self { state, owner, works: false, ended: false, wanted_away: false, processes: 0, readers: 1 }
    }

    fn take(self, design: Design, event: Event) -> Result<Self, Broken> {
        let rejected = |_| Broken::Rejected(event.name(), self.state.name());
        let (state, effects) = match (design, self.state, event) {
            (Design::GivesUpAtOnce, _, Event::Unreadable) => (State::Over, vec![Effect::Renounce]),
            (Design::FollowsUnwanted, State::Following { .. }, Event::CallerLeft) => (State::Over, Vec::new()),
            (Design::CancelsWhatWorks, _, Event::StillOpen { .. }) => (State::Over, vec![Effect::Cancel]),
            (Design::ReplacesForEver, State::Locking { tries }, Event::LockTaken) => {
                (State::Starting { tries }, vec![Effect::StartProcess])
            }
            _ => {
                let (state, effects) = takeover::step(self.state, &event).map_err(rejected)?;
                (state, effects.into_iter().collect())
            }
        };
        effects.into_iter().try_fold(Self { state, ..self }, |wait, effect| wait.perform(effect, event))
    }

    fn perform(self, effect: Effect, event: Event) -> Result<Self, Broken> {
        match effect {
            Effect::StartProcess if self.processes == MAX_SUCCESSORS => Err(Broken::TooMany),
            Effect::Answer if !self.ended => Err(Broken::Misled),
            Effect::Cancel | Effect::Renounce if self.works && event != Event::CallerLeft => Err(Broken::EndedAlive),
            Effect::TellWhere if !self.works => Err(Broken::ForNobody),
            Effect::Cancel | Effect::Renounce => Ok(Self { wanted_away: true, ..self }),
            _ => Ok(self),
        }
    }

    /// What the shell finds when it performs the effect of the state.
    fn finds(self) -> Vec<(Event, Self)> {
        let freed = Self { owner: Owner::Nobody, ..self };
        let (locked, started) = (Self { owner: Owner::Caller, ..self }, Self { owner: Owner::Leashed, ..self });
        let shortage = (Event::Unreadable, self);
        match self.state {
            State::OnLeash { .. } | State::InProcess { .. } if self.ended => vec![(Event::RecordEnded, self), shortage],
            State::OnLeash { .. } | State::InProcess { .. } if self.owner != Owner::Leashed => {
                vec![(Event::LeashClosed, self), shortage]
            }
            State::OnLeash { .. } | State::InProcess { .. } => Vec::new(),
            State::Locking { .. } | State::Following { .. } | State::GivingUp if self.ended => {
                vec![(Event::RecordEnded, self), shortage]
            }
            State::Locking { .. } if self.owner == Owner::Nobody => {
                vec![(Event::LockTaken, locked), shortage]
            }
            State::Locking { .. } => vec![(Event::LockBusy, self), shortage],
            State::Following { .. } if self.owner == Owner::Nobody => vec![(Event::Unsupervised, self), shortage],
            State::Following { .. } => vec![shortage],
            State::Starting { .. } => {
                let processes = self.processes + 1;
                vec![(Event::Started, Self { processes, ..started }), (Event::StartFailed, self)]
            }
            State::StandingIn { .. } => vec![(Event::Started, started), (Event::StartFailed, freed)],
            State::Pausing { .. } => vec![(Event::PauseOver, self)],
            State::GivingUp => vec![(Event::StillOpen { manned: self.works }, self), shortage],
            State::Over => Vec::new(),
        }
    }

    /// The caller leaves, after a look at the leash. Its end is closed by that, and whoever is at the other end notices.
    fn leave(self, design: Design) -> Result<Self, Broken> {
        let leashed = matches!(self.state, State::OnLeash { .. } | State::InProcess { .. });
        let on_leash = leashed && self.owner == Owner::Leashed;
        let seen = if leashed && !on_leash && design != Design::LeavesUnseen {
            self.take(design, Event::LeashClosed)?
        } else {
            self
        };
        let wait = seen.take(design, Event::CallerLeft)?;
        if wait.ended || wait.wanted_away || on_leash { Ok(wait) } else { Err(Broken::ForNobody) }
    }
}

impl World for Wait {
    type Scope = Design;
    type Move = Move;
    type Broken = Broken;

    fn successors(&self, design: &Design) -> Vec<Next<Self>> {
        let wait = *self;
        let mut next: Vec<Next<Self>> = Vec::new();
        if wait.state == State::Over {
            return next;
        }
        next.extend(wait.finds().into_iter().map(|(event, found)| (Move::Event(event), found.take(*design, event))));
        next.push((Move::Event(Event::CallerLeft), wait.leave(*design)));
        let supervised = matches!(wait.owner, Owner::Leashed | Owner::Reader);
        if supervised && !wait.ended {
            let begins_or_ends = if wait.works {
                (Move::Ends, Ok(Self { works: false, ended: true, ..wait }))
            } else {
                (Move::Begins, Ok(Self { works: true, ..wait }))
            };
            next.push(begins_or_ends);
            next.push((Move::Dies, Ok(Self { owner: Owner::Nobody, ..wait })));
        }
        if wait.owner == Owner::Nobody && wait.readers > 0 && !wait.ended {
            next.push((Move::Reader, Ok(Self { owner: Owner::Reader, readers: wait.readers - 1, ..wait })));
        }
        next
    }

    fn is_over(&self) -> bool {
        self.state == State::Over
    }
}

fn verdict(design: Design) -> Verdict<Wait> {
    search(Wait::begin(), &design)
}

//= T-1 T-2 T-3
#[test]
fn a_caller_has_the_end_whoever_dies_and_whatever_is_short() {
    match verdict(Design::Shipped) {
        Verdict::Sound { states } => assert!(states > 1_000, "{states}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn designs_that_look_alike_break() {
    for (design, expected) in [
        (Design::GivesUpAtOnce, Broken::EndedAlive),
        (Design::FollowsUnwanted, Broken::ForNobody),
        (Design::LeavesUnseen, Broken::ForNobody),
        (Design::CancelsWhatWorks, Broken::EndedAlive),
        (Design::ReplacesForEver, Broken::TooMany),
    ] {
        match verdict(design) {
            Verdict::Breaks(broken, way) => assert_eq!(broken, expected, "{design:?}: {way:?}"),
            other => panic!("{design:?}: {other:?}"),
        }
    }
}

const LAST: [Effect; 5] = [Effect::Answer, Effect::Fail, Effect::TellWhere, Effect::Cancel, Effect::Renounce];

fn events() -> impl Strategy<Value = Vec<Event>> {
    let rare = [Event::RecordEnded, Event::RecordGone, Event::CallerLeft];
    let often: Vec<Event> = EVENTS.into_iter().filter(|event| !rare.contains(event)).collect();
    prop::collection::vec(prop_oneof![40 => select(often), 1 => select(rare.to_vec())], 0..300)
}

proptest! {
    #![proptest_config(walks())]

    //= T-1 T-3
    #[test]
    fn tries_are_counted_and_the_end_is_told_once(events in events()) {
        let (mut state, first) = takeover::begin();
        let mut given: Vec<Effect> = first.into_iter().collect();
        let mut left = false;
        for event in events {
            let before = state;
            match takeover::step(state, &event) {
                Ok((next, effects)) => {
                    prop_assert!(before != State::Over, "{:?} is taken after the end", event);
                    left |= event == Event::CallerLeft;
                    state = next;
                    given.extend(effects);
                }
                Err(_) => prop_assert_eq!(before, state),
            }
        }
        let count = |wanted: Effect| given.iter().filter(|effect| **effect == wanted).count();
        let told: Vec<&Effect> = given.iter().filter(|effect| LAST.contains(effect)).collect();
        prop_assert!(told.len() <= 1, "{:?}", told);
        prop_assert_eq!(state == State::Over, left || told.len() == 1);
        prop_assert_eq!(left && !told.is_empty(), told == [&Effect::Renounce]);
        // The first one is listened to as well.
        prop_assert!(count(Effect::Listen) <= 1 + usize::from(MAX_SUCCESSORS));
        prop_assert!(count(Effect::Pause) <= usize::from(MAX_RETRIES));
        prop_assert!(count(Effect::StartProcess) <= usize::from(MAX_SUCCESSORS + MAX_RETRIES));
        prop_assert!(count(Effect::Look) <= 1);
    }
}
