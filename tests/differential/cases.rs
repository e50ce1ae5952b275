//! All cases.

use super::{Case, agents, answers, commands, discovery, jobs};

pub fn all() -> Vec<Case> {
    [discovery::cases(), answers::cases(), jobs::cases(), agents::cases(), commands::cases()]
        .into_iter()
        .flatten()
        .collect()
}
