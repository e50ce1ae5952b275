//! The plugin for Claude Code: every name that its skill and its commands give is one of the program's.

use std::collections::BTreeSet;
use std::path::Path;

use agent_dispatch::machines::answer::ErrorType;
use agent_dispatch::mcp::table::ToolEffect;
use agent_dispatch::mcp::tools::{self, ROWS};
use serde_json::Value;
use strum::VariantArray;

use super::{read, source};

const SKILL: &str = "plugin/agent-dispatch/skills/delegate/SKILL.md";
const COMMANDS: &str = "plugin/agent-dispatch/commands";
/// How Claude Code names the tools of a plugin's server.
const TOOL: &str = "mcp__plugin_agent-dispatch_agent-dispatch__";
/// What the skill costs when it is read: about four characters are a token.
const SKILL_CHARS: usize = 4_000;

/// What stands in single backticks.
fn quoted(text: &str) -> BTreeSet<&str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

/// Names that callers of the tools see: tools, what they take and what they answer, kinds of failure. Those of lists stand
/// in the source only.
fn is_known(name: &str) -> bool {
    let has = |schema: Option<&Value>| schema.is_some_and(|schema| schema["properties"].get(name).is_some());
    let of_tool = |tool: rmcp::model::Tool| {
        let schemas = [
            Some(Value::Object((*tool.input_schema).clone())),
            tool.output_schema.map(|schema| Value::Object((*schema).clone())),
        ];
        tool.name == name || schemas.iter().any(|schema| has(schema.as_ref()))
    };
    let of_failure = ErrorType::VARIANTS.iter().any(|kind| kind.as_str() == name);
    of_failure || ROWS.iter().any(|row| of_tool(row.to_tool())) || OTHERS.contains(&name)
}

/// Keys of `list_agents`, words of `outcome`, and what a structured answer does not promise.
const OTHERS: [&str; 8] =
    ["mcp_servers", "healthy", "typical", "partial", "blocked", "parsed_result", "success: true", "success: false"];

#[test]
fn every_name_of_the_skill_is_one_of_the_program() {
    let text = read(SKILL);
    let unknown: Vec<_> =
        quoted(&text).into_iter().filter(|name| !is_known(name) && *name != "agent-dispatch doctor").collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert!(!is_known("dispatch_later"), "the rule can fail");
    let rows: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let kinds: BTreeSet<&str> = ErrorType::VARIANTS.iter().map(|kind| kind.as_str()).chain(["error_type"]).collect();
    assert_eq!(rows, kinds, "each kind of failure has a row");
    assert!(text.chars().count() < SKILL_CHARS, "{} characters", text.chars().count());
}

#[test]
fn the_other_names_are_in_the_source() {
    let file =
        |name: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name)).unwrap();
    let files = ["config/listing.rs", "machines/status_line.rs", "machines/answer.rs"];
    let source = files.map(file).concat().to_lowercase();
    for name in OTHERS.iter().filter(|name| !name.contains(' ')) {
        assert!(source.contains(name), "{name}");
    }
}

#[test]
fn commands_name_tools_and_allow_only_those_that_read() {
    let mut allowed = 0;
    for entry in std::fs::read_dir(source(COMMANDS)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let text = read(&format!("{COMMANDS}/{name}"));
        let unknown: Vec<_> = quoted(&text).into_iter().filter(|name| !is_known(name)).collect();
        assert!(unknown.is_empty(), "{name}: {unknown:?}");
        assert!(
            text.contains("disable-model-invocation: true"),
            "{name}: the model would be told of it in every session"
        );
        for tool in
            text.lines().filter_map(|line| line.strip_prefix("allowed-tools: ")).flat_map(|line| line.split(", "))
        {
            let row = tool.strip_prefix(TOOL).and_then(tools::row).unwrap_or_else(|| panic!("{name}: {tool}"));
            assert_eq!(row.effect, ToolEffect::Reads, "{name}: {tool} would run unasked");
            allowed += 1;
        }
    }
    assert_eq!(allowed, 3);
}

#[test]
fn the_manifest_leaves_the_version_to_cargo() {
    let manifest: Value = serde_json::from_str(&read("plugin/agent-dispatch/.claude-plugin/plugin.json")).unwrap();
    assert_eq!(manifest.get("version"), None);
    let market: Value = serde_json::from_str(&read("plugin/.claude-plugin/marketplace.json")).unwrap();
    assert_eq!(market["plugins"][0]["name"], manifest["name"]);
}
