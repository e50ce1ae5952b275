//! What both tell a client about their tools.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use super::differences::{PARAMETERS, matches};
use crate::support::client::{Client, Wire};
use crate::support::python;
use crate::support::world::World;

/// The parameters of each tool, and those that must be given.
type Tools = BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>;

fn tools(program: &Path) -> Tools {
    let world = World::new();
    let mut client = Client::silent(world.command_of(program, &["serve"]), Wire::Pipes);
    client.initialize();
    let id = client.request("tools/list", json!({}));
    let answer = client.answer(id);
    client.bye();
    let names = |schema: &Value| -> BTreeSet<String> {
        schema.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let tools = answer["result"]["tools"].as_array().unwrap().iter();
    let parameters =
        |schema: &Value| schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    tools
        .map(|tool| {
            let schema = &tool["inputSchema"];
            (tool["name"].as_str().unwrap().to_owned(), (parameters(schema), names(&schema["required"])))
        })
        .collect()
}

/// Every tool of the older implementation is there, takes what it took there, and asks for no more.
pub fn compare() {
    let (ours, theirs) = (tools(Path::new(env!("CARGO_BIN_EXE_agent-dispatch"))), tools(&python::program()));
    let mut found = BTreeSet::new();
    for (name, (their_parameters, their_required)) in &theirs {
        let Some((parameters, required)) = ours.get(name) else {
            found.insert(format!("{name} is not there"));
            continue;
        };
        found.extend(their_parameters.difference(parameters).map(|missing| format!("{name} does not take {missing}")));
        found.extend(required.difference(their_required).map(|more| format!("{name} asks for {more}")));
        found.extend(their_required.difference(required).map(|less| format!("{name} can do without {less}")));
        found.extend(parameters.difference(their_parameters).map(|more| format!("{name} takes {more} as well")));
    }
    found.extend(ours.keys().filter(|name| !theirs.contains_key(*name)).map(|name| format!("{name} is new")));
    let explains = |difference: &String| PARAMETERS.iter().position(|(pattern, _)| matches(pattern, difference));
    let used: BTreeSet<usize> = found.iter().filter_map(explains).collect();
    let unknown: Vec<&String> = found.iter().filter(|difference| explains(difference).is_none()).collect();
    let unused: Vec<_> = PARAMETERS.iter().enumerate().filter(|(number, _)| !used.contains(number)).collect();
    assert!(unknown.is_empty() && unused.is_empty(), "nothing asks for {unknown:#?}; needed by nothing: {unused:#?}");
}
