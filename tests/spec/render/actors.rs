//! The page of the actors, the resources, and who holds what in which state.

use std::fmt::Write as _;

use super::super::actors::{Actors, Table};
use super::MARK;
use super::text::{item, paragraphs, table, title};

pub fn page(actors: &Actors) -> String {
    let mut out = format!("{MARK}\n\n# Actors and resources\n\n{}\n\n## Actors\n\n", paragraphs(&actors.about));
    for (name, actor) in &actors.actors.0 {
        let _ = writeln!(out, "{}", item(&format!("**{name}**: {}.", actor.means)));
    }
    out += "\n## Resources\n\n";
    for (name, resource) in &actors.resources.0 {
        let mut holders: Vec<&str> = resource.taken.values().map(String::as_str).collect();
        holders.sort_unstable();
        holders.dedup();
        let holders = if holders.is_empty() { "whoever changes the record".to_owned() } else { holders.join(", ") };
        let name = name.replace('_', " ");
        let _ = writeln!(out, "{}", item(&format!("**{name}** (held by: {holders}): {}.", resource.kind)));
        let _ = writeln!(out, "  {}", item(&format!("Free means: {}.", resource.free)).replace('\n', "\n  "));
        let _ = writeln!(out, "  - Held by the test `{}`.", resource.held_by_test);
    }
    out += "\n## Who holds what in which state\n\n";
    out += "`must`: in every situation; `may`: in some; `never`. A state is looked at after the effects of the step into\n";
    out += "it were performed.\n";
    for (name, held) in &actors.tables.0 {
        out += &section(name, held);
    }
    out += "\n## What happens outside of the machines\n\nThese words stand in the [scenarios](scenarios.md).\n\n";
    for (name, means) in &actors.happenings.0 {
        let _ = writeln!(out, "{}", item(&format!("`{name}`: {means}")));
    }
    out
}

fn section(name: &str, held: &Table) -> String {
    let when = held.when.as_ref().map_or_else(String::new, |when| format!(", {when}"));
    let mut out = format!("\n### {}{when}\n\n{}.\n\n", title(held.machine_or(name)), paragraphs(&held.how));
    let _ = writeln!(out, "Test: `{}`.\n", held.held_by_test);
    let resources: Vec<&str> = held.states.0.first().into_iter().flat_map(|(_, row)| row.names()).collect();
    let head: Vec<String> =
        std::iter::once("state".to_owned()).chain(resources.iter().map(|name| name.replace('_', " "))).collect();
    let cells = |(state, row): &(String, super::super::file::Ordered<super::super::actors::Held>)| {
        let cell = |name: &&str| row.get(name).map_or("", |held| held.name()).to_owned();
        std::iter::once(format!("**{state}**")).chain(resources.iter().map(cell)).collect()
    };
    let rows: Vec<Vec<String>> = held.states.0.iter().map(cells).collect();
    out += &table(&head.iter().map(String::as_str).collect::<Vec<_>>(), &rows);
    if !(held.always.is_empty() && held.notes.is_empty()) {
        out.push('\n');
    }
    for always in &held.always {
        let text = format!(
            "Always, where there is a {}, there is a {}: {}.",
            always.r#where.join(" and a ").replace('_', " "),
            always.held.replace('_', " "),
            always.means
        );
        let _ = writeln!(out, "{}", item(&text));
    }
    for note in &held.notes {
        let _ = writeln!(out, "{}", item(note));
    }
    out
}
