//! Every interleaving of a small world, breadth first: the way to a broken state is a shortest one.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::Debug;
use std::hash::Hash;

/// What can happen next, and what comes of it.
pub type Next<W> = (<W as World>::Move, Result<W, <W as World>::Broken>);

/// A world that goes on in steps.
pub trait World: Clone + Eq + Hash {
    /// What is searched, and which design.
    type Scope: Debug;
    type Move: Copy + Debug;
    /// A broken promise.
    type Broken: Debug;

    /// Everything that can happen next, and what comes of it.
    fn successors(&self, scope: &Self::Scope) -> Vec<Next<Self>>;
    /// Whether it has come to an end that is as good as any.
    fn is_over(&self) -> bool;
}

/// Why a design is no good, and the shortest way there.
#[derive(Debug)]
pub enum Verdict<W: World> {
    Sound {
        states: usize,
    },
    Breaks(W::Broken, Vec<W::Move>),
    /// From here it never comes to an end, whatever happens.
    Stuck(Vec<W::Move>),
}

/// Whether the scopes are searched that take minutes.
pub fn in_full() -> bool {
    std::env::var_os("AGENT_DISPATCH_SEARCH").is_some_and(|wanted| wanted == "full")
}

/// For whoever asks with `--nocapture`.
pub fn note(text: &str) {
    use std::io::Write as _;
    drop(writeln!(std::io::stderr(), "{text}"));
}

/// Looks at every state that can be come to.
pub fn search<W: World>(first: W, scope: &W::Scope) -> Verdict<W> {
    let mut numbers: HashMap<W, usize> = HashMap::from([(first.clone(), 0)]);
    let mut came: Vec<Option<(usize, W::Move)>> = vec![None];
    let mut before: Vec<Vec<usize>> = vec![Vec::new()];
    let mut ends = Vec::new();
    let mut todo = VecDeque::from([(0, first)]);
    while let Some((number, world)) = todo.pop_front() {
        if world.is_over() {
            ends.push(number);
        }
        for (step, next) in world.successors(scope) {
            let next = match next {
                Ok(next) => next,
                Err(broken) => {
                    let mut way = way::<W>(&came, number);
                    way.push(step);
                    return Verdict::Breaks(broken, way);
                }
            };
            let fresh = came.len();
            let known = *numbers.entry(next.clone()).or_insert(fresh);
            if known == fresh {
                came.push(Some((number, step)));
                before.push(Vec::new());
                todo.push_back((fresh, next));
            }
            before[known].push(number);
        }
    }
    let mut ends_well = vec![false; came.len()];
    while let Some(number) = ends.pop() {
        if !std::mem::replace(&mut ends_well[number], true) {
            ends.extend(&before[number]);
        }
    }
    match ends_well.iter().position(|well| !well) {
        Some(stuck) => Verdict::Stuck(way::<W>(&came, stuck)),
        None => Verdict::Sound { states: came.len() },
    }
}

/// Shows every state that can be come to.
pub fn visit<W: World>(first: W, scope: &W::Scope, mut look: impl FnMut(&W)) {
    let mut seen = HashSet::from([first.clone()]);
    let mut todo = VecDeque::from([first]);
    while let Some(world) = todo.pop_front() {
        look(&world);
        for (step, next) in world.successors(scope) {
            let next = next.unwrap_or_else(|broken| panic!("{broken:?} after {step:?}"));
            if seen.insert(next.clone()) {
                todo.push_back(next);
            }
        }
    }
}

fn way<W: World>(came: &[Option<(usize, W::Move)>], mut number: usize) -> Vec<W::Move> {
    let mut way = Vec::new();
    while let Some((earlier, step)) = came[number] {
        way.push(step);
        number = earlier;
    }
    way.reverse();
    way
}
