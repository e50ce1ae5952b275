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
    assert_snapshot!(world.run(&["group", "list"]), @"");
    assert_snapshot!(world.run(&["group", "add", "shop", "-d", "db first", "--shared-context", "The host is shop-7.", "--member", "infra=deployment"]), @"");
    assert_snapshot!(world.run(&["group", "add-member", "shop", "gone"]), @"");
    assert_snapshot!(world.run(&["group", "list"]), @"");
    assert_snapshot!(world.run(&["group", "inspect", "shop"]), @"");
    assert_snapshot!(world.run(&["group", "update", "shop", "-d", "", "--shared-context", "It is shop-8."]), @"");
    assert_snapshot!(world.yaml(), @"");
    assert_snapshot!(world.run(&["group", "remove-member", "shop", "gone", "infra"]), @"");
    assert_snapshot!(world.run(&["group", "remove", "shop"]), @"");
    assert_eq!(world.json(&["group", "list", "--json"]), (json!([]), 0));
}

#[test]
fn mistakes_say_what_to_do() {
    let world = world().config(&format!("{AGENTS}groups:\n  shop: {{members: [{{agent: infra}}]}}\n  bad: 5\n"));
    assert_snapshot!(world.run(&["group", "add", "shop"]), @"");
    assert_snapshot!(world.run(&["group", "add", "new", "--member", "nobody"]), @"");
    assert_snapshot!(world.run(&["group", "add-member", "shop", "infra"]), @"");
    assert_snapshot!(world.run(&["group", "remove-member", "shop", "gone"]), @"");
    assert_snapshot!(world.run(&["group", "update", "shop"]), @"");
    assert_snapshot!(world.run(&["group", "remove", "nowhere"]), @"");
    assert_snapshot!(world.run(&["group", "add-member", "bad", "infra"]), @"");
    assert_snapshot!(world.run(&["group", "inspect", "bad"]), @"");
    assert_snapshot!(world.run(&["group", "add", "empty"]), @"");
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
        .filter(|check| check["section"] == "groups")
        .map(|check| {
            format!("{} {} {}", check["status"].as_str().unwrap(), check["message"].as_str().unwrap(), check["details"])
        })
        .collect();
    assert_snapshot!(groups.join("\n"), @"");
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
