//! The files of `spec/scenarios/`, as types: what happens step by step, told with the words of the machines.

use serde::Deserialize;
use serde_json::Value;

use super::file::{Names, Ordered, directory, load};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub scenario: String,
    /// Its place on the page.
    pub order: u8,
    pub title: String,
    pub about: String,
    /// Tests that play the same with the built program.
    pub played_by: Vec<String>,
    pub continues: Option<Continues>,
    pub steps: Vec<Step>,
    /// What a reader should know after it: question and answer.
    #[serde(default)]
    pub answers: Ordered<String>,
}

/// It begins as another scenario does.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Continues {
    pub scenario: String,
    /// How many steps of the other one it has.
    pub steps: usize,
    /// With what machines begin in it, beside what is said there.
    #[serde(default)]
    pub with: Ordered<Ordered<Value>>,
}

/// One thing that happens: at most one machine takes a step in it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub who: String,
    pub does: String,
    /// Happenings outside of the machines.
    #[serde(default)]
    pub happens: Names,
    /// A machine that begins.
    pub begins: Option<String>,
    /// `machine.event`.
    pub event: Option<String>,
    /// What the event carries, or what the machine begins with.
    #[serde(default)]
    pub with: Ordered<Value>,
    /// The state after it.
    pub to: Option<String>,
    /// Some of what that state remembers, by dotted paths.
    #[serde(default)]
    pub remembers: Ordered<Value>,
    #[serde(default)]
    pub effects: Vec<String>,
    /// The machine refuses the event.
    pub rejected: Option<Rejection>,
    /// Machines that were in the memory of somebody who is gone.
    #[serde(default)]
    pub lost: Vec<String>,
    #[serde(default)]
    pub takes: Ordered<String>,
    #[serde(default)]
    pub frees: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    NoOp,
    Invalid,
}

impl Scenario {
    /// The steps that it has from another scenario.
    pub fn earlier<'a>(&self, all: &'a [Self]) -> &'a [Step] {
        let Some(continues) = &self.continues else { return &[] };
        let other = all.iter().find(|other| other.scenario == continues.scenario);
        let other = other.unwrap_or_else(|| panic!("{}: no scenario {}", self.scenario, continues.scenario));
        assert!(other.continues.is_none(), "{}: {} begins as yet another one", self.scenario, other.scenario);
        &other.steps[..continues.steps]
    }
}

impl Step {
    /// The machine that takes a step or begins, and the event.
    pub fn machine(&self) -> Option<(&str, Option<&str>)> {
        match (&self.begins, &self.event) {
            (Some(machine), None) => Some((machine, None)),
            (None, Some(event)) => {
                let (machine, event) = event.split_once('.').unwrap_or_else(|| panic!("`{event}` names no machine"));
                Some((machine, Some(event)))
            }
            (None, None) => None,
            (Some(_), Some(_)) => panic!("{self:?}: begins and takes an event at once"),
        }
    }
}

/// All scenarios, in the order of the page.
pub fn all() -> Vec<Scenario> {
    let folder = directory().join("scenarios");
    let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut all: Vec<Scenario> = names
        .map(|name| {
            let scenario: Scenario = load(&format!("scenarios/{name}"));
            assert_eq!(format!("{}.yaml", scenario.scenario), name, "`scenario` is the file's name");
            scenario
        })
        .collect();
    all.sort_by_key(|scenario| scenario.order);
    all
}
