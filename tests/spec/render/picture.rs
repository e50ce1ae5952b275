//! A picture for each phase of a machine: what leads out of its states.

use std::fmt::Write as _;

use super::super::file::{Spec, Transition};
use super::machine;
use super::text::title;

/// A picture with more edges is not read.
const MOST_EDGES: usize = 16;
/// A guard that is longer than this is left to the table.
const MOST_GUARD: usize = 32;

pub fn all(spec: &Spec) -> String {
    if spec.phases.0.is_empty() {
        return picture(spec, &spec.states.names().collect::<Vec<_>>());
    }
    let mut out = String::new();
    for (name, phase) in &spec.phases.0 {
        let states: Vec<&str> = phase.states.iter().map(String::as_str).collect();
        let _ = write!(out, "**{}**: {}.\n\n{}\n", title(name), phase.means, picture(spec, &states));
    }
    out.trim_end().to_owned() + "\n"
}

fn picture(spec: &Spec, states: &[&str]) -> String {
    let mut out = "```mermaid\nstateDiagram-v2\n".to_owned();
    if states.contains(&spec.first.state.as_str()) {
        let _ = writeln!(out, "    [*] --> {}", spec.first.state);
    }
    let mut edges = 0;
    for from in states {
        for to in spec.states.names() {
            let rows: Vec<&Transition> =
                spec.transitions.iter().filter(|row| row.to == to && leads_from(spec, row, from)).collect();
            if !rows.is_empty() {
                let _ = writeln!(out, "    {from} --> {to}: {}", label(&rows));
                edges += 1;
            }
        }
    }
    assert!(edges <= MOST_EDGES, "{}: {edges} edges in one picture: declare phases", spec.machine);
    for (name, state) in &spec.states.0 {
        if state.is_final && out.contains(&format!("> {name}:")) {
            let _ = writeln!(out, "    {name} --> [*]");
        }
    }
    out + "```\n"
}

fn leads_from(spec: &Spec, row: &Transition, state: &str) -> bool {
    row.from.0.iter().any(|name| spec.expand(name).contains(state))
}

/// The events of parallel edges, each once; the guards where there is one row, and they are short.
fn label(rows: &[&Transition]) -> String {
    let mut events: Vec<&str> = Vec::new();
    for event in rows.iter().flat_map(|row| &row.event.0) {
        if !events.contains(&event.as_str()) {
            events.push(event);
        }
    }
    let all = events.join(", ");
    let [row] = rows else { return all };
    let guards = machine::guards(&machine::names(&row.when), &machine::names(&row.unless));
    if guards.is_empty() || guards.len() > MOST_GUARD { all } else { format!("{all} [{guards}]") }
}
