//! Every interleaving of a part of a call with deaths of whoever conducts it, a cancel, and somebody who removes records.

use agent_dispatch::machines::part::{self, Effect, Event, State};

use super::search::{Next, Verdict, World, search};

/// The shipped design, and those that look alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Design {
    Shipped,
    /// The name is noted when the job was written.
    NotesLate,
    /// That the job was submitted is not noted.
    ForgetsSubmission,
    /// The record of the call is looked at before the lock is had.
    LooksBeforeLock,
}

#[derive(Debug)]
struct Scope {
    design: Design,
    /// Whether somebody may cancel the call.
    cancels: bool,
}

/// Where whoever conducts the call is with the part. From `Locked` to `Written` it has the ledger's lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    Idle,
    /// The record of the call was open a moment ago.
    Looked,
    Locked,
    Open,
    Named,
    Written,
    Waits,
    GaveUp,
    Closed,
    Dead,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Job {
    Absent,
    /// Its record is there: whoever reads it has it run.
    Live,
    Ended,
    Removed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Life {
    at: At,
    noted: State,
    job: Job,
    submissions: u8,
    /// Whether somebody has waited for its job: nobody removes the record of an open call's part before.
    awaited: bool,
    marked: bool,
    swept: bool,
    deaths: u8,
    removals: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    Go,
    Die,
    Restart,
    JobEnds,
    Remove,
    Mark,
    Sweep,
}

#[derive(Debug, PartialEq, Eq)]
enum Broken {
    PaidTwice,
    RunsAfterItsEnd,
}

const DEATHS: u8 = 3;

impl Life {
    const fn begin() -> Self {
        let (at, noted, job) = (At::Idle, State::Unnamed, Job::Absent);
        Self {
            at,
            noted,
            job,
            submissions: 0,
            awaited: false,
            marked: false,
            swept: false,
            deaths: DEATHS,
            removals: 1,
        }
    }

    const fn has_lock(&self) -> bool {
        matches!(self.at, At::Locked | At::Open | At::Named | At::Written)
    }

    const fn is_there(&self) -> bool {
        matches!(self.job, Job::Live | Job::Ended)
    }

    /// The next step of whoever conducts the call.
    fn go(self, design: Design) -> Option<Self> {
        let looked = |next| if self.marked { At::Closed } else { next };
        Some(match (self.at, design) {
            (At::Idle, Design::LooksBeforeLock) => Self { at: looked(At::Looked), ..self },
            (At::Looked, _) => Self { at: At::Open, ..self },
            (At::Idle, _) => Self { at: At::Locked, ..self },
            (At::Locked, _) => Self { at: looked(At::Open), ..self },
            (At::Open, _) => self.take_up(design),
            (At::Named, _) => Self { at: At::Written, job: Job::Live, submissions: self.submissions + 1, ..self },
            (At::Written, Design::ForgetsSubmission) => Self { at: At::Waits, awaited: true, ..self },
            (At::Written, Design::NotesLate) => Self { at: At::Waits, noted: State::Submitted, awaited: true, ..self },
            (At::Written, _) => {
                let (noted, _await) = part::step(self.noted, &Event::Submitted).unwrap();
                Self { at: At::Waits, awaited: true, noted, ..self }
            }
            (At::Waits | At::GaveUp | At::Closed | At::Dead, _) => return None,
        })
    }

    fn take_up(self, design: Design) -> Self {
        let job_is_there = self.noted.may_have_job() && self.is_there();
        let (next, effects) = part::step(self.noted, &Event::TakeUp { job_is_there }).unwrap();
        let late = design == Design::NotesLate && next == State::Named;
        let forgets = design == Design::ForgetsSubmission && next == State::Submitted;
        let noted = if late || forgets { self.noted } else { next };
        let at = match effects.as_slice() {
            [Effect::Submit] => At::Named,
            [Effect::Await] => At::Waits,
            _ => At::GaveUp,
        };
        Self { at, noted, awaited: self.awaited || at == At::Waits, ..self }
    }

    /// Whoever cancels has marked the call, takes the lock, and ends the job that is noted.
    const fn sweep(self) -> Self {
        let noted = self.noted.may_have_job();
        let job = if noted && matches!(self.job, Job::Live) { Job::Ended } else { self.job };
        Self { swept: true, job, ..self }
    }

    fn judge(self) -> Result<Self, Broken> {
        if self.submissions > 1 {
            return Err(Broken::PaidTwice);
        }
        if self.swept && self.job == Job::Live {
            return Err(Broken::RunsAfterItsEnd);
        }
        Ok(self)
    }
}

impl World for Life {
    type Scope = Scope;
    type Move = Move;
    type Broken = Broken;

    fn successors(&self, scope: &Scope) -> Vec<Next<Self>> {
        let life = *self;
        let mut next: Vec<(Move, Self)> = life.go(scope.design).map(|next| (Move::Go, next)).into_iter().collect();
        if life.at != At::Dead && life.deaths > 0 {
            next.push((Move::Die, Self { at: At::Dead, deaths: life.deaths - 1, ..life }));
        }
        if life.at == At::Dead {
            next.push((Move::Restart, Self { at: At::Idle, ..life }));
        }
        if life.job == Job::Live {
            next.push((Move::JobEnds, Self { job: Job::Ended, ..life }));
        }
        if life.job == Job::Ended && life.removals > 0 && life.awaited {
            next.push((Move::Remove, Self { job: Job::Removed, removals: 0, ..life }));
        }
        if !life.marked && scope.cancels {
            next.push((Move::Mark, Self { marked: true, ..life }));
        }
        if life.marked && !life.swept && !life.has_lock() {
            next.push((Move::Sweep, life.sweep()));
        }
        next.into_iter().map(|(step, life)| (step, life.judge())).collect()
    }

    fn is_over(&self) -> bool {
        match self.at {
            At::Waits => matches!(self.job, Job::Ended | Job::Removed),
            At::GaveUp | At::Closed => self.job != Job::Live,
            At::Idle | At::Looked | At::Locked | At::Open | At::Named | At::Written | At::Dead => false,
        }
    }
}

fn verdict(design: Design, cancels: bool) -> Verdict<Life> {
    search(Life::begin(), &Scope { design, cancels })
}

//= F-4
//= F-5
#[test]
fn a_part_is_paid_for_once_and_never_after_the_end_of_its_call_whoever_dies() {
    match verdict(Design::Shipped, true) {
        Verdict::Sound { states } => assert!(states > 100, "{states}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn designs_that_look_alike_break() {
    for (design, cancels, expected) in [
        (Design::NotesLate, false, Broken::PaidTwice),
        (Design::NotesLate, true, Broken::RunsAfterItsEnd),
        (Design::ForgetsSubmission, true, Broken::PaidTwice),
        (Design::LooksBeforeLock, true, Broken::RunsAfterItsEnd),
    ] {
        match verdict(design, cancels) {
            Verdict::Breaks(broken, way) => assert_eq!(broken, expected, "{design:?}: {way:?}"),
            other => panic!("{design:?}: {other:?}"),
        }
    }
}
