//! The same calls and commands to the older implementation and to this one: what a caller branches on must not differ.
//!
//! Each [`Case`] is a world, made twice, and steps that are done in both: tool calls, commands, and things that happen
//! meanwhile. What both say is compared whole, but for texts that are worded freely, times and random ids, of which only
//! the kind of value counts (see [`shape`]). What may differ stands in [`differences::TABLE`], each with its reason; an
//! entry that no difference needs fails too.
//!
//! Replay: `AGENT_DISPATCH_PYTHON=VENV/bin/python cargo test --features python differential`.

mod agents;
mod answers;
mod cases;
mod commands;
mod differences;
mod discovery;
mod fleet;
mod groups;
mod jobs;
mod schema;
mod shape;
mod side;

use std::fmt::Write as _;

use serde_json::{Value, json};

use self::differences::TABLE;
use self::side::{Implementation, Side};
use crate::support::python::python_tests;
use crate::support::world::World;

/// A world and what is done in it.
struct Case {
    name: &'static str,
    world: fn() -> World,
    steps: Vec<Step>,
}

/// One thing that is done in both worlds.
struct Step {
    /// What it shows; part of the place that a difference is known by.
    what: &'static str,
    deed: Deed,
    /// Parts of the answer that later steps need: a name, and where it stands.
    keep: Vec<(&'static str, &'static str)>,
}

enum Deed {
    /// A call of a tool. Text in its arguments that is a kept name in braces stands for what was kept; `[ROOT]` is the world.
    Call(&'static str, Value),
    /// A command of the program.
    Run(Vec<&'static str>),
    /// Something that happens to the world.
    Change(fn(&World)),
}

fn call(what: &'static str, tool: &'static str, arguments: Value) -> Step {
    Step { what, deed: Deed::Call(tool, arguments), keep: Vec::new() }
}

fn run(what: &'static str, arguments: &[&'static str]) -> Step {
    Step { what, deed: Deed::Run(arguments.to_vec()), keep: Vec::new() }
}

fn change(what: &'static str, change: fn(&World)) -> Step {
    Step { what, deed: Deed::Change(change), keep: Vec::new() }
}

impl Step {
    fn keep(mut self, name: &'static str, pointer: &'static str) -> Self {
        self.keep.push((name, pointer));
        self
    }
}

/// What both said to each step: the place, what this implementation said, what the older one said.
type Said = Vec<(String, Value, Value)>;

/// Does a case on both sides, at the same time.
fn both(case: &Case) -> Said {
    let ours = |steps| Side::new(Implementation::Ours, (case.world)()).play(steps);
    let theirs = |steps| Side::new(Implementation::Older, (case.world)()).play(steps);
    let (ours, theirs) = std::thread::scope(|scope| {
        let theirs = scope.spawn(|| theirs(&case.steps));
        (ours(&case.steps), theirs.join().unwrap())
    });
    let place = |step: &Step| format!("{}: {}", case.name, step.what);
    let said = case.steps.iter().zip(ours).zip(theirs);
    said.map(|((step, ours), theirs)| (place(step), ours, theirs)).collect()
}

python_tests! {
    fn the_same_calls_are_answered_alike() {
        let mut used = vec![false; TABLE.len()];
        let mut report = String::new();
        let only = std::env::var("DIFFERENTIAL_CASE").ok();
        for case in cases::all().iter().filter(|case| only.as_ref().is_none_or(|only| only == case.name)) {
            for (place, ours, theirs) in both(case) {
                for difference in shape::differences(&ours, &theirs) {
                    let known = TABLE.iter().position(|known| known.is_about(&place, &difference.path));
                    match known {
                        Some(known) => used[known] = true,
                        None => writeln!(report, "{place}\n  {difference}").unwrap(),
                    }
                }
            }
        }
        if only.is_none() {
            for (known, _) in TABLE.iter().zip(&used).filter(|(_, used)| !**used) {
                writeln!(report, "the table's entry {known} is needed by no difference").unwrap();
            }
        }
        assert!(report.is_empty(), "differences that nothing asks for:\n{report}");
    }

    fn every_tool_of_the_older_implementation_is_there_with_its_parameters() {
        schema::compare();
    }
}

/// The comparison finds what differs, and nothing else.
#[test]
fn the_comparison_can_fail() {
    let one = json!({"is_error": false, "said": {"success": true, "error": "a", "items": [1, {"cost_usd": 0.5}]}});
    assert!(shape::differences(&one, &one).is_empty());
    let worded = json!({"is_error": false, "said": {"success": true, "error": "b", "items": [1, {"cost_usd": 0.5}]}});
    assert!(shape::differences(&one, &worded).is_empty());
    let changes = [
        (
            "/said/success",
            json!({"is_error": false, "said": {"success": false, "error": "a", "items": [1, {"cost_usd": 0.5}]}}),
        ),
        ("/said/error", json!({"is_error": false, "said": {"success": true, "items": [1, {"cost_usd": 0.5}]}})),
        (
            "/said/error",
            json!({"is_error": false, "said": {"success": true, "error": 3, "items": [1, {"cost_usd": 0.5}]}}),
        ),
        ("/said/items/#", json!({"is_error": false, "said": {"success": true, "error": "a", "items": [1]}})),
        (
            "/said/items/1/cost_usd",
            json!({"is_error": false, "said": {"success": true, "error": "a", "items": [1, {"cost_usd": 0.7}]}}),
        ),
        (
            "/said/more",
            json!({"is_error": false, "said": {"success": true, "error": "a", "items": [1, {"cost_usd": 0.5}], "more": 1}}),
        ),
    ];
    for (path, other) in changes {
        let found = shape::differences(&one, &other);
        assert_eq!(found.iter().map(|difference| difference.path.as_str()).collect::<Vec<_>>(), [path]);
    }
}
