//! The limit of runs at once, against a list of who waits and a set of who holds.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use agent_dispatch::shell::limit::{Limit, Slot};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    /// Somebody comes, under a limit of this size.
    Come(usize),
    /// One of those who hold a place gives it back.
    Release(prop::sample::Index),
    /// One of those who wait goes away.
    GiveUp(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..6_usize).prop_map(Step::Come),
        2 => any::<prop::sample::Index>().prop_map(Step::Release),
        1 => any::<prop::sample::Index>().prop_map(Step::GiveUp),
    ]
}

type Pending = Pin<Box<dyn Future<Output = Slot>>>;

/// Polls everybody who waits, latest first: the order of grants must not depend on who is looked at.
fn poll_all(waiting: &mut BTreeMap<usize, Pending>, held: &mut BTreeMap<usize, Slot>) {
    let mut context = Context::from_waker(Waker::noop());
    let ids: Vec<usize> = waiting.keys().rev().copied().collect();
    for id in ids {
        if let Poll::Ready(slot) = waiting.get_mut(&id).unwrap().as_mut().poll(&mut context) {
            waiting.remove(&id);
            held.insert(id, slot);
        }
    }
}

proptest! {
    /// Bound and order: who holds a place is exactly who would by a queue in order of arrival and the size named last.
    #[test]
    fn places_are_given_in_order_of_arrival_and_never_too_many(steps in prop::collection::vec(step(), 1..60)) {
        let limit = Limit::default();
        let (mut waiting, mut held) = (BTreeMap::<usize, Pending>::new(), BTreeMap::<usize, Slot>::new());
        let (mut line, mut inside, mut size) = (VecDeque::new(), Vec::new(), 0);
        for (id, step) in steps.into_iter().enumerate() {
            match step {
                Step::Come(places) => {
                    let limit = limit.clone();
                    waiting.insert(id, Box::pin(async move { limit.acquire(places).await }));
                    size = places.max(1);
                    line.push_back(id);
                }
                Step::Release(index) if !inside.is_empty() => {
                    let id = inside.remove(index.index(inside.len()));
                    drop(held.remove(&id));
                }
                Step::GiveUp(index) if !line.is_empty() => {
                    let id = line.remove(index.index(line.len())).unwrap();
                    drop(waiting.remove(&id));
                }
                Step::Release(_) | Step::GiveUp(_) => {}
            }
            while inside.len() < size && let Some(next) = line.pop_front() {
                inside.push(next);
            }
            poll_all(&mut waiting, &mut held);
            inside.sort_unstable();
            prop_assert_eq!(held.keys().copied().collect::<Vec<_>>(), inside.clone());
            prop_assert_eq!(limit.waiting(), line.len());
        }
    }
}
