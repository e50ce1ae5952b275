//! What the product relies on in the CLI, and what `fake-claude` plays.

use super::real_tests;
use super::run::World;

real_tests! {
    fn a_plain_run_answers_with_what_the_model_said() {
        let world = World::saying("hi there");
        let outcome = world.ask("hello", &[]);
        outcome.answered("hi there");
    }
}
