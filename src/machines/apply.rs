//! What comes of an event: the one reading of statig's outcomes, for all machines.

use statig::prelude::Outcome;

use super::effect::Effects;
use super::rejected::Rejected;

/// Has `handle`, which is a machine's, take an event in `state`. A transition leads to a new state, a handled event to the
/// same one, and one that nobody handles is rejected; the state stands then as it was.
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
        Outcome::Handled => Ok((state, effects)),
        Outcome::Super => Err(reject()),
    }
}
