//! Random files and random changes: an edit changes its own node and not one byte elsewhere.
use agent_dispatch::config::edit::{Action, EditError, Node, edit};
use agent_dispatch::config::read::parse_text;
use proptest::prelude::*;

use super::edit::{agent, text};

/// One agent as it stands in a file, comments and blank lines before it included.
fn entry(indent: usize) -> impl Strategy<Value = (String, bool)> {
    let outer = " ".repeat(indent);
    let inner = " ".repeat(indent * 2);
    let before = prop::sample::select(vec!["", "# note\n", "\n", "\n\n# note: x\n", "IN# own\n"]);
    let timeout = prop::sample::select(vec!["", "timeout: 5", "timeout: '5'  # five", "\"timeout\": 5", "timeout:"]);
    let tools = prop::sample::select(vec![
        "",
        "allowed_tools: []",
        "allowed_tools: [Read, 'Gr ep'] # why",
        "allowed_tools:\nIN  - Read # r\nIN  - Grep",
        "allowed_tools:\nIN- Read\nIN- Grep",
        "allowed_tools: [Read,\nIN  Grep]",
    ]);
    let words = prop::sample::select(vec![
        "",
        "description: plain",
        "description: \"a: b # c\"",
        "description: |\nIN  one\nIN  # no comment\n\nIN  two",
        "description: >-\nIN  one\nIN  two",
        "description: one\nIN  two",
        "instructions: |+\nIN  keep\n\n",
    ]);
    let flow = prop::bool::weighted(0.2);
    (before, timeout, tools, words, flow, any::<bool>()).prop_map(
        move |(before, timeout, tools, words, flow, blank)| {
            let head = before.replace("IN", &outer);
            if flow {
                return (format!("{head}{outer}NAME: {{directory: /x, timeout: 5}}\n"), true);
            }
            let mut body = format!("{head}{outer}NAME:\n{inner}directory: /x # here\n");
            for part in [timeout, tools, words] {
                if !part.is_empty() {
                    body.push_str(&format!("{inner}{}\n", part.replace("IN", &inner)));
                }
                if blank && !part.is_empty() && !part.contains("|+") {
                    body.push('\n');
                }
            }
            (body, false)
        },
    )
}

#[derive(Debug, Clone)]
struct File {
    head: &'static str,
    entries: Vec<String>,
    tail: &'static str,
    windows: bool,
}

fn file() -> impl Strategy<Value = File> {
    let entries =
        prop::sample::select(vec![2usize, 4]).prop_flat_map(|indent| prop::collection::vec(entry(indent), 1..5));
    let head = prop::sample::select(vec![
        "agents:\n",
        "# top\n\nagents: # mine\n",
        "---\nagents:\n",
        "groups:\n  g: {members: []} # none\nagents:\n",
        "x-base: &b {model: opus}\nagents:\n",
    ]);
    let tail = prop::sample::select(vec![
        "",
        "settings: {unknown: 1}\n",
        "# end\n",
        "\n# settings\nsettings:\n  max_concurrency: 2\n",
        "...\n",
    ]);
    (head, entries, tail, any::<bool>()).prop_map(|(head, entries, tail, windows)| {
        let named = |(index, (text, _)): (usize, (String, bool))| text.replace("NAME", &format!("agent{index}"));
        File { head, entries: entries.into_iter().enumerate().map(named).collect(), tail, windows }
    })
}

impl File {
    fn join(&self, parts: &[String]) -> String {
        let text = format!("{}{}{}", self.head, parts.concat(), self.tail);
        self.form(text)
    }

    fn form(&self, text: String) -> String {
        if self.windows { text.replace('\n', "\r\n") } else { text }
    }
}

fn value() -> impl Strategy<Value = (&'static str, Node)> {
    let indicators = "[a-z#:?,{}\\[\\]&*!%@`\n\t '\"|>-]{0,20}";
    let words = prop_oneof!["[ -~]{0,12}", "\\PC{0,12}", indicators, Just("no".to_owned())];
    prop_oneof![
        (0u64..10_000).prop_map(|seconds| ("timeout", Node::Whole(seconds))),
        (0.0..100.0f64).prop_map(|dollars| ("max_budget_usd", Node::Number(dollars))),
        prop::collection::vec(words.clone(), 0..4).prop_map(|items| ("allowed_tools", Node::List(items))),
        // Trimmed, as every text is that comes in through the arguments of a change.
        words.clone().prop_map(|words| ("description", Node::Text(words.trim().to_owned()))),
        words.prop_map(|words| ("instructions", Node::Text(words.trim().to_owned()))),
    ]
}

fn split(file: &File, index: usize) -> (String, String, String) {
    let before = file.form(format!("{}{}", file.head, file.entries[..index].concat()));
    let after = file.form(format!("{}{}", file.entries[index + 1..].concat(), file.tail));
    (before, file.form(file.entries[index].clone()), after)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn setting_stays_within_the_entry(file in file(), pick in any::<prop::sample::Index>(), (key, node) in value()) {
        let index = pick.index(file.entries.len());
        let text = file.join(&file.entries);
        let change = agent(&format!("agent{index}"), Action::Set(vec![(key, Some(node.clone()))]));
        match edit(&text, &change) {
            Ok(after) => {
                let (before, entry, behind) = split(&file, index);
                // The blank lines behind a block text that keeps its line breaks are part of that text.
                let kept = entry.trim_end().ends_with("keep");
                let behind = if kept { behind.trim_start_matches(['\r', '\n']) } else { &behind };
                prop_assert!(after.starts_with(&before), "before the entry:\n{text}\nbecame\n{after}");
                prop_assert!(after.ends_with(behind), "behind the entry:\n{text}\nbecame\n{after}");
                let tree: serde_yaml::Value = serde_yaml::from_str(&after).unwrap();
                let found = &tree["agents"][format!("agent{index}").as_str()][key];
                match node {
                    Node::Text(words) => prop_assert_eq!(found.as_str(), Some(words.as_str())),
                    Node::Whole(number) => prop_assert_eq!(found.as_u64(), Some(number)),
                    Node::Number(number) => prop_assert_eq!(found.as_f64(), Some(number)),
                    _ => prop_assert!(found.is_sequence()),
                }
            }
            Err(error) => refused("set", &error, &text)?,
        }
    }

    #[test]
    fn adding_then_removing_gives_the_file_back(file in file(), (key, node) in value()) {
        let text = file.join(&file.entries);
        let fields = vec![("directory", self::text("/new")), (key, node)];
        let added = match edit(&text, &agent("new", Action::Add(fields))) {
            Ok(added) => added,
            Err(error) => return refused("add", &error, &text),
        };
        prop_assert!(parse_text("/c/agents.yaml".as_ref(), &added, None).unwrap().agent("new").is_some());
        match edit(&added, &agent("new", Action::Remove)) {
            Ok(removed) => prop_assert_eq!(removed, text),
            Err(error) => refused("remove the new one", &error, &added)?,
        }
    }

    #[test]
    fn removing_takes_the_entry_and_nothing_else(file in file(), pick in any::<prop::sample::Index>()) {
        let index = pick.index(file.entries.len());
        let text = file.join(&file.entries);
        match edit(&text, &agent(&format!("agent{index}"), Action::Remove)) {
            Ok(after) => {
                let config = parse_text("/c/agents.yaml".as_ref(), &after, None).unwrap();
                prop_assert_eq!(config.agents.len(), file.entries.len() - 1);
                for (other, entry) in file.entries.iter().enumerate() {
                    let entry = file.form(entry.trim_end().to_owned());
                    prop_assert!(other == index || after.contains(&entry), "{text}\nbecame\n{after}");
                }
            }
            Err(error) => refused("remove", &error, &text)?,
        }
    }
}

/// Files of usual forms can be changed in place: a refusal would send the user to the editor for nothing. The one
/// exception is a block text that keeps the blank lines behind it (`|+`), where an edit can leave other lines wrong.
fn refused(what: &str, error: &EditError, text: &str) -> Result<(), TestCaseError> {
    if text.contains("|+") { Ok(()) } else { Err(TestCaseError::fail(format!("{what}: {error}\n{text}"))) }
}
