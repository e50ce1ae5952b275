//! A job, whoever dies over it: every interleaving of two servers, a command line, its supervisors and a few deaths, one
//! system call a step, searched for a state that breaks a promise or from which the job never ends.
//!
//! `AGENT_DISPATCH_SEARCH=full cargo test --release --test suite model:: -- --nocapture` searches the larger scopes as well.

use super::life_world::{Broken, Design, Scope, World};
use super::search::{self, Verdict, in_full, note};

pub const SMALL: Scope = Scope {
    resumes: 0,
    crashes: 1,
    cancel: false,
    timeouts: false,
    rival: false,
    looks_twice: true,
    successors: None,
    design: Design::Shipped,
    wanted: None,
};

fn search(scope: &Scope) -> Verdict<World> {
    search::search(World::new(scope), scope)
}

fn sound(scope: Scope) {
    let start = std::time::Instant::now();
    match search(&scope) {
        Verdict::Sound { states } => {
            note(&format!("{states} states in {:?}: {scope:?}", start.elapsed()));
            assert!(states > 100, "{scope:?}: only {states} states");
        }
        broken => panic!("{scope:?}: {broken:#?}"),
    }
}

//= J-6 J-7 J-8 J-9
#[test]
fn servers_and_supervisors_die() {
    sound(Scope { crashes: 2, ..SMALL });
}

//= J-6 J-7 J-8 J-9
#[test]
fn it_goes_on_whoever_dies() {
    sound(Scope { resumes: 1, timeouts: true, ..SMALL });
    sound(Scope { resumes: 1, crashes: 2, ..SMALL });
}

//= J-6 J-7 J-8 J-9 J-10
#[test]
fn a_caller_waits_whoever_dies() {
    for successors in [0, 1] {
        let waits = Scope { successors: Some(successors), looks_twice: false, ..SMALL };
        sound(Scope { crashes: 2, ..waits });
        sound(Scope { resumes: 1, timeouts: true, ..waits });
        sound(Scope { cancel: true, ..waits });
        sound(Scope { rival: true, ..waits });
    }
}

//= J-6 J-7 J-8 J-9
#[test]
fn it_is_cancelled_whoever_dies() {
    sound(Scope { cancel: true, looks_twice: false, ..SMALL });
    sound(Scope { cancel: true, looks_twice: false, resumes: 1, timeouts: true, crashes: 0, ..SMALL });
}

//= J-6 J-7 J-8 J-9
#[test]
fn another_run_wants_the_only_slot() {
    sound(Scope { rival: true, resumes: 1, ..SMALL });
}

//= J-6 J-7 J-8 J-9
#[test]
fn all_at_once_with_two_deaths() {
    if in_full() {
        let two = Scope { crashes: 2, timeouts: true, ..SMALL };
        sound(Scope { resumes: 2, ..two });
        sound(Scope { resumes: 1, rival: true, ..two });
        sound(Scope { cancel: true, ..two });
        sound(Scope { cancel: true, resumes: 1, looks_twice: false, ..two });
        sound(Scope { resumes: 2, rival: true, ..two });
        sound(Scope { cancel: true, resumes: 1, rival: true, ..two });
        sound(Scope { cancel: true, resumes: 2, ..two });
        let waits = Scope { successors: Some(1), looks_twice: false, ..two };
        sound(Scope { resumes: 1, ..waits });
        sound(Scope { cancel: true, ..waits });
        sound(Scope { crashes: 3, ..waits });
    }
}

//= J-6 J-7 J-8 J-9
#[test]
fn all_at_once_with_three_deaths() {
    if in_full() {
        let three = Scope { crashes: 3, timeouts: true, ..SMALL };
        sound(Scope { resumes: 2, rival: true, ..three });
        sound(Scope { cancel: true, resumes: 1, ..three });
    }
}

/// The search finds what is wrong with the designs that are not shipped.
#[test]
fn bad_designs_break() {
    let two = Scope { crashes: 2, ..SMALL };
    let wanted = [
        (Scope { crashes: 0, design: Design::NoLock, ..SMALL }, Broken::TwoWorkers),
        // The fence keeps the second worker waiting, but it is paid all the same.
        (Scope { design: Design::SpawnBeforeWrite, ..SMALL }, Broken::TooOften),
        (Scope { resumes: 1, design: Design::NoFence, ..SMALL }, Broken::TwoWorkers),
        (Scope { design: Design::KillInsteadOfAdopt, ..SMALL }, Broken::Lost),
        (Scope { successors: Some(1), design: Design::KillInsteadOfAdopt, ..SMALL }, Broken::Lost),
        (Scope { successors: Some(1), design: Design::SettleForTheCaller, ..SMALL }, Broken::Lost),
        (Scope { successors: Some(1), design: Design::GiveUpElsewhere, ..SMALL }, Broken::Misled),
        (Scope { crashes: 0, cancel: true, design: Design::UnlockedEdit, ..SMALL }, Broken::Changed),
        (Scope { crashes: 0, cancel: true, design: Design::MarkAndForget, ..SMALL }, Broken::Unseen),
        (Scope { resumes: 1, rival: true, design: Design::KeptSlot, ..two }, Broken::Limit),
    ];
    for (scope, wanted) in wanted {
        let start = std::time::Instant::now();
        match search(&Scope { wanted: Some(wanted), looks_twice: false, ..scope }) {
            Verdict::Breaks(broken, way) if broken == wanted => {
                let (steps, took) = (way.len(), start.elapsed());
                note(&format!("{:?} breaks after {steps} steps, found in {took:?}: {way:#?}", scope.design));
            }
            verdict => panic!("{scope:?}: {verdict:#?} instead of {wanted:?}"),
        }
    }
}
