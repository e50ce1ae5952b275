//! `describe`

use std::fs;

use insta::assert_snapshot;

use super::World;

const CONFIG: &str = "\
agents:
  infra:
    directory: '[ROOT]/work/infra'
    description: Servers
    allowed_tools: []
    instructions: |
      Read-only.
      Be brief.
  broken: {directory: '[ROOT]/work', timeout: -5}
";

#[test]
fn everything_about_an_agent() {
    let world = World::new().config(CONFIG);
    fs::write(world.path("work/infra/CLAUDE.md"), "# Infra\n\nServers \u{1b}[31mof the shop.\n").unwrap();
    fs::write(world.path("work/infra/Dockerfile"), "").unwrap();
    assert_snapshot!(world.run(&["describe", "infra"]), @"");
    assert_snapshot!(world.run(&["describe", "infra", "--json"]), @"");
}

#[test]
fn an_entry_that_is_invalid() {
    let world = World::new().config(CONFIG);
    assert_snapshot!(world.run(&["describe", "broken"]), @"");
}

#[test]
fn an_agent_that_is_not_there() {
    let world = World::new().config(CONFIG);
    assert_snapshot!(world.run(&["describe", "infar"]), @"");
    assert_snapshot!(world.run(&["describe", "infar", "--json"]), @"");
}

#[test]
fn no_name() {
    assert_snapshot!(World::new().run(&["describe"]), @"");
}
