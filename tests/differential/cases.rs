//! All cases.

use super::{Case, agents, answers, commands, discovery, groups, jobs};

pub fn all() -> Vec<Case> {
    [discovery::cases(), answers::cases(), jobs::cases(), groups::cases(), agents::cases(), commands::cases()]
        .into_iter()
        .flatten()
        .collect()
}
