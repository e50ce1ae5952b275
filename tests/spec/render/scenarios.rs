//! The page of the scenarios: a table for each, with all machines beside each other.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::super::file::Ordered;
use super::super::scenario::{Rejection, Scenario, Step};
use super::MARK;
use super::text::{item, paragraphs, table};

pub fn page(scenarios: &[Scenario]) -> String {
    let mut out = format!("{MARK}\n\n# Scenarios\n\n");
    out += "What happens step by step. In each step at most one machine takes an event; the columns of the machines show the\n";
    out += "states after it (**bold** where the step changed it, – where there is none), the last column what is held then: job\n";
    out += "and session stand for their locks ([actors.md](actors.md)). After the arrow stand the effects. Every step is replayed\n";
    out += "by `tests/scenarios`: the events are given to the machines of the program, and states, effects and resources must be\n";
    out += "those that are written here.\n\n";
    for scenario in scenarios {
        let _ = writeln!(out, "- [{}](#{})", scenario.title, anchor(&scenario.title));
    }
    for scenario in scenarios {
        out += &section(scenario, scenarios);
    }
    out
}

fn anchor(title: &str) -> String {
    let kept = title.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn section(scenario: &Scenario, all: &[Scenario]) -> String {
    let mut out = format!("\n## {}\n\n{}\n\n", scenario.title, paragraphs(&scenario.about));
    let file = &scenario.scenario;
    let _ = writeln!(out, "Source: [scenarios/{file}.yaml](scenarios/{file}.yaml).");
    let _ = writeln!(out, "Played with the built program and a stand-in for claude by: {}.\n", played_by(scenario));
    out += &steps(scenario, all);
    if !scenario.answers.0.is_empty() {
        out.push('\n');
    }
    for (question, answer) in &scenario.answers.0 {
        let _ = writeln!(out, "{}", item(&format!("*{question}* {answer}")));
    }
    out
}

fn played_by(scenario: &Scenario) -> String {
    scenario.played_by.iter().map(|test| format!("`{test}`")).collect::<Vec<_>>().join(",\n")
}

/// Who is where, as the steps go on.
#[derive(Default)]
struct Board<'a> {
    states: BTreeMap<&'a str, &'a str>,
    held: Vec<&'a str>,
}

impl<'a> Board<'a> {
    /// Takes a step; the machine that it changed.
    fn take(&mut self, step: &'a Step) -> Option<&'a str> {
        let changed = step.machine().map(|(machine, _)| machine).filter(|_| step.rejected.is_none());
        for machine in &step.lost {
            self.states.remove(machine.as_str());
        }
        if let (Some(machine), Some(to)) = (changed, &step.to) {
            self.states.insert(machine, to);
        }
        self.held.retain(|resource| !step.frees.iter().any(|freed| freed == resource));
        for resource in step.takes.names() {
            if !self.held.contains(&resource) {
                self.held.push(resource);
            }
        }
        changed
    }

    fn row(&self, machines: &[&str], first: [String; 3], changed: Option<&str>) -> Vec<String> {
        let state = |machine: &&str| match self.states.get(machine) {
            Some(state) if changed == Some(*machine) => format!("**{state}**"),
            Some(state) => (*state).to_owned(),
            None => "–".to_owned(),
        };
        let held = self.held.iter().map(|resource| resource.trim_end_matches("_lock")).collect::<Vec<_>>().join(", ");
        first.into_iter().chain(machines.iter().map(state)).chain([held]).collect()
    }
}

fn steps(scenario: &Scenario, all: &[Scenario]) -> String {
    let earlier = scenario.earlier(all);
    let mut machines: Vec<&str> = Vec::new();
    for (machine, _) in earlier.iter().chain(&scenario.steps).filter_map(Step::machine) {
        if !machines.contains(&machine) {
            machines.push(machine);
        }
    }
    let head: Vec<&str> =
        ["step", "who", "what happens"].into_iter().chain(machines.iter().copied()).chain(["held"]).collect();
    let (mut board, mut rows) = (Board::default(), Vec::new());
    if let Some(continues) = &scenario.continues {
        for step in earlier {
            board.take(step);
        }
        let other = all.iter().find(|other| other.scenario == continues.scenario).unwrap();
        let does = format!("as in [{}](#{}){}", other.title, anchor(&other.title), beginnings(&continues.with));
        rows.push(board.row(&machines, [format!("1–{}", continues.steps), String::new(), does], None));
    }
    for (index, step) in scenario.steps.iter().enumerate() {
        let changed = board.take(step);
        let number = (earlier.len() + index + 1).to_string();
        rows.push(board.row(&machines, [number, step.who.clone(), happening(step)], changed));
    }
    table(&head, &rows)
}

/// What is different about the beginning.
fn beginnings(with: &Ordered<Ordered<Value>>) -> String {
    let all = with.0.iter().flat_map(|(machine, with)| with.0.iter().map(move |value| (machine, value)));
    let all: Vec<String> = all.map(|(machine, (name, value))| format!("`{machine}` with {name}: {value}")).collect();
    if all.is_empty() { String::new() } else { format!(", {}", all.join(", ")) }
}

fn happening(step: &Step) -> String {
    let mut text = step.does.clone();
    let what = match step.machine() {
        Some((machine, Some(event))) => format!("`{machine}.{event}`"),
        Some((machine, None)) => format!("`{machine}` begins"),
        None => return text,
    };
    let _ = write!(text, "<br>{what}");
    match step.rejected {
        Some(Rejection::NoOp) => text += ": no-op",
        Some(Rejection::Invalid) => text += ": invalid",
        None if step.effects.is_empty() => {}
        None => {
            let _ = write!(text, " → `{}`", step.effects.join(", "));
        }
    }
    text
}
