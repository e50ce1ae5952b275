//! What all machines share: `step`, the names in the spec, and the one reading of statig's outcomes.

use statig::blocking::{IntoStateMachine, State, Superstate};
use statig::prelude::Outcome;

use super::effect::Effects;
use super::rejected::Rejected;

/// What every machine has beside its handlers, given the events that ask for what has already happened. `groups` stands in
/// front where the machine has superstates. For machines whose states hold all there is to know.
macro_rules! machine {
    (groups, no_op: $no_op:pat $(if $guard:expr)?) => {
        $crate::machines::apply::machine!(no_op: $no_op $(if $guard)?);

        /// The groups of the spec that a state is in, the outermost first.
        #[must_use]
        pub fn groups(state: State) -> Vec<&'static str> {
            $crate::machines::apply::groups::<Machine>(state)
        }
    };
    (no_op: $no_op:pat $(if $guard:expr)?) => {
        $crate::machines::apply::named!(State, Event);

        /// Takes one event.
        ///
        /// # Errors
        /// [`Rejected`] when the event has no row in the spec for this state; the state stands as it was.
        pub fn step(state: State, event: &Event) -> Result<(State, Effects<Effect>), Rejected> {
            $crate::machines::apply::apply(
                state,
                |state, effects| state.handle(&mut Machine, event, effects),
                || Rejected::of(matches!((state, event), $no_op $(if $guard)?), state.name(), event.name()),
            )
        }

        /// Shared storage of the machine: none, all of it is in the state.
        struct Machine;
    };
}

/// Gives states and events the names that they have in the spec.
macro_rules! named {
    ($($kind:ty),+) => {$(
        impl $kind {
            /// The name in the spec.
            #[must_use]
            pub fn name(&self) -> &'static str {
                self.into()
            }
        }
    )+};
}

pub(super) use {machine, named};

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

/// A row of the spec: to another state, with these effects.
pub(super) fn to<S, E>(next: S, effects: impl IntoIterator<Item = E>, context: &mut Effects<E>) -> Outcome<S> {
    context.extend(effects);
    Outcome::Transition(next)
}

/// A row of the spec that leaves the state as it is, with this effect.
pub(super) fn stay<S, E>(effect: E, context: &mut Effects<E>) -> Outcome<S> {
    context.push(effect);
    Outcome::Handled
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
