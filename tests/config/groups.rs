//! Adding, changing and removing groups, and what of the file stays as it was.
use agent_dispatch::config::groups::{GroupError, NewMember, Texts, add, add_members, remove, remove_members, update};
use agent_dispatch::config::path::Environment;
use agent_dispatch::config::read::load;
use proptest::prelude::*;
use serde_json::json;

use super::place;

const AGENTS: &str = "agents:\n  a: {directory: /a}\n  b: {directory: /b}\n  c: {directory: /c}\n";

fn file(env: &Environment) -> String {
    std::fs::read_to_string(env.config.as_ref().unwrap()).unwrap()
}

fn written(groups: &str) -> (tempfile::TempDir, Environment) {
    let (directory, env) = place();
    std::fs::write(env.config.as_ref().unwrap(), format!("{AGENTS}{groups}")).unwrap();
    (directory, env)
}

fn member(agent: &str) -> NewMember {
    NewMember { agent: agent.to_owned(), use_for: String::new() }
}

fn members(env: &Environment, group: &str) -> Vec<String> {
    let config = load(env.config.as_ref().unwrap(), None).unwrap();
    config.group(group).unwrap().valid().unwrap().members.iter().map(|member| member.agent.clone()).collect()
}

#[test]
fn a_group_is_added_changed_and_removed() {
    let (_directory, env) = written("# end\n");
    let texts = Texts { description: Some("db: first".to_owned()), shared_context: Some("one\ntwo".to_owned()) };
    let given = [NewMember { agent: "a".to_owned(), use_for: " deploy: all ".to_owned() }, member("b"), member("b")];
    assert_eq!(add(&env, "shop", &texts, &given).unwrap(), json!({"added": "shop", "members": ["a", "b"]}));
    let config = load(env.config.as_ref().unwrap(), None).unwrap();
    let shop = config.group("shop").unwrap().valid().unwrap();
    assert_eq!((shop.description.as_str(), shop.shared_context.as_str()), ("db: first", "one\ntwo"));
    assert_eq!(shop.members[0].use_for.as_deref(), Some("deploy: all"));
    assert!(file(&env).starts_with(AGENTS) && file(&env).contains("# end"), "{}", file(&env));
    let texts = Texts { description: Some(String::new()), shared_context: Some("three".to_owned()) };
    assert_eq!(update(&env, "shop", &texts).unwrap()["fields"], json!(["description", "shared_context"]));
    let config = load(env.config.as_ref().unwrap(), None).unwrap();
    let shop = config.group("shop").unwrap().valid().unwrap();
    assert_eq!((shop.description.as_str(), shop.shared_context.as_str()), ("", "three"));
    assert_eq!(remove(&env, "shop").unwrap(), json!({"removed": "shop"}));
    assert!(load(env.config.as_ref().unwrap(), None).unwrap().groups.is_empty());
}

#[test]
fn members_come_and_go_and_the_other_lines_stay() {
    let block = "groups: # ours\n  shop:\n    members: # who\n      # the first\n      - agent: a # keep\n        use_for: \"x\"\n      # the second\n      - {agent: b}\n    description: 'd' # last\n";
    let (_directory, env) = written(block);
    add_members(&env, "shop", &[NewMember { agent: "c".to_owned(), use_for: "deploy: all".to_owned() }]).unwrap();
    let after =
        block.replace("      - {agent: b}\n", "      - {agent: b}\n      - agent: c\n        use_for: 'deploy: all'\n");
    assert_eq!(file(&env), format!("{AGENTS}{after}"));
    remove_members(&env, "shop", &["a".to_owned(), "c".to_owned()]).unwrap();
    let after = block.replace("      - agent: a # keep\n        use_for: \"x\"\n", "");
    assert_eq!(file(&env), format!("{AGENTS}{after}"));
    remove_members(&env, "shop", &["b".to_owned()]).unwrap();
    assert!(members(&env, "shop").is_empty() && file(&env).contains("description: 'd' # last"), "{}", file(&env));
    add_members(&env, "shop", &[member("b"), member("a")]).unwrap();
    assert_eq!(members(&env, "shop"), ["b", "a"]);
}

#[test]
fn lists_on_one_line_stay_on_one_line() {
    let flow = "groups: {shop: {members: [{agent: a, use_for: x}, {agent: b}]}} # all\n";
    let (_directory, env) = written(flow);
    let given = [NewMember { agent: "c".to_owned(), use_for: "deploy, \"all\": 1".to_owned() }];
    add_members(&env, "shop", &given).unwrap();
    let after = flow.replace("{agent: b}", "{agent: b}, {agent: c, use_for: \"deploy, \\\"all\\\": 1\"}");
    assert_eq!(file(&env), format!("{AGENTS}{after}"));
    remove_members(&env, "shop", &["a".to_owned(), "c".to_owned()]).unwrap();
    assert_eq!(file(&env), format!("{AGENTS}groups: {{shop: {{members: [{{agent: b}}]}}}} # all\n"));
}

#[test]
fn what_cannot_be_is_refused_and_nothing_is_written() {
    let groups = "groups:\n  shop: {members: [{agent: a}]}\n  bad: 5\n  one: &m\n    members:\n      - agent: a\n      - agent: b\n  two: *m\n";
    let (_directory, env) = written(groups);
    let long = Texts { description: Some("x".repeat(70_000)), shared_context: None };
    let none = Texts::default();
    let errors = [
        add(&env, "a b", &none, &[]).unwrap_err(),
        add(&env, "shop", &none, &[]).unwrap_err(),
        add(&env, "bad", &none, &[]).unwrap_err(),
        add(&env, "new", &none, &[member("nobody")]).unwrap_err(),
        add(&env, "new", &long, &[]).unwrap_err(),
        update(&env, "nowhere", &none).unwrap_err(),
        update(&env, "shop", &none).unwrap_err(),
        remove(&env, "nowhere").unwrap_err(),
        add_members(&env, "shop", &[member("b"), member("a")]).unwrap_err(),
        add_members(&env, "shop", &[member("nobody")]).unwrap_err(),
        add_members(&env, "bad", &[member("a")]).unwrap_err(),
        remove_members(&env, "shop", &["b".to_owned()]).unwrap_err(),
        add_members(&env, "one", &[member("c")]).unwrap_err(),
        remove_members(&env, "one", &["a".to_owned()]).unwrap_err(),
    ];
    let kinds: Vec<&str> = errors
        .iter()
        .map(|error| match error {
            GroupError::Name(_) => "name",
            GroupError::Exists(_) => "exists",
            GroupError::Unknown(_) => "unknown",
            GroupError::UnknownAgent(_) => "agent",
            GroupError::Member { .. } => "member",
            GroupError::NotAMember { .. } => "stranger",
            GroupError::Disabled { .. } => "disabled",
            GroupError::TooLong { .. } => "long",
            GroupError::Nothing => "nothing",
            GroupError::Write(_) => "write",
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "name", "exists", "exists", "agent", "long", "unknown", "nothing", "unknown", "member", "agent",
            "disabled", "stranger", "write", "write"
        ]
    );
    assert_eq!(file(&env), format!("{AGENTS}{groups}"));
}

/// The members of a group, written in a form of their own, with a comment for each.
fn forms() -> impl Strategy<Value = (String, Vec<String>)> {
    let names = prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 0..4);
    (names, 0_usize..4, 0_usize..3).prop_map(|(mut names, form, indent)| {
        names.sort_unstable();
        names.dedup();
        let pad = " ".repeat(4 + indent);
        let lines = |item: &dyn Fn(&str) -> String| names.iter().map(|name| item(name)).collect::<String>();
        let list = match (form, names.is_empty()) {
            (_, true) => [" []", "", " null", " [ ]"][form].to_owned() + "\n",
            (0, _) => {
                "\n".to_owned()
                    + &lines(&|name| {
                        format!("{pad}# on {name}\n{pad}- agent: {name} # {name}!\n{pad}  use_for: |\n{pad}    text\n")
                    })
            }
            (1, _) => "\n".to_owned() + &lines(&|name| format!("{pad}- {{agent: \"{name}\"}} # {name}!\n\n")),
            (2, _) => "\n".to_owned() + &lines(&|name| format!("{pad}-   use_for: 'x'\n{pad}    agent: {name}\n")),
            (_, _) => format!(
                " [{}] # flow\n",
                names.iter().map(|name| format!("{{agent: {name}}}")).collect::<Vec<_>>().join(" , ")
            ),
        };
        let names = names.into_iter().map(str::to_owned).collect();
        (format!("groups:\n  shop:\n    members:{list}    description: d # end\nsettings: {{}} # last\n"), names)
    })
}

proptest! {
    #[test]
    fn any_list_of_members_can_be_changed_and_nothing_else_is((text, names) in forms(), changes in prop::collection::vec((any::<bool>(), 0_usize..3), 1..6)) {
        let (_directory, env) = written(&text);
        let mut expected = names;
        for (adds, agent) in changes {
            let agent = ["a", "b", "c"][agent].to_owned();
            let there = expected.contains(&agent);
            let done = if adds { add_members(&env, "shop", &[member(&agent)]) } else { remove_members(&env, "shop", std::slice::from_ref(&agent)) };
            prop_assert_eq!(done.is_ok(), adds != there, "{}: {:?}\n{}", agent, done, file(&env));
            if adds && !there {
                expected.push(agent);
            } else if !adds {
                expected.retain(|name| *name != agent);
            }
            prop_assert_eq!(&members(&env, "shop"), &expected, "{}", file(&env));
        }
        let after = file(&env);
        prop_assert!(after.starts_with(AGENTS) && after.ends_with("    description: d # end\nsettings: {} # last\n"), "{}", after);
    }
}
