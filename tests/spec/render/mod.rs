//! The pages of `spec/` that are generated from its files.

mod actors;
mod machine;
mod picture;
mod scenarios;
mod text;

use std::fmt::Write as _;

use super::file::{MACHINES, Ordered, Spec, load};
use super::scenario;

/// Stands at the top of every generated page.
const MARK: &str = "<!-- Generated from the yaml files by the test spec::freshness; not to be edited. -->";

/// A file of `spec/` and what is in it.
pub struct Page {
    pub name: String,
    pub text: String,
}

/// All generated pages.
pub fn pages() -> Vec<Page> {
    let actors = super::actors::Actors::load();
    let mut pages: Vec<Page> = MACHINES
        .map(|machine| Page { name: format!("{machine}.md"), text: machine::page(&Spec::load(machine), &actors) })
        .into_iter()
        .collect();
    pages.push(Page { name: "actors.md".to_owned(), text: actors::page(&actors) });
    pages.push(Page { name: "scenarios.md".to_owned(), text: scenarios::page(&scenario::all()) });
    pages.push(Page { name: "invariants.md".to_owned(), text: invariants() });
    pages
}

fn invariants() -> String {
    let mut out = format!("{MARK}\n\n# Invariants\n\n");
    out += "Each sentence holds over every sequence of events, and is cited (`//= D-1`) by the test that holds it.\n\n";
    for (id, sentence) in &load::<Ordered<String>>("invariants.yaml").0 {
        let _ = writeln!(out, "{}", text::item(&format!("**{id}** {sentence}")));
    }
    out
}
