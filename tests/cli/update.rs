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
    assert_snapshot!(world.run(&["update", "infra", "--timeout", "600", "--model", "opus"]), @r#"
    exit code: 0
    ----- stdout -----
    updated infra: timeout, model
    ----- stderr -----
    "#);
    assert_snapshot!(world.yaml(), @r#"
    # my agents
    agents:
      infra:   # the servers
        directory: [ROOT]/work/infra
        timeout: 600
        max_budget_usd: 2.5
        model: opus
        allowed_tools: [Read, Grep]
        colour: blue # mine
    "#);
}

#[test]
fn none_and_zero_clear() {
    let world = world();
    assert_snapshot!(
        world.run(&["update", "infra", "--model", "none", "--allowed-tools", "None", "--max-budget", "0"]),
        @r#"
    exit code: 0
    ----- stdout -----
    updated infra: max_budget_usd, model, allowed_tools
    ----- stderr -----
    "#
    );
    assert_snapshot!(world.yaml(), @r#"
    # my agents
    agents:
      infra:   # the servers
        directory: [ROOT]/work/infra
        timeout: 60
        colour: blue # mine
    "#);
}

#[test]
fn nothing_to_update() {
    assert_snapshot!(world().run(&["update", "infra"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: nothing to update
    hint: give at least one option; `none` clears a text or a list, `[]` is an empty list, `--max-budget 0` takes the agent's own cap away
    "#);
    let world = world();
    assert_snapshot!(world.run(&["update", "infra", "--timeout", "0", "--model", ""]), @r#"
    exit code: 0
    ----- stdout -----
    updated infra: timeout
    ----- stderr -----
    "#);
    assert!(world.yaml().contains("timeout: 0"), "{}", world.yaml());
    assert!(world.run(&["describe", "infra"]).contains("timeout: (inherit defaults): 300"));
}

#[test]
fn limits_that_cannot_be_meant() {
    for (arguments, said) in [
        (["--timeout", "-3"], "a whole number of seconds, 1 or more, such as 600"),
        (["--timeout", "5m"], "a whole number of seconds; that is 300"),
        (["--max-turns", "-3"], "a whole number of turns, 1 or more"),
        (["--max-budget", "$1.50"], "write 1.50"),
    ] {
        for verb in [&["update", "infra"][..], &["add", "new", "infra"]] {
            let shown = world().run(&[verb, &arguments].concat());
            assert!(shown.starts_with("exit code: 2") && shown.contains(said), "{shown}");
        }
    }
}

#[test]
fn an_empty_list_is_not_an_unset_one() {
    let world = world();
    assert!(world.output(&["update", "infra", "--allowed-tools", "[]"]).status.success());
    assert!(world.yaml().contains("    allowed_tools: []\n"), "{}", world.yaml());
    let shown = world.run(&["describe", "infra"]);
    assert!(
        shown.contains("\nallowed_tools: []\n") && shown.contains("disallowed_tools: (inherit defaults): none"),
        "{shown}"
    );
    assert!(world.output(&["update", "infra", "--allowed-tools", "none"]).status.success());
    assert!(world.run(&["describe", "infra"]).contains("\nallowed_tools: (inherit defaults): none\n"));
    let refused = world.run(&["update", "infra", "--allowed-tools", "Bash (ls:*)"]);
    assert!(refused.contains("claude takes it for the whole tool; write `Bash(ls:*)`"), "{refused}");
}

#[test]
fn an_agent_that_is_not_there() {
    assert_snapshot!(world().run(&["update", "infar", "--timeout", "1"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: Unknown agent: 'infar'. Available: infra
    hint: [BINARY] list shows all agents
    "#);
}

#[test]
fn a_broken_config_stays_as_it_is() {
    let world = World::new().config("agents:\n  infra: {directory: [ROOT]/work/infra\n");
    let before = world.yaml();
    assert_snapshot!(world.run(&["update", "infra", "--timeout", "1"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: cannot read the config: the `{` that opens here is not closed before the end of the file; correct it: line 2 is then `  infra: {directory: [ROOT]/work/infra}` ([ROOT]/home/.config/agent-dispatch/agents.yaml, line 2, column 10)
    hint: correct line 2 of [ROOT]/home/.config/agent-dispatch/agents.yaml, then repeat the call
    "#);
    assert_eq!(world.yaml(), before);
}
