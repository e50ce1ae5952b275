//! As much of the configuration as a call needs, as it was when the call was made: whoever goes on with it later, when the
//! file may say something else, goes on as it was begun.
use serde::{Deserialize, Serialize};

use super::model::{Agent, Config, Entry, Group};
use super::settings::Settings;

/// Some agents and groups, and the settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    agents: Vec<(String, Agent)>,
    #[serde(default)]
    groups: Vec<(String, Group)>,
    settings: Settings,
}

impl Snapshot {
    /// The valid ones among the agents and groups that are wanted.
    #[must_use]
    pub fn of(config: &Config, wanted: impl Fn(&str) -> bool) -> Self {
        Self {
            agents: chosen(&config.agents, &wanted),
            groups: chosen(&config.groups, &wanted),
            settings: config.settings.clone(),
        }
    }

    /// A configuration that has nothing else.
    #[must_use]
    pub fn into_config(self) -> Config {
        let Self { agents, groups, settings } = self;
        Config { agents: valid(agents), groups: valid(groups), settings, ..Config::default() }
    }
}

fn chosen<T: Clone>(entries: &[(String, Entry<T>)], wanted: impl Fn(&str) -> bool) -> Vec<(String, T)> {
    let wanted = entries.iter().filter(|(name, _)| wanted(name));
    wanted.filter_map(|(name, entry)| Some((name.clone(), entry.valid()?.clone()))).collect()
}

fn valid<T>(entries: Vec<(String, T)>) -> Vec<(String, Entry<T>)> {
    entries.into_iter().map(|(name, entry)| (name, Entry::Valid(entry))).collect()
}
