//! What comes of an event: the one reading of statig's outcomes, for all machines.

use statig::blocking::{IntoStateMachine, State, Superstate};
use statig::prelude::Outcome;

use super::effect::Effects;
use super::rejected::Rejected;

/// Has a machine's `handle` take an event in `state`. A transition leads to a new state; an event that is handled without one
/// leaves the state, save for what the handler changed of its data; one that nobody handles is rejected.
///
/// # Errors
/// What `reject` says.
pub fn apply<S: Copy, E>(
    state: S,
    handle: impl FnOnce(&mut S, &mut Effects<E>) -> Outcome<S>,
    reject: impl FnOnce() -> Rejected,
) -> Result<(S, Effects<E>), Rejected> {
    let mut effects = Effects::none();
    let mut current = state;
    match handle(&mut current, &mut effects) {
        Outcome::Transition(next) => Ok((next, effects)),
        Outcome::Handled => Ok((current, effects)),
        Outcome::Super => Err(reject()),
    }
}

/// The superstates of a state, the outermost first: the groups of the spec, as the machine itself has them.
pub(super) fn groups<M: IntoStateMachine>(mut state: M::State) -> Vec<&'static str>
where
    M::State: State<M>,
    for<'a> M::Superstate<'a>: Superstate<M> + Into<&'static str>,
{
    state.superstate().map_or_else(Vec::new, chain::<M>)
}

fn chain<M: IntoStateMachine>(mut group: M::Superstate<'_>) -> Vec<&'static str>
where
    for<'a> M::Superstate<'a>: Superstate<M> + Into<&'static str>,
{
    let mut outer = group.superstate().map_or_else(Vec::new, chain::<M>);
    outer.push(group.into());
    outer
}
