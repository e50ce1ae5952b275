//! The JSON about agents and groups.
use std::fs;
use std::sync::LazyLock;

use agent_dispatch::config::listing::{Past, inspect_agent, inspect_group, list_agents, list_groups};
use agent_dispatch::config::model::Config;
use agent_dispatch::config::read::parse_text;
use agent_dispatch::machines::mcp_servers::Notes;
use serde_json::{Value, json};

fn none(_: &str) -> Option<Value> {
    None
}

/// Nothing is known of past runs.
fn nothing() -> Past<'static> {
    static NOTES: LazyLock<Notes> = LazyLock::new(Notes::default);
    Past { typical: &none, servers: &NOTES }
}

fn config() -> (tempfile::TempDir, Config) {
    let directory = tempfile::tempdir().unwrap();
    let project = directory.path().join("full");
    fs::create_dir_all(project.join("prisma")).unwrap();
    fs::write(project.join("CLAUDE.md"), "one\ntwo\nthree\n").unwrap();
    fs::write(project.join(".mcp.json"), r#"{"mcpServers": {"pg": {"command": "pg"}}}"#).unwrap();
    let text = "agents:\n  full: {directory: full, description: d, timeout: 9, max_turns: 20, model: opus, permission_mode: plan, allowed_tools: [], disallowed_tools: [Write], unattended_tools: [ListAgents], capabilities: [x], risky_capabilities: [y], instructions: careful, max_budget_usd: 1.5}\n  gone: {directory: gone}\n  bad: {directory: full, timeout: -1}\ngroups:\n  shop: {description: o, shared_context: facts, members: [{agent: full, use_for: all}, {agent: gone}, {agent: nobody}, {agent: bad}]}\n  broken: 5\n";
    let config = parse_text(&directory.path().join("agents.yaml"), text, None).unwrap();
    (directory, config)
}

#[test]
fn listing_has_the_keys_in_order_and_omits_what_is_empty() {
    let (directory, config) = config();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let typical = |name: &str| (name == "full").then(|| json!({"median_seconds": 3}));
    let answer = list_agents(&config, Past { typical: &typical, ..nothing() }).unwrap();
    let full = json!({"name": "full", "directory": at("full"), "description": "d", "healthy": true, "has_claude_md": true,
        "has_mcp_config": true, "mcp_servers": ["pg"], "dbs": ["Prisma"], "permission_mode": "plan", "model": "opus",
        "allowed_tools": [], "disallowed_tools": ["Write"], "unattended_tools": ["ListAgents"], "capabilities": ["x"], "risky_capabilities": ["y"],
        "typical": {"median_seconds": 3}});
    assert_eq!(answer[0].to_string(), full.to_string());
    let gone = json!({"name": "gone", "directory": at("gone"), "description": "", "healthy": false, "has_claude_md": false, "has_mcp_config": false});
    assert_eq!(answer[1].to_string(), gone.to_string());
    assert_eq!((&answer[2]["name"], &answer[2]["healthy"]), (&json!("bad"), &json!(false)));
    assert!(
        answer[2]["error"].as_str().unwrap().contains("timeout")
            && answer[2]["error"].as_str().unwrap().contains("line 4")
    );
    assert!(list_agents(&Config::default(), nothing()).unwrap_err().to_string().contains("add_agent"));
}

#[test]
fn allowed_tools_that_unattended_runs_are_denied_are_told() {
    let text = "agents:\n  a: {directory: /a, allowed_tools: [Read, SendMessage, CronCreate]}\n  b: {directory: /a}\n\
                settings: {default_allowed_tools: [ListAgents], unattended_tools: [CronCreate]}\n";
    let config = parse_text(std::path::Path::new("/agents.yaml"), text, None).unwrap();
    let listed = list_agents(&config, nothing()).unwrap();
    assert_eq!(listed[0]["allowed_without_effect"], json!(["SendMessage"]));
    assert_eq!(
        inspect_agent(&config, "b", 0, nothing(), None).unwrap()["allowed_without_effect"],
        json!(["ListAgents"])
    );
}

#[test]
fn the_mode_that_holds_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let user = directory.path().join("user");
    let write = |path: &std::path::Path, mode: &str| {
        std::fs::create_dir_all(path).unwrap();
        let text = json!({"permissions": {"defaultMode": mode}}).to_string();
        std::fs::write(path.join("settings.json"), text).unwrap();
    };
    let mode = |keys: &str, settings: &str| {
        let text = format!("agents:\n  a: {{directory: {:?}{keys}}}\n{settings}", directory.path().join("p"));
        let config = parse_text(std::path::Path::new("/agents.yaml"), &text, None).unwrap();
        let answer = inspect_agent(&config, "a", 0, nothing(), Some(user.clone())).unwrap();
        answer["effective"]["permission_mode"].as_str().unwrap().to_owned()
    };
    assert_eq!(mode("", ""), "default", "the directory is not there");
    write(&user, "bypassPermissions");
    assert_eq!(mode("", ""), "bypassPermissions");
    let project = directory.path().join("p/.claude");
    write(&project, "acceptEdits");
    assert_eq!(mode("", ""), "acceptEdits");
    assert_eq!(mode("", "settings: {default_permission_mode: plan}\n"), "plan");
    assert_eq!(mode(", permission_mode: manual", "settings: {default_permission_mode: plan}\n"), "default");
    // What a project cannot give itself, and what claude does not know.
    for said in ["auto", "bypassPermissions", "sudo"] {
        write(&project, said);
        assert_eq!(mode("", ""), "default", "{said}");
    }
}

#[test]
fn what_is_given_twice_is_told_of_the_agents_that_it_may_have_restricted() {
    let text = "agents:\n  a: {directory: /a, disallowed_tools: [Bash]}\n  b: {directory: /a, model: m, model: n}\n  a: {directory: /a}\n  \
                ab: {directory: /a}\n";
    let told = |text: &str| {
        let config = parse_text(std::path::Path::new("/agents.yaml"), text, None).unwrap();
        let listed = list_agents(&config, nothing()).unwrap();
        let name = |agent: &serde_json::Value| agent["name"].as_str().unwrap().to_owned();
        for agent in listed.as_array().unwrap() {
            let inspected = inspect_agent(&config, &name(agent), 0, nothing(), None).unwrap();
            assert_eq!(agent["given_twice"], inspected["given_twice"]);
        }
        listed.as_array().unwrap().iter().map(|agent| (name(agent), agent["given_twice"].clone())).collect::<Vec<_>>()
    };
    let entry = json!(["agents.a is given twice; only the last one counts (line 4)"]);
    let key = json!(["agents.b.model is given twice; only the last one counts (line 3)"]);
    assert_eq!(told(text), [("a".to_owned(), entry), ("b".to_owned(), key), ("ab".to_owned(), json!(null))]);
    let settings = "settings: {default_max_budget_usd: 1}\nagents:\n  a: {directory: /a}\nsettings: {}\n";
    assert!(told(settings)[0].1[0].as_str().unwrap().starts_with("settings is given twice"));
}

#[test]
fn inspecting_shows_everything() {
    let (directory, config) = config();
    let answer = inspect_agent(&config, "full", 2, nothing(), None).unwrap();
    let expected = json!({"name": "full", "directory": directory.path().join("full").to_str().unwrap(), "description": "d", "timeout": 9,
        "model": "opus", "max_budget_usd": 1.5, "max_turns": 20, "permission_mode": "plan", "allowed_tools": [], "disallowed_tools": ["Write"],
        "unattended_tools": ["ListAgents"], "effective": {"timeout": 9, "max_budget_usd": 1.5, "permission_mode": "plan", "allowed_tools": [], "disallowed_tools": ["Write"]},
        "capabilities": ["x"], "risky_capabilities": ["y"], "instructions": "careful", "healthy": true, "mcp_servers": ["pg"],
        "stacks": [], "dbs": ["Prisma"], "has_claude_md": true, "has_readme": false, "has_mcp_config": true,
        "claude_md_preview": "one\ntwo", "claude_md_truncated": true});
    assert_eq!(answer.to_string(), expected.to_string());
    for (lines, preview) in [(0, None), (-5, None), (1000, Some("one\ntwo\nthree"))] {
        let answer = inspect_agent(&config, "full", lines, nothing(), None).unwrap();
        assert_eq!(answer.get("claude_md_preview").and_then(Value::as_str), preview, "{lines}");
    }
    assert_eq!(inspect_agent(&config, "gone", 40, nothing(), None).unwrap()["timeout"], 300);
    assert_eq!(inspect_agent(&config, "bad", 40, nothing(), None).unwrap()["healthy"], false);
    let error = inspect_agent(&config, "ful", 40, nothing(), None).unwrap_err();
    assert_eq!(error.to_string(), "Unknown agent: 'ful'. Available: full, gone, bad");
}

#[test]
fn groups_flag_members_that_are_missing() {
    let (_directory, config) = config();
    let answer = list_groups(&config).unwrap();
    let members = json!([{"agent": "full", "use_for": "all", "healthy": true}, {"agent": "gone", "healthy": false},
        {"agent": "nobody", "unknown": true}, {"agent": "bad", "healthy": false}]);
    let shop = json!({"name": "shop", "description": "o", "shared_context_present": true, "member_count": 4, "members": members});
    assert_eq!(answer[0].to_string(), shop.to_string());
    assert_eq!((&answer[1]["name"], &answer[1]["healthy"]), (&json!("broken"), &json!(false)));
    let shop = inspect_group(&config, "shop").unwrap();
    assert_eq!((&shop["shared_context"], &shop["members"][0]["description"]), (&json!("facts"), &json!("d")));
    assert!(inspect_group(&config, "shp").unwrap_err().to_string().contains("Available: shop, broken"));
}
