//! Hand-written cases of editing: what must stay, and what must be refused.
use agent_dispatch::config::edit::{Action, Change, EditError, Fields, Node, Section, edit};

pub fn agent(name: &str, action: Action) -> Change {
    Change { section: Section::Agents, name: name.to_owned(), action }
}

pub fn text(value: &str) -> Node {
    Node::Text(value.to_owned())
}

fn fields() -> Fields {
    vec![
        ("directory", text("/new dir/é")),
        ("timeout", Node::Whole(300)),
        ("allowed_tools", Node::List(vec!["Read".into(), "Bash(git log:*)".into(), "yes".into()])),
    ]
}

fn add() -> Change {
    agent("new", Action::Add(fields()))
}

const NEW: &str =
    "  new:\n    directory: /new dir/é\n    timeout: 300\n    allowed_tools: [Read, 'Bash(git log:*)', 'yes']\n";

#[test]
fn adding_appends_one_block_and_touches_nothing_else() {
    let agents = format!("agents:\n{NEW}");
    let cases = [
        ("", agents.clone()),
        ("# only a comment\n", format!("# only a comment\n{agents}")),
        ("# no newline", format!("# no newline\n{agents}")),
        ("agents:\n", agents.clone()),
        ("agents:", agents.clone()),
        ("agents: ~\n", agents.clone()),
        ("---\nagents: # mine\n", format!("---\nagents: # mine\n{NEW}")),
        ("agents:\n  a:\n    directory: /x", format!("agents:\n  a:\n    directory: /x\n{NEW}")),
        (
            "agents:\n  a:\n    directory: /x # keep\n\n# settings\nsettings:\n  max: 3\n",
            format!("agents:\n  a:\n    directory: /x # keep\n{NEW}\n# settings\nsettings:\n  max: 3\n"),
        ),
        ("settings:\n  unknown: 1\n", format!("settings:\n  unknown: 1\n{agents}")),
        (
            "\u{feff}agents:\r\n  a:\r\n    directory: /x\r\n",
            format!("\u{feff}agents:\n  a:\n    directory: /x\n{NEW}").replace('\n', "\r\n"),
        ),
        (
            "agents: {}\n",
            "agents: {new: {directory: /new dir/é, timeout: 300, allowed_tools: [Read, 'Bash(git log:*)', 'yes']}}\n"
                .to_owned(),
        ),
    ];
    for (before, after) in cases {
        assert_eq!(edit(before, &add()).as_ref(), Ok(&after), "adding to {before:?}");
    }
}

#[test]
fn setting_keeps_comments_and_order() {
    let before = "agents:\n  a:\n    directory: /x # keep\n    # why five\n    timeout: 5  # five\n    odd_key: 1\n  b: {directory: /y}\n";
    let change = agent("a", Action::Set(vec![("timeout", Some(Node::Whole(60))), ("model", Some(text("opus")))]));
    let after = "agents:\n  a:\n    directory: /x # keep\n    # why five\n    timeout: 60  # five\n    odd_key: 1\n    model: opus\n  b: {directory: /y}\n";
    assert_eq!(edit(before, &change).as_deref(), Ok(after));
    let change = agent("a", Action::Set(vec![("timeout", None), ("not_there", None)]));
    let after = "agents:\n  a:\n    directory: /x # keep\n    # why five\n    odd_key: 1\n  b: {directory: /y}\n";
    assert_eq!(edit(before, &change).as_deref(), Ok(after));
}

/// Between brackets and braces a colon before some characters ends a bare text, or begins a pair.
#[test]
fn a_colon_anywhere_in_a_list_or_in_braces_is_read_back() {
    for item in ["A:?", "A:,", "A:]", "A: b", "A:", ":", "Bash(git log:*)"] {
        let list = vec![("allowed_tools", Some(Node::List(vec![item.to_owned()])))];
        let after = edit("agents:\n  a:\n    directory: /x # here\n", &agent("a", Action::Set(list))).unwrap();
        let tree: serde_yaml::Value = serde_yaml::from_str(&after).unwrap();
        assert_eq!(tree["agents"]["a"]["allowed_tools"][0].as_str(), Some(item), "{after}");
        let words = vec![("description", Some(text(item)))];
        let after = edit("agents:\n  a: {directory: /x}\n", &agent("a", Action::Set(words))).unwrap();
        let tree: serde_yaml::Value = serde_yaml::from_str(&after).unwrap();
        assert_eq!(tree["agents"]["a"]["description"].as_str(), Some(item), "{after}");
    }
}

#[test]
fn removing_the_last_agent_leaves_an_empty_mapping() {
    let before = "# top\nagents:\n  a:\n    directory: /x\n# end\nsettings: {}\n";
    assert_eq!(edit(before, &agent("a", Action::Remove)).as_deref(), Ok("# top\nagents: {}\n# end\nsettings: {}\n"));
}

#[test]
fn entries_of_flow_mappings_of_several_lines_can_be_removed() {
    for (before, name, after) in [
        (
            "agents: {\n  a: {directory: /x}, # first\n  b: {directory: /y} # last\n}\n",
            "b",
            "agents: {\n  a: {directory: /x}, # first\n}\n",
        ),
        (
            "agents: {\n  a: {directory: /x}, # first\n  b: {directory: /y}, # last\n}\n",
            "b",
            "agents: {\n  a: {directory: /x}, # first\n}\n",
        ),
        (
            "agents: {\n  a: {directory: /x},\n  b: {directory: /y}\n} # end\nsettings: {}\n",
            "a",
            "agents: {\n  b: {directory: /y}\n} # end\nsettings: {}\n",
        ),
        ("agents: {\n  a: {\n    directory: /x,\n  },\n}\n# end\n", "a", "agents: {\n}\n# end\n"),
        ("agents: { # mine\n  a: {directory: /x} }\n", "a", "agents: { # mine\n   }\n"),
        ("agents: {a: {directory: /x},\n  b: {directory: /y}}\n", "b", "agents: {a: {directory: /x}}\n"),
        ("agents: {a: {directory: /x},\n  b: {directory: /y}}\n", "a", "agents: {b: {directory: /y}}\n"),
        (
            "agents: {a: {directory: /x}, b: {directory: /y}, c: {directory: /z}}\n",
            "b",
            "agents: {a: {directory: /x}, c: {directory: /z}}\n",
        ),
        ("{agents: {\n  a: {directory: /x},\n  b: {directory: /y}}}\n", "b", "{agents: {\n  a: {directory: /x}}}\n"),
    ] {
        assert_eq!(edit(before, &agent(name, Action::Remove)).as_deref(), Ok(after), "{name} of\n{before}");
    }
}

#[test]
fn keys_of_flow_mappings_of_several_lines_can_be_removed() {
    let unset = |key| agent("a", Action::Set(vec![(key, None)]));
    let before = "agents:\n  a: {\n    directory: /x, # here\n    model: opus, # mine\n    timeout: 5\n  }\n";
    let after = before.replace("    timeout: 5\n", "");
    assert_eq!(edit(before, &unset("timeout")).as_deref(), Ok(after.as_str()));
    let after = before.replace("    model: opus, # mine\n", "");
    assert_eq!(edit(before, &unset("model")).as_deref(), Ok(after.as_str()));
}

#[test]
fn a_block_text_at_the_end_does_not_take_what_follows_with_it() {
    let before =
        "agents: # mine\n  a:\n    directory: /x\n    instructions: |\n      one\n\n# settings\nsettings: {}\n";
    let after = "agents: {} # mine\n\n# settings\nsettings: {}\n";
    assert_eq!(edit(before, &agent("a", Action::Remove)).as_deref(), Ok(after));
}

#[test]
fn names_that_yaml_reads_as_something_else_are_found() {
    let before = "agents:\n  5: {directory: /x}\n  'true': {directory: /y}\n  null: {directory: /z}\n";
    for name in ["5", "true"] {
        let after = edit(before, &agent(name, Action::Remove)).unwrap();
        assert!(!after.contains(&format!("{name}: ")) && after.contains("/z"), "{name}: {after}");
    }
}

#[test]
fn what_aliases_depend_on_is_refused_with_its_line() {
    let before = "agents:\n  a: &a\n    directory: /x\n    timeout: 5\n  b: *a\n  c:\n    <<: *a\n";
    let set = agent("a", Action::Set(vec![("timeout", Some(Node::Whole(9)))]));
    let refused = |path: &str, line| Err(EditError::Refused { path: path.to_owned(), line: Some(line) });
    assert_eq!(edit(before, &set), refused("agents.a.timeout", 4));
    assert_eq!(edit(before, &agent("a", Action::Remove)), refused("agents.a", 2));
    let after = edit(before, &agent("b", Action::Remove)).unwrap();
    assert_eq!(after, before.replace("  b: *a\n", ""));
    assert!(edit(before, &agent("c", Action::Set(vec![("timeout", Some(Node::Whole(9)))]))).is_ok());
}

#[test]
fn of_a_name_given_twice_the_one_that_counts_is_changed_and_none_removed() {
    let before = "agents:\n  a:\n    directory: /x\n  a:\n    directory: /y\n";
    let set = agent("a", Action::Set(vec![("timeout", Some(Node::Whole(9)))]));
    assert_eq!(edit(before, &set), Ok(format!("{before}    timeout: 9\n")));
    assert!(matches!(edit(before, &agent("a", Action::Remove)), Err(EditError::Refused { line: Some(4), .. })));
}

#[test]
fn broken_files_are_refused_with_position() {
    for (before, line) in [("agents: [\n", 1), ("agents:\n\ta: 1\n", 2), ("a: 1\n---\nb: 1\n", 2)] {
        let Err(EditError::Broken(problem)) = edit(before, &add()) else { panic!("{before:?} was edited") };
        assert_eq!(problem.line, Some(line), "{before:?}: {problem}");
    }
    assert!(matches!(edit(&"[".repeat(1_000_000), &add()), Err(EditError::Broken(_))));
    assert!(matches!(edit("agents: 5\n", &add()), Err(EditError::Refused { line: Some(1), .. })));
    assert!(matches!(edit("- 1\n", &add()), Err(EditError::Refused { .. })));
}

#[test]
fn presence_is_checked() {
    let before = "agents: {a: {directory: /x}}\n";
    assert_eq!(edit(before, &agent("a", Action::Add(fields()))), Err(EditError::Exists("agents.a".to_owned())));
    assert_eq!(edit(before, &agent("b", Action::Remove)), Err(EditError::Missing("agents.b".to_owned())));
    assert_eq!(edit("", &agent("b", Action::Set(vec![]))), Err(EditError::Missing("agents.b".to_owned())));
}

#[test]
fn groups_are_entries_too() {
    let members = vec![vec![("agent", text("a")), ("use_for", text("deploy: all"))], vec![("agent", text("b"))]];
    let change = Change {
        section: Section::Groups,
        name: "shop".to_owned(),
        action: Action::Add(vec![("description", text("two\nlines")), ("members", Node::Tables(members))]),
    };
    let after = edit("agents:\n  a:\n    directory: /x\n", &change).unwrap();
    let config = agent_dispatch::config::read::parse_text("/c/agents.yaml".as_ref(), &after, None).unwrap();
    let group = config.group("shop").unwrap().valid().unwrap();
    assert_eq!(group.description, "two\nlines");
    assert_eq!(group.members[0].use_for.as_deref(), Some("deploy: all"));
    assert_eq!(group.members[1].agent, "b");
}
