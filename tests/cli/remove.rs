//! `remove`

use insta::assert_snapshot;

use super::World;

#[test]
fn removes_one_and_keeps_the_rest() {
    let world = World::new().config(
        "agents:\n  # first\n  infra: {directory: '[ROOT]/work/infra'}\n  web: {directory: '[ROOT]/work'} # second\n",
    );
    assert_snapshot!(world.run(&["remove", "infra"]), @r#"
    exit code: 0
    ----- stdout -----
    removed infra; its directory is untouched
    ----- stderr -----
    "#);
    assert_eq!(world.json(&["list", "--json"]).0[0]["name"], "web");
    assert!(world.yaml().contains("# second"));
    assert!(world.path("work/infra").is_dir());
}

#[test]
fn an_agent_that_is_not_there() {
    assert_snapshot!(World::new().run(&["remove", "infra"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: Unknown agent: 'infra'. There are none
    hint: [BINARY] list shows all agents
    "#);
}

#[test]
fn an_entry_that_is_invalid_can_be_removed() {
    let world = World::new().config("agents: {infra: {directory: 7, timeout: -1}}\n");
    assert_snapshot!(world.run(&["remove", "infra"]), @r#"
    exit code: 0
    ----- stdout -----
    removed infra; its directory is untouched
    ----- stderr -----
    "#);
    assert_eq!(world.json(&["list", "--json"]), (serde_json::json!([]), 0));
}
