//! `list`

use insta::assert_snapshot;

use super::World;

const MIXED: &str = "\
agents:
  infra: {directory: '[ROOT]/work/infra', description: Servers, timeout: 60}
  home: {directory: '~', description: \"evil \\e[31mred\\e[0m\\nsecond line\"}
  gone: {directory: '[ROOT]/work/gone'}
  broken: {directory: '[ROOT]/work', timeout: -5}
";

#[test]
fn none() {
    assert_snapshot!(World::new().run(&["list"]), @"");
    assert_snapshot!(World::new().run(&["list", "--json"]), @"");
}

#[test]
fn healthy_and_other_agents() {
    let world = World::new().config(MIXED);
    assert_snapshot!(world.run(&["list"]), @"");
    assert_snapshot!(world.run(&["list", "--json"]), @"");
}

#[test]
fn a_broken_config() {
    let world = World::new().config("agents:\n  infra: {directory: '/x'\n  web: 3\n");
    assert_snapshot!(world.run(&["list"]), @"");
    assert_snapshot!(world.run(&["list", "--json"]), @"");
}

#[test]
fn the_config_can_be_named() {
    let world = World::new().env("AGENT_DISPATCH_CONFIG", "other.yaml");
    std::fs::write(world.path("work/other.yaml"), "agents: {here: {directory: infra}}").unwrap();
    assert_snapshot!(world.run(&["list"]), @"");
}

#[test]
fn without_a_home() {
    let output = World::new().command(&["list"]).env_remove("HOME").output().unwrap();
    assert_snapshot!(super::shown(&output), @"");
}
