//! All cases.

use super::{Case, agents, answers, commands, discovery, fleet, groups, jobs};

pub fn all() -> Vec<Case> {
    [
        discovery::cases(),
        answers::cases(),
        jobs::cases(),
        groups::cases(),
        fleet::cases(),
        agents::cases(),
        commands::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
