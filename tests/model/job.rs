//! Random lives of a job, judged from the history of the events that were taken.

use agent_dispatch::machines::dispatch::{CancelledBy, End};
use agent_dispatch::machines::job::{Effect, Event, Phase, State, Status, step};
use proptest::prelude::*;
use proptest::sample::select;

use super::walks;
use crate::spec::job::EVENTS;

/// An event that was taken, what came of it and what the record said afterwards.
#[derive(Debug, Clone)]
struct Step {
    event: Event,
    effects: Vec<Effect>,
    after: State,
}

#[derive(Debug, Clone, Default)]
struct Life {
    steps: Vec<Step>,
}

impl Life {
    fn state(&self) -> State {
        self.steps.last().map_or(State::Pending, |step| step.after)
    }

    fn take(&mut self, event: Event) -> bool {
        let Ok((after, effects)) = step(self.state(), &event) else { return false };
        self.steps.push(Step { event, effects: effects.into_iter().collect(), after });
        true
    }

    /// A claude process may be there: it was claimed, and not said to be gone since.
    fn manned(&self) -> bool {
        let last = self.steps.iter().rev().find(|step| matches!(step.event, Event::Claim | Event::Resume));
        self.end().is_none() && last.is_some_and(|step| step.event == Event::Claim)
    }

    /// The life before a step.
    fn before(&self, step: usize) -> Self {
        Self { steps: self.steps[..step].to_vec() }
    }

    /// The step in which the job ended.
    fn end(&self) -> Option<usize> {
        let ends = |event| match event {
            Event::Finish { .. } | Event::Cancel | Event::Stopped | Event::Abandon { worker: false } => true,
            Event::Claim
            | Event::Adopt
            | Event::Resume
            | Event::Progress
            | Event::Abandon { worker: true }
            | Event::Collect => false,
        };
        self.steps.iter().position(|step| ends(step.event))
    }

    fn places(&self, effect: Effect) -> Vec<usize> {
        let has = |step: &&Step| step.effects.contains(&effect);
        (0..self.steps.len()).filter(|index| has(&&self.steps[*index])).collect()
    }
}

fn live(events: &[Event]) -> Life {
    let mut life = Life::default();
    for event in events {
        life.take(*event);
    }
    life
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    // What a job lives through, more often than what ends it.
    let life = select(vec![Event::Claim, Event::Adopt, Event::Resume, Event::Progress]);
    prop::collection::vec(prop_oneof![2 => life, 1 => select(EVENTS.to_vec())], 0..16)
}

proptest! {
    #![proptest_config(walks())]

    //= J-1
    #[test]
    fn an_ended_job_never_changes(events in events()) {
        let life = live(&events);
        let status = |step: &Step| step.after.in_record().map(|(status, _)| status);
        let Some(end) = life.end() else {
            prop_assert!(!life.state().is_terminal());
            return Ok(());
        };
        let expected = match life.steps[end].event {
            Event::Finish { success: true } => Status::Done,
            Event::Cancel | Event::Stopped => Status::Cancelled,
            _ => Status::Failed,
        };
        prop_assert_eq!(status(&life.steps[end]), Some(expected));
        let mut running = life.steps[end].event == Event::Cancel;
        for (index, step) in life.steps.iter().enumerate().skip(end + 1) {
            if step.event == Event::Collect {
                prop_assert!(!running, "removed before it was known that nothing of it runs");
                prop_assert_eq!(step.after, State::Collected);
                prop_assert_eq!(index + 1, life.steps.len(), "nothing is taken from a removed record");
            } else if step.event == Event::Progress {
                // What it did in its last moment is shown.
                prop_assert!(running, "progress of what is over");
                prop_assert_eq!((status(step), &step.effects[..]), (Some(expected), &[Effect::StoreProgress][..]));
            } else {
                prop_assert!(running, "nothing is taken but that nothing of it runs: {:?}", step);
                prop_assert_eq!((status(step), step.effects.is_empty()), (Some(expected), true));
                running = false;
            }
        }
    }

    //= J-2
    #[test]
    fn the_end_is_stamped_once(events in events()) {
        let life = live(&events);
        prop_assert_eq!(life.places(Effect::StampCompleted), life.end().into_iter().collect::<Vec<_>>());
        let count = life.steps.iter().flat_map(|step| &step.effects).filter(|e| **e == Effect::StampCompleted).count();
        prop_assert_eq!(count, usize::from(life.end().is_some()));
    }

    //= J-3
    #[test]
    fn a_finished_result_is_stored(events in events(), success in any::<bool>()) {
        let mut life = live(&events);
        let running = life.manned();
        let taken = life.take(Event::Finish { success });
        if running {
            prop_assert!(taken);
        }
        let finish = life.end().filter(|end| matches!(life.steps[*end].event, Event::Finish { .. }));
        prop_assert_eq!(life.places(Effect::StoreResult), finish.into_iter().collect::<Vec<_>>());
        for removed in life.places(Effect::RemoveFiles) {
            prop_assert!(life.end().is_some_and(|end| end < removed), "removed before its end");
        }
    }

    //= J-4
    #[test]
    fn the_run_is_ended_after_the_record_says_so(events in events()) {
        let life = live(&events);
        let cancelled = (0..life.steps.len()).filter(|i| life.steps[*i].event == Event::Cancel);
        let cancelled: Vec<usize> = cancelled.collect();
        prop_assert_eq!(&life.places(Effect::EndRun), &cancelled);
        for index in cancelled {
            prop_assert_eq!(life.steps[index].after, State::Stopping);
            let expected = [Effect::StoreReason, Effect::StampCompleted, Effect::EndRun];
            prop_assert_eq!(&life.steps[index].effects[..], &expected[..]);
        }
    }

    //= J-5
    #[test]
    fn a_job_is_claimed_before_it_succeeds_and_again_each_time_it_goes_on(events in events()) {
        let life = live(&events);
        let places = |event| (0..life.steps.len()).filter(|i| life.steps[*i].event == event).collect::<Vec<usize>>();
        let (claims, resumptions) = (places(Event::Claim), places(Event::Resume));
        let (first, again) = claims.split_at(claims.len().min(1));
        prop_assert_eq!(life.places(Effect::StampStarted), first);
        prop_assert_eq!(life.places(Effect::CountResumption), again);
        prop_assert_eq!(life.places(Effect::StampDeadline), claims.clone());
        for (resumed, claimed) in resumptions.iter().zip(&claims) {
            prop_assert!(claimed < resumed, "resumed before it was claimed");
        }
        for (claimed, resumed) in again.iter().zip(&resumptions) {
            prop_assert!(resumed < claimed, "claimed twice without a resumption");
        }
        prop_assert!(resumptions.len() <= claims.len(), "resumed once more before it was claimed again");
        if let Some(end) = life.end().filter(|end| life.steps[*end].after == State::Done) {
            prop_assert!(life.before(end).manned(), "a success without a claude process");
        }
    }

    /// What the record says is what happened last; nothing else is remembered.
    #[test]
    fn the_record_says_what_happened(events in events()) {
        let life = live(&events);
        let phase = |event: Event| match event {
            Event::Claim => Some(None),
            Event::Adopt | Event::Abandon { worker: true } if life.manned() => Some(Some(Phase::Adopted)),
            Event::Resume => Some(Some(Phase::Resuming)),
            _ => None,
        };
        if life.end().is_none() {
            let last = life.steps.iter().rev().find_map(|step| phase(step.event));
            let status = if last.is_some() { Status::Running } else { Status::Pending };
            prop_assert_eq!(life.state().in_record(), Some((status, last.flatten())));
        }
    }

    #[test]
    fn progress_is_shown_from_the_first_claim_to_the_end(events in events()) {
        let life = live(&events);
        let shown = (0..life.steps.len()).filter(|i| life.steps[*i].event == Event::Progress).collect::<Vec<usize>>();
        prop_assert_eq!(life.places(Effect::StoreProgress), shown);
        let begun = life.steps.iter().any(|step| step.event == Event::Claim);
        let shows = life.state() == State::Stopping || begun && life.end().is_none();
        prop_assert_eq!(life.clone().take(Event::Progress), shows);
    }

    /// What works is waited for: nobody gives up a job whose claude process lives.
    //= J-7
    #[test]
    fn a_job_whose_claude_lives_is_not_given_up(events in events()) {
        let mut life = live(&events);
        let (manned, before) = (life.manned(), life.state());
        prop_assert_eq!(life.take(Event::Abandon { worker: true }), manned);
        prop_assert_eq!(life.state(), if manned { State::Adopted } else { before });
    }

    /// A complete answer outranks whoever wanted the end; without one a wanted end is no failure.
    //= J-7
    #[test]
    fn an_answer_outranks_the_wish_to_end(
        end in select(vec![
            End::NotStarted,
            End::Exited,
            End::Lingered,
            End::TimedOut { answered: false },
            End::TimedOut { answered: true },
            End::Cancelled { by: CancelledBy::Request, answered: false },
            End::Cancelled { by: CancelledBy::CallerGone, answered: true },
        ]),
        answered: bool,
        success: bool,
    ) {
        let wanted = matches!(end, End::Cancelled { .. }) && !answered;
        let expected = if wanted { Event::Stopped } else { Event::Finish { success } };
        prop_assert_eq!(Event::of_run(end, answered, success), expected);
    }

    //= J-5
    #[test]
    fn a_job_is_to_be_claimed_exactly_where_no_claude_process_may_be_there(events in events(), success in any::<bool>()) {
        let life = live(&events);
        let open = life.end().is_none();
        prop_assert_eq!(life.clone().take(Event::Claim), open && !life.manned());
        prop_assert_eq!(life.clone().take(Event::Resume), life.manned());
        let finished = life.clone().take(Event::Finish { success });
        let stopping = life.state() == State::Stopping;
        prop_assert_eq!(finished, stopping || open && (life.manned() || !success));
    }
}
