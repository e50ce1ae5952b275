//! All cases.

use super::{Case, agents, answers, commands, discovery, fleet, jobs};

pub fn all() -> Vec<Case> {
    [discovery::cases(), answers::cases(), jobs::cases(), agents::cases(), commands::cases(), fleet::cases()]
        .into_iter()
        .flatten()
        .collect()
}
