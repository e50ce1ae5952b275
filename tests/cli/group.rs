//! `group`

use insta::assert_snapshot;
use serde_json::json;

use super::World;

const AGENTS: &str = "# mine\nagents:\n  infra: {directory: '[ROOT]/work/infra', description: Servers}\n  gone: {directory: '[ROOT]/work/gone'}\n";

fn world() -> World {
    World::new().config(AGENTS)
}

#[test]
fn a_life_of_a_group() {
    let world = world();
    assert_snapshot!(world.run(&["group", "list"]), @r"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    no groups in [ROOT]/home/.config/agent-dispatch/agents.yaml
    hint: agent-dispatch group add NAME --member AGENT makes one
    ");
    assert_snapshot!(world.run(&["group", "add", "shop", "-d", "db first", "--shared-context", "The host is shop-7.", "--member", "infra=deployment"]), @r"
    exit code: 0
    ----- stdout -----
    added group shop: infra
    ----- stderr -----
    ");
    assert_snapshot!(world.run(&["group", "add-member", "shop", "gone"]), @r"
    exit code: 0
    ----- stdout -----
    added to group shop: gone
    ----- stderr -----
    ");
    assert_snapshot!(world.run(&["group", "list"]), @r"
    exit code: 0
    ----- stdout -----
    shop  infra, gone (missing)  db first
    ----- stderr -----
    ");
    assert_snapshot!(world.run(&["group", "inspect", "shop"]), @r"
    exit code: 0
    ----- stdout -----
    shop
    description: db first
    shared context: The host is shop-7.
    - infra  [ROOT]/work/infra  deployment
    - gone (missing)  [ROOT]/work/gone
    ----- stderr -----
    ");
    assert_snapshot!(world.run(&["group", "update", "shop", "-d", "", "--shared-context", "It is shop-8."]), @r"
    exit code: 0
    ----- stdout -----
    updated group shop: description, shared_context
    ----- stderr -----
    ");
    assert_snapshot!(world.yaml(), @r"
    # mine
    agents:
      infra: {directory: '[ROOT]/work/infra', description: Servers}
      gone: {directory: '[ROOT]/work/gone'}
    groups:
      shop:
        shared_context: It is shop-8.
        members:
        - agent: infra
          use_for: deployment
        - agent: gone
    ");
    assert_snapshot!(world.run(&["group", "remove-member", "shop", "gone", "infra"]), @r"
    exit code: 0
    ----- stdout -----
    removed from group shop: gone, infra
    ----- stderr -----
    ");
    assert_snapshot!(world.run(&["group", "remove", "shop"]), @r"
    exit code: 0
    ----- stdout -----
    removed group shop; its agents stay
    ----- stderr -----
    ");
    assert_eq!(world.json(&["group", "list", "--json"]), (json!([]), 0));
}

#[test]
fn mistakes_say_what_to_do() {
    let world = world().config(&format!("{AGENTS}groups:\n  shop: {{members: [{{agent: infra}}]}}\n  bad: 5\n"));
    assert_snapshot!(world.run(&["group", "add", "shop"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: group 'shop' exists already
    hint: [BINARY] group update shop … changes it, group add-member shop … adds to it, group remove shop takes it out
    "#);
    assert_snapshot!(world.run(&["group", "add", "new", "--member", "nobody"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: Unknown agent: 'nobody'. Available: infra, gone
    hint: [BINARY] add NAME DIR makes a project an agent
    "#);
    assert_snapshot!(world.run(&["group", "add-member", "shop", "infra"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: agent 'infra' is a member of group 'shop' already
    hint: to give it another purpose: [BINARY] group remove-member shop infra, then add it again
    "#);
    assert_snapshot!(world.run(&["group", "remove-member", "shop", "gone"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: agent 'gone' is not a member of group 'shop'. Members: infra
    ");
    assert_snapshot!(world.run(&["group", "update", "shop"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: nothing to update
    hint: give --description or --shared-context; an empty text clears it
    ");
    assert_snapshot!(world.run(&["group", "remove", "nowhere"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: Unknown group: 'nowhere'. Available: shop, bad
    hint: [BINARY] group list shows all groups
    "#);
    assert_snapshot!(world.run(&["group", "add-member", "bad", "infra"]), @r"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: group 'bad' is disabled by a mistake in its entry: groups.bad: invalid type: integer `5`, expected a mapping with `members`, such as `{members: [{agent: infra}]}` (agents.yaml line 7, column 8)
    hint: correct the entry in agents.yaml
    ");
    assert_snapshot!(world.run(&["group", "inspect", "bad"]), @r"
    exit code: 1
    ----- stdout -----
    bad
    error: groups.bad: invalid type: integer `5`, expected a mapping with `members`, such as `{members: [{agent: infra}]}` (agents.yaml line 7, column 8)
    ----- stderr -----
    ");
    assert_snapshot!(world.run(&["group", "add", "empty"]), @r"
    exit code: 0
    ----- stdout -----
    added group empty: no members
    ----- stderr -----
    hint: agent-dispatch group add-member empty AGENT makes an agent a member
    ");
    let (value, code) = world.json(&["group", "inspect", "nowhere", "--json"]);
    assert_eq!((code, value["error"].as_str()), (1, Some("Unknown group: 'nowhere'. Available: shop, bad, empty")));
    let (value, code) = world.json(&["group", "inspect", "shop", "--json"]);
    assert_eq!(
        (code, &value["member_count"], &value["members"][0]["directory"]),
        (0, &json!(1), &json!(world.path("work/infra")))
    );
    assert_eq!(world.output(&["group", "add-member", "shop"]).status.code(), Some(2), "no member is wrong usage");
    assert_eq!(world.output(&["group"]).status.code(), Some(2));
}

#[test]
fn doctor_looks_at_groups() {
    let world = world().config(&format!(
        "{AGENTS}groups:\n  shop: {{members: [{{agent: infra}}]}}\n  broken: {{members: [{{agent: nobody}}, {{agent: infra}}]}}\n  twice: {{members: [{{agent: infra}}, {{agent: infra}}]}}\n  empty: {{}}\n  bad: 5\n"
    ));
    let (report, _) = world.json(&["doctor", "--json"]);
    let groups: Vec<String> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["section"] == "Groups")
        .map(|check| {
            format!("{} {} {}", check["status"].as_str().unwrap(), check["message"].as_str().unwrap(), check["details"])
        })
        .collect();
    assert_snapshot!(groups.join("\n"), @r#"
    ok shop: 1 member []
    fail broken: members that are no agents: nobody ["[BINARY] group remove-member broken nobody, or add them as agents"]
    warn twice: infra is a member twice; the first entry counts ["take one of the two out of agents.yaml"]
    warn empty: no members ["[BINARY] group add-member empty AGENT"]
    fail bad is disabled: groups.bad: invalid type: integer `5`, expected a mapping with `members`, such as `{members: [{agent: infra}]}` (line 10) ["correct the entry in agents.yaml"]
    "#);
}

/// Two who change at the same time: neither change is lost.
#[test]
fn many_at_once() {
    let world = world().config(&format!("{AGENTS}groups:\n  shop: {{}}\n"));
    let children: Vec<_> = (0..12)
        .map(|n| world.command(&["group", "add", &format!("g{n}"), "--member", "infra"]).spawn().unwrap())
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let (groups, _) = world.json(&["group", "list", "--json"]);
    assert_eq!(groups.as_array().map(Vec::len), Some(13));
}
