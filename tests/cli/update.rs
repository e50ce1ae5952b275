//! `update`

use insta::assert_snapshot;

use super::World;

const CONFIG: &str = "\
# my agents
agents:
  infra:   # the servers
    directory: [ROOT]/work/infra
    timeout: 60
    max_budget_usd: 2.5
    model: 'haiku'
    allowed_tools: [Read, Grep]
    colour: blue # mine
";

fn world() -> World {
    World::new().config(CONFIG)
}

#[test]
fn changes_only_what_is_given() {
    let world = world();
    assert_snapshot!(world.run(&["update", "infra", "--timeout", "600", "--model", "opus"]), @"");
    assert_snapshot!(world.yaml(), @"");
}

#[test]
fn none_and_zero_clear() {
    let world = world();
    assert_snapshot!(
        world.run(&["update", "infra", "--model", "none", "--allowed-tools", "None", "--max-budget", "0"]),
        @""
    );
    assert_snapshot!(world.yaml(), @"");
}

#[test]
fn nothing_to_update() {
    assert_snapshot!(world().run(&["update", "infra"]), @"");
    assert_snapshot!(world().run(&["update", "infra", "--timeout", "0", "--model", ""]), @"");
}

#[test]
fn an_agent_that_is_not_there() {
    assert_snapshot!(world().run(&["update", "infar", "--timeout", "1"]), @"");
}

#[test]
fn a_broken_config_stays_as_it_is() {
    let world = World::new().config("agents:\n  infra: {directory: [ROOT]/work/infra\n");
    let before = world.yaml();
    assert_snapshot!(world.run(&["update", "infra", "--timeout", "1"]), @"");
    assert_eq!(world.yaml(), before);
}
