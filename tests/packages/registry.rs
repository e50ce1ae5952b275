//! The entry in the MCP registry: what it says of the program is what the program does. Its form is the affair of
//! `packages/registry/check`.

use std::collections::BTreeSet;

use agent_dispatch::config::path::VARIABLES;
use agent_dispatch::shell::environment::{CLAUDE, LOG};
use serde_json::{Value, json};

use super::read;

fn packages() -> Vec<Value> {
    let server: Value = serde_json::from_str(&read("registry/server.json")).unwrap();
    assert_eq!(server.get("version"), None, "Cargo.toml has the only one");
    server["packages"].as_array().unwrap().clone()
}

#[test]
fn the_packages_name_the_variables_of_the_program_and_start_the_server() {
    let wanted: BTreeSet<&str> = VARIABLES.into_iter().chain([CLAUDE, LOG]).collect();
    for package in packages() {
        let variables = package["environmentVariables"].as_array().unwrap();
        let names: BTreeSet<&str> = variables.iter().map(|variable| variable["name"].as_str().unwrap()).collect();
        assert_eq!(names, wanted, "{}", package["registryType"]);
        assert_eq!(package["packageArguments"], json!([{"type": "positional", "value": "serve"}]));
        assert_eq!((package.get("version"), &package["identifier"]), (None, &json!(env!("CARGO_PKG_NAME"))));
    }
}

#[test]
fn the_packages_differ_in_where_they_come_from_only() {
    let mut packages = packages();
    for package in &mut packages {
        let package = package.as_object_mut().unwrap();
        assert!(package.remove("registryType").is_some() && package.remove("runtimeHint").is_some());
    }
    assert_eq!(packages.len(), 2);
    assert_eq!(packages[0], packages[1]);
}
